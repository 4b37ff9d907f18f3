/* Touches of memory behind framework objects (wdf_touches.h). */
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "kmdf/dma_objects.h"
#include "kmdf/pnp_private.h"
#include "world/races.h"

#define TOUCHES (&FT_RACES->wdf)

/* ---- spans ---- */

static bool meets(const struct ft_wdf_span *span, uint64_t from, uint64_t to)
{
    return from < span->to && span->from < to;
}

/* The next place of a table, the oldest span's. */
static unsigned take(uint8_t *next, unsigned count)
{
    unsigned at = *next;

    TOUCHES->used = 1;
    *next = (uint8_t)((at + 1) % count);
    return at;
}

static void forget(struct ft_wdf_span *span, unsigned count, uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < count; i++)
        if (meets(&span[i], from, to))
            span[i] = (struct ft_wdf_span){0};
}

static const struct ft_wdf_span *find(const struct ft_wdf_span *span, unsigned count, uint64_t from,
                                      uint64_t to)
{
    for (unsigned i = 0; i < count; i++)
        if (meets(&span[i], from, to))
            return &span[i];
    return NULL;
}

/* ---- contexts ---- */

void ft_wdf_touch_gone(const void *data, size_t bytes, uint64_t object)
{
    uint64_t from = (uintptr_t)data;

    if (ft_accesses_on() && bytes > 0)
        TOUCHES->gone[take(&TOUCHES->gone_next, FT_WDF_GONE)] =
            (struct ft_wdf_span){from, from + bytes, object};
}

/* ---- lists ---- */

void ft_wdf_touch_list(const void *list, bool over, uint64_t transaction)
{
    const SCATTER_GATHER_LIST *at = list;
    uint64_t from = (uintptr_t)list, to;

    if (!ft_accesses_on())
        return;
    to = (uintptr_t)&at->Elements[at->NumberOfElements];
    forget(TOUCHES->list, FT_WDF_LISTS, from, to);
    if (over)
        TOUCHES->list[take(&TOUCHES->list_next, FT_WDF_LISTS)] =
            (struct ft_wdf_span){from, to, transaction};
}

/* ---- what a short transfer has not moved ---- */

/* Any sanitizer would object to the driver's poison. */
__attribute__((no_sanitize("address", "undefined"))) static uint64_t
sum_of(const struct ft_wdf_span *span)
{
    uint64_t sum = 0xCBF29CE484222325;

    for (uint64_t at = span->from; at < span->to; at++)
        sum = (sum ^ *(const uint8_t *)at) * 0x100000001B3;
    return sum;
}

void ft_wdf_touch_ended(const struct ft_wdf_tx *tx)
{
    struct ft_wdf_span span = {.owner = ft_wdf_handle(tx->request)};
    const uint8_t *memory;
    unsigned at;

    if (!ft_accesses_on() || tx->write || !tx->request || tx->moved >= tx->total)
        return;
    memory =
        ft_mdl_memory(tx->mdl, (uint8_t *)MmGetMdlVirtualAddress(tx->mdl) + tx->offset, tx->total);
    if (!memory)
        return; /* a chain, or pages that do not lie in a row */
    span.from = (uintptr_t)memory + tx->moved;
    span.to = (uintptr_t)memory + tx->total;
    at = take(&TOUCHES->unmoved_next, FT_WDF_UNMOVED);
    TOUCHES->unmoved[at] = span;
    TOUCHES->sum[at] = sum_of(&span);
}

void ft_wdf_touch_request(uint64_t request)
{
    if (!ft_accesses_on())
        return;
    for (unsigned i = 0; i < FT_WDF_UNMOVED; i++)
        if (TOUCHES->unmoved[i].owner == request)
            TOUCHES->unmoved[i] = (struct ft_wdf_span){0};
}

/* Somebody else may have filled them since. Who reads in words or goes in steps takes some bytes
 * too many along. */
static bool is_unmoved(uint64_t from, uint64_t to, uint64_t *owner)
{
    enum { STEP = 16 };
    const struct ft_wdf_span *span = find(TOUCHES->unmoved, FT_WDF_UNMOVED, from, to);
    uint64_t overlap;

    if (!span)
        return false;
    overlap = (to < span->to ? to : span->to) - (from > span->from ? from : span->from);
    if (overlap < STEP && overlap < to - from)
        return false;
    if (sum_of(span) != TOUCHES->sum[span - TOUCHES->unmoved])
        return false;
    *owner = span->owner;
    return true;
}

/* ---- common buffers that are filled again ---- */

void ft_wdf_touch_common(const void *va, size_t bytes, uint64_t enabler)
{
    uint64_t from = (uintptr_t)va;
    unsigned at;

    if (!ft_accesses_on())
        return;
    for (unsigned i = 0; i < FT_WDF_EMPTIED; i++) {
        if (TOUCHES->emptied[i] != enabler)
            continue;
        if (bytes > FT_WDF_REFILLED_BYTES)
            bytes = FT_WDF_REFILLED_BYTES;
        at = take(&TOUCHES->refilled_next, FT_WDF_REFILLED);
        TOUCHES->refilled[at] = (struct ft_wdf_span){from, from + bytes, enabler};
        ft_raw_fill(TOUCHES->written[at], 0, sizeof TOUCHES->written[at]);
        return;
    }
}

void ft_wdf_touch_common_end(const void *va, uint64_t enabler)
{
    if (!ft_accesses_on())
        return;
    forget(TOUCHES->refilled, FT_WDF_REFILLED, (uintptr_t)va, (uintptr_t)va + 1);
    for (unsigned i = 0; i < FT_WDF_EMPTIED; i++)
        if (TOUCHES->emptied[i] == enabler)
            return;
    TOUCHES->emptied[take(&TOUCHES->emptied_next, FT_WDF_EMPTIED)] = enabler;
}

static void note_written(uint64_t from, uint64_t to)
{
    for (unsigned i = 0; i < FT_WDF_REFILLED; i++) {
        const struct ft_wdf_span *span = &TOUCHES->refilled[i];

        if (!meets(span, from, to))
            continue;
        for (uint64_t at = from < span->from ? span->from : from; at < to && at < span->to; at++)
            TOUCHES->written[i][(at - span->from) / 8] |= (uint8_t)(1u << (at - span->from) % 8);
    }
}

void ft_wdf_touch_device_wrote(const void *va, size_t bytes)
{
    if (ft_accesses_on() && TOUCHES->used)
        note_written((uintptr_t)va, (uintptr_t)va + bytes);
}

/* A copy of a structure takes its padding along: only what nobody wrote any byte of is stale. */
static bool is_stale(uint64_t from, uint64_t to, uint64_t *owner)
{
    const struct ft_wdf_span *span = find(TOUCHES->refilled, FT_WDF_REFILLED, from, to);
    const uint8_t *written;

    if (!span || from < span->from || to > span->to)
        return false;
    written = TOUCHES->written[span - TOUCHES->refilled];
    for (uint64_t at = from - span->from; at < to - span->from; at++)
        if (written[at / 8] & 1u << at % 8)
            return false;
    *owner = span->owner;
    return true;
}

/* ---- loads of what nobody has filled ---- */

static void forget_loads(uint64_t from, uint64_t to)
{
    for (unsigned i = 0; TOUCHES->loaded && i < FT_WDF_LOADS; i++)
        if (meets(&TOUCHES->load[i].span, from, to))
            TOUCHES->load[i].task = 0;
}

void ft_wdf_touch_load(uintptr_t address, size_t bytes, uint64_t site)
{
    struct ft_wdf_load load = {{address, address + bytes, 0}, site, ft_current()->id, 0};

    if (!TOUCHES->used)
        return;
    if (is_unmoved(load.span.from, load.span.to, &load.span.owner))
        load.what = FT_TOUCH_UNMOVED;
    else if (is_stale(load.span.from, load.span.to, &load.span.owner))
        load.what = FT_TOUCH_STALE;
    else
        return;
    TOUCHES->load[take(&TOUCHES->load_next, FT_WDF_LOADS)] = load;
    TOUCHES->loaded = 1;
}

void ft_wdf_touch_event(void)
{
    if (!TOUCHES->loaded || !ft_current() || FT_M->in_engine == FT_ENGINE_STEPPING)
        return;
    for (unsigned i = 0; i < FT_WDF_LOADS; i++) {
        struct ft_wdf_load load = TOUCHES->load[i];

        if (load.task != ft_current()->id)
            continue;
        TOUCHES->load[i].task = 0;
        ft_touch_tell((enum ft_touch)load.what, load.span.owner, 0,
                      (size_t)(load.span.to - load.span.from), false, load.site);
    }
}

/* ---- an access ---- */

/* The driver's only function device has callbacks for self-managed I/O that are still to be called
 * before it is under way. */
static bool is_before_smio(void)
{
    const struct ft_wdf_pnp *only = NULL;

    for (struct ft_wdf_device *device = FT_WDF->devices; device; device = device->next) {
        const struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

        if (!pnp || pnp->control)
            continue;
        if (only)
            return false;
        only = pnp;
    }
    if (!only)
        return false;
    switch (only->smio) {
    case FT_WDF_SMIO_CREATED:
    case FT_WDF_SMIO_INIT_FAILED:
        return only->callbacks.EvtDeviceSelfManagedIoInit != NULL;
    case FT_WDF_SMIO_STOPPED:
    case FT_WDF_SMIO_FAILED:
        return only->callbacks.EvtDeviceSelfManagedIoRestart != NULL;
    default:
        return false;
    }
}

unsigned ft_wdf_touch(uintptr_t address, size_t bytes, bool write, unsigned what, uint64_t *object)
{
    uint64_t from = address, to = from + bytes;
    const struct ft_wdf_span *span;

    if (what == FT_TOUCH_NEAR_NULL)
        return is_before_smio() ? FT_TOUCH_NULL_BEFORE_SMIO : what;
    if (!TOUCHES->used)
        return what;
    if (write) {
        forget_loads(from, to);
        forget(TOUCHES->unmoved, FT_WDF_UNMOVED, from, to);
        note_written(from, to);
    }
    span = what == FT_TOUCH_FREED ? find(TOUCHES->gone, FT_WDF_GONE, from, to) : NULL;
    if (span) {
        *object = span->owner;
        return FT_TOUCH_CONTEXT;
    }
    span = find(TOUCHES->list, FT_WDF_LISTS, from, to);
    if (span) {
        *object = span->owner;
        return FT_TOUCH_LIST_OVER;
    }
    return what;
}
