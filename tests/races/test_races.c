/* What orders two activations (every row of happens.def), and which accesses are told as a race. */
#include "world/races.h"
#include "world_bench.h"

#include <wdm.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- two activations after each other ---- */

typedef void act_fn(void *argument);

static unsigned races;     /* told so far */
static uint64_t next_site; /* another for each access: a pair is told once */
static uint64_t memory[4] __attribute__((aligned(64)));

static bool count_races(void *state, const struct ft_event *event)
{
    (void)state;
    races += event->kind == FT_EV_RACE_FOUND;
    return false;
}

static void touch(const void *address, size_t bytes, unsigned how)
{
    ft_current()->site = ++next_site;
    ft_access(address, bytes, how);
}

struct act {
    act_fn *fn;
    void *argument;
    bool done;
};

static void run_act(void *argument)
{
    struct act *act = argument;

    ft_layer_set(FT_LAYER_DRIVER);
    act->fn(act->argument);
    act->done = true;
}

/* A task that lives as long as the function runs. */
static void in_task(act_fn *fn, void *argument)
{
    struct act act = {fn, argument, false};
    LARGE_INTEGER tick = {.QuadPart = -10};

    CHECK(ft_task_spawn(FT_TASK_THREAD, run_act, &act, 0) != NULL);
    while (!act.done)
        KeDelayExecutionThread(KernelMode, FALSE, &tick);
}

/* Races between what two tasks do, one after the other. */
static unsigned races_of(act_fn *first, void *a, act_fn *second, void *b)
{
    unsigned before = races;

    if (ft_races_on())
        FT_RACES->pairs = 0;
    ft_access_fresh(memory, sizeof memory);
    in_task(first, a);
    in_task(second, b);
    return races - before;
}

/* ---- every row of happens.def ---- */

struct row {
    const char *name;
    uint16_t kind;
    uint8_t from, to; /* routines of a CALL row, else 0 */
    uint8_t step;
    bool own; /* key: a key of its own, else an argument */
    uint8_t key, when, arg, value;
};
enum { TAKES = 1, GIVES = 2, BOTH = 3 };
enum { W_ALWAYS, W_IF, W_UNLESS, W_DONE, W_IS };

#define ALWAYS                  W_ALWAYS, 0, 0
#define IF(n)                   W_IF, n, 0
#define UNLESS(n)               W_UNLESS, n, 0
#define DONE(n)                 W_DONE, n, 0
#define IS(n, v)                W_IS, n, v
#define EDGE(event, s, k, when) {#event " " #s, FT_EV_##event, 0, 0, s, sizeof(#k) > 4, k, when},
#define CALL(a, b, s, k)        {#a " " #s, 0, FT_ROUTINE_##a, FT_ROUTINE_##b, s, true, k, ALWAYS},
static const struct row rows[] = {
#include "world/happens.def"
};

static uint64_t object_of(const struct row *row)
{
    return ft_handle(FT_HC_OTHER, 1000 + (uint32_t)(row - rows), 0);
}

static uint64_t key_of(const struct row *row)
{
    return row->own && row->key != OBJECT ? row->key : object_of(row);
}

static void emit_row(const struct row *row, bool fitting)
{
    uint64_t arg[FT_EVENT_ARGS_MAX] = {0};
    enum { ROUTINE_ARGS = 8 };

    if (row->kind == 0) {
        arg[0] = fitting ? row->to : FT_ROUTINE_DRIVER_ENTRY;
        arg[1] = object_of(row);
        ft_emit_args(row->step == TAKES ? FT_EV_CALL_ENTER : FT_EV_CALL_LEAVE, ROUTINE_ARGS, arg);
        return;
    }
    if (!row->own)
        arg[row->key] = object_of(row);
    if (row->when == W_IF && row->arg != row->key)
        arg[row->arg] = fitting;
    else if (row->when == W_UNLESS)
        arg[row->arg] = !fitting;
    else if (row->when == W_DONE)
        arg[row->arg] = fitting ? 0 : (uint32_t)STATUS_TIMEOUT;
    else if (row->when == W_IS)
        arg[row->arg] = fitting ? row->value : row->value + 1u;
    ft_emit_args(row->kind, FT_EVENT_ARGS_MAX, arg);
}

static void write_and_give(void *row)
{
    touch(memory, 8, FT_ACCESS_WRITE);
    ft_order_give(key_of(row));
}

static void take_and_write(void *row)
{
    ft_order_take(key_of(row));
    touch(memory, 8, FT_ACCESS_WRITE);
}

static void write_and_row(void *row)
{
    touch(memory, 8, FT_ACCESS_WRITE);
    emit_row(row, true);
}

static void write_and_no_row(void *row)
{
    touch(memory, 8, FT_ACCESS_WRITE);
    emit_row(row, false);
}

static void row_and_write(void *row)
{
    emit_row(row, true);
    touch(memory, 8, FT_ACCESS_WRITE);
}

static void no_row_and_write(void *row)
{
    emit_row(row, false);
    touch(memory, 8, FT_ACCESS_WRITE);
}

static void write_only(void *row)
{
    (void)row;
    touch(memory, 8, FT_ACCESS_WRITE);
}

static void check_row(const struct row *row)
{
    bool guarded = row->kind == 0 || (row->when != W_ALWAYS && row->arg != row->key);
    void *r = (void *)row;
    bool ok = true;

    if (row->step & GIVES) {
        ok = ok && races_of(write_and_row, r, take_and_write, r) == 0;
        /* Every thread is born behind START_DEVICE. */
        ok = ok && races_of(write_and_row, r, write_only, r) == (key_of(row) != KEY_START);
        ok = ok && (!guarded || races_of(write_and_no_row, r, take_and_write, r) == 1);
    }
    if (row->step & TAKES) {
        ok = ok && races_of(write_and_give, r, row_and_write, r) == 0;
        ok = ok && races_of(write_only, r, write_only, r) == 1;
        ok = ok && (!guarded || races_of(write_and_give, r, no_row_and_write, r) == 1);
    }
    wb_check(ok, row->name, __FILE__, __LINE__);
}

static void walk_rows(void)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(&rows[i]);
}

/* ---- accesses ---- */

struct how {
    unsigned from, bytes, how;
};

static void access_act(void *argument)
{
    const struct how *how = argument;

    touch((const char *)memory + how->from, how->bytes, how->how);
}

static void which_pairs_race(void)
{
    enum { R = 0, W = FT_ACCESS_WRITE, VR = FT_ACCESS_MARKED, VW = VR | W };
    static const struct {
        struct how a, b;
        unsigned races;
    } pair[] = {
        {{0, 8, R}, {0, 8, R}, 0},    {{0, 8, W}, {0, 8, R}, 1},   {{0, 8, R}, {0, 8, W}, 1},
        {{0, 8, W}, {0, 8, W}, 1},    {{0, 4, W}, {4, 4, W}, 0},   {{0, 4, W}, {3, 1, R}, 1},
        {{6, 4, W}, {8, 8, R}, 1},    {{0, 32, W}, {31, 1, R}, 1}, {{0, 8, VW}, {0, 8, VW}, 0},
        {{0, 8, VW}, {0, 8, VR}, 0},  {{0, 8, VW}, {0, 8, R}, 1},  {{0, 8, W}, {0, 8, VR}, 1},
        {{16, 1, VW}, {17, 1, W}, 0}, {{0, 0, W}, {0, 8, W}, 0},
    };

    for (unsigned i = 0; i < sizeof pair / sizeof *pair; i++)
        CHECK(races_of(access_act, (void *)&pair[i].a, access_act, (void *)&pair[i].b) ==
              pair[i].races);
}

static KSPIN_LOCK lock, other_lock;

static void under(void *argument)
{
    KIRQL irql;

    KeAcquireSpinLock((PKSPIN_LOCK)argument, &irql);
    touch(memory, 8, FT_ACCESS_WRITE);
    KeReleaseSpinLock((PKSPIN_LOCK)argument, irql);
}

static void raised(void *unused)
{
    KIRQL irql;

    (void)unused;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    touch(memory, 8, FT_ACCESS_WRITE);
    KeLowerIrql(irql);
}

static LONG volatile flag;

static void publish(void *unused)
{
    (void)unused;
    touch(memory, 8, FT_ACCESS_WRITE);
    InterlockedExchange(&flag, 1);
}

static void consume(void *unused)
{
    (void)unused;
    touch((const void *)&flag, sizeof flag, FT_ACCESS_MARKED);
    touch(memory, 8, 0);
}

/* `seen`: 1 in the access flavour, 0 where nothing looks at accesses. */
static void keep_apart(unsigned seen)
{
    KeInitializeSpinLock(&lock);
    KeInitializeSpinLock(&other_lock);
    CHECK(races_of(under, &lock, under, &lock) == 0);
    CHECK(races_of(under, &lock, under, &other_lock) == seen);
    CHECK(races_of(under, &lock, write_only, NULL) == seen);
    /* A raised IRQL keeps others away on its own processor only. */
    CHECK(races_of(raised, NULL, raised, NULL) == seen);
    /* An interlocked store releases, a volatile load acquires. */
    CHECK(races_of(publish, NULL, consume, NULL) == 0);
    CHECK(races_of(publish, NULL, write_only, NULL) == seen);
}

static void what_keeps_apart(void)
{
    keep_apart(1);
}

static void what_nobody_looks_at(void)
{
    keep_apart(0);
}

static void copy_in(void *unused)
{
    (void)unused;
    RtlZeroMemory(memory, 16);
}

static void copy_out(void *unused)
{
    char bytes[8];

    (void)unused;
    RtlCopyMemory(bytes, (char *)memory + 8, sizeof bytes);
}

static void fresh(void *unused)
{
    (void)unused;
    ft_access_fresh(memory, sizeof memory);
    touch(memory, 8, FT_ACCESS_WRITE);
}

static void many(void *unused)
{
    (void)unused;
    for (uintptr_t i = 0; i < FT_GRANULES + 8; i++)
        touch((const void *)(0x700000000000 + i * FT_GRANULE_BYTES), 8, FT_ACCESS_WRITE);
}

static void what_the_shim_touches(void)
{
    CHECK(races_of(copy_in, NULL, copy_out, NULL) == 1);
    CHECK(races_of(copy_in, NULL, copy_in, NULL) == 1);
    CHECK(races_of(write_only, NULL, fresh, NULL) == 0);
    /* Beyond its bounds the memory of accesses forgets, and invents nothing. */
    in_task(write_only, NULL);
    CHECK(races_of(many, NULL, write_only, NULL) == 0);
    for (unsigned i = 0; i < FT_ORDER_PLACES + 8; i++)
        ft_order_give(ft_handle(FT_HC_EVENT, i + 1, 0));
    CHECK(races_of(under, &lock, under, &lock) == 0);
    for (unsigned i = 0; i < FT_ACTIVATIONS + 8; i++)
        in_task(under, &lock);
    CHECK(races_of(write_only, NULL, write_only, NULL) == 1);
}

static void nothing_is_told(void)
{
    CHECK(races_of(write_only, NULL, write_only, NULL) == 0);
}

static void one_processor(struct ft_platform *platform)
{
    platform->processors = 0;
}

/* ---- the tests ---- */

static void run_body(void (*body)(void), bool accesses,
                     void (*adjust)(struct ft_platform *platform))
{
    races = 0;
    wb_run(&(struct wb_case){
        .body = body, .accesses = accesses, .adjust = adjust, .tap = count_races, .step_limit = 0});
}

static void every_row_orders(void **state)
{
    (void)state;
    run_body(walk_rows, true, NULL);
}

static void pairs(void **state)
{
    (void)state;
    run_body(which_pairs_race, true, NULL);
}

static void locks_and_interlocked(void **state)
{
    (void)state;
    run_body(what_keeps_apart, true, NULL);
}

static void copies_and_bounds(void **state)
{
    (void)state;
    run_body(what_the_shim_touches, true, NULL);
}

static void not_in_other_flavours_nor_on_one_processor(void **state)
{
    (void)state;
    run_body(nothing_is_told, false, NULL);
    run_body(nothing_is_told, true, one_processor);
}

static void told_outside_the_hash(void **state)
{
    uint64_t hash, events, told;

    (void)state;
    run_body(what_keeps_apart, true, NULL);
    hash = wb_result()->hash;
    events = wb_result()->event_count;
    assert_int_equal(wb_count(FT_EV_RACE_FOUND), races);
    assert_int_equal(wb_count(FT_EV_RACE_EARLIER), races);
    assert_int_equal(wb_event(FT_EV_RACE_EARLIER, 1)->site + 1,
                     wb_event(FT_EV_RACE_FOUND, 1)->site);
    assert_int_not_equal(wb_event(FT_EV_RACE_EARLIER, 1)->task,
                         wb_event(FT_EV_RACE_FOUND, 1)->task);
    told = 2 * races;
    run_body(what_nobody_looks_at, false, NULL);
    assert_int_equal(wb_result()->hash, hash);
    assert_int_equal(wb_result()->event_count + told, events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_orders),
        cmocka_unit_test(pairs),
        cmocka_unit_test(locks_and_interlocked),
        cmocka_unit_test(copies_and_bounds),
        cmocka_unit_test(not_in_other_flavours_nor_on_one_processor),
        cmocka_unit_test(told_outside_the_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
