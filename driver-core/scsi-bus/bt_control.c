/*
 * bt_control.c: start, stop and restart of the adapter.
 */
#include "bt.h"

/* Nothing is assumed of the time before: the port calls this after HwScsiFindAdapter, and we after
 * a stop. The power of the adapter may have been off. */
BOOLEAN BtInitialize(PVOID HwDeviceExtension)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;
    ULONG i;

    for (i = 0; i < BT_REQUESTS_MAX; i++)
        extension->Active[i] = NULL;
    extension->Abort = NULL;
    extension->Resetting = FALSE;
    extension->CreditTaken = FALSE;
    return BtSetUp(extension);
}

/* Says which types there are, in as much of the list as the port has. */
static VOID BtListControls(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
    static const SCSI_ADAPTER_CONTROL_TYPE types[] = {
        ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter, ScsiSetRunningConfig};
    ULONG i;

    for (i = 0; i < sizeof types / sizeof types[0]; i++)
        if ((ULONG)types[i] < List->MaxControlType)
            List->SupportedTypeList[types[i]] = TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS
BtAdapterControl(PVOID HwDeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;

    switch (ControlType) {
    case ScsiQuerySupportedControlTypes:
        BtListControls((PSCSI_SUPPORTED_CONTROL_TYPE_LIST)Parameters);
        return ScsiAdapterControlSuccess;
    case ScsiStopAdapter: /* no request is open, says the port; the adapter may be gone */
        (VOID) BtHalt(extension);
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:
        return BtInitialize(extension) ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
    case ScsiSetRunningConfig: /* what has power again must not interrupt yet */
        (VOID) BtHalt(extension);
        return ScsiAdapterControlSuccess;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}
