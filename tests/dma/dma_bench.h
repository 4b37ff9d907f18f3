/* A bench for the DMA layer: a test's body runs as the DriverEntry of a driver made for it, in a
 * world of its own, so it may call every DDI; the device's accesses are sim_dma_read and
 * sim_dma_write.
 *
 * A body must not use cmocka's assertions (they would jump from one stack to another): CHECK notes
 * the first failure, and dma_bench_run asserts that there was none once the run is over.
 */
#ifndef FT_DMA_BENCH_H
#define FT_DMA_BENCH_H

#include "sim/event.h"
#include "sim/platform.h"

#include <wdm.h>

/* Runs `body` on that preset; `adjust`, when not NULL, changes its knobs before. */
void dma_bench_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *platform),
                   void (*body)(void));

void dma_bench_check(bool ok, const char *expression, const char *file, int line);
#define CHECK(expression) dma_bench_check(expression, #expression, __FILE__, __LINE__)

/* Events of that kind in this run, and the last of them (zeroed when there was none). */
unsigned dma_bench_count(enum ft_event_kind kind);
const struct ft_event *dma_bench_last(enum ft_event_kind kind);

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
