/* Remote I/O targets: opening, asking, sending, closing, and what their device's removal does. The
 * target is the device's own stack, by the PDO's name, or a control device of the driver's. */
#include "wdf_bench.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

#define PDO_NAME L"\\Device\\NTPNP_PCI0001"

static WDFIOTARGET target;
static WDFREQUEST kept;
static NTSTATUS query_answer;
static bool callbacks, closes;

/* ---- the target's driver ---- */

static VOID on_read(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    PUCHAR buffer;

    (void)queue;
    wb_note("read");
    CHECK(WdfRequestGetFileObject(request) == NULL);
    CHECK(WdfRequestRetrieveOutputBuffer(request, length, (PVOID *)&buffer, NULL) ==
          STATUS_SUCCESS);
    buffer[0] = 77;
    WdfRequestCompleteWithInformation(request, STATUS_SUCCESS, length);
}

static VOID on_canceled(WDFREQUEST request)
{
    wb_note("canceled");
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID on_write(WDFQUEUE queue, WDFREQUEST request, size_t length)
{
    (void)queue, (void)length;
    wb_note("write");
    kept = request;
    WdfRequestMarkCancelable(request, on_canceled);
}

static NTSTATUS make_queue(WDFDEVICE device)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.PowerManaged = WdfFalse;
    config.EvtIoRead = on_read;
    config.EvtIoWrite = on_write;
    return WdfIoQueueCreate(device, &config, NULL, NULL);
}

static PDEVICE_OBJECT make_control(void)
{
    DECLARE_CONST_UNICODE_STRING(sddl, L"D:P(A;;GA;;;SY)");
    DECLARE_CONST_UNICODE_STRING(name, L"\\Device\\Control");
    DECLARE_CONST_UNICODE_STRING(link, L"\\DosDevices\\Control");
    PWDFDEVICE_INIT init = WdfControlDeviceInitAllocate(the_wdf.driver, &sddl);
    WDFDEVICE control = NULL;

    CHECK(WdfDeviceInitAssignName(init, &name) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreate(&init, NULL, &control) == STATUS_SUCCESS);
    CHECK(WdfDeviceCreateSymbolicLink(control, &link) == STATUS_SUCCESS);
    CHECK(make_queue(control) == STATUS_SUCCESS);
    WdfControlFinishInitializing(control);
    return WdfDeviceWdmGetDeviceObject(control);
}

/* ---- opening ---- */

static NTSTATUS open_name(PCWSTR text)
{
    WDF_IO_TARGET_OPEN_PARAMS params;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, text);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &name, GENERIC_READ);
    return WdfIoTargetOpen(target, &params);
}

static NTSTATUS read_from_target(void)
{
    unsigned char buffer[16] = {0};
    WDF_MEMORY_DESCRIPTOR memory;
    ULONG_PTR bytes = 0;
    NTSTATUS status;

    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&memory, buffer, sizeof buffer);
    status = WdfIoTargetSendReadSynchronously(target, NULL, &memory, NULL, NULL, &bytes);
    CHECK(!NT_SUCCESS(status) || (bytes == sizeof buffer && buffer[0] == 77));
    return status;
}

static void check_open(WDFDEVICE device)
{
    WDF_IO_TARGET_OPEN_PARAMS params;

    CHECK(open_name(L"\\Device\\Nobody") == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetClosed);
    CHECK(read_from_target() == STATUS_INVALID_DEVICE_STATE);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    CHECK(open_name(L"\\Device\\Control") == STATUS_SUCCESS);
    CHECK(read_from_target() == STATUS_SUCCESS);
    CHECK(WdfIoTargetWdmGetTargetPhysicalDevice(target) == NULL); /* a control device has none */
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_DEVICE_STATE);
    WdfIoTargetClose(target);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetClosed);
    CHECK(WdfIoTargetWdmGetTargetFileHandle(target) == NULL);
    CHECK(WdfIoTargetWdmGetTargetFileObject(target) == NULL);
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_SUCCESS); /* again */
    CHECK(WdfIoTargetWdmGetTargetFileHandle(target) != NULL);
    WdfIoTargetCloseForQueryRemove(target);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetClosedForQueryRemove);
    CHECK(read_from_target() == STATUS_INVALID_DEVICE_STATE);
    WdfIoTargetClose(target);
    CHECK(open_name(L"\\DosDevices\\Control\\file") == STATUS_SUCCESS);
    CHECK(WdfIoTargetWdmGetTargetFileObject(target)->FileName.Length == 10);
    WdfIoTargetClose(target);
    CHECK(open_name(PDO_NAME) == STATUS_SUCCESS);
    CHECK(WdfIoTargetWdmGetTargetPhysicalDevice(target) == WdfDeviceWdmGetPhysicalDevice(device));
    CHECK(WdfIoTargetGetDevice(target) == device);
}

static void check_existing(void)
{
    WDF_IO_TARGET_OPEN_PARAMS params, again;
    PDEVICE_OBJECT control;
    PFILE_OBJECT file;

    WdfIoTargetClose(target);
    CHECK(open_name(L"\\Device\\Control") == STATUS_SUCCESS);
    control = WdfIoTargetWdmGetTargetDeviceObject(target);
    file = WdfIoTargetWdmGetTargetFileObject(target);
    ObReferenceObject(file);
    WdfIoTargetClose(target);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, control);
    params.TargetFileObject = file;
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_SUCCESS);
    CHECK(WdfIoTargetWdmGetTargetFileObject(target) == file);
    CHECK(WdfIoTargetWdmGetTargetFileHandle(target) == NULL);
    CHECK(read_from_target() == STATUS_SUCCESS);
    WdfIoTargetClose(target);
    ObDereferenceObject(file);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&again);
    CHECK(WdfIoTargetOpen(target, &again) == STATUS_INVALID_DEVICE_REQUEST);
}

static void make_target(WDFDEVICE device)
{
    CHECK(WdfIoTargetCreate(device, NULL, &target) == STATUS_SUCCESS);
    CHECK(WdfIoTargetGetState(target) == WdfIoTargetStarted);
}

static void open_and_close(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    make_control();
    make_target(device);
    check_open(device);
    check_existing();
    WdfObjectDelete(target);
}

static void targets_are_opened_and_closed(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_queue, .in = open_and_close}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), wb_count(FT_EV_HANDLE_CLOSE));
}

/* ---- what is refused ---- */

static VOID news(WDFIOTARGET of)
{
    CHECK(of == target);
    wb_note("news");
}

static void check_params(void)
{
    WDF_IO_TARGET_OPEN_PARAMS params;
    UNICODE_STRING none = {0};

    WDF_IO_TARGET_OPEN_PARAMS_INIT_EXISTING_DEVICE(&params, NULL);
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    params.Size--;
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INFO_LENGTH_MISMATCH);
    params.Size++;
    params.TargetDeviceObject = (PDEVICE_OBJECT)&params;
    params.EvtIoTargetRemoveComplete = news; /* and no file to hear of */
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &none, GENERIC_READ);
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    params.Type = WdfIoTargetOpenLocalTargetByFile;
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_PARAMETER);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_INVALID_DEVICE_REQUEST);
    for (unsigned n = 0; n < 2; n++) { /* the copy of the name, the file object */
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = (uint8_t)n;
        CHECK(open_name(PDO_NAME) == STATUS_INSUFFICIENT_RESOURCES);
    }
    FT_M->alloc_fail_what = FT_FAIL_IRP;
    CHECK(open_name(PDO_NAME) == STATUS_INSUFFICIENT_RESOURCES);
}

static void check_create(WDFDEVICE device)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFIOTARGET other;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = the_wdf.driver;
    CHECK(WdfIoTargetCreate(device, &attributes, &other) == STATUS_INVALID_DEVICE_REQUEST);
    attributes.Size--;
    CHECK(WdfIoTargetCreate(device, &attributes, &other) == STATUS_INFO_LENGTH_MISMATCH);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfIoTargetCreate(device, NULL, &other) == STATUS_INSUFFICIENT_RESOURCES);
}

static void refuse_all(enum ft_routine routine, WDFOBJECT device)
{
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    make_target(device);
    check_create(device);
    check_params();
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_queue, .in = refuse_all}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- what the framework does not ask for: ZwOpenFile, wrong names ---- */

static NTSTATUS open_file(PCWSTR text, HANDLE *handle)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK result;
    UNICODE_STRING name;
    NTSTATUS status;

    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwOpenFile(handle, GENERIC_READ, &attributes, &result, FILE_SHARE_READ, 0);
    CHECK(result.Status == status && (result.Information != 0) == NT_SUCCESS(status));
    return status;
}

static void open_files(enum ft_routine routine, WDFOBJECT device)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK result;
    HANDLE handle;

    (void)device;
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    CHECK(open_file(PDO_NAME, &handle) == STATUS_SUCCESS);
    CHECK(ZwClose(handle) == STATUS_SUCCESS); /* CLEANUP and CLOSE */
    CHECK(open_file(PDO_NAME L"2", &handle) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(open_file(L"\\Device\\Control", &handle) == STATUS_OBJECT_NAME_NOT_FOUND);
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ZwCreateFile(&handle, GENERIC_READ, &attributes, &result, NULL, 0, 0, FILE_OPEN, 0, NULL,
                       0) == STATUS_OBJECT_NAME_INVALID);
    open_file(L"\\??\\C:\\file", &handle); /* is of a file system: the run stops */
    CHECK(false);
}

static void files_are_devices(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_queue, .in = open_files}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_UNIMPLEMENTED);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), 1);
}

/* ---- questions ---- */

static void check_property(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    ULONG number = 9, length;
    WDFMEMORY memory;

    CHECK(WdfIoTargetQueryTargetProperty(target, DevicePropertyBusNumber, sizeof number, &number,
                                         &length) == STATUS_SUCCESS);
    CHECK(number == 0 && length == sizeof number);
    CHECK(WdfIoTargetQueryTargetProperty(target, DevicePropertyBusNumber, 0, NULL, &length) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfIoTargetAllocAndQueryTargetProperty(target, DevicePropertyHardwareID, PagedPool, NULL,
                                                 &memory) == STATUS_SUCCESS);
    CHECK(*(PWCHAR)WdfMemoryGetBuffer(memory, NULL) == 'P');
    WdfObjectDelete(memory);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfIoTargetAllocAndQueryTargetProperty(target, DevicePropertyHardwareID, PagedPool, NULL,
                                                 &memory) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(memory == NULL);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 1;
    CHECK(WdfIoTargetAllocAndQueryTargetProperty(target, DevicePropertyHardwareID, PagedPool,
                                                 &attributes,
                                                 &memory) == STATUS_INFO_LENGTH_MISMATCH);
}

static void ask(enum ft_routine routine, WDFOBJECT device)
{
    BUS_INTERFACE_STANDARD bus = {0};
    WDFMEMORY memory;
    ULONG length;

    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    make_target(device);
    CHECK(WdfIoTargetQueryTargetProperty(target, DevicePropertyBusNumber, 0, NULL, &length) ==
          STATUS_INVALID_DEVICE_REQUEST); /* closed */
    CHECK(WdfIoTargetAllocAndQueryTargetProperty(target, DevicePropertyHardwareID, PagedPool, NULL,
                                                 &memory) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfIoTargetQueryForInterface(target, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus,
                                       sizeof bus, 1, NULL) == STATUS_INVALID_DEVICE_STATE);
    CHECK(open_name(PDO_NAME) == STATUS_SUCCESS);
    check_property();
    CHECK(WdfIoTargetQueryForInterface(target, &GUID_BUS_INTERFACE_STANDARD, (PINTERFACE)&bus,
                                       sizeof bus, 1, NULL) == STATUS_SUCCESS);
    CHECK(bus.GetBusData != NULL);
    bus.InterfaceDereference(bus.Context);
    CHECK(WdfIoTargetQueryForInterface(target, &GUID_BUS_TYPE_PCI, (PINTERFACE)&bus, sizeof bus, 1,
                                       NULL) == STATUS_NOT_SUPPORTED);
    target = WdfDeviceGetIoTarget(device); /* a local one is asked alike */
    check_property();
}

static void a_target_is_asked(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = make_queue, .in = ask}, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- requests that are on their way ---- */

static VOID on_back(WDFREQUEST request, WDFIOTARGET of, PWDF_REQUEST_COMPLETION_PARAMS params,
                    WDFCONTEXT context)
{
    (void)context;
    CHECK(of == target && params->IoStatus.Status == STATUS_CANCELLED);
    wb_note("back");
    WdfObjectDelete(request);
}

static void close_while_sent(enum ft_routine routine, WDFOBJECT device)
{
    WDFREQUEST request;
    WDFMEMORY memory;

    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    make_control();
    make_target(device);
    CHECK(WdfRequestCreate(NULL, target, &request) == STATUS_INVALID_DEVICE_STATE); /* closed */
    CHECK(open_name(L"\\Device\\Control") == STATUS_SUCCESS);
    CHECK(WdfRequestCreate(NULL, target, &request) == STATUS_SUCCESS);
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 16, &memory, NULL) == STATUS_SUCCESS);
    CHECK(WdfIoTargetFormatRequestForWrite(target, request, memory, NULL, NULL) == STATUS_SUCCESS);
    WdfRequestSetCompletionRoutine(request, on_back, NULL);
    CHECK(WdfRequestSend(request, target, NULL));
    if (closes)
        WdfIoTargetClose(target);
    else
        WdfObjectDelete(target);
    wb_note("closed");
}

static void what_is_sent_comes_back_before_it_closes(void **state)
{
    (void)state;
    for (closes = true;; closes = false) {
        wdf_bench_run(&(struct wdf_bench){.in = close_while_sent}, NULL, 0);
        if (!strstr(wb_notes(), "write canceled back closed"))
            fail_msg("%s", wb_notes());
        if (!closes)
            break;
    }
}

/* ---- removal ---- */

static NTSTATUS on_query_remove(WDFIOTARGET of)
{
    wb_note("target-query");
    if (NT_SUCCESS(query_answer))
        WdfIoTargetCloseForQueryRemove(of);
    return query_answer;
}

static VOID on_remove_canceled(WDFIOTARGET of)
{
    WDF_IO_TARGET_OPEN_PARAMS params;

    wb_note("target-canceled");
    if (WdfIoTargetGetState(of) != WdfIoTargetClosedForQueryRemove)
        return;
    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    CHECK(WdfIoTargetOpen(of, &params) == STATUS_SUCCESS);
}

static VOID on_remove_complete(WDFIOTARGET of)
{
    wb_note("target-complete");
    WdfIoTargetClose(of);
}

static void listen(enum ft_routine routine, WDFOBJECT device)
{
    DECLARE_CONST_UNICODE_STRING(name, PDO_NAME);
    WDF_IO_TARGET_OPEN_PARAMS params;

    if (routine == FT_ROUTINE_WDF_SMIO_SUSPEND)
        wb_note(WdfIoTargetGetState(target) == WdfIoTargetStarted ? "is-open" : "is-closed");
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    make_target(device);
    WDF_IO_TARGET_OPEN_PARAMS_INIT_OPEN_BY_NAME(&params, &name, GENERIC_READ);
    if (callbacks) {
        params.EvtIoTargetQueryRemove = on_query_remove;
        params.EvtIoTargetRemoveCanceled = on_remove_canceled;
        params.EvtIoTargetRemoveComplete = on_remove_complete;
    }
    CHECK(WdfIoTargetOpen(target, &params) == STATUS_SUCCESS);
}

static const struct ft_op remove_it[] = {{.kind = FT_OP_REMOVE}};

static void run_removal(struct wdf_bench how, const char *notes)
{
    how.in = listen;
    how.flags = WDF_BENCH_QUIET;
    wdf_bench_run(&how, remove_it, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    if (!strstr(wb_notes(), notes))
        fail_msg("%s", wb_notes());
}

static void a_target_goes_with_its_device(void **state)
{
    (void)state;
    callbacks = false;
    run_removal((struct wdf_bench){0}, "query-remove suspend is-closed");
    callbacks = true;
    query_answer = STATUS_SUCCESS;
    run_removal((struct wdf_bench){0},
                "target-query query-remove target-complete suspend is-closed");
}

static void a_removal_is_called_off(void **state)
{
    static const NTSTATUS no = STATUS_UNSUCCESSFUL;
    struct wdf_bench how = {0};

    (void)state;
    callbacks = true;
    query_answer = no; /* the target's driver refuses */
    run_removal(how, "target-query target-canceled");
    how.answer[FT_ROUTINE_WDF_QUERY_REMOVE] = no; /* the device's driver does */
    how.when[FT_ROUTINE_WDF_QUERY_REMOVE] = 1;
    query_answer = STATUS_SUCCESS;
    run_removal(how, "target-query query-remove target-canceled");
    callbacks = false;
    run_removal(how, "query-remove");
    assert_int_equal(wb_event(FT_EV_WDF_TARGET, 3)->arg[1], WdfIoTargetStarted); /* again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_opened_and_closed),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(files_are_devices),
        cmocka_unit_test(a_target_is_asked),
        cmocka_unit_test(what_is_sent_comes_back_before_it_closes),
        cmocka_unit_test(a_target_goes_with_its_device),
        cmocka_unit_test(a_removal_is_called_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
