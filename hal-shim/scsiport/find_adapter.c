/* HwScsiFindAdapter and its PORT_CONFIGURATION_INFORMATION (scsiport.md, sections 3.2 and 4).
 *
 * Addresses in it are the bus's own: ScsiPortGetDeviceBase makes the processor's of them.
 * BusInformation is NULL: nothing is gathered about the buses that this machine has, and bus data
 * can be asked for. */
#include "scsiport/adapter.h"

/* ---- what the miniport is given ---- */

static const struct ft_scsi_resources no_resources;

static const struct ft_scsi_resources *resources_of(const struct ft_scsi_adapter *adapter)
{
    return adapter->resources ? adapter->resources : &no_resources;
}

static void add_range(struct ft_scsi_config *config, unsigned *used, PHYSICAL_ADDRESS start,
                      ULONG length, BOOLEAN memory)
{
    if (*used < config->info.NumberOfAccessRanges)
        config->range[(*used)++] =
            (ACCESS_RANGE){.RangeStart = start, .RangeLength = length, .RangeInMemory = memory};
}

static void add_interrupt(PPORT_CONFIGURATION_INFORMATION info,
                          const CM_PARTIAL_RESOURCE_DESCRIPTOR *at)
{
    bool latched = (at->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;

    info->BusInterruptLevel = at->u.Interrupt.Level;
    info->BusInterruptVector = at->u.Interrupt.Vector;
    info->InterruptMode = latched ? Latched : LevelSensitive;
}

/* Raw resources in their order: ranges, the interrupt, the DMA channel. */
static void add_resources(struct ft_scsi_config *config, const struct ft_scsi_resources *resources)
{
    PPORT_CONFIGURATION_INFORMATION info = &config->info;
    unsigned used = 0;

    for (ULONG i = 0; i < resources->count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *at = &resources->raw[i];

        switch (at->Type) {
        case CmResourceTypePort:
            add_range(config, &used, at->u.Port.Start, at->u.Port.Length, FALSE);
            break;
        case CmResourceTypeMemory:
            add_range(config, &used, at->u.Memory.Start, at->u.Memory.Length, TRUE);
            break;
        case CmResourceTypeInterrupt:
            add_interrupt(info, at);
            break;
        case CmResourceTypeDma:
            if (info->AdapterInterfaceType == MicroChannel)
                info->DmaPort = at->u.Dma.Port;
            else
                info->DmaChannel = at->u.Dma.Channel;
            break;
        }
    }
}

/* What the miniport's own initialisation data says. */
static void copy_init(PPORT_CONFIGURATION_INFORMATION info, const HW_INITIALIZATION_DATA *data)
{
    info->AdapterInterfaceType = data->AdapterInterfaceType;
    info->NumberOfAccessRanges = data->NumberOfAccessRanges < FT_SCSI_RANGES_MAX
                                     ? data->NumberOfAccessRanges
                                     : FT_SCSI_RANGES_MAX;
    info->MapBuffers = data->MapBuffers;
    info->NeedPhysicalAddresses = data->NeedPhysicalAddresses;
    info->TaggedQueuing = data->TaggedQueuing;
    info->AutoRequestSense = data->AutoRequestSense;
    info->MultipleRequestPerLu = data->MultipleRequestPerLu;
    info->ReceiveEvent = data->ReceiveEvent;
    info->DeviceExtensionSize = data->DeviceExtensionSize;
    info->SpecificLuExtensionSize = data->SpecificLuExtensionSize;
    info->SrbExtensionSize = data->SrbExtensionSize;
}

static void fill(struct ft_scsi_adapter *adapter, struct ft_scsi_config *config)
{
    PPORT_CONFIGURATION_INFORMATION info = &config->info;
    PCONFIGURATION_INFORMATION system = IoGetConfigurationInformation();

    RtlZeroMemory(config, sizeof *config);
    copy_init(info, &adapter->init->data);
    info->Length = sizeof *info;
    info->InterruptMode =
        info->AdapterInterfaceType == PCIBus || info->AdapterInterfaceType == MicroChannel
            ? LevelSensitive
            : Latched;
    info->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
    info->NumberOfPhysicalBreaks = SP_UNINITIALIZED_VALUE;
    info->DmaChannel = SP_UNINITIALIZED_VALUE;
    info->DmaPort = SP_UNINITIALIZED_VALUE;
    info->AccessRanges = (ACCESS_RANGE(*)[])config->range;
    info->AtdiskPrimaryClaimed = system->AtDiskPrimaryAddressClaimed;
    info->AtdiskSecondaryClaimed = system->AtDiskSecondaryAddressClaimed;
    info->MaximumNumberOfTargets = SCSI_MAXIMUM_TARGETS;
    info->MaximumNumberOfLogicalUnits = SCSI_MAXIMUM_LOGICAL_UNITS;
    info->Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
    info->DmaChannel2 = info->DmaPort2 = SP_UNINITIALIZED_VALUE;
    add_resources(config, resources_of(adapter));
    ft_scsi_parameters(adapter, config);
}

NTSTATUS ft_scsi_config_new(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_config *config = ft_scsi_config(adapter);

    if (!config)
        config = ft_block_for_driver(sizeof *config, FT_HC_OTHER, 0);
    if (!config)
        return STATUS_INSUFFICIENT_RESOURCES;
    adapter->config = &config->info;
    fill(adapter, config);
    return STATUS_SUCCESS;
}

void ft_scsi_config_free(struct ft_scsi_adapter *adapter)
{
    if (!adapter->config)
        return;
    ft_scsi_bus_data_free(adapter);
    ft_block_free(ft_scsi_config(adapter));
    adapter->config = NULL;
}

/* ---- what it made of that: the events' words ---- */

/* Bits of `changed` in event scsi:found. */
enum {
    CHANGED_LENGTH = 1,
    CHANGED_BUS = 2,
    CHANGED_INTERFACE = 4,
    CHANGED_RANGE_COUNT = 8,
    CHANGED_RANGES = 16, /* the pointer */
    CHANGED_SLOT = 32,
    CHANGED_RESERVED = 64,    /* and what is reserved for the system */
    CHANGED_DISK_CLAIM = 128, /* taken back */
    CHANGED_BREAKS = 256,     /* raised above what was offered */
    MAPPED_IN_RANGES = 512    /* an address of ScsiPortGetDeviceBase stands in the ranges */
};

static bool mapped_in_ranges(const struct ft_scsi_adapter *adapter)
{
    const struct ft_scsi_config *config = ft_scsi_config(adapter);

    for (const struct ft_scsi_base *base = adapter->bases; base; base = base->next)
        for (unsigned i = 0; i < config->given.NumberOfAccessRanges; i++)
            if (base->mapped &&
                config->range[i].RangeStart.QuadPart == (LONGLONG)(uintptr_t)base->va)
                return true;
    return false;
}

static uint64_t changes(const struct ft_scsi_adapter *adapter)
{
    const struct ft_scsi_config *config = ft_scsi_config(adapter);
    const PORT_CONFIGURATION_INFORMATION *now = &config->info, *then = &config->given;
    uint64_t changed = 0;

    changed |= now->Length != then->Length ? CHANGED_LENGTH : 0;
    changed |= now->SystemIoBusNumber != then->SystemIoBusNumber ? CHANGED_BUS : 0;
    changed |= now->AdapterInterfaceType != then->AdapterInterfaceType ? CHANGED_INTERFACE : 0;
    changed |= now->NumberOfAccessRanges != then->NumberOfAccessRanges ? CHANGED_RANGE_COUNT : 0;
    changed |= now->AccessRanges != then->AccessRanges ? CHANGED_RANGES : 0;
    changed |= now->SlotNumber != then->SlotNumber ? CHANGED_SLOT : 0;
    changed |= now->Reserved != then->Reserved || now->DmaChannel2 != then->DmaChannel2 ||
                       now->DmaPort2 != then->DmaPort2 ||
                       now->BusInterruptLevel2 != then->BusInterruptLevel2
                   ? CHANGED_RESERVED
                   : 0;
    changed |= (then->AtdiskPrimaryClaimed && !now->AtdiskPrimaryClaimed) ||
                       (then->AtdiskSecondaryClaimed && !now->AtdiskSecondaryClaimed)
                   ? CHANGED_DISK_CLAIM
                   : 0;
    changed |= now->NumberOfPhysicalBreaks > then->NumberOfPhysicalBreaks ? CHANGED_BREAKS : 0;
    return changed | (mapped_in_ranges(adapter) ? MAPPED_IN_RANGES : 0);
}

/* Bits of `style` in event scsi:found. */
static uint64_t style(const struct ft_scsi_adapter *adapter)
{
    const PORT_CONFIGURATION_INFORMATION *info = adapter->config;
    const bool bit[] = {info->Master,
                        info->DmaChannel != SP_UNINITIALIZED_VALUE,
                        info->DmaPort != SP_UNINITIALIZED_VALUE,
                        adapter->init->data.HwDmaStarted != NULL,
                        info->DemandMode,
                        info->ScatterGather,
                        info->NeedPhysicalAddresses,
                        info->MapBuffers,
                        info->Dma32BitAddresses,
                        (info->Dma64BitAddresses & ~SCSI_DMA64_SYSTEM_SUPPORTED) != 0,
                        info->CachesData,
                        info->TaggedQueuing,
                        info->AutoRequestSense,
                        info->MultipleRequestPerLu,
                        info->WmiDataProvider,
                        adapter->init->data.HwAdapterControl != NULL};
    uint64_t bits = 0;

    for (unsigned i = 0; i < RTL_NUMBER_OF(bit); i++)
        bits |= (uint64_t)bit[i] << i;
    return bits;
}

static unsigned bases_of(const struct ft_scsi_adapter *adapter)
{
    unsigned count = 0;

    for (const struct ft_scsi_base *base = adapter->bases; base; base = base->next)
        count++;
    return count;
}

static uint64_t unset_initiators(const PORT_CONFIGURATION_INFORMATION *info)
{
    uint64_t unset = 0;

    for (unsigned i = 0; i < info->NumberOfBuses && i < RTL_NUMBER_OF(info->InitiatorBusId); i++)
        unset |= (uint64_t)(info->InitiatorBusId[i] >= SCSI_MAXIMUM_TARGETS_PER_BUS) << i;
    return unset;
}

static void announce(const struct ft_scsi_adapter *adapter, ULONG result, BOOLEAN again)
{
    const PORT_CONFIGURATION_INFORMATION *info = adapter->config;

    ft_emit(FT_EV_SCSI_FOUND, ft_scsi_hba(adapter), result, again, changes(adapter), style(adapter),
            info->MaximumTransferLength, info->NumberOfPhysicalBreaks, info->NumberOfBuses);
    ft_emit(FT_EV_SCSI_CONFIG, ft_scsi_hba(adapter), info->AlignmentMask, info->DmaChannel,
            info->DmaWidth, bases_of(adapter), unset_initiators(info), info->MaximumNumberOfTargets,
            info->SrbExtensionSize);
}

/* ---- the call ---- */

struct find {
    struct ft_scsi_adapter *adapter;
    PVOID context;
    PCHAR argument; /* NULL: the registry has none */
    BOOLEAN *again;
};

static uint64_t call_find(void *a, void *unused, void *unused2, void *unused3)
{
    struct find *find = a;
    struct ft_scsi_adapter *adapter = find->adapter;

    (void)unused, (void)unused2, (void)unused3;
    return adapter->init->data.HwFindAdapter(adapter->extension, find->context, NULL,
                                             find->argument, adapter->config, find->again);
}

/* The registry takes back what the miniport offers. */
static void apply_registry(const struct ft_scsi_config *config,
                           PPORT_CONFIGURATION_INFORMATION info)
{
    if (config->no_tags)
        info->TaggedQueuing = FALSE;
    if (config->no_multiple)
        info->MultipleRequestPerLu = FALSE;
}

/* HwContext is for miniports that look for their adapters on the bus. */
ULONG ft_scsi_find(struct ft_scsi_adapter *adapter, BOOLEAN *again)
{
    struct ft_scsi_config *config = ft_scsi_config(adapter);
    bool supplied = adapter->resources && ((struct ft_scsi_resources *)adapter->resources)->count;
    struct find find = {.adapter = adapter,
                        .context = supplied ? NULL : adapter->init->context,
                        .argument = config->has_argument ? config->argument : NULL,
                        .again = again};
    ULONG result;

    RtlZeroMemory(adapter->extension, adapter->init->data.DeviceExtensionSize);
    config->given = config->info;
    RtlCopyMemory(config->given_range, config->range, sizeof config->range);
    config->validated_count = 0;
    result = (ULONG)ft_scsi_call(FT_ROUTINE_SCSI_FIND_ADAPTER, adapter, NULL, call_find, &find,
                                 NULL, NULL, NULL);
    ft_scsi_bus_data_free(adapter);
    announce(adapter, result, *again);
    apply_registry(config, &config->info);
    adapter->srb_flags = config->srb_flags;
    if (result == SP_RETURN_FOUND)
        ft_scsi_state(adapter, FT_SCSI_FOUND);
    return result;
}
