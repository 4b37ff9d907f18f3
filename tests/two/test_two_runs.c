/* Runs of drivers with two devices: a run that is saved anywhere, abandoned and restored goes on to
 * the same end, warm and cold runs are one, and every event of a run says which device it is about.
 */
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"
#include "sim/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SCENARIOS = 60, MOMENTS = 5 };

static const char *const cores[] = {"pair-packet", "pair-packet-line", "pair-sglist", "pair-sg"};
enum { CORES = sizeof cores / sizeof *cores };

static struct ft_session session;

static void open_core(const char *core)
{
    const struct ft_module *module = ft_module_find(core, "");

    assert_non_null(module);
    assert_int_equal(module->description->devices, 2);
    assert_true(ft_session_open(&session, module, false, 0));
}

static void draw(uint64_t seed, struct ft_scenario *scenario)
{
    ft_scenario_random_for(seed, (int)(seed % FT_PLATFORM_COUNT),
                           FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_FOR_TWO, scenario);
}

static uint64_t finish_hash(void)
{
    struct ft_run_result result;

    while (ft_world_step(session.world))
        ;
    ft_world_finish(session.world, &result);
    return result.hash;
}

static void check_saves(uint64_t seed)
{
    struct ft_scenario scenario;
    struct ft_run_options options = {.scenario = &scenario, .cold = true};
    uint64_t steps = 0, hash;

    draw(seed, &scenario);
    ft_world_begin(session.world, &options);
    while (ft_world_step(session.world))
        steps++;
    hash = finish_hash();
    for (uint64_t i = 1; i <= MOMENTS; i++) {
        ft_world_begin(session.world, &options);
        for (uint64_t step = 0; step < steps * i / (MOMENTS + 1); step++)
            assert_true(ft_world_step(session.world));
        assert_true(ft_world_save(session.world, 0) > 0);
        assert_int_equal(finish_hash(), hash);
        ft_world_restore(session.world, 0);
        assert_int_equal(finish_hash(), hash);
    }
}

static void restored_anywhere_goes_on_to_the_same_end(void **state)
{
    (void)state;
    for (unsigned core = 0; core < CORES; core++) {
        open_core(cores[core]);
        for (uint64_t seed = 1; seed <= SCENARIOS; seed++)
            check_saves(seed);
        ft_session_close(&session);
    }
}

static void warm_and_cold_runs_are_clean_and_one(void **state)
{
    unsigned warm_runs = 0;

    (void)state;
    for (unsigned core = 0; core < CORES; core++) {
        open_core(cores[core]);
        for (uint64_t seed = 1; seed <= SCENARIOS * 4; seed++) {
            struct ft_scenario scenario;
            struct ft_run_options options = {.scenario = &scenario};
            struct ft_run_result warm, cold;
            struct ft_verdict verdict;

            draw(seed, &scenario);
            ft_session_run(&session, &options, &warm, &verdict);
            assert_int_equal(verdict.kind, FT_VERDICT_CLEAN);
            options.cold = true;
            ft_session_run(&session, &options, &cold, NULL);
            assert_int_equal(warm.hash, cold.hash);
            warm_runs += warm.warm;
        }
        ft_session_close(&session);
    }
    assert_true(warm_runs > SCENARIOS * CORES);
}

/* By device object: what was attached to which PDO. */
struct devices {
    uint16_t pdo[2];
    unsigned added, named[2], others;
};

static bool see(void *state, const struct ft_event *event)
{
    struct devices *devices = state;

    if (event->kind == FT_EV_CALL_ENTER && event->arg[0] == FT_ROUTINE_ADD_DEVICE)
        devices->pdo[devices->added++ % 2] = (uint16_t)ft_handle_id(event->arg[1]);
    if (event->device != 0 && event->device == devices->pdo[0])
        devices->named[0]++;
    else if (event->device != 0 && event->device == devices->pdo[1])
        devices->named[1]++;
    else if (devices->added == 2)
        devices->others++;
    return false;
}

static void events_name_one_of_the_devices(void **state)
{
    (void)state;
    for (unsigned core = 0; core < CORES; core++) {
        open_core(cores[core]);
        session.tap = see;
        for (uint64_t seed = 1; seed <= SCENARIOS; seed++) {
            struct ft_scenario scenario;
            struct ft_run_options options = {.scenario = &scenario, .cold = true};
            struct ft_run_result result;
            struct devices devices = {.added = 0};

            draw(seed, &scenario);
            session.tap_state = &devices;
            ft_session_run(&session, &options, &result, NULL);
            assert_int_equal(devices.added, 2);
            assert_true(devices.named[0] > 100 && devices.named[1] > 100);
            assert_int_equal(devices.others, 0);
        }
        session.tap = NULL;
        ft_session_close(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_anywhere_goes_on_to_the_same_end),
        cmocka_unit_test(warm_and_cold_runs_are_clean_and_one),
        cmocka_unit_test(events_name_one_of_the_devices),
    };

    return cmocka_run_group_tests_name("two devices", tests, NULL, NULL);
}
