/* WMI providers: data blocks that a device offers, by GUID.
 *
 * The device is registered with WMI while it is started, once it has a provider; what changes then
 * is told, at once or by a work item.
 *
 * Here a device without a provider of the driver's is not registered, which nobody but WMI could
 * see: the framework's own providers (for user control of idle and wake settings) are not modelled.
 */
#include "kmdf/wmi.h"

/* ---- registration ---- */

static void tell_wmi(struct ft_wdf_pnp *pnp)
{
    ULONG action = pnp->wmi_registered ? WMIREG_ACTION_UPDATE_GUIDS : WMIREG_ACTION_REGISTER;

    if (NT_SUCCESS(IoWMIRegistrationControl(pnp->device->fdo, action)))
        pnp->wmi_registered = true;
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI tell_later(PDEVICE_OBJECT fdo, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)fdo;
    tell_wmi(pnp);
    pnp->wmi_queued = false;
    ft_wake_waiters(&pnp->wmi_queued, STATUS_SUCCESS, true);
}

/* Something has changed that WMI should know. */
void ft_wdf_wmi_update(struct ft_wdf_pnp *pnp)
{
    if (pnp->wmi_state != FT_WDF_WMI_ON)
        return;
    if (ft_irql() == PASSIVE_LEVEL) {
        tell_wmi(pnp);
    } else if (!pnp->wmi_queued) {
        pnp->wmi_queued = true;
        IoQueueWorkItem(pnp->wmi_work, tell_later, DelayedWorkQueue, pnp);
    }
}

void ft_wdf_wmi_start(struct ft_wdf_pnp *pnp)
{
    if (pnp->wmi_state == FT_WDF_WMI_ON)
        return;
    pnp->wmi_state = FT_WDF_WMI_ON;
    if (pnp->wmi)
        tell_wmi(pnp);
}

void ft_wdf_wmi_stop(struct ft_wdf_pnp *pnp)
{
    if (pnp->wmi_state == FT_WDF_WMI_ON)
        pnp->wmi_state = FT_WDF_WMI_OFF;
    while (pnp->wmi_queued)
        ft_task_wait(&pnp->wmi_queued, 0);
    if (pnp->wmi_registered)
        IoWMIRegistrationControl(pnp->device->fdo, WMIREG_ACTION_DEREGISTER);
    pnp->wmi_registered = false;
}

void ft_wdf_wmi_end(struct ft_wdf_pnp *pnp)
{
    pnp->wmi_state = FT_WDF_WMI_OVER;
    if (pnp->wmi_work)
        IoFreeWorkItem(pnp->wmi_work);
    pnp->wmi_work = NULL;
}

/* ---- providers ---- */

struct ft_wdf_wmi_provider *ft_wdf_wmi_find(const struct ft_wdf_pnp *pnp, const GUID *guid)
{
    struct ft_wdf_wmi_provider *at = pnp->wmi;

    while (at && memcmp(&at->config.Guid, guid, sizeof *guid) != 0)
        at = at->next;
    return at;
}

static void dispose_provider(struct ft_wdf_object *object)
{
    struct ft_wdf_wmi_provider *provider = (struct ft_wdf_wmi_provider *)object;
    struct ft_wdf_wmi_provider **link = &ft_wdf_pnp_of(provider->object.device)->wmi;

    while (*link && *link != provider)
        link = &(*link)->next;
    if (*link)
        *link = provider->next;
    provider->listed = false;
}

static const struct ft_wdf_class provider_class = {
    .handle_class = FT_HC_WDF_OBJECT, .undeletable = true, .dispose = dispose_provider};

struct ft_wdf_wmi_provider *ft_wdf_wmi_provider_of(WDFWMIPROVIDER handle)
{
    struct ft_wdf_object *object = ft_wdf_check(handle, FT_HC_WDF_OBJECT);

    if (object->class_ != &provider_class)
        ft_wdf_bad_handle(handle, FT_HC_WDF_OBJECT);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return (struct ft_wdf_wmi_provider *)object;
}

static NTSTATUS check_provider(const WDF_WMI_PROVIDER_CONFIG *config)
{
    static const GUID none;

    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((config->Flags & ~(ULONG)WdfWmiProviderValidFlags) ||
        ((config->Flags & WdfWmiProviderTracing) && config->Flags != WdfWmiProviderTracing))
        return STATUS_INVALID_PARAMETER;
    if (config->EvtWmiProviderFunctionControl &&
        !(config->Flags & (WdfWmiProviderTracing | WdfWmiProviderExpensive)))
        return STATUS_INVALID_PARAMETER;
    return memcmp(&config->Guid, &none, sizeof none) == 0 ? STATUS_INVALID_PARAMETER
                                                          : STATUS_SUCCESS;
}

static void list(struct ft_wdf_pnp *pnp, struct ft_wdf_wmi_provider *provider)
{
    struct ft_wdf_wmi_provider **link = &pnp->wmi;

    while (*link)
        link = &(*link)->next;
    *link = provider;
    provider->listed = true;
    if (provider->config.Flags & WdfWmiProviderTracing)
        ft_wdf_wmi_update(pnp);
}

/* A second provider of the same GUID is made, but WMI never sees it (as in the framework's source,
 * whose status of that case is a success). */
NTSTATUS ft_wdf_wmi_make(struct ft_wdf_device *device, const WDF_WMI_PROVIDER_CONFIG *config,
                         const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_wmi_provider **ret)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);
    struct ft_wdf_wmi_provider *provider;
    NTSTATUS status = ft_wdf_attributes_check(attributes, false);

    if (NT_SUCCESS(status))
        status = check_provider(config);
    if (!NT_SUCCESS(status))
        return status;
    if (!pnp->wmi_work)
        pnp->wmi_work = IoAllocateWorkItem(device->fdo);
    if (!pnp->wmi_work)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (pnp->wmi_state >= FT_WDF_WMI_OFF && !ft_wdf_wmi_find(pnp, &config->Guid))
        return STATUS_INVALID_DEVICE_STATE;
    provider =
        ft_wdf_object_new(&provider_class, sizeof *provider, &device->object, attributes, &status);
    if (!provider)
        return status;
    provider->object.device = device;
    provider->config = *config;
    if (!ft_wdf_wmi_find(pnp, &config->Guid))
        list(pnp, provider);
    *ret = provider;
    return STATUS_SUCCESS;
}

void ft_wdf_wmi_unmake(struct ft_wdf_wmi_provider *provider)
{
    dispose_provider(&provider->object);
    ft_wdf_object_abandon(&provider->object);
}

NTSTATUS WdfWmiProviderCreate(WDFDEVICE Device, PWDF_WMI_PROVIDER_CONFIG WmiProviderConfig,
                              PWDF_OBJECT_ATTRIBUTES ProviderAttributes,
                              WDFWMIPROVIDER *WmiProvider)
{
    struct ft_wdf_wmi_provider *provider = NULL;
    struct ft_wdf_device *device;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(WmiProviderConfig);
    ft_wdf_require(WmiProvider);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    status = ft_wdf_wmi_make(device, WmiProviderConfig, ProviderAttributes, &provider);
    *WmiProvider = (WDFWMIPROVIDER)provider;
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

WDFDEVICE WdfWmiProviderGetDevice(WDFWMIPROVIDER WmiProvider)
{
    struct ft_wdf_wmi_provider *provider;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiProvider));
    provider = ft_wdf_wmi_provider_of(WmiProvider);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiProvider));
    return (WDFDEVICE)provider->object.device;
}

BOOLEAN WdfWmiProviderIsEnabled(WDFWMIPROVIDER WmiProvider,
                                WDF_WMI_PROVIDER_CONTROL ProviderControl)
{
    struct ft_wdf_wmi_provider *provider;
    bool known = ProviderControl == WdfWmiEventControl || ProviderControl == WdfWmiInstanceControl;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiProvider));
    provider = ft_wdf_wmi_provider_of(WmiProvider);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiProvider));
    return known && provider->enabled[ProviderControl - WdfWmiEventControl];
}

ULONGLONG WdfWmiProviderGetTracingHandle(WDFWMIPROVIDER WmiProvider)
{
    struct ft_wdf_wmi_provider *provider;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(WmiProvider));
    provider = ft_wdf_wmi_provider_of(WmiProvider);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(WmiProvider));
    return provider->tracing;
}

/* ---- the resource that describes the data ---- */

static NTSTATUS assign_mof(struct ft_wdf_pnp *pnp, const UNICODE_STRING *name)
{
    PWSTR copy;

    if (name->Length % sizeof(WCHAR) || name->Length > name->MaximumLength ||
        (name->Length && !name->Buffer))
        return STATUS_INVALID_PARAMETER;
    if (pnp->mof.Buffer)
        return STATUS_INVALID_DEVICE_REQUEST;
    copy = ft_block_for_driver(name->Length + sizeof(WCHAR), FT_HC_OTHER, 0);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(copy, name->Buffer, name->Length);
    pnp->mof =
        (UNICODE_STRING){.Length = name->Length, .MaximumLength = name->Length, .Buffer = copy};
    return STATUS_SUCCESS;
}

NTSTATUS WdfDeviceAssignMofResourceName(WDFDEVICE Device, PCUNICODE_STRING MofResourceName)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(MofResourceName);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = assign_mof(ft_wdf_pnp_of(device), MofResourceName);
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}
