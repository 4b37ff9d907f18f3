/*
 * test_bt958_model.c: the SCSI adapter of scsi-bus, by registers, mailboxes and CCBs alone. The
 * test is the rest of the machine: memory, the media, and the interrupt line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/device.h"

#include <string.h>

extern const struct sim_device_model ft_driver_device;

enum { BLOCK = SIM_MEDIA_BLOCK_BYTES, TARGETS = 3, STEPS_MAX = 2000, BAR = 1 };
enum { STATUS, DATA_IN, INTERRUPT, GEOMETRY, CONTROL = 0, COMMAND = 1 };
enum { HARD_RESET = 0x80, SOFT_RESET = 0x40, INTERRUPT_RESET = 0x20, BUS_RESET = 0x10 };
enum { DIAGNOSING = 0x80, NEEDS_MAILBOXES = 0x20, READY = 0x10, BUSY = 0x08, INVALID = 0x01 };
enum { VALID = 0x80, CAUSE_RESET = 0x08, CAUSE_COMMAND = 0x04, CAUSE_LOADED = 0x01 };
enum { START_MAILBOX = 0x02, BOARD_ID = 0x04, MAILBOXES = 0x81, ROUND_ROBIN = 0x8F, NONE = 0x55 };
enum { BOXES = 4, BOX = 8, OUT = 0x000, IN = OUT + BOXES * BOX, CCB = 0x100, DATA = 0x400 };
enum { GOOD = 1, ABORTED, NOT_FOUND, BAD };
enum { TO_HOST = 0x08, FROM_HOST = 0x10, OP_COMMAND = 0, OP_RESIDUAL = 3 };
enum { UNDERRUN = 0x0C, NOBODY = 0x11, BAD_ACTION = 0x15, OTHER_RESET = 0x23 };

struct sim_device {
    uint64_t state[256];
    uint8_t memory[0x2000];
    bool line, enabled;
    int engines;
    unsigned news[SIM_BUS_LEFT + 1];
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
    device->enabled = enabled;
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

bool sim_dma_read(struct sim_device *device, uint64_t address, void *bytes, uint32_t length)
{
    if (address + length > sizeof device->memory) {
        memset(bytes, 0xFF, length);
        return false;
    }
    memcpy(bytes, device->memory + address, length);
    return true;
}

bool sim_dma_write(struct sim_device *device, uint64_t address, const void *bytes, uint32_t length)
{
    if (address + length > sizeof device->memory)
        return false;
    memcpy(device->memory + address, bytes, length);
    return true;
}

/* ---- the processor's side ---- */

static void put(unsigned offset, unsigned value)
{
    ft_driver_device.write(&machine, BAR, offset, 1, value);
}

static unsigned get(unsigned offset)
{
    return (unsigned)ft_driver_device.read(&machine, BAR, offset, 1);
}

static void run(void)
{
    for (int i = 0; i < STEPS_MAX && !machine.line && ft_driver_device.engine_busy(&machine); i++)
        ft_driver_device.engine_step(&machine);
}

/* The adapter interrupts with that cause. */
static void expect(unsigned cause)
{
    run();
    assert_true(machine.line);
    assert_int_equal(get(INTERRUPT), VALID | cause);
    put(CONTROL, INTERRUPT_RESET);
    assert_false(machine.line);
}

static void command(const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        put(COMMAND, bytes[i]);
    (void)get(STATUS);
}

static void ready(void)
{
    static const uint8_t boxes[] = {MAILBOXES, BOXES, 0, 0, 0, 0}, strict[] = {ROUND_ROBIN, 1};

    memset(&machine, 0, sizeof machine);
    ft_driver_device.reset(&machine);
    for (unsigned unit = 0; unit < TARGETS; unit++)
        for (unsigned block = 0; block < SIM_MEDIA_BLOCKS; block++)
            memset(media[unit][block], (int)(unit + block), BLOCK);
    command(boxes, sizeof boxes);
    expect(CAUSE_COMMAND);
    command(strict, sizeof strict);
    expect(CAUSE_COMMAND);
}

static void make_ccb(unsigned opcode, unsigned control, unsigned target, uint32_t length,
                     const uint8_t *cdb, unsigned bytes)
{
    uint8_t *ccb = machine.memory + CCB;
    uint32_t data = DATA;

    memset(ccb, 0, 40);
    ccb[0] = (uint8_t)opcode;
    ccb[1] = (uint8_t)control;
    ccb[2] = (uint8_t)bytes;
    ccb[3] = 1; /* no sense data */
    memcpy(ccb + 4, &length, sizeof length);
    memcpy(ccb + 8, &data, sizeof data);
    ccb[16] = (uint8_t)target;
    memcpy(ccb + 18, cdb, bytes);
}

static void post(unsigned box, unsigned action)
{
    uint32_t address = CCB;

    memcpy(machine.memory + OUT + box * BOX, &address, sizeof address);
    machine.memory[OUT + box * BOX + 7] = (uint8_t)action;
    put(COMMAND, START_MAILBOX);
}

/* The next incoming mailbox has that. */
static void expect_answer(unsigned box, unsigned code, unsigned host)
{
    uint8_t *in = machine.memory + IN + box * BOX;
    uint32_t address;

    expect(CAUSE_LOADED);
    memcpy(&address, in, sizeof address);
    assert_int_equal(address, CCB);
    assert_int_equal(in[7], code);
    assert_int_equal(in[4], host);
    in[7] = 0;
}

/* The units say that they were reset, once. */
static void settle(unsigned target)
{
    static const uint8_t test_ready[6];

    make_ccb(OP_COMMAND, 0x18, target, 0, test_ready, sizeof test_ready);
    post(0, 1);
    expect_answer(0, BAD, 0);
    assert_int_equal(machine.memory[CCB + 15], 2);
}

/* ---- tests ---- */

static void a_soft_reset_shows_diagnostics(void **context)
{
    static const uint8_t id[] = {BOARD_ID};

    (void)context;
    ready();
    assert_int_equal(get(STATUS), READY);
    put(CONTROL, SOFT_RESET);
    assert_false(machine.enabled);
    put(COMMAND, BOARD_ID); /* which it does not take yet */
    assert_int_equal(get(STATUS), DIAGNOSING | NEEDS_MAILBOXES);
    while (get(STATUS) & DIAGNOSING)
        ;
    assert_int_equal(get(STATUS), NEEDS_MAILBOXES | READY);
    assert_int_equal(machine.news[SIM_BUS_RESET], 0); /* the bus is left alone */
    command(id, sizeof id);
    assert_int_equal(get(DATA_IN), 'A');
    assert_int_equal(get(DATA_IN), 'A');
    assert_int_equal(get(DATA_IN), '5');
    assert_int_equal(get(DATA_IN), '0');
    expect(CAUSE_COMMAND);
}

static void a_hard_reset_resets_the_bus_and_takes_time(void **context)
{
    (void)context;
    ready();
    put(CONTROL, HARD_RESET);
    assert_int_equal(machine.news[SIM_BUS_RESET], 1);
    assert_true(get(STATUS) & DIAGNOSING);
    assert_true(get(STATUS) & DIAGNOSING); /* however often it is asked */
    run();
    assert_int_equal(get(STATUS), NEEDS_MAILBOXES | READY);
}

static void an_unknown_command_is_invalid(void **context)
{
    static const uint8_t none[] = {NONE};

    (void)context;
    ready();
    command(none, sizeof none);
    expect(CAUSE_COMMAND);
    assert_true(get(STATUS) & INVALID);
}

static void blocks_are_read_and_written(void **context)
{
    static const uint8_t read[] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0};
    static const uint8_t write[] = {0x2A, 0, 0, 0, 0, 9, 0, 0, 1, 0};

    (void)context;
    ready();
    settle(0);
    make_ccb(OP_COMMAND, TO_HOST, 0, 2 * BLOCK, read, sizeof read);
    post(1, 1);
    expect_answer(1, GOOD, 0);
    assert_int_equal(machine.memory[OUT + BOX + 7], 0); /* the mailbox is free again */
    assert_memory_equal(machine.memory + DATA, media[0][7], 2 * BLOCK);
    memset(machine.memory + DATA, 0xA5, BLOCK);
    make_ccb(OP_COMMAND, FROM_HOST, 0, BLOCK, write, sizeof write);
    post(2, 1);
    expect_answer(2, GOOD, 0);
    assert_memory_equal(media[0][9], machine.memory + DATA, BLOCK);
    assert_int_equal(machine.engines, 0);
    assert_int_equal(machine.news[SIM_BUS_TAKEN], machine.news[SIM_BUS_OVER]);
}

static void a_short_answer_leaves_a_residue(void **context)
{
    static const uint8_t inquiry[] = {0x12, 0, 0, 0, 36, 0};
    uint32_t rest;

    (void)context;
    ready();
    make_ccb(OP_RESIDUAL, TO_HOST, 0, 100, inquiry, sizeof inquiry);
    post(0, 1);
    expect_answer(0, BAD, UNDERRUN);
    memcpy(&rest, machine.memory + CCB + 4, sizeof rest);
    assert_int_equal(rest, 64);
}

static void nobody_answers_for_a_target_that_is_not_there(void **context)
{
    static const uint8_t test_ready[6];

    (void)context;
    ready();
    make_ccb(OP_COMMAND, 0x18, 5, 0, test_ready, sizeof test_ready);
    post(0, 1);
    expect_answer(0, BAD, NOBODY);
}

static void an_abort_ends_its_victim_or_finds_none(void **context)
{
    static const uint8_t read[] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0};

    (void)context;
    ready();
    settle(0);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_STUCK, 0));
    make_ccb(OP_COMMAND, TO_HOST, 0, 2 * BLOCK, read, sizeof read);
    post(1, 1);
    run();
    assert_false(machine.line);
    post(2, 2);
    expect_answer(1, ABORTED, 0);
    post(3, 2);
    expect_answer(2, NOT_FOUND, 0);
    post(0, 9);
    expect_answer(3, BAD, BAD_ACTION);
}

static void a_reset_ends_what_the_targets_have(void **context)
{
    static const uint8_t read[] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0};

    (void)context;
    ready();
    settle(0);
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_STUCK, 0));
    make_ccb(OP_COMMAND, TO_HOST, 0, 2 * BLOCK, read, sizeof read);
    post(1, 1);
    run();
    assert_true(ft_driver_device.outside(&machine, SIM_OUTSIDE_BUS_RESET, 0));
    expect(CAUSE_RESET);
    assert_int_equal(machine.news[SIM_BUS_RESET_TOLD], 1);
    expect_answer(1, BAD, OTHER_RESET);
    put(CONTROL, BUS_RESET);
    expect(CAUSE_RESET);
    assert_int_equal(machine.news[SIM_BUS_RESET], 1);
    assert_int_equal(machine.news[SIM_BUS_RESET_OTHER], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_soft_reset_shows_diagnostics),
        cmocka_unit_test(a_hard_reset_resets_the_bus_and_takes_time),
        cmocka_unit_test(an_unknown_command_is_invalid),
        cmocka_unit_test(blocks_are_read_and_written),
        cmocka_unit_test(a_short_answer_leaves_a_residue),
        cmocka_unit_test(nobody_answers_for_a_target_that_is_not_there),
        cmocka_unit_test(an_abort_ends_its_victim_or_finds_none),
        cmocka_unit_test(a_reset_ends_what_the_targets_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
