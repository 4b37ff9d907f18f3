/* Ports of the device: who answers, what the events say, and that time and hostility are those of
 * registers. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BASE = 0x3F0, BYTES = 8, SCRATCH = BASE + WB_REG_SCRATCH, LINE = BASE + WB_REG_LINE };

#define PORT(type, number) ((type *)(ULONG_PTR)(number))

static void with_ports(struct ft_description *description)
{
    description->port_base = BASE;
    description->port_bytes = BYTES;
}

static void run(void (*body)(void), const struct ft_op *op, unsigned ops)
{
    the_driver = (struct bench_driver){.started = body};
    wb_run(&(struct wb_case){
        .entry = bench_driver_entry, .describe = with_ports, .op = op, .op_count = ops});
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
}

static void body_accesses(void)
{
    WRITE_PORT_ULONG(PORT(ULONG, SCRATCH), 0x12345678);
    CHECK(READ_PORT_ULONG(PORT(ULONG, SCRATCH)) == 0x12345678);
    CHECK(READ_PORT_USHORT(PORT(USHORT, SCRATCH)) == 0x5678);
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, SCRATCH)) == 0x78);
    WRITE_PORT_USHORT(PORT(USHORT, SCRATCH), 0x9ABC);
    CHECK(READ_PORT_ULONG(PORT(ULONG, SCRATCH)) == 0x9ABC);
    WRITE_PORT_UCHAR(PORT(UCHAR, SCRATCH), 0x21);
    CHECK(bench_register(WB_REG_SCRATCH) == 0x21); /* the bench shows one register in both places */
}

static void the_device_answers_at_its_ports(void **state)
{
    const struct ft_event *write, *read;

    (void)state;
    run(body_accesses, NULL, 0);
    write = wb_event(FT_EV_PORT_WRITE, 1);
    read = wb_event(FT_EV_PORT_READ, 2);
    assert_int_equal(write->arg[0], SCRATCH);
    assert_int_equal(write->arg[1], 4);
    assert_int_equal(write->arg[2], 0x12345678);
    assert_int_equal(write->arg[3], 1);
    assert_int_equal(read->arg[1], 2);
    assert_int_equal(read->arg[2], 0x5678);
    assert_int_equal(wb_count(FT_EV_PORT_WRITE), 3);
}

static void body_strings(void)
{
    UCHAR out[] = {1, 2, 3}, in[2] = {0};
    ULONG words[2] = {7, 8};
    USHORT halves[2] = {5, 6};

    WRITE_PORT_BUFFER_UCHAR(PORT(UCHAR, SCRATCH), out, 3);
    READ_PORT_BUFFER_UCHAR(PORT(UCHAR, SCRATCH), in, 2);
    CHECK(in[0] == 3 && in[1] == 3); /* always the same port */
    WRITE_PORT_BUFFER_ULONG(PORT(ULONG, SCRATCH), words, 2);
    READ_PORT_BUFFER_ULONG(PORT(ULONG, SCRATCH), words, 1);
    CHECK(words[0] == 8);
    WRITE_PORT_BUFFER_USHORT(PORT(USHORT, SCRATCH), halves, 2);
    READ_PORT_BUFFER_USHORT(PORT(USHORT, SCRATCH), halves, 1);
    CHECK(halves[0] == 6);
}

static void string_forms_stay_at_one_port(void **state)
{
    (void)state;
    run(body_strings, NULL, 0);
    assert_int_equal(wb_count(FT_EV_PORT_WRITE), 7);
    assert_int_equal(wb_count(FT_EV_PORT_READ), 4);
    assert_int_equal(wb_event(FT_EV_PORT_WRITE, 3)->arg[0], SCRATCH);
}

static void body_nobody(void)
{
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, BASE - 1)) == 0xFF);
    CHECK(READ_PORT_USHORT(PORT(USHORT, BASE + BYTES)) == 0xFFFF);
    CHECK(READ_PORT_ULONG(PORT(ULONG, BASE + BYTES - 2)) == 0xFFFFFFFF); /* half of it is ours */
    WRITE_PORT_UCHAR(PORT(UCHAR, 0x80), 1);
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, 0x10000 + LINE)) == 0); /* 16 bits of the number count */
}

static void ports_of_nobody_read_as_ones(void **state)
{
    (void)state;
    run(body_nobody, NULL, 0);
    assert_int_equal(wb_event(FT_EV_PORT_READ, 1)->arg[3], 0);
    assert_int_equal(wb_event(FT_EV_PORT_WRITE, 1)->arg[3], 0);
    assert_int_equal(wb_last(FT_EV_PORT_READ)->arg[0], LINE);
    assert_int_equal(wb_last(FT_EV_PORT_READ)->arg[3], 1);
}

static void body_yanked(void)
{
    READ_PORT_UCHAR(PORT(UCHAR, LINE));
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, LINE)) == 0xFF);
}

static void a_device_that_is_gone_reads_as_ones(void **state)
{
    static const struct ft_op yank = {.kind = FT_OP_YANK,
                                      .moment = {.point = FT_PT_PORT_OUT, .count = 1}};

    (void)state;
    run(body_yanked, &yank, 1);
    assert_int_equal(wb_event(FT_EV_PORT_READ, 2)->arg[3], 0);
}

static void body_poll(void)
{
    uint64_t before;

    READ_PORT_UCHAR(PORT(UCHAR, LINE));
    before = FT_M->now;
    READ_PORT_UCHAR(PORT(UCHAR, LINE));
    CHECK(FT_M->now > before);
    before = FT_M->now;
    READ_PORT_UCHAR(PORT(UCHAR, LINE + 1)); /* another port is no polling */
    CHECK(FT_M->now == before);
    bench_register(WB_REG_LINE); /* and a register is no port */
    READ_PORT_UCHAR(PORT(UCHAR, LINE));
    CHECK(FT_M->now == before);
}

static void polling_a_port_lets_time_pass(void **state)
{
    (void)state;
    run(body_poll, NULL, 0);
}

static void body_hostile(void)
{
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, LINE)) == 0);
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, LINE)) == 0x5A);
    CHECK(READ_PORT_UCHAR(PORT(UCHAR, LINE)) == 0);
}

static void hostile_data_comes_from_ports_too(void **state)
{
    static const struct ft_op data = {
        .kind = FT_OP_DEVICE_DATA, .moment = {.point = FT_PT_PORT, .count = 1}, .arg = {0x5A, 1}};

    (void)state;
    run(body_hostile, &data, 1);
    assert_int_equal(wb_count(FT_EV_DEV_HOSTILE), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_answers_at_its_ports),
        cmocka_unit_test(string_forms_stay_at_one_port),
        cmocka_unit_test(ports_of_nobody_read_as_ones),
        cmocka_unit_test(a_device_that_is_gone_reads_as_ones),
        cmocka_unit_test(polling_a_port_lets_time_pass),
        cmocka_unit_test(hostile_data_comes_from_ports_too),
    };

    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
