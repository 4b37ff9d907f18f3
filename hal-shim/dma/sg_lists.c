/* Scatter/gather lists: GetScatterGatherList and its kin (wdm-dma sheet, 1.11 to 1.15, 3.6, 6.6).
 *
 * A list request waits in the queue of the channel requests (channel.c). When channel and registers
 * are there the whole range is mapped, each element a mapping of its own, the list routine runs,
 * and the channel goes back; the registers stay with the list until PutScatterGatherList, which
 * flushes every element. A device without scatter/gather gets one element for each MDL of the
 * chain: the pages disagree on chains (question 29), and one element cannot hold the page offsets
 * of two MDLs.
 *
 * Behind the elements a list has scratch of the HAL's own, so a size by arithmetic is too small.
 * The Reserved fields hold cookies; PutScatterGatherList compares the list with what was delivered
 * (event mem:damage).
 */
#include "dma/sg_lists.h"
#include "dma/frames.h"
#include "dma/transfer_ex.h"
#include "sim/dma_words.h"

#include <string.h>

enum { SCRATCH_FILL = 0x53, PUT_BEFORE = 1, PUT_NEVER_GOT = 2, PUT_FOREIGN = 3 };
#define COOKIE 0x5C0A77E26A74E300ULL

/* The request that the MDL belongs to, else the one that the running task serves. */
unsigned ft_dma_list_owner(const MDL *mdl, PDEVICE_OBJECT device)
{
    const struct ft_request *request;

    for (unsigned i = 0; mdl && (request = ft_request_at(i)) != NULL; i++) {
        PIRP irp = request->irp;

        if (request->state == FT_REQUEST_SENT && irp->MdlAddress == mdl)
            return ft_handle_id(ft_handle_of(irp));
    }
    return device && device->CurrentIrp ? ft_handle_id(ft_handle_of(device->CurrentIrp))
                                        : ft_current()->request;
}

/* ---- making the list ---- */

static void add_element(struct ft_dma_list *l, uint64_t address, ULONG length)
{
    SCATTER_GATHER_ELEMENT *element = &l->list->Elements[l->list->NumberOfElements++];

    element->Address.QuadPart = (LONGLONG)address;
    element->Length = length;
    element->Reserved = COOKIE ^ ((uint64_t)l->id << 32) ^ l->list->NumberOfElements;
}

/* Elements for one MDL. What cannot be mapped is one element that leads nowhere. */
static void map_mdl(struct ft_dma_list *l, struct ft_dma_run *r, ULONG length)
{
    while (length > 0) {
        uint64_t poison = FT_POISON_LOGICAL + (uintptr_t)r->va % FT_PAGE_BYTES;
        const struct ft_dma_mapping *mapping;

        r->asked = length;
        mapping = ft_dma_map_run(r);
        if (!mapping) {
            add_element(l, poison, length);
            return;
        }
        add_element(l, r->adapter->slave ? poison : mapping->logical, mapping->length);
        r->va += mapping->length;
        length -= mapping->length;
    }
}

static void map_chain(struct ft_dma_list *l, const struct ft_dma_grant *call)
{
    struct ft_dma_run r = {.adapter = ft_dma_adapter_by_id(call->adapter),
                           .grant = ft_dma_grant_by_id(call->id),
                           .write = l->write,
                           .of_list = true};
    uint64_t offset = ft_mdl_offset(l->mdl, l->va);
    const MDL *mdl = l->mdl;
    ULONG left = l->length;

    for (unsigned i = 0; i < FT_CHAIN_MAX && left > 0 && ft_mdl_readable(mdl);
         i++, mdl = mdl->Next) {
        uint64_t here = offset < mdl->ByteCount ? mdl->ByteCount - offset : 0;
        ULONG piece = here < left ? (ULONG)here : left;

        r.mdl = mdl;
        r.va = ft_va_further(MmGetMdlVirtualAddress(mdl), offset);
        map_mdl(l, &r, piece);
        left -= piece;
        offset = 0;
        if (FT_M->stop != FT_STOP_NONE)
            return;
    }
    /* The chain held all bytes when the list was asked for. Made a circle of no bytes since, it
     * would keep Windows here for ever. */
    if (left > 0 && ft_mdl_readable(l->mdl))
        ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_MDL, ft_handle_of(l->mdl), offsetof(MDL, Next));
}

static void make_list(struct ft_dma_list *l, const struct ft_dma_grant *call)
{
    memset(l->list, 0, sizeof *l->list);
    l->list->Reserved = COOKIE ^ ((uint64_t)l->id << 32);
    map_chain(l, call);
    memset(&l->list->Elements[l->list->NumberOfElements], SCRATCH_FILL,
           l->bytes - sizeof *l->list - l->list->NumberOfElements * sizeof(SCATTER_GATHER_ELEMENT));
    memcpy(l->copy, l->list, l->bytes);
    l->delivered = 1;
}

struct ft_dma_mapping *ft_dma_list_mapping(uint32_t grant, uint32_t id)
{
    struct ft_dma_mapping *best = NULL;

    for (unsigned i = 0; i < FT_M->dma.mappings_high; i++) {
        struct ft_dma_mapping *m = &FT_M->dma.mapping[i];

        if (m->id > id && m->grant == grant && (!best || m->id < best->id))
            best = m;
    }
    return best;
}

static void announce(const struct ft_dma_list *l, const struct ft_dma_grant *call)
{
    const SCATTER_GATHER_LIST *list = (const SCATTER_GATHER_LIST *)l->copy;
    const struct ft_dma_mapping *next = ft_dma_list_mapping(call->id, 0), *mapping;
    bool slave = ft_dma_adapter_by_id(call->adapter)->slave;

    ft_emit(FT_EV_SG_LIST, ft_handle(FT_HC_ADAPTER, call->adapter, 0), ft_dma_list_handle(l),
            ft_handle_of(l->mdl), list->NumberOfElements, call->count, ft_mdl_offset(l->mdl, l->va),
            l->length, call->request ? ft_handle(FT_HC_IRP, call->request, 0) : 0);
    for (ULONG i = 0; i < list->NumberOfElements; i++) {
        const SCATTER_GATHER_ELEMENT *element = &list->Elements[i];
        uint64_t address = (uint64_t)element->Address.QuadPart;

        mapping = next && (slave || next->logical == address) ? next : NULL;
        ft_emit(FT_EV_SG_ELEMENT, ft_dma_list_handle(l), i, ft_dma_mapping_handle(mapping), address,
                element->Length, l->write, mapping ? ft_mdl_offset(mapping->mdl, mapping->va) : 0,
                mapping ? ft_handle_of(mapping->mdl) : 0);
        if (mapping)
            next = ft_dma_list_mapping(call->id, mapping->id);
    }
}

static uint64_t call_list_control(void *a, void *b, void *c, void *d)
{
    const struct ft_dma_grant *call = d;

    ((PDRIVER_LIST_CONTROL)call->routine)(a, b, c, call->context);
    return 0;
}

void ft_dma_list_run(const struct ft_dma_grant *call)
{
    struct ft_dma_list *l = call->list;
    uint64_t handle = ft_dma_list_handle(l);

    make_list(l, call);
    announce(l, call);
    if (call->routine)
        ft_call_routine((void *)call->routine, FT_ROUTINE_LIST_CONTROL, handle, 0, call->request,
                        call_list_control, call->device, call->irp, l->list, (void *)call);
    ft_emit(FT_EV_SG_DONE, ft_handle(FT_HC_ADAPTER, call->adapter, 0), handle);
}

/* ---- GetScatterGatherList, BuildScatterGatherList ---- */

/* The request for a list in that buffer, or in one of the HAL's. */
static struct ft_dma_list *new_list(unsigned label, unsigned elements, PVOID buffer)
{
    uint32_t bytes = ft_dma_list_bytes(elements);
    struct ft_dma_list *l = ft_block_alloc(sizeof *l + bytes, FT_HC_GRANT, label);

    if (!l)
        return NULL;
    l->of_driver = buffer != NULL;
    l->bytes = bytes;
    l->list = buffer ? buffer : ft_block_alloc(bytes, FT_HC_SGLIST, label);
    if (!l->list) {
        ft_block_free(l);
        return NULL;
    }
    l->id = ft_handle_id(buffer ? ft_handle_new(FT_HC_SGLIST) : ft_block_handle(l->list));
    return l;
}

static void free_list(struct ft_dma_list *l)
{
    if (!l->of_driver && l->list)
        ft_block_free(l->list);
    if (l->target && ft_block_is_live(l->target, FT_HC_MDL))
        ft_block_free(l->target);
    l->list = NULL;
    l->target = NULL;
}

void ft_dma_list_forget(struct ft_dma_grant *grant)
{
    if (grant->list)
        free_list(grant->list);
}

static struct ft_dma_grant *enqueue(const struct ft_dma_adapter *adapter,
                                    const struct ft_list_call *call, ULONG registers)
{
    unsigned label = ft_label_of(call->mdl);
    struct ft_dma_list *l = new_list(label, registers, call->buffer);
    struct ft_dma_grant request = {
        .list = l,
        .device = call->device,
        .irp = call->device->CurrentIrp,
        .routine = (void *)call->routine,
        .context = call->context,
        .adapter = adapter->id,
        .count = (uint16_t)registers,
        .request = (uint16_t)call->owner,
        .label = (uint16_t)label,
    };

    struct ft_dma_grant *grant;

    if (!l)
        return NULL;
    l->mdl = call->mdl;
    l->va = call->va;
    l->length = call->length;
    l->write = call->write != FALSE;
    grant = ft_dma_enqueue(&request, l);
    if (!grant) {
        free_list(l);
        ft_block_free(l);
    }
    return grant;
}

void ft_dma_list_drop(struct ft_dma_grant *grant)
{
    free_list(grant->list);
    ft_dma_grant_retire(grant);
}

NTSTATUS ft_dma_list_ask(const struct ft_dma_adapter *adapter, const struct ft_list_call *call,
                         struct ft_dma_grant **ret)
{
    ULONG registers;
    NTSTATUS status = ft_dma_list_registers(call->mdl, call->va, call->length, &registers);

    if (NT_SUCCESS(status) && (registers > adapter->registers || registers > FT_DMA_MAPPINGS_MAX))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (call->build) {
        ft_emit(FT_EV_SG_BUFFER, ft_dma_adapter_handle(adapter), call->buffer_length,
                NT_SUCCESS(status) ? ft_dma_list_bytes(registers) : 0);
        if (NT_SUCCESS(status) &&
            (!call->buffer || call->buffer_length < ft_dma_list_bytes(registers)))
            status = STATUS_BUFFER_TOO_SMALL;
    } else if (NT_SUCCESS(status) && ft_alloc_fails(FT_FAIL_CHANNEL)) {
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    *ret = NT_SUCCESS(status) ? enqueue(adapter, call, registers) : NULL;
    if (NT_SUCCESS(status) && !*ret)
        status = STATUS_INSUFFICIENT_RESOURCES;
    return status;
}

/* Inside the points of either member. The request may have ended, and its MDL be gone, when the
 * list routine has run in here. */
static NTSTATUS get_list(const void *adapter, struct ft_list_call *call)
{
    const struct ft_dma_adapter *slot = ft_dma_adapter_check(adapter, FT_PT_SG_GET);
    struct ft_dma_grant *grant;
    NTSTATUS status;
    uint64_t handle, mdl, offset;

    if (!slot)
        return STATUS_INSUFFICIENT_RESOURCES;
    ft_dma_odd_boolean(FT_PT_SG_GET, 8, call->write);
    handle = ft_dma_adapter_handle(slot);
    mdl = ft_handle_of(call->mdl);
    offset = ft_mdl_offset(call->mdl, call->va);
    call->owner = ft_dma_list_owner(call->mdl, call->device);
    status = ft_dma_list_ask(slot, call, &grant);
    if (NT_SUCCESS(status) && !ft_dma_deferred())
        ft_dma_drain();
    ft_emit(FT_EV_SG_GET, handle, mdl, offset, call->length, call->write != FALSE, (uint32_t)status,
            call->build, call->owner ? ft_handle(FT_HC_IRP, call->owner, 0) : 0);
    return status;
}

NTSTATUS ft_dma_get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                         ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write)
{
    struct ft_list_call call = {device, mdl,  va, length, routine, context,
                                write,  NULL, 0,  false,  0};
    unsigned label = ft_label_of(mdl);
    NTSTATUS status;

    FT_DMA_BEGIN(SG_GET, label);
    status = get_list(adapter, &call);
    FT_DDI_END(SG_GET, label);
    return status;
}

NTSTATUS ft_dma_build_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                           ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                           PVOID buffer, ULONG buffer_length)
{
    struct ft_list_call call = {device, mdl,           va,   length, routine, context, write,
                                buffer, buffer_length, true, 0};
    unsigned label = ft_label_of(mdl);
    NTSTATUS status;

    FT_DMA_BEGIN(SG_GET, label);
    status = get_list(adapter, &call);
    FT_DDI_END(SG_GET, label);
    return status;
}

/* ---- PutScatterGatherList ---- */

struct ft_dma_grant *ft_dma_list_find(const void *list)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];
        const struct ft_dma_list *l = grant->list;

        if (grant->state == FT_GRANT_GRANTED && l && l->delivered && l->list == list)
            return grant;
    }
    return NULL;
}

uint64_t ft_dma_list_at(const void *list)
{
    const struct ft_dma_grant *grant = ft_dma_list_find(list);

    return grant ? ft_dma_list_handle(grant->list) : 0;
}

/* A list that is put leaves its name, so that putting it twice is told from any other pointer. */
static void remember(const struct ft_dma_list *l)
{
    FT_M->dma.ended[FT_M->dma.ended_next++ % FT_DMA_ENDED_MAX] =
        (struct ft_dma_ended){.list = l->list, .id = l->id};
}

uint64_t ft_dma_list_ended(const void *list)
{
    for (unsigned i = FT_DMA_ENDED_MAX; i-- > 0;) {
        const struct ft_dma_ended *ended =
            &FT_M->dma.ended[(FT_M->dma.ended_next + i) % FT_DMA_ENDED_MAX];

        if (list && ended->list == list)
            return ft_handle(FT_HC_SGLIST, ended->id, 0);
    }
    return ft_handle_class(ft_block_handle(list)) == FT_HC_SGLIST ? ft_block_handle(list) : 0;
}

static void check_list(const struct ft_dma_list *l)
{
    uint8_t bytes[256];

    /* The buffer may be freed memory of the driver's. */
    for (uint32_t at = 0; at < l->bytes; at += sizeof bytes) {
        uint32_t piece = l->bytes - at < sizeof bytes ? l->bytes - at : (uint32_t)sizeof bytes;

        ft_raw_copy(bytes, (const uint8_t *)l->list + at, piece);
        for (uint32_t i = 0; i < piece; i++)
            if (bytes[i] != l->copy[at + i]) {
                ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_LIST, ft_dma_list_handle(l), at + i);
                return;
            }
    }
}

static void put_list(struct ft_dma_grant *grant, bool write)
{
    struct ft_dma_list *l = grant->list;
    struct ft_dma_mapping *mapping;
    uint32_t id = 0;

    check_list(l);
    ft_context_check(grant);
    if (ft_dma_adapter_by_id(grant->adapter)->slave)
        ft_dma_stop_system(ft_dma_adapter_by_id(grant->adapter), grant->id);
    while ((mapping = ft_dma_list_mapping(grant->id, id)) != NULL) {
        id = mapping->id;
        ft_dma_flush_mapping(mapping, mapping->mdl, mapping->va, mapping->length, write);
    }
    /* In the list routine, too, the context is free for the next transfer. */
    if (grant->transfer)
        ft_context_release(grant->transfer);
    remember(l);
    l->delivered = 0;
    free_list(l);
    ft_dma_registers_back(grant);
    ft_dma_grant_retire(grant);
    ft_dma_drain();
}

VOID ft_dma_put_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, BOOLEAN write)
{
    struct ft_dma_grant *grant;
    enum { TOO_MANY_PUTS = 0x06 };
    struct ft_dma_adapter *slot;
    unsigned label, why = 0;
    uint64_t handle;

    grant = ft_dma_list_find(list);
    label = grant ? grant->label : ft_current()->label;
    FT_DMA_BEGIN(SG_PUT, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_SG_PUT);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_SG_PUT, 3, write);
        grant = ft_dma_list_find(list);
        handle = grant ? ft_dma_list_handle(grant->list) : ft_dma_list_ended(list);
        if (!grant)
            why = handle ? PUT_BEFORE : PUT_NEVER_GOT;
        else if (grant->adapter != slot->id)
            why = PUT_FOREIGN;
        ft_emit(FT_EV_SG_PUT, ft_dma_adapter_handle(slot), handle ? handle : ft_handle_of(list),
                write != FALSE, why);
        slot->mapped_bytes = 0;
        if (why)
            ft_dma_verify(TOO_MANY_PUTS, 0, 0, 0);
        else
            put_list(grant, write != FALSE);
    }
    FT_DDI_END(SG_PUT, label);
}
