/* Every routine of the framework, one level above its highest (levels.def): wdf:irql says so, and
 * names that level. What the call does besides is not looked at; it may stop the machine.
 *
 * A whole driver makes the call, in a run of its own: for a device that is yet to be made in
 * EvtDriverDeviceAdd, for what a device asks for in EvtDeviceFilterAddResourceRequirements, else in
 * the handler of a read request.
 */
#include "wdf_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum argument {
    A_ZERO,
    A_ONE,
    A_ROUTINE,
    A_BUFFER,
    A_INIT,
    A_INIT_PLACE,
    A_DRIVER,
    A_DRIVER_OBJECT,
    A_DEVICE,
    A_DEVICE_OBJECT,
    A_OBJECT,
    A_QUEUE,
    A_LOCKED,
    A_REQUEST,
    A_IRP,
    A_MDL,
    A_FILE,
    A_FILE_OBJECT,
    A_INTERRUPT,
    A_ENABLER,
    A_TX,
    A_COMMON,
    A_TIMER,
    A_DPC,
    A_WORK,
    A_MEMORY,
    A_BOUND_MEMORY,
    A_LOOKASIDE,
    A_COLLECTION,
    A_STRING,
    A_KEY,
    A_SPIN,
    A_WAIT,
    A_RESOURCES,
    A_TARGET,
    A_REQUIREMENTS,
    A_LIST,
    ARGUMENTS
};

enum { PASSIVE, APC, DISPATCH, ANY, ARGUMENTS_MOST = 10, BUFFER_BYTES = 4096 };

typedef uintptr_t routine_call(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
                               uintptr_t f, uintptr_t g, uintptr_t h, uintptr_t i, uintptr_t j);

#define LEVEL(name, highest, ...) {#name, (void (*)(void))(name), highest, {__VA_ARGS__}},
static const struct row {
    const char *name;
    void (*routine)(void);
    uint8_t highest;
    uint8_t argument[ARGUMENTS_MOST];
} rows[] = {
#include "levels.def"
};

static const struct row *present;
static uintptr_t ready[ARGUMENTS];
static unsigned char buffer[BUFFER_BYTES] __attribute__((aligned(16)));

/* ---- what calls are made with ---- */

static VOID do_nothing(WDFOBJECT object)
{
    (void)object;
}

static void make_deferred(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG timer;
    WDF_DPC_CONFIG dpc;
    WDF_WORKITEM_CONFIG work;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    WDF_TIMER_CONFIG_INIT(&timer, (PFN_WDF_TIMER)do_nothing);
    WDF_DPC_CONFIG_INIT(&dpc, (PFN_WDF_DPC)do_nothing);
    WDF_WORKITEM_CONFIG_INIT(&work, (PFN_WDF_WORKITEM)do_nothing);
    CHECK(WdfTimerCreate(&timer, &attributes, (WDFTIMER *)&ready[A_TIMER]) == STATUS_SUCCESS);
    CHECK(WdfDpcCreate(&dpc, &attributes, (WDFDPC *)&ready[A_DPC]) == STATUS_SUCCESS);
    CHECK(WdfWorkItemCreate(&work, &attributes, (WDFWORKITEM *)&ready[A_WORK]) == STATUS_SUCCESS);
}

static void make_plain(WDFDEVICE device)
{
    DECLARE_CONST_UNICODE_STRING(path, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
    WDFDMAENABLER enabler = the_wdf.enabler[0];

    CHECK(WdfObjectCreate(NULL, (WDFOBJECT *)&ready[A_OBJECT]) == STATUS_SUCCESS);
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, BUFFER_BYTES, (WDFMEMORY *)&ready[A_MEMORY],
                          NULL) == STATUS_SUCCESS);
    CHECK(WdfMemoryCreatePreallocated(NULL, buffer, BUFFER_BYTES,
                                      (WDFMEMORY *)&ready[A_BOUND_MEMORY]) == STATUS_SUCCESS);
    CHECK(WdfLookasideListCreate(NULL, BUFFER_BYTES, NonPagedPoolNx, NULL, 0,
                                 (WDFLOOKASIDE *)&ready[A_LOOKASIDE]) == STATUS_SUCCESS);
    CHECK(WdfCollectionCreate(NULL, (WDFCOLLECTION *)&ready[A_COLLECTION]) == STATUS_SUCCESS);
    CHECK(WdfStringCreate(NULL, NULL, (WDFSTRING *)&ready[A_STRING]) == STATUS_SUCCESS);
    CHECK(WdfSpinLockCreate(NULL, (WDFSPINLOCK *)&ready[A_SPIN]) == STATUS_SUCCESS);
    CHECK(WdfWaitLockCreate(NULL, (WDFWAITLOCK *)&ready[A_WAIT]) == STATUS_SUCCESS);
    CHECK(WdfRegistryOpenKey(NULL, &path, KEY_ALL_ACCESS, NULL, (WDFKEY *)&ready[A_KEY]) ==
          STATUS_SUCCESS);
    CHECK(WdfDmaTransactionCreate(enabler, NULL, (WDFDMATRANSACTION *)&ready[A_TX]) ==
          STATUS_SUCCESS);
    CHECK(WdfCommonBufferCreate(enabler, BUFFER_BYTES, NULL, (WDFCOMMONBUFFER *)&ready[A_COMMON]) ==
          STATUS_SUCCESS);
    ready[A_TARGET] = (uintptr_t)WdfDeviceGetIoTarget(device);
}

/* ---- the call ---- */

static void call_now(void)
{
    const uint8_t *kind = present->argument;
    uintptr_t a[ARGUMENTS_MOST];
    KIRQL level = present->highest == ANY        ? WB_IRQ_LEVEL
                  : present->highest == DISPATCH ? DISPATCH_LEVEL + 1
                  : present->highest == APC      ? DISPATCH_LEVEL
                                                 : APC_LEVEL;

    for (unsigned i = 0; i < ARGUMENTS_MOST; i++) {
        a[i] = ready[kind[i]];
        CHECK(kind[i] == A_ZERO || a[i] != 0);
    }
    ft_irql_set(level);
    ((routine_call *)present->routine)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
    ft_irql_set(PASSIVE_LEVEL);
}

static bool is_about_init(void)
{
    return present->argument[0] == A_INIT || present->argument[0] == A_INIT_PLACE;
}

static bool is_about_requirements(void)
{
    return present->argument[0] == A_REQUIREMENTS || present->argument[0] == A_LIST;
}

static NTSTATUS call_with_requirements(WDFDEVICE device, WDFIORESREQLIST requirements)
{
    (void)device;
    ready[A_REQUIREMENTS] = (uintptr_t)requirements;
    ready[A_LIST] = (uintptr_t)WdfIoResourceRequirementsListGetIoResList(requirements, 0);
    if (is_about_requirements())
        call_now();
    return STATUS_SUCCESS;
}

static void call_with_init(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS callbacks;
    WDF_FILEOBJECT_CONFIG files;

    WDF_FDO_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceFilterAddResourceRequirements = call_with_requirements;
    WdfFdoInitSetEventCallbacks(init, &callbacks);

    WDF_FILEOBJECT_CONFIG_INIT(&files, NULL, NULL, NULL);
    WdfDeviceInitSetFileObjectConfig(init, &files, NULL);
    WdfDeviceInitSetIoType(init, WdfDeviceIoDirect);
    ready[A_INIT] = (uintptr_t)init;
    ready[A_INIT_PLACE] = (uintptr_t)&ready[A_INIT];
    if (is_about_init())
        call_now();
}

static VOID call_with_request(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)length;
    if (is_about_init() || is_about_requirements())
        return;
    ready[A_QUEUE] = (uintptr_t)queue;
    ready[A_REQUEST] = (uintptr_t)request;
    ready[A_IRP] = (uintptr_t)WdfRequestWdmGetIrp(request);
    ready[A_FILE] = (uintptr_t)WdfRequestGetFileObject(request);
    ready[A_FILE_OBJECT] = (uintptr_t)WdfFileObjectWdmGetFileObject((WDFFILEOBJECT)ready[A_FILE]);
    CHECK(WdfRequestRetrieveOutputWdmMdl(request, (PMDL *)&ready[A_MDL]) == STATUS_SUCCESS);
    call_now();
}

static NTSTATUS make_all(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;

    make_deferred(device);
    make_plain(device);
    ready[A_DRIVER] = (uintptr_t)the_wdf.driver;
    ready[A_DRIVER_OBJECT] = (uintptr_t)WdfDriverWdmGetDriverObject(the_wdf.driver);
    ready[A_DEVICE] = (uintptr_t)device;
    ready[A_DEVICE_OBJECT] = (uintptr_t)WdfDeviceWdmGetDeviceObject(device);
    ready[A_INTERRUPT] = (uintptr_t)the_wdf.interrupt[0];
    ready[A_ENABLER] = (uintptr_t)the_wdf.enabler[0];
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.SynchronizationScope = WdfSynchronizationScopeQueue;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    CHECK(WdfIoQueueCreate(device, &config, &attributes, (WDFQUEUE *)&ready[A_LOCKED]) ==
          STATUS_SUCCESS);
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = call_with_request;
    return WdfIoQueueCreate(device, &config, NULL, NULL);
}

static void note_resources(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine == FT_ROUTINE_WDF_PREPARE)
        ready[A_RESOURCES] = (uintptr_t)the_wdf.raw;
}

/* ---- the tests ---- */

static const uint8_t levels[] = {
    [PASSIVE] = PASSIVE_LEVEL, [APC] = APC_LEVEL, [DISPATCH] = DISPATCH_LEVEL};

static bool is_judged(void)
{
    const struct ft_event *first = wb_event(FT_EV_WDF_IRQL, 1);

    if (present->highest == ANY)
        return wb_count(FT_EV_WDF_IRQL) == 0;
    return wb_count(FT_EV_WDF_IRQL) > 0 && first->arg[0] == levels[present->highest];
}

static void one_level_too_high_is_an_event(void **state)
{
    static const struct ft_op op[] = {{.kind = FT_OP_READ, .label = 1, .arg = {64, 0}}};
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        present = &rows[i];
        memset(ready, 0, sizeof ready);
        memset(buffer, 0, sizeof buffer);
        ready[A_BUFFER] = (uintptr_t)buffer;
        ready[A_ONE] = 1;
        ready[A_ROUTINE] = (uintptr_t)do_nothing;
        wdf_bench_run(&(struct wdf_bench){.init = call_with_init,
                                          .add = make_all,
                                          .in = note_resources,
                                          .interrupts = 1,
                                          .enablers = 1,
                                          .flags = WDF_BENCH_QUIET},
                      op, 1);
        if (is_judged())
            continue;
        wrong++;
        print_error("%s: highest %u, %u wdf:irql, the first says %u\n", present->name,
                    present->highest, wb_count(FT_EV_WDF_IRQL),
                    (unsigned)wb_event(FT_EV_WDF_IRQL, 1)->arg[0]);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_level_too_high_is_an_event)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
