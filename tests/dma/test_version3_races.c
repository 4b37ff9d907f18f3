/* Races of the members of version 3 that allocate, map, flush and release: against each other, the
 * device and the completion routine (wdm-dma sheet, 1.16 to 1.28, 3.12, 6.9). */
#include "bench_driver.h"
#include "race_bench.h"

#include "sim/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 5000, REGISTERS = 2, FILL = 0x3C };

static struct v3 *v;
static NTSTATUS status;
static BOOLEAN cancelled;
static ULONG length;
static bool device_got_there;

/* ---- what the races have in common ---- */

static struct {
    unsigned runs;
    DMA_COMPLETION_STATUS status;
    ULONG length; /* as the routine finds it */
} completion;

static void completed(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                      DMA_COMPLETION_STATUS how)
{
    (void)adapter, (void)device, (void)context;
    completion.runs++;
    completion.status = how;
    completion.length = length;
}

static void open_master(void)
{
    v = race_open(true, BYTES);
}

static void free_all(void)
{
    race_free(v);
}

static void open_line(void)
{
    memset(&completion, 0, sizeof completion);
    v = race_open(false, BYTES);
    v3_grant(v, REGISTERS);
    CHECK(v->granted == 1);
}

static void map_line(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    length = BYTES;
    status = v->b.ops->MapTransferEx(v->b.adapter, v->b.mdl, v->b.base, 0, 0, &length, FALSE, NULL,
                                     0, completed, v);
}

static void line_is_mapped(void)
{
    open_line();
    map_line();
    CHECK(status == STATUS_SUCCESS);
}

/* The device asserts its request line until nothing moves any more. */
static void device_fills(void)
{
    static uint8_t bytes[SIM_BURST_BYTES];
    bool terminal = false;
    ULONG moved = 0, piece;

    memset(bytes, FILL, sizeof bytes);
    do {
        piece = sim_slave_transfer(NULL, false, bytes, sizeof bytes, &terminal);
        moved += piece;
    } while (piece && !terminal);
    device_got_there = moved == BYTES;
}

static void flush_line(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    status = v3_flush(v, 0, BYTES, false);
}

static void wait_for_completion(void)
{
    LARGE_INTEGER soon = {.QuadPart = -10000};

    ft_irql_set(PASSIVE_LEVEL);
    KeDelayExecutionThread(KernelMode, FALSE, &soon);
}

static void put(void)
{
    v->b.ops->PutDmaAdapter(v->b.adapter);
}

static void close(void)
{
    put();
    free_all();
}

static void release_line(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    v->b.ops->FreeAdapterChannel(v->b.adapter);
    wait_for_completion();
    close();
}

static void take_channel(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    status =
        v->b.ops->AllocateAdapterChannelEx(v->b.adapter, &v->b.device, v->other_context, REGISTERS,
                                           DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &v->b.base);
}

static void free_object(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    v->b.ops->FreeAdapterObject(v->b.adapter, DeallocateObject);
}

static void cancel_channel(void)
{
    cancelled = v->b.ops->CancelAdapterChannel(v->b.adapter, &v->b.device, v->context);
}

static void ask(void)
{
    status = v3_grant(v, REGISTERS);
}

static void release_registers(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    v->b.ops->FreeMapRegisters(v->b.adapter, v->b.base, REGISTERS);
    ft_irql_set(PASSIVE_LEVEL);
    close();
}

/* ---- GetDmaAdapterInfo, GetDmaTransferInfo ---- */

static void adapter_info(void)
{
    DMA_ADAPTER_INFO info = {.Version = DMA_ADAPTER_INFO_VERSION1};

    status = v->b.ops->GetDmaAdapterInfo(v->b.adapter, &info);
    CHECK(status == RACE_EITHER(STATUS_NOT_SUPPORTED, STATUS_SUCCESS));
    CHECK(info.V1.DmaAddressWidth == RACE_EITHER(0, 64));
}

/* v3: race GetDmaAdapterInfo */
static void info_is_asked_while_the_adapter_goes(void **state)
{
    static const struct race race = {open_master, adapter_info,
                                     put,         FT_PT_DMA_QUERY,
                                     free_all,    {"dma.adapter-use-after-put", NULL}};

    (void)state;
    race_run_all(&race);
}

/* What the adapter can do does not depend on whether its device is there. */
static NTSTATUS info_for_request(PDEVICE_OBJECT device, PIRP irp)
{
    DMA_ADAPTER_INFO info = {.Version = DMA_ADAPTER_INFO_VERSION1};
    DEVICE_DESCRIPTION d = v3_description(true);
    PDMA_ADAPTER adapter;
    ULONG registers;

    (void)device;
    adapter = IoGetDmaAdapter(the_driver.below, &d, &registers);
    CHECK(adapter->DmaOperations->GetDmaAdapterInfo(adapter, &info) == STATUS_SUCCESS);
    CHECK(info.V1.DmaAddressWidth == 64 && info.V1.ScatterGatherLimit == registers);
    CHECK(bench_register(WB_REG_SCRATCH) == UINT32_MAX); /* it is gone */
    adapter->DmaOperations->PutDmaAdapter(adapter);
    wb_note("asked");
    return bench_complete(irp, STATUS_NO_SUCH_DEVICE, 0);
}

static void grants_version_3(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
}

/* v3: race GetDmaAdapterInfo */
static void info_is_asked_while_the_device_is_yanked(void **state)
{
    const struct bench_driver how = {.request = info_for_request, .describe = grants_version_3};

    (void)state;
    for (unsigned when = 0; when < RACE_WHENS; when++) {
        const struct ft_op op[] = {
            {.kind = FT_OP_READ, .label = 1, .arg = {BYTES, 0}},
            {.kind = FT_OP_YANK,
             .moment = {.target = 1, .point = (uint8_t)(FT_PT_DMA_QUERY + when), .count = 1}}};

        bench_driver_run(&how, op, 2);
        assert_int_equal(wb_result()->stop, FT_STOP_NONE);
        assert_int_equal(wb_count(FT_EV_OP_FIRED), 2);
        assert_non_null(strstr(wb_notes(), "asked"));
    }
}

static void transfer_info(void)
{
    DMA_TRANSFER_INFO info = {.Version = DMA_TRANSFER_INFO_VERSION1};

    status = v->b.ops->GetDmaTransferInfo(v->b.adapter, v->b.mdl, 0, BYTES, FALSE, &info);
    CHECK(status == STATUS_SUCCESS && info.V1.MapRegisterCount == REGISTERS);
}

static void info_took_nothing(void)
{
    CHECK(v->granted == 1 && v->b.base != NULL);
    release_registers();
}

/* v3: race GetDmaTransferInfo */
static void what_a_transfer_needs_does_not_depend_on_who_has_it(void **state)
{
    static const struct race race = {open_master,     transfer_info,     ask,
                                     FT_PT_DMA_QUERY, info_took_nothing, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- InitializeDmaTransferContext ---- */

static void init_context(void)
{
    CHECK(v->b.ops->InitializeDmaTransferContext(v->b.adapter, v->context) == STATUS_SUCCESS);
}

static void waiting(void)
{
    open_master();
    take_channel();
    ask();
    CHECK(v->granted == 0);
    ft_irql_set(PASSIVE_LEVEL);
}

/* At the entry the request was granted and released; at the exit the context is new while its
 * request waits, so it serves nobody. */
static void release_both(void)
{
    free_object();
    CHECK(v->granted == 1);
    ft_irql_set(DISPATCH_LEVEL);
    v->b.ops->FreeMapRegisters(v->b.adapter, v->b.base, REGISTERS);
}

static void context_was(void)
{
    CHECK(wb_last(FT_EV_CTX_INIT)->arg[3] == RACE_EITHER(0, 1));
    CHECK(wb_count(FT_EV_CTX_LOST) == RACE_EITHER(0, 1));
    close();
}

/* v3: race InitializeDmaTransferContext */
static void a_context_is_reused_while_its_request_waits(void **state)
{
    static const struct race race = {waiting,      init_context,
                                     release_both, FT_PT_DMA_CONTEXT,
                                     context_was,  {NULL, "dma.ctx-reinit-live"}};

    (void)state;
    race_run_all(&race);
}

/* ---- AllocateAdapterChannelEx, CancelAdapterChannel ---- */

static void asked(void)
{
    CHECK(status == RACE_EITHER(STATUS_CANCELLED, STATUS_SUCCESS));
    CHECK(cancelled == RACE_EITHER(TRUE, FALSE)); /* too late: it has run */
    CHECK(v->granted == RACE_EITHER(0, 1));
    if (v->granted)
        release_registers();
    else
        close();
}

/* v3: race AllocateAdapterChannelEx CancelAdapterChannel */
static void a_channel_request_races_with_its_cancellation(void **state)
{
    static const struct race race = {open_master,       ask,   cancel_channel,
                                     FT_PT_DMA_CHANNEL, asked, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

static void free_and_see(void)
{
    free_object();
    CHECK(v->granted == RACE_EITHER(1, 0));
}

static void cancelled_or_granted(void)
{
    CHECK(cancelled == RACE_EITHER(FALSE, TRUE));
    CHECK(v->granted == RACE_EITHER(1, 0));
    if (v->granted)
        release_registers();
    else
        close();
}

/* v3: race CancelAdapterChannel FreeAdapterObject */
static void a_waiting_request_is_cancelled_while_the_channel_comes_back(void **state)
{
    static const struct race race = {waiting,          cancel_channel,       free_and_see,
                                     FT_PT_DMA_CANCEL, cancelled_or_granted, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- ConfigureAdapterChannel ---- */

static void configure(void)
{
    CHECK(v->b.ops->ConfigureAdapterChannel(v->b.adapter, 1, NULL) == STATUS_NOT_IMPLEMENTED);
}

static void give_channel(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    v->b.ops->FreeAdapterChannel(v->b.adapter);
}

static void configured(void)
{
    bool before = wb_place(FT_EV_DMA_FREE_CHANNEL, 1) < wb_place(FT_EV_DMA_CONFIGURE, 1);

    CHECK(before == RACE_EITHER(true, false));
    CHECK(v->b.ops->ReadDmaCounter(v->b.adapter) == 0); /* nothing was programmed */
    close();
}

/* v3: race ConfigureAdapterChannel */
static void a_channel_is_configured_while_it_goes(void **state)
{
    static const struct race race = {open_line,       configure,  give_channel,
                                     FT_PT_DMA_QUERY, configured, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- MapTransferEx, CancelMappedTransfer, FlushAdapterBuffersEx ---- */

static void cancel_mapped(void)
{
    CHECK(v->b.ops->CancelMappedTransfer(v->b.adapter, v->context) == STATUS_SUCCESS);
}

static void mapped_or_cancelled(void)
{
    CHECK(status == RACE_EITHER(STATUS_CANCELLED, STATUS_SUCCESS));
    CHECK(length == RACE_EITHER(0, BYTES));
    wait_for_completion();
    CHECK(completion.runs == RACE_EITHER(0, 1));
    CHECK(completion.status == RACE_EITHER(DmaComplete, DmaCancelled)); /* 0: it did not run */
    if (status == STATUS_SUCCESS)
        flush_line();
    release_line();
}

/* v3: race MapTransferEx CancelMappedTransfer */
static void a_mapping_races_with_its_cancellation(void **state)
{
    static const struct race race = {open_line,           map_line,    cancel_mapped, FT_PT_DMA_MAP,
                                     mapped_or_cancelled, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

static void completed_early(void)
{
    CHECK(status == STATUS_SUCCESS && device_got_there == RACE_EITHER(false, true));
    CHECK(completion.runs == RACE_EITHER(0, 1)); /* before MapTransferEx returned */
    if (!device_got_there) {
        device_fills();
        wait_for_completion();
    }
    CHECK(completion.runs == 1 && completion.length == BYTES);
    flush_line();
    CHECK(status == STATUS_SUCCESS && v->b.buffer[BYTES - 1] == FILL);
    release_line();
}

/* v3: race MapTransferEx */
static void the_device_is_done_before_map_transfer_returns(void **state)
{
    static const struct race race = {open_line,     map_line,        device_fills,
                                     FT_PT_DMA_MAP, completed_early, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* The completion routine has its turn, or the cancellation comes before the last byte. */
static void stopped(void)
{
    CHECK(device_got_there == RACE_EITHER(true, false));
    wait_for_completion();
    CHECK(completion.runs == 1);
    CHECK(completion.status == RACE_EITHER(DmaComplete, DmaCancelled));
    CHECK(wb_last(FT_EV_DMA_COMPLETE)->arg[3] == RACE_EITHER(0, BYTES));
    flush_line();
    CHECK(status == STATUS_SUCCESS);
    release_line();
}

/* v3: race CancelMappedTransfer */
static void a_cancellation_races_with_the_completion(void **state)
{
    static const struct race race = {line_is_mapped,   cancel_mapped, device_fills,
                                     FT_PT_DMA_CANCEL, stopped,       {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

static void flushed(void)
{
    CHECK(status == STATUS_SUCCESS && device_got_there == RACE_EITHER(true, false));
    CHECK(wb_last(FT_EV_DMA_FLUSH_EX)->arg[7] == RACE_EITHER(0, 1)); /* it was running: aborted */
    CHECK((v->b.buffer[0] == FILL) == RACE_EITHER(true, false));
    wait_for_completion();
    CHECK(completion.runs == RACE_EITHER(1, 0));
    release_line();
}

/* v3: race FlushAdapterBuffersEx */
static void a_flush_races_with_a_running_channel(void **state)
{
    static const struct race race = {line_is_mapped, flush_line,
                                     device_fills,   FT_PT_DMA_FLUSH,
                                     flushed,        {NULL, "dma.flush-system-running"}};

    (void)state;
    race_run_all(&race);
}

/* ---- FlushDmaBuffer ---- */

static void master_is_mapped(void)
{
    open_master();
    ask();
    length = BYTES;
    CHECK(v3_map(v, 0, &length, false) == STATUS_SUCCESS && length == BYTES);
    CHECK(v->b.buffer[0] != FILL); /* and the processor has the line */
    ft_irql_set(PASSIVE_LEVEL);
}

static void flush_buffer(void)
{
    CHECK(v->b.ops->FlushDmaBuffer(v->b.adapter, v->b.mdl, TRUE) == STATUS_SUCCESS);
}

static void device_writes_byte(void)
{
    uint8_t byte = FILL;

    CHECK(sim_dma_write(NULL, (uint64_t)v->list.Elements[0].Address.QuadPart, &byte, 1));
}

/* It moves what was there when it came; what the device writes later is the next flush's. It never
 * moves bounced data. */
static void buffer_has(void)
{
    const struct ft_platform *platform = &FT_M->platform;
    bool shared = platform->coherent && platform->bounce == FT_BOUNCE_NEVER;
    bool moved = !platform->coherent && race_when() == RACE_ENTRY;

    CHECK((v->b.buffer[0] == FILL) == (shared || moved));
    CHECK(v3_flush(v, 0, BYTES, false) == STATUS_SUCCESS);
    CHECK(v->b.buffer[0] == FILL);
    release_registers();
}

/* v3: race FlushDmaBuffer */
static void a_buffer_is_flushed_while_the_device_writes(void **state)
{
    static const struct race race = {master_is_mapped,       flush_buffer, device_writes_byte,
                                     FT_PT_DMA_FLUSH_BUFFER, buffer_has,   {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- GetScatterGatherListEx, BuildScatterGatherListEx ---- */

static PSCATTER_GATHER_LIST list;

static void deliver(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST made, PVOID context)
{
    (void)device, (void)irp, (void)context;
    list = made;
    v->granted++;
}

static void get_list(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    status = v->b.ops->GetScatterGatherListEx(v->b.adapter, &v->b.device, v->context, v->b.mdl, 0,
                                              BYTES, 0, deliver, NULL, FALSE, NULL, NULL, NULL);
}

static void put_list(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    if (list)
        v->b.ops->PutScatterGatherList(v->b.adapter, list, FALSE);
    list = NULL;
}

static void listed_or_cancelled(void)
{
    CHECK(status == RACE_EITHER(STATUS_CANCELLED, STATUS_SUCCESS));
    CHECK(cancelled == RACE_EITHER(TRUE, FALSE) && v->granted == RACE_EITHER(0, 1));
    CHECK((list != NULL) == RACE_EITHER(false, true));
    put_list();
    close();
}

/* v3: race GetScatterGatherListEx CancelAdapterChannel */
static void a_list_request_races_with_its_cancellation(void **state)
{
    static const struct race race = {open_master,         get_list,    cancel_channel, FT_PT_SG_GET,
                                     listed_or_cancelled, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

static NTSTATUS rival_status;

static void build_list(void)
{
    static uint8_t room[1024];

    ft_irql_set(DISPATCH_LEVEL);
    status = v->b.ops->BuildScatterGatherListEx(v->b.adapter, &v->b.device, v->context, v->b.mdl, 0,
                                                BYTES, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, FALSE,
                                                room, sizeof room, NULL, NULL, &list);
}

static void rival_takes_channel(void)
{
    ft_irql_set(DISPATCH_LEVEL);
    rival_status =
        v->b.ops->AllocateAdapterChannelEx(v->b.adapter, &v->b.device, v->other_context, REGISTERS,
                                           DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &v->b.base);
}

static void one_has_the_channel(void)
{
    CHECK(status == RACE_EITHER(STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS));
    CHECK(rival_status == RACE_EITHER(STATUS_SUCCESS, STATUS_INSUFFICIENT_RESOURCES));
    put_list();
    free_object();
    ft_irql_set(PASSIVE_LEVEL);
    close();
}

/* v3: race BuildScatterGatherListEx AllocateAdapterChannelEx; fails BuildScatterGatherListEx
 * STATUS_INSUFFICIENT_RESOURCES */
static void two_synchronous_requests_want_one_channel(void **state)
{
    static const struct race race = {open_master,  build_list,          rival_takes_channel,
                                     FT_PT_SG_GET, one_has_the_channel, {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

/* ---- FreeAdapterObject ---- */

static void channel_is_taken(void)
{
    open_master();
    take_channel();
    ft_irql_set(PASSIVE_LEVEL);
}

/* The request that waits is granted inside the call of the one that frees; one that comes later is
 * granted in its own. */
static void granted_by(void)
{
    const struct ft_event *freed = wb_last(FT_EV_FREE_OBJECT), *grant = wb_last(FT_EV_DMA_GRANT);

    CHECK(v->granted == 1 && wb_count(FT_EV_DMA_GRANT) == 2);
    CHECK((grant->task == freed->task) == RACE_EITHER(true, false));
    release_registers();
}

/* v3: race FreeAdapterObject AllocateAdapterChannelEx */
static void a_channel_is_freed_while_another_request_comes(void **state)
{
    static const struct race race = {channel_is_taken, free_object, ask,
                                     FT_PT_DMA_FREE,   granted_by,  {NULL, NULL}};

    (void)state;
    race_run_all(&race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_is_asked_while_the_adapter_goes),
        cmocka_unit_test(info_is_asked_while_the_device_is_yanked),
        cmocka_unit_test(what_a_transfer_needs_does_not_depend_on_who_has_it),
        cmocka_unit_test(a_context_is_reused_while_its_request_waits),
        cmocka_unit_test(a_channel_request_races_with_its_cancellation),
        cmocka_unit_test(a_waiting_request_is_cancelled_while_the_channel_comes_back),
        cmocka_unit_test(a_channel_is_configured_while_it_goes),
        cmocka_unit_test(a_mapping_races_with_its_cancellation),
        cmocka_unit_test(the_device_is_done_before_map_transfer_returns),
        cmocka_unit_test(a_cancellation_races_with_the_completion),
        cmocka_unit_test(a_flush_races_with_a_running_channel),
        cmocka_unit_test(a_buffer_is_flushed_while_the_device_writes),
        cmocka_unit_test(a_list_request_races_with_its_cancellation),
        cmocka_unit_test(two_synchronous_requests_want_one_channel),
        cmocka_unit_test(a_channel_is_freed_while_another_request_comes),
    };

    return cmocka_run_group_tests_name("races of DMA version 3", tests, NULL, NULL);
}
