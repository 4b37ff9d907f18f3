/* The binary form: what is written reads back to the same, in memory and as a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t encode(const struct ft_trace *trace, uint8_t **ret)
{
    struct ft_error error = {.text = ""};
    size_t length = 0;

    if (ft_trace_encode(trace, ret, &length, &error) != FT_OK) {
        fail_msg("encode: %s: %s", ft_status_text(error.status), error.text);
    }
    return length;
}

static void decode(const uint8_t *bytes, size_t length, struct ft_trace *ret)
{
    struct ft_error error = {.text = ""};

    if (ft_trace_decode(bytes, length, ret, &error) != FT_OK) {
        fail_msg("decode: byte %u: %s: %s", (unsigned)error.offset, ft_status_text(error.status),
                 error.text);
    }
}

/* Encodes, decodes, compares; encodes again, which gives the same bytes. Returns the bytes of the
 * file. */
static size_t check_round_trip(const struct ft_trace *trace)
{
    struct ft_trace again;
    uint8_t *bytes;
    uint8_t *bytes_again;
    size_t length = encode(trace, &bytes);

    decode(bytes, length, &again);
    sample_assert_equal(trace, &again);
    assert_int_equal(encode(&again, &bytes_again), length);
    assert_memory_equal(bytes, bytes_again, length);
    ft_trace_free(&again);
    free(bytes);
    free(bytes_again);
    return length;
}

static void no_events(void **state)
{
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    check_round_trip(&trace);
}

static void every_row_keeps_its_smallest_and_largest_values(void **state)
{
    size_t rows = ft_event_row_count();
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    trace.event = calloc(4 * rows, sizeof(*trace.event));
    assert_non_null(trace.event);
    trace.event_count = 4 * rows;
    for (size_t i = 0; i < rows; i++) {
        sample_extreme(ft_event_row_at(i), 0, &trace.event[4 * i]);
        sample_extreme(ft_event_row_at(i), 1, &trace.event[4 * i + 1]);
        sample_extreme(ft_event_row_at(i), 0, &trace.event[4 * i + 2]);
        sample_extreme(ft_event_row_at(i), 1, &trace.event[4 * i + 3]);
    }
    check_round_trip(&trace);
    ft_trace_free(&trace);
}

static void every_row_keeps_each_unknown_argument(void **state)
{
    (void)state;
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);
        struct ft_trace trace;
        struct ft_event event[256];

        sample_empty(&trace);
        trace.event = event;
        trace.event_count = 1U << row->argc;
        for (unsigned unknown = 0; unknown < trace.event_count; unknown++) {
            sample_extreme(row, 1, &event[unknown]);
            event[unknown].unknown = (uint8_t)unknown;
            for (unsigned word = 0; word < row->words; word++) {
                if ((unknown >> ft_word_argument(row, word) & 1) != 0) {
                    event[unknown].arg[word] = 0;
                }
            }
        }
        check_round_trip(&trace);
    }
}

static void every_part_of_a_trace_is_kept(void **state)
{
    struct ft_trace trace;

    (void)state;
    sample_small(&trace);
    check_round_trip(&trace);
    memset(trace.core, 'c', sizeof(trace.core) - 1);
    memset(trace.mutant, '\0', sizeof(trace.mutant));
    memset(trace.flavour, '\xFF', sizeof(trace.flavour) - 1);
    memset(trace.description, '\n', sizeof(trace.description) - 1);
    memset(trace.verdict.detail, 'd', sizeof(trace.verdict.detail) - 1);
    memset(trace.site[1].function, 'f', sizeof(trace.site[1].function) - 1);
    trace.origin = FT_ORIGIN_CAPTURED;
    trace.model = UINT32_MAX;
    trace.hash = UINT64_MAX;
    trace.verdict.finding_count = FT_FINDINGS_MAX;
    trace.verdict.warning_count = FT_FINDINGS_MAX;
    check_round_trip(&trace);
    ft_trace_free(&trace);
}

static void every_verdict_is_kept(void **state)
{
    (void)state;
    for (int kind = FT_VERDICT_CLEAN; kind <= FT_VERDICT_ERROR; kind++) {
        struct ft_trace trace;

        sample_empty(&trace);
        trace.verdict.kind = (enum ft_verdict_kind)kind;
        check_round_trip(&trace);
    }
}

/* The knobs of a run came later: without them a trace is what it was. */
static void knobs_of_the_run_are_stored_when_they_are_set(void **state)
{
    struct ft_trace trace;
    size_t length, longer_length;
    uint8_t *bytes, *longer;

    (void)state;
    sample_empty(&trace);
    assert_int_equal(ft_trace_encode_sections(&trace, &bytes, &length, NULL), FT_OK);
    trace.scenario.platform.longer = 9;
    check_round_trip(&trace);
    assert_int_equal(ft_trace_encode_sections(&trace, &longer, &longer_length, NULL), FT_OK);
    assert_int_equal(longer_length, length + 1);
    free(bytes);
    free(longer);
    trace.scenario.platform.longer = 10;
    assert_int_equal(ft_trace_encode_sections(&trace, &bytes, &length, NULL), FT_BAD_FIELD);
}

static void full_scenarios_are_kept(void **state)
{
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    trace.scenario.op_count = FT_OPS_MAX;
    for (unsigned i = 0; i < FT_OPS_MAX; i++) {
        trace.scenario.op[i] =
            (struct ft_op){.kind = FT_OP_PREEMPT,
                           .label = FT_LABEL_MAX,
                           .moment = {.target = 254, .point = 1, .count = 254, .accesses = 65024},
                           .arg = {6, 30}};
    }
    check_round_trip(&trace);
}

static void devices_of_ops_are_kept(void **state)
{
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    trace.scenario.op_count = FT_OP_DEVICES;
    for (unsigned i = 0; i < FT_OP_DEVICES; i++) {
        trace.scenario.op[i] =
            (struct ft_op){.kind = FT_OP_READ, .label = 1, .moment = {.point = 1, .count = 2}};
        ft_op_devices_set(&trace.scenario.op[i], i);
    }
    check_round_trip(&trace);
}

static void blocks_end_where_they_must(void **state)
{
    enum { BLOCK = FT_TRACE_BLOCK_EVENTS };
    static const unsigned counts[] = {
        1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1, 3 * BLOCK + 7};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct ft_trace trace;

        sample_noise(i, counts[i], &trace);
        check_round_trip(&trace);
        ft_trace_free(&trace);
    }
}

static void events_with_nothing_regular_are_kept(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct ft_trace trace;

        sample_noise(seed, seed * 7, &trace);
        check_round_trip(&trace);
        ft_trace_free(&trace);
    }
}

/* More contexts than the list holds, in an order that lets some fall out and come back. */
static void many_tasks_are_kept(void **state)
{
    struct ft_trace trace;
    struct sample_random random;

    (void)state;
    sample_noise(1, 3 * FT_TRACE_BLOCK_EVENTS, &trace);
    sample_random_init(&random, 5);
    for (uint64_t i = 0; i < trace.event_count; i++) {
        struct ft_event *event = &trace.event[i];

        event->cpu = 0;
        event->device = event->request = event->label = 0;
        event->task = (uint16_t)(sample_random_next(&random) % (i < 5000 ? 64 : 70));
    }
    check_round_trip(&trace);
    ft_trace_free(&trace);
}

static void sites_that_are_not_listed_are_kept(void **state)
{
    static struct ft_trace_site site = {0x1224, "packet.c:PacketDpc:212"};
    struct ft_event event[3];
    struct ft_trace trace;
    struct ft_trace again;
    uint8_t *bytes;
    size_t length;

    (void)state;
    sample_empty(&trace);
    for (unsigned i = 0; i < 3; i++) {
        sample_extreme(ft_event_row(FT_EV_INT_LATE), 0, &event[i]);
        event[i].site = site.site + i;
    }
    trace.event = event;
    trace.event_count = 3;
    trace.site = &site;
    trace.site_count = 1;
    length = encode(&trace, &bytes);
    decode(bytes, length, &again);
    assert_int_equal(again.site_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(again.event[i].site, site.site + i);
    }
    assert_string_equal(ft_trace_function(&again, site.site), site.function);
    assert_string_equal(ft_trace_function(&again, site.site + 1), "");
    assert_string_equal(ft_trace_function(&again, site.site + 9), "");
    ft_trace_free(&again);
    free(bytes);
}

static void expect_refused(const struct ft_trace *trace, enum ft_status status)
{
    struct ft_error error = {.text = ""};
    uint8_t *bytes = NULL;
    size_t length;

    assert_int_equal(ft_trace_encode(trace, &bytes, &length, &error), status);
    assert_int_equal(error.status, status);
    assert_true(error.text[0] != '\0');
    assert_null(bytes);
}

static void the_writer_refuses_bad_events(void **state)
{
    struct ft_event event;
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    trace.event = &event;
    trace.event_count = 1;
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.kind = 0x7777;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.argc = 3;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.arg[2] = 1;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.unknown = 4;
    expect_refused(&trace, FT_BAD_FIELD);
    event.unknown = 2;
    event.arg[1] = 1;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.layer = FT_LAYER_COUNT;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_EVENT_CLEAR), 0, &event);
    event.reserved = 1;
    expect_refused(&trace, FT_BAD_FIELD);
    sample_extreme(ft_event_row(FT_EV_ASSERT_FAILED), 0, &event);
    event.argc = 2; /* a text is whole */
    expect_refused(&trace, FT_BAD_FIELD);
}

static void the_writer_refuses_bad_headers_and_verdicts(void **state)
{
    struct ft_trace good;
    struct ft_trace trace;

    (void)state;
    sample_empty(&good);
    trace = good;
    trace.origin = 0;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.verdict.kind = (enum ft_verdict_kind)0;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.verdict.finding_count = FT_FINDINGS_MAX + 1;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.verdict.finding_count = 1;
    trace.verdict.finding[0].event = 1;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.platform.registers = 65;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.op[1].kind = 255;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.op[1].arg[1] = 1;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.op[1].label = FT_LABEL_MAX + 1;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.op[1].moment.point = 255;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.scenario.op_count = FT_OPS_MAX + 1;
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    memset(trace.compiler, 'c', sizeof(trace.compiler));
    expect_refused(&trace, FT_BAD_FIELD);
    trace = good;
    trace.event_count = FT_TRACE_EVENTS_MAX + 1;
    expect_refused(&trace, FT_TOO_LARGE);
}

static void the_writer_refuses_sites_out_of_order(void **state)
{
    struct ft_trace_site site[2] = {{.site = 7, .function = "b"}, {.site = 7, .function = "a"}};
    struct ft_trace trace;

    (void)state;
    sample_empty(&trace);
    trace.site = site;
    trace.site_count = 2;
    expect_refused(&trace, FT_BAD_FIELD);
}

static unsigned files_in(const char *folder)
{
    DIR *directory = opendir(folder);
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count - 2;
}

static void files_are_written_whole_or_not_at_all(void **state)
{
    char folder[] = "/tmp/flushtrace-test-XXXXXX";
    char path[64];
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    struct ft_trace again;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/one.ftr", folder);
    sample_small(&trace);
    assert_int_equal(ft_trace_read(path, &again, &error), FT_NO_FILE);
    assert_int_equal(ft_trace_write(path, &trace, &error), FT_OK);
    assert_int_equal(ft_trace_read(path, &again, &error), FT_OK);
    sample_assert_equal(&trace, &again);
    ft_trace_free(&again);
    trace.verdict.kind = FT_VERDICT_CRASH;
    assert_int_equal(ft_trace_write(path, &trace, &error), FT_OK);
    trace.verdict.kind = (enum ft_verdict_kind)0;
    assert_int_equal(ft_trace_write(path, &trace, &error), FT_BAD_FIELD);
    assert_int_equal(ft_trace_read(path, &again, &error), FT_OK);
    assert_int_equal(again.verdict.kind, FT_VERDICT_CRASH);
    ft_trace_free(&again);
    assert_int_equal(files_in(folder), 1);
    trace.verdict.kind = FT_VERDICT_CLEAN;
    assert_int_equal(ft_trace_write("no/such/folder/x.ftr", &trace, &error), FT_IO);
    assert_int_equal(ft_trace_write(folder, &trace, &error), FT_IO); /* it is a folder */
    assert_int_equal(ft_trace_read(folder, &again, &error), FT_IO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    ft_trace_free(&trace);
}

/* The disk is full in the middle: the old file stays, and nothing else does. */
static void a_write_that_fails_leaves_the_old_file(void **state)
{
    char folder[] = "/tmp/flushtrace-test-XXXXXX";
    char path[64];
    struct rlimit before, low;
    struct ft_trace trace, larger, again;
    enum ft_status status;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/one.ftr", folder);
    sample_small(&trace);
    sample_noise(1, 20000, &larger); /* more than one piece of reading */
    assert_int_equal(ft_trace_write(path, &larger, NULL), FT_OK);
    assert_int_equal(ft_trace_read(path, &again, NULL), FT_OK);
    sample_assert_equal(&larger, &again);
    ft_trace_free(&again);
    assert_int_equal(ft_trace_write(path, &trace, NULL), FT_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = before;
    low.rlim_cur = 65536;
    (void)signal(SIGXFSZ, SIG_IGN); /* write returns EFBIG instead */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    status = ft_trace_write(path, &larger, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, FT_IO);
    assert_int_equal(files_in(folder), 1);
    assert_int_equal(ft_trace_read(path, &again, NULL), FT_OK);
    sample_assert_equal(&trace, &again);
    ft_trace_free(&again);
    ft_trace_free(&larger);
    ft_trace_free(&trace);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Printed for the record, not asserted: the aim is 2 bytes per event on runs of some length. */
static void bytes_per_event(void **state)
{
    static const unsigned requests[] = {1, 4, 20, 80, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct ft_trace trace;
        struct ft_trace bare;
        uint8_t *bytes;
        size_t all;
        size_t header;

        sample_requests(requests[i], &trace);
        all = check_round_trip(&trace);
        bare = trace;
        bare.event_count = 0;
        header = encode(&bare, &bytes);
        free(bytes);
        print_message("%llu events: %zu bytes, %.2f per event; without header and verdict %.2f\n",
                      (unsigned long long)trace.event_count, all,
                      (double)all / (double)trace.event_count,
                      (double)(all - header) / (double)trace.event_count);
        ft_trace_free(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_events),
        cmocka_unit_test(every_row_keeps_its_smallest_and_largest_values),
        cmocka_unit_test(every_row_keeps_each_unknown_argument),
        cmocka_unit_test(every_part_of_a_trace_is_kept),
        cmocka_unit_test(every_verdict_is_kept),
        cmocka_unit_test(knobs_of_the_run_are_stored_when_they_are_set),
        cmocka_unit_test(full_scenarios_are_kept),
        cmocka_unit_test(devices_of_ops_are_kept),
        cmocka_unit_test(blocks_end_where_they_must),
        cmocka_unit_test(events_with_nothing_regular_are_kept),
        cmocka_unit_test(many_tasks_are_kept),
        cmocka_unit_test(sites_that_are_not_listed_are_kept),
        cmocka_unit_test(the_writer_refuses_bad_events),
        cmocka_unit_test(the_writer_refuses_bad_headers_and_verdicts),
        cmocka_unit_test(files_are_written_whole_or_not_at_all),
        cmocka_unit_test(the_writer_refuses_sites_out_of_order),
        cmocka_unit_test(a_write_that_fails_leaves_the_old_file),
        cmocka_unit_test(bytes_per_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
