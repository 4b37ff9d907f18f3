/* Findings that do not count: from a baseline file and from --ignore.
 *
 * A file has one entry a line: rule, function, reason to the end of the line. `#` begins a comment
 * line. The rule is an id or alias, or `crash` or `hang`. The function is "Function",
 * "file.c:Function", "file.c:Function:line" as reports have it, `-` for a finding without one, or
 * `*` for any.
 */
#ifndef FT_BASELINE_H
#define FT_BASELINE_H

#include "status.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    FT_BASELINE_MAX = 512,
    FT_BASELINE_REASON = 128,
    FT_BASELINE_FILE_MAX = 1 << 20 /* bytes */
};

struct ft_baseline_entry {
    uint16_t rule; /* 0: not a rule, see kind */
    uint8_t kind;  /* enum ft_verdict_kind of `crash` and `hang`, 0 for a rule */
    bool used;
    unsigned line; /* of the file, 0: --ignore */
    char function[FT_FUNCTION_MAX];
    char reason[FT_BASELINE_REASON];
    char text[FT_FUNCTION_MAX + 64]; /* "rule function", to complain with */
};

struct ft_baseline {
    unsigned count;
    struct ft_baseline_entry entry[FT_BASELINE_MAX];
};

/* Adds the entries of a text; error->offset is the line. */
enum ft_status ft_baseline_parse(struct ft_baseline *baseline, const char *text, size_t length,
                                 struct ft_error *error);

/* The same of a file. */
enum ft_status ft_baseline_read(struct ft_baseline *baseline, const char *path,
                                struct ft_error *error);

/* Adds RULE[:FUNCTION]. */
enum ft_status ft_baseline_ignore(struct ft_baseline *baseline, const char *text,
                                  struct ft_error *error);

/* The entry that covers a finding (and marks it used), or one that covers a crash or a hang in that
 * function; NULL: none. */
const struct ft_baseline_entry *ft_baseline_finding(struct ft_baseline *baseline,
                                                    const struct ft_finding *finding);
const struct ft_baseline_entry *ft_baseline_stop(struct ft_baseline *baseline,
                                                 enum ft_verdict_kind kind, const char *function);

#endif
