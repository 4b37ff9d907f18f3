/*
 * bt_finish.c: how requests end.
 */
#include "bt.h"

VOID BtComplete(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
    Srb->SrbStatus = SrbStatus;
    ScsiPortNotification(RequestComplete, Extension, Srb);
}

VOID BtGiveCredit(PBT_EXTENSION Extension)
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

/* ---- one ---- */

/* The adapter has fetched the sense data: as many bytes as there is room for, or as there are. */
static UCHAR BtSenseStatus(PSCSI_REQUEST_BLOCK Srb)
{
    const ULONG head = FIELD_OFFSET(SENSE_DATA, CommandSpecificInformation);
    const SENSE_DATA *sense = (const SENSE_DATA *)Srb->SenseInfoBuffer;
    ULONG bytes = BT_REQUEST_OF(Srb)->Ccb.SenseBytes;

    if (bytes == BT_SENSE_NONE)
        return SRB_STATUS_ERROR;
    if (bytes >= head && head + sense->AdditionalSenseLength < bytes)
        bytes = head + sense->AdditionalSenseLength;
    if (bytes < Srb->SenseInfoBufferLength)
        Srb->SenseInfoBufferLength = (UCHAR)bytes;
    return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

/* The target has sent its status. */
static UCHAR BtTargetStatus(PSCSI_REQUEST_BLOCK Srb, UCHAR TargetStatus)
{
    ULONG rest = BT_REQUEST_OF(Srb)->Ccb.Length;

    Srb->ScsiStatus = TargetStatus;
    if (TargetStatus == SCSISTAT_CHECK_CONDITION)
        return BtSenseStatus(Srb);
    if (TargetStatus != SCSISTAT_GOOD)
        return SRB_STATUS_ERROR;
    if (BT_REQUEST_OF(Srb)->Ccb.Opcode != BT_OP_LIST || rest == 0)
        return SRB_STATUS_SUCCESS;
    Srb->DataTransferLength -= rest < Srb->DataTransferLength ? rest : Srb->DataTransferLength;
    return SRB_STATUS_DATA_OVERRUN;
}

/* What the adapter itself has to say; *Error for the log, or 0. */
static UCHAR BtHostStatus(PSCSI_REQUEST_BLOCK Srb, UCHAR HostStatus, ULONG *Error)
{
    *Error = 0;
    switch (HostStatus) {
    case BT_HOST_SELECTION:
        return SRB_STATUS_SELECTION_TIMEOUT;
    case BT_HOST_OVERRUN:
        return SRB_STATUS_DATA_OVERRUN;
    case BT_HOST_OWN_RESET:
    case BT_HOST_OTHER_RESET:
        return SRB_STATUS_BUS_RESET;
    case BT_HOST_SENSE: /* the port may ask for it */
        Srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
        return SRB_STATUS_ERROR;
    case BT_HOST_BUS_FREE:
        *Error = SP_UNEXPECTED_DISCONNECT;
        return SRB_STATUS_UNEXPECTED_BUS_FREE;
    case BT_HOST_PHASE:
        *Error = SP_PROTOCOL_ERROR;
        return SRB_STATUS_PHASE_SEQUENCE_FAILURE;
    case BT_HOST_RECONNECT:
        *Error = SP_INVALID_RESELECTION;
        return SRB_STATUS_PHASE_SEQUENCE_FAILURE;
    case BT_HOST_PARITY:
        *Error = SP_BUS_PARITY_ERROR;
        return SRB_STATUS_PARITY_ERROR;
    default:
        *Error = SP_INTERNAL_ADAPTER_ERROR;
        return SRB_STATUS_ERROR;
    }
}

VOID BtFinish(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, UCHAR HostStatus,
              UCHAR TargetStatus)
{
    ULONG error;
    UCHAR status;

    if (HostStatus == BT_HOST_GOOD || HostStatus == BT_HOST_UNDERRUN) {
        BtComplete(Extension, Srb, BtTargetStatus(Srb, TargetStatus));
        return;
    }
    status = BtHostStatus(Srb, HostStatus, &error);
    if (error != 0)
        ScsiPortLogError(Extension, Srb, Srb->PathId, Srb->TargetId, Srb->Lun, error, HostStatus);
    BtComplete(Extension, Srb, status);
}

/* ---- all ---- */

VOID BtEndAll(PBT_EXTENSION Extension, UCHAR SrbStatus)
{
    ULONG i;

    for (i = 0; i < BT_REQUESTS_MAX; i++)
        Extension->Active[i] = NULL;
    Extension->Abort = NULL;
    ScsiPortCompleteRequest(Extension, 0, SP_UNTAGGED, SP_UNTAGGED, SrbStatus);
}

VOID BtLost(PBT_EXTENSION Extension)
{
    (VOID) BtHalt(Extension); /* should it be there after all, it moves nothing more */
    BtEndAll(Extension, SRB_STATUS_NO_HBA);
    BtGiveCredit(Extension);
}
