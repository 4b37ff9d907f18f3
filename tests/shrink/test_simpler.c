/* Each kind of single step: what is offered, in what order, and that steps come to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"
#include "shrink/simpler.h"

#include <stdio.h>
#include <string.h>

static struct ft_scenario parsed(const char *text)
{
    struct ft_scenario scenario;
    struct ft_error error = {0};

    if (ft_scenario_parse(text, strlen(text), &scenario, &error) != FT_OK)
        fail_msg("%s", error.text);
    return scenario;
}

/* ---- collecting what is offered ---- */

struct offers {
    unsigned count;
    char wanted[1024];
    bool seen;
};

static bool collect(void *context, const struct ft_scenario *simpler)
{
    struct offers *offers = context;
    char text[1024];

    ft_scenario_print(simpler, text, sizeof text);
    offers->count++;
    offers->seen |= strcmp(text, offers->wanted) == 0;
    return false;
}

static bool offers(const char *from, const char *simpler)
{
    struct ft_scenario scenario = parsed(from), wanted = parsed(simpler);
    struct offers found = {0};

    ft_scenario_print(&wanted, found.wanted, sizeof found.wanted);
    assert_false(ft_simpler_each(&scenario, collect, &found));
    return found.seen;
}

static void nothing_is_simpler_than_nothing(void **state)
{
    struct ft_scenario scenario = parsed("platform coherent\n");
    struct offers found = {0};

    (void)state;
    ft_simpler_each(&scenario, collect, &found);
    assert_int_equal(found.count, 0);
}

static void each_op_and_each_pair_can_go(void **state)
{
    static const char all[] = "read\nyank\nsurprise-remove\n";

    (void)state;
    assert_true(offers(all, "yank\nsurprise-remove\n"));
    assert_true(offers(all, "read\nsurprise-remove\n"));
    assert_true(offers(all, "read\nyank\n"));
    assert_true(offers(all, "read\n"));
    assert_true(offers(all, "yank\n"));
    assert_true(offers(all, "surprise-remove\n"));
    assert_false(offers(all, ""));
}

static void a_platform_becomes_a_preset_and_coherent(void **state)
{
    (void)state;
    assert_true(offers("platform iommu\n", "platform coherent\n"));
    assert_true(offers("platform iommu\n", "platform bounce\n"));
    assert_false(offers("platform coherent\n", "platform bounce\n"));
    assert_true(offers("platform coherent registers=9\n", "platform bounce\n"));
    assert_true(
        offers("platform bounce registers=9 frames=3\n", "platform bounce registers=9 frames=1\n"));
    assert_true(offers("platform bounce registers=9 frames=3\n", "platform bounce frames=3\n"));
    assert_true(offers("platform bounce registers=9\n", "platform bounce registers=1\n"));
    assert_true(offers("platform bounce registers=9\n", "platform bounce registers=8\n"));
    assert_false(offers("platform bounce registers=9\n", "platform bounce registers=10\n"));
    assert_true(offers("platform iommu registers=9\n", "platform coherent registers=9\n"));
    assert_false(offers("platform coherent registers=9\n", "platform iommu registers=9\n"));
}

static void a_moment_goes_or_comes_earlier(void **state)
{
    static const char late[] = "a: read\ncancel of=a @ a/lock:release.out/5 +m9\n";

    (void)state;
    assert_true(offers(late, "a: read\ncancel of=a\n"));
    assert_true(offers(late, "a: read\ncancel of=a @ a/lock:release.out/5\n"));
    assert_true(offers(late, "a: read\ncancel of=a @ a/lock:release.out/5 +m1\n"));
    assert_true(offers(late, "a: read\ncancel of=a @ a/lock:release.out/5 +m8\n"));
    assert_true(offers(late, "a: read\ncancel of=a @ a/lock:release.out/1 +m9\n"));
    assert_true(offers(late, "a: read\ncancel of=a @ a/lock:release.out/4 +m9\n"));
    assert_false(offers(late, "a: read\ncancel of=a @ a/lock:release.out/6 +m9\n"));
    assert_true(offers("yank @ device/stall/200\n", "yank @ device/stall/199\n"));
    assert_true(offers("yank @ device/stall/200\n", "yank @ device/stall/100\n"));
}

static void a_target_becomes_the_device_or_the_request_itself(void **state)
{
    static const char other[] = "a: read\nb: read\ncancel of=a @ b/dma:map/1\n";

    (void)state;
    assert_true(offers(other, "a: read\nb: read\ncancel of=a @ device/dma:map/1\n"));
    assert_true(offers(other, "a: read\nb: read\ncancel of=a @ a/dma:map/1\n"));
    assert_false(offers("a: read\nb: read\ncancel of=a @ device/dma:map/1\n",
                        "a: read\nb: read\ncancel of=a @ a/dma:map/1\n"));
}

static void a_point_becomes_a_more_common_one(void **state)
{
    (void)state;
    assert_true(offers("yank @ device/lock:release.out/2\n", "yank @ device/dma:map.out/2\n"));
    assert_true(offers("yank @ device/lock:release.out/2\n", "yank @ device/lock:release/2\n"));
    assert_false(offers("yank @ device/dma:map.out/2\n", "yank @ device/lock:release/2\n"));
    /* Of all points the n-th says nothing: a named one may have a count of its own. */
    assert_true(offers("yank @ device/any/2\n", "yank @ device/dma:flush/4\n"));
    assert_false(offers("yank @ device/dma:flush/4\n", "yank @ device/any/2\n"));
}

static void a_size_becomes_round_or_smaller(void **state)
{
    uint16_t list[FT_SIMPLER_MAX];
    struct ft_scenario scenario = parsed("read length=9001 offset=77\n");

    (void)state;
    assert_true(ft_simpler_values(&scenario.op[0], 0, list) > 0);
    assert_int_equal(list[0], 0);
    assert_int_equal(list[1], 1);
    assert_int_equal(list[2], 2);
    assert_true(offers("read length=9001\n", "read length=4096\n"));
    assert_true(offers("read length=9001\n", "read length=8192\n"));
    assert_true(offers("read length=9001\n", "read length=12288\n")); /* whole pages say more */
    assert_true(offers("read length=9001\n", "read length=8193\n"));
    assert_true(offers("read length=9001\n", "read length=9000\n"));
    assert_false(offers("read length=8192\n", "read length=8191\n"));
    assert_true(offers("read length=8192\n", "read length=4096\n"));
    assert_false(offers("read length=4096\n", "read length=8192\n"));
}

static void a_small_argument_becomes_smaller(void **state)
{
    (void)state;
    assert_true(offers("sleep state=3\n", "sleep state=2\n"));
    assert_true(offers("fail-alloc what=3 after=200\n", "fail-alloc what=3 after=199\n"));
    assert_true(offers("fail-alloc what=3 after=200\n", "fail-alloc what=3\n"));
    assert_true(offers("device-data value=255\n", "device-data\n"));
    assert_true(offers("device-data value=255\n", "device-data value=254\n"));
    assert_false(offers("a: read\nb: read\ncancel of=b\n", "a: read\nb: read\ncancel of=a\n"));
}

static void a_label_that_nothing_names_goes_and_the_rest_are_in_order(void **state)
{
    (void)state;
    assert_true(offers("a: read\n", "read\n"));
    assert_false(offers("a: read\ncancel of=a\n", "read\ncancel of=a\n"));
    assert_true(offers("a: read\na: write\ncancel of=a\n", "a: read\nwrite\ncancel of=a\n"));
    assert_true(offers("c: read\nb: read\ncancel of=b @ c/dma:map/1\n",
                       "a: read\nb: read\ncancel of=b @ a/dma:map/1\n"));
}

/* A walk that takes any step on offer ends, and never offers what it has been. */
struct walk {
    struct ft_prng prng;
    struct ft_scenario chosen;
    unsigned seen;
};

static bool choose(void *context, const struct ft_scenario *simpler)
{
    struct walk *walk = context;

    if (ft_prng_below(&walk->prng, ++walk->seen) == 0)
        walk->chosen = *simpler;
    return false;
}

static void steps_come_to_an_end(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct walk walk = {.prng = ft_prng_init(seed, 1)};
        struct ft_scenario scenario;
        unsigned steps = 0;

        ft_scenario_random(seed, -1, &scenario);
        do {
            walk.seen = 0;
            ft_simpler_each(&scenario, choose, &walk);
            assert_false(walk.seen && ft_scenario_equal(&scenario, &walk.chosen));
            scenario = walk.chosen;
            assert_true(++steps < 20000);
        } while (walk.seen > 0);
    }
}

/* What is offered can be written down and read back. */
static bool check_range(void *context, const struct ft_scenario *simpler)
{
    (void)context;
    for (unsigned i = 0; i < simpler->op_count; i++) {
        struct ft_op op = simpler->op[i];

        assert_true(ft_op_fit(&op));
        assert_true(ft_op_equal(&op, &simpler->op[i]));
    }
    return false;
}

static void every_step_is_in_range(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        struct ft_scenario scenario;

        ft_scenario_random(seed, -1, &scenario);
        ft_simpler_each(&scenario, check_range, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_simpler_than_nothing),
        cmocka_unit_test(each_op_and_each_pair_can_go),
        cmocka_unit_test(a_platform_becomes_a_preset_and_coherent),
        cmocka_unit_test(a_moment_goes_or_comes_earlier),
        cmocka_unit_test(a_target_becomes_the_device_or_the_request_itself),
        cmocka_unit_test(a_point_becomes_a_more_common_one),
        cmocka_unit_test(a_size_becomes_round_or_smaller),
        cmocka_unit_test(a_small_argument_becomes_smaller),
        cmocka_unit_test(a_label_that_nothing_names_goes_and_the_rest_are_in_order),
        cmocka_unit_test(steps_come_to_an_end),
        cmocka_unit_test(every_step_is_in_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
