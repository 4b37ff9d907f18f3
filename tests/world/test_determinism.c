/* A scenario's hash depends on the scenario alone: not on what ran before, nor how often. */
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { SCENARIOS = 400, TIMES = 3 };

static struct ft_session session;
static struct ft_scenario scenario[SCENARIOS];
static uint64_t hash[SCENARIOS], events[SCENARIOS];

static int open_session(void **state)
{
    const struct ft_module *module = ft_module_find("wdm-packet", "");

    (void)state;
    for (uint64_t i = 0; i < SCENARIOS; i++)
        ft_scenario_random(i + 1, (int)(i % FT_PLATFORM_COUNT), &scenario[i]);
    return module && ft_session_open(&session, module, false, 0) ? 0 : -1;
}

static int close_session(void **state)
{
    (void)state;
    ft_session_close(&session);
    return 0;
}

static uint64_t run(unsigned index, bool cold)
{
    struct ft_run_options options = {.scenario = &scenario[index], .cold = cold};
    struct ft_run_result result;

    ft_session_run(&session, &options, &result, NULL);
    events[index] = result.event_count;
    return result.hash;
}

static void a_scenario_run_again_and_again_has_one_hash(void **state)
{
    unsigned different = 0;

    (void)state;
    for (unsigned i = 0; i < SCENARIOS; i++) {
        hash[i] = run(i, true);
        assert_true(events[i] > 20);
        for (unsigned time = 1; time < TIMES; time++)
            assert_int_equal(run(i, true), hash[i]);
        different += i > 0 && hash[i] != hash[i - 1];
    }
    /* Means nothing if all scenarios were alike. */
    assert_true(different > SCENARIOS * 3 / 4);
}

static void scenarios_in_reversed_order_have_the_same_hashes(void **state)
{
    (void)state;
    for (unsigned i = SCENARIOS; i-- > 0;)
        assert_int_equal(run(i, true), hash[i]);
    for (unsigned i = SCENARIOS; i-- > 0;)
        assert_int_equal(run(i, i % 3 == 0), hash[i]);
}

static void a_new_session_has_the_same_hashes(void **state)
{
    const struct ft_module *module = ft_module_find("wdm-packet", "");

    (void)state;
    ft_session_close(&session);
    assert_true(ft_session_open(&session, module, false, 0));
    for (unsigned i = 0; i < SCENARIOS; i += 7)
        assert_int_equal(run(i, true), hash[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scenario_run_again_and_again_has_one_hash),
        cmocka_unit_test(scenarios_in_reversed_order_have_the_same_hashes),
        cmocka_unit_test(a_new_session_has_the_same_hashes),
    };

    return cmocka_run_group_tests_name("determinism", tests, open_session, close_session);
}
