/* Driver pool, for the routines that hand it out (ex_pool.c, lookaside.c, and what gives a driver a
 * block to free). No points: the caller is inside a DDI. */
#ifndef FT_KERNEL_POOL_H
#define FT_KERNEL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The last argument of pool:alloc. */
enum ft_pool_memory {
    FT_POOL_OF_EXECUTABLE = 1, /* NonPagedPool, and no opt-in for NX */
    FT_POOL_OF_NONPAGED,
    FT_POOL_OF_PAGED
};

struct ft_pool_want {
    size_t bytes;
    uint32_t tag;
    uint8_t memory; /* enum ft_pool_memory */
    bool zero;
    bool cache_aligned;
};

/* A block, with its event; NULL when there is none. */
void *ft_pool_take(const struct ft_pool_want *want);

/* Frees a block. One that is none, or was freed, stops the machine (0xC2); a wrong tag is told. */
void ft_pool_give(void *data, uint32_t tag, bool with_tag);

/* A block of the shim's own becomes the driver's to free with ExFreePool. */
void ft_block_hand_over(void *data);

/* What a POOL_TYPE asks for. */
uint8_t ft_pool_memory_of(unsigned pool_type);

#endif
