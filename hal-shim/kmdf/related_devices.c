/* Other devices that a device names: those that go with it (removal and ejection relations), and
 * those whose stacks hear of special files that come into its path. Each is referenced while it is
 * named. */
#include "kmdf/pnp_private.h"

struct ft_wdf_related {
    struct ft_wdf_related *next;
    PDEVICE_OBJECT device;
    bool reported; /* an answer has named it */
};

static struct ft_wdf_related **find(struct ft_wdf_relations *relations, const DEVICE_OBJECT *device)
{
    struct ft_wdf_related **link = &relations->first;

    while (*link && (*link)->device != device)
        link = &(*link)->next;
    return link;
}

NTSTATUS ft_wdf_relations_add(struct ft_wdf_relations *relations, PDEVICE_OBJECT device)
{
    struct ft_wdf_related **link = find(relations, device);

    relations->used = true;
    if (*link)
        return STATUS_DUPLICATE_OBJECTID;
    *link = ft_block_for_driver(sizeof **link, FT_HC_OTHER, 0);
    if (!*link)
        return STATUS_INSUFFICIENT_RESOURCES;
    **link = (struct ft_wdf_related){.device = device};
    ObReferenceObject(device);
    return STATUS_SUCCESS;
}

static void drop(struct ft_wdf_relations *relations, struct ft_wdf_related **link)
{
    struct ft_wdf_related *related = *link;
    PDEVICE_OBJECT device = related->device;

    relations->owes |= related->reported;
    *link = related->next;
    ft_block_free(related);
    ObDereferenceObject(device);
}

void ft_wdf_relations_clear(struct ft_wdf_relations *relations)
{
    while (relations->first)
        drop(relations, &relations->first);
}

/* ---- what the PnP manager asks ---- */

static ULONG count_of(const struct ft_wdf_relations *relations)
{
    ULONG count = 0;

    for (const struct ft_wdf_related *at = relations->first; at; at = at->next)
        count++;
    return count;
}

/* Behind what drivers above have said. An empty list is said once when somebody has left. */
NTSTATUS ft_wdf_relations_answer(struct ft_wdf_relations *relations, PIRP irp)
{
    PDEVICE_RELATIONS prior = (PDEVICE_RELATIONS)irp->IoStatus.Information, all;
    ULONG count = count_of(relations), before = prior ? prior->Count : 0;

    if (count == 0 && (!relations->owes || prior))
        return STATUS_NOT_SUPPORTED;
    all = ExAllocatePoolWithTag(PagedPool,
                                FIELD_OFFSET(DEVICE_RELATIONS, Objects) +
                                    (before + count + !(before + count)) * sizeof(PDEVICE_OBJECT),
                                'LdfW');
    if (all) {
        all->Count = before;
        for (ULONG i = 0; i < before; i++)
            all->Objects[i] = prior->Objects[i];
        for (struct ft_wdf_related *at = relations->first; at; at = at->next) {
            at->reported = true;
            all->Objects[all->Count++] = at->device;
            ObReferenceObject(at->device);
        }
        relations->owes = false;
    } else {
        for (ULONG i = 0; i < before; i++)
            ObDereferenceObject(prior->Objects[i]);
    }
    if (prior)
        ExFreePool(prior);
    irp->IoStatus.Information = (ULONG_PTR)all;
    irp->IoStatus.Status = all ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    return irp->IoStatus.Status;
}

/* ---- special files ---- */

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI told(PDEVICE_OBJECT device, PIRP irp, PVOID done)
{
    (void)device, (void)irp;
    KeSetEvent(done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* To the top of that device's stack; a stack that does not know the request agrees. */
static NTSTATUS tell(PDEVICE_OBJECT device, const IO_STACK_LOCATION *about, bool in_path)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(device);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    PIO_STACK_LOCATION next;
    KEVENT done;

    if (irp) {
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = about->MajorFunction;
        next->MinorFunction = about->MinorFunction;
        next->Parameters.UsageNotification = about->Parameters.UsageNotification;
        next->Parameters.UsageNotification.InPath = in_path;
        IoSetCompletionRoutine(irp, told, &done, TRUE, TRUE, TRUE);
        IoCallDriver(top, irp);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status =
            irp->IoStatus.Status == STATUS_NOT_SUPPORTED ? STATUS_SUCCESS : irp->IoStatus.Status;
        IoFreeIrp(irp);
    }
    ObDereferenceObject(top);
    return status;
}

NTSTATUS ft_wdf_relations_usage(struct ft_wdf_relations *relations, PIRP irp, bool revert)
{
    const IO_STACK_LOCATION *about = IoGetCurrentIrpStackLocation(irp);
    bool in_path = (about->Parameters.UsageNotification.InPath != FALSE) != revert;
    NTSTATUS status = STATUS_SUCCESS;
    struct ft_wdf_related *at;

    for (at = relations->first; at && NT_SUCCESS(status); at = at->next) {
        status = tell(at->device, about, in_path);
        if (!NT_SUCCESS(status))
            break;
    }
    if (!NT_SUCCESS(status) && !revert)
        for (struct ft_wdf_related *back = relations->first; back != at; back = back->next)
            tell(back->device, about, !in_path);
    return status;
}

/* ---- the routines ---- */

/* `effect` works on the relations, of the device of that handle. */
#define CALL(handle, member, effect)                                                               \
    struct ft_wdf_relations *relations;                                                            \
    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(handle));                                                \
    relations = &ft_wdf_pnp_of(ft_wdf_check(handle, FT_HC_WDF_DEVICE))->member;                    \
    ft_wdf_irql_ok(DISPATCH_LEVEL);                                                                \
    effect;                                                                                        \
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(handle))

void ft_wdf_relations_drop(struct ft_wdf_relations *relations, PDEVICE_OBJECT device)
{
    struct ft_wdf_related **link = find(relations, device);

    if (*link)
        drop(relations, link);
}

NTSTATUS WdfDeviceAddRemovalRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    NTSTATUS status;

    CALL(Device, removal, ft_wdf_require(PhysicalDevice);
         status = ft_wdf_relations_add(relations, PhysicalDevice));
    return status;
}

VOID WdfDeviceRemoveRemovalRelationsPhysicalDevice(WDFDEVICE Device, PDEVICE_OBJECT PhysicalDevice)
{
    CALL(Device, removal, ft_wdf_require(PhysicalDevice);
         ft_wdf_relations_drop(relations, PhysicalDevice));
}

VOID WdfDeviceClearRemovalRelationsDevices(WDFDEVICE Device)
{
    CALL(Device, removal, ft_wdf_relations_clear(relations));
}

NTSTATUS WdfDeviceAddDependentUsageDeviceObject(WDFDEVICE Device, PDEVICE_OBJECT DependentDevice)
{
    NTSTATUS status;

    CALL(Device, usage, ft_wdf_require(DependentDevice);
         status = ft_wdf_relations_add(relations, DependentDevice));
    return status;
}

VOID WdfDeviceRemoveDependentUsageDeviceObject(WDFDEVICE Device, PDEVICE_OBJECT DependentDevice)
{
    CALL(Device, usage, ft_wdf_require(DependentDevice);
         ft_wdf_relations_drop(relations, DependentDevice));
}
