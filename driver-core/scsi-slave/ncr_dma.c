/*
 * ncr_dma.c: data phases over the system DMA channel.
 *
 *   data phase -> ScsiPortIoMapTransfer -> (the port programs the channel) -> HwScsiDmaStarted ->
 *   the chip moves data -> interrupt: the target has another phase, or the count is at its end ->
 *   ScsiPortFlushDma
 *
 * A target may disconnect in between and come back: then the rest is mapped anew. The interrupt, a
 * reset, an abort and a chip that is gone may come before HwScsiDmaStarted does; the mapping is
 * then flushed all the same, and HwScsiDmaStarted never comes for it.
 */
#include "ncr.h"

/* The target wants what the request does not want: ends the request. */
static VOID NcrRefuse(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    ScsiPortLogError(Extension, Srb, 0, Extension->Target, Extension->Lun, SP_PROTOCOL_ERROR,
                     SrbStatus);
    NCR_REQUEST_OF(Srb)->Failure = SrbStatus;
    Extension->MessageBytes = 0;
    NcrPutAbort(Extension, Srb);
    NcrCommand(Extension, NCR_CMD_SET_ATN);
    NcrNudge(Extension);
}

/* Whether the request allows that direction. One that does not say which gets to know it now. */
static BOOLEAN NcrSettleDirection(PSCSI_REQUEST_BLOCK Srb, BOOLEAN In)
{
    ULONG way = In ? SRB_FLAGS_DATA_IN : SRB_FLAGS_DATA_OUT;

    if ((Srb->SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION) == SRB_FLAGS_UNSPECIFIED_DIRECTION)
        Srb->SrbFlags = (Srb->SrbFlags & ~(ULONG)SRB_FLAGS_UNSPECIFIED_DIRECTION) | way;
    return (Srb->SrbFlags & way) != 0;
}

VOID NcrDataPhase(PNCR_EXTENSION Extension, BOOLEAN In)
{
    PSCSI_REQUEST_BLOCK srb = NcrActiveCommand(Extension);
    ULONG moved;

    if (srb == NULL || NCR_REQUEST_OF(srb)->Failure != 0) {
        /* The target is to take the message that ends the connection. */
        NcrCommand(Extension, NCR_CMD_SET_ATN);
        NcrNudge(Extension);
        return;
    }
    moved = NCR_REQUEST_OF(srb)->Moved;
    if (!NcrSettleDirection(srb, In)) {
        NcrRefuse(Extension, srb, SRB_STATUS_PHASE_SEQUENCE_FAILURE);
        return;
    }
    if (moved >= srb->DataTransferLength) {
        NcrRefuse(Extension, srb, SRB_STATUS_DATA_OVERRUN);
        return;
    }
    Extension->Mapped = TRUE;
    Extension->DmaRuns = FALSE;
    Extension->DmaIn = In;
    Extension->MapLength = srb->DataTransferLength - moved;
    ScsiPortIoMapTransfer(Extension, srb, (PUCHAR)srb->DataBuffer + moved, Extension->MapLength);
}

VOID NcrDmaStarted(PVOID HwDeviceExtension)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;

    if (!extension->Mapped)
        return;
    if (NcrIsGone(extension)) {
        NcrLost(extension);
        return;
    }
    extension->DmaRuns = TRUE;
    NcrWriteCount(extension, extension->MapLength);
    NcrCommand(extension, NCR_CMD_TRANSFER | NCR_CMD_DMA);
}

/* What the chip has moved between memory and the target. Bytes that wait in the FIFO have come over
 * the channel, and the target has not taken them. */
static ULONG NcrMoved(PNCR_EXTENSION Extension)
{
    ULONG left = NcrReadCount(Extension);

    if (left == 0 && !(NcrRead(Extension, NCR_STATUS) & NCR_STATUS_COUNT_ZERO))
        left = NCR_TRANSFER_MAX;
    if (!Extension->DmaIn)
        left += NcrRead(Extension, NCR_FIFO_FLAGS) & NCR_FIFO_COUNT;
    return left < Extension->MapLength ? Extension->MapLength - left : 0;
}

VOID NcrEndTransfer(PNCR_EXTENSION Extension)
{
    if (!Extension->Mapped)
        return;
    if (Extension->DmaRuns) {
        NCR_REQUEST_OF(Extension->Active)->Moved += NcrMoved(Extension);
        NcrCommand(Extension, NCR_CMD_CLEAR_FIFO);
    }
    NcrDropMapping(Extension);
}

VOID NcrDropMapping(PNCR_EXTENSION Extension)
{
    if (!Extension->Mapped)
        return;
    Extension->Mapped = Extension->DmaRuns = FALSE;
    ScsiPortFlushDma(Extension);
}
