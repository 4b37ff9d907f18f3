/* DEVICE auto: what a driver without a device model talks to. Its registers (all BARs together, the
 * lowest first) keep what is written to them; the rest reads as zero. It does nothing by itself:
 * ops give its registers values (device-register), raise its line (device-interrupt) and move data
 * through what the driver has mapped (device-moves), besides the hostility that every device may
 * show (device-data, spurious-interrupt). On a channel of the system DMA controller it is a FIFO
 * that is always ready: it requests service as long as the channel runs.
 *
 * The line drops at the next register access, whichever it is: interrupt routines read or write one
 * to make their device release it, and which one only a model could know.
 */
#include "io/io_private.h"
#include "dma/mapping_view.h"

#include <string.h>

/* The last bytes of the state block are the engine's. */
enum { REGISTER_BYTES = FT_MODEL_STATE_BYTES - 32 };

struct automaton {
    unsigned char registers[REGISTER_BYTES];
    uint64_t address; /* where the engine goes on */
    uint32_t left;    /* bytes to move; 0: the engine rests */
    uint32_t moved;
    bool to_device;
};
_Static_assert(sizeof(struct automaton) <= FT_MODEL_STATE_BYTES, "the registers leave no room");

static struct automaton *automaton(const struct sim_device *device)
{
    return sim_device_state(device);
}

/* The register, or NULL when there is none behind that address. */
static unsigned char *register_at(const struct sim_device *device, unsigned bar, uint32_t offset,
                                  unsigned width)
{
    const struct ft_description *description = ft_world_module()->description;
    uint64_t at = offset;

    for (unsigned i = 0; i < bar && i < FT_BARS_MAX; i++)
        at += description->bar_bytes[i];
    return at + width <= REGISTER_BYTES ? automaton(device)->registers + at : NULL;
}

static void reset(struct sim_device *device)
{
    memset(automaton(device), 0, sizeof(struct automaton));
}

static uint64_t read_register(struct sim_device *device, unsigned bar, uint32_t offset,
                              unsigned width)
{
    const unsigned char *at = register_at(device, bar, offset, width);
    uint64_t value = 0;

    if (at)
        memcpy(&value, at, width);
    sim_irq_set(device, false);
    return value;
}

static void write_register(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                           uint64_t value)
{
    unsigned char *at = register_at(device, bar, offset, width);

    if (at)
        memcpy(at, &value, width);
    sim_irq_set(device, false);
}

static bool engine_busy(const struct sim_device *device)
{
    unsigned line;
    bool to_device;

    return automaton(device)->left != 0 || ft_system_runs(&line, &to_device);
}

static void end(struct sim_device *device, enum sim_engine_end why)
{
    struct automaton *a = automaton(device);

    a->left = 0;
    sim_engine_end(device, 0, a->moved, why);
}

static void fill(const struct automaton *a, unsigned char burst[SIM_BURST_BYTES])
{
    for (uint32_t i = 0; i < SIM_BURST_BYTES; i++)
        burst[i] = (unsigned char)(a->moved + i + (a->moved >> 8));
}

/* The controller says where the bytes are, and when it is the last of them. */
static void serve_channel(struct sim_device *device)
{
    struct automaton *a = automaton(device);
    unsigned char burst[SIM_BURST_BYTES];
    bool to_device, terminal;
    unsigned line;

    if (!ft_system_runs(&line, &to_device))
        return;
    fill(a, burst);
    a->moved += line ? sim_line_transfer(device, line, to_device, burst, sizeof burst, &terminal)
                     : sim_slave_transfer(device, to_device, burst, sizeof burst, &terminal);
    if (terminal)
        a->moved = 0;
}

/* What it reads it forgets; what it writes counts up from the address, so that pieces differ. */
static void engine_step(struct sim_device *device)
{
    struct automaton *a = automaton(device);
    uint32_t length = a->left < SIM_BURST_BYTES ? a->left : SIM_BURST_BYTES;
    unsigned char burst[SIM_BURST_BYTES];
    bool ok;

    if (length == 0) {
        serve_channel(device);
        return;
    }
    fill(a, burst);
    ok = a->to_device ? sim_dma_read(device, a->address, burst, length)
                      : sim_dma_write(device, a->address, burst, length);
    if (!ok) {
        end(device, SIM_END_BUS_ERROR);
        return;
    }
    a->address += length;
    a->moved += length;
    a->left -= length;
    if (a->left == 0)
        end(device, SIM_END_DONE);
}

static void stop(struct sim_device *device, enum sim_engine_end why)
{
    if (automaton(device)->left != 0)
        end(device, why);
}

const struct sim_device_model ft_device_auto = {
    .name = "auto",
    .state_bytes = sizeof(struct automaton),
    .reset = reset,
    .read = read_register,
    .write = write_register,
    .engine_busy = engine_busy,
    .engine_step = engine_step,
    .stop = stop,
};

/* ---- ops ---- */

static bool start_moving(struct sim_device *device, const struct ft_op *op)
{
    struct automaton *a = automaton(device);
    struct ft_mapping_view mapping;

    /* One on a channel drives no address itself. */
    if (ft_world_module()->description->dma_bits || a->left != 0 ||
        !ft_mapping_view(op->arg[1], &mapping))
        return false;
    a->address = mapping.logical;
    a->left = op->arg[0] && op->arg[0] < mapping.length ? op->arg[0] : mapping.length;
    a->moved = 0;
    a->to_device = mapping.to_device;
    sim_engine_begin(device, 0, a->address, a->left, a->to_device);
    return true;
}

bool ft_auto_op(const struct ft_op *op)
{
    struct sim_device *device = &FT_DEV->device;
    unsigned char *at;

    if (ft_model() != &ft_device_auto || !ft_hardware_live())
        return false;
    switch (op->kind) {
    case FT_OP_DEVICE_REGISTER:
        at = register_at(device, 0, op->arg[0], sizeof(uint16_t));
        if (at)
            memcpy(at, &op->arg[1], sizeof(uint16_t));
        return at != NULL;
    case FT_OP_DEVICE_INTERRUPT:
        if (device->line)
            return false;
        sim_irq_set(device, true);
        return true;
    default:
        return start_moving(device, op);
    }
}
