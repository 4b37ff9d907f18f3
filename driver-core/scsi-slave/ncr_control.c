/*
 * ncr_control.c: start, stop and restart of the adapter.
 */
#include "ncr.h"

/* Nothing is assumed of the time before: the port calls this after HwScsiFindAdapter, and we after
 * a stop. The power of the chip may have been off. */
BOOLEAN NcrInitialize(PVOID HwDeviceExtension)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;

    extension->Bus = NcrStopped;
    extension->Fetch = NcrFetchNothing;
    extension->Leaves = NcrStays;
    extension->Active = extension->Waiting = extension->Abort = NULL;
    extension->MessageBytes = 0;
    extension->TagFollows = FALSE;
    extension->Mapped = extension->DmaRuns = FALSE;
    extension->CreditTaken = FALSE;
    if (!NcrSetUp(extension))
        return FALSE;
    extension->Bus = NcrFree;
    NcrCommand(extension, NCR_CMD_LISTEN);
    return TRUE;
}

/* Says which types there are, in as much of the list as the port has. */
static VOID NcrListControls(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
    static const SCSI_ADAPTER_CONTROL_TYPE types[] = {
        ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter, ScsiSetRunningConfig};
    ULONG i;

    for (i = 0; i < sizeof types / sizeof types[0]; i++)
        if ((ULONG)types[i] < List->MaxControlType)
            List->SupportedTypeList[types[i]] = TRUE;
}

/* No request is open, says the port. The chip may be gone. */
static VOID NcrStop(PNCR_EXTENSION Extension)
{
    NcrSetTimer(Extension, 0);
    NcrHalt(Extension);
    Extension->Bus = NcrStopped;
}

SCSI_ADAPTER_CONTROL_STATUS
NcrAdapterControl(PVOID HwDeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;

    switch (ControlType) {
    case ScsiQuerySupportedControlTypes:
        NcrListControls((PSCSI_SUPPORTED_CONTROL_TYPE_LIST)Parameters);
        return ScsiAdapterControlSuccess;
    case ScsiStopAdapter:
        NcrStop(extension);
        return ScsiAdapterControlSuccess;
    case ScsiRestartAdapter:
        return NcrInitialize(extension) ? ScsiAdapterControlSuccess
                                        : ScsiAdapterControlUnsuccessful;
    case ScsiSetRunningConfig:
        NcrHalt(extension); /* what has power again must not interrupt yet */
        return ScsiAdapterControlSuccess;
    default:
        return ScsiAdapterControlUnsuccessful;
    }
}
