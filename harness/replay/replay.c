/* Replay: the same scenario again, compared with what was recorded. */
#include "replay/execute.h"

#include "sim/world.h"

#include <string.h>

/* Everything but the call site: that one is bound to the compiler. */
static bool same_event(const struct ft_event *a, const struct ft_event *b)
{
    struct ft_event left = *a, right = *b;

    left.site = right.site = 0;
    return memcmp(&left, &right, sizeof left) == 0;
}

static uint64_t first_difference(const struct ft_trace *a, const struct ft_trace *b)
{
    uint64_t common = a->event_count < b->event_count ? a->event_count : b->event_count;

    for (uint64_t i = 0; i < common; i++)
        if (!same_event(&a->event[i], &b->event[i]))
            return i + 1;
    return a->event_count == b->event_count ? 0 : common + 1;
}

/* The function's name without its line: "file.c:Function:12" to "file.c:Function". */
static size_t function_length(const char *function)
{
    const char *colon = strrchr(function, ':');

    return colon ? (size_t)(colon - function) : strlen(function);
}

bool ft_same_finding(const struct ft_verdict *a, const struct ft_verdict *b)
{
    const char *left = a->finding[0].function, *right = b->finding[0].function;

    if (a->kind != b->kind || (a->finding_count == 0) != (b->finding_count == 0))
        return false;
    if (a->finding_count == 0)
        return true;
    return a->finding[0].rule == b->finding[0].rule &&
           function_length(left) == function_length(right) &&
           memcmp(left, right, function_length(left)) == 0;
}

static enum ft_status check_strict(const struct ft_module *module, const struct ft_trace *recorded,
                                   struct ft_error *error)
{
    if (recorded->model != FT_MODEL_NUMBER)
        return ft_fail(error, FT_USAGE, 0,
                       "the trace is of model %u, this program is model %d; replay with --follow",
                       recorded->model, FT_MODEL_NUMBER);
    if (strcmp(recorded->fingerprint, module->fingerprint) != 0)
        return ft_fail(error, FT_USAGE, 0,
                       "the driver has changed (fingerprint %s, recorded %s); replay with --follow",
                       module->fingerprint, recorded->fingerprint);
    return FT_OK;
}

enum ft_status ft_replay(const struct ft_module *module, const struct ft_trace *recorded,
                         bool follow, const struct ft_execute_options *options,
                         struct ft_trace *ret, uint64_t *divergence, struct ft_error *error)
{
    enum ft_status status = follow ? FT_OK : check_strict(module, recorded, error);

    *divergence = 0;
    if (status == FT_OK)
        status = ft_execute(module, &recorded->scenario, options, ret, error);
    if (status != FT_OK || follow)
        return status;
    *divergence = first_difference(recorded, ret);
    if (*divergence)
        ret->verdict.kind = FT_VERDICT_DIVERGENCE;
    return FT_OK;
}
