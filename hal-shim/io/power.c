/* Device power requests and the routines of the power manager (wdm-io sheet, section 7.1).
 *
 * SET_POWER comes without a QUERY_POWER before it, as it does when a device is idle or a battery
 * fails.
 *
 * Not modelled: system power requests and the power policy owner's requests that answer them
 * (PoRequestPowerIrp stops the run by name), idle detection, wait/wake.
 */
#include "io/io_private.h"

NTSTATUS ft_power_set(unsigned state)
{
    uint64_t device = ft_block_handle(FT_IO->pdo);
    PIRP irp = ft_send_prepare(FT_SEND_MANAGER, IRP_MJ_POWER, IRP_MN_SET_POWER);
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.Power.Type = DevicePowerState;
    next->Parameters.Power.State.DeviceState = (DEVICE_POWER_STATE)state;
    next->Parameters.Power.ShutdownType = PowerActionNone;
    ft_emit(FT_EV_POWER_SEND, device, ft_block_handle(irp), IRP_MN_SET_POWER, state);
    status = ft_send_wait(FT_SEND_MANAGER, irp);
    ft_emit(FT_EV_POWER_DONE, device, IRP_MN_SET_POWER, (uint32_t)status, FT_IO->power);
    return status;
}

/* PoSetPowerState: tells the power manager, and returns what it was told before. System states pass
 * through. */
POWER_STATE PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State)
{
    POWER_STATE previous = State;

    FT_DDI_BEGIN(POWER, 0);
    if (Type == DevicePowerState) {
        previous.DeviceState = (DEVICE_POWER_STATE)FT_IO->told_power;
        FT_IO->told_power = (uint8_t)State.DeviceState;
        ft_emit(FT_EV_PO_SET_STATE, ft_handle_of(DeviceObject), (uint32_t)State.DeviceState);
    }
    FT_DDI_END(POWER, 0);
    return previous;
}

/* PoStartNextPowerIrp: due before Vista, without effect since. The manager sends one power request
 * at a time in any case. */
VOID PoStartNextPowerIrp(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(POWER, label);
    ft_emit(FT_EV_PO_START_NEXT, ft_handle_of(Irp));
    FT_DDI_END(POWER, label);
}
