/* What a PDO answers itself: it is the bottom of its stack. */
#include "kmdf/children.h"

/* Pool, which the PnP manager frees. */
static NTSTATUS give(PIRP irp, const void *from, size_t bytes, size_t room)
{
    char *made = ExAllocatePoolWithTag(PagedPool, room, 'LdfW');

    if (made) {
        RtlZeroMemory(made, room);
        RtlCopyMemory(made, from, bytes);
    }
    irp->IoStatus.Information = (ULONG_PTR)made;
    return made ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS give_text(PIRP irp, const struct ft_wdf_text *text)
{
    return give(irp, text->text, text->bytes, text->bytes + sizeof(WCHAR));
}

/* Lists of identifiers are answered also when they are empty. */
static NTSTATUS query_id(const struct ft_wdf_child *child, PIRP irp)
{
    unsigned type = (unsigned)IoGetCurrentIrpStackLocation(irp)->Parameters.QueryId.IdType;

    if (type >= FT_WDF_CHILD_IDS)
        return irp->IoStatus.Status;
    if (child->id[type].text)
        return give_text(irp, &child->id[type]);
    if (type == BusQueryHardwareIDs || type == BusQueryCompatibleIDs)
        return give(irp, L"", 0, 2 * sizeof(WCHAR));
    return irp->IoStatus.Status;
}

static const struct ft_wdf_locale_text *find_text(const struct ft_wdf_child *child, LCID locale)
{
    const struct ft_wdf_locale_text *text = child->texts;

    while (text && text->locale != locale)
        text = text->next;
    return text;
}

static NTSTATUS query_text(const struct ft_wdf_child *child, PIRP irp)
{
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);
    const struct ft_wdf_locale_text *text =
        find_text(child, at->Parameters.QueryDeviceText.LocaleId);

    if (!text)
        text = find_text(child, child->locale);
    if (text && at->Parameters.QueryDeviceText.DeviceTextType == DeviceTextDescription)
        return give_text(irp, &text->description);
    if (text && at->Parameters.QueryDeviceText.DeviceTextType == DeviceTextLocationInformation)
        return give_text(irp, &text->location);
    return irp->IoStatus.Status;
}

/* What the driver does not say of a child is as the parent has it. */
static NTSTATUS query_capabilities(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PDEVICE_CAPABILITIES caps =
        IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
    DEVICE_CAPABILITIES parent;
    NTSTATUS status;
    PDEVICE_OBJECT top;

    if (caps->Version != 1 || caps->Size < sizeof *caps)
        return STATUS_UNSUCCESSFUL;
    top = IoGetAttachedDeviceReference(pnp->child->parent->fdo);
    status = ft_wdf_ask_capabilities(top, &parent);
    ObDereferenceObject(top);
    if (!NT_SUCCESS(status))
        return status;
    RtlCopyMemory(caps->DeviceState, parent.DeviceState, sizeof caps->DeviceState);
    caps->SystemWake = parent.SystemWake;
    caps->DeviceWake = parent.DeviceWake;
    caps->D1Latency = caps->D2Latency = 0;
    if (pnp->child->raw)
        caps->RawDeviceOK = caps->SilentInstall = 1;
    ft_wdf_apply_capabilities(pnp, caps);
    return STATUS_SUCCESS;
}

static NTSTATUS query_resources(struct ft_wdf_pnp *pnp, PIRP irp)
{
    void *callback = (void *)pnp->child->callbacks.EvtDeviceResourcesQuery;
    PCM_RESOURCE_LIST list = NULL;
    NTSTATUS status;

    if (!callback)
        return irp->IoStatus.Status;
    status = ft_wdf_ask_resources(pnp, callback, &list);
    if (NT_SUCCESS(status) && !list)
        return irp->IoStatus.Status;
    irp->IoStatus.Information = (ULONG_PTR)list;
    return status;
}

static NTSTATUS query_requirements(struct ft_wdf_pnp *pnp, PIRP irp)
{
    void *callback = (void *)pnp->child->callbacks.EvtDeviceResourceRequirementsQuery;
    PIO_RESOURCE_REQUIREMENTS_LIST list = NULL;
    NTSTATUS status;

    pnp->child->known = 1;
    if (!callback)
        return STATUS_SUCCESS;
    status = ft_wdf_ask_requirements(pnp, callback, &list);
    if (NT_SUCCESS(status) && !list)
        return irp->IoStatus.Status;
    irp->IoStatus.Information = (ULONG_PTR)list;
    return status;
}

static NTSTATUS query_bus(const struct ft_wdf_child *child, PIRP irp)
{
    const PNP_BUS_INFORMATION *bus = &ft_wdf_pnp_of(child->parent)->bus;

    if (bus->BusTypeGuid.Data1 == 0)
        return irp->IoStatus.Status;
    return give(irp, bus, sizeof *bus, sizeof *bus);
}

static uint64_t call_lock(void *callback, void *device, void *locked, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_SET_LOCK)callback)(device, locked != NULL);
}

static NTSTATUS set_lock(struct ft_wdf_pnp *pnp, PIRP irp)
{
    BOOLEAN locked = IoGetCurrentIrpStackLocation(irp)->Parameters.SetLock.Lock;
    void *callback = (void *)pnp->child->callbacks.EvtDeviceSetLock;
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    if (callback)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_lock, callback,
                                       pnp->device, (void *)(uintptr_t)locked, NULL);
    if (NT_SUCCESS(status))
        irp->IoStatus.Information = 0;
    return status;
}

static NTSTATUS target_relation(PDEVICE_OBJECT device, PIRP irp)
{
    DEVICE_RELATIONS one = {.Count = 1, .Objects = {device}};
    NTSTATUS status = give(irp, &one, sizeof one, sizeof one);

    if (NT_SUCCESS(status))
        ObReferenceObject(device);
    return status;
}

/* False: as any other device answers it. */
static bool query_relations(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status)
{
    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type) {
    case EjectionRelations:
        *status = ft_wdf_relations_answer(&pnp->child->ejection, irp);
        if (*status == STATUS_NOT_SUPPORTED)
            *status = irp->IoStatus.Status;
        return true;
    case TargetDeviceRelation:
        *status = target_relation(pnp->device->fdo, irp);
        return true;
    default:
        return false;
    }
}

/* ---- REENUMERATE_SELF_INTERFACE_STANDARD, for the drivers above ---- */

FT_FRAMEWORK_ROUTINE
static VOID NTAPI refer_to_child(PVOID pnp)
{
    (void)pnp; /* the interface lives as long as the device */
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI reenumerate_child(PVOID pnp)
{
    ft_wdf_child_reenumerate(pnp);
}

/* False: it is another interface, or the child is static and cannot be reported anew. */
static bool query_reenumeration(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status)
{
    static const GUID reenumerate = {
        0x2AEB0243, 0x6A6E, 0x486B, {0x82, 0xFC, 0xD8, 0x15, 0xF6, 0xB9, 0x70, 0x06}};
    PIO_STACK_LOCATION at = IoGetCurrentIrpStackLocation(irp);
    PREENUMERATE_SELF_INTERFACE_STANDARD to = (void *)at->Parameters.QueryInterface.Interface;

    if (pnp->child->static_ ||
        memcmp(at->Parameters.QueryInterface.InterfaceType, &reenumerate, sizeof reenumerate) != 0)
        return false;
    *status = STATUS_INVALID_BUFFER_SIZE;
    if (at->Parameters.QueryInterface.Version != 1 ||
        at->Parameters.QueryInterface.Size < sizeof *to)
        return true;
    *to = (REENUMERATE_SELF_INTERFACE_STANDARD){
        .Size = sizeof *to,
        .Version = 1,
        .Context = pnp,
        .InterfaceReference = refer_to_child,
        .InterfaceDereference = refer_to_child,
        .SurpriseRemoveAndReenumerateSelf = reenumerate_child,
    };
    *status = STATUS_SUCCESS;
    return true;
}

static bool answer(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_QUERY_ID:
        *status = query_id(pnp->child, irp);
        return true;
    case IRP_MN_QUERY_DEVICE_TEXT:
        *status = query_text(pnp->child, irp);
        return true;
    case IRP_MN_QUERY_CAPABILITIES:
        *status = query_capabilities(pnp, irp);
        return true;
    case IRP_MN_QUERY_RESOURCES:
        *status = query_resources(pnp, irp);
        return true;
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        *status = query_requirements(pnp, irp);
        return true;
    case IRP_MN_QUERY_BUS_INFORMATION:
        *status = query_bus(pnp->child, irp);
        return true;
    case IRP_MN_EJECT:
        *status = ft_wdf_pnp_run(pnp, irp, FT_WDF_PNP_EJECT);
        return true;
    case IRP_MN_SET_LOCK:
        *status = set_lock(pnp, irp);
        return true;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(pnp, irp, status);
    case IRP_MN_QUERY_INTERFACE:
        return query_reenumeration(pnp, irp, status);
    default:
        return false;
    }
}

bool ft_wdf_child_pnp(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS *status)
{
    if (!answer(pnp, irp, status))
        return false;
    *status = ft_wdf_complete(pnp, irp, *status);
    return true;
}
