/*
 * bt_interrupt.c: what the adapter says.
 */
#include "bt.h"

/* Takes the request with that CCB out of those that the adapter has. NULL: there is none. */
static PSCSI_REQUEST_BLOCK BtTakeActive(PBT_EXTENSION Extension, ULONG Address)
{
    ULONG i;

    for (i = 0; i < BT_REQUESTS_MAX; i++) {
        PSCSI_REQUEST_BLOCK srb = Extension->Active[i];

        if (srb != NULL && BT_REQUEST_OF(srb)->Address == Address) {
            Extension->Active[i] = NULL;
            return srb;
        }
    }
    return NULL;
}

static BOOLEAN BtIsActive(PBT_EXTENSION Extension, ULONG Address)
{
    ULONG i;

    for (i = 0; i < BT_REQUESTS_MAX; i++)
        if (Extension->Active[i] != NULL && BT_REQUEST_OF(Extension->Active[i])->Address == Address)
            return TRUE;
    return FALSE;
}

/* The abort has ended its victim; or there was none: it has ended by itself, and that answer has
 * come first. */
static VOID BtAbortAnswered(PBT_EXTENSION Extension, ULONG Address, UCHAR Code)
{
    PSCSI_REQUEST_BLOCK abort = Extension->Abort, victim;
    UCHAR status = SRB_STATUS_SUCCESS;

    Extension->Abort = NULL;
    if (Code == BT_CODE_NOT_FOUND) {
        if (BtIsActive(Extension, Address))
            status = SRB_STATUS_ABORT_FAILED;
    } else {
        victim = BtTakeActive(Extension, Address);
        if (victim != NULL)
            BtComplete(Extension, victim, SRB_STATUS_ABORTED);
    }
    BtComplete(Extension, abort, status);
    BtGiveCredit(Extension);
}

static VOID BtAnswered(PBT_EXTENSION Extension, const BT_INCOMING *Answer)
{
    PSCSI_REQUEST_BLOCK srb;

    if (Answer->Code == BT_CODE_ABORTED || Answer->Code == BT_CODE_NOT_FOUND) {
        if (Extension->Abort != NULL && Extension->AbortAddress == Answer->Address)
            BtAbortAnswered(Extension, Answer->Address, Answer->Code);
        return;
    }
    srb = BtTakeActive(Extension, Answer->Address);
    if (srb != NULL)
        BtFinish(Extension, srb, Answer->HostStatus, Answer->TargetStatus);
    else
        ScsiPortLogError(Extension, NULL, 0, BT_INITIATOR, 0, SP_INTERNAL_ADAPTER_ERROR,
                         Answer->Code);
}

/* The cause first: what comes meanwhile interrupts again. */
BOOLEAN BtInterrupt(PVOID HwDeviceExtension)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;
    UCHAR cause = BtRead(extension, BT_INTERRUPT);
    BT_INCOMING answer;
    ULONG i;

    if (cause == BT_ABSENT || (cause & BT_INT_VALID) == 0)
        return FALSE;
    BtWrite(extension, BT_CONTROL, BT_CONTROL_INTERRUPT);
    if (!extension->Ready)
        return TRUE;
    for (i = 0; i < BT_BOXES && BtTakeAnswer(extension, &answer); i++)
        BtAnswered(extension, &answer);
    if (cause & BT_INT_RESET)
        BtResetSeen(extension);
    return TRUE;
}
