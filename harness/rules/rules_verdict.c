/* The verdict, from the findings and from how the run ended. */
#include "rules/rules_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const table_names[FT_RS_TABLE_COUNT] = {
    [FT_RS_TABLE_IRP] = "requests",
    [FT_RS_TABLE_MDL] = "MDLs",
    [FT_RS_TABLE_MAPPING] = "mappings",
    [FT_RS_TABLE_GRANT] = "adapter channel grants",
    [FT_RS_TABLE_QUEUED] = "queued channel requests",
    [FT_RS_TABLE_ADAPTER] = "adapters",
    [FT_RS_TABLE_COMMON] = "common buffers",
    [FT_RS_TABLE_ENGINE] = "engine channels",
    [FT_RS_TABLE_POOL] = "pool blocks",
    [FT_RS_TABLE_LOCK] = "spin locks held at once",
    [FT_RS_TABLE_RAISE] = "raised IRQLs",
    [FT_RS_TABLE_DPC] = "pending DPCs",
    [FT_RS_TABLE_TIMER] = "running timers",
    [FT_RS_TABLE_INTERRUPT] = "connected interrupts",
    [FT_RS_TABLE_DEVICE] = "device objects",
    [FT_RS_TABLE_LIST] = "scatter/gather lists",
    [FT_RS_TABLE_CONTROL] = "running AdapterControl routines",
    [FT_RS_TABLE_FRAME] = "driver routines at once",
    [FT_RS_TABLE_OBJECT] = "events, remove locks, work items and interfaces",
    [FT_RS_TABLE_WDF_LOCK] = "framework locks",
    [FT_RS_TABLE_WDF_REQUEST] = "framework requests",
    [FT_RS_TABLE_WDF_DMA] = "DMA enablers and transactions",
    [FT_RS_TABLE_SRB] = "SCSI request blocks at once",
};

static void copy_findings(const struct ft_rs_finding *list, unsigned count, struct ft_finding *ret)
{
    for (unsigned i = 0; i < count; i++) {
        ret[i] = (struct ft_finding){.rule = list[i].rule,
                                     .event = list[i].event,
                                     .object = list[i].object,
                                     .site = list[i].site};
    }
}

static void describe_hang(uint64_t kind, char *text, size_t capacity)
{
    static const char *const reasons[] = {"no progress", "every task is blocked in the tail",
                                          "requests are not done in the tail",
                                          "a loop without points"};

    (void)snprintf(text, capacity, "%s", reasons[kind < 4 ? kind : 0]);
}

static void describe_crash(const uint64_t *arg, char *text, size_t capacity)
{
    static const char *const reasons[] = {"fault",           "wild access",         "stack overrun",
                                          "division",        "illegal instruction", "abort",
                                          "sanitizer report"};

    (void)snprintf(text, capacity, "%s (signal %" PRIu64 ", access 0x%" PRIx64 ")",
                   reasons[arg[0] < 7 ? arg[0] : 0], arg[1], arg[2]);
}

/* How the run ended by itself, without a violation. */
static void describe_stop(const struct ft_rules *rules, struct ft_verdict *ret)
{
    const uint64_t *arg = rules->stop_arg;
    size_t capacity = sizeof(ret->detail);

    switch (rules->stop_kind) {
    case FT_EV_RUN_CRASH:
        ret->kind = FT_VERDICT_CRASH;
        describe_crash(arg, ret->detail, capacity);
        break;
    case FT_EV_RUN_BUGCHECK:
        ret->kind = FT_VERDICT_CRASH;
        (void)snprintf(ret->detail, capacity,
                       "bug check 0x%" PRIX64 " (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
                       ", 0x%" PRIx64 ")",
                       arg[0], arg[1], arg[2], arg[3], arg[4]);
        break;
    case FT_EV_RUN_HANG:
        ret->kind = FT_VERDICT_HANG;
        describe_hang(arg[0], ret->detail, capacity);
        break;
    case FT_EV_RUN_CUT:
        ret->kind = FT_VERDICT_CUT;
        (void)snprintf(ret->detail, capacity, "the step limit was reached after %" PRIu64 " steps",
                       arg[0]);
        break;
    case FT_EV_RUN_UNIMPLEMENTED:
        ret->kind = FT_VERDICT_UNJUDGED;
        (void)snprintf(ret->detail, capacity, "%.48s is not implemented", (const char *)arg);
        break;
    case FT_EV_RUN_END:
        ret->kind = FT_VERDICT_CLEAN;
        break;
    default:
        ret->kind = FT_VERDICT_UNJUDGED;
        (void)snprintf(ret->detail, capacity, "the events stop before the end of the run");
        break;
    }
}

void ft_rules_verdict(const struct ft_rules *rules, struct ft_verdict *ret)
{
    memset(ret, 0, sizeof(*ret));
    describe_stop(rules, ret);
    ret->warning_count = rules->warning_count;
    copy_findings(rules->warning, rules->warning_count, ret->warning);
    if (rules->finding_count != 0) {
        ret->kind = FT_VERDICT_VIOLATION;
        ret->finding_count = rules->finding_count;
        copy_findings(rules->finding, rules->finding_count, ret->finding);
        if (rules->stop_kind == 0 || rules->stop_kind == FT_EV_RUN_END) {
            (void)snprintf(ret->detail, sizeof(ret->detail), "%s",
                           rules->finding_lost ? "further findings are not listed" : "");
        }
    } else if (rules->overflow != FT_RS_TABLE_NONE &&
               (ret->kind == FT_VERDICT_CLEAN || ret->kind == FT_VERDICT_UNJUDGED)) {
        ret->kind = FT_VERDICT_UNJUDGED;
        (void)snprintf(ret->detail, sizeof(ret->detail), "the rules lost count: too many %s",
                       table_names[rules->overflow]);
    }
}
