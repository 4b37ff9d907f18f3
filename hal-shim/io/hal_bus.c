/* Bus data, bus addresses and vectors as drivers of the older kind ask the HAL for them. There is
 * one bus, number 0, and the device is function 0 of its slot 0 (bus_query.c has its
 * configuration). */
#include "io/io_private.h"

#include <string.h>

enum { MEMORY_SPACE = 0, PORT_SPACE = 1, PORTS = 0x10000, NOTHING_THERE = 2 };

/* Is the slot empty? Then a read finds the vendor that nobody is, and says 2 bytes. */
static ULONG read_empty_slot(void *buffer, ULONG length)
{
    static const USHORT nobody = PCI_INVALID_VENDORID;

    if (length < sizeof nobody)
        return 0;
    memcpy(buffer, &nobody, sizeof nobody);
    return NOTHING_THERE;
}

static bool is_our_bus(BUS_DATA_TYPE type, ULONG bus)
{
    return type == PCIConfiguration && bus == 0 && ft_bus_type() == PCIBus;
}

static ULONG read_bus(BUS_DATA_TYPE type, ULONG bus, ULONG slot, void *buffer, ULONG offset,
                      ULONG length, void *caller)
{
    ULONG bytes = 0;

    ft_ddi_begin(FT_PT_DEVICE_QUERY, 0, caller);
    if (is_our_bus(type, bus))
        bytes = slot || FT_IO->yanked ? read_empty_slot(buffer, length)
                                      : ft_bus_read_config(buffer, offset, length);
    FT_DDI_END(DEVICE_QUERY, 0);
    return bytes;
}

static ULONG write_bus(BUS_DATA_TYPE type, ULONG bus, ULONG slot, const void *buffer, ULONG offset,
                       ULONG length, void *caller)
{
    ULONG bytes = 0;

    ft_ddi_begin(FT_PT_DEVICE_QUERY, 0, caller);
    if (is_our_bus(type, bus) && slot == 0)
        bytes = ft_bus_write_config(buffer, offset, length);
    FT_DDI_END(DEVICE_QUERY, 0);
    return bytes;
}

#define CALLER __builtin_return_address(0)

ULONG HalGetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length)
{
    return read_bus(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length, CALLER);
}

ULONG HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    return read_bus(BusDataType, BusNumber, SlotNumber, Buffer, Offset, Length, CALLER);
}

ULONG HalSetBusData(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer,
                    ULONG Length)
{
    return write_bus(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length, CALLER);
}

ULONG HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
                            PVOID Buffer, ULONG Offset, ULONG Length)
{
    return write_bus(BusDataType, BusNumber, SlotNumber, Buffer, Offset, Length, CALLER);
}

/* Ports are the same on every bus. */
BOOLEAN HalTranslateBusAddress(INTERFACE_TYPE InterfaceType, ULONG BusNumber,
                               PHYSICAL_ADDRESS BusAddress, PULONG AddressSpace,
                               PPHYSICAL_ADDRESS TranslatedAddress)
{
    uint64_t address = (uint64_t)BusAddress.QuadPart;
    bool found = false;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    if (BusNumber == 0 && InterfaceType == ft_bus_type())
        found = *AddressSpace == PORT_SPACE
                    ? address < PORTS
                    : *AddressSpace == MEMORY_SPACE && ft_bus_translate(address, 1, &address);
    if (found)
        TranslatedAddress->QuadPart = (LONGLONG)address;
    FT_DDI_END(DEVICE_QUERY, 0);
    return found;
}

/* 0 for a line that the device does not have. */
ULONG HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel,
                            ULONG BusInterruptVector, PKIRQL Irql, PKAFFINITY Affinity)
{
    const struct ft_description *description = ft_world_module()->description;
    ULONG vector = 0;

    (void)BusInterruptVector;
    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    if (BusNumber == 0 && InterfaceType == ft_bus_type() && description->irq_level &&
        BusInterruptLevel == description->irq_vector) {
        vector = ft_bus_vector(0);
        *Irql = description->irq_level;
        *Affinity = KeQueryActiveProcessors();
    }
    FT_DDI_END(DEVICE_QUERY, 0);
    return vector;
}
