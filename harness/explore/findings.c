#include "explore/findings.h"

#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
    struct ft_found *found;
    unsigned count;
};

static bool same_key(const struct ft_found *a, const struct ft_found *b)
{
    return a->kind == b->kind && a->rule == b->rule && a->site == b->site;
}

static bool comes_before(const struct ft_found *a, const struct ft_found *b)
{
    return a->unit != b->unit ? a->unit < b->unit : a->cell < b->cell;
}

static int by_order(const void *a, const void *b)
{
    return comes_before(a, b) ? -1 : comes_before(b, a);
}

static void merge(struct list *list, const struct ft_found *found)
{
    for (unsigned i = 0; i < list->count; i++) {
        struct ft_found *have = &list->found[i];
        uint64_t count = have->count + found->count;

        if (!same_key(have, found))
            continue;
        if (comes_before(found, have))
            *have = *found;
        have->count = count;
        return;
    }
    list->found[list->count++] = *found;
}

/* What all workers found, each key once, in the order in which one worker would have found it. */
static bool merge_all(struct ft_explore *explore, struct list *ret)
{
    ret->count = 0;
    ret->found = malloc((size_t)explore->jobs * FT_FOUND_MAX * sizeof *ret->found);
    if (!ret->found)
        return false;
    for (unsigned i = 0; i < explore->jobs; i++) {
        const struct ft_seat *seat = &explore->board->seat[i];

        explore->findings_lost += seat->found_lost;
        for (unsigned f = 0; f < seat->found_count; f++)
            merge(ret, &seat->found[f]);
    }
    qsort(ret->found, ret->count, sizeof *ret->found, by_order);
    return true;
}

/* Puts the finding that the workers met first; a run that keeps going has others before it. */
static bool put_first(struct ft_verdict *verdict, const struct ft_found *found)
{
    if (found->kind == FT_VERDICT_ERROR)
        return true;
    if (found->rule == 0)
        return verdict->kind == found->kind && verdict->finding_count == 0;
    for (unsigned i = 0; i < verdict->finding_count; i++)
        if (verdict->finding[i].rule == found->rule && verdict->finding[i].site == found->site) {
            struct ft_finding first = verdict->finding[i];

            memmove(&verdict->finding[1], &verdict->finding[0], i * sizeof first);
            verdict->finding[0] = first;
            return true;
        }
    return false;
}

static struct ft_explore_finding *find(struct ft_explore *explore, const struct ft_verdict *verdict)
{
    for (unsigned i = 0; i < explore->finding_count; i++)
        if (ft_same_finding(&explore->finding[i].verdict, verdict))
            return &explore->finding[i];
    return NULL;
}

/* "DIR/dma.flush-before-complete--PacketDpc.ftr" */
static void name_trace(const struct ft_explore *explore, const struct ft_verdict *verdict,
                       char *path, size_t capacity)
{
    const struct ft_finding *finding = &verdict->finding[0];
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(finding->rule) : NULL;
    const char *name = verdict->finding_count ? strchr(finding->function, ':') : NULL;
    char key[FT_FUNCTION_MAX] = "";

    if (name)
        snprintf(key, sizeof key, "--%.*s", (int)strcspn(name + 1, ":"), name + 1);
    snprintf(path, capacity, "%s/%s%s.ftr", explore->folder,
             rule ? rule->id : ft_verdict_name(verdict->kind), key);
    for (char *c = path + strlen(explore->folder) + 1; *c; c++)
        if (*c == '/' || *c == ' ')
            *c = '_';
}

static enum ft_status keep(struct ft_explore *explore, const struct ft_found *found,
                           const struct ft_trace *trace, bool confirmed, struct ft_error *error)
{
    struct ft_explore_finding *finding;

    if (explore->finding_count == FT_EXPLORE_FINDINGS_MAX) {
        explore->findings_lost++;
        return FT_OK;
    }
    finding = &explore->finding[explore->finding_count++];
    finding->verdict = trace->verdict;
    finding->scenario = found->scenario;
    finding->count = found->count;
    finding->events = trace->event_count;
    finding->hash = trace->hash;
    finding->confirmed = confirmed;
    finding->alone = explore->trace.event_count != 0 &&
                     ft_same_finding(&explore->trace.verdict, &trace->verdict);
    finding->known =
        explore->is_known &&
        explore->is_known(explore->context, &trace->verdict,
                          trace->verdict.kind == FT_VERDICT_CRASH && trace->event_count != 0
                              ? ft_trace_function(trace, trace->event[trace->event_count - 1].site)
                              : "");
    if (!explore->folder)
        return FT_OK;
    name_trace(explore, &trace->verdict, finding->path, sizeof finding->path);
    return ft_trace_write(finding->path, trace, error);
}

/* Another call site of a finding that we have needs no run of its own. */
static bool add_to_old(struct ft_explore *explore, const struct ft_found *found)
{
    struct ft_verdict verdict = {.kind = (enum ft_verdict_kind)found->kind,
                                 .finding_count = found->rule != 0};
    struct ft_explore_finding *old;

    verdict.finding[0].rule = found->rule;
    ft_site_resolve(explore->module, found->site, verdict.finding[0].function,
                    sizeof verdict.finding[0].function);
    old = found->kind == FT_VERDICT_ERROR ? NULL : find(explore, &verdict);
    if (old)
        old->count += found->count;
    return old != NULL;
}

static enum ft_status confirm(struct ft_explore *explore, const struct ft_found *found,
                              struct ft_error *error)
{
    struct ft_execute_options options = {.keep_going = explore->keep_going};
    struct ft_explore_finding *old;
    struct ft_trace trace;
    enum ft_status status;
    bool confirmed;

    if (add_to_old(explore, found))
        return FT_OK;
    status = ft_execute(explore->module, &found->scenario, &options, &trace, error);
    if (status != FT_OK)
        return status;
    confirmed = put_first(&trace.verdict, found);
    old = find(explore, &trace.verdict);
    if (old)
        old->count += found->count;
    else
        status = keep(explore, found, &trace, confirmed, error);
    ft_trace_free(&trace);
    return status;
}

static bool is_finding(enum ft_verdict_kind kind)
{
    return kind == FT_VERDICT_VIOLATION || kind == FT_VERDICT_CRASH || kind == FT_VERDICT_HANG;
}

enum ft_status ft_findings_collect(struct ft_explore *explore, struct ft_error *error)
{
    struct ft_found base = {.scenario = explore->base};
    enum ft_status status = FT_OK;
    struct list list;

    if (!merge_all(explore, &list))
        return ft_fail(error, FT_NO_MEMORY, 0, "no memory for the findings");
    if (is_finding(explore->trace.verdict.kind))
        status = keep(explore, &base, &explore->trace, true, error);
    for (unsigned i = 0; i < list.count && status == FT_OK; i++)
        status = confirm(explore, &list.found[i], error);
    free(list.found);
    return status;
}
