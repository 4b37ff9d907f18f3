/* What the world asks of the I/O layer as a whole: reset, ops, and what is left. */
#include "io/io_private.h"

#include <string.h>

static void reset_model(struct ft_io_device *device)
{
    struct ft_focus was = ft_focus_on(device);

    ft_model_reset();
    ft_focus_back(was);
}

/* Before DriverEntry: the bus driver with its PDOs, the driver's driver object, the devices after
 * power-on. */
void ft_io_reset(void)
{
    memset(FT_IO, 0, sizeof *FT_IO);
    ft_devices_reset(ft_world_module()->description->devices);
    FT_IO->system = FT_S0;
    FT_ASSERT(ft_model()->state_bytes <= FT_MODEL_STATE_BYTES);
    ft_bus_reset();
    if (ft_driver_is_legacy()) {
        FT_DEV->pdo_id = 0;  /* until the driver has made its device */
        FT_DEV->decodes = 1; /* nobody will send it a START */
    }
    FT_IO->driver = ft_driver_create();
    FT_EACH_DEVICE(device)
        reset_model(device);
}

bool ft_io_yanked(void)
{
    bool yanked = false;

    FT_EACH_DEVICE(device)
        yanked = yanked || device->yanked;
    return yanked;
}

bool ft_io_asleep(void)
{
    return FT_IO->system != FT_S0;
}

bool ft_io_unloaded(void)
{
    return FT_IO->unloaded;
}

bool ft_io_quiet(void)
{
    return ft_interrupt_release_held() || ft_lower_release_held() ||
           (FT_M->phase == FT_PHASE_TAIL && ft_tail_at_quiet());
}

static bool strike_yank(void)
{
    if (FT_DEV->yanked || FT_DEV->pnp == FT_PNP_REMOVED)
        return false;
    ft_hardware_yank();
    return true;
}

/* The hardware goes at once, the request comes when the manager gets to it. */
static bool strike_surprise(const struct ft_op *op)
{
    if (!ft_manager_submit(op->kind, op->label, NULL))
        return false;
    if (!FT_DEV->yanked)
        ft_hardware_yank();
    return true;
}

static bool arm_device_data(const struct ft_op *op)
{
    if (FT_DEV->yanked)
        return false;
    FT_DEV->hostile_armed = 1;
    FT_DEV->hostile_value = op->arg[0];
    FT_DEV->hostile_left = (uint8_t)op->arg[1];
    return true;
}

/* While the machine sleeps nothing runs that could ask for more. */
static bool comes_asleep(unsigned kind)
{
    return kind == FT_OP_WAKE || kind == FT_OP_WAKE_SIGNAL || kind == FT_OP_YANK;
}

/* For the device in focus. */
static bool strike(const struct ft_op *op)
{
    switch (op->kind) {
    case FT_OP_READ:
    case FT_OP_WRITE:
    case FT_OP_READ_PAGES:
    case FT_OP_WRITE_PAGES:
    case FT_OP_IOCTL:
    case FT_OP_DISK_READ:
    case FT_OP_DISK_WRITE:
        return ft_request_op(op);
    case FT_OP_DISK_CONTROL:
    case FT_OP_DISK_NEXT:
    case FT_OP_ABORT:
        return ft_disk_op(op);
    case FT_OP_OPEN_HANDLE:
    case FT_OP_CLOSE_HANDLE:
        return ft_handle_op(op);
    case FT_OP_CANCEL:
        return ft_cancel_op(op);
    case FT_OP_YANK:
        return strike_yank();
    case FT_OP_SURPRISE_REMOVE:
        return strike_surprise(op);
    case FT_OP_QUERY_REMOVE:
    case FT_OP_REMOVE:
    case FT_OP_STOP:
    case FT_OP_QUERY_STOP:
    case FT_OP_RESTART:
    case FT_OP_CANCEL_STOP:
    case FT_OP_CANCEL_REMOVE:
    case FT_OP_USAGE:
    case FT_OP_SLEEP:
    case FT_OP_WAKE:
        return ft_manager_submit(op->kind, op->label, op->arg);
    case FT_OP_POWER_DOWN:
    case FT_OP_POWER_UP:
        return ft_power_op(op->kind, 0, op->label);
    case FT_OP_POWER_TO:
    case FT_OP_QUERY_POWER:
        return ft_power_op(op->kind, op->arg[0], op->label);
    case FT_OP_WAKE_SIGNAL:
        return ft_wake_signal();
    case FT_OP_INT_LATE:
    case FT_OP_INT_LOST:
    case FT_OP_INT_SPURIOUS:
        return ft_interrupt_op(op);
    case FT_OP_LOWER_FAILS:
    case FT_OP_LOWER_PENDS:
        return ft_lower_op(op);
    case FT_OP_DEVICE_DATA:
        return arm_device_data(op);
    case FT_OP_BUS_RESET:
    case FT_OP_TARGET:
        return ft_outside_op(op);
    case FT_OP_DEVICE_REGISTER:
    case FT_OP_DEVICE_INTERRUPT:
    case FT_OP_DEVICE_MOVES:
        return ft_auto_op(op);
    default:
        return false;
    }
}

bool ft_io_op(const struct ft_op *op)
{
    struct ft_focus was;
    bool done;

    if ((ft_io_asleep() && !comes_asleep(op->kind)) || !ft_device_numbered(op->device))
        return false;
    was = ft_focus_on(ft_device_numbered(op->device));
    done = strike(op);
    ft_focus_back(was);
    return done;
}
