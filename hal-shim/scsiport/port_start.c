/* From START to the first request (scsiport.md, section 4): resources, HwScsiFindAdapter, DMA
 * adapter and common buffer, interrupt, HwScsiInitialize, the supported controls. */
#include "scsiport/adapter.h"

#include "io/io_private.h"

/* ---- resources ---- */

static void copy_list(CM_PARTIAL_RESOURCE_DESCRIPTOR *to, const CM_RESOURCE_LIST *list, ULONG count)
{
    RtlCopyMemory(to, list->List[0].PartialResourceList.PartialDescriptors, count * sizeof *to);
}

NTSTATUS ft_scsi_resources_take(struct ft_scsi_adapter *adapter, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PCM_RESOURCE_LIST raw = location->Parameters.StartDevice.AllocatedResources;
    PCM_RESOURCE_LIST translated = location->Parameters.StartDevice.AllocatedResourcesTranslated;
    ULONG count = raw ? raw->List[0].PartialResourceList.Count : 0;
    struct ft_scsi_resources *resources;

    if (adapter->resources)
        ft_block_free(adapter->resources);
    adapter->resources = NULL;
    resources = ft_block_for_driver(sizeof *resources + 2 * count * sizeof resources->raw[0],
                                    FT_HC_OTHER, 0);
    if (!resources)
        return STATUS_INSUFFICIENT_RESOURCES;
    resources->count = count;
    resources->translated = resources->raw + count;
    if (count > 0) {
        copy_list(resources->raw, raw, count);
        copy_list(resources->translated, translated, count);
    }
    adapter->resources = resources;
    return STATUS_SUCCESS;
}

/* ---- the DMA adapter ---- */

static void describe(const PORT_CONFIGURATION_INFORMATION *info, PDEVICE_DESCRIPTION description)
{
    RtlZeroMemory(description, sizeof *description);
    description->Version = info->Dma64BitAddresses & ~SCSI_DMA64_SYSTEM_SUPPORTED
                               ? DEVICE_DESCRIPTION_VERSION1
                               : DEVICE_DESCRIPTION_VERSION;
    description->Master = info->Master;
    description->ScatterGather = info->ScatterGather;
    description->DemandMode = info->DemandMode;
    description->Dma32BitAddresses = info->Dma32BitAddresses;
    description->Dma64BitAddresses = (info->Dma64BitAddresses & ~SCSI_DMA64_SYSTEM_SUPPORTED) != 0;
    description->BusNumber = info->SystemIoBusNumber;
    description->DmaChannel = info->DmaChannel;
    description->InterfaceType = info->AdapterInterfaceType;
    description->DmaWidth = info->DmaWidth;
    description->DmaSpeed = info->DmaSpeed;
    description->MaximumLength = info->MaximumTransferLength;
    description->DmaPort = info->DmaPort;
}

/* Requests span that many pages at most. */
static ULONG pages_max(const struct ft_scsi_adapter *adapter)
{
    const PORT_CONFIGURATION_INFORMATION *info = adapter->config;
    ULONG breaks = info->NumberOfPhysicalBreaks, pages = adapter->registers;

    if (!adapter->dma)
        pages = info->MaximumTransferLength / PAGE_SIZE + 1;
    return breaks > 0 && breaks < pages ? breaks : pages;
}

static bool uses_dma(const PORT_CONFIGURATION_INFORMATION *info)
{
    return info->Master || info->DmaChannel != SP_UNINITIALIZED_VALUE ||
           info->DmaPort != SP_UNINITIALIZED_VALUE;
}

/* A channel that comes with the device's resources, but that the miniport does not use
 * (HwScsiDmaStarted is NULL), is no subordinate HBA. */
static bool wants_adapter(const struct ft_scsi_adapter *adapter)
{
    return uses_dma(adapter->config) &&
           (adapter->config->Master || adapter->init->data.HwDmaStarted);
}

NTSTATUS ft_scsi_dma_adapter(struct ft_scsi_adapter *adapter)
{
    PORT_CONFIGURATION_INFORMATION *info = adapter->config;
    DEVICE_DESCRIPTION description;

    adapter->uses_pio = info->MapBuffers;
    if (!adapter->dma && wants_adapter(adapter)) {
        describe(info, &description);
        adapter->registers = 0;
        adapter->dma = IoGetDmaAdapter(adapter->pdo, &description, &adapter->registers);
        if (!adapter->dma)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    adapter->master = adapter->dma && info->Master && info->NeedPhysicalAddresses;
    adapter->slave = adapter->dma && !adapter->master;
    adapter->pages_max = pages_max(adapter);
    return STATUS_SUCCESS;
}

static NTSTATUS take_dma(struct ft_scsi_adapter *adapter)
{
    NTSTATUS status = ft_scsi_dma_adapter(adapter);

    if (NT_SUCCESS(status) && !adapter->common &&
        (adapter->config->SrbExtensionSize > 0 || adapter->config->AutoRequestSense))
        status = ft_scsi_common_allocate(adapter, 0);
    return status;
}

/* ---- the interrupt ---- */

struct vector {
    ULONG vector;
    KIRQL irql;
    KAFFINITY affinity;
    KINTERRUPT_MODE mode;
    BOOLEAN shared;
};

static bool assigned_vector(const struct ft_scsi_adapter *adapter, struct vector *ret)
{
    const struct ft_scsi_resources *resources = adapter->resources;

    for (ULONG i = 0; resources && i < resources->count; i++) {
        const CM_PARTIAL_RESOURCE_DESCRIPTOR *at = &resources->translated[i];

        if (at->Type != CmResourceTypeInterrupt)
            continue;
        *ret = (struct vector){.vector = at->u.Interrupt.Vector,
                               .irql = (KIRQL)at->u.Interrupt.Level,
                               .affinity = at->u.Interrupt.Affinity,
                               .mode = at->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched
                                                                                 : LevelSensitive};
        return true;
    }
    return false;
}

/* Of a device that nobody assigned resources to: what the miniport says. */
static bool detected_vector(const struct ft_scsi_adapter *adapter, struct vector *ret)
{
    const PORT_CONFIGURATION_INFORMATION *info = adapter->config;

    ret->vector = HalGetInterruptVector(info->AdapterInterfaceType, info->SystemIoBusNumber,
                                        info->BusInterruptLevel, info->BusInterruptVector,
                                        &ret->irql, &ret->affinity);
    return ret->vector != 0;
}

/* Level-triggered lines are shareable. The miniport's mode counts, as it may know better. */
static bool find_vector(const struct ft_scsi_adapter *adapter, struct vector *ret)
{
    if (!assigned_vector(adapter, ret) && !detected_vector(adapter, ret))
        return false;
    ret->mode = adapter->config->InterruptMode;
    ret->shared =
        ret->mode == LevelSensitive || adapter->config->AdapterInterfaceType == MicroChannel;
    return true;
}

NTSTATUS ft_scsi_connect(struct ft_scsi_adapter *adapter)
{
    struct vector vector = {.irql = DISPATCH_LEVEL + 1};

    adapter->irql = vector.irql;
    if (!find_vector(adapter, &vector))
        return adapter->init->data.HwInterrupt && adapter->config->BusInterruptLevel
                   ? STATUS_DEVICE_CONFIGURATION_ERROR
                   : STATUS_SUCCESS;
    adapter->irql = vector.irql;
    adapter->vector = vector.vector;
    if (!adapter->init->data.HwInterrupt)
        return STATUS_SUCCESS;
    return IoConnectInterrupt(&adapter->interrupt, ft_scsi_isr, adapter, NULL, vector.vector,
                              vector.irql, vector.irql, vector.mode, vector.shared, vector.affinity,
                              FALSE);
}

void ft_scsi_disconnect(struct ft_scsi_adapter *adapter)
{
    PKINTERRUPT interrupt = adapter->interrupt;

    /* The port's DPC may wait for the interrupt's lock. */
    if (interrupt && KeGetCurrentIrql() == PASSIVE_LEVEL)
        KeFlushQueuedDpcs();
    adapter->interrupt = NULL;
    if (interrupt)
        IoDisconnectInterrupt(interrupt);
}

/* ---- HwScsiInitialize ---- */

static uint64_t call_initialize(void *routine, void *extension, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return ((PHW_INITIALIZE)routine)(extension);
}

/* An interrupt may come before it: the interrupt is connected by then. */
BOOLEAN ft_scsi_initialize(struct ft_scsi_adapter *adapter)
{
    BOOLEAN ok;

    ft_scsi_point(FT_PT_SCSI_STEP, 0);
    ok = (BOOLEAN)ft_scsi_call_synchronized(
        FT_ROUTINE_SCSI_INITIALIZE, adapter, NULL, call_initialize,
        (void *)adapter->init->data.HwInitialize, adapter->extension, NULL, NULL);
    ft_emit(FT_EV_SCSI_STARTED, ft_scsi_hba(adapter), 1, ok != FALSE);
    if (ok)
        ft_scsi_state(adapter, FT_SCSI_RUNNING);
    ft_scsi_after(adapter);
    return ok;
}

/* ---- all of it ---- */

NTSTATUS ft_scsi_bring_up(struct ft_scsi_adapter *adapter)
{
    NTSTATUS status = take_dma(adapter);

    if (NT_SUCCESS(status))
        status = ft_scsi_connect(adapter);
    if (NT_SUCCESS(status) && !ft_scsi_initialize(adapter))
        status = STATUS_ADAPTER_HARDWARE_ERROR;
    if (!NT_SUCCESS(status)) {
        ft_scsi_release(adapter);
        return status;
    }
    if (adapter->can_stop)
        ft_scsi_query_controls(adapter);
    if (ft_scsi_tick_start(adapter))
        return STATUS_SUCCESS;
    ft_scsi_stop(adapter, FT_SCSI_STOP_PNP); /* without time-outs it cannot be used */
    ft_scsi_release(adapter);
    return STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS status_of(ULONG result)
{
    switch (result) {
    case SP_RETURN_FOUND:
        return STATUS_SUCCESS;
    case SP_RETURN_ERROR:
        return STATUS_ADAPTER_HARDWARE_ERROR;
    case SP_RETURN_BAD_CONFIG:
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    default: /* also what no miniport may return */
        return STATUS_DEVICE_DOES_NOT_EXIST;
    }
}

NTSTATUS ft_scsi_start(struct ft_scsi_adapter *adapter)
{
    BOOLEAN again = FALSE;
    NTSTATUS status = ft_scsi_config_new(adapter);

    if (NT_SUCCESS(status))
        status = status_of(ft_scsi_find(adapter, &again));
    if (!NT_SUCCESS(status)) {
        ft_scsi_release(adapter);
        return status;
    }
    return ft_scsi_bring_up(adapter);
}
