/* The beginning of a run: one thread loads the driver, lets it add the device, starts the device,
 * and opens the requester's handle. Where a step fails the rest is left out; that is legal, and the
 * run goes on to its end. Of two devices both are added before one is started, as the PnP manager
 * does with what a bus reports at one time; each goes as far as it can.
 *
 * A legacy driver (FT_DRIVER_LEGACY) is only loaded: nobody adds or starts its device, and no PnP
 * or power request ever reaches it, so ops that would send one are skipped. Not modelled: resources
 * that such a driver reports or detects; a machine that does not sleep because of it. A driver
 * without AddDevice that does not say so in its description has a device that nobody can start:
 * that run stops, with the name of the flag. */
#include "io/io_private.h"

enum { PATH_MAX_CHARS = 128 };

struct path {
    UNICODE_STRING string;
    WCHAR text[PATH_MAX_CHARS];
};

static void append(UNICODE_STRING *string, const char *text)
{
    USHORT length = string->Length / sizeof(WCHAR);

    while (*text != '\0' && length < PATH_MAX_CHARS - 1)
        string->Buffer[length++] = (WCHAR)(unsigned char)*text++;
    string->Length = (USHORT)(length * sizeof(WCHAR));
}

static PUNICODE_STRING create_registry_path(void)
{
    struct path *path = ft_block_alloc(sizeof *path, FT_HC_OTHER, 0);

    if (!path) {
        ft_io_cut();
        return NULL;
    }
    path->string.Buffer = path->text;
    path->string.MaximumLength = sizeof path->text;
    append(&path->string, "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\");
    append(&path->string, ft_world_module()->description->name);
    return &path->string;
}

static uint64_t call_entry(void *entry, void *driver, void *path, void *unused)
{
    (void)unused;
    return (uint32_t)((int (*)(void *, void *))entry)(driver, path);
}

static void announce_dispatch(const DRIVER_OBJECT *driver)
{
    uint64_t majors = 0;

    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        majors |= (uint64_t)(driver->MajorFunction[i] != ft_invalid_request) << i;
    ft_emit(FT_EV_DRIVER_DISPATCH, majors);
}

/* The I/O manager does so for the devices that DriverEntry has made; others are the driver's to
 * mark. */
static void mark_initialized(const DRIVER_OBJECT *driver)
{
    for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice)
        device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

static NTSTATUS enter_driver(void)
{
    PDRIVER_OBJECT driver = FT_IO->driver;
    NTSTATUS status;

    FT_IO->registry_path = create_registry_path();
    status = (NTSTATUS)ft_call_driver_routine(
        FT_ROUTINE_DRIVER_ENTRY, ft_block_handle(driver), 0, 0, call_entry,
        (void *)ft_world_module()->driver_entry, driver, FT_IO->registry_path, NULL);
    /* A driver that fails here is unloaded without its DriverUnload. */
    if (NT_SUCCESS(status)) {
        FT_IO->entered = 1;
        mark_initialized(driver);
        announce_dispatch(driver);
        ft_reinitialize();
    } else {
        ft_wdf_entry_failed();
        FT_IO->unloaded = 1;
    }
    return status;
}

static uint64_t call_add_device(void *routine, void *driver, void *pdo, void *unused)
{
    (void)unused;
    return (uint32_t)((PDRIVER_ADD_DEVICE)routine)(driver, pdo);
}

static NTSTATUS add_device(void)
{
    PDRIVER_OBJECT driver = FT_IO->driver;
    PDRIVER_ADD_DEVICE routine = driver->DriverExtension->AddDevice;
    NTSTATUS status;

    if (!routine)
        ft_unimplemented("a driver without AddDevice or FT_DRIVER_LEGACY");
    status = (NTSTATUS)ft_call_routine((void *)routine, FT_ROUTINE_ADD_DEVICE,
                                       ft_block_handle(FT_DEV->pdo), 0, 0, call_add_device,
                                       (void *)routine, driver, FT_DEV->pdo, NULL);
    FT_DEV->added = NT_SUCCESS(status);
    ft_device_announce();
    return status;
}

/* Events belong to the device that requests go to; the PDO has nothing to do with it. */
static void adopt_device(void)
{
    PDEVICE_OBJECT device = ft_device_opened();

    FT_DEV->pdo_id = device ? (uint16_t)ft_handle_id(ft_block_handle(device)) : FT_DEV->pdo_id;
    ft_task_for_device(ft_current());
}

static NTSTATUS start_device(void)
{
    FT_DEV->starting = 1;
    return ft_pnp_start();
}

static NTSTATUS open_device(void)
{
    ft_handle_take(); /* a driver may refuse it; then there are no requests */
    return STATUS_SUCCESS;
}

/* A step for each device that no step has failed for; status: of each, by number. */
static void each_device(NTSTATUS (*step)(void), NTSTATUS *status)
{
    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        if (NT_SUCCESS(status[device->number]))
            status[device->number] = step();
        ft_focus_back(was);
    }
}

/* Ops that strike during a START queue behind it, and those between two AddDevices, too. Returns
 * the first failure. */
static NTSTATUS add_and_start(void)
{
    NTSTATUS status[FT_DESCRIPTION_DEVICES_MAX] = {STATUS_SUCCESS};

    FT_IO->manager_busy = FT_IO->second != NULL;
    each_device(add_device, status);
    FT_IO->manager_busy = 1;
    each_device(start_device, status);
    ft_manager_release();
    each_device(open_device, status);
    return NT_SUCCESS(status[0]) ? status[1] : status[0];
}

static void start(void *unused)
{
    NTSTATUS status = enter_driver();

    (void)unused;
    if (NT_SUCCESS(status) && ft_driver_is_legacy()) {
        adopt_device();
        ft_handle_take();
    } else if (NT_SUCCESS(status)) {
        status = add_and_start();
    }
    ft_emit(FT_EV_RUN_STARTED, (uint32_t)status);
    FT_M->started = 1;
}

void ft_io_start_driver(void)
{
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, start, NULL, 0));
}
