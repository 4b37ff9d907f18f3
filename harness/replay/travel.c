#include "replay/travel.h"

#include "replay/session.h"
#include "report/event_line.h"

#include "sim/debugger.h"

#include <stdio.h>
#include <string.h>

enum { SLOTS = 16, INTERVAL_MIN = 64, LINE_BYTES = 2048, ASKS = 4 };

#define FOR_THE_DEBUGGER __attribute__((used, noinline))

struct travel {
    struct ft_session session;
    const struct ft_trace *trace;
    struct ft_lines lines;
    struct {
        bool used;
        uint64_t events; /* behind it */
    } slot[SLOTS];
    uint64_t interval, last; /* events between save points; at the last one */
    struct ft_chooser chooser;
};

static struct travel travel;
char ft_travel_text[256];

/* ---- save points ---- */

static uint64_t events_now(void)
{
    struct ft_run_result now;

    ft_world_finish(travel.session.world, &now);
    return now.event_count;
}

/* All slots are in use: every second save point is enough. Slot 0 is the beginning and stays. */
static void thin_out(void)
{
    bool odd = true;

    for (uint64_t at = 1; at <= travel.last; odd = !odd) {
        unsigned next = 0;

        for (unsigned i = 1; i < SLOTS; i++)
            if (travel.slot[i].used && travel.slot[i].events >= at &&
                (next == 0 || travel.slot[i].events < travel.slot[next].events))
                next = i;
        if (next == 0)
            break;
        at = travel.slot[next].events + 1;
        travel.slot[next].used = !odd;
    }
    travel.interval *= 2;
}

static bool is_due(uint64_t events)
{
    return !travel.slot[0].used || events >= travel.last + travel.interval;
}

/* A step may be as long as the run: a save point that is due ends it. Nothing in the machine can
 * tell. Looking costs time, so the next look comes when it may be due by then. */
static enum ft_choice end_step_if_due(void *context, const struct ft_here *here, struct ft_op *ret)
{
    (void)context;
    (void)ret;
    if (!is_due(here->events))
        travel.chooser.ask_from =
            here->place + (travel.last + travel.interval - here->events) / ASKS + 1;
    else if (here->parks)
        return FT_CHOICE_PARK;
    return FT_CHOICE_PASS;
}

static void save_if_due(void)
{
    uint64_t events = events_now();
    unsigned slot = 1;

    if (!is_due(events))
        return;
    if (!travel.slot[0].used)
        slot = 0;
    while (slot < SLOTS && travel.slot[slot].used)
        slot++;
    if (slot == SLOTS) {
        thin_out();
        return;
    }
    ft_world_save(travel.session.world, slot);
    travel.slot[slot].used = true;
    travel.slot[slot].events = travel.last = events;
}

static unsigned nearest(uint64_t event)
{
    unsigned best = 0;

    for (unsigned i = 1; i < SLOTS; i++)
        if (travel.slot[i].used && travel.slot[i].events < event &&
            travel.slot[i].events > travel.slot[best].events)
            best = i;
    return best;
}

/* What comes before the first step is in no save point: the run begins anew. */
static void go_back(struct ft_run_options *options)
{
    ft_debugger.back = ft_debugger.over = false;
    if (travel.slot[0].used && travel.slot[0].events < ft_debugger.stop_at) {
        ft_world_restore(travel.session.world, nearest(ft_debugger.stop_at));
        return;
    }
    options->stop_at = ft_debugger.stop_at;
    ft_world_begin(travel.session.world, options);
}

/* ---- the run ---- */

/* False: the run is over. */
static bool step(struct ft_run_options *options)
{
    while (ft_debugger.back)
        go_back(options);
    save_if_due();
    return ft_world_step(travel.session.world) || ft_debugger.back;
}

/* Once along the whole run, so that save points stand everywhere before the first stop. Not up to
 * the last event: behind the one before it the driver may crash or loop. */
static void look_ahead(struct ft_run_options *options)
{
    uint64_t wanted = options->stop_at;

    options->stop_at = travel.trace->event_count - 1;
    ft_world_begin(travel.session.world, options);
    ft_debugger.ahead = true;
    while (!ft_debugger.back && step(options))
        ;
    ft_debugger.ahead = false;
    ft_debugger.back = true;
    ft_debugger.stop_at = options->stop_at = wanted;
}

static void run(struct ft_run_options *options)
{
    if (travel.trace->event_count > INTERVAL_MIN)
        look_ahead(options);
    else
        ft_world_begin(travel.session.world, options);
    for (;;) {
        if (step(options))
            continue;
        ft_debugger.over = true;
        ft_debugger_stop(0);
        if (!ft_debugger.back)
            return;
    }
}

enum ft_status ft_travel(const struct ft_module *module, const struct ft_trace *trace,
                         bool keep_going, uint64_t stop_at, struct ft_error *error)
{
    struct ft_run_options options = {.scenario = &trace->scenario,
                                     .chooser = &travel.chooser,
                                     .cold = true,
                                     .keep_faults = true,
                                     .stop_at = stop_at};

    memset(&travel, 0, sizeof travel);
    travel.chooser.at_point = end_step_if_due;
    travel.trace = trace;
    travel.interval = trace->event_count / (SLOTS - 2) + 1;
    if (travel.interval < INTERVAL_MIN)
        travel.interval = INTERVAL_MIN;
    if (!ft_session_open(&travel.session, module, keep_going, 0))
        return ft_fail(error, FT_INTERNAL, 0, "no world");
    if (!ft_lines_begin(&travel.lines, trace, false, 0))
        return ft_fail(error, FT_NO_MEMORY, 0, "%llu events",
                       (unsigned long long)trace->event_count);
    run(&options);
    ft_lines_end(&travel.lines);
    ft_session_close(&travel.session);
    return FT_OK;
}

/* ---- what the debugger asks ---- */

FOR_THE_DEBUGGER uint64_t ft_travel_count(void)
{
    return travel.trace->event_count;
}

FOR_THE_DEBUGGER uint64_t ft_travel_saved(uint64_t event)
{
    return travel.slot[nearest(event)].events;
}

FOR_THE_DEBUGGER uint64_t ft_travel_find(uint64_t from, bool backwards)
{
    static struct ft_filter filter;
    uint64_t count = travel.trace->event_count;

    ft_filter_init(&filter, travel.trace);
    if (!ft_filter_add_object(&filter, ft_travel_text))
        return UINT64_MAX;
    for (uint64_t i = backwards ? from - 1 : from + 1; i >= 1 && i <= count;
         i = backwards ? i - 1 : i + 1)
        if (ft_filter_passes(&filter, &travel.trace->event[i - 1]))
            return i;
    return 0;
}

FOR_THE_DEBUGGER const char *ft_travel_line(uint64_t event)
{
    static char text[LINE_BYTES];
    FILE *memory;

    text[0] = '\0';
    if (event < 1 || event > travel.trace->event_count)
        return text;
    memory = fmemopen(text, sizeof text, "w");
    if (!memory)
        return text;
    travel.lines.previous_task = 0;
    ft_lines_print(&travel.lines, event - 1, memory);
    fclose(memory);
    text[sizeof text - 1] = '\0';
    return text;
}
