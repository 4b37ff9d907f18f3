/* Outcomes of a regression run, and the files that other tools read them from. */
#ifndef FT_REGRESS_REPORT_H
#define FT_REGRESS_REPORT_H

#include "status.h"
#include "trace/trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum ft_outcome {
    FT_OUTCOME_PENDING,    /* not run yet */
    FT_OUTCOME_PASSED,     /* the stored verdict */
    FT_OUTCOME_OTHER,      /* another verdict */
    FT_OUTCOME_DIVERGED,   /* other events than recorded */
    FT_OUTCOME_UNJUDGED,   /* this build cannot tell */
    FT_OUTCOME_BAD_FILE,   /* the trace cannot be read */
    FT_OUTCOME_MISPLACED,  /* its verdict, which came again, is not what its folder says */
    FT_OUTCOME_OWN_FAILURE /* the harness failed */
};

/* One trace. Plain data without pointers: workers fill it in shared memory. */
struct ft_regress_case {
    char path[1024];
    char driver[64];
    char mutant[64];
    char platform[256];
    char expected[256]; /* the stored verdict in words */
    char got[256];      /* what came */
    char note[448];     /* why it failed, or what else to know; "" when there is nothing to say */
    char rerun[2048];
    struct ft_verdict verdict; /* what came */
    uint32_t model;
    uint64_t events;
    uint64_t hash;
    uint64_t divergence; /* first event that is not the recorded one, where another verdict came */
    enum ft_outcome outcome;
    bool followed;    /* not replayed strictly: model or fingerprint differ */
    bool refreshed;   /* recorded again, with another verdict */
    bool known;       /* another verdict, whose findings the baseline knows */
    uint64_t used[8]; /* a bit for each entry of the baseline that it needed, and some before it */
};

const char *ft_outcome_name(enum ft_outcome outcome);

/* Writes the outcomes as JUnit XML or SARIF 2.1.0 (failures only). FT_IO with a reason otherwise.
 */
enum ft_status ft_write_junit(const char *path, const struct ft_regress_case *list, size_t count,
                              struct ft_error *error);
enum ft_status ft_write_sarif(const char *path, const struct ft_regress_case *list, size_t count,
                              struct ft_error *error);

/* A new array with one object for each case. */
json_t *ft_json_cases(const struct ft_regress_case *list, size_t count);

#endif
