/* Every routine of the framework, one level above its highest (levels.def): wdf:irql says so, and
 * names that level. What the call does besides is not looked at; it may stop the machine. And every
 * routine that takes a handle first, with a wrong one and with none: the machine stops.
 *
 * A whole driver makes the call, in a run of its own: for a device that is yet to be made in
 * EvtDriverDeviceAdd, for what a device asks for in EvtDeviceFilterAddResourceRequirements, else in
 * the handler of a read request.
 */
#include "proof_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { PASSIVE, APC, DISPATCH, ANY, ARGUMENTS_MOST = 10 };

typedef uintptr_t routine_call(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
                               uintptr_t f, uintptr_t g, uintptr_t h, uintptr_t i, uintptr_t j);

#define LEVEL(name, highest, ...) {#name, (void (*)(void))(name), highest, {__VA_ARGS__}},
static const struct row {
    const char *name;
    void (*routine)(void);
    uint8_t highest;
    uint8_t argument[ARGUMENTS_MOST];
} rows[] = {
#include "levels.def"
};

static const struct row *present;

/* ---- the call ---- */

static void call(uintptr_t *a)
{
    const uint8_t *kind = present->argument;

    for (unsigned i = 1; i < ARGUMENTS_MOST; i++) {
        a[i] = ready[kind[i]];
        CHECK(kind[i] == A_ZERO || a[i] != 0);
    }
    ((routine_call *)present->routine)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
}

static void call_too_high(void)
{
    uintptr_t a[ARGUMENTS_MOST] = {ready[present->argument[0]]};
    KIRQL level = present->highest == ANY        ? WB_IRQ_LEVEL
                  : present->highest == DISPATCH ? DISPATCH_LEVEL + 1
                  : present->highest == APC      ? DISPATCH_LEVEL
                                                 : APC_LEVEL;

    CHECK(present->argument[0] == A_ZERO || a[0] != 0);
    ft_irql_set(level);
    call(a);
    ft_irql_set(PASSIVE_LEVEL);
}

static void call_with_wrong_handle(void)
{
    uintptr_t a[ARGUMENTS_MOST] = {ready[A_BUFFER]};

    call(a);
}

static void call_with_no_handle(void)
{
    uintptr_t a[ARGUMENTS_MOST] = {0};

    call(a);
}

static enum proof_place place(void)
{
    switch (present->argument[0]) {
    case A_INIT:
    case A_INIT_PLACE:
        return P_INIT;
    case A_REQUIREMENTS:
    case A_LIST:
        return P_REQUIREMENTS;
    default:
        return P_READ;
    }
}

static void run_row(const struct row *row, void (*call)(void))
{
    present = row;
    proof_run(&(struct proof_run){.place = place(), .call = call, .leave_request = true});
}

/* ---- the tests ---- */

static const uint8_t levels[] = {
    [PASSIVE] = PASSIVE_LEVEL, [APC] = APC_LEVEL, [DISPATCH] = DISPATCH_LEVEL};

static bool is_judged(void)
{
    const struct ft_event *first = wb_event(FT_EV_WDF_IRQL, 1);

    if (present->highest == ANY)
        return wb_count(FT_EV_WDF_IRQL) == 0;
    return wb_count(FT_EV_WDF_IRQL) > 0 && first->arg[0] == levels[present->highest];
}

static void one_level_too_high_is_an_event(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        run_row(&rows[i], call_too_high);
        if (is_judged())
            continue;
        wrong++;
        print_error("%s: highest %u, %u wdf:irql, the first says %u\n", present->name,
                    present->highest, wb_count(FT_EV_WDF_IRQL),
                    (unsigned)wb_event(FT_EV_WDF_IRQL, 1)->arg[0]);
    }
    assert_int_equal(wrong, 0);
}

static bool takes_handle(const struct row *row)
{
    static const uint8_t others[] = {A_ZERO,          A_ONE,           A_ROUTINE,
                                     A_BUFFER,        A_INIT,          A_INIT_PLACE,
                                     A_DRIVER_OBJECT, A_DEVICE_OBJECT, A_IRP};

    return !memchr(others, row->argument[0], sizeof others);
}

/* A key's parent is optional: then the path is a whole one. */
static bool does_without(const struct row *row)
{
    return !strcmp(row->name, "WdfRegistryCreateKey") || !strcmp(row->name, "WdfRegistryOpenKey");
}

static unsigned not_stopped(void (*wrong_call)(void), unsigned number)
{
    const struct ft_event *stop;
    unsigned wrong = 0;

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!takes_handle(&rows[i]) || (number == FT_WDF_NULL_PARAMETER && does_without(&rows[i])))
            continue;
        run_row(&rows[i], wrong_call);
        stop = wb_last(FT_EV_RUN_BUGCHECK);
        if (wb_result()->stop == FT_STOP_BUGCHECK && stop->arg[0] == 0x10D &&
            stop->arg[1] == number)
            continue;
        wrong++;
        print_error("%s: stop %u, 0x%llX, 0x%llX\n", present->name, wb_result()->stop,
                    (unsigned long long)stop->arg[0], (unsigned long long)stop->arg[1]);
    }
    return wrong;
}

static void a_wrong_handle_stops_the_machine(void **state)
{
    (void)state;
    assert_int_equal(not_stopped(call_with_wrong_handle, FT_WDF_INVALID_HANDLE), 0);
}

static void no_handle_stops_the_machine(void **state)
{
    (void)state;
    assert_int_equal(not_stopped(call_with_no_handle, FT_WDF_NULL_PARAMETER), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_level_too_high_is_an_event),
                                       cmocka_unit_test(a_wrong_handle_stops_the_machine),
                                       cmocka_unit_test(no_handle_stops_the_machine)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
