/* What the world asks of the DMA layer: reset, extents for save points, and the world choices that
 * concern DMA. */
#include "dma/dma_private.h"
#include "dma/frames.h"

#include <string.h>

void ft_dma_reset(void)
{
    memset(&FT_M->dma, 0, sizeof FT_M->dma);
}

unsigned ft_dma_frames_high(void)
{
    return FT_M->dma.frames_high;
}

unsigned ft_dma_bounce_high(void)
{
    return FT_M->dma.bounce_high;
}

static void announce(enum ft_event_kind kind, unsigned argc, uint64_t value)
{
    ft_emit_as(FT_LAYER_HARNESS, 0, kind, argc, &value);
}

static bool few_registers(unsigned left)
{
    if (left >= ft_dma_register_count())
        return false;
    FT_M->dma.few_armed = 1;
    FT_M->dma.few_left = (uint16_t)left;
    announce(FT_EV_CHOICE_REGISTERS, 1, left);
    return true;
}

static bool short_map(unsigned pages)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (FT_M->dma.adapter[i].block && FT_M->dma.adapter[i].scatter_gather) {
            FT_M->dma.short_armed = 1;
            FT_M->dma.short_pages = (uint8_t)pages;
            return true;
        }
    return false;
}

/* Somebody has to be there who could flush. */
static bool flush_fails(void)
{
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++)
        if (FT_M->dma.adapter[i].block)
            FT_M->dma.flush_fails = 1;
    return FT_M->dma.flush_fails;
}

static bool evict(unsigned lines)
{
    unsigned count = ft_cache_evict(lines);

    if (count == 0)
        return false;
    announce(FT_EV_CHOICE_EVICT, 1, count);
    return true;
}

bool ft_dma_op(const struct ft_op *op)
{
    switch (op->kind) {
    case FT_OP_FEW_REGISTERS:
        return few_registers(op->arg[0]);
    case FT_OP_DEFER_GRANT:
        FT_M->dma.defer_armed = 1;
        announce(FT_EV_CHOICE_DEFER, 0, 0);
        return true;
    case FT_OP_SHORT_MAP:
        return short_map(op->arg[0]);
    case FT_OP_FAIL_PROBE:
        FT_M->dma.fail_probe = 1;
        return true;
    case FT_OP_FLUSH_FAILS:
        return flush_fails();
    case FT_OP_EVICT:
        return evict(op->arg[0]);
    default:
        return false;
    }
}
