/* DMA_OPERATIONS version 3 for bus masters: contexts, channels, MapTransferEx and its flush over
 * chains, what each refuses, and cancellation (wdm-dma sheet, 1.16 to 1.28, 6.9). */
#include "v3_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300, REGISTERS = 4, NEEDED = 3, FEW = 2 };

static unsigned how(enum ft_event_kind kind, unsigned argument)
{
    return (unsigned)wb_last(kind)->arg[argument];
}

/* ---- IoGetDmaAdapter ---- */

static void body_adapter(void)
{
    DEVICE_DESCRIPTION d = v3_description(true);
    ULONG registers;
    struct v3 v;

    v3_open(&v);
    CHECK(v.b.adapter->Version == 1 && v.b.ops->Size == sizeof(DMA_OPERATIONS));
    d.DmaAddressWidth = 0; /* version 3 does not look at Dma64BitAddresses */
    d.Dma64BitAddresses = TRUE;
    CHECK(IoGetDmaAdapter(NULL, &d, &registers) == NULL);
    d.DmaAddressWidth = 65;
    CHECK(IoGetDmaAdapter(NULL, &d, &registers) == NULL);
    d = v3_description(false);
    d.DmaRequestLine = V3_LINE + 1;
    CHECK(IoGetDmaAdapter(NULL, &d, &registers) == NULL);
}

static void an_adapter_of_version_3_has_the_full_table(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_adapter);
}

static void body_info(void)
{
    DMA_ADAPTER_INFO info = {.Version = DMA_ADAPTER_INFO_VERSION1};
    DMA_TRANSFER_INFO transfer = {.Version = DMA_TRANSFER_INFO_VERSION1};
    struct v3 v;

    v3_open(&v);
    CHECK(v.b.ops->GetDmaAdapterInfo(v.b.adapter, &info) == STATUS_SUCCESS);
    CHECK(info.V1.DmaAddressWidth == 64 && !info.V1.ReadDmaCounterAvailable);
    CHECK(info.V1.ScatterGatherLimit == v.b.registers && info.V1.MinimumTransferUnit == 1);
    info.Version = 2;
    CHECK(v.b.ops->GetDmaAdapterInfo(v.b.adapter, &info) == STATUS_NOT_SUPPORTED);
    v3_request(&v, BYTES, OFFSET, true);
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, BYTES, FALSE, &transfer) ==
          STATUS_SUCCESS);
    CHECK(transfer.V1.MapRegisterCount == 3 && transfer.V1.ScatterGatherElementCount == 3);
    CHECK(transfer.V1.ScatterGatherListSize >
          sizeof(SCATTER_GATHER_LIST) + 3 * sizeof(SCATTER_GATHER_ELEMENT));
    transfer.Version = DMA_TRANSFER_INFO_VERSION2;
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, BYTES - 1, 1, TRUE, &transfer) ==
          STATUS_SUCCESS);
    CHECK(transfer.V2.MapRegisterCount == 1 && transfer.V2.LogicalPageCount == 1);
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, BYTES, 1, TRUE, &transfer) ==
          STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, BYTES + 1, TRUE, &transfer) ==
          STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, 0, TRUE, &transfer) ==
          STATUS_INVALID_PARAMETER);
    transfer.Version = 3;
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, 1, TRUE, &transfer) ==
          STATUS_NOT_SUPPORTED);
    CHECK(transfer.Version == 3 && transfer.V2.MapRegisterCount == 1); /* untouched */
}

/* v3: success GetDmaAdapterInfo GetDmaTransferInfo; fails GetDmaAdapterInfo
 * STATUS_NOT_SUPPORTED; fails GetDmaTransferInfo STATUS_NOT_SUPPORTED STATUS_INVALID_PARAMETER */
static void information_is_for_known_versions_and_ranges(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_info);
}

/* ---- contexts ---- */

static void body_context(void)
{
    struct v3 v;
    PVOID base = NULL;

    v3_open(&v);
    CHECK(v.b.ops->InitializeDmaTransferContext(v.b.adapter, NULL) == STATUS_INVALID_PARAMETER);
    ft_irql_set(DISPATCH_LEVEL);
    /* Never initialized, and a copy. */
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_INVALID_PARAMETER);
    CHECK(FT_HOW_STATE(how(FT_EV_CHANNEL_EX, 3)) == FT_CONTEXT_RAW);
    memcpy(v.other_context, v.context, sizeof v.context);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_INVALID_PARAMETER);
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS && v.granted == 1);
    /* In use. */
    CHECK(v3_grant(&v, REGISTERS) == STATUS_INVALID_PARAMETER && v.granted == 1);
    CHECK(FT_HOW_STATE(how(FT_EV_CHANNEL_EX, 3)) == FT_CONTEXT_GRANTED);
    CHECK(wb_count(FT_EV_CTX_LOST) == 0);
    CHECK(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.context) == STATUS_SUCCESS);
    CHECK(wb_last(FT_EV_CTX_INIT)->arg[3] == 2); /* said: it serves a granted request */
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
    CHECK(wb_count(FT_EV_CTX_LOST) == 1 && wb_last(FT_EV_CTX_LOST)->arg[2] == 0);
    /* Released: good for another request. */
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS && v.granted == 2);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
    CHECK(wb_count(FT_EV_CTX_LOST) == 1);
}

/* v3: success InitializeDmaTransferContext; fails InitializeDmaTransferContext
 * STATUS_INVALID_PARAMETER */
static void a_context_serves_one_request_at_a_time(void **state)
{
    (void)state;
    v3_run_all(body_context);
}

static void body_freed_context(void)
{
    PVOID context;
    struct v3 v;

    v3_open(&v);
    context = ExAllocatePoolWithTag(NonPagedPool, DMA_TRANSFER_CONTEXT_SIZE_V1, 'txtC');
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, context)));
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &v.b.base) == STATUS_SUCCESS);
    ExFreePoolWithTag(context, 'txtC');
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    CHECK(wb_count(FT_EV_CTX_LOST) == 1 && wb_last(FT_EV_CTX_LOST)->arg[2] == 1);
}

static void a_context_that_is_freed_too_early_is_noticed(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_freed_context);
}

/* ---- AllocateAdapterChannelEx ---- */

static void body_arguments(void)
{
    struct v3 v;
    PVOID base = NULL;

    v3_open(&v);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.context, 1, 0, NULL, NULL,
                                            NULL) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.context, 1, 0, NULL, NULL,
                                            &base) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            NULL) == STATUS_INVALID_PARAMETER);
    CHECK(FT_HOW_WHY(how(FT_EV_CHANNEL_EX, 3)) == FT_WHY_ARGUMENTS);
    CHECK(v3_grant(&v, v.b.registers + 1) == STATUS_INSUFFICIENT_RESOURCES && v.granted == 0);
    CHECK(base == NULL);
}

static void body_synchronous(void)
{
    struct v3 v;
    PVOID base = NULL;

    v3_open(&v);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.context, REGISTERS,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &v.b.base) == STATUS_SUCCESS);
    CHECK(v.b.base != NULL && wb_last(FT_EV_DMA_ACTION)->arg[2] == KeepObject);
    /* The channel is taken: now or never. */
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context)));
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(base == NULL);
    v.b.ops->FreeAdapterObject(v.b.adapter, KeepObject); /* no effect */
    CHECK(wb_last(FT_EV_FREE_OBJECT)->arg[1] != 0);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_SUCCESS);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObjectKeepRegisters);
    v.b.ops->FreeMapRegisters(v.b.adapter, base, 1);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject); /* nothing is held */
    CHECK(wb_last(FT_EV_FREE_OBJECT)->arg[1] == 0);
}

/* v3: success AllocateAdapterChannelEx FreeAdapterObject; fails AllocateAdapterChannelEx
 * STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES; fails FreeAdapterObject nothing */
static void channels_come_at_once_or_later(void **state)
{
    (void)state;
    v3_run_all(body_arguments);
    v3_run_all(body_synchronous);
}

static void body_cancel_waiting(void)
{
    struct v3 v;
    PVOID base;

    v3_open(&v);
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context)));
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_SUCCESS);
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS && v.granted == 0);  /* it waits */
    CHECK(!v.b.ops->CancelAdapterChannel(v.b.adapter, NULL, v.context)); /* another device's */
    CHECK(wb_last(FT_EV_CHANNEL_CANCEL)->arg[4] == FT_WHY_ADAPTER);
    CHECK(v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context));
    CHECK(!v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.other_context));
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    CHECK(v.granted == 0); /* never */
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS && v.granted == 1);
    CHECK(!v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context)); /* too late */
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
}

static void body_cancel_before(void)
{
    struct v3 v;

    v3_open(&v);
    CHECK(!v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.other_context)); /* is none */
    CHECK(v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context));
    CHECK(v3_grant(&v, REGISTERS) == STATUS_CANCELLED && v.granted == 0);
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS && v.granted == 1);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
}

/* v3: success CancelAdapterChannel; fails CancelAdapterChannel FALSE; fails
 * AllocateAdapterChannelEx STATUS_CANCELLED */
static void a_request_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    v3_run_all(body_cancel_waiting);
    v3_run_all(body_cancel_before);
}

/* ---- MapTransferEx, FlushAdapterBuffersEx ---- */

static void body_read(void)
{
    const ULONG bytes[] = {5000, 300, 7000};
    ULONG length = 12300;
    struct v3 v;

    v3_open(&v);
    v3_chain(&v, 3, bytes, true);
    CHECK(v3_grant(&v, v.b.registers) == STATUS_SUCCESS);
    CHECK(v3_map(&v, 0, &length, false) == STATUS_SUCCESS);
    CHECK(length == 12300);
    CHECK(v3_device_writes(&v));
    CHECK(v3_flush(&v, 0, length, false) == STATUS_SUCCESS);
    CHECK(v3_all_equal(&v, false)); /* without KeFlushIoBuffers */
    CHECK(v3_flush(&v, 0, length, false) == STATUS_INVALID_PARAMETER); /* not twice */
    CHECK(wb_last(FT_EV_DMA_FLUSH_EX)->arg[6] == FT_WHY_NOT_MAPPED);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, v.b.registers);
}

/* v3: success MapTransferEx FlushAdapterBuffersEx; fails FlushAdapterBuffersEx
 * STATUS_INVALID_PARAMETER */
static void a_chain_is_mapped_and_flushed_as_one(void **state)
{
    (void)state;
    v3_run_all(body_read);
}

static void body_unflushed(void)
{
    const struct ft_platform *platform = &FT_M->platform;
    bool copies = platform->bounce == FT_BOUNCE_ALWAYS || !platform->coherent;
    ULONG length = BYTES;
    struct v3 v;

    v3_open(&v);
    v3_request(&v, BYTES, OFFSET, true);
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS);
    CHECK(v3_map(&v, 0, &length, false) == STATUS_SUCCESS && v3_device_writes(&v));
    CHECK(v3_all_equal(&v, false) == !copies);
}

static void without_the_flush_the_data_is_missing_where_it_is_copied(void **state)
{
    (void)state;
    v3_run_all(body_unflushed);
}

static void body_pieces(void)
{
    ULONG done = 0, pieces = 0;
    struct v3 v;

    v3_open(&v);
    v3_request(&v, BYTES, OFFSET, true);
    CHECK(v3_grant(&v, FEW) == STATUS_SUCCESS);
    while (done < BYTES && pieces < 10) {
        ULONG length = BYTES - done;

        CHECK(v3_map(&v, done, &length, false) == STATUS_SUCCESS);
        CHECK(length > 0 && length <= FEW * PAGE_SIZE);
        for (ULONG i = 0; i < v.list.NumberOfElements; i++)
            CHECK(bench_device_writes((uint64_t)v.list.Elements[i].Address.QuadPart,
                                      v.list.Elements[i].Length));
        CHECK(v3_flush(&v, done, length, false) == STATUS_SUCCESS);
        done += length;
        pieces++;
    }
    CHECK(done == BYTES && pieces == 2);
    CHECK(v3_all_equal(&v, false));
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, FEW);
}

static void a_transfer_goes_in_pieces_of_what_the_registers_hold(void **state)
{
    (void)state;
    v3_run_all(body_pieces);
}

static NTSTATUS map_with(struct v3 *v, ULONGLONG offset, ULONG *length, PVOID list, ULONG bytes,
                         PDMA_COMPLETION_ROUTINE routine)
{
    return v->b.ops->MapTransferEx(v->b.adapter, v->b.mdl, v->b.base, offset, 0, length, FALSE,
                                   list, bytes, routine, NULL);
}

static void completed(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                      DMA_COMPLETION_STATUS status)
{
    (void)adapter;
    (void)device;
    (void)context;
    (void)status;
    CHECK(false); /* a bus master has none */
}

static void body_refused(void)
{
    ULONG one = sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT), length;
    struct v3 v;

    v3_open(&v);
    v3_request(&v, BYTES, OFFSET, true);
    CHECK(v3_grant(&v, NEEDED) == STATUS_SUCCESS);
    length = BYTES;
    CHECK(map_with(&v, 0, &length, NULL, 0, NULL) == STATUS_INVALID_PARAMETER && length == 0);
    CHECK(FT_HOW_WHY(how(FT_EV_DMA_MAP_EX, 7)) == FT_WHY_LIST);
    length = BYTES;
    CHECK(map_with(&v, 0, &length, &v.list, one - 1, NULL) == STATUS_INVALID_PARAMETER);
    length = BYTES;
    CHECK(map_with(&v, 0, &length, &v.list, sizeof v.room, completed) == STATUS_INVALID_PARAMETER);
    length = BYTES + 1;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_INVALID_PARAMETER);
    CHECK(FT_HOW_WHY(how(FT_EV_DMA_MAP_EX, 7)) == FT_WHY_RANGE);
    length = 1;
    CHECK(v3_map(&v, BYTES, &length, false) == STATUS_INVALID_PARAMETER);
    length = 0;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_INVALID_PARAMETER);
    CHECK(wb_count(FT_EV_DMA_MAP) == 0);
    length = BYTES;
    CHECK(map_with(&v, 0, &length, &v.list, one, NULL) == STATUS_SUCCESS);
    CHECK(length > 0 && length <= BYTES && v.list.NumberOfElements == 1);
    CHECK(v3_flush(&v, 0, length, false) == STATUS_SUCCESS);
    length = BYTES;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_SUCCESS && length == BYTES);
    length = BYTES;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_INSUFFICIENT_RESOURCES && length == 0);
    CHECK(v3_flush(&v, 1, BYTES, false) == STATUS_INVALID_PARAMETER); /* beyond the chain */
    CHECK(v3_flush(&v, 0, BYTES, false) == STATUS_SUCCESS);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, NEEDED);
    length = BYTES;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_INVALID_PARAMETER); /* the base is gone */
    CHECK(FT_HOW_WHY(how(FT_EV_DMA_MAP_EX, 7)) == FT_WHY_BASE);
    CHECK(v.b.ops->CancelMappedTransfer(v.b.adapter, v.context) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->ConfigureAdapterChannel(v.b.adapter, 1, NULL) == STATUS_NOT_IMPLEMENTED);
}

/* v3: fails MapTransferEx STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES; fails
 * ConfigureAdapterChannel STATUS_NOT_IMPLEMENTED */
static void calls_that_break_the_contract_are_refused(void **state)
{
    (void)state;
    v3_run(FT_PLATFORM_COHERENT, NULL, body_refused);
    v3_run(FT_PLATFORM_BOUNCE, NULL, body_refused);
}

static void body_short_flush(void)
{
    ULONG length = BYTES;
    struct v3 v;

    v3_open(&v);
    v3_request(&v, BYTES, OFFSET, true);
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS);
    CHECK(v3_map(&v, 0, &length, false) == STATUS_SUCCESS);
    CHECK(v3_flush(&v, 0, 0, false) == STATUS_SUCCESS); /* the device moved nothing */
    length = BYTES;
    CHECK(v3_map(&v, 0, &length, false) == STATUS_SUCCESS); /* everything was given back */
    CHECK(length == BYTES);
    CHECK(!(how(FT_EV_DMA_MAP_EX, 7) & FT_HOW_UNFLUSHED));
    v3_flush(&v, 0, BYTES, false);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
}

static void a_flush_of_what_the_device_reported_ends_the_transfer(void **state)
{
    (void)state;
    v3_run_all(body_short_flush);
}

/* ---- FlushDmaBuffer ---- */

static void body_flush_buffer(void)
{
    bool incoherent = !FT_M->platform.coherent;
    ULONG length = BYTES;
    struct v3 v;

    v3_open(&v);
    v3_request(&v, BYTES, OFFSET, false);
    CHECK(v.b.ops->FlushDmaBuffer(v.b.adapter, v.b.mdl, FALSE) == STATUS_SUCCESS);
    CHECK((wb_last(FT_EV_FLUSH_BUFFER)->arg[4] != 0) == incoherent);
    CHECK(v.b.ops->FlushDmaBuffer(v.b.adapter, v.b.mdl, FALSE) == STATUS_SUCCESS);
    CHECK(wb_last(FT_EV_FLUSH_BUFFER)->arg[4] == 0); /* clean already */
    CHECK(v3_grant(&v, REGISTERS) == STATUS_SUCCESS);
    CHECK(v3_map(&v, 0, &length, true) == STATUS_SUCCESS);
    CHECK(v.b.ops->FlushDmaBuffer(v.b.adapter, v.b.mdl, FALSE) == STATUS_SUCCESS);
    CHECK(wb_count(FT_EV_DMA_FLUSHED) == 0); /* it ends no mapping */
    CHECK(v3_flush(&v, 0, BYTES, true) == STATUS_SUCCESS);
    v.b.ops->FreeMapRegisters(v.b.adapter, v.b.base, REGISTERS);
    CHECK(v.b.ops->FlushDmaBuffer(v.b.adapter, NULL, FALSE) == STATUS_INVALID_PARAMETER);
}

/* v3: success FlushDmaBuffer; fails FlushDmaBuffer STATUS_INVALID_PARAMETER */
static void flush_dma_buffer_moves_cache_lines_and_ends_nothing(void **state)
{
    (void)state;
    v3_run_all(body_flush_buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapter_of_version_3_has_the_full_table),
        cmocka_unit_test(information_is_for_known_versions_and_ranges),
        cmocka_unit_test(a_context_serves_one_request_at_a_time),
        cmocka_unit_test(a_context_that_is_freed_too_early_is_noticed),
        cmocka_unit_test(channels_come_at_once_or_later),
        cmocka_unit_test(a_request_that_waits_can_be_cancelled),
        cmocka_unit_test(a_chain_is_mapped_and_flushed_as_one),
        cmocka_unit_test(without_the_flush_the_data_is_missing_where_it_is_copied),
        cmocka_unit_test(a_transfer_goes_in_pieces_of_what_the_registers_hold),
        cmocka_unit_test(calls_that_break_the_contract_are_refused),
        cmocka_unit_test(a_flush_of_what_the_device_reported_ends_the_transfer),
        cmocka_unit_test(flush_dma_buffer_moves_cache_lines_and_ends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
