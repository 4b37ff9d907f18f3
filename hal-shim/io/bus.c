/* The bus driver: it owns the PDO, gives the device its resources, changes its power, and completes
 * what reaches the bottom of the stack (wdm-io sheet, sections 6.1, 7.1 and 13). Layer SYSTEM, no
 * points of its own but IoCompleteRequest's.
 *
 * Raw and translated lists differ in the interrupt: raw has the line, translated the vector and
 * DIRQL to connect with. Memory is the same in both, as on x86.
 *
 * Not modelled: a bus driver that pends requests; configuration space; bus interfaces; wake;
 * children.
 */
#include "io/io_private.h"

enum { VECTOR_BASE = 0x50, BUS_TAG = 0x53554246 };

ULONG ft_bus_vector(void)
{
    return VECTOR_BASE + (ULONG)ft_world_module()->description->irq_vector;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_bars(PCM_PARTIAL_RESOURCE_DESCRIPTOR at)
{
    const struct ft_description *description = ft_world_module()->description;

    for (unsigned i = 0; i < FT_BARS_MAX; i++) {
        if (description->bar_bytes[i] == 0)
            continue;
        at->Type = CmResourceTypeMemory;
        at->ShareDisposition = CmResourceShareDeviceExclusive;
        at->Flags = CM_RESOURCE_MEMORY_READ_WRITE;
        at->u.Memory.Start.QuadPart =
            (LONGLONG)(FT_BAR_PHYSICAL_BASE + i * (ULONGLONG)FT_BAR_STRIDE);
        at->u.Memory.Length = description->bar_bytes[i];
        at++;
    }
    return at;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR add_interrupt(PCM_PARTIAL_RESOURCE_DESCRIPTOR at,
                                                     bool translated)
{
    const struct ft_description *description = ft_world_module()->description;

    if (description->irq_level == 0)
        return at;
    at->Type = CmResourceTypeInterrupt;
    at->ShareDisposition = CmResourceShareShared;
    at->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
    at->u.Interrupt.Level = translated ? description->irq_level : description->irq_vector;
    at->u.Interrupt.Vector = translated ? ft_bus_vector() : description->irq_vector;
    at->u.Interrupt.Affinity = ((KAFFINITY)1 << FT_M->cpus) - 1;
    return at + 1;
}

PCM_RESOURCE_LIST ft_bus_resources(bool translated)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR at;
    PCM_PARTIAL_RESOURCE_LIST partial;
    PCM_RESOURCE_LIST list = ft_block_alloc(
        sizeof *list + FT_BARS_MAX * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), FT_HC_OTHER, 0);

    if (!list)
        return NULL;
    list->Count = 1;
    list->List[0].InterfaceType = PCIBus;
    partial = &list->List[0].PartialResourceList;
    partial->Version = 1;
    partial->Revision = 1;
    at = add_interrupt(add_bars(partial->PartialDescriptors), translated);
    partial->Count = (ULONG)(at - partial->PartialDescriptors);
    return list;
}

/* ---- PnP ---- */

static NTSTATUS answer_capabilities(PDEVICE_CAPABILITIES capabilities)
{
    if (capabilities->Version != 1 || capabilities->Size < sizeof *capabilities)
        return STATUS_UNSUCCESSFUL;
    capabilities->SurpriseRemovalOK = 1;
    capabilities->Removable = 1;
    capabilities->UniqueID = 1;
    capabilities->Address = 0;
    capabilities->UINumber = 0;
    for (unsigned i = PowerSystemSleeping1; i < POWER_SYSTEM_MAXIMUM; i++)
        capabilities->DeviceState[i] = PowerDeviceD3;
    capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    return STATUS_SUCCESS;
}

/* TargetDeviceRelation alone; the caller frees the answer, which is pool. */
static NTSTATUS answer_relations(PDEVICE_OBJECT device, PIRP irp, DEVICE_RELATION_TYPE type)
{
    PDEVICE_RELATIONS relations;

    if (type != TargetDeviceRelation)
        return irp->IoStatus.Status;
    relations = ExAllocatePoolWithTag(PagedPool, sizeof *relations, BUS_TAG);
    if (!relations)
        return STATUS_INSUFFICIENT_RESOURCES;
    relations->Count = 1;
    relations->Objects[0] = device;
    irp->IoStatus.Information = (ULONG_PTR)relations;
    return STATUS_SUCCESS;
}

/* The device loses its addresses and may no longer master the bus. */
static void take_resources_away(void)
{
    if (FT_IO->decodes && !FT_IO->yanked)
        ft_model_stop(SIM_END_POWER);
    FT_IO->decodes = 0;
}

static NTSTATUS start_device(void)
{
    if (FT_IO->yanked)
        return STATUS_NO_SUCH_DEVICE;
    FT_IO->decodes = 1;
    ft_hardware_power(FT_D0);
    return STATUS_SUCCESS;
}

static NTSTATUS dispatch_pnp(PDEVICE_OBJECT device, PIRP irp, PIO_STACK_LOCATION location)
{
    switch (location->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start_device();
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
        take_resources_away();
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_DEVICE_ENUMERATED:
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        irp->IoStatus.Information = 0;
        return STATUS_SUCCESS;
    case IRP_MN_QUERY_CAPABILITIES:
        return answer_capabilities(location->Parameters.DeviceCapabilities.Capabilities);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return answer_relations(device, irp, location->Parameters.QueryDeviceRelations.Type);
    default:
        /* What the bus driver does not know keeps the status it came with. */
        return irp->IoStatus.Status;
    }
}

/* ---- power ---- */

static NTSTATUS set_power(PIO_STACK_LOCATION location)
{
    DEVICE_POWER_STATE state = location->Parameters.Power.State.DeviceState;

    if (location->Parameters.Power.Type != DevicePowerState)
        return STATUS_SUCCESS;
    if (state == PowerDeviceD0 && FT_IO->yanked)
        return STATUS_NO_SUCH_DEVICE;
    ft_hardware_power((unsigned)state);
    return STATUS_SUCCESS;
}

static NTSTATUS dispatch_power(PIRP irp, PIO_STACK_LOCATION location)
{
    switch (location->MinorFunction) {
    case IRP_MN_SET_POWER:
        return set_power(location);
    case IRP_MN_QUERY_POWER:
        return STATUS_SUCCESS;
    default:
        return irp->IoStatus.Status;
    }
}

NTSTATUS ft_bus_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status;

    switch (location->MajorFunction) {
    case IRP_MJ_PNP:
        status = dispatch_pnp(device, irp, location);
        break;
    case IRP_MJ_POWER:
        status = dispatch_power(irp, location);
        break;
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        status = STATUS_SUCCESS;
        break;
    case IRP_MJ_SYSTEM_CONTROL:
        status = irp->IoStatus.Status;
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
        irp->IoStatus.Information = 0;
        break;
    }
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

void ft_bus_reset(void)
{
    PDRIVER_OBJECT driver = ft_driver_create();
    PDEVICE_OBJECT pdo;

    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = ft_bus_dispatch;
    pdo = ft_device_create(driver, 0, FILE_DEVICE_UNKNOWN, FILE_AUTOGENERATED_DEVICE_NAME);
    FT_ASSERT(pdo);
    pdo->Flags = DO_BUS_ENUMERATED_DEVICE | DO_POWER_PAGABLE;
    FT_IO->bus_driver = driver;
    FT_IO->pdo = pdo;
    FT_IO->pdo_id = (uint16_t)ft_handle_id(ft_block_handle(pdo));
}
