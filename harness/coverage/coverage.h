/* What inputs have reached of a driver: ops, state cells, and lines of its sources.
 *
 * Order of calls: ft_inputs_add for each file or folder, ft_coverage_run, ft_lines_measure with the
 * same folder of profiles; then the report (coverage_text.c, coverage_json.c). ft_inputs_free and
 * ft_lines_free at the end. Lines are there only in a program whose driver objects count what they
 * run (flavour coverage) and for modules linked into it.
 */
#ifndef FT_COVERAGE_H
#define FT_COVERAGE_H

#include "feedback/state_cells.h"
#include "sim/module.h"
#include "sim/scenario.h"
#include "sim/world.h"
#include "status.h"
#include "verdict.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* ---- inputs.c ---- */

struct ft_inputs {
    struct ft_scenario *scenario;
    size_t count, capacity;
    size_t traces, texts, engine; /* where they came from: .ftr, .fts, an engine's corpus */
    size_t foreign;               /* traces of other drivers, left out */
    size_t unreadable;            /* files that say they are one of these and are not, left out */
};

/* Adds every trace (*.ftr), scenario (*.fts) and engine input (named by its hash, or id:… by AFL++)
 * below a folder, or that one file whatever its name; files of other names are nothing to it.
 * Traces of other drivers than `core` are counted only. */
enum ft_status ft_inputs_add(struct ft_inputs *inputs, const char *path, const char *core,
                             struct ft_error *error);
void ft_inputs_free(struct ft_inputs *inputs);

/* ---- coverage_run.c ---- */

enum { FT_OP_SLOTS = 256 };

/* Sums over all inputs. */
struct ft_reached {
    uint64_t cell[FT_CELLS_MAX];
    uint64_t fired[FT_OP_SLOTS], late[FT_OP_SLOTS], skipped[FT_OP_SLOTS];
    uint64_t met[FT_MET_POINTS], struck[FT_MET_POINTS]; /* points, and those with an op on time */
    uint64_t verdict[16];                               /* by enum ft_verdict_kind */
    uint64_t runs, died;                                /* died: inputs that ended their worker */
};

/* Writes the counters of the driver's lines to a file. Only programs of the flavour coverage have
 * it (profile_runtime.c). */
bool ft_profile_write(const char *path) __attribute__((weak));

/* Whether the driver objects of this program count their lines. */
bool ft_coverage_counts_lines(void);

/* Runs every input on the module, in `jobs` processes. Each writes its counters to a file in
 * `folder` (NULL: nowhere). `progress` may be NULL; it is called now and then with the number of
 * inputs done, and false from it leaves out the rest. */
enum ft_status ft_coverage_run(const struct ft_module *module, const struct ft_inputs *inputs,
                               unsigned jobs, const char *folder, bool (*progress)(size_t done),
                               struct ft_reached *ret, struct ft_error *error);

/* ---- coverage_lines.c ---- */

struct ft_source_function {
    char *name;
    unsigned line;
    bool reached;
};

/* Lines first..last were not reached; between them is no line that was, and at least one with code.
 */
struct ft_source_range {
    unsigned first, last;
    const char *function; /* that they are in, or NULL */
};

struct ft_source_file {
    char *path; /* as the compiler was told it */
    unsigned lines, reached;
    struct ft_source_function *function;
    struct ft_source_range *range;
    size_t function_count, functions_reached, range_count;
};

struct ft_lines {
    struct ft_source_file *file; /* in the order of their names */
    size_t count;
    char missing[256]; /* why there are none; "" when there are */
};

/* Merges the profiles in `folder` and asks llvm-cov for the lines of the module's sources. `html`
 * receives the annotated sources; NULL: none. */
enum ft_status ft_lines_measure(const struct ft_module *module, const char *folder,
                                const char *html, struct ft_lines *ret, struct ft_error *error);
void ft_lines_free(struct ft_lines *lines);

/* ---- coverage_text.c, coverage_json.c ---- */

struct ft_coverage {
    const struct ft_module *module;
    const struct ft_inputs *inputs;
    const struct ft_reached *reached;
    const struct ft_lines *lines;
};

/* How many of the cells with that class and phase were reached, and how many there are. */
unsigned ft_coverage_cells(const struct ft_reached *reached, enum ft_cell_class class_,
                           enum ft_cell_phase phase, unsigned *of);
/* The same by class and machine: any phase. */
unsigned ft_coverage_machine(const struct ft_reached *reached, enum ft_cell_machine machine,
                             unsigned *of);
/* All cells of their own; *unexpected: classes whose unexpected cell was reached. */
unsigned ft_coverage_total(const struct ft_reached *reached, unsigned *of, unsigned *unexpected);

void ft_coverage_print(const struct ft_coverage *coverage, bool colour, FILE *out);
json_t *ft_coverage_json(const struct ft_coverage *coverage);

#endif
