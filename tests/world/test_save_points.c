/* Save points: a run that is saved anywhere, abandoned and restored goes on to the same end; warm
 * and cold runs are one. */
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SCENARIOS = 300, MOMENTS = 7 };

static struct ft_session session;

static int open_session(void **state)
{
    const struct ft_module *module = ft_module_find("wdm-packet", "");

    (void)state;
    return module && ft_session_open(&session, module, false, 0) ? 0 : -1;
}

static int close_session(void **state)
{
    (void)state;
    ft_session_close(&session);
    return 0;
}

static uint64_t steps_of(const struct ft_run_options *options, struct ft_run_result *result)
{
    uint64_t steps = 0;

    ft_world_begin(session.world, options);
    while (ft_world_step(session.world))
        steps++;
    ft_world_finish(session.world, result);
    return steps;
}

static uint64_t finish_hash(void)
{
    struct ft_run_result result;

    while (ft_world_step(session.world))
        ;
    ft_world_finish(session.world, &result);
    return result.hash;
}

static void restored_anywhere_goes_on_to_the_same_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SCENARIOS; seed++) {
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario, .cold = true};
        struct ft_run_result whole;
        uint64_t steps;

        ft_scenario_random(seed, -1, &scenario);
        steps = steps_of(&options, &whole);
        for (uint64_t i = 1; i <= MOMENTS; i++) {
            uint64_t at = steps * i / (MOMENTS + 1);

            ft_world_begin(session.world, &options);
            for (uint64_t step = 0; step < at; step++)
                assert_true(ft_world_step(session.world));
            assert_true(ft_world_save(session.world, 0) > 0);
            assert_int_equal(finish_hash(), whole.hash);
            ft_world_restore(session.world, 0);
            assert_int_equal(finish_hash(), whole.hash);
            /* Once more, from another run in between. */
            ft_world_restore(session.world, 0);
            assert_int_equal(finish_hash(), whole.hash);
        }
    }
}

static void warm_and_cold_runs_give_the_same_events(void **state)
{
    unsigned warm_runs = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SCENARIOS * 4; seed++) {
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario};
        struct ft_run_result warm, cold;

        ft_scenario_random(seed, (int)(seed % FT_PLATFORM_COUNT), &scenario);
        ft_session_run(&session, &options, &warm, NULL);
        options.cold = true;
        ft_session_run(&session, &options, &cold, NULL);
        assert_int_equal(warm.hash, cold.hash);
        assert_int_equal(warm.event_count, cold.event_count);
        warm_runs += warm.warm;
    }
    /* The comparison means nothing unless most runs really were warm. */
    assert_true(warm_runs > SCENARIOS);
}

static void a_recorded_run_has_the_same_hash(void **state)
{
    enum { CAPACITY = 1 << 16 };
    static uint64_t storage[(sizeof(struct ft_event_log) + CAPACITY * sizeof(struct ft_event)) / 8];
    struct ft_event_log *log = (struct ft_event_log *)storage;

    (void)state;
    log->capacity = CAPACITY;
    for (uint64_t seed = 1; seed <= SCENARIOS; seed++) {
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario};
        struct ft_run_result silent, recorded;
        uint64_t hash = 0;

        ft_scenario_random(seed, -1, &scenario);
        ft_session_run(&session, &options, &silent, NULL);
        options.log = log;
        ft_session_run(&session, &options, &recorded, NULL);
        assert_int_equal(silent.hash, recorded.hash);
        assert_int_equal(log->count, recorded.event_count);
        for (uint64_t i = 0; i < log->count; i++)
            hash = ft_event_hash(hash, &log->event[i]);
        assert_int_equal(hash, recorded.hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_anywhere_goes_on_to_the_same_end),
        cmocka_unit_test(warm_and_cold_runs_give_the_same_events),
        cmocka_unit_test(a_recorded_run_has_the_same_hash),
    };

    return cmocka_run_group_tests_name("save points", tests, open_session, close_session);
}
