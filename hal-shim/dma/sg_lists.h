/* A scatter/gather list, between the files that make it and that ask about it. */
#ifndef FT_DMA_SGLIST_H
#define FT_DMA_SGLIST_H

#include "dma/dma_private.h"

enum {
    FT_LIST_SCRATCH_BYTES = 64,
    FT_CHAIN_MAX = 64 /* MDLs of one chain; a longer one is a circle */
};

/* What a request for a list keeps until the list is put: the block of its grant. */
struct ft_dma_list {
    PMDL mdl;
    uint8_t *va;
    PSCATTER_GATHER_LIST list; /* a block of the pool arena, or the driver's buffer */
    PMDL target;               /* made by BuildMdlFromScatterGatherList */
    uint32_t id;               /* of the list's handle */
    uint32_t bytes;            /* of the list with its scratch */
    uint32_t length;
    uint8_t write;
    uint8_t of_driver; /* the buffer is the driver's */
    uint8_t delivered;
    uint8_t has_mdl; /* BuildMdlFromScatterGatherList was called */
    uint8_t copy[];  /* the list as it was delivered */
};

/* What the calls for a list have in common. */
struct ft_list_call {
    PDEVICE_OBJECT device;
    PMDL mdl;
    PVOID va;
    ULONG length;
    PDRIVER_LIST_CONTROL routine; /* NULL: of version 3 only */
    PVOID context;
    BOOLEAN write;
    PVOID buffer; /* NULL: the HAL makes the list */
    ULONG buffer_length;
    bool build;
    unsigned owner; /* IRP handle id */
};

/* The request for that list, which then waits; and takes it back. */
NTSTATUS ft_dma_list_ask(const struct ft_dma_adapter *adapter, const struct ft_list_call *call,
                         struct ft_dma_grant **ret);
void ft_dma_list_drop(struct ft_dma_grant *grant);

/* The request (IRP handle id) that the MDL belongs to, else the one that the device object or the
 * running task serves. */
unsigned ft_dma_list_owner(const MDL *mdl, PDEVICE_OBJECT device);

static inline uint64_t ft_dma_list_handle(const struct ft_dma_list *l)
{
    return ft_handle(FT_HC_SGLIST, l->id, 0);
}

static inline uint32_t ft_dma_list_bytes(unsigned elements)
{
    return (uint32_t)(sizeof(SCATTER_GATHER_LIST) + elements * sizeof(SCATTER_GATHER_ELEMENT)) +
           FT_LIST_SCRATCH_BYTES;
}

/* Registers for [va, va + length) of the chain: every MDL begins with a fresh one. */
NTSTATUS ft_dma_list_registers(const MDL *mdl, const void *va, ULONG length, ULONG *ret);

/* The mappings of a list have rising ids in the order of its elements: the one after that id. */
struct ft_dma_mapping *ft_dma_list_mapping(uint32_t grant, uint32_t id);

/* The grant of a list that was delivered there and not put. */
struct ft_dma_grant *ft_dma_list_find(const void *list);

/* Names a list that is not live: 0 when it never was one. */
uint64_t ft_dma_list_ended(const void *list);

#endif
