#include "scsi_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct scsi_bench the_scsi;

ULONG scsi_bench_register(ULONG offset)
{
    return ScsiPortReadRegisterUlong((PULONG)(the_scsi.registers + offset));
}

void scsi_bench_register_set(ULONG offset, ULONG value)
{
    ScsiPortWriteRegisterUlong((PULONG)(the_scsi.registers + offset), value);
}

static void met(enum ft_routine routine, const char *note)
{
    if (note)
        wb_note(note);
    the_scsi.calls[routine]++;
    if (the_scsi.in)
        the_scsi.in(routine);
}

static void note_number(const char *pattern, unsigned number)
{
    char note[16];

    snprintf(note, sizeof note, pattern, number);
    wb_note(note);
}

/* ---- finding the adapter ---- */

static void fill(PPORT_CONFIGURATION_INFORMATION config)
{
    config->NumberOfBuses = 1;
    config->InitiatorBusId[0] = SCSI_BENCH_INITIATOR;
    config->MaximumTransferLength = SCSI_BENCH_TRANSFER;
    config->NumberOfPhysicalBreaks = SCSI_BENCH_BREAKS;
}

static bool all_zero(const UCHAR *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void map_registers(PPORT_CONFIGURATION_INFORMATION config)
{
    const ACCESS_RANGE *range = &(*config->AccessRanges)[0];

    the_scsi.range = *range;
    the_scsi.registers = NULL;
    if (range->RangeLength > 0)
        the_scsi.registers = ScsiPortGetDeviceBase(
            the_scsi.extension, config->AdapterInterfaceType, config->SystemIoBusNumber,
            range->RangeStart, range->RangeLength, (BOOLEAN)!range->RangeInMemory);
}

static ULONG NTAPI find_adapter(PVOID extension, PVOID context, PVOID bus, PCHAR arguments,
                                PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
    (void)context;
    CHECK(bus == NULL);
    snprintf(the_scsi.argument, sizeof the_scsi.argument, "%s", arguments ? arguments : "");
    the_scsi.extension = extension;
    the_scsi.given = *config;
    the_scsi.fresh = all_zero(extension, SCSI_BENCH_EXTENSION);
    memset(extension, 0x5A, SCSI_BENCH_EXTENSION);
    map_registers(config);
    *again = (BOOLEAN)(the_scsi.again && the_scsi.calls[FT_ROUTINE_SCSI_FIND_ADAPTER] == 0);
    fill(config);
    met(FT_ROUTINE_SCSI_FIND_ADAPTER, "find");
    if (the_scsi.configure)
        the_scsi.configure(config);
    the_scsi.taken = *config;
    if (!the_scsi.find_fails && the_scsi.find_result == 0)
        return SP_RETURN_FOUND;
    if (the_scsi.registers)
        ScsiPortFreeDeviceBase(extension, the_scsi.registers);
    the_scsi.registers = NULL;
    return the_scsi.find_result;
}

static BOOLEAN NTAPI initialize(PVOID extension)
{
    CHECK(extension == the_scsi.extension && ft_irql() > DISPATCH_LEVEL);
    met(FT_ROUTINE_SCSI_INITIALIZE, "init");
    return (BOOLEAN)!the_scsi.initialize_fails;
}

/* ---- requests ---- */

static bool is_there(const SCSI_REQUEST_BLOCK *srb)
{
    unsigned targets = the_scsi.targets ? the_scsi.targets : 1;
    unsigned luns = the_scsi.luns ? the_scsi.luns : 1;

    return srb->PathId == 0 && (targets >> srb->TargetId & 1) && srb->Lun < luns;
}

static void answer_inquiry(PSCSI_REQUEST_BLOCK srb)
{
    INQUIRYDATA data = {.DeviceType = DIRECT_ACCESS_DEVICE, .CommandQueue = 1};
    ULONG bytes = srb->DataTransferLength < INQUIRYDATABUFFERSIZE ? srb->DataTransferLength
                                                                  : INQUIRYDATABUFFERSIZE;

    data.ANSIVersion = 2;
    data.ResponseDataFormat = 2;
    data.AdditionalLength = INQUIRYDATABUFFERSIZE - 5;
    memcpy(data.VendorId, "FLUSH   ", sizeof data.VendorId);
    memcpy(data.ProductId, "BENCH DISK      ", sizeof data.ProductId);
    ScsiPortMoveMemory(srb->DataBuffer, &data, bytes);
}

UCHAR scsi_bench_answer(PSCSI_REQUEST_BLOCK srb)
{
    if (!is_there(srb))
        return srb->Lun == 0 ? SRB_STATUS_SELECTION_TIMEOUT : SRB_STATUS_INVALID_LUN;
    if (srb->Function == SRB_FUNCTION_EXECUTE_SCSI && srb->Cdb[0] == SCSIOP_INQUIRY)
        answer_inquiry(srb);
    return SRB_STATUS_SUCCESS;
}

void scsi_bench_complete(PSCSI_REQUEST_BLOCK srb, UCHAR srb_status)
{
    srb->SrbStatus = srb_status;
    ScsiPortNotification(RequestComplete, the_scsi.extension, srb);
    ScsiPortNotification(NextRequest, the_scsi.extension);
}

static BOOLEAN NTAPI start_io(PVOID extension, PSCSI_REQUEST_BLOCK srb)
{
    bool scan = srb->Function == SRB_FUNCTION_EXECUTE_SCSI && srb->Cdb[0] == SCSIOP_INQUIRY;

    CHECK(extension == the_scsi.extension && ft_irql() > DISPATCH_LEVEL);
    the_scsi.last = *srb;
    if (!scan || (the_scsi.flags & SCSI_BENCH_NOTE_SCAN)) {
        if (srb->Function == SRB_FUNCTION_EXECUTE_SCSI)
            note_number("cdb:%02x", srb->Cdb[0]);
        else
            note_number("io:%02x", srb->Function);
    }
    met(FT_ROUTINE_SCSI_START_IO, NULL);
    if (the_scsi.start_io)
        return the_scsi.start_io(srb);
    scsi_bench_complete(srb, scsi_bench_answer(srb));
    return TRUE;
}

static BOOLEAN NTAPI interrupt(PVOID extension)
{
    (void)extension;
    if (the_scsi.isr) {
        met(FT_ROUTINE_SCSI_INTERRUPT, NULL);
        return the_scsi.isr();
    }
    if (!the_scsi.registers || scsi_bench_register(WB_REG_LINE) != 1) {
        met(FT_ROUTINE_SCSI_INTERRUPT, NULL);
        return FALSE;
    }
    scsi_bench_register_set(WB_REG_LINE, 0);
    met(FT_ROUTINE_SCSI_INTERRUPT, "isr");
    return TRUE;
}

static VOID NTAPI dma_started(PVOID extension)
{
    CHECK(extension == the_scsi.extension && ft_irql() > DISPATCH_LEVEL);
    met(FT_ROUTINE_SCSI_DMA_STARTED, "dma");
    if (the_scsi.dma_started)
        the_scsi.dma_started();
}

static BOOLEAN NTAPI reset_bus(PVOID extension, ULONG path)
{
    CHECK(extension == the_scsi.extension && ft_irql() > DISPATCH_LEVEL);
    note_number("reset:%u", path);
    met(FT_ROUTINE_SCSI_RESET_BUS, NULL);
    if (the_scsi.reset_bus)
        return the_scsi.reset_bus(path);
    ScsiPortCompleteRequest(extension, (UCHAR)path, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET);
    ScsiPortNotification(NextRequest, extension);
    return TRUE;
}

/* ---- adapter control ---- */

static void answer_query(PSCSI_SUPPORTED_CONTROL_TYPE_LIST list)
{
    for (ULONG i = 0; i < list->MaxControlType; i++)
        list->SupportedTypeList[i] = (BOOLEAN) !(the_scsi.not_supported >> i & 1);
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(PVOID extension, SCSI_ADAPTER_CONTROL_TYPE type,
                                                 PVOID parameters)
{
    static const char *const names[] = {"query", "stop", "restart", "boot", "run"};
    bool locked = type == ScsiStopAdapter || type == ScsiRestartAdapter;

    CHECK(extension == the_scsi.extension && (unsigned)type < RTL_NUMBER_OF(names));
    CHECK(locked == (ft_irql() > DISPATCH_LEVEL));
    met(FT_ROUTINE_SCSI_CONTROL, names[type]);
    if (the_scsi.control)
        return the_scsi.control(type, parameters);
    if (type == ScsiQuerySupportedControlTypes)
        answer_query(parameters);
    if (type == ScsiStopAdapter)
        return the_scsi.stop;
    return type == ScsiRestartAdapter ? the_scsi.restart : ScsiAdapterControlSuccess;
}

/* ---- the driver ---- */

int scsi_bench_entry(void *argument1, void *argument2)
{
    HW_INITIALIZATION_DATA data;

    memset(&data, 0, sizeof data);
    data.HwInitializationDataSize = sizeof data;
    data.AdapterInterfaceType = PCIBus;
    data.HwInitialize = initialize;
    data.HwStartIo = start_io;
    data.HwInterrupt = interrupt;
    data.HwFindAdapter = find_adapter;
    data.HwResetBus = reset_bus;
    data.HwAdapterControl = the_scsi.flags & SCSI_BENCH_NO_CONTROL ? NULL : control;
    data.DeviceExtensionSize = SCSI_BENCH_EXTENSION;
    data.NumberOfAccessRanges = 1;
    data.MapBuffers = TRUE;
    if (the_scsi.dma_started)
        data.HwDmaStarted = dma_started;
    if (the_scsi.init)
        the_scsi.init(&data);
    if (the_scsi.entry)
        return (int)the_scsi.entry(argument1, argument2, &data);
    the_scsi.status = ScsiPortInitialize(argument1, argument2, &data, NULL);
    return (int)the_scsi.status;
}

void scsi_bench_run(const struct scsi_bench *how, const struct ft_op *op, unsigned op_count)
{
    the_scsi = *how;
    wb_run(&(struct wb_case){.entry = scsi_bench_entry,
                             .describe = how->describe,
                             .adjust = how->adjust,
                             .model = how->model,
                             .op = op,
                             .op_count = op_count});
}

void scsi_bench_expect(const struct scsi_bench *how, const struct ft_op *op, unsigned op_count,
                       const char *notes)
{
    scsi_bench_run(how, op, op_count);
    assert_string_equal(wb_notes(), notes);
}
