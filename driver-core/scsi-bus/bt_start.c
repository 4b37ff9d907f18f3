/*
 * bt_start.c: requests from the port, and how the adapter gets them.
 */
#include "bt.h"

BOOLEAN BtHasTag(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->QueueTag != SP_UNTAGGED;
}

/* ---- the CCB ---- */

static UCHAR BtDirection(PSCSI_REQUEST_BLOCK Srb)
{
    if (Srb->DataTransferLength == 0)
        return BT_DATA_NONE;
    switch (Srb->SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION) {
    case SRB_FLAGS_DATA_IN:
        return BT_DATA_IN;
    case SRB_FLAGS_DATA_OUT:
        return BT_DATA_OUT;
    case SRB_FLAGS_UNSPECIFIED_DIRECTION:
        return BT_DATA_IN & BT_DATA_OUT; /* neither: the target says */
    default:
        return BT_DATA_NONE;
    }
}

static UCHAR BtLunAndTag(PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR action = SRB_SIMPLE_TAG_REQUEST;

    if (!BtHasTag(Srb))
        return Srb->Lun & BT_LUN_MASK;
    if (Srb->SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE)
        action = Srb->QueueAction;
    return (UCHAR)((Srb->Lun & BT_LUN_MASK) | BT_TAG |
                   (action - SRB_SIMPLE_TAG_REQUEST) << BT_TAG_ACTION);
}

static BOOLEAN BtWantsSense(PSCSI_REQUEST_BLOCK Srb)
{
    return Srb->SenseInfoBuffer != NULL && Srb->SenseInfoBufferLength > BT_SENSE_NONE &&
           (Srb->SrbFlags & SRB_FLAGS_DISABLE_AUTOSENSE) == 0;
}

static VOID BtBuildSense(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, BT_CCB *Ccb)
{
    ULONG length = Srb->SenseInfoBufferLength;

    Ccb->SenseBytes = BT_SENSE_NONE;
    Ccb->Sense = 0;
    if (!BtWantsSense(Srb))
        return;
    Ccb->Sense = BtAddress(Extension, Srb, Srb->SenseInfoBuffer, &length);
    Ccb->SenseBytes = Srb->SenseInfoBufferLength;
    if (length < Ccb->SenseBytes)
        Ccb->SenseBytes = (UCHAR)length;
}

/* One element for each stretch of memory. FALSE: there are more than the list has room for. */
static BOOLEAN BtBuildList(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, PBT_REQUEST Request)
{
    ULONG left = Srb->DataTransferLength, count, length;
    PUCHAR at = (PUCHAR)Srb->DataBuffer;

    for (count = 0; left != 0; count++) {
        if (count == BT_BREAKS_MAX)
            return FALSE;
        length = left;
        Request->List[count].Address = BtAddress(Extension, Srb, at, &length);
        if (length == 0)
            return FALSE;
        if (length > left)
            length = left; /* memory may go on behind the buffer */
        Request->List[count].Length = length;
        at += length;
        left -= length;
    }
    length = sizeof Request->List;
    Request->Ccb.Length = count * sizeof(BT_ELEMENT);
    Request->Ccb.Data = BtAddress(Extension, NULL, Request->List, &length);
    return TRUE;
}

/* FALSE: it cannot be said in a CCB. */
static BOOLEAN BtBuildCcb(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    PBT_REQUEST request = BT_REQUEST_OF(Srb);
    BT_CCB *ccb = &request->Ccb;
    ULONG length = sizeof *ccb;
    UCHAR i;

    if (Srb->CdbLength == 0 || Srb->CdbLength > BT_CDB_MAX)
        return FALSE;
    request->Address = BtAddress(Extension, NULL, ccb, &length);
    ccb->Direction = BtDirection(Srb);
    ccb->Opcode = ccb->Direction == BT_DATA_NONE ? BT_OP_COMMAND : BT_OP_LIST;
    ccb->Length = ccb->Data = 0;
    ccb->HostStatus = BT_HOST_GOOD;
    ccb->TargetStatus = SCSISTAT_GOOD;
    ccb->Target = Srb->TargetId;
    ccb->Lun = BtLunAndTag(Srb);
    ccb->CdbBytes = Srb->CdbLength;
    for (i = 0; i < BT_CDB_MAX; i++)
        ccb->Cdb[i] = i < Srb->CdbLength ? Srb->Cdb[i] : 0;
    for (i = 0; i < sizeof ccb->Reserved2; i++)
        ccb->Reserved2[i] = 0;
    ccb->Reserved[0] = ccb->Reserved[1] = 0;
    BtBuildSense(Extension, Srb, ccb);
    return ccb->Opcode == BT_OP_COMMAND || BtBuildList(Extension, Srb, request);
}

/* ---- commands ---- */

static ULONG BtFreePlace(PBT_EXTENSION Extension)
{
    ULONG place = 0;

    while (place < BT_REQUESTS_MAX && Extension->Active[place] != NULL)
        place++;
    return place;
}

static VOID BtTakeCommand(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    ULONG place = BtFreePlace(Extension);

    if (!BtBuildCcb(Extension, Srb)) {
        BtComplete(Extension, Srb, SRB_STATUS_INVALID_REQUEST);
    } else if (place < BT_REQUESTS_MAX &&
               BtPost(Extension, BT_REQUEST_OF(Srb)->Address, BT_ACTION_START)) {
        Extension->Active[place] = Srb;
    } else {
        BtComplete(Extension, Srb, SRB_STATUS_BUSY);
    }
    BtGiveCredit(Extension);
}

/* ---- abort ---- */

/* Whether the request that an abort names is still ours. */
static BOOLEAN BtVictimLives(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Abort)
{
    PSCSI_REQUEST_BLOCK found =
        ScsiPortGetSrb(Extension, Abort->PathId, Abort->TargetId, Abort->Lun, Abort->QueueTag);

    return found != NULL && found == Abort->NextSrb;
}

/* The credit waits for the adapter's answer. */
static VOID BtTakeAbort(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    UCHAR status = SRB_STATUS_ABORT_FAILED;

    if (BtVictimLives(Extension, Srb)) {
        Extension->AbortAddress = BT_REQUEST_OF(Srb->NextSrb)->Address;
        if (BtPost(Extension, Extension->AbortAddress, BT_ACTION_ABORT)) {
            Extension->Abort = Srb;
            return;
        }
        status = SRB_STATUS_BUSY;
    }
    BtComplete(Extension, Srb, status);
    BtGiveCredit(Extension);
}

/* ---- StartIo ---- */

/* The adapter is there, and has its mailboxes; it may have been lost, and have come back. */
static BOOLEAN BtIsUsable(PBT_EXTENSION Extension)
{
    if (BtRead(Extension, BT_STATUS) == BT_ABSENT)
        return FALSE;
    return Extension->Ready || BtSetUp(Extension);
}

static VOID BtDispatch(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    switch (Srb->Function) {
    case SRB_FUNCTION_EXECUTE_SCSI:
        BtTakeCommand(Extension, Srb);
        break;
    case SRB_FUNCTION_ABORT_COMMAND:
        BtTakeAbort(Extension, Srb);
        break;
    case SRB_FUNCTION_RESET_BUS:
        BtResetRequest(Extension, Srb);
        break;
    default:
        BtComplete(Extension, Srb, SRB_STATUS_INVALID_REQUEST);
        BtGiveCredit(Extension);
        break;
    }
}

BOOLEAN BtStartIo(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;

    extension->CreditTaken = TRUE;
    extension->CreditTagged = Srb->Function == SRB_FUNCTION_EXECUTE_SCSI ? BtHasTag(Srb) : FALSE;
    extension->CreditTarget = Srb->TargetId;
    extension->CreditLun = Srb->Lun;
    if (BtIsUsable(extension))
        BtDispatch(extension, Srb);
    else
        BtLost(extension); /* that request, too */
    return TRUE;
}
