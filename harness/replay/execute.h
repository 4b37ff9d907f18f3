/* Runs a scenario in a forked worker and makes a trace of it, whatever the driver does to the
 * process.
 *
 * The worker writes events to shared memory; the parent watches it with a limit of host CPU time
 * (the only use of real time), and adds run:crash or run:hang itself when the worker died or spun
 * before it could.
 */
#ifndef FT_EXECUTE_H
#define FT_EXECUTE_H

#include "sim/module.h"
#include "status.h"
#include "trace/trace.h"

#include <stdbool.h>
#include <stdint.h>

struct ft_execute_options {
    bool keep_going;      /* record violations and run on */
    bool cold;            /* never use the warm save point */
    bool brief;           /* of a clean run only the sites of warnings are resolved */
    bool in_process;      /* no fork: the caller debugs or is a fuzz engine */
    uint64_t stop_at;     /* SIGTRAP before this event, 0: never; implies in_process */
    uint16_t disabled;    /* rule that must not judge, 0: none */
    uint32_t cpu_seconds; /* host CPU time before a loop is a hang; 0: 5 */
};

/* All modules linked into this program, or loaded with ft_module_load. */
size_t ft_module_count(void);
const struct ft_module *ft_module_at(size_t index);
const struct ft_module *ft_module_find(const char *core, const char *mutant);
enum ft_status ft_module_load(const char *path, const struct ft_module **ret,
                              struct ft_error *error);

/* The description as lines key=value (same convention as snprintf). */
size_t ft_description_print(const struct ft_description *description, char *text, size_t capacity);

/* Runs the scenario; *ret is a complete trace with verdict and resolved call sites, to be freed by
 * the caller. */
enum ft_status ft_execute(const struct ft_module *module, const struct ft_scenario *scenario,
                          const struct ft_execute_options *options, struct ft_trace *ret,
                          struct ft_error *error);

/* Replays a trace on a module. Strict: same model number and fingerprint, event for event; verdict
 * DIVERGENCE and the first different event in *divergence (1 is the first, 0 none) otherwise.
 * Follow: compares (rule, driver function) only. */
enum ft_status ft_replay(const struct ft_module *module, const struct ft_trace *recorded,
                         bool follow, const struct ft_execute_options *options,
                         struct ft_trace *ret, uint64_t *divergence, struct ft_error *error);

/* How far ft_replay_near looks. */
enum { FT_NEAR = 6 };

/* For a driver that has changed since, on which the scenario of a trace no longer leads to its
 * finding: runs the scenario with one count of one op larger or smaller, the nearest first, until
 * the finding comes; if it does not, the first run that broke its rule will do. Then *ret is the
 * trace of that run and *moved the op (1 is the first); 0: the rule did not come, and *ret is not
 * set. */
enum ft_status ft_replay_near(const struct ft_module *module, const struct ft_trace *recorded,
                              const struct ft_execute_options *options, struct ft_trace *ret,
                              unsigned *moved, struct ft_error *error);

/* True when two verdicts are the same finding: kind, rule and driver function (without its line).
 */
bool ft_same_finding(const struct ft_verdict *a, const struct ft_verdict *b);

/* Resolves a call site of a module to "file.c:Function:line" (through the program's own debug
 * information). */
void ft_site_resolve(const struct ft_module *module, uint64_t site, char *text, size_t capacity);

enum { FT_SOURCE_MAX = 512 };

/* The paths of a module's sources, and of the headers beside them, as its debug information has
 * them. Returns how many; those beyond `capacity` are left out. */
size_t ft_module_sources(const struct ft_module *module, char (*ret)[FT_SOURCE_MAX],
                         size_t capacity);

#endif
