/* ScsiPortInitialize: what a miniport says of itself is kept, and the port becomes the driver
 * (scsiport.md, sections 3.1, 4 and 6.1).
 *
 * Windows decides by the registry (PnpInterface) whether adapters of that bus come by Plug and Play
 * or are looked for; here the description of the driver says so (FT_DRIVER_LEGACY). A miniport
 * without HwScsiAdapterControl may be started by Plug and Play too, but not be stopped again.
 * HwScsiAdapterState is never called: no 64-bit Windows goes back to real mode. Dump mode (NULL
 * arguments) is not built: it stops the run by name. */
#include "scsiport/adapter.h"

#include "io/io_private.h"

/* ---- what the event tells ---- */

static uint64_t missing_routines(const HW_INITIALIZATION_DATA *data)
{
    const void *const routine[] = {
        (const void *)data->HwInitialize,   (const void *)data->HwStartIo,
        (const void *)data->HwInterrupt,    (const void *)data->HwFindAdapter,
        (const void *)data->HwResetBus,     (const void *)data->HwDmaStarted,
        (const void *)data->HwAdapterState, (const void *)data->HwAdapterControl,
    };
    uint64_t missing = 0;

    for (unsigned i = 0; i < RTL_NUMBER_OF(routine); i++)
        missing |= (uint64_t)(routine[i] == NULL) << i;
    return missing;
}

enum { FLAGS = 6 };

static uint64_t flags_of(const HW_INITIALIZATION_DATA *data)
{
    uint64_t flags = 0;

    for (unsigned i = 0; i < FLAGS; i++)
        flags |= (uint64_t)((&data->MapBuffers)[i] != 0) << i;
    return flags;
}

static uint64_t stray_values(const HW_INITIALIZATION_DATA *data)
{
    uint64_t stray = data->Reserved || data->ReservedUshort ? 1 : 0;

    for (unsigned i = 0; i < FLAGS; i++)
        if ((&data->MapBuffers)[i] > TRUE)
            stray |= 2;
    if ((data->VendorId != NULL) != (data->VendorIdLength != 0) ||
        (data->DeviceId != NULL) != (data->DeviceIdLength != 0))
        stray |= 4;
    return stray;
}

/* ---- the driver object ---- */

FT_PORT_ROUTINE
static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    struct ft_scsi_adapter *adapter = ft_scsi_adapter_at(device);
    bool unit = ft_scsi_unit_of(device) != NULL;

    switch (location->MajorFunction) {
    case IRP_MJ_SCSI:
        return ft_scsi_dispatch(device, irp);
    case IRP_MJ_CREATE:
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return ft_scsi_complete_irp(irp, STATUS_SUCCESS);
    case IRP_MJ_PNP:
        return unit ? ft_scsi_complete_irp(irp, irp->IoStatus.Status) : ft_scsi_pnp(adapter, irp);
    case IRP_MJ_POWER:
        return unit ? ft_scsi_unit_power(irp) : ft_scsi_power(adapter, irp);
    case IRP_MJ_DEVICE_CONTROL:
        return ft_scsi_device_control(adapter, ft_scsi_unit_of(device), irp);
    case IRP_MJ_SYSTEM_CONTROL:
        return ft_scsi_system_control(adapter, ft_scsi_unit_of(device), irp);
    default:
        return ft_scsi_complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

static void free_inits(void)
{
    struct ft_scsi_init *init = FT_SCSI->inits;

    while (init) {
        struct ft_scsi_init *next = init->next;

        ft_block_free(init);
        init = next;
    }
    FT_SCSI->inits = NULL;
}

/* Adapters of a driver without Plug and Play live until now. */
FT_PORT_ROUTINE
static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    (void)driver;
    while (FT_SCSI->adapters) {
        struct ft_scsi_adapter *adapter = FT_SCSI->adapters;

        ft_scsi_units_depart(adapter);
        ft_scsi_stop(adapter, FT_SCSI_STOP_UNLOAD);
        ft_scsi_release(adapter);
        ft_scsi_adapter_free(adapter);
    }
    free_inits();
}

static void take_over(PDRIVER_OBJECT driver, bool pnp)
{
    static const UCHAR majors[] = {IRP_MJ_CREATE, IRP_MJ_CLEANUP,        IRP_MJ_CLOSE,
                                   IRP_MJ_SCSI,   IRP_MJ_DEVICE_CONTROL, IRP_MJ_PNP,
                                   IRP_MJ_POWER,  IRP_MJ_SYSTEM_CONTROL};

    for (unsigned i = 0; i < RTL_NUMBER_OF(majors); i++)
        driver->MajorFunction[majors[i]] = dispatch;
    driver->DriverUnload = unload;
    if (pnp)
        driver->DriverExtension->AddDevice = ft_scsi_add_device;
}

/* ---- ScsiPortInitialize ---- */

/* The ids may stand on the stack of DriverEntry. */
static void copy_id(char *to, PVOID *id, USHORT *length)
{
    if (*length > FT_SCSI_ID_MAX)
        *length = FT_SCSI_ID_MAX;
    if (*id)
        RtlCopyMemory(to, *id, *length);
    *id = *id ? to : NULL;
}

static struct ft_scsi_init *keep(PDRIVER_OBJECT driver, const HW_INITIALIZATION_DATA *data,
                                 PVOID context)
{
    struct ft_scsi_init *init = ft_block_for_driver(sizeof *init, FT_HC_OTHER, 0);
    struct ft_scsi_init **link = (struct ft_scsi_init **)&FT_SCSI->inits;

    if (!init)
        return NULL;
    init->driver = driver;
    init->context = context;
    RtlCopyMemory(&init->data, data, data->HwInitializationDataSize);
    copy_id(init->vendor, &init->data.VendorId, &init->data.VendorIdLength);
    copy_id(init->device, &init->data.DeviceId, &init->data.DeviceIdLength);
    while (*link)
        link = &(*link)->next;
    *link = init;
    return init;
}

/* The structure's size is its version: the last that knew no HwScsiAdapterControl is taken too. */
static NTSTATUS check(const HW_INITIALIZATION_DATA *data)
{
    if (data->HwInitializationDataSize > sizeof *data ||
        data->HwInitializationDataSize < offsetof(HW_INITIALIZATION_DATA, HwAdapterControl))
        return STATUS_REVISION_MISMATCH;
    if (!data->HwInitialize || !data->HwStartIo || !data->HwFindAdapter || !data->HwResetBus)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS initialize(PDRIVER_OBJECT driver, const HW_INITIALIZATION_DATA *data, PVOID context)
{
    NTSTATUS status = check(data);
    bool pnp = !ft_driver_is_legacy();
    struct ft_scsi_init *init;

    if (!NT_SUCCESS(status))
        return status;
    init = keep(driver, data, context);
    if (!init)
        return STATUS_INSUFFICIENT_RESOURCES;
    take_over(driver, pnp);
    return pnp ? STATUS_SUCCESS : ft_scsi_detect(init);
}

ULONG ScsiPortInitialize(PVOID Argument1, PVOID Argument2,
                         struct _HW_INITIALIZATION_DATA *HwInitializationData, PVOID HwContext)
{
    const HW_INITIALIZATION_DATA *data = HwInitializationData;
    NTSTATUS status;
    bool in_entry = !FT_M->io.entered;

    if (!Argument1 || !Argument2)
        ft_unimplemented("ScsiPortInitialize in dump mode");
    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    status = initialize(Argument1, data, HwContext);
    ft_scsi_emit(FT_EV_SCSI_INITIALIZE, (uint32_t)status, data->HwInitializationDataSize,
                 (uint64_t)data->AdapterInterfaceType, missing_routines(data), flags_of(data),
                 stray_values(data), in_entry, data->DeviceExtensionSize);
    FT_SCSI_END(SCSI_SETUP, 0);
    return (ULONG)status;
}
