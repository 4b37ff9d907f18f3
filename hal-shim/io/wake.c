/* Wait-wake in the bus driver (wdm-io sheet, section 7.1): a WAIT_WAKE for a device that can wake
 * the machine is held until the device signals or its sender cancels it. There is one at most.
 */
#include "io/io_private.h"

bool ft_device_wakes(void)
{
    return (ft_world_module()->description->flags & FT_DRIVER_WAKES) != 0;
}

static NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* With the cancel lock held. */
VOID ft_wake_cancel(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    FT_DEV->wake_irp = NULL;
    ft_cancel_unlock(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED);
}

/* A cancel may have come before the routine was there. */
static NTSTATUS hold(PIRP irp, SYSTEM_POWER_STATE state)
{
    IoMarkIrpPending(irp);
    FT_DEV->wake_irp = irp;
    FT_DEV->wake_state = (uint8_t)state;
    ft_cancel_exchange(irp, ft_wake_cancel);
    if (irp->Cancel && ft_cancel_exchange(irp, NULL)) {
        FT_DEV->wake_irp = NULL;
        complete(irp, STATUS_CANCELLED);
    }
    return STATUS_PENDING;
}

NTSTATUS ft_wake_arm(PIRP irp)
{
    SYSTEM_POWER_STATE state = IoGetCurrentIrpStackLocation(irp)->Parameters.WaitWake.PowerState;

    if (!ft_device_wakes())
        return complete(irp, irp->IoStatus.Status);
    if (FT_DEV->yanked)
        return complete(irp, STATUS_NO_SUCH_DEVICE);
    if ((unsigned)state > FT_WAKES_FROM)
        return complete(irp, STATUS_INVALID_DEVICE_STATE);
    if (FT_DEV->wake_irp)
        return complete(irp, STATUS_DEVICE_BUSY);
    return hold(irp, state);
}

/* The machine wakes for the device only from a state that the request named or a lighter one. */
static bool listens(void)
{
    return FT_DEV->wake_irp && !FT_DEV->yanked &&
           (FT_IO->system == FT_S0 ? FT_DEV->power != FT_D0 : FT_IO->system <= FT_DEV->wake_state);
}

/* The bus driver sees the signal when the bus is awake: the machine goes to S0 meanwhile. A cancel
 * may have claimed the request. */
static void serve(void *argument)
{
    PIRP irp = argument;

    ft_current()->request = (uint16_t)ft_irp_id(irp);
    if (FT_DEV->wake_irp == irp && ft_cancel_exchange(irp, NULL)) {
        FT_DEV->wake_irp = NULL;
        ft_layer_set(FT_LAYER_SYSTEM);
        ft_emit(FT_EV_WAIT_WAKE, ft_block_handle(FT_DEV->pdo), ft_block_handle(irp));
        complete(irp, STATUS_SUCCESS);
        ft_layer_set(FT_LAYER_HARNESS);
    }
    ft_irp_unpin(irp);
}

bool ft_wake_signal(void)
{
    PIRP irp = FT_DEV->wake_irp;
    uint64_t none = 0;

    if (!listens())
        return false;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_WAKE_SIGNAL, 0, &none);
    ft_irp_pin(irp);
    if (FT_IO->system != FT_S0) {
        ft_irp_private(irp)->woke = 1;
        ft_manager_submit(FT_OP_WAKE, 0, NULL);
    }
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, serve, irp, ft_block_label(irp)));
    return true;
}

void sim_wake(struct sim_device *device)
{
    (void)device;
    ft_wake_signal();
}
