/* The machine's map registers and their bounce pages. */
#include "dma/dma_private.h"
#include "sim/dma_words.h"

#include <string.h>

enum { POISON_FILL = 0xA5, VERIFIER_FILL = 0x0F, OUTSIDE = 0x0F, FREE_REGISTER = 3 };

/* The byte that free registers hold. */
static int fill(void)
{
    return FT_M->platform.verifier ? VERIFIER_FILL : POISON_FILL;
}

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
    ft_dma_bounce_pages_fill(dma->bounce_high, end - dma->bounce_high);
    dma->bounce_high = (uint16_t)end;
}

void ft_dma_bounce_pages_fill(unsigned first, unsigned count)
{
    memset(ft_dma_bounce_page(first), fill(), count * (size_t)FT_PAGE_BYTES);
}

void ft_dma_bounce_pages_check(unsigned first, unsigned count)
{
    size_t bytes = count * (size_t)FT_PAGE_BYTES;
    const uint8_t *at = ft_dma_bounce_page(first);
    uint8_t wanted = (uint8_t)fill();

    /* Every byte equals its neighbour, and the first is right: the fast way for the usual case. */
    if (bytes == 0 || (at[0] == wanted && memcmp(at, at + 1, bytes - 1) == 0))
        return;
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != wanted) {
            ft_emit(FT_EV_MEM_DAMAGE, FT_DAMAGE_FREE_REGISTER, ft_handle(FT_HC_OTHER, 0, 0),
                    first * (uint64_t)FT_PAGE_BYTES + i);
            ft_dma_verify(OUTSIDE, FREE_REGISTER, first * (uint64_t)FT_PAGE_BYTES + i, 0);
            break;
        }
    ft_dma_bounce_pages_fill(first, count); /* said once */
}
