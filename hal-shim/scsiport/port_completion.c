/* What becomes of a request that the miniport gave back (scsiport.md, sections 7 and 10): it goes
 * to the class driver, or back into its queue because unit or HBA were busy, or it waits for sense
 * data that the port fetches.
 */
#include "scsiport/engine.h"

enum outcome { ENDS, GOES_BACK, WANTS_SENSE };

static bool came_back_busy(const SCSI_REQUEST_BLOCK *srb)
{
    UCHAR status = ft_scsi_scsi_status(srb);

    return SRB_STATUS(srb->SrbStatus) == SRB_STATUS_BUSY || status == SCSISTAT_BUSY ||
           status == SCSISTAT_QUEUE_FULL;
}

static bool lacks_sense(const struct ft_scsi_request *request)
{
    const SCSI_REQUEST_BLOCK *srb = request->srb;

    return srb->Function == SRB_FUNCTION_EXECUTE_SCSI &&
           srb->ScsiStatus == SCSISTAT_CHECK_CONDITION &&
           !(srb->SrbStatus & SRB_STATUS_AUTOSENSE_VALID) && srb->SenseInfoBuffer &&
           srb->SenseInfoBufferLength > 0 && !(request->flags & SRB_FLAGS_DISABLE_AUTOSENSE) &&
           request->own_completion != FT_SCSI_OWN_SENSE && !request->adapter->surprise;
}

static bool freezes(const SCSI_REQUEST_BLOCK *srb)
{
    UCHAR status = ft_scsi_scsi_status(srb);

    if (status == SCSISTAT_CHECK_CONDITION || status == SCSISTAT_COMMAND_TERMINATED)
        return true;
    switch (SRB_STATUS(srb->SrbStatus)) {
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT:
    case SRB_STATUS_BUS_RESET:
    case SRB_STATUS_ABORTED:
        return true;
    default:
        return false;
    }
}

void ft_scsi_freeze(struct ft_scsi_request *request)
{
    struct ft_scsi_unit *unit = request->unit;

    if (!unit || request->whole || request->own_completion != FT_SCSI_OF_CLASS ||
        (request->flags & SRB_FLAGS_NO_QUEUE_FREEZE))
        return;
    unit->frozen = 1;
    request->srb->SrbStatus |= SRB_STATUS_QUEUE_FROZEN;
    ft_emit(FT_EV_SCSI_QUEUE, ft_block_handle(unit->pdo), unit->frozen, unit->locked);
}

/* The request as the class driver sent it, at the head of its queue until the next tick. */
static void go_back(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;

    ft_emit(FT_EV_SCSI_RETRY, ft_scsi_srb_handle(srb), request->retries + 1u, srb->SrbStatus,
            ft_scsi_scsi_status(srb));
    request->retries++;
    srb->SrbStatus = SRB_STATUS_PENDING;
    if (ft_scsi_has_status(srb))
        srb->ScsiStatus = SCSISTAT_GOOD;
    srb->SrbFlags = request->flags;
    srb->DataTransferLength = request->given.DataTransferLength;
    srb->SenseInfoBufferLength = request->given.SenseInfoBufferLength;
    request->unit->retry_wait = 1;
    ft_scsi_put_back(request);
}

/* The port lock is held. */
static enum outcome decide(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;
    bool again = request->unit && !request->whole && request->own_completion != FT_SCSI_OWN_SENSE &&
                 !request->adapter->surprise;

    if (came_back_busy(srb) && again) {
        if (request->retries < FT_SCSI_RETRIES && ft_scsi_cancelable(request)) {
            go_back(request);
            return GOES_BACK;
        }
        srb->SrbStatus = SRB_STATUS_BUSY;
        ft_scsi_freeze(request);
        return ENDS;
    }
    if (lacks_sense(request))
        return WANTS_SENSE;
    if (freezes(srb))
        ft_scsi_freeze(request);
    if (srb->Function == SRB_FUNCTION_RESET_BUS && srb->SrbStatus == SRB_STATUS_SUCCESS)
        ft_scsi_hold_begin(request->adapter, FT_SCSI_RESET_ASKED, 1u << srb->PathId);
    return ENDS;
}

void ft_scsi_completed(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    enum outcome outcome;
    KIRQL irql;

    ft_scsi_dma_finish(request, adapter->active_count == 0);
    ft_scsi_undress(request);
    KeAcquireSpinLock(&adapter->lock, &irql);
    ft_scsi_extension_give(request);
    ft_scsi_uncount(request);
    if (request->unit)
        ft_scsi_unit_timer(request->unit);
    outcome = decide(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    if (outcome != ENDS)
        ft_scsi_drop_abort(request);
    if (outcome == ENDS)
        ft_scsi_request_end(request);
    else if (outcome == WANTS_SENSE)
        ft_scsi_sense(request);
}
