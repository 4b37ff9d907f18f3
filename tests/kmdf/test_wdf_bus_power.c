/* Power of a bus and its children: who waits for whom when the machine sleeps, what keeps the bus
 * awake, and the wake signal at the bus. */
#include "bus_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void wait_long(WDFDEVICE bus)
{
    LARGE_INTEGER interval = {.QuadPart = -100000};

    (void)bus;
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
    wb_note("waited");
}

static NTSTATUS indicate(NTSTATUS status)
{
    return WdfDeviceIndicateWakeStatus(the_bus.device[1], status);
}

static void signal_wake(WDFDEVICE bus)
{
    wait_long(bus);
    CHECK(indicate(STATUS_PENDING) == STATUS_INVALID_PARAMETER);
    CHECK(indicate(STATUS_CANCELLED) == STATUS_INVALID_PARAMETER);
    CHECK(indicate(STATUS_SUCCESS) == STATUS_SUCCESS);
    CHECK(indicate(STATUS_SUCCESS) == STATUS_INVALID_DEVICE_STATE); /* it has gone */
    bus_settle();
}

static void use_it(WDFDEVICE bus)
{
    wait_long(bus);
    CHECK(WdfDeviceStopIdle(the_bus.device[1], TRUE) == STATUS_SUCCESS);
    wb_note("used");
    WdfDeviceResumeIdle(the_bus.device[1]);
}

static void lose_it(WDFDEVICE bus)
{
    wait_long(bus);
    CHECK(bus_lose(1) == STATUS_SUCCESS);
    bus_settle();
}

/* ---- a wait-wake request of another driver ---- */

static PIRP waiting;
static NTSTATUS wake_status;

static VOID wake_over(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE power, PVOID context,
                      PIO_STATUS_BLOCK status)
{
    (void)device, (void)minor, (void)power, (void)context;
    wake_status = status->Status;
    wb_note(NT_SUCCESS(status->Status) ? "awake" : "no-wake");
}

static void wait_for_wake(void)
{
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(the_bus.device[1]);
    POWER_STATE power = {.SystemState = PowerSystemSleeping3};

    CHECK(PoRequestPowerIrp(pdo, IRP_MN_WAIT_WAKE, power, wake_over, NULL, &waiting) ==
          STATUS_PENDING);
    bus_settle();
}

static void others_wait(WDFDEVICE bus)
{
    (void)bus;
    wait_for_wake();
    CHECK(IoCancelIrp(waiting) && wake_status == STATUS_CANCELLED);
    wait_for_wake();
}

static void two_wait(WDFDEVICE bus)
{
    (void)bus;
    wait_for_wake();
    wait_for_wake();
    CHECK(wake_status == STATUS_DEVICE_BUSY);
}

static void others_wait_for_nothing(WDFDEVICE bus)
{
    (void)bus;
    wait_for_wake();
    CHECK(wake_status == the_bus.kid[1].bus_wake_answer);
}

static void others_wait_for_a_stopped_one(WDFDEVICE bus)
{
    (void)bus;
    wait_for_wake();
    CHECK(wake_status == STATUS_INVALID_DEVICE_STATE);
}

#define HELD                                                                                       \
    ASK("a")                                                                                       \
    "query-remove a.suspend a.bus-off a.d0-exit:d3f a.release a.flush no-wake " BUS_DOWN GONE("a") \
        BUS_END
static const struct bus_row waits[] = {
    {"cancelled, and there to the end",
     {.kid[1] = RAW(), .script = others_wait},
     .notes = LIVES "a.bus-on:s0 a.bus-off no-wake a.bus-on:s0 " HELD},
    {"one at a time",
     {.kid[1] = RAW(), .script = two_wait, .rule = "io.pwr-waitwake-single"},
     .notes = LIVES "a.bus-on:s0 no-wake " HELD},
    {"while the machine sleeps",
     {.kid[1] = RAW(), .script = others_wait},
     {FT_OP_SLEEP, FT_OP_WAKE},
     LIVES "a.bus-on:s0 " DX("a") BUS_DX BUS_D0
     "a.bus-off " D0("a") "a.bus-on:s0 a.bus-off no-wake "
                          "a.bus-on:s0 " HELD},
    {"the bus cannot",
     {.kid[1] = RAW(.bus_wake_answer = STATUS_UNSUCCESSFUL), .script = others_wait_for_nothing},
     .notes = LIVES "a.bus-on:s0 no-wake " DIES},
    {"a child that is not started",
     {.kid[1] = {.present = true}, .script = others_wait_for_a_stopped_one},
     .notes = BUS_UP MADE("a") "no-wake " FADES},
};

static void others_wait_for_a_child_to_wake(void **state)
{
    (void)state;
    WALK(waits);
}

/* ---- the machine sleeps ---- */

#define SLEEPS                                                                                     \
    {                                                                                              \
        FT_OP_SLEEP, FT_OP_WAKE                                                                    \
    }
static const struct bus_row sleeps[] = {
    {"the child first, and last",
     {.kid[1] = RAW()},
     SLEEPS,
     LIVES DX("a") BUS_DX BUS_D0 D0("a") DIES},
    {"a child that is not started takes no part",
     {.kid[1] = {.present = true}},
     SLEEPS,
     BUS_UP MADE("a") BUS_DX BUS_D0 FADES},
    {"armed: the device, then the bus",
     {.kid[1] = RAW(.wakes = true)},
     SLEEPS,
     LIVES "a.suspend a.arm a.bus-on:s3 a.d0-exit:d3 " BUS_DX BUS_D0
           "a.bus-off a.d0-entry:d3 a.disarm a.restart " DIES},
    {"the bus cannot wake it",
     {.kid[1] = RAW(.wakes = true, .bus_wake_answer = STATUS_UNSUCCESSFUL)},
     SLEEPS,
     LIVES "a.suspend a.arm a.bus-on:s3 a.disarm a.d0-exit:d3 " BUS_DX BUS_D0 D0("a") DIES},
    {"the child does not come back, and is reported anew",
     {.kid[1] = RAW(.d0_answer = STATUS_UNSUCCESSFUL, .d0_call = 2)},
     SLEEPS,
     LIVES DX("a") BUS_DX BUS_D0 "a.d0-entry:d3 a.release a.flush a.again a.surprise " MADE(
         "a") "a.missing " GONE("a") UP("a") DIES},
};

static void children_sleep_before_their_bus(void **state)
{
    (void)state;
    WALK(sleeps);
}

/* ---- the machine works ---- */

static const struct bus_row idles[] = {
    {"a child in D0 keeps its bus there",
     {.kid[1] = RAW(), .idle_ms = 1, .script = wait_long},
     .notes = LIVES "waited " DIES},
    {"unless it does not depend on it",
     {.kid[1] = RAW(.independent = true), .idle_ms = 1, .script = wait_long},
     .notes = LIVES BUS_DX "waited " ASK("a") "query-remove " BUS_D0 DOWN("a") BUS_DOWN GONE("a")
         BUS_END},
    {"a child that is not started keeps nobody",
     {.kid[1] = {.present = true}, .idle_ms = 1, .script = wait_long},
     .notes = BUS_UP MADE("a") BUS_DX "waited query-remove " BUS_D0 BUS_DOWN "a.gone " BUS_END},
    {"the bus sleeps after its child, and wakes before it",
     {.kid[1] = RAW(.idles = true), .idle_ms = 1, .script = use_it},
     .notes = LIVES DX("a") BUS_DX "waited " BUS_D0 D0("a") "used " DIES},
    {"alone",
     {.kid[1] = RAW(.idles = true, .independent = true), .idle_ms = 1, .script = use_it},
     .notes = LIVES BUS_DX DX("a") "waited " D0("a") "used " ASK("a") "query-remove " BUS_D0 DOWN(
         "a") BUS_DOWN GONE("a") BUS_END},
    {"the bus signals",
     {.kid[1] = RAW(.idles = true, .wakes = true), .idle_ms = 1, .script = signal_wake},
     .notes = LIVES "a.suspend a.arm a.bus-on:s0 a.d0-exit:d3 " BUS_DX "waited " BUS_D0
                    "a.bus-off a.d0-entry:d3 a.disarm a.woke a.restart " DIES},
    {"armed, and lost",
     {.kid[1] = RAW(.idles = true, .wakes = true), .script = lose_it},
     .notes = LIVES "a.suspend a.arm a.bus-on:s0 a.d0-exit:d3 waited a.missing a.surprise "
                    "a.bus-off a.release a.flush " GONE("a") ALONE},
    {"armed, and removed",
     {.kid[1] = RAW(.idles = true, .wakes = true), .script = wait_long},
     .notes = LIVES "a.suspend a.arm a.bus-on:s0 a.d0-exit:d3 waited " ASK(
         "a") "a.bus-off a.d0-entry:d3 a.disarm a.restart query-remove " DOWN("a")
         BUS_DOWN GONE("a") BUS_END},
};

static void who_keeps_the_bus_awake(void **state)
{
    (void)state;
    WALK(idles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_wait_for_a_child_to_wake),
        cmocka_unit_test(children_sleep_before_their_bus),
        cmocka_unit_test(who_keeps_the_bus_awake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
