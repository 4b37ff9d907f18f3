/* From a queue to HwScsiStartIo (scsiport.md, section 7, "Start path").
 *
 * The request that was picked gets what it needs: a tag and an SRB extension at once, its DMA
 * channel or map registers now or later (port_slave_dma.c, master_dma.c). Then the miniport gets
 * it, at DIRQL, under the port lock and the interrupt lock; in the hold after a reset it waits for
 * the hold's end.
 */
#include "scsiport/engine.h"

/* ---- what the miniport sees of the SRB ---- */

/* The port's sense area lies behind the SRB extension, where the HBA can write it. A caller who
 * wants more than fits there gets no automatic sense. */
static void dress_sense(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    PSCSI_REQUEST_BLOCK srb = request->srb;
    ULONG bytes;

    request->sense_saved = srb->SenseInfoBuffer;
    request->sense_saved_length = srb->SenseInfoBufferLength;
    request->sense_area = NULL;
    if (!adapter->config->AutoRequestSense || !srb->SenseInfoBuffer ||
        srb->SenseInfoBufferLength == 0 || (srb->SrbFlags & SRB_FLAGS_DISABLE_AUTOSENSE))
        return;
    request->sense_area = ft_scsi_sense_area(request, &bytes);
    if (!request->sense_area)
        return;
    if (srb->SenseInfoBufferLength > bytes) {
        request->sense_area = NULL;
        srb->SrbFlags |= SRB_FLAGS_DISABLE_AUTOSENSE;
        return;
    }
    request->sense_area_bytes = bytes;
    memset(request->sense_area, FT_SCSI_SENSE_FILL, bytes);
    srb->SenseInfoBuffer = request->sense_area;
}

/* With MapBuffers, and always for what is not data of the bus, DataBuffer is an address that the
 * processor may use; else it is an index into the MDL. */
static bool dress_data(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;
    bool mapped = request->adapter->config->MapBuffers ||
                  srb->Function == SRB_FUNCTION_IO_CONTROL || srb->Function == SRB_FUNCTION_WMI;
    PUCHAR system;

    request->data_saved = srb->DataBuffer;
    if (!mapped || !request->mdl || !srb->DataBuffer)
        return true;
    system = MmGetSystemAddressForMdlSafe(request->mdl, HighPagePriority);
    if (!system)
        return false;
    srb->DataBuffer =
        system + ((PUCHAR)srb->DataBuffer - (PUCHAR)MmGetMdlVirtualAddress(request->mdl));
    request->mapped = 1;
    return true;
}

bool ft_scsi_dress(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;
    unsigned tag = request->victim ? request->victim->tag : request->tag;

    if (!dress_data(request))
        return false;
    dress_sense(request);
    srb->SrbFlags |= request->adapter->srb_flags;
    srb->QueueTag = tag ? (UCHAR)tag : SP_UNTAGGED;
    if (!tag)
        srb->SrbFlags &= ~(ULONG)SRB_FLAGS_QUEUE_ACTION_ENABLE;
    srb->SrbStatus = SRB_STATUS_PENDING;
    if (ft_scsi_has_status(srb))
        srb->ScsiStatus = SCSISTAT_GOOD;
    if (request->adapter->dma && request->mdl && (srb->SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION))
        KeFlushIoBuffers(request->mdl, (srb->SrbFlags & SRB_FLAGS_DATA_IN) != 0, TRUE);
    return true;
}

void ft_scsi_undress(struct ft_scsi_request *request)
{
    PSCSI_REQUEST_BLOCK srb = request->srb;
    ULONG sense = srb->SenseInfoBufferLength;

    if (request->mapped && (srb->SrbFlags & SRB_FLAGS_DATA_IN))
        KeFlushIoBuffers(request->mdl, TRUE, FALSE);
    request->mapped = 0;
    srb->DataBuffer = request->data_saved;
    if (request->sense_area && (srb->SrbStatus & SRB_STATUS_AUTOSENSE_VALID))
        memcpy(request->sense_saved, request->sense_area,
               sense < request->sense_saved_length ? sense : request->sense_saved_length);
    srb->SenseInfoBuffer = request->sense_saved;
    request->sense_area = NULL;
    srb->SrbFlags = (request->flags & ~(ULONG)SRB_FLAGS_UNSPECIFIED_DIRECTION) |
                    (srb->SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION);
}

/* ---- StartIo ---- */

static uint64_t call_start_io(void *routine, void *extension, void *srb, void *unused)
{
    (void)unused;
    return ((PHW_STARTIO)routine)(extension, srb);
}

/* At DIRQL under both locks: from here on it is the miniport's. It waits when a reset was reported
 * whose hold the DPC will begin. */
FT_PORT_ROUTINE
static BOOLEAN NTAPI hand_over(PVOID context)
{
    struct ft_scsi_request *request = context;
    struct ft_scsi_adapter *adapter = request->adapter;
    PSCSI_REQUEST_BLOCK srb = request->srb;
    BOOLEAN taken;

    if (adapter->intent.flags & FT_SCSI_RESET_REPORTED) {
        adapter->next_packet = request;
        return TRUE;
    }
    request->state = FT_SCSI_REQUEST_ACTIVE;
    srb->SrbFlags |= SRB_FLAGS_IS_ACTIVE;
    request->given = *srb;
    request->started = FT_M->now;
    if (request->unit && request->unit->timer == 0)
        ft_scsi_unit_timer(request->unit);
    ft_scsi_watchdog(adapter, srb);
    ft_scsi_request_timer(request);
    ft_emit(FT_EV_SCSI_START_IO, ft_scsi_srb_handle(srb), srb->Function,
            ft_scsi_where(srb->PathId, srb->TargetId, srb->Lun), srb->QueueTag, srb->SrbFlags,
            srb->DataTransferLength, srb->TimeOutValue, ft_scsi_srb_handle(srb->NextSrb));
    taken =
        (BOOLEAN)ft_scsi_call(FT_ROUTINE_SCSI_START_IO, adapter, request, call_start_io,
                              (void *)adapter->init->data.HwStartIo, adapter->extension, srb, NULL);
    if (!taken && request->state == FT_SCSI_REQUEST_ACTIVE) {
        srb->SrbStatus = SRB_STATUS_INVALID_REQUEST;
        ft_scsi_tell_completion(request, srb, FT_SCSI_BY_REFUSAL);
        ft_scsi_take_back(request);
        ft_scsi_intend(adapter, FT_SCSI_NEXT_REQUEST);
    }
    return TRUE;
}

/* The port lock is held. */
static void start(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    KIRQL irql;

    if (adapter->interrupt) {
        KeSynchronizeExecution(adapter->interrupt, hand_over, request);
    } else {
        KeRaiseIrql(adapter->irql, &irql);
        hand_over(request);
        KeLowerIrql(irql);
    }
    ft_scsi_after(adapter);
}

/* It will not start: it goes back as it came. */
static void refuse(struct ft_scsi_request *request, UCHAR srb_status)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    KIRQL irql;

    ft_scsi_undress(request);
    KeAcquireSpinLock(&adapter->lock, &irql);
    adapter->busy = 0;
    ft_scsi_extension_give(request);
    ft_scsi_uncount(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    ft_scsi_request_fail(request, srb_status);
    ft_scsi_start_next(adapter);
}

void ft_scsi_start_cancelled(struct ft_scsi_request *request, UCHAR srb_status)
{
    ft_scsi_dma_finish(request, request->adapter->active_count == 0);
    refuse(request, srb_status);
}

void ft_scsi_start_granted(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    KIRQL irql;

    if (adapter->state != FT_SCSI_RUNNING || adapter->surprise) {
        ft_scsi_start_cancelled(request, SRB_STATUS_NO_HBA);
        return;
    }
    KeAcquireSpinLock(&adapter->lock, &irql);
    if (adapter->hold_ticks > 0)
        adapter->next_packet = request;
    else
        start(request);
    KeReleaseSpinLock(&adapter->lock, irql);
}

void ft_scsi_start_refused(struct ft_scsi_request *request)
{
    refuse(request, SRB_STATUS_INVALID_REQUEST);
}

void ft_scsi_start_next(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_request *request;
    KIRQL irql;

    KeAcquireSpinLock(&adapter->lock, &irql);
    request = ft_scsi_pick(adapter);
    if (request)
        ft_scsi_count(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    if (!request)
        return;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    if (!ft_scsi_dress(request))
        refuse(request, SRB_STATUS_INTERNAL_ERROR);
    else if (ft_scsi_dma_prepare(request))
        ft_scsi_start_granted(request);
    KeLowerIrql(irql);
}
