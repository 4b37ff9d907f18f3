/* Random scenarios: a pure function of their seeds, in range, and reaching everything there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"
#include "sim/module.h"

#include <string.h>

enum { SEEDS = 20000 };

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

        bool disk = (number >= FT_OP_DISK_READ && number <= FT_OP_DISK_NEXT) ||
                    number == FT_OP_BUS_RESET || number == FT_OP_ABORT || number == FT_OP_TARGET;
        bool strategy = number >= FT_OP_ORDER && number <= FT_OP_PICK;
        bool drawn =
            number != FT_OP_READ_PAGES && number != FT_OP_WRITE_PAGES && !disk && !strategy;

        if (row != NULL && row->built && drawn)
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

/* A driver of files gets what it always got; a miniport's requests are those to its disks, in
 * range and with the labels of the others, and wait for what is theirs. */
static void a_miniport_gets_ops_of_its_disks(void **state)
{
    unsigned kind[256] = {0};

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ft_scenario plain, files, disks;

        ft_scenario_random(seed, -1, &plain);
        ft_scenario_random_for(seed, -1, FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_IOCTL, &files);
        ft_scenario_random_for(seed, -1, FT_TAKES_BLOCKS, &disks);
        assert_true(ft_scenario_equal(&plain, &files));
        assert_int_equal(disks.op_count, plain.op_count);
        for (unsigned i = 0; i < disks.op_count; i++) {
            struct ft_op fit = disks.op[i];

            assert_true(ft_op_fit(&fit) && ft_op_equal(&fit, &disks.op[i]));
            assert_int_equal(disks.op[i].label, plain.op[i].label);
            assert_int_equal(disks.op[i].moment.target, plain.op[i].moment.target);
            assert_int_equal(disks.op[i].moment.count, plain.op[i].moment.count);
            kind[disks.op[i].kind]++;
        }
    }
    for (unsigned number = FT_OP_DISK_READ; number <= FT_OP_DISK_NEXT; number++)
        assert_true(kind[number] > 50);
    assert_true(kind[FT_OP_ABORT] > 50 && kind[FT_OP_TARGET] > 50 && kind[FT_OP_BUS_RESET] > 50);
    assert_int_equal(kind[FT_OP_READ] + kind[FT_OP_WRITE] + kind[FT_OP_IOCTL], 0);
}

/* Ops of either device in one scenario, in range; what is the machine's stays so. */
static void a_driver_of_two_gets_ops_of_both(void **state)
{
    unsigned of[2] = {0}, moments[3] = {0}, mixed = 0;

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ft_scenario two;
        unsigned here[2] = {0};

        ft_scenario_random_for(seed, -1, FT_TAKES_READ | FT_TAKES_FOR_TWO, &two);
        for (unsigned i = 0; i < two.op_count; i++) {
            struct ft_op fit = two.op[i];

            assert_true(ft_op_fit(&fit) && ft_op_equal(&fit, &two.op[i]));
            here[fit.device] += ft_op_is_of_device(fit.kind);
            moments[fit.moment.device]++;
        }
        of[0] += here[0];
        of[1] += here[1];
        mixed += here[0] > 0 && here[1] > 0;
    }
    assert_true(of[0] > SEEDS && of[1] > SEEDS && mixed > SEEDS / 2);
    assert_true(moments[1] > SEEDS / 20 && moments[2] > SEEDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_scenario_other_seed_another),
        cmocka_unit_test(the_generator_is_splitmix64),
        cmocka_unit_test(draws_stay_below_their_bound_and_reach_all_of_it),
        cmocka_unit_test(a_named_platform_is_kept_as_it_is),
        cmocka_unit_test(every_built_op_and_nearly_every_point_occurs),
        cmocka_unit_test(a_miniport_gets_ops_of_its_disks),
        cmocka_unit_test(a_driver_of_two_gets_ops_of_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
