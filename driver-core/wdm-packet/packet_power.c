/*
 * packet_power.c: device power, and the slot that power, PnP and requests share.
 *
 * A power-down waits for the slot: the request that has it runs to its end (the watchdog bounds
 * that) and then forwards the IRP; the dispatch routine never waits. A power-up is forwarded at
 * once and takes effect when the drivers below are done. The hardware itself is touched in one
 * place only, PacketLeaveSlot, by the owner of the slot; so nobody meets it in between.
 *
 * A request ends at DISPATCH_LEVEL. Above drivers that take power IRPs at PASSIVE_LEVEL only
 * (DO_POWER_PAGABLE), a work item forwards the power-down that waited for it.
 *
 * The driver is the power policy owner of its device: it answers a system power IRP, once the
 * drivers below are done with it, with a device power IRP that it asks for, and completes the
 * system power IRP after that one.
 */
#include "packet.h"

static IO_COMPLETION_ROUTINE PacketPowerDownDone;
static IO_COMPLETION_ROUTINE PacketPowerUpDone;
static IO_COMPLETION_ROUTINE PacketSystemPowerDone;
static REQUEST_POWER_COMPLETE PacketDevicePowerDone;
static IO_WORKITEM_ROUTINE PacketPowerWork;

/* ---- who has the slot ---- */

static BOOLEAN PacketTryTakeSlotLocked(PPACKET_EXTENSION Extension)
{
    if (Extension->Phase != PacketPhaseIdle)
        return FALSE;
    Extension->Phase = PacketPhaseOwned;
    KeClearEvent(&Extension->IdleEvent);
    return TRUE;
}

VOID PacketTakeSlot(PPACKET_EXTENSION Extension)
{
    BOOLEAN taken;
    KIRQL irql;

    for (;;) {
        KeAcquireSpinLock(&Extension->Lock, &irql);
        taken = PacketTryTakeSlotLocked(Extension);
        KeReleaseSpinLock(&Extension->Lock, irql);
        if (taken)
            return;
        KeWaitForSingleObject(&Extension->IdleEvent, Executive, KernelMode, FALSE, NULL);
    }
}

/* By the owner of the slot, before the IRP goes down. Host memory is not at stake any more: nothing
 * is mapped. */
static VOID PacketTurnOff(PPACKET_EXTENSION Extension, PIRP Irp)
{
    POWER_STATE state = IoGetCurrentIrpStackLocation(Irp)->Parameters.Power.State;
    KIRQL irql;

    if (Extension->DeviceReady)
        KeSynchronizeExecution(Extension->Interrupt, PacketDisableInterrupts, Extension);
    Extension->DeviceReady = FALSE;
    PoSetPowerState(Extension->Self, DevicePowerState, state);

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->PowerState = state.DeviceState;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

/* By the owner of the slot. The device forgot everything without power. */
static VOID PacketTurnOn(PPACKET_EXTENSION Extension)
{
    PacketResetDevice(Extension);
    KeSynchronizeExecution(Extension->Interrupt, PacketEnableInterrupts, Extension);
    Extension->DeviceReady = TRUE;
}

static VOID PacketForwardPowerDown(PPACKET_EXTENSION Extension, PIRP Irp)
{
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PacketPowerDownDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
}

/* The IRP has the remove lock until it is complete, and with it the work item. */
static VOID PacketPowerWork(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;

    PacketForwardPowerDown(extension, (PIRP)Context);
}

VOID PacketLeaveSlot(PPACKET_EXTENSION Extension)
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
            PacketTurnOff(Extension, powerDown);
        } else {
            PacketTurnOn(Extension);
        }
    }
    Extension->Phase = PacketPhaseIdle;
    KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
    PacketKickLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (powerDown == NULL)
        return;
    if (KeGetCurrentIrql() >= DISPATCH_LEVEL && (Extension->Self->Flags & DO_POWER_PAGABLE) != 0)
        IoQueueWorkItem(Extension->PowerWork, PacketPowerWork, CriticalWorkQueue, powerDown);
    else
        PacketForwardPowerDown(Extension, powerDown);
}

/* ---- device power ---- */

static NTSTATUS PacketPowerDownDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;

    UNREFERENCED_PARAMETER(DeviceObject);

    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

/* The IRP always waits in PowerIrp, if only for a moment; so there is one path that turns the
 * device off. The power manager sends a device no second power IRP before this one is complete. */
static NTSTATUS PacketPowerDown(PPACKET_EXTENSION Extension, PIRP Irp)
{
    BOOLEAN taken;
    KIRQL irql;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Holds |= PACKET_HOLD_POWER;
    Extension->PowerIrp = Irp;
    taken = PacketTryTakeSlotLocked(Extension);
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (taken)
        PacketLeaveSlot(Extension);
    return STATUS_PENDING;
}

static NTSTATUS PacketPowerUpDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
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
            extension->Holds &= ~PACKET_HOLD_POWER;
            /* If PnP has the slot, it turns the device on when it leaves, should there still be
             * one. */
            taken = PacketTryTakeSlotLocked(extension);
        }
        KeReleaseSpinLock(&extension->Lock, irql);
    }
    if (woken)
        PoSetPowerState(extension->Self, DevicePowerState, state);
    if (taken)
        PacketLeaveSlot(extension);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS PacketPowerUp(PPACKET_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PacketPowerUpDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* ---- system power ---- */

/* The device power IRP is complete, and with it the system power IRP that it was asked for. A
 * system state is not refused because the device failed to follow; a query is. */
static VOID PacketDevicePowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                  POWER_STATE PowerState, PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
    PIRP irp = extension->SystemPowerIrp;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(PowerState);

    extension->SystemPowerIrp = NULL;
    if (MinorFunction == IRP_MN_QUERY_POWER)
        irp->IoStatus.Status = IoStatus->Status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&extension->RemoveLock, irp);
}

/* D3 is right for every sleeping state: it is the only other state of the device. */
static NTSTATUS PacketSystemPowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)Context;
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
                                   PacketDevicePowerDone, extension, NULL);
        if (NT_SUCCESS(status))
            return STATUS_MORE_PROCESSING_REQUIRED;
        extension->SystemPowerIrp = NULL;
        if (stack->MinorFunction == IRP_MN_QUERY_POWER)
            Irp->IoStatus.Status = status;
    }
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS PacketSystemPower(PPACKET_EXTENSION Extension, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, PacketSystemPowerDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}

/* PASSIVE_LEVEL, or DISPATCH_LEVEL when DO_POWER_PAGABLE is clear. */
NTSTATUS PacketPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PPACKET_EXTENSION extension = (PPACKET_EXTENSION)DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS status;

    status = IoAcquireRemoveLock(&extension->RemoveLock, Irp);
    if (!NT_SUCCESS(status))
        return PacketRefuseIrp(Irp, status);
    if (stack->MinorFunction != IRP_MN_SET_POWER && stack->MinorFunction != IRP_MN_QUERY_POWER)
        return PacketForwardIrp(extension, Irp);
    if (stack->Parameters.Power.Type == SystemPowerState)
        return PacketSystemPower(extension, Irp);
    if (stack->MinorFunction == IRP_MN_QUERY_POWER)
        return PacketForwardIrp(extension, Irp); /* a power-down needs no promise */
    if (stack->Parameters.Power.State.DeviceState == PowerDeviceD0)
        return PacketPowerUp(extension, Irp);
    return PacketPowerDown(extension, Irp);
}
