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
    struct {
        SCSI_PASS_THROUGH at;
        UCHAR rest[64];
    } pass;
    SCSI_PASS_THROUGH_DIRECT direct;
    SCSI_ADAPTER_BUS_INFO buses;
    UCHAR bytes[512];
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
    CHECK(send(unit->pdo, IOCTL_IDE_PASS_THROUGH, 0, 0) == STATUS_INVALID_DEVICE_REQUEST);
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

/* ---- commands of applications ---- */

enum { SENSE_AT = sizeof(SCSI_PASS_THROUGH), DATA_AT = SENSE_AT + 24, FAILS = 0xA1, BUSY = 0xA2 };

/* 0xA0 moves data, 0xA1 ends with CHECK CONDITION, 0xA2 never comes to be. */
static BOOLEAN serve_command(PSCSI_REQUEST_BLOCK srb)
{
    UCHAR status = scsi_bench_answer(srb);

    if (srb->Cdb[0] == 0xA0 && (srb->SrbFlags & SRB_FLAGS_DATA_IN))
        memset(srb->DataBuffer, 0x42, srb->DataTransferLength);
    if (srb->Cdb[0] == SCSIOP_REQUEST_SENSE)
        memset(srb->DataBuffer, 0x70, srb->DataTransferLength);
    if (srb->Cdb[0] == FAILS) {
        srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
        status = SRB_STATUS_ERROR;
    }
    scsi_bench_complete(srb, srb->Cdb[0] == BUSY ? SRB_STATUS_SELECTION_TIMEOUT : status);
    return TRUE;
}

static void fill_pass(UCHAR code, UCHAR direction, ULONG bytes)
{
    memset(&buffer, 0, sizeof buffer);
    buffer.pass.at = (SCSI_PASS_THROUGH){.Length = sizeof buffer.pass.at,
                                         .CdbLength = 6,
                                         .SenseInfoLength = 18,
                                         .DataIn = direction,
                                         .DataTransferLength = bytes,
                                         .TimeOutValue = 5,
                                         .DataBufferOffset = DATA_AT,
                                         .SenseInfoOffset = SENSE_AT};
    buffer.pass.at.Cdb[0] = code;
}

static NTSTATUS pass(PDEVICE_OBJECT device)
{
    return send(device, IOCTL_SCSI_PASS_THROUGH, sizeof buffer.pass, sizeof buffer.pass);
}

static void pass_commands(void)
{
    PDEVICE_OBJECT unit = adapter()->units->pdo;

    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    buffer.pass.at.TargetId = 9; /* a unit knows better */
    CHECK(pass(unit) == STATUS_SUCCESS);
    CHECK(buffer.pass.at.ScsiStatus == SCSISTAT_GOOD && buffer.pass.at.SenseInfoLength == 0);
    CHECK(buffer.pass.at.TargetId == 0 && buffer.bytes[DATA_AT + 7] == 0x42);
    CHECK(information == DATA_AT + 8 && the_scsi.last.TimeOutValue == 5);
    fill_pass(FAILS, SCSI_IOCTL_DATA_OUT, 8);
    CHECK(pass(unit) == STATUS_SUCCESS); /* it is the unit's answer */
    CHECK(buffer.pass.at.ScsiStatus == SCSISTAT_CHECK_CONDITION);
    CHECK(buffer.pass.at.SenseInfoLength == 18 && buffer.bytes[SENSE_AT + 17] == 0x70);
    CHECK(information == SENSE_AT + 18);
    fill_pass(BUSY, SCSI_IOCTL_DATA_UNSPECIFIED, 0);
    CHECK(pass(unit) == STATUS_DEVICE_NOT_CONNECTED && information == 0);
    wb_note("asked");
}

static void a_command_of_an_application_reaches_its_unit(void **state)
{
    (void)state;
    run_in_thread(pass_commands, &(struct scsi_bench){.start_io = serve_command});
    assert_non_null(strstr(wb_notes(), "cdb:a0 cdb:a1 cdb:03 cdb:a2 asked"));
}

/* Each is one thing away from a good one. */
static const struct {
    ULONG offset, bytes, value;
    NTSTATUS status;
} wrong[] = {
#define WRONG(field, value, status)                                                                \
    {                                                                                              \
        offsetof(SCSI_PASS_THROUGH, field), sizeof(((PSCSI_PASS_THROUGH)0)->field), value, status  \
    }
    WRONG(Length, 1, STATUS_REVISION_MISMATCH),
    WRONG(CdbLength, 17, STATUS_INVALID_PARAMETER),
    WRONG(DataIn, 3, STATUS_INVALID_PARAMETER),
    WRONG(TimeOutValue, 0, STATUS_INVALID_PARAMETER),
    WRONG(TimeOutValue, 108001, STATUS_INVALID_PARAMETER),
    WRONG(SenseInfoOffset, 8, STATUS_INVALID_PARAMETER),
    WRONG(SenseInfoOffset, 4000, STATUS_INVALID_PARAMETER),
    WRONG(DataBufferOffset, 8, STATUS_INVALID_PARAMETER),
    WRONG(DataBufferOffset, 120, STATUS_INVALID_PARAMETER),
    WRONG(DataTransferLength, SCSI_BENCH_TRANSFER + 1, STATUS_INVALID_PARAMETER),
};

static void pass_wrong_ones(void)
{
    PDEVICE_OBJECT unit = adapter()->units->pdo;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
        memcpy(buffer.bytes + wrong[i].offset, &wrong[i].value, wrong[i].bytes);
        CHECK(pass(unit) == wrong[i].status);
    }
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(send(unit, IOCTL_SCSI_PASS_THROUGH, sizeof buffer.pass.at - 1, 64) ==
          STATUS_INVALID_PARAMETER);
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    buffer.pass.at.TargetId = 6;
    CHECK(pass(adapter()->fdo) == STATUS_INVALID_PARAMETER); /* nobody is there */
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(pass(adapter()->fdo) == STATUS_INVALID_DEVICE_REQUEST); /* the class driver has it */
    adapter()->units->claimed = 0;
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(pass(adapter()->fdo) == STATUS_SUCCESS);
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(pass(adapter()->units->pdo->AttachedDevice) == STATUS_SUCCESS); /* it hands it on */
    adapter()->units->claimed = 1;
    wb_note("asked");
}

static void a_command_that_makes_no_sense_does_not(void **state)
{
    (void)state;
    run_in_thread(pass_wrong_ones, &(struct scsi_bench){.start_io = serve_command});
    assert_non_null(strstr(wb_notes(), "init query cdb:a0 cdb:a0 asked"));
}

static void aligned(PPORT_CONFIGURATION_INFORMATION config)
{
    config->AlignmentMask = 3;
}

static void pass_directly(void)
{
    static _Alignas(8) UCHAR data[64];
    PDEVICE_OBJECT unit = adapter()->units->pdo;

    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, sizeof data);
    buffer.direct.DataBuffer = data;
    CHECK(send(unit, IOCTL_SCSI_PASS_THROUGH_DIRECT, sizeof buffer.pass, sizeof buffer.pass) ==
          STATUS_SUCCESS);
    CHECK(data[63] == 0x42 && information == SENSE_AT);
    buffer.direct.SenseInfoLength = 0;
    buffer.direct.DataTransferLength = 8;
    buffer.direct.DataBuffer = data + 1;
    CHECK(send(unit, IOCTL_SCSI_PASS_THROUGH_DIRECT, sizeof buffer.direct, sizeof buffer.direct) ==
          STATUS_INVALID_PARAMETER);
    buffer.direct.DataBuffer = NULL;
    CHECK(send(unit, IOCTL_SCSI_PASS_THROUGH_DIRECT, sizeof buffer.direct, sizeof buffer.direct) ==
          STATUS_INVALID_PARAMETER);
    wb_note("asked");
}

static void the_direct_form_has_its_data_elsewhere(void **state)
{
    (void)state;
    run_in_thread(pass_directly,
                  &(struct scsi_bench){.start_io = serve_command, .configure = aligned});
    assert_non_null(strstr(wb_notes(), "asked"));
}

static void list_units(void)
{
    const SCSI_BUS_DATA *bus = buffer.buses.BusData;
    const SCSI_INQUIRY_DATA *first, *second;

    CHECK(send(adapter()->fdo, IOCTL_SCSI_GET_INQUIRY_DATA, 0, 100) == STATUS_BUFFER_TOO_SMALL);
    CHECK(send(adapter()->fdo, IOCTL_SCSI_GET_INQUIRY_DATA, 0, sizeof buffer) == STATUS_SUCCESS);
    CHECK(buffer.buses.NumberOfBuses == 1 && bus->NumberOfLogicalUnits == 2);
    CHECK(bus->InitiatorBusId == SCSI_BENCH_INITIATOR && bus->InquiryDataOffset != 0);
    first = (const SCSI_INQUIRY_DATA *)(buffer.bytes + bus->InquiryDataOffset);
    second = (const SCSI_INQUIRY_DATA *)(buffer.bytes + first->NextInquiryDataOffset);
    CHECK(first->TargetId == 0 && first->DeviceClaimed && second->TargetId == 2);
    CHECK(second->InquiryDataLength == INQUIRYDATABUFFERSIZE && second->NextInquiryDataOffset == 0);
    CHECK(memcmp(((const INQUIRYDATA *)second->InquiryData)->VendorId, "FLUSH", 5) == 0);
    CHECK(information > first->NextInquiryDataOffset + INQUIRYDATABUFFERSIZE);
    wb_note("asked");
}

static void the_adapter_lists_its_units(void **state)
{
    (void)state;
    run_in_thread(list_units, &(struct scsi_bench){.targets = 5});
    assert_non_null(strstr(wb_notes(), "asked"));
}

/* ---- an adapter that is held, stopped or gone ---- */

static VOID NTAPI resume_later(PVOID context)
{
    (void)context;
    ft_scsi_resume(adapter());
    wb_note("resumed");
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void ask_too_early(void)
{
    HANDLE thread;

    adapter()->held = FT_SCSI_DRAINED;
    CHECK(NT_SUCCESS(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, resume_later, NULL)));
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(pass(adapter()->units->pdo) == STATUS_SUCCESS);
    wb_note("asked");
}

static void a_held_adapter_gets_no_commands(void **state)
{
    (void)state;
    run_in_thread(ask_too_early, &(struct scsi_bench){.start_io = serve_command});
    assert_non_null(strstr(wb_notes(), "cdb:a0 resumed asked"));
}

static void ask_stopped_one(void)
{
    adapter()->state = FT_SCSI_STOPPED;
    fill_pass(0xA0, SCSI_IOCTL_DATA_IN, 8);
    CHECK(pass(adapter()->units->pdo) == STATUS_DEVICE_NOT_READY);
    CHECK(send(adapter()->fdo, IOCTL_SCSI_RESCAN_BUS, 0, 0) == STATUS_DEVICE_NOT_READY);
    buffer.private_.header = (SRB_IO_CONTROL){.HeaderLength = sizeof(SRB_IO_CONTROL)};
    CHECK(send(adapter()->fdo, IOCTL_SCSI_MINIPORT, sizeof buffer.private_, 0) ==
          STATUS_DEVICE_NOT_READY);
    adapter()->state = FT_SCSI_RUNNING;
    wb_note("asked");
}

static void a_stopped_adapter_answers_nothing(void **state)
{
    (void)state;
    run_in_thread(ask_stopped_one, &(struct scsi_bench){.start_io = serve_command});
    assert_non_null(strstr(wb_notes(), "init query asked"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_adapter_says_what_it_can),
        cmocka_unit_test(a_unit_says_where_it_is),
        cmocka_unit_test(the_bus_is_scanned_when_asked),
        cmocka_unit_test(a_private_request_reaches_the_miniport),
        cmocka_unit_test(a_command_of_an_application_reaches_its_unit),
        cmocka_unit_test(a_command_that_makes_no_sense_does_not),
        cmocka_unit_test(the_direct_form_has_its_data_elsewhere),
        cmocka_unit_test(the_adapter_lists_its_units),
        cmocka_unit_test(a_held_adapter_gets_no_commands),
        cmocka_unit_test(a_stopped_adapter_answers_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
