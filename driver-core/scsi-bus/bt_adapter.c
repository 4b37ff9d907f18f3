/*
 * bt_adapter.c: the adapter's registers, its commands and its mailboxes.
 */
#include "bt.h"

UCHAR BtRead(PBT_EXTENSION Extension, ULONG Register)
{
    return ScsiPortReadRegisterUchar(Extension->Registers + Register);
}

VOID BtWrite(PBT_EXTENSION Extension, ULONG Register, UCHAR Value)
{
    ScsiPortWriteRegisterUchar(Extension->Registers + Register, Value);
}

ULONG BtAddress(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, PVOID Va, ULONG *Length)
{
    return ScsiPortConvertPhysicalAddressToUlong(
        ScsiPortGetPhysicalAddress(Extension, Srb, Va, Length));
}

/* ---- commands ---- */

/* Waits until the bits of Mask in a register are as Value says; not long, for the adapter answers
 * within microseconds. */
static BOOLEAN BtAwait(PBT_EXTENSION Extension, ULONG Register, UCHAR Mask, UCHAR Value)
{
    ULONG i;

    for (i = 0; i < BT_POLLS_MAX; i++) {
        UCHAR now = BtRead(Extension, Register);

        if (now == BT_ABSENT)
            return FALSE;
        if ((now & Mask) == Value)
            return TRUE;
        ScsiPortStallExecution(BT_POLL_STALL);
    }
    return FALSE;
}

/* Waits for the end of a command. What else interrupts before is of no interest: no request is
 * under way. But a bus that was reset has to settle. */
static BOOLEAN BtAwaitCommand(PBT_EXTENSION Extension)
{
    ULONG i;

    for (i = 0; i < BT_CAUSES_MAX; i++) {
        UCHAR cause;

        if (!BtAwait(Extension, BT_INTERRUPT, BT_INT_VALID, BT_INT_VALID))
            return FALSE;
        cause = BtRead(Extension, BT_INTERRUPT);
        BtWrite(Extension, BT_CONTROL, BT_CONTROL_INTERRUPT);
        if (cause & BT_INT_RESET)
            ScsiPortNotification(ResetDetected, Extension);
        if (cause & BT_INT_COMMAND)
            return TRUE;
    }
    return FALSE;
}

/* The byte of a command, and its parameters; the adapter says when it has done it. */
static BOOLEAN BtGiveCommand(PBT_EXTENSION Extension, const UCHAR *Bytes, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (!BtAwait(Extension, BT_STATUS, BT_STATUS_BUSY, 0))
            return FALSE;
        BtWrite(Extension, BT_COMMAND, Bytes[i]);
    }
    return BtAwaitCommand(Extension) && (BtRead(Extension, BT_STATUS) & BT_STATUS_INVALID) == 0;
}

/* ---- life ---- */

BOOLEAN BtHalt(PBT_EXTENSION Extension)
{
    const UCHAR mask = BT_STATUS_TEST | BT_STATUS_FAILED | BT_STATUS_MAILBOXES | BT_STATUS_READY;

    Extension->Ready = FALSE;
    BtWrite(Extension, BT_CONTROL, BT_CONTROL_SOFT_RESET | BT_CONTROL_INTERRUPT);
    return BtAwait(Extension, BT_STATUS, mask, BT_STATUS_MAILBOXES | BT_STATUS_READY);
}

static VOID BtEmptyMailboxes(PBT_EXTENSION Extension)
{
    ULONG i;

    for (i = 0; i < BT_BOXES; i++) {
        Extension->Boxes->Out[i].Action = BT_ACTION_FREE;
        Extension->Boxes->In[i].Code = BT_CODE_FREE;
    }
    Extension->NextOut = Extension->NextIn = 0;
}

BOOLEAN BtSetUp(PBT_EXTENSION Extension)
{
    static const UCHAR order[] = {BT_CMD_ROUND_ROBIN, BT_ROUND_ROBIN_STRICT};
    ULONG address = Extension->BoxesAddress;
    UCHAR boxes[] = {BT_CMD_MAILBOXES,       BT_BOXES,
                     (UCHAR)address,         (UCHAR)(address >> 8),
                     (UCHAR)(address >> 16), (UCHAR)(address >> 24)};

    if (!BtHalt(Extension))
        return FALSE;
    BtEmptyMailboxes(Extension);
    if (!BtGiveCommand(Extension, boxes, sizeof boxes) ||
        !BtGiveCommand(Extension, order, sizeof order))
        return FALSE;
    Extension->Ready = TRUE;
    return TRUE;
}

/* ---- mailboxes ---- */

BOOLEAN BtPost(PBT_EXTENSION Extension, ULONG Address, UCHAR Action)
{
    volatile BT_OUTGOING *box = &Extension->Boxes->Out[Extension->NextOut];

    if (box->Action != BT_ACTION_FREE)
        return FALSE;
    box->Address = Address;
    box->Action = Action; /* last: with it the adapter may fetch the mailbox */
    Extension->NextOut = (Extension->NextOut + 1) % BT_BOXES;
    BtWrite(Extension, BT_COMMAND, BT_CMD_START);
    return TRUE;
}

BOOLEAN BtTakeAnswer(PBT_EXTENSION Extension, BT_INCOMING *Answer)
{
    volatile BT_INCOMING *box = &Extension->Boxes->In[Extension->NextIn];

    if (box->Code == BT_CODE_FREE)
        return FALSE;
    Answer->Address = box->Address;
    Answer->HostStatus = box->HostStatus;
    Answer->TargetStatus = box->TargetStatus;
    Answer->Code = box->Code;
    box->Code = BT_CODE_FREE;
    Extension->NextIn = (Extension->NextIn + 1) % BT_BOXES;
    return TRUE;
}
