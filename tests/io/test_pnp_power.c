/* PnP and power (wdm-io, 6.1 and 7.1): which requests come, in which order, and what the hardware
 * does meanwhile. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }
#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .arg = { 16, 0 }                                                       \
    }

enum { OPS = 6 };

/* The run's notes for those ops; it must reach its end with that many skipped. */
static const char *notes_of(const struct bench_driver *how, const struct ft_op *op, unsigned count,
                            unsigned skipped)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, skipped);
    assert_int_equal(wb_count(FT_EV_OP_SKIPPED), skipped);
    return wb_notes();
}

static const struct bench_driver sound;

/* Which of the ends of PnP requests is the n-th with that minor code, 0: none. */
static unsigned pnp_index(unsigned minor, unsigned n)
{
    for (unsigned i = 1; i <= wb_count(FT_EV_PNP_DONE); i++)
        if (wb_event(FT_EV_PNP_DONE, i)->arg[1] == minor && --n == 0)
            return i;
    return 0;
}

/* Its event, zeroed when there is none. */
static const struct ft_event *pnp_done(unsigned minor, unsigned n)
{
    return wb_event(FT_EV_PNP_DONE, pnp_index(minor, n));
}

static void a_device_is_started_opened_closed_and_removed(void **state)
{
    (void)state;
    assert_string_equal(notes_of(&sound, NULL, 0, 0), "start create cleanup close query-remove "
                                                      "remove hw-off unload");
    assert_int_equal(pnp_done(IRP_MN_START_DEVICE, 1)->arg[3], FT_PNP_STARTED);
    assert_int_equal(pnp_done(IRP_MN_QUERY_REMOVE_DEVICE, 1)->arg[3], FT_PNP_REMOVE_PENDING);
    assert_int_equal(pnp_done(IRP_MN_REMOVE_DEVICE, 1)->arg[3], FT_PNP_REMOVED);
}

/* ---- which ops are legal when ---- */

static const struct row {
    struct ft_op op[OPS];
    unsigned skipped;
    const char *notes; /* between "create" and the orderly end */
} rows[] = {
    {{OP(QUERY_REMOVE)}, 0, "query-remove cancel-remove cleanup"},
    {{OP(STOP)}, 0, "query-stop stop hw-off start cleanup"}, /* the end restarts it */
    {{OP(STOP), OP(RESTART)}, 0, "query-stop stop hw-off start cleanup"},
    {{OP(RESTART)}, 1, "cleanup"},
    {{OP(STOP), OP(STOP), OP(RESTART)}, 1, "query-stop stop hw-off start cleanup"},
    {{OP(STOP), OP(QUERY_REMOVE), OP(REMOVE), OP(RESTART)},
     2,
     "query-stop stop hw-off start cleanup"},
    {{OP(STOP), OP(POWER_DOWN), OP(RESTART)}, 1, "query-stop stop hw-off start cleanup"},
    {{OP(POWER_DOWN)}, 0, "d3 hw-off d0 cleanup"}, /* the end powers it up */
    {{OP(POWER_DOWN), OP(POWER_UP)}, 0, "d3 hw-off d0 cleanup"},
    {{OP(POWER_UP)}, 1, "cleanup"},
    {{OP(POWER_DOWN), OP(POWER_DOWN), OP(POWER_UP)}, 1, "d3 hw-off d0 cleanup"},
    {{OP(POWER_DOWN), OP(STOP), OP(POWER_UP)}, 1, "d3 hw-off query-stop stop start cleanup"},
    {{OP(POWER_DOWN), OP(STOP), OP(RESTART)}, 0, "d3 hw-off query-stop stop start cleanup"},
    {{OP(QUERY_STOP)}, 0, "query-stop cancel-stop cleanup"},
    {{OP(CANCEL_STOP), OP(CANCEL_REMOVE)}, 0, "cancel-stop cancel-remove cleanup"},
    {{OP(STOP), OP(CANCEL_STOP)}, 1, "query-stop stop hw-off start"},
    {{OP(QUERY_POWER)}, 0, "query-d3 d0 cleanup"},
    {{{.kind = FT_OP_POWER_TO, .arg = {2}}, {.kind = FT_OP_POWER_TO, .arg = {1}}, OP(POWER_UP)},
     1,
     "d1 hw-off d0 cleanup"},
    {{OP(POWER_TO)}, 0, "d0 cleanup"}, /* D0 in D0 */
    {{OP(WAKE), OP(WAKE_SIGNAL)}, 2, "cleanup"},
    {{OP(SLEEP), OP(WAKE)}, 0, "query-s3 s3 hw-off s0 cleanup"},
    {{OP(SLEEP)}, 0, "query-s3 s3 hw-off s0 cleanup"}, /* the end wakes it */
    {{{.kind = FT_OP_SLEEP, .arg = {1}}, OP(WAKE)}, 0, "query-s1 s1 s0 cleanup"},
    {{{.kind = FT_OP_SLEEP, .arg = {5, 1}}, OP(WAKE)}, 0, "s5 hw-off s0 cleanup"},
    {{OP(SLEEP), OP(SLEEP), OP(STOP), OP(POWER_DOWN), READ_OP, OP(WAKE)},
     4,
     "query-s3 s3 hw-off s0 cleanup"},
    {{OP(POWER_DOWN), OP(SLEEP), OP(WAKE), OP(POWER_UP)}, 0, "d3 hw-off query-s3 s3 s0 d0 cleanup"},
    {{OP(SLEEP), OP(YANK), OP(SURPRISE_REMOVE), OP(WAKE)},
     1,
     "query-s3 s3 hw-off s0 surprise cleanup"},
    {{OP(POWER_DOWN), OP(QUERY_REMOVE), OP(POWER_UP)},
     0,
     "d3 hw-off query-remove cancel-remove d0"},
    {{OP(SURPRISE_REMOVE), OP(SURPRISE_REMOVE), OP(QUERY_REMOVE), OP(STOP), OP(POWER_DOWN),
      OP(YANK)},
     5,
     "hw-yanked surprise cleanup close remove"},
    {{OP(YANK), OP(YANK)}, 1, "hw-yanked surprise cleanup close remove"},
    {{OP(YANK), OP(QUERY_REMOVE)}, 0, "hw-yanked query-remove cancel-remove surprise cleanup"},
    {{OP(STOP), OP(SURPRISE_REMOVE), OP(RESTART)}, 1, "query-stop stop hw-off hw-yanked surprise"},
    {{OP(REMOVE), OP(REMOVE), OP(RESTART), OP(YANK), READ_OP},
     4,
     "cleanup close query-remove remove hw-off unload"}, /* the handle's user lets go first */
};

static void ops_are_legal_in_the_states_of_the_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char wanted[256];
        unsigned count = 0;

        while (count < OPS && rows[i].op[count].kind)
            count++;
        snprintf(wanted, sizeof wanted, "start create %s", rows[i].notes);
        bench_driver_run(&sound, rows[i].op, count);
        if (strncmp(wb_notes(), wanted, strlen(wanted)) != 0)
            fail_msg("row %u: %s, wanted %s", i, wb_notes(), wanted);
        if (wb_result()->ops_skipped != rows[i].skipped)
            fail_msg("row %u: %u ops skipped, wanted %u", i, wb_result()->ops_skipped,
                     rows[i].skipped);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    }
}

/* ---- answers ---- */

static void a_vetoed_query_remove_is_cancelled_and_the_device_goes_on(void **state)
{
    static const struct ft_op op[] = {OP(REMOVE), READ_OP};

    (void)state;
    /* The end asks again, and then pulls the device. */
    assert_string_equal(
        notes_of(&(struct bench_driver){.query_remove = STATUS_DEVICE_BUSY}, op, 2, 0),
        "start create cleanup close query-remove cancel-remove create read cleanup close "
        "query-remove cancel-remove hw-yanked surprise remove unload");
    assert_int_equal(pnp_done(IRP_MN_QUERY_REMOVE_DEVICE, 1)->arg[3], FT_PNP_STARTED);
    assert_int_equal(pnp_done(IRP_MN_QUERY_REMOVE_DEVICE, 1)->arg[2], (uint32_t)STATUS_DEVICE_BUSY);
}

static void a_vetoed_query_stop_is_cancelled(void **state)
{
    static const struct ft_op op[] = {OP(STOP), READ_OP};

    (void)state;
    assert_non_null(
        strstr(notes_of(&(struct bench_driver){.query_stop = STATUS_DEVICE_BUSY}, op, 2, 0),
               "create query-stop cancel-stop read cleanup"));
}

static void a_failed_start_is_followed_by_remove_alone(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(POWER_DOWN)};

    (void)state;
    assert_string_equal(notes_of(&(struct bench_driver){.start = STATUS_UNSUCCESSFUL}, op, 2, 2),
                        "start remove hw-off unload");
    assert_int_equal(wb_last(FT_EV_RUN_STARTED)->arg[0], (uint32_t)STATUS_UNSUCCESSFUL);
    assert_int_equal(pnp_done(IRP_MN_START_DEVICE, 1)->arg[3], FT_PNP_NOT_STARTED);
}

static void a_failed_restart_is_followed_by_surprise_removal(void **state)
{
    static const struct ft_op op[] = {OP(STOP), OP(RESTART)};

    (void)state;
    assert_non_null(
        strstr(notes_of(&(struct bench_driver){.restart = STATUS_UNSUCCESSFUL}, op, 2, 0),
               "start surprise cleanup close "));
    assert_null(strstr(strstr(wb_notes(), "surprise"), "query-remove"));
    assert_non_null(strstr(wb_notes(), "close remove hw-off unload"));
}

static void a_refused_handle_has_no_requests_and_no_close(void **state)
{
    static const struct ft_op op[] = {READ_OP};

    (void)state;
    assert_string_equal(notes_of(&(struct bench_driver){.create = STATUS_ACCESS_DENIED}, op, 1, 1),
                        "start create query-remove remove hw-off unload");
}

/* ---- hardware ---- */

static NTSTATUS use_registers(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_SCRATCH, 0x1234);
    wb_note(bench_register(WB_REG_SCRATCH) == 0x1234       ? "kept"
            : bench_register(WB_REG_SCRATCH) == 0xFFFFFFFF ? "ones"
                                                           : "other");
    CHECK(READ_REGISTER_UCHAR(the_driver.registers + WB_REG_LINE) ==
          (UCHAR)(wb_last(FT_EV_REG_READ)->arg[3] ? 0 : 0xFF));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static const struct bench_driver prodding = {.request = use_registers};

static void registers_of_a_yanked_device_read_as_ones(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(YANK), READ_OP};

    (void)state;
    assert_non_null(
        strstr(notes_of(&prodding, op, 3, 0), "read kept hw-yanked read ones surprise"));
    assert_int_equal(wb_event(FT_EV_REG_WRITE, 1)->arg[3], true);
    assert_int_equal(wb_last(FT_EV_REG_WRITE)->arg[3], false);
    assert_int_equal(wb_last(FT_EV_REG_READ)->arg[3], false);
    assert_true(wb_result()->yanked);
}

static void registers_read_as_ones_without_power(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(POWER_DOWN), READ_OP, OP(POWER_UP), READ_OP};

    (void)state;
    assert_non_null(strstr(notes_of(&prodding, op, 5, 0),
                           "read kept d3 hw-off read ones d0 read kept cleanup"));
    assert_int_equal(wb_event(FT_EV_POWER_HW, 1)->arg[1], FT_D3);
    assert_int_equal(wb_event(FT_EV_POWER_HW, 2)->arg[1], FT_D0);
}

static NTSTATUS look(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    wb_note(bench_register(WB_REG_SCRATCH) == 0 ? "zero" : "left-over");
    wb_note(bench_register(WB_REG_RESETS) == 1 ? "first" : "again");
    bench_register_set(WB_REG_SCRATCH, 5);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void powering_up_resets_the_device(void **state)
{
    static const struct ft_op op[] = {READ_OP, READ_OP, OP(POWER_DOWN), OP(POWER_UP), READ_OP};

    (void)state;
    assert_non_null(strstr(notes_of(&(struct bench_driver){.request = look}, op, 5, 0),
                           "read zero first read left-over first d3 hw-off d0 read zero again"));
}

static void a_device_that_is_gone_cannot_be_powered_up_or_started(void **state)
{
    static const struct ft_op up[] = {OP(POWER_DOWN), OP(YANK), OP(POWER_UP)};
    static const struct ft_op start[] = {OP(STOP), OP(YANK), OP(RESTART)};

    (void)state;
    notes_of(&sound, up, 3, 0);
    assert_int_equal(wb_last(FT_EV_POWER_DONE)->arg[2], (uint32_t)STATUS_NO_SUCH_DEVICE);
    assert_int_equal(wb_count(FT_EV_POWER_HW), 1);
    assert_non_null(strstr(notes_of(&sound, start, 3, 0), "hw-off hw-yanked start surprise"));
    assert_int_equal(pnp_done(IRP_MN_START_DEVICE, 2)->arg[2], (uint32_t)STATUS_NO_SUCH_DEVICE);
}

static NTSTATUS start_engine(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_BURSTS, 4);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_yank_stops_the_engine_between_two_bursts(void **state)
{
    static const struct ft_op op[] = {
        READ_OP, {.kind = FT_OP_YANK, .moment = {.point = FT_PT_ENGINE_BURST_OUT, .count = 2}}};

    (void)state;
    assert_non_null(strstr(notes_of(&(struct bench_driver){.request = start_engine}, op, 2, 0),
                           "engine engine hw-yanked surprise"));
}

/* ---- requests that come while the manager works ---- */

static void ops_that_strike_while_the_manager_works_wait_their_turn(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_STOP, .label = 1},
        {.kind = FT_OP_RESTART, .moment = {.target = 1, .point = FT_PT_IRP_CALL, .count = 1}},
        {.kind = FT_OP_RESTART, .moment = {.target = 1, .point = FT_PT_IRP_COMPLETE, .count = 1}},
    };

    (void)state;
    /* Both strike before STOP is over. Judged at their turn, one is legal. */
    assert_non_null(
        strstr(notes_of(&sound, op, 3, 1), "create query-stop stop hw-off start cleanup"));
    assert_true(wb_place(FT_EV_OP_FIRED, 3) <
                wb_place(FT_EV_PNP_DONE, pnp_index(IRP_MN_STOP_DEVICE, 1)));
    assert_int_equal(wb_last(FT_EV_OP_SKIPPED)->arg[0], 3);
}

static void hostile_data_replaces_one_later_read(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_DEVICE_DATA, .arg = {0x77, 2}}, READ_OP, READ_OP};

    (void)state;
    notes_of(&(struct bench_driver){.request = look}, op, 3, 0);
    /* two honest reads, then the lie: scratch is 5, and reads as 0x77 */
    assert_int_equal(wb_count(FT_EV_DEV_HOSTILE), 1);
    assert_int_equal(wb_event(FT_EV_REG_READ, 2)->arg[2], 1);
    assert_int_equal(wb_event(FT_EV_REG_READ, 3)->arg[2], 0x77);
    assert_int_equal(wb_event(FT_EV_REG_READ, 4)->arg[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_started_opened_closed_and_removed),
        cmocka_unit_test(ops_are_legal_in_the_states_of_the_table),
        cmocka_unit_test(a_vetoed_query_remove_is_cancelled_and_the_device_goes_on),
        cmocka_unit_test(a_vetoed_query_stop_is_cancelled),
        cmocka_unit_test(a_failed_start_is_followed_by_remove_alone),
        cmocka_unit_test(a_failed_restart_is_followed_by_surprise_removal),
        cmocka_unit_test(a_refused_handle_has_no_requests_and_no_close),
        cmocka_unit_test(registers_of_a_yanked_device_read_as_ones),
        cmocka_unit_test(registers_read_as_ones_without_power),
        cmocka_unit_test(powering_up_resets_the_device),
        cmocka_unit_test(a_device_that_is_gone_cannot_be_powered_up_or_started),
        cmocka_unit_test(a_yank_stops_the_engine_between_two_bursts),
        cmocka_unit_test(ops_that_strike_while_the_manager_works_wait_their_turn),
        cmocka_unit_test(hostile_data_replaces_one_later_read),
    };

    return cmocka_run_group_tests_name("PnP and power", tests, NULL, NULL);
}
