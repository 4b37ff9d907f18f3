/* GetScatterGatherListEx and BuildScatterGatherListEx (wdm-dma sheet, 1.24, 1.25, 3.8, 6.10).
 *
 * The list is that of version 1 (sg_lists.c), with a transfer context beside it, so the request can
 * be cancelled while it waits. The pages disagree on what is released when the list routine returns
 * (question 7): the channel is; registers and list live until PutScatterGatherList. A synchronous
 * call without a routine leaves the channel, too, with the caller, who ends it with
 * FreeAdapterObject.
 */
#include "dma/sg_lists.h"
#include "dma/transfer_ex.h"

/* What the two calls have in common. */
struct list_ex {
    struct ft_list_call list;
    PVOID context;
    uint64_t offset;
    ULONG flags;
    bool completion; /* a completion routine or its context was given */
    PVOID *out;
};

static bool is_synchronous(const struct list_ex *call)
{
    return call->flags & DMA_SYNCHRONOUS_CALLBACK;
}

static bool legal(const struct list_ex *call)
{
    if (call->completion)
        return false;
    return call->list.routine || (is_synchronous(call) && call->out);
}

/* Gives the request its transfer. */
static NTSTATUS attach(struct ft_dma_grant *grant, const struct list_ex *call)
{
    struct ft_dma_transfer *transfer = ft_block_alloc(sizeof *transfer, FT_HC_GRANT, grant->label);

    if (!transfer)
        return STATUS_INSUFFICIENT_RESOURCES;
    transfer->device = call->list.device;
    ft_context_bind(transfer, call->context);
    grant->transfer = transfer;
    return STATUS_SUCCESS;
}

static NTSTATUS ask(const struct ft_dma_adapter *slot, struct list_ex *call,
                    struct ft_dma_grant **grant, enum ft_context_state state, unsigned *why)
{
    const MDL *mdl = call->list.mdl;
    uint64_t offset = call->offset;
    NTSTATUS status;
    ULONG need;

    *grant = NULL;
    *why = slot->slave ? FT_WHY_ADAPTER : FT_WHY_ARGUMENTS;
    if (slot->slave || !legal(call))
        return STATUS_INVALID_PARAMETER;
    if (state == FT_CONTEXT_POISONED) {
        *why = FT_WHY_CANCELLED;
        ft_context_heal(call->context);
        return STATUS_CANCELLED;
    }
    *why = FT_WHY_CONTEXT;
    if (state != FT_CONTEXT_READY)
        return STATUS_INVALID_PARAMETER;
    *why = FT_WHY_RANGE;
    if (call->list.length == 0 || !ft_chain_seek(&mdl, &offset))
        return STATUS_INVALID_PARAMETER;
    call->list.mdl = (PMDL)mdl;
    call->list.va = ft_va_further(MmGetMdlVirtualAddress((PMDL)mdl), offset);
    if (!NT_SUCCESS(ft_dma_list_registers(mdl, call->list.va, call->list.length, &need)))
        return STATUS_BUFFER_TOO_SMALL;
    *why = FT_WHY_RESOURCES;
    status = ft_dma_list_ask(slot, &call->list, grant);
    if (status == STATUS_BUFFER_TOO_SMALL)
        *why = FT_WHY_LIST;
    if (NT_SUCCESS(status) && !NT_SUCCESS(status = attach(*grant, call)))
        ft_dma_list_drop(*grant);
    if (NT_SUCCESS(status) && is_synchronous(call) && !ft_dma_grant_now(*grant)) {
        ft_dma_list_drop(*grant);
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(status))
        *why = FT_WHY_NOTHING;
    return status;
}

/* Inside the points. The event comes last, as that of version 1: the request may have ended, and
 * its MDL be gone. */
static NTSTATUS get_list(const struct ft_dma_adapter *slot, struct list_ex *call)
{
    struct ft_dma_grant *grant, *serves;
    enum ft_context_state state = ft_context_state(call->context, &serves);
    uint64_t context = ft_context_handle(call->context), mdl = ft_handle_of(call->list.mdl);
    uint64_t adapter = ft_dma_adapter_handle(slot), list;
    unsigned why, how;
    NTSTATUS status;

    call->list.owner = ft_dma_list_owner(call->list.mdl, call->list.device);
    status = ask(slot, call, &grant, state, &why);
    how = ft_dma_how(call->flags, call->list.routine != NULL, call->out != NULL) |
          (call->list.write ? FT_HOW_WRITE : 0) | (call->list.build ? FT_HOW_BUILD : 0) |
          (call->completion ? FT_HOW_CONTEXT : 0) | (unsigned)state << 16 | why << 24;
    list = NT_SUCCESS(status) ? ft_dma_list_handle(grant->list) : 0;
    if (NT_SUCCESS(status) && is_synchronous(call)) {
        if (call->out)
            *call->out = ((struct ft_dma_list *)grant->list)->list;
        ft_dma_grant_run(grant);
    } else if (NT_SUCCESS(status) && !ft_dma_deferred()) {
        ft_dma_drain();
    }
    ft_emit(FT_EV_SG_GET_EX, adapter, context, mdl, call->offset, call->list.length, how,
            (uint32_t)status, list);
    return status;
}

static NTSTATUS run(PDMA_ADAPTER adapter, struct list_ex *call)
{
    unsigned label = ft_label_of(call->list.mdl);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    const struct ft_dma_adapter *slot;

    ft_ddi_begin(FT_PT_SG_GET, label, (void *)(uintptr_t)FT_M->dma.site);
    slot = ft_dma_adapter_check(adapter, FT_PT_SG_GET);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_SG_GET, 10, call->list.write);
        status = get_list(slot, call);
    }
    FT_DDI_END(SG_GET, label);
    return status;
}

NTSTATUS ft_dma_get_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context, PMDL mdl,
                            ULONGLONG offset, ULONG length, ULONG flags,
                            PDRIVER_LIST_CONTROL routine, PVOID routine_context, BOOLEAN write,
                            PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                            PSCATTER_GATHER_LIST *list)
{
    struct list_ex call = {
        .list = {.device = device,
                 .mdl = mdl,
                 .length = length,
                 .routine = routine,
                 .context = routine_context,
                 .write = write},
        .context = context,
        .offset = offset,
        .flags = flags,
        .completion = completion || completion_context,
        .out = (PVOID *)list,
    };

    return run(adapter, &call);
}

NTSTATUS ft_dma_build_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context, PMDL mdl,
                              ULONGLONG offset, ULONG length, ULONG flags,
                              PDRIVER_LIST_CONTROL routine, PVOID routine_context, BOOLEAN write,
                              PVOID buffer, ULONG buffer_bytes, PDMA_COMPLETION_ROUTINE completion,
                              PVOID completion_context, PVOID list)
{
    struct list_ex call = {
        .list = {.device = device,
                 .mdl = mdl,
                 .length = length,
                 .routine = routine,
                 .context = routine_context,
                 .write = write,
                 .buffer = buffer,
                 .buffer_length = buffer_bytes,
                 .build = true},
        .context = context,
        .offset = offset,
        .flags = flags,
        .completion = completion || completion_context,
        .out = list,
    };

    return run(adapter, &call);
}
