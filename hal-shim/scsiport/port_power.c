/* Power requests of an adapter (scsiport.md, section 11). The port owns the device's power policy:
 * a sleeping machine's adapter goes to D3, a working one's to D0.
 *
 * Down: drain, FLUSH, ScsiStopAdapter, interrupt off, ScsiSetBootConfig. Up, once the bus has
 * power: ScsiSetRunningConfig, interrupt on, ScsiRestartAdapter; a miniport without restart is
 * found and initialised again, with a device extension that begins anew [model]. An adapter that
 * cannot be stopped stays in D0: it refuses to leave it. */
#include "scsiport/adapter.h"

#include "io/io_private.h"

static void start_next(PIRP irp)
{
    if (ft_world_module()->description->windows < 60)
        PoStartNextPowerIrp(irp);
}

static NTSTATUS pass(struct ft_scsi_adapter *adapter, PIRP irp)
{
    start_next(irp);
    IoSkipCurrentIrpStackLocation(irp);
    return PoCallDriver(adapter->below, irp);
}

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    start_next(irp);
    return ft_scsi_complete_irp(irp, status);
}

/* ---- the device's states ---- */

static bool may_sleep(const struct ft_scsi_adapter *adapter)
{
    return adapter->state != FT_SCSI_RUNNING || ft_scsi_supports(adapter, ScsiStopAdapter);
}

static void tell(struct ft_scsi_adapter *adapter, DEVICE_POWER_STATE state)
{
    POWER_STATE power = {.DeviceState = state};

    adapter->power = (uint8_t)state;
    PoSetPowerState(adapter->fdo, DevicePowerState, power);
}

static void go_down(struct ft_scsi_adapter *adapter)
{
    if (adapter->state != FT_SCSI_RUNNING)
        return;
    adapter->scan_due = ft_scsi_scan_settle(adapter);
    adapter->held_before = adapter->held;
    ft_scsi_drain(adapter); /* a query that holds it may still wait itself */
    ft_scsi_stop(adapter, FT_SCSI_STOP_POWER);
    ft_scsi_disconnect(adapter);
    if (ft_scsi_supports(adapter, ScsiSetBootConfig))
        ft_scsi_control(adapter, ScsiSetBootConfig);
    adapter->asleep = 1;
}

static bool restart(struct ft_scsi_adapter *adapter)
{
    SCSI_ADAPTER_CONTROL_STATUS status;
    bool ticks = true;

    if (!NT_SUCCESS(ft_scsi_connect(adapter)))
        return false;
    status = ft_scsi_control(adapter, ScsiRestartAdapter);
    ft_emit(FT_EV_SCSI_STARTED, ft_scsi_hba(adapter), 2, status == ScsiAdapterControlSuccess);
    if (status == ScsiAdapterControlSuccess)
        ft_scsi_state(adapter, FT_SCSI_RUNNING);
    ft_scsi_after(adapter);
    if (status == ScsiAdapterControlSuccess)
        ticks = ft_scsi_tick_start(adapter);
    if (!ticks)
        ft_scsi_stop(adapter, FT_SCSI_STOP_POWER);
    return status == ScsiAdapterControlSuccess && ticks;
}

static bool find_again(struct ft_scsi_adapter *adapter)
{
    ft_scsi_release(adapter);
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        ft_scsi_unit_fresh(unit);
    return NT_SUCCESS(ft_scsi_start(adapter));
}

/* The requests of an adapter that does not come back fail. */
static void go_up(struct ft_scsi_adapter *adapter)
{
    bool well;

    if (!adapter->asleep || adapter->surprise)
        return;
    adapter->asleep = 0;
    if (ft_scsi_supports(adapter, ScsiSetRunningConfig))
        ft_scsi_control(adapter, ScsiSetRunningConfig);
    ft_scsi_point(FT_PT_SCSI_STEP, 0);
    well = ft_scsi_supports(adapter, ScsiRestartAdapter) ? restart(adapter) : find_again(adapter);
    if (!well) {
        ft_scsi_state(adapter, FT_SCSI_GONE);
        ft_scsi_fail_all(adapter, SRB_STATUS_NO_HBA);
        ft_scsi_disconnect(adapter);
    }
    if (!adapter->held_before)
        ft_scsi_resume(adapter);
    if (well && adapter->scan_due)
        ft_scsi_rescan(adapter);
}

static void change(struct ft_scsi_adapter *adapter, DEVICE_POWER_STATE state)
{
    ft_scsi_change_begin(adapter);
    if (state == PowerDeviceD0)
        go_up(adapter);
    else
        go_down(adapter);
    ft_scsi_change_end(adapter);
}

static NTSTATUS serve_device(struct ft_scsi_adapter *adapter, PIRP irp, DEVICE_POWER_STATE state)
{
    NTSTATUS status;

    if (state != PowerDeviceD0) {
        if (!may_sleep(adapter))
            return complete(irp, STATUS_DEVICE_BUSY);
        change(adapter, state);
        tell(adapter, state);
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass(adapter, irp);
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    status = ft_scsi_forward_and_wait(adapter, irp);
    if (NT_SUCCESS(status)) {
        tell(adapter, state);
        change(adapter, state);
    }
    return complete(irp, status);
}

static NTSTATUS set_device(struct ft_scsi_adapter *adapter, PIRP irp, DEVICE_POWER_STATE state)
{
    NTSTATUS status;

    ft_scsi_use(adapter);
    status = serve_device(adapter, irp, state);
    ft_scsi_unuse(adapter);
    return status;
}

/* ---- the machine's states ---- */

/* The device has followed: the machine's request goes on. */
FT_PORT_ROUTINE
static VOID NTAPI device_followed(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state,
                                  PVOID context, PIO_STATUS_BLOCK status)
{
    PIRP irp = context;
    PDEVICE_OBJECT fdo = IoGetCurrentIrpStackLocation(irp)->DeviceObject;

    (void)device, (void)minor, (void)state;
    if (!NT_SUCCESS(status->Status) &&
        IoGetCurrentIrpStackLocation(irp)->MinorFunction == IRP_MN_QUERY_POWER) {
        complete(irp, status->Status);
        return;
    }
    irp->IoStatus.Status = STATUS_SUCCESS;
    pass(ft_scsi_adapter_at(fdo), irp);
}

static NTSTATUS of_system(struct ft_scsi_adapter *adapter, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    bool works = location->Parameters.Power.State.SystemState == PowerSystemWorking;
    POWER_STATE state = {.DeviceState = works ? PowerDeviceD0 : PowerDeviceD3};

    if (!works && !may_sleep(adapter)) {
        irp->IoStatus.Status = STATUS_SUCCESS;
        return location->MinorFunction == IRP_MN_QUERY_POWER ? complete(irp, STATUS_DEVICE_BUSY)
                                                             : pass(adapter, irp);
    }
    IoMarkIrpPending(irp);
    if (PoRequestPowerIrp(adapter->pdo, location->MinorFunction, state, device_followed, irp,
                          NULL) != STATUS_PENDING) {
        irp->IoStatus.Status = STATUS_SUCCESS;
        pass(adapter, irp);
    }
    return STATUS_PENDING;
}

static NTSTATUS query_device(struct ft_scsi_adapter *adapter, PIRP irp, DEVICE_POWER_STATE state)
{
    if (state != PowerDeviceD0 && !may_sleep(adapter))
        return complete(irp, STATUS_DEVICE_BUSY);
    irp->IoStatus.Status = STATUS_SUCCESS;
    return pass(adapter, irp);
}

NTSTATUS ft_scsi_power(struct ft_scsi_adapter *adapter, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    POWER_STATE state = location->Parameters.Power.State;

    if (location->MinorFunction != IRP_MN_SET_POWER &&
        location->MinorFunction != IRP_MN_QUERY_POWER)
        return pass(adapter, irp);
    if (location->Parameters.Power.Type == SystemPowerState)
        return of_system(adapter, irp);
    return location->MinorFunction == IRP_MN_SET_POWER
               ? set_device(adapter, irp, state.DeviceState)
               : query_device(adapter, irp, state.DeviceState);
}

NTSTATUS ft_scsi_unit_power(PIRP irp)
{
    return complete(irp, irp->IoStatus.Status);
}
