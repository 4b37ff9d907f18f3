/* WDFINTERRUPT and resource lists: creation, ISR, DPC, work item, locks, forced changes. */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static BOOLEAN no_isr(WDFINTERRUPT interrupt, ULONG message)
{
    (void)interrupt, (void)message;
    return FALSE;
}

static VOID no_dpc(WDFINTERRUPT interrupt, WDFOBJECT device)
{
    (void)interrupt, (void)device;
}

/* ---- creation ---- */

static NTSTATUS refuse(WDFDEVICE device)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR part = {0};
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_INTERRUPT_CONFIG good, config;
    WDFINTERRUPT interrupt = &good;

    WDF_INTERRUPT_CONFIG_INIT(&good, no_isr, no_dpc);
#define REFUSED(change, expected)                                                                  \
    do {                                                                                           \
        config = good;                                                                             \
        change;                                                                                    \
        CHECK(WdfInterruptCreate(device, &config, NULL, &interrupt) == (expected));                \
        CHECK(interrupt == NULL);                                                                  \
    } while (0)
    REFUSED(config.Size--, STATUS_INFO_LENGTH_MISMATCH);
    REFUSED(config.EvtInterruptIsr = NULL, STATUS_INVALID_PARAMETER);
    REFUSED(config.EvtInterruptWorkItem = no_dpc, STATUS_INVALID_PARAMETER);
    REFUSED(config.WaitLock = &part, STATUS_INVALID_PARAMETER);
    REFUSED(config.PassiveHandling = TRUE; config.SpinLock = &part, STATUS_INVALID_PARAMETER);
    REFUSED(config.InterruptRaw = &part, STATUS_INVALID_PARAMETER);
    REFUSED(config.CanWakeDevice = TRUE, STATUS_INVALID_PARAMETER);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    config = good;
    CHECK(WdfInterruptCreate(device, &config, &attributes, &interrupt) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    config.AutomaticSerialization = TRUE;
    attributes.ParentObject = the_wdf.driver;
    CHECK(WdfInterruptCreate(device, &config, &attributes, &interrupt) == STATUS_INVALID_PARAMETER);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfInterruptCreate(device, &good, NULL, &interrupt) == STATUS_INSUFFICIENT_RESOURCES);
    attributes.ParentObject = device;
    CHECK(WdfInterruptCreate(device, &config, &attributes, &interrupt) == STATUS_SUCCESS);
    return STATUS_SUCCESS;
}

static void too_late(enum ft_routine routine, WDFOBJECT object)
{
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, no_isr, no_dpc);
    if (routine == FT_ROUTINE_WDF_PREPARE) /* without its resources */
        CHECK(WdfInterruptCreate(object, &config, NULL, &interrupt) == STATUS_INVALID_DEVICE_STATE);
    if (routine == FT_ROUTINE_WDF_D0_ENTRY)
        CHECK(WdfInterruptCreate(object, &config, NULL, &interrupt) == STATUS_INVALID_DEVICE_STATE);
}

static void interrupts_are_made_in_time_or_not_at_all(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.add = refuse, .in = too_late}, NULL, 0);
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 1);
}

static void incompatible(PWDFDEVICE_INIT init)
{
    (void)init;
}

static NTSTATUS refuse_serialized(WDFDEVICE device)
{
    WDF_INTERRUPT_CONFIG config;
    WDFINTERRUPT interrupt;

    WDF_INTERRUPT_CONFIG_INIT(&config, no_isr, no_dpc);
    config.AutomaticSerialization = TRUE;
    CHECK(WdfInterruptCreate(device, &config, NULL, &interrupt) ==
          STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
    return STATUS_SUCCESS;
}

static void a_dpc_cannot_be_serialized_with_a_passive_device(void **state)
{
    WDF_OBJECT_ATTRIBUTES attributes;

    (void)state;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    attributes.SynchronizationScope = WdfSynchronizationScopeDevice;
    wdf_bench_run(&(struct wdf_bench){.init = incompatible,
                                      .add = refuse_serialized,
                                      .attributes = &attributes},
                  NULL, 0);
}

/* ---- ISR and what follows ---- */

static void raise_line(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine == FT_ROUTINE_WDF_SMIO_INIT) {
        wdf_bench_register_set(WB_REG_ENABLE, 1);
        wdf_bench_register_set(WB_REG_LINE, 1);
    }
}

static void an_interrupt_runs_its_isr_and_dpc(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.interrupts = 1, .in = raise_line, .flags = WDF_BENCH_QUIET},
                  NULL, 0);
    assert_non_null(strstr(wb_notes(), "init isr dpc"));
    assert_int_equal(wb_event(FT_EV_WDF_INTERRUPT_DEFER, 1)->arg[2], true);
}

static VOID note_work(WDFINTERRUPT interrupt, WDFOBJECT device)
{
    CHECK(interrupt == the_wdf.interrupt[0] && device == the_wdf.device);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note("work");
}

static BOOLEAN isr_with_work(WDFINTERRUPT interrupt, ULONG message)
{
    CHECK(message == 0 && KeGetCurrentIrql() == WB_IRQ_LEVEL);
    wdf_bench_register_set(WB_REG_LINE, 0);
    CHECK(WdfInterruptQueueWorkItemForIsr(interrupt));
    CHECK(!WdfInterruptQueueWorkItemForIsr(interrupt));
    CHECK(!WdfInterruptQueueDpcForIsr(interrupt)); /* it has none */
    return TRUE;
}

static void an_interrupt_may_have_a_work_item_instead(void **state)
{
    WDF_INTERRUPT_CONFIG config;

    (void)state;
    WDF_INTERRUPT_CONFIG_INIT(&config, isr_with_work, NULL);
    config.EvtInterruptWorkItem = note_work;
    wdf_bench_run(
        &(struct wdf_bench){
            .interrupts = 1, .interrupt_how = &config, .in = raise_line, .flags = WDF_BENCH_QUIET},
        NULL, 0);
    assert_non_null(strstr(wb_notes(), "work"));
}

/* ---- locks and knowledge ---- */

static BOOLEAN synchronized(WDFINTERRUPT interrupt, WDFCONTEXT context)
{
    CHECK(interrupt == the_wdf.interrupt[0] && context == &the_wdf);
    CHECK(KeGetCurrentIrql() == WB_IRQ_LEVEL);
    wb_note("synch");
    return TRUE;
}

static void check_info(WDFINTERRUPT interrupt)
{
    WDF_INTERRUPT_INFO info;

    WDF_INTERRUPT_INFO_INIT(&info);
    WdfInterruptGetInfo(interrupt, &info);
    CHECK(info.Irql == WB_IRQ_LEVEL && info.Vector != 0 && info.Mode == LevelSensitive);
    CHECK(!info.MessageSignaled && info.MessageNumber == 0);
    info.Size--;
    info.Vector = 0;
    WdfInterruptGetInfo(interrupt, &info); /* nothing happens */
    CHECK(info.Vector == 0);
}

static void change_policy(WDFINTERRUPT interrupt)
{
    WDF_INTERRUPT_EXTENDED_POLICY policy;

    WDF_INTERRUPT_EXTENDED_POLICY_INIT(&policy);
    WdfInterruptSetPolicy(interrupt, WdfIrqPolicyMachineDefault, WdfIrqPriorityNormal, 1);
    WdfInterruptSetExtendedPolicy(interrupt, &policy);
    CHECK(!WdfInterruptTryToAcquireLock(interrupt));
}

static void use_lock(enum ft_routine routine, WDFOBJECT object)
{
    WDFINTERRUPT interrupt = the_wdf.interrupt[0];

    (void)object;
    if (routine == FT_ROUTINE_WDF_PREPARE) { /* not connected yet */
        CHECK(WdfInterruptWdmGetInterrupt(interrupt) == NULL);
        CHECK(!WdfInterruptSynchronize(interrupt, synchronized, &the_wdf));
        WdfInterruptAcquireLock(interrupt);
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
        WdfInterruptReleaseLock(interrupt);
        WdfInterruptReportInactive(interrupt);
    }
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    CHECK(WdfInterruptGetDevice(interrupt) == the_wdf.device);
    CHECK(WdfInterruptWdmGetInterrupt(interrupt) != NULL);
    CHECK(WdfInterruptSynchronize(interrupt, synchronized, &the_wdf));
    WdfInterruptAcquireLock(interrupt);
    CHECK(KeGetCurrentIrql() == WB_IRQ_LEVEL);
    WdfInterruptReleaseLock(interrupt);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    WdfInterruptReportInactive(interrupt);
    WdfInterruptReportActive(interrupt);
    check_info(interrupt);
    change_policy(interrupt);
}

static void the_lock_needs_a_connection(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.interrupts = 1, .in = use_lock}, NULL, 0);
    assert_non_null(strstr(wb_notes(), "init synch"));
    assert_int_equal(wb_event(FT_EV_WDF_INTERRUPT_SYNC, 1)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_WDF_INTERRUPT_SYNC, 2)->arg[1], true);
    assert_int_equal(wb_count(FT_EV_INT_ACTIVE), 2);
}

static void force(enum ft_routine routine, WDFOBJECT object)
{
    (void)object;
    if (routine != FT_ROUTINE_WDF_SMIO_INIT)
        return;
    WdfInterruptDisable(the_wdf.interrupt[0]);
    CHECK(WdfInterruptWdmGetInterrupt(the_wdf.interrupt[0]) == NULL);
    WdfInterruptEnable(the_wdf.interrupt[0]);
    CHECK(WdfInterruptWdmGetInterrupt(the_wdf.interrupt[0]) != NULL);
    WdfInterruptDisable(the_wdf.interrupt[0]);
}

static void a_forced_disconnection_stays(void **state)
{
    static const struct ft_op ops[] = {{.kind = FT_OP_POWER_DOWN}, {.kind = FT_OP_POWER_UP}};

    (void)state;
    wdf_bench_expect(
        &(struct wdf_bench){.interrupts = 1, .in = force, .flags = WDF_BENCH_QUIET}, ops, 2,
        "prepare d0-entry:d3f int-on d0-post:d3f init int-off int-on int-off suspend d0-pre:d3 "
        "d0-exit:d3 hw-off d0-entry:d3 d0-post:d3 restart query-remove suspend d0-pre:d3f "
        "d0-exit:d3f "
        "release flush cleanup hw-off");
}

/* ---- passive handling ---- */

static BOOLEAN passive_isr(WDFINTERRUPT interrupt, ULONG message)
{
    (void)message;
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && interrupt == the_wdf.interrupt[0]);
    wdf_bench_register_set(WB_REG_LINE, 0);
    wb_note("passive-isr");
    CHECK(WdfInterruptQueueWorkItemForIsr(interrupt));
    return TRUE;
}

static NTSTATUS passive_enable(WDFINTERRUPT interrupt, WDFDEVICE device)
{
    (void)interrupt, (void)device;
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note("passive-on");
    return STATUS_SUCCESS;
}

static void use_passive_lock(enum ft_routine routine, WDFOBJECT object)
{
    WDFINTERRUPT interrupt = the_wdf.interrupt[0];

    if (routine == FT_ROUTINE_WDF_SMIO_INIT) {
        CHECK(WdfInterruptTryToAcquireLock(interrupt));
        CHECK(!WdfInterruptTryToAcquireLock(interrupt));
        WdfInterruptReleaseLock(interrupt);
        WdfInterruptAcquireLock(interrupt);
        CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
        WdfInterruptReleaseLock(interrupt);
    }
    raise_line(routine, object);
}

static void a_passive_interrupt_is_handled_at_passive_level(void **state)
{
    WDF_INTERRUPT_CONFIG config;

    (void)state;
    WDF_INTERRUPT_CONFIG_INIT(&config, passive_isr, NULL);
    config.EvtInterruptWorkItem = note_work;
    config.EvtInterruptEnable = passive_enable;
    config.PassiveHandling = TRUE;
    wdf_bench_run(
        &(struct wdf_bench){
            .interrupts = 1,
            .interrupt_how = &config,
            .in = use_passive_lock,
            .without =
                {[FT_ROUTINE_WDF_INTERRUPT_ENABLE] = 1, [FT_ROUTINE_WDF_INTERRUPT_DISABLE] = 1},
            .flags = WDF_BENCH_QUIET},
        NULL, 0);
    assert_non_null(strstr(wb_notes(), "passive-on d0-post:d3f init passive-isr work"));
}

/* ---- resource lists ---- */

static void check_lists(enum ft_routine routine, WDFOBJECT object)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR part;
    ULONG count;

    (void)object;
    if (routine != FT_ROUTINE_WDF_PREPARE)
        return;
    count = WdfCmResourceListGetCount(the_wdf.raw);
    CHECK(count >= 2 && count == WdfCmResourceListGetCount(the_wdf.translated));
    part = WdfCmResourceListGetDescriptor(the_wdf.translated, 0);
    CHECK(part != NULL && WdfCmResourceListGetDescriptor(the_wdf.translated, count) == NULL);
    CHECK(WdfCmResourceListAppendDescriptor(the_wdf.raw, part) == STATUS_ACCESS_DENIED);
    CHECK(WdfCmResourceListInsertDescriptor(the_wdf.raw, part, 0) == STATUS_ACCESS_DENIED);
    WdfCmResourceListRemove(the_wdf.raw, 0);
    WdfCmResourceListRemoveByDescriptor(the_wdf.raw,
                                        WdfCmResourceListGetDescriptor(the_wdf.raw, 0));
    CHECK(WdfCmResourceListGetCount(the_wdf.raw) == count);
}

static void lists_of_a_start_can_only_be_read(void **state)
{
    (void)state;
    wdf_bench_run(&(struct wdf_bench){.in = check_lists}, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupts_are_made_in_time_or_not_at_all),
        cmocka_unit_test(a_dpc_cannot_be_serialized_with_a_passive_device),
        cmocka_unit_test(an_interrupt_runs_its_isr_and_dpc),
        cmocka_unit_test(an_interrupt_may_have_a_work_item_instead),
        cmocka_unit_test(the_lock_needs_a_connection),
        cmocka_unit_test(a_forced_disconnection_stays),
        cmocka_unit_test(a_passive_interrupt_is_handled_at_passive_level),
        cmocka_unit_test(lists_of_a_start_can_only_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
