/* What HwScsiFindAdapter asks of the port: bus data, and the registers of its adapter
 * (scsiport.md, section 6.1).
 *
 * A device of Plug and Play has its bus driver's interface for configuration space, and its raw
 * resources to translate addresses with. A miniport that chooses addresses itself gets what the bus
 * translates. */
#include "scsiport/adapter.h"

#include "io/io_private.h"
#include "world/races.h"

enum {
    NO_BUS = 0,               /* ScsiPortGetBusData: there is no such bus */
    NO_DEVICE = 2,            /* … or nothing in the slot: only the vendor id was stored */
    LOWEST_FREE_PORT = 0x100, /* the system board has those below */
    PORT_COUNT = 0x10000
};

/* ---- bus data ---- */

/* GUID_BUS_INTERFACE_STANDARD, whose storage is a driver's own affair. */
static const GUID bus_interface_guid = {
    0x496B8280, 0x6F25, 0x11D0, {0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F}};

/* The interface of the bus driver; false: it has none. */
static bool bus_interface(const struct ft_scsi_adapter *adapter, BUS_INTERFACE_STANDARD *bus)
{
    PIO_STACK_LOCATION next;
    IO_STATUS_BLOCK block;
    KEVENT done;
    PIRP irp;
    NTSTATUS status;

    if (!adapter->below)
        return false;
    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, adapter->below, NULL, 0, NULL, &done, &block);
    if (!irp)
        return false;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &bus_interface_guid;
    next->Parameters.QueryInterface.Size = sizeof *bus;
    next->Parameters.QueryInterface.Version = 1;
    next->Parameters.QueryInterface.Interface = (PINTERFACE)bus;
    status = IoCallDriver(adapter->below, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = block.Status;
    }
    return NT_SUCCESS(status);
}

static ULONG move_bus_data(const struct ft_scsi_adapter *adapter, bool write, ULONG slot,
                           PVOID buffer, ULONG offset, ULONG length)
{
    BUS_INTERFACE_STANDARD bus;
    ULONG moved;

    if (!adapter->below)
        return write ? HalSetBusDataByOffset(PCIConfiguration, 0, slot, buffer, offset, length)
                     : HalGetBusDataByOffset(PCIConfiguration, 0, slot, buffer, offset, length);
    if (slot != adapter->config->SlotNumber && !write) {
        *(USHORT *)buffer = PCI_INVALID_VENDORID;
        return NO_DEVICE;
    }
    if (KeGetCurrentIrql() > PASSIVE_LEVEL || !bus_interface(adapter, &bus))
        return NO_BUS;
    moved = write ? bus.SetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, buffer, offset, length)
                  : bus.GetBusData(bus.Context, PCI_WHICHSPACE_CONFIG, buffer, offset, length);
    bus.InterfaceDereference(bus.Context);
    return moved;
}

void ft_scsi_bus_data_free(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_config *config = ft_scsi_config(adapter);

    if (config && config->bus_data) {
        ft_block_free(config->bus_data);
        ft_watch(FT_TOUCH_BUS_DATA, config->bus_data, sizeof(PCI_COMMON_CONFIG));
        config->bus_data = NULL;
    }
}

/* Length 0: the port finds the memory, and Buffer is where its address goes. */
static ULONG get_bus_data(struct ft_scsi_adapter *adapter, ULONG type, ULONG bus, ULONG slot,
                          PVOID buffer, ULONG length)
{
    ft_scsi_bus_data_free(adapter);
    if (type != PCIConfiguration || bus != 0)
        return NO_BUS;
    if (length > 0)
        return move_bus_data(adapter, false, slot, buffer, 0, length);
    ft_scsi_config(adapter)->bus_data =
        ft_block_for_driver(sizeof(PCI_COMMON_CONFIG), FT_HC_OTHER, 0);
    *(PVOID *)buffer = ft_scsi_config(adapter)->bus_data;
    if (!*(PVOID *)buffer)
        return NO_BUS;
    return move_bus_data(adapter, false, slot, *(PVOID *)buffer, 0, sizeof(PCI_COMMON_CONFIG));
}

ULONG ScsiPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                         ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
    struct ft_scsi_adapter *adapter;
    ULONG moved;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(DeviceExtension);
    moved = get_bus_data(adapter, BusDataType, SystemIoBusNumber, SlotNumber, Buffer, Length);
    ft_scsi_emit(FT_EV_SCSI_BUS_DATA, ft_scsi_hba(adapter), false, BusDataType, Length, moved,
                 ft_scsi_routine(), adapter->control_now);
    FT_SCSI_END(SCSI_SETUP, 0);
    return moved;
}

ULONG ScsiPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
                                 ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length)
{
    struct ft_scsi_adapter *adapter;
    ULONG moved = 0;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(DeviceExtension);
    if (BusDataType == PCIConfiguration && SystemIoBusNumber == 0)
        moved = move_bus_data(adapter, true, SlotNumber, Buffer, Offset, Length);
    ft_scsi_emit(FT_EV_SCSI_BUS_DATA, ft_scsi_hba(adapter), true, BusDataType, Length, moved,
                 ft_scsi_routine(), adapter->control_now);
    FT_SCSI_END(SCSI_SETUP, 0);
    return moved;
}

/* ---- registers ---- */

static bool inside(uint64_t address, ULONG bytes, uint64_t start, uint64_t length)
{
    return address >= start && address - start + bytes <= length;
}

/* Where the range stands among the raw resources; false: in none of them. */
static bool translate_assigned(const struct ft_scsi_adapter *adapter, uint64_t address, ULONG bytes,
                               BOOLEAN io, PHYSICAL_ADDRESS *at, BOOLEAN *port)
{
    const struct ft_scsi_resources *resources = adapter->resources;

    for (ULONG i = 0; resources && i < resources->count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw = &resources->raw[i];
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated = &resources->translated[i];
        uint64_t start = (uint64_t)raw->u.Generic.Start.QuadPart;

        if (raw->Type != (io ? CmResourceTypePort : CmResourceTypeMemory) ||
            !inside(address, bytes, start, raw->u.Generic.Length))
            continue;
        at->QuadPart = translated->u.Generic.Start.QuadPart + (LONGLONG)(address - start);
        *port = translated->Type == CmResourceTypePort;
        return true;
    }
    return false;
}

static bool translate(const struct ft_scsi_adapter *adapter, INTERFACE_TYPE bus, ULONG number,
                      uint64_t address, ULONG bytes, BOOLEAN io, PHYSICAL_ADDRESS *at,
                      BOOLEAN *port)
{
    PHYSICAL_ADDRESS from = {.QuadPart = (LONGLONG)address};
    ULONG space = io ? 1 : 0;

    if (translate_assigned(adapter, address, bytes, io, at, port))
        return true;
    if (!HalTranslateBusAddress(bus, number, from, &space, at))
        return false;
    *port = space != 0;
    return true;
}

static PVOID map_base(struct ft_scsi_adapter *adapter, uint64_t address, ULONG bytes, BOOLEAN io,
                      PHYSICAL_ADDRESS at, BOOLEAN port)
{
    struct ft_scsi_base *base = ft_block_for_driver(sizeof *base, FT_HC_OTHER, 0);

    if (!base)
        return NULL;
    *base = (struct ft_scsi_base){
        .next = adapter->bases, .address = address, .bytes = bytes, .io = io, .mapped = !port};
    base->va = port ? (PVOID)(uintptr_t)at.QuadPart : MmMapIoSpace(at, bytes, MmNonCached);
    if (!base->va) {
        ft_block_free(base);
        return NULL;
    }
    adapter->bases = base;
    return base->va;
}

static void unmap_base(struct ft_scsi_base *base)
{
    if (base->mapped)
        MmUnmapIoSpace(base->va, base->bytes);
    ft_block_free(base);
}

void ft_scsi_bases_free(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_base *base = adapter->bases;

    adapter->bases = NULL;
    while (base) {
        struct ft_scsi_base *next = base->next;

        unmap_base(base);
        base = next;
    }
}

/* Where a range comes from, as event scsi:get-base names it. */
enum source { SUPPLIED = 1, VALIDATED, STRANGE, CHOSEN };

static enum source source_of(const struct ft_scsi_config *config, uint64_t address, ULONG bytes,
                             BOOLEAN io)
{
    bool any = false;

    for (unsigned i = 0; i < config->given.NumberOfAccessRanges; i++) {
        const ACCESS_RANGE *range = &config->given_range[i];

        any = any || range->RangeLength > 0;
        if (range->RangeInMemory == !io &&
            inside(address, bytes, (uint64_t)range->RangeStart.QuadPart, range->RangeLength))
            return SUPPLIED;
    }
    for (unsigned i = 0; i < config->validated_count && i < FT_SCSI_VALIDATED_MAX; i++)
        if (config->validated[i].io == io &&
            inside(address, bytes, config->validated[i].address, config->validated[i].bytes))
            return VALIDATED;
    return any ? STRANGE : CHOSEN;
}

PVOID ScsiPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
                            ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress,
                            ULONG NumberOfBytes, BOOLEAN InIoSpace)
{
    uint64_t address = (uint64_t)IoAddress.QuadPart;
    struct ft_scsi_adapter *adapter;
    PHYSICAL_ADDRESS at;
    BOOLEAN port;
    PVOID base = NULL;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    if (NumberOfBytes > 0 && translate(adapter, BusType, SystemIoBusNumber, address, NumberOfBytes,
                                       InIoSpace != FALSE, &at, &port))
        base = map_base(adapter, address, NumberOfBytes, InIoSpace != FALSE, at, port);
    ft_scsi_emit(FT_EV_SCSI_GET_BASE, ft_scsi_hba(adapter), address, NumberOfBytes, InIoSpace,
                 source_of(ft_scsi_config(adapter), address, NumberOfBytes, InIoSpace != FALSE),
                 base != NULL, ft_scsi_routine(), adapter->control_now);
    FT_SCSI_END(SCSI_SETUP, 0);
    return base;
}

/* An address that was never given: Windows unmaps what it has, or nothing. */
VOID ScsiPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress)
{
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_base **link, *base;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    link = (struct ft_scsi_base **)&adapter->bases;
    while (*link && (*link)->va != MappedAddress)
        link = &(*link)->next;
    base = *link;
    ft_scsi_emit(FT_EV_SCSI_FREE_BASE, ft_scsi_hba(adapter), base != NULL, ft_scsi_routine(),
                 adapter->control_now);
    if (base) {
        *link = base->next;
        unmap_base(base);
    }
    FT_SCSI_END(SCSI_SETUP, 0);
}

/* Nobody has claimed it: no port of the system board, no memory, and of memory only what the bus
 * decodes. */
static bool is_free(const struct ft_scsi_adapter *adapter, INTERFACE_TYPE bus, ULONG number,
                    uint64_t address, ULONG bytes, BOOLEAN io)
{
    PHYSICAL_ADDRESS at;
    BOOLEAN port;

    if (translate_assigned(adapter, address, bytes, io, &at, &port))
        return true;
    if (io)
        return address >= LOWEST_FREE_PORT && address + bytes <= PORT_COUNT;
    return translate(adapter, bus, number, address, bytes, io, &at, &port);
}

BOOLEAN ScsiPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
                              ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress,
                              ULONG NumberOfBytes, BOOLEAN InIoSpace)
{
    uint64_t address = (uint64_t)IoAddress.QuadPart;
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_config *config;
    bool free_;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    config = ft_scsi_config(adapter);
    free_ =
        is_free(adapter, BusType, SystemIoBusNumber, address, NumberOfBytes, InIoSpace != FALSE);
    if (free_) {
        unsigned i = config->validated_count++ % FT_SCSI_VALIDATED_MAX;

        config->validated[i].address = address;
        config->validated[i].bytes = NumberOfBytes;
        config->validated[i].io = InIoSpace != FALSE;
    }
    ft_scsi_emit(FT_EV_SCSI_VALIDATE, ft_scsi_hba(adapter), address, NumberOfBytes, InIoSpace,
                 free_, ft_scsi_routine());
    FT_SCSI_END(SCSI_SETUP, 0);
    return free_;
}
