/*
 * ncr_finish.c: how requests end: completion, reset of the bus, the watch over selections.
 */
#include "ncr.h"

/* ---- completion ---- */

VOID NcrComplete(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    Srb->SrbStatus = SrbStatus;
    ScsiPortNotification(RequestComplete, Extension, Srb);
}

/* The target has sent its status. */
VOID NcrFinish(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    PNCR_REQUEST request = NCR_REQUEST_OF(Srb);

    Srb->ScsiStatus = request->Status;
    if (request->Status != SCSISTAT_GOOD) {
        NcrComplete(Extension, Srb, SRB_STATUS_ERROR);
    } else if (request->Parity) {
        NcrComplete(Extension, Srb, SRB_STATUS_PARITY_ERROR);
    } else if (request->Moved < Srb->DataTransferLength) {
        Srb->DataTransferLength = request->Moved;
        NcrComplete(Extension, Srb, SRB_STATUS_DATA_OVERRUN);
    } else {
        NcrComplete(Extension, Srb, SRB_STATUS_SUCCESS);
    }
}

VOID NcrGiveCredit(PNCR_EXTENSION Extension)
{
    if (!Extension->CreditTaken)
        return;
    Extension->CreditTaken = FALSE;
    if (Extension->CreditTagged)
        ScsiPortNotification(NextLuRequest, Extension, 0, Extension->CreditTarget,
                             Extension->CreditLun);
    else
        ScsiPortNotification(NextRequest, Extension);
}

VOID NcrNext(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK waiting = Extension->Waiting;

    Extension->Waiting = NULL;
    NcrCommand(Extension, NCR_CMD_CLEAR_FIFO);
    NcrCommand(Extension, NCR_CMD_LISTEN);
    if (waiting != NULL)
        NcrStart(Extension, waiting);
    else
        NcrGiveCredit(Extension);
}

/* All requests end. The chip moves nothing more. */
static VOID NcrEndAll(PNCR_EXTENSION Extension, UCHAR SrbStatus)
{
    NcrDropMapping(Extension);
    NcrSetTimer(Extension, 0);
    Extension->Active = Extension->Waiting = Extension->Abort = NULL;
    Extension->MessageBytes = 0;
    ScsiPortCompleteRequest(Extension, 0, SP_UNTAGGED, SP_UNTAGGED, SrbStatus);
}

VOID NcrLost(PNCR_EXTENSION Extension)
{
    Extension->Bus = NcrFree;
    NcrEndAll(Extension, SRB_STATUS_NO_HBA);
    NcrGiveCredit(Extension);
}

/* ---- reset ---- */

/* Stops the chip and resets the bus. */
static BOOLEAN NcrDriveReset(PNCR_EXTENSION Extension)
{
    Extension->Bus = NcrFree;
    if (!NcrSetUp(Extension))
        return FALSE;
    Extension->Bus = NcrResetting;
    NcrCommand(Extension, NCR_CMD_RESET_BUS);
    return TRUE;
}

/* The port lets the bus settle, whoever has reset it. */
static VOID NcrAfterReset(PNCR_EXTENSION Extension, BOOLEAN Done)
{
    NcrEndAll(Extension, SRB_STATUS_BUS_RESET);
    if (Done) {
        ScsiPortNotification(ResetDetected, Extension);
        NcrSetTimer(Extension, NCR_WATCH_RESET);
    }
    NcrGiveCredit(Extension);
}

BOOLEAN NcrResetBus(PVOID HwDeviceExtension, ULONG PathId)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;
    BOOLEAN done = NcrDriveReset(extension);

    (VOID) PathId; /* there is one bus */
    NcrAfterReset(extension, done);
    return done;
}

VOID NcrResetRequest(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    BOOLEAN done = NcrDriveReset(Extension);

    NcrDropMapping(Extension);
    NcrComplete(Extension, Srb, done ? SRB_STATUS_SUCCESS : SRB_STATUS_NO_HBA);
    NcrAfterReset(Extension, done);
}

/* The bus was reset; by us, or by another. */
VOID NcrResetSeen(PNCR_EXTENSION Extension)
{
    BOOLEAN ours = Extension->Bus == NcrResetting;

    Extension->Bus = NcrFree;
    if (ours) {
        NcrSetTimer(Extension, 0);
    } else {
        NcrEndAll(Extension, SRB_STATUS_BUS_RESET);
        ScsiPortNotification(ResetDetected, Extension);
    }
    NcrNext(Extension);
}

/* ---- the watch ---- */

/* A selection, or a reset, has not come to its end. */
static VOID NcrTimer(PVOID HwDeviceExtension)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;

    if (extension->Bus != NcrSelecting && extension->Bus != NcrResetting)
        return;
    if (NcrIsGone(extension)) {
        NcrLost(extension);
    } else if (NcrRead(extension, NCR_STATUS) & NCR_STATUS_INTERRUPT) {
        ScsiPortLogError(extension, NULL, 0, extension->Target, extension->Lun,
                         SP_IRQ_NOT_RESPONDING, 0);
        NcrInterrupt(extension);
    } else if (extension->Bus == NcrSelecting) {
        ScsiPortLogError(extension, extension->Active, 0, extension->Target, extension->Lun,
                         SP_BUS_TIME_OUT, 0);
        NcrResetBus(extension, 0);
    } else {
        extension->Bus = NcrFree;
        NcrNext(extension);
    }
}

VOID NcrSetTimer(PNCR_EXTENSION Extension, ULONG Microseconds)
{
    ScsiPortNotification(RequestTimerCall, Extension, NcrTimer, Microseconds);
}
