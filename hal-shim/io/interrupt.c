/* Interrupts (wdm-io sheet, sections 9 and 13): the controller, the ISR, the interrupt lock.
 * Connecting is in interrupt_connect.c.
 *
 * A device has a line (level-sensitive or latched) or messages; each is an input of the controller
 * with at most one connection. A level-sensitive line shows while it is up; an edge of a latched
 * line, or a message, is kept until its ISR begins, and a second one before that is the same one.
 * An op may hold an interrupt back (late), make the controller miss it (lost), or show one that
 * nobody asked for (spurious). The ISR is a task at the device's IRQL that holds the interrupt
 * lock.
 *
 * What comes while nothing is connected: an edge of the line waits for the connection, as in an
 * interrupt controller's request register; a message is gone.
 *
 * Two devices have inputs of their own, counted one device after the other; or they share a level
 * sensitive line (FT_DRIVER_SHARED_LINE): then the ISRs are called in the order in which they were
 * connected until one says that it was its device, as often as the line is up.
 *
 * Not modelled: affinity, several connections of one device to its line.
 */
#include "io/io_private.h"
#include "kernel/locks.h"

static unsigned input_bit(unsigned input)
{
    return 1u << input;
}

PKINTERRUPT ft_interrupt_connected(unsigned input)
{
    return FT_DEV->interrupt[input];
}

static bool is_level(void)
{
    return ft_world_module()->description->interrupt == FT_INTERRUPT_LEVEL;
}

/* The device in focus shows an interrupt at its input. */
static bool is_raised(unsigned input)
{
    unsigned bit = input_bit(input), hidden = FT_DEV->line_held | FT_DEV->line_lost;

    if (FT_DEV->spurious & bit)
        return true;
    if (is_level())
        return FT_DEV->device.line && !(hidden & bit);
    return (FT_DEV->latched & bit) && !(FT_DEV->line_held & bit);
}

/* ---- a line of two devices ---- */

bool ft_interrupt_line_is_shared(void)
{
    return FT_IO->second && (ft_world_module()->description->flags & FT_DRIVER_SHARED_LINE);
}

/* What is connected to the line for the other device, NULL: nothing. */
static PKINTERRUPT other_on_line(void)
{
    return ft_interrupt_line_is_shared() ? ft_device_numbered(!FT_DEV->number)->interrupt[0] : NULL;
}

/* The same, or the line that it shares. */
static bool is_shown(unsigned input)
{
    bool shown = is_raised(input);
    struct ft_focus was;

    if (shown || !ft_interrupt_line_is_shared())
        return shown;
    was = ft_focus_on(ft_device_numbered(!FT_DEV->number));
    shown = is_raised(input);
    ft_focus_back(was);
    return shown;
}

/* The ISRs of a shared line run in one task, which belongs to the one that was connected first. */
static bool is_first_on_line(const struct _KINTERRUPT *interrupt)
{
    PKINTERRUPT other = other_on_line();

    return !other || (!interrupt->after && !other->active);
}

/* ---- the ISR ---- */

static uint64_t call_isr(void *argument, void *unused, void *unused2, void *unused3)
{
    PKINTERRUPT interrupt = argument;

    (void)unused;
    (void)unused2;
    (void)unused3;
    if (interrupt->message_routine)
        return interrupt->message_routine(interrupt, interrupt->context, interrupt->input);
    return interrupt->routine(interrupt, interrupt->context);
}

/* Returns whether it was its device. */
static bool serve(PKINTERRUPT interrupt)
{
    uint8_t others = (uint8_t)~input_bit(interrupt->input);
    uint64_t handle = ft_block_handle(interrupt);
    bool claimed;

    ft_lock_take(interrupt->lock_word, handle);
    FT_DEV->spurious &= others;
    FT_DEV->latched &= others;
    claimed = (uint8_t)ft_call_routine(
        interrupt->message_routine ? (void *)interrupt->message_routine
                                   : (void *)interrupt->routine,
        FT_ROUTINE_ISR, handle, 0, 0, call_isr, interrupt, NULL, NULL, NULL);
    ft_lock_give(interrupt->lock_word);
    interrupt->active = 0;
    ft_wake_waiters(interrupt, STATUS_SUCCESS, true);
    return claimed;
}

static void serve_next_on_line(void)
{
    PKINTERRUPT next = other_on_line();
    struct ft_focus was;

    if (!next || next->inactive)
        return;
    was = ft_focus_on(ft_device_numbered(!FT_DEV->number));
    next->active = 1;
    if (ft_irql() < next->synchronize_irql)
        ft_irql_set(next->synchronize_irql);
    serve(next);
    ft_focus_back(was);
}

static void run_isr(void *argument)
{
    if (!serve(argument))
        serve_next_on_line();
}

/* The interrupt at that input of the device in focus, when its ISR may begin now, and the processor
 * for it. */
static PKINTERRUPT may_begin_on(unsigned input, unsigned *cpu)
{
    PKINTERRUPT interrupt = ft_interrupt_connected(input);

    if (interrupt && !interrupt->active && !interrupt->inactive && is_shown(input) &&
        is_first_on_line(interrupt) && *interrupt->lock_word == 0 &&
        ft_cpu_find(interrupt->synchronize_irql, cpu))
        return interrupt;
    return NULL;
}

/* The same, the inputs of all devices counted. */
static PKINTERRUPT may_begin_at(unsigned input, unsigned *cpu)
{
    struct ft_focus was = ft_focus_on(ft_device_numbered(input / FT_MESSAGES_MAX));
    PKINTERRUPT interrupt = may_begin_on(input % FT_MESSAGES_MAX, cpu);

    ft_focus_back(was);
    return interrupt;
}

/* The first one. */
static PKINTERRUPT may_begin(unsigned *cpu)
{
    PKINTERRUPT interrupt = NULL;

    for (unsigned input = 0; ft_interrupt_input(input) && !interrupt; input++)
        interrupt = may_begin_at(input, cpu);
    return interrupt;
}

bool ft_interrupt_input(unsigned input)
{
    return input < (FT_IO->second ? 2 * FT_MESSAGES_MAX : FT_MESSAGES_MAX);
}

bool ft_interrupt_may_begin(unsigned input)
{
    unsigned cpu;

    return may_begin_at(input, &cpu) != NULL;
}

bool ft_interrupt_pending(void)
{
    unsigned cpu;

    return may_begin(&cpu) != NULL;
}

static bool start(PKINTERRUPT interrupt, unsigned cpu)
{
    struct ft_focus was;
    struct ft_task *task;

    if (!interrupt)
        return false;
    was = ft_focus_on(ft_device_numbered(interrupt->device));
    task = ft_task_spawn(FT_TASK_ISR, run_isr, interrupt, 0);
    ft_task_for_device(task);
    ft_focus_back(was);
    if (!task)
        return false;
    task->irql = interrupt->synchronize_irql;
    task->target = (uint8_t)cpu;
    interrupt->active = 1;
    return true;
}

bool ft_interrupt_start_next(void)
{
    unsigned cpu = 0;
    PKINTERRUPT interrupt = may_begin(&cpu);

    return start(interrupt, cpu);
}

bool ft_interrupt_start(unsigned input)
{
    unsigned cpu = 0;
    PKINTERRUPT interrupt = may_begin_at(input, &cpu);

    return start(interrupt, cpu);
}

/* ---- the controller, and what ops do to it ---- */

static void announce(enum ft_event_kind kind)
{
    uint64_t none = 0;

    ft_emit_as(FT_LAYER_HARNESS, 0, kind, 0, &none);
}

static void hold(unsigned bits)
{
    FT_DEV->late_armed = 0;
    FT_DEV->line_held |= (uint8_t)bits;
    announce(FT_EV_INT_LATE);
}

static void show(unsigned input)
{
    if (FT_DEV->lose_armed) {
        FT_DEV->lose_armed = 0;
        FT_DEV->line_lost |= (uint8_t)input_bit(input);
        announce(FT_EV_INT_LOST);
        return;
    }
    FT_DEV->latched |= (uint8_t)input_bit(input);
    if (FT_DEV->late_armed)
        hold(input_bit(input));
}

void ft_line_changed(bool level)
{
    if (level) {
        show(0);
        return;
    }
    FT_DEV->line_lost = 0;
    if (is_level())
        FT_DEV->line_held = 0;
}

void ft_message_sent(unsigned message)
{
    if (ft_interrupt_connected(message))
        show(message);
}

bool ft_interrupt_release_held(void)
{
    bool held = false;

    FT_EACH_DEVICE(device) {
        held = held || device->line_held;
        device->line_held = 0;
    }
    return held && ft_interrupt_pending();
}

/* A lost edge comes after all while its line is up; a lost message was sent once and is gone. */
bool ft_interrupt_honest(void)
{
    FT_EACH_DEVICE(device) {
        device->late_armed = 0;
        device->lose_armed = 0;
        device->line_held = 0;
        if (device->device.line)
            device->latched |= device->line_lost;
        device->line_lost = 0;
    }
    return ft_interrupt_pending();
}

/* Inputs that show an interrupt which is not being served. */
static unsigned waiting_inputs(void)
{
    unsigned bits = 0;

    for (unsigned input = 0; input < FT_MESSAGES_MAX; input++) {
        PKINTERRUPT interrupt = ft_interrupt_connected(input);

        if (interrupt && !interrupt->active && is_raised(input))
            bits |= input_bit(input);
    }
    return bits & ~(unsigned)FT_DEV->spurious;
}

static PKINTERRUPT first_connected(void)
{
    for (unsigned input = 0; input < FT_MESSAGES_MAX; input++)
        if (ft_interrupt_connected(input))
            return ft_interrupt_connected(input);
    return NULL;
}

/* late-interrupt, lost-interrupt, spurious-interrupt. Skipped while no interrupt is connected. */
bool ft_interrupt_op(const struct ft_op *op)
{
    PKINTERRUPT first = first_connected();

    if (!first || (FT_DEV->yanked && op->kind != FT_OP_INT_SPURIOUS))
        return false;
    switch (op->kind) {
    case FT_OP_INT_LATE:
        /* An interrupt that is being served came already. */
        if (waiting_inputs())
            hold(waiting_inputs());
        else
            FT_DEV->late_armed = 1;
        return true;
    case FT_OP_INT_LOST:
        FT_DEV->lose_armed = 1;
        return true;
    default:
        FT_DEV->spurious |= (uint8_t)input_bit(first->input);
        announce(FT_EV_INT_SPURIOUS);
        return true;
    }
}

/* ---- the interrupt lock ---- */

static KIRQL lock_interrupt(PKINTERRUPT interrupt)
{
    KIRQL old = (KIRQL)ft_irql();

    ft_interrupt_check(interrupt);
    if (old < interrupt->synchronize_irql)
        ft_irql_set(interrupt->synchronize_irql);
    ft_lock_take(interrupt->lock_word, ft_handle_of(interrupt));
    return old;
}

static void unlock_interrupt(PKINTERRUPT interrupt, KIRQL irql)
{
    ft_lock_give(interrupt->lock_word);
    ft_irql_set(irql);
}

static uint64_t call_synch(void *routine, void *context, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    return ((PKSYNCHRONIZE_ROUTINE)routine)(context);
}

BOOLEAN KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                               PVOID SynchronizeContext)
{
    BOOLEAN value;
    KIRQL old;

    FT_DDI_BEGIN(SYNC, 0);
    old = lock_interrupt(Interrupt);
    ft_emit(FT_EV_SYNC_ENTER, ft_handle_of(Interrupt));
    value = (BOOLEAN)ft_call_routine((void *)SynchronizeRoutine, FT_ROUTINE_SYNCH,
                                     ft_handle_of(Interrupt), 0, 0, call_synch,
                                     (void *)SynchronizeRoutine, SynchronizeContext, NULL, NULL);
    ft_interrupt_check(Interrupt);
    ft_emit(FT_EV_SYNC_LEAVE, ft_handle_of(Interrupt));
    unlock_interrupt(Interrupt, old);
    FT_DDI_END(SYNC, 0);
    return value;
}

KIRQL KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    KIRQL old;

    FT_DDI_BEGIN(SYNC, 0);
    old = lock_interrupt(Interrupt);
    ft_emit(FT_EV_INT_LOCK_ACQUIRE, ft_handle_of(Interrupt), old);
    FT_DDI_END(SYNC, 0);
    return old;
}

VOID KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    FT_DDI_BEGIN(SYNC, 0);
    ft_interrupt_check(Interrupt);
    ft_emit(FT_EV_INT_LOCK_RELEASE, ft_handle_of(Interrupt), OldIrql);
    unlock_interrupt(Interrupt, OldIrql);
    FT_DDI_END(SYNC, 0);
}
