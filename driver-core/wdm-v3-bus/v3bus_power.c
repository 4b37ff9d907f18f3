/*
 * v3bus_power.c: power, and the hardware that power, PnP and requests share.
 *
 * Requests share the hardware among themselves; PnP and power code take it for themselves
 * (Exclusive) to change it, when no request is in flight. A power-down aborts the requests in
 * flight, which go back to the head of their queue; the dispatch routine never waits for one. If it
 * does not find all of them gone, the last one, which ends at DISPATCH_LEVEL, leaves the IRP to a
 * work item: the drivers below may want it at PASSIVE_LEVEL. A power-up is forwarded at once and
 * takes effect when the drivers below are done. The hardware itself is turned on and off in one
 * place only, V3busLeaveHardware; so nobody meets it in between.
 *
 * The driver is the power policy owner of its device: it answers a system power IRP, once the
 * drivers below are done with it, with a device power IRP that it asks for, and completes the
 * system power IRP after that one.
 */
#include "v3bus.h"

static IO_COMPLETION_ROUTINE V3busPowerDownDone;
static IO_COMPLETION_ROUTINE V3busPowerUpDone;
static IO_COMPLETION_ROUTINE V3busSystemPowerDone;
static REQUEST_POWER_COMPLETE V3busDevicePowerDone;
static IO_WORKITEM_ROUTINE V3busPowerWork;

/* ---- who has the hardware ---- */

static BOOLEAN V3busTryTakeHardwareLocked(PV3BUS_EXTENSION Extension)
{
    if (Extension->Exclusive || Extension->InFlight != 0)
        return FALSE;
    Extension->Exclusive = TRUE;
    KeClearEvent(&Extension->IdleEvent);
    return TRUE;
}

VOID V3busTakeHardware(PV3BUS_EXTENSION Extension)
{
    BOOLEAN taken;
    KIRQL irql;

    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        taken = V3busTryTakeHardwareLocked(Extension);
        KeReleaseSpinLock(&Extension->Lock, irql);
        if (taken)
            return;
        KeWaitForSingleObject(&Extension->IdleEvent, Executive, KernelMode, FALSE, NULL);
    }
}

static VOID V3busSignalIdleLocked(PV3BUS_EXTENSION Extension)
{
    if (!Extension->Exclusive && Extension->InFlight == 0)
        KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
}

BOOLEAN V3busRequestLeftLocked(PV3BUS_EXTENSION Extension)
{
    Extension->InFlight--;
    if (!IsListEmpty(&Extension->PowerDowns) && V3busTryTakeHardwareLocked(Extension))
        return TRUE;
    V3busSignalIdleLocked(Extension);
    return FALSE;
}

/* By whoever has the hardware, before the IRP goes down. Host memory is not at stake any more:
 * nothing is mapped. */
static VOID V3busTurnOff(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE state = stack->Parameters.Power.State;
    KIRQL irql;

    if (stack->Parameters.Power.Type == SystemPowerState)
        state.DeviceState = PowerDeviceD3;
    if (Extension->DeviceReady)
        KeSynchronizeExecution(Extension->Interrupt, V3busDisableInterrupts, Extension);
    Extension->DeviceReady = FALSE;
    PoSetPowerState(Extension->Self, DevicePowerState, state);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PowerState = state.DeviceState;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* By whoever has the hardware. The bridge forgot everything without power. */
static VOID V3busTurnOn(PV3BUS_EXTENSION Extension)
{
    V3busResetDevice(Extension);
    KeSynchronizeExecution(Extension->Interrupt, V3busProgramDevice, Extension);
    Extension->DeviceReady = TRUE;
}

/* A system power IRP has been down already (V3busSystemPowerDone). */
static VOID V3busEndPowerDown(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.Type == SystemPowerState) {
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        IoReleaseRemoveLock(&Extension->RemoveLock, Irp);
        return;
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3busPowerDownDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
}

static PIRP V3busFirstPowerIrp(PLIST_ENTRY List)
{
    return CONTAINING_RECORD(RemoveHeadList(List), IRP, Tail.Overlay.ListEntry);
}

VOID V3busLeaveHardware(PV3BUS_EXTENSION Extension)
{
    LIST_ENTRY down;
    BOOLEAN turnOn;
    PIRP waiting;
    KIRQL irql;

    InitializeListHead(&down);

    /* A power IRP may come or complete while the hardware is being changed: look again until
     * nothing is due. A power-down whose dispatch routine is still at work is left to that
     * (V3busPowerDown). */
    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        waiting = NULL;
        if (Extension->InFlight == 0 && !IsListEmpty(&Extension->PowerDowns))
            waiting = V3busFirstPowerIrp(&Extension->PowerDowns);
        turnOn = waiting == NULL && Extension->Interrupt != NULL && !Extension->DeviceReady &&
                 Extension->PowerState == PowerDeviceD0;
        if (waiting == NULL && !turnOn)
            break;
        KeReleaseSpinLock(&Extension->Lock, irql);

        if (waiting != NULL) {
            V3busTurnOff(Extension, waiting);
            InsertTailList(&down, &waiting->Tail.Overlay.ListEntry);
        } else {
            V3busTurnOn(Extension);
        }
    }
    Extension->Exclusive = FALSE;
    V3busSignalIdleLocked(Extension);
    V3busKickLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    while (!IsListEmpty(&down))
        V3busEndPowerDown(Extension, V3busFirstPowerIrp(&down));
}

static VOID V3busPowerWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);

    V3busLeaveHardware((PV3BUS_EXTENSION)Context);
}

VOID V3busQueuePowerDown(PV3BUS_EXTENSION Extension)
{
    IoQueueWorkItem(Extension->PowerWork, V3busPowerWork, DelayedWorkQueue, Extension);
}

/* ---- device power ---- */

static NTSTATUS V3busPowerDownDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* The dispatch routine counts as a request in flight itself until it has stopped the others, so
 * that there is one path that turns the device off, and the IRP does not go down before. A device
 * and a system power IRP may both be waiting, hence a list. */
static VOID V3busPowerDown(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    BOOLEAN last;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= V3BUS_HOLD_POWER;
    InsertTailList(&Extension->PowerDowns, &Irp->Tail.Overlay.ListEntry);
    Extension->InFlight++;
    KeClearEvent(&Extension->IdleEvent);
    KeReleaseSpinLock(&Extension->Lock, irql);

    V3busStopRequests(Extension, V3BUS_STOP_REQUEUE);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    last = V3busRequestLeftLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);
    if (last)
        V3busLeaveHardware(Extension);
}

static NTSTATUS V3busPowerUpDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
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
            extension->Holds &= ~V3BUS_HOLD_POWER;
            /* If PnP has the hardware, it turns the device on when it leaves, should there still
             * be one. */
            taken = V3busTryTakeHardwareLocked(extension);
        }
        KeReleaseSpinLock(&extension->Lock, irql);
    }
    if (woken)
        PoSetPowerState(extension->Self, DevicePowerState, state);
    if (taken)
        V3busLeaveHardware(extension);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS V3busPowerUp(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3busPowerUpDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* ---- system power ---- */

/* The device power IRP is complete, and with it the system power IRP that it was asked for. A
 * system state is not refused because the device failed to follow; a query is. */
static VOID V3busDevicePowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                 POWER_STATE PowerState, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
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
static NTSTATUS V3busSystemPowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)Context;
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
                                   V3busDevicePowerDone, extension, NULL);
        if (NT_SUCCESS(status))
            return STATUS_MORE_PROCESSING_REQUIRED;
        extension->SystemPowerIrp = NULL;
        if (stack->MinorFunction == IRP_MN_SET_POWER && state.DeviceState == PowerDeviceD3) {
            V3busPowerDown(extension, Irp);
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

static NTSTATUS V3busSystemPower(PV3BUS_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3busSystemPowerDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* PASSIVE_LEVEL, or DISPATCH_LEVEL when DO_POWER_PAGABLE is clear. */
NTSTATUS V3busPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PV3BUS_EXTENSION extension = (PV3BUS_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return V3busRefuseIrp(Irp, status);
    if (stack->MinorFunction != IRP_MN_SET_POWER && stack->MinorFunction != IRP_MN_QUERY_POWER)
        return V3busForwardIrp(extension, Irp);
    if (stack->Parameters.Power.Type == SystemPowerState)
        return V3busSystemPower(extension, Irp);
    if (stack->MinorFunction == IRP_MN_QUERY_POWER)
        return V3busForwardIrp(extension, Irp);
    if (stack->Parameters.Power.State.DeviceState == PowerDeviceD0)
        return V3busPowerUp(extension, Irp);
    IoMarkIrpPending(Irp);
    V3busPowerDown(extension, Irp);
    return STATUS_PENDING;
}
