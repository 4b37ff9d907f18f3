/* Ops: when they arm, where their moments are, and what becomes of those that cannot strike. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* An op that is always legal and changes nothing here: its op:fired marks the place. */
#define MARK(point_, count_) MARK_ON(0, point_, count_)
#define MARK_ON(target_, point_, count_)                                                           \
    {                                                                                              \
        .kind = FT_OP_FAIL_ALLOC,                                                                  \
        .moment = {.target = (target_), .point = FT_PT_##point_, .count = (count_)}, .arg = {      \
            7,                                                                                     \
            0                                                                                      \
        }                                                                                          \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

static KEVENT event;

static void body_sets(void)
{
    for (unsigned i = 0; i < 5; i++)
        KeSetEvent(&event, 0, FALSE);
    KeClearEvent(&event); /* has the points of KeSetEvent too */
    KeStallExecutionProcessor(1);
}

static void run_body(void (*body)(void), const struct ft_op *op, unsigned count)
{
    wb_run(&(struct wb_case){.body = body, .op = op, .op_count = count});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* How many events of that kind come before the n-th fired (or late) op. */
static unsigned before(enum ft_event_kind what, enum ft_event_kind op, unsigned n)
{
    unsigned count = 0;

    assert_true(wb_place(op, n) >= 0);
    while (wb_place(what, count + 1) >= 0 && wb_place(what, count + 1) < wb_place(op, n))
        count++;
    return count;
}

static void an_op_strikes_at_the_n_th_occurrence_of_its_point(void **state)
{
    (void)state;
    for (uint8_t n = 1; n <= 5; n++) {
        const struct ft_op in[] = {MARK(EVENT_SET, n)}, out[] = {MARK(EVENT_SET_OUT, n)};

        run_body(body_sets, in, 1);
        assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 1), n - 1);
        run_body(body_sets, out, 1);
        assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 1), n);
        assert_int_equal(wb_result()->ops_fired, 1);
    }
}

static void any_point_counts_every_point(void **state)
{
    const struct ft_op op[] = {MARK(ANY, 4)};

    (void)state;
    /* call:enter of DriverEntry, event:set, event:set.out, event:set */
    run_body(body_sets, op, 1);
    assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 1), 1);
    assert_int_equal(before(FT_EV_CALL_ENTER, FT_EV_OP_FIRED, 1), 1);
}

static void occurrences_count_from_the_moment_the_op_armed(void **state)
{
    const struct ft_op op[] = {MARK(EVENT_SET, 1), MARK(EVENT_SET, 2), MARK(EVENT_SET_OUT, 1)};

    (void)state;
    run_body(body_sets, op, COUNT(op));
    assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 1), 0);
    assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 2), 2);
    assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 3), 3);
    assert_int_equal(wb_event(FT_EV_OP_FIRED, 3)->arg[0], 3);
}

static void ops_arm_one_at_a_time_in_list_order(void **state)
{
    const struct ft_op op[] = {MARK(STALL, 1), MARK(EVENT_SET, 1)};

    (void)state;
    run_body(body_sets, op, COUNT(op));
    /* The second op armed when every event:set was over: it is late. */
    assert_int_equal(wb_event(FT_EV_OP_FIRED, 1)->arg[0], 1);
    assert_int_equal(before(FT_EV_EVENT_SET, FT_EV_OP_FIRED, 1), 5);
    assert_int_equal(wb_count(FT_EV_OP_LATE), 1);
    assert_int_equal(wb_last(FT_EV_OP_LATE)->arg[0], 2);
}

static void an_op_whose_moment_never_comes_strikes_late_when_quiet(void **state)
{
    const struct ft_op op[] = {MARK(EVENT_SET, 9), MARK(EVENT_SET, 1)};

    (void)state;
    run_body(body_sets, op, COUNT(op));
    assert_int_equal(wb_count(FT_EV_OP_FIRED), 0);
    assert_int_equal(wb_count(FT_EV_OP_LATE), 2);
    assert_int_equal(wb_result()->ops_late, 2);
    assert_int_equal(wb_result()->ops_fired, 2);
    assert_true(wb_place(FT_EV_OP_LATE, 1) > wb_place(FT_EV_RUN_STARTED, 1));
    assert_true(wb_place(FT_EV_OP_LATE, 2) < wb_place(FT_EV_RUN_TAIL, 1));
}

/* ---- with requests ---- */

static PIRP held[4];
static unsigned held_count;

/* The third request touches the first two. */
static NTSTATUS hold_and_touch(PDEVICE_OBJECT device, PIRP irp)
{
    held[held_count++ % 4] = irp;
    if (held_count == 3) {
        IoMarkIrpPending(held[0]);
        IoMarkIrpPending(held[1]);
    }
    return bench_hold(device, irp);
}

static void run_requests(const struct ft_op *op, unsigned count, PDRIVER_DISPATCH request)
{
    held_count = 0;
    bench_driver_run(&(struct bench_driver){.request = request}, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void a_label_means_its_object_or_its_task(void **state)
{
    static const unsigned pending[] = {2, 3, 2, 2}; /* irp:pending events before, by target */

    (void)state;
    for (uint8_t target = 0; target < 4; target++) {
        const struct ft_op op[] = {
            {.kind = FT_OP_READ, .label = 1, .arg = {16, 0}},
            {.kind = FT_OP_READ, .label = 2, .arg = {16, 0}},
            {.kind = FT_OP_READ, .label = 3, .arg = {16, 0}},
            MARK_ON(target, IRP_PENDING, 1),
        };

        run_requests(op, COUNT(op), hold_and_touch);
        assert_int_equal(wb_count(FT_EV_OP_LATE), 0);
        /* 1: request 1's IRP, 2: request 2's; 0: anything; 3: request 3's task */
        assert_int_equal(before(FT_EV_IRP_PENDING, FT_EV_OP_FIRED, 4),
                         target == 2 ? pending[1] : pending[0]);
    }
}

static void the_first_op_with_a_label_wins(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_READ, .label = 7, .arg = {16, 0}},
        {.kind = FT_OP_READ, .label = 7, .arg = {16, 0}},
        {.kind = FT_OP_CANCEL, .arg = {7, 0}},
    };
    uint64_t first;

    (void)state;
    run_requests(op, COUNT(op), bench_hold);
    first = wb_event(FT_EV_IRP_CANCEL, 1)->arg[0];
    assert_int_equal(wb_event(FT_EV_IRP_PENDING, 1)->arg[0], first);
    assert_int_equal(wb_event(FT_EV_IRP_PENDING, 1)->label, 7);
    assert_int_equal(wb_event(FT_EV_IRP_PENDING, 2)->label, 0);
    assert_true(wb_place(FT_EV_IRP_CANCEL, 1) < wb_place(FT_EV_RUN_TAIL, 1));
    assert_true(wb_place(FT_EV_IRP_CANCEL, 2) > wb_place(FT_EV_RUN_TAIL, 1));
}

static NTSTATUS many_points(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    for (unsigned i = 0; i < FT_LATE_STEPS; i++) /* two points each */
        KeSetEvent(&event, 0, FALSE);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_op_strikes_late_after_so_many_steps(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_READ, .arg = {16, 0}}, MARK(TIMER_SET, 1)};

    (void)state;
    run_requests(op, COUNT(op), many_points);
    assert_int_equal(wb_count(FT_EV_OP_LATE), 1);
    /* In the middle of the request, not when the machine is quiet. */
    assert_in_range(before(FT_EV_EVENT_SET, FT_EV_OP_LATE, 1), FT_LATE_STEPS / 2 - 20,
                    FT_LATE_STEPS / 2);
}

static void an_illegal_op_is_skipped_and_says_so(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_CANCEL, .label = 4, .arg = {9, 0}}, /* no such request */
        {.kind = FT_OP_TARGET, .arg = {0, 0}},             /* nothing happens there */
        {.kind = 200},                                     /* no row at all */
    };

    (void)state;
    run_requests(op, COUNT(op), NULL);
    assert_int_equal(wb_result()->ops_skipped, 3);
    assert_int_equal(wb_result()->ops_fired, 0);
    assert_int_equal(wb_count(FT_EV_OP_SKIPPED), 3);
    assert_int_equal(wb_event(FT_EV_OP_SKIPPED, 1)->arg[0], 1);
    assert_int_equal(wb_event(FT_EV_OP_SKIPPED, 1)->arg[1], FT_OP_CANCEL);
    assert_int_equal(wb_event(FT_EV_OP_SKIPPED, 1)->arg[2], 4);
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(wb_place(FT_EV_OP_SKIPPED, n), wb_place(FT_EV_OP_FIRED, n) + 1);
}

static void no_op_strikes_in_the_tail(void **state)
{
    static const struct ft_op op[] = {MARK(CALL_ENTER, 50)};

    (void)state;
    run_requests(op, 1, NULL);
    assert_int_equal(wb_count(FT_EV_OP_LATE), 1);
    assert_true(wb_place(FT_EV_OP_LATE, 1) < wb_place(FT_EV_RUN_TAIL, 1));
}

/* ---- accesses ---- */

/* What clang calls before a load of the driver core in the access flavour. */
extern void __tsan_read4(const void *address);

static void body_accesses(void)
{
    static uint32_t word;

    __tsan_read4(&word); /* before the point: does not count */
    KeSetEvent(&event, 0, FALSE);
    for (unsigned i = 0; i < 4; i++) {
        __tsan_read4(&word);
        if (wb_count(FT_EV_OP_FIRED))
            wb_note("fired");
        else
            wb_note("not-yet");
    }
}

static void accesses_count_after_the_point(void **state)
{
    struct ft_op op = MARK(EVENT_SET, 1);

    (void)state;
    op.moment.accesses = 3;
    wb_run(&(struct wb_case){
        .body = body_accesses, .op = &op, .op_count = 1, .accesses = true, .step_limit = 0});
    assert_string_equal(wb_notes(), "not-yet not-yet fired fired");
    assert_int_equal(wb_result()->ops_late, 0);
}

static void without_the_access_flavour_such_an_op_is_late(void **state)
{
    struct ft_op op = MARK(EVENT_SET, 1);

    (void)state;
    op.moment.accesses = 3;
    run_body(body_sets, &op, 1);
    assert_int_equal(wb_count(FT_EV_OP_FIRED), 0);
    assert_int_equal(wb_count(FT_EV_OP_LATE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_strikes_at_the_n_th_occurrence_of_its_point),
        cmocka_unit_test(any_point_counts_every_point),
        cmocka_unit_test(occurrences_count_from_the_moment_the_op_armed),
        cmocka_unit_test(ops_arm_one_at_a_time_in_list_order),
        cmocka_unit_test(an_op_whose_moment_never_comes_strikes_late_when_quiet),
        cmocka_unit_test(a_label_means_its_object_or_its_task),
        cmocka_unit_test(the_first_op_with_a_label_wins),
        cmocka_unit_test(an_op_strikes_late_after_so_many_steps),
        cmocka_unit_test(an_illegal_op_is_skipped_and_says_so),
        cmocka_unit_test(no_op_strikes_in_the_tail),
        cmocka_unit_test(accesses_count_after_the_point),
        cmocka_unit_test(without_the_access_flavour_such_an_op_is_late),
    };

    return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
