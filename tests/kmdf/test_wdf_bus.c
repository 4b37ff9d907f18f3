/* A bus driver whose children the machine's PnP manager finds, starts and removes: the callbacks of
 * bus and children in their order, line by line. */
#include "bus_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <initguid.h>
#include <wdmguid.h>

/* ---- what a child is ---- */

static const struct bus_row lives[] = {
    {"raw: it lives with its bus", {.kid[1] = RAW()}, .notes = LIVES DIES},
    {"no driver: it is known, and not started",
     {.kid[1] = {.present = true}},
     .notes = BUS_UP MADE("a") FADES},
    {"several come in order",
     {.kid[1] = RAW(), .kid[2] = RAW()},
     .notes = BUS_UP MADE("a") MADE("b") UP("a") UP("b") ASK("a") ASK("b") "query-remove " DOWN("a")
         DOWN("b") BUS_DOWN GONE("a") GONE("b") BUS_END},
};

static void the_manager_starts_and_removes_children(void **state)
{
    (void)state;
    WALK(lives);
}

static void a_child_gets_what_it_needs(void **state)
{
    (void)state;
    bus_expect(&(struct bus_bench){.kid[1] = RAW(.memory = 0x1000)}, NULL, 0, LIVES DIES);
    assert_int_equal(the_bus.memory, 0x70001000);
}

/* ---- children come and go ---- */

static void come_and_go(WDFDEVICE bus)
{
    (void)bus;
    CHECK(bus_add(1) == STATUS_SUCCESS);
    bus_settle();
    wb_note("lose");
    CHECK(bus_lose(1) == STATUS_SUCCESS);
    bus_settle();
    wb_note("add");
    CHECK(bus_add(1) == STATUS_SUCCESS);
    bus_settle();
}

static void eject_by_list(WDFDEVICE bus)
{
    (void)bus;
    CHECK(!bus_request_eject(2) && bus_request_eject(1));
    bus_settle();
}

static void eject_by_device(WDFDEVICE bus)
{
    WdfPdoRequestEject(bus); /* is no child */
    WdfPdoRequestEject(the_bus.device[1]);
    bus_settle();
}

static void eject_both(WDFDEVICE bus)
{
    PDEVICE_OBJECT other = WdfDeviceWdmGetDeviceObject(the_bus.device[2]);

    CHECK(WdfPdoAddEjectionRelationsPhysicalDevice(the_bus.device[1], other) == STATUS_SUCCESS);
    eject_by_device(bus);
}

#define EJECTED LIVES ASK("a") DOWN("a") "a.eject a.missing " GONE("a") ALONE
static const struct bus_row comings[] = {
    {"lost and found",
     {.kid[1] = {.raw = true}, .script = come_and_go},
     .notes = LIVES "lose a.missing a.surprise " DOWN("a") GONE("a") "add " MADE("a") UP("a") DIES},
    {"lost and found, not started",
     {.script = come_and_go},
     .notes = BUS_UP MADE("a") "lose a.missing a.gone add " MADE("a") FADES},
    {"ejected by its list",
     {.kid[1] = RAW(.ejects = true), .script = eject_by_list},
     .notes = EJECTED},
    {"ejected", {.kid[1] = RAW(.ejects = true), .script = eject_by_device}, .notes = EJECTED},
    {"it can be removed only",
     {.kid[1] = RAW(), .script = eject_by_device},
     .notes = LIVES ASK("a") DOWN("a") LEFT},
    {"its driver says no",
     {.kid[1] = RAW(.ejects = true, .query_answer = STATUS_UNSUCCESSFUL),
      .script = eject_by_device},
     .notes = LIVES ASK("a") ASK("a") PULLED},
    {"the bus cannot eject it",
     {.kid[1] = RAW(.ejects = true, .eject_answer = STATUS_UNSUCCESSFUL),
      .script = eject_by_device},
     .notes = LIVES ASK("a") DOWN("a") "a.eject " LEFT},
    {"ejected, not started",
     {.kid[1] = {.present = true, .ejects = true}, .script = eject_by_device},
     .notes = BUS_UP MADE("a") "a.eject a.missing a.gone " ALONE},
    {"another goes with it",
     {.kid[1] = RAW(.ejects = true), .kid[2] = RAW(), .script = eject_both},
     .notes = BUS_UP MADE("a") MADE("b") UP("a") UP("b") ASK("a") ASK("b") DOWN("a")
         DOWN("b") "a.eject a.missing " GONE("a") "query-remove " BUS_DOWN GONE("b") BUS_END},
};

static void children_come_and_go(void **state)
{
    (void)state;
    WALK(comings);
}

/* ---- children that fail ---- */

static NTSTATUS query_interface(PINTERFACE interface, USHORT size, USHORT version)
{
    PDEVICE_OBJECT pdo = WdfDeviceWdmGetDeviceObject(the_bus.device[1]);
    IO_STATUS_BLOCK result;
    PIO_STACK_LOCATION next;
    KEVENT done;
    PIRP irp;

    KeInitializeEvent(&done, NotificationEvent, FALSE);
    irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, pdo, NULL, 0, NULL, &done, &result);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    next = IoGetNextIrpStackLocation(irp);
    next->MinorFunction = IRP_MN_QUERY_INTERFACE;
    next->Parameters.QueryInterface.InterfaceType = &GUID_REENUMERATE_SELF_INTERFACE_STANDARD;
    next->Parameters.QueryInterface.Size = size;
    next->Parameters.QueryInterface.Version = version;
    next->Parameters.QueryInterface.Interface = interface;
    return IoCallDriver(pdo, irp);
}

static void ask_again(WDFDEVICE bus)
{
    REENUMERATE_SELF_INTERFACE_STANDARD interface;
    PINTERFACE to = (PINTERFACE)(void *)&interface;

    (void)bus;
    CHECK(query_interface(to, sizeof interface - 1, 1) == STATUS_INVALID_BUFFER_SIZE);
    CHECK(query_interface(to, sizeof interface, 2) == STATUS_INVALID_BUFFER_SIZE);
    CHECK(query_interface(to, sizeof interface, 1) == STATUS_SUCCESS);
    CHECK(interface.Version == 1 && interface.Size == sizeof interface);
    interface.SurpriseRemoveAndReenumerateSelf(interface.Context);
    interface.InterfaceDereference(interface.Context);
    bus_settle();
}

static void break_it(WDFDEVICE bus)
{
    (void)bus;
    WdfDeviceSetFailed(the_bus.device[1], WdfDeviceFailedAttemptRestart);
    bus_settle();
}

static void break_for_good(WDFDEVICE bus)
{
    (void)bus;
    WdfDeviceSetFailed(the_bus.device[1], WdfDeviceFailedNoRestart);
    bus_settle();
}

static void lose_and_ask(WDFDEVICE bus)
{
    REENUMERATE_SELF_INTERFACE_STANDARD interface;

    (void)bus;
    CHECK(query_interface((PINTERFACE)(void *)&interface, sizeof interface, 1) == STATUS_SUCCESS);
    WdfChildListBeginScan(the_bus.list);
    interface.SurpriseRemoveAndReenumerateSelf(interface.Context);
    CHECK(bus_lose(1) == STATUS_SUCCESS); /* the bus driver knows better */
    WdfChildListEndScan(the_bus.list);
    bus_settle();
}

#define FAILS       "a.prepare a.release "
#define ANEW        "a.again " MADE("a") "a.missing a.gone "
#define FAILS_AGAIN ANEW FAILS
static const struct bus_row failures[] = {
    {"it does not start, and is not reported anew",
     {.kid[1] = RAW(.prepare_answer = STATUS_UNSUCCESSFUL), .refuses_again = true},
     .notes = BUS_UP MADE("a") FAILS "a.again " FADES},
    {"it does not start: five times anew",
     {.kid[1] = RAW(.prepare_answer = STATUS_UNSUCCESSFUL)},
     .notes =
         BUS_UP MADE("a") FAILS FAILS_AGAIN FAILS_AGAIN FAILS_AGAIN FAILS_AGAIN FAILS_AGAIN FADES},
    {"a driver asks for it anew",
     {.kid[1] = RAW(), .script = ask_again},
     .notes = LIVES "a.again " MADE("a") "a.missing a.surprise " DOWN("a") GONE("a") UP("a") DIES},
    {"the bus refuses",
     {.kid[1] = RAW(), .script = ask_again, .refuses_again = true},
     .notes = LIVES "a.again " DIES},
    {"the bus has lost it",
     {.kid[1] = RAW(), .script = lose_and_ask},
     .notes = LIVES "a.missing a.surprise " DOWN("a") GONE("a") ALONE},
    {"it says that it has failed",
     {.kid[1] = RAW(), .script = break_it},
     .notes =
         LIVES "a.surprise " DOWN("a") "a.again " MADE("a") "a.missing " GONE("a") UP("a") DIES},
    {"and that nothing helps",
     {.kid[1] = RAW(), .script = break_for_good},
     .notes = LIVES "a.surprise " DOWN("a") LEFT},
};

static void children_that_fail_are_reported_anew(void **state)
{
    (void)state;
    WALK(failures);
}

/* ---- what becomes of the bus becomes of its children ---- */

static const struct bus_row together[] = {
    {"surprise removal", {.kid[1] = RAW()}, {FT_OP_SURPRISE_REMOVE}, LIVES PULLED},
    {"stop and restart",
     {.kid[1] = RAW()},
     {FT_OP_STOP, FT_OP_RESTART},
     LIVES "a.query-stop query-stop " STOP(
         "a") "suspend d0-pre:d3f d0-exit:d3f release hw-off "
              "prepare d0-entry:d3f d0-post:d3f restart a.prepare a.d0-entry:d3f a.restart " DIES},
    {"a child does not stop: the bus is not asked",
     {.kid[1] = RAW(.query_answer = STATUS_UNSUCCESSFUL)},
     {FT_OP_STOP},
     LIVES "a.query-stop " ASK("a") PULLED},
    {"query-remove", {.kid[1] = RAW()}, {FT_OP_QUERY_REMOVE}, LIVES ASK("a") "query-remove " DIES},
    {"removal", {.kid[1] = RAW()}, {FT_OP_REMOVE}, LIVES DIES},
};

static void children_go_with_their_bus(void **state)
{
    (void)state;
    WALK(together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_starts_and_removes_children),
        cmocka_unit_test(a_child_gets_what_it_needs),
        cmocka_unit_test(children_come_and_go),
        cmocka_unit_test(children_that_fail_are_reported_anew),
        cmocka_unit_test(children_go_with_their_bus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
