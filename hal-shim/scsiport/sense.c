/* Autosense for an HBA that does not fetch sense data by itself: the port sends REQUEST SENSE to
 * the unit before anything else may go there, and the request that ended with CHECK CONDITION waits
 * for it (scsiport.md, section 10).
 */
#include "scsiport/engine.h"

static PSCSI_REQUEST_BLOCK make_srb(const SCSI_REQUEST_BLOCK *of, unsigned label)
{
    PSCSI_REQUEST_BLOCK srb = ft_block_alloc(sizeof *srb, FT_HC_SRB, label);

    if (!srb)
        return NULL;
    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_EXECUTE_SCSI;
    srb->PathId = of->PathId;
    srb->TargetId = of->TargetId;
    srb->Lun = of->Lun;
    srb->SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_AUTOSENSE |
                    SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_BYPASS_LOCKED_QUEUE |
                    SRB_FLAGS_DISABLE_SYNCH_TRANSFER;
    srb->TimeOutValue = FT_SCSI_SENSE_SECONDS;
    srb->DataBuffer = of->SenseInfoBuffer;
    srb->DataTransferLength = of->SenseInfoBufferLength;
    srb->CdbLength = 6;
    srb->Cdb[0] = SCSIOP_REQUEST_SENSE;
    srb->Cdb[1] = (UCHAR)(of->Lun << 5);
    srb->Cdb[4] = of->SenseInfoBufferLength;
    return srb;
}

/* The original ends, with or without its sense data. */
static void end_original(struct ft_scsi_request *original, ULONG bytes)
{
    PSCSI_REQUEST_BLOCK srb = original->srb;

    if (bytes) {
        srb->SrbStatus |= SRB_STATUS_AUTOSENSE_VALID;
        srb->SenseInfoBufferLength = (UCHAR)bytes;
    } else {
        srb->SrbStatus = SRB_STATUS_REQUEST_SENSE_FAILED;
    }
    ft_scsi_freeze(original);
    ft_scsi_request_end(original);
}

static struct ft_scsi_request *make(struct ft_scsi_request *original)
{
    unsigned label = ft_scsi_request_label(original);
    PSCSI_REQUEST_BLOCK srb = make_srb(original->srb, label);
    PMDL mdl =
        srb ? IoAllocateMdl(srb->DataBuffer, srb->DataTransferLength, FALSE, FALSE, NULL) : NULL;
    struct ft_scsi_request *sense = NULL;

    if (mdl) {
        MmBuildMdlForNonPagedPool(mdl);
        sense = ft_scsi_request_new(original->adapter, original->unit, srb, NULL, mdl);
    }
    if (sense)
        return sense;
    if (mdl)
        IoFreeMdl(mdl);
    if (srb)
        ft_block_free(srb);
    return NULL;
}

void ft_scsi_sense(struct ft_scsi_request *original)
{
    struct ft_scsi_adapter *adapter = original->adapter;
    struct ft_scsi_request *sense = make(original);
    KIRQL irql;

    if (!sense) {
        end_original(original, 0);
        return;
    }
    sense->own_completion = FT_SCSI_OWN_SENSE;
    sense->original = original;
    ft_emit(FT_EV_SCSI_SENSE, ft_scsi_srb_handle(sense->srb), ft_scsi_srb_handle(original->srb));
    KeAcquireSpinLock(&adapter->lock, &irql);
    original->unit->need_sense++;
    ft_scsi_enqueue(sense);
    KeReleaseSpinLock(&adapter->lock, irql);
}

/* A short answer is an answer. */
static ULONG bytes_of(const SCSI_REQUEST_BLOCK *srb)
{
    UCHAR status = SRB_STATUS(srb->SrbStatus);

    return status == SRB_STATUS_SUCCESS || status == SRB_STATUS_DATA_OVERRUN
               ? srb->DataTransferLength
               : 0;
}

void ft_scsi_sense_ended(struct ft_scsi_request *sense)
{
    ULONG bytes = bytes_of(sense->srb);

    sense->unit->need_sense--;
    /* Who drains the adapter waits for this, too, when the sense request never started. */
    ft_wake_waiters(&sense->adapter->active_count, STATUS_SUCCESS, true);
    IoFreeMdl(sense->mdl);
    ft_block_free(sense->srb);
    end_original(sense->original, bytes);
}
