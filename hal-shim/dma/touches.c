/* Memory that the driver touches and may not, in the access flavour: event mem:touch.
 *
 * Looked at before the access has its effect. Cheap, since every access comes here: a freed block
 * is told by the fill that it got, and only then looked for.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "world/races.h"

enum { NEAR_NULL_BYTES = 0x10000, FREED_FILL = 0xDD, DISPATCH = 2 };

static bool meets(uintptr_t address, size_t bytes, uintptr_t from, size_t length)
{
    return address < from + length && from < address + bytes;
}

static bool is_freed_common(unsigned frame)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        const struct ft_dma_common *common = &FT_M->dma.common[i];

        if (common->id && !common->live && !common->memory && frame >= common->frame &&
            frame < common->frame + (unsigned)common->pages)
            return true;
    }
    return false;
}

static enum ft_touch of_frame(unsigned frame)
{
    uint8_t use = FT_M->dma.frame_used[frame];

    if (use != FT_FRAME_FREE && use != FT_FRAME_FILLED)
        return use == FT_FRAME_BUFFER ? ft_view_touch(frame) : FT_TOUCH_NONE;
    return is_freed_common(frame) ? FT_TOUCH_COMMON_FREED : ft_view_touch(frame);
}

/* The fill is read by code that no sanitizer looks at. */
__attribute__((no_sanitize("address", "undefined"))) static enum ft_touch of_pool(uintptr_t address)
{
    bool freed = *(const uint8_t *)address == FREED_FILL;
    bool paged = FT_RACES->paged && ft_irql() >= DISPATCH;
    struct ft_block_place place;

    if ((!freed && !paged) || !ft_block_find((const void *)address, &place))
        return FT_TOUCH_NONE;
    if (!place.live)
        return ft_watch_gone(address - place.offset) ? FT_TOUCH_FORWARDED : FT_TOUCH_FREED;
    return place.paged && paged ? FT_TOUCH_PAGED : FT_TOUCH_NONE;
}

/* What the device has: no reads of what it fills, no writes at all. */
static enum ft_touch of_mapping(uintptr_t address, size_t bytes, bool write,
                                const struct ft_dma_mapping **ret)
{
    enum { LINE = FT_LINE_BYTES };

    for (unsigned i = 0; i < FT_M->dma.mappings_high; i++) {
        const struct ft_dma_mapping *m = &FT_M->dma.mapping[i];
        uintptr_t from = (uintptr_t)m->memory;
        uintptr_t line = from / LINE * LINE;

        *ret = m;
        if (!m->id || !m->memory)
            continue;
        if (meets(address, bytes, from, m->length)) {
            if (write || !m->write)
                return m->write ? FT_TOUCH_MAPPED_OUT : FT_TOUCH_MAPPED_IN;
        } else if (write && !m->write && !FT_M->platform.coherent &&
                   meets(address, bytes, line,
                         (from + m->length - line + LINE - 1) / LINE * LINE)) {
            return FT_TOUCH_LINE;
        }
    }
    return FT_TOUCH_NONE;
}

void ft_touch_tell(enum ft_touch what, uint64_t object, uint64_t mapping, size_t bytes, bool write,
                   uint64_t site)
{
    const struct ft_task *task = ft_current();
    const uint64_t arg[] = {object, bytes, write, what, mapping};
    struct ft_event event = {.cpu = task->cpu,
                             .irql = task->irql,
                             .layer = FT_LAYER_DRIVER,
                             .nesting = task->nesting,
                             .task = task->id,
                             .device = task->device,
                             .request = task->request,
                             .label = task->label,
                             .site = site};

    if (!ft_races_told(1ull << 63 | (uint64_t)what << 32 | site))
        ft_emit_made(&event, FT_EV_MEM_TOUCH, sizeof arg / sizeof *arg, arg);
}

/* What is wrong with the memory, whoever has it. */
static enum ft_touch of_memory(uintptr_t address, size_t bytes)
{
    int frame = ft_frame_of((const void *)address);
    enum ft_touch what = ft_watched(address, bytes);

    if (what != FT_TOUCH_NONE)
        return what;
    if (address < NEAR_NULL_BYTES)
        return FT_RACES->life[ft_happens_now()].no_extension ? FT_TOUCH_NO_EXTENSION
                                                             : FT_TOUCH_NEAR_NULL;
    if (frame >= 0)
        return of_frame((unsigned)frame);
    return address - FT_POOL_BASE < FT_M->pool_used ? of_pool(address) : FT_TOUCH_NONE;
}

void ft_touch_check(uintptr_t address, size_t bytes, bool write, uint64_t site)
{
    const struct ft_dma_mapping *mapping = NULL;
    enum ft_touch what = FT_TOUCH_NONE;
    uint64_t object = 0;

    if (bytes == 0)
        return;
    what = (enum ft_touch)ft_wdf_touch(address, bytes, write, of_memory(address, bytes), &object);
    if (what != FT_TOUCH_NONE) {
        if (!object && address >= NEAR_NULL_BYTES)
            object = ft_races_handle(address);
        ft_touch_tell(what, object, 0, bytes, write, site);
    } else if (FT_M->dma.mappings_live > 0) {
        what = of_mapping(address, bytes, write, &mapping);
        if (what != FT_TOUCH_NONE)
            ft_touch_tell(what, ft_handle_of(mapping->mdl), ft_dma_mapping_handle(mapping), bytes,
                          write, site);
    }
    if (what == FT_TOUCH_NONE && !write)
        ft_wdf_touch_load(address, bytes, site);
}
