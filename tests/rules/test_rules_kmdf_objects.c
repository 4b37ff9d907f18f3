/* Branches of the monitors of framework objects that no witness reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include <stdio.h>
#include <string.h>

#define AT(level)  " ; irql=" level " task=3 device=1\n"
#define IN(nest)   " ; nest=" nest " task=3 device=1\n"
#define OTHER      " ; task=4 device=1\n"
#define CALL(what) "call:" what " routine=EvtWorkItem object=wdf-work#1" IN("0")
#define SPIN(id)   "lock=wdf-spin-lock#" id " kind=1"
#define WAIT       "lock=wdf-wait-lock#1 kind=2"

static const struct branch {
    const char *what;
    const char *rule; /* NULL: nothing is found */
    const char *lines;
} branches[] = {
    {"the framework's callback lock is older than the callback", NULL,
     "wdf:lock-acquire lock=wdf-device#1 kind=3" IN("0") CALL("enter")
         CALL("leave") "wdf:lock-release lock=wdf-device#1 kind=3 owner=task#3" IN("0")},
    {"a callback lock that the driver acquired", "kmdf.lock-held-at-callback-end",
     CALL("enter") "wdf:lock-acquire lock=wdf-device#1 kind=3" IN("2") CALL("leave")},
    {"a wait lock that could not be acquired", NULL,
     CALL("enter") "wdf:lock-acquire " WAIT " status=STATUS_INVALID_DEVICE_REQUEST" IN("2")
         CALL("leave")},
    {"a wait lock that timed out is not held", NULL,
     CALL("enter") "wdf:lock-acquire " WAIT " status=STATUS_TIMEOUT timeout=1" IN("2")
         CALL("leave")},
    {"a wait lock that was acquired after a time-out", NULL,
     "wdf:lock-acquire " WAIT " status=STATUS_TIMEOUT timeout=2" IN(
         "1") "wdf:lock-acquire " WAIT IN("1") "wdf:lock-release " WAIT " owner=task#3" IN("1")},
    {"a wait lock that another task releases", NULL,
     "wdf:lock-acquire " WAIT IN("1") "wdf:lock-release " WAIT " owner=task#3" OTHER},
    {"a free spin lock is released", "kmdf.spinlock-unlock-not-owner",
     "wdf:lock-release " SPIN("1") " owner=-" AT("DISPATCH")},
    {"a wait lock above DISPATCH_LEVEL, without a wait", "kmdf.waitlock-irql",
     "wdf:lock-ask " WAIT " timeout=1" AT("5")},
    {"work flushed under its lock", "kmdf.workitem-flush-self",
     "wdf:work-flush work=wdf-work#1 locked=yes" IN("1")},
    {"a timer stopped in the callback of another one", NULL,
     "wdf:timer-stop timer=wdf-timer#1 wait=yes own=no" IN("1")},
    {"a timer is deleted and started", NULL, "wdf:timer-start timer=wdf-timer#1 state=2" IN("1")},
    {"a framework call in synchronized code", "kmdf.isr-forbidden-calls",
     "call:enter routine=EvtInterruptSynchronize object=wdf-interrupt#1" AT(
         "5") "wdf:irql highest=DISPATCH" AT("5")},
    {"a WDM routine of the driver keeps to its own rules", "io.irql-routine-preserve",
     "call:enter routine=DPC object=dpc#1" AT(
         "DISPATCH") "call:leave routine=DPC object=dpc#1 irql_before=DISPATCH" AT("5")},
    {"the lock of an interrupt that the task has", "kmdf.interrupt-lock-recursion",
     "wdf:interrupt-lock interrupt=wdf-interrupt#1 acquire=yes connected=yes" AT(
         "DISPATCH") "wdf:interrupt-sync interrupt=wdf-interrupt#1 connected=yes" AT("5")},
    {"the lock of an interrupt is still held", "kmdf.lock-held-at-callback-end",
     CALL("enter") "wdf:interrupt-lock interrupt=wdf-interrupt#1 acquire=yes connected=yes" IN("2")
         CALL("leave")},
    {"an interrupt service routine is synchronized with itself", "kmdf.interrupt-lock-recursion",
     "call:enter routine=EvtInterruptIsr object=wdf-interrupt#1" AT(
         "5") "wdf:interrupt-sync interrupt=wdf-interrupt#1 connected=yes" AT("5")},
    {"a message after EvtInterruptDisable", "kmdf.interrupt-disable-asserts-line",
     "call:enter routine=EvtInterruptDisable object=wdf-interrupt#1" AT(
         "5") "call:leave routine=EvtInterruptDisable object=wdf-interrupt#1 "
              "irql_before=5" AT("5") "irq:message message=0 ; layer=device device=1 "
                                      "cpu=-\n"},
    {"the line drops after EvtInterruptDisable", NULL,
     "call:enter routine=EvtInterruptDisable object=wdf-interrupt#1" AT(
         "5") "call:leave routine=EvtInterruptDisable object=wdf-interrupt#1 "
              "irql_before=5" AT("5") "irq:line level=no ; layer=device device=1 cpu=-\n"},
    {"a reference is left when the driver goes", "kmdf.object-dereference",
     "wdf:reference object=wdf-object#1 count=2" IN(
         "1") "wdf:reference object=wdf-object#2 "
              "count=2" IN("1") "wdf:reference object=wdf-object#2 count=1 released=yes" IN(
                  "1") "driver:unloaded ; layer=system task=1\n"},
};

static struct ft_file_events events;

static bool is_found(const struct branch *branch)
{
    struct ft_verdict verdict;
    char text[2048];
    bool ok;

    (void)snprintf(text, sizeof(text), "run:begin processors=2 ; layer=harness\n%s", branch->lines);
    assert_true(ft_text_events_read(text, &events));
    ft_judge(&events, false, 0, &verdict);
    ok = branch->rule == NULL
             ? verdict.finding_count == 0 && verdict.warning_count == 0
             : verdict.finding_count > 0 &&
                   strcmp(ft_rule_by_number(verdict.finding[0].rule)->id, branch->rule) == 0;
    if (!ok) {
        ft_verdict_show(branch->what, &verdict);
    }
    return ok;
}

static void branches_about_framework_objects(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
        failed += is_found(&branches[i]) ? 0 : 1;
    }
    assert_int_equal(failed, 0);
}

#define OF_3 " ; task=3 device=1\n"
#define OF_4 " ; task=4 device=1\n"

/* The last two lines have the locks of the first two in the opposite order. */
static const char opposite_order[] =
    "run:begin processors=2 ; layer=harness\n"
    "wdf:lock-acquire lock=wdf-wait-lock#1 kind=2" OF_3
    "wdf:lock-acquire lock=wdf-wait-lock#2 kind=2" OF_3
    "wdf:lock-release lock=wdf-wait-lock#2 kind=2 owner=task#3" OF_3
    "wdf:lock-release lock=wdf-wait-lock#1 kind=2 owner=task#3" OF_3
    "wdf:lock-acquire lock=wdf-wait-lock#2 kind=2" OF_4
    "wdf:lock-acquire lock=wdf-wait-lock#1 kind=2 timeout=%u" OF_4;

/* Who does not wait for ever cannot be part of a deadlock. */
static void only_a_wait_has_an_order(void **state)
{
    struct ft_verdict verdict;
    char text[1024];

    (void)state;
    for (unsigned timeout = 0; timeout < 3; timeout++) {
        (void)snprintf(text, sizeof(text), opposite_order, timeout);
        assert_true(ft_text_events_read(text, &events));
        ft_judge(&events, false, 0, &verdict);
        assert_int_equal(verdict.finding_count, 0);
        assert_int_equal(verdict.warning_count, timeout == 0);
    }
}

static void too_many_framework_locks_leave_the_run_unjudged(void **state)
{
    struct ft_verdict verdict;
    char text[4096] = "run:begin processors=2 ; layer=harness\n";
    size_t length = strlen(text);

    (void)state;
    for (unsigned id = 1; id <= 20; id++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "wdf:lock-acquire lock=wdf-spin-lock#%u kind=1" IN("1"), id);
    }
    assert_true(ft_text_events_read(text, &events));
    ft_judge(&events, true, 0, &verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_UNJUDGED);
    assert_string_equal(verdict.detail, "the rules lost count: too many framework locks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(branches_about_framework_objects),
        cmocka_unit_test(only_a_wait_has_an_order),
        cmocka_unit_test(too_many_framework_locks_leave_the_run_unjudged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
