/*
 * ncr_connection.c: messages, and how connections begin and end.
 */
#include "ncr.h"

PSCSI_REQUEST_BLOCK NcrActiveCommand(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK srb = Extension->Active;

    return srb != NULL && !NcrIsAbort(srb) ? srb : NULL;
}

/* ---- reselection ---- */

/* The connection is with nobody whom we know. The message that ends it goes when the target sees
 * ATN. */
static VOID NcrDisown(PNCR_EXTENSION Extension)
{
    ScsiPortLogError(Extension, NULL, 0, Extension->Target, Extension->Lun, SP_INVALID_RESELECTION,
                     0);
    Extension->Message[0] = Extension->TagFollows ? SCSIMESS_ABORT_WITH_TAG : SCSIMESS_ABORT;
    Extension->MessageBytes = 1;
    Extension->TagFollows = FALSE;
    Extension->Bus = NcrConnected;
    NcrCommand(Extension, NCR_CMD_SET_ATN);
}

/* The request that the target goes on with; NULL: none of ours. */
static VOID NcrResume(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    if (Srb == NULL || Srb == Extension->Waiting || NcrIsAbort(Srb)) {
        NcrDisown(Extension);
        return;
    }
    Extension->TagFollows = FALSE;
    Extension->Bus = NcrConnected;
    Extension->Active = Srb;
    NCR_REQUEST_OF(Srb)->Moved = NCR_REQUEST_OF(Srb)->Saved;
    if (Extension->Waiting != NULL && NcrIsAbort(Extension->Waiting) &&
        Extension->Waiting->NextSrb == Srb) {
        PSCSI_REQUEST_BLOCK abort = Extension->Waiting;

        Extension->Waiting = NULL;
        NcrAbortActive(Extension, abort);
    }
}

/* The chip has put two bytes into the FIFO: a bit for each of the two IDs, and IDENTIFY. */
VOID NcrReselection(PNCR_EXTENSION Extension)
{
    UCHAR bytes[2], ids;

    if ((Extension->Bus != NcrFree && Extension->Bus != NcrSelecting) ||
        NcrReceive(Extension, bytes, 2) != 2) {
        NcrConfused(Extension, SP_INVALID_RESELECTION);
        return;
    }
    if (Extension->Bus == NcrSelecting) {
        /* The target was faster than our selection. */
        NcrSetTimer(Extension, 0);
        Extension->Waiting = Extension->Active;
        Extension->Abort = NULL;
    }
    ids = (UCHAR)(bytes[0] & ~(1u << NCR_INITIATOR));
    Extension->Target = 0;
    while (ids > 1) {
        ids >>= 1;
        Extension->Target++;
    }
    Extension->Lun = bytes[1] & NCR_LUN_OF_IDENTIFY;
    Extension->Active = NULL;
    Extension->MessageBytes = 0;
    Extension->TagFollows = FALSE;
    Extension->Leaves = NcrStays;
    Extension->Fetch = NcrFetchNothing;
    Extension->Bus = NcrReselected;
    NcrCommand(Extension, NCR_CMD_ACCEPT);
}

/* ---- messages ---- */

VOID NcrNoTag(PNCR_EXTENSION Extension)
{
    NcrResume(Extension,
              ScsiPortGetSrb(Extension, 0, Extension->Target, Extension->Lun, SP_UNTAGGED));
}

static VOID NcrTakeMessage(PNCR_EXTENSION Extension, UCHAR Byte)
{
    PSCSI_REQUEST_BLOCK srb = NcrActiveCommand(Extension);

    switch (Byte) {
    case SCSIMESS_COMMAND_COMPLETE:
        Extension->Leaves = NcrLeavesComplete;
        break;
    case SCSIMESS_DISCONNECT:
        Extension->Leaves = NcrLeavesDisconnect;
        break;
    case SCSIMESS_SAVE_DATA_POINTER:
        if (srb != NULL)
            NCR_REQUEST_OF(srb)->Saved = NCR_REQUEST_OF(srb)->Moved;
        break;
    case SCSIMESS_RESTORE_POINTERS:
        if (srb != NULL)
            NCR_REQUEST_OF(srb)->Moved = NCR_REQUEST_OF(srb)->Saved;
        break;
    case SCSIMESS_MESSAGE_REJECT:
    case SCSIMESS_NO_OPERATION:
        break;
    default:
        Extension->Message[0] = SCSIMESS_MESSAGE_REJECT;
        Extension->MessageBytes = 1;
        NcrCommand(Extension, NCR_CMD_SET_ATN);
        break;
    }
}

/* After a reselection the first message may say that a tag follows, and which. */
static VOID NcrTakeByte(PNCR_EXTENSION Extension, UCHAR Byte)
{
    if (Extension->Bus != NcrReselected) {
        NcrTakeMessage(Extension, Byte);
    } else if (Extension->TagFollows) {
        NcrResume(Extension, ScsiPortGetSrb(Extension, 0, Extension->Target, Extension->Lun, Byte));
    } else if (Byte == SCSIMESS_SIMPLE_QUEUE_TAG) {
        Extension->TagFollows = TRUE;
    } else {
        NcrNoTag(Extension);
        NcrTakeMessage(Extension, Byte);
    }
    NcrCommand(Extension, NCR_CMD_ACCEPT);
}

VOID NcrReceivedMessage(PNCR_EXTENSION Extension)
{
    UCHAR byte = SCSIMESS_NO_OPERATION;

    Extension->Fetch = NcrFetchNothing;
    NcrReceive(Extension, &byte, 1);
    NcrTakeByte(Extension, byte);
}

/* Status, and the message that should follow it. */
VOID NcrReceivedStatus(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK srb = NcrActiveCommand(Extension);
    UCHAR bytes[2];
    ULONG count = NcrReceive(Extension, bytes, 2);

    Extension->Fetch = NcrFetchNothing;
    if (count >= 1 && srb != NULL)
        NCR_REQUEST_OF(srb)->Status = bytes[0];
    if (count == 2)
        NcrTakeByte(Extension, bytes[1]);
}

/* The target asks because of ATN, which goes with the last byte. */
VOID NcrSendMessage(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK srb = NcrActiveCommand(Extension);
    UCHAR last;

    if (Extension->MessageBytes == 0) {
        Extension->Message[0] = srb != NULL && NCR_REQUEST_OF(srb)->Parity
                                    ? SCSIMESS_INIT_DETECTED_ERROR
                                    : SCSIMESS_NO_OPERATION;
        Extension->MessageBytes = 1;
    }
    last = Extension->Message[Extension->MessageBytes - 1];
    if (last == SCSIMESS_ABORT || last == SCSIMESS_ABORT_WITH_TAG)
        Extension->Leaves = NcrLeavesAborted;
    NcrSend(Extension, Extension->Message, Extension->MessageBytes);
    Extension->MessageBytes = 0;
    NcrCommand(Extension, NCR_CMD_TRANSFER);
}

/* ---- bus free ---- */

/* The target has forgotten the victim of an abort, the request that the driver itself ended, or one
 * that nobody knows. */
static VOID NcrAborted(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    PSCSI_REQUEST_BLOCK abort = Extension->Abort;

    Extension->Abort = NULL;
    if (abort != NULL) {
        NcrComplete(Extension, abort->NextSrb, SRB_STATUS_ABORTED);
        NcrComplete(Extension, abort, SRB_STATUS_SUCCESS);
    } else if (Srb != NULL) {
        NcrComplete(Extension, Srb, NCR_REQUEST_OF(Srb)->Failure);
    }
}

static VOID NcrDroppedOff(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    ScsiPortLogError(Extension, Srb, 0, Extension->Target, Extension->Lun, SP_UNEXPECTED_DISCONNECT,
                     0);
    if (Srb != NULL && NcrIsAbort(Srb))
        NcrAborted(Extension, NULL);
    else if (Srb != NULL)
        NcrComplete(Extension, Srb, SRB_STATUS_UNEXPECTED_BUS_FREE);
}

/* Nobody answered the selection. A victim whose target is gone has ended. */
static VOID NcrNotSelected(PNCR_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    NcrSetTimer(Extension, 0);
    if (NcrIsAbort(Srb))
        NcrAborted(Extension, NULL);
    else
        NcrComplete(Extension, Srb, SRB_STATUS_SELECTION_TIMEOUT);
}

/* An abort whose victim got away: it disconnected or ended before the target saw ATN. */
static VOID NcrKeepAbort(PNCR_EXTENSION Extension)
{
    if (Extension->Abort != NULL)
        Extension->Waiting = Extension->Abort;
    Extension->Abort = NULL;
}

VOID NcrBusFree(PNCR_EXTENSION Extension)
{
    PSCSI_REQUEST_BLOCK srb = Extension->Active;
    NCR_BUS bus = Extension->Bus;

    NcrEndTransfer(Extension);
    Extension->Bus = NcrFree;
    Extension->Active = NULL;
    if (bus == NcrSelecting) {
        NcrNotSelected(Extension, srb);
    } else if (bus == NcrConnected || bus == NcrReselected) {
        if (Extension->Leaves == NcrLeavesAborted)
            NcrAborted(Extension, srb);
        else if (Extension->Leaves == NcrStays)
            NcrDroppedOff(Extension, srb);
        else if (Extension->Leaves == NcrLeavesComplete && srb != NULL)
            NcrFinish(Extension, srb);
    }
    NcrKeepAbort(Extension);
    NcrNext(Extension);
}
