/*
 * ncr_interrupt.c: what the chip says, and what the phases of the bus ask for.
 */
#include "ncr.h"

VOID NcrConfused(PNCR_EXTENSION Extension, ULONG Error)
{
    ScsiPortLogError(Extension, NULL, 0, Extension->Target, Extension->Lun, Error,
                     (ULONG)Extension->Bus);
    NcrResetBus(Extension, 0);
}

VOID NcrNudge(PNCR_EXTENSION Extension)
{
    NcrWriteCount(Extension, 1);
    NcrCommand(Extension, NCR_CMD_PAD | NCR_CMD_DMA);
}

static VOID NcrFetch(PNCR_EXTENSION Extension, NCR_FETCH Fetch)
{
    Extension->Fetch = Fetch;
    NcrCommand(Extension, Fetch == NcrFetchStatus ? NCR_CMD_COMPLETE : NCR_CMD_TRANSFER);
}

static VOID NcrServePhase(PNCR_EXTENSION Extension, UCHAR Phase)
{
    if (Extension->Bus == NcrReselected && Phase != NCR_MESSAGE_IN)
        NcrNoTag(Extension);
    switch (Phase) {
    case NCR_DATA_OUT:
    case NCR_DATA_IN:
        NcrDataPhase(Extension, Phase == NCR_DATA_IN);
        break;
    case NCR_STATUS_IN:
        NcrFetch(Extension, NcrFetchStatus);
        break;
    case NCR_MESSAGE_IN:
        NcrFetch(Extension, NcrFetchMessage);
        break;
    case NCR_MESSAGE_OUT:
        NcrSendMessage(Extension);
        break;
    default: /* the command has been sent as a whole */
        NcrConfused(Extension, SP_PROTOCOL_ERROR);
        break;
    }
}

/* A target asserts a phase. */
static VOID NcrService(PNCR_EXTENSION Extension, UCHAR Phase, UCHAR Step)
{
    switch (Extension->Bus) {
    case NcrSelecting:
        NcrSetTimer(Extension, 0);
        Extension->Bus = NcrConnected;
        NcrCommand(Extension, NCR_CMD_CLEAR_FIFO);
        if (Step == NCR_STEP_NO_MESSAGE)
            NcrConfused(Extension, SP_PROTOCOL_ERROR);
        else
            NcrServePhase(Extension, Phase);
        break;
    case NcrConnected:
    case NcrReselected:
        NcrEndTransfer(Extension);
        if (Extension->Fetch == NcrFetchStatus)
            NcrReceivedStatus(Extension); /* and no message behind it */
        NcrServePhase(Extension, Phase);
        break;
    default:
        NcrConfused(Extension, SP_INTERNAL_ADAPTER_ERROR);
        break;
    }
}

static VOID NcrFetched(PNCR_EXTENSION Extension)
{
    NCR_FETCH fetch = Extension->Fetch;

    if (fetch == NcrFetchStatus)
        NcrReceivedStatus(Extension);
    else if (fetch == NcrFetchMessage)
        NcrReceivedMessage(Extension);
    else
        NcrConfused(Extension, SP_INTERNAL_ADAPTER_ERROR);
}

static VOID NcrParity(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK srb = NcrActiveCommand(Extension);

    ScsiPortLogError(Extension, srb, 0, Extension->Target, Extension->Lun, SP_BUS_PARITY_ERROR, 0);
    if (srb != NULL)
        NCR_REQUEST_OF(srb)->Parity = TRUE;
}

BOOLEAN NcrInterrupt(PVOID HwDeviceExtension)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;
    UCHAR status = NcrRead(extension, NCR_STATUS);
    UCHAR step, cause;

    if (status == NCR_ABSENT || (status & NCR_STATUS_INTERRUPT) == 0)
        return FALSE;
    step = NcrRead(extension, NCR_STEP) & NCR_STEP_MASK;
    cause = NcrRead(extension, NCR_INTERRUPT); /* which ends the interrupt, and clears the step */
    if (extension->Bus == NcrStopped)
        return TRUE;
    if (cause & NCR_INT_RESET) {
        NcrResetSeen(extension);
        return TRUE;
    }
    if ((cause & NCR_INT_ILLEGAL) != 0 || (status & NCR_STATUS_GROSS) != 0) {
        NcrConfused(extension, SP_INTERNAL_ADAPTER_ERROR);
        return TRUE;
    }
    if (status & NCR_STATUS_PARITY)
        NcrParity(extension);
    if (cause & NCR_INT_DISCONNECTED)
        NcrBusFree(extension);
    else if (cause & NCR_INT_RESELECTED)
        NcrReselection(extension);
    else if (cause & NCR_INT_SERVICE)
        NcrService(extension, status & NCR_STATUS_PHASE, step);
    else if (cause & NCR_INT_DONE)
        NcrFetched(extension);
    return TRUE;
}
