/* A session: one world with its rules, in this process. The fuzz targets use it as it is; execute.c
 * puts a worker process around it.
 *
 * Order of calls: ft_session_open, ft_session_run for each scenario, ft_session_close. One session
 * at a time.
 */
#ifndef FT_SESSION_H
#define FT_SESSION_H

#include "rules/rules.h"
#include "sim/world.h"

struct ft_session {
    struct ft_world *world;
    struct ft_rules *rules;
    bool keep_going;
    uint16_t disabled;
    ft_observer *tap; /* also sees every event, when not NULL; what it returns is ignored */
    void *tap_state;
};

/* Builds the world for a module. False: the reason stands on standard error. */
bool ft_session_open(struct ft_session *session, const struct ft_module *module, bool keep_going,
                     uint16_t disabled);
void ft_session_close(struct ft_session *session);

/* Runs; *verdict may be NULL. */
void ft_session_run(struct ft_session *session, const struct ft_run_options *options,
                    struct ft_run_result *result, struct ft_verdict *verdict);

/* Adds to the rules' verdict what the world knows and no event says: a log that was too small. */
void ft_session_verdict(const struct ft_session *session, const struct ft_run_result *result,
                        struct ft_verdict *ret);

#endif
