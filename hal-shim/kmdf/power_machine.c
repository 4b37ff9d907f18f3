/* The power machine: what the callbacks of a device are called for, in which order, and what a
 * failure skips and undoes (kmdf.md, sections 4.2 to 4.5 and 4.10).
 *
 * Explicit transitions come from device power IRPs, implicit ones from the PnP machine, which waits
 * for them. Every step of a power-down is made, whatever the steps before said.
 *
 * Class extensions are not modelled, so their steps (post-hardware-enabled) do nothing.
 */
#include "kmdf/pnp_private.h"

/* ---- callbacks ---- */

static uint64_t call_power(void *callback, void *device, void *state, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_D0_ENTRY)callback)(device,
                                                         (WDF_POWER_DEVICE_STATE)(uintptr_t)state);
}

/* All four power callbacks have this shape. */
static bool call(struct ft_wdf_pnp *pnp, enum ft_routine routine, void *callback, unsigned state)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (callback)
        status = (NTSTATUS)ft_wdf_call(routine, pnp->device, call_power, callback, pnp->device,
                                       (void *)(uintptr_t)state, NULL);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return NT_SUCCESS(status);
}

static bool enter_d0(struct ft_wdf_pnp *pnp)
{
    pnp->device->in_d0 = 1;
    return call(pnp, FT_ROUTINE_WDF_D0_ENTRY, (void *)pnp->callbacks.EvtDeviceD0Entry,
                pnp->previous);
}

static bool leave_d0(struct ft_wdf_pnp *pnp)
{
    bool good =
        call(pnp, FT_ROUTINE_WDF_D0_EXIT, (void *)pnp->callbacks.EvtDeviceD0Exit, pnp->target);

    pnp->device->in_d0 = 0;
    return good;
}

static bool after_interrupts(struct ft_wdf_pnp *pnp)
{
    return call(pnp, FT_ROUTINE_WDF_D0_ENTRY_POST,
                (void *)pnp->callbacks.EvtDeviceD0EntryPostInterruptsEnabled, pnp->previous);
}

static bool before_interrupts(struct ft_wdf_pnp *pnp)
{
    return call(pnp, FT_ROUTINE_WDF_D0_EXIT_PRE,
                (void *)pnp->callbacks.EvtDeviceD0ExitPreInterruptsDisabled, pnp->target);
}

static bool start_dma(struct ft_wdf_pnp *pnp)
{
    bool good = NT_SUCCESS(ft_wdf_dma_up(pnp->device));

    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return good;
}

static bool stop_dma(struct ft_wdf_pnp *pnp)
{
    bool good = NT_SUCCESS(ft_wdf_dma_down(pnp->device));

    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return good;
}

/* Remembers that a step of a power-down failed; the next ones are made all the same. */
static void step(struct ft_wdf_pnp *pnp, bool good)
{
    pnp->broken |= !good;
}

static void record(struct ft_wdf_pnp *pnp, unsigned state)
{
    POWER_STATE power = {
        .DeviceState = (DEVICE_POWER_STATE)(state > WdfPowerDeviceD3 ? WdfPowerDeviceD3 : state)};

    if (pnp->child && state != WdfPowerDeviceD0)
        ft_wdf_child_leave_parent(pnp);
    pnp->device->power_state = (uint8_t)state;
    PoSetPowerState(pnp->device->fdo, DevicePowerState, power);
    ft_emit(FT_EV_WDF_POWER, ft_wdf_handle(pnp->device), power.DeviceState);
}

/* ---- power-up: the steps that a start and a return from Dx share ---- */

static unsigned outcome(bool good)
{
    return good ? FT_WDF_GOOD : FT_WDF_BAD;
}

static unsigned on_device_type(struct ft_wdf_pnp *pnp)
{
    return outcome(!pnp->child);
}

/* Of a child: its parent comes first. */
static unsigned on_check_parent(struct ft_wdf_pnp *pnp)
{
    return outcome(ft_wdf_child_take_parent(pnp));
}

static unsigned on_d0_entry_first(struct ft_wdf_pnp *pnp)
{
    pnp->previous = WdfPowerDeviceD3Final;
    return outcome(enter_d0(pnp));
}

static unsigned on_d0_entry(struct ft_wdf_pnp *pnp)
{
    if (pnp->child)
        ft_wdf_child_disable_wake(pnp);
    pnp->previous = pnp->device->power_state;
    return outcome(enter_d0(pnp));
}

static unsigned connect(struct ft_wdf_pnp *pnp, bool explicit_)
{
    return outcome(NT_SUCCESS(ft_wdf_interrupts_up(pnp->device, explicit_)) &&
                   after_interrupts(pnp));
}

static unsigned on_connect_first(struct ft_wdf_pnp *pnp)
{
    return connect(pnp, false);
}

static unsigned on_connect(struct ft_wdf_pnp *pnp)
{
    return connect(pnp, true);
}

static unsigned on_dma_up(struct ft_wdf_pnp *pnp)
{
    return outcome(start_dma(pnp));
}

/* Before queues start (section 4.2, step 6). */
static unsigned on_scan(struct ft_wdf_pnp *pnp)
{
    ft_wdf_children_look(pnp);
    return FT_WDF_GOOD;
}

static unsigned start_self_managed(struct ft_wdf_pnp *pnp)
{
    ft_wdf_queues_start(pnp->device);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return outcome(NT_SUCCESS(ft_wdf_smio(pnp, FT_WDF_SMIO_START)));
}

static unsigned on_self_managed_first(struct ft_wdf_pnp *pnp)
{
    return start_self_managed(pnp);
}

static unsigned on_self_managed(struct ft_wdf_pnp *pnp)
{
    ft_wdf_policy_disarm(pnp);
    return start_self_managed(pnp);
}

/* The IRP came back from below; it ends here, whatever became of the device. */
static void end_power_irp(struct ft_wdf_pnp *pnp, NTSTATUS status)
{
    PIRP irp = pnp->power_irp;

    pnp->power_irp = NULL;
    if (irp)
        ft_wdf_complete(pnp, irp, status);
}

static unsigned on_d0(struct ft_wdf_pnp *pnp)
{
    record(pnp, WdfPowerDeviceD0);
    pnp->power_result = FT_WDF_GOOD;
    ft_wdf_policy_moved(pnp, true);
    if (pnp->child)
        ft_wdf_child_settle_wake(pnp);
    end_power_irp(pnp, STATUS_SUCCESS);
    return FT_WDF_GOOD;
}

/* ---- power-up: undoing what had been done ---- */

static unsigned on_undo_queues(struct ft_wdf_pnp *pnp)
{
    ft_wdf_queues_hold(pnp->device);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return FT_WDF_GOOD;
}

static unsigned on_undo_dma(struct ft_wdf_pnp *pnp)
{
    pnp->target = WdfPowerDeviceD3Final;
    stop_dma(pnp);
    before_interrupts(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_undo_interrupts(struct ft_wdf_pnp *pnp)
{
    pnp->target = WdfPowerDeviceD3Final;
    ft_wdf_interrupts_down(pnp->device, FT_WDF_DOWN_FORCE);
    leave_d0(pnp);
    return FT_WDF_GOOD;
}

/* Also after an EvtDeviceD0Entry that failed, which nothing but this follows. */
static unsigned on_up_failed(struct ft_wdf_pnp *pnp)
{
    pnp->device->in_d0 = 0;
    pnp->policy.gone = 1;
    ft_wdf_interrupts_down(pnp->device, FT_WDF_DOWN_SURPRISE);
    record(pnp, WdfPowerDeviceD3Final);
    pnp->power_result = FT_WDF_BAD;
    ft_wdf_policy_moved(pnp, false);
    return FT_WDF_GOOD;
}

static unsigned on_report_up_failed(struct ft_wdf_pnp *pnp)
{
    end_power_irp(pnp, STATUS_SUCCESS);
    ft_wdf_machine_post(pnp, &pnp->pnp, FT_WDF_PNP_POWER_UP_FAILED);
    return FT_WDF_GOOD;
}

/* ---- power-down ---- */

static void stop_io(struct ft_wdf_pnp *pnp)
{
    pnp->broken = 0;
    step(pnp, NT_SUCCESS(ft_wdf_smio(pnp, FT_WDF_SMIO_SUSPEND)));
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    ft_wdf_queues_hold(pnp->device);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
}

static void stop_hardware(struct ft_wdf_pnp *pnp, enum ft_wdf_down how)
{
    step(pnp, stop_dma(pnp));
    step(pnp, before_interrupts(pnp));
    step(pnp, NT_SUCCESS(ft_wdf_interrupts_down(pnp->device, how)));
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    step(pnp, leave_d0(pnp));
}

static unsigned on_goto_dx(struct ft_wdf_pnp *pnp)
{
    stop_io(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_arm(struct ft_wdf_pnp *pnp)
{
    ft_wdf_policy_arm(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_goto_dx_stopped(struct ft_wdf_pnp *pnp)
{
    stop_hardware(pnp, FT_WDF_DOWN_EXPLICIT);
    return outcome(!pnp->broken);
}

static void pass_power_irp(struct ft_wdf_pnp *pnp)
{
    PIRP irp = pnp->power_irp;

    pnp->power_irp = NULL;
    if (irp && !pnp->device->below)
        irp->IoStatus.Status = STATUS_SUCCESS;
    if (irp)
        ft_wdf_pass_down(pnp, irp);
}

static unsigned on_dx(struct ft_wdf_pnp *pnp)
{
    record(pnp, pnp->target);
    ft_wdf_policy_moved(pnp, false);
    pass_power_irp(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_dx_failed(struct ft_wdf_pnp *pnp)
{
    pnp->policy.gone = 1;
    ft_wdf_interrupts_down(pnp->device, FT_WDF_DOWN_SURPRISE);
    record(pnp, pnp->target);
    ft_wdf_policy_moved(pnp, false);
    pass_power_irp(pnp);
    ft_wdf_machine_post(pnp, &pnp->pnp, FT_WDF_PNP_POWER_DOWN_FAILED);
    return FT_WDF_GOOD;
}

static unsigned on_goto_d3_stopped(struct ft_wdf_pnp *pnp)
{
    pnp->target = WdfPowerDeviceD3Final;
    stop_io(pnp);
    if (pnp->child)
        ft_wdf_child_disable_wake(pnp);
    stop_hardware(pnp, FT_WDF_DOWN_FORCE);
    record(pnp, WdfPowerDeviceD3Final);
    ft_wdf_policy_moved(pnp, false);
    pnp->power_result = (uint8_t)outcome(!pnp->broken);
    return pnp->power_result;
}

/* A device that sleeps: only interrupts that are connected still go. */
static unsigned on_goto_stopped(struct ft_wdf_pnp *pnp)
{
    ft_wdf_interrupts_down(pnp->device, FT_WDF_DOWN_SURPRISE);
    if (pnp->child)
        ft_wdf_child_disable_wake(pnp);
    record(pnp, WdfPowerDeviceD3Final);
    pnp->power_result = FT_WDF_GOOD;
    return FT_WDF_GOOD;
}

/* ---- the tables ---- */

#define P(name) WdfDevStatePower##name

static const struct ft_wdf_state states[] = {
    /* a start */
    {P(D0Starting), on_d0_entry_first, {P(D0StartingConnectInterrupt), P(InitialPowerUpFailed)}},
    {P(D0StartingConnectInterrupt),
     on_connect_first,
     {P(D0StartingDmaEnable), P(InitialConnectInterruptFailed)}},
    {P(D0StartingDmaEnable),
     on_dma_up,
     {P(D0StartingPostHardwareEnabled), P(InitialDmaEnableFailed)}},
    {P(D0StartingPostHardwareEnabled), on_scan, {P(D0StartingStartSelfManagedIo)}},
    {P(D0StartingStartSelfManagedIo),
     on_self_managed_first,
     {P(DecideD0State), P(InitialSelfManagedIoFailed)}},
    {P(InitialSelfManagedIoFailed), on_undo_queues, {P(InitialDmaEnableFailed)}},
    {P(InitialDmaEnableFailed), on_undo_dma, {P(InitialConnectInterruptFailed)}},
    {P(InitialConnectInterruptFailed), on_undo_interrupts, {P(InitialPowerUpFailed)}},
    {P(InitialPowerUpFailed), on_up_failed, {P(Stopped)}},
    {P(DecideD0State), NULL, {P(D0)}},
    {P(D0), on_d0, {0}},
    /* to Dx */
    {P(GotoDx), on_goto_dx, {P(NotifyingD0ExitToWakeInterrupts)}},
    {P(NotifyingD0ExitToWakeInterrupts), on_arm, {P(GotoDxIoStopped)}},
    {P(GotoDxIoStopped), on_goto_dx_stopped, {P(Dx), P(GotoDxFailed)}},
    {P(Dx), on_dx, {0}},
    {P(GotoDxFailed), on_dx_failed, {P(ReportPowerDownFailed)}},
    {P(ReportPowerDownFailed), NULL, {P(Stopped)}},
    /* back to D0 */
    {P(WakePending), on_device_type, {P(Waking), P(CheckParentState)}},
    {P(CheckParentState), on_check_parent, {P(Waking), P(UpFailed)}},
    {P(Waking), on_d0_entry, {P(NotifyingD0EntryToWakeInterrupts), P(UpFailed)}},
    {P(NotifyingD0EntryToWakeInterrupts), NULL, {P(WakingConnectInterrupt)}},
    {P(WakingConnectInterrupt), on_connect, {P(WakingDmaEnable), P(WakingConnectInterruptFailed)}},
    {P(WakingDmaEnable), on_dma_up, {P(WakingPostHardwareEnabled), P(WakingDmaEnableFailed)}},
    {P(WakingPostHardwareEnabled), on_scan, {P(StartSelfManagedIo)}},
    {P(StartSelfManagedIo), on_self_managed, {P(DecideD0State), P(StartSelfManagedIoFailed)}},
    {P(StartSelfManagedIoFailed), on_undo_queues, {P(WakingDmaEnableFailed)}},
    {P(WakingDmaEnableFailed), on_undo_dma, {P(WakingConnectInterruptFailed)}},
    {P(WakingConnectInterruptFailed), on_undo_interrupts, {P(UpFailed)}},
    {P(UpFailed), on_up_failed, {P(ReportPowerUpFailed)}},
    {P(ReportPowerUpFailed), on_report_up_failed, {P(Stopped)}},
    /* stop, remove, surprise removal */
    {P(GotoD3Stopped), on_goto_d3_stopped, {P(Stopped), P(FinalPowerDownFailed)}},
    {P(GotoStopped), on_goto_stopped, {P(Stopped)}},
    {P(FinalPowerDownFailed), NULL, {P(Stopped)}},
    {P(StartingCheckDeviceType), on_device_type, {P(D0Starting), P(StartingChild)}},
    {P(StartingChild), on_check_parent, {P(D0Starting), P(InitialPowerUpFailed)}},
};

static const struct ft_wdf_edge edges[] = {
    {P(Stopped), FT_WDF_POWER_IMPLICIT_D0, P(StartingCheckDeviceType)},
    {P(D0), FT_WDF_POWER_DX, P(GotoDx)},
    {P(D0), FT_WDF_POWER_IMPLICIT_D3, P(GotoD3Stopped)},
    {P(Dx), FT_WDF_POWER_D0, P(WakePending)},
    {P(Dx), FT_WDF_POWER_IMPLICIT_D3, P(GotoStopped)},
};

/* An IRP that changes nothing goes its way: a device that is stopped, or in that state already. */
static void stray(struct ft_wdf_pnp *pnp, unsigned event)
{
    if (event == FT_WDF_POWER_D0)
        end_power_irp(pnp, STATUS_SUCCESS);
    else if (event == FT_WDF_POWER_DX)
        pass_power_irp(pnp);
    else if (event == FT_WDF_POWER_WAKE)
        ft_wdf_child_settle_wake(pnp);
}

static const struct ft_wdf_machine_kind kind = {.states = states,
                                                .edges = edges,
                                                .state_count = sizeof states / sizeof *states,
                                                .edge_count = sizeof edges / sizeof *edges,
                                                .event = FT_EV_WDF_POWER_STATE,
                                                .stray = stray};

void ft_wdf_power_begin(struct ft_wdf_pnp *pnp)
{
    pnp->power.kind = &kind;
    pnp->power.state = P(Stopped);
    pnp->device->power_state = WdfPowerDeviceD3Final;
}

static unsigned post_and_wait(struct ft_wdf_pnp *pnp, enum ft_wdf_power_event event)
{
    pnp->power_result = FT_WDF_GOOD;
    ft_wdf_machine_post(pnp, &pnp->power, event);
    ft_wdf_machine_settle(&pnp->power);
    return pnp->power_result;
}

unsigned ft_wdf_power_start(struct ft_wdf_pnp *pnp)
{
    return post_and_wait(pnp, FT_WDF_POWER_IMPLICIT_D0);
}

unsigned ft_wdf_power_stop(struct ft_wdf_pnp *pnp)
{
    return post_and_wait(pnp, FT_WDF_POWER_IMPLICIT_D3);
}

/* ---- device power IRPs ---- */

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI power_up_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device;
    if (NT_SUCCESS(irp->IoStatus.Status)) {
        pnp->power_irp = irp;
        ft_wdf_machine_post(pnp, &pnp->power, FT_WDF_POWER_D0);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    IoReleaseRemoveLock(&ft_wdf_extension(pnp)->lock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* D3Final when the machine is shut down: there is no way back. */
static unsigned target_of(PIO_STACK_LOCATION location)
{
    unsigned state = (unsigned)location->Parameters.Power.State.DeviceState;
    POWER_ACTION action = location->Parameters.Power.ShutdownType;
    bool down = action == PowerActionShutdown || action == PowerActionShutdownReset ||
                action == PowerActionShutdownOff;

    return down && state == PowerDeviceD3 ? WdfPowerDeviceD3Final : state;
}

/* The drivers below get a power-up first and a power-down last. */
NTSTATUS ft_wdf_device_power(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    IoMarkIrpPending(irp);
    if (location->Parameters.Power.State.DeviceState == PowerDeviceD0 && !pnp->device->below) {
        pnp->power_irp = irp;
        irp->IoStatus.Status = STATUS_SUCCESS;
        ft_wdf_machine_post(pnp, &pnp->power, FT_WDF_POWER_D0);
        return STATUS_PENDING;
    }
    if (location->Parameters.Power.State.DeviceState == PowerDeviceD0) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, power_up_done, pnp, TRUE, TRUE, TRUE);
        PoCallDriver(pnp->device->below, irp);
        return STATUS_PENDING;
    }
    pnp->target = (uint8_t)target_of(location);
    pnp->power_irp = irp;
    ft_wdf_machine_post(pnp, &pnp->power, FT_WDF_POWER_DX);
    return STATUS_PENDING;
}
