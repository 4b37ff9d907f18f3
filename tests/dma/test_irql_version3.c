/* The levels of the members of version 3 (wdm-dma, 1): judged at every wrong one, at no right one.
 */
#include "irql_bench.h"
#include "v3_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define COUNT(rows)     (sizeof(rows) / sizeof *(rows))
#define LOW_TO(highest) PASSIVE_LEVEL, (highest)
#define ONLY_DISPATCH   DISPATCH_LEVEL, DISPATCH_LEVEL

enum { BYTES = 5000, REGISTERS = 2, COMMON = 4096 };

static struct v3 v;
static PHYSICAL_ADDRESS address;
static PVOID base;

static void describe(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = V3_LINE;
    description->dma_bits = 8;
}

static void opened(void)
{
    v3_open(&v);
    v3_request(&v, BYTES, 0, true);
}

static void opened_line(void)
{
    DEVICE_DESCRIPTION d = v3_description(false);

    v3_open_as(&v, &d);
}

static void init_context(void)
{
    v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context);
}

static void adapter_info(void)
{
    DMA_ADAPTER_INFO info = {.Version = DMA_ADAPTER_INFO_VERSION1};

    v.b.ops->GetDmaAdapterInfo(v.b.adapter, &info);
}

static void transfer_info(void)
{
    DMA_TRANSFER_INFO info = {.Version = DMA_TRANSFER_INFO_VERSION1};

    v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, BYTES, FALSE, &info);
}

/* ---- channel and transfer ---- */

static void ask(void)
{
    v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.context, REGISTERS,
                                      DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &v.b.base);
}

static void granted(void)
{
    opened();
    KeRaiseIrqlToDpcLevel();
    ask();
    KeLowerIrql(PASSIVE_LEVEL);
}

static void cancel_channel(void)
{
    v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context);
}

static void configure(void)
{
    v.b.ops->ConfigureAdapterChannel(v.b.adapter, 0, NULL);
}

static void map(void)
{
    ULONG length = BYTES;

    v3_map(&v, 0, &length, false);
}

static void mapped(void)
{
    granted();
    map();
}

static void flush(void)
{
    v3_flush(&v, 0, BYTES, false);
}

static void flush_buffer(void)
{
    v.b.ops->FlushDmaBuffer(v.b.adapter, v.b.mdl, TRUE);
}

static void free_object(void)
{
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
}

static void cancel_mapped(void)
{
    v.b.ops->CancelMappedTransfer(v.b.adapter, v.context);
}

/* ---- lists ---- */

static void got(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST made, PVOID context)
{
    (void)device, (void)irp, (void)made, (void)context;
}

static void get_list(void)
{
    v.b.ops->GetScatterGatherListEx(v.b.adapter, &v.b.device, v.context, v.b.mdl, 0, BYTES, 0, got,
                                    NULL, FALSE, NULL, NULL, NULL);
}

static void build_list(void)
{
    static uint8_t room[1024];

    v.b.ops->BuildScatterGatherListEx(v.b.adapter, &v.b.device, v.context, v.b.mdl, 0, BYTES, 0,
                                      got, NULL, FALSE, room, sizeof room, NULL, NULL, NULL);
}

/* ---- common buffers and domains ---- */

static void common_ex(void)
{
    base = v.b.ops->AllocateCommonBufferEx(v.b.adapter, NULL, COMMON, &address, TRUE, 0);
}

static void common_bounds(void)
{
    base = v.b.ops->AllocateCommonBufferWithBounds(v.b.adapter, NULL, NULL, COMMON, 0, NULL, 0,
                                                   &address);
}

static void common_domain(void)
{
    v.b.ops->AllocateDomainCommonBuffer(v.b.adapter, v.b.ops->GetDmaDomain(v.b.adapter), NULL,
                                        COMMON, 0, NULL, 0, &address, &base);
}

static void common_from_mdl(void)
{
    v.b.ops->CreateCommonBufferFromMdl(v.b.adapter, v.b.mdl, NULL, 0, &address);
}

static void get_domain(void)
{
    v.b.ops->GetDmaDomain(v.b.adapter);
}

static void join_domain(void)
{
    v.b.ops->JoinDmaDomain(v.b.adapter, NULL);
}

static void leave_domain(void)
{
    v.b.ops->LeaveDmaDomain(v.b.adapter);
}

static PDMA_COMMON_BUFFER_VECTOR vector;

static void allocate_vector(void)
{
    PHYSICAL_ADDRESS low = {0}, high;

    high.QuadPart = INT64_MAX;
    v.b.ops->AllocateCommonBufferVector(v.b.adapter, low, high, MmCached, 0, 0, 1, COMMON, &vector);
}

static void has_vector(void)
{
    opened();
    allocate_vector();
}

static void free_element(void)
{
    v.b.ops->FreeCommonBufferFromVector(v.b.adapter, vector, 0);
}

static void has_empty_vector(void)
{
    has_vector();
    free_element();
}

static void free_vector(void)
{
    v.b.ops->FreeCommonBufferVector(v.b.adapter, vector);
}

static void get_element(void)
{
    v.b.ops->GetCommonBufferFromVectorByIndex(v.b.adapter, vector, 0, &base, &address);
}

static const struct irql_row rows[] = {
    {"GetDmaAdapterInfo", LOW_TO(DISPATCH_LEVEL), opened, adapter_info},
    {"GetDmaTransferInfo", LOW_TO(DISPATCH_LEVEL), opened, transfer_info},
    {"InitializeDmaTransferContext", LOW_TO(DISPATCH_LEVEL), opened, init_context},
    {"AllocateCommonBufferEx", LOW_TO(PASSIVE_LEVEL), opened, common_ex},
    {"AllocateAdapterChannelEx", ONLY_DISPATCH, opened, ask},
    {"ConfigureAdapterChannel", LOW_TO(DISPATCH_LEVEL), opened_line, configure},
    {"CancelAdapterChannel", LOW_TO(DISPATCH_LEVEL), opened, cancel_channel},
    {"MapTransferEx", LOW_TO(DISPATCH_LEVEL), granted, map},
    {"GetScatterGatherListEx", LOW_TO(DISPATCH_LEVEL), opened, get_list},
    {"BuildScatterGatherListEx", ONLY_DISPATCH, opened, build_list},
    {"FlushAdapterBuffersEx", LOW_TO(DISPATCH_LEVEL), mapped, flush},
    {"FreeAdapterObject", LOW_TO(DISPATCH_LEVEL), granted, free_object},
    {"CancelMappedTransfer", LOW_TO(DISPATCH_LEVEL), opened_line, cancel_mapped},
    {"AllocateDomainCommonBuffer", LOW_TO(PASSIVE_LEVEL), opened, common_domain},
    {"FlushDmaBuffer", LOW_TO(DISPATCH_LEVEL), opened, flush_buffer},
    {"JoinDmaDomain", LOW_TO(PASSIVE_LEVEL), opened, join_domain},
    {"LeaveDmaDomain", LOW_TO(PASSIVE_LEVEL), opened, leave_domain},
    {"GetDmaDomain", LOW_TO(PASSIVE_LEVEL), opened, get_domain},
    {"AllocateCommonBufferWithBounds", LOW_TO(PASSIVE_LEVEL), opened, common_bounds},
    {"AllocateCommonBufferVector", LOW_TO(PASSIVE_LEVEL), opened, allocate_vector},
    {"GetCommonBufferFromVectorByIndex", LOW_TO(IRQL_ANY), has_vector, get_element},
    {"FreeCommonBufferFromVector", LOW_TO(PASSIVE_LEVEL), has_vector, free_element},
    {"FreeCommonBufferVector", LOW_TO(PASSIVE_LEVEL), has_empty_vector, free_vector},
    {"CreateCommonBufferFromMdl", LOW_TO(PASSIVE_LEVEL), opened, common_from_mdl},
};

static void the_members_of_version_3(void **state)
{
    (void)state;
    irql_windows(rows, COUNT(rows), describe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_members_of_version_3),
    };

    return cmocka_run_group_tests_name("levels of DMA version 3", tests, NULL, NULL);
}
