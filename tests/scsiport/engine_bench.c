#include "engine_bench.h"

#include "io/io_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct engine_bench eb;

static struct ft_scsi_init init;
static PORT_CONFIGURATION_INFORMATION config;
static UCHAR sense_areas[EB_SENSE_BYTES + 6];

static void note_number(const char *word, unsigned number)
{
    char note[32];

    snprintf(note, sizeof note, "%s:%u", word, number);
    wb_note(note);
}

unsigned eb_number(const SCSI_REQUEST_BLOCK *srb)
{
    for (unsigned i = 1; i <= eb.sent; i++)
        if (eb.srb[i] == srb)
            return i;
    return 0;
}

/* ---- the miniport ---- */

static BOOLEAN NTAPI hw_start_io(PVOID extension, PSCSI_REQUEST_BLOCK srb)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    note_number("start", eb_number(srb));
    if (eb.start)
        return eb.start(srb);
    eb_complete(srb, SRB_STATUS_SUCCESS);
    eb_next();
    return TRUE;
}

static BOOLEAN NTAPI hw_interrupt(PVOID extension)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    WRITE_REGISTER_ULONG((PULONG)(eb.registers + WB_REG_LINE), 0);
    wb_note("isr");
    if (eb.interrupt)
        eb.interrupt();
    return TRUE;
}

static BOOLEAN NTAPI hw_reset(PVOID extension, ULONG path)
{
    CHECK(extension == eb.adapter->extension && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    note_number("reset", path);
    if (eb.reset)
        eb.reset(path);
    return TRUE;
}

void eb_complete(PSCSI_REQUEST_BLOCK srb, UCHAR srb_status)
{
    srb->SrbStatus = srb_status;
    ScsiPortNotification(RequestComplete, eb.adapter->extension, srb);
}

void eb_next(void)
{
    ScsiPortNotification(NextRequest, eb.adapter->extension);
}

void eb_next_lu(unsigned unit)
{
    ScsiPortNotification(NextLuRequest, eb.adapter->extension, eb.unit[unit]->path,
                         eb.unit[unit]->target, eb.unit[unit]->lun);
}

/* ---- what the engine calls of others ---- */

struct ft_scsi_unit *ft_scsi_unit_at(struct ft_scsi_adapter *adapter, unsigned path,
                                     unsigned target, unsigned lun)
{
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        if (unit->path == path && unit->target == target && unit->lun == lun)
            return unit;
    return NULL;
}

void ft_scsi_rescan(struct ft_scsi_adapter *adapter)
{
    CHECK(adapter == eb.adapter && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note("changed");
}

bool ft_scsi_wmi_event(struct ft_scsi_adapter *adapter, PDEVICE_OBJECT device,
                       const struct _WNODE_HEADER *node)
{
    CHECK(adapter == eb.adapter && device != NULL && node != NULL);
    ft_scsi_intend(adapter, FT_SCSI_WMI);
    return true;
}

void ft_scsi_wmi_again(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit)
{
    CHECK(adapter == eb.adapter && (unit == NULL || unit->adapter == adapter));
    ft_scsi_intend(adapter, FT_SCSI_WMI_AGAIN);
}

void ft_scsi_wmi_deliver(struct ft_scsi_adapter *adapter)
{
    CHECK(adapter == eb.adapter && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note("event");
}

void ft_scsi_wmi_renew(struct ft_scsi_adapter *adapter)
{
    CHECK(adapter == eb.adapter && KeGetCurrentIrql() == DISPATCH_LEVEL);
    wb_note("renew");
}

bool ft_scsi_dma_prepare(struct ft_scsi_request *request)
{
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    if (eb.refuse_dma)
        ft_scsi_start_refused(request);
    else if (eb.hold_dma)
        eb.waiting = request;
    return !eb.refuse_dma && !eb.hold_dma;
}

void ft_scsi_dma_flush(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping)
{
    (void)adapter, (void)mapping;
    wb_note("flush");
}

void ft_scsi_dma_map(struct ft_scsi_adapter *adapter, const struct ft_scsi_mapping *mapping)
{
    (void)adapter, (void)mapping;
    wb_note("map");
}

void ft_scsi_dma_finish(struct ft_scsi_request *request, bool last)
{
    if (request->srb->Function == SRB_FUNCTION_EXECUTE_SCSI)
        note_number(last ? "last" : "finish", eb_number(request->srb));
}

bool ft_scsi_extension_take(struct ft_scsi_request *request)
{
    if (eb.extensions && eb.extensions_used == eb.extensions)
        return false;
    request->extension_index = ++eb.extensions_used;
    return true;
}

void ft_scsi_extension_give(struct ft_scsi_request *request)
{
    CHECK(request->extension_index > 0);
    request->extension_index = 0;
    eb.extensions_used--;
}

UCHAR *ft_scsi_sense_area(const struct ft_scsi_request *request, ULONG *bytes)
{
    (void)request;
    *bytes = sizeof sense_areas;
    return eb.sense_area ? sense_areas : NULL;
}

/* ---- the class driver ---- */

FT_CLASS_ROUTINE
static NTSTATUS NTAPI done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    unsigned number = (unsigned)(ULONG_PTR)context;
    char note[32];

    (void)device;
    eb.status[number] = irp->IoStatus.Status;
    eb.information[number] = irp->IoStatus.Information;
    snprintf(note, sizeof note, "done:%u:%02x", number, eb.srb[number]->SrbStatus);
    wb_note(note);
    eb.irp[number] = NULL;
    IoFreeIrp(irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

PSCSI_REQUEST_BLOCK eb_srb(UCHAR function, unsigned unit)
{
    PSCSI_REQUEST_BLOCK srb = ft_block_alloc(sizeof *srb, FT_HC_SRB, 0);
    unsigned number = ++eb.sent;

    FT_ASSERT(number <= EB_SRBS);
    eb.srb[number] = srb;
    eb.unit_device[unit] = eb.unit[unit]->pdo;
    srb->Length = sizeof *srb;
    srb->Function = function;
    srb->PathId = eb.unit[unit]->path;
    srb->TargetId = eb.unit[unit]->target;
    srb->Lun = eb.unit[unit]->lun;
    srb->TimeOutValue = 10;
    srb->SenseInfoBuffer = eb.sense[number];
    srb->SenseInfoBufferLength = EB_SENSE_BYTES;
    return srb;
}

static PDEVICE_OBJECT device_of(const SCSI_REQUEST_BLOCK *srb)
{
    return ft_scsi_unit_at(eb.adapter, srb->PathId, srb->TargetId, srb->Lun)->pdo;
}

NTSTATUS eb_send(PSCSI_REQUEST_BLOCK srb)
{
    unsigned number = eb_number(srb);
    PIRP irp = IoAllocateIrp(2, FALSE);
    PIO_STACK_LOCATION location = IoGetNextIrpStackLocation(irp);

    location->MajorFunction = IRP_MJ_SCSI;
    location->Parameters.Scsi.Srb = srb;
    srb->OriginalRequest = irp;
    eb.irp[number] = irp;
    IoSetCompletionRoutine(irp, done, (PVOID)(ULONG_PTR)number, TRUE, TRUE, TRUE);
    return IoCallDriver(device_of(srb), irp);
}

unsigned eb_execute(unsigned unit, ULONG flags)
{
    PSCSI_REQUEST_BLOCK srb = eb_srb(SRB_FUNCTION_EXECUTE_SCSI, unit);
    unsigned number = eb.sent;

    srb->SrbFlags = flags;
    srb->QueueAction = SRB_SIMPLE_TAG_REQUEST;
    eb_send(srb);
    return number;
}

NTSTATUS eb_function(UCHAR function, unsigned unit)
{
    return eb_send(eb_srb(function, unit));
}

bool eb_is_done(unsigned number)
{
    return eb.irp[number] == NULL;
}

/* ---- time ---- */

void eb_settle(void)
{
    LARGE_INTEGER moment = {.QuadPart = -10000};

    KeDelayExecutionThread(KernelMode, FALSE, &moment);
}

void eb_seconds(unsigned seconds)
{
    LARGE_INTEGER time = {.QuadPart = -10000000LL * seconds};

    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

void eb_line(void)
{
    WRITE_REGISTER_ULONG((PULONG)(eb.registers + WB_REG_LINE), 1);
}

/* ---- the machine ---- */

static void fill_init(void)
{
    memset(&init, 0, sizeof init);
    init.data.HwStartIo = hw_start_io;
    init.data.HwInterrupt = hw_interrupt;
    init.data.HwResetBus = hw_reset;
    memset(&config, 0, sizeof config);
    config.NumberOfBuses = 2;
    if (eb.configure)
        eb.configure(&config);
}

static void make_unit(PDRIVER_OBJECT driver, unsigned index)
{
    PDEVICE_OBJECT device;
    struct ft_scsi_unit *unit;

    CHECK(IoCreateDevice(driver, sizeof *unit, NULL, FILE_DEVICE_MASS_STORAGE, 0, FALSE, &device) ==
          STATUS_SUCCESS);
    unit = device->DeviceExtension;
    unit->pdo = device;
    unit->adapter = eb.adapter;
    unit->target = (uint8_t)(index + 1);
    unit->path = index == 2; /* the third one is on the other bus */
    unit->index = (uint8_t)index;
    unit->tagged = 1;
    unit->extension = &eb.sense[index];
    eb.unit[index] = unit;
    if (index == 0)
        eb.adapter->units = unit;
    else
        eb.unit[index - 1]->next = unit;
    eb.adapter->unit_count++;
}

static void connect(void)
{
    PHYSICAL_ADDRESS bar = {.QuadPart = (LONGLONG)ft_bus_memory()};

    FT_DEV->decodes = 1;
    FT_DEV->power = FT_D0;
    eb.registers = MmMapIoSpace(bar, WB_BAR_BYTES, MmNonCached);
    eb.adapter->irql = WB_IRQ_LEVEL;
    CHECK(IoConnectInterrupt(&eb.adapter->interrupt, ft_scsi_isr, eb.adapter, NULL,
                             ft_bus_vector(0), WB_IRQ_LEVEL, WB_IRQ_LEVEL, LevelSensitive, TRUE, 1,
                             FALSE) == STATUS_SUCCESS);
    WRITE_REGISTER_ULONG((PULONG)(eb.registers + WB_REG_ENABLE), 1);
}

static void set_up(void)
{
    PDRIVER_OBJECT driver = wb_driver_object();
    PDEVICE_OBJECT fdo;

    fill_init();
    driver->MajorFunction[IRP_MJ_SCSI] = ft_scsi_dispatch;
    CHECK(IoCreateDevice(driver, sizeof(struct ft_scsi_adapter) + 64, NULL,
                         FILE_DEVICE_MASS_STORAGE, 0, FALSE, &fdo) == STATUS_SUCCESS);
    eb.adapter = fdo->DeviceExtension;
    eb.adapter->fdo = fdo;
    eb.adapter->init = &init;
    eb.adapter->config = &config;
    eb.adapter->state = FT_SCSI_RUNNING;
    FT_SCSI->adapters = eb.adapter;
    for (unsigned i = 0; i < EB_UNITS; i++)
        make_unit(driver, i);
    connect();
    ft_scsi_engine_begin(eb.adapter);
    ft_scsi_tick_start(eb.adapter);
}

static void body(void)
{
    uint8_t layer = ft_layer_set(FT_LAYER_PORT);

    set_up();
    ft_layer_set(FT_LAYER_SYSTEM);
    eb.body();
    ft_layer_set(FT_LAYER_PORT);
    ft_scsi_tick_stop(eb.adapter);
    ft_scsi_timer_stop(eb.adapter);
    IoDisconnectInterrupt(eb.adapter->interrupt);
    ft_layer_set(layer);
}

void eb_run(const struct engine_bench *how, const char *notes)
{
    eb = *how;
    wb_run(&(struct wb_case){.body = body, .describe = how->describe});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    if (notes)
        assert_string_equal(wb_notes(), notes);
}
