/* Framework file objects: create, cleanup, close (kmdf.md, section 6.2). */
#include "io_bench.h"

#include <wdfdevice.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static WDFQUEUE queue;
static WDFREQUEST held;
static WDFFILEOBJECT file_of_create;
static NTSTATUS answer;

static VOID on_create(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT file)
{
    CHECK(device == IO_DEVICE);
    wb_note(file ? "create" : "create-no-file");
    file_of_create = file;
    if (file) {
        CHECK(WdfRequestGetFileObject(request) == file);
        CHECK(WdfFileObjectGetDevice(file) == device);
        CHECK(WdfFileObjectGetFileName(file) != NULL);
        CHECK(WdfFileObjectGetInitiatorProcessId(file) == 0);
        CHECK(WdfFileObjectGetFlags(file) == WdfFileObjectWdmGetFileObject(file)->Flags);
        CHECK(WdfDeviceGetFileObject(device, WdfFileObjectWdmGetFileObject(file)) == file);
    }
    CHECK(WdfRequestGetIoQueue(request) == NULL); /* the framework's own */
    WdfRequestComplete(request, answer);
}

static VOID on_cleanup(WDFFILEOBJECT file)
{
    CHECK(file == file_of_create);
    wb_note("cleanup");
}

static VOID on_close(WDFFILEOBJECT file)
{
    CHECK(file == file_of_create);
    wb_note("close");
}

static bool completes; /* what keep() gets, instead of keeping it */

static VOID keep(WDFQUEUE from, WDFREQUEST request)
{
    (void)from;
    held = request;
    if (completes)
        WdfRequestComplete(request, STATUS_SUCCESS);
}

static void with_files(struct ft_wdf_device *device)
{
    answer = STATUS_SUCCESS;
    device->file_create = on_create;
    device->file_cleanup = on_cleanup;
    device->file_close = on_close;
    device->file_class = WdfFileObjectWdfCanUseFsContext;
}

static void without_objects(struct ft_wdf_device *device)
{
    with_files(device);
    device->file_class = WdfFileObjectNotRequired;
}

static void setup(void)
{
    queue = io_default_queue(WdfIoQueueDispatchManual, NULL);
}

static void a_handle_has_an_object(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .prepare = with_files}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "start create"));
    assert_non_null(strstr(wb_notes(), "cleanup close"));
    assert_int_equal(wb_count(FT_EV_WDF_FILE), 2);
    assert_int_equal(wb_last(FT_EV_WDF_FILE)->arg[3], true);
}

static void a_driver_need_not_have_objects(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .prepare = without_objects}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "start create-no-file"));
    assert_int_equal(wb_count(FT_EV_WDF_FILE), 0);
}

static void without_a_callback_creates_succeed(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_WDF_REQUEST_NEW), 0);
    assert_int_equal(wb_event(FT_EV_IRP_DONE, 2)->arg[1], STATUS_SUCCESS);
}

/* ---- failures ---- */

static FILE_OBJECT file;

static void refused_body(void)
{
    answer = STATUS_ACCESS_DENIED;
    memset(&file, 0, sizeof file);
    io_send_file(IRP_MJ_CREATE, &file);
    CHECK(io_ended.Status == STATUS_ACCESS_DENIED && file.FsContext == NULL);
    answer = STATUS_SUCCESS;
    io_send_file(IRP_MJ_CREATE, &file);
    CHECK(file.FsContext == file_of_create);
    io_send_file(IRP_MJ_CLEANUP, &file);
    io_send_file(IRP_MJ_CLOSE, &file);
    CHECK(file.FsContext == NULL);
}

static void a_refused_create_has_no_object(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .prepare = with_files, .body = refused_body},
                 NULL, 0);
    assert_non_null(
        strstr(wb_notes(), "create done:C0000022 create done:0 cleanup done:0 close done:0"));
}

static void bad_file_body(void)
{
    WdfFileObjectGetDevice((WDFFILEOBJECT)queue);
}

static void a_wrong_handle_stops_the_machine(void **state)
{
    (void)state;
    io_bench_run(
        &(struct io_bench){.setup = setup, .body = bad_file_body, .stop = FT_STOP_BUGCHECK}, NULL,
        0);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[1], 5);
}

/* ---- creates in a queue ---- */

static void queue_setup(void)
{
    setup();
    queue = io_queue(WdfIoQueueDispatchSequential, keep);
    CHECK(WdfDeviceConfigureRequestDispatching(IO_DEVICE, queue, WdfRequestTypeCreate) ==
          STATUS_SUCCESS);
}

static void queue_body(void)
{
    WDF_REQUEST_PARAMETERS parameters;

    completes = false;
    memset(&file, 0, sizeof file);
    io_send_file(IRP_MJ_CREATE, &file);
    WDF_REQUEST_PARAMETERS_INIT(&parameters);
    WdfRequestGetParameters(held, &parameters);
    CHECK(parameters.Type == WdfRequestTypeCreate);
    CHECK(WdfRequestGetIoQueue(held) == queue);
    WdfRequestComplete(held, STATUS_SUCCESS);
    completes = true; /* the requester's, which comes next */
    io_send_file(IRP_MJ_CLEANUP, &file);
    io_send_file(IRP_MJ_CLOSE, &file);
}

static void creates_may_have_a_queue(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = queue_setup, .body = queue_body}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "done:0 done:0 done:0"));
}

/* ---- cleanup cancels, and finding by file ---- */

static void files_of_requests_body(void)
{
    FILE_OBJECT other;
    WDFFILEOBJECT object;
    WDFREQUEST request;

    memset(&file, 0, sizeof file);
    memset(&other, 0, sizeof other);
    io_send_file(IRP_MJ_CREATE, &other);
    io_send_file(IRP_MJ_CREATE, &file);
    object = file_of_create;
    io_send_file(IRP_MJ_READ, &other);
    io_send_file(IRP_MJ_READ, &file);
    CHECK(WdfIoQueueFindRequest(queue, NULL, object, NULL, &request) == STATUS_SUCCESS);
    CHECK(WdfRequestGetFileObject(request) == object);
    WdfObjectDereference(request);
    CHECK(WdfIoQueueRetrieveRequestByFileObject(queue, object, &request) == STATUS_SUCCESS);
    CHECK(WdfRequestGetFileObject(request) == object);
    CHECK(WdfIoQueueRetrieveRequestByFileObject(queue, object, &held) == STATUS_NO_MORE_ENTRIES);
    CHECK(WdfRequestRequeue(request) == STATUS_SUCCESS);
    wb_note("|");
    io_send_file(IRP_MJ_CLEANUP, &file);
    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_SUCCESS);
    CHECK(WdfRequestGetFileObject(request) != object);
    WdfRequestComplete(request, STATUS_SUCCESS);
    io_send_file(IRP_MJ_CLOSE, &file);
    file_of_create = other.FsContext;
    io_send_file(IRP_MJ_CLEANUP, &other);
    io_send_file(IRP_MJ_CLOSE, &other);
}

static void cleanup_cancels_the_requests_of_its_handle(void **state)
{
    (void)state;
    io_bench_run(
        &(struct io_bench){.setup = setup, .prepare = with_files, .body = files_of_requests_body},
        NULL, 0);
    assert_non_null(strstr(wb_notes(), "| cleanup done:C0000120 done:0 done:0 close done:0"));
}

/* ---- a filter ---- */

static void as_filter(struct ft_wdf_device *device)
{
    with_files(device);
    device->file_create = NULL;
    device->filter = 1;
}

static VOID note_cleanup(WDFFILEOBJECT of)
{
    (void)of;
    wb_note("cleanup");
}

static void filter_prepare(struct ft_wdf_device *device)
{
    as_filter(device);
    device->file_cleanup = note_cleanup;
    device->file_close = NULL;
}

static void a_filter_passes_creates_on(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .prepare = filter_prepare}, NULL, 0);
    assert_true(wb_count(FT_EV_WDF_FILE) >= 2);
}

/* ---- levels ---- */

static VOID name_at_dispatch(WDFDEVICE device, WDFREQUEST request, WDFFILEOBJECT of)
{
    KIRQL old = KeRaiseIrqlToDpcLevel();

    (void)device;
    CHECK(WdfFileObjectGetFileName(of) == NULL);
    KeLowerIrql(old);
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void name_prepare(struct ft_wdf_device *device)
{
    with_files(device);
    device->file_create = name_at_dispatch;
    device->file_cleanup = NULL;
    device->file_close = NULL;
}

static void a_name_is_for_passive_level(void **state)
{
    (void)state;
    io_bench_run(&(struct io_bench){.setup = setup, .prepare = name_prepare}, NULL, 0);
    assert_int_equal(wb_event(FT_EV_WDF_IRQL, 1)->arg[0], PASSIVE_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_has_an_object),
        cmocka_unit_test(a_driver_need_not_have_objects),
        cmocka_unit_test(without_a_callback_creates_succeed),
        cmocka_unit_test(a_refused_create_has_no_object),
        cmocka_unit_test(a_wrong_handle_stops_the_machine),
        cmocka_unit_test(creates_may_have_a_queue),
        cmocka_unit_test(cleanup_cancels_the_requests_of_its_handle),
        cmocka_unit_test(a_filter_passes_creates_on),
        cmocka_unit_test(a_name_is_for_passive_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
