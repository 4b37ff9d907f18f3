/* What a device asks for: WDFIORESREQLIST, a list of alternatives (WDFIORESLIST), each a list of
 * descriptors. They exist while EvtDeviceFilterRemoveResourceRequirements (before the drivers
 * below) or EvtDeviceFilterAddResourceRequirements (after them) runs.
 */
#include "kmdf/pnp_private.h"

enum { LISTS_MAX = 4 };

struct io_list {
    struct ft_wdf_object object;
    uint8_t kind; /* FT_WDF_IO_LIST */
    struct requirements *owner;
    uint32_t count;
    IO_RESOURCE_DESCRIPTOR part[FT_WDF_RESOURCES_MAX];
};

struct requirements {
    struct ft_wdf_object object;
    uint8_t kind; /* FT_WDF_REQUIREMENTS */
    uint8_t changed, may_add, may_remove;
    INTERFACE_TYPE type;
    ULONG bus, slot;
    uint32_t count;
    struct io_list *list[LISTS_MAX];
};

static const struct ft_wdf_class list_class = {.handle_class = FT_HC_WDF_RESOURCES,
                                               .undeletable = 1};

static struct io_list *check_list(WDFIORESLIST handle)
{
    struct io_list *list = ft_wdf_check(handle, FT_HC_WDF_RESOURCES);

    if (list->kind != FT_WDF_IO_LIST)
        ft_wdf_bad_handle(handle, FT_HC_WDF_RESOURCES);
    return list;
}

static struct requirements *check(WDFIORESREQLIST handle)
{
    struct requirements *list = ft_wdf_check(handle, FT_HC_WDF_RESOURCES);

    if (list->kind != FT_WDF_REQUIREMENTS)
        ft_wdf_bad_handle(handle, FT_HC_WDF_RESOURCES);
    return list;
}

/* ---- from and to the WDM form ---- */

static struct io_list *new_list(struct requirements *owner, const WDF_OBJECT_ATTRIBUTES *attributes,
                                NTSTATUS *status)
{
    struct io_list *list =
        ft_wdf_object_new(&list_class, sizeof *list, &owner->object, attributes, status);

    if (list) {
        list->kind = FT_WDF_IO_LIST;
        list->owner = owner;
    }
    return list;
}

static NTSTATUS read_requirements(struct requirements *to,
                                  const IO_RESOURCE_REQUIREMENTS_LIST *from)
{
    const IO_RESOURCE_LIST *next = &from->List[0];
    NTSTATUS status = STATUS_SUCCESS;

    to->type = from->InterfaceType;
    to->bus = from->BusNumber;
    to->slot = from->SlotNumber;
    for (ULONG i = 0; i < from->AlternativeLists && i < LISTS_MAX; i++) {
        struct io_list *list = new_list(to, NULL, &status);

        if (!list)
            return status;
        for (ULONG k = 0; k < next->Count && k < FT_WDF_RESOURCES_MAX; k++)
            list->part[list->count++] = next->Descriptors[k];
        to->list[to->count++] = list;
        next = (const IO_RESOURCE_LIST *)(const void *)&next->Descriptors[next->Count];
    }
    return status;
}

static size_t bytes_of(const struct requirements *list)
{
    size_t bytes = FIELD_OFFSET(IO_RESOURCE_REQUIREMENTS_LIST, List);

    for (unsigned i = 0; i < list->count; i++)
        bytes += FIELD_OFFSET(IO_RESOURCE_LIST, Descriptors) +
                 list->list[i]->count * sizeof(IO_RESOURCE_DESCRIPTOR);
    return bytes;
}

/* Pool, which the PnP manager frees. */
static PIO_RESOURCE_REQUIREMENTS_LIST write_requirements(const struct requirements *from)
{
    size_t bytes = bytes_of(from);
    PIO_RESOURCE_REQUIREMENTS_LIST to = ExAllocatePool2(POOL_FLAG_PAGED, bytes, 'LdfW');
    IO_RESOURCE_LIST *next;

    if (!to)
        return NULL;
    to->ListSize = (ULONG)bytes;
    to->InterfaceType = from->type;
    to->BusNumber = from->bus;
    to->SlotNumber = from->slot;
    to->AlternativeLists = from->count;
    next = &to->List[0];
    for (unsigned i = 0; i < from->count; i++) {
        next->Version = next->Revision = 1;
        next->Count = from->list[i]->count;
        RtlCopyMemory(next->Descriptors, from->list[i]->part,
                      next->Count * sizeof(IO_RESOURCE_DESCRIPTOR));
        next = (IO_RESOURCE_LIST *)(void *)&next->Descriptors[next->Count];
    }
    return to;
}

/* ---- the request ---- */

static uint64_t call_filter(void *callback, void *device, void *list, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_FILTER_RESOURCE_REQUIREMENTS)callback)(device, list);
}

/* What the drivers so far answered, or what the request brought. */
static PIO_RESOURCE_REQUIREMENTS_LIST present_list(PIRP irp)
{
    if (irp->IoStatus.Information)
        return (PIO_RESOURCE_REQUIREMENTS_LIST)irp->IoStatus.Information;
    return IoGetCurrentIrpStackLocation(irp)
        ->Parameters.FilterResourceRequirements.IoResourceRequirementList;
}

static NTSTATUS replace(const struct requirements *list, PIRP irp)
{
    ULONG_PTR old = irp->IoStatus.Information;
    PIO_RESOURCE_REQUIREMENTS_LIST made = write_requirements(list);

    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->IoStatus.Information = (ULONG_PTR)made;
    if (old && (PVOID)old != IoGetCurrentIrpStackLocation(irp)
                                 ->Parameters.FilterResourceRequirements.IoResourceRequirementList)
        ExFreePool((PVOID)old);
    return STATUS_SUCCESS;
}

static NTSTATUS filter(struct ft_wdf_pnp *pnp, PIRP irp, void *callback, bool adds)
{
    PIO_RESOURCE_REQUIREMENTS_LIST now = present_list(irp);
    struct requirements *list;
    NTSTATUS status;

    if (!callback || !now)
        return STATUS_SUCCESS;
    list = ft_wdf_object_new(&list_class, sizeof *list, &pnp->device->object, NULL, &status);
    if (!list)
        return status;
    list->kind = FT_WDF_REQUIREMENTS;
    list->may_add = adds;
    list->may_remove = !adds;
    status = read_requirements(list, now);
    if (NT_SUCCESS(status))
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_FILTER_RESOURCES, pnp->device, call_filter,
                                       callback, pnp->device, list, NULL);
    if (NT_SUCCESS(status) && list->changed)
        status = replace(list, irp);
    ft_wdf_object_delete(&list->object);
    return status;
}

NTSTATUS ft_wdf_filter_requirements(struct ft_wdf_pnp *pnp, PIRP irp)
{
    const WDF_FDO_EVENT_CALLBACKS *evt = &pnp->fdo_callbacks;
    NTSTATUS status;

    status = filter(pnp, irp, (void *)evt->EvtDeviceFilterRemoveResourceRequirements, false);
    if (!NT_SUCCESS(status))
        return status;
    status = ft_wdf_forward_and_wait(pnp, irp);
    /* Nobody below may have been interested. */
    if (!NT_SUCCESS(status) && status != STATUS_NOT_SUPPORTED)
        return status;
    if (!evt->EvtDeviceFilterAddResourceRequirements)
        return status;
    return filter(pnp, irp, (void *)evt->EvtDeviceFilterAddResourceRequirements, true);
}

/* What a child asks for; *ret stays NULL when its driver names nothing. */
NTSTATUS ft_wdf_ask_requirements(struct ft_wdf_pnp *pnp, void *callback,
                                 PIO_RESOURCE_REQUIREMENTS_LIST *ret)
{
    NTSTATUS status;
    struct requirements *list =
        ft_wdf_object_new(&list_class, sizeof *list, &pnp->device->object, NULL, &status);

    if (!list)
        return status;
    list->kind = FT_WDF_REQUIREMENTS;
    list->may_add = list->may_remove = 1;
    status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_filter, callback,
                                   pnp->device, list, NULL);
    if (NT_SUCCESS(status) && list->count > 0) {
        *ret = write_requirements(list);
        status = *ret ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    ft_wdf_object_delete(&list->object);
    return status;
}

/* ---- the list of alternatives ---- */

/* `effect` works on `list`. */
#define REQUIREMENTS(highest, effect)                                                              \
    struct requirements *list;                                                                     \
    FT_WDF_BEGIN(WDF_RESOURCES, 0);                                                                \
    list = check(RequirementsList);                                                                \
    if (ft_wdf_irql_ok(highest)) {                                                                 \
        effect;                                                                                    \
    }                                                                                              \
    FT_WDF_END(WDF_RESOURCES, 0)

VOID WdfIoResourceRequirementsListSetSlotNumber(WDFIORESREQLIST RequirementsList, ULONG SlotNumber)
{
    REQUIREMENTS(DISPATCH_LEVEL, list->slot = SlotNumber; list->changed = 1);
}

VOID WdfIoResourceRequirementsListSetInterfaceType(WDFIORESREQLIST RequirementsList,
                                                   INTERFACE_TYPE InterfaceType)
{
    REQUIREMENTS(DISPATCH_LEVEL, list->type = InterfaceType; list->changed = 1);
}

static NTSTATUS insert_list(struct requirements *list, struct io_list *item, ULONG index)
{
    if (index == WDF_INSERT_AT_END)
        index = list->count;
    if (!list->may_add)
        return STATUS_ACCESS_DENIED;
    if (item->owner != list)
        return STATUS_INVALID_PARAMETER;
    if (index > list->count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    if (list->count == LISTS_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = list->count; i > index; i--)
        list->list[i] = list->list[i - 1];
    list->list[index] = item;
    list->count++;
    list->changed = 1;
    return STATUS_SUCCESS;
}

NTSTATUS WdfIoResourceRequirementsListAppendIoResList(WDFIORESREQLIST RequirementsList,
                                                      WDFIORESLIST IoResList)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    REQUIREMENTS(DISPATCH_LEVEL,
                 status = insert_list(list, check_list(IoResList), WDF_INSERT_AT_END));
    return status;
}

NTSTATUS WdfIoResourceRequirementsListInsertIoResList(WDFIORESREQLIST RequirementsList,
                                                      WDFIORESLIST IoResList, ULONG Index)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    REQUIREMENTS(DISPATCH_LEVEL, status = insert_list(list, check_list(IoResList), Index));
    return status;
}

ULONG WdfIoResourceRequirementsListGetCount(WDFIORESREQLIST RequirementsList)
{
    ULONG count = 0;

    REQUIREMENTS(DISPATCH_LEVEL, count = list->count);
    return count;
}

WDFIORESLIST WdfIoResourceRequirementsListGetIoResList(WDFIORESREQLIST RequirementsList,
                                                       ULONG Index)
{
    struct io_list *item = NULL;

    REQUIREMENTS(DISPATCH_LEVEL, if (Index < list->count) item = list->list[Index]);
    return item;
}

static void cut_list(struct requirements *list, ULONG index)
{
    if (!list->may_remove || index >= list->count)
        return;
    list->count--;
    for (ULONG i = index; i < list->count; i++)
        list->list[i] = list->list[i + 1];
    list->changed = 1;
}

VOID WdfIoResourceRequirementsListRemove(WDFIORESREQLIST RequirementsList, ULONG Index)
{
    REQUIREMENTS(DISPATCH_LEVEL, cut_list(list, Index));
}

VOID WdfIoResourceRequirementsListRemoveByIoResList(WDFIORESREQLIST RequirementsList,
                                                    WDFIORESLIST IoResList)
{
    REQUIREMENTS(
        DISPATCH_LEVEL, for (ULONG i = 0; i < list->count; i++) if (list->list[i] == IoResList) {
            cut_list(list, i);
            break;
        });
}

/* ---- one alternative ---- */

#define LIST(highest, effect)                                                                      \
    struct io_list *list;                                                                          \
    FT_WDF_BEGIN(WDF_RESOURCES, 0);                                                                \
    list = check_list(ResourceList);                                                               \
    if (ft_wdf_irql_ok(highest)) {                                                                 \
        effect;                                                                                    \
    }                                                                                              \
    FT_WDF_END(WDF_RESOURCES, 0)

NTSTATUS WdfIoResourceListCreate(WDFIORESREQLIST RequirementsList,
                                 PWDF_OBJECT_ATTRIBUTES Attributes, WDFIORESLIST *ResourceList)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct io_list *made = NULL;

    ft_wdf_require(ResourceList);
    REQUIREMENTS(DISPATCH_LEVEL, status = ft_wdf_attributes_check(Attributes, false);
                 if (NT_SUCCESS(status)) made = new_list(list, Attributes, &status));
    *ResourceList = made;
    return status;
}

static NTSTATUS insert_part(struct io_list *list, const IO_RESOURCE_DESCRIPTOR *part, ULONG index)
{
    if (index == WDF_INSERT_AT_END)
        index = list->count;
    if (!list->owner->may_add)
        return STATUS_ACCESS_DENIED;
    if (index > list->count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    if (list->count == FT_WDF_RESOURCES_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlMoveMemory(&list->part[index + 1], &list->part[index],
                  (list->count - index) * sizeof *list->part);
    list->part[index] = *part;
    list->count++;
    list->owner->changed = 1;
    return STATUS_SUCCESS;
}

NTSTATUS WdfIoResourceListInsertDescriptor(WDFIORESLIST ResourceList,
                                           PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    ft_wdf_require(Descriptor);
    LIST(DISPATCH_LEVEL, status = insert_part(list, Descriptor, Index));
    return status;
}

NTSTATUS WdfIoResourceListAppendDescriptor(WDFIORESLIST ResourceList,
                                           PIO_RESOURCE_DESCRIPTOR Descriptor)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    ft_wdf_require(Descriptor);
    LIST(DISPATCH_LEVEL, status = insert_part(list, Descriptor, WDF_INSERT_AT_END));
    return status;
}

VOID WdfIoResourceListUpdateDescriptor(WDFIORESLIST ResourceList,
                                       PIO_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    ft_wdf_require(Descriptor);
    LIST(
        DISPATCH_LEVEL, if (Index < list->count) {
            list->part[Index] = *Descriptor;
            list->owner->changed = 1;
        });
}

ULONG WdfIoResourceListGetCount(WDFIORESLIST ResourceList)
{
    ULONG count = 0;

    LIST(DISPATCH_LEVEL, count = list->count);
    return count;
}

PIO_RESOURCE_DESCRIPTOR WdfIoResourceListGetDescriptor(WDFIORESLIST ResourceList, ULONG Index)
{
    PIO_RESOURCE_DESCRIPTOR part = NULL;

    LIST(DISPATCH_LEVEL, if (Index < list->count) part = &list->part[Index]);
    return part;
}

static void cut_part(struct io_list *list, ULONG index)
{
    if (!list->owner->may_remove || index >= list->count)
        return;
    list->count--;
    RtlMoveMemory(&list->part[index], &list->part[index + 1],
                  (list->count - index) * sizeof *list->part);
    list->owner->changed = 1;
}

VOID WdfIoResourceListRemove(WDFIORESLIST ResourceList, ULONG Index)
{
    LIST(DISPATCH_LEVEL, cut_part(list, Index));
}

VOID WdfIoResourceListRemoveByDescriptor(WDFIORESLIST ResourceList,
                                         PIO_RESOURCE_DESCRIPTOR Descriptor)
{
    ft_wdf_require(Descriptor);
    LIST(DISPATCH_LEVEL, if (Descriptor >= list->part && Descriptor < list->part + list->count)
                             cut_part(list, (ULONG)(Descriptor - list->part)));
}
