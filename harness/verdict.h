/* How a run ended (design, section 8), as the rules, the trace and the command line share it. */
#ifndef FT_VERDICT_H
#define FT_VERDICT_H

#include <stdint.h>

/* VD(number, SYMBOL, "name"): numbers are permanent, traces store them. */
#define FT_VERDICTS(VD)                                                                            \
    VD(1, CLEAN, "clean")                                                                          \
    VD(2, VIOLATION, "violation")                                                                  \
    VD(3, CRASH, "crash")                                                                          \
    VD(4, HANG, "hang")                                                                            \
    VD(5, CUT, "cut")                                                                              \
    VD(6, DIVERGENCE, "divergence")                                                                \
    VD(7, UNJUDGED, "unjudged")                                                                    \
    VD(8, ERROR, "error")

enum ft_verdict_kind {
#define VD(number, symbol, name) FT_VERDICT_##symbol = number,
    FT_VERDICTS(VD)
#undef VD
};

enum { FT_FINDINGS_MAX = 16, FT_FUNCTION_MAX = 96 };

/* One violation: rule number, event index (1 is the first), the object concerned, the call site
 * that the rule blames. */
struct ft_finding {
    uint16_t rule;
    uint64_t event;
    uint64_t object;
    uint64_t site;
    char function[FT_FUNCTION_MAX]; /* resolved driver function and line, "packet.c:PacketDpc:212";
                                       "" if unknown */
};

struct ft_verdict {
    enum ft_verdict_kind kind;
    uint32_t finding_count; /* finding[0] is the verdict's; the others stand under `also` */
    struct ft_finding finding[FT_FINDINGS_MAX];
    uint32_t warning_count; /* W findings, never part of the exit status */
    struct ft_finding warning[FT_FINDINGS_MAX];
    char detail[160]; /* for crash, hang, cut, error, unjudged: what and where */
};

const char *ft_verdict_name(enum ft_verdict_kind kind);

#endif
