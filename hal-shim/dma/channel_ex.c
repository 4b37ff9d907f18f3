/* AllocateAdapterChannelEx, FreeAdapterObject and ConfigureAdapterChannel (wdm-dma
 * sheet, 1.20, 1.21, 1.27, 6.10).
 *
 * The request waits in the queue of version 1 (channel.c). A synchronous one never waits: it is
 * granted inside the call or fails. The pages disagree whether a synchronous call may have both a
 * routine and a place for MapRegisterBase (question 6): it may, and the base is written. Not
 * modelled: DMA_ZERO_BUFFERS and DMA_FAIL_ON_BOUNCE, which headers name and no page explains; they
 * are taken and change nothing.
 */
#include "dma/transfer_ex.h"

#include <string.h>

/* What one call asks. */
struct channel_call {
    PDEVICE_OBJECT device;
    PVOID context;
    ULONG registers;
    ULONG flags;
    PDRIVER_CONTROL routine;
    PVOID routine_context;
    PVOID *base;
};

unsigned ft_dma_how(ULONG flags, bool routine, bool out)
{
    const ULONG known = DMA_SYNCHRONOUS_CALLBACK | DMA_ZERO_BUFFERS | DMA_FAIL_ON_BOUNCE;

    return (flags & DMA_SYNCHRONOUS_CALLBACK ? FT_HOW_SYNCHRONOUS : 0) |
           (routine ? FT_HOW_ROUTINE : 0) | (out ? FT_HOW_OUT : 0) |
           (flags & ~known ? FT_HOW_OTHER_FLAGS : 0);
}

static bool is_synchronous(const struct channel_call *call)
{
    return call->flags & DMA_SYNCHRONOUS_CALLBACK;
}

static bool legal(const struct channel_call *call)
{
    if (!is_synchronous(call) && call->base)
        return false;
    return call->routine || (is_synchronous(call) && call->base);
}

/* The request that the driver serves: of the device's queue, else of the running task. */
static unsigned owner_of(PDEVICE_OBJECT device)
{
    return device->CurrentIrp ? ft_handle_id(ft_handle_of(device->CurrentIrp))
                              : ft_current()->request;
}

static struct ft_dma_grant *enqueue(const struct ft_dma_adapter *adapter,
                                    const struct channel_call *call)
{
    unsigned label =
        call->device->CurrentIrp ? ft_label_of(call->device->CurrentIrp) : ft_current()->label;
    struct ft_dma_transfer *transfer = ft_block_alloc(sizeof *transfer, FT_HC_GRANT, label);
    const struct ft_dma_grant request = {
        .transfer = transfer,
        .device = call->device,
        .irp = call->device->CurrentIrp,
        .routine = (void *)call->routine,
        .context = call->routine_context,
        .adapter = adapter->id,
        .count = (uint16_t)call->registers,
        .request = (uint16_t)owner_of(call->device),
        .label = (uint16_t)label,
    };
    struct ft_dma_grant *grant = transfer ? ft_dma_enqueue(&request, transfer) : NULL;

    if (!grant) {
        if (transfer)
            ft_block_free(transfer);
        return NULL;
    }
    transfer->device = call->device;
    ft_context_bind(transfer, call->context);
    return grant;
}

/* The status before anything is granted. On success *grant waits. */
static NTSTATUS ask(const struct ft_dma_adapter *slot, const struct channel_call *call,
                    struct ft_dma_grant **grant, enum ft_context_state state, unsigned *why)
{
    *grant = NULL;
    *why = FT_WHY_NOTHING;
    if (!legal(call)) {
        *why = FT_WHY_ARGUMENTS;
        return STATUS_INVALID_PARAMETER;
    }
    if (state == FT_CONTEXT_POISONED) {
        *why = FT_WHY_CANCELLED;
        ft_context_heal(call->context);
        return STATUS_CANCELLED;
    }
    if (state != FT_CONTEXT_READY) {
        *why = FT_WHY_CONTEXT;
        return STATUS_INVALID_PARAMETER;
    }
    *why = FT_WHY_RESOURCES;
    if (call->registers > slot->registers || ft_alloc_fails(FT_FAIL_CHANNEL))
        return STATUS_INSUFFICIENT_RESOURCES;
    *grant = enqueue(slot, call);
    if (!*grant)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (is_synchronous(call) && !ft_dma_grant_now(*grant)) {
        ft_dma_grant_retire(*grant);
        *grant = NULL;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *why = FT_WHY_NOTHING;
    return STATUS_SUCCESS;
}

/* Inside the points. */
static NTSTATUS allocate(const struct ft_dma_adapter *slot, const struct channel_call *call)
{
    struct ft_dma_grant *grant, *serves;
    enum ft_context_state state = ft_context_state(call->context, &serves);
    uint64_t context = ft_context_handle(call->context);
    unsigned why;
    NTSTATUS status = ask(slot, call, &grant, state, &why);
    unsigned how = ft_dma_how(call->flags, call->routine != NULL, call->base != NULL) |
                   (unsigned)state << 16 | why << 24;

    ft_emit(FT_EV_CHANNEL_EX, ft_dma_adapter_handle(slot), context, call->registers, how,
            (uint32_t)status, grant ? ft_handle(FT_HC_GRANT, grant->id, 0) : 0,
            grant && grant->irp && grant->request ? ft_handle(FT_HC_IRP, grant->request, 0) : 0,
            ft_handle_of(call->device));
    if (!NT_SUCCESS(status))
        return status;
    if (is_synchronous(call)) {
        if (call->base)
            *call->base = grant->base;
        ft_dma_grant_run(grant);
    } else if (!ft_dma_deferred()) {
        ft_dma_drain();
    }
    return status;
}

NTSTATUS ft_dma_allocate_channel_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                                    ULONG registers, ULONG flags, PDRIVER_CONTROL routine,
                                    PVOID routine_context, PVOID *base)
{
    const struct channel_call call = {device,  context,         registers, flags,
                                      routine, routine_context, base};
    unsigned label = device->CurrentIrp ? ft_label_of(device->CurrentIrp) : ft_current()->label;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    const struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_CHANNEL, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_CHANNEL);
    if (slot)
        status = allocate(slot, &call);
    FT_DDI_END(DMA_CHANNEL, label);
    return status;
}

/* Meant for grants without a routine; on any other one it does what the driver asks as well. */
VOID ft_dma_free_object(PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action)
{
    unsigned label = ft_current()->label;
    struct ft_dma_grant *grant;
    const struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_FREE, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FREE);
    if (slot) {
        grant = ft_dma_grant_by_id(slot->channel);
        ft_emit(FT_EV_FREE_OBJECT, ft_dma_adapter_handle(slot),
                grant ? ft_handle(FT_HC_GRANT, grant->id, 0) : 0, action);
        if (grant && (action == DeallocateObject || action == DeallocateObjectKeepRegisters)) {
            ft_context_check(grant);
            ft_dma_channel_back(grant);
            /* The registers of a list stay with it until it is put. */
            if (action == DeallocateObject && !grant->list)
                ft_dma_registers_back(grant);
            ft_dma_grant_retire(grant);
        }
        ft_dma_drain();
    }
    FT_DDI_END(DMA_FREE, label);
}

/* The machine's controller knows no function of its own. */
NTSTATUS ft_dma_configure(PDMA_ADAPTER adapter, ULONG function, PVOID context)
{
    NTSTATUS status = STATUS_NOT_IMPLEMENTED;
    const struct ft_dma_adapter *slot;

    (void)context;
    FT_DMA_BEGIN(DMA_QUERY, ft_current()->label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot)
        ft_emit(FT_EV_DMA_CONFIGURE, ft_dma_adapter_handle(slot), function, (uint32_t)status);
    FT_DDI_END(DMA_QUERY, ft_current()->label);
    return status;
}
