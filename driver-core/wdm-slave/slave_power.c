/*
 * slave_power.c: power, and the slot that power, PnP and requests share.
 *
 * A power-down waits for the slot: the request that has it runs to its end (the watchdog bounds
 * that) and then forwards the IRP; the dispatch routine never waits. A power-up is forwarded at
 * once and takes effect when the drivers below are done. The hardware itself is touched in one
 * place only, SlaveLeaveSlot, by the owner of the slot; so nobody meets it in between.
 *
 * The driver is the power policy owner of its device: it answers a system power IRP, once the
 * drivers below are done with it, with a device power IRP that it asks for, and completes the
 * system power IRP after that one. It follows the rules from before Windows Vista, which later
 * systems accept: PoCallDriver, and PoStartNextPowerIrp once for each power IRP, when nothing more
 * is to be done for it.
 */
#include "slave.h"

static IO_COMPLETION_ROUTINE SlavePowerDownDone;
static IO_COMPLETION_ROUTINE SlavePowerUpDone;
static IO_COMPLETION_ROUTINE SlaveSystemPowerDone;
static REQUEST_POWER_COMPLETE SlaveDevicePowerDone;

static BOOLEAN SlaveTryTakeSlotLocked(PSLAVE_EXTENSION Extension)
{
    if (Extension->Phase != SlavePhaseIdle)
        return FALSE;
    Extension->Phase = SlavePhaseOwned;
    KeClearEvent(&Extension->IdleEvent);
    return TRUE;
}

VOID SlaveTakeSlot(PSLAVE_EXTENSION Extension)
{
    BOOLEAN taken;
    KIRQL irql;

    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        taken = SlaveTryTakeSlotLocked(Extension);
        KeReleaseSpinLock(&Extension->Lock, irql);
        if (taken)
            return;
        KeWaitForSingleObject(&Extension->IdleEvent, Executive, KernelMode, FALSE, NULL);
    }
}

/* By the owner of the slot, before the IRP goes down. Host memory is not at stake any more: nothing
 * is mapped. */
static VOID SlaveTurnOff(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    POWER_STATE state = IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State;
    KIRQL irql;

    if (Extension->DeviceReady)
        KeSynchronizeExecution(Extension->Interrupt, SlaveDisableInterrupts, Extension);
    Extension->DeviceReady = FALSE;
    PoSetPowerState(Extension->Self, DevicePowerState, state);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PowerState = state.DeviceState;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* By the owner of the slot. The device forgot everything without power. */
static VOID SlaveTurnOn(PSLAVE_EXTENSION Extension)
{
    if (SlaveResetDevice(Extension))
        KeSynchronizeExecution(Extension->Interrupt, SlaveEnableInterrupts, Extension);
    Extension->DeviceReady = TRUE;
}

static VOID SlaveForwardPowerDown(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SlavePowerDownDone, Extension, TRUE, TRUE, TRUE);
    PoCallDriver(Extension->LowerDevice, Irp);
}

VOID SlaveLeaveSlot(PSLAVE_EXTENSION Extension)
{
    PIRP powerDown = NULL;
    PIRP waiting;
    BOOLEAN turnOn;
    KIRQL irql;

    /* A power IRP may come or complete while the hardware is being changed: look again until
     * nothing is due. */
    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        waiting = Extension->PowerIrp;
        Extension->PowerIrp = NULL;
        turnOn = waiting == NULL && Extension->Interrupt != NULL && !Extension->DeviceReady &&
                 Extension->PowerState == PowerDeviceD0;
        if (waiting == NULL && !turnOn)
            break;
        KeReleaseSpinLock(&Extension->Lock, irql);

        if (waiting != NULL) {
            powerDown = waiting;
            SlaveTurnOff(Extension, powerDown);
        } else {
            SlaveTurnOn(Extension);
        }
    }
    Extension->Phase = SlavePhaseIdle;
    KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
    SlaveKickLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (powerDown != NULL)
        SlaveForwardPowerDown(Extension, powerDown);
}

static NTSTATUS SlavePowerDownDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* The IRP always waits in PowerIrp, if only for a moment; so there is one path that turns the
 * device off. The power manager sends a device no second power IRP before this one is complete. */
static NTSTATUS SlavePowerDown(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    BOOLEAN taken;
    KIRQL irql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= SLAVE_HOLD_POWER;
    Extension->PowerIrp = Irp;
    taken = SlaveTryTakeSlotLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (taken)
        SlaveLeaveSlot(Extension);
    return STATUS_PENDING;
}

static NTSTATUS SlavePowerUpDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    POWER_STATE state = IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State;
    BOOLEAN taken = FALSE;
    BOOLEAN woken = FALSE;
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        KeAcquireSpinLock(&extension->Lock, &irql);
        if (extension->PowerState != PowerDeviceD0) {
            woken = TRUE;
            extension->PowerState = PowerDeviceD0;
            extension->Holds &= ~SLAVE_HOLD_POWER;
            /* If PnP has the slot, it turns the device on when it leaves, should there still be
             * one. */
            taken = SlaveTryTakeSlotLocked(extension);
        }
        KeReleaseSpinLock(&extension->Lock, irql);
    }
    if (woken)
        PoSetPowerState(extension->Self, DevicePowerState, state);
    if (taken)
        SlaveLeaveSlot(extension);
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS SlavePowerUp(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SlavePowerUpDone, Extension, TRUE, TRUE, TRUE);
    PoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* Passes a power IRP down that needs nothing more. */
static NTSTATUS SlaveForwardPower(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    NTSTATUS status;

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    status = PoCallDriver(Extension->LowerDevice, Irp);
    IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
    return status;
}

/* ---- system power ---- */

/* The device power IRP is complete, and with it the system power IRP, the context. A system state
 * is not refused because the device failed to follow; a query is. */
static VOID SlaveDevicePowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE PowerState, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PIRP irp = (PIRP)Context;
    PDEVICE_OBJECT self = IoGetCurrentIrpStackLocation(irp)->DeviceObject;
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)self->DeviceExtension;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(PowerState);

    if (MinorFunction == IRP_MN_QUERY_POWER)
        irp->IoStatus.Status = IoStatus->Status;
    PoStartNextPowerIrp(irp);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&extension->RemoveLock, irp);
}

/* D3 is right for every sleeping state: it is the only other state of the device. */
static NTSTATUS SlaveSystemPowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)Context;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = Irp->IoStatus.Status;
    POWER_STATE state;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (NT_SUCCESS(status)) {
        state.DeviceState = PowerDeviceD3;
        if (stack->Parameters.Power.State.SystemState == PowerSystemWorking)
            state.DeviceState = PowerDeviceD0;
        status = PoRequestPowerIrp(extension->Self, stack->MinorFunction, state,
                                   SlaveDevicePowerDone, Irp, NULL);
        if (NT_SUCCESS(status))
            return STATUS_MORE_PROCESSING_REQUIRED;
        if (stack->MinorFunction == IRP_MN_QUERY_POWER)
            Irp->IoStatus.Status = status;
    }
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    PoStartNextPowerIrp(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS SlaveSystemPower(PSLAVE_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SlaveSystemPowerDone, Extension, TRUE, TRUE, TRUE);
    PoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* PASSIVE_LEVEL, or DISPATCH_LEVEL when DO_POWER_PAGABLE is clear. */
NTSTATUS SlavePower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PSLAVE_EXTENSION extension = (PSLAVE_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status)) {
        PoStartNextPowerIrp(Irp);
        return SlaveRefuseIrp(Irp, status);
    }
    /* PoStartNextPowerIrp is not for the other minors. */
    if (stack->MinorFunction != IRP_MN_SET_POWER && stack->MinorFunction != IRP_MN_QUERY_POWER)
        return SlaveForwardIrp(extension, Irp);
    if (stack->Parameters.Power.Type == SystemPowerState)
        return SlaveSystemPower(extension, Irp);
    if (stack->MinorFunction == IRP_MN_QUERY_POWER)
        return SlaveForwardPower(extension, Irp);
    if (stack->Parameters.Power.State.DeviceState == PowerDeviceD0)
        return SlavePowerUp(extension, Irp);
    return SlavePowerDown(extension, Irp);
}
