/*
 * bt_reset.c: resets of the bus, our own and others.
 */
#include "bt.h"

/* The adapter stops and forgets, then resets the bus. */
static BOOLEAN BtDriveReset(PBT_EXTENSION Extension)
{
    if (!BtSetUp(Extension))
        return FALSE;
    Extension->Resetting = TRUE;
    BtWrite(Extension, BT_CONTROL, BT_CONTROL_BUS_RESET);
    return TRUE;
}

/* The port lets the bus settle, whoever has reset it. */
static VOID BtAfterReset(PBT_EXTENSION Extension, BOOLEAN Done)
{
    BtEndAll(Extension, SRB_STATUS_BUS_RESET);
    if (Done)
        ScsiPortNotification(ResetDetected, Extension);
    BtGiveCredit(Extension);
}

BOOLEAN BtResetBus(PVOID HwDeviceExtension, ULONG PathId)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;
    BOOLEAN done = BtDriveReset(extension);

    (VOID) PathId; /* there is one bus */
    BtAfterReset(extension, done);
    return done;
}

VOID BtResetRequest(PBT_EXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    BOOLEAN done = BtDriveReset(Extension);

    BtComplete(Extension, Srb, done ? SRB_STATUS_SUCCESS : SRB_STATUS_NO_HBA);
    BtAfterReset(Extension, done);
}

/* The bus was reset; by us, or by another. What the adapter still does for the requests of before
 * is over when it has halted. */
VOID BtResetSeen(PBT_EXTENSION Extension)
{
    if (Extension->Resetting) {
        Extension->Resetting = FALSE;
        return;
    }
    BtAfterReset(Extension, BtSetUp(Extension));
}
