/* Idle and wake: the settings and what they refuse, the device that sleeps while nobody uses it,
 * power references, and waking. */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define START "prepare d0-entry:d3f d0-post:d3f init "
#define DOWN  "suspend d0-pre:d3 d0-exit:d3 hw-off "
#define UP    "d0-entry:d3 d0-post:d3 restart "
#define GOES  "suspend d0-pre:d3f d0-exit:d3f release flush cleanup hw-off"
#define END   "query-remove " GOES

enum { MS = 10000 };

static NTSTATUS idle_after(WDFDEVICE device, WDF_POWER_POLICY_S0_IDLE_CAPABILITIES caps, ULONG ms)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&settings, caps);
    settings.IdleTimeout = ms;
    return WdfDeviceAssignS0IdleSettings(device, &settings);
}

static void pass_ms(LONGLONG ms)
{
    LARGE_INTEGER interval = {.QuadPart = -ms * MS};

    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

static void wakes(struct ft_description *description)
{
    description->flags |= FT_DRIVER_WAKES;
}

/* ---- settings ---- */

static void refuse_idle(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS good, settings;

    WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS_INIT(&good, IdleCannotWakeFromS0);
#define REFUSED(change, expected)                                                                  \
    do {                                                                                           \
        settings = good;                                                                           \
        change;                                                                                    \
        CHECK(WdfDeviceAssignS0IdleSettings(device, &settings) == (expected));                     \
    } while (0)
    REFUSED(settings.Size--, STATUS_INFO_LENGTH_MISMATCH);
    REFUSED(settings.DxState = PowerDeviceD0, STATUS_INVALID_PARAMETER);
    REFUSED(settings.IdleCaps = IdleCapsInvalid, STATUS_INVALID_PARAMETER);
    REFUSED(settings.UserControlOfIdleSettings = IdleUserControlInvalid, STATUS_INVALID_PARAMETER);
    REFUSED(settings.Enabled = 7, STATUS_INVALID_PARAMETER);
    REFUSED(settings.IdleCaps = IdleCanWakeFromS0;
            settings.DxState = PowerDeviceMaximum, STATUS_POWER_STATE_INVALID);
#undef REFUSED
}

static void refuse_wake(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS good, settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&good);
#define REFUSED(change, expected)                                                                  \
    do {                                                                                           \
        settings = good;                                                                           \
        change;                                                                                    \
        CHECK(WdfDeviceAssignSxWakeSettings(device, &settings) == (expected));                     \
    } while (0)
    REFUSED(settings.Size--, STATUS_INFO_LENGTH_MISMATCH);
    REFUSED(settings.DxState = PowerDeviceUnspecified, STATUS_INVALID_PARAMETER);
    REFUSED(settings.UserControlOfWakeSettings = WakeUserControlInvalid, STATUS_INVALID_PARAMETER);
    REFUSED(settings.Enabled = 7, STATUS_INVALID_PARAMETER);
    REFUSED((void)0, STATUS_POWER_STATE_INVALID); /* this device cannot */
#undef REFUSED
}

static NTSTATUS refuse(WDFDEVICE device)
{
    refuse_idle(device);
    refuse_wake(device);
    return STATUS_SUCCESS;
}

static NTSTATUS refuse_stranger(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    CHECK(idle_after(device, IdleCannotWakeFromS0, 0) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceAssignSxWakeSettings(device, &settings) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfDeviceStopIdle(device, FALSE) == STATUS_INVALID_DEVICE_STATE);
    return STATUS_SUCCESS;
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = refuse}, NULL, 0);
    wdf_bench_run(&(struct wdf_bench){.add = refuse_stranger, .flags = WDF_BENCH_NOT_OWNER}, NULL,
                  0);
}

/* ---- idle ---- */

static NTSTATUS idle_soon(WDFDEVICE device)
{
    CHECK(idle_after(device, IdleCannotWakeFromS0, 10) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

/* The removal waits a while with its question; it needs the device in D0 then. */
static void wait_before_removal(enum ft_routine routine, WDFOBJECT device)
{
    (void)device;
    if (routine == FT_ROUTINE_WDF_QUERY_REMOVE)
        pass_ms(50);
}

static void an_idle_device_sleeps(void **state)
{
    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = idle_soon, .in = wait_before_removal, .flags = WDF_BENCH_QUIET},
        NULL, 0, START "query-remove " DOWN UP GOES);
}

static void hold_and_look(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    pass_ms(50);
    CHECK(WdfDeviceGetDevicePowerPolicyState(device) == WdfDevStatePwrPolStartedIdleCapable);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_D0_EXIT] == 0);
    WdfDeviceResumeIdle(device);
}

static NTSTATUS idle_but_held(WDFDEVICE device)
{
    CHECK(idle_after(device, IdleCannotWakeFromS0, 10) == STATUS_SUCCESS);
    CHECK(WdfDeviceStopIdle(device, FALSE) == STATUS_PENDING); /* it has not started */
    return STATUS_SUCCESS;
}

static void a_power_reference_keeps_it_awake(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = idle_but_held, .flags = WDF_BENCH_QUIET}, NULL, 0);
    wdf_bench_expect(
        &(struct wdf_bench){.add = idle_but_held, .in = hold_and_look, .flags = WDF_BENCH_QUIET},
        NULL, 0, START END);
}

/* The time is up and its DPC waits when somebody uses the device; then it is idle anew. */
static void use_in_time(enum ft_routine routine, WDFOBJECT device)
{
    KIRQL old;

    if (routine != FT_ROUTINE_WDF_QUERY_REMOVE)
        return;
    WdfDeviceResumeIdle(device);
    KeRaiseIrql(DISPATCH_LEVEL, &old);
    KeStallExecutionProcessor(20000);
    CHECK(NT_SUCCESS(WdfDeviceStopIdle(device, FALSE)));
    WdfDeviceResumeIdle(device);
    KeLowerIrql(old);
    pass_ms(1);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_D0_EXIT] == 0);
}

static void a_use_in_time_begins_the_idle_time_anew(void **state)
{
    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = idle_but_held, .in = use_in_time, .flags = WDF_BENCH_QUIET},
        NULL, 0, START END);
}

static KEVENT woken;

static VOID use_it(PVOID context)
{
    pass_ms(50);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_D0_EXIT] == 1);
    CHECK(WdfDeviceStopIdle(context, TRUE) == STATUS_SUCCESS);
    CHECK(the_wdf.calls[FT_ROUTINE_WDF_D0_ENTRY] == 2);
    CHECK(WdfDeviceStopIdleNoTrack(context, FALSE) == STATUS_SUCCESS);
    wb_note("used");
    WdfDeviceResumeIdleNoTrack(context);
    WdfDeviceResumeIdle(context);
    WdfDeviceResumeIdle(context); /* one too many: nothing */
    KeSetEvent(&woken, IO_NO_INCREMENT, FALSE);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void start_user(enum ft_routine routine, WDFOBJECT device)
{
    HANDLE thread;

    if (routine == FT_ROUTINE_WDF_SMIO_INIT) {
        KeInitializeEvent(&woken, NotificationEvent, FALSE);
        CHECK(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, use_it, device) ==
              STATUS_SUCCESS);
        ZwClose(thread);
    } else if (routine == FT_ROUTINE_WDF_QUERY_REMOVE) {
        KeWaitForSingleObject(&woken, Executive, KernelMode, FALSE, NULL);
    }
}

static void who_needs_the_device_wakes_it(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = idle_soon, .in = start_user, .flags = WDF_BENCH_QUIET},
                  NULL, 0);
    assert_string_equal(wb_notes(), START "query-remove " DOWN UP "used " GOES);
    assert_int_equal(wb_last(FT_EV_WDF_RESUME_IDLE)->arg[1], 0);
}

static void too_late(enum ft_routine routine, WDFOBJECT device)
{
    if (routine == FT_ROUTINE_WDF_SMIO_FLUSH)
        CHECK(WdfDeviceStopIdle(device, TRUE) == STATUS_POWER_STATE_INVALID);
}

static void a_device_that_is_gone_cannot_be_woken(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_SURPRISE_REMOVE}};

    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = too_late}, ops, 1);
}

/* ---- wake ---- */

static NTSTATUS wake_in_s0(WDFDEVICE device)
{
    CHECK(idle_after(device, IdleCanWakeFromS0, 10) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void an_idle_device_is_armed_and_disarmed(void **state)
{
    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = wake_in_s0,
                            .in = wait_before_removal,
                            .describe = wakes,
                            .flags = WDF_BENCH_QUIET},
        NULL, 0,
        START "query-remove suspend arm-s0 d0-pre:d3 d0-exit:d3 hw-off d0-entry:d3 d0-post:d3 "
              "disarm-s0 restart " GOES);
}

static NTSTATUS wake_the_machine(WDFDEVICE device)
{
    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS settings;

    WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS_INIT(&settings);
    CHECK(WdfDeviceAssignSxWakeSettings(device, &settings) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void a_sleeping_machine_is_woken_by_others(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_SLEEP}, {.kind = FT_OP_WAKE}};

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = wake_the_machine, .describe = wakes, .flags = WDF_BENCH_QUIET},
        ops, 2,
        START "suspend arm-sx d0-pre:d3 d0-exit:d3 hw-off d0-entry:d3 d0-post:d3 disarm-sx "
              "restart " END);
}

static void a_device_wakes_the_machine(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_SLEEP}, {.kind = FT_OP_WAKE_SIGNAL}};

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = wake_the_machine, .describe = wakes, .flags = WDF_BENCH_QUIET},
        ops, 2,
        START "suspend arm-sx d0-pre:d3 d0-exit:d3 hw-off d0-entry:d3 d0-post:d3 disarm-sx "
              "woke-sx restart " END);
}

static void a_device_that_cannot_be_armed_sleeps_all_the_same(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_SLEEP}, {.kind = FT_OP_WAKE}};

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.add = wake_the_machine,
                            .answer = {[FT_ROUTINE_WDF_ARM_SX] = STATUS_UNSUCCESSFUL},
                            .describe = wakes,
                            .flags = WDF_BENCH_QUIET},
        ops, 2,
        START "suspend arm-sx d0-pre:d3 d0-exit:d3 hw-off d0-entry:d3 d0-post:d3 restart " END);
}

/* ---- the tables of the power policy ---- */

struct walk {
    const char *name;
    NTSTATUS (*add)(WDFDEVICE device);
    bool waits;
    uint8_t op[3]; /* kinds, 0: none */
    const char *states;
};

/* STATES: each state that the machine rests or moves in, by its public name. */
#define STATES(S)                                                                                  \
    S(Stopped)                                                                                     \
    S(Started)                                                                                     \
    S(StartedIdleCapable)                                                                          \
    S(TimerExpiredNoWake)                                                                          \
    S(WaitingUnarmed)                                                                              \
    S(S0NoWakePowerUp)                                                                             \
    S(TimerExpiredWakeCapablePowerDown)                                                            \
    S(WaitingArmed)                                                                                \
    S(S0WakeCompletePowerUp)                                                                       \
    S(SleepingNoWakePowerDown)                                                                     \
    S(SystemAsleepNoWake)                                                                          \
    S(SystemWakeDeviceToD0)                                                                        \
    S(SleepingWakePowerDown)                                                                       \
    S(SystemAsleepWakeArmed)                                                                       \
    S(SystemWakeDeviceWakeEnabled)

static const struct walk walks[] = {
    {"start and removal", .states = "Started Stopped"},
    {"sleep", .op = {FT_OP_SLEEP, FT_OP_WAKE},
     .states =
         "Started SleepingNoWakePowerDown SystemAsleepNoWake SystemWakeDeviceToD0 Started Stopped"},
    {"sleep, armed", wake_the_machine, .op = {FT_OP_SLEEP, FT_OP_WAKE},
     .states = "Started SleepingWakePowerDown SystemAsleepWakeArmed SystemWakeDeviceWakeEnabled "
               "Started Stopped"},
    {"idle", idle_soon, true,
     .states = "Stopped StartedIdleCapable TimerExpiredNoWake WaitingUnarmed S0NoWakePowerUp "
               "StartedIdleCapable Stopped"},
    {"idle, armed", wake_in_s0, true,
     .states = "Stopped StartedIdleCapable TimerExpiredWakeCapablePowerDown WaitingArmed "
               "S0WakeCompletePowerUp StartedIdleCapable Stopped"},
    {"directed down", .op = {FT_OP_POWER_DOWN, FT_OP_POWER_UP},
     .states = "Started TimerExpiredNoWake WaitingUnarmed S0NoWakePowerUp Started Stopped"},
    {"directed down, sleep", .op = {FT_OP_POWER_DOWN, FT_OP_SLEEP, FT_OP_WAKE},
     .states = "Started TimerExpiredNoWake WaitingUnarmed SystemAsleepNoWake WaitingUnarmed "
               "SystemWakeDeviceToD0 Started Stopped"},
    {"idle, sleep", idle_soon, .op = {FT_OP_SLEEP, FT_OP_WAKE},
     .states = "Stopped StartedIdleCapable SleepingNoWakePowerDown SystemAsleepNoWake "
               "WaitingUnarmed SystemWakeDeviceToD0 StartedIdleCapable Stopped"},
    {"directed down, stop", .op = {FT_OP_POWER_DOWN, FT_OP_STOP, FT_OP_RESTART},
     .states = "Started TimerExpiredNoWake WaitingUnarmed S0NoWakePowerUp Started Stopped"},
    {"stop", .op = {FT_OP_STOP, FT_OP_RESTART}, .states = "Started Stopped"},
    {"surprise removal", .op = {FT_OP_SURPRISE_REMOVE}, .states = "Started Stopped"},
};

static const char *name_of(uint64_t state)
{
#define S(name)                                                                                    \
    if (state == WdfDevStatePwrPol##name)                                                          \
        return #name;
    STATES(S)
#undef S
    return "?";
}

static void walk(const struct walk *row, char *states, size_t size)
{
    struct ft_op ops[3];
    unsigned count = 0;

    for (; count < 3 && row->op[count]; count++)
        ops[count] = (struct ft_op){.kind = row->op[count], .arg = {0}};
    wdf_bench_run(&(struct wdf_bench){.add = row->add,
                                      .in = row->waits ? wait_before_removal : NULL,
                                      .describe = wakes,
                                      .flags = WDF_BENCH_QUIET},
                  ops, count);
    states[0] = '\0';
    for (unsigned i = 1; i <= wb_count(FT_EV_WDF_POLICY_STATE); i++)
        snprintf(states + strlen(states), size - strlen(states), "%s%s", i > 1 ? " " : "",
                 name_of(wb_event(FT_EV_WDF_POLICY_STATE, i)->arg[1]));
}

static void the_policy_walks_its_tables(void **state)
{
    static char all[8192], states[1024];

    (void)state;
    all[0] = '\0';
    for (unsigned i = 0; i < sizeof walks / sizeof *walks; i++) {
        walk(&walks[i], states, sizeof states);
        if (strcmp(states, walks[i].states) != 0)
            fail_msg("%s: %s", walks[i].name, states);
        snprintf(all + strlen(all), sizeof all - strlen(all), " %s ", states);
    }
#define S(name) assert_non_null(strstr(all, " " #name " "));
    STATES(S)
#undef S
}

/* ---- two owners ---- */

static VOID never(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                  PIO_STATUS_BLOCK status)
{
    (void)device, (void)minor, (void)state, (void)context, (void)status;
}

static void ask_for_power(enum ft_routine routine, WDFOBJECT device)
{
    POWER_STATE state = {.DeviceState = PowerDeviceD3};

    if (routine == FT_ROUTINE_WDF_SMIO_INIT)
        PoRequestPowerIrp(WdfDeviceWdmGetDeviceObject(device), IRP_MN_SET_POWER, state, never, NULL,
                          NULL);
}

static void a_second_owner_of_the_policy_stops_the_machine(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = ask_for_power}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x10D);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 0xD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(an_idle_device_sleeps),
        cmocka_unit_test(a_power_reference_keeps_it_awake),
        cmocka_unit_test(a_use_in_time_begins_the_idle_time_anew),
        cmocka_unit_test(who_needs_the_device_wakes_it),
        cmocka_unit_test(a_device_that_is_gone_cannot_be_woken),
        cmocka_unit_test(an_idle_device_is_armed_and_disarmed),
        cmocka_unit_test(a_sleeping_machine_is_woken_by_others),
        cmocka_unit_test(a_device_wakes_the_machine),
        cmocka_unit_test(a_device_that_cannot_be_armed_sleeps_all_the_same),
        cmocka_unit_test(the_policy_walks_its_tables),
        cmocka_unit_test(a_second_owner_of_the_policy_stops_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
