/*
 * ncr_start.c: requests from the port, and how they get the bus.
 */
#include "ncr.h"

BOOLEAN NcrHasTag(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->QueueTag != SP_UNTAGGED;
}

BOOLEAN NcrIsAbort(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->Function == SRB_FUNCTION_ABORT_COMMAND;
}

/* ---- selection ---- */

static UCHAR NcrIdentify(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR message = Srb->SrbFlags & SRB_FLAGS_DISABLE_DISCONNECT ? SCSIMESS_IDENTIFY
                                                                 : SCSIMESS_IDENTIFY_WITH_DISCON;

    return (UCHAR)(message | (Srb->Lun & NCR_LUN_OF_IDENTIFY));
}

static UCHAR NcrQueueMessage(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE ? Srb->QueueAction
                                                         : SRB_SIMPLE_TAG_REQUEST;
}

/* The FIFO is empty since the bus is free. If a target reselects us first, the chip takes neither
 * bytes nor command, and its interrupt says so. */
static VOID NcrSelect(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Messages,
                      ULONG Count, UCHAR Command)
{
    Extension->Bus = NcrSelecting;
    Extension->Active = Srb;
    Extension->Target = Srb->TargetId;
    Extension->Lun = Srb->Lun;
    Extension->Leaves = NcrStays;
    Extension->Fetch = NcrFetchNothing;
    NcrWrite(Extension, NCR_DESTINATION, Srb->TargetId);
    NcrSend(Extension, Messages, Count);
    if (!NcrIsAbort(Srb))
        NcrSend(Extension, Srb->Cdb, Srb->CdbLength);
    NcrSetTimer(Extension, NCR_WATCH_SELECT);
    NcrCommand(Extension, Command);
}

static VOID NcrSelectForCommand(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR messages[3];

    messages[0] = NcrIdentify(Srb);
    messages[1] = NcrQueueMessage(Srb);
    messages[2] = Srb->QueueTag;
    Extension->MessageBytes = 0;
    if (NcrHasTag(Srb))
        NcrSelect(Extension, Srb, messages, 3, NCR_CMD_SELECT_ATN3);
    else
        NcrSelect(Extension, Srb, messages, 1, NCR_CMD_SELECT_ATN);
}

/* ---- abort ---- */

VOID NcrPutAbort(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Victim)
{
    Extension->Message[Extension->MessageBytes++] =
        NcrHasTag(Victim) ? SCSIMESS_ABORT_WITH_TAG : SCSIMESS_ABORT;
}

VOID NcrAbortActive(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Abort)
{
    Extension->Abort = Abort;
    Extension->MessageBytes = 0;
    NcrPutAbort(Extension, Extension->Active);
    NcrCommand(Extension, NCR_CMD_SET_ATN);
    if (Extension->Mapped && !Extension->DmaRuns) {
        /* Nothing moves yet: the target takes the message instead of data. */
        NcrDropMapping(Extension);
        NcrNudge(Extension);
    }
}

/* The victim is disconnected: IDENTIFY goes with the selection, tag and ABORT when the target asks
 * for them. */
static VOID NcrSelectForAbort(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Abort)
{
    PSCSI_REQUEST_BLOCK victim = Abort->NextSrb;
    UCHAR identify = NcrIdentify(victim);

    Extension->Abort = Abort;
    Extension->MessageBytes = 0;
    if (NcrHasTag(victim)) {
        Extension->Message[Extension->MessageBytes++] = SRB_SIMPLE_TAG_REQUEST;
        Extension->Message[Extension->MessageBytes++] = victim->QueueTag;
    }
    NcrPutAbort(Extension, victim);
    NcrSelect(Extension, Abort, &identify, 1, NCR_CMD_SELECT_STOP);
}

/* Whether the request that an abort names is still ours. */
static BOOLEAN NcrVictimLives(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Abort)
{
    PSCSI_REQUEST_BLOCK found =
        ScsiPortGetSrb(Extension, Abort->PathId, Abort->TargetId, Abort->Lun, Abort->QueueTag);

    return found != NULL && found == Abort->NextSrb;
}

static VOID NcrTakeAbort(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    if (!NcrVictimLives(Extension, Srb)) {
        NcrComplete(Extension, Srb, SRB_STATUS_ABORT_FAILED);
        NcrGiveCredit(Extension);
    } else if (Extension->Bus == NcrFree) {
        NcrStart(Extension, Srb);
    } else if (Extension->Active == Srb->NextSrb) {
        NcrAbortActive(Extension, Srb);
    } else {
        Extension->Waiting = Srb;
    }
}

/* ---- StartIo ---- */

VOID NcrStart(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    if (NcrIsGone(Extension)) {
        NcrLost(Extension);
    } else if (!NcrIsAbort(Srb)) {
        NcrSelectForCommand(Extension, Srb);
    } else if (NcrVictimLives(Extension, Srb)) {
        NcrSelectForAbort(Extension, Srb);
    } else {
        /* The victim has ended while the abort waited for the bus. */
        NcrComplete(Extension, Srb, SRB_STATUS_SUCCESS);
        NcrGiveCredit(Extension);
    }
}

static VOID NcrTakeCommand(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    PNCR_REQUEST request = NCR_REQUEST_OF(Srb);

    if (Srb->CdbLength == 0 || Srb->CdbLength > NCR_CDB_MAX) {
        NcrComplete(Extension, Srb, SRB_STATUS_INVALID_REQUEST);
        NcrGiveCredit(Extension);
        return;
    }
    request->Moved = request->Saved = 0;
    request->Status = SCSISTAT_GOOD;
    request->Failure = 0;
    request->Parity = FALSE;
    if (Extension->Bus == NcrFree)
        NcrStart(Extension, Srb);
    else
        Extension->Waiting = Srb; /* a target has come first, or the bus is being reset */
}

BOOLEAN NcrStartIo(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;

    extension->CreditTaken = TRUE;
    extension->CreditTagged = Srb->Function == SRB_FUNCTION_EXECUTE_SCSI ? NcrHasTag(Srb) : FALSE;
    extension->CreditTarget = Srb->TargetId;
    extension->CreditLun = Srb->Lun;
    switch (Srb->Function) {
    case SRB_FUNCTION_EXECUTE_SCSI:
        NcrTakeCommand(extension, Srb);
        break;
    case SRB_FUNCTION_ABORT_COMMAND:
        NcrTakeAbort(extension, Srb);
        break;
    case SRB_FUNCTION_RESET_BUS:
        NcrResetRequest(extension, Srb);
        break;
    default:
        NcrComplete(extension, Srb, SRB_STATUS_INVALID_REQUEST);
        NcrGiveCredit(extension);
        break;
    }
    return TRUE;
}
