/* See child_bench.h. */
#include "child_bench.h"

#include <string.h>

IO_STATUS_BLOCK child_result;
NTSTATUS child_lock_answer;

/* ---- requests ---- */

PIRP child_begin(PDEVICE_OBJECT device, UCHAR minor, PKEVENT done)
{
    PIRP irp;

    KeInitializeEvent(done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, done, &child_result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
    return irp;
}

NTSTATUS child_end(PDEVICE_OBJECT device, PIRP irp, PKEVENT done)
{
    if (IoCallDriver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(done, Executive, KernelMode, FALSE, NULL);
    return child_result.Status;
}

NTSTATUS child_send(PDEVICE_OBJECT device, UCHAR minor)
{
    KEVENT done;
    PIRP irp = child_begin(device, minor, &done);

    return child_end(device, irp, &done);
}

PDEVICE_RELATIONS child_ask(PDEVICE_OBJECT device, DEVICE_RELATION_TYPE type, NTSTATUS expected)
{
    KEVENT done;
    PIRP irp = child_begin(device, IRP_MN_QUERY_DEVICE_RELATIONS, &done);

    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type = type;
    CHECK(child_end(device, irp, &done) == expected);
    return (PDEVICE_RELATIONS)child_result.Information;
}

/* Bus relations of that device: so many, the first of them returned. */
PDEVICE_OBJECT child_list_of(WDFDEVICE device, ULONG count)
{
    PDEVICE_RELATIONS all =
        child_ask(WdfDeviceWdmGetDeviceObject(device), BusRelations, STATUS_SUCCESS);
    PDEVICE_OBJECT first;

    CHECK(all && all->Count == count);
    first = count ? all->Objects[0] : NULL;
    for (ULONG i = 0; i < all->Count; i++)
        ObDereferenceObject(all->Objects[i]);
    ExFreePool(all);
    return first;
}

/* ---- the child's callbacks ---- */

static NTSTATUS set_lock(WDFDEVICE device, BOOLEAN locked)
{
    (void)device;
    wb_note(locked ? "lock:1" : "lock:0");
    return child_lock_answer;
}

static NTSTATUS eject(WDFDEVICE device)
{
    (void)device;
    wb_note("eject");
    return STATUS_SUCCESS;
}

static VOID missing(WDFDEVICE device)
{
    (void)device;
    wb_note("missing");
}

static NTSTATUS resources(WDFDEVICE device, WDFCMRESLIST list)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};

    (void)device;
    return WdfCmResourceListAppendDescriptor(list, &part);
}

static NTSTATUS requirements(WDFDEVICE device, WDFIORESREQLIST list)
{
    IO_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};
    WDFIORESLIST one;

    (void)device;
    CHECK(WdfIoResourceListCreate(list, NULL, &one) == STATUS_SUCCESS);
    CHECK(WdfIoResourceListAppendDescriptor(one, &part) == STATUS_SUCCESS);
    return WdfIoResourceRequirementsListAppendIoResList(list, one);
}

static NTSTATUS child_prepare(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated)
{
    (void)device, (void)raw, (void)translated;
    wb_note("child-prepare");
    return STATUS_SUCCESS;
}

static NTSTATUS child_release(WDFDEVICE device, WDFCMRESLIST translated)
{
    (void)device, (void)translated;
    wb_note("child-release");
    return STATUS_SUCCESS;
}

static VOID child_gone(WDFOBJECT device)
{
    (void)device;
    wb_note("child-gone");
}

static void set_callbacks(PWDFDEVICE_INIT init)
{
    WDF_PNPPOWER_EVENT_CALLBACKS pnp;
    WDF_PDO_EVENT_CALLBACKS pdo;

    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&pnp);
    pnp.EvtDevicePrepareHardware = child_prepare;
    pnp.EvtDeviceReleaseHardware = child_release;
    WdfDeviceInitSetPnpPowerEventCallbacks(init, &pnp);
    WDF_PDO_EVENT_CALLBACKS_INIT(&pdo);
    pdo.EvtDeviceResourcesQuery = resources;
    pdo.EvtDeviceResourceRequirementsQuery = requirements;
    pdo.EvtDeviceEject = eject;
    pdo.EvtDeviceSetLock = set_lock;
    pdo.EvtDeviceReportedMissing = missing;
    WdfPdoInitSetEventCallbacks(init, &pdo);
    pdo.Size--;
    WdfPdoInitSetEventCallbacks(init, &pdo); /* is not taken */
}

WDFDEVICE child_make_from(PWDFDEVICE_INIT init)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE child;

    set_callbacks(init);
    WdfPdoInitRemovePowerDependencyOnParent(init);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = child_gone;
    CHECK(WdfDeviceCreate(&init, &attributes, &child) == STATUS_SUCCESS);
    return child;
}
