/* The sequences of kmdf.md, section 4, line by line: for success, and for each callback failing.
 *
 * hw-off and hw-yanked are what the device model sees (not while it is off). A device that failed
 * is reported as gone
 * ("surprise") and removed; one that was not is removed in the end.
 */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_OPS = 4, MAX_FAILURES = 2 };

struct row {
    const char *name;
    struct ft_op op[MAX_OPS];
    struct {
        enum ft_routine routine;
        uint8_t call; /* 0: every one */
    } fails[MAX_FAILURES];
    enum ft_routine without; /* a callback that is not registered */
    unsigned flags;
    const char *notes;
};

#define ENTRY   "d0-entry:d3f int-on d0-post:d3f "
#define START   "prepare " ENTRY "init "
#define DOWN    "suspend d0-pre:d3 int-off d0-exit:d3 hw-off "
#define UP      "d0-entry:d3 int-on d0-post:d3 restart "
#define EXIT    "d0-pre:d3f int-off d0-exit:d3f "
#define STOPPED "suspend " EXIT "release "
#define AGAIN   "prepare " ENTRY "restart "
#define GOES    STOPPED "flush cleanup hw-off"
#define REMOVE  "query-remove " GOES
#define FAILED  "release flush surprise cleanup"

#define OPS(...)             .op = {__VA_ARGS__}
#define FAILS(routine, call) .fails = {{FT_ROUTINE_WDF_##routine, call}}
#define O(KIND)                                                                                    \
    {                                                                                              \
        .kind = FT_OP_##KIND                                                                       \
    }
#define O1(KIND, argument)                                                                         \
    {                                                                                              \
        .kind = FT_OP_##KIND, .arg = { argument }                                                  \
    }
#define DOWN_UP    OPS(O(POWER_DOWN), O(POWER_UP))
#define STOP_START OPS(O(STOP), O(RESTART))

static const struct row rows[] = {
    /* 4.2, and 4.10 for a first start */
    {"start", .notes = START REMOVE},
    {"start, EvtDriverDeviceAdd fails", FAILS(DEVICE_ADD, 0), .notes = ""},
    {"start, prepare fails", FAILS(PREPARE, 0), .notes = "prepare release hw-off"},
    {"start, D0 entry fails", FAILS(D0_ENTRY, 0), .notes = "prepare d0-entry:d3f release hw-off"},
    {"start, interrupt enable fails", FAILS(INTERRUPT_ENABLE, 0),
     .notes = "prepare d0-entry:d3f int-on d0-exit:d3f release hw-off"},
    {"start, D0 entry after interrupts fails", FAILS(D0_ENTRY_POST, 0),
     .notes = "prepare " ENTRY "int-off d0-exit:d3f release hw-off"},
    {"start, init fails", FAILS(SMIO_INIT, 0), .notes = START EXIT "release flush cleanup hw-off"},
    {"start, init and release fail",
     .fails = {{FT_ROUTINE_WDF_SMIO_INIT, 0}, {FT_ROUTINE_WDF_RELEASE, 0}},
     .notes = START EXIT "release flush cleanup hw-off"},
    {"start, init and D0 exit fail",
     .fails = {{FT_ROUTINE_WDF_SMIO_INIT, 0}, {FT_ROUTINE_WDF_D0_EXIT, 0}},
     .notes = START EXIT "release flush cleanup hw-off"},
    {"start without an init callback", .without = FT_ROUTINE_WDF_SMIO_INIT,
     .notes = "prepare " ENTRY REMOVE},
    {"start without a prepare callback", .without = FT_ROUTINE_WDF_PREPARE,
     .notes = ENTRY "init " REMOVE},

    /* 4.3 and 1.5 */
    {"down and up", DOWN_UP, .notes = START DOWN UP REMOVE},
    {"down, suspend fails", DOWN_UP, FAILS(SMIO_SUSPEND, 0), .notes = START DOWN FAILED},
    {"down, D0 exit before interrupts fails", DOWN_UP, FAILS(D0_EXIT_PRE, 0),
     .notes = START DOWN FAILED},
    {"down, interrupt disable fails", DOWN_UP, FAILS(INTERRUPT_DISABLE, 0),
     .notes = START DOWN FAILED},
    {"down, D0 exit fails", DOWN_UP, FAILS(D0_EXIT, 0), .notes = START DOWN FAILED},

    /* 4.4 and 4.10 for a resume */
    {"up, D0 entry fails", DOWN_UP, FAILS(D0_ENTRY, 2),
     .notes = START DOWN "d0-entry:d3 " FAILED " hw-off"},
    {"up, interrupt enable fails", DOWN_UP, FAILS(INTERRUPT_ENABLE, 2),
     .notes = START DOWN "d0-entry:d3 int-on d0-exit:d3f " FAILED " hw-off"},
    {"up, D0 entry after interrupts fails", DOWN_UP, FAILS(D0_ENTRY_POST, 2),
     .notes = START DOWN "d0-entry:d3 int-on d0-post:d3 int-off d0-exit:d3f " FAILED " hw-off"},
    {"up, the drivers below fail it", OPS(O(POWER_DOWN), O(YANK), O(POWER_UP)),
     .notes = START DOWN "surprise release flush cleanup"},
    {"up, restart fails", DOWN_UP, FAILS(SMIO_RESTART, 0),
     .notes = START DOWN UP EXIT FAILED " hw-off"},

    /* 4.3 by the system */
    {"sleep and wake", OPS(O(SLEEP), O(WAKE)), .notes = START DOWN UP REMOVE},
    {"shutdown and wake", OPS(O1(SLEEP, 5), O(WAKE)),
     .notes = START "suspend d0-pre:d3f int-off d0-exit:d3f hw-off " ENTRY "restart " REMOVE},
    {"sleep of a sleeping device", OPS(O(POWER_DOWN), O(SLEEP), O(WAKE), O(POWER_UP)),
     .notes = START DOWN UP REMOVE},

    /* 4.6 */
    {"query-stop and its cancel", OPS(O(QUERY_STOP)), .notes = START "query-stop " REMOVE},
    {"stop and start", STOP_START, .notes = START "query-stop " STOPPED "hw-off " AGAIN REMOVE},
    {"stop, vetoed", STOP_START, FAILS(QUERY_STOP, 0), .notes = START "query-stop " REMOVE},
    {"stop, suspend fails", STOP_START, FAILS(SMIO_SUSPEND, 0),
     .notes = START "query-stop suspend " EXIT "release flush hw-off surprise cleanup hw-off"},
    {"stop, D0 exit before interrupts fails", STOP_START, FAILS(D0_EXIT_PRE, 0),
     .notes = START "query-stop suspend " EXIT "release flush hw-off surprise cleanup hw-off"},
    {"stop, interrupt disable fails", STOP_START, FAILS(INTERRUPT_DISABLE, 0),
     .notes = START "query-stop suspend " EXIT "release flush hw-off surprise cleanup hw-off"},
    {"stop, D0 exit fails", STOP_START, FAILS(D0_EXIT, 0),
     .notes = START "query-stop suspend " EXIT "release flush hw-off surprise cleanup hw-off"},
    {"stop, release fails", STOP_START, FAILS(RELEASE, 0),
     .notes = START "query-stop suspend " EXIT "release flush hw-off surprise cleanup hw-off"},
    {"start again, prepare fails", STOP_START, FAILS(PREPARE, 2),
     .notes = START "query-stop " STOPPED "hw-off prepare " FAILED " hw-off"},
    {"start again, D0 entry fails", STOP_START, FAILS(D0_ENTRY, 2),
     .notes = START "query-stop " STOPPED "hw-off prepare d0-entry:d3f " FAILED " hw-off"},
    {"start again, interrupt enable fails", STOP_START, FAILS(INTERRUPT_ENABLE, 2),
     .notes = START "query-stop " STOPPED "hw-off prepare d0-entry:d3f int-on d0-exit:d3f " FAILED
                    " hw-off"},
    {"start again, D0 entry after interrupts fails", STOP_START, FAILS(D0_ENTRY_POST, 2),
     .notes = START "query-stop " STOPPED "hw-off prepare " ENTRY "int-off d0-exit:d3f " FAILED
                    " hw-off"},
    {"start again, restart fails", STOP_START, FAILS(SMIO_RESTART, 0),
     .notes = START "query-stop " STOPPED "hw-off " AGAIN EXIT FAILED " hw-off"},
    {"another start while started", OPS(O1(RESTART, 1)), .notes = START STOPPED AGAIN REMOVE},
    {"another start while started, release fails", OPS(O1(RESTART, 1)), FAILS(RELEASE, 1),
     .notes = START "suspend " EXIT FAILED " hw-off"},
    {"another start while started, the drivers below fail it", OPS(O(YANK), O1(RESTART, 1)),
     .notes = START "hw-yanked " STOPPED "flush surprise cleanup"},
    {"stop of a sleeping device", OPS(O(POWER_DOWN), O(STOP), O(RESTART)),
     .notes = START DOWN "query-stop " UP STOPPED "hw-off " AGAIN REMOVE},
    {"another start while asleep, D0 entry fails", OPS(O(POWER_DOWN), O1(RESTART, 1)),
     FAILS(D0_ENTRY, 2), .notes = START DOWN "d0-entry:d3 " FAILED " hw-off"},

    /* 4.7 */
    {"query-remove and its cancel", OPS(O(QUERY_REMOVE)), .notes = START "query-remove " REMOVE},
    {"remove, vetoed once", OPS(O(REMOVE)), FAILS(QUERY_REMOVE, 1),
     .notes = START "query-remove " REMOVE},
    {"remove", OPS(O(REMOVE)), .notes = START REMOVE},
    {"remove of a sleeping device", OPS(O(POWER_DOWN), O(REMOVE)),
     .notes = START DOWN "query-remove " UP GOES},
    {"remove, suspend fails", FAILS(SMIO_SUSPEND, 0), .notes = START REMOVE},
    {"remove, D0 exit before interrupts fails", FAILS(D0_EXIT_PRE, 0), .notes = START REMOVE},
    {"remove, interrupt disable fails", FAILS(INTERRUPT_DISABLE, 0), .notes = START REMOVE},
    {"remove, D0 exit fails", FAILS(D0_EXIT, 0), .notes = START REMOVE},
    {"remove, release fails", FAILS(RELEASE, 0), .notes = START REMOVE},

    /* 4.8 and 4.9 */
    {"surprise in D0", OPS(O(SURPRISE_REMOVE)),
     .notes = START "hw-yanked surprise " STOPPED "flush cleanup"},
    {"surprise in D0, suspend fails", OPS(O(SURPRISE_REMOVE)), FAILS(SMIO_SUSPEND, 0),
     .notes = START "hw-yanked surprise " STOPPED "flush cleanup"},
    {"surprise in D0, D0 exit before interrupts fails", OPS(O(SURPRISE_REMOVE)),
     FAILS(D0_EXIT_PRE, 0), .notes = START "hw-yanked surprise " STOPPED "flush cleanup"},
    {"surprise in D0, D0 exit fails", OPS(O(SURPRISE_REMOVE)), FAILS(D0_EXIT, 0),
     .notes = START "hw-yanked surprise " STOPPED "flush cleanup"},
    {"surprise in D0, release fails", OPS(O(SURPRISE_REMOVE)), FAILS(RELEASE, 0),
     .notes = START "hw-yanked surprise " STOPPED "flush cleanup"},
    {"surprise in Dx", OPS(O(POWER_DOWN), O(SURPRISE_REMOVE)),
     .notes = START DOWN "surprise release flush cleanup"},
    {"surprise while stopped", OPS(O(STOP), O(SURPRISE_REMOVE)),
     .notes = START "query-stop " STOPPED "hw-off hw-yanked surprise flush cleanup"},
};

static unsigned count_ops(const struct row *row)
{
    unsigned count = 0;

    while (count < MAX_OPS && row->op[count].kind)
        count++;
    return count;
}

static bool run(const struct row *row, unsigned enablers)
{
    struct wdf_bench how = {
        .interrupts = 1, .enablers = enablers, .flags = WDF_BENCH_QUIET | row->flags};

    for (unsigned i = 0; i < MAX_FAILURES; i++) {
        how.answer[row->fails[i].routine] = row->fails[i].routine ? STATUS_UNSUCCESSFUL : 0;
        how.when[row->fails[i].routine] = row->fails[i].call;
    }
    how.without[row->without] = row->without != 0;
    wdf_bench_run(&how, row->op, count_ops(row));
    if (strcmp(wb_notes(), row->notes) == 0)
        return true;
    print_error("%s\n  expected %s\n  is       %s\n", row->name, row->notes, wb_notes());
    return false;
}

static void sequences(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !run(&rows[i], 0);
    assert_int_equal(wrong, 0);
}

/* ---- two DMA enablers: the matrix of section 1.4 ---- */

#define FILL1 "fill1 dma-on1 dma-start1 "
#define FILL2 "fill2 dma-on2 dma-start2 "
#define ALL1  "dma-stop1 dma-off1 dma-flush1 "
#define ALL2  "dma-stop2 dma-off2 dma-flush2 "
#define FIRST "prepare " ENTRY
#define UNDO  EXIT "release hw-off"
/* In Dx the enablers go down before EvtDeviceD0ExitPreInterruptsDisabled. */
#define SLEEPS "suspend " ALL1 ALL2 "d0-pre:d3 int-off d0-exit:d3 hw-off "
#define LEAVES "suspend " ALL1 ALL2 EXIT "release "

static const struct row dma_rows[] = {
    {"start with enablers",
     .notes = FIRST FILL1 FILL2 "init query-remove " LEAVES "flush cleanup hw-off"},
    {"fill of the first fails", FAILS(DMA_FILL, 1), .notes = FIRST "fill1 dma-stop1 " ALL2 UNDO},
    {"enable of the first fails", FAILS(DMA_ENABLE, 1),
     .notes = FIRST "fill1 dma-on1 dma-stop1 dma-off1 " ALL2 UNDO},
    {"start of the first fails", FAILS(DMA_START, 1), .notes = FIRST FILL1 ALL1 ALL2 UNDO},
    {"fill of the second fails", FAILS(DMA_FILL, 2),
     .notes = FIRST FILL1 "fill2 " ALL1 "dma-stop2 " UNDO},
    {"enable of the second fails", FAILS(DMA_ENABLE, 2),
     .notes = FIRST FILL1 "fill2 dma-on2 " ALL1 "dma-stop2 dma-off2 " UNDO},
    {"start of the second fails", FAILS(DMA_START, 2), .notes = FIRST FILL1 FILL2 ALL1 ALL2 UNDO},
    {"init fails with enablers", FAILS(SMIO_INIT, 0),
     .notes = FIRST FILL1 FILL2 "init " ALL1 ALL2 EXIT "release flush cleanup hw-off"},
    {"down and up with enablers", DOWN_UP,
     .notes = FIRST FILL1 FILL2 "init " SLEEPS "d0-entry:d3 int-on d0-post:d3 " FILL1 FILL2
                                "restart query-remove " LEAVES "flush cleanup hw-off"},
    {"down, disable fails", DOWN_UP, FAILS(DMA_DISABLE, 0),
     .notes = FIRST FILL1 FILL2 "init " SLEEPS FAILED},
    {"down, flush fails", DOWN_UP, FAILS(DMA_FLUSH, 0),
     .notes = FIRST FILL1 FILL2 "init " SLEEPS FAILED},
    {"down, stop fails", DOWN_UP, FAILS(DMA_STOP, 0),
     .notes = FIRST FILL1 FILL2 "init " SLEEPS FAILED},
    {"up, fill of the first fails", DOWN_UP, FAILS(DMA_FILL, 3),
     .notes = FIRST FILL1 FILL2
     "init " SLEEPS "d0-entry:d3 int-on d0-post:d3 fill1 dma-stop1 " ALL2 EXIT FAILED " hw-off"},
    {"stop, flush fails", STOP_START, FAILS(DMA_FLUSH, 0),
     .notes = FIRST FILL1 FILL2 "init query-stop " LEAVES "flush hw-off surprise cleanup hw-off"},
    {"remove, flush fails", FAILS(DMA_FLUSH, 0),
     .notes = FIRST FILL1 FILL2 "init query-remove " LEAVES "flush cleanup hw-off"},
    {"surprise with enablers", OPS(O(SURPRISE_REMOVE)),
     .notes = FIRST FILL1 FILL2 "init hw-yanked surprise " LEAVES "flush cleanup"},
};

static void sequences_with_dma(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof dma_rows / sizeof *dma_rows; i++)
        wrong += !run(&dma_rows[i], 2);
    assert_int_equal(wrong, 0);
}

/* ---- what START is told ---- */

static NTSTATUS start_status(enum ft_routine failing)
{
    struct wdf_bench how = {.interrupts = 1};

    how.answer[failing] = STATUS_NO_SUCH_DEVICE;
    wdf_bench_run(&how, NULL, 0);
    return (NTSTATUS)wb_last(FT_EV_RUN_STARTED)->arg[0];
}

static void a_failed_start_says_why(void **state)
{
    (void)state;
    assert_true(start_status(FT_ROUTINE_WDF_PREPARE) == STATUS_NO_SUCH_DEVICE);
    assert_true(start_status(FT_ROUTINE_WDF_D0_ENTRY) == STATUS_DEVICE_POWER_FAILURE);
    assert_true(start_status(FT_ROUTINE_WDF_INTERRUPT_ENABLE) == STATUS_DEVICE_POWER_FAILURE);
    assert_true(start_status(FT_ROUTINE_WDF_SMIO_INIT) == STATUS_DEVICE_POWER_FAILURE);
}

/* ---- the end of the objects ---- */

static void objects_end_in_their_order(void **state)
{
    (void)state;
    wdf_bench_expect(&(struct wdf_bench){.interrupts = 1}, NULL, 0,
                     "add " START "query-remove " STOPPED
                     "flush cleanup device-cleanup hw-off device-destroy unload driver-cleanup "
                     "driver-destroy");
    wdf_bench_expect(
        &(struct wdf_bench){.answer = {[FT_ROUTINE_WDF_DEVICE_ADD] = STATUS_UNSUCCESSFUL}}, NULL, 0,
        "add device-cleanup device-destroy unload driver-cleanup driver-destroy");
}

/* ---- queues: where they are held, resumed and purged ---- */

/* The driver keeps each request: it agrees to a stop, and completes it at a purge. */
static VOID keep(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)queue, (void)request, (void)length;
    wb_note("read");
}

static VOID on_cancel(WDFREQUEST request)
{
    wb_note("cancel");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID keep_cancelable(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)queue, (void)length;
    wb_note("read");
    CHECK(WdfRequestMarkCancelableEx(request, on_cancel) == STATUS_SUCCESS);
}

static VOID stop_or_purge(WDFQUEUE queue, WDFREQUEST request, ULONG flags)
{
    (void)queue;
    wb_note(flags & WdfRequestStopActionPurge ? "io-purge" : "io-stop");
    if (flags & WdfRequestStopActionPurge)
        WdfRequestComplete(request, STATUS_CANCELLED);
    else
        WdfRequestStopAcknowledge(request, FALSE);
}

static VOID go_on(WDFQUEUE queue, WDFREQUEST request)
{
    (void)queue, (void)request;
    wb_note("io-resume");
}

static NTSTATUS make_queue(WDFDEVICE device, WDF_TRI_STATE managed, PFN_WDF_IO_QUEUE_IO_READ read)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = read;
    config.EvtIoStop = stop_or_purge;
    config.EvtIoResume = go_on;
    config.PowerManaged = managed;
    return WdfIoQueueCreate(device, &config, NULL, NULL);
}

static NTSTATUS managed_queue(WDFDEVICE device)
{
    return make_queue(device, WdfTrue, keep);
}

static NTSTATUS other_queue(WDFDEVICE device)
{
    return make_queue(device, WdfFalse, keep_cancelable);
}

static void expect_io(NTSTATUS (*add)(WDFDEVICE device), const struct ft_op *op, unsigned op_count,
                      const char *notes)
{
    wdf_bench_expect(&(struct wdf_bench){.interrupts = 1, .add = add, .flags = WDF_BENCH_QUIET}, op,
                     op_count, notes);
}

#define READ                                                                                       \
    {                                                                                              \
        .kind = FT_OP_READ, .label = 1, .arg = { 64, 0 }                                           \
    }

static void managed_queues_follow_the_power(void **state)
{
    static const struct ft_op sleep[] = {READ, O(SLEEP), O(WAKE), O(SURPRISE_REMOVE)};
    static const struct ft_op stop[] = {READ, O(STOP), O(RESTART), O(SURPRISE_REMOVE)};
    static const struct ft_op asleep[] = {READ, O(POWER_DOWN), O(SURPRISE_REMOVE)};

    (void)state;
    expect_io(managed_queue, sleep, 4,
              START "read suspend io-stop d0-pre:d3 int-off d0-exit:d3 hw-off d0-entry:d3 int-on "
                    "d0-post:d3 io-resume restart hw-yanked surprise suspend io-stop " EXIT
                    "release io-purge flush cleanup");
    expect_io(managed_queue, stop, 4,
              START "read query-stop suspend io-stop " EXIT "release hw-off prepare " ENTRY
                    "io-resume restart hw-yanked surprise suspend io-stop " EXIT
                    "release io-purge flush cleanup");
    expect_io(managed_queue, asleep, 3,
              START "read suspend io-stop d0-pre:d3 int-off d0-exit:d3 hw-off surprise release "
                    "io-purge flush cleanup");
}

/* They go on until the removal itself, for which their requests must end first. */
static void other_queues_do_not(void **state)
{
    static const struct ft_op ops[] = {READ, O(SLEEP), O(WAKE), O(SURPRISE_REMOVE)};

    (void)state;
    expect_io(other_queue, ops, 4,
              START "read " DOWN UP "hw-yanked surprise " STOPPED "flush cancel cleanup");
}

/* ---- several interrupts ---- */

static void two_messages(struct ft_description *description)
{
    description->interrupt = FT_INTERRUPT_MESSAGES;
    description->messages = 2;
}

static void interrupts_end_in_reverse_order(void **state)
{
    const char *notes = "prepare d0-entry:d3f int-on1 int-on2 d0-post:d3f init query-remove "
                        "suspend d0-pre:d3f int-off2 int-off1 d0-exit:d3f release flush cleanup "
                        "hw-off";

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.interrupts = 2, .describe = two_messages, .flags = WDF_BENCH_QUIET},
        NULL, 0, notes);
    wdf_bench_expect(&(struct wdf_bench){.interrupts = 2,
                                         .describe = two_messages,
                                         .flags = WDF_BENCH_QUIET | WDF_BENCH_INTERRUPTS_LATE},
                     NULL, 0, notes);
}

static void the_second_enable_that_fails_undoes_the_first(void **state)
{
    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.interrupts = 2,
                            .describe = two_messages,
                            .answer = {[FT_ROUTINE_WDF_INTERRUPT_ENABLE] = STATUS_UNSUCCESSFUL},
                            .when = {[FT_ROUTINE_WDF_INTERRUPT_ENABLE] = 2},
                            .flags = WDF_BENCH_QUIET},
        NULL, 0, "prepare d0-entry:d3f int-on1 int-on2 int-off1 d0-exit:d3f release hw-off");
}

/* ---- a device that must not page ---- */

static void not_pageable(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetPowerNotPageable(init);
}

static void its_interrupts_stay_connected(void **state)
{
    static const struct ft_op ops[] = {O(POWER_DOWN), O(POWER_UP)};

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.interrupts = 1, .init = not_pageable, .flags = WDF_BENCH_QUIET}, ops,
        2, START DOWN UP REMOVE);
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 1);
    assert_int_equal(wb_count(FT_EV_ISR_DISCONNECT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
        cmocka_unit_test(sequences_with_dma),
        cmocka_unit_test(a_failed_start_says_why),
        cmocka_unit_test(objects_end_in_their_order),
        cmocka_unit_test(managed_queues_follow_the_power),
        cmocka_unit_test(other_queues_do_not),
        cmocka_unit_test(interrupts_end_in_reverse_order),
        cmocka_unit_test(the_second_enable_that_fails_undoes_the_first),
        cmocka_unit_test(its_interrupts_stay_connected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
