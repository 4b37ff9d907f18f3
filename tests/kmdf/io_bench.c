#include "io_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

struct ft_wdf_device *io_device;
unsigned char io_buffer[IO_BUFFER_BYTES];
IO_STATUS_BLOCK io_ended;
static struct io_bench how;

static const struct ft_wdf_class device_class = {.handle_class = FT_HC_WDF_DEVICE};

static void make_device(void)
{
    NTSTATUS status;

    io_device = ft_wdf_object_new(&device_class, sizeof *io_device, NULL, how.attributes, &status);
    CHECK(io_device != NULL);
    io_device->fdo = the_driver.device;
    io_device->below = the_driver.below;
    io_device->pdo = the_driver.below;
    io_device->io_type = how.io_type ? how.io_type : WdfDeviceIoDirect;
    if (how.prepare)
        how.prepare(io_device);
    CHECK(ft_wdf_io_begin(io_device) == STATUS_SUCCESS);
    if (how.setup)
        how.setup();
    io_device->add_over = 1;
    io_device->in_d0 = 1;
    if (!how.asleep)
        ft_wdf_queues_start(io_device);
}

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    uint8_t layer;
    NTSTATUS status;

    if (device != the_driver.device)
        return how.lower(device, irp);
    layer = ft_layer_set(FT_LAYER_FRAMEWORK);
    status = ft_wdf_io_dispatch(io_device, irp);
    ft_layer_set(layer);
    return status;
}

static void end_device(void)
{
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    if (io_device->in_d0)
        ft_wdf_queues_hold(io_device);
    io_device->in_d0 = 0;
    ft_wdf_queues_purge(io_device, true);
    ft_wdf_queues_purge(io_device, false);
    ft_wdf_object_delete(&io_device->object);
    ft_layer_set(layer);
}

static void started(void)
{
    uint8_t layer;

    if (the_driver.starts > 1)
        return;
    layer = ft_layer_set(FT_LAYER_FRAMEWORK);
    make_device();
    ft_layer_set(layer);
    if (how.body)
        how.body();
}

static bool on_pnp(PIRP irp, NTSTATUS *status)
{
    (void)status;
    if (IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_REMOVE_DEVICE)
        end_device();
    return false;
}

static NTSTATUS on_power(PIRP irp, PIO_STACK_LOCATION location)
{
    bool down = location->Parameters.Power.State.DeviceState > PowerDeviceD0;
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    if (location->MinorFunction == IRP_MN_SET_POWER &&
        location->Parameters.Power.Type == DevicePowerState) {
        if (down && io_device->in_d0)
            ft_wdf_queues_hold(io_device);
        if (!down && !io_device->in_d0)
            ft_wdf_queues_start(io_device);
        io_device->in_d0 = !down;
    }
    ft_layer_set(layer);
    return bench_pass_down(irp);
}

static int entry(void *object, void *path)
{
    static const UCHAR majors[] = {IRP_MJ_CREATE,
                                   IRP_MJ_CLEANUP,
                                   IRP_MJ_CLOSE,
                                   IRP_MJ_READ,
                                   IRP_MJ_WRITE,
                                   IRP_MJ_DEVICE_CONTROL,
                                   IRP_MJ_INTERNAL_DEVICE_CONTROL};
    PDRIVER_OBJECT driver = object;
    int status = bench_driver_entry(object, path);

    for (unsigned i = 0; i < sizeof majors; i++)
        driver->MajorFunction[majors[i]] = dispatch;
    return status;
}

void io_bench_run(const struct io_bench *what, const struct ft_op *op, unsigned op_count)
{
    how = *what;
    the_driver = (struct bench_driver){
        .windows = 100,
        .started = started,
        .pnp = on_pnp,
        .power = how.power ? on_power : NULL,
        .flags = DO_POWER_PAGABLE,
        .buffered = how.io_type == WdfDeviceIoBuffered,
        .neither = how.io_type == WdfDeviceIoNeither,
    };
    wb_run(&(struct wb_case){.entry = entry, .op = op, .op_count = op_count});
    assert_int_equal(wb_result()->stop, how.stop);
}

void io_bench_body(void (*setup)(void), void (*body)(void))
{
    io_bench_run(&(struct io_bench){.setup = setup, .body = body}, NULL, 0);
}

/* ---- queues ---- */

static WDFQUEUE make_queue(WDF_IO_QUEUE_CONFIG *config, PFN_WDF_IO_QUEUE_IO_DEFAULT handler)
{
    WDFQUEUE queue = NULL;

    config->EvtIoDefault = handler;
    config->AllowZeroLengthRequests = TRUE;
    CHECK(WdfIoQueueCreate(IO_DEVICE, config, NULL, &queue) == STATUS_SUCCESS);
    return queue;
}

WDFQUEUE io_queue(WDF_IO_QUEUE_DISPATCH_TYPE type, PFN_WDF_IO_QUEUE_IO_DEFAULT handler)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT(&config, type);
    return make_queue(&config, handler);
}

WDFQUEUE io_default_queue(WDF_IO_QUEUE_DISPATCH_TYPE type, PFN_WDF_IO_QUEUE_IO_DEFAULT handler)
{
    WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, type);
    return make_queue(&config, handler);
}

/* ---- IRPs ---- */

static NTSTATUS is_back(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    char note[32];

    (void)device;
    (void)context;
    io_ended = irp->IoStatus;
    snprintf(note, sizeof note, "done:%X", (unsigned)irp->IoStatus.Status);
    wb_note(note);
    if (irp->MdlAddress)
        IoFreeMdl(irp->MdlAddress);
    irp->MdlAddress = NULL;
    IoFreeIrp(irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP new_irp(UCHAR major)
{
    PIRP irp = IoAllocateIrp((CCHAR)(the_driver.device->StackSize + 1), FALSE);

    CHECK(irp != NULL);
    IoSetNextIrpStackLocation(irp);
    IoGetNextIrpStackLocation(irp)->MajorFunction = major;
    return irp;
}

static PIRP go(PIRP irp)
{
    IoSetCompletionRoutine(irp, is_back, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.device, irp);
    return irp;
}

static void attach_mdl(PIRP irp, ULONG bytes)
{
    irp->MdlAddress = IoAllocateMdl(io_buffer, bytes, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(irp->MdlAddress);
}

PIRP io_send(UCHAR major, ULONG bytes)
{
    PIRP irp = new_irp(major);

    IoGetNextIrpStackLocation(irp)->Parameters.Read.Length = bytes;
    IoGetNextIrpStackLocation(irp)->Parameters.Read.ByteOffset.QuadPart = 0x1000;
    if (io_device->io_type == WdfDeviceIoBuffered)
        irp->AssociatedIrp.SystemBuffer = io_buffer;
    else if (io_device->io_type == WdfDeviceIoDirect && bytes)
        attach_mdl(irp, bytes);
    irp->UserBuffer = io_buffer;
    return go(irp);
}

PIRP io_send_control(ULONG code, ULONG input, ULONG output)
{
    PIRP irp = new_irp(IRP_MJ_DEVICE_CONTROL);
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    ULONG method = METHOD_FROM_CTL_CODE(code);

    next->Parameters.DeviceIoControl.IoControlCode = code;
    next->Parameters.DeviceIoControl.InputBufferLength = input;
    next->Parameters.DeviceIoControl.OutputBufferLength = output;
    if (method == METHOD_NEITHER) {
        next->Parameters.DeviceIoControl.Type3InputBuffer = io_buffer;
        irp->UserBuffer = io_buffer + 256;
    } else {
        irp->AssociatedIrp.SystemBuffer = io_buffer;
        if (method != METHOD_BUFFERED && output)
            attach_mdl(irp, output);
    }
    return go(irp);
}

PIRP io_send_file(UCHAR major, PFILE_OBJECT file)
{
    PIRP irp = new_irp(major);

    IoGetNextIrpStackLocation(irp)->FileObject = file;
    if (major == IRP_MJ_READ) {
        IoGetNextIrpStackLocation(irp)->Parameters.Read.Length = 16;
        attach_mdl(irp, 16);
    }
    return go(irp);
}

/* ---- other tasks ---- */

static void run_thread(void *routine)
{
    ft_current()->layer = FT_LAYER_DRIVER;
    ((void (*)(void))routine)();
}

void io_thread(void (*routine)(void))
{
    ft_task_spawn(FT_TASK_THREAD, run_thread, (void *)routine, 0);
}

void io_settle(void)
{
    ft_task_wait_quiet();
}
