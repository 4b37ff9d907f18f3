#include "v3_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void describe(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = V3_LINE;
    description->dma_bits = 8;
}

void v3_run(enum ft_platform_name preset, void (*adjust)(struct ft_platform *), void (*body)(void))
{
    wb_run(
        &(struct wb_case){.body = body, .preset = preset, .adjust = adjust, .describe = describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

void v3_run_all(void (*body)(void))
{
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        v3_run((enum ft_platform_name)preset, NULL, body);
}

DEVICE_DESCRIPTION v3_description(bool master)
{
    DEVICE_DESCRIPTION d;

    memset(&d, 0, sizeof d);
    d.Version = DEVICE_DESCRIPTION_VERSION3;
    d.Master = master;
    d.ScatterGather = master;
    d.InterfaceType = master ? PCIBus : ACPIBus;
    d.MaximumLength = 8 * PAGE_SIZE;
    if (master)
        d.DmaAddressWidth = 64;
    else
        d.DmaRequestLine = V3_LINE;
    return d;
}

void v3_open_as(struct v3 *v, const DEVICE_DESCRIPTION *description)
{
    DEVICE_DESCRIPTION d = *description;

    memset(v, 0, sizeof *v);
    v->action = d.Master ? DeallocateObjectKeepRegisters : KeepObject;
    v->b.adapter = IoGetDmaAdapter(NULL, &d, &v->b.registers);
    CHECK(v->b.adapter != NULL);
    if (!v->b.adapter)
        return;
    v->b.ops = v->b.adapter->DmaOperations;
    CHECK(NT_SUCCESS(v->b.ops->InitializeDmaTransferContext(v->b.adapter, v->context)));
}

void v3_open(struct v3 *v)
{
    DEVICE_DESCRIPTION d = v3_description(true);

    v3_open_as(v, &d);
}

void v3_chain(struct v3 *v, unsigned parts, const ULONG *bytes, bool read)
{
    PMDL last = NULL;

    for (unsigned i = 0; i < parts; i++) {
        PMDL mdl;

        v->part[i] = ft_buffer_create(bytes[i], i * 512, i + 1, read);
        v->part_bytes[i] = bytes[i];
        mdl = IoAllocateMdl(v->part[i], bytes[i], FALSE, FALSE, NULL);
        CHECK(v->part[i] && mdl);
        MmProbeAndLockPages(mdl, KernelMode, read ? IoWriteAccess : IoReadAccess);
        if (last)
            last->Next = mdl;
        else
            v->b.mdl = mdl;
        last = mdl;
    }
}

void v3_request(struct v3 *v, ULONG bytes, ULONG page_offset, bool read)
{
    bench_request(&v->b, bytes, page_offset, read);
    v->part[0] = v->b.buffer;
    v->part_bytes[0] = bytes;
}

static IO_ALLOCATION_ACTION granted(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    struct v3 *v = context;

    (void)device;
    (void)irp;
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    v->b.base = base;
    v->granted++;
    return v->action;
}

NTSTATUS v3_grant(struct v3 *v, ULONG registers)
{
    ft_irql_set(DISPATCH_LEVEL);
    return v->b.ops->AllocateAdapterChannelEx(v->b.adapter, &v->b.device, v->context, registers, 0,
                                              granted, v, NULL);
}

NTSTATUS v3_map(struct v3 *v, ULONGLONG offset, ULONG *length, bool write)
{
    return v->b.ops->MapTransferEx(v->b.adapter, v->b.mdl, v->b.base, offset, 0, length, write,
                                   &v->list, sizeof v->room, NULL, NULL);
}

NTSTATUS v3_flush(struct v3 *v, ULONGLONG offset, ULONG length, bool write)
{
    return v->b.ops->FlushAdapterBuffersEx(v->b.adapter, v->b.mdl, v->b.base, offset, length,
                                           write);
}

bool v3_device_writes(struct v3 *v)
{
    for (ULONG i = 0; i < v->list.NumberOfElements; i++)
        if (!bench_device_writes((uint64_t)v->list.Elements[i].Address.QuadPart,
                                 v->list.Elements[i].Length))
            return false;
    return true;
}

bool v3_all_equal(const struct v3 *v, bool write)
{
    for (unsigned i = 0; i < V3_CHAIN_MAX && v->part[i]; i++) {
        uint32_t equal, first;

        ft_buffer_compare(v->part[i], v->part_bytes[i], write, 0, &equal, &first);
        if (equal != v->part_bytes[i])
            return false;
    }
    return true;
}
