/* WMI instances: what a provider's block is made of, and the events that they write. */
#include "kmdf/wmi.h"

ULONG ft_wdf_wmi_count(const struct ft_wdf_wmi_provider *provider)
{
    ULONG count = 0;

    for (const struct ft_wdf_wmi_instance *at = provider->instances; at; at = at->next)
        count++;
    return count;
}

static NTSTATUS register_instance(struct ft_wdf_wmi_instance *instance)
{
    struct ft_wdf_wmi_provider *provider = instance->provider;
    struct ft_wdf_wmi_instance **link = &provider->instances;

    if ((provider->config.Flags & WdfWmiProviderTracing) || instance->registered)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (ft_wdf_pnp_of(provider->object.device)->wmi_state == FT_WDF_WMI_OVER)
        return STATUS_INVALID_DEVICE_STATE;
    while (*link)
        link = &(*link)->next;
    *link = instance;
    instance->registered = true;
    provider->remove_guid = false;
    ft_wdf_wmi_update(ft_wdf_pnp_of(provider->object.device));
    return STATUS_SUCCESS;
}

static void deregister_instance(struct ft_wdf_wmi_instance *instance)
{
    struct ft_wdf_wmi_provider *provider = instance->provider;
    struct ft_wdf_wmi_instance **link = &provider->instances;

    if (!instance->registered)
        return;
    while (*link != instance)
        link = &(*link)->next;
    *link = instance->next;
    instance->next = NULL;
    instance->registered = false;
    if (ft_wdf_pnp_of(provider->object.device)->wmi_state != FT_WDF_WMI_ON)
        return;
    provider->remove_guid =
        !provider->instances && !(provider->config.Flags & WdfWmiProviderExpensive);
    ft_wdf_wmi_update(ft_wdf_pnp_of(provider->object.device));
}

/* It is disposed before its provider, which is its parent. */
static void dispose_instance(struct ft_wdf_object *object)
{
    deregister_instance((struct ft_wdf_wmi_instance *)object);
}

static const struct ft_wdf_class instance_class = {.handle_class = FT_HC_WDF_OBJECT,
                                                   .dispose = dispose_instance};

static struct ft_wdf_wmi_instance *instance_of(WDFWMIINSTANCE handle, unsigned highest)
{
    struct ft_wdf_object *object = ft_wdf_check(handle, FT_HC_WDF_OBJECT);

    if (object->class_ != &instance_class)
        ft_wdf_bad_handle(handle, FT_HC_WDF_OBJECT);
    return ft_wdf_irql_ok(highest) ? (struct ft_wdf_wmi_instance *)object : NULL;
}

/* The framework adds an override of the context's size to the size, and so reads too far; here it
 * is the size. */
static NTSTATUS check_context(const struct ft_wdf_wmi_provider *provider,
                              const WDF_WMI_INSTANCE_CONFIG *config,
                              const WDF_OBJECT_ATTRIBUTES *attributes, size_t *bytes)
{
    *bytes = 0;
    if (!config->UseContextForQuery)
        return STATUS_SUCCESS;
    if (config->EvtWmiInstanceSetInstance || config->EvtWmiInstanceSetItem || !attributes ||
        !attributes->ContextTypeInfo)
        return STATUS_INVALID_PARAMETER;
    *bytes = attributes->ContextSizeOverride ? attributes->ContextSizeOverride
                                             : attributes->ContextTypeInfo->ContextSize;
    if (*bytes > MAXULONG)
        return STATUS_INTEGER_OVERFLOW;
    return *bytes < provider->config.MinInstanceBufferSize ? STATUS_BUFFER_TOO_SMALL
                                                           : STATUS_SUCCESS;
}

static NTSTATUS check_instance(const struct ft_wdf_wmi_provider *provider,
                               const WDF_WMI_INSTANCE_CONFIG *config,
                               const WDF_OBJECT_ATTRIBUTES *attributes, size_t *bytes)
{
    bool data = config->UseContextForQuery || config->EvtWmiInstanceQueryInstance ||
                config->EvtWmiInstanceSetInstance || config->EvtWmiInstanceSetItem ||
                config->EvtWmiInstanceExecuteMethod;
    NTSTATUS status;

    if ((provider->config.Flags & WdfWmiProviderEventOnly) && data)
        return STATUS_INVALID_PARAMETER;
    status = ft_wdf_attributes_check(attributes, false);
    return NT_SUCCESS(status) ? check_context(provider, config, attributes, bytes) : status;
}

static NTSTATUS make_instance(struct ft_wdf_wmi_provider *provider,
                              const WDF_WMI_INSTANCE_CONFIG *config,
                              const WDF_OBJECT_ATTRIBUTES *attributes, WDFWMIINSTANCE *ret)
{
    struct ft_wdf_wmi_instance *instance;
    size_t bytes;
    NTSTATUS status = check_instance(provider, config, attributes, &bytes);

    if (!NT_SUCCESS(status))
        return status;
    instance = ft_wdf_object_new(&instance_class, sizeof *instance, &provider->object, attributes,
                                 &status);
    if (!instance)
        return status;
    instance->object.device = provider->object.device;
    instance->provider = provider;
    instance->config = *config;
    instance->context_bytes = (ULONG)bytes;
    if (config->Register)
        status = register_instance(instance);
    if (!NT_SUCCESS(status))
        ft_wdf_object_abandon(&instance->object);
    else if (ret)
        *ret = (WDFWMIINSTANCE)instance;
    return status;
}

static NTSTATUS create_instance(WDFDEVICE handle, const WDF_WMI_INSTANCE_CONFIG *config,
                                const WDF_OBJECT_ATTRIBUTES *attributes, WDFWMIINSTANCE *ret)
{
    struct ft_wdf_wmi_provider *provider;
    NTSTATUS status;

    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((config->Provider == NULL) == (config->ProviderConfig == NULL))
        return STATUS_INVALID_PARAMETER;
    if (config->Provider)
        return make_instance(ft_wdf_wmi_provider_of(config->Provider), config, attributes, ret);
    status = ft_wdf_wmi_make(ft_wdf_check(handle, FT_HC_WDF_DEVICE), config->ProviderConfig, NULL,
                             &provider);
    if (!NT_SUCCESS(status))
        return status;
    status = make_instance(provider, config, attributes, ret);
    if (!NT_SUCCESS(status))
        ft_wdf_wmi_unmake(provider);
    return status;
}

/* The device matters only with a provider's configuration. */
NTSTATUS WdfWmiInstanceCreate(WDFDEVICE Device, PWDF_WMI_INSTANCE_CONFIG InstanceConfig,
                              PWDF_OBJECT_ATTRIBUTES InstanceAttributes, WDFWMIINSTANCE *Instance)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    ft_wdf_require(InstanceConfig);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    status = create_instance(Device, InstanceConfig, InstanceAttributes, Instance);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

NTSTATUS WdfWmiInstanceRegister(WDFWMIINSTANCE WmiInstance)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_wmi_instance *instance;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiInstance));
    instance = instance_of(WmiInstance, PASSIVE_LEVEL);
    if (instance)
        status = register_instance(instance);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiInstance));
    return status;
}

VOID WdfWmiInstanceDeregister(WDFWMIINSTANCE WmiInstance)
{
    struct ft_wdf_wmi_instance *instance;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiInstance));
    instance = instance_of(WmiInstance, PASSIVE_LEVEL);
    if (instance)
        deregister_instance(instance);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiInstance));
}

WDFDEVICE WdfWmiInstanceGetDevice(WDFWMIINSTANCE WmiInstance)
{
    struct ft_wdf_wmi_instance *instance;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiInstance));
    instance = instance_of(WmiInstance, DISPATCH_LEVEL);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiInstance));
    return instance ? (WDFDEVICE)instance->object.device : NULL;
}

WDFWMIPROVIDER WdfWmiInstanceGetProvider(WDFWMIINSTANCE WmiInstance)
{
    struct ft_wdf_wmi_instance *instance;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiInstance));
    instance = instance_of(WmiInstance, DISPATCH_LEVEL);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiInstance));
    return instance ? (WDFWMIPROVIDER)instance->provider : NULL;
}

/* ---- events ---- */

static ULONG index_of(const struct ft_wdf_wmi_instance *instance)
{
    const struct ft_wdf_wmi_instance *at = instance->provider->instances;
    ULONG index = 0;

    for (; at && at != instance; at = at->next)
        index++;
    return index;
}

static NTSTATUS fire(const struct ft_wdf_wmi_instance *instance, ULONG bytes, const void *data)
{
    ULONG size = (ULONG)sizeof(WNODE_SINGLE_INSTANCE) + (data ? bytes : 0);
    WNODE_SINGLE_INSTANCE *node = ExAllocatePoolWithTag(NonPagedPoolNx, size, 'LdfW');
    NTSTATUS status;

    if (!node)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(node, size);
    node->WnodeHeader.Guid = instance->provider->config.Guid;
    node->WnodeHeader.ProviderId = (ULONG)(ULONG_PTR)instance->object.device->fdo;
    node->WnodeHeader.BufferSize = size;
    node->WnodeHeader.Flags =
        WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM | WNODE_FLAG_STATIC_INSTANCE_NAMES;
    KeQuerySystemTime(&node->WnodeHeader.TimeStamp);
    node->InstanceIndex = index_of(instance);
    node->SizeDataBlock = data ? bytes : 0;
    node->DataBlockOffset = sizeof *node;
    if (data)
        RtlCopyMemory(node + 1, data, bytes);
    status = IoWMIWriteEvent(node);
    if (!NT_SUCCESS(status))
        ExFreePool(node);
    return status;
}

NTSTATUS WdfWmiInstanceFireEvent(WDFWMIINSTANCE WmiInstance, ULONG EventDataSize, PVOID EventData)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_wmi_instance *instance;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiInstance));
    instance = instance_of(WmiInstance, APC_LEVEL);
    if (instance)
        status = fire(instance, EventDataSize, EventData);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiInstance));
    return status;
}
