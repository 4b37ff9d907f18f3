/* Adapters that the miniport looks for by itself: ScsiPortInitialize of a driver without Plug and
 * Play (scsiport.md, section 4, steps 2 and 3).
 *
 * The machine has one bus. On PCI the port looks for the vendor and device ids that the miniport
 * gave, and supplies slot and ranges of each device that has them; elsewhere HwScsiFindAdapter
 * looks for itself, again and again while it says so. Resources are not reported to the system:
 * nobody else wants any. */
#include "scsiport/adapter.h"

#include "io/io_private.h"

enum {
    AGAIN_MAX = 16, /* a miniport that always says so is stopped */
    PCI_SLOTS = PCI_MAX_DEVICES,
    HEX_DIGITS = 4
};

/* ---- PCI ---- */

static bool digits_match(USHORT value, const char *id, unsigned length)
{
    static const char digits[] = "0123456789ABCDEF";

    for (unsigned i = 0; i < length && i < HEX_DIGITS; i++) {
        char have = digits[value >> (HEX_DIGITS - 1 - i) * 4 & 0xF];
        char want = id[i] >= 'a' && id[i] <= 'f' ? (char)(id[i] - 'a' + 'A') : id[i];

        if (have != want)
            return false;
    }
    return true;
}

static bool is_ours(const HW_INITIALIZATION_DATA *data, const PCI_COMMON_CONFIG *pci)
{
    return data->VendorId && data->DeviceId &&
           digits_match(pci->VendorID, data->VendorId, data->VendorIdLength) &&
           digits_match(pci->DeviceID, data->DeviceId, data->DeviceIdLength);
}

static void supply(struct ft_scsi_adapter *adapter, ULONG slot, const PCI_COMMON_CONFIG *pci)
{
    struct ft_scsi_config *config = ft_scsi_config(adapter);
    const struct ft_description *description = ft_world_module()->description;
    unsigned used = 0;

    config->info.SlotNumber = slot;
    config->info.BusInterruptLevel = pci->u.type0.InterruptLine;
    config->info.BusInterruptVector = pci->u.type0.InterruptLine;
    for (unsigned i = 0; i < FT_BARS_MAX && used < config->info.NumberOfAccessRanges; i++) {
        ULONG bar = pci->u.type0.BaseAddresses[i];
        bool io = (bar & PCI_ADDRESS_IO_SPACE) != 0;

        if (bar == 0 || description->bar_bytes[i] == 0)
            continue;
        config->range[used].RangeStart.QuadPart =
            bar & (io ? PCI_ADDRESS_IO_ADDRESS_MASK : PCI_ADDRESS_MEMORY_ADDRESS_MASK);
        config->range[used].RangeLength = description->bar_bytes[i];
        config->range[used++].RangeInMemory = !io;
    }
}

/* The next slot from *slot on with a device that the miniport drives. */
static bool next_slot(const HW_INITIALIZATION_DATA *data, ULONG *slot, PCI_COMMON_CONFIG *pci)
{
    for (; *slot < PCI_SLOTS; (*slot)++)
        if (HalGetBusData(PCIConfiguration, 0, *slot, pci, sizeof *pci) >= PCI_COMMON_HDR_LENGTH &&
            is_ours(data, pci))
            return true;
    return false;
}

/* ---- one adapter ---- */

struct detection {
    struct ft_scsi_init *init;
    ULONG slot;
    BOOLEAN again;
    unsigned found;
    NTSTATUS status; /* of the first adapter that is there but cannot be used */
};

static bool prepare(struct detection *detection, struct ft_scsi_adapter *adapter)
{
    PCI_COMMON_CONFIG pci;

    if (!NT_SUCCESS(ft_scsi_config_new(adapter)))
        return false;
    if (adapter->config->AdapterInterfaceType != PCIBus || !detection->init->data.VendorId)
        return true;
    if (!next_slot(&detection->init->data, &detection->slot, &pci))
        return false;
    supply(adapter, detection->slot++, &pci);
    return true;
}

static void note_failure(struct detection *detection, ULONG result)
{
    if (result == SP_RETURN_NOT_FOUND || !NT_SUCCESS(detection->status))
        return;
    detection->status = result == SP_RETURN_BAD_CONFIG ? STATUS_DEVICE_CONFIGURATION_ERROR
                                                       : STATUS_ADAPTER_HARDWARE_ERROR;
}

static void drop(struct ft_scsi_adapter *adapter)
{
    ft_scsi_release(adapter);
    ft_scsi_adapter_free(adapter);
}

/* True: there may be another one. */
static bool look(struct detection *detection)
{
    NTSTATUS status;
    struct ft_scsi_adapter *adapter = ft_scsi_adapter_new(detection->init, NULL, &status);
    ULONG result;

    if (!adapter)
        return false;
    if (!prepare(detection, adapter)) {
        drop(adapter);
        return false;
    }
    detection->again = FALSE;
    result = ft_scsi_find(adapter, &detection->again);
    if (result == SP_RETURN_FOUND && NT_SUCCESS(ft_scsi_bring_up(adapter))) {
        adapter->started = 1;
        adapter->fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
        detection->found++;
        ft_scsi_scan(adapter);
    } else {
        note_failure(detection, result);
        drop(adapter);
    }
    return result == SP_RETURN_FOUND && detection->again;
}

NTSTATUS ft_scsi_detect(struct ft_scsi_init *init)
{
    struct detection detection = {.init = init, .status = STATUS_SUCCESS};
    bool pci = init->data.AdapterInterfaceType == PCIBus && init->data.VendorId;

    if (init->data.AdapterInterfaceType != ft_bus_type())
        return STATUS_DEVICE_DOES_NOT_EXIST;
    for (unsigned i = 0; i < AGAIN_MAX; i++)
        if (!look(&detection) && (!pci || detection.slot >= PCI_SLOTS))
            break;
    if (detection.found > 0)
        return STATUS_SUCCESS;
    return NT_SUCCESS(detection.status) ? STATUS_DEVICE_DOES_NOT_EXIST : detection.status;
}
