/* GetScatterGatherListEx and BuildScatterGatherListEx (wdm-dma sheet, 1.24, 1.25, 6.10). */
#include "v3_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, OFFSET = 300 };

static struct {
    unsigned runs;
    PSCATTER_GATHER_LIST list;
} delivered;

static void deliver(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
    (void)device;
    (void)irp;
    (void)context;
    delivered.runs++;
    delivered.list = list;
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
}

static void open(struct v3 *v, bool read)
{
    memset(&delivered, 0, sizeof delivered);
    v3_open(v);
    v3_request(v, BYTES, OFFSET, read);
    ft_irql_set(DISPATCH_LEVEL);
}

static NTSTATUS get(struct v3 *v, PVOID context, ULONGLONG offset, ULONG length, ULONG flags,
                    PDRIVER_LIST_CONTROL routine, PSCATTER_GATHER_LIST *list)
{
    return v->b.ops->GetScatterGatherListEx(v->b.adapter, &v->b.device, context, v->b.mdl, offset,
                                            length, flags, routine, v, FALSE, NULL, NULL, list);
}

static ULONG total(const SCATTER_GATHER_LIST *list)
{
    ULONG bytes = 0;

    for (ULONG i = 0; i < list->NumberOfElements; i++)
        bytes += list->Elements[i].Length;
    return bytes;
}

static bool device_writes(const SCATTER_GATHER_LIST *list)
{
    for (ULONG i = 0; i < list->NumberOfElements; i++)
        if (!bench_device_writes((uint64_t)list->Elements[i].Address.QuadPart,
                                 list->Elements[i].Length))
            return false;
    return true;
}

static void body_routine(void)
{
    struct v3 v;

    open(&v, true);
    CHECK(get(&v, v.context, 0, BYTES, 0, deliver, NULL) == STATUS_SUCCESS);
    CHECK(delivered.runs == 1 && total(delivered.list) == BYTES);
    CHECK(device_writes(delivered.list));
    CHECK(get(&v, v.context, 0, BYTES, 0, deliver, NULL) == STATUS_INVALID_PARAMETER); /* in use */
    v.b.ops->PutScatterGatherList(v.b.adapter, delivered.list, FALSE);
    CHECK(v3_all_equal(&v, false));
    CHECK(get(&v, v.context, 100, 50, DMA_SYNCHRONOUS_CALLBACK, deliver, NULL) == STATUS_SUCCESS);
    CHECK(delivered.runs == 2 && total(delivered.list) == 50);
    v.b.ops->PutScatterGatherList(v.b.adapter, delivered.list, FALSE);
}

static void body_no_routine(void)
{
    PSCATTER_GATHER_LIST list = NULL, second = NULL;
    struct v3 v;

    open(&v, true);
    CHECK(get(&v, v.context, 0, BYTES, DMA_SYNCHRONOUS_CALLBACK, NULL, &list) == STATUS_SUCCESS);
    CHECK(list && total(list) == BYTES && delivered.runs == 0);
    CHECK(device_writes(list));
    /* The channel is the caller's until FreeAdapterObject. */
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context)));
    CHECK(get(&v, v.other_context, 0, 10, DMA_SYNCHRONOUS_CALLBACK, NULL, &second) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(second == NULL);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObjectKeepRegisters);
    CHECK(get(&v, v.other_context, 0, 10, DMA_SYNCHRONOUS_CALLBACK, NULL, &second) ==
          STATUS_SUCCESS);
    v.b.ops->PutScatterGatherList(v.b.adapter, second, FALSE);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    v.b.ops->PutScatterGatherList(v.b.adapter, list, FALSE);
    CHECK(v3_all_equal(&v, false));
    CHECK(get(&v, v.context, 0, 10, DMA_SYNCHRONOUS_CALLBACK, NULL, &list) == STATUS_SUCCESS);
    v.b.ops->PutScatterGatherList(v.b.adapter, list, FALSE);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
}

/* v3: success GetScatterGatherListEx; fails GetScatterGatherListEx STATUS_INSUFFICIENT_RESOURCES */
static void lists_come_by_routine_or_at_once(void **state)
{
    (void)state;
    v3_run_all(body_routine);
    v3_run_all(body_no_routine);
}

static void body_chain(void)
{
    const ULONG bytes[] = {5000, 300, 7000};
    struct v3 v;

    memset(&delivered, 0, sizeof delivered);
    v3_open(&v);
    v3_chain(&v, 3, bytes, true);
    ft_irql_set(DISPATCH_LEVEL);
    CHECK(get(&v, v.context, 0, 12300, 0, deliver, NULL) == STATUS_SUCCESS);
    CHECK(total(delivered.list) == 12300 && device_writes(delivered.list));
    v.b.ops->PutScatterGatherList(v.b.adapter, delivered.list, FALSE);
    CHECK(v3_all_equal(&v, false));
    CHECK(get(&v, v.context, 5100, 400, 0, deliver, NULL) == STATUS_SUCCESS); /* 2nd and 3rd */
    CHECK(delivered.runs == 2 && delivered.list->NumberOfElements >= 2);
    v.b.ops->PutScatterGatherList(v.b.adapter, delivered.list, FALSE);
}

static void a_list_may_begin_anywhere_in_a_chain(void **state)
{
    (void)state;
    v3_run_all(body_chain);
}

static void body_refused(void)
{
    PSCATTER_GATHER_LIST list = NULL;
    uint8_t room[64];
    struct v3 v;

    open(&v, true);
    CHECK(get(&v, v.context, 0, BYTES, 0, NULL, &list) == STATUS_INVALID_PARAMETER);
    CHECK(get(&v, v.context, 0, BYTES, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL) ==
          STATUS_INVALID_PARAMETER);
    CHECK(get(&v, v.other_context, 0, BYTES, 0, deliver, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(FT_HOW_STATE(wb_last(FT_EV_SG_GET_EX)->arg[5]) == FT_CONTEXT_RAW);
    CHECK(get(&v, v.context, BYTES, 1, 0, deliver, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(get(&v, v.context, 0, 0, 0, deliver, NULL) == STATUS_INVALID_PARAMETER);
    CHECK(!NT_SUCCESS(get(&v, v.context, 0, BYTES + 1, 0, deliver, NULL)));
    CHECK(v.b.ops->GetScatterGatherListEx(v.b.adapter, &v.b.device, v.context, v.b.mdl, 0, BYTES, 0,
                                          deliver, NULL, FALSE, NULL, room,
                                          NULL) == STATUS_INVALID_PARAMETER);
    CHECK(v.b.ops->BuildScatterGatherListEx(v.b.adapter, &v.b.device, v.context, v.b.mdl, 0, BYTES,
                                            0, deliver, NULL, FALSE, room, sizeof room, NULL, NULL,
                                            NULL) == STATUS_BUFFER_TOO_SMALL);
    CHECK(list == NULL && delivered.runs == 0);
}

static void body_build(void)
{
    DMA_TRANSFER_INFO info = {.Version = DMA_TRANSFER_INFO_VERSION1};
    PVOID list = NULL;
    uint8_t room[1024];
    struct v3 v;

    open(&v, true);
    CHECK(v.b.ops->GetDmaTransferInfo(v.b.adapter, v.b.mdl, 0, BYTES, FALSE, &info) ==
          STATUS_SUCCESS);
    CHECK(info.V1.ScatterGatherListSize <= sizeof room);
    CHECK(v.b.ops->BuildScatterGatherListEx(v.b.adapter, &v.b.device, v.context, v.b.mdl, 0, BYTES,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, FALSE, room,
                                            info.V1.ScatterGatherListSize, NULL, NULL,
                                            &list) == STATUS_SUCCESS);
    CHECK(list == room && device_writes(list));
    v.b.ops->PutScatterGatherList(v.b.adapter, list, FALSE);
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    CHECK(v3_all_equal(&v, false));
}

/* v3: success BuildScatterGatherListEx; fails GetScatterGatherListEx STATUS_INVALID_PARAMETER;
 * fails BuildScatterGatherListEx STATUS_BUFFER_TOO_SMALL STATUS_INVALID_PARAMETER */
static void what_is_not_legal_is_refused(void **state)
{
    (void)state;
    v3_run_all(body_refused);
    v3_run_all(body_build);
}

static void body_cancel(void)
{
    PVOID base;
    struct v3 v;

    open(&v, true);
    CHECK(NT_SUCCESS(v.b.ops->InitializeDmaTransferContext(v.b.adapter, v.other_context)));
    CHECK(v.b.ops->AllocateAdapterChannelEx(v.b.adapter, &v.b.device, v.other_context, 1,
                                            DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
                                            &base) == STATUS_SUCCESS);
    CHECK(get(&v, v.context, 0, BYTES, 0, deliver, NULL) == STATUS_SUCCESS);
    CHECK(delivered.runs == 0); /* it waits for the channel */
    CHECK(v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context));
    v.b.ops->FreeAdapterObject(v.b.adapter, DeallocateObject);
    CHECK(delivered.runs == 0);
    CHECK(v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context)); /* in advance */
    CHECK(get(&v, v.context, 0, BYTES, 0, deliver, NULL) == STATUS_CANCELLED);
    CHECK(get(&v, v.context, 0, BYTES, 0, deliver, NULL) == STATUS_SUCCESS);
    CHECK(delivered.runs == 1);
    CHECK(!v.b.ops->CancelAdapterChannel(v.b.adapter, &v.b.device, v.context));
    v.b.ops->PutScatterGatherList(v.b.adapter, delivered.list, FALSE);
}

/* v3: fails GetScatterGatherListEx STATUS_CANCELLED */
static void a_list_request_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    v3_run_all(body_cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_by_routine_or_at_once),
        cmocka_unit_test(a_list_may_begin_anywhere_in_a_chain),
        cmocka_unit_test(what_is_not_legal_is_refused),
        cmocka_unit_test(a_list_request_that_waits_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
