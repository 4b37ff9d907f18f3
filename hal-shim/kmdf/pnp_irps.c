/* PnP requests: each goes to the machine, to the drivers below, or both, in the order that the
 * request wants (wdm-io sheet, section 6.1). */
#include "kmdf/children.h"

/* Runs the machine on the event and waits until it rests: the request's status is there then. */
NTSTATUS ft_wdf_pnp_run(struct ft_wdf_pnp *pnp, PIRP irp, enum ft_wdf_pnp_event event)
{
    if (pnp->pnp_irp)
        ft_wdf_bugcheck(FT_WDF_PNP_ERROR, ft_wdf_handle(pnp->device), ft_handle_of(irp), 0);
    pnp->pnp_irp = irp;
    pnp->status = STATUS_SUCCESS;
    ft_wdf_machine_post(pnp, &pnp->pnp, event);
    ft_wdf_machine_settle(&pnp->pnp);
    pnp->pnp_irp = NULL;
    return pnp->status;
}

/* A device that works gives its hardware back first: it may be about to move. */
static NTSTATUS start(struct ft_wdf_pnp *pnp, PIRP irp)
{
    NTSTATUS status = ft_wdf_pnp_run(pnp, irp, FT_WDF_PNP_RESTART);

    if (!pnp->device->below) {
        pnp->device->add_over = 1;
        irp->IoStatus.Status = STATUS_SUCCESS;
    }
    if (NT_SUCCESS(status))
        status = ft_wdf_forward_and_wait(pnp, irp);
    if (NT_SUCCESS(status) && !ft_wdf_resources_take(pnp, irp))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status))
        status = ft_wdf_pnp_run(pnp, irp, FT_WDF_PNP_START);
    else
        ft_wdf_pnp_run(pnp, irp, FT_WDF_PNP_START_FAILED);
    return ft_wdf_complete(pnp, irp, status);
}

/* The machine first, then the drivers below; a refusal ends it here. */
static NTSTATUS run_and_pass(struct ft_wdf_pnp *pnp, PIRP irp, enum ft_wdf_pnp_event event)
{
    NTSTATUS status = ft_wdf_pnp_run(pnp, irp, event);

    if (!NT_SUCCESS(status))
        return ft_wdf_complete(pnp, irp, status);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return ft_wdf_pass_down(pnp, irp);
}

/* The drivers below first. */
static NTSTATUS pass_and_run(struct ft_wdf_pnp *pnp, PIRP irp, enum ft_wdf_pnp_event event)
{
    NTSTATUS status;

    irp->IoStatus.Status = STATUS_SUCCESS;
    status = ft_wdf_forward_and_wait(pnp, irp);
    ft_wdf_pnp_run(pnp, irp, event);
    return ft_wdf_complete(pnp, irp, status);
}

/* A child that is still there waits for the next START. */
static NTSTATUS remove_child(struct ft_wdf_pnp *pnp, PIRP irp)
{
    struct ft_wdf_device *device = pnp->device;

    if (!pnp->child->gone)
        return ft_wdf_complete(pnp, irp, STATUS_SUCCESS);
    ft_wdf_object_dispose(&device->object);
    ft_wdf_dispose_drain();
    IoReleaseRemoveLockAndWait(&ft_wdf_extension(pnp)->lock, irp);
    ft_wdf_device_end(device);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* The object tree is disposed before the drivers below are told, and gone after they were. */
static NTSTATUS remove_device(struct ft_wdf_pnp *pnp, PIRP irp)
{
    struct ft_wdf_device *device = pnp->device;
    NTSTATUS status;

    ft_wdf_pnp_run(pnp, irp, FT_WDF_PNP_REMOVE);
    if (pnp->child)
        return remove_child(pnp, irp);
    ft_wdf_object_dispose(&device->object);
    ft_wdf_dispose_drain();
    IoReleaseRemoveLockAndWait(&ft_wdf_extension(pnp)->lock, irp);
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(irp);
    status = IoCallDriver(device->below, irp);
    ft_wdf_device_end(device);
    return status;
}

/* ---- questions ---- */

static void set_tri(ULONG *flag, WDF_TRI_STATE value)
{
    if (value != WdfUseDefault)
        *flag = value == WdfTrue;
}

#define APPLY(to, member, from, name)                                                              \
    do {                                                                                           \
        ULONG flag = (to)->member;                                                                 \
        set_tri(&flag, (from)->name);                                                              \
        (to)->member = flag & 1;                                                                   \
    } while (0)

static void apply_pnp(PDEVICE_CAPABILITIES caps, const WDF_DEVICE_PNP_CAPABILITIES *want)
{
    APPLY(caps, LockSupported, want, LockSupported);
    APPLY(caps, EjectSupported, want, EjectSupported);
    APPLY(caps, Removable, want, Removable);
    APPLY(caps, DockDevice, want, DockDevice);
    APPLY(caps, UniqueID, want, UniqueID);
    APPLY(caps, SilentInstall, want, SilentInstall);
    APPLY(caps, SurpriseRemovalOK, want, SurpriseRemovalOK);
    APPLY(caps, HardwareDisabled, want, HardwareDisabled);
    APPLY(caps, NoDisplayInUI, want, NoDisplayInUI);
    if (want->Address != (ULONG)-1)
        caps->Address = want->Address;
    if (want->UINumber != (ULONG)-1)
        caps->UINumber = want->UINumber;
}

static void apply_power(PDEVICE_CAPABILITIES caps, const WDF_DEVICE_POWER_CAPABILITIES *want)
{
    APPLY(caps, DeviceD1, want, DeviceD1);
    APPLY(caps, DeviceD2, want, DeviceD2);
    APPLY(caps, WakeFromD0, want, WakeFromD0);
    APPLY(caps, WakeFromD1, want, WakeFromD1);
    APPLY(caps, WakeFromD2, want, WakeFromD2);
    APPLY(caps, WakeFromD3, want, WakeFromD3);
    for (unsigned i = 0; i < PowerSystemMaximum; i++)
        if (want->DeviceState[i] != PowerDeviceMaximum)
            caps->DeviceState[i] = want->DeviceState[i];
    if (want->DeviceWake != PowerDeviceMaximum)
        caps->DeviceWake = want->DeviceWake;
    if (want->SystemWake != PowerSystemMaximum)
        caps->SystemWake = want->SystemWake;
    if (want->D1Latency != (ULONG)-1)
        caps->D1Latency = want->D1Latency;
    if (want->D2Latency != (ULONG)-1)
        caps->D2Latency = want->D2Latency;
    if (want->D3Latency != (ULONG)-1)
        caps->D3Latency = want->D3Latency;
}

void ft_wdf_apply_capabilities(struct ft_wdf_pnp *pnp, PDEVICE_CAPABILITIES caps)
{
    apply_pnp(caps, &pnp->pnp_caps);
    apply_power(caps, &pnp->power_caps);
}

/* What the driver says counts on the way up. */
static NTSTATUS query_capabilities(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PDEVICE_CAPABILITIES caps =
        IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
    NTSTATUS status = ft_wdf_forward_and_wait(pnp, irp);

    if (NT_SUCCESS(status))
        ft_wdf_apply_capabilities(pnp, caps);
    return ft_wdf_complete(pnp, irp, status);
}

static void set_flag(ULONG_PTR *state, ULONG_PTR flag, WDF_TRI_STATE value)
{
    if (value == WdfTrue)
        *state |= flag;
    else if (value == WdfFalse)
        *state &= ~flag;
}

static NTSTATUS query_state(struct ft_wdf_pnp *pnp, PIRP irp)
{
    const WDF_DEVICE_STATE *want = &pnp->state;
    ULONG_PTR state;
    NTSTATUS status = ft_wdf_forward_and_wait(pnp, irp);

    state = NT_SUCCESS(status) ? irp->IoStatus.Information : 0;
    set_flag(&state, PNP_DEVICE_DISABLED, want->Disabled);
    set_flag(&state, PNP_DEVICE_DONT_DISPLAY_IN_UI, want->DontDisplayInUI);
    set_flag(&state, PNP_DEVICE_FAILED, want->Failed);
    set_flag(&state, PNP_DEVICE_NOT_DISABLEABLE, want->NotDisableable);
    set_flag(&state, PNP_DEVICE_REMOVED, want->Removed);
    set_flag(&state, PNP_DEVICE_RESOURCE_REQUIREMENTS_CHANGED, want->ResourcesChanged);
    if (pnp->failed)
        state |= PNP_DEVICE_FAILED;
    if (pnp->special_files)
        state |= PNP_DEVICE_NOT_DISABLEABLE;
    irp->IoStatus.Information = state;
    return ft_wdf_complete(pnp, irp, STATUS_SUCCESS);
}

static uint64_t call_relations(void *callback, void *device, void *type, void *unused)
{
    (void)unused;
    ((PFN_WDF_DEVICE_RELATIONS_QUERY)callback)(device, (DEVICE_RELATION_TYPE)(uintptr_t)type);
    return 0;
}

/* Removal relations are the driver's business once it has named some, bus relations when it has
 * children. */
static NTSTATUS query_relations(struct ft_wdf_pnp *pnp, PIRP irp)
{
    DEVICE_RELATION_TYPE type =
        IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type;
    bool removal = type == RemovalRelations && pnp->removal.used;
    void *callback = (void *)pnp->callbacks.EvtDeviceRelationsQuery;
    NTSTATUS status = STATUS_SUCCESS;

    if (callback && (type == BusRelations || removal))
        ft_wdf_call(FT_ROUTINE_WDF_RELATIONS, pnp->device, call_relations, callback, pnp->device,
                    (void *)(uintptr_t)type, NULL);
    if (removal)
        status = ft_wdf_relations_answer(&pnp->removal, irp);
    else if (type == BusRelations)
        status = ft_wdf_children_answer(pnp, irp);
    if (!NT_SUCCESS(status) && status != STATUS_NOT_SUPPORTED)
        return ft_wdf_complete(pnp, irp, status);
    return ft_wdf_pass_down(pnp, irp);
}

static uint64_t call_query_interface(void *config_, void *device, void *location_, void *unused)
{
    const WDF_QUERY_INTERFACE_CONFIG *config = config_;
    PIO_STACK_LOCATION location = location_;

    (void)unused;
    return (uint32_t)config->EvtDeviceProcessQueryInterfaceRequest(
        device, (LPGUID)location->Parameters.QueryInterface.InterfaceType,
        location->Parameters.QueryInterface.Interface,
        location->Parameters.QueryInterface.InterfaceSpecificData);
}

/* STATUS_NOT_SUPPORTED: the driver leaves it to those below. */
static NTSTATUS serve_interface(struct ft_wdf_pnp *pnp, WDF_QUERY_INTERFACE_CONFIG *config,
                                PIO_STACK_LOCATION location)
{
    PINTERFACE to = location->Parameters.QueryInterface.Interface;
    NTSTATUS status = STATUS_SUCCESS;

    if (location->Parameters.QueryInterface.Size < config->Interface->Size)
        return STATUS_INVALID_PARAMETER;
    if (!config->ImportInterface)
        RtlCopyMemory(to, config->Interface, config->Interface->Size);
    if (config->EvtDeviceProcessQueryInterfaceRequest)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_query_interface,
                                       config, pnp->device, location, NULL);
    if (NT_SUCCESS(status) && to->InterfaceReference)
        to->InterfaceReference(to->Context);
    return status;
}

static NTSTATUS query_interface(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = STATUS_NOT_SUPPORTED;

    for (unsigned i = 0; i < pnp->queries && status == STATUS_NOT_SUPPORTED; i++)
        if (memcmp(pnp->query[i].InterfaceType, location->Parameters.QueryInterface.InterfaceType,
                   sizeof(GUID)) == 0)
            status = serve_interface(pnp, &pnp->query[i], location);
    if (status == STATUS_NOT_SUPPORTED)
        return ft_wdf_pass_down(pnp, irp);
    return ft_wdf_complete(pnp, irp, status);
}

/* ---- special files ---- */

static uint64_t call_usage(void *pnp_, void *type, void *in_path, void *unused)
{
    const struct ft_wdf_pnp *pnp = pnp_;
    const WDF_PNPPOWER_EVENT_CALLBACKS *evt = &pnp->callbacks;
    WDF_SPECIAL_FILE_TYPE file = (WDF_SPECIAL_FILE_TYPE)(uintptr_t)type;

    (void)unused;
    if (evt->EvtDeviceUsageNotificationEx)
        return (uint32_t)evt->EvtDeviceUsageNotificationEx(pnp->device, file, in_path != NULL);
    evt->EvtDeviceUsageNotification(pnp->device, file, in_path != NULL);
    return STATUS_SUCCESS;
}

static NTSTATUS tell_usage(struct ft_wdf_pnp *pnp, unsigned type, bool in_path)
{
    const WDF_PNPPOWER_EVENT_CALLBACKS *evt = &pnp->callbacks;

    if (!evt->EvtDeviceUsageNotification && !evt->EvtDeviceUsageNotificationEx)
        return STATUS_SUCCESS;
    return (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_USAGE, pnp->device, call_usage, pnp,
                                 (void *)(uintptr_t)type, (void *)(uintptr_t)in_path, NULL);
}

/* Files whose use changes how the device changes power. */
static bool is_power_related(unsigned type)
{
    return type >= WdfSpecialFilePaging && type <= WdfSpecialFileDump;
}

static void count_file(struct ft_wdf_pnp *pnp, unsigned type, bool in_path)
{
    PDEVICE_OBJECT fdo = pnp->device->fdo;
    ULONG below = pnp->device->below ? pnp->device->below->Flags : 0;

    pnp->special_files = (uint8_t)(pnp->special_files + (in_path ? 1 : -1));
    if (!is_power_related(type))
        return;
    if (pnp->device->filter)
        fdo->Flags = (fdo->Flags & ~(ULONG)DO_POWER_PAGABLE) | (below & DO_POWER_PAGABLE);
    else if (in_path)
        fdo->Flags &= ~(ULONG)DO_POWER_PAGABLE;
    else if (pnp->special_files == 0)
        fdo->Flags |= below & DO_POWER_PAGABLE;
}

static void uncount_file(struct ft_wdf_pnp *pnp, bool in_path, ULONG flags)
{
    pnp->special_files = (uint8_t)(pnp->special_files - (in_path ? 1 : -1));
    pnp->device->fdo->Flags = flags;
}

/* The drivers below have agreed, the driver has not: they are told that the file is gone. */
static void take_back(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    BOOLEAN in_path = location->Parameters.UsageNotification.InPath;

    location->Parameters.UsageNotification.InPath = FALSE;
    irp->IoStatus.Status = STATUS_SUCCESS;
    ft_wdf_forward_and_wait(pnp, irp);
    location->Parameters.UsageNotification.InPath = in_path;
}

/* The drivers below first, in D0, then the driver. */
static NTSTATUS tell_all(struct ft_wdf_pnp *pnp, PIRP irp, unsigned type, bool in_path)
{
    NTSTATUS status;

    irp->IoStatus.Status = STATUS_SUCCESS;
    status = ft_wdf_forward_and_wait(pnp, irp);
    if (!NT_SUCCESS(status))
        return status;
    status = tell_usage(pnp, type, in_path);
    if (!NT_SUCCESS(status))
        take_back(pnp, irp);
    return status;
}

/* A device with a dump file stays in D0. */
static void keep_for_dump(struct ft_wdf_pnp *pnp, unsigned type, bool in_path)
{
    if (!pnp->device->power_owner || type != WdfSpecialFileDump)
        return;
    if (in_path)
        ft_wdf_power_reference(pnp->device);
    else
        ft_wdf_power_release(pnp->device);
}

static NTSTATUS tell_in_d0(struct ft_wdf_pnp *pnp, PIRP irp, unsigned type, bool in_path)
{
    bool owner = pnp->device->power_owner;
    NTSTATUS status = owner ? ft_wdf_power_hold(pnp, true) : STATUS_SUCCESS;

    if (!NT_SUCCESS(status))
        return status;
    status = tell_all(pnp, irp, type, in_path);
    if (NT_SUCCESS(status))
        keep_for_dump(pnp, type, in_path);
    if (owner)
        ft_wdf_power_release(pnp->device);
    return status;
}

/* What the framework's source does (PnpDeviceUsageNotification): devices that depend on this one
 * hear of it first, then those below, then the driver. Its documents do not say whether the
 * callback or the drivers below come first. */
static NTSTATUS usage(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    unsigned type = (unsigned)location->Parameters.UsageNotification.Type;
    bool in_path = location->Parameters.UsageNotification.InPath != FALSE;
    ULONG flags = pnp->device->fdo->Flags;
    NTSTATUS status;

    if (type < WdfSpecialFilePaging || type >= WdfSpecialFileMax ||
        (in_path && !(pnp->files_supported >> type & 1) && !pnp->device->filter))
        return ft_wdf_complete(pnp, irp, STATUS_NOT_IMPLEMENTED);
    count_file(pnp, type, in_path);
    status = ft_wdf_relations_usage(&pnp->usage, irp, false);
    if (NT_SUCCESS(status)) {
        status = tell_in_d0(pnp, irp, type, in_path);
        if (!NT_SUCCESS(status))
            ft_wdf_relations_usage(&pnp->usage, irp, true);
    }
    if (NT_SUCCESS(status))
        IoInvalidateDeviceState(pnp->device->pdo);
    else
        uncount_file(pnp, in_path, flags);
    return ft_wdf_complete(pnp, irp, status);
}

NTSTATUS ft_wdf_dispatch_pnp(struct ft_wdf_pnp *pnp, PIRP irp)
{
    NTSTATUS status;

    if (pnp->child && ft_wdf_child_pnp(pnp, irp, &status))
        return status;
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(pnp, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
        return run_and_pass(pnp, irp, FT_WDF_PNP_QUERY_STOP);
    case IRP_MN_STOP_DEVICE:
        return run_and_pass(pnp, irp, FT_WDF_PNP_STOP);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return run_and_pass(pnp, irp, FT_WDF_PNP_QUERY_REMOVE);
    case IRP_MN_SURPRISE_REMOVAL:
        return run_and_pass(pnp, irp, FT_WDF_PNP_SURPRISE);
    case IRP_MN_CANCEL_STOP_DEVICE:
        return pass_and_run(pnp, irp, FT_WDF_PNP_CANCEL_STOP);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return pass_and_run(pnp, irp, FT_WDF_PNP_CANCEL_REMOVE);
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(pnp, irp);
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(pnp, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return query_state(pnp, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(pnp, irp);
    case IRP_MN_QUERY_INTERFACE:
        return query_interface(pnp, irp);
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return usage(pnp, irp);
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        return ft_wdf_complete(pnp, irp, ft_wdf_filter_requirements(pnp, irp));
    default:
        return ft_wdf_pass_down(pnp, irp);
    }
}
