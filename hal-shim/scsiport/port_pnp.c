/* PnP requests of an adapter (scsiport.md, section 11).
 *
 * An adapter without HwScsiAdapterControl, or one that does not handle ScsiStopAdapter, cannot be
 * stopped: QUERY_STOP and QUERY_REMOVE fail. */
#include "scsiport/adapter.h"

/* ---- the request ---- */

NTSTATUS ft_scsi_complete_irp(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS ft_scsi_pass_down(struct ft_scsi_adapter *adapter, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(adapter->below, irp);
}

FT_PORT_ROUTINE
static NTSTATUS NTAPI signal_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device, (void)irp;
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS ft_scsi_forward_and_wait(struct ft_scsi_adapter *adapter, PIRP irp)
{
    bool power = IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_POWER;
    KEVENT done;
    NTSTATUS status;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, signal_done, &done, TRUE, TRUE, TRUE);
    status = power ? PoCallDriver(adapter->below, irp) : IoCallDriver(adapter->below, irp);
    if (status == STATUS_PENDING)
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
    return irp->IoStatus.Status;
}

/* ---- start ---- */

/* A START without a STOP before moves a device that runs (or asks nothing new of it), or one that
 * has no power, or did not come back from a sleep: that still has its resources. */
static void stop_first(struct ft_scsi_adapter *adapter)
{
    if (adapter->state == FT_SCSI_NEW || adapter->state == FT_SCSI_FOUND)
        return;
    ft_scsi_change_begin(adapter);
    if (adapter->state == FT_SCSI_RUNNING) {
        ft_scsi_drain(adapter);
        ft_scsi_stop(adapter, FT_SCSI_STOP_PNP);
    }
    ft_scsi_release(adapter);
    adapter->asleep = 0; /* START begins anew: there is nothing to wake */
    ft_scsi_change_end(adapter);
}

/* After a rebalance the units are those that were there: their LU extensions begin anew, as the
 * device extension does. */
static void go_on(struct ft_scsi_adapter *adapter, bool first)
{
    if (first) {
        ft_scsi_scan(adapter);
        return;
    }
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        ft_scsi_unit_fresh(unit);
    ft_scsi_resume(adapter);
}

static NTSTATUS start_hba(struct ft_scsi_adapter *adapter, PIRP irp)
{
    NTSTATUS status;

    ft_scsi_change_begin(adapter);
    status = ft_scsi_resources_take(adapter, irp);
    if (NT_SUCCESS(status))
        status = ft_scsi_start(adapter);
    ft_scsi_change_end(adapter);
    return status;
}

static NTSTATUS start(struct ft_scsi_adapter *adapter, PIRP irp)
{
    bool first = adapter->started == 0;
    NTSTATUS status;

    stop_first(adapter);
    status = ft_scsi_forward_and_wait(adapter, irp);
    if (NT_SUCCESS(status))
        status = start_hba(adapter, irp);
    if (NT_SUCCESS(status)) {
        adapter->started = 1;
        go_on(adapter, first);
        ft_scsi_wmi_start(adapter);
    }
    return ft_scsi_complete_irp(irp, status);
}

/* ---- stop and removal ---- */

static bool may_stop(const struct ft_scsi_adapter *adapter)
{
    return ft_scsi_supports(adapter, ScsiStopAdapter) || adapter->state != FT_SCSI_RUNNING;
}

static NTSTATUS query(struct ft_scsi_adapter *adapter, PIRP irp)
{
    if (!may_stop(adapter))
        return ft_scsi_complete_irp(irp, STATUS_UNSUCCESSFUL);
    ft_scsi_scan_settle(adapter);
    if (adapter->state == FT_SCSI_RUNNING)
        ft_scsi_drain(adapter);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return ft_scsi_pass_down(adapter, irp);
}

static NTSTATUS cancel_query(struct ft_scsi_adapter *adapter, PIRP irp)
{
    irp->IoStatus.Status = STATUS_SUCCESS;
    ft_scsi_forward_and_wait(adapter, irp);
    ft_scsi_change_begin(adapter);
    if (adapter->state == FT_SCSI_RUNNING && adapter->held)
        ft_scsi_resume(adapter);
    adapter->held_before = 0; /* one that has lost its power meanwhile goes on with it */
    ft_scsi_change_end(adapter);
    return ft_scsi_complete_irp(irp, STATUS_SUCCESS);
}

static NTSTATUS stop(struct ft_scsi_adapter *adapter, PIRP irp)
{
    ft_scsi_scan_settle(adapter);
    ft_scsi_change_begin(adapter);
    if (adapter->state == FT_SCSI_RUNNING && !adapter->held)
        ft_scsi_drain(adapter);
    ft_scsi_stop(adapter, FT_SCSI_STOP_PNP);
    ft_scsi_release(adapter);
    adapter->asleep = 0; /* it is started again, not woken */
    ft_scsi_change_end(adapter);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return ft_scsi_pass_down(adapter, irp);
}

/* Requests fail first; ScsiStopAdapter then comes with the hardware gone. */
static void lose(struct ft_scsi_adapter *adapter)
{
    adapter->surprise = 1;
    ft_scsi_fail_all(adapter, SRB_STATUS_NO_DEVICE);
    ft_scsi_scan_settle(adapter);
    ft_scsi_change_begin(adapter);
    ft_scsi_stop(adapter, FT_SCSI_STOP_SURPRISE);
    ft_scsi_disconnect(adapter);
    ft_scsi_change_end(adapter);
}

static NTSTATUS surprise_removal(struct ft_scsi_adapter *adapter, PIRP irp)
{
    lose(adapter);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return ft_scsi_pass_down(adapter, irp);
}

static NTSTATUS remove_device(struct ft_scsi_adapter *adapter, PIRP irp)
{
    NTSTATUS status;

    ft_scsi_scan_settle(adapter);
    ft_scsi_change_begin(adapter);
    if (adapter->state == FT_SCSI_RUNNING && !adapter->held)
        ft_scsi_drain(adapter);
    ft_scsi_stop(adapter, FT_SCSI_STOP_REMOVE);
    ft_scsi_state(adapter, FT_SCSI_GONE);
    ft_scsi_fail_all(adapter, SRB_STATUS_NO_DEVICE); /* what waited for better times */
    ft_scsi_units_depart(adapter);
    ft_scsi_wmi_stop(adapter);
    ft_scsi_release(adapter);
    adapter->asleep = 0;
    ft_scsi_change_end(adapter);
    irp->IoStatus.Status = STATUS_SUCCESS;
    status = ft_scsi_pass_down(adapter, irp);
    ft_scsi_wait_unused(adapter);
    ft_scsi_adapter_free(adapter);
    return status;
}

NTSTATUS ft_scsi_pnp(struct ft_scsi_adapter *adapter, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        return start(adapter, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
        return query(adapter, irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return cancel_query(adapter, irp);
    case IRP_MN_STOP_DEVICE:
        return stop(adapter, irp);
    case IRP_MN_SURPRISE_REMOVAL:
        return surprise_removal(adapter, irp);
    case IRP_MN_REMOVE_DEVICE:
        return remove_device(adapter, irp);
    default:
        return ft_scsi_pass_down(adapter, irp);
    }
}
