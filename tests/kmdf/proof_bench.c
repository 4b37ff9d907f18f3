#include "proof_bench.h"

#include "world/machine.h"

#include <string.h>

uintptr_t ready[ARGUMENTS];
unsigned char proof_buffer[PROOF_BYTES] __attribute__((aligned(16)));
static struct proof_run now;
static WDF_DEVICE_PROPERTY_DATA property = {.Size = sizeof property};
static UNICODE_STRING name = RTL_CONSTANT_STRING(L"name");

static void call_at(enum proof_place place)
{
    if (now.place == place)
        now.call();
}

unsigned proof_spare_begin(void)
{
    unsigned armed = FT_M->alloc_fail_what;

    FT_M->alloc_fail_what = 0;
    return armed;
}

void proof_spare_end(unsigned armed)
{
    FT_M->alloc_fail_what = armed;
}

/* ---- one of everything ---- */

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
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, PROOF_BYTES, (WDFMEMORY *)&ready[A_MEMORY],
                          NULL) == STATUS_SUCCESS);
    CHECK(WdfMemoryCreatePreallocated(NULL, proof_buffer, PROOF_BYTES,
                                      (WDFMEMORY *)&ready[A_BOUND_MEMORY]) == STATUS_SUCCESS);
    CHECK(WdfLookasideListCreate(NULL, PROOF_BYTES, NonPagedPoolNx, NULL, 0,
                                 (WDFLOOKASIDE *)&ready[A_LOOKASIDE]) == STATUS_SUCCESS);
    CHECK(WdfCollectionCreate(NULL, (WDFCOLLECTION *)&ready[A_COLLECTION]) == STATUS_SUCCESS);
    CHECK(WdfStringCreate(NULL, NULL, (WDFSTRING *)&ready[A_STRING]) == STATUS_SUCCESS);
    CHECK(WdfSpinLockCreate(NULL, (WDFSPINLOCK *)&ready[A_SPIN]) == STATUS_SUCCESS);
    CHECK(WdfWaitLockCreate(NULL, (WDFWAITLOCK *)&ready[A_WAIT]) == STATUS_SUCCESS);
    CHECK(WdfRegistryOpenKey(NULL, &path, KEY_ALL_ACCESS, NULL, (WDFKEY *)&ready[A_KEY]) ==
          STATUS_SUCCESS);
    CHECK(WdfDmaTransactionCreate(enabler, NULL, (WDFDMATRANSACTION *)&ready[A_TX]) ==
          STATUS_SUCCESS);
    CHECK(WdfCommonBufferCreate(enabler, PROOF_BYTES, NULL, (WDFCOMMONBUFFER *)&ready[A_COMMON]) ==
          STATUS_SUCCESS);
    ready[A_TARGET] = (uintptr_t)WdfDeviceGetIoTarget(device);
    CHECK(WdfIoTargetCreate(device, NULL, (WDFIOTARGET *)&ready[A_REMOTE]) == STATUS_SUCCESS);
}

static void make_wmi(WDFDEVICE device)
{
    static const GUID guid = {1, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
    WDF_WMI_PROVIDER_CONFIG provider;
    WDF_WMI_INSTANCE_CONFIG instance;

    WDF_WMI_PROVIDER_CONFIG_INIT(&provider, &guid);
    provider.Flags = WdfWmiProviderEventOnly;
    CHECK(WdfWmiProviderCreate(device, &provider, NULL, (WDFWMIPROVIDER *)&ready[A_WMI_PROVIDER]) ==
          STATUS_SUCCESS);
    WDF_WMI_INSTANCE_CONFIG_INIT_PROVIDER(&instance, (WDFWMIPROVIDER)ready[A_WMI_PROVIDER]);
    CHECK(WdfWmiInstanceCreate(device, &instance, NULL, (WDFWMIINSTANCE *)&ready[A_WMI_INSTANCE]) ==
          STATUS_SUCCESS);
}

static NTSTATUS no_child(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                         PWDFDEVICE_INIT init)
{
    (void)list, (void)id, (void)init;
    return STATUS_UNSUCCESSFUL;
}

static void make_child_list(WDFDEVICE device)
{
    WDF_CHILD_LIST_CONFIG config;

    WDF_CHILD_LIST_CONFIG_INIT(&config, 16, no_child);
    CHECK(WdfChildListCreate(device, &config, NULL, (WDFCHILDLIST *)&ready[A_CHILD_LIST]) ==
          STATUS_SUCCESS);
}

/* ---- the places ---- */

static NTSTATUS at_requirements(WDFDEVICE device, WDFIORESREQLIST requirements)
{
    (void)device;
    ready[A_REQUIREMENTS] = (uintptr_t)requirements;
    ready[A_LIST] = (uintptr_t)WdfIoResourceRequirementsListGetIoResList(requirements, 0);
    call_at(P_REQUIREMENTS);
    return STATUS_SUCCESS;
}

static void at_init(PWDFDEVICE_INIT init)
{
    WDF_FDO_EVENT_CALLBACKS callbacks;
    WDF_FILEOBJECT_CONFIG files;

    WDF_FDO_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceFilterAddResourceRequirements = at_requirements;
    WdfFdoInitSetEventCallbacks(init, &callbacks);
    WDF_FILEOBJECT_CONFIG_INIT(&files, NULL, NULL, NULL);
    WdfDeviceInitSetFileObjectConfig(init, &files, NULL);
    WdfDeviceInitSetIoType(init, WdfDeviceIoDirect);
    ready[A_DRIVER] = (uintptr_t)the_wdf.driver;
    ready[A_INIT] = (uintptr_t)init;
    ready[A_INIT_PLACE] = (uintptr_t)&ready[A_INIT];
    call_at(P_INIT);
}

static void have_request(WDFQUEUE queue, WDFREQUEST request, enum proof_place place)
{
    if (now.place != place)
        return WdfRequestComplete(request, STATUS_SUCCESS);
    ready[A_QUEUE] = (uintptr_t)queue;
    ready[A_REQUEST] = (uintptr_t)request;
    ready[A_IRP] = (uintptr_t)WdfRequestWdmGetIrp(request);
    ready[A_FILE] = (uintptr_t)WdfRequestGetFileObject(request);
    ready[A_FILE_OBJECT] = (uintptr_t)WdfFileObjectWdmGetFileObject((WDFFILEOBJECT)ready[A_FILE]);
    if (place == P_READ)
        CHECK(WdfRequestRetrieveOutputWdmMdl(request, (PMDL *)&ready[A_MDL]) == STATUS_SUCCESS);
    now.call();
    if (ready[A_REQUEST] && !now.leave_request)
        WdfRequestComplete(request, STATUS_SUCCESS);
}

static VOID at_read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    CHECK(length == PROOF_LENGTH);
    have_request(queue, request, P_READ);
}

static VOID at_write(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    CHECK(length == PROOF_LENGTH);
    have_request(queue, request, P_WRITE);
}

static VOID at_control(WDFQUEUE queue, WDFREQUEST request, size_t output, size_t input, ULONG code)
{
    CHECK(output == PROOF_LENGTH && input == PROOF_LENGTH);
    have_request(queue, request, (enum proof_place)(P_BUFFERED + METHOD_FROM_CTL_CODE(code)));
}

static NTSTATUS at_add(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;

    make_deferred(device);
    make_plain(device);
    make_wmi(device);
    make_child_list(device);
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
    call_at(P_ADD);
    if (WdfDeviceGetDefaultQueue(device))
        return STATUS_SUCCESS; /* the call's own */
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoRead = at_read;
    config.EvtIoWrite = at_write;
    config.EvtIoDeviceControl = at_control;
    return WdfIoQueueCreate(device, &config, NULL, (WDFQUEUE *)&ready[A_QUEUE]);
}

static void in_callback(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine != FT_ROUTINE_WDF_PREPARE)
        return;
    ready[A_RESOURCES] = (uintptr_t)the_wdf.raw;
    call_at(P_PREPARE);
}

static int entry(void *driver, void *path)
{
    ready[A_DRIVER_OBJECT] = (uintptr_t)driver;
    ready[A_STRING] = (uintptr_t)path;
    call_at(P_ENTRY);
    return wdf_bench_entry(driver, path);
}

/* ---- runs ---- */

static struct ft_op op_for(enum proof_place place)
{
    struct ft_op op = {.kind = FT_OP_READ, .label = 1, .arg = {PROOF_LENGTH, 0}};

    if (place == P_WRITE)
        op.kind = FT_OP_WRITE;
    if (place >= P_BUFFERED) {
        op.kind = FT_OP_IOCTL;
        op.arg[0] = place - P_BUFFERED;
        op.arg[1] = PROOF_LENGTH;
    }
    return op;
}

void proof_run(const struct proof_run *run)
{
    struct ft_op op = op_for(run->place);

    now = *run;
    memset(ready, 0, sizeof ready);
    memset(proof_buffer, 0, sizeof proof_buffer);
    ready[A_BUFFER] = (uintptr_t)proof_buffer;
    ready[A_ONE] = 1;
    ready[A_PROPERTY] = (uintptr_t)&property;
    ready[A_NAME] = (uintptr_t)&name;
    ready[A_ROUTINE] = (uintptr_t)do_nothing;
    the_wdf = run->bench;
    the_wdf.init = at_init;
    the_wdf.add = at_add;
    the_wdf.in = in_callback;
    the_wdf.interrupts = 1;
    the_wdf.enablers = 1;
    the_wdf.flags |= WDF_BENCH_QUIET;
    wb_run(&(struct wb_case){
        .entry = entry, .describe = run->bench.describe, .op = &op, .op_count = 1});
}
