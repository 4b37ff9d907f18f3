/* Where the framework takes IRPs from the I/O manager: one dispatch routine for all major codes.
 *
 * PnP, power and WMI requests hold the remove lock of the device until they leave it; I/O goes to
 * the queues, which hold what they take. A driver that registered a preprocess callback sees the
 * IRP first.
 */
#include "kmdf/wmi.h"

NTSTATUS ft_wdf_complete(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS status)
{
    PIO_REMOVE_LOCK lock = &ft_wdf_extension(pnp)->lock;

    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(lock, irp);
    return status;
}

/* Below a child is nobody: the request ends as it is. */
NTSTATUS ft_wdf_pass_down(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_REMOVE_LOCK lock = &ft_wdf_extension(pnp)->lock;
    NTSTATUS status;

    if (!pnp->device->below)
        return ft_wdf_complete(pnp, irp, irp->IoStatus.Status);
    IoSkipCurrentIrpStackLocation(irp);
    status = IoCallDriver(pnp->device->below, irp);
    IoReleaseRemoveLock(lock, irp);
    return status;
}

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI signal_done(PDEVICE_OBJECT device, PIRP irp, PVOID done)
{
    (void)device;
    if (irp->PendingReturned)
        KeSetEvent(done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS ft_wdf_forward_and_wait(struct ft_wdf_pnp *pnp, PIRP irp)
{
    KEVENT done;

    if (!pnp->device->below)
        return irp->IoStatus.Status;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, signal_done, &done, TRUE, TRUE, TRUE);
    if (IoCallDriver(pnp->device->below, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

/* ---- what the driver wants to see itself ---- */

static const struct ft_wdf_preprocess *find_preprocess(const struct ft_wdf_pnp *pnp,
                                                       PIO_STACK_LOCATION location)
{
    const struct ft_wdf_preprocess *entry;
    UCHAR minor = location->MinorFunction;

    if (!pnp->preprocess)
        return NULL;
    entry = &pnp->preprocess[location->MajorFunction];
    if (!entry->callback || !(entry->all || (entry->minors[minor / 32] >> minor % 32 & 1)))
        return NULL;
    return entry;
}

static uint64_t call_preprocess(void *callback, void *device, void *irp, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDFDEVICE_WDM_IRP_PREPROCESS)callback)(device, irp);
}

/* ---- by major code ---- */

/* Shutdown notifications reach the control devices that asked for them. */
static uint64_t call_shutdown(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION)callback)(device);
    return 0;
}

static NTSTATUS end(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS dispatch_shutdown(struct ft_wdf_pnp *pnp, PIRP irp)
{
    if (pnp->shutdown)
        ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_shutdown, (void *)pnp->shutdown,
                    pnp->device, NULL, NULL);
    return end(irp, STATUS_SUCCESS);
}

/* A filter knows nothing of what it does not handle. */
static NTSTATUS dispatch_other(struct ft_wdf_pnp *pnp, PIRP irp)
{
    if (pnp->device->filter) {
        IoSkipCurrentIrpStackLocation(irp);
        return IoCallDriver(pnp->device->below, irp);
    }
    return end(irp, STATUS_INVALID_DEVICE_REQUEST);
}

static NTSTATUS dispatch_locked(struct ft_wdf_pnp *pnp, PIRP irp, UCHAR major)
{
    NTSTATUS status = IoAcquireRemoveLock(&ft_wdf_extension(pnp)->lock, irp);

    if (!NT_SUCCESS(status))
        return end(irp, status);
    if (major == IRP_MJ_PNP)
        return ft_wdf_dispatch_pnp(pnp, irp);
    if (major == IRP_MJ_POWER)
        return ft_wdf_dispatch_power(pnp, irp);
    return ft_wdf_dispatch_wmi(pnp, irp);
}

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI io_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    IoReleaseRemoveLock(&ft_wdf_extension(pnp)->lock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS enter_io(struct ft_wdf_pnp *pnp, PIRP irp)
{
    NTSTATUS status;

    return ft_wdf_dispatch_direct(pnp, irp, &status) ? status
                                                     : ft_wdf_io_dispatch(pnp->device, irp);
}

/* With WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO a request keeps the device until it is complete. */
static NTSTATUS dispatch_io(struct ft_wdf_pnp *pnp, PIRP irp)
{
    NTSTATUS status;

    if (!pnp->remove_lock_for_io || pnp->control)
        return enter_io(pnp, irp);
    status = IoAcquireRemoveLock(&ft_wdf_extension(pnp)->lock, irp);
    if (!NT_SUCCESS(status))
        return end(irp, status);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, io_done, pnp, TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(irp);
    return enter_io(pnp, irp);
}

static NTSTATUS dispatch(struct ft_wdf_pnp *pnp, PIRP irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

    switch (major) {
    case IRP_MJ_PNP:
    case IRP_MJ_POWER:
    case IRP_MJ_SYSTEM_CONTROL:
        if (pnp->control)
            return end(irp, STATUS_INVALID_DEVICE_REQUEST);
        return dispatch_locked(pnp, irp, major);
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return dispatch_io(pnp, irp);
    case IRP_MJ_SHUTDOWN:
        return dispatch_shutdown(pnp, irp);
    default:
        return dispatch_other(pnp, irp);
    }
}

FT_FRAMEWORK_ROUTINE
NTSTATUS ft_wdf_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_wdf_extension *extension = device->DeviceExtension;
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(extension->device);
    const struct ft_wdf_preprocess *preprocess =
        find_preprocess(pnp, IoGetCurrentIrpStackLocation(irp));

    if (preprocess)
        return (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_PREPROCESS, pnp->device, call_preprocess,
                                     (void *)preprocess->callback, pnp->device, irp, NULL);
    return dispatch(pnp, irp);
}

/* Queries pass; a power-down that is not ours belongs to a second owner of the policy. */
NTSTATUS ft_wdf_dispatch_power(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    bool system = location->Parameters.Power.Type == SystemPowerState;

    if (location->MinorFunction == IRP_MN_WAIT_WAKE && pnp->child)
        return ft_wdf_child_wait_wake(pnp, irp);
    if (location->MinorFunction == IRP_MN_QUERY_POWER)
        irp->IoStatus.Status = STATUS_SUCCESS;
    if (location->MinorFunction != IRP_MN_SET_POWER)
        return ft_wdf_pass_down(pnp, irp);
    if (system)
        return ft_wdf_system_power(pnp, irp);
    if (pnp->device->power_owner && !pnp->policy.requested)
        ft_wdf_bugcheck(FT_WDF_TWO_OWNERS, ft_handle_of(pnp->device->fdo), ft_handle_of(irp), 0);
    return ft_wdf_device_power(pnp, irp);
}

/* ---- from a preprocess callback ---- */

/* The driver has called IoSkipCurrentIrpStackLocation, so the framework's own location is the next
 * one. */
NTSTATUS WdfDeviceWdmDispatchPreprocessedIrp(WDFDEVICE Device, PIRP Irp)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require(Irp);
    IoSetNextIrpStackLocation(Irp);
    status = dispatch(ft_wdf_pnp_of(device), Irp);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}
