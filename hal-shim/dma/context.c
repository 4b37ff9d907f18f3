/* Transfer contexts: InitializeDmaTransferContext and CancelAdapterChannel (wdm-dma
 * sheet, 1.18, 1.22, 6.9).
 *
 * The 128 bytes lie in the driver's memory. The shim writes a magic number, the context's identity
 * and its own address there, so a copy is told from the original, and looks again at every use: a
 * context in use that changed or was freed is event dma:context-lost. A context whose request is
 * over counts as initialized: the pages do not say that every use needs another
 * InitializeDmaTransferContext. CancelAdapterChannel on one comes too late, as it did while its
 * grant was held.
 */
#include "dma/frames.h"
#include "dma/transfer_ex.h"
#include "kernel/memory_kind.h"

#include <string.h>

#define MAGIC 0x7478746e6f436d44ULL /* "DmContxt" */

/* What a driver's transfer context holds. */
struct context_bytes {
    uint64_t magic;
    uint64_t self;
    uint32_t id;
    uint32_t mark; /* MARK_* */
    uint8_t fill[DMA_TRANSFER_CONTEXT_SIZE_V1 - 24];
};
_Static_assert(sizeof(struct context_bytes) == DMA_TRANSFER_CONTEXT_SIZE_V1, "as documented");

enum { FILL = 0xC7 };
enum { MARK_NONE, MARK_POISONED, MARK_RELEASED /* its request was granted and is over */ };

/* The driver's memory may be freed, and poisoned for ASan. */
static struct context_bytes read_bytes(const void *context)
{
    struct context_bytes bytes;

    ft_raw_copy(&bytes, context, sizeof bytes);
    return bytes;
}

static bool is_sound(const struct context_bytes *bytes, const void *context)
{
    return bytes->magic == MAGIC && bytes->self == (uint64_t)(uintptr_t)context;
}

static struct ft_dma_grant *grant_of(const void *context)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];
        const struct ft_dma_transfer *transfer = grant->transfer;

        if (grant->state != FT_GRANT_FREE && transfer && transfer->context == context)
            return grant;
    }
    return NULL;
}

enum ft_context_state ft_context_state(const void *context, struct ft_dma_grant **grant)
{
    struct context_bytes bytes;

    *grant = context ? grant_of(context) : NULL;
    if (!context)
        return FT_CONTEXT_NONE;
    if (*grant)
        return (*grant)->state == FT_GRANT_WAITING ? FT_CONTEXT_WAITING : FT_CONTEXT_GRANTED;
    bytes = read_bytes(context);
    if (!is_sound(&bytes, context))
        return FT_CONTEXT_RAW;
    return bytes.mark == MARK_POISONED ? FT_CONTEXT_POISONED : FT_CONTEXT_READY;
}

uint64_t ft_context_handle(const void *context)
{
    const struct ft_dma_grant *grant = context ? grant_of(context) : NULL;
    struct context_bytes bytes;

    if (grant)
        return ft_handle(FT_HC_CONTEXT, ((struct ft_dma_transfer *)grant->transfer)->context_id, 0);
    if (!context)
        return 0;
    bytes = read_bytes(context);
    return is_sound(&bytes, context) ? ft_handle(FT_HC_CONTEXT, bytes.id, 0) : 0;
}

/* The driver's context need not be aligned. */
static void set_mark(void *context, uint32_t mark)
{
    ft_raw_copy((unsigned char *)context + offsetof(struct context_bytes, mark), &mark,
                sizeof mark);
}

void ft_context_heal(void *context)
{
    set_mark(context, MARK_NONE);
}

void ft_context_bind(struct ft_dma_transfer *transfer, void *context)
{
    transfer->context = context;
    transfer->context_id = read_bytes(context).id;
    set_mark(context, MARK_NONE);
}

/* The memory was given back: a pool block, or pages. */
static bool is_freed(const void *context)
{
    int frame = ft_frame_of(context);

    if (frame < 0)
        return ft_memory_kind(context) == FT_MEMORY_UNKNOWN;
    return FT_M->dma.frame_used[frame] == FT_FRAME_FREE ||
           FT_M->dma.frame_used[frame] == FT_FRAME_FILLED;
}

void ft_context_release(struct ft_dma_transfer *transfer)
{
    void *context = transfer->context;
    struct context_bytes bytes;

    transfer->context = NULL;
    if (!context || is_freed(context))
        return;
    bytes = read_bytes(context);
    if (is_sound(&bytes, context) && bytes.id == transfer->context_id)
        set_mark(context, MARK_RELEASED);
}

void ft_context_check(const struct ft_dma_grant *grant)
{
    struct ft_dma_transfer *transfer = grant->transfer;
    struct context_bytes bytes;
    bool freed;

    if (!transfer || !transfer->context || transfer->said)
        return;
    freed = is_freed(transfer->context);
    bytes = read_bytes(transfer->context);
    if (!freed && is_sound(&bytes, transfer->context) && bytes.id == transfer->context_id)
        return;
    transfer->said = 1;
    ft_emit(FT_EV_CTX_LOST, ft_handle(FT_HC_CONTEXT, transfer->context_id, 0),
            ft_handle(FT_HC_GRANT, grant->id, 0), freed);
}

/* ---- members of the table ---- */

NTSTATUS ft_dma_init_context(PDMA_ADAPTER adapter, PVOID context)
{
    const struct ft_dma_adapter *slot;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    const struct ft_dma_grant *grant;
    struct context_bytes bytes;

    FT_DMA_BEGIN(DMA_CONTEXT, ft_current()->label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_CONTEXT);
    if (slot && context) {
        grant = grant_of(context);
        bytes = (struct context_bytes){
            .magic = MAGIC,
            .self = (uint64_t)(uintptr_t)context,
            .id = ft_handle_id(ft_handle_new(FT_HC_CONTEXT)),
        };
        memset(bytes.fill, FILL, sizeof bytes.fill);
        memcpy(context, &bytes, sizeof bytes);
        status = STATUS_SUCCESS;
        ft_emit(FT_EV_CTX_INIT, ft_dma_adapter_handle(slot), ft_handle(FT_HC_CONTEXT, bytes.id, 0),
                (uint32_t)status,
                !grant                             ? 0
                : grant->state == FT_GRANT_WAITING ? 1
                                                   : 2);
    } else if (slot) {
        ft_emit(FT_EV_CTX_INIT, ft_dma_adapter_handle(slot), 0, (uint32_t)status, 0);
    }
    FT_DDI_END(DMA_CONTEXT, ft_current()->label);
    return status;
}

/* True: the request is gone, or, when there was none yet, will not be granted. */
static bool cancel(const struct ft_dma_adapter *slot, PDEVICE_OBJECT device, PVOID context,
                   struct ft_dma_grant *grant, enum ft_context_state state, unsigned *why)
{
    if (grant && (grant->adapter != slot->id || grant->device != device)) {
        *why = FT_WHY_ADAPTER;
        return false;
    }
    /* Its request was granted and is over: too late, as it was before. */
    if (state == FT_CONTEXT_READY && read_bytes(context).mark == MARK_RELEASED)
        return false;
    if (state == FT_CONTEXT_READY || state == FT_CONTEXT_POISONED) {
        *why = state == FT_CONTEXT_POISONED ? FT_WHY_TWICE : FT_WHY_NOTHING;
        set_mark(context, MARK_POISONED);
        return true;
    }
    if (state != FT_CONTEXT_WAITING) {
        *why = state == FT_CONTEXT_GRANTED ? FT_WHY_NOTHING : FT_WHY_CONTEXT;
        return false;
    }
    ft_context_check(grant);
    return true;
}

BOOLEAN ft_dma_cancel_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context)
{
    unsigned label = ft_current()->label, why = FT_WHY_NOTHING;
    enum ft_context_state state;
    const struct ft_dma_adapter *slot;
    struct ft_dma_grant *grant;
    bool cancelled = false;

    FT_DMA_BEGIN(DMA_CANCEL, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_CANCEL);
    if (slot) {
        state = ft_context_state(context, &grant);
        cancelled = cancel(slot, device, context, grant, state, &why);
        ft_emit(FT_EV_CHANNEL_CANCEL, ft_dma_adapter_handle(slot), ft_context_handle(context),
                grant ? ft_handle(FT_HC_GRANT, grant->id, 0) : 0, cancelled, why);
        if (cancelled && grant) {
            ft_dma_list_forget(grant);
            ft_dma_grant_retire(grant);
            ft_dma_drain(); /* those that waited behind it */
        }
    }
    FT_DDI_END(DMA_CANCEL, label);
    return cancelled;
}
