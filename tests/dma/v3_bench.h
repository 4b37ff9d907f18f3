/* What the tests of DMA_OPERATIONS version 3 add to the DMA bench: an adapter of that version, MDL
 * chains, and transfer contexts. */
#ifndef FT_V3_BENCH_H
#define FT_V3_BENCH_H

#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/dma_words.h"
#include "world/machine.h"

enum { V3_CHAIN_MAX = 3, V3_LINE = 5, V3_ELEMENTS = 24 };

struct v3 {
    struct bench b; /* adapter, ops, device; mdl and buffer are those of the first request */
    uint8_t context[DMA_TRANSFER_CONTEXT_SIZE_V1];
    uint8_t other_context[DMA_TRANSFER_CONTEXT_SIZE_V1];
    uint8_t *part[V3_CHAIN_MAX]; /* buffers of the chain's MDLs */
    ULONG part_bytes[V3_CHAIN_MAX];
    unsigned granted; /* times that the execution routine ran */
    IO_ALLOCATION_ACTION action;
    union {
        SCATTER_GATHER_LIST list;
        uint8_t room[sizeof(SCATTER_GATHER_LIST) + V3_ELEMENTS * sizeof(SCATTER_GATHER_ELEMENT)];
    };
};

/* Runs a body on a machine that grants version 3; a subordinate device is on request line V3_LINE,
 * 8 bits wide. */
void v3_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *), void (*body)(void));
void v3_run_all(void (*body)(void)); /* on every preset */

/* A description of version 3, to change before it is used. */
DEVICE_DESCRIPTION v3_description(bool master);
void v3_open_as(struct v3 *v, const DEVICE_DESCRIPTION *description);
/* A scatter/gather bus master with 64 bits, and an initialized context. */
void v3_open(struct v3 *v);

/* One request's MDL, or a chain of that many with those bytes. */
void v3_request(struct v3 *v, ULONG bytes, ULONG page_offset, bool read);
void v3_chain(struct v3 *v, unsigned parts, const ULONG *bytes, bool read);

/* An asynchronous grant with a routine that keeps the registers, or what v->action says. Stays at
 * DISPATCH_LEVEL. */
NTSTATUS v3_grant(struct v3 *v, ULONG registers);
NTSTATUS v3_map(struct v3 *v, ULONGLONG offset, ULONG *length, bool write);
NTSTATUS v3_flush(struct v3 *v, ULONGLONG offset, ULONG length, bool write);

/* The device writes through every element of the list, or reads. */
bool v3_device_writes(struct v3 *v);
/* Every part of the chain is what its requester should have. */
bool v3_all_equal(const struct v3 *v, bool write);

#endif
