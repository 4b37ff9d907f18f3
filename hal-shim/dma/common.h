/* Common buffers, between the files that make them. */
#ifndef FT_DMA_COMMON_H
#define FT_DMA_COMMON_H

#include "dma/transfer_ex.h"

/* Whether the driver has said that its processor's view is cached. */
enum ft_cached { FT_CACHED_NO, FT_CACHED_YES, FT_CACHED_UNSAID };

/* What a common buffer is to be. */
struct ft_common_want {
    uint32_t length;
    uint8_t cached; /* enum ft_cached */
    unsigned domain;
    uint32_t vector;    /* id, 0: none */
    uint64_t low, high; /* bounds of its logical addresses, both inclusive */
};

/* A new one, with frames of its own. NULL: there is none like that. */
struct ft_dma_common *ft_common_create(const struct ft_dma_adapter *adapter,
                                       const struct ft_common_want *want);
/* Checks what lies round it and gives its frames back; the slot keeps its name. */
void ft_common_destroy(struct ft_dma_common *common);
/* A slot for one more, NULL: none left. */
struct ft_dma_common *ft_common_free_slot(void);
/* The processor's address of its first byte. */
void *ft_common_address(const struct ft_dma_common *common);
/* The handle of the one that begins there, 0: none does. */
uint64_t ft_common_handle(const void *va);

#endif
