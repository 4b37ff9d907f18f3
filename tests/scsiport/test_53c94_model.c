/*
 * test_53c94_model.c: the SCSI chip and the disks of scsi-slave, by registers alone. The test is
 * the rest of the machine: memory behind the DMA channel, the media, and the interrupt line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/device.h"

#include <string.h>

extern const struct sim_device_model ft_driver_device;

enum { BLOCK = SIM_MEDIA_BLOCK_BYTES, TARGETS = 3, STEPS_MAX = 1000 };
enum { COUNT_LOW, COUNT_HIGH, FIFO, COMMAND, STATUS, INTERRUPT, STEP, FLAGS, CONFIG_1 };
enum {
    RESET_CHIP = 0x02,
    RESET_BUS = 0x03,
    TRANSFER = 0x10,
    COMPLETE = 0x11,
    ACCEPT = 0x12,
    PAD = 0x18,
    SET_ATN = 0x1A,
    SELECT_ATN = 0x42,
    SELECT_STOP = 0x43,
    LISTEN = 0x44,
    SELECT_ATN3 = 0x46,
    DMA = 0x80
};
enum { INT_RESET = 0x80, ILLEGAL = 0x40, GONE = 0x20, SERVICE = 0x10, DONE = 0x08, BACK = 0x04 };
enum { DATA_OUT = 0, DATA_IN = 1, STATUS_IN = 3, MESSAGE_OUT = 6, MESSAGE_IN = 7 };
enum { GOOD = 0, CHECK = 2, BUSY = 8, QUEUE_FULL = 0x28 };

struct sim_device {
    uint64_t state[256];
    uint8_t memory[8 * BLOCK]; /* behind the channel */
    uint32_t place, left;
    bool to_device, line;
    int engines;
    unsigned news[SIM_BUS_LEFT + 1]; /* what the model told of its bus, how often */
};

static struct sim_device machine;
static uint8_t media[TARGETS][SIM_MEDIA_BLOCKS][BLOCK];

void *sim_device_state(const struct sim_device *device)
{
    return (void *)device->state;
}

void sim_irq_set(struct sim_device *device, bool level)
{
    device->line = level;
}

void sim_irq_enable(struct sim_device *device, bool enabled)
{
    (void)device;
    (void)enabled;
}

void sim_bus_tell(struct sim_device *device, enum sim_bus_news what, uint32_t where,
                  uint8_t operation)
{
    (void)where;
    (void)operation;
    device->news[what]++;
}

void sim_engine_begin(struct sim_device *device, unsigned channel, uint64_t address,
                      uint32_t length, bool to_device)
{
    (void)channel;
    (void)address;
    (void)length;
    (void)to_device;
    assert_int_equal(device->engines++, 0);
}

void sim_engine_end(struct sim_device *device, unsigned channel, uint32_t bytes,
                    enum sim_engine_end why)
{
    (void)channel;
    (void)bytes;
    (void)why;
    assert_int_equal(--device->engines, 0);
}

bool sim_media_read(struct sim_device *device, unsigned unit, uint32_t block, void *bytes)
{
    (void)device;
    memcpy(bytes, media[unit][block], BLOCK);
    return true;
}

bool sim_media_write(struct sim_device *device, unsigned unit, uint32_t block, const void *bytes)
{
    (void)device;
    memcpy(media[unit][block], bytes, BLOCK);
    return true;
}

uint32_t sim_slave_transfer(struct sim_device *device, bool to_device, void *bytes, uint32_t length,
                            bool *terminal)
{
    if (to_device != device->to_device)
        length = 0;
    if (length > device->left)
        length = device->left;
    if (to_device)
        memcpy(bytes, device->memory + device->place, length);
    else
        memcpy(device->memory + device->place, bytes, length);
    device->place += length;
    device->left -= length;
    *terminal = length != 0 && device->left == 0;
    return length;
}

/* ---- the processor's side ---- */

static void put(unsigned port, unsigned value)
{
    ft_driver_device.write(&machine, SIM_BAR_PORTS, port, 1, value);
}

static unsigned get(unsigned port)
{
    return (unsigned)ft_driver_device.read(&machine, SIM_BAR_PORTS, port, 1);
}

/* Until the chip interrupts, or nothing happens any more. */
static void run(void)
{
    for (int i = 0; i < STEPS_MAX && !machine.line; i++) {
        if (!ft_driver_device.engine_busy(&machine))
            return;
        ft_driver_device.engine_step(&machine);
    }
    assert_true(machine.line);
}

/* The chip interrupts with that cause, and the target is in that phase. */
static void expect(unsigned cause, int phase)
{
    unsigned status;

    run();
    status = get(STATUS);
    assert_true(status & 0x80);
    if (phase >= 0)
        assert_int_equal(status & 7, phase);
    assert_int_equal(get(INTERRUPT), cause);
    assert_false(machine.line);
}

static void expect_silence(void)
{
    run();
    assert_false(machine.line);
}

static void command(unsigned value)
{
    put(COMMAND, value);
}

static void fill(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put(FIFO, bytes[i]);
}

static void channel(bool to_device, uint32_t bytes)
{
    machine.to_device = to_device;
    machine.place = 0;
    machine.left = bytes;
    put(COUNT_LOW, bytes & 0xFF);
    put(COUNT_HIGH, bytes >> 8);
    command(TRANSFER | DMA);
}

static void select_for(unsigned target, uint8_t identify, const uint8_t *cdb, unsigned bytes)
{
    put(STATUS, target);
    fill(&identify, 1);
    fill(cdb, bytes);
    command(SELECT_ATN);
}

static void select_tagged(unsigned target, uint8_t tag, const uint8_t *cdb)
{
    uint8_t words[] = {0xC0, 0x20, tag};

    put(STATUS, target);
    fill(words, 3);
    fill(cdb, 10);
    command(SELECT_ATN3);
}

static void expect_message(unsigned message)
{
    command(TRANSFER);
    expect(DONE, -1);
    assert_int_equal(get(FIFO), message);
    command(ACCEPT);
}

/* Status, COMMAND COMPLETE, bus free. */
static void finish(unsigned status)
{
    command(COMPLETE);
    expect(DONE, -1);
    assert_int_equal(get(FLAGS) & 0x1F, 2);
    assert_int_equal(get(FIFO), status);
    assert_int_equal(get(FIFO), 0);
    command(ACCEPT);
    expect(GONE, -1);
    command(LISTEN);
}

static void expect_reselection(unsigned target, int tag)
{
    expect(BACK, -1);
    assert_int_equal(get(FIFO), 0x80u | 1u << target);
    assert_int_equal(get(FIFO), 0x80);
    command(ACCEPT);
    if (tag < 0)
        return;
    expect(SERVICE, MESSAGE_IN);
    expect_message(0x20);
    expect(SERVICE, MESSAGE_IN);
    expect_message((unsigned)tag);
}

static void ready(unsigned target)
{
    static const uint8_t cdb[6];

    select_for(target, 0x80, cdb, 6);
    expect(SERVICE | DONE, STATUS_IN);
    finish(CHECK); /* a unit attention, since power came */
}

static int setup(void **context)
{
    (void)context;
    memset(&machine, 0, sizeof machine);
    for (unsigned t = 0; t < TARGETS; t++)
        for (unsigned b = 0; b < SIM_MEDIA_BLOCKS; b++)
            for (unsigned i = 0; i < BLOCK; i++)
                media[t][b][i] = (uint8_t)(t * 91 + b * 7 + i * 3 + (i >> 8));
    ft_driver_device.reset(&machine);
    command(LISTEN);
    return 0;
}

/* ---- tests ---- */

static void inquiry_and_short_buffers(void **context)
{
    static const uint8_t cdb[6] = {0x12, 0, 0, 0, 36};

    (void)context;
    select_for(1, 0x80, cdb, 6);
    run();
    assert_int_equal(get(STEP) & 7, 4);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 50);
    expect(SERVICE, STATUS_IN);
    assert_int_equal(get(COUNT_LOW), 14); /* the disk has 36 bytes to say */
    assert_int_equal(machine.memory[0], 0);
    assert_memory_equal(machine.memory + 8, "FLUSH   ", 8);
    finish(GOOD);

    select_for(1, 0x80, cdb, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 20);
    expect(SERVICE, DATA_IN); /* the count is at its end, the disk is not */
    assert_true(get(STATUS) & 0x10);
    put(COUNT_LOW, 100);
    put(COUNT_HIGH, 0);
    command(PAD | DMA);
    expect(SERVICE, STATUS_IN);
    finish(GOOD);
}

static void nobody_answers(void **context)
{
    static const uint8_t cdb[6];

    (void)context;
    select_for(5, 0x80, cdb, 6);
    expect(GONE, -1);
    command(TRANSFER); /* of an initiator that is not connected */
    expect(ILLEGAL, -1);
}

static void sense_is_kept_until_asked(void **context)
{
    static const uint8_t sense[6] = {0x03, 0, 0, 0, 18},
                         beyond[10] = {0x28, 0, 0, 0, 1, 0, 0, 0, 1};

    (void)context;
    ready(0);
    select_for(0, 0xC0, sense, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 18);
    expect(SERVICE, STATUS_IN);
    assert_int_equal(machine.memory[2], 6);
    assert_int_equal(machine.memory[12], 0x29);
    finish(GOOD);
    select_for(0, 0xC0, beyond, 10);
    expect(SERVICE | DONE, STATUS_IN);
    finish(CHECK);
    select_for(0, 0xC0, sense, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 18);
    expect(SERVICE, STATUS_IN);
    assert_int_equal(machine.memory[2], 5);
    assert_int_equal(machine.memory[12], 0x21);
    finish(GOOD);
}

static void blocks_without_disconnection(void **context)
{
    static const uint8_t write[10] = {0x2A, 0, 0, 0, 0, 9, 0, 0, 2}, read[6] = {0x08, 0, 0, 9, 2};

    (void)context;
    ready(2);
    select_for(2, 0x80, write, 10);
    expect(SERVICE | DONE, DATA_OUT);
    for (unsigned i = 0; i < 2 * BLOCK; i++)
        machine.memory[i] = (uint8_t)(i * 5 + 1);
    channel(true, 2 * BLOCK);
    expect(SERVICE, STATUS_IN);
    finish(GOOD);
    assert_memory_equal(media[2][9], machine.memory, 2 * BLOCK);
    memset(machine.memory, 0, 2 * BLOCK);
    select_for(2, 0x80, read, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 2 * BLOCK);
    expect(SERVICE, STATUS_IN);
    finish(GOOD);
    assert_memory_equal(media[2][9], machine.memory, 2 * BLOCK);
}

/* The second disk leaves the bus after four blocks; the channel has filled the FIFO by then. */
static void disconnection_in_a_write(void **context)
{
    static const uint8_t write[10] = {0x2A, 0, 0, 0, 0, 0, 0, 0, 6};
    unsigned sent;

    (void)context;
    ready(1);
    for (unsigned i = 0; i < 6 * BLOCK; i++)
        machine.memory[i] = (uint8_t)(i >> 4);
    select_for(1, 0xC0, write, 10);
    expect(SERVICE | DONE, MESSAGE_IN);
    expect_message(0x04);
    expect(GONE, -1);
    command(LISTEN);
    expect_reselection(1, -1);
    expect(SERVICE, DATA_OUT);
    channel(true, 6 * BLOCK);
    expect(SERVICE, MESSAGE_IN);
    sent = 6 * BLOCK - (get(COUNT_LOW) | get(COUNT_HIGH) << 8) - (get(FLAGS) & 0x1F);
    assert_int_equal(sent, 4 * BLOCK);
    assert_true((get(FLAGS) & 0x1F) != 0);
    command(0x01);
    expect_message(0x02);
    expect(SERVICE, MESSAGE_IN);
    expect_message(0x04);
    expect(GONE, -1);
    command(LISTEN);
    expect_reselection(1, -1);
    expect(SERVICE, DATA_OUT);
    memmove(machine.memory, machine.memory + sent, 2 * BLOCK);
    channel(true, 2 * BLOCK);
    expect(SERVICE, STATUS_IN);
    finish(GOOD);
    for (unsigned i = 0; i < 6 * BLOCK; i++)
        assert_int_equal(((uint8_t *)media[1])[i], (uint8_t)(i >> 4));
}

/* Two reads with tags: the disk serves the lower block first. A third waits longer than it lives.
 */
static void tags_and_their_abort(void **context)
{
    static const uint8_t far[10] = {0x28, 0, 0, 0, 0, 200, 0, 0, 1},
                         near[10] = {0x28, 0, 0, 0, 0, 3, 0, 0, 1};
    static const uint8_t identify = 0xC0, end[] = {0x20, 7, 0x0D};

    (void)context;
    ready(0);
    for (uint8_t tag = 7; tag >= 5; tag--) {
        command(0x45); /* not to be reselected yet */
        select_tagged(0, tag, tag == 5 ? near : far);
        expect(SERVICE | DONE, MESSAGE_IN);
        expect_message(0x04);
        expect(GONE, -1);
    }
    put(STATUS, 0);
    fill(&identify, 1);
    command(SELECT_STOP);
    expect(SERVICE | DONE, MESSAGE_OUT);
    fill(end, 3);
    command(TRANSFER);
    expect(GONE, -1);
    command(LISTEN);
    for (uint8_t tag = 5; tag <= 6; tag++) {
        expect_reselection(0, tag);
        expect(SERVICE, DATA_IN);
        channel(false, BLOCK);
        expect(SERVICE, STATUS_IN);
        finish(GOOD);
        assert_memory_equal(machine.memory, media[0][tag == 5 ? 3 : 200], BLOCK);
    }
    expect_silence();
}

static void full_queue_and_busy(void **context)
{
    static const uint8_t read[10] = {0x28, 0, 0, 0, 0, 1, 0, 0, 1};

    (void)context;
    ready(0);
    for (uint8_t tag = 1; tag <= 3; tag++) {
        select_tagged(0, tag, read);
        expect(SERVICE | DONE, MESSAGE_IN);
        expect_message(0x04);
        expect(GONE, -1);
    }
    select_tagged(0, 4, read);
    expect(SERVICE | DONE, STATUS_IN);
    command(COMPLETE);
    expect(DONE, -1);
    assert_int_equal(get(FIFO), QUEUE_FULL);
    get(FIFO);
    command(ACCEPT);
    expect(GONE, -1);
    select_for(0, 0xC0, read, 10);
    expect(SERVICE | DONE, STATUS_IN);
    command(COMPLETE);
    expect(DONE, -1);
    assert_int_equal(get(FIFO), BUSY);
}

/* While the reselection was not read, the chip takes neither bytes nor a selection. */
static void reselection_wins(void **context)
{
    static const uint8_t read[10] = {0x28, 0, 0, 0, 0, 1, 0, 0, 1};

    (void)context;
    ready(0);
    select_for(0, 0xC0, read, 10);
    expect(SERVICE | DONE, MESSAGE_IN);
    expect_message(0x04);
    expect(GONE, -1);
    command(LISTEN);
    run();
    select_for(1, 0xC0, read, 10);
    expect_reselection(0, -1);
    expect(SERVICE, DATA_IN);
}

static void resets(void **context)
{
    static const uint8_t read[10] = {0x28, 0, 0, 0, 0, 1, 0, 0, 1};

    (void)context;
    ready(0);
    select_for(0, 0x80, read, 10);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 4 * BLOCK);
    ft_driver_device.engine_step(&machine);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_BUS_RESET, 0));
    assert_int_equal(machine.engines, 0);
    expect(INT_RESET, -1);
    command(RESET_BUS);
    expect(INT_RESET, -1);
    ready(0);
    command(RESET_CHIP);
    command(RESET_BUS); /* a chip that is held in reset hears NOP only */
    expect_silence();
    command(0);
    command(RESET_BUS);
    expect(INT_RESET, -1);
    assert_int_equal(machine.news[SIM_BUS_RESET_OTHER], 1);
    assert_int_equal(machine.news[SIM_BUS_RESET], 2);
    assert_int_equal(machine.news[SIM_BUS_RESET_TOLD], 3);
    assert_int_equal(machine.news[SIM_BUS_TAKEN], machine.news[SIM_BUS_OVER]);
}

static void parity_is_told(void **context)
{
    static const uint8_t read[6] = {0x08, 0, 0, 1, 1}, words[] = {0x05};

    (void)context;
    ready(0);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_PARITY, 0));
    select_for(0, 0x80, read, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 4 * BLOCK);
    run();
    assert_true(get(STATUS) & 0x20);
    expect(SERVICE, STATUS_IN);
    command(COMPLETE);
    expect(SERVICE, MESSAGE_OUT); /* the chip asserts ATN */
    command(0x01);
    fill(words, 1);
    command(TRANSFER);
    expect(SERVICE, STATUS_IN);
    finish(CHECK);
}

static void what_happens_outside(void **context)
{
    static const uint8_t read[6] = {0x08, 0, 0, 1, 3}, test[6];

    (void)context;
    ready(0);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_SHORT, 0));
    select_for(0, 0x80, read, 6);
    expect(SERVICE | DONE, DATA_IN);
    channel(false, 3 * BLOCK);
    expect(SERVICE, STATUS_IN);
    assert_int_equal(get(COUNT_LOW) | get(COUNT_HIGH) << 8, 2 * BLOCK);
    finish(GOOD);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_BUSY, 0));
    select_for(0, 0x80, test, 6);
    expect(SERVICE | DONE, STATUS_IN);
    finish(BUSY);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_DROP, 0));
    select_for(0, 0x80, test, 6);
    expect(GONE, -1);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_GONE, 0));
    select_for(0, 0x80, test, 6);
    expect(GONE, -1);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_BACK, 0));
    command(0x01);
    select_for(0, 0x80, test, 6);
    expect(SERVICE | DONE, STATUS_IN);
    finish(GOOD);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_STUCK, 2));
    select_for(2, 0x80, test, 6);
    expect_silence();
    assert_false(ft_driver_device.outside(&machine, SIM_OUTSIDE_STUCK, TARGETS));
}

static void stranger_reconnects(void **context)
{
    static const uint8_t end[] = {0x0D};

    (void)context;
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_UNKNOWN_TAG, 1));
    expect(BACK, -1);
    get(FIFO);
    get(FIFO);
    command(ACCEPT);
    expect(SERVICE, MESSAGE_IN);
    expect_message(0x20);
    expect(SERVICE, MESSAGE_IN);
    command(TRANSFER);
    expect(DONE, -1);
    get(FIFO);
    command(SET_ATN);
    command(ACCEPT);
    expect(SERVICE, MESSAGE_OUT);
    fill(end, 1);
    command(TRANSFER);
    expect(GONE, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(inquiry_and_short_buffers, setup),
        cmocka_unit_test_setup(nobody_answers, setup),
        cmocka_unit_test_setup(sense_is_kept_until_asked, setup),
        cmocka_unit_test_setup(blocks_without_disconnection, setup),
        cmocka_unit_test_setup(disconnection_in_a_write, setup),
        cmocka_unit_test_setup(tags_and_their_abort, setup),
        cmocka_unit_test_setup(full_queue_and_busy, setup),
        cmocka_unit_test_setup(reselection_wins, setup),
        cmocka_unit_test_setup(resets, setup),
        cmocka_unit_test_setup(parity_is_told, setup),
        cmocka_unit_test_setup(what_happens_outside, setup),
        cmocka_unit_test_setup(stranger_reconnects, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
