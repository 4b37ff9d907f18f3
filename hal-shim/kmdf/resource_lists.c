/* WDFCMRESLIST: resources as START_DEVICE brought them. What a device asks for is in
 * io_resource_lists.c. */
#include "kmdf/children.h"

static const struct ft_wdf_class resources_class = {.handle_class = FT_HC_WDF_RESOURCES,
                                                    .undeletable = 1};

static struct ft_wdf_resources *make(struct ft_wdf_pnp *pnp)
{
    NTSTATUS status;

    return ft_wdf_object_new(&resources_class, sizeof(struct ft_wdf_resources),
                             &pnp->device->object, NULL, &status);
}

/* Only the first full descriptor: one bus. */
static void fill(struct ft_wdf_resources *list, const CM_RESOURCE_LIST *from)
{
    const CM_PARTIAL_RESOURCE_LIST *partial;

    list->count = 0;
    if (!from || from->Count == 0)
        return;
    partial = &from->List[0].PartialResourceList;
    for (ULONG i = 0; i < partial->Count && i < FT_WDF_RESOURCES_MAX; i++)
        list->part[list->count++] = partial->PartialDescriptors[i];
}

bool ft_wdf_resources_take(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    if (!pnp->raw)
        pnp->raw = make(pnp);
    if (!pnp->translated)
        pnp->translated = make(pnp);
    if (!pnp->raw || !pnp->translated)
        return false;
    fill(pnp->raw, location->Parameters.StartDevice.AllocatedResources);
    fill(pnp->translated, location->Parameters.StartDevice.AllocatedResourcesTranslated);
    return true;
}

/* The lists stay, empty: they are children of the device. */
void ft_wdf_resources_drop(struct ft_wdf_pnp *pnp)
{
    if (pnp->raw)
        pnp->raw->count = 0;
    if (pnp->translated)
        pnp->translated->count = 0;
}

/* ---- what a child has from boot ---- */

static uint64_t call_query(void *callback, void *device, void *list, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_RESOURCES_QUERY)callback)(device, list);
}

static PCM_RESOURCE_LIST write_resources(const struct ft_wdf_resources *from)
{
    size_t bytes = sizeof(CM_RESOURCE_LIST) + from->count * sizeof *from->part;
    PCM_RESOURCE_LIST to = ExAllocatePool2(POOL_FLAG_PAGED, bytes, 'LdfW');

    if (!to)
        return NULL;
    to->Count = 1;
    to->List[0].InterfaceType = InterfaceTypeUndefined;
    to->List[0].PartialResourceList.Version = to->List[0].PartialResourceList.Revision = 1;
    to->List[0].PartialResourceList.Count = from->count;
    for (unsigned i = 0; i < from->count; i++)
        to->List[0].PartialResourceList.PartialDescriptors[i] = from->part[i];
    return to;
}

NTSTATUS ft_wdf_ask_resources(struct ft_wdf_pnp *pnp, void *callback, PCM_RESOURCE_LIST *ret)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    struct ft_wdf_resources *list = make(pnp);

    if (!list)
        return status;
    list->may_add = list->may_remove = 1;
    status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_query, callback,
                                   pnp->device, list, NULL);
    if (NT_SUCCESS(status) && list->count > 0) {
        *ret = write_resources(list);
        status = *ret ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    ft_wdf_object_delete(&list->object);
    return status;
}

/* ---- WDFCMRESLIST ---- */

static struct ft_wdf_resources *check(WDFCMRESLIST handle)
{
    struct ft_wdf_resources *list = ft_wdf_check(handle, FT_HC_WDF_RESOURCES);

    if (list->kind != FT_WDF_CM_LIST)
        ft_wdf_bad_handle(handle, FT_HC_WDF_RESOURCES);
    return list;
}

ULONG WdfCmResourceListGetCount(WDFCMRESLIST List)
{
    ULONG count;

    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    count = check(List)->count;
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
    return count;
}

/* The framework's own descriptor: changing it changes the list. */
PCM_PARTIAL_RESOURCE_DESCRIPTOR WdfCmResourceListGetDescriptor(WDFCMRESLIST List, ULONG Index)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part;
    struct ft_wdf_resources *list;

    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    list = check(List);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    part = Index < list->count ? &list->part[Index] : NULL;
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
    return part;
}

/* A driver may add only where the framework has given it the list for that: lists of a PDO. */
static NTSTATUS insert(struct ft_wdf_resources *list,
                       const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, ULONG index)
{
    if (!list->may_add)
        return STATUS_ACCESS_DENIED;
    if (index == WDF_INSERT_AT_END)
        index = list->count;
    if (index > list->count)
        return STATUS_ARRAY_BOUNDS_EXCEEDED;
    if (list->count == FT_WDF_RESOURCES_MAX)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlMoveMemory(&list->part[index + 1], &list->part[index],
                  (list->count - index) * sizeof *list->part);
    list->part[index] = *descriptor;
    list->count++;
    return STATUS_SUCCESS;
}

static void cut_out(struct ft_wdf_resources *list, ULONG index)
{
    if (!list->may_remove || index >= list->count)
        return;
    list->count--;
    RtlMoveMemory(&list->part[index], &list->part[index + 1],
                  (list->count - index) * sizeof *list->part);
}

NTSTATUS WdfCmResourceListInsertDescriptor(WDFCMRESLIST List,
                                           PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, ULONG Index)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    ft_wdf_require(Descriptor);
    check(List);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = insert(List, Descriptor, Index);
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
    return status;
}

NTSTATUS WdfCmResourceListAppendDescriptor(WDFCMRESLIST List,
                                           PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    ft_wdf_require(Descriptor);
    check(List);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = insert(List, Descriptor, WDF_INSERT_AT_END);
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
    return status;
}

VOID WdfCmResourceListRemove(WDFCMRESLIST List, ULONG Index)
{
    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    check(List);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        cut_out(List, Index);
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
}

VOID WdfCmResourceListRemoveByDescriptor(WDFCMRESLIST List,
                                         PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor)
{
    struct ft_wdf_resources *list;

    FT_WDF_BEGIN(WDF_RESOURCES, ft_wdf_label(List));
    ft_wdf_require(Descriptor);
    list = check(List);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL) && Descriptor >= list->part &&
        Descriptor < list->part + list->count)
        cut_out(list, (ULONG)(Descriptor - list->part));
    FT_WDF_END(WDF_RESOURCES, ft_wdf_label(List));
}
