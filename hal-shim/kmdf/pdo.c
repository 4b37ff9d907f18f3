/* WdfPdo…: PDOs that were made; static children of a function device. */
#include "kmdf/children.h"

/* `effect` works on the pnp part of the device, whether it is a child or not. */
#define CALL(handle, effect)                                                                       \
    struct ft_wdf_pnp *pnp;                                                                        \
    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(handle));                                                \
    pnp = ft_wdf_pnp_of(ft_wdf_check(handle, FT_HC_WDF_DEVICE));                                   \
    ft_wdf_irql_ok(DISPATCH_LEVEL);                                                                \
    effect;                                                                                        \
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(handle))

WDFDEVICE WdfPdoGetParent(WDFDEVICE Device)
{
    WDFDEVICE parent = NULL;

    CALL(Device, if (pnp->child) parent = (WDFDEVICE)pnp->child->parent);
    return parent;
}

NTSTATUS WdfPdoMarkMissing(WDFDEVICE Device)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    CALL(Device, if (pnp->child) status = ft_wdf_child_miss(pnp));
    return status;
}

bool ft_wdf_child_request_eject(struct ft_wdf_pnp *pnp)
{
    if (!pnp->child || !pnp->child->known)
        return false;
    IoRequestDeviceEject(pnp->device->pdo);
    return true;
}

/* Nothing for a device that is no child, or that the PnP manager does not know yet. */
VOID WdfPdoRequestEject(WDFDEVICE Device)
{
    CALL(Device, ft_wdf_child_request_eject(pnp));
}

/* ---- descriptions ---- */

/* Of a child in a list that is not the static one. */
static struct ft_wdf_description *described(const struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_description *entry = pnp->child->entry;

    return entry && !entry->list->static_ ? entry : NULL;
}

static NTSTATUS copy_id(struct ft_wdf_pnp *pnp, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to)
{
    struct ft_wdf_description *entry;

    if (!pnp->child)
        return STATUS_INVALID_PARAMETER;
    entry = described(pnp);
    if (!entry ||
        to->IdentificationDescriptionSize != entry->list->config.IdentificationDescriptionSize)
        return STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_children_copy_id(entry->list, to, entry->id);
    return STATUS_SUCCESS;
}

NTSTATUS WdfPdoRetrieveIdentificationDescription(
    WDFDEVICE Device, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    NTSTATUS status;

    CALL(Device, ft_wdf_require(IdentificationDescription);
         status = copy_id(pnp, IdentificationDescription));
    return status;
}

static NTSTATUS copy_address(struct ft_wdf_pnp *pnp, PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address,
                             bool update)
{
    struct ft_wdf_description *entry;

    if (!pnp->child)
        return STATUS_INVALID_PARAMETER;
    entry = described(pnp);
    if (!entry || !entry->address ||
        address->AddressDescriptionSize != entry->list->config.AddressDescriptionSize)
        return STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_children_enter(entry->list);
    if (update)
        ft_wdf_children_copy_address(entry->list, entry->address, address);
    else
        ft_wdf_children_copy_address(entry->list, address, entry->address);
    ft_wdf_children_leave(entry->list);
    return STATUS_SUCCESS;
}

NTSTATUS WdfPdoRetrieveAddressDescription(WDFDEVICE Device,
                                          PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    NTSTATUS status;

    CALL(Device, ft_wdf_require(AddressDescription);
         status = copy_address(pnp, AddressDescription, false));
    return status;
}

NTSTATUS WdfPdoUpdateAddressDescription(WDFDEVICE Device,
                                        PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    NTSTATUS status;

    CALL(Device, ft_wdf_require(AddressDescription);
         status = copy_address(pnp, AddressDescription, true));
    return status;
}

/* ---- ejection relations ---- */

NTSTATUS WdfPdoAddEjectionRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    CALL(Device, ft_wdf_require(PhysicalDevice);
         if (pnp->child) status = ft_wdf_relations_add(&pnp->child->ejection, PhysicalDevice));
    return status;
}

VOID WdfPdoRemoveEjectionRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    CALL(Device, ft_wdf_require(PhysicalDevice);
         if (pnp->child) ft_wdf_relations_drop(&pnp->child->ejection, PhysicalDevice));
}

VOID WdfPdoClearEjectionRelationsDevices(WDFDEVICE Device)
{
    CALL(Device, if (pnp->child) ft_wdf_relations_clear(&pnp->child->ejection));
}

/* ---- the parent's side ---- */

static bool is_function(const struct ft_wdf_pnp *pnp)
{
    return !pnp->control && !pnp->child;
}

VOID WdfDeviceSetBusInformationForChildren(WDFDEVICE Device, PPNP_BUS_INFORMATION BusInformation)
{
    CALL(Device, ft_wdf_require(BusInformation); pnp->bus = *BusInformation);
}

WDFCHILDLIST WdfFdoGetDefaultChildList(WDFDEVICE Fdo)
{
    WDFCHILDLIST list;

    CALL(Fdo, list = (WDFCHILDLIST)pnp->default_list);
    return list;
}

static NTSTATUS add_static(struct ft_wdf_pnp *pnp, struct ft_wdf_device *child)
{
    struct ft_wdf_static_child id = {.header.IdentificationDescriptionSize = sizeof id,
                                     .pdo = child};
    struct ft_wdf_child_list *list;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    if (!is_function(pnp) || !ft_wdf_pnp_of(child)->child || !ft_wdf_pnp_of(child)->child->static_)
        return status;
    status = ft_wdf_static_list(pnp->device, &list);
    if (!NT_SUCCESS(status))
        return status;
    ft_wdf_children_enter(list);
    status = ft_wdf_children_add(list, &id.header, NULL);
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
    return status;
}

NTSTATUS WdfFdoAddStaticChild(WDFDEVICE Fdo, WDFDEVICE Child)
{
    NTSTATUS status;

    CALL(Fdo, status = add_static(pnp, ft_wdf_check(Child, FT_HC_WDF_DEVICE)));
    return status;
}

static void lock_static(struct ft_wdf_pnp *pnp, bool lock)
{
    struct ft_wdf_child_list *list = NULL;

    if (!is_function(pnp) || !NT_SUCCESS(ft_wdf_static_list(pnp->device, &list)))
        return;
    ft_wdf_children_enter(list);
    if (lock)
        ft_wdf_children_scan(list, false);
    else
        ft_wdf_children_scanned(list);
    ft_wdf_children_leave(list);
}

VOID WdfFdoLockStaticChildListForIteration(WDFDEVICE Fdo)
{
    CALL(Fdo, lock_static(pnp, true));
}

VOID WdfFdoUnlockStaticChildListFromIteration(WDFDEVICE Fdo)
{
    CALL(Fdo, lock_static(pnp, false));
}

static bool is_asked_for(const struct ft_wdf_description *at, ULONG flags)
{
    switch (at->state) {
    case FT_WDF_CHILD_NEW:
    case FT_WDF_CHILD_WANTED:
        return (flags & WdfRetrievePendingChildren) != 0;
    case FT_WDF_CHILD_MADE:
        return (flags & WdfRetrievePresentChildren) != 0;
    default:
        return (flags & WdfRetrieveMissingChildren) != 0;
    }
}

/* The first that is asked for behind `previous`; *seen: that was met. */
static struct ft_wdf_device *next_in(struct ft_wdf_link *all, bool changes, ULONG flags,
                                     struct ft_wdf_device *previous, bool *seen)
{
    for (struct ft_wdf_link *link = all->next; link != all; link = link->next) {
        struct ft_wdf_description *at =
            changes ? CONTAINING_RECORD(link, struct ft_wdf_description, change)
                    : CONTAINING_RECORD(link, struct ft_wdf_description, known);

        if (at->ended || (changes && at->what != FT_WDF_CHANGE_INSERT))
            continue;
        if (*seen && is_asked_for(at, flags))
            return at->pdo;
        if (at->pdo == previous)
            *seen = true;
    }
    return NULL;
}

/* NULL without WdfFdoLockStaticChildListForIteration. */
static struct ft_wdf_device *next_static(struct ft_wdf_pnp *pnp, struct ft_wdf_device *previous,
                                         ULONG flags)
{
    struct ft_wdf_child_list *list = pnp->static_list;
    struct ft_wdf_device *next;
    bool seen = !previous;

    if (!list || list->scans == 0 || flags == 0 || (flags & ~(ULONG)WdfRetrieveAllChildren))
        return NULL;
    next = next_in(&list->known, false, flags, previous, &seen);
    return next ? next : next_in(&list->changes, true, flags, previous, &seen);
}

WDFDEVICE WdfFdoRetrieveNextStaticChild(WDFDEVICE Fdo, WDFDEVICE PreviousChild, ULONG Flags)
{
    WDFDEVICE next;

    CALL(Fdo, next = (WDFDEVICE)next_static(pnp, (struct ft_wdf_device *)PreviousChild, Flags));
    return next;
}
