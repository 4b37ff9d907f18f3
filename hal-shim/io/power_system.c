/* System power: the machine sleeps, hibernates, shuts down and wakes (wdm-io sheet, section 7.1).
 * QUERY_POWER, SET_POWER to the sleep state, later SET_POWER to S0; after a veto SET_POWER to S0 at
 * once. A critical sleep does not ask. Children of the device fall asleep before it and wake after
 * it.
 *
 * In S2 and deeper states the bus has no power: a device that its driver left in D0 goes to D3 as
 * if it had been pulled out and in, and is back in D0, after a power-on reset, when the machine
 * wakes.
 *
 * Not modelled: that nothing at all runs while the machine sleeps; only the requester's new
 * requests, PnP and the power ops wait for the wake. S5 can be woken from as the others.
 */
#include "io/io_private.h"

static void announce_system(unsigned state)
{
    FT_IO->system = (uint8_t)state;
    ft_emit(FT_EV_SYSTEM_POWER, state);
}

static POWER_ACTION action_of(unsigned system)
{
    switch (system) {
    case PowerSystemHibernate:
        return PowerActionHibernate;
    case PowerSystemShutdown:
        return PowerActionShutdownOff;
    default:
        return PowerActionSleep;
    }
}

static NTSTATUS send_system(UCHAR minor, unsigned system)
{
    uint64_t device = ft_block_handle(ft_manager_pdo()), handle;
    const struct ft_child *child = FT_DEV->child;
    PIRP irp = ft_send_prepare(FT_SEND_MANAGER, IRP_MJ_POWER, minor);
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    handle = ft_block_handle(irp);
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.Power.SystemPowerStateContext.TargetSystemState = system;
    next->Parameters.Power.SystemPowerStateContext.EffectiveSystemState = system;
    next->Parameters.Power.SystemPowerStateContext.CurrentSystemState = FT_IO->system;
    next->Parameters.Power.Type = SystemPowerState;
    next->Parameters.Power.State.SystemState = (SYSTEM_POWER_STATE)system;
    next->Parameters.Power.ShutdownType = (POWER_ACTION)FT_IO->action;
    FT_DEV->system_started = 0;
    ft_emit(FT_EV_POWER_SEND, device, handle, minor, 0, true, system, FT_IO->action);
    status = ft_send_wait_at(FT_SEND_MANAGER, irp, ft_power_irql(system == PowerSystemWorking));
    FT_DEV->system_owed = ft_power_awaits_start_next() && !FT_DEV->system_started;
    ft_emit(FT_EV_POWER_DONE, device, minor, (uint32_t)status, child ? child->power : FT_DEV->power,
            true, system, handle);
    return status;
}

/* To the children that are started; the first refusal ends a question. */
static NTSTATUS send_to_children(UCHAR minor, unsigned system)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (struct ft_child *child = FT_DEV->children; child; child = child->next) {
        if (child->pnp != FT_PNP_STARTED)
            continue;
        ft_manager_turn(child);
        status = send_system(minor, system);
        ft_manager_turn(NULL);
        if (minor == IRP_MN_QUERY_POWER && !NT_SUCCESS(status))
            break;
    }
    return status;
}

static NTSTATUS put_device_down(UCHAR minor, unsigned system)
{
    NTSTATUS status = send_to_children(minor, system);

    if (minor == IRP_MN_QUERY_POWER && !NT_SUCCESS(status))
        return status;
    return send_system(minor, system);
}

static NTSTATUS put_device_up(UCHAR minor, unsigned system)
{
    send_system(minor, system);
    return send_to_children(minor, system);
}

static NTSTATUS cut_device(UCHAR unused, unsigned system)
{
    (void)unused;
    if (system > PowerSystemSleeping1 && FT_DEV->power == FT_D0 && !FT_DEV->yanked) {
        FT_DEV->lost_power = 1;
        ft_hardware_power(FT_D3);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS supply_device(UCHAR unused, unsigned unused2)
{
    (void)unused;
    (void)unused2;
    if (FT_DEV->lost_power)
        ft_hardware_power(FT_D0);
    FT_DEV->lost_power = 0;
    return STATUS_SUCCESS;
}

static bool is_there(const struct ft_io_device *device)
{
    return device->added && device->pnp != FT_PNP_REMOVED;
}

/* Of the devices that are there, one after the other; the first refusal ends a question. */
static NTSTATUS each_device(NTSTATUS (*tell)(UCHAR, unsigned), UCHAR minor, unsigned system)
{
    NTSTATUS status = STATUS_SUCCESS;

    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        if (is_there(device))
            status = tell(minor, system);
        ft_focus_back(was);
        if (minor == IRP_MN_QUERY_POWER && !NT_SUCCESS(status))
            break;
    }
    return status;
}

static NTSTATUS put_down(UCHAR minor, unsigned system)
{
    return each_device(put_device_down, minor, system);
}

static void put_up(void)
{
    each_device(put_device_up, IRP_MN_SET_POWER, PowerSystemWorking);
}

static void fall_asleep(unsigned system)
{
    each_device(cut_device, IRP_MN_SET_POWER, system);
    announce_system(system);
}

void ft_system_sleep(unsigned state, bool critical)
{
    enum { USUAL = 3 };
    unsigned system = PowerSystemWorking + (state ? state : USUAL);

    FT_IO->action = (uint8_t)action_of(system);
    ft_power_display(false);
    if (system == PowerSystemShutdown)
        ft_shutdown();
    if (critical || NT_SUCCESS(put_down(IRP_MN_QUERY_POWER, system))) {
        put_down(IRP_MN_SET_POWER, system);
        ft_task_wait_quiet();
        fall_asleep(system);
        return;
    }
    put_up();
    FT_IO->action = PowerActionNone;
    ft_power_display(true);
}

void ft_system_wake(void)
{
    each_device(supply_device, IRP_MN_SET_POWER, PowerSystemWorking);
    announce_system(PowerSystemWorking);
    put_up();
    FT_IO->action = PowerActionNone;
    ft_power_display(true);
    ft_manager_awake();
}
