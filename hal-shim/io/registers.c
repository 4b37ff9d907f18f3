/* Device registers and ports (wdm-io sheet, section 13; wdm.h READ_REGISTER_*, READ_PORT_*).
 *
 * Terms: a window is what MmMapIoSpace returns (windows.c). The offset of a register event is BAR
 * << 24 | offset in the BAR; a port event has the port's number. To the device model the ports are
 * BAR 6.
 *
 * A driver that reads one register again and again would keep the machine to itself; from the
 * second such read on, time passes and the hardware gets a chance.
 */
#include "io/io_private.h"
#include "world/races.h"

enum { BUGCHECK_BAD_ADDRESS = 0x50, POLL_UNITS = 10 /* 1 microsecond */ };

/* What an address or a port leads to. */
struct place {
    uint32_t offset; /* as the events have it */
    uint32_t key;    /* BAR << 24 | offset: the same register, or another? */
    unsigned bar;
    uint32_t within;
    bool live; /* the device has it, and answers */
    struct ft_io_device *device;
};

/* One of the two ways to the device. */
struct way {
    enum ft_point read, read_out, write, write_out;
    enum ft_event_kind read_event, write_event;
    struct place (*find)(uint64_t address, unsigned width, bool write);
};

static struct place place_in(unsigned bar, uint32_t within, uint32_t bytes, unsigned width)
{
    return (struct place){.device = FT_DEV,
                          .key = (uint32_t)(bar * FT_BAR_STRIDE + within),
                          .bar = bar,
                          .within = within,
                          .live = within < bytes && width <= bytes - within && ft_hardware_live()};
}

static bool has_memory(uint64_t physical)
{
    return physical - ft_bus_memory() < FT_BARS_MAX * (uint64_t)FT_BAR_STRIDE;
}

static bool has_port(uint64_t port)
{
    return (uint16_t)port - (uint64_t)ft_bus_ports() < ft_world_module()->description->port_bytes;
}

/* Moves the focus to the device that an address belongs to; nobody's is the running task's. */
static struct ft_focus focus_on_address(bool (*has)(uint64_t), uint64_t address)
{
    struct ft_focus was = {FT_DEV, 0};

    if (!FT_IO->second || has(address))
        return was;
    was = ft_focus_on(ft_device_numbered(!FT_DEV->number));
    if (has(address))
        return was;
    ft_focus_back(was);
    return was;
}

/* An address outside every window stops the machine, as a page fault at a bad address does. */
static struct place find_register(uint64_t address, unsigned width, bool write)
{
    const struct ft_description *description = ft_world_module()->description;
    struct ft_focus was;
    struct place place;
    uint64_t physical, bar;

    if (!ft_window_holds((void *)address, width, &physical)) {
        bool ours = address >= FT_BAR_BASE && address < FT_REGION_BASE + FT_REGION_BYTES;

        ft_bugcheck(BUGCHECK_BAD_ADDRESS, ours ? address - FT_BAR_BASE : 0, write, 0, 0);
    }
    was = focus_on_address(has_memory, physical);
    physical -= ft_bus_memory();
    bar = physical / FT_BAR_STRIDE;
    place = place_in((unsigned)bar, (uint32_t)(physical % FT_BAR_STRIDE),
                     bar < FT_BARS_MAX ? description->bar_bytes[bar] : 0, width);
    place.offset = (uint32_t)physical;
    place.key = (uint32_t)(physical + FT_DEV->number * FT_BAR_SECOND);
    ft_focus_back(was);
    return place;
}

/* The processor knows 64 Ki ports; it takes the low 16 bits of a number. Ports that nobody owns
 * answer with ones. */
static struct place find_port(uint64_t address, unsigned width, bool write)
{
    const struct ft_description *description = ft_world_module()->description;
    struct ft_focus was = focus_on_address(has_port, address);
    uint32_t port = (uint16_t)address, base = ft_bus_ports();
    struct place place;

    (void)write;
    place = place_in(SIM_BAR_PORTS, port - base, port >= base ? description->port_bytes : 0, width);
    place.offset = port;
    ft_focus_back(was);
    return place;
}

static const struct way registers = {FT_PT_REG_READ,      FT_PT_REG_READ_OUT, FT_PT_REG_WRITE,
                                     FT_PT_REG_WRITE_OUT, FT_EV_REG_READ,     FT_EV_REG_WRITE,
                                     find_register};
static const struct way ports = {FT_PT_PORT,      FT_PT_PORT_OUT,   FT_PT_PORT, FT_PT_PORT_OUT,
                                 FT_EV_PORT_READ, FT_EV_PORT_WRITE, find_port};

static uint64_t ones(unsigned width)
{
    return width == 8 ? UINT64_MAX : ((uint64_t)1 << width * 8) - 1;
}

/* device-data: the value of a later read is another. */
static uint64_t hostile(uint64_t value, unsigned width)
{
    uint64_t other = FT_DEV->hostile_value & ones(width);

    if (!FT_DEV->hostile_armed)
        return value;
    if (FT_DEV->hostile_left > 0) {
        FT_DEV->hostile_left--;
        return value;
    }
    FT_DEV->hostile_armed = 0;
    ft_emit_as(FT_LAYER_HARNESS, 0, FT_EV_DEV_HOSTILE, 1, &other);
    return other;
}

/* Is this the same read again? Then the world moves on a little first. */
static void pass_when_polling(uint32_t offset)
{
    struct ft_machine *m = FT_M;

    if (m->last_read_repeats == 0 || m->last_read_offset != offset ||
        m->last_read_task != ft_current()->id)
        return;
    ft_time_pass(POLL_UNITS);
    ft_hardware_pass();
}

static void remember_read(uint32_t offset, uint64_t value)
{
    struct ft_machine *m = FT_M;
    bool again = m->last_read_repeats > 0 && m->last_read_offset == offset &&
                 m->last_read_task == ft_current()->id && m->last_read_value == value;

    m->last_read_offset = offset;
    m->last_read_task = ft_current()->id;
    m->last_read_value = value;
    m->last_read_repeats = again ? m->last_read_repeats + 1 : 1;
}

static uint64_t read_device(const struct way *way, uint64_t address, unsigned width, void *caller)
{
    struct ft_focus was;
    struct place place;
    uint64_t value;

    ft_ddi_begin(way->read, 0, caller);
    place = way->find(address, width, false);
    pass_when_polling(place.key);
    place = way->find(address, width, false);
    was = ft_focus_on(place.device);
    value = ones(width);
    if (place.live)
        value = hostile(ft_model_read(place.bar, place.within, width) & ones(width), width);
    ft_emit(way->read_event, place.offset, width, value, place.live);
    remember_read(place.key, value);
    ft_focus_back(was);
    ft_ddi_end(way->read_out, 0);
    return value;
}

static void write_device(const struct way *way, uint64_t address, unsigned width, uint64_t value,
                         void *caller)
{
    struct ft_focus was;
    struct place place;

    ft_ddi_begin(way->write, 0, caller);
    place = way->find(address, width, true);
    was = ft_focus_on(place.device);
    FT_M->last_read_repeats = 0;
    ft_emit(way->write_event, place.offset, width, value, place.live);
    if (place.live)
        ft_model_write(place.bar, place.within, width, value);
    ft_focus_back(was);
    ft_ddi_end(way->write_out, 0);
}

/* ---- the routines, one row of them for each width ---- */

#define AT(pointer) ((uint64_t)(uintptr_t)(pointer))
#define CALLER      __builtin_return_address(0)

#define REGISTER_ROUTINES(WIDTH, type)                                                             \
    type READ_REGISTER_##WIDTH(volatile type *Register)                                            \
    {                                                                                              \
        return (type)read_device(&registers, AT(Register), sizeof *Register, CALLER);              \
    }                                                                                              \
    VOID WRITE_REGISTER_##WIDTH(volatile type *Register, type Value)                               \
    {                                                                                              \
        write_device(&registers, AT(Register), sizeof *Register, Value, CALLER);                   \
    }                                                                                              \
    VOID READ_REGISTER_BUFFER_##WIDTH(volatile type *Register, type *Buffer, ULONG Count)          \
    {                                                                                              \
        for (ULONG i = 0; i < Count; i++)                                                          \
            Buffer[i] = (type)read_device(&registers, AT(Register + i), sizeof *Register, CALLER); \
        ft_view_filled(Buffer);                                                                    \
    }                                                                                              \
    VOID WRITE_REGISTER_BUFFER_##WIDTH(volatile type *Register, type *Buffer, ULONG Count)         \
    {                                                                                              \
        for (ULONG i = 0; i < Count; i++)                                                          \
            write_device(&registers, AT(Register + i), sizeof *Register, Buffer[i], CALLER);       \
    }

/* The BUFFER forms move Count elements to or from consecutive addresses, as the string moves of x64
 * do. Conflict of the sources: the documentation leaves open whether the address advances. */
REGISTER_ROUTINES(UCHAR, UCHAR)
REGISTER_ROUTINES(USHORT, USHORT)
REGISTER_ROUTINES(ULONG, ULONG)
REGISTER_ROUTINES(ULONG64, ULONG64)

#define PORT_ROUTINES(WIDTH, type)                                                                 \
    type READ_PORT_##WIDTH(type *Port)                                                             \
    {                                                                                              \
        return (type)read_device(&ports, AT(Port), sizeof *Port, CALLER);                          \
    }                                                                                              \
    VOID WRITE_PORT_##WIDTH(type *Port, type Value)                                                \
    {                                                                                              \
        write_device(&ports, AT(Port), sizeof *Port, Value, CALLER);                               \
    }                                                                                              \
    VOID READ_PORT_BUFFER_##WIDTH(type *Port, type *Buffer, ULONG Count)                           \
    {                                                                                              \
        for (ULONG i = 0; i < Count; i++)                                                          \
            Buffer[i] = (type)read_device(&ports, AT(Port), sizeof *Port, CALLER);                 \
        ft_view_filled(Buffer);                                                                    \
    }                                                                                              \
    VOID WRITE_PORT_BUFFER_##WIDTH(type *Port, type *Buffer, ULONG Count)                          \
    {                                                                                              \
        for (ULONG i = 0; i < Count; i++)                                                          \
            write_device(&ports, AT(Port), sizeof *Port, Buffer[i], CALLER);                       \
    }

/* Here the BUFFER forms stay at one port, as the processor's string instructions do. */
PORT_ROUTINES(UCHAR, UCHAR)
PORT_ROUTINES(USHORT, USHORT)
PORT_ROUTINES(ULONG, ULONG)
