/* A driver that dispatches IRPs itself: EvtDeviceWdmIrpDispatch gets each IRP of its kind and ends
 * with it, gives it back to the framework (WdfDeviceWdmDispatchIrp), or chooses its queue
 * (WdfDeviceWdmDispatchIrpToIoQueue, which preprocess callbacks use, too).
 *
 * The machine has no class extensions, so a device has one such callback for each kind, and the
 * context of a dispatch only says that the call comes from there.
 */
#include "kmdf/pnp_private.h"
#include "kmdf/requests.h"

enum { FROM_DISPATCH = 1 };

static int kind_of(unsigned major)
{
    switch (major) {
    case IRP_MJ_READ:
        return 0;
    case IRP_MJ_WRITE:
        return 1;
    case IRP_MJ_DEVICE_CONTROL:
        return 2;
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return 3;
    default:
        return -1;
    }
}

static WDFCONTEXT context_of(struct ft_wdf_device *device)
{
    return (WDFCONTEXT)((uintptr_t)device | FROM_DISPATCH);
}

static uint64_t call_dispatch(void *direct_, void *device, void *irp_, void *context)
{
    const struct ft_wdf_direct *direct = direct_;
    PIRP irp = irp_;
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);

    return (uint32_t)direct->callback(device, at->MajorFunction, at->MinorFunction,
                                      at->Parameters.DeviceIoControl.IoControlCode, direct->context,
                                      irp, context);
}

bool ft_wdf_dispatch_direct(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status)
{
    int kind = kind_of(IoGetCurrentIrpStackLocation(irp)->MajorFunction);
    struct ft_wdf_direct *direct = kind < 0 ? NULL : &pnp->direct[kind];

    if (!direct || !direct->callback)
        return false;
    *status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_PREPROCESS, pnp->device, call_dispatch, direct,
                                    pnp->device, irp, context_of(pnp->device));
    return true;
}

/* ---- the driver's wish ---- */

/* Before the device's first start; a control device: before it is finished. */
static NTSTATUS configure(struct ft_wdf_pnp *pnp, unsigned major,
                          const struct ft_wdf_direct *wanted)
{
    int kind = kind_of(major);
    bool early = pnp->control ? (pnp->device->fdo->Flags & DO_DEVICE_INITIALIZING) != 0
                              : pnp->pnp.state == WdfDevStatePnpInit;

    if (kind < 0)
        return STATUS_INVALID_PARAMETER;
    ft_wdf_require((void *)wanted->callback);
    if (!early)
        return STATUS_INVALID_DEVICE_STATE;
    if (pnp->direct[kind].callback)
        return STATUS_INVALID_PARAMETER;
    pnp->direct[kind] = *wanted;
    return STATUS_SUCCESS;
}

NTSTATUS
WdfDeviceConfigureWdmIrpDispatchCallback(WDFDEVICE Device, WDFDRIVER Driver, UCHAR MajorFunction,
                                         PFN_WDFDEVICE_WDM_IRP_DISPATCH EvtDeviceWdmIrpDispatch,
                                         WDFCONTEXT DriverContext)
{
    struct ft_wdf_direct wanted = {.callback = EvtDeviceWdmIrpDispatch, .context = DriverContext};
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (Driver && kind_of(MajorFunction) >= 0)
        ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    status = configure(ft_wdf_pnp_of(device), MajorFunction, &wanted);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

/* ---- the way on ---- */

/* A context that is none of ours would come from a class extension's preprocess callback, where the
 * framework breaks in. */
NTSTATUS WdfDeviceWdmDispatchIrp(WDFDEVICE Device, PIRP Irp, WDFCONTEXT DispatchContext)
{
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require(Irp);
    ft_wdf_require(DispatchContext);
    if (DispatchContext != context_of(device))
        status = ft_wdf_irp_end(Irp, STATUS_INVALID_PARAMETER);
    else
        status = ft_wdf_io_dispatch(device, Irp);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

static NTSTATUS check_to_queue(const struct ft_wdf_device *device, PIRP irp,
                               const struct ft_wdf_queue *queue, ULONG flags)
{
    enum {
        KNOWN = WDF_DISPATCH_IRP_TO_IO_QUEUE_INVOKE_INCALLERCTX_CALLBACK |
                WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP
    };
    unsigned major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

    if ((flags & ~(ULONG)KNOWN) || kind_of(major) < 0 || !ft_wdf_queue_handles(queue, major) ||
        queue->object.device != device)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* The IRP is the framework's, whatever comes of it. */
NTSTATUS WdfDeviceWdmDispatchIrpToIoQueue(WDFDEVICE Device, PIRP Irp, WDFQUEUE Queue, ULONG Flags)
{
    struct ft_wdf_device *device;
    struct ft_wdf_queue *queue;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    queue = ft_wdf_queue_check(Queue);
    ft_wdf_require(Irp);
    if (Flags & WDF_DISPATCH_IRP_TO_IO_QUEUE_PREPROCESSED_IRP)
        IoSetNextIrpStackLocation(Irp);
    status = check_to_queue(device, Irp, queue, Flags);
    if (!NT_SUCCESS(status))
        ft_wdf_irp_end(Irp, status);
    else
        status = ft_wdf_io_deliver(
            device, Irp, queue, Flags & WDF_DISPATCH_IRP_TO_IO_QUEUE_INVOKE_INCALLERCTX_CALLBACK);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
    return status;
}
