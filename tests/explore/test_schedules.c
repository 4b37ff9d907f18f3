/* All schedules with at most K preemptions: what is pruned and restored against an enumeration that
 * does neither. */
#include "explore/schedules.h"
#include "replay/execute.h"
#include "scenario/scenario_codec.h"
#include "sim/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

enum { SET = 1 << 20, TURNS = 600 };

/* A set of numbers, without 0. */
struct set {
    uint64_t slot[SET];
    unsigned count;
};

static bool put(struct set *set, uint64_t value)
{
    uint64_t i = value * 0x9E3779B97F4A7C15ULL % SET;

    while (set->slot[i] != 0 && set->slot[i] != value)
        i = (i + 1) % SET;
    if (set->slot[i] == value)
        return false;
    assert_true(++set->count < SET / 2);
    set->slot[i] = value;
    return true;
}

static void assert_same(const struct set *a, const struct set *b, const char *what)
{
    static struct set copy;

    copy = *a;
    for (unsigned i = 0; i < SET; i++)
        if (b->slot[i] && put(&copy, b->slot[i]))
            fail_msg("one of %u %s is not among the other %u", b->count, what, a->count);
    assert_int_equal(a->count, b->count);
}

/* What runs came to: their hashes; how many events they had, which is part of a state, so that
 * merging keeps it; what the rules said. */
struct outcomes {
    struct set hashes, ends, verdicts;
    uint64_t runs, merged;
};

static struct ft_session session;
static struct ft_scenario scenario;

static void note(struct outcomes *to, const struct ft_run_result *result,
                 const struct ft_verdict *verdict)
{
    uint64_t what = verdict->kind + 1u;

    if (verdict->finding_count)
        what += (uint64_t)verdict->finding[0].rule << 16 | verdict->finding[0].site << 32;
    put(&to->hashes, result->hash);
    put(&to->ends,
        what * 0x9E3779B97F4A7C15ULL + (result->event_count << 24) + result->driver_event_count);
    put(&to->verdicts, what);
}

/* ---- without pruning or save points ---- */

static void enumerate(struct outcomes *to, struct ft_pick *pick, unsigned count, unsigned left)
{
    static struct ft_turns turns;
    struct ft_run_options options = {.scenario = &scenario, .turns = &turns};
    uint32_t begin = count ? pick[count - 1].turn : 0, end;
    struct ft_run_result result;
    struct ft_verdict verdict;
    struct ft_turn own[TURNS];

    ft_world_begin(session.world, &options);
    for (unsigned i = 0; i < count; i++)
        assert_true(ft_world_pick(session.world, pick[i].turn, pick[i].which));
    while (ft_world_step(session.world))
        ;
    ft_world_finish(session.world, &result);
    ft_session_verdict(&session, &result, &verdict);
    note(to, &result, &verdict);
    to->runs++;
    end = turns.count;
    assert_true(end < TURNS);
    memcpy(own, turns.turn, end * sizeof *own);
    for (uint32_t t = begin; t < end; t++)
        for (unsigned which = 1; which < own[t].count; which++) {
            bool preempts = own[t].running != 0;

            if (preempts && left == 0)
                continue;
            pick[count] = (struct ft_pick){(uint16_t)(t + 1), (uint8_t)which, preempts};
            enumerate(to, pick, count + 1, left - preempts);
        }
}

/* ---- as exhaustive:K does it ---- */

static bool begins(void *context, const struct ft_pick *pick, unsigned count)
{
    (void)context, (void)pick, (void)count;
    return true;
}

static void ended(void *context, bool merged, const struct ft_run_result *result,
                  const struct ft_verdict *verdict, const struct ft_turns *turns)
{
    struct outcomes *to = context;

    (void)turns;
    to->runs++;
    to->merged += merged;
    if (!merged)
        note(to, result, verdict);
}

static void prune(struct outcomes *to, unsigned preemptions, struct ft_states *merge)
{
    struct ft_schedules schedules = {.session = &session,
                                     .scenario = &scenario,
                                     .preemptions = preemptions,
                                     .merge = merge,
                                     .context = to,
                                     .begins = begins,
                                     .ended = ended};

    assert_true(ft_schedules_open(&schedules));
    ft_schedules_run(&schedules, NULL, 0, false);
    assert_false(schedules.full);
    ft_schedules_close(&schedules);
}

static void compare(const char *core, const char *mutant, const char *text, unsigned preemptions)
{
    static struct outcomes plain, restored, pruned;
    static struct ft_pick pick[FT_SCHEDULE_PICKS];
    const struct ft_module *module = ft_module_find(core, mutant);
    struct ft_states *states = mmap(NULL, sizeof *states, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct ft_error error;

    assert_non_null(module);
    assert_true(states != MAP_FAILED);
    assert_int_equal(ft_scenario_parse(text, strlen(text), &scenario, &error), FT_OK);
    assert_true(ft_session_open(&session, module, false, 0));
    memset(&plain, 0, sizeof plain);
    memset(&restored, 0, sizeof restored);
    memset(&pruned, 0, sizeof pruned);
    enumerate(&plain, pick, 0, preemptions);
    prune(&restored, preemptions, NULL);
    prune(&pruned, preemptions, states);
    print_message("%s %s, %u preemptions: %llu schedules, %u ends; pruned %llu runs, %llu merged\n",
                  core, mutant, preemptions, (unsigned long long)plain.runs, plain.ends.count,
                  (unsigned long long)pruned.runs, (unsigned long long)pruned.merged);
    /* Save points change nothing: the same runs, event for event. */
    assert_int_equal(plain.runs, restored.runs);
    assert_same(&plain.hashes, &restored.hashes, "hashes");
    assert_same(&plain.ends, &restored.ends, "ends");
    /* Merging loses no end and no verdict. */
    assert_true(pruned.runs <= plain.runs);
    assert_same(&plain.ends, &pruned.ends, "ends");
    assert_same(&plain.verdicts, &pruned.verdicts, "verdicts");
    ft_session_close(&session);
    munmap(states, sizeof *states);
}

static const char small[] =
    "order seed=0 points=2\na: ioctl code=0 length=8\nb: ioctl code=0 length=8\n";
static const char one_read[] = "order seed=0 points=2\na: read length=64\ncancel of=a\n";

static void test_control(void **state)
{
    (void)state;
    for (unsigned preemptions = 0; preemptions <= 2; preemptions++)
        compare("wdm-packet", "", small, preemptions);
}

static void test_read(void **state)
{
    (void)state;
    compare("wdm-packet", "", one_read, 0);
    compare("wdm-packet", "cancel-claim-ignored", one_read, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_control), cmocka_unit_test(test_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
