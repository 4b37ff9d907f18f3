/* Bus data, bus addresses and vectors as drivers of the older kind ask the HAL for them. There is
 * one bus, number 0, and the device is function 0 of its slot 0, a second one of slot 1
 * (bus_query.c has its configuration). */
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

static bool is_empty(ULONG slot)
{
    return !ft_device_numbered(slot) || ft_device_numbered(slot)->yanked;
}

static ULONG read_slot(ULONG slot, void *buffer, ULONG offset, ULONG length)
{
    struct ft_focus was = ft_focus_on(ft_device_numbered(slot));
    ULONG bytes = ft_bus_read_config(buffer, offset, length);

    ft_focus_back(was);
    return bytes;
}

static ULONG write_slot(ULONG slot, const void *buffer, ULONG offset, ULONG length)
{
    struct ft_focus was = ft_focus_on(ft_device_numbered(slot));
    ULONG bytes = ft_bus_write_config(buffer, offset, length);

    ft_focus_back(was);
    return bytes;
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
        bytes = is_empty(slot) ? read_empty_slot(buffer, length)
                               : read_slot(slot, buffer, offset, length);
    FT_DDI_END(DEVICE_QUERY, 0);
    return bytes;
}

static ULONG write_bus(BUS_DATA_TYPE type, ULONG bus, ULONG slot, const void *buffer, ULONG offset,
                       ULONG length, void *caller)
{
    ULONG bytes = 0;

    ft_ddi_begin(FT_PT_DEVICE_QUERY, 0, caller);
    if (is_our_bus(type, bus) && ft_device_numbered(slot))
        bytes = write_slot(slot, buffer, offset, length);
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

static bool translate_memory(uint64_t *address)
{
    bool found = false;

    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        found = found || ft_bus_translate(*address, 1, address);
        ft_focus_back(was);
    }
    return found;
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
                    : *AddressSpace == MEMORY_SPACE && translate_memory(&address);
    if (found)
        TranslatedAddress->QuadPart = (LONGLONG)address;
    FT_DDI_END(DEVICE_QUERY, 0);
    return found;
}

static bool vector_of(ULONG line, ULONG *vector)
{
    bool found = false;

    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        if (!found && ft_bus_line() == line) {
            *vector = ft_bus_vector(0);
            found = true;
        }
        ft_focus_back(was);
    }
    return found;
}

/* 0 for a line that no device has. */
ULONG HalGetInterruptVector(INTERFACE_TYPE InterfaceType, ULONG BusNumber, ULONG BusInterruptLevel,
                            ULONG BusInterruptVector, PKIRQL Irql, PKAFFINITY Affinity)
{
    const struct ft_description *description = ft_world_module()->description;
    ULONG vector = 0;

    (void)BusInterruptVector;
    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    if (BusNumber == 0 && InterfaceType == ft_bus_type() && description->irq_level &&
        vector_of(BusInterruptLevel, &vector)) {
        *Irql = description->irq_level;
        *Affinity = KeQueryActiveProcessors();
    }
    FT_DDI_END(DEVICE_QUERY, 0);
    return vector;
}
