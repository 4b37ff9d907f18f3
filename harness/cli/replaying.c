/* Replay and comparison of verdicts, across flavours too. */
#include "cli/replaying.h"
#include "report/difference.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"
#include "scenario/scenario_codec.h"

#include "sim/world.h"

#include <inttypes.h>
#include <string.h>

int ft_outcome_exit(enum ft_outcome outcome)
{
    switch (outcome) {
    case FT_OUTCOME_PASSED:
        return FT_EXIT_OK;
    case FT_OUTCOME_OTHER:
        return FT_EXIT_FINDING;
    case FT_OUTCOME_DIVERGED:
        return FT_EXIT_DIVERGENCE;
    case FT_OUTCOME_BAD_FILE:
    case FT_OUTCOME_MISPLACED:
        return FT_EXIT_USAGE;
    case FT_OUTCOME_UNJUDGED:
        return FT_EXIT_NO_VERDICT;
    case FT_OUTCOME_PENDING:
    case FT_OUTCOME_OWN_FAILURE:
        break;
    }
    return FT_EXIT_FAILURE;
}

const char *ft_why_not_strict(const struct ft_module *module, const struct ft_trace *recorded)
{
    if (recorded->model != FT_MODEL_NUMBER) {
        return "the trace has another model number";
    }
    if (strcmp(recorded->fingerprint, module->fingerprint) != 0) {
        return "the driver has changed since";
    }
    return NULL;
}

/* No verdict now, where there was one. */
static bool has_no_verdict(enum ft_verdict_kind kind)
{
    return kind == FT_VERDICT_CUT || kind == FT_VERDICT_UNJUDGED;
}

/* A crash that another flavour saw. Sanitizers see more than the processor does, and the processor
 * sees what is not instrumented. */
static enum ft_outcome compare_crash(const struct ft_trace *recorded, struct ft_replayed *ret)
{
    if (ret->trace.verdict.kind == FT_VERDICT_CRASH) {
        snprintf(ret->note, sizeof(ret->note),
                 "it crashes here too; events differ with the flavour");
        return FT_OUTCOME_PASSED;
    }
    snprintf(ret->note, sizeof(ret->note),
             "flavour %s saw a crash that flavour %s may not see: replay with --flavour %s",
             recorded->flavour, ret->trace.flavour, recorded->flavour);
    return FT_OUTCOME_UNJUDGED;
}

bool ft_same_strictly(const struct ft_verdict *a, const struct ft_verdict *b)
{
    if (a->kind != b->kind || a->finding_count != b->finding_count) {
        return false;
    }
    return a->finding_count == 0 ||
           (a->finding[0].rule == b->finding[0].rule && a->finding[0].event == b->finding[0].event);
}

static enum ft_outcome compare_verdicts(const struct ft_trace *recorded, bool strict,
                                        struct ft_replayed *ret)
{
    const struct ft_verdict *now = &ret->trace.verdict;
    bool other_flavour = strcmp(recorded->flavour, ret->trace.flavour) != 0;
    char stored[200], came[200];

    if (strict ? ft_same_strictly(&recorded->verdict, now)
               : ft_same_finding(&recorded->verdict, now)) {
        return FT_OUTCOME_PASSED;
    }
    if (now->kind == FT_VERDICT_ERROR) {
        snprintf(ret->note, sizeof(ret->note), "%s", now->detail);
        return FT_OUTCOME_OWN_FAILURE;
    }
    if (other_flavour && recorded->verdict.kind == FT_VERDICT_CRASH) {
        return compare_crash(recorded, ret);
    }
    ft_verdict_print(&recorded->verdict, stored, sizeof(stored));
    ft_verdict_print(now, came, sizeof(came));
    snprintf(ret->note, sizeof(ret->note), "stored: %.110s; now: %.110s", stored, came);
    return has_no_verdict(now->kind) ? FT_OUTCOME_UNJUDGED : FT_OUTCOME_OTHER;
}

/* The replay went another way. Between flavours that is no divergence when one of them crashed: the
 * events before are the same as far as both ran. */
static enum ft_outcome judge_divergence(const struct ft_trace *recorded, bool keep_going,
                                        struct ft_replayed *ret, struct ft_error *error)
{
    bool other_flavour = strcmp(recorded->flavour, ret->trace.flavour) != 0;
    struct ft_verdict now;

    if (!ft_judge_trace(&ret->trace, keep_going, &now)) {
        ft_fail(error, FT_NO_MEMORY, 0, "no memory to judge the replay");
        return FT_OUTCOME_OWN_FAILURE;
    }
    if (other_flavour &&
        (recorded->verdict.kind == FT_VERDICT_CRASH || now.kind == FT_VERDICT_CRASH)) {
        ret->trace.verdict = now;
        return compare_verdicts(recorded, false, ret);
    }
    snprintf(ret->note, sizeof(ret->note), "event %" PRIu64 " is not the recorded one",
             ret->divergence);
    return FT_OUTCOME_DIVERGED;
}

static const char *event_name(const struct ft_trace *trace, uint64_t event)
{
    const struct ft_event_row *row =
        event <= trace->event_count ? ft_event_row(trace->event[event - 1].kind) : NULL;

    return event > trace->event_count ? "the end" : row != NULL ? row->name : "unknown";
}

/* A followed run that ended otherwise: says where it left the recorded one. */
static void name_departure(const struct ft_trace *recorded, struct ft_replayed *ret)
{
    uint64_t event = ft_first_departure(recorded, &ret->trace);
    size_t length = strlen(ret->note);

    ret->divergence = event;
    if (event != 0) {
        snprintf(ret->note + length, sizeof(ret->note) - length,
                 "%sfirst difference at event %" PRIu64 ": %s, recorded %s",
                 length != 0 ? "; " : "", event, event_name(&ret->trace, event),
                 event_name(recorded, event));
    }
}

/* The rule came, in another function; or there is none to come. */
static bool same_rule(const struct ft_trace *recorded, const struct ft_replayed *ret)
{
    const struct ft_verdict *then = &recorded->verdict, *now = &ret->trace.verdict;

    return then->finding_count == 0 ||
           (now->finding_count != 0 && then->finding[0].rule == now->finding[0].rule);
}

/* The rule did not come. Looks for it near by, and takes the run that it comes in. */
static enum ft_status look_near(const struct ft_module *module, const struct ft_trace *recorded,
                                const struct ft_execute_options *options, struct ft_replayed *ret,
                                struct ft_error *error)
{
    struct ft_trace near;
    unsigned moved = 0;
    char was[96], is[96];
    size_t length;
    enum ft_status status = ft_replay_near(module, recorded, options, &near, &moved, error);

    if (status != FT_OK || moved == 0) {
        return status;
    }
    ft_op_print(&recorded->scenario.op[moved - 1], was, sizeof(was));
    ft_op_print(&near.scenario.op[moved - 1], is, sizeof(is));
    ft_trace_free(&ret->trace);
    ret->trace = near;
    ret->note[0] = '\0';
    ret->outcome = compare_verdicts(recorded, false, ret);
    length = strlen(ret->note);
    snprintf(ret->note + length, sizeof(ret->note) - length,
             "%sits moment has moved: %s, recorded %s", length != 0 ? "; " : "", is, was);
    return FT_OK;
}

enum ft_status ft_replay_compare(const struct ft_module *module, const struct ft_trace *recorded,
                                 enum ft_replay_way way, bool keep_going, struct ft_replayed *ret,
                                 struct ft_error *error)
{
    bool follow = way != FT_REPLAY_STRICT;
    struct ft_execute_options options = {.keep_going = keep_going || ft_kept_going(recorded)};
    enum ft_status status;

    memset(ret, 0, sizeof(*ret));
    status = ft_replay(module, recorded, follow, &options, &ret->trace, &ret->divergence, error);
    if (status != FT_OK) {
        return status;
    }
    ret->outcome = ret->divergence != 0 ? judge_divergence(recorded, options.keep_going, ret, error)
                                        : compare_verdicts(recorded, !follow, ret);
    if (way == FT_REPLAY_FOLLOW_NEAR && ret->outcome == FT_OUTCOME_OTHER &&
        !same_rule(recorded, ret)) {
        status = look_near(module, recorded, &options, ret, error);
    }
    if (follow && (ret->outcome == FT_OUTCOME_OTHER || ret->outcome == FT_OUTCOME_UNJUDGED)) {
        name_departure(recorded, ret);
    }
    if (status != FT_OK) {
        ft_trace_free(&ret->trace);
    }
    return status;
}
