#include "replay/finding_id.h"

#include "replay/execute.h"

#include <string.h>

bool ft_is_stop_event(const struct ft_event *event)
{
    return event->kind == FT_EV_RUN_CRASH || event->kind == FT_EV_RUN_HANG ||
           event->kind == FT_EV_RUN_BUGCHECK;
}

const struct ft_event *ft_stop_event(const struct ft_event *event, uint64_t count)
{
    for (uint64_t i = count; i-- > 0;)
        if (ft_is_stop_event(&event[i]))
            return &event[i];
    return NULL;
}

/* Rule and site of a finding; a stop's event takes the place of the rule. */
struct identity {
    uint64_t what, site;
};

static struct identity identify(const struct ft_verdict *verdict, const struct ft_event *stop)
{
    if (verdict->finding_count > 0)
        return (struct identity){verdict->finding[0].rule, verdict->finding[0].site};
    return stop ? (struct identity){(uint64_t)stop->kind << 32 | (uint32_t)stop->arg[0], stop->site}
                : (struct identity){0};
}

static void cut_line(char *function)
{
    char *colon = strrchr(function, ':');

    if (colon)
        *colon = '\0';
}

/* "file.c:Function" of a site, without its line. */
static void name_function(const struct ft_finding_id *id, uint64_t site, char *text,
                          size_t capacity)
{
    ft_site_resolve(id->module, site, text, capacity);
    cut_line(text);
}

static bool same_function(struct ft_finding_id *id, uint64_t site)
{
    char function[FT_FUNCTION_MAX];
    unsigned at;

    for (unsigned i = 0; i < id->site_count; i++)
        if (id->site[i].site == site)
            return id->site[i].same;
    if (id->site_count == FT_FINDING_SITES)
        id->site_count = 0;
    at = id->site_count++;
    name_function(id, site, function, sizeof function);
    id->site[at].site = site;
    id->site[at].same = strcmp(function, id->function) == 0;
    return id->site[at].same;
}

void ft_finding_id_init(struct ft_finding_id *id, const struct ft_module *module,
                        const struct ft_verdict *wanted)
{
    memset(id, 0, sizeof *id);
    id->module = module;
    id->wanted = wanted;
    if (wanted->finding_count == 0)
        return;
    id->what = wanted->finding[0].rule;
    memcpy(id->function, wanted->finding[0].function, sizeof id->function);
    cut_line(id->function);
}

bool ft_finding_id_same(struct ft_finding_id *id, const struct ft_verdict *verdict,
                        const struct ft_event *stop)
{
    const struct ft_verdict *wanted = id->wanted;
    struct identity identity;

    if (verdict->kind != wanted->kind ||
        (verdict->finding_count == 0) != (wanted->finding_count == 0))
        return false;
    identity = identify(verdict, stop);
    if (id->what == 0) {
        id->what = identity.what;
        name_function(id, identity.site, id->function, sizeof id->function);
    }
    return identity.what == id->what && same_function(id, identity.site);
}
