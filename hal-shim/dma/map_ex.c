/* MapTransferEx and FlushAdapterBuffersEx (wdm-dma sheet, 1.23, 1.26, 3.7, 3.10, 6.7).
 *
 * MapTransferEx maps as much of the chain as the registers, the list buffer and the controller
 * allow; each element is a mapping of its own (event dma:map). Where the contract is broken nothing
 * is mapped and the status says so. A list buffer that cannot hold one element gets
 * STATUS_INVALID_PARAMETER (question 5). A flush moves just the bytes that its arguments name; one
 * that begins where the transfer began ends it even when it is shorter, since drivers flush what
 * the device reported (question 2).
 */
#include "dma/frames.h"
#include "dma/sg_lists.h"
#include "dma/transfer_ex.h"

#include <string.h>

uint64_t ft_chain_bytes(const MDL *mdl)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < FT_CHAIN_MAX && ft_mdl_readable(mdl); i++, mdl = mdl->Next)
        bytes += mdl->ByteCount;
    return bytes;
}

bool ft_chain_seek(const MDL **mdl, uint64_t *offset)
{
    for (unsigned i = 0; i < FT_CHAIN_MAX && ft_mdl_readable(*mdl); i++, *mdl = (*mdl)->Next) {
        if (*offset < (*mdl)->ByteCount)
            return true;
        *offset -= (*mdl)->ByteCount;
    }
    return false;
}

/* ---- MapTransferEx ---- */

struct map_call {
    const MDL *mdl;
    uint64_t offset;
    uint32_t asked;
    bool write;
    PSCATTER_GATHER_LIST list;
    uint32_t list_bytes;
    PDMA_COMPLETION_ROUTINE routine;
    void *context;

    struct ft_dma_adapter *adapter;
    struct ft_dma_grant *grant;
    uint32_t mapped;
    unsigned elements, elements_most;
    unsigned why;
};

static unsigned elements_in(uint32_t bytes)
{
    return bytes < sizeof(SCATTER_GATHER_LIST)
               ? 0
               : (unsigned)((bytes - sizeof(SCATTER_GATHER_LIST)) / sizeof(SCATTER_GATHER_ELEMENT));
}

static unsigned elements_most(const struct map_call *call)
{
    unsigned room = call->list ? elements_in(call->list_bytes) : FT_SYSTEM_ELEMENTS_MAX;

    if (call->adapter->slave && room > FT_SYSTEM_ELEMENTS_MAX)
        room = FT_SYSTEM_ELEMENTS_MAX;
    return room;
}

/* FT_WHY_*: what is wrong with the call before anything is tried. */
static unsigned refuse(struct map_call *call)
{
    uint64_t bytes = ft_chain_bytes(call->mdl);
    const struct ft_dma_transfer *transfer;

    if (!call->grant || call->grant->adapter != call->adapter->id || !call->grant->transfer)
        return FT_WHY_BASE;
    transfer = call->grant->transfer;
    if (transfer->cancelled)
        return FT_WHY_CANCELLED;
    if (call->offset >= bytes || call->asked == 0 || call->asked > bytes - call->offset)
        return FT_WHY_RANGE;
    if (!call->adapter->slave && (!call->list || call->routine))
        return call->list ? FT_WHY_ARGUMENTS : FT_WHY_LIST;
    call->elements_most = elements_most(call);
    return call->elements_most ? FT_WHY_NOTHING : FT_WHY_LIST;
}

static NTSTATUS status_of(unsigned why)
{
    switch (why) {
    case FT_WHY_NOTHING:
        return STATUS_SUCCESS;
    case FT_WHY_CANCELLED:
        return STATUS_CANCELLED;
    case FT_WHY_RESOURCES:
        return STATUS_INSUFFICIENT_RESOURCES;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static void announce(const struct map_call *call, const struct ft_dma_mapping *mapping)
{
    ft_emit(FT_EV_DMA_MAP, ft_dma_adapter_handle(call->adapter),
            call->grant->base ? ft_handle(FT_HC_GRANT, call->grant->id, 0) : 0,
            ft_handle_of(mapping->mdl), ft_mdl_offset(mapping->mdl, mapping->va), mapping->length,
            call->write, ft_dma_mapping_handle(mapping), mapping->logical);
}

static void add_element(struct map_call *call, const struct ft_dma_mapping *mapping)
{
    SCATTER_GATHER_ELEMENT *element;

    if (!call->list)
        return;
    element = &call->list->Elements[call->elements];
    memset(element, 0, sizeof *element);
    element->Address.QuadPart = (LONGLONG)mapping->logical;
    element->Length = mapping->length;
}

/* As many bytes from there as the registers that are left can hold. */
static uint32_t within_registers(const struct map_call *call, const uint8_t *va, uint32_t bytes)
{
    uint64_t room = ft_dma_registers_left(call->grant) * (uint64_t)FT_PAGE_BYTES;
    uint64_t in_page = (uintptr_t)va % FT_PAGE_BYTES;

    if (room <= in_page)
        return 0;
    return bytes < room - in_page ? bytes : (uint32_t)(room - in_page);
}

/* Maps pieces of one MDL. False: no more than this. */
static bool map_piece(struct map_call *call, const MDL *mdl, uint8_t *va, uint32_t bytes)
{
    struct ft_dma_run r = {.adapter = call->adapter,
                           .grant = call->grant,
                           .mdl = mdl,
                           .write = call->write,
                           .of_transfer = true};

    while (bytes > 0) {
        bool armed = FT_M->dma.short_armed;
        const struct ft_dma_mapping *mapping;

        r.va = va;
        r.asked = within_registers(call, va, bytes);
        if (r.asked == 0 || call->elements == call->elements_most) {
            call->why = FT_WHY_RESOURCES;
            return false;
        }
        mapping = ft_dma_map_run(&r);
        if (!mapping) {
            call->why = ft_mdl_memory(mdl, va, r.asked) ? FT_WHY_RESOURCES : FT_WHY_MDL;
            return false;
        }
        announce(call, mapping);
        add_element(call, mapping);
        call->elements++;
        call->mapped += mapping->length;
        va = ft_va_further(va, mapping->length);
        bytes -= mapping->length;
        if (armed && !FT_M->dma.short_armed)
            return false;
    }
    return true;
}

static void map_chain(struct map_call *call)
{
    const MDL *mdl = call->mdl;
    uint64_t offset = call->offset;
    uint32_t left = call->asked;

    while (left > 0 && ft_chain_seek(&mdl, &offset)) {
        uint64_t here = mdl->ByteCount - offset;
        uint32_t piece = here < left ? (uint32_t)here : left;

        if (!map_piece(call, mdl, ft_va_further(MmGetMdlVirtualAddress((PMDL)mdl), offset), piece))
            return;
        left -= piece;
        offset += piece;
    }
}

/* What the transfer is from now on. */
static void begin(const struct map_call *call)
{
    struct ft_dma_transfer *transfer = call->grant->transfer;

    transfer->offset = call->offset;
    transfer->length = call->mapped;
    transfer->write = call->write;
    transfer->routine = call->routine;
    transfer->routine_context = call->context;
    transfer->at = 0;
    transfer->completion = DmaComplete;
    transfer->phase = FT_TRANSFER_MAPPED;
    if (call->list)
        call->list->NumberOfElements = call->elements;
}

static unsigned how_of(const struct map_call *call, ULONG device_offset)
{
    const struct ft_dma_transfer *transfer = call->grant ? call->grant->transfer : NULL;

    return (call->write ? FT_HOW_WRITE : 0) | (call->list ? FT_HOW_LIST : 0) |
           (call->routine ? FT_HOW_ROUTINE : 0) | (call->context ? FT_HOW_CONTEXT : 0) |
           (device_offset ? FT_HOW_DEVICE_OFFSET : 0) |
           (transfer && transfer->phase != FT_TRANSFER_IDLE ? FT_HOW_UNFLUSHED : 0);
}

static NTSTATUS map(struct map_call *call, PVOID base, ULONG device_offset, PULONG length)
{
    unsigned how;
    NTSTATUS status;

    call->grant = ft_dma_grant_of_base(base);
    how = how_of(call, device_offset);
    if (call->grant && call->grant->transfer)
        ft_context_check(call->grant);
    call->why = refuse(call);
    if (call->why == FT_WHY_NOTHING)
        map_chain(call);
    if (call->mapped > 0)
        call->why = FT_WHY_NOTHING;
    status = status_of(call->why);
    *length = call->mapped;
    if (NT_SUCCESS(status))
        begin(call);
    ft_emit(FT_EV_DMA_MAP_EX, ft_dma_adapter_handle(call->adapter), ft_handle_of(base),
            ft_handle_of(call->mdl), call->offset, call->asked, call->mapped, (uint32_t)status,
            how | call->why << 24);
    if (NT_SUCCESS(status) && call->adapter->slave)
        ft_transfer_run(call->grant);
    return status;
}

NTSTATUS ft_dma_map_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
                       ULONG device_offset, PULONG length, BOOLEAN write, PSCATTER_GATHER_LIST list,
                       ULONG list_bytes, PDMA_COMPLETION_ROUTINE routine, PVOID context)
{
    struct map_call call = {.mdl = mdl,
                            .offset = offset,
                            .asked = *length,
                            .write = write != FALSE,
                            .list = list,
                            .list_bytes = list_bytes,
                            .routine = routine,
                            .context = context};
    unsigned label = ft_label_of(mdl);
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    FT_DMA_BEGIN(DMA_MAP, label);
    call.adapter = ft_dma_adapter_check(adapter, FT_PT_DMA_MAP);
    if (call.adapter) {
        ft_dma_odd_boolean(FT_PT_DMA_MAP, 7, write);
        status = map(&call, base, device_offset, length);
    }
    FT_DDI_END(DMA_MAP, label);
    return status;
}

/* ---- FlushAdapterBuffersEx ---- */

/* Flushes what the piece and the grant's mappings of that MDL have in common. */
static bool flush_piece(uint32_t grant, const MDL *mdl, uint8_t *va, uint32_t bytes, bool write)
{
    struct ft_dma_mapping *mapping;
    uint32_t id = 0;
    bool any = false;

    while ((mapping = ft_dma_list_mapping(grant, id)) != NULL) {
        id = mapping->id;
        if (mapping->mdl == mdl)
            any = ft_dma_flush_mapping(mapping, mdl, va, bytes, write) || any;
    }
    return any;
}

static bool flush_chain(uint32_t grant, const MDL *mdl, uint64_t offset, uint32_t left, bool write)
{
    bool any = false;

    while (ft_chain_seek(&mdl, &offset)) {
        uint64_t here = mdl->ByteCount - offset;
        uint32_t piece = here < left ? (uint32_t)here : left;

        any = flush_piece(grant, mdl, ft_va_further(MmGetMdlVirtualAddress((PMDL)mdl), offset),
                          piece, write) ||
              any;
        left -= piece;
        offset += piece;
        if (left == 0)
            break;
    }
    return any;
}

/* The transfer is over: what the flush did not name goes without data. */
static void end_transfer(struct ft_dma_grant *grant)
{
    struct ft_dma_transfer *transfer = grant->transfer;
    struct ft_dma_mapping *mapping;

    while ((mapping = ft_dma_list_mapping(grant->id, 0)) != NULL)
        ft_dma_end_mapping(mapping);
    transfer->phase = FT_TRANSFER_IDLE;
    transfer->cancelled = 0;
}

static unsigned flush_why(const struct ft_dma_adapter *slot, const struct ft_dma_grant *grant,
                          const MDL *mdl, uint64_t offset, ULONG length)
{
    const struct ft_dma_transfer *transfer = grant ? grant->transfer : NULL;
    uint64_t bytes = ft_chain_bytes(mdl);

    if (!grant || grant->adapter != slot->id || !transfer)
        return FT_WHY_BASE;
    if (transfer->phase == FT_TRANSFER_IDLE)
        return FT_WHY_NOT_MAPPED;
    return offset >= bytes || length > bytes - offset ? FT_WHY_RANGE : FT_WHY_NOTHING;
}

/* Inside the points, with an adapter. */
static NTSTATUS flush(struct ft_dma_adapter *slot, PMDL mdl, PVOID base, uint64_t offset,
                      ULONG length, bool write)
{
    struct ft_dma_grant *grant = ft_dma_grant_of_base(base);
    struct ft_dma_transfer *transfer = grant ? grant->transfer : NULL;
    unsigned why = flush_why(slot, grant, mdl, offset, length);
    bool fails, ok = false;

    ft_emit(FT_EV_DMA_FLUSH_EX, ft_dma_adapter_handle(slot), ft_handle_of(base), ft_handle_of(mdl),
            offset, length, write, why, transfer && transfer->phase == FT_TRANSFER_RUNNING);
    if (why == FT_WHY_NOTHING) {
        ft_context_check(grant);
        fails = ft_dma_flush_is_to_fail(grant);
        if (transfer->phase == FT_TRANSFER_RUNNING)
            transfer->phase = FT_TRANSFER_OVER; /* aborted; nobody is told */
        FT_M->dma.flush_lost = fails;
        ok = flush_chain(grant->id, mdl, offset, length, write);
        FT_M->dma.flush_lost = 0;
        if (ok && offset == transfer->offset)
            end_transfer(grant);
        ok = ok && !fails;
    }
    if (why == FT_WHY_NOT_MAPPED)
        transfer->cancelled = 0; /* one that was cancelled before it was mapped */
    slot->mapped_bytes = 0;
    ft_emit(FT_EV_DMA_FLUSH_RESULT, ft_handle_of(base), ok);
    return ok                      ? STATUS_SUCCESS
           : why == FT_WHY_NOTHING ? STATUS_UNSUCCESSFUL
                                   : STATUS_INVALID_PARAMETER;
}

NTSTATUS ft_dma_flush_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset, ULONG length,
                         BOOLEAN write)
{
    unsigned label = ft_label_of(mdl);
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_FLUSH, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FLUSH);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_FLUSH, 6, write);
        status = flush(slot, mdl, base, offset, length, write != FALSE);
    }
    FT_DDI_END(DMA_FLUSH, label);
    return status;
}
