/* The port's record of an SRB, from the class driver's call to the IRP's completion. */
#include "scsiport/engine.h"

struct ft_scsi_request *ft_scsi_request_new(struct ft_scsi_adapter *adapter,
                                            struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb,
                                            PIRP irp, PMDL mdl)
{
    struct ft_scsi_request *request =
        ft_block_alloc(sizeof *request, FT_HC_OTHER, irp ? ft_label_of(irp) : 0);

    if (!request)
        return NULL;
    request->adapter = adapter;
    request->unit = unit;
    request->srb = srb;
    request->irp = irp;
    request->mdl = mdl;
    request->flags = srb->SrbFlags;
    request->key = srb->QueueSortKey;
    request->victim = NULL;
    srb->SrbStatus = SRB_STATUS_PENDING;
    if (ft_scsi_has_status(srb))
        srb->ScsiStatus = SCSISTAT_GOOD;
    return request;
}

NTSTATUS ft_scsi_status(UCHAR srb_status)
{
    switch (SRB_STATUS(srb_status)) {
    case SRB_STATUS_SUCCESS:
        return STATUS_SUCCESS;
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT:
        return STATUS_IO_TIMEOUT;
    case SRB_STATUS_BAD_SRB_BLOCK_LENGTH:
    case SRB_STATUS_BAD_FUNCTION:
        return STATUS_INVALID_DEVICE_REQUEST;
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_NO_HBA:
        return STATUS_DEVICE_DOES_NOT_EXIST;
    case SRB_STATUS_DATA_OVERRUN:
        return STATUS_BUFFER_OVERFLOW;
    case SRB_STATUS_SELECTION_TIMEOUT:
        return STATUS_DEVICE_NOT_CONNECTED;
    default:
        return STATUS_IO_DEVICE_ERROR;
    }
}

/* Its retries are used up: sheet, section 10. */
static NTSTATUS status_of(const struct ft_scsi_request *request)
{
    if (request->cancelled)
        return STATUS_CANCELLED;
    if (SRB_STATUS(request->srb->SrbStatus) == SRB_STATUS_BUSY && request->retries > 0)
        return STATUS_DEVICE_NOT_READY;
    return ft_scsi_status(request->srb->SrbStatus);
}

void ft_scsi_request_end(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;
    NTSTATUS status = status_of(request);
    PIRP irp = request->irp;

    request->state = FT_SCSI_REQUEST_DONE;
    ft_scsi_forget_victim(request);
    srb->SrbFlags &= ~(ULONG)SRB_FLAGS_IS_ACTIVE;
    ft_emit(FT_EV_SCSI_ENDED, ft_scsi_srb_handle(srb), ft_handle_of(irp), (uint32_t)status,
            srb->SrbStatus, ft_scsi_scsi_status(srb), srb->DataTransferLength, request->retries);
    if (request->own_completion == FT_SCSI_OWN_SENSE) {
        ft_scsi_sense_ended(request);
    } else if (request->own_completion == FT_SCSI_OWN_ABORT) {
        ft_scsi_abort_ended(request);
    } else if (request->own_completion == FT_SCSI_OWN_WAIT) {
        ft_wake_waiters(request, STATUS_SUCCESS, true); /* who waits frees it */
        return;
    }
    ft_block_free(request);
    if (!irp)
        return;
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = srb->DataTransferLength;
    IoCompleteRequest(irp, IO_DISK_INCREMENT);
}

void ft_scsi_request_fail(struct ft_scsi_request *request, UCHAR srb_status)
{
    request->srb->SrbStatus = srb_status;
    request->srb->DataTransferLength = 0;
    ft_scsi_request_end(request);
}

/* Queues a request whose sender waits, and frees it when it is done. */
static void send_and_wait(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    const SCSI_REQUEST_BLOCK *srb = request->srb;
    KIRQL irql;

    request->own_completion = FT_SCSI_OWN_WAIT;
    request->whole = request->unit == NULL;
    ft_emit(FT_EV_SCSI_SRB, ft_scsi_srb_handle(srb), 0, srb->Function,
            ft_scsi_where(srb->PathId, srb->TargetId, srb->Lun), srb->SrbFlags,
            srb->DataTransferLength, srb->TimeOutValue, request->key);
    KeAcquireSpinLock(&adapter->lock, &irql);
    ft_scsi_enqueue(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    ft_scsi_start_next(adapter);
    while (request->state != FT_SCSI_REQUEST_DONE)
        ft_task_wait(request, 0);
    ft_block_free(request);
}

void ft_scsi_send_own(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                      PSCSI_REQUEST_BLOCK srb, PMDL mdl)
{
    struct ft_scsi_request *request = ft_scsi_request_new(adapter, unit, srb, NULL, mdl);

    if (!request) {
        srb->SrbStatus = SRB_STATUS_INTERNAL_ERROR;
        return;
    }
    request->flags |= SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_BYPASS_LOCKED_QUEUE;
    send_and_wait(request);
}

void ft_scsi_send_for(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                      PSCSI_REQUEST_BLOCK srb, PMDL mdl)
{
    struct ft_scsi_request *request = ft_scsi_request_new(adapter, unit, srb, NULL, mdl);

    if (!request) {
        srb->SrbStatus = SRB_STATUS_INTERNAL_ERROR;
        return;
    }
    request->waits = 1;
    send_and_wait(request);
}
