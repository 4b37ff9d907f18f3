/*
 * v3sys_power.c: power, and the hardware that power, PnP and requests share.
 *
 * Requests share the hardware among themselves; PnP and power code take it for themselves
 * (Exclusive) to change it, when no request is in flight. A power-down stops the requests in
 * flight: one that has moved data ends with that, another one goes back to the head of its queue.
 * The dispatch routine never waits for one. If it does not find all of them gone, the last one,
 * which ends at DISPATCH_LEVEL, leaves the IRP to a work item: the drivers below may want it at
 * PASSIVE_LEVEL. A power-up is forwarded at once and takes effect when the drivers below are done.
 * The hardware itself is turned on and off in one place only, V3sysLeaveHardware; so nobody meets
 * it in between.
 *
 * The driver is the power policy owner of its device: it answers a system power IRP, once the
 * drivers below are done with it, with a device power IRP that it asks for, and completes the
 * system power IRP after that one.
 */
#include "v3sys.h"

static IO_COMPLETION_ROUTINE V3sysPowerDownDone;
static IO_COMPLETION_ROUTINE V3sysPowerUpDone;
static IO_COMPLETION_ROUTINE V3sysSystemPowerDone;
static REQUEST_POWER_COMPLETE V3sysDevicePowerDone;
static IO_WORKITEM_ROUTINE V3sysPowerWork;

/* ---- who has the hardware ---- */

static BOOLEAN V3sysTryTakeHardwareLocked(PV3SYS_EXTENSION Extension)
{
    if (Extension->Exclusive || Extension->InFlight != 0)
        return FALSE;
    Extension->Exclusive = TRUE;
    KeClearEvent(&Extension->IdleEvent);
    return TRUE;
}

VOID V3sysTakeHardware(PV3SYS_EXTENSION Extension)
{
    BOOLEAN taken;
    KIRQL irql;

    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        taken = V3sysTryTakeHardwareLocked(Extension);
        KeReleaseSpinLock(&Extension->Lock, irql);
        if (taken)
            return;
        KeWaitForSingleObject(&Extension->IdleEvent, Executive, KernelMode, FALSE, NULL);
    }
}

static VOID V3sysSignalIdleLocked(PV3SYS_EXTENSION Extension)
{
    if (!Extension->Exclusive && Extension->InFlight == 0)
        KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
}

BOOLEAN V3sysRequestLeftLocked(PV3SYS_EXTENSION Extension)
{
    Extension->InFlight--;
    if (!IsListEmpty(&Extension->PowerDowns) && V3sysTryTakeHardwareLocked(Extension))
        return TRUE;
    V3sysSignalIdleLocked(Extension);
    return FALSE;
}

/* By whoever has the hardware, before the IRP goes down. Host memory is not at stake any more:
 * nothing is mapped. */
static VOID V3sysTurnOff(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE state = stack->Parameters.Power.State;
    KIRQL irql;

    if (stack->Parameters.Power.Type == SystemPowerState)
        state.DeviceState = PowerDeviceD3;
    if (Extension->DeviceReady)
        KeSynchronizeExecution(Extension->Interrupt, V3sysDisableInterrupts, Extension);
    Extension->DeviceReady = FALSE;
    PoSetPowerState(Extension->Self, DevicePowerState, state);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PowerState = state.DeviceState;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* By whoever has the hardware. The UART forgot everything without power. */
static VOID V3sysTurnOn(PV3SYS_EXTENSION Extension)
{
    V3sysResetDevice(Extension);
    KeSynchronizeExecution(Extension->Interrupt, V3sysProgramDevice, Extension);
    Extension->DeviceReady = TRUE;
    V3sysArmWake(Extension);
}

/* A system power IRP has been down already (V3sysSystemPowerDone). */
static VOID V3sysEndPowerDown(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.Type == SystemPowerState) {
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
        return;
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3sysPowerDownDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
}

static PIRP V3sysFirstPowerIrp(PLIST_ENTRY List)
{
    return CONTAINING_RECORD(RemoveHeadList(List), IRP, Tail.Overlay.ListEntry);
}

VOID V3sysLeaveHardware(PV3SYS_EXTENSION Extension)
{
    LIST_ENTRY down;
    BOOLEAN turnOn;
    PIRP waiting;
    KIRQL irql;

    InitializeListHead(&down);

    /* A power IRP may come or complete while the hardware is being changed: look again until
     * nothing is due. A power-down whose dispatch routine is still at work is left to that
     * (V3sysPowerDown). */
    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        waiting = NULL;
        if (Extension->InFlight == 0 && !IsListEmpty(&Extension->PowerDowns))
            waiting = V3sysFirstPowerIrp(&Extension->PowerDowns);
        turnOn = waiting == NULL && Extension->Interrupt != NULL && !Extension->DeviceReady &&
                 Extension->PowerState == PowerDeviceD0;
        if (waiting == NULL && !turnOn)
            break;
        KeReleaseSpinLock(&Extension->Lock, irql);

        if (waiting != NULL) {
            V3sysTurnOff(Extension, waiting);
            InsertTailList(&down, &waiting->Tail.Overlay.ListEntry);
        } else {
            V3sysTurnOn(Extension);
        }
    }
    Extension->Exclusive = FALSE;
    V3sysSignalIdleLocked(Extension);
    V3sysKickLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    while (!IsListEmpty(&down))
        V3sysEndPowerDown(Extension, V3sysFirstPowerIrp(&down));
}

static VOID V3sysPowerWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    V3sysLeaveHardware((PV3SYS_EXTENSION)Context);
}

VOID V3sysQueuePowerDown(PV3SYS_EXTENSION Extension)
{
    IoQueueWorkItem(Extension->PowerWork, V3sysPowerWork, DelayedWorkQueue, Extension);
}

/* ---- device power ---- */

static NTSTATUS V3sysPowerDownDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* The dispatch routine counts as a request in flight itself until it has stopped the others, so
 * that there is one path that turns the device off, and the IRP does not go down before. A device
 * and a system power IRP may both be waiting, hence a list. */
static VOID V3sysPowerDown(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    BOOLEAN last;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= V3SYS_HOLD_POWER;
    InsertTailList(&Extension->PowerDowns, &Irp->Tail.Overlay.ListEntry);
    Extension->InFlight++;
    KeClearEvent(&Extension->IdleEvent);
    KeReleaseSpinLock(&Extension->Lock, irql);

    V3sysStopRequests(Extension, V3SYS_STOP_POWER);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    last = V3sysRequestLeftLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);
    if (last)
        V3sysLeaveHardware(Extension);
}

static NTSTATUS V3sysPowerUpDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
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
            extension->Holds &= ~V3SYS_HOLD_POWER;
            /* If PnP has the hardware, it turns the device on when it leaves, should there still
             * be one. */
            taken = V3sysTryTakeHardwareLocked(extension);
        }
        KeReleaseSpinLock(&extension->Lock, irql);
    }
    if (woken)
        PoSetPowerState(extension->Self, DevicePowerState, state);
    if (taken)
        V3sysLeaveHardware(extension);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS V3sysPowerUp(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3sysPowerUpDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* ---- system power ---- */

/* The device power IRP is complete, and with it the system power IRP that it was asked for. A
 * system state is not refused because the device failed to follow; a query is. */
static VOID V3sysDevicePowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE PowerState, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    PIRP irp = extension->SystemPowerIrp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(PowerState);

    extension->SystemPowerIrp = NULL;
    if (MinorFunction == IRP_MN_QUERY_POWER)
        irp->IoStatus.Status = IoStatus->Status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&extension->RemoveLock, irp);
}

/* D3 is right for every sleeping state: it is the only other state of the device. When there is no
 * memory for a device power IRP, a query fails; but the system goes to sleep all the same and takes
 * the device's power, so this turns the device off as that IRP would have. */
static NTSTATUS V3sysSystemPowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status = Irp->IoStatus.Status;
    POWER_STATE state;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (NT_SUCCESS(status)) {
        state.DeviceState = PowerDeviceD3;
        if (stack->Parameters.Power.State.SystemState == PowerSystemWorking)
            state.DeviceState = PowerDeviceD0;
        extension->SystemPowerIrp = Irp;
        status = PoRequestPowerIrp(extension->Self, stack->MinorFunction, state,
                                   V3sysDevicePowerDone, extension, NULL);
        if (NT_SUCCESS(status))
            return STATUS_MORE_PROCESSING_REQUIRED;
        extension->SystemPowerIrp = NULL;
        if (stack->MinorFunction == IRP_MN_SET_POWER && state.DeviceState == PowerDeviceD3) {
            V3sysPowerDown(extension, Irp);
            return STATUS_MORE_PROCESSING_REQUIRED;
        }
        if (stack->MinorFunction == IRP_MN_QUERY_POWER)
            Irp->IoStatus.Status = status;
    }
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS V3sysSystemPower(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3sysSystemPowerDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* PASSIVE_LEVEL, or DISPATCH_LEVEL when DO_POWER_PAGABLE is clear. */
NTSTATUS V3sysPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3sysRefuseIrp(Irp, status);
    if (stack->MinorFunction == IRP_MN_WAIT_WAKE)
        return V3sysWaitWake(extension, Irp);
    if (stack->MinorFunction != IRP_MN_SET_POWER && stack->MinorFunction != IRP_MN_QUERY_POWER)
        return V3sysForwardIrp(extension, Irp);
    if (stack->Parameters.Power.Type == SystemPowerState)
        return V3sysSystemPower(extension, Irp);
    if (stack->MinorFunction == IRP_MN_QUERY_POWER)
        return V3sysForwardIrp(extension, Irp);
    if (stack->Parameters.Power.State.DeviceState == PowerDeviceD0)
        return V3sysPowerUp(extension, Irp);
    IoMarkIrpPending(Irp);
    V3sysPowerDown(extension, Irp);
    return STATUS_PENDING;
}
