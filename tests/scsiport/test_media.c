/* Media of disks, and the ops that happen on a storage adapter's bus. */
#include "bench_driver.h"

#include "sim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

typedef unsigned char block[SIM_MEDIA_BLOCK_BYTES];

static bool same(const block a, const block b)
{
    return memcmp(a, b, sizeof(block)) == 0;
}

/* ---- media ---- */

static void blocks_differ_by_unit_and_number(void)
{
    block first, other;

    CHECK(sim_media_read(NULL, 0, 0, first));
    for (unsigned unit = 0; unit < SIM_MEDIA_UNITS; unit++)
        for (unsigned at = 0; at < SIM_MEDIA_BLOCKS; at += 85) {
            CHECK(sim_media_read(NULL, unit, at, other));
            CHECK(same(first, other) == (unit == 0 && at == 0));
        }
    CHECK(sim_media_read(NULL, 0, 0, other) && same(first, other));
}

static void what_is_written_stays(void)
{
    block written, before, read;

    memset(written, 0x77, sizeof written);
    for (unsigned at = 6; at < 10; at++) /* over the border of a chunk */
        CHECK(sim_media_write(NULL, 1, at, written));
    for (unsigned at = 6; at < 10; at++)
        CHECK(sim_media_read(NULL, 1, at, read) && same(read, written));
    CHECK(sim_media_read(NULL, 2, 6, read) && !same(read, written));
    CHECK(sim_media_read(NULL, 1, 5, read) && !same(read, written));
    CHECK(sim_media_read(NULL, 1, SIM_MEDIA_BLOCKS - 1, before));
    CHECK(sim_media_write(NULL, 1, SIM_MEDIA_BLOCKS - 1, written));
    CHECK(sim_media_read(NULL, 1, SIM_MEDIA_BLOCKS - 1, read) && same(read, written));
    CHECK(!same(read, before));
}

static void nothing_is_beyond_the_end(void)
{
    block bytes;

    memset(bytes, 0x55, sizeof bytes);
    CHECK(!sim_media_read(NULL, 0, SIM_MEDIA_BLOCKS, bytes));
    CHECK(!sim_media_read(NULL, SIM_MEDIA_UNITS, 0, bytes));
    CHECK(!sim_media_write(NULL, 0, UINT32_MAX, bytes));
    CHECK(!sim_media_write(NULL, SIM_MEDIA_UNITS, 0, bytes));
    CHECK(bytes[0] == 0x55 && bytes[sizeof bytes - 1] == 0x55);
}

static void media_hold_blocks(void **state)
{
    (void)state;
    wb_body(blocks_differ_by_unit_and_number, FT_STOP_NONE);
    wb_body(what_is_written_stays, FT_STOP_NONE);
    wb_body(nothing_is_beyond_the_end, FT_STOP_NONE);
}

static void every_block_fits_the_machine(void)
{
    block bytes = {0};

    for (unsigned unit = 0; unit < SIM_MEDIA_UNITS; unit++)
        for (unsigned at = 0; at < SIM_MEDIA_BLOCKS; at++)
            CHECK(sim_media_write(NULL, unit, at, bytes));
}

static void all_media_can_be_written(void **state)
{
    (void)state;
    wb_body(every_block_fits_the_machine, FT_STOP_NONE);
}

/* ---- what happens on the bus ---- */

static void reset(struct sim_device *device)
{
    sim_irq_set(device, false);
}

static uint64_t read_register(struct sim_device *device, unsigned bar, uint32_t offset,
                              unsigned width)
{
    (void)device, (void)bar, (void)offset, (void)width;
    return 0;
}

static void write_register(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                           uint64_t value)
{
    (void)device, (void)bar, (void)offset, (void)width, (void)value;
}

static bool engine_busy(const struct sim_device *device)
{
    (void)device;
    return false;
}

static void engine_step(struct sim_device *device)
{
    (void)device;
}

/* Units 0 and 1 exist; whatever happens raises the line. */
static bool outside(struct sim_device *device, enum sim_outside what, unsigned unit)
{
    char note[32];

    snprintf(note, sizeof note, "%u:%u", (unsigned)what, unit);
    wb_note(note);
    sim_irq_set(device, unit < 2);
    return unit < 2;
}

static const struct sim_device_model with_bus = {.name = "bus",
                                                 .state_bytes = 8,
                                                 .reset = reset,
                                                 .read = read_register,
                                                 .write = write_register,
                                                 .engine_busy = engine_busy,
                                                 .engine_step = engine_step,
                                                 .outside = outside};

static const struct ft_op happenings[] = {
    {.kind = FT_OP_BUS_RESET, .arg = {1}},  {.kind = FT_OP_TARGET, .arg = {5, 0}},
    {.kind = FT_OP_TARGET, .arg = {12, 3}}, {.kind = FT_OP_TARGET, .arg = {0, 0}},
    {.kind = FT_OP_TARGET, .arg = {13, 0}},
};

static void the_model_is_told(void **state)
{
    struct bench_driver how = {.model = &with_bus};

    (void)state;
    bench_driver_run(&how, happenings, COUNT(happenings));
    assert_non_null(strstr(wb_notes(), "create 1:1 5:0 12:3 "));
    assert_int_equal(wb_result()->ops_fired, 2);
    assert_int_equal(wb_result()->ops_skipped, 3); /* no such unit, nothing, no such happening */
    assert_int_equal(wb_event(FT_EV_LINE_SET, 1)->layer, FT_LAYER_DEVICE);
}

static void a_device_without_such_a_bus_skips_it(void **state)
{
    struct bench_driver how = {0};

    (void)state;
    bench_driver_run(&how, happenings, COUNT(happenings));
    assert_int_equal(wb_result()->ops_skipped, COUNT(happenings));
}

/* Without power the bus is dead. */
static void a_device_that_is_gone_skips_it(void **state)
{
    static const struct ft_op op[] = {
        {.kind = FT_OP_YANK},
        {.kind = FT_OP_BUS_RESET},
    };
    struct bench_driver how = {.model = &with_bus};

    (void)state;
    bench_driver_run(&how, op, COUNT(op));
    assert_null(strstr(wb_notes(), "1:"));
    assert_int_equal(wb_result()->ops_skipped, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_hold_blocks),
        cmocka_unit_test(all_media_can_be_written),
        cmocka_unit_test(the_model_is_told),
        cmocka_unit_test(a_device_without_such_a_bus_skips_it),
        cmocka_unit_test(a_device_that_is_gone_skips_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
