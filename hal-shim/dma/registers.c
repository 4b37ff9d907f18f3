/* The machine's map registers and their bounce pages. */
#include "dma/dma_private.h"

#include <string.h>

enum { POISON_FILL = 0xA5 };

unsigned ft_dma_register_count(void)
{
    unsigned pool = FT_M->platform.pool;

    return pool ? pool : FT_DMA_REGISTERS_MAX;
}

void *ft_dma_bounce_page(unsigned index)
{
    return (void *)(FT_BOUNCE_BASE + index * (uintptr_t)FT_PAGE_BYTES);
}

void ft_dma_registers_set(uint64_t *bits, unsigned first, unsigned count, bool value)
{
    for (unsigned i = first; i < first + count; i++) {
        uint64_t bit = 1ULL << (i % 64);

        bits[i / 64] = value ? bits[i / 64] | bit : bits[i / 64] & ~bit;
    }
}

bool ft_dma_registers_find(const uint64_t *bits, unsigned first, unsigned total, unsigned count,
                           unsigned *start, unsigned *longest)
{
    unsigned run = 0;

    *start = first;
    *longest = 0;
    for (unsigned i = first; i < first + total && *longest < count; i++) {
        run = bits[i / 64] >> (i % 64) & 1 ? 0 : run + 1;
        if (run > *longest) {
            *longest = run;
            *start = i + 1 - run;
        }
    }
    return *longest >= count;
}

/* Bounce pages that no file had before in this run get a known content. */
void ft_dma_bounce_pages_exist(unsigned end)
{
    struct ft_dma_state *dma = &FT_M->dma;

    if (end <= dma->bounce_high)
        return;
    memset(ft_dma_bounce_page(dma->bounce_high), POISON_FILL,
           (end - dma->bounce_high) * (size_t)FT_PAGE_BYTES);
    dma->bounce_high = (uint16_t)end;
}
