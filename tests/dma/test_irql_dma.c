/* The levels of the DMA routines (wdm-dma, 1): judged at every wrong one, at no right one. */
#include "dma_bench.h"
#include "irql_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(rows)     (sizeof(rows) / sizeof *(rows))
#define LOW_TO(highest) PASSIVE_LEVEL, (highest)
#define ONLY_DISPATCH   DISPATCH_LEVEL, DISPATCH_LEVEL

enum { BYTES = 5000, REGISTERS = 2, COMMON = 4096 };

static struct bench b;
static PHYSICAL_ADDRESS address;
static PVOID common;
static PSCATTER_GATHER_LIST list;
static UCHAR room[1024];

static void opened(void)
{
    bench_open(&b, true, 4 * PAGE_SIZE);
    bench_request(&b, BYTES, 0, true);
}

static void get_adapter(void)
{
    bench_open(&b, false, PAGE_SIZE);
}

static void put_adapter(void)
{
    b.ops->PutDmaAdapter(b.adapter);
}

static void allocate_common(void)
{
    common = b.ops->AllocateCommonBuffer(b.adapter, COMMON, &address, TRUE);
}

static void has_common(void)
{
    opened();
    allocate_common();
}

static void free_common(void)
{
    b.ops->FreeCommonBuffer(b.adapter, COMMON, address, common, TRUE);
}

static void alignment(void)
{
    b.ops->GetDmaAlignment(b.adapter);
}

static void counter(void)
{
    b.ops->ReadDmaCounter(b.adapter);
}

static void flush_io(void)
{
    KeFlushIoBuffers(b.mdl, TRUE, TRUE);
}

/* ---- channel and transfer ---- */

static IO_ALLOCATION_ACTION hold(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
    (void)device, (void)irp, (void)context;
    b.base = base;
    return KeepObject;
}

static void ask(void)
{
    b.ops->AllocateAdapterChannel(b.adapter, &b.device, REGISTERS, hold, NULL);
}

static void has_channel(void)
{
    opened();
    KeRaiseIrqlToDpcLevel();
    ask();
    KeLowerIrql(PASSIVE_LEVEL);
}

static void has_registers(void)
{
    opened();
    bench_grant(&b, REGISTERS);
}

static void map(void)
{
    ULONG length = BYTES;

    bench_map(&b, 0, &length, false);
}

static void mapped(void)
{
    has_registers();
    map();
}

static void flush(void)
{
    bench_flush(&b, 0, BYTES, false);
}

static void free_channel(void)
{
    b.ops->FreeAdapterChannel(b.adapter);
}

static void free_registers(void)
{
    b.ops->FreeMapRegisters(b.adapter, b.base, REGISTERS);
}

/* ---- lists ---- */

static VOID got(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST made, PVOID context)
{
    (void)device, (void)irp, (void)context;
    list = made;
}

static void get_list(void)
{
    b.ops->GetScatterGatherList(b.adapter, &b.device, b.mdl, b.va, BYTES, got, NULL, FALSE);
}

static void build_list(void)
{
    b.ops->BuildScatterGatherList(b.adapter, &b.device, b.mdl, b.va, BYTES, got, NULL, FALSE, room,
                                  sizeof room);
}

static void has_list(void)
{
    opened();
    KeRaiseIrqlToDpcLevel();
    get_list();
    KeLowerIrql(PASSIVE_LEVEL);
}

static void put_list(void)
{
    b.ops->PutScatterGatherList(b.adapter, list, FALSE);
}

static void list_size(void)
{
    ULONG size;

    b.ops->CalculateScatterGatherList(b.adapter, b.mdl, b.va, BYTES, &size, NULL);
}

static void list_mdl(void)
{
    PMDL target;

    b.ops->BuildMdlFromScatterGatherList(b.adapter, list, b.mdl, &target);
}

static const struct irql_row rows[] = {
    {"IoGetDmaAdapter", LOW_TO(PASSIVE_LEVEL), NULL, get_adapter},
    {"PutDmaAdapter", LOW_TO(DISPATCH_LEVEL), opened, put_adapter},
    {"AllocateCommonBuffer", LOW_TO(PASSIVE_LEVEL), opened, allocate_common},
    {"FreeCommonBuffer", LOW_TO(PASSIVE_LEVEL), has_common, free_common},
    {"GetDmaAlignment", LOW_TO(PASSIVE_LEVEL), opened, alignment},
    {"ReadDmaCounter", LOW_TO(DISPATCH_LEVEL), opened, counter},
    {"KeFlushIoBuffers", LOW_TO(DISPATCH_LEVEL), opened, flush_io},
    {"AllocateAdapterChannel", ONLY_DISPATCH, opened, ask},
    {"FreeAdapterChannel", ONLY_DISPATCH, has_channel, free_channel},
    {"MapTransfer", LOW_TO(DISPATCH_LEVEL), has_registers, map},
    {"FlushAdapterBuffers", LOW_TO(DISPATCH_LEVEL), mapped, flush},
    {"FreeMapRegisters", ONLY_DISPATCH, has_registers, free_registers},
    {"GetScatterGatherList", ONLY_DISPATCH, opened, get_list},
    {"BuildScatterGatherList", ONLY_DISPATCH, opened, build_list},
    {"PutScatterGatherList", ONLY_DISPATCH, has_list, put_list},
    {"CalculateScatterGatherList", LOW_TO(IRQL_ANY), opened, list_size},
    {"BuildMdlFromScatterGatherList", LOW_TO(DISPATCH_LEVEL), has_list, list_mdl},
};

static void the_table_s_members(void **state)
{
    (void)state;
    irql_windows(rows, COUNT(rows), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_s_members),
    };

    return cmocka_run_group_tests_name("levels of the DMA routines", tests, NULL, NULL);
}
