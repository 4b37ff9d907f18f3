#include "explore/tails.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATES = 1 << 18,    /* slots of the table, a power of two */
    WORDS = 1 << 22,     /* of events */
    RUN_WORDS = 1 << 19, /* most that one run may add */
    ENDS = 1 << 12,
    RUNS = 1 << 17,
    HEAD_WORDS = 2, /* of an event: what is hashed in front of its arguments */
    ONE_IN = 2,
    NO_RUN = -1
};

/* A state that a run was in. */
struct state {
    uint64_t digest; /* 0: a free slot */
    uint32_t run;
    uint32_t at;    /* in words: the events behind it */
    uint32_t steps; /* passed before it */
};

/* A run: its own events, then those of another from a state of that on. */
struct run {
    uint32_t begin, end; /* in words */
    int32_t next;
    uint32_t next_at;
    uint32_t last;  /* in ends */
    uint64_t steps; /* at its end */
};

struct end {
    struct ft_run_result result;
    struct ft_verdict verdict;
};

struct ft_tails {
    struct state state[STATES];
    struct run run[RUNS];
    struct end end[ENDS];
    uint64_t word[WORDS];
    uint32_t states, runs, ends, words;
    uint64_t last_event;
};

struct ft_tails *ft_tails_new(void)
{
    return calloc(1, sizeof(struct ft_tails));
}

void ft_tails_free(struct ft_tails *tails)
{
    free(tails);
}

/* When a table is nearly full all begins anew: near runs have most in common. */
static void make_room(struct ft_tails *tails)
{
    if (tails->states < STATES / 4 * 3 && tails->runs < RUNS - 1 && tails->ends < ENDS - 1 &&
        tails->words < WORDS - RUN_WORDS)
        return;
    memset(tails->state, 0, sizeof tails->state);
    tails->states = tails->runs = tails->ends = tails->words = 0;
}

/* States of the run under way belong to the run that is not ended yet: its number is `runs`. One
 * that is given up leaves states behind that lead nowhere, so they are marked. */
void ft_tails_begin(struct ft_tails *tails)
{
    make_room(tails);
    tails->run[tails->runs] =
        (struct run){.begin = tails->words, .end = tails->words, .next = NO_RUN, .last = ENDS};
    tails->runs++;
}

static struct run *present(struct ft_tails *tails)
{
    return &tails->run[tails->runs - 1];
}

static bool too_long(const struct ft_tails *tails, const struct run *run)
{
    return tails->words - run->begin > RUN_WORDS - HEAD_WORDS - FT_EVENT_ARGS_MAX;
}

void ft_tails_event(struct ft_tails *tails, const struct ft_event *event)
{
    if (too_long(tails, present(tails)))
        return; /* its end is not taken in (ft_tails_end) */
    memcpy(&tails->word[tails->words], event, (HEAD_WORDS + event->argc) * sizeof(uint64_t));
    tails->words += HEAD_WORDS + event->argc;
    tails->last_event = ft_event_hash(0, event);
}

bool ft_tails_compares(const struct ft_tails *tails)
{
    return tails->last_event % ONE_IN == 0;
}

/* The hash goes on over events that another run emitted. */
static uint64_t hash_events(const struct ft_tails *tails, uint64_t hash, uint32_t from, uint32_t to)
{
    struct ft_event event;

    while (from < to) {
        memcpy(&event, &tails->word[from], HEAD_WORDS * sizeof(uint64_t));
        memcpy(event.arg, &tails->word[from + HEAD_WORDS], event.argc * sizeof(uint64_t));
        hash = ft_event_hash(hash, &event);
        from += HEAD_WORDS + event.argc;
    }
    return hash;
}

static uint64_t hash_rest(const struct ft_tails *tails, uint64_t hash, const struct run *run,
                          uint32_t at)
{
    for (;;) {
        hash = hash_events(tails, hash, at, run->end);
        if (run->next == NO_RUN)
            return hash;
        at = run->next_at;
        run = &tails->run[run->next];
    }
}

/* An op comes late by a count of steps, which a digest leaves out: runs that end before any could
 * are safe. So are ends that do not depend on the host's clock or a limit. */
static bool can_be_shared(const struct ft_run_result *result)
{
    return result->steps <= FT_LATE_STEPS && result->stop != FT_STOP_CUT &&
           result->stop != FT_STOP_HANG && result->stop != FT_STOP_CRASH;
}

static struct state *find(struct ft_tails *tails, uint64_t digest)
{
    uint64_t i = digest % STATES;

    while (tails->state[i].digest != 0 && tails->state[i].digest != digest)
        i = (i + 1) % STATES;
    return &tails->state[i];
}

bool ft_tails_meet(struct ft_tails *tails, uint64_t digest, struct ft_run_result *result,
                   struct ft_verdict *verdict)
{
    struct run *mine = present(tails);
    struct state *state = find(tails, digest);
    const struct run *other = &tails->run[state->run];
    uint64_t steps = result->steps, hash = result->hash;
    const struct end *end;

    if (state->digest == 0 || other->last == ENDS) {
        tails->states += state->digest == 0;
        *state = (struct state){digest, tails->runs - 1, tails->words, (uint32_t)steps};
        return false;
    }
    end = &tails->end[other->last];
    if (other->steps - state->steps + steps > FT_LATE_STEPS)
        return false;
    mine->end = tails->words;
    mine->next = (int32_t)state->run;
    mine->next_at = state->at;
    mine->last = other->last;
    mine->steps = other->steps - state->steps + steps;
    *result = end->result;
    *verdict = end->verdict;
    result->steps = mine->steps;
    result->hash = hash_rest(tails, hash, other, state->at);
    return true;
}

void ft_tails_end(struct ft_tails *tails, const struct ft_run_result *result,
                  const struct ft_verdict *verdict)
{
    struct run *run = present(tails);

    if (!can_be_shared(result) || too_long(tails, run))
        return;
    run->end = tails->words;
    run->steps = result->steps;
    run->last = tails->ends;
    tails->end[tails->ends++] = (struct end){*result, *verdict};
}
