/* Device and driver objects, and the device stack (wdm-io sheet, sections 1.3 and 6.5).
 *
 * A device object, its extension and the shim's private part are one block, in this order, so that
 * an access beyond the extension meets the block's guard. Blocks are freed by IoDeleteDevice and
 * poisoned.
 *
 * Not modelled: device names and symbolic links (the requester finds the device without), security,
 * the alignment of a cache line that IoCreateDevice asks for (AlignmentRequirement begins as zero),
 * the refusal of requests while DO_DEVICE_INITIALIZING is set.
 */
#include "io/io_private.h"
#include "kernel/handles.h"

enum { BUGCHECK_IO_MANAGER = 0xC9, DELETED_TWICE = 0x240, ALIGN = 16 };

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

struct ft_device_private *ft_device_private(PDEVICE_OBJECT device)
{
    return (struct ft_device_private *)device->DeviceObjectExtension;
}

void ft_device_check(PDEVICE_OBJECT device, unsigned code)
{
    if (!device || !ft_block_is_live(device, FT_HC_DEVICE))
        ft_bugcheck(BUGCHECK_IO_MANAGER, code, ft_handle_of(device), 0, 0);
}

static void link_to_driver(PDEVICE_OBJECT device, PDRIVER_OBJECT driver)
{
    device->DriverObject = driver;
    device->NextDevice = driver->DeviceObject;
    driver->DeviceObject = device;
}

static void unlink_from_driver(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT *at = &device->DriverObject->DeviceObject;

    while (*at && *at != device)
        at = &(*at)->NextDevice;
    if (*at)
        *at = device->NextDevice;
}

PDEVICE_OBJECT ft_device_create(PDRIVER_OBJECT driver, uint32_t extension, ULONG type,
                                ULONG characteristics)
{
    uint32_t body = sizeof(DEVICE_OBJECT) + aligned(extension);
    struct ft_device_private *private;
    PDEVICE_OBJECT device;

    if (extension > FT_POOL_BYTES)
        return NULL;
    device = ft_block_alloc(body + sizeof *private, FT_HC_DEVICE, 0);
    if (!device)
        return NULL;
    private = (struct ft_device_private *)((char *)device + body);
    private->windows.DeviceObject = device;
    device->DeviceObjectExtension = &private->windows;
    device->Type = IO_TYPE_DEVICE;
    device->Size = (USHORT)(sizeof *device + extension);
    device->Flags = DO_DEVICE_INITIALIZING;
    device->Characteristics = characteristics;
    device->DeviceType = type;
    device->StackSize = 1;
    device->DeviceExtension = extension ? device + 1 : NULL;
    ft_queue_reset(&device->DeviceQueue);
    link_to_driver(device, driver);
    return device;
}

NTSTATUS ft_invalid_request(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

PDRIVER_OBJECT ft_driver_create(void)
{
    PDRIVER_OBJECT driver =
        ft_block_alloc(sizeof(DRIVER_OBJECT) + sizeof(DRIVER_EXTENSION), FT_HC_DRIVER, 0);

    FT_ASSERT(driver); /* the arena is fresh */
    driver->Type = IO_TYPE_DRIVER;
    driver->Size = sizeof *driver;
    driver->DriverExtension = (PDRIVER_EXTENSION)(driver + 1);
    driver->DriverExtension->DriverObject = driver;
    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        driver->MajorFunction[i] = ft_invalid_request;
    return driver;
}

PDEVICE_OBJECT ft_device_top(PDEVICE_OBJECT device)
{
    while (device->AttachedDevice)
        device = device->AttachedDevice;
    return device;
}

NTSTATUS IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                        PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                        ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                        PDEVICE_OBJECT *DeviceObject)
{
    PDEVICE_OBJECT device;
    NTSTATUS status;

    FT_DDI_BEGIN(DEVICE, 0);
    device = ft_device_create(DriverObject, DeviceExtensionSize, DeviceType, DeviceCharacteristics);
    status = device ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (device) {
        device->Flags |= (Exclusive ? DO_EXCLUSIVE : 0) | (DeviceName ? DO_DEVICE_HAS_NAME : 0);
        *DeviceObject = device;
    }
    ft_emit(FT_EV_DEVICE_CREATE, ft_handle_of(device), (uint32_t)status, device ? device->Flags : 0,
            DeviceType);
    if (device)
        ft_queue_announce(&device->DeviceQueue, device);
    FT_DDI_END(DEVICE, 0);
    return status;
}

/* A device that is deleted while attached leaves the stack: what is below must not point to freed
 * memory, a rule judges the rest. */
static void leave_stack(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT below = FT_IO->pdo;

    while (below && below->AttachedDevice && below->AttachedDevice != device)
        below = below->AttachedDevice;
    if (below && below->AttachedDevice == device)
        below->AttachedDevice = device->AttachedDevice;
}

static bool is_not_deleted(const void *object)
{
    PDEVICE_OBJECT device = (PDEVICE_OBJECT)(uintptr_t)object;

    return !ft_device_private(device)->deleted;
}

const struct ft_object_type ft_device_type = {.in_use = is_not_deleted};

/* The object itself stays until its last reference is gone. */
VOID IoDeleteDevice(PDEVICE_OBJECT DeviceObject)
{
    FT_DDI_BEGIN(DEVICE, 0);
    ft_emit(FT_EV_DEVICE_DELETE, ft_handle_of(DeviceObject));
    ft_device_check(DeviceObject, DELETED_TWICE);
    if (ft_device_private(DeviceObject)->deleted)
        ft_bugcheck(BUGCHECK_IO_MANAGER, DELETED_TWICE, ft_handle_of(DeviceObject), 0, 0);
    ft_device_private(DeviceObject)->deleted = 1;
    leave_stack(DeviceObject);
    unlink_from_driver(DeviceObject);
    ft_object_put(DeviceObject);
    FT_DDI_END(DEVICE, 0);
}

static PDEVICE_OBJECT attach(PDEVICE_OBJECT source, PDEVICE_OBJECT target)
{
    PDEVICE_OBJECT top = ft_device_top(target);

    source->StackSize = (CCHAR)(top->StackSize + 1);
    source->AlignmentRequirement = top->AlignmentRequirement;
    source->SectorSize = top->SectorSize;
    top->AttachedDevice = source;
    ft_emit(FT_EV_DEVICE_ATTACH, ft_handle_of(source), ft_handle_of(top));
    return top;
}

PDEVICE_OBJECT IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice)
{
    PDEVICE_OBJECT top;

    FT_DDI_BEGIN(DEVICE, 0);
    top = attach(SourceDevice, TargetDevice);
    FT_DDI_END(DEVICE, 0);
    return top;
}

NTSTATUS IoAttachDeviceToDeviceStackSafe(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice,
                                         PDEVICE_OBJECT *AttachedToDeviceObject)
{
    FT_DDI_BEGIN(DEVICE, 0);
    *AttachedToDeviceObject = attach(SourceDevice, TargetDevice);
    FT_DDI_END(DEVICE, 0);
    return STATUS_SUCCESS;
}

/* TargetDevice is the device below: the one that IoAttachDeviceToDeviceStack returned. */
VOID IoDetachDevice(PDEVICE_OBJECT TargetDevice)
{
    enum { NOTHING_ATTACHED = 0x202 };

    FT_DDI_BEGIN(DEVICE, 0);
    ft_emit(FT_EV_DEVICE_DETACH, ft_handle_of(TargetDevice));
    ft_device_check(TargetDevice, NOTHING_ATTACHED);
    if (!TargetDevice->AttachedDevice)
        ft_bugcheck(BUGCHECK_IO_MANAGER, NOTHING_ATTACHED, ft_handle_of(TargetDevice), 0, 0);
    TargetDevice->AttachedDevice = NULL;
    FT_DDI_END(DEVICE, 0);
}

PDEVICE_OBJECT IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject)
{
    return ft_device_top(DeviceObject);
}
