/* Random scenarios and mutation: pure functions of their seeds, in range, and reaching everything
 * there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 20000, CAPACITY = 512 };

static void same_seed_same_scenario_other_seed_another(void **state)
{
    unsigned same = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct ft_scenario a, b;

        memset(&a, 0x55, sizeof(a));
        memset(&b, 0xAA, sizeof(b));
        ft_scenario_random(seed, -1, &a);
        ft_scenario_random(seed, -1, &b);
        assert_true(ft_scenario_equal(&a, &b));
        ft_scenario_random(seed + 1, -1, &b);
        same += ft_scenario_equal(&a, &b);
    }
    assert_true(same < 5);
}

/* Against the published outputs of splitmix64 for the seed 1234567. */
static void the_generator_is_splitmix64(void **state)
{
    struct ft_prng prng = {1234567};

    (void)state;
    assert_true(ft_prng_next(&prng) == UINT64_C(6457827717110365317));
    assert_true(ft_prng_next(&prng) == UINT64_C(3203168211198807973));
    assert_true(ft_prng_next(&prng) == UINT64_C(9817491932198370423));
}

static void draws_stay_below_their_bound_and_reach_all_of_it(void **state)
{
    struct ft_prng prng = ft_prng_init(42, 1), other = ft_prng_init(42, 2);
    unsigned drawn[7] = {0};

    (void)state;
    assert_true(ft_prng_next(&prng) != ft_prng_next(&other));
    for (int i = 0; i < 7000; i++) {
        uint32_t value = ft_prng_below(&prng, 7);

        assert_true(value < 7);
        drawn[value]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(drawn[i], 800, 1200);
}

static void a_named_platform_is_kept_as_it_is(void **state)
{
    (void)state;
    for (int preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        struct ft_platform want;

        ft_platform_preset((enum ft_platform_name)preset, &want);
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct ft_scenario scenario;

            ft_scenario_random(seed, preset, &scenario);
            assert_memory_equal(&scenario.platform, &want, sizeof(want));
        }
    }
}

struct tally {
    unsigned kind[256], point[256], preset[FT_PLATFORM_COUNT];
    unsigned requests, requests_with_moment, moments, dangling, downs, downs_with_up, calm;
};

static void count_scenario(struct tally *tally, const struct ft_scenario *scenario)
{
    bool label_seen[256] = {true}; /* 0 is the device */

    tally->preset[scenario->platform.preset]++;
    tally->calm += ft_scenario_is_calm(scenario);
    assert_in_range(scenario->op_count, 1, 12);
    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];

        tally->kind[op->kind]++;
        if (op->moment.count != 0) {
            tally->moments++;
            tally->point[op->moment.point]++;
            tally->dangling += !label_seen[op->moment.target];
        }
        if (ft_op_row(op->kind)->class_ == FT_OP_CLASS_REQUEST) {
            tally->requests++;
            tally->requests_with_moment += op->moment.count != 0;
            assert_int_not_equal(op->label, 0);
            assert_false(label_seen[op->label]);
        }
        label_seen[op->label] = true;
        if (op->kind == FT_OP_POWER_DOWN && i + 1 < scenario->op_count) {
            tally->downs++;
            tally->downs_with_up += scenario->op[i + 1].kind == FT_OP_POWER_UP;
        }
    }
}

static void every_built_op_and_nearly_every_point_occurs(void **state)
{
    static struct tally tally;
    unsigned points = 0, points_hit = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ft_scenario scenario;

        ft_scenario_random(seed, -1, &scenario);
        count_scenario(&tally, &scenario);
    }
    for (unsigned number = 0; number < 256; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (row != NULL && row->built)
            assert_true(tally.kind[number] > 50);
        else
            assert_int_equal(tally.kind[number], 0);
        points += ft_point_name(number) != NULL;
        points_hit += tally.point[number] > 0;
    }
    assert_true(points_hit * 10 > points * 8);
    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++)
        assert_in_range(tally.preset[i], SEEDS / 5, SEEDS * 3 / 10);
    assert_in_range(tally.requests, 2 * SEEDS, 3 * SEEDS);
    assert_in_range(tally.requests_with_moment * 100 / tally.requests, 15, 25);
    assert_true(tally.downs_with_up * 2 > tally.downs);
    assert_int_equal(tally.dangling, 0);
    assert_in_range(tally.calm, SEEDS / 100, SEEDS / 5);
    assert_true(tally.point[FT_PT_DMA_MAP_OUT] > 3 * tally.point[FT_PT_STALL]);
}

/* The property of one mutation: pure, within the capacity, and decodable like any bytes. */
static size_t mutate_twice(uint8_t *bytes, size_t length, size_t capacity, uint64_t seed)
{
    uint8_t *exact = malloc(capacity > 0 ? capacity : 1); /* so that ASan sees its end */
    size_t result, again;

    assert_non_null(exact);
    memcpy(exact, bytes, length);
    again = ft_scenario_mutate(exact, length, capacity, seed);
    result = ft_scenario_mutate(bytes, length, capacity, seed);
    assert_true(result <= capacity);
    assert_int_equal(result, again);
    assert_memory_equal(bytes, exact, result);
    free(exact);
    return result;
}

static bool has_a_label_twice(const struct ft_scenario *scenario)
{
    bool seen[256] = {false};

    for (unsigned i = 0; i < scenario->op_count; i++) {
        uint8_t label = scenario->op[i].label;

        if (label != 0 && seen[label])
            return true;
        seen[label] = true;
    }
    return false;
}

/* Only byte noise may leave the parent as it is, or make two labels equal. */
static void mutation_is_pure_changes_something_and_keeps_labels_apart(void **state)
{
    unsigned unchanged = 0, ambiguous = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ft_scenario scenario, mutant;
        uint8_t bytes[CAPACITY];
        size_t length;

        ft_scenario_random(seed, -1, &scenario);
        length = ft_scenario_encode(&scenario, bytes, sizeof(bytes));
        assert_true(length <= sizeof(bytes));
        length = mutate_twice(bytes, length, sizeof(bytes), seed);
        ft_scenario_decode(bytes, length, &mutant);
        unchanged += ft_scenario_equal(&scenario, &mutant);
        ambiguous += has_a_label_twice(&mutant);
    }
    assert_true(unchanged < SEEDS / 50);
    assert_true(ambiguous < SEEDS / 200);
}

static void mutation_grows_scenarios_out_of_nothing(void **state)
{
    unsigned with_ops = 0, kinds = 0;
    bool seen[256] = {false};

    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        uint8_t bytes[CAPACITY];
        struct ft_scenario scenario;
        size_t length = mutate_twice(bytes, 0, sizeof(bytes), seed);

        ft_scenario_decode(bytes, length, &scenario);
        with_ops += scenario.op_count > 0;
        for (uint64_t step = 0; step < 200; step++) {
            length = mutate_twice(bytes, length, sizeof(bytes), seed * 1000 + step);
            ft_scenario_decode(bytes, length, &scenario);
            for (unsigned i = 0; i < scenario.op_count; i++)
                seen[scenario.op[i].kind] = true;
        }
    }
    assert_true(with_ops > 80);
    for (unsigned number = 0; number < 256; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        kinds += row != NULL && row->built && !seen[number];
    }
    assert_int_equal(kinds, 0);
}

static void mutation_keeps_within_any_capacity(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < 64; capacity++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            uint8_t bytes[CAPACITY];
            struct ft_prng prng = ft_prng_init(seed, capacity);
            size_t length = ft_prng_below(&prng, (uint32_t)capacity + 1);

            for (size_t i = 0; i < length; i++)
                bytes[i] = (uint8_t)(ft_prng_odds(&prng, 1, 5) ? 0xFF : ft_prng_next(&prng));
            mutate_twice(bytes, length, capacity, seed);
        }
    }
}

/* Labels are what moments hold on to; a mutant must not lose them by accident. */
static void most_mutants_keep_most_of_their_parents_ops(void **state)
{
    unsigned kept = 0, all = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct ft_scenario parent, mutant;
        uint8_t bytes[CAPACITY];
        size_t length;

        ft_scenario_random(seed, -1, &parent);
        length = ft_scenario_encode(&parent, bytes, sizeof(bytes));
        length = ft_scenario_mutate(bytes, length, sizeof(bytes), seed);
        ft_scenario_decode(bytes, length, &mutant);
        for (unsigned i = 0; i < parent.op_count; i++) {
            unsigned j = 0;

            while (j < mutant.op_count && !ft_op_equal(&parent.op[i], &mutant.op[j]))
                j++;
            kept += j < mutant.op_count;
            all++;
        }
    }
    assert_true(kept * 10 > all * 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_scenario_other_seed_another),
        cmocka_unit_test(the_generator_is_splitmix64),
        cmocka_unit_test(draws_stay_below_their_bound_and_reach_all_of_it),
        cmocka_unit_test(a_named_platform_is_kept_as_it_is),
        cmocka_unit_test(every_built_op_and_nearly_every_point_occurs),
        cmocka_unit_test(mutation_is_pure_changes_something_and_keeps_labels_apart),
        cmocka_unit_test(mutation_grows_scenarios_out_of_nothing),
        cmocka_unit_test(mutation_keeps_within_any_capacity),
        cmocka_unit_test(most_mutants_keep_most_of_their_parents_ops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
