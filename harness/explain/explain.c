/* Where no continuation escapes any more. */
#include "explain/explain.h"

#include "explain/teams.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RANDOM = 32,       /* continuations of that way from each event, when escapes are looked for */
    TRIES = 48,        /* continuations from one event, about */
    EVENTS = 30000000, /* simulated in one pass, about: what "from every event" may cost */
    FEW = 8,           /* continuations of a kind at least */
    PLACES_MAX = 16,   /* right behind one event, whose single preemptions are tried */
    PLACES_FEW = 2,    /* in a very long run */
    POINTS_MIN = 4,    /* of a pass */
    SPREAD = 10,       /* shares told, beside those at ops and at the point */
    KNOWN_MAX = 256
};

struct search {
    struct ft_explain *explain;
    struct ft_explain_board *board;
    double began;
    /* Of these events it is known that a continuation escapes from them: the last ones. -1: none.
     */
    int64_t escapes, escapes_any;
    struct ft_share known[KNOWN_MAX]; /* shares that were counted */
    unsigned known_count;
    uint64_t length; /* events of the longest run so far */
    bool failed;     /* no workers */
};

/* ---- passes ---- */

static struct ft_unit *add_unit(struct search *search, uint64_t event, enum ft_try how,
                                uint32_t random)
{
    struct ft_unit *unit;

    if (search->board->units == FT_UNITS_MAX)
        return NULL;
    unit = &search->board->unit[search->board->units++];
    *unit = (struct ft_unit){.share = {.event = (uint32_t)event},
                             .how = (uint8_t)how,
                             .random = random,
                             .singles = random < RANDOM ? PLACES_FEW : PLACES_MAX};
    return unit;
}

static bool run_units(struct search *search)
{
    bool done = ft_explain_team(search->explain, search->began);

    search->failed = !done && !search->board->stop;
    return done;
}

/* What a unit found out: both only ever move to later events. */
static void learn(struct search *search, const struct ft_unit *unit)
{
    const struct ft_share *share = &unit->share;
    int64_t event = share->event;

    if (share->same < share->runs && event > search->escapes)
        search->escapes = event;
    if (share->clean > 0 && event > search->escapes_any)
        search->escapes_any = event;
}

/* ---- first: the driver left alone after each op ---- */

/* An event up to which no further op strikes escapes when the run of the ops before it does. */
static bool try_ops(struct search *search)
{
    const struct ft_trace *trace = search->explain->trace;
    uint64_t rule_event = search->explain->rule_event;

    search->board->units = 0;
    add_unit(search, 0, FT_TRY_AS_IS, 0);
    for (uint64_t i = 1; i < rule_event; i++)
        if (ft_is_op_strike(&trace->event[i - 1]))
            add_unit(search, i, FT_TRY_AS_IS, 0);
    if (!run_units(search))
        return false;
    for (uint64_t i = 0; i < search->board->units; i++) {
        struct ft_unit *unit = &search->board->unit[i];

        unit->share.event =
            i + 1 < search->board->units ? unit[1].share.event - 1 : (uint32_t)rule_event - 1;
        learn(search, unit);
        if (unit->length > search->length)
            search->length = unit->length;
    }
    return true;
}

/* ---- then: the events behind it ---- */

static uint64_t points_of_a_pass(const struct search *search)
{
    uint64_t points = EVENTS / (TRIES * (search->length + 1));

    return points < POINTS_MIN ? POINTS_MIN : points > FT_UNITS_MAX ? FT_UNITS_MAX : points;
}

/* So many continuations from each of some events, fewer when the run is very long. */
static uint32_t afford(const struct search *search, uint64_t events, uint32_t most)
{
    uint64_t each = EVENTS / (events * (search->length + 1));

    return each < FEW ? FEW : each < most ? (uint32_t)each : most;
}

/* Looks for escapes from the events [first, end), every stride-th of them; the last one always. */
static bool look_at(struct search *search, uint64_t first, uint64_t end, uint64_t stride)
{
    search->board->units = 0;
    for (uint64_t event = first; event < end; event += stride)
        add_unit(search, event, FT_TRY_ESCAPE, afford(search, POINTS_MIN * 4, RANDOM));
    if (search->board->units == 0)
        return true;
    if (!run_units(search))
        return false;
    for (uint64_t i = 0; i < search->board->units; i++)
        learn(search, &search->board->unit[i]);
    return true;
}

static uint64_t stride_for(const struct search *search, uint64_t events)
{
    uint64_t points = points_of_a_pass(search);

    return (events + points - 1) / points;
}

/* Passes over the events between the last escape and where the pass before was certain. */
static bool close_in(struct search *search, const int64_t *escapes, uint64_t stride)
{
    uint64_t end = search->explain->rule_event;

    while (stride > 1) {
        uint64_t first = (uint64_t)(*escapes + 1);
        uint64_t last = first - 1 + stride < end ? first - 1 + stride : end;

        stride = stride_for(search, last - first);
        if (!look_at(search, first, last, stride ? stride : 1))
            return false;
    }
    return true;
}

static bool look_for_escapes(struct search *search)
{
    struct ft_explain *explain = search->explain;
    uint64_t first = (uint64_t)(search->escapes_any + 1);
    uint64_t stride = stride_for(search, explain->rule_event - first);

    explain->stride = stride > 1 ? stride : 1;
    return look_at(search, first, explain->rule_event, explain->stride) &&
           close_in(search, &search->escapes, stride) &&
           (search->escapes_any == search->escapes ||
            close_in(search, &search->escapes_any, stride));
}

/* ---- last: the shares that are told ---- */

static const struct ft_share *known_share(const struct search *search, uint64_t event)
{
    for (unsigned i = 0; i < search->known_count; i++)
        if (search->known[i].event == event)
            return &search->known[i];
    return NULL;
}

static void want_share(struct search *search, uint64_t event)
{
    struct ft_explain *explain = search->explain;

    for (unsigned i = 0; i < explain->share_count; i++)
        if (explain->share[i].event == event)
            return;
    if (explain->share_count == FT_EXPLAIN_SHARES_MAX)
        return;
    explain->share[explain->share_count++] = (struct ft_share){.event = (uint32_t)event};
    if (!known_share(search, event))
        add_unit(search, event, FT_TRY_SHARE,
                 afford(search, FT_EXPLAIN_SHARES_MAX, FT_EXPLAIN_RANDOM));
}

static void choose_shares(struct search *search)
{
    struct ft_explain *explain = search->explain;
    uint64_t end = explain->rule_event;

    search->board->units = 0;
    explain->share_count = 0;
    want_share(search, explain->event);
    if (explain->event > 0)
        want_share(search, explain->event - 1);
    for (uint64_t i = 0; i < SPREAD; i++)
        want_share(search, i * (end - 1) / (SPREAD - 1));
    for (uint64_t i = 1; i < end; i++)
        if (ft_is_op_strike(&explain->trace->event[i - 1])) {
            want_share(search, i - 1);
            want_share(search, i);
        }
}

static void conclude(struct search *search)
{
    struct ft_explain *explain = search->explain;

    explain->event = (uint64_t)(search->escapes + 1);
    explain->any = (uint64_t)(search->escapes_any + 1);
    explain->end = explain->event == 0 ? FT_EXPLAIN_START : FT_EXPLAIN_POINT;
}

static int by_event(const void *a, const void *b)
{
    const struct ft_share *left = a, *right = b;

    return left->event < right->event ? -1 : left->event > right->event;
}

static void note_shares(struct search *search)
{
    struct ft_explain *explain = search->explain;

    for (unsigned i = 0; i < explain->share_count; i++) {
        struct ft_share *share = &explain->share[i];

        *share = *known_share(search, share->event);
        if (share->event == explain->event)
            explain->at = *share;
        else if (share->event + 1 == explain->event)
            explain->before = *share;
    }
    explain->single_escapes = explain->event > 0 && explain->before.same == explain->before.runs;
    qsort(explain->share, explain->share_count, sizeof explain->share[0], by_event);
}

static bool run_shares(struct search *search)
{
    if (search->board->units == 0)
        return true;
    if (!run_units(search))
        return false;
    for (uint64_t i = 0; i < search->board->units; i++) {
        learn(search, &search->board->unit[i]);
        search->known[search->known_count++] = search->board->unit[i].share;
    }
    return true;
}

/* More continuations than before may escape later than any so far. The event of the rule itself is
 * certain. */
static bool tell_shares(struct search *search)
{
    int64_t known;

    do {
        known = search->escapes;
        conclude(search);
        choose_shares(search);
        if (!run_shares(search))
            return false;
        note_shares(search);
    } while (search->escapes != known && search->known_count + FT_EXPLAIN_SHARES_MAX < KNOWN_MAX);
    return true;
}

static bool search_it(struct search *search)
{
    if (!try_ops(search) || !look_for_escapes(search))
        return false;
    /* The run itself, from its last event on, has the finding: it is run again and again. */
    return tell_shares(search);
}

enum ft_status ft_explain_run(struct ft_explain *explain, struct ft_error *error)
{
    struct search search = {
        .explain = explain, .began = ft_explain_now(), .escapes = -1, .escapes_any = -1};
    const struct ft_verdict *verdict = &explain->trace->verdict;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    explain->rule_event =
        verdict->finding_count ? verdict->finding[0].event : explain->trace->event_count;
    if (explain->rule_event == 0)
        return ft_fail(error, FT_USAGE, 0, "the trace has no event of its finding");
    if (explain->jobs == 0)
        explain->jobs = processors > 0 ? (unsigned)processors : 1;
    if (explain->jobs > FT_EXPLAIN_JOBS_MAX)
        explain->jobs = FT_EXPLAIN_JOBS_MAX;
    explain->board = search.board = ft_explain_board_new();
    if (!search.board)
        return ft_fail(error, FT_NO_MEMORY, 0, "the workers' board");
    search_it(&search);
    explain->elapsed = ft_explain_now() - search.began;
    explain->runs = search.board->runs;
    return search.failed ? ft_fail(error, FT_INTERNAL, 0, "no worker could run continuations")
                         : FT_OK;
}

void ft_explain_free(struct ft_explain *explain)
{
    ft_explain_board_free(explain->board);
    explain->board = NULL;
}
