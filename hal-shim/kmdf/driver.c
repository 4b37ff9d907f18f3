/* The framework driver object, and what the I/O manager calls of a framework driver besides its
 * dispatch routine: AddDevice and DriverUnload. */
#include "kmdf/pnp_private.h"

/* With its last reference: its callbacks may still ask for the path. */
static void destroy_driver(struct ft_wdf_object *object)
{
    struct ft_wdf_driver *driver = (struct ft_wdf_driver *)object;

    if (driver->registry_path)
        ft_block_free(driver->registry_path);
    driver->registry_path = NULL;
    FT_WDF->driver = NULL;
}

static const struct ft_wdf_class driver_class = {
    .handle_class = FT_HC_WDF_DRIVER, .passive = 1, .undeletable = 1, .destroy = destroy_driver};

static struct ft_wdf_driver *the_driver(void)
{
    return FT_WDF->driver;
}

/* ---- AddDevice ---- */

static uint64_t call_add(void *callback, void *driver, void *init, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DRIVER_DEVICE_ADD)callback)(driver, init);
}

/* A driver that makes no device and says success is simply not in the stack. */
FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI add_device(PDRIVER_OBJECT object, PDEVICE_OBJECT pdo)
{
    struct ft_wdf_driver *driver = the_driver();
    ft_wdf_init *init = ft_wdf_init_new(driver, pdo);
    struct ft_wdf_device *device;
    NTSTATUS status;

    (void)object;
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    FT_WDF->adding = init;
    status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_DEVICE_ADD, driver, call_add,
                                   (void *)driver->config.EvtDriverDeviceAdd, driver, init, NULL);
    device = FT_WDF->added;
    if (FT_WDF->adding)
        ft_wdf_init_free(init);
    FT_WDF->adding = FT_WDF->added = NULL;
    if (!device)
        return status;
    device->add_over = 1;
    if (NT_SUCCESS(status))
        device->fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    else
        ft_wdf_device_drop(device);
    return status;
}

/* ---- DriverUnload ---- */

static uint64_t call_unload(void *callback, void *driver, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DRIVER_UNLOAD)callback)(driver);
    return 0;
}

static void delete_driver(struct ft_wdf_driver *driver)
{
    ft_wdf_object_delete(&driver->object);
    ft_wdf_dispose_drain();
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI unload(PDRIVER_OBJECT object)
{
    struct ft_wdf_driver *driver = the_driver();

    (void)object;
    if (!driver)
        return;
    if (driver->config.EvtDriverUnload)
        ft_wdf_call(FT_ROUTINE_WDF_UNLOAD, driver, call_unload,
                    (void *)driver->config.EvtDriverUnload, driver, NULL, NULL);
    delete_driver(driver);
}

void ft_wdf_entry_failed(void)
{
    struct ft_wdf_driver *driver = the_driver();
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    if (driver && driver->object.class_ == &driver_class)
        delete_driver(driver);
    ft_layer_set(layer);
}

/* ---- WdfDriverCreate ---- */

static NTSTATUS check_config(const WDF_DRIVER_CONFIG *config,
                             const WDF_OBJECT_ATTRIBUTES *attributes)
{
    bool legacy = (config->DriverInitFlags & WdfDriverInitNonPnpDriver) != 0;

    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (FT_WDF->driver)
        return STATUS_DRIVER_INTERNAL_ERROR;
    if (legacy && config->EvtDriverDeviceAdd)
        return STATUS_INVALID_PARAMETER;
    return ft_wdf_attributes_check(attributes, false);
}

static PWSTR copy_path(PCUNICODE_STRING path)
{
    PWSTR copy = ft_block_for_driver(path->Length + sizeof(WCHAR), FT_HC_OTHER, 0);

    if (copy)
        RtlCopyMemory(copy, path->Buffer, path->Length);
    return copy;
}

static void take_over(struct ft_wdf_driver *driver)
{
    PDRIVER_OBJECT object = driver->driver;

    if (!(driver->config.DriverInitFlags & WdfDriverInitNoDispatchOverride))
        for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
            object->MajorFunction[i] = ft_wdf_dispatch;
    if (driver->config.EvtDriverDeviceAdd)
        object->DriverExtension->AddDevice = add_device;
    if (driver->config.EvtDriverUnload || driver->config.EvtDriverDeviceAdd)
        object->DriverUnload = unload;
}

static NTSTATUS create(PDRIVER_OBJECT object, PCUNICODE_STRING path,
                       const WDF_OBJECT_ATTRIBUTES *attributes, const WDF_DRIVER_CONFIG *config)
{
    struct ft_wdf_driver *driver;
    NTSTATUS status = check_config(config, attributes);

    if (!NT_SUCCESS(status))
        return status;
    driver = ft_wdf_object_new(&driver_class, sizeof *driver, NULL, attributes, &status);
    if (!driver)
        return status;
    driver->driver = object;
    driver->config = *config;
    driver->registry_path = copy_path(path);
    if (!driver->registry_path) {
        ft_wdf_object_abandon(&driver->object);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    FT_WDF->driver = driver;
    FT_WDF->pool_tag = config->DriverPoolTag;
    take_over(driver);
    return STATUS_SUCCESS;
}

NTSTATUS WdfDriverCreate(PDRIVER_OBJECT DriverObject, PCUNICODE_STRING RegistryPath,
                         PWDF_OBJECT_ATTRIBUTES DriverAttributes, PWDF_DRIVER_CONFIG DriverConfig,
                         WDFDRIVER *Driver)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_require(DriverObject);
    ft_wdf_require(RegistryPath);
    ft_wdf_require(DriverConfig);
    if (Driver)
        *Driver = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = create(DriverObject, RegistryPath, DriverAttributes, DriverConfig);
    if (Driver && NT_SUCCESS(status))
        *Driver = FT_WDF->driver;
    ft_wdf_emit(FT_EV_WDF_DRIVER_NEW, NT_SUCCESS(status) ? ft_wdf_handle(FT_WDF->driver) : 0,
                (uint32_t)status);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

/* ---- what it knows ---- */

PWSTR WdfDriverGetRegistryPath(WDFDRIVER Driver)
{
    struct ft_wdf_driver *driver;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    driver = ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    ft_wdf_irql_ok(PASSIVE_LEVEL);
    FT_WDF_END(WDF_DEVICE, 0);
    return driver->registry_path;
}

PDRIVER_OBJECT WdfDriverWdmGetDriverObject(WDFDRIVER Driver)
{
    struct ft_wdf_driver *driver;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    driver = ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_DEVICE, 0);
    return driver->driver;
}

WDFDRIVER WdfWdmDriverGetWdfDriverHandle(PDRIVER_OBJECT DriverObject)
{
    struct ft_wdf_driver *driver = the_driver();

    ft_wdf_require(DriverObject);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return driver && driver->driver == DriverObject ? driver : NULL;
}

WDFDRIVER WdfGetDriver(VOID)
{
    return the_driver();
}

/* Only the trace provider of Windows 2000 needed it. */
NTSTATUS WdfDriverRegisterTraceInfo(PDRIVER_OBJECT DriverObject,
                                    PFN_WDF_TRACE_CALLBACK EvtTraceCallback, PVOID ControlBlock)
{
    (void)EvtTraceCallback, (void)ControlBlock;
    ft_wdf_require(DriverObject);
    ft_wdf_irql_ok(PASSIVE_LEVEL);
    return STATUS_NOT_SUPPORTED;
}

BOOLEAN WdfDriverIsVersionAvailable(WDFDRIVER Driver,
                                    PWDF_DRIVER_VERSION_AVAILABLE_PARAMS VersionAvailableParams)
{
    enum { MAJOR = 1, MINOR = 33 };
    const WDF_DRIVER_VERSION_AVAILABLE_PARAMS *want = VersionAvailableParams;
    bool available;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_check(Driver, FT_HC_WDF_DRIVER);
    ft_wdf_require(want);
    available = ft_wdf_irql_ok(PASSIVE_LEVEL) && want->Size == sizeof *want &&
                want->MajorVersion == MAJOR && want->MinorVersion <= MINOR;
    FT_WDF_END(WDF_DEVICE, 0);
    return available;
}
