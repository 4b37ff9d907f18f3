/* The byte form: any bytes decode, encoding loses nothing, and damage stays within one op. */
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

enum { BYTES_MAX = 1024, STRINGS = 200000, SCENARIOS = 20000, DELIMITER = 0xFF };

static void check_op_in_range(const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    assert_non_null(row);
    assert_true(row->built);
    assert_true(op->label <= FT_LABEL_MAX);
    assert_true(op->moment.target <= FT_LABEL_MAX);
    assert_true(op->moment.count <= 254);
    assert_true(op->moment.accesses <= 65024);
    if (op->moment.count == 0)
        assert_true(op->moment.point == 0 && op->moment.target == 0 && op->moment.accesses == 0);
    else
        assert_non_null(ft_point_name(op->moment.point));
    for (unsigned i = 0; i < FT_OP_ARGS_MAX; i++)
        assert_true(op->arg[i] <= (i < row->argc ? row->arg_max[i] : 0));
}

static void check_in_range(const struct ft_scenario *scenario)
{
#define KNOB(field, name, maximum, sentence) assert_true(scenario->platform.field <= (maximum));
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    assert_true(scenario->op_count <= FT_OPS_MAX);
    for (unsigned i = 0; i < scenario->op_count; i++)
        check_op_in_range(&scenario->op[i]);
}

static void check_round_trip(const struct ft_scenario *scenario)
{
    uint8_t bytes[BYTES_MAX], again[BYTES_MAX];
    size_t length = ft_scenario_encode(scenario, bytes, sizeof(bytes));
    struct ft_scenario decoded;

    assert_true(length <= sizeof(bytes));
    ft_scenario_decode(bytes, length, &decoded);
    assert_true(ft_scenario_equal(&decoded, scenario));
    assert_int_equal(ft_scenario_encode(&decoded, again, sizeof(again)), length);
    assert_memory_equal(again, bytes, length);
}

/* Half of all strings are noise; the others have many delimiters, real op numbers and small digits.
 * The exact size lets the address sanitizer see a read behind the end. */
static uint8_t *random_bytes(struct ft_prng *prng, size_t *ret_length)
{
    size_t length = ft_prng_below(prng, ft_prng_odds(prng, 1, 8) ? BYTES_MAX : 80);
    bool noise = ft_prng_odds(prng, 1, 2);
    uint8_t *bytes = malloc(length > 0 ? length : 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)ft_prng_next(prng);
        if (noise)
            continue;
        if (ft_prng_odds(prng, 1, 6))
            bytes[i] = DELIMITER;
        else if (i > 0 && bytes[i - 1] == DELIMITER)
            bytes[i] = (uint8_t)(16 + ft_prng_below(prng, 56));
        else
            bytes[i] %= 16;
    }
    *ret_length = length;
    return bytes;
}

static void any_bytes_decode_into_range_and_survive_encoding(void **state)
{
    struct ft_prng prng = ft_prng_init(1, 100);
    unsigned ops = 0;

    (void)state;
    for (int i = 0; i < STRINGS; i++) {
        struct ft_scenario scenario;
        size_t length;
        uint8_t *bytes = random_bytes(&prng, &length);

        ft_scenario_decode(bytes, length, &scenario);
        free(bytes);
        check_in_range(&scenario);
        check_round_trip(&scenario);
        ops += scenario.op_count;
    }
    assert_true(ops > STRINGS); /* the strings above do hold ops */
}

static void random_scenarios_survive_encoding(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SCENARIOS; seed++) {
        struct ft_scenario scenario;

        ft_scenario_random(seed, -1, &scenario);
        check_in_range(&scenario);
        check_round_trip(&scenario);
    }
}

static void smallest_and_largest_values_of_every_op_survive(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        const struct ft_op_row *row = ft_op_row(number);
        struct ft_scenario scenario = {.op_count = 4};

        if (row == NULL || !row->built)
            continue;
        ft_platform_preset(FT_PLATFORM_IOMMU, &scenario.platform);
        for (unsigned i = 0; i < scenario.op_count; i++) {
            struct ft_op *op = &scenario.op[i];

            op->kind = (uint8_t)number;
            for (unsigned a = 0; a < row->argc; a++)
                op->arg[a] = i & 1 ? row->arg_max[a] : 0;
            op->label = i & 1 ? FT_LABEL_MAX : 0;
            if (i & 2)
                op->moment = (struct ft_moment){
                    .target = 254, .point = FT_PT_DMA_QUERY_OUT, .count = 254, .accesses = 65024};
        }
        check_in_range(&scenario);
        check_round_trip(&scenario);
    }
}

static void every_knob_value_survives(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
        for (unsigned knob = 1; knob < FT_KNOB_COUNT; knob++) {
            for (unsigned value = 0; value <= ft_knobs[knob].maximum; value++) {
                struct ft_scenario scenario = {.op_count = 0};

                ft_platform_preset((enum ft_platform_name)preset, &scenario.platform);
                ft_knob_set(&scenario.platform, knob, value);
                check_round_trip(&scenario);
            }
        }
    }
}

static void check_decodes_to(const uint8_t *bytes, size_t length, unsigned op_count,
                             const struct ft_op *op)
{
    struct ft_scenario want = {.op_count = (uint16_t)op_count}, got;

    ft_scenario_decode(bytes, length, &got);
    want.platform = got.platform;
    if (op_count > 0)
        want.op[0] = *op;
    assert_true(ft_scenario_equal(&got, &want));
}

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void bytes_mean_what_the_header_says(void **state)
{
    struct ft_op full = {
        .kind = FT_OP_READ,
        .label = 1,
        .moment = {.target = 2, .point = FT_PT_DMA_MAP, .count = 3, .accesses = 256},
        .arg = {12288, 512}};
    struct ft_op bare = {.kind = FT_OP_READ};
    struct ft_op wrapped = {.kind = FT_OP_WRITE, .arg = {5, 9}};
    struct ft_op anywhere = {.kind = FT_OP_REMOVE, .moment = {.point = FT_PT_ANY, .count = 1}};
    struct ft_op stored = {.kind = FT_OP_PREEMPT, .arg = {6, 30}};

    (void)state;
    check_decodes_to(BYTES(0, 255, 16, 1, 2, 100, 3, 1, 1, 48, 48, 2, 2), 1, &full);
    check_decodes_to(BYTES(0, 255, 16, 1, 2, 100, 3, 1, 1, 48, 48, 2, 2, 77, 77), 1, &full);
    check_decodes_to(BYTES(0, 255, 16), 1, &bare);
    check_decodes_to(BYTES(255, 16, 255, 255, 29, 1, 255, 7), 1, &bare); /* free */
    check_decodes_to(BYTES(0, 255, 17, 0, 0, 0, 0, 0, 0, 5, 0, 25, 16), 1, &wrapped);
    check_decodes_to(BYTES(0, 255, 34, 0, 0, 254, 1), 1, &anywhere); /* a free point number */
    check_decodes_to(BYTES(0, 255, 34, 0, 0, 0, 1), 1, &anywhere);
    check_decodes_to(BYTES(0, 255, 16, 0, 9, 9, 0, 9, 9), 1, &bare); /* quiet: the rest is void */
    check_decodes_to(BYTES(0, 255, 64, 0, 0, 0, 0, 0, 0, 6, 30), 1, &stored);
    check_decodes_to(BYTES(0, 255, 64, 0, 0, 0, 0, 0, 0, 14, 61), 1, &stored);
    check_decodes_to(BYTES(3, 1, 1), 0, NULL);
    check_decodes_to(NULL, 0, 0, NULL);
}

/* Slot 128 + n, and the digit behind it: the op's device, and twice its moment's. */
static void slots_from_128_on_name_devices(void **state)
{
    struct ft_op second = {.kind = FT_OP_READ, .label = 1, .device = 1, .arg = {5, 9}};
    struct ft_op at_first = {.kind = FT_OP_REMOVE,
                             .moment = {.point = FT_PT_DMA_MAP, .count = 1, .device = 1}};
    struct ft_op both = {.kind = FT_OP_REMOVE,
                         .device = 1,
                         .moment = {.point = FT_PT_DMA_MAP, .count = 1, .device = 2}};
    struct ft_op bare = {.kind = FT_OP_READ}, wake = {.kind = FT_OP_WAKE};
    uint8_t bytes[16];
    struct ft_scenario scenario = {.op_count = 1};

    (void)state;
    ft_platform_preset(FT_PLATFORM_COHERENT, &scenario.platform);
    check_decodes_to(BYTES(0, 255, 144, 1, 1, 0, 0, 0, 0, 0, 5, 0, 9), 1, &second);
    check_decodes_to(BYTES(0, 255, 162, 2, 0, 0, FT_PT_DMA_MAP, 1), 1, &at_first);
    check_decodes_to(BYTES(0, 255, 162, 5, 0, 0, FT_PT_DMA_MAP, 1), 1, &both);
    check_decodes_to(BYTES(0, 255, 162, 11, 0, 0, FT_PT_DMA_MAP, 1), 1, &both);
    check_decodes_to(BYTES(0, 255, 144), 1, &bare);
    check_decodes_to(BYTES(0, 255, 144, 6), 1, &bare);
    check_decodes_to(BYTES(0, 255, 170, 1), 1, &wake); /* of the machine */
    check_decodes_to(BYTES(0, 255, 157, 1), 0, NULL);  /* a free slot, too */
    for (unsigned devices = 0; devices < FT_OP_DEVICES; devices++) {
        scenario.op[0] = both;
        ft_op_devices_set(&scenario.op[0], devices);
        assert_int_equal(ft_op_devices(&scenario.op[0]), devices);
        check_round_trip(&scenario);
        ft_scenario_encode(&scenario, bytes, sizeof(bytes));
        assert_int_equal(bytes[2], devices ? 162 : 34);
    }
}

static void check_platform(const uint8_t *bytes, size_t length, struct ft_platform want)
{
    struct ft_scenario got;

    ft_scenario_decode(bytes, length, &got);
    assert_memory_equal(&got.platform, &want, sizeof(want));
}

static void knobs_without_a_digit_are_the_presets(void **state)
{
    struct ft_platform want;

    (void)state;
    ft_platform_preset(FT_PLATFORM_COHERENT, &want);
    check_platform(NULL, 0, want);
    check_platform(BYTES(255, 16), want);
    ft_platform_preset(FT_PLATFORM_BOUNCE, &want);
    check_platform(BYTES(1), want);
    check_platform(BYTES(5, 255, 16), want);
    want.processors = 0;
    check_platform(BYTES(1, 0), want);
    want.processors = 3;
    want.coherent = 0;
    check_platform(BYTES(1, 7, 2), want);
    check_platform(BYTES(1, 7, 2, 0, 1, 1, 5, 8, 0, 0, 0, 0, 99, 99), want);
}

static void ops_beyond_the_most_are_dropped(void **state)
{
    uint8_t bytes[2 * FT_OPS_MAX + 20] = {0};
    struct ft_scenario scenario;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i % 2 == 0 ? DELIMITER : FT_OP_REMOVE;
    ft_scenario_decode(bytes, sizeof(bytes), &scenario);
    assert_int_equal(scenario.op_count, FT_OPS_MAX);
}

static void encoding_writes_no_more_than_the_capacity(void **state)
{
    struct ft_scenario scenario;
    uint8_t whole[BYTES_MAX], part[BYTES_MAX];
    size_t length;

    (void)state;
    ft_scenario_random(7, -1, &scenario);
    length = ft_scenario_encode(&scenario, whole, sizeof(whole));
    assert_int_equal(ft_scenario_encode(&scenario, NULL, 0), length);
    for (size_t capacity = 0; capacity <= length; capacity++) {
        memset(part, 0xAA, sizeof(part));
        assert_int_equal(ft_scenario_encode(&scenario, part, capacity), length);
        assert_memory_equal(part, whole, capacity);
        assert_int_equal(part[capacity], 0xAA);
    }
}

static void values_out_of_range_never_reach_the_bytes(void **state)
{
    struct ft_scenario scenario = {.op_count = 3}, decoded;
    uint8_t bytes[BYTES_MAX];
    size_t length;

    (void)state;
    memset(&scenario.platform, 0xFF, sizeof(scenario.platform));
    memset(scenario.op, 0xFF, sizeof(scenario.op));
    scenario.op[0].kind = FT_OP_READ;
    scenario.op[1].kind = 29; /* free */
    length = ft_scenario_encode(&scenario, bytes, sizeof(bytes));
    ft_scenario_decode(bytes, length, &decoded);
    check_in_range(&decoded);
    assert_int_equal(decoded.op_count, 1);
    check_round_trip(&decoded);
}

/* Ops that two scenarios have in common at the start plus at the end, without counting one twice.
 */
static unsigned common_ops(const struct ft_scenario *a, const struct ft_scenario *b)
{
    unsigned most = a->op_count < b->op_count ? a->op_count : b->op_count;
    unsigned start = 0, end = 0;

    while (start < most && ft_op_equal(&a->op[start], &b->op[start]))
        start++;
    while (start + end < most &&
           ft_op_equal(&a->op[a->op_count - 1 - end], &b->op[b->op_count - 1 - end]))
        end++;
    return start + end;
}

static void a_deleted_byte_spoils_one_op_and_a_deleted_delimiter_two(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SCENARIOS / 10; seed++) {
        struct ft_scenario random, whole, damaged;
        uint8_t bytes[BYTES_MAX], less[BYTES_MAX];
        size_t length;

        ft_scenario_random(seed, -1, &random);
        length = ft_scenario_encode(&random, bytes, sizeof(bytes));
        ft_scenario_decode(bytes, length, &whole);
        for (size_t at = 0; at < length; at++) {
            unsigned common, spoilt = bytes[at] == DELIMITER ? 2 : 1;

            memcpy(less, bytes, at);
            memcpy(less + at, bytes + at + 1, length - at - 1);
            ft_scenario_decode(less, length - 1, &damaged);
            check_in_range(&damaged);
            common = common_ops(&whole, &damaged);
            assert_true(common + spoilt >= whole.op_count);
            assert_true(damaged.op_count <= common + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_decode_into_range_and_survive_encoding),
        cmocka_unit_test(random_scenarios_survive_encoding),
        cmocka_unit_test(smallest_and_largest_values_of_every_op_survive),
        cmocka_unit_test(every_knob_value_survives),
        cmocka_unit_test(bytes_mean_what_the_header_says),
        cmocka_unit_test(slots_from_128_on_name_devices),
        cmocka_unit_test(knobs_without_a_digit_are_the_presets),
        cmocka_unit_test(ops_beyond_the_most_are_dropped),
        cmocka_unit_test(encoding_writes_no_more_than_the_capacity),
        cmocka_unit_test(values_out_of_range_never_reach_the_bytes),
        cmocka_unit_test(a_deleted_byte_spoils_one_op_and_a_deleted_delimiter_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
