/* A bench for the DMA layer, on the bench for the machine (tests/support/world_bench.h): what the
 * body of a DMA test needs. The device's accesses are sim_dma_read and sim_dma_write.
 */
#ifndef FT_DMA_BENCH_H
#define FT_DMA_BENCH_H

#include "world_bench.h"

#include <wdm.h>

/* Runs `body` on that preset; `adjust`, when not NULL, changes its knobs before. */
void dma_bench_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *platform),
                   void (*body)(void));

/* What most bodies need: an adapter of a bus master, and one request's buffer with a locked MDL. */
struct bench {
    PDMA_ADAPTER adapter;
    PDMA_OPERATIONS ops;
    ULONG registers;
    uint8_t *buffer;
    ULONG bytes;
    PMDL mdl;
    PVOID va;   /* CurrentVa of the buffer's first byte */
    PVOID base; /* of the register file, NULL while there is none */
    DEVICE_OBJECT device;
};

/* Gets an adapter for transfers of `maximum` bytes. */
void bench_open(struct bench *bench, bool scatter_gather, ULONG maximum);

/* Makes the request's buffer; read: the device writes it. */
void bench_request(struct bench *bench, ULONG bytes, ULONG page_offset, bool read);

/* Takes a channel with that many registers and keeps the registers. Stays at DISPATCH_LEVEL. */
void bench_grant(struct bench *bench, ULONG registers);

/* Maps from `offset` on; *length as MapTransfer has it. */
uint64_t bench_map(struct bench *bench, ULONG offset, ULONG *length, bool write);
BOOLEAN bench_flush(struct bench *bench, ULONG offset, ULONG length, bool write);

/* Bytes of the request's buffer that are what the requester should have. */
uint32_t bench_equal(const struct bench *bench, bool write);

/* The device moves that many bytes in bursts; what it writes at offset i is a function of i. False:
 * the bus refused. */
bool bench_device_writes(uint64_t address, ULONG bytes);
bool bench_device_reads(uint64_t address, void *bytes, ULONG length);

#endif
