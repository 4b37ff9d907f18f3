#include "replay/session.h"

#include <stdio.h>

/* The rules begin anew with each cold run; a warm run finds their state in the save point. */
static bool observe(void *state, const struct ft_event *event)
{
    struct ft_session *session = *(struct ft_session **)state;

    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(session->rules, session->keep_going, session->disabled);
    if (session->tap)
        session->tap(session->tap_state, event);
    return ft_rules_event(session->rules, event);
}

bool ft_session_open(struct ft_session *session, const struct ft_module *module, bool keep_going,
                     uint16_t disabled)
{
    static struct ft_session *current;

    session->keep_going = keep_going;
    session->disabled = disabled;
    session->tap = NULL;
    session->world = ft_world_create(module);
    if (!session->world)
        return false;
    session->rules = ft_world_reserve(session->world, ft_rules_state_bytes());
    current = session;
    ft_world_observe(session->world, observe, &current);
    return true;
}

void ft_session_close(struct ft_session *session)
{
    ft_world_destroy(session->world);
    session->world = NULL;
}

void ft_session_verdict(const struct ft_session *session, const struct ft_run_result *result,
                        struct ft_verdict *ret)
{
    ft_rules_verdict(session->rules, ret);
    if (ret->kind == FT_VERDICT_CLEAN && result->stop != FT_STOP_NONE) {
        ret->kind = result->stop == FT_STOP_CUT ? FT_VERDICT_CUT : FT_VERDICT_ERROR;
        snprintf(ret->detail, sizeof ret->detail, "the world stopped (%d) and no event says why",
                 (int)result->stop);
    }
}

void ft_session_run(struct ft_session *session, const struct ft_run_options *options,
                    struct ft_run_result *result, struct ft_verdict *verdict)
{
    ft_world_run(session->world, options, result);
    if (verdict)
        ft_session_verdict(session, result, verdict);
}
