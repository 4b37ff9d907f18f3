/* Device control requests to the adapter and its units. They come from a thread of the test's own
 * that waits until the adapter runs. */
#include "scsi_bench.h"

#include "scsiport/scsiport_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <ntddscsi.h>

static union {
    IO_SCSI_CAPABILITIES capabilities;
    SCSI_ADDRESS address;
    struct {
        SRB_IO_CONTROL header;
        UCHAR data[16];
    } private_;
} buffer;
static ULONG information;

static struct ft_scsi_adapter *adapter(void)
{
    return FT_SCSI->adapters;
}

static NTSTATUS send(PDEVICE_OBJECT device, ULONG code, ULONG in, ULONG out)
{
    IO_STATUS_BLOCK block;
    KEVENT done;
    NTSTATUS status;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildDeviceIoControlRequest(code, device, &buffer, in, &buffer, out, FALSE, &done,
                                        &block);
    CHECK(irp != NULL);
    status = IoCallDriver(device, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = block.Status;
    }
    information = (ULONG)block.Information;
    return status;
}

static void (*body)(void);

static VOID NTAPI run(PVOID context)
{
    LARGE_INTEGER second = {.QuadPart = -10000000};

    (void)context;
    while (adapter() && (adapter()->state != 2 || adapter()->scanning))
        KeDelayExecutionThread(KernelMode, FALSE, &second);
    if (adapter())
        body();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void start_thread(enum ft_routine routine)
{
    HANDLE thread;

    if (routine == FT_ROUTINE_SCSI_FIND_ADAPTER)
        CHECK(NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, run, NULL)));
}

static void run_in_thread(void (*what)(void), const struct scsi_bench *how)
{
    struct scsi_bench with = *how;

    with.in = start_thread;
    body = what;
    memset(&buffer, 0, sizeof buffer);
    scsi_bench_run(&with, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

/* ---- what the port answers itself ---- */

static void ask_for_capabilities(void)
{
    PDEVICE_OBJECT fdo = adapter()->fdo;

    CHECK(send(fdo, IOCTL_SCSI_GET_CAPABILITIES, 0, 4) == STATUS_BUFFER_TOO_SMALL);
    CHECK(send(fdo, IOCTL_SCSI_GET_CAPABILITIES, 0, sizeof buffer.capabilities) == STATUS_SUCCESS);
    CHECK(information == sizeof buffer.capabilities);
    CHECK(buffer.capabilities.Length == sizeof buffer.capabilities);
    CHECK(buffer.capabilities.MaximumTransferLength == SCSI_BENCH_TRANSFER);
    CHECK(buffer.capabilities.MaximumPhysicalPages == SCSI_BENCH_BREAKS);
    CHECK(buffer.capabilities.AdapterUsesPio && !buffer.capabilities.TaggedQueuing);
    wb_note("asked");
}

static void the_adapter_says_what_it_can(void **state)
{
    (void)state;
    run_in_thread(ask_for_capabilities, &(struct scsi_bench){0});
    assert_non_null(strstr(wb_notes(), "asked"));
}

static void ask_for_address(void)
{
    struct ft_scsi_unit *unit = ft_scsi_unit_at(adapter(), 0, 1, 0);

    CHECK(unit != NULL);
    CHECK(send(adapter()->fdo, IOCTL_SCSI_GET_ADDRESS, 0, sizeof buffer.address) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(send(unit->pdo, IOCTL_SCSI_GET_ADDRESS, 0, 2) == STATUS_BUFFER_TOO_SMALL);
    CHECK(send(unit->pdo, IOCTL_SCSI_GET_ADDRESS, 0, sizeof buffer.address) == STATUS_SUCCESS);
    CHECK(buffer.address.Length == sizeof buffer.address && buffer.address.TargetId == 1);
    CHECK(send(unit->pdo, IOCTL_SCSI_PASS_THROUGH, 0, 0) == STATUS_INVALID_DEVICE_REQUEST);
    wb_note("asked");
}

static void a_unit_says_where_it_is(void **state)
{
    (void)state;
    run_in_thread(ask_for_address, &(struct scsi_bench){.targets = 2});
    assert_non_null(strstr(wb_notes(), "asked"));
}

static void ask_for_scan(void)
{
    the_scsi.targets = 3;
    CHECK(send(adapter()->fdo, IOCTL_SCSI_RESCAN_BUS, 0, 0) == STATUS_SUCCESS);
    wb_note("asked");
}

static void the_bus_is_scanned_when_asked(void **state)
{
    (void)state;
    run_in_thread(ask_for_scan, &(struct scsi_bench){0});
    assert_non_null(strstr(wb_notes(), "asked"));
    assert_int_equal(wb_count(FT_EV_SCSI_UNIT), 2);
}

/* ---- what the miniport answers ---- */

static BOOLEAN answer_control(PSCSI_REQUEST_BLOCK srb)
{
    PSRB_IO_CONTROL header = srb->DataBuffer;

    if (srb->Function == SRB_FUNCTION_IO_CONTROL) {
        CHECK(srb->DataTransferLength == sizeof *header + 16 && header->ControlCode == 7);
        header->ReturnCode = 99;
        ((PUCHAR)(header + 1))[15] = 0xEE;
    }
    scsi_bench_complete(srb, scsi_bench_answer(srb));
    return TRUE;
}

static void ask_miniport(void)
{
    PDEVICE_OBJECT fdo = adapter()->fdo;

    buffer.private_.header = (SRB_IO_CONTROL){
        .HeaderLength = sizeof(SRB_IO_CONTROL), .Timeout = 5, .ControlCode = 7, .Length = 17};
    CHECK(send(fdo, IOCTL_SCSI_MINIPORT, sizeof buffer.private_, sizeof buffer.private_) ==
          STATUS_INVALID_PARAMETER); /* more than there is */
    buffer.private_.header.Length = 16;
    CHECK(send(fdo, IOCTL_SCSI_MINIPORT, 8, sizeof buffer.private_) == STATUS_INVALID_PARAMETER);
    CHECK(send(fdo, IOCTL_SCSI_MINIPORT, sizeof buffer.private_, sizeof buffer.private_) ==
          STATUS_SUCCESS);
    CHECK(information == sizeof buffer.private_);
    CHECK(buffer.private_.header.ReturnCode == 99 && buffer.private_.data[15] == 0xEE);
    wb_note("asked");
}

static void a_private_request_reaches_the_miniport(void **state)
{
    (void)state;
    run_in_thread(ask_miniport, &(struct scsi_bench){.start_io = answer_control});
    assert_non_null(strstr(wb_notes(), "io:02 asked"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_adapter_says_what_it_can),
        cmocka_unit_test(a_unit_says_where_it_is),
        cmocka_unit_test(the_bus_is_scanned_when_asked),
        cmocka_unit_test(a_private_request_reaches_the_miniport),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
