/* What the PnP manager asks a new child, and how it starts one (adding-a-pnp-device-to-a-running-
 * system; the pages of the IRP_MN_QUERY_… requests).
 *
 * A child that says that it works raw is started without a function driver. Others have no driver
 * in this machine, so they stay as Windows leaves a device without one: known, and not started.
 *
 * Resources: what the child has from boot, or else what it wants of its first alternative, each at
 * its lowest address; nobody else is asked. Not modelled: interrupts of a child (the run stops by
 * name).
 */
#include "io/io_private.h"
#include "kernel/handles.h"

/* ---- questions ---- */

/* The answer is pool, or NULL. */
static void *ask(PIRP irp, UCHAR minor, unsigned detail)
{
    if (!irp || !NT_SUCCESS(ft_pnp_send_irp(irp, minor, detail)))
        return NULL;
    return (void *)FT_DEV->send[FT_SEND_MANAGER].information;
}

static void drop(void *answer)
{
    if (answer)
        ExFreePool(answer);
}

static void query_id(BUS_QUERY_ID_TYPE type)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_QUERY_ID);

    if (irp)
        IoGetNextIrpStackLocation(irp)->Parameters.QueryId.IdType = type;
    drop(ask(irp, IRP_MN_QUERY_ID, type));
}

static void query_text(DEVICE_TEXT_TYPE type)
{
    enum { ENGLISH = 0x409 };
    PIRP irp = ft_pnp_prepare(IRP_MN_QUERY_DEVICE_TEXT);

    if (irp) {
        IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.DeviceTextType = type;
        IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceText.LocaleId = ENGLISH;
    }
    drop(ask(irp, IRP_MN_QUERY_DEVICE_TEXT, type));
}

static void *query(UCHAR minor)
{
    return ask(ft_pnp_prepare(minor), minor, 0);
}

/* ---- resources ---- */

static uint64_t lowest(const LARGE_INTEGER *minimum, ULONG alignment)
{
    uint64_t step = alignment ? alignment : 1;

    return ((uint64_t)minimum->QuadPart + step - 1) / step * step;
}

static void assign(PCM_PARTIAL_RESOURCE_DESCRIPTOR to, const IO_RESOURCE_DESCRIPTOR *wish)
{
    to->Type = wish->Type;
    to->ShareDisposition = wish->ShareDisposition;
    to->Flags = wish->Flags;
    switch (wish->Type) {
    case CmResourceTypeMemory:
    case CmResourceTypePort:
        to->u.Generic.Start.QuadPart =
            (LONGLONG)lowest(&wish->u.Generic.MinimumAddress, wish->u.Generic.Alignment);
        to->u.Generic.Length = wish->u.Generic.Length;
        break;
    case CmResourceTypeDma:
        to->u.Dma.Channel = wish->u.Dma.MinimumChannel;
        break;
    case CmResourceTypeBusNumber:
        to->u.BusNumber.Start = wish->u.BusNumber.MinBusNumber;
        to->u.BusNumber.Length = wish->u.BusNumber.Length;
        break;
    case CmResourceTypeInterrupt:
        ft_unimplemented("interrupts of a child device");
        break;
    default: /* the driver's own */
        RtlCopyMemory(to->u.DevicePrivate.Data, wish->u.DevicePrivate.Data,
                      sizeof to->u.DevicePrivate.Data);
        break;
    }
}

static PCM_RESOURCE_LIST new_list(ULONG count)
{
    PCM_RESOURCE_LIST list = ft_block_alloc(
        sizeof *list + count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR), FT_HC_OTHER, 0);

    if (!list)
        ft_io_cut();
    return list;
}

static PCM_RESOURCE_LIST list_of_wishes(const IO_RESOURCE_REQUIREMENTS_LIST *wishes)
{
    const IO_RESOURCE_LIST *wish = &wishes->List[0];
    PCM_RESOURCE_LIST list = wishes->AlternativeLists ? new_list(wish->Count) : NULL;
    PCM_PARTIAL_RESOURCE_LIST part = list ? &list->List[0].PartialResourceList : NULL;

    if (!list)
        return NULL;
    list->Count = 1;
    list->List[0].InterfaceType = wishes->InterfaceType;
    list->List[0].BusNumber = wishes->BusNumber;
    part->Version = part->Revision = 1;
    for (ULONG i = 0; i < wish->Count; i++)
        if (!(wish->Descriptors[i].Option & IO_RESOURCE_ALTERNATIVE))
            assign(&part->PartialDescriptors[part->Count++], &wish->Descriptors[i]);
    return list;
}

static PCM_RESOURCE_LIST list_of_boot(const CM_RESOURCE_LIST *boot)
{
    ULONG count = boot->List[0].PartialResourceList.Count;
    PCM_RESOURCE_LIST list = boot->Count ? new_list(count) : NULL;

    if (list)
        RtlCopyMemory(
            list, boot,
            FIELD_OFFSET(CM_RESOURCE_LIST, List[0].PartialResourceList.PartialDescriptors) +
                count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR));
    return list;
}

static void query_resources(struct ft_child *child)
{
    PCM_RESOURCE_LIST boot = query(IRP_MN_QUERY_RESOURCES);
    PIO_RESOURCE_REQUIREMENTS_LIST wishes = query(IRP_MN_QUERY_RESOURCE_REQUIREMENTS);

    if (boot)
        child->assigned = list_of_boot(boot);
    else if (wishes)
        child->assigned = list_of_wishes(wishes);
    drop(boot);
    drop(wishes);
}

/* ---- what it is ---- */

void ft_child_identify(struct ft_child *child)
{
    static const BUS_QUERY_ID_TYPE other_ids[] = {BusQueryInstanceID, BusQueryHardwareIDs,
                                                  BusQueryCompatibleIDs, BusQueryContainerID};
    DEVICE_CAPABILITIES capabilities;

    ft_manager_turn(child);
    query_id(BusQueryDeviceID);
    ft_pnp_capabilities(&capabilities);
    child->raw = capabilities.RawDeviceOK;
    child->ejects = capabilities.EjectSupported;
    for (unsigned i = 0; i < sizeof other_ids / sizeof *other_ids; i++)
        query_id(other_ids[i]);
    query_text(DeviceTextDescription);
    query_text(DeviceTextLocationInformation);
    drop(query(IRP_MN_QUERY_BUS_INFORMATION));
    query_resources(child);
    child->known = 1;
    ft_manager_turn(NULL);
}

/* ---- START ---- */

static NTSTATUS send_start(const struct ft_child *child)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_START_DEVICE);
    PIO_STACK_LOCATION next;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.StartDevice.AllocatedResources = child->assigned;
    next->Parameters.StartDevice.AllocatedResourcesTranslated = child->assigned;
    return ft_pnp_send_irp(irp, IRP_MN_START_DEVICE, 0);
}

/* Its own children, if it has any, are nobody's. */
static void query_relations(void)
{
    PDEVICE_RELATIONS answer = ft_pnp_ask_relations(BusRelations);

    for (ULONG i = 0; answer && i < answer->Count; i++)
        ft_object_put(answer->Objects[i]);
    drop(answer);
}

static bool start(const struct ft_child *child)
{
    DEVICE_CAPABILITIES capabilities;

    if (!NT_SUCCESS(send_start(child)))
        return false;
    ft_pnp_capabilities(&capabilities);
    if (ft_pnp_has_failed())
        return false;
    query_relations();
    return true;
}

void ft_child_start(struct ft_child *child)
{
    bool started;

    if (!child->raw)
        return;
    ft_manager_turn(child);
    started = start(child);
    ft_manager_turn(NULL);
    if (!started)
        ft_child_give_up(child);
}
