/* Events as text: what is printed parses to the same, and every other spelling is refused with its
 * column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include "sim/handle.h"
#include "trace/event_text.h"
#include "trace/trace_names.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024, NOISE = 20000 };

static void print_line(const struct ft_event *event, char *line)
{
    size_t length = ft_event_print(event, line, LINE_BYTES);

    assert_true(length < LINE_BYTES);
    assert_int_equal(strlen(line), length);
}

static void check_round_trip(const struct ft_event *event)
{
    char line[LINE_BYTES];
    struct ft_event expected = *event;
    struct ft_event parsed;
    struct ft_error error = {.text = ""};

    print_line(event, line);
    if (ft_event_parse(line, &parsed, &error) != FT_OK) {
        fail_msg("%s\ncolumn %u: %s", line, (unsigned)error.offset, error.text);
    }
    expected.site = 0;
    if (memcmp(&expected, &parsed, sizeof(parsed)) != 0) {
        fail_msg("parses to another event: %s", line);
    }
}

static void every_row_survives_its_smallest_and_largest_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);
        struct ft_event event;

        sample_extreme(row, 0, &event);
        check_round_trip(&event);
        sample_extreme(row, 1, &event);
        check_round_trip(&event);
        for (unsigned word = 0; word < row->words; word++) {
            sample_extreme(row, 0, &event);
            event.arg[word] = UINT64_MAX;
            check_round_trip(&event);
        }
        for (unsigned argument = 0; argument < row->argc; argument++) {
            sample_extreme(row, 0, &event);
            event.unknown = (uint8_t)(1U << argument);
            check_round_trip(&event);
        }
    }
}

static void every_small_value_of_every_type_survives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);
        struct ft_event event;

        sample_extreme(row, 0, &event);
        for (unsigned word = 0; word < row->argc; word++) {
            for (uint64_t value = 0; value < 300; value++) {
                event.arg[word] = value;
                check_round_trip(&event);
            }
        }
    }
}

static void events_with_nothing_regular_survive(void **state)
{
    struct ft_trace trace;

    (void)state;
    sample_noise(3, NOISE, &trace);
    for (uint64_t i = 0; i < trace.event_count; i++) {
        check_round_trip(&trace.event[i]);
    }
    ft_trace_free(&trace);
}

static void every_attribute_survives_every_value(void **state)
{
    struct ft_event event;

    (void)state;
    sample_extreme(ft_event_row(FT_EV_STALL), 0, &event);
    for (unsigned value = 0; value <= UINT8_MAX; value++) {
        event.cpu = event.irql = event.layer = event.nesting = (uint8_t)value;
        check_round_trip(&event);
    }
    for (unsigned value = 0; value <= UINT16_MAX; value++) {
        event.task = event.device = event.request = event.label = (uint16_t)value;
        check_round_trip(&event);
    }
}

static void every_name_is_one_token_and_finds_its_value(void **state)
{
    (void)state;
    for (unsigned type = 0; type < FT_ARG_TYPE_COUNT; type++) {
        for (uint64_t value = 0; value < 0x2000; value++) {
            char name[FT_VALUE_NAME_MAX];
            size_t length = ft_value_name((enum ft_arg_type)type, value, name, sizeof(name));
            uint64_t found;

            assert_true(length < sizeof(name));
            if (length != 0) {
                assert_int_equal(strcspn(name, " ;\"="), length);
                assert_true(ft_value_named((enum ft_arg_type)type, name, length, &found));
                assert_int_equal(found, value);
            }
        }
    }
}

static void lines_read_as_documented(void **state)
{
    static const char line[] =
        "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#2+0x1000 offset=0 length=4096 write=no "
        "mapping=- address=0xd0000000 ; irql=DISPATCH layer=driver task=3 device=1 request=2 "
        "label=a cpu=0 nest=2";
    struct ft_event event;
    char again[LINE_BYTES];

    (void)state;
    assert_int_equal(ft_event_parse(line, &event, NULL), FT_OK);
    assert_int_equal(event.kind, FT_EV_DMA_MAP);
    assert_int_equal(event.argc, 8);
    assert_int_equal(event.arg[0], ft_handle(FT_HC_ADAPTER, 1, 0));
    assert_int_equal(event.arg[2], ft_handle(FT_HC_MDL, 2, 0x1000));
    assert_int_equal(event.arg[4], 4096);
    assert_int_equal(event.arg[6], 0);
    assert_int_equal(event.arg[7], 0xD0000000);
    assert_int_equal(event.irql, 2);
    assert_int_equal(event.label, 1);
    print_line(&event, again);
    assert_string_equal(again, line);
}

static void order_is_free_and_what_is_missing_is_zero(void **state)
{
    struct ft_event a;
    struct ft_event b;

    (void)state;
    assert_int_equal(ft_event_parse("reg:read live=yes offset=0x10 ; cpu=- task=1", &a, NULL),
                     FT_OK);
    assert_int_equal(ft_event_parse("reg:read offset=0x10 width=0 value=0x0 live=yes ; task=1 "
                                    "layer=driver cpu=-",
                                    &b, NULL),
                     FT_OK);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_int_equal(a.cpu, UINT8_MAX);
    assert_int_equal(ft_event_parse("irq:late", &a, NULL), FT_OK);
    assert_int_equal(ft_event_parse("irq:late ;", &a, NULL), FT_OK);
}

struct refusal {
    const char *line;
    unsigned column;
};

static const struct refusal refusals[] = {
    {"", 1},
    {"no:such", 1},
    {"irq:late ", 10},
    {"irq:late  ;", 10},
    {"irq:late ; ", 12},
    {"irq:late ;cpu=0", 11},
    {"irq:late ; cpu", 12},
    {"irq:late ; cpu=", 16},
    {"irq:late ; cpu=255", 16},
    {"irq:late ; cpu=256", 16},
    {"irq:late ; cpu=00", 16},
    {"irq:late ; cpu=0 cpu=0", 18},
    {"irq:late ; layer=0", 18},
    {"irq:late ; layer=kernel", 18},
    {"irq:late ; task=65536", 17},
    {"irq:late ; label=A", 18},
    {"irq:late ; label=l1", 18},
    {"irq:late ; irql=2", 17},
    {"irq:late ; what=2", 12},
    {"irq:late value=1", 10},
    {"stall microseconds=0x1", 20},
    {"stall microseconds=-1", 20},
    {"stall microseconds=01", 20},
    {"stall microseconds=", 20},
    {"stall microseconds=18446744073709551616", 20},
    {"stall microseconds=1 microseconds=1", 22},
    {"irp:free irp=irp#", 14},
    {"irp:free irp=irp#01", 14},
    {"irp:free irp=irp#16777216", 14},
    {"irp:free irp=irp#1+0x0", 14},
    {"irp:free irp=irp#1+16", 14},
    {"irp:free irp=irp#1+0x100000000", 14},
    {"irp:free irp=IRP#1", 14},
    {"irp:free irp=0", 14},
    {"irp:free irp=0x0200000100000000", 14},
    {"run:started status=259", 20},
    {"run:started status=0x00000103", 20},
    {"run:started status=0xc0000999", 20},
    {"run:started status=STATUS_NOTHING", 20},
    {"run:end unloaded=1", 18},
    {"call:enter routine=DPC code=CREATE", 29},
    {"call:enter code=- routine=dispatch", 17},
    {"call:enter routine=timer DPC", 20},
    {"irp:new code=-", 14},
    {"irp:new code=PNP", 14},
    {"irp:new code=0x300", 14},
    {"irp:new code=READ:START_DEVICE", 14},
    {"power:hw state=1", 16},
    {"op:fired op=16", 13},
    {"dbg:print text=a", 16},
    {"dbg:print text=\"a", 16},
    {"dbg:print text=\"a\"b", 19},
    {"dbg:print text=\"\\q\"", 16},
    {"dbg:print text=\"\\x41\"", 16},
    {"dbg:print text=\"\\x0a\"", 16},
    {"dbg:print text=\"\\x0\"", 16},
    {"dbg:print text=\"\\x1F\"", 16},
    {"dbg:print text=\"a\\x00\"", 16},
    {"dbg:print text=\"\t\"", 16},
    {"dbg:print text=\"0123456789012345678901234567890123456789012345678\"", 16},
};

static void other_spellings_are_refused_with_their_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct ft_event event = {.kind = 0x7777};
        struct ft_error error = {.text = ""};

        if (ft_event_parse(refusals[i].line, &event, &error) != FT_SYNTAX ||
            error.offset != refusals[i].column || error.text[0] == '\0') {
            fail_msg("`%s`: column %u, wanted %u: %s", refusals[i].line, (unsigned)error.offset,
                     refusals[i].column, error.text);
        }
        assert_int_equal(event.kind, 0x7777); /* untouched */
    }
}

/* Lines with a character changed, left out or put in: refused, or an event that prints as a line
 * with the same meaning. */
static void damaged_lines_never_surprise(void **state)
{
    struct sample_random random;
    struct ft_trace trace;

    (void)state;
    sample_small(&trace);
    sample_random_init(&random, 9);
    for (unsigned i = 0; i < NOISE; i++) {
        char line[LINE_BYTES + 1];
        struct ft_event event;
        size_t at;

        print_line(&trace.event[sample_random_next(&random) % trace.event_count], line);
        at = (size_t)(sample_random_next(&random) % strlen(line));
        switch (sample_random_next(&random) % 3) {
        case 0:
            line[at] = (char)(1 + sample_random_next(&random) % 255);
            break;
        case 1:
            memmove(line + at, line + at + 1, strlen(line + at));
            break;
        default:
            memmove(line + at + 1, line + at, strlen(line + at) + 1);
            break;
        }
        if (ft_event_parse(line, &event, NULL) == FT_OK) {
            check_round_trip(&event);
        }
    }
    ft_trace_free(&trace);
}

static void printing_keeps_within_its_room(void **state)
{
    struct ft_event event;
    char full[LINE_BYTES];
    size_t length;

    (void)state;
    sample_extreme(ft_event_row(FT_EV_ASSERT_FAILED), 1, &event);
    length = ft_event_print(&event, full, sizeof(full));
    for (size_t room = 0; room <= length + 1; room++) {
        char *text = malloc(room + 1); /* so that a sanitizer sees the byte behind it */

        assert_non_null(text);
        text[room] = '!';
        assert_int_equal(ft_event_print(&event, text, room), length);
        assert_int_equal(text[room], '!');
        if (room > 0) {
            assert_int_equal(strlen(text), room <= length ? room - 1 : length);
            assert_memory_equal(text, full, strlen(text));
        }
        free(text);
    }
    assert_int_equal(ft_event_print(&event, NULL, 0), length);
}

/* Of events that no row describes too: `show` prints whatever a file holds. */
static void one_argument_prints_as_in_the_line(void **state)
{
    struct ft_event event;
    char text[LINE_BYTES];

    (void)state;
    sample_extreme(ft_event_row(FT_EV_IRQL_RAISE), 0, &event);
    event.arg[1] = 2;
    assert_int_equal(ft_arg_print(&event, 1, text, sizeof(text)), 8);
    assert_string_equal(text, "DISPATCH");
    assert_int_equal(ft_arg_print(&event, 2, text, sizeof(text)), 3);
    assert_string_equal(text, "0x0");
    event.kind = 0x7777;
    assert_int_equal(ft_arg_print(&event, 1, text, sizeof(text)), 3);
    assert_string_equal(text, "0x2");
    assert_int_equal(ft_arg_print(&event, FT_EVENT_ARGS_MAX, text, sizeof(text)), 0);
    assert_string_equal(text, "");
    assert_int_equal(ft_arg_print(&event, FT_EVENT_ARGS_MAX, NULL, 0), 0);
    (void)ft_event_print(&event, text, sizeof(text));
    assert_memory_equal(text, "event:0x7777 ;", 14);
}

static void the_table_finds_its_rows(void **state)
{
    size_t found = 0;

    (void)state;
    for (unsigned number = 0; number <= 0x10000; number++) {
        const struct ft_event_row *row = ft_event_row(number);

        found += row != NULL;
        assert_true(row == NULL || row->number == number);
    }
    assert_int_equal(found, ft_event_row_count());
    assert_null(ft_event_row_at(ft_event_row_count()));
    assert_int_equal(ft_event_row(FT_EV_ASSERT_FAILED)->words, 7);
    assert_string_equal(ft_event_row(FT_EV_ASSERT_FAILED)->arg_name[1], "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_survives_its_smallest_and_largest_values),
        cmocka_unit_test(every_small_value_of_every_type_survives),
        cmocka_unit_test(events_with_nothing_regular_survive),
        cmocka_unit_test(every_attribute_survives_every_value),
        cmocka_unit_test(every_name_is_one_token_and_finds_its_value),
        cmocka_unit_test(lines_read_as_documented),
        cmocka_unit_test(order_is_free_and_what_is_missing_is_zero),
        cmocka_unit_test(other_spellings_are_refused_with_their_column),
        cmocka_unit_test(damaged_lines_never_surprise),
        cmocka_unit_test(printing_keeps_within_its_room),
        cmocka_unit_test(one_argument_prints_as_in_the_line),
        cmocka_unit_test(the_table_finds_its_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
