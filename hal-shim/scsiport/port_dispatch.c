/* What the port does with the SRBs that a class driver sends (scsiport.md, section 2.3).
 *
 * Some functions are the port's own, and end at once; some go to the miniport only if its
 * configuration says that it knows them; the others wait in the unit's queue, but for those that
 * are about the bus or another request, which no state of a unit holds back.
 */
#include "scsiport/engine.h"

static struct ft_scsi_adapter *adapter_of_device(PDEVICE_OBJECT device)
{
    struct ft_scsi_adapter *adapter = FT_SCSI->adapters;

    while (adapter && adapter->fdo != device)
        adapter = adapter->next;
    return adapter;
}

/* ---- functions of the port's own: the SRB status to end with; the port lock is held ---- */

static UCHAR claim(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    if (unit->claimed)
        return SRB_STATUS_BUSY;
    unit->claimed = 1;
    srb->DataBuffer = unit->pdo;
    return SRB_STATUS_SUCCESS;
}

static UCHAR attach(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    unit->claimed = 1;
    srb->DataBuffer = unit->pdo;
    return SRB_STATUS_SUCCESS;
}

static UCHAR release_device(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    unit->claimed = 0;
    return SRB_STATUS_SUCCESS;
}

static UCHAR set_queue(struct ft_scsi_unit *unit, uint8_t *what, uint8_t value)
{
    *what = value;
    ft_emit(FT_EV_SCSI_QUEUE, ft_block_handle(unit->pdo), unit->frozen, unit->locked);
    return SRB_STATUS_SUCCESS;
}

static UCHAR lock_queue(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    return set_queue(unit, &unit->locked, 1);
}

static UCHAR unlock_queue(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    return set_queue(unit, &unit->locked, 0);
}

/* RELEASE_QUEUE and FLUSH_QUEUE: the queue thaws. */
static UCHAR release_queue(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb)
{
    (void)srb;
    return set_queue(unit, &unit->frozen, 0);
}

static const struct {
    UCHAR function;
    UCHAR (*serve)(struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb);
} own[] = {
    {SRB_FUNCTION_CLAIM_DEVICE, claim},
    {SRB_FUNCTION_ATTACH_DEVICE, attach},
    {SRB_FUNCTION_RELEASE_DEVICE, release_device},
    {SRB_FUNCTION_LOCK_QUEUE, lock_queue},
    {SRB_FUNCTION_UNLOCK_QUEUE, unlock_queue},
    {SRB_FUNCTION_RELEASE_QUEUE, release_queue},
    {SRB_FUNCTION_FLUSH_QUEUE, release_queue},
};

/* ---- */

static NTSTATUS end(PIRP irp, PSCSI_REQUEST_BLOCK srb, UCHAR srb_status)
{
    NTSTATUS status = ft_scsi_status(srb_status);

    if (srb->Function == SRB_FUNCTION_CLAIM_DEVICE && srb_status == SRB_STATUS_BUSY)
        status = STATUS_DEVICE_BUSY;
    srb->SrbStatus = srb_status;
    ft_emit(FT_EV_SCSI_ENDED, ft_scsi_srb_handle(srb), ft_handle_of(irp), (uint32_t)status,
            srb_status, ft_scsi_scsi_status(srb), srb->DataTransferLength, 0);
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static void flush_queue(struct ft_scsi_request *list)
{
    while (list) {
        struct ft_scsi_request *request = list;

        list = request->next;
        ft_scsi_request_fail(request, SRB_STATUS_REQUEST_FLUSHED);
    }
}

static NTSTATUS serve_own(struct ft_scsi_unit *unit, PIRP irp, PSCSI_REQUEST_BLOCK srb,
                          unsigned entry)
{
    struct ft_scsi_adapter *adapter = unit->adapter;
    struct ft_scsi_request *flushed = NULL;
    UCHAR srb_status;
    NTSTATUS status;
    KIRQL irql;

    KeAcquireSpinLock(&adapter->lock, &irql);
    srb_status = own[entry].serve(unit, srb);
    if (srb->Function == SRB_FUNCTION_FLUSH_QUEUE)
        flushed = ft_scsi_take_queue(adapter, unit);
    KeReleaseSpinLock(&adapter->lock, irql);
    flush_queue(flushed);
    status = end(irp, srb, srb_status);
    ft_scsi_start_next(adapter);
    return status;
}

/* What ends at once because the miniport does not know it; SRB_STATUS_PENDING: it does. */
static UCHAR unsupported(const struct ft_scsi_adapter *adapter, UCHAR function)
{
    switch (function) {
    case SRB_FUNCTION_EXECUTE_SCSI:
    case SRB_FUNCTION_IO_CONTROL:
    case SRB_FUNCTION_ABORT_COMMAND:
    case SRB_FUNCTION_TERMINATE_IO:
    case SRB_FUNCTION_RELEASE_RECOVERY:
    case SRB_FUNCTION_RESET_BUS:
        return SRB_STATUS_PENDING;
    case SRB_FUNCTION_FLUSH:
    case SRB_FUNCTION_SHUTDOWN:
        return adapter->config->CachesData ? SRB_STATUS_PENDING : SRB_STATUS_SUCCESS;
    case SRB_FUNCTION_RECEIVE_EVENT:
        return adapter->config->ReceiveEvent ? SRB_STATUS_PENDING : SRB_STATUS_INVALID_REQUEST;
    case SRB_FUNCTION_WMI:
        return adapter->config->WmiDataProvider ? SRB_STATUS_PENDING : SRB_STATUS_INVALID_REQUEST;
    default:
        return SRB_STATUS_BAD_FUNCTION;
    }
}

static bool is_about_others(UCHAR function)
{
    return function == SRB_FUNCTION_ABORT_COMMAND || function == SRB_FUNCTION_TERMINATE_IO ||
           function == SRB_FUNCTION_RELEASE_RECOVERY || function == SRB_FUNCTION_RESET_BUS;
}

static NTSTATUS queue(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit, PIRP irp,
                      PSCSI_REQUEST_BLOCK srb)
{
    struct ft_scsi_request *request = ft_scsi_request_new(adapter, unit, srb, irp, irp->MdlAddress);
    bool queued;
    KIRQL irql;

    if (!request)
        return end(irp, srb, SRB_STATUS_INTERNAL_ERROR);
    IoMarkIrpPending(irp);
    if (srb->Function == SRB_FUNCTION_ABORT_COMMAND || srb->Function == SRB_FUNCTION_TERMINATE_IO)
        return ft_scsi_abort(request);
    request->whole = is_about_others(srb->Function);
    KeAcquireSpinLock(&adapter->lock, &irql);
    queued = ft_scsi_cancelable(request);
    if (queued)
        ft_scsi_enqueue(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    if (queued) {
        ft_scsi_start_next(adapter);
        return STATUS_PENDING;
    }
    request->cancelled = 1;
    ft_scsi_request_fail(request, SRB_STATUS_ABORTED);
    return STATUS_PENDING;
}

static NTSTATUS serve(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit, PIRP irp,
                      PSCSI_REQUEST_BLOCK srb)
{
    UCHAR srb_status;

    if (adapter->state == FT_SCSI_GONE || adapter->surprise || !unit || unit->missing)
        return end(irp, srb, SRB_STATUS_NO_DEVICE);
    for (unsigned i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].function == srb->Function)
            return serve_own(unit, irp, srb, i);
    srb_status = unsupported(adapter, srb->Function);
    if (srb_status != SRB_STATUS_PENDING)
        return end(irp, srb, srb_status);
    return queue(adapter, unit, irp, srb);
}

FT_PORT_ROUTINE
NTSTATUS ft_scsi_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PSCSI_REQUEST_BLOCK srb = IoGetCurrentIrpStackLocation(irp)->Parameters.Scsi.Srb;
    struct ft_scsi_adapter *adapter = adapter_of_device(device);
    struct ft_scsi_unit *unit;

    if (adapter) {
        unit = ft_scsi_unit_at(adapter, srb->PathId, srb->TargetId, srb->Lun);
    } else {
        unit = device->DeviceExtension;
        adapter = unit->adapter;
        srb->PathId = unit->path;
        srb->TargetId = unit->target;
        srb->Lun = unit->lun;
    }
    ft_emit(FT_EV_SCSI_SRB, ft_scsi_srb_handle(srb), ft_handle_of(irp), srb->Function,
            ft_scsi_where(srb->PathId, srb->TargetId, srb->Lun), srb->SrbFlags,
            srb->DataTransferLength, srb->TimeOutValue, srb->QueueSortKey);
    return serve(adapter, unit, irp, srb);
}
