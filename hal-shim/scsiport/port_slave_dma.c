/* Subordinate DMA: ScsiPortIoMapTransfer, ScsiPortFlushDma, and what the port's DPC does for them
 * (scsiport.md, sections 7 and 8).
 *
 * The miniport calls at DIRQL, where no HAL routine may be called: its call is written down as an
 * intent, with an event of its own, and the DPC acts, flushes before maps. The adapter channel is
 * held from the first active request to the end of the last one.
 *
 * An HBA has one mapping. Flushed before the DPC saw it, it never comes to be; flushed before
 * HwScsiDmaStarted could run, HwScsiDmaStarted does not run. A second mapping over one that was not
 * flushed takes its place, and the first stays mapped: as the flush knows only one.
 */
#include "scsiport/port_dma.h"

static uint64_t adapter_handle(const struct ft_scsi_adapter *adapter)
{
    return ft_block_handle(adapter->fdo);
}

/* ---- the miniport's calls ---- */

/* Where an address that stands in for DataBuffer lies, in the terms of the MDL. */
static uint64_t mdl_address(const struct ft_scsi_request *request, const void *address)
{
    return (uint64_t)(uintptr_t)request->data_saved +
           ((uintptr_t)address - (uintptr_t)request->srb->DataBuffer);
}

VOID ScsiPortIoMapTransfer(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID LogicalAddress,
                           ULONG Length)
{
    unsigned label = ft_label_of(Srb);
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_request *request;

    FT_SCSI_BEGIN(SCSI_MAP, label);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    request = ft_scsi_owned(adapter, Srb);
    ft_scsi_emit(FT_EV_SCSI_MAP, adapter_handle(adapter), ft_scsi_srb_handle(Srb),
                 request ? (uintptr_t)LogicalAddress - (uintptr_t)Srb->DataBuffer : 0, Length,
                 request ? Srb->SrbFlags : 0, adapter->mapping,
                 request ? request->given.DataTransferLength : 0, ft_scsi_routine());
    /* Without a channel, or for an SRB that is not the miniport's, there is nothing to map. */
    if (request && adapter->slave && request->mdl) {
        adapter->intent.map = (struct ft_scsi_mapping){
            .request = request,
            .va = mdl_address(request, LogicalAddress),
            .length = Length,
            .to_device = (Srb->SrbFlags & SRB_FLAGS_DATA_OUT) != 0,
        };
        adapter->intent.flags |= FT_SCSI_MAP | FT_SCSI_NEED_DPC;
        adapter->mapping = FT_SCSI_MAP_PENDING;
    }
    FT_SCSI_END(SCSI_MAP, label);
}

/* The mapping that is open, NULL: none. */
static const struct ft_scsi_mapping *open_mapping(const struct ft_scsi_adapter *adapter)
{
    if (adapter->mapping == FT_SCSI_MAP_PENDING)
        return &adapter->intent.map;
    return adapter->mapping == FT_SCSI_MAP_STARTED ? &adapter->current : NULL;
}

VOID ScsiPortFlushDma(PVOID DeviceExtension)
{
    const struct ft_scsi_mapping *mapping;
    struct ft_scsi_adapter *adapter;
    unsigned label;

    adapter = ft_scsi_adapter_of(DeviceExtension);
    mapping = open_mapping(adapter);
    label = mapping ? ft_scsi_request_label(mapping->request) : 0;
    FT_SCSI_BEGIN(SCSI_FLUSH, label);
    mapping = open_mapping(adapter);
    ft_scsi_emit(FT_EV_SCSI_FLUSH, adapter_handle(adapter),
                 mapping && mapping->request ? ft_scsi_srb_handle(mapping->request->srb) : 0,
                 adapter->mapping, mapping ? mapping->length : 0, ft_scsi_routine());
    if (adapter->mapping == FT_SCSI_MAP_STARTED) {
        adapter->intent.flush = adapter->current;
        adapter->intent.flags |= FT_SCSI_FLUSH | FT_SCSI_NEED_DPC;
    }
    adapter->intent.flags &= ~(uint32_t)FT_SCSI_MAP;
    adapter->mapping = FT_SCSI_MAP_IDLE;
    FT_SCSI_END(SCSI_FLUSH, label);
}

/* ---- the DPC: the port lock is held ---- */

void ft_scsi_dma_flush(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping)
{
    const struct ft_scsi_request *request = mapping->request;
    uint16_t before;

    if (!request || adapter->channel != FT_SCSI_CHANNEL_HELD)
        return;
    ft_scsi_point(FT_PT_SCSI_DMA_FLUSH, ft_scsi_request_label(request));
    before = ft_scsi_serve(request);
    adapter->dma->DmaOperations->FlushAdapterBuffers(
        adapter->dma, request->mdl, adapter->map_register_base, (PVOID)(uintptr_t)mapping->va,
        mapping->length, mapping->to_device);
    ft_current()->request = before;
}

static uint64_t call_dma_started(void *routine, void *extension, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((PHW_DMA_STARTED)routine)(extension);
    return 0;
}

/* Under the interrupt lock: nothing came in between, so the controller runs for this mapping. */
FT_PORT_ROUTINE
static BOOLEAN NTAPI dma_started(PVOID context)
{
    struct ft_scsi_adapter *adapter = context;
    bool live = adapter->mapping == FT_SCSI_MAP_STARTED;
    void *routine = (void *)adapter->init->data.HwDmaStarted;

    ft_emit(FT_EV_SCSI_DMA_STARTED, adapter_handle(adapter),
            ft_scsi_srb_handle(adapter->current.request->srb), live && routine);
    if (live && routine)
        ft_scsi_call(FT_ROUTINE_SCSI_DMA_STARTED, adapter, adapter->current.request,
                     call_dma_started, routine, adapter->extension, NULL, NULL);
    return TRUE;
}

static void start_hba(struct ft_scsi_adapter *adapter)
{
    KIRQL irql;

    if (adapter->interrupt) {
        KeSynchronizeExecution(adapter->interrupt, dma_started, adapter);
        return;
    }
    KeRaiseIrql(adapter->irql, &irql);
    dma_started(adapter);
    KeLowerIrql(irql);
}

/* Flushed, or replaced, since the DPC took the intent. */
static bool is_void(const struct ft_scsi_adapter *adapter)
{
    return adapter->mapping != FT_SCSI_MAP_PENDING || (adapter->intent.flags & FT_SCSI_MAP);
}

void ft_scsi_dma_map(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping)
{
    const struct ft_scsi_request *request = mapping->request;
    ULONG length = mapping->length;
    uint16_t before;

    if (!request || adapter->channel != FT_SCSI_CHANNEL_HELD)
        return;
    ft_scsi_point(FT_PT_SCSI_DMA_MAP, ft_scsi_request_label(request));
    if (is_void(adapter))
        return;
    before = ft_scsi_serve(request);
    adapter->dma->DmaOperations->MapTransfer(adapter->dma, request->mdl, adapter->map_register_base,
                                             (PVOID)(uintptr_t)mapping->va, &length,
                                             mapping->to_device);
    ft_current()->request = before;
    adapter->current = *mapping;
    adapter->mapping = FT_SCSI_MAP_STARTED;
    ft_scsi_point(FT_PT_SCSI_DMA_MAPPED, ft_scsi_request_label(request));
    start_hba(adapter);
    ft_scsi_after(adapter);
}

/* ---- the channel ---- */

static void tell_channel(const struct ft_scsi_adapter *adapter,
                         const struct ft_scsi_request *request)
{
    ft_emit(FT_EV_SCSI_CHANNEL, adapter_handle(adapter), ft_scsi_srb_handle(request->srb),
            adapter->channel);
}

FT_PORT_ROUTINE
static IO_ALLOCATION_ACTION NTAPI channel_granted(PDEVICE_OBJECT device, PIRP irp, PVOID base,
                                                  PVOID context)
{
    struct ft_scsi_request *request = context;
    struct ft_scsi_adapter *adapter = request->adapter;

    (void)device;
    (void)irp;
    adapter->map_register_base = base;
    adapter->channel = FT_SCSI_CHANNEL_HELD;
    tell_channel(adapter, request);
    ft_scsi_start_granted(request);
    return KeepObject;
}

static void ask_for_channel(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    uint16_t before = ft_scsi_serve(request);
    NTSTATUS status;

    adapter->channel = FT_SCSI_CHANNEL_ASKED;
    tell_channel(adapter, request);
    status = adapter->dma->DmaOperations->AllocateAdapterChannel(
        adapter->dma, adapter->fdo, adapter->pages_max, channel_granted, request);
    ft_current()->request = before;
    if (NT_SUCCESS(status))
        return;
    adapter->channel = FT_SCSI_CHANNEL_FREE;
    tell_channel(adapter, request);
    ft_scsi_start_refused(request);
}

bool ft_scsi_slave_prepare(struct ft_scsi_request *request)
{
    if (request->adapter->channel == FT_SCSI_CHANNEL_HELD)
        return true;
    ask_for_channel(request);
    return false;
}

static void forget(struct ft_scsi_mapping *mapping, const struct ft_scsi_request *request)
{
    if (mapping->request == request)
        mapping->request = NULL;
}

void ft_scsi_slave_finish(struct ft_scsi_request *request, bool last)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    const struct ft_scsi_mapping *open = open_mapping(adapter);

    /* What the miniport left open: nobody can flush it any more. */
    if (open && open->request == request) {
        adapter->intent.flags &= ~(uint32_t)FT_SCSI_MAP;
        adapter->mapping = FT_SCSI_MAP_IDLE;
    }
    forget(&adapter->current, request);
    forget(&adapter->intent.map, request);
    forget(&adapter->intent.flush, request);
    if (!last || adapter->channel != FT_SCSI_CHANNEL_HELD)
        return;
    adapter->channel = FT_SCSI_CHANNEL_FREE;
    adapter->map_register_base = NULL;
    tell_channel(adapter, request);
    adapter->dma->DmaOperations->FreeAdapterChannel(adapter->dma);
}
