/* Between the world and the device model (sim/device.h): every call of the model goes through here,
 * in layer DEVICE.
 *
 * A model is never entered twice and never left in the middle: no task switches inside its
 * functions. A line that rises inside one gets its point when the function has returned. The model
 * of the device in focus is meant; each device has a state of its own.
 */
#include "io/io_private.h"

const struct sim_device_model *ft_model(void)
{
    const struct sim_device_model *model = ft_world_module()->device;

    return model ? model : &ft_device_auto;
}

static struct sim_device *device(void)
{
    return &FT_DEV->device;
}

static uint8_t enter_model(void)
{
    return ft_current() ? ft_layer_set(FT_LAYER_DEVICE) : 0;
}

static void leave_model(uint8_t layer)
{
    if (ft_current())
        ft_layer_set(layer);
}

/* The point of a line that rose during the call that has just ended. */
static void point_if_raised(void)
{
    if (!device()->rose)
        return;
    device()->rose = 0;
    ft_point(FT_PT_IRQ_RAISED, 0);
}

void *sim_device_state(const struct sim_device *device)
{
    return (void *)device->state;
}

static bool powered(void)
{
    return !FT_DEV->yanked && FT_DEV->power == FT_D0 && FT_DEV->decodes;
}

bool ft_hardware_live(void)
{
    return powered();
}

/* ---- registers ---- */

uint64_t ft_model_read(unsigned bar, uint32_t offset, unsigned width)
{
    uint8_t layer = enter_model();
    uint64_t value = ft_model()->read(device(), bar, offset, width);

    leave_model(layer);
    return value;
}

void ft_model_write(unsigned bar, uint32_t offset, unsigned width, uint64_t value)
{
    uint8_t layer = enter_model();

    ft_model()->write(device(), bar, offset, width, value);
    FT_DEV->by_hand += width;
    leave_model(layer);
    point_if_raised();
}

void ft_model_delivered(PIRP irp, const void *data, uint32_t bytes)
{
    uint64_t arg[3] = {ft_irp_handle(irp), bytes};
    uint8_t layer;

    if (!ft_model()->delivered)
        return;
    layer = enter_model();
    arg[2] = ft_model()->delivered(device(), data, bytes);
    leave_model(layer);
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_DATA_STREAM, 3, arg);
}

/* ---- interrupt line ---- */

void sim_irq_set(struct sim_device *device, bool level)
{
    uint64_t arg = level;

    if (device->line == level)
        return;
    device->line = level;
    device->rose = level;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_LINE_SET, 1, &arg);
    ft_line_changed(level);
}

void sim_irq_message(struct sim_device *device, unsigned message)
{
    uint64_t arg = message;

    FT_ASSERT(ft_world_module()->description->interrupt == FT_INTERRUPT_MESSAGES &&
              message < ft_bus_inputs());
    device->rose = 1;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_IRQ_MESSAGE, 1, &arg);
    ft_message_sent(message);
}

void sim_irq_enable(struct sim_device *device, bool enabled)
{
    uint64_t arg = enabled;

    if (device->interrupts == enabled)
        return;
    device->interrupts = enabled;
    /* A part that may interrupt from its power-on on is nobody's doing; and the first power-on is
     * before the run, which begins with run:begin. */
    if (device->resets && (enabled || FT_M->events == 0))
        return;
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_HW_INT_ENABLE, 1, &arg);
}

void sim_bus_tell(struct sim_device *device, enum sim_bus_news what, uint32_t where,
                  uint8_t operation)
{
    uint64_t arg[] = {what, where, operation};

    (void)device;          /* the one in focus */
    if (FT_M->events != 0) /* before, the machine is being switched on */
        ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_SCSI_BUS, 3, arg);
}

/* ---- engine ---- */

void sim_engine_begin(struct sim_device *device, unsigned channel, uint64_t address,
                      uint32_t length, bool to_device)
{
    uint64_t arg[] = {channel, address, length, to_device, ft_dma_looks(address)};

    (void)device; /* the one in focus */
    FT_DEV->device.moving |= (uint8_t)(1u << channel % 8);
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_ENGINE_BEGIN, 5, arg);
}

void sim_engine_end(struct sim_device *device, unsigned channel, uint32_t bytes,
                    enum sim_engine_end why)
{
    uint64_t arg[] = {channel, bytes, why};

    (void)device;
    FT_DEV->device.moving &= (uint8_t) ~(1u << channel % 8);
    ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_ENGINE_END, 3, arg);
}

/* Of the device in focus. */
static bool engine_is_busy(void)
{
    return powered() && ft_model()->engine_busy(device());
}

bool ft_engine_busy_at(unsigned number)
{
    struct ft_focus was;
    bool busy;

    if (!FT_IO->second)
        return number == 0 && engine_is_busy();
    was = ft_focus_on(ft_device_numbered(number % FT_DESCRIPTION_DEVICES_MAX));
    busy = engine_is_busy();
    ft_focus_back(was);
    return busy;
}

bool ft_engine_busy(void)
{
    return ft_engine_busy_at(0) || (FT_IO->second && ft_engine_busy_at(1));
}

unsigned ft_engine_next(void)
{
    bool same = !FT_IO->second || ft_engine_busy_at(FT_IO->engine_at);

    return same ? FT_IO->engine_at : !FT_IO->engine_at;
}

void ft_engine_choose(unsigned number)
{
    FT_IO->engine_at = (uint8_t)number;
}

/* An op that strikes at the first point may take the device away. */
static void step_engine(void)
{
    uint8_t layer;

    ft_point(FT_PT_ENGINE_BURST, 0);
    if (!engine_is_busy() || FT_M->stop != FT_STOP_NONE)
        return;
    layer = enter_model();
    ft_model()->engine_step(device());
    leave_model(layer);
    ft_point(FT_PT_ENGINE_BURST_OUT, 0);
    point_if_raised();
}

/* The engine that stepped last goes on until it rests, then the other. */
void ft_engine_step(void)
{
    struct ft_focus was;

    FT_IO->engine_at = (uint8_t)ft_engine_next();
    was = ft_focus_on(ft_device_numbered(FT_IO->engine_at));
    step_engine();
    ft_focus_back(was);
}

/* ---- the bus of a storage adapter ---- */

/* A line that rises has no point here: an op strikes at one already. */
bool ft_outside_op(const struct ft_op *op)
{
    bool reset = op->kind == FT_OP_BUS_RESET, happens;
    unsigned what = reset ? SIM_OUTSIDE_BUS_RESET : op->arg[0];
    uint8_t layer;

    if (!ft_model()->outside || !powered() || what == SIM_OUTSIDE_NOTHING ||
        what >= SIM_OUTSIDE_COUNT)
        return false;
    layer = enter_model();
    happens = ft_model()->outside(device(), (enum sim_outside)what, op->arg[!reset]);
    leave_model(layer);
    device()->rose = 0;
    return happens;
}

/* ---- reset, power, removal ---- */

void ft_model_reset(void)
{
    uint8_t layer = enter_model();

    device()->resets = 1;
    ft_model()->reset(device());
    device()->resets = 0;
    leave_model(layer);
    device()->rose = 0;
}

void ft_model_stop(enum sim_engine_end why)
{
    uint8_t layer = enter_model();

    if (ft_model()->stop)
        ft_model()->stop(device(), why);
    sim_irq_set(device(), false);
    leave_model(layer);
    device()->rose = 0;
}

void ft_hardware_yank(void)
{
    uint64_t none = 0;

    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_HW_YANK, 0, &none);
    if (FT_DEV->power == FT_D0)
        ft_model_stop(SIM_END_YANKED);
    FT_DEV->yanked = 1;
}

/* D1 and D2 are as dead as D3 here. Not modelled: what a device keeps in them. */
void ft_hardware_power(unsigned state)
{
    if (FT_DEV->power == state)
        return;
    if (FT_DEV->power == FT_D0 && !FT_DEV->yanked)
        ft_model_stop(SIM_END_POWER);
    FT_DEV->power = (uint8_t)state;
    ft_emit(FT_EV_POWER_HW, ft_block_handle(FT_DEV->pdo), state);
    if (state == FT_D0 && !FT_DEV->yanked)
        ft_model_reset();
}
