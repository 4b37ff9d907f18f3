/*
 * bt.c: DriverEntry, and how the adapter is found.
 */
#include "bt.h"

/* Everything that ScsiPortGetUncachedExtension looks at. */
static VOID BtDescribe(PPORT_CONFIGURATION_INFORMATION ConfigInfo)
{
    if (ConfigInfo->MaximumTransferLength > BT_TRANSFER_MAX)
        ConfigInfo->MaximumTransferLength = BT_TRANSFER_MAX;
    if (ConfigInfo->NumberOfPhysicalBreaks > BT_BREAKS_MAX)
        ConfigInfo->NumberOfPhysicalBreaks = BT_BREAKS_MAX;
    ConfigInfo->NumberOfBuses = 1;
    ConfigInfo->InitiatorBusId[0] = BT_INITIATOR;
    ConfigInfo->MaximumNumberOfTargets = BT_TARGETS;
    ConfigInfo->ScatterGather = TRUE;
    ConfigInfo->Master = TRUE;
    ConfigInfo->Dma32BitAddresses = TRUE;
    ConfigInfo->Dma64BitAddresses = 0;
    ConfigInfo->CachesData = FALSE;
    ConfigInfo->TaggedQueuing = TRUE;
    ConfigInfo->AutoRequestSense = TRUE;
}

static BOOLEAN BtGetMailboxes(PBT_EXTENSION Extension, PPORT_CONFIGURATION_INFORMATION ConfigInfo)
{
    ULONG length = sizeof(BT_MAILBOXES);
    PVOID boxes = ScsiPortGetUncachedExtension(Extension, ConfigInfo, length);

    if (boxes == NULL)
        return FALSE;
    Extension->Boxes = (volatile BT_MAILBOXES *)boxes;
    Extension->BoxesAddress = BtAddress(Extension, NULL, boxes, &length);
    return TRUE;
}

/* The registers are in one of the ranges that Plug and Play has assigned. */
static ACCESS_RANGE *BtFindRange(PPORT_CONFIGURATION_INFORMATION ConfigInfo)
{
    ULONG i;

    for (i = 0; i < ConfigInfo->NumberOfAccessRanges; i++) {
        ACCESS_RANGE *range = &(*ConfigInfo->AccessRanges)[i];

        if (range->RangeInMemory && range->RangeLength >= BT_REGISTERS)
            return range;
    }
    return NULL;
}

static ULONG BtFindAdapter(PVOID HwDeviceExtension, PVOID HwContext, PVOID BusInformation,
                           PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION ConfigInfo,
                           PBOOLEAN Again)
{
    PBT_EXTENSION extension = (PBT_EXTENSION)HwDeviceExtension;
    ACCESS_RANGE *range = BtFindRange(ConfigInfo);

    (VOID) HwContext;
    (VOID) BusInformation;
    (VOID) ArgumentString;
    *Again = FALSE;
    if (range == NULL)
        return SP_RETURN_NOT_FOUND;
    extension->Registers = (PUCHAR)ScsiPortGetDeviceBase(
        extension, ConfigInfo->AdapterInterfaceType, ConfigInfo->SystemIoBusNumber,
        range->RangeStart, range->RangeLength, FALSE);
    if (extension->Registers == NULL)
        return SP_RETURN_ERROR;
    BtDescribe(ConfigInfo);
    if (!BtHalt(extension) || !BtGetMailboxes(extension, ConfigInfo)) {
        ScsiPortFreeDeviceBase(extension, extension->Registers);
        return SP_RETURN_ERROR;
    }
    return SP_RETURN_FOUND;
}

ULONG DriverEntry(PVOID DriverObject, PVOID Argument2)
{
    static const UCHAR vendor[] = {'1', '0', '4', 'B'}, device[] = {'1', '0', '4', '0'};
    HW_INITIALIZATION_DATA data;
    PUCHAR byte = (PUCHAR)&data;
    ULONG i;

    for (i = 0; i < sizeof data; i++)
        byte[i] = 0;
    data.HwInitializationDataSize = sizeof data;
    data.AdapterInterfaceType = PCIBus;
    data.HwInitialize = BtInitialize;
    data.HwStartIo = BtStartIo;
    data.HwInterrupt = BtInterrupt;
    data.HwFindAdapter = BtFindAdapter;
    data.HwResetBus = BtResetBus;
    data.HwAdapterControl = BtAdapterControl;
    data.DeviceExtensionSize = sizeof(BT_EXTENSION);
    data.SrbExtensionSize = sizeof(BT_REQUEST);
    data.NumberOfAccessRanges = 2;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.VendorIdLength = sizeof vendor;
    data.VendorId = (PVOID)vendor;
    data.DeviceIdLength = sizeof device;
    data.DeviceId = (PVOID)device;
    return ScsiPortInitialize(DriverObject, Argument2, &data, NULL);
}
