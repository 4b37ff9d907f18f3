/* A driver that gets no memory: allocation number n of the machine fails, for each n, first while
 * driver and device are made and started, then while a request is on its way through queues, memory
 * objects and a transaction. The run goes to its end, each request comes back, and no rule has
 * anything to say: what failed left nothing behind, in the framework's hands or the driver's. */
#include "wdf_bench.h"

#include "rules/rules.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ANY = 0xFF, MOST = 200, BYTES = 64 };

static struct ft_rules *rules;

static bool judge(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(rules, true, 0);
    return ft_rules_event(rules, event);
}

/* ---- the driver ---- */

static WDFQUEUE held;
static WDFDMAENABLER enabler;

static BOOLEAN program(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                       WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    NTSTATUS status;

    (void)device, (void)direction, (void)list;
    if (WdfDmaTransactionDmaCompleted(tx, &status))
        *(NTSTATUS *)context = status;
    return TRUE;
}

static NTSTATUS transfer(WDFREQUEST request, WDF_DMA_DIRECTION direction)
{
    WDFDMATRANSACTION tx;
    NTSTATUS ended = STATUS_UNSUCCESSFUL;
    NTSTATUS status = WdfDmaTransactionCreate(enabler, NULL, &tx);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfDmaTransactionInitializeUsingRequest(tx, request, program, direction);
    if (NT_SUCCESS(status))
        status = WdfDmaTransactionExecute(tx, &ended);
    WdfObjectDelete(tx);
    return NT_SUCCESS(status) ? ended : status;
}

static NTSTATUS copy(WDFREQUEST request, bool read)
{
    WDFMEMORY memory, own;
    WDF_OBJECT_ATTRIBUTES attributes;
    NTSTATUS status = read ? WdfRequestRetrieveOutputMemory(request, &memory)
                           : WdfRequestRetrieveInputMemory(request, &memory);

    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = request;
    return WdfMemoryCreate(&attributes, NonPagedPoolNx, 0, BYTES, &own, NULL);
}

/* Through the manual queue, and back. */
static NTSTATUS serve(WDFREQUEST *request, bool read)
{
    NTSTATUS status = WdfRequestForwardToIoQueue(*request, held);

    if (!NT_SUCCESS(status))
        return status;
    status = WdfIoQueueRetrieveNextRequest(held, request);
    if (NT_SUCCESS(status))
        status = copy(*request, read);
    if (NT_SUCCESS(status))
        status =
            transfer(*request, read ? WdfDmaDirectionReadFromDevice : WdfDmaDirectionWriteToDevice);
    return status;
}

static VOID on_read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    NTSTATUS status = serve(&request, true);

    (void)queue;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

static VOID on_write(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    NTSTATUS status = serve(&request, false);

    (void)queue;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? length : 0);
}

static VOID on_control(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    NTSTATUS status = serve(&request, true);

    (void)queue, (void)input, (void)code;
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? output : 0);
}

static NTSTATUS add(WDFDEVICE device)
{
    WDF_DMA_ENABLER_CONFIG dma;
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_DMA_ENABLER_CONFIG_INIT(&dma, WdfDmaProfileScatterGather, 4096);
    status = WdfDmaEnablerCreate(device, &dma, NULL, &enabler);
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    if (NT_SUCCESS(status))
        status = WdfIoQueueCreate(device, &config, NULL, &held);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
    config.EvtIoRead = on_read;
    config.EvtIoWrite = on_write;
    config.EvtIoDeviceControl = on_control;
    return NT_SUCCESS(status) ? WdfIoQueueCreate(device, &config, NULL, NULL) : status;
}

static void direct(PWDFDEVICE_INIT init)
{
    WdfDeviceInitSetIoType(init, WdfDeviceIoDirect);
}

/* ---- runs ---- */

static unsigned fails_in_entry; /* 0: none, else its number */

static int entry(void *driver, void *path)
{
    if (fails_in_entry) {
        FT_M->alloc_fail_what = ANY;
        FT_M->alloc_fail_after = fails_in_entry - 1;
    }
    return wdf_bench_entry(driver, path);
}

/* The bench's device moves nothing, so the driver claims data that never came. */
static unsigned findings(unsigned n)
{
    struct ft_verdict verdict = {0};
    unsigned count = 0;

    ft_rules_verdict(rules, &verdict);
    for (unsigned i = 0; i < verdict.finding_count; i++) {
        const char *id = ft_rule_by_number(verdict.finding[i].rule)->id;

        if (!strcmp(id, "dma.flush-covers-device-data"))
            continue;
        print_error("allocation %u: %s at event %llu\n", n, id,
                    (unsigned long long)verdict.finding[i].event);
        count++;
    }
    return count;
}

/* False when no allocation was left to fail. */
static bool run(const struct ft_op *op, unsigned op_count, unsigned n)
{
    the_wdf = (struct wdf_bench){.init = direct, .add = add, .flags = WDF_BENCH_QUIET};
    the_wdf.without[FT_ROUTINE_WDF_PREPARE] = the_wdf.without[FT_ROUTINE_WDF_RELEASE] = 1;
    wb_run(&(struct wb_case){.entry = entry, .op = op, .op_count = op_count, .tap = judge});
    if (wb_result()->stop != FT_STOP_NONE)
        print_error("allocation %u: stop %u\n", n, wb_result()->stop);
    assert_int_equal(findings(n), 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_count(FT_EV_CHOICE_FAIL) != 0;
}

static void a_device_comes_to_an_orderly_end(void **state)
{
    unsigned n = 1;

    (void)state;
    rules = calloc(1, ft_rules_state_bytes());
    assert_non_null(rules);
    do {
        fails_in_entry = n++;
    } while (run(NULL, 0, fails_in_entry) && n < MOST);
    assert_in_range(n, 10, MOST - 1);
    fails_in_entry = 0;
    free(rules);
}

/* The request whose ops are behind the first: it is back, with success or an error. */
static void sweep(struct ft_op request)
{
    struct ft_op op[] = {{.kind = FT_OP_FAIL_ALLOC}, request, request};
    unsigned n = 0;

    op[1].label = 1;
    op[2].label = 2;
    rules = calloc(1, ft_rules_state_bytes());
    assert_non_null(rules);
    do {
        op[0].arg[1] = n++;
        if (!run(op, 3, n))
            break;
        assert_true(wb_count(FT_EV_WDF_COMPLETE) >= 1);
        assert_in_range(wb_count(FT_EV_IRP_DONE), 2, 1000);
    } while (n < MOST);
    assert_in_range(n, 8, MOST - 1);
    assert_int_equal(wb_last(FT_EV_WDF_COMPLETE)->arg[1], STATUS_SUCCESS);
    free(rules);
}

static void a_request_comes_to_an_orderly_end(void **state)
{
    (void)state;
    sweep((struct ft_op){.kind = FT_OP_READ, .arg = {BYTES, 0}});
    sweep((struct ft_op){.kind = FT_OP_WRITE, .arg = {BYTES, 0}});
    sweep((struct ft_op){.kind = FT_OP_IOCTL, .arg = {0, BYTES}});
    sweep((struct ft_op){.kind = FT_OP_IOCTL, .arg = {2, BYTES}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_comes_to_an_orderly_end),
        cmocka_unit_test(a_request_comes_to_an_orderly_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
