/* Resources from the description, and every kind of interrupt but the plain line (wdm-io, 13):
 * latched lines, messages, the forms of IoConnectInterruptEx. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define READ_OP                                                                                    \
    {                                                                                              \
        .kind = FT_OP_READ, .arg = { 16, 0 }                                                       \
    }
#define OP(kind_)                                                                                  \
    {                                                                                              \
        .kind = FT_OP_##kind_                                                                      \
    }

static const struct ft_op one_read[] = {READ_OP};

static const char *run(const struct bench_driver *how, const struct ft_op *op, unsigned count)
{
    bench_driver_run(how, op, count);
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    return wb_notes();
}

/* ---- resources ---- */

static void an_isa_part(struct ft_description *description)
{
    description->bar_bytes[0] = 0;
    description->port_base = 0x3F0;
    description->port_bytes = 8;
    description->interrupt = FT_INTERRUPT_LATCHED;
    description->dma_channel = 2;
    description->dma_bits = 8;
}

static void an_isa_part_gets_ports_a_latched_line_and_a_channel(void **state)
{
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *part = the_driver.translated;

    (void)state;
    run(&(struct bench_driver){.describe = an_isa_part}, NULL, 0);
    assert_int_equal(the_driver.bus, Isa);
    assert_int_equal(the_driver.resources, 3);
    assert_int_equal(part[0].Type, CmResourceTypePort);
    assert_int_equal(part[0].u.Port.Start.QuadPart, 0x3F0);
    assert_int_equal(part[0].u.Port.Length, 8);
    assert_true(part[0].Flags & CM_RESOURCE_PORT_IO);
    assert_int_equal(part[1].Type, CmResourceTypeInterrupt);
    assert_int_equal(part[1].Flags, CM_RESOURCE_INTERRUPT_LATCHED);
    assert_int_equal(part[1].u.Interrupt.Level, WB_IRQ_LEVEL);
    assert_int_equal(the_driver.raw[1].u.Interrupt.Vector, 9);
    assert_int_equal(part[2].Type, CmResourceTypeDma);
    assert_int_equal(part[2].u.Dma.Channel, 2);
    assert_int_equal(part[2].Flags, CM_RESOURCE_DMA_8);
}

static void raw_and_translated_addresses_differ(void **state)
{
    (void)state;
    run(&(struct bench_driver){0}, NULL, 0);
    assert_int_equal(the_driver.bus, PCIBus);
    assert_int_equal(the_driver.resources, 2);
    assert_true(the_driver.raw[0].u.Memory.Start.QuadPart == (LONGLONG)FT_BAR_BUS_BASE);
    assert_true(the_driver.translated[0].u.Memory.Start.QuadPart == (LONGLONG)FT_BAR_PHYSICAL_BASE);
    assert_int_equal(the_driver.raw[1].u.Interrupt.Vector, 9);
    assert_int_not_equal(the_driver.translated[1].u.Interrupt.Vector, 9);
}

static NTSTATUS map_raw(PDEVICE_OBJECT device, PIRP irp)
{
    PUCHAR window = MmMapIoSpace(the_driver.raw[0].u.Memory.Start,
                                 the_driver.raw[0].u.Memory.Length, MmNonCached);

    (void)device;
    CHECK(READ_REGISTER_ULONG((PULONG)(window + WB_REG_RESETS)) == 0xFFFFFFFF);
    CHECK(bench_register(WB_REG_RESETS) == 1);
    MmUnmapIoSpace(window, the_driver.raw[0].u.Memory.Length);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_raw_address_reaches_nothing(void **state)
{
    (void)state;
    run(&(struct bench_driver){.request = map_raw}, one_read, 1);
}

/* ---- latched ---- */

static unsigned runs;

static BOOLEAN isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    runs++;
    wb_note("isr");
    return TRUE;
}

static NTSTATUS raise_line(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_LINE, 0);
    bench_register_set(WB_REG_LINE, 1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void latched(struct ft_description *description)
{
    description->interrupt = FT_INTERRUPT_LATCHED;
}

static const struct bench_driver latching = {
    .describe = latched, .isr = isr, .request = raise_line};

static void an_edge_is_served_once_though_the_line_stays_up(void **state)
{
    static const struct ft_op op[] = {READ_OP, READ_OP};

    (void)state;
    assert_non_null(strstr(run(&latching, op, 2), "read isr read isr cleanup"));
}

static void a_lost_edge_comes_in_the_tail_while_the_line_is_up(void **state)
{
    static const struct ft_op op[] = {OP(INT_LOST), READ_OP};

    (void)state;
    assert_non_null(strstr(run(&latching, op, 2), "read isr cleanup"));
    assert_true(wb_place(FT_EV_INT_LOST, 1) > 0);
}

static NTSTATUS pulse(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_LINE, 1);
    bench_register_set(WB_REG_LINE, 0);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void a_held_edge_comes_although_the_line_dropped(void **state)
{
    static const struct ft_op op[] = {OP(INT_LATE), READ_OP};
    struct bench_driver how = latching;

    (void)state;
    how.request = pulse;
    assert_non_null(strstr(run(&how, op, 2), "read isr cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_LATE), 1);
}

/* ---- messages ---- */

static PIO_INTERRUPT_MESSAGE_INFO table;

static void three_messages(struct ft_description *description)
{
    description->interrupt = FT_INTERRUPT_MESSAGES;
    description->messages = 3;
}

static BOOLEAN message_isr(PKINTERRUPT interrupt, PVOID context, ULONG message)
{
    CHECK(context == &table);
    CHECK(interrupt == table->MessageInfo[message].InterruptObject);
    CHECK(KeGetCurrentIrql() == WB_IRQ_LEVEL);
    wb_note(message == 0 ? "isr0" : message == 2 ? "isr2" : "isr1");
    return TRUE;
}

static NTSTATUS connect_messages(PCM_PARTIAL_RESOURCE_DESCRIPTOR part)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_MESSAGE_BASED};
    NTSTATUS status;

    (void)part;
    table = NULL;
    how.MessageBased.PhysicalDeviceObject = the_driver.below;
    how.MessageBased.ConnectionContext.InterruptMessageTable = &table;
    how.MessageBased.MessageServiceRoutine = message_isr;
    how.MessageBased.FallBackServiceRoutine = isr;
    how.MessageBased.ServiceContext = &table;
    status = IoConnectInterruptEx(&how);
    the_driver.connected = how.Version;
    the_driver.connection = table;
    return status;
}

static NTSTATUS send_messages(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    bench_register_set(WB_REG_MESSAGE, 2);
    bench_register_set(WB_REG_MESSAGE, 0);
    bench_register_set(WB_REG_ENABLE, 1);
    bench_register_set(WB_REG_ENABLE, 1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static const struct bench_driver messaging = {
    .describe = three_messages, .connect = connect_messages, .request = send_messages};

static void each_message_has_an_object_and_a_vector(void **state)
{
    (void)state;
    assert_non_null(strstr(run(&messaging, one_read, 1), "read isr0 isr2 cleanup"));
    assert_int_equal(the_driver.connected, CONNECT_MESSAGE_BASED);
    assert_int_equal(wb_count(FT_EV_ISR_CONNECT), 3);
    assert_int_equal(wb_count(FT_EV_ISR_DISCONNECT), 3);
    assert_int_equal(wb_count(FT_EV_IRQ_MESSAGE), 2);
    assert_int_equal(wb_count(FT_EV_HW_INT_ENABLE), 1);
    assert_int_equal(the_driver.resources, 4); /* the BAR and three messages */
    assert_int_equal(the_driver.translated[2].Flags,
                     CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE);
    assert_int_equal(the_driver.raw[2].u.MessageInterrupt.Raw.MessageCount, 1);
    for (unsigned n = 1; n <= 3; n++) {
        const struct ft_event *event = wb_event(FT_EV_ISR_CONNECT, n);

        assert_int_equal(event->arg[2], the_driver.translated[n].u.Interrupt.Vector);
        assert_int_equal(event->arg[4], WB_IRQ_LEVEL);
        assert_int_equal(event->arg[6], true);
    }
}

static void a_message_can_be_late_or_lost(void **state)
{
    static const struct ft_op late[] = {OP(INT_LATE), READ_OP}, lost[] = {OP(INT_LOST), READ_OP};

    (void)state;
    /* Message 2 waits until the machine is quiet; message 0 does not. */
    assert_non_null(strstr(run(&messaging, late, 2), "read isr0 isr2 cleanup"));
    assert_non_null(strstr(run(&messaging, lost, 2), "read isr0 cleanup"));
}

static void a_spurious_message_is_the_first(void **state)
{
    static const struct ft_op op[] = {OP(INT_SPURIOUS)};

    (void)state;
    assert_non_null(strstr(run(&messaging, op, 1), "create isr0 cleanup"));
}

static void a_line_takes_the_fall_back(void **state)
{
    struct bench_driver how = latching;

    (void)state;
    how.connect = connect_messages;
    assert_non_null(strstr(run(&how, one_read, 1), "read isr cleanup"));
    assert_int_equal(the_driver.connected, CONNECT_LINE_BASED);
}

/* ---- other forms ---- */

static NTSTATUS try_everything(PCM_PARTIAL_RESOURCE_DESCRIPTOR part)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_LINE_BASED};
    PKINTERRUPT object = NULL;

    (void)part;
    how.LineBased.InterruptObject = &object;
    how.LineBased.ServiceRoutine = isr;
    CHECK(IoConnectInterruptEx(&how) == STATUS_INVALID_PARAMETER); /* no PDO */
    how.LineBased.PhysicalDeviceObject = the_driver.below;
    CHECK(IoConnectInterruptEx(&how) == STATUS_NOT_FOUND); /* messages, no line */
    how.Version = 77;
    CHECK(IoConnectInterruptEx(&how) == STATUS_NOT_SUPPORTED);
    CHECK(how.Version == CONNECT_MESSAGE_BASED);
    memset(&how, 0, sizeof how);
    how.Version = CONNECT_FULLY_SPECIFIED;
    how.FullySpecified.InterruptObject = &object;
    how.FullySpecified.ServiceRoutine = isr;
    how.FullySpecified.Vector = the_driver.vector; /* the last message */
    how.FullySpecified.Irql = WB_IRQ_LEVEL;
    how.FullySpecified.SynchronizeIrql = WB_IRQ_LEVEL + 1;
    CHECK(IoConnectInterruptEx(&how) == STATUS_SUCCESS);
    CHECK(IoConnectInterruptEx(&how) == STATUS_INVALID_PARAMETER); /* it is connected */
    the_driver.interrupt = object;
    return STATUS_SUCCESS;
}

static void the_forms_of_connecting_and_their_failures(void **state)
{
    struct bench_driver how = messaging;

    (void)state;
    how.connect = try_everything;
    /* Messages 2 has a connection, 0 has none and is gone. */
    assert_non_null(strstr(run(&how, one_read, 1), "read isr cleanup"));
    assert_int_equal(wb_event(FT_EV_ISR_CONNECT, 1)->arg[5], WB_IRQ_LEVEL + 1);
    assert_int_equal(wb_event(FT_EV_ISR_CONNECT, 2)->arg[3], (uint32_t)STATUS_INVALID_PARAMETER);
}

static NTSTATUS connect_passive(PCM_PARTIAL_RESOURCE_DESCRIPTOR part)
{
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    (void)part;
    how.FullySpecified.InterruptObject = &the_driver.interrupt;
    how.FullySpecified.ServiceRoutine = isr;
    how.FullySpecified.Vector = the_driver.vector;
    return IoConnectInterruptEx(&how);
}

static void passive_level_interrupts_stop_the_run_by_name(void **state)
{
    struct bench_driver how = latching;

    (void)state;
    how.connect = connect_passive;
    bench_driver_run(&how, NULL, 0);
    assert_int_equal(wb_result()->stop, FT_STOP_UNIMPLEMENTED);
}

/* ---- active and inactive ---- */

static NTSTATUS mute(PDEVICE_OBJECT device, PIRP irp)
{
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS which = {.Version = CONNECT_LINE_BASED};

    (void)device;
    which.ConnectionContext.InterruptObject = the_driver.interrupt;
    IoReportInterruptInactive(&which);
    bench_register_set(WB_REG_LINE, 1);
    wb_note("muted");
    ft_task_yield();
    wb_note("loud");
    IoReportInterruptActive(&which);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void an_inactive_interrupt_waits_until_it_is_active(void **state)
{
    struct bench_driver how = latching;

    (void)state;
    how.request = mute;
    assert_non_null(strstr(run(&how, one_read, 1), "read muted loud isr cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_ACTIVE), 2);
    assert_int_equal(wb_last(FT_EV_INT_ACTIVE)->arg[1], true);
}

static NTSTATUS mute_messages(PDEVICE_OBJECT device, PIRP irp)
{
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS which = {.Version = CONNECT_MESSAGE_BASED};

    which.ConnectionContext.InterruptMessageTable = table;
    IoReportInterruptInactive(&which);
    bench_register_set(WB_REG_MESSAGE, 1);
    ft_task_yield();
    wb_note("loud");
    IoReportInterruptActive(&which);
    return send_messages(device, irp);
}

static void a_table_of_messages_is_made_inactive_at_once(void **state)
{
    struct bench_driver how = messaging;

    (void)state;
    how.request = mute_messages;
    assert_non_null(strstr(run(&how, one_read, 1), "read loud isr0 isr1 isr2 cleanup"));
    assert_int_equal(wb_count(FT_EV_INT_ACTIVE), 6);
}

static NTSTATUS disconnect_table_twice(PDEVICE_OBJECT device, PIRP irp)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS which = {.Version = CONNECT_MESSAGE_BASED};

    (void)device, (void)irp;
    which.ConnectionContext.InterruptMessageTable = table;
    IoDisconnectInterruptEx(&which);
    IoDisconnectInterruptEx(&which);
    return STATUS_SUCCESS;
}

static void disconnecting_messages_twice_is_bug_check_ca(void **state)
{
    struct bench_driver how = messaging;

    (void)state;
    how.request = disconnect_table_twice;
    bench_driver_run(&how, one_read, 1);
    assert_int_equal(wb_result()->stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xCA);
}

static NTSTATUS lock_by_hand(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL old = KeAcquireInterruptSpinLock(the_driver.interrupt);

    (void)device;
    KeReleaseInterruptSpinLock(the_driver.interrupt, old);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void the_interrupt_lock_has_events_of_its_own(void **state)
{
    struct bench_driver how = latching;

    (void)state;
    how.request = lock_by_hand;
    run(&how, one_read, 1);
    assert_int_equal(wb_event(FT_EV_INT_LOCK_ACQUIRE, 1)->irql, WB_IRQ_LEVEL);
    assert_int_equal(wb_event(FT_EV_INT_LOCK_ACQUIRE, 1)->arg[1], PASSIVE_LEVEL);
    assert_int_equal(wb_event(FT_EV_INT_LOCK_RELEASE, 1)->arg[1], PASSIVE_LEVEL);
    assert_int_equal(wb_count(FT_EV_SYNC_ENTER), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_isa_part_gets_ports_a_latched_line_and_a_channel),
        cmocka_unit_test(raw_and_translated_addresses_differ),
        cmocka_unit_test(a_raw_address_reaches_nothing),
        cmocka_unit_test(an_edge_is_served_once_though_the_line_stays_up),
        cmocka_unit_test(a_lost_edge_comes_in_the_tail_while_the_line_is_up),
        cmocka_unit_test(a_held_edge_comes_although_the_line_dropped),
        cmocka_unit_test(each_message_has_an_object_and_a_vector),
        cmocka_unit_test(a_message_can_be_late_or_lost),
        cmocka_unit_test(a_spurious_message_is_the_first),
        cmocka_unit_test(a_line_takes_the_fall_back),
        cmocka_unit_test(the_forms_of_connecting_and_their_failures),
        cmocka_unit_test(passive_level_interrupts_stop_the_run_by_name),
        cmocka_unit_test(an_inactive_interrupt_waits_until_it_is_active),
        cmocka_unit_test(a_table_of_messages_is_made_inactive_at_once),
        cmocka_unit_test(disconnecting_messages_twice_is_bug_check_ca),
        cmocka_unit_test(the_interrupt_lock_has_events_of_its_own),
    };

    return cmocka_run_group_tests_name("kinds of interrupts", tests, NULL, NULL);
}
