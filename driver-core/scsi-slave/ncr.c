/*
 * ncr.c: DriverEntry, and how the adapter is found.
 */
#include "ncr.h"

/* Whether what answers at the ports is a 53C94: its second configuration register can be read. */
static BOOLEAN NcrIsThere(PNCR_EXTENSION Extension)
{
    UCHAR value;

    if (!NcrSetUp(Extension))
        return FALSE;
    NcrWrite(Extension, NCR_CONFIG_2, NCR_CONFIG_2_PROBE);
    value = NcrRead(Extension, NCR_CONFIG_2);
    NcrHalt(Extension);
    return value == NCR_CONFIG_2_PROBE;
}

static VOID NcrDescribe(PPORT_CONFIGURATION_INFORMATION ConfigInfo)
{
    if (ConfigInfo->MaximumTransferLength > NCR_TRANSFER_MAX)
        ConfigInfo->MaximumTransferLength = NCR_TRANSFER_MAX;
    if (ConfigInfo->NumberOfPhysicalBreaks > NCR_BREAKS_MAX)
        ConfigInfo->NumberOfPhysicalBreaks = NCR_BREAKS_MAX;
    ConfigInfo->DmaWidth = Width8Bits;
    ConfigInfo->DmaSpeed = Compatible;
    ConfigInfo->NumberOfBuses = 1;
    ConfigInfo->InitiatorBusId[0] = NCR_INITIATOR;
    ConfigInfo->MaximumNumberOfTargets = NCR_TARGETS;
    ConfigInfo->ScatterGather = FALSE;
    ConfigInfo->Master = FALSE;
    ConfigInfo->CachesData = FALSE;
    ConfigInfo->TaggedQueuing = TRUE;
}

/* Plug and Play has assigned ports, interrupt and channel; nobody probes for others. */
static ULONG NcrFindAdapter(PVOID HwDeviceExtension, PVOID HwContext, PVOID BusInformation,
                            PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION ConfigInfo,
                            PBOOLEAN Again)
{
    PNCR_EXTENSION extension = (PNCR_EXTENSION)HwDeviceExtension;
    ACCESS_RANGE *range = &(*ConfigInfo->AccessRanges)[0];

    (VOID) HwContext;
    (VOID) BusInformation;
    (VOID) ArgumentString;
    *Again = FALSE;
    if (ConfigInfo->NumberOfAccessRanges == 0 || range->RangeLength == 0)
        return SP_RETURN_NOT_FOUND;
    if (range->RangeInMemory || range->RangeLength < NCR_PORTS ||
        ConfigInfo->DmaChannel == SP_UNINITIALIZED_VALUE)
        return SP_RETURN_BAD_CONFIG;
    extension->Ports = (PUCHAR)ScsiPortGetDeviceBase(extension, ConfigInfo->AdapterInterfaceType,
                                                     ConfigInfo->SystemIoBusNumber,
                                                     range->RangeStart, range->RangeLength, TRUE);
    if (extension->Ports == NULL)
        return SP_RETURN_ERROR;
    if (!NcrIsThere(extension)) {
        ScsiPortFreeDeviceBase(extension, extension->Ports);
        return SP_RETURN_NOT_FOUND;
    }
    NcrDescribe(ConfigInfo);
    return SP_RETURN_FOUND;
}

ULONG DriverEntry(PVOID DriverObject, PVOID Argument2)
{
    HW_INITIALIZATION_DATA data;
    PUCHAR byte = (PUCHAR)&data;
    ULONG i;

    for (i = 0; i < sizeof data; i++)
        byte[i] = 0;
    data.HwInitializationDataSize = sizeof data;
    data.AdapterInterfaceType = Isa;
    data.HwInitialize = NcrInitialize;
    data.HwStartIo = NcrStartIo;
    data.HwInterrupt = NcrInterrupt;
    data.HwFindAdapter = NcrFindAdapter;
    data.HwResetBus = NcrResetBus;
    data.HwDmaStarted = NcrDmaStarted;
    data.HwAdapterControl = NcrAdapterControl;
    data.DeviceExtensionSize = sizeof(NCR_EXTENSION);
    data.SrbExtensionSize = sizeof(NCR_REQUEST);
    data.NumberOfAccessRanges = 1;
    data.TaggedQueuing = TRUE;
    return ScsiPortInitialize(DriverObject, Argument2, &data, NULL);
}
