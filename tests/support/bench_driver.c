#include "bench_driver.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct bench_driver the_driver;

ULONG bench_register(ULONG offset)
{
    return READ_REGISTER_ULONG((PULONG)(the_driver.registers + offset));
}

void bench_register_set(ULONG offset, ULONG value)
{
    WRITE_REGISTER_ULONG((PULONG)(the_driver.registers + offset), value);
}

NTSTATUS bench_complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static VOID cancel_held(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    wb_note("cancelled");
    bench_complete(irp, STATUS_CANCELLED, 0);
}

NTSTATUS bench_hold(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoMarkIrpPending(irp);
    IoSetCancelRoutine(irp, cancel_held);
    return STATUS_PENDING;
}

NTSTATUS bench_swallow(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    IoMarkIrpPending(irp);
    return STATUS_PENDING;
}

NTSTATUS bench_pass_down(PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(the_driver.below, irp);
}

/* ---- resources ---- */

static void release_resources(void)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS how = {.Version = the_driver.connected};

    how.ConnectionContext.Generic = the_driver.connection;
    if (the_driver.interrupt)
        IoDisconnectInterrupt(the_driver.interrupt);
    if (the_driver.connection)
        IoDisconnectInterruptEx(&how);
    if (the_driver.registers)
        MmUnmapIoSpace(the_driver.registers, WB_BAR_BYTES);
    the_driver.interrupt = NULL;
    the_driver.connection = NULL;
    the_driver.registers = NULL;
}

static void remember(PCM_RESOURCE_LIST list, PCM_PARTIAL_RESOURCE_DESCRIPTOR parts)
{
    PCM_PARTIAL_RESOURCE_LIST partial = &list->List[0].PartialResourceList;

    the_driver.resources = partial->Count;
    for (ULONG i = 0; i < partial->Count && i < 8; i++)
        parts[i] = partial->PartialDescriptors[i];
}

static void take_resources(PCM_RESOURCE_LIST list)
{
    PCM_PARTIAL_RESOURCE_LIST partial = &list->List[0].PartialResourceList;
    KIRQL irql = 0;

    for (ULONG i = 0; i < partial->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR part = &partial->PartialDescriptors[i];

        if (part->Type == CmResourceTypeMemory)
            the_driver.registers =
                MmMapIoSpace(part->u.Memory.Start, part->u.Memory.Length, MmNonCached);
        if (part->Type == CmResourceTypeInterrupt) {
            the_driver.vector = part->u.Interrupt.Vector;
            irql = (KIRQL)part->u.Interrupt.Level;
        }
    }
    the_driver.bus = list->List[0].InterfaceType;
    if (the_driver.connect && the_driver.vector)
        CHECK(NT_SUCCESS(the_driver.connect(&the_driver.translated[0])));
    else if (the_driver.isr)
        CHECK(IoConnectInterrupt(&the_driver.interrupt, the_driver.isr, NULL, NULL,
                                 the_driver.vector, irql, irql, LevelSensitive, TRUE, 1,
                                 FALSE) == STATUS_SUCCESS);
}

/* ---- PnP and power ---- */

static NTSTATUS keep(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp, (void)context;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS start(PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = the_driver.starts++ ? the_driver.restart : the_driver.start;

    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, keep, NULL, TRUE, TRUE, TRUE);
    IoCallDriver(the_driver.below, irp); /* this bus driver completes at once */
    if (!NT_SUCCESS(irp->IoStatus.Status))
        return bench_complete(irp, irp->IoStatus.Status, 0);
    if (NT_SUCCESS(status)) {
        remember(location->Parameters.StartDevice.AllocatedResources, the_driver.raw);
        remember(location->Parameters.StartDevice.AllocatedResourcesTranslated,
                 the_driver.translated);
        take_resources(location->Parameters.StartDevice.AllocatedResourcesTranslated);
        if (the_driver.started)
            the_driver.started();
    }
    return bench_complete(irp, status, 0);
}

static NTSTATUS remove_device(PIRP irp)
{
    NTSTATUS status;

    release_resources();
    irp->IoStatus.Status = STATUS_SUCCESS;
    status = bench_pass_down(irp);
    IoDetachDevice(the_driver.below);
    IoDeleteDevice(the_driver.device);
    return status;
}

static NTSTATUS agree(PIRP irp, NTSTATUS answer)
{
    if (!NT_SUCCESS(answer))
        return bench_complete(irp, answer, 0);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return bench_pass_down(irp);
}

static NTSTATUS pnp(PDEVICE_OBJECT device, PIRP irp)
{
    static const char *const names[] = {"start", "query-remove", "remove",     "cancel-remove",
                                        "stop",  "query-stop",   "cancel-stop"};
    UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
    NTSTATUS status;

    (void)device;
    if (minor < sizeof names / sizeof *names)
        wb_note(names[minor]);
    else if (minor == IRP_MN_SURPRISE_REMOVAL)
        wb_note("surprise");
    if (the_driver.pnp && the_driver.pnp(irp, &status))
        return status;
    switch (minor) {
    case IRP_MN_START_DEVICE:
        return start(irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return agree(irp, the_driver.query_remove);
    case IRP_MN_QUERY_STOP_DEVICE:
        return agree(irp, the_driver.query_stop);
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        release_resources();
        return agree(irp, STATUS_SUCCESS);
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
        return agree(irp, STATUS_SUCCESS);
    default:
        return bench_pass_down(irp);
    }
}

/* "d0" and so on, "query-d3"; "s3", "query-s3"; "wait-wake". */
static void note_power(PIO_STACK_LOCATION location)
{
    static const char *const names[] = {"d0",       "d1",       "d2",       "d3",       "query-d0",
                                        "query-d1", "query-d2", "query-d3", "s0",       "s1",
                                        "s2",       "s3",       "s4",       "s5",       "query-s0",
                                        "query-s1", "query-s2", "query-s3", "query-s4", "query-s5"};
    bool query = location->MinorFunction == IRP_MN_QUERY_POWER;

    if (location->MinorFunction == IRP_MN_WAIT_WAKE)
        wb_note("wait-wake");
    else if (location->Parameters.Power.Type == DevicePowerState)
        wb_note(names[(unsigned)location->Parameters.Power.State.DeviceState - 1 + 4 * query]);
    else
        wb_note(names[8 + (unsigned)location->Parameters.Power.State.SystemState - 1 + 6 * query]);
}

static NTSTATUS power(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);

    (void)device;
    note_power(location);
    if (the_driver.windows < 60)
        PoStartNextPowerIrp(irp);
    if (the_driver.power)
        return the_driver.power(irp, location);
    return bench_pass_down(irp);
}

/* ---- the rest ---- */

static NTSTATUS handle(PDEVICE_OBJECT device, PIRP irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

    (void)device;
    wb_note(major == IRP_MJ_CREATE ? "create" : major == IRP_MJ_CLOSE ? "close" : "cleanup");
    return bench_complete(irp, major == IRP_MJ_CREATE ? the_driver.create : STATUS_SUCCESS, 0);
}

static NTSTATUS request(PDEVICE_OBJECT device, PIRP irp)
{
    UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;

    wb_note(major == IRP_MJ_READ ? "read" : major == IRP_MJ_WRITE ? "write" : "control");
    return the_driver.request ? the_driver.request(device, irp)
                              : bench_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT pdo)
{
    NTSTATUS status =
        IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &the_driver.device);

    if (!NT_SUCCESS(status))
        return status;
    the_driver.below = IoAttachDeviceToDeviceStack(the_driver.device, pdo);
    if (!the_driver.neither)
        the_driver.device->Flags |= the_driver.buffered ? DO_BUFFERED_IO : DO_DIRECT_IO;
    the_driver.device->Flags |= the_driver.flags;
    the_driver.device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static VOID unload(PDRIVER_OBJECT driver)
{
    (void)driver;
    wb_note("unload");
}

int bench_driver_entry(void *object, void *path)
{
    PDRIVER_OBJECT driver = object;

    (void)path;
    the_driver.device = NULL;
    the_driver.below = NULL;
    the_driver.registers = NULL;
    the_driver.interrupt = NULL;
    the_driver.connection = NULL;
    the_driver.starts = 0;
    the_driver.vector = 0;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = the_driver.no_unload ? NULL : unload;
    driver->MajorFunction[IRP_MJ_PNP] = pnp;
    driver->MajorFunction[IRP_MJ_POWER] = power;
    driver->MajorFunction[IRP_MJ_CREATE] = handle;
    driver->MajorFunction[IRP_MJ_CLEANUP] = handle;
    driver->MajorFunction[IRP_MJ_CLOSE] = handle;
    driver->MajorFunction[IRP_MJ_READ] = request;
    driver->MajorFunction[IRP_MJ_WRITE] = request;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = request;
    return STATUS_SUCCESS;
}

void bench_driver_run(const struct bench_driver *how, const struct ft_op *op, unsigned op_count)
{
    the_driver = *how;
    if (!the_driver.windows)
        the_driver.windows = 100;
    wb_run(&(struct wb_case){.entry = bench_driver_entry,
                             .describe = how->describe,
                             .op = op,
                             .op_count = op_count,
                             .preset = how->platform,
                             .accesses = how->accesses,
                             .device_auto = how->device_auto,
                             .model = how->model});
}
