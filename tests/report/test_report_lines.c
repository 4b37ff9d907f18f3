/* Lines, words, filters and suspensions, piece by piece; whole outputs are in test_show.py. */
#include "report/colour.h"
#include "report/event_filter.h"
#include "report/event_line.h"
#include "report/event_words.h"
#include "report/suspension.h"

#include "sim/handle.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 16 };

static struct ft_event events[EVENTS];
static struct ft_trace_site site = {.site = 7, .function = "packet_dma.c:PacketStartPiece:85"};
static struct ft_trace trace;

/* A trace of these lines. */
static void make(const char *const *line, unsigned count)
{
    struct ft_error error;

    trace = (struct ft_trace){
        .event = events, .event_count = count, .site = &site, .site_count = 1, .complete = true};
    trace.verdict.kind = FT_VERDICT_CLEAN;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ft_event_parse(line[i], &events[i], &error), FT_OK);
    }
}

static const char *words_of(const char *line)
{
    static struct ft_words_of_event words;

    make(&line, 1);
    ft_event_words(&trace, &events[0], &words);
    assert_int_equal(words.length, strlen(words.text));
    return words.text;
}

static char *print_all(int width)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    struct ft_lines lines;

    assert_true(ft_lines_begin(&lines, &trace, false, width));
    ft_lines_print_range(&lines, 0, trace.event_count, out);
    ft_lines_end(&lines);
    fclose(out);
    return text;
}

static void times_have_units(void **state)
{
    static const struct {
        uint64_t units;
        const char *text;
    } cases[] = {{0, "0us"},          {1, "0.1us"},
                 {10, "1us"},         {9999, "999.9us"},
                 {10000, "1ms"},      {156250, "15.625ms"},
                 {10001, "1.0001ms"}, {9999999, "999.9999ms"},
                 {10000000, "1s"},    {12345678, "1.2345s"},
                 {600000000, "60s"},  {UINT64_MAX, "1844674407370.9551s"}};
    char text[48];

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ft_time_print(cases[i].units, text, sizeof(text)), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void arguments_have_names(void **state)
{
    (void)state;
    assert_string_equal(words_of("dma:flush adapter=adapter#1 grant=grant#2 mdl=mdl#5+0x1000 "
                                 "offset=0 length=4096 write=no ; layer=driver cpu=0"),
                        "dma:flush adapter#1 grant#2 mdl#5+0x1000 offset=0 length=4096 write=no");
    assert_string_equal(words_of("device:attach device=device#2 below=device#1 ; layer=driver"),
                        "device:attach device#2 below=device#1");
    assert_string_equal(words_of("irp:new irp=irp#1 initial=STATUS_NOT_SUPPORTED ; layer=driver"),
                        "irp:new irp#1 CREATE initial=STATUS_NOT_SUPPORTED");
    assert_string_equal(words_of("choice:fail what=3 ; layer=harness"), "choice:fail what=3 (IRP)");
    assert_string_equal(words_of("choice:fail what=77 ; layer=harness"), "choice:fail what=77");
    assert_string_equal(words_of("engine:end channel=1 bytes=2 why=1 ; layer=device"),
                        "engine:end channel=1 bytes=2 why=1 (done)");
    assert_string_equal(words_of("pool:alloc block=pool#1 size=1 tag=0x66496f49 kind=2 ; cpu=0"),
                        "pool:alloc block=pool#1 size=1 tag='IoIf' paged=no kind=2 (nonpaged)");
    assert_string_equal(words_of("pool:free block=pool#1 tag=0x1b ; cpu=0"),
                        "pool:free block=pool#1 tag=0x1b");
    assert_string_equal(words_of("timer:set timer=timer#1 due=100020 period=0 dpc=dpc#3 ; cpu=0"),
                        "timer:set timer#1 due=10.002ms period=0 dpc#3");
    assert_string_equal(words_of("pnp:send device=device#1 irp=irp#1 minor=23 ; cpu=0"),
                        "pnp:send device#1 irp#1 PNP:SURPRISE_REMOVAL");
}

static void what_is_not_known_is_a_question(void **state)
{
    (void)state;
    assert_string_equal(
        words_of("dma:flush adapter=? grant=grant#2 mdl=? offset=? length=1 ; cpu=0"),
        "dma:flush adapter=? grant#2 mdl=? offset=? length=1 write=no");
    assert_string_equal(words_of("call:leave routine=dispatch object=irp#1 value=? ; cpu=0"),
                        "} dispatch irp#1 CREATE = ?");
    assert_string_equal(words_of("call:enter routine=? object=irp#1 ; cpu=0"), "? irp#1 {");
    assert_string_equal(words_of("op:fired index=? op=? label=? ; cpu=-"),
                        "op:fired index=? op=? label=?");
    assert_string_equal(words_of("op:fired index=9 op=cancel ; cpu=-"),
                        "op:fired index=9 op=cancel");
}

static void results_are_of_their_type(void **state)
{
    (void)state;
    assert_string_equal(words_of("call:leave routine=ISR object=interrupt#1 value=0x1 ; cpu=0"),
                        "} ISR interrupt#1 = yes");
    assert_string_equal(words_of("call:leave routine=AdapterControl value=0x1 ; cpu=0"),
                        "} AdapterControl = KeepObject");
    assert_string_equal(words_of("call:leave routine=DPC object=dpc#1 ; cpu=0"), "} DPC dpc#1");
    assert_string_equal(words_of("call:leave routine=dispatch object=irp#1 code=READ value=0x103 "
                                 "irql_before=PASSIVE locks_before=0 locks=1 ; cpu=0"),
                        "} dispatch irp#1 READ = STATUS_PENDING irql_before=PASSIVE locks_before=0 "
                        "locks=1");
}

static void empty_routines_are_one_line(void **state)
{
    static const char *const lines[] = {
        "call:enter routine=completion object=irp#2 ; layer=driver task=1 cpu=0",
        "call:leave routine=completion object=irp#2 value=0xc0000016 ; layer=driver task=1 cpu=0",
        "call:enter routine=completion object=irp#2 ; layer=driver task=1 cpu=0",
        "call:leave routine=completion object=irp#3 ; layer=driver task=1 cpu=0"};
    char *text;

    (void)state;
    make(lines, 4);
    text = print_all(0);
    assert_string_equal(
        text, "  1  0us 0 P   task-1 drv  completion irp#2 {} = STATUS_MORE_PROCESSING_REQUIRED\n"
              "  3  0us 0 P   task-1 drv  completion irp#2 {\n"
              "  4  0us 0 P   task-1 drv  } completion irp#3 = STATUS_SUCCESS\n");
    free(text);
    /* The end of it is what the verdict is about. */
    trace.verdict.finding_count = 1;
    trace.verdict.finding[0].event = 2;
    text = print_all(0);
    assert_non_null(strstr(text, "\n> 2  0us 0 P   task-1 drv  } completion irp#2 = "));
    free(text);
}

static void clock_goes_forward_only(void **state)
{
    static const char *const lines[] = {"clock:advance now=100 ; cpu=-",
                                        "stall microseconds=3 ; cpu=0",
                                        "dpc:flush ; cpu=0",
                                        "clock:advance now=7 ; cpu=-",
                                        "stall microseconds=18446744073709551615 ; cpu=0",
                                        "clock:advance now=? ; cpu=-"};
    static const uint64_t expected[] = {100, 100, 130, 130, 130, 130};
    struct ft_clock clock = {.trace = &trace};

    (void)state;
    make(lines, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(ft_clock_at(&clock, i), expected[i]);
    }
    assert_int_equal(ft_clock_at(&clock, 1), 100);
}

/* Bytes of UTF-8 that begin a character. */
static size_t columns_of(const char *line, size_t length)
{
    size_t columns = 0;

    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char)line[i] & 0xC0) != 0x80;
    }
    return columns;
}

static void lines_fit_the_terminal(void **state)
{
    static const char *const lines[] = {
        "dma:map adapter=adapter#1 grant=grant#1 mdl=mdl#1 offset=0 length=4096 write=yes "
        "mapping=map#1 address=0x40000000 ; irql=DISPATCH layer=driver task=3 cpu=1 nest=5",
        "lock:acquire lock=lock#1 old=PASSIVE ; irql=DISPATCH layer=driver task=3 cpu=1 nest=255"};

    (void)state;
    make(lines, 2);
    events[0].site = events[1].site = 7;
    for (int width = 60; width < 240; width++) {
        char *text = print_all(width);
        const char *line = text;

        for (unsigned i = 0; i < 2; i++) {
            size_t length = strcspn(line, "\n");

            assert_true(columns_of(line, length) <= (size_t)width);
            line += length + 1;
        }
        if (width == 80) {
            assert_non_null(strstr(text, ft_ellipsis()));
            assert_null(strstr(text, "PacketStartPiece:85\n  2"));
        }
        if (width >= 200) {
            assert_non_null(strstr(text, "address=0x40000000  "));
            assert_non_null(strstr(text, " packet_dma.c:PacketStartPiece:85\n"));
        }
        free(text);
    }
}

static void filters_choose(void **state)
{
    static const char *const lines[] = {
        "irp:new irp=irp#3 mdl=mdl#1 ; task=4 device=2 request=3", "irp:free irp=irp#3 ; cpu=0",
        "dma:map mdl=mdl#1+0x200 mapping=map#1 ; cpu=0", "dma:flush mdl=mdl#2 ; cpu=0 task=5",
        "irp:cancel irp=irp#4 ; cpu=0"};
    static const struct {
        const char *object, *kind;
        unsigned passing; /* bit for each line */
    } cases[] = {{"irp#3", NULL, 0x03},     {"mdl#1", NULL, 0x05},    {"mdl#1+0x200", NULL, 0x05},
                 {"task#4", NULL, 0x01},    {"dpc-5", NULL, 0x08},    {"device#2", NULL, 0x01},
                 {NULL, "dma:", 0x0C},      {NULL, "dma:map", 0x04},  {NULL, "*:cancel", 0x10},
                 {NULL, "irp:[cf]*", 0x12}, {"irp#3", "irp:f", 0x02}, {NULL, "", 0x1F}};
    struct ft_filter filter;

    (void)state;
    make(lines, 5);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ft_filter_init(&filter, &trace);
        assert_true(cases[i].object == NULL || ft_filter_add_object(&filter, cases[i].object));
        assert_true(cases[i].kind == NULL || ft_filter_add_kind(&filter, cases[i].kind));
        for (unsigned k = 0; k < 5; k++) {
            assert_int_equal(ft_filter_passes(&filter, &events[k]), cases[i].passing >> k & 1);
        }
    }
}

static void filters_refuse(void **state)
{
    static const char *const none[] = {"irp",   "#3",       "irp#",   "irp#x",  "irp#0",
                                       "cow#1", "cow-1",    "irp#3x", "dpc-",   "dpc-4+0x1",
                                       "",      "irp#3+0x", "-1",     "irp#-1", "irp#16777216"};
    struct ft_filter filter;

    (void)state;
    make(NULL, 0);
    ft_filter_init(&filter, &trace);
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_false(ft_filter_add_object(&filter, none[i]));
    }
    assert_false(ft_filter_add_kind(&filter, "dmaa:"));
    assert_false(ft_filter_add_kind(&filter, "dma:*x*y"));
    for (unsigned i = 0; i < FT_FILTER_OBJECTS_MAX; i++) {
        assert_true(ft_filter_add_object(&filter, "irp#1"));
    }
    assert_false(ft_filter_add_object(&filter, "irp#1"));
}

static void ranges_meet(void **state)
{
    struct ft_filter filter;

    (void)state;
    make(NULL, 0);
    trace.event_count = 100;
    ft_filter_init(&filter, &trace);
    ft_filter_range(&filter, 0, UINT64_MAX);
    assert_int_equal(filter.first, 0);
    assert_int_equal(filter.end, 100);
    ft_filter_range(&filter, 10, 50);
    ft_filter_range(&filter, 5, 20);
    assert_int_equal(filter.first, 9);
    assert_int_equal(filter.end, 20);
    ft_filter_range(&filter, 30, 40);
    assert_int_equal(filter.first, filter.end);
}

/* A device goes down and comes back; a failure is injected into a request that then ends. */
static void suspensions_come_and_go(void **state)
{
    static const char *const lines[] = {
        "device:attach device=device#2 below=device#1 ; layer=driver task=1 device=1",
        "irp:new irp=irp#5 code=READ length=1 ; layer=harness task=1 device=1 request=5",
        "choice:fail what=2 ; layer=harness device=1 request=5",
        "power:hw device=device#1 state=D3 ; layer=system device=1",
        "power:hw device=device#1 state=D0 ; layer=system device=1",
        "irp:done irp=irp#5 ; layer=harness device=1 request=5",
        "irp:free irp=irp#5 ; layer=harness device=1 request=5"};
    struct ft_watch watch;
    char text[256];

    (void)state;
    make(lines, 7);
    assert_true(ft_watch_begin(&watch, false));
    for (unsigned i = 0; i < 7; i++) {
        ft_watch_event(&watch, &events[i]);
    }
    assert_int_equal(watch.count, 2);
    assert_int_equal(watch.list[0].object, ft_handle(FT_HC_IRP, 5, 0));
    assert_int_equal(watch.list[0].need, FT_NEED_NO_INJECTED_FAILURE);
    assert_int_equal(watch.list[0].since, 3);
    assert_int_equal(watch.list[1].object, ft_handle(FT_HC_DEVICE, 1, 0));
    assert_int_equal(watch.list[1].need, FT_NEED_LIVE_DEVICE);
    assert_int_equal(watch.list[1].since, 4);
    assert_int_equal(watch.list[1].until, 5);
    ft_suspended_print(&watch.list[1], text, sizeof(text));
    assert_non_null(strstr(text, "device#1: "));
    assert_non_null(strstr(text, "rules that need a live device"));
    ft_watch_end(&watch);
}

/* However much is suspended, the list does not grow. */
static void suspensions_are_bounded(void **state)
{
    struct ft_watch watch;
    struct ft_event event;
    struct ft_error error;

    (void)state;
    assert_true(ft_watch_begin(&watch, false));
    for (unsigned i = 1; i <= 1000; i++) {
        char line[128];

        snprintf(line, sizeof(line), "irp:new irp=irp#%u code=READ ; layer=harness request=%u", i,
                 i);
        assert_int_equal(ft_event_parse(line, &event, &error), FT_OK);
        ft_watch_event(&watch, &event);
        snprintf(line, sizeof(line), "choice:fail what=1 ; layer=harness request=%u", i);
        assert_int_equal(ft_event_parse(line, &event, &error), FT_OK);
        ft_watch_event(&watch, &event);
        assert_true(watch.count <= FT_SUSPENDED_MAX);
    }
    ft_watch_end(&watch);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(arguments_have_names),
        cmocka_unit_test(what_is_not_known_is_a_question),
        cmocka_unit_test(results_are_of_their_type),
        cmocka_unit_test(empty_routines_are_one_line),
        cmocka_unit_test(clock_goes_forward_only),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(filters_choose),
        cmocka_unit_test(filters_refuse),
        cmocka_unit_test(ranges_meet),
        cmocka_unit_test(suspensions_come_and_go),
        cmocka_unit_test(suspensions_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
