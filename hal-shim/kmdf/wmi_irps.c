/* What WMI asks a device with providers: registration, data, control, methods.
 *
 * A block's instances are counted from 0 in the order of their registration. A buffer that is too
 * small for data gets a node that says how much is needed, and the request succeeds.
 *
 * Not modelled: the reference to the PDO that an answer to IRP_MN_REGINFO_EX carries (the WMI
 * service of this machine does not give it back).
 */
#include "kmdf/wmi.h"

enum { ALIGN = 16 };

static NTSTATUS end(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS status, ULONG information)
{
    irp->IoStatus.Information = information;
    return ft_wdf_complete(pnp, irp, status);
}

/* ---- registration ---- */

static ULONG flags_of(struct ft_wdf_wmi_provider *provider)
{
    ULONG flags = provider->config.Flags, ret = WMIREG_FLAG_INSTANCE_PDO;

    if (flags & WdfWmiProviderTracing)
        ret = WMIREG_FLAG_TRACED_GUID | WMIREG_FLAG_TRACE_CONTROL_GUID;
    if (flags & WdfWmiProviderExpensive)
        ret |= WMIREG_FLAG_EXPENSIVE;
    if (flags & WdfWmiProviderEventOnly)
        ret |= WMIREG_FLAG_EVENT_ONLY_GUID;
    if (provider->remove_guid)
        ret |= WMIREG_FLAG_REMOVE_GUID;
    provider->remove_guid = false;
    return ret;
}

static void put_string(void *at, const UNICODE_STRING *text)
{
    PUSHORT length = at;

    *length = text->Length;
    RtlCopyMemory(length + 1, text->Buffer, text->Length);
}

static void fill_info(struct ft_wdf_pnp *pnp, WMIREGINFOW *info, ULONG bytes)
{
    WMIREGGUIDW *block = info->WmiRegGuid;

    RtlZeroMemory(info, bytes);
    info->BufferSize = bytes;
    for (struct ft_wdf_wmi_provider *at = pnp->wmi; at; at = at->next, block++) {
        block->Guid = at->config.Guid;
        block->InstanceCount = ft_wdf_wmi_count(at);
        block->Flags = flags_of(at);
        block->Pdo = (ULONG_PTR)pnp->device->pdo;
        info->GuidCount++;
    }
}

static NTSTATUS register_info(struct ft_wdf_pnp *pnp, PIRP irp, PIO_STACK_LOCATION location)
{
    const struct ft_wdf_driver *driver = FT_WDF->driver;
    WMIREGINFOW *info = location->Parameters.WMI.Buffer;
    ULONG mof = sizeof *info, path, needed;
    UNICODE_STRING registry;

    for (struct ft_wdf_wmi_provider *at = pnp->wmi; at; at = at->next)
        mof += (ULONG)sizeof(WMIREGGUIDW);
    RtlInitUnicodeString(&registry, driver->registry_path);
    path = mof + (ULONG)sizeof(USHORT) + pnp->mof.Length;
    needed = path + (ULONG)sizeof(USHORT) + registry.Length;
    if (needed > location->Parameters.WMI.BufferSize) {
        *(PULONG)info = needed;
        return end(pnp, irp, STATUS_SUCCESS, sizeof(ULONG));
    }
    fill_info(pnp, info, needed);
    info->MofResourceName = mof;
    info->RegistryPath = path;
    put_string((PUCHAR)info + mof, &pnp->mof);
    put_string((PUCHAR)info + path, &registry);
    return end(pnp, irp, STATUS_SUCCESS, needed);
}

/* ---- the driver's callbacks ---- */

struct call {
    struct ft_wdf_wmi_instance *instance;
    ULONG in, out, number;
    PVOID buffer;
    ULONG used;
};

static uint64_t call_query(void *call_, void *unused, void *unused2, void *unused3)
{
    struct call *call = call_;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)call->instance->config.EvtWmiInstanceQueryInstance(call->instance, call->out,
                                                                        call->buffer, &call->used);
}

static uint64_t call_set(void *call_, void *unused, void *unused2, void *unused3)
{
    const struct call *call = call_;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)call->instance->config.EvtWmiInstanceSetInstance(call->instance, call->in,
                                                                      call->buffer);
}

static uint64_t call_item(void *call_, void *unused, void *unused2, void *unused3)
{
    const struct call *call = call_;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)call->instance->config.EvtWmiInstanceSetItem(call->instance, call->number,
                                                                  call->in, call->buffer);
}

static uint64_t call_method(void *call_, void *unused, void *unused2, void *unused3)
{
    struct call *call = call_;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)call->instance->config.EvtWmiInstanceExecuteMethod(
        call->instance, call->number, call->in, call->out, call->buffer, &call->used);
}

/* A callback cannot pend. */
static NTSTATUS make_call(struct call *call, ft_thunk *thunk)
{
    NTSTATUS status =
        (NTSTATUS)ft_wdf_call(FT_ROUTINE_WMI, call->instance, thunk, call, NULL, NULL, NULL);

    if (status != STATUS_PENDING)
        return status;
    call->used = 0;
    return STATUS_UNSUCCESSFUL;
}

/* ---- data ---- */

static bool can_query(const struct ft_wdf_wmi_instance *instance)
{
    return instance->config.UseContextForQuery || instance->config.EvtWmiInstanceQueryInstance ||
           instance->config.EvtWmiInstanceExecuteMethod;
}

/* An instance that has only methods has no data. */
static NTSTATUS query(struct call *call)
{
    const struct ft_wdf_wmi_instance *instance = call->instance;
    unsigned char nothing;
    NTSTATUS status;

    if (instance->config.UseContextForQuery) {
        call->used = instance->context_bytes;
        if (call->out < call->used)
            return STATUS_BUFFER_TOO_SMALL;
        RtlCopyMemory(call->buffer, instance->object.contexts->data, call->used);
        return STATUS_SUCCESS;
    }
    if (!instance->config.EvtWmiInstanceQueryInstance)
        return STATUS_SUCCESS;
    if (call->out == 0) {
        call->buffer = &nothing;
        call->out = sizeof nothing;
    }
    status = make_call(call, call_query);
    if (NT_SUCCESS(status) && call->used > call->out) {
        call->used = 0;
        return STATUS_UNSUCCESSFUL;
    }
    return NT_SUCCESS(status) && call->buffer == &nothing && call->used ? STATUS_BUFFER_TOO_SMALL
                                                                        : status;
}

/* Ends a request for data, whose data begins at `offset` and takes `used` bytes. */
static NTSTATUS end_data(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS status, ULONG offset,
                         ULONG used)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    WNODE_TOO_SMALL *node = location->Parameters.WMI.Buffer;

    if (NT_SUCCESS(status) && offset + used > location->Parameters.WMI.BufferSize)
        status = STATUS_BUFFER_TOO_SMALL;
    if (NT_SUCCESS(status)) {
        KeQuerySystemTime(&node->WnodeHeader.TimeStamp);
        node->WnodeHeader.BufferSize = offset + used;
        return end(pnp, irp, status, offset + used);
    }
    if (status != STATUS_BUFFER_TOO_SMALL)
        return end(pnp, irp, status, 0);
    node->WnodeHeader.BufferSize = sizeof *node;
    node->WnodeHeader.Flags = WNODE_FLAG_TOO_SMALL;
    node->SizeNeeded = offset + used;
    return end(pnp, irp, STATUS_SUCCESS, sizeof *node);
}

/* One after the other; *used: what all of them take. */
static NTSTATUS query_each(struct ft_wdf_wmi_provider *provider, WNODE_ALL_DATA *node, ULONG room,
                           ULONG *used)
{
    POFFSETINSTANCEDATAANDLENGTH place = node->OffsetInstanceDataAndLength;
    NTSTATUS status = STATUS_SUCCESS;

    for (struct ft_wdf_wmi_instance *at = provider->instances; at; at = at->next, place++) {
        ULONG offset = (*used + ALIGN - 1) / ALIGN * ALIGN;
        struct call call = {.instance = at,
                            .out = offset < room ? room - offset : 0,
                            .buffer = (PUCHAR)node + node->DataBlockOffset + offset};
        NTSTATUS one = can_query(at) ? query(&call) : STATUS_INVALID_DEVICE_REQUEST;

        if (!NT_SUCCESS(one) && one != STATUS_BUFFER_TOO_SMALL)
            return one;
        if (one == STATUS_BUFFER_TOO_SMALL)
            status = one;
        *used = offset + call.used;
        if (NT_SUCCESS(status)) {
            place->OffsetInstanceData = node->DataBlockOffset + offset;
            place->LengthInstanceData = call.used;
        }
    }
    return status;
}

static NTSTATUS query_all(struct ft_wdf_pnp *pnp, PIRP irp, struct ft_wdf_wmi_provider *provider)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG size = location->Parameters.WMI.BufferSize, count = ft_wdf_wmi_count(provider), used = 0;
    WNODE_ALL_DATA *node = location->Parameters.WMI.Buffer;
    ULONG offset =
        (ULONG)FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength) + count * 8 + ALIGN - 1;
    NTSTATUS status;

    offset = offset / ALIGN * ALIGN;
    if (size < sizeof *node)
        return end(pnp, irp, STATUS_UNSUCCESSFUL, 0);
    if (count == 0)
        return end(pnp, irp, STATUS_WMI_INSTANCE_NOT_FOUND, 0);
    if (offset > size)
        return end_data(pnp, irp, STATUS_BUFFER_TOO_SMALL, offset,
                        count * provider->config.MinInstanceBufferSize);
    node->InstanceCount = count;
    node->DataBlockOffset = offset;
    node->WnodeHeader.Flags &= ~(ULONG)WNODE_FLAG_FIXED_INSTANCE_SIZE;
    status = query_each(provider, node, size - offset, &used);
    return end_data(pnp, irp, status, offset, used);
}

static NTSTATUS query_single(struct ft_wdf_pnp *pnp, PIRP irp, struct ft_wdf_wmi_instance *instance)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    WNODE_SINGLE_INSTANCE *node = location->Parameters.WMI.Buffer;
    ULONG offset = node->DataBlockOffset, least = instance->provider->config.MinInstanceBufferSize;
    struct call call = {.instance = instance,
                        .out = location->Parameters.WMI.BufferSize - offset,
                        .buffer = (PUCHAR)node + offset};
    NTSTATUS status;

    if (!can_query(instance))
        return end(pnp, irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (call.out < least)
        return end_data(pnp, irp, STATUS_BUFFER_TOO_SMALL, offset, least);
    status = query(&call);
    node->SizeDataBlock = call.used;
    return end_data(pnp, irp, status, offset, call.used);
}

/* ---- changes ---- */

static NTSTATUS end_change(struct ft_wdf_pnp *pnp, PIRP irp, NTSTATUS status)
{
    return end(pnp, irp, status == STATUS_BUFFER_TOO_SMALL ? STATUS_WMI_SET_FAILURE : status, 0);
}

static NTSTATUS change_instance(struct ft_wdf_pnp *pnp, PIRP irp,
                                struct ft_wdf_wmi_instance *instance)
{
    WNODE_SINGLE_INSTANCE *node = IoGetCurrentIrpStackLocation(irp)->Parameters.WMI.Buffer;
    struct call call = {.instance = instance,
                        .in = node->SizeDataBlock,
                        .buffer =
                            node->SizeDataBlock ? (PUCHAR)node + node->DataBlockOffset : NULL};

    if (!instance->config.EvtWmiInstanceSetInstance)
        return end_change(pnp, irp, STATUS_WMI_READ_ONLY);
    if (call.in < instance->provider->config.MinInstanceBufferSize)
        return end_change(pnp, irp, STATUS_BUFFER_TOO_SMALL);
    return end_change(pnp, irp, make_call(&call, call_set));
}

static NTSTATUS change_item(struct ft_wdf_pnp *pnp, PIRP irp, struct ft_wdf_wmi_instance *instance)
{
    WNODE_SINGLE_ITEM *node = IoGetCurrentIrpStackLocation(irp)->Parameters.WMI.Buffer;
    struct call call = {.instance = instance,
                        .number = node->ItemId,
                        .in = node->SizeDataItem,
                        .buffer = node->SizeDataItem ? (PUCHAR)node + node->DataBlockOffset : NULL};

    if (!instance->config.EvtWmiInstanceSetItem)
        return end_change(pnp, irp, STATUS_WMI_READ_ONLY);
    return end_change(pnp, irp, make_call(&call, call_item));
}

static NTSTATUS execute(struct ft_wdf_pnp *pnp, PIRP irp, struct ft_wdf_wmi_instance *instance)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    WNODE_METHOD_ITEM *node = location->Parameters.WMI.Buffer;
    struct call call = {.instance = instance,
                        .number = node->MethodId,
                        .in = node->SizeDataBlock,
                        .out = location->Parameters.WMI.BufferSize - node->DataBlockOffset,
                        .buffer = (PUCHAR)node + node->DataBlockOffset};
    ULONG offset = node->DataBlockOffset;
    NTSTATUS status;

    if (!instance->config.EvtWmiInstanceExecuteMethod)
        return end(pnp, irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (call.in == 0 && call.out == 0)
        call.buffer = NULL;
    status = make_call(&call, call_method);
    if (NT_SUCCESS(status))
        node->SizeDataBlock = call.used;
    return end_data(pnp, irp, status, offset, call.used);
}

/* ---- control ---- */

static uint64_t call_control(void *provider_, void *control, void *enable, void *unused)
{
    struct ft_wdf_wmi_provider *provider = provider_;

    (void)unused;
    return (uint32_t)provider->config.EvtWmiProviderFunctionControl(
        provider, (WDF_WMI_PROVIDER_CONTROL)(uintptr_t)control, enable != NULL);
}

static NTSTATUS control(struct ft_wdf_pnp *pnp, PIRP irp, struct ft_wdf_wmi_provider *provider,
                        UCHAR minor)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    bool events = minor == IRP_MN_ENABLE_EVENTS || minor == IRP_MN_DISABLE_EVENTS;
    bool enable = minor == IRP_MN_ENABLE_EVENTS || minor == IRP_MN_ENABLE_COLLECTION;
    bool traces = events && (provider->config.Flags & WdfWmiProviderTracing);
    unsigned what = events ? WdfWmiEventControl : WdfWmiInstanceControl;
    const WNODE_HEADER *header = location->Parameters.WMI.Buffer;
    NTSTATUS status = STATUS_SUCCESS;

    if (location->Parameters.WMI.BufferSize < sizeof *header)
        return end(pnp, irp, STATUS_INVALID_PARAMETER, 0);
    provider->enabled[what - WdfWmiEventControl] = enable;
    if (traces)
        provider->tracing = header->HistoricalContext;
    if (provider->config.EvtWmiProviderFunctionControl)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WMI, provider, call_control, provider,
                                       (void *)(uintptr_t)what, (void *)(uintptr_t)enable, NULL);
    if (status == STATUS_PENDING)
        status = STATUS_UNSUCCESSFUL;
    if (!NT_SUCCESS(status)) {
        provider->enabled[what - WdfWmiEventControl] = false;
        provider->tracing = traces ? 0 : provider->tracing;
    }
    return end(pnp, irp, status, 0);
}

/* ---- all of them ---- */

static struct ft_wdf_wmi_instance *find_instance(const struct ft_wdf_wmi_provider *provider,
                                                 const WNODE_SINGLE_INSTANCE *node)
{
    struct ft_wdf_wmi_instance *at = provider->instances;

    if (!(node->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES))
        return NULL;
    for (ULONG i = node->InstanceIndex; at && i > 0; i--)
        at = at->next;
    return at;
}

static NTSTATUS about_instance(struct ft_wdf_pnp *pnp, PIRP irp,
                               struct ft_wdf_wmi_instance *instance, UCHAR minor)
{
    switch (minor) {
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return query_single(pnp, irp, instance);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return change_instance(pnp, irp, instance);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return change_item(pnp, irp, instance);
    default:
        return execute(pnp, irp, instance);
    }
}

static NTSTATUS serve(struct ft_wdf_pnp *pnp, PIRP irp, UCHAR minor)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    struct ft_wdf_wmi_provider *provider;
    struct ft_wdf_wmi_instance *instance;

    if (minor == IRP_MN_REGINFO || minor == IRP_MN_REGINFO_EX)
        return register_info(pnp, irp, location);
    provider = ft_wdf_wmi_find(pnp, location->Parameters.WMI.DataPath);
    if (!provider)
        return end(pnp, irp, STATUS_WMI_GUID_NOT_FOUND, 0);
    if (minor == IRP_MN_QUERY_ALL_DATA)
        return query_all(pnp, irp, provider);
    if (minor >= IRP_MN_ENABLE_EVENTS && minor <= IRP_MN_DISABLE_COLLECTION)
        return control(pnp, irp, provider, minor);
    instance = find_instance(provider, location->Parameters.WMI.Buffer);
    if (!instance)
        return end(pnp, irp, STATUS_WMI_INSTANCE_NOT_FOUND, 0);
    return about_instance(pnp, irp, instance, minor);
}

/* What is for other drivers of the stack goes down. */
NTSTATUS ft_wdf_dispatch_wmi(struct ft_wdf_pnp *pnp, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    UCHAR minor = location->MinorFunction;

    if ((minor > IRP_MN_EXECUTE_METHOD && minor != IRP_MN_REGINFO_EX) ||
        location->Parameters.WMI.ProviderId != (ULONG_PTR)pnp->device->fdo)
        return ft_wdf_pass_down(pnp, irp);
    return serve(pnp, irp, minor);
}
