/* The ARM PrimeCell UART PL011 (r1p5), and what is at the other end of its line.
 *
 * Registers and request lines are those of the PL011 technical reference manual (ARM DDI 0183). The
 * receiver asks for DMA while RXDMAE is set and characters are there, the transmitter while TXDMAE
 * is set and its FIFO has room. With DMAONERR set an error interrupt that is asserted keeps the
 * receiver's request down.
 *
 * The other end sends messages without end, for as long as RTS allows: each has a length of its own
 * and is followed by a break, which leaves a character of value 0 with the break bit in the FIFO.
 * What the characters are is a function of how many came before. What is sent to it is forgotten.
 *
 * A step is the time in which the FIFO is filled and emptied several times over. A channel of the
 * DMA controller that does not fetch what waits for it makes the UART drop RTS; the other end then
 * stops in mid-message and loses nothing.
 *
 * Not modelled: PIO beyond what a break leaves, watermarks, loopback, IrDA, modem status, parity
 * and framing errors, overruns, and the baud rate.
 */
#include "sim/device.h"

#include <string.h>

/* Registers of BAR 0. */
enum {
    DR = 0x000,
    RSR = 0x004,
    FR = 0x018,
    ILPR = 0x020,
    IBRD = 0x024,
    FBRD = 0x028,
    LCRH = 0x02C,
    CR = 0x030,
    IFLS = 0x034,
    IMSC = 0x038,
    RIS = 0x03C,
    MIS = 0x040,
    ICR = 0x044,
    DMACR = 0x048,
    PERIPH_ID = 0xFE0,
    LAST = 0xFFC
};

enum { FR_CTS = 0x01, FR_RX_EMPTY = 0x10, FR_TX_EMPTY = 0x80 };
enum { CR_ENABLE = 0x0001, CR_TX = 0x0100, CR_RX = 0x0200, CR_RESET = 0x0300 };
enum { INT_BREAK = 0x200, INT_ERRORS = 0x780, INT_ALL = 0x7FF };
enum { DMA_RX = 1, DMA_TX = 2, DMA_ON_ERROR = 4, DMA_ALL = 7 };
enum { DR_BREAK = 0x400, RSR_BREAK = 0x4 };

enum {
    CHUNK = 256,       /* moved in one step and direction */
    STARVE_STEPS = 32, /* steps without a byte before RTS goes */
    RX = 0,            /* request lines, and channels of the engine */
    TX = 1,
    LINES = 2
};

struct line {
    uint32_t moved;  /* since its request was enabled */
    uint8_t works;   /* engine:begin was said */
    uint8_t starved; /* steps without progress */
};

struct uart_state {
    uint32_t ilpr, ibrd, fbrd, lcrh, cr, ifls, imsc, ris, dmacr;
    uint32_t received; /* characters, since power-on */
    uint32_t message;  /* characters left of the message */
    uint32_t messages;
    uint8_t break_waits; /* in the receiver's FIFO */
    uint8_t break_seen;  /* … or in the status of the last character */
    struct line line[LINES];
};

static void update_interrupt(struct sim_device *device, const struct uart_state *s)
{
    sim_irq_set(device, (s->ris & s->imsc) != 0);
}

/* ---- the other end ---- */

static uint32_t message_bytes(uint32_t number)
{
    static const uint16_t bytes[] = {6000, 30000, 1, 4096, 900, 12288};

    return bytes[number % (sizeof bytes / sizeof *bytes)];
}

static void fill(const struct uart_state *s, uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)((s->received + i) * 0x9E3779B1u >> 24);
}

/* ---- the engine ---- */

static bool enabled(const struct uart_state *s, uint32_t direction)
{
    return (s->cr & (CR_ENABLE | direction)) == (CR_ENABLE | direction);
}

/* The receiver, or the transmitter, asks for DMA. */
static bool asks(const struct uart_state *s, unsigned line)
{
    if ((s->dmacr & (DMA_RX << line)) == 0 || !enabled(s, line == RX ? CR_RX : CR_TX))
        return false;
    return line == TX || !((s->dmacr & DMA_ON_ERROR) && (s->ris & s->imsc & INT_ERRORS));
}

static void end(struct sim_device *device, struct uart_state *s, unsigned line,
                enum sim_engine_end why)
{
    if (!s->line[line].works)
        return;
    s->line[line].works = 0;
    sim_engine_end(device, line, s->line[line].moved, why);
}

/* After a change of registers: the request lines are as they say. */
static void update_lines(struct sim_device *device, struct uart_state *s, enum sim_engine_end why)
{
    for (unsigned line = RX; line < LINES; line++) {
        if (!asks(s, line)) {
            end(device, s, line, why);
        } else if (!s->line[line].works) {
            s->line[line] = (struct line){.works = 1};
            /* Where in memory is the DMA controller's knowledge alone. */
            sim_engine_begin(device, line, 0, 0, line == TX);
        }
    }
}

static void end_message(struct sim_device *device, struct uart_state *s)
{
    s->message = message_bytes(++s->messages);
    s->break_waits = 1;
    s->ris |= INT_BREAK;
    update_interrupt(device, s);
}

static void step_line(struct sim_device *device, struct uart_state *s, unsigned line)
{
    uint32_t length = line == RX && s->message < CHUNK ? s->message : CHUNK;
    uint8_t bytes[CHUNK];
    bool terminal = false;
    uint32_t moved;

    if (line == RX)
        fill(s, bytes, length);
    moved = sim_line_transfer(device, line, line == TX, bytes, length, &terminal);
    s->line[line].moved += moved;
    s->line[line].starved = moved ? 0 : s->line[line].starved + 1;
    if (line == RX) {
        s->received += moved;
        s->message -= moved;
        if (s->message == 0)
            end_message(device, s);
    }
    if (terminal || !asks(s, line))
        end(device, s, line, SIM_END_DONE);
    else if (s->line[line].starved == STARVE_STEPS)
        end(device, s, line, SIM_END_BUS_ERROR);
}

static bool uart_busy(const struct sim_device *device)
{
    const struct uart_state *s = sim_device_state(device);

    return s->line[RX].works || s->line[TX].works;
}

static void uart_step(struct sim_device *device)
{
    struct uart_state *s = sim_device_state(device);

    for (unsigned line = RX; line < LINES; line++)
        if (s->line[line].works)
            step_line(device, s, line);
}

/* ---- reset ---- */

static void uart_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct uart_state *s = sim_device_state(device);

    s->dmacr = 0;
    update_lines(device, s, why);
}

/* What the other end does is not undone. */
static void uart_reset(struct sim_device *device)
{
    struct uart_state *s = sim_device_state(device);
    uint32_t received = s->received, message = s->message, messages = s->messages;

    uart_stop(device, SIM_END_ABORTED);
    memset(s, 0, sizeof *s);
    s->received = received;
    s->message = message ? message : message_bytes(0);
    s->messages = messages;
    s->cr = CR_RESET;
    s->ifls = 0x12;
    sim_irq_enable(device, false);
    update_interrupt(device, s);
}

/* ---- registers ---- */

/* Peripheral identification and PrimeCell identification, a byte in each word. */
static uint32_t identification(uint32_t offset)
{
    static const uint8_t id[] = {0x11, 0x10, 0x34, 0x00, 0x0D, 0xF0, 0x05, 0xB1};

    return id[(offset - PERIPH_ID) / 4];
}

static uint32_t read_data(struct uart_state *s)
{
    if (!s->break_waits)
        return 0;
    s->break_waits = 0;
    s->break_seen = 1;
    return DR_BREAK;
}

static uint32_t flags(const struct uart_state *s)
{
    return FR_CTS | FR_TX_EMPTY | (s->break_waits ? 0 : FR_RX_EMPTY);
}

static uint32_t read_register(struct uart_state *s, uint32_t offset)
{
    switch (offset) {
    case DR:
        return read_data(s);
    case RSR:
        return s->break_seen ? RSR_BREAK : 0;
    case FR:
        return flags(s);
    case ILPR:
        return s->ilpr;
    case IBRD:
        return s->ibrd;
    case FBRD:
        return s->fbrd;
    case LCRH:
        return s->lcrh;
    case CR:
        return s->cr;
    case IFLS:
        return s->ifls;
    case IMSC:
        return s->imsc;
    case RIS:
        return s->ris;
    case MIS:
        return s->ris & s->imsc;
    case DMACR:
        return s->dmacr;
    default:
        return offset >= PERIPH_ID && offset <= LAST && offset % 4 == 0 ? identification(offset)
                                                                        : 0;
    }
}

static uint64_t uart_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    uint64_t ones = width == 8 ? ~0ULL : (1ULL << 8 * width) - 1;

    return bar == 0 ? read_register(sim_device_state(device), offset) & ones : ones;
}

static void write_register(struct sim_device *device, struct uart_state *s, uint32_t offset,
                           uint32_t value)
{
    switch (offset) {
    case RSR:
        s->break_seen = 0;
        break;
    case ILPR:
        s->ilpr = value & 0xFF;
        break;
    case IBRD:
        s->ibrd = value & 0xFFFF;
        break;
    case FBRD:
        s->fbrd = value & 0x3F;
        break;
    case LCRH:
        s->lcrh = value & 0xFF;
        break;
    case CR:
        s->cr = value & 0xFF87;
        break;
    case IFLS:
        s->ifls = value & 0x3F;
        break;
    case IMSC:
        s->imsc = value & INT_ALL;
        sim_irq_enable(device, s->imsc != 0);
        break;
    case ICR:
        s->ris &= ~(value & INT_ALL);
        break;
    case DMACR:
        s->dmacr = value & DMA_ALL;
        break;
    default: /* DR: nobody at the other end looks at it */
        break;
    }
}

static void uart_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                       uint64_t value)
{
    struct uart_state *s = sim_device_state(device);

    (void)width;
    if (bar != 0)
        return;
    write_register(device, s, offset, (uint32_t)value);
    update_interrupt(device, s);
    update_lines(device, s, SIM_END_ABORTED);
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "PL011",
    .state_bytes = sizeof(struct uart_state),
    .reset = uart_reset,
    .read = uart_read,
    .write = uart_write,
    .engine_busy = uart_busy,
    .engine_step = uart_step,
    .stop = uart_stop,
};
