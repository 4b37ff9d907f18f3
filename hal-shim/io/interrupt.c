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
 * Not modelled: affinity, several connections to one line.
 */
#include "io/io_private.h"
#include "kernel/locks.h"

static unsigned input_bit(unsigned input)
{
    return 1u << input;
}

PKINTERRUPT ft_interrupt_connected(unsigned input)
{
    return FT_IO->interrupt[input];
}

static bool is_level(void)
{
    return ft_world_module()->description->interrupt == FT_INTERRUPT_LEVEL;
}

static bool is_raised(unsigned input)
{
    unsigned bit = input_bit(input), hidden = FT_IO->line_held | FT_IO->line_lost;

    if (FT_IO->spurious & bit)
        return true;
    if (is_level())
        return FT_IO->device.line && !(hidden & bit);
    return (FT_IO->latched & bit) && !(FT_IO->line_held & bit);
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

static void run_isr(void *argument)
{
    PKINTERRUPT interrupt = argument;
    uint8_t others = (uint8_t)~input_bit(interrupt->input);
    uint64_t handle = ft_block_handle(interrupt);

    ft_lock_take(interrupt->lock_word, handle);
    FT_IO->spurious &= others;
    FT_IO->latched &= others;
    ft_call_routine(interrupt->message_routine ? (void *)interrupt->message_routine
                                               : (void *)interrupt->routine,
                    FT_ROUTINE_ISR, handle, 0, 0, call_isr, interrupt, NULL, NULL, NULL);
    ft_lock_give(interrupt->lock_word);
    interrupt->active = 0;
    ft_wake_waiters(interrupt, STATUS_SUCCESS, true);
}

/* The input's interrupt, when its ISR may begin now, and the processor for it. */
static PKINTERRUPT may_begin_on(unsigned input, unsigned *cpu)
{
    PKINTERRUPT interrupt = ft_interrupt_connected(input);

    if (interrupt && !interrupt->active && !interrupt->inactive && is_raised(input) &&
        *interrupt->lock_word == 0 && ft_cpu_find(interrupt->synchronize_irql, cpu))
        return interrupt;
    return NULL;
}

/* The first one. */
static PKINTERRUPT may_begin(unsigned *cpu)
{
    PKINTERRUPT interrupt = NULL;

    for (unsigned input = 0; input < FT_MESSAGES_MAX && !interrupt; input++)
        interrupt = may_begin_on(input, cpu);
    return interrupt;
}

bool ft_interrupt_input(unsigned input)
{
    return input < FT_MESSAGES_MAX;
}

bool ft_interrupt_may_begin(unsigned input)
{
    unsigned cpu;

    return may_begin_on(input, &cpu) != NULL;
}

bool ft_interrupt_pending(void)
{
    unsigned cpu;

    return may_begin(&cpu) != NULL;
}

static bool start(PKINTERRUPT interrupt, unsigned cpu)
{
    struct ft_task *task;

    if (!interrupt)
        return false;
    task = ft_task_spawn(FT_TASK_ISR, run_isr, interrupt, 0);
    if (!task)
        return false;
    task->irql = interrupt->synchronize_irql;
    task->target = (uint8_t)cpu;
    ft_task_for_device(task);
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
    PKINTERRUPT interrupt = may_begin_on(input, &cpu);

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
    FT_IO->late_armed = 0;
    FT_IO->line_held |= (uint8_t)bits;
    announce(FT_EV_INT_LATE);
}

static void show(unsigned input)
{
    if (FT_IO->lose_armed) {
        FT_IO->lose_armed = 0;
        FT_IO->line_lost |= (uint8_t)input_bit(input);
        announce(FT_EV_INT_LOST);
        return;
    }
    FT_IO->latched |= (uint8_t)input_bit(input);
    if (FT_IO->late_armed)
        hold(input_bit(input));
}

void ft_line_changed(bool level)
{
    if (level) {
        show(0);
        return;
    }
    FT_IO->line_lost = 0;
    if (is_level())
        FT_IO->line_held = 0;
}

void ft_message_sent(unsigned message)
{
    if (ft_interrupt_connected(message))
        show(message);
}

bool ft_interrupt_release_held(void)
{
    if (!FT_IO->line_held)
        return false;
    FT_IO->line_held = 0;
    return ft_interrupt_pending();
}

/* A lost edge comes after all while its line is up; a lost message was sent once and is gone. */
bool ft_interrupt_honest(void)
{
    FT_IO->late_armed = 0;
    FT_IO->lose_armed = 0;
    FT_IO->line_held = 0;
    if (FT_IO->device.line)
        FT_IO->latched |= FT_IO->line_lost;
    FT_IO->line_lost = 0;
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
    return bits & ~(unsigned)FT_IO->spurious;
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

    if (!first || (FT_IO->yanked && op->kind != FT_OP_INT_SPURIOUS))
        return false;
    switch (op->kind) {
    case FT_OP_INT_LATE:
        /* An interrupt that is being served came already. */
        if (waiting_inputs())
            hold(waiting_inputs());
        else
            FT_IO->late_armed = 1;
        return true;
    case FT_OP_INT_LOST:
        FT_IO->lose_armed = 1;
        return true;
    default:
        FT_IO->spurious |= (uint8_t)input_bit(first->input);
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
