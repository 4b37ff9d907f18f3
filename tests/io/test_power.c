/* Power beyond plain SET_POWER (wdm-io, 7.1): system power and the policy owner's answer, requests
 * of the driver, wait-wake, the levels at which power IRPs come, and PoStartNextPowerIrp before
 * Vista. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
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

static const char *run(const struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_notes();
}

static void check_contains(const char *notes, const char *wanted)
{
    if (strstr(notes, wanted) == NULL)
        fail_msg("%s, wanted %s", notes, wanted);
}

static POWER_STATE device_state(DEVICE_POWER_STATE state)
{
    return (POWER_STATE){.DeviceState = state};
}

/* ---- the policy owner ---- */

static VOID answered(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                     PIO_STATUS_BLOCK status)
{
    PIRP system = context;

    CHECK(device == the_driver.device);
    CHECK(minor == IRP_MN_SET_POWER || minor == IRP_MN_QUERY_POWER);
    CHECK(state.DeviceState == PowerDeviceD0 || state.DeviceState == PowerDeviceD3);
    wb_note("answered");
    system->IoStatus.Status = status->Status;
    IoCompleteRequest(system, IO_NO_INCREMENT);
}

static NTSTATUS request_device(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    bool up = location->Parameters.Power.State.SystemState == PowerSystemWorking;

    NTSTATUS status =
        PoRequestPowerIrp(the_driver.device, location->MinorFunction,
                          device_state(up ? PowerDeviceD0 : PowerDeviceD3), answered, irp, NULL);

    (void)device, (void)context;
    if (status == STATUS_PENDING)
        return STATUS_MORE_PROCESSING_REQUIRED;
    irp->IoStatus.Status = status;
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS own_policy(PIRP irp, PIO_STACK_LOCATION location)
{
    if (location->MinorFunction == IRP_MN_WAIT_WAKE ||
        location->Parameters.Power.Type == DevicePowerState)
        return bench_pass_down(irp);
    IoMarkIrpPending(irp);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, request_device, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.below, irp);
    return STATUS_PENDING;
}

static const struct bench_driver owner = {.power = own_policy, .flags = DO_POWER_PAGABLE};

static void the_policy_owner_answers_a_sleep_with_device_requests(void **state)
{
    static const struct ft_op op[] = {OP(SLEEP), OP(WAKE)};

    (void)state;
    check_contains(
        run(&owner, op, 2),
        "create query-s3 query-d3 answered s3 d3 hw-off answered s0 d0 answered cleanup");
    assert_int_equal(wb_count(FT_EV_PO_REQUEST), 3);
    assert_int_equal(wb_count(FT_EV_PO_CALLBACK), 3);
    assert_int_equal(wb_event(FT_EV_SYSTEM_POWER, 1)->arg[0], PowerSystemSleeping3);
    assert_int_equal(wb_event(FT_EV_SYSTEM_POWER, 2)->arg[0], PowerSystemWorking);
    /* The device has been asleep before the machine is. */
    assert_true(wb_place(FT_EV_POWER_HW, 1) < wb_place(FT_EV_SYSTEM_POWER, 1));
    assert_int_equal(wb_count(FT_EV_POWER_HW), 2);
    assert_int_equal(wb_event(FT_EV_PO_REQUEST, 1)->arg[4], (uint32_t)STATUS_PENDING);
    assert_int_equal(wb_event(FT_EV_PO_REQUEST, 1)->arg[5], false);
}

static void power_events_say_what_they_are_about(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_SLEEP, .arg = {4}}};
    const struct ft_event *send, *done;

    (void)state;
    run(&owner, op, 1);
    send = wb_event(FT_EV_POWER_SEND, 1);
    assert_true(send->arg[4]);
    assert_int_equal(send->arg[5], PowerSystemHibernate);
    assert_int_equal(send->arg[6], PowerActionHibernate);
    send = wb_event(FT_EV_POWER_SEND, 2);
    assert_false(send->arg[4]);
    assert_int_equal(send->arg[3], PowerDeviceD3);
    assert_int_equal(send->arg[6], PowerActionHibernate);
    done = wb_event(FT_EV_POWER_DONE, 1); /* of the device request */
    assert_int_equal(done->arg[6], send->arg[1]);
    assert_false(done->arg[4]);
}

static NTSTATUS veto(PIRP irp, PIO_STACK_LOCATION location)
{
    if (location->MinorFunction == IRP_MN_QUERY_POWER &&
        location->Parameters.Power.Type == SystemPowerState)
        return bench_complete(irp, STATUS_POWER_STATE_INVALID, 0);
    return bench_pass_down(irp);
}

static void after_a_veto_comes_s0_and_a_critical_sleep_does_not_ask(void **state)
{
    static const struct ft_op op[] = {OP(SLEEP), OP(WAKE)};
    static const struct ft_op critical[] = {{.kind = FT_OP_SLEEP, .arg = {2, 1}}, OP(WAKE)};
    struct bench_driver how = {.power = veto};

    (void)state;
    bench_driver_run(&how, op, 2);
    check_contains(wb_notes(), "create query-s3 s0 cleanup");
    assert_int_equal(wb_result()->ops_skipped, 1); /* there is nothing to wake */
    assert_int_equal(wb_count(FT_EV_SYSTEM_POWER), 0);
    check_contains(run(&how, critical, 2), "create s2 hw-off s0 cleanup");
}

/* ---- requests of the driver ---- */

static PIRP armed; /* the wait-wake request */
static NTSTATUS woken_with;

static VOID woken(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                  PIO_STATUS_BLOCK status)
{
    (void)device, (void)context;
    CHECK(minor == IRP_MN_WAIT_WAKE);
    CHECK(state.SystemState == PowerSystemSleeping3);
    woken_with = status->Status;
    wb_note(NT_SUCCESS(status->Status) ? "woken" : "not-woken");
    if (armed && NT_SUCCESS(status->Status))
        wb_note(PoGetSystemWake(armed) ? "from-sleep" : "while-awake");
    armed = NULL;
}

static NTSTATUS arm(PDEVICE_OBJECT device, PIRP irp)
{
    POWER_STATE state = {.SystemState = PowerSystemSleeping3};

    (void)device;
    CHECK(PoRequestPowerIrp(the_driver.device, IRP_MN_WAIT_WAKE, state, woken, NULL, &armed) ==
          STATUS_PENDING);
    CHECK(armed != NULL);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS disarm(PDEVICE_OBJECT device, PIRP irp)
{
    if (!armed)
        return arm(device, irp);
    CHECK(IoCancelIrp(armed));
    CHECK(armed == NULL);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void wakes(struct ft_description *description)
{
    description->flags |= FT_DRIVER_WAKES;
}

static const struct bench_driver waking = {
    .power = own_policy, .flags = DO_POWER_PAGABLE, .describe = wakes, .request = arm};

static void a_signal_wakes_the_machine_and_completes_the_wait_wake(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(SLEEP), OP(WAKE_SIGNAL), OP(WAKE_SIGNAL)};

    (void)state;
    bench_driver_run(&waking, op, 4);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_result()->ops_skipped, 1);
    check_contains(wb_notes(), "read wait-wake query-s3");
    check_contains(wb_notes(), "woken from-sleep");
    check_contains(wb_notes(), " d0 answered");
    assert_int_equal(wb_count(FT_EV_WAKE_SIGNAL), 1);
    assert_int_equal(wb_count(FT_EV_WAIT_WAKE), 1);
    assert_true(wb_event(FT_EV_PO_REQUEST, 1)->arg[5]);
}

static void a_sleeping_device_wakes_without_the_machine(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(WAKE_SIGNAL), OP(POWER_DOWN), OP(WAKE_SIGNAL)};

    (void)state;
    bench_driver_run(&waking, op, 4);
    assert_int_equal(wb_result()->ops_skipped, 1); /* in D0 it does not signal */
    check_contains(wb_notes(), "read wait-wake d3 hw-off woken while-awake");
    assert_int_equal(wb_count(FT_EV_SYSTEM_POWER), 0);
}

static void the_sender_cancels_its_wait_wake(void **state)
{
    static const struct ft_op op[] = {READ_OP, READ_OP};
    struct bench_driver how = waking;

    (void)state;
    how.request = disarm;
    armed = NULL;
    check_contains(run(&how, op, 2), "read wait-wake read not-woken cleanup");
    assert_int_equal(woken_with, STATUS_CANCELLED);
    assert_int_equal(wb_count(FT_EV_WAIT_WAKE), 0);
}

static NTSTATUS arm_badly(PDEVICE_OBJECT device, PIRP irp)
{
    POWER_STATE deep = {.SystemState = PowerSystemHibernate};
    PIRP mine = NULL;

    (void)deep;
    armed = NULL;
    CHECK(PoRequestPowerIrp(the_driver.device, IRP_MN_POWER_SEQUENCE, device_state(PowerDeviceD0),
                            NULL, NULL, NULL) == STATUS_INVALID_PARAMETER_2);
    CHECK(PoRequestPowerIrp(the_driver.device, IRP_MN_SET_POWER, device_state(PowerDeviceD0), NULL,
                            NULL, &mine) == STATUS_PENDING);
    CHECK(mine == NULL); /* only a wait-wake is given back */
    return arm(device, irp);
}

static void a_device_that_cannot_wake_refuses_the_wait_wake(void **state)
{
    static const struct ft_op op[] = {READ_OP};
    struct bench_driver how = waking;

    (void)state;
    how.describe = NULL;
    how.request = arm_badly;
    check_contains(run(&how, op, 1), "not-woken");
    assert_int_equal(woken_with, STATUS_NOT_SUPPORTED);
    assert_int_equal(wb_event(FT_EV_PO_REQUEST, 1)->arg[4], (uint32_t)STATUS_INVALID_PARAMETER_2);
    assert_int_equal(wb_event(FT_EV_PO_REQUEST, 1)->arg[1], 0);
}

static void a_second_wait_wake_finds_the_device_busy(void **state)
{
    static const struct ft_op op[] = {READ_OP, READ_OP, OP(POWER_DOWN), OP(WAKE_SIGNAL)};

    (void)state;
    check_contains(run(&waking, op, 4), "read wait-wake read wait-wake not-woken d3");
    assert_int_equal(wb_count(FT_EV_WAIT_WAKE), 1);
}

static void an_injected_failure_is_answered_at_once(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_FAIL_ALLOC, .arg = {3, 0}}, OP(SLEEP)};

    (void)state;
    check_contains(run(&owner, op, 2), "query-s3 s0 d0 answered cleanup"); /* as after a veto */
    assert_int_equal(wb_event(FT_EV_PO_REQUEST, 1)->arg[4],
                     (uint32_t)STATUS_INSUFFICIENT_RESOURCES);
}

/* ---- overlap ---- */

static PIRP held;

static NTSTATUS hold_d3(PIRP irp, PIO_STACK_LOCATION location)
{
    if (location->Parameters.Power.Type != DevicePowerState ||
        location->Parameters.Power.State.DeviceState == PowerDeviceD0)
        return bench_pass_down(irp);
    IoMarkIrpPending(irp);
    held = irp;
    return STATUS_PENDING;
}

static bool release_at_query(PIRP irp, NTSTATUS *status)
{
    (void)status;
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_QUERY_STOP_DEVICE && held) {
        wb_note("let-go");
        bench_pass_down(held);
        held = NULL;
    }
    return false;
}

static void a_power_request_meets_a_pnp_request(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), OP(QUERY_STOP), OP(POWER_UP)};
    struct bench_driver how = {.power = hold_d3, .pnp = release_at_query};

    (void)state;
    held = NULL;
    check_contains(run(&how, op, 3), "d3 query-stop let-go hw-off cancel-stop d0 cleanup");
}

static void a_removal_waits_for_the_power_request(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), OP(REMOVE)};
    struct bench_driver how = {.power = hold_d3};

    (void)state;
    held = NULL;
    /* It never ends, so the end of the run finds the manager waiting. */
    bench_driver_run(&how, op, 2);
    assert_int_equal(wb_result()->stop, FT_STOP_HANG);
    assert_null(strstr(wb_notes(), " remove"));
}

static NTSTATUS release_at_read(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    CHECK(the_driver.starts == 1);
    wb_note("let-go");
    bench_pass_down(held);
    held = NULL;
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_start_waits_for_the_power_request_of_an_op(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), {.kind = FT_OP_RESTART, .arg = {1}}, READ_OP};
    struct bench_driver how = {.power = hold_d3, .request = release_at_read};

    (void)state;
    held = NULL;
    how.restart = STATUS_UNSUCCESSFUL; /* this driver cannot be moved */
    check_contains(run(&how, op, 3), "create d3 read let-go hw-off start surprise");
}

static VOID told(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                 PIO_STATUS_BLOCK status)
{
    (void)device, (void)minor, (void)state, (void)status;
    wb_note("told");
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
}

/* A second START powers the device up, and waits for that. */
static bool power_up_in_start(PIRP irp, NTSTATUS *status)
{
    LARGE_INTEGER while_an_op_strikes = {.QuadPart = -10};
    KEVENT up;

    (void)status;
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction != IRP_MN_START_DEVICE ||
        the_driver.starts == 0)
        return false;
    wb_note("again");
    KeDelayExecutionThread(KernelMode, FALSE, &while_an_op_strikes);
    KeInitializeEvent(&up, NotificationEvent, FALSE);
    CHECK(PoRequestPowerIrp(the_driver.device, IRP_MN_SET_POWER, device_state(PowerDeviceD0), told,
                            &up, NULL) == STATUS_PENDING);
    KeWaitForSingleObject(&up, Executive, KernelMode, FALSE, NULL);
    return false;
}

static void the_request_that_a_start_waits_for_passes_that_of_an_op(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_RESTART, .arg = {1}}, OP(POWER_DOWN)};
    struct bench_driver how = {.pnp = power_up_in_start};

    (void)state;
    check_contains(run(&how, op, 2), "create start again d0 told d3 hw-off");
}

static NTSTATUS invalidate_asleep(PIRP irp, PIO_STACK_LOCATION location)
{
    if (location->MinorFunction == IRP_MN_SET_POWER &&
        location->Parameters.Power.Type == SystemPowerState &&
        location->Parameters.Power.State.SystemState != PowerSystemWorking)
        IoInvalidateDeviceState(the_driver.below);
    return bench_pass_down(irp);
}

static bool note_state_query(PIRP irp, NTSTATUS *status)
{
    (void)status;
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_QUERY_PNP_DEVICE_STATE)
        wb_note("state?");
    return false;
}

static void what_a_driver_asks_for_in_a_sleep_is_done_when_the_machine_wakes(void **state)
{
    static const struct ft_op op[] = {OP(SLEEP), OP(WAKE)};
    struct bench_driver how = {.pnp = note_state_query, .power = invalidate_asleep};

    (void)state;
    check_contains(run(&how, op, 2), "s3 hw-off s0 state? cleanup");
}

/* ---- levels ---- */

static KIRQL level[8];
static unsigned levels;

static NTSTATUS note_level(PIRP irp, PIO_STACK_LOCATION location)
{
    (void)location;
    level[levels++ % 8] = KeGetCurrentIrql();
    return bench_pass_down(irp);
}

static void power_irps_come_at_the_level_that_the_flags_say(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), OP(POWER_UP)};
    static const struct {
        ULONG flags;
        KIRQL down, up;
    } rows[] = {{0, DISPATCH_LEVEL, DISPATCH_LEVEL},
                {DO_POWER_PAGABLE, PASSIVE_LEVEL, PASSIVE_LEVEL},
                {DO_POWER_PAGABLE | DO_POWER_INRUSH, PASSIVE_LEVEL, DISPATCH_LEVEL}};

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        levels = 0;
        run(&(struct bench_driver){.power = note_level, .flags = rows[i].flags}, op, 2);
        assert_int_equal(levels, 2);
        assert_int_equal(level[0], rows[i].down);
        assert_int_equal(level[1], rows[i].up);
    }
}

/* ---- before Vista ---- */

static void xp(struct ft_description *description)
{
    description->windows = 51;
}

static void before_vista_the_next_request_waits_for_start_next(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), OP(POWER_UP), READ_OP};
    struct bench_driver how = {.describe = xp, .windows = 51};

    (void)state;
    check_contains(run(&how, op, 3), "d3 hw-off d0 read");
    assert_int_equal(wb_count(FT_EV_PO_START_NEXT), 2);
    how.windows = 60; /* the driver thinks so, the machine does not */
    check_contains(run(&how, op, 3), "d3 hw-off read d0 cleanup");
    assert_int_equal(wb_count(FT_EV_PO_START_NEXT), 0);
}

/* ---- idle detection and other services ---- */

static PULONG idle_counter;
static bool stay_busy;

static NTSTATUS use(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    if (!idle_counter)
        idle_counter = PoRegisterDeviceForIdleDetection(the_driver.device, 0, 10, PowerDeviceD3);
    CHECK(idle_counter != NULL);
    PoSetDeviceBusy(idle_counter);
    if (stay_busy)
        PoStartDeviceBusy(idle_counter);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_idle_device_is_powered_down_and_a_busy_one_is_not(void **state)
{
    /* Each preemption lets the clock go on to the end of an idle time. */
    static const struct ft_op clock = {.kind = FT_OP_PREEMPT, .arg = {FT_TASK_CLOCK, 0}};
    const struct ft_op op[] = {READ_OP, clock, READ_OP, clock, clock, READ_OP};

    (void)state;
    for (unsigned busy = 0; busy < 2; busy++) {
        idle_counter = NULL;
        stay_busy = busy;
        check_contains(run(&(struct bench_driver){.request = use}, op, 6),
                       busy ? "read read read cleanup" : "read read d3 hw-off read d0 cleanup");
    }
    assert_int_equal(wb_count(FT_EV_IDLE_DETECTION), 1);
    assert_true(wb_last(FT_EV_IDLE_DETECTION)->arg[3]);
}

static NTSTATUS use_no_more(PDEVICE_OBJECT device, PIRP irp)
{
    if (!idle_counter)
        return use(device, irp);
    PoSetDeviceBusyEx(idle_counter);
    PoEndDeviceBusy(idle_counter);
    CHECK(PoRegisterDeviceForIdleDetection(the_driver.device, 0, 0, PowerDeviceD3) == NULL);
    PoSetDeviceBusyEx(idle_counter); /* stale, and harmless */
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void idle_detection_can_be_ended(void **state)
{
    static const struct ft_op clock = {.kind = FT_OP_PREEMPT, .arg = {FT_TASK_CLOCK, 0}};
    const struct ft_op op[] = {READ_OP, READ_OP, clock, clock, clock, READ_OP};

    (void)state;
    idle_counter = NULL;
    stay_busy = true;
    bench_driver_run(&(struct bench_driver){.request = use_no_more}, op, 5);
    assert_null(strstr(wb_notes(), "d3"));
    assert_false(wb_last(FT_EV_IDLE_DETECTION)->arg[3]);
}

static const GUID display = {
    0x6fe69556, 0x704a, 0x47a0, {0x8f, 0x24, 0xc2, 0x8d, 0x93, 0x6f, 0xda, 0x47}};
static PVOID setting;

static NTSTATUS display_changed(LPCGUID guid, PVOID value, ULONG length, PVOID context)
{
    CHECK(length == sizeof(ULONG) && context == &setting);
    CHECK(memcmp(guid, &display, sizeof display) == 0);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note(*(ULONG *)value ? "display-on" : "display-off");
    return STATUS_SUCCESS;
}

static NTSTATUS watch_display(PDEVICE_OBJECT device, PIRP irp)
{
    if (!setting)
        CHECK(PoRegisterPowerSettingCallback(device, &display, display_changed, &setting,
                                             &setting) == STATUS_SUCCESS);
    else {
        CHECK(PoUnregisterPowerSettingCallback(setting) == STATUS_SUCCESS);
        CHECK(PoUnregisterPowerSettingCallback(setting) == STATUS_INVALID_PARAMETER);
    }
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_power_setting_is_told_at_once_and_at_each_change(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(SLEEP), OP(WAKE), READ_OP, OP(SLEEP)};

    (void)state;
    setting = NULL;
    check_contains(run(&(struct bench_driver){.request = watch_display}, op, 5),
                   "read display-on display-off query-s3 s3 hw-off s0 display-on read query-s3");
    assert_int_equal(wb_count(FT_EV_CALLBACK), 2);
}

static NTSTATUS services(PDEVICE_OBJECT device, PIRP irp)
{
    PVOID handle = PoRegisterSystemState(NULL, ES_SYSTEM_REQUIRED | ES_CONTINUOUS);
    ULONG seconds = 0;

    (void)device;
    CHECK(handle != NULL);
    CHECK(PoRegisterSystemState(handle, ES_CONTINUOUS) == handle);
    PoUnregisterSystemState(handle);
    PoSetSystemState(ES_SYSTEM_REQUIRED);
    CHECK(!PoQueryWatchdogTime(the_driver.below, &seconds));
    CHECK(!PoGetSystemWake(irp));
    PoSetSystemWake(irp);
    CHECK(PoGetSystemWake(irp));
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS ask_watchdog(PIRP irp, PIO_STACK_LOCATION location)
{
    ULONG seconds = 0;

    (void)location;
    CHECK(PoQueryWatchdogTime(the_driver.below, &seconds));
    CHECK(seconds == 600);
    return bench_pass_down(irp);
}

static void the_other_services_answer(void **state)
{
    static const struct ft_op op[] = {READ_OP, OP(POWER_DOWN)};

    (void)state;
    run(&(struct bench_driver){.request = services, .power = ask_watchdog}, op, 2);
    assert_int_equal(wb_count(FT_EV_CALLBACK), 2);
}

static NTSTATUS call_down(PIRP irp, PIO_STACK_LOCATION location)
{
    (void)location;
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(the_driver.below, irp);
}

static void po_call_driver_is_io_call_driver_with_an_event(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN)};

    (void)state;
    run(&(struct bench_driver){.power = call_down}, op, 1);
    assert_int_equal(wb_count(FT_EV_PO_CALL), 2); /* and D0 at the end */
}

static NTSTATUS tell_and_go_on(PIRP irp, PIO_STACK_LOCATION location)
{
    static const DEVICE_POWER_STATE before[] = {
        [PowerDeviceD0] = PowerDeviceD3, [PowerDeviceD3] = PowerDeviceD0};
    POWER_STATE state = location->Parameters.Power.State, told;

    if (location->MinorFunction == IRP_MN_SET_POWER) {
        told = PoSetPowerState(the_driver.device, DevicePowerState, state);
        CHECK(told.DeviceState == before[state.DeviceState]);
        told = PoSetPowerState(the_driver.device, SystemPowerState,
                               (POWER_STATE){.SystemState = PowerSystemWorking});
        CHECK(told.SystemState == PowerSystemWorking);
    }
    PoStartNextPowerIrp(irp); /* without effect since Vista */
    return bench_pass_down(irp);
}

static void the_power_manager_says_what_it_was_told_before(void **state)
{
    static const struct ft_op op[] = {OP(POWER_DOWN), OP(POWER_UP)};

    (void)state;
    run(&(struct bench_driver){.power = tell_and_go_on}, op, 2);
    assert_int_equal(wb_count(FT_EV_PO_SET_STATE), 4);
    assert_int_equal(wb_event(FT_EV_PO_SET_STATE, 1)->arg[1], PowerDeviceD3);
    assert_int_equal(wb_event(FT_EV_PO_SET_STATE, 2)->arg[2], true);
    assert_true(wb_count(FT_EV_PO_START_NEXT) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_owner_answers_a_sleep_with_device_requests),
        cmocka_unit_test(power_events_say_what_they_are_about),
        cmocka_unit_test(after_a_veto_comes_s0_and_a_critical_sleep_does_not_ask),
        cmocka_unit_test(a_signal_wakes_the_machine_and_completes_the_wait_wake),
        cmocka_unit_test(a_sleeping_device_wakes_without_the_machine),
        cmocka_unit_test(the_sender_cancels_its_wait_wake),
        cmocka_unit_test(a_device_that_cannot_wake_refuses_the_wait_wake),
        cmocka_unit_test(a_second_wait_wake_finds_the_device_busy),
        cmocka_unit_test(an_injected_failure_is_answered_at_once),
        cmocka_unit_test(a_power_request_meets_a_pnp_request),
        cmocka_unit_test(a_removal_waits_for_the_power_request),
        cmocka_unit_test(a_start_waits_for_the_power_request_of_an_op),
        cmocka_unit_test(the_request_that_a_start_waits_for_passes_that_of_an_op),
        cmocka_unit_test(what_a_driver_asks_for_in_a_sleep_is_done_when_the_machine_wakes),
        cmocka_unit_test(power_irps_come_at_the_level_that_the_flags_say),
        cmocka_unit_test(before_vista_the_next_request_waits_for_start_next),
        cmocka_unit_test(an_idle_device_is_powered_down_and_a_busy_one_is_not),
        cmocka_unit_test(idle_detection_can_be_ended),
        cmocka_unit_test(a_power_setting_is_told_at_once_and_at_each_change),
        cmocka_unit_test(the_other_services_answer),
        cmocka_unit_test(po_call_driver_is_io_call_driver_with_an_event),
        cmocka_unit_test(the_power_manager_says_what_it_was_told_before),
    };

    return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
