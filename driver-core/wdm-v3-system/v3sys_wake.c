/*
 * v3sys_wake.c: the UART wakes the machine when something comes in while it sleeps.
 *
 * The driver sends a WAIT_WAKE request when the device has been turned on, and another one after
 * each that has ended. It is below the driver for as long as nothing wakes the machine, in whatever
 * power state device and machine are; its completion means that the UART has seen a start bit, and
 * the driver asks for D0. Before hardware is given back the request is cancelled, and waited for.
 *
 * The IRP is there for IoCancelIrp from V3sysWaitWake to V3sysWaitWakeDone. When it is completed
 * while it is being cancelled, the completion routine keeps it, and V3sysDisarmWake completes it
 * when IoCancelIrp has returned.
 */
#include "v3sys.h"

static IO_COMPLETION_ROUTINE V3sysWaitWakeDone;
static REQUEST_POWER_COMPLETE V3sysWoken;

/* The request has ended, or could not be sent. The remove lock is released last. */
static VOID V3sysWakeOver(PV3SYS_EXTENSION Extension)
{
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->Wake = V3sysWakeNone;
    KeSetEvent(&Extension->WakeEvent, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static VOID V3sysWoken(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                       PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    POWER_STATE state;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(MinorFunction);
    UNREFERENCED_PARAMETER(PowerState);

    V3sysWakeOver(extension);
    if (NT_SUCCESS(IoStatus->Status)) {
        state.DeviceState = PowerDeviceD0;
        PoRequestPowerIrp(extension->Self, IRP_MN_SET_POWER, state, NULL, NULL, NULL);
    }
    IoReleaseRemoveLock(&extension->RemoveLock, &extension->Wake);
}

VOID V3sysArmWake(PV3SYS_EXTENSION Extension)
{
    POWER_STATE state;
    NTSTATUS status;
    BOOLEAN arm;
    KIRQL irql;

    state.SystemState = Extension->SystemWake;
    if (state.SystemState == PowerSystemUnspecified ||
        !NT_SUCCESS(IoAcquireRemoveLock(&Extension->RemoveLock, &Extension->Wake)))
        return;
    KeAcquireSpinLock(&Extension->Lock, &irql);
    arm = Extension->Wake == V3sysWakeNone;
    if (arm) {
        Extension->Wake = V3sysWakeSent;
        KeClearEvent(&Extension->WakeEvent);
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    if (arm) {
        status = PoRequestPowerIrp(Extension->Self, IRP_MN_WAIT_WAKE, state, V3sysWoken, Extension,
                                   NULL);
        if (NT_SUCCESS(status))
            return; /* V3sysWoken releases the remove lock */
        V3sysWakeOver(Extension);
    }
    IoReleaseRemoveLock(&Extension->RemoveLock, &Extension->Wake);
}

VOID V3sysDisarmWake(PV3SYS_EXTENSION Extension)
{
    BOOLEAN over = FALSE;
    PIRP irp = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->WakeUnwanted = TRUE;
    if (Extension->Wake == V3sysWakeWaits) {
        Extension->Wake = V3sysWakeCancelling;
        irp = Extension->WakeIrp;
    }
    KeReleaseSpinLock(&Extension->Lock, irql);

    if (irp != NULL) {
        IoCancelIrp(irp);
        KeAcquireSpinLock(&Extension->Lock, &irql);
        over = Extension->Wake == V3sysWakeKept;
        Extension->Wake = over ? V3sysWakeSent : V3sysWakeWaits;
        KeReleaseSpinLock(&Extension->Lock, irql);
    }
    if (over) {
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        IoReleaseRemoveLock(&Extension->RemoveLock, irp);
    }

    KeWaitForSingleObject(&Extension->WakeEvent, Executive, KernelMode, FALSE, NULL);
    KeAcquireSpinLock(&Extension->Lock, &irql);
    Extension->WakeUnwanted = FALSE;
    KeReleaseSpinLock(&Extension->Lock, irql);
}

static NTSTATUS V3sysWaitWakeDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PV3SYS_EXTENSION extension = (PV3SYS_EXTENSION)Context;
    BOOLEAN keep;
    KIRQL irql;

    UNREFERENCED_PARAMETER(DeviceObject);

    KeAcquireSpinLock(&extension->Lock, &irql);
    keep = extension->Wake == V3sysWakeCancelling;
    extension->Wake = keep ? V3sysWakeKept : V3sysWakeSent;
    extension->WakeIrp = NULL;
    KeReleaseSpinLock(&extension->Lock, irql);
    if (keep)
        return STATUS_MORE_PROCESSING_REQUIRED;
    if (Irp->PendingReturned)
        IoMarkIrpPending(Irp);
    IoReleaseRemoveLock(&extension->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS V3sysWaitWake(PV3SYS_EXTENSION Extension, PIRP Irp)
{
    BOOLEAN unwanted;
    KIRQL irql;

    KeAcquireSpinLock(&Extension->Lock, &irql);
    unwanted = Extension->WakeUnwanted;
    if (!unwanted) {
        Extension->Wake = V3sysWakeWaits;
        Extension->WakeIrp = Irp;
    }
    KeReleaseSpinLock(&Extension->Lock, irql);
    if (unwanted)
        return V3sysCompleteIrp(Extension, Irp, STATUS_CANCELLED, 0);

    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, V3sysWaitWakeDone, Extension, TRUE, TRUE, TRUE);
    IoCallDriver(Extension->LowerDevice, Irp);
    return STATUS_PENDING;
}
