#include "dma_bench.h"

#include "dma/frames.h"
#include "sim/device.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

void dma_bench_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *platform),
                   void (*body)(void))
{
    wb_run(&(struct wb_case){.body = body, .preset = preset, .adjust = adjust});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

void bench_open(struct bench *bench, bool scatter_gather, ULONG maximum)
{
    DEVICE_DESCRIPTION wanted;

    memset(bench, 0, sizeof *bench);
    memset(&wanted, 0, sizeof wanted);
    wanted.Version = DEVICE_DESCRIPTION_VERSION2;
    wanted.Master = TRUE;
    wanted.ScatterGather = scatter_gather;
    wanted.Dma32BitAddresses = TRUE;
    wanted.InterfaceType = PCIBus;
    wanted.MaximumLength = maximum;
    bench->adapter = IoGetDmaAdapter(NULL, &wanted, &bench->registers);
    CHECK(bench->adapter != NULL);
    if (bench->adapter != NULL)
        bench->ops = bench->adapter->DmaOperations;
}

void bench_request(struct bench *bench, ULONG bytes, ULONG page_offset, bool read)
{
    bench->buffer = ft_buffer_create(bytes, page_offset, 1, read);
    CHECK(bench->buffer != NULL);
    bench->bytes = bytes;
    bench->mdl = IoAllocateMdl(bench->buffer, bytes, FALSE, FALSE, NULL);
    CHECK(bench->mdl != NULL);
    if (bench->mdl == NULL)
        return;
    MmProbeAndLockPages(bench->mdl, KernelMode, read ? IoWriteAccess : IoReadAccess);
    bench->va = MmGetMdlVirtualAddress(bench->mdl);
}

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp, PVOID base,
                                           PVOID context)
{
    (void)device;
    (void)irp;
    ((struct bench *)context)->base = base;
    return DeallocateObjectKeepRegisters;
}

void bench_grant(struct bench *bench, ULONG registers)
{
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(NT_SUCCESS(bench->ops->AllocateAdapterChannel(bench->adapter, &bench->device, registers,
                                                        keep_registers, bench)));
}

uint64_t bench_map(struct bench *bench, ULONG offset, ULONG *length, bool write)
{
    return (uint64_t)bench->ops
        ->MapTransfer(bench->adapter, bench->mdl, bench->base, (uint8_t *)bench->va + offset,
                      length, write)
        .QuadPart;
}

BOOLEAN bench_flush(struct bench *bench, ULONG offset, ULONG length, bool write)
{
    return bench->ops->FlushAdapterBuffers(bench->adapter, bench->mdl, bench->base,
                                           (uint8_t *)bench->va + offset, length, write);
}

uint32_t bench_equal(const struct bench *bench, bool write)
{
    uint32_t equal, first;

    ft_buffer_compare(bench->buffer, bench->bytes, write, 0, &equal, &first);
    CHECK((equal == bench->bytes) == (first == bench->bytes));
    return equal;
}

bool bench_device_writes(uint64_t address, ULONG bytes)
{
    uint8_t burst[SIM_BURST_BYTES];

    for (ULONG done = 0; done < bytes;) {
        ULONG piece = bytes - done < sizeof burst ? bytes - done : sizeof burst;

        for (ULONG i = 0; i < piece; i++)
            burst[i] = (uint8_t)((done + i) * 7 + 3);
        if (!sim_dma_write(NULL, address + done, burst, piece))
            return false;
        done += piece;
    }
    return true;
}

bool bench_device_reads(uint64_t address, void *bytes, ULONG length)
{
    for (ULONG done = 0; done < length;) {
        ULONG piece = length - done < SIM_BURST_BYTES ? length - done : SIM_BURST_BYTES;

        if (!sim_dma_read(NULL, address + done, (uint8_t *)bytes + done, piece))
            return false;
        done += piece;
    }
    return true;
}
