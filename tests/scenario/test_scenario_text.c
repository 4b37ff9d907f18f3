/* The text form: what is printed parses to the same, and what is wrong is refused with line and
 * reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16384, SCENARIOS = 20000, HAVOCS = 40000 };

static void check_round_trip(const struct ft_scenario *scenario)
{
    char text[TEXT_MAX];
    size_t length = ft_scenario_print(scenario, text, sizeof(text));
    struct ft_scenario parsed;
    struct ft_error error = {.text = ""};

    assert_true(length < sizeof(text));
    assert_int_equal(strlen(text), length);
    if (ft_scenario_parse(text, length, &parsed, &error) != FT_OK)
        fail_msg("line %u: %s\n%s", (unsigned)error.offset, error.text, text);
    assert_true(ft_scenario_equal(&parsed, scenario));
}

static void random_scenarios_survive_printing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SCENARIOS; seed++) {
        struct ft_scenario scenario;

        ft_scenario_random(seed, -1, &scenario);
        check_round_trip(&scenario);
    }
}

/* Random bytes reach what ft_scenario_random does not: all labels, counts, accesses and knobs. */
static void decoded_bytes_survive_printing(void **state)
{
    struct ft_prng prng = ft_prng_init(2, 200);

    (void)state;
    for (int i = 0; i < SCENARIOS; i++) {
        struct ft_scenario scenario;
        uint8_t bytes[200];

        for (size_t at = 0; at < sizeof(bytes); at++) {
            bytes[at] = (uint8_t)ft_prng_next(&prng);
            if (at % 13 == 9)
                bytes[at] = 0xFF;
            if (at % 13 == 10)
                bytes[at] = (uint8_t)(16 + ft_prng_below(&prng, 56));
        }
        ft_scenario_decode(bytes, sizeof(bytes), &scenario);
        check_round_trip(&scenario);
    }
}

static void smallest_and_largest_values_of_every_op_survive(void **state)
{
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        const struct ft_op_row *row = ft_op_row(number);
        struct ft_scenario scenario = {.op_count = 2};

        if (row == NULL || !row->built)
            continue;
        scenario.op[0].kind = scenario.op[1].kind = (uint8_t)number;
        for (unsigned i = 0; i < row->argc; i++)
            scenario.op[1].arg[i] = row->arg_max[i];
        scenario.op[1].label = FT_LABEL_MAX;
        scenario.op[1].moment = (struct ft_moment){
            .target = 254, .point = FT_PT_DMA_QUERY_OUT, .count = 254, .accesses = 65024};
        check_round_trip(&scenario);
    }
}

static void every_label_and_every_point_survives(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= FT_LABEL_MAX; i++) {
        struct ft_scenario scenario = {.op_count = 1};
        struct ft_op op = {
            .kind = FT_OP_CANCEL,
            .label = (uint8_t)i,
            .moment = {.target = (uint8_t)i, .point = (uint8_t)i, .count = 1, .accesses = 0},
            .arg = {0}};

        op.arg[0] = (uint16_t)i;
        if (ft_point_name(i) == NULL)
            op.moment.point = FT_PT_ANY;
        scenario.op[0] = op;
        check_round_trip(&scenario);
    }
}

static const char example[] = "# Two reads in flight, the first cancelled.\r\n"
                              "\n"
                              "platform bounce registers=2 defer=0x1 # few registers\n"
                              "a: read length=12288 offset=512\n"
                              "\tb:write offset=0x10 length=0x1000 @ a/dma:map.out/1\n"
                              "cancel of=a @a/dma:map.out/2\n"
                              "l27: power-down @ device/engine:burst/3 +m5\n"
                              "power-up";

static const char canonical[] = "platform bounce registers=2 defer=1\n"
                                "a: read length=12288 offset=512\n"
                                "b: write length=4096 offset=16 @ a/dma:map.out/1\n"
                                "cancel of=a @ a/dma:map.out/2\n"
                                "l27: power-down @ device/engine:burst/3 +m5\n"
                                "power-up\n";

static void an_example_parses_to_its_fields(void **state)
{
    struct ft_scenario want = {.op_count = 5}, got;
    char text[TEXT_MAX];

    (void)state;
    ft_platform_preset(FT_PLATFORM_BOUNCE, &want.platform);
    want.platform.registers = 2;
    want.platform.defer = 1;
    want.op[0] = (struct ft_op){.kind = FT_OP_READ, .label = 1, .arg = {12288, 512}};
    want.op[1] = (struct ft_op){
        .kind = FT_OP_WRITE,
        .label = 2,
        .moment = {.target = 1, .point = FT_PT_DMA_MAP_OUT, .count = 1, .accesses = 0},
        .arg = {4096, 16}};
    want.op[2] = (struct ft_op){
        .kind = FT_OP_CANCEL,
        .label = 0,
        .moment = {.target = 1, .point = FT_PT_DMA_MAP_OUT, .count = 2, .accesses = 0},
        .arg = {1}};
    want.op[3] = (struct ft_op){
        .kind = FT_OP_POWER_DOWN,
        .label = 27,
        .moment = {.target = 0, .point = FT_PT_ENGINE_BURST, .count = 3, .accesses = 5},
        .arg = {0}};
    want.op[4] = (struct ft_op){.kind = FT_OP_POWER_UP};
    assert_int_equal(ft_scenario_parse(example, strlen(example), &got, NULL), FT_OK);
    assert_true(ft_scenario_equal(&got, &want));
    ft_scenario_print(&got, text, sizeof(text));
    assert_string_equal(text, canonical);
    ft_op_print(&got.op[2], text, sizeof(text));
    assert_string_equal(text, "cancel of=a @ a/dma:map.out/2");
}

static void devices_are_named(void **state)
{
    static const char text[] = "a: read length=8 device=2\n"
                               "stop device=1 @ device2/dma:map.out/2\n"
                               "yank device=2 @ device1/irq:raised/1 +m3\n"
                               "remove @ device/call:enter/1\n";
    static const char want[] = "platform coherent\n"
                               "a: read length=8 device=2\n"
                               "stop @ device2/dma:map.out/2\n"
                               "yank device=2 @ device1/irq:raised/1 +m3\n"
                               "remove @ device/call:enter/1\n";
    struct ft_scenario got;
    char printed[TEXT_MAX];

    (void)state;
    assert_int_equal(ft_scenario_parse(text, strlen(text), &got, NULL), FT_OK);
    assert_int_equal(got.op[0].device, 1);
    assert_int_equal(got.op[1].device, 0);
    assert_int_equal(got.op[1].moment.device, 2);
    assert_int_equal(got.op[2].moment.device, 1);
    assert_int_equal(got.op[3].moment.device, 0);
    ft_scenario_print(&got, printed, sizeof(printed));
    assert_string_equal(printed, want);
}

static void no_platform_line_means_coherent(void **state)
{
    static const char text[] = "remove\n";
    struct ft_scenario got;
    struct ft_platform want;

    (void)state;
    ft_platform_preset(FT_PLATFORM_COHERENT, &want);
    assert_int_equal(ft_scenario_parse(text, strlen(text), &got, NULL), FT_OK);
    assert_memory_equal(&got.platform, &want, sizeof(want));
    assert_int_equal(got.op_count, 1);
    assert_int_equal(ft_scenario_parse(NULL, 0, &got, NULL), FT_OK);
    assert_int_equal(got.op_count, 0);
}

static void printing_writes_no_more_than_the_capacity(void **state)
{
    struct ft_scenario scenario;
    char whole[TEXT_MAX], part[TEXT_MAX];
    size_t length;

    (void)state;
    ft_scenario_random(11, -1, &scenario);
    length = ft_scenario_print(&scenario, whole, sizeof(whole));
    assert_int_equal(ft_scenario_print(&scenario, NULL, 0), length);
    for (size_t capacity = 1; capacity <= length + 1; capacity++) {
        memset(part, 'X', length + 2);
        assert_int_equal(ft_scenario_print(&scenario, part, capacity), length);
        assert_memory_equal(part, whole, capacity - 1);
        assert_int_equal(part[capacity - 1], '\0');
        assert_int_equal(part[capacity], 'X');
    }
}

static const struct {
    const char *text;
    unsigned line;
    const char *reason;
} bad_texts[] = {
    {"frobnicate\n", 1, "unknown op: frobnicate (see flushtrace ops)"},
    {"a: read\n\n# x\nreed length=1\n", 4, "unknown op: reed (see flushtrace ops)"},
    {"read length=65025\n", 1, "length: 65025 is out of range 0 to 65024"},
    {"read length=99999999999999999999\n", 1,
     "length: 99999999999999999999 is out of range 0 to 65024"},
    {"read offset=0x1000\n", 1, "offset: 0x1000 is out of range 0 to 4095"},
    {"read device=3\n", 1, "device: 3 is out of range 1 to 2"},
    {"read device=0\n", 1, "device: 0 is out of range 1 to 2"},
    {"read device=2 device=2\n", 1, "argument given twice: device"},
    {"sleep device=2\n", 1, "sleep is not about one device"},
    {"evict device=1\n", 1, "evict is not about one device"},
    {"remove @ device3/any/1\n", 1, "not a label: device3 (a to z, or l27 to l254)"},
    {"read length=-1\n", 1, "length: not a number: -1"},
    {"read length=\n", 1, "length: not a number: "},
    {"read length=0x\n", 1, "length: not a number: 0x"},
    {"read length=1f\n", 1, "length: not a number: 1f"},
    {"read length\n", 1, "expected NAME=VALUE or @: length"},
    {"read size=4\n", 1, "read has no argument size (it takes: length:65024 offset:4095)"},
    {"remove now=1\n", 1, "remove has no argument now (it takes: none)"},
    {"read length=4 length=5\n", 1, "argument given twice: length"},
    {"cancel of=1\n", 1, "not a label: 1 (a to z, or l27 to l254)"},
    {"cancel of=\n", 1, "not a label:  (a to z, or l27 to l254)"},
    {"l26: read\n", 1, "not a label: l26 (a to z, or l27 to l254)"},
    {"l255: read\n", 1, "not a label: l255 (a to z, or l27 to l254)"},
    {"l027: read\n", 1, "not a label: l027 (a to z, or l27 to l254)"},
    {"l0x40: read\n", 1, "not a label: l0x40 (a to z, or l27 to l254)"},
    {"A: read\n", 1, "not a label: A (a to z, or l27 to l254)"},
    {": read\n", 1, "not a label:  (a to z, or l27 to l254)"},
    {"a:\n", 1, "a label without an op: a"},
    {"a : read\n", 1, "unknown op: a (see flushtrace ops)"},
    {"yank @ a/dma:frob/1\n", 1, "unknown point: dma:frob (see flushtrace points)"},
    {"yank @ a//1\n", 1, "unknown point:  (see flushtrace points)"},
    {"yank @ a/dma:map/0\n", 1, "count: 0 is out of range 1 to 254"},
    {"yank @ a/dma:map/255\n", 1, "count: 255 is out of range 1 to 254"},
    {"yank @ a/dma:map/x\n", 1, "count: not a number: x"},
    {"yank @ a/dma:map\n", 1, "not a moment: a/dma:map (write TARGET/POINT/COUNT)"},
    {"yank @ a/dma:map/1/2\n", 1, "not a moment: a/dma:map/1/2 (write TARGET/POINT/COUNT)"},
    {"yank @\n", 1, "not a moment:  (write TARGET/POINT/COUNT)"},
    {"yank @ nobody/any/1\n", 1, "not a label: nobody (a to z, or l27 to l254)"},
    {"yank @ a/any/1 +m65025\n", 1, "+m: 65025 is out of range 0 to 65024"},
    {"yank @ a/any/1 +m\n", 1, "+m: not a number: "},
    {"yank @ a/any/1 + m5\n", 1, "nothing may follow a moment but +m: +"},
    {"read @ a/any/1 length=3\n", 1, "nothing may follow a moment but +m: length=3"},
    {"read @ a/any/1 +m5 +m6\n", 1, "nothing may follow a moment but +m: +m6"},
    {"platform\n", 1, "unknown platform:  (coherent, bounce, noncoherent or iommu)"},
    {"platform mips\n", 1, "unknown platform: mips (coherent, bounce, noncoherent or iommu)"},
    {"platform bounce bounce\n", 1, "expected KNOB=VALUE: bounce"},
    {"platform bounce preset=1\n", 1, "unknown knob: preset (docs/SCENARIOS.md lists them)"},
    {"platform bounce speed=1\n", 1, "unknown knob: speed (docs/SCENARIOS.md lists them)"},
    {"platform bounce pool=129\n", 1, "pool: 129 is out of range 0 to 128"},
    {"platform bounce pool=1 pool=1\n", 1, "knob given twice: pool"},
    {"read\nplatform bounce\n", 2, "platform may stand on the first line only"},
    {"platform iommu\nplatform bounce\n", 2, "platform may stand on the first line only"},
    {"\n\nthis_is_a_word_much_longer_than_anything_that_an_op_is_called\n", 3,
     "unknown op: this_is_a_word_much_longer_than_anything... (see flushtrace ops)"},
    {"re\x1b[31m\xff\n", 1, "unknown op: re?[31m? (see flushtrace ops)"},
};

static void check_refused(const char *text, size_t length, unsigned line, const char *reason)
{
    struct ft_scenario untouched, ret;
    struct ft_error error;

    ft_scenario_random(3, -1, &untouched);
    ret = untouched;
    assert_int_equal(ft_scenario_parse(text, length, &ret, &error), FT_SYNTAX);
    assert_int_equal(error.status, FT_SYNTAX);
    assert_string_equal(error.text, reason);
    assert_int_equal(error.offset, line);
    assert_true(ft_scenario_equal(&ret, &untouched));
}

static void bad_texts_are_refused_with_line_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
        check_refused(bad_texts[i].text, strlen(bad_texts[i].text), bad_texts[i].line,
                      bad_texts[i].reason);
}

static void too_many_ops_nul_bytes_and_long_lines_are_refused(void **state)
{
    static char text[8 * FT_OPS_MAX + 2000];
    size_t length = 0;
    struct ft_scenario scenario;

    (void)state;
    for (int i = 0; i < FT_OPS_MAX; i++)
        length += (size_t)sprintf(text + length, "yank\n");
    assert_int_equal(ft_scenario_parse(text, length, &scenario, NULL), FT_OK);
    assert_int_equal(scenario.op_count, FT_OPS_MAX);
    length += (size_t)sprintf(text + length, "# no op\nyank\n");
    check_refused(text, length, FT_OPS_MAX + 2, "more than 64 ops");
    check_refused("read\nya\0nk\n", 11, 2, "a NUL byte: this is not text");
    check_refused("read # \0\n", 9, 1, "a NUL byte: this is not text");
    length = (size_t)sprintf(text, "read\n");
    memset(text + length, ' ', 1001);
    check_refused(text, length + 1001, 2, "a line of more than 1000 bytes");
    assert_int_equal(ft_scenario_parse(text, length + 1000, &scenario, NULL), FT_OK);
}

/* Damaged good texts: an error with a line, or a scenario that prints and parses again. */
static void any_bytes_give_an_error_or_a_scenario(void **state)
{
    struct ft_prng prng = ft_prng_init(3, 300);
    unsigned good = 0;

    (void)state;
    for (int i = 0; i < HAVOCS; i++) {
        size_t length = ft_prng_below(&prng, sizeof(canonical));
        char *text = malloc(length + 1);
        struct ft_scenario scenario;
        struct ft_error error = {.offset = 0};

        assert_non_null(text);
        memcpy(text, canonical, length);
        for (unsigned k = ft_prng_below(&prng, 4); k > 0 && length > 0; k--)
            text[ft_prng_below(&prng, (uint32_t)length)] =
                (char)(ft_prng_odds(&prng, 1, 2)
                           ? ft_prng_next(&prng)
                           : (uint8_t)canonical[ft_prng_below(&prng, sizeof(canonical) - 1)]);
        text = realloc(text, length > 0 ? length : 1); /* ASan sees a read behind the end */
        assert_non_null(text);
        if (ft_scenario_parse(text, length, &scenario, &error) == FT_OK) {
            check_round_trip(&scenario);
            good++;
        } else {
            assert_in_range(error.offset, 1, length);
            assert_true(strlen(error.text) > 0);
        }
        free(text);
    }
    assert_true(good > HAVOCS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_scenarios_survive_printing),
        cmocka_unit_test(decoded_bytes_survive_printing),
        cmocka_unit_test(smallest_and_largest_values_of_every_op_survive),
        cmocka_unit_test(every_label_and_every_point_survives),
        cmocka_unit_test(an_example_parses_to_its_fields),
        cmocka_unit_test(devices_are_named),
        cmocka_unit_test(no_platform_line_means_coherent),
        cmocka_unit_test(printing_writes_no_more_than_the_capacity),
        cmocka_unit_test(bad_texts_are_refused_with_line_and_reason),
        cmocka_unit_test(too_many_ops_nul_bytes_and_long_lines_are_refused),
        cmocka_unit_test(any_bytes_give_an_error_or_a_scenario),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
