/* Transactions of a whole KMDF driver, through start, sleep, wake and removal, with the rules
 * watching: the framework's own calls of the HAL break none of them. */
#include "wdf_bench.h"

#include "rules/rules.h"
#include "sim/device.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BYTES = 9000, MAXIMUM = 4096, TAG = 'amdW' };

static struct ft_rules *rules;

static struct {
    WDF_DMA_PROFILE profile;
    ULONG version;
    WDFDMAENABLER enabler;
    WDFDMATRANSACTION tx;
    WDFCOMMONBUFFER common;
    PUCHAR buffer;
    PMDL mdl;
    unsigned programs;
    size_t bytes;
    bool nested; /* EvtProgramDma completes */
} my;

/* ---- the rules ---- */

static bool watch(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(rules, true, 0);
    return ft_rules_event(rules, event);
}

static unsigned show_findings(const char *title)
{
    struct ft_verdict verdict = {0};

    ft_rules_verdict(rules, &verdict);
    for (uint32_t i = 0; i < verdict.finding_count; i++)
        fprintf(stderr, "%s: %s at event %llu\n", title,
                ft_rule_by_number(verdict.finding[i].rule)->id,
                (unsigned long long)verdict.finding[i].event);
    assert_int_equal(verdict.kind == FT_VERDICT_CLEAN, verdict.finding_count == 0);
    return verdict.finding_count;
}

/* ---- the driver ---- */

static void device_moves(const SCATTER_GATHER_LIST *list, bool write)
{
    uint8_t bytes[64] = {0};

    for (ULONG i = 0; i < list->NumberOfElements; i++)
        for (ULONG at = 0; at < list->Elements[i].Length; at += sizeof bytes) {
            ULONG left = list->Elements[i].Length - at;
            uint64_t address = (uint64_t)list->Elements[i].Address.QuadPart + at;

            left = left < sizeof bytes ? left : sizeof bytes;
            for (ULONG b = 0; b < left; b++)
                bytes[b] = (uint8_t)(my.bytes + at + b);
            CHECK(write ? sim_dma_read(NULL, address, bytes, left)
                        : sim_dma_write(NULL, address, bytes, left));
        }
}

static BOOLEAN program(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                       WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    NTSTATUS status;

    CHECK(tx == my.tx && device == the_wdf.device && context == &my);
    my.programs++;
    device_moves(list, direction == WdfDmaDirectionWriteToDevice);
    for (ULONG i = 0; i < list->NumberOfElements; i++)
        my.bytes += list->Elements[i].Length;
    if (my.nested)
        (void)WdfDmaTransactionDmaCompleted(tx, &status);
    return TRUE;
}

static void transfer(WDF_DMA_DIRECTION direction, bool nested)
{
    NTSTATUS status = STATUS_SUCCESS;
    unsigned rounds = 0;

    my.programs = 0;
    my.bytes = 0;
    my.nested = nested;
    RtlZeroMemory(my.buffer, BYTES);
    CHECK(WdfDmaTransactionInitialize(my.tx, program, direction, my.mdl, my.buffer, BYTES) ==
          STATUS_SUCCESS);
    CHECK(WdfDmaTransactionExecute(my.tx, &my) == STATUS_SUCCESS);
    while (!nested && !WdfDmaTransactionDmaCompleted(my.tx, &status) && rounds++ < 10)
        CHECK(status == STATUS_MORE_PROCESSING_REQUIRED);
    CHECK(status == STATUS_SUCCESS && my.bytes == BYTES && my.programs == 3);
    CHECK(WdfDmaTransactionGetBytesTransferred(my.tx) == BYTES);
    for (unsigned i = 0; direction == WdfDmaDirectionReadFromDevice && i < BYTES; i++)
        if (my.buffer[i] != (UCHAR)i) {
            CHECK(my.buffer[i] == (UCHAR)i);
            break;
        }
    CHECK(WdfDmaTransactionRelease(my.tx) == STATUS_SUCCESS);
}

static NTSTATUS add(WDFDEVICE device)
{
    WDF_DMA_ENABLER_CONFIG config;

    WDF_DMA_ENABLER_CONFIG_INIT(&config, my.profile, MAXIMUM);
    config.WdmDmaVersionOverride = my.version;
    CHECK(WdfDmaEnablerCreate(device, &config, NULL, &my.enabler) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionCreate(my.enabler, NULL, &my.tx) == STATUS_SUCCESS);
    CHECK(WdfCommonBufferCreate(my.enabler, 100, NULL, &my.common) == STATUS_SUCCESS);
    my.buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG);
    my.mdl = IoAllocateMdl(my.buffer, BYTES, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(my.mdl);
    return STATUS_SUCCESS;
}

/* A read: the transaction is bound to the request, which is held until it ends. */
static VOID io_read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    NTSTATUS status;

    (void)queue;
    my.programs = 0;
    my.bytes = 0;
    my.nested = false;
    CHECK(WdfDmaTransactionInitializeUsingRequest(my.tx, request, program,
                                                  WdfDmaDirectionReadFromDevice) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetRequest(my.tx) == request);
    CHECK(WdfDmaTransactionExecute(my.tx, &my) == STATUS_SUCCESS);
    while (!WdfDmaTransactionDmaCompleted(my.tx, &status))
        CHECK(status == STATUS_MORE_PROCESSING_REQUIRED);
    CHECK(status == STATUS_SUCCESS && my.bytes == length);
    CHECK(WdfDmaTransactionGetRequest(my.tx) == request);
    CHECK(WdfDmaTransactionRelease(my.tx) == STATUS_SUCCESS);
    CHECK(WdfDmaTransactionGetRequest(my.tx) == NULL);
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, my.bytes);
}

static NTSTATUS add_with_queue(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = io_read;
    CHECK(WdfIoQueueCreate(device, &config, NULL, NULL) == STATUS_SUCCESS);
    return add(device);
}

static void init_direct(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetIoType(init, WdfDeviceIoDirect);
}

static void in_callback(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine == FT_ROUTINE_WDF_SMIO_INIT || routine == FT_ROUTINE_WDF_SMIO_RESTART) {
        transfer(WdfDmaDirectionReadFromDevice, false);
        transfer(WdfDmaDirectionWriteToDevice, false);
        transfer(WdfDmaDirectionReadFromDevice, true);
    }
    if (routine == FT_ROUTINE_WDF_RELEASE && my.mdl) {
        IoFreeMdl(my.mdl);
        ExFreePoolWithTag(my.buffer, TAG);
        my.mdl = NULL;
    }
}

static void describe(struct ft_description *description)
{
    description->model = FT_MODEL_KMDF;
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
}

static const struct ft_op sleep_and_wake[] = {
    {.kind = FT_OP_POWER_DOWN, .arg = {4}, .moment = {.count = 0}},
    {.kind = FT_OP_POWER_UP, .moment = {.count = 0}},
};

static void run(enum ft_platform_name preset)
{
    memset(&my.enabler, 0, sizeof my - offsetof(typeof(my), enabler));
    the_wdf = (struct wdf_bench){.flags = WDF_BENCH_QUIET, .add = add, .in = in_callback};
    wb_run(&(struct wb_case){.entry = wdf_bench_entry,
                             .preset = preset,
                             .describe = describe,
                             .op = sleep_and_wake,
                             .op_count = 2,
                             .tap = watch});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void test_profiles(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (my.version = 2; my.version <= 3; my.version++)
        for (unsigned profile = WdfDmaProfilePacket; profile < WdfDmaProfileSystem; profile++)
            for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++) {
                char title[64];

                my.profile = (WDF_DMA_PROFILE)profile;
                if (preset == FT_PLATFORM_NONCOHERENT && my.version == 2)
                    continue; /* version 3 there */
                snprintf(title, sizeof title, "profile %u, version %u, platform %u", profile,
                         my.version, preset);
                run((enum ft_platform_name)preset);
                wrong += show_findings(title);
                assert_int_equal(wb_count(FT_EV_WDF_TX_EXECUTE), 6);
            }
    assert_int_equal(wrong, 0);
}

static const struct ft_op a_read[] = {{.kind = FT_OP_READ, .label = 1, .arg = {5000, 300}}};

static void test_requests(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (my.version = 2; my.version <= 3; my.version++)
        for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
            for (unsigned packet = 0; packet < 2; packet++) {
                if (preset == FT_PLATFORM_NONCOHERENT && my.version == 2)
                    continue;
                my.profile = packet ? WdfDmaProfilePacket : WdfDmaProfileScatterGather;
                memset(&my.enabler, 0, sizeof my - offsetof(typeof(my), enabler));
                the_wdf = (struct wdf_bench){.flags = WDF_BENCH_QUIET,
                                             .add = add_with_queue,
                                             .init = init_direct,
                                             .in = in_callback};
                wb_run(&(struct wb_case){.entry = wdf_bench_entry,
                                         .preset = (enum ft_platform_name)preset,
                                         .describe = describe,
                                         .op = a_read,
                                         .op_count = 1,
                                         .tap = watch});
                assert_int_equal(wb_result()->stop, FT_STOP_NONE);
                wrong += show_findings("request");
                assert_int_equal(wb_count(FT_EV_WDF_TX_EXECUTE), 4);
                assert_int_not_equal(wb_last(FT_EV_WDF_TX_EXECUTE)->arg[1], 0);
            }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_profiles),
                                       cmocka_unit_test(test_requests)};
    int failed;

    rules = calloc(1, ft_rules_state_bytes());
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(rules);
    return failed;
}
