/* Interrupts (wdm-io sheet, sections 9 and 13): one level-sensitive line, one connection.
 *
 * The controller shows an interrupt while the line is up, unless an op holds it back (late) or made
 * it miss the edge (lost), and once without a line for a spurious one. The ISR is a task at the
 * device's IRQL that holds the interrupt lock; while the line is up it runs again.
 *
 * Not modelled: message-signalled interrupts, latched mode (taken as level-sensitive), affinity,
 * several connections to one line.
 */
#include "io/io_private.h"
#include "kernel/locks.h"

static PKINTERRUPT connected(void)
{
    return FT_IO->interrupt;
}

static bool is_raised(void)
{
    return (FT_IO->device.line && !FT_IO->line_held && !FT_IO->line_lost) || FT_IO->spurious;
}

/* ---- the ISR ---- */

static uint64_t call_isr(void *routine, void *interrupt, void *context, void *unused)
{
    (void)unused;
    return ((PKSERVICE_ROUTINE)routine)(interrupt, context);
}

static void run_isr(void *argument)
{
    PKINTERRUPT interrupt = argument;
    uint64_t handle = ft_block_handle(interrupt);

    ft_lock_take(interrupt->lock_word, handle);
    FT_IO->spurious = 0;
    ft_call_driver_routine(FT_ROUTINE_ISR, handle, 0, 0, call_isr, (void *)interrupt->routine,
                           interrupt, interrupt->context, NULL);
    ft_lock_give(interrupt->lock_word);
    FT_IO->isr_active = 0;
    ft_wake_waiters(interrupt, STATUS_SUCCESS, true);
}

static bool may_begin(unsigned *cpu)
{
    PKINTERRUPT interrupt = connected();

    return interrupt && !FT_IO->isr_active && is_raised() && *interrupt->lock_word == 0 &&
           ft_cpu_find(interrupt->synchronize_irql, cpu);
}

bool ft_interrupt_pending(void)
{
    unsigned cpu;

    return may_begin(&cpu);
}

bool ft_interrupt_start_next(void)
{
    struct ft_task *task;
    unsigned cpu;

    if (!may_begin(&cpu))
        return false;
    task = ft_task_spawn(FT_TASK_ISR, run_isr, connected(), 0);
    if (!task)
        return false;
    task->irql = connected()->synchronize_irql;
    task->target = (uint8_t)cpu;
    ft_task_for_device(task);
    FT_IO->isr_active = 1;
    return true;
}

/* ---- the controller, and what ops do to it ---- */

static void announce(enum ft_event_kind kind)
{
    uint64_t none = 0;

    ft_emit_as(FT_LAYER_HARNESS, 0, kind, 0, &none);
}

static void hold_line(void)
{
    FT_IO->late_armed = 0;
    FT_IO->line_held = 1;
    announce(FT_EV_INT_LATE);
}

void ft_line_changed(bool level)
{
    if (!level) {
        FT_IO->line_held = 0;
        FT_IO->line_lost = 0;
    } else if (FT_IO->lose_armed) {
        FT_IO->lose_armed = 0;
        FT_IO->line_lost = 1;
        announce(FT_EV_INT_LOST);
    } else if (FT_IO->late_armed) {
        hold_line();
    }
}

bool ft_interrupt_release_held(void)
{
    if (!FT_IO->line_held)
        return false;
    FT_IO->line_held = 0;
    return ft_interrupt_pending();
}

bool ft_interrupt_honest(void)
{
    FT_IO->late_armed = 0;
    FT_IO->lose_armed = 0;
    FT_IO->line_held = 0;
    FT_IO->line_lost = 0;
    return ft_interrupt_pending();
}

/* late-interrupt, lost-interrupt, spurious-interrupt. Skipped while no interrupt is connected. */
bool ft_interrupt_op(const struct ft_op *op)
{
    if (!connected() || (FT_IO->yanked && op->kind != FT_OP_INT_SPURIOUS))
        return false;
    switch (op->kind) {
    case FT_OP_INT_LATE:
        /* An interrupt that is being served came already. */
        if (FT_IO->device.line && !FT_IO->isr_active && !FT_IO->line_lost)
            hold_line();
        else
            FT_IO->late_armed = 1;
        return true;
    case FT_OP_INT_LOST:
        FT_IO->lose_armed = 1;
        return true;
    default:
        FT_IO->spurious = 1;
        announce(FT_EV_INT_SPURIOUS);
        return true;
    }
}

/* ---- connecting ---- */

struct connection {
    PKSERVICE_ROUTINE routine;
    PVOID context;
    PKSPIN_LOCK lock;
    ULONG vector;
    KIRQL irql, synchronize_irql;
};

static NTSTATUS connect(const struct connection *how, PKINTERRUPT *ret)
{
    PKINTERRUPT interrupt;

    if (how->vector != ft_bus_vector() || ft_world_module()->description->irq_level == 0 ||
        how->irql > how->synchronize_irql || connected())
        return STATUS_INVALID_PARAMETER;
    interrupt = ft_block_alloc(sizeof *interrupt, FT_HC_INTERRUPT, 0);
    if (!interrupt)
        return STATUS_INSUFFICIENT_RESOURCES;
    interrupt->lock_word = how->lock ? (uint64_t *)how->lock : &interrupt->lock;
    interrupt->routine = how->routine;
    interrupt->context = how->context;
    interrupt->irql = how->irql;
    interrupt->synchronize_irql = how->synchronize_irql;
    /* The ISR may run from here on, so the caller has its pointer first. */
    *ret = interrupt;
    FT_IO->interrupt = interrupt;
    return STATUS_SUCCESS;
}

static NTSTATUS connect_and_tell(const struct connection *how, PKINTERRUPT *ret)
{
    PKINTERRUPT interrupt = NULL;
    NTSTATUS status = connect(how, &interrupt);

    if (NT_SUCCESS(status))
        *ret = interrupt;
    ft_emit(FT_EV_ISR_CONNECT, ft_handle_of(interrupt), ft_handle_of(FT_IO->pdo), how->vector,
            (uint32_t)status);
    return status;
}

NTSTATUS IoConnectInterrupt(
    PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
    /* NOLINTNEXTLINE(readability-non-const-parameter): the signature is Windows' own. */
    PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL SynchronizeIrql,
    KINTERRUPT_MODE InterruptMode, BOOLEAN ShareVector, KAFFINITY ProcessorEnableMask,
    BOOLEAN FloatingSave)
{
    struct connection how = {ServiceRoutine, ServiceContext, SpinLock,
                             Vector,         Irql,           SynchronizeIrql};
    NTSTATUS status;

    (void)InterruptMode;
    (void)ShareVector;
    (void)ProcessorEnableMask;
    (void)FloatingSave;
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    status = connect_and_tell(&how, InterruptObject);
    FT_DDI_END(ISR_CONNECT, 0);
    return status;
}

/* Line-based: vector and level come from the device's resources. Message-based: the device has no
 * messages. */
static NTSTATUS connect_ex(PIO_CONNECT_INTERRUPT_PARAMETERS parameters)
{
    const struct ft_description *description = ft_world_module()->description;
    struct connection how = {0};

    if (parameters->Version == CONNECT_FULLY_SPECIFIED) {
        IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS *full = &parameters->FullySpecified;

        how =
            (struct connection){full->ServiceRoutine, full->ServiceContext, full->SpinLock,
                                full->Vector,         full->Irql,           full->SynchronizeIrql};
        return connect_and_tell(&how, full->InterruptObject);
    }
    if (parameters->Version == CONNECT_LINE_BASED) {
        IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS *line = &parameters->LineBased;
        KIRQL irql = (KIRQL)description->irq_level;

        how = (struct connection){line->ServiceRoutine,
                                  line->ServiceContext,
                                  line->SpinLock,
                                  ft_bus_vector(),
                                  irql,
                                  irql};
        if (line->SynchronizeIrql > irql)
            how.synchronize_irql = line->SynchronizeIrql;
        return connect_and_tell(&how, line->InterruptObject);
    }
    return STATUS_NOT_FOUND;
}

NTSTATUS IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters)
{
    NTSTATUS status;

    FT_DDI_BEGIN(ISR_CONNECT, 0);
    status = connect_ex(Parameters);
    FT_DDI_END(ISR_CONNECT, 0);
    return status;
}

static void check(PKINTERRUPT interrupt)
{
    enum { NOT_CONNECTED = 9, BUGCHECK_PNP = 0xCA };

    if (!ft_block_is_live(interrupt, FT_HC_INTERRUPT))
        ft_bugcheck(BUGCHECK_PNP, NOT_CONNECTED, ft_handle_of(interrupt), 0, 0);
}

/* Waits for an ISR that runs; none begins afterwards. */
static void disconnect(PKINTERRUPT interrupt)
{
    uint64_t handle = ft_handle_of(interrupt);

    if (!ft_block_is_live(interrupt, FT_HC_INTERRUPT))
        ft_emit(FT_EV_ISR_DISCONNECT, handle);
    check(interrupt);
    FT_IO->interrupt = NULL;
    FT_IO->spurious = 0;
    while (FT_IO->isr_active)
        ft_task_wait(interrupt, 0);
    ft_emit(FT_EV_ISR_DISCONNECT, handle);
    ft_block_free(interrupt);
}

VOID IoDisconnectInterrupt(PKINTERRUPT InterruptObject)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    disconnect(InterruptObject);
    FT_DDI_END(ISR_CONNECT, 0);
}

VOID IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters)
{
    FT_DDI_BEGIN(ISR_CONNECT, 0);
    disconnect(Parameters->ConnectionContext.InterruptObject);
    FT_DDI_END(ISR_CONNECT, 0);
}

/* ---- the interrupt lock ---- */

static KIRQL lock_interrupt(PKINTERRUPT interrupt)
{
    KIRQL old = (KIRQL)ft_irql();

    check(interrupt);
    if (old < interrupt->synchronize_irql)
        ft_irql_set(interrupt->synchronize_irql);
    ft_lock_take(interrupt->lock_word, ft_handle_of(interrupt));
    ft_emit(FT_EV_SYNC_ENTER, ft_handle_of(interrupt));
    return old;
}

static void unlock_interrupt(PKINTERRUPT interrupt, KIRQL irql)
{
    check(interrupt);
    ft_emit(FT_EV_SYNC_LEAVE, ft_handle_of(interrupt));
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
    value =
        (BOOLEAN)ft_call_driver_routine(FT_ROUTINE_SYNCH, ft_handle_of(Interrupt), 0, 0, call_synch,
                                        (void *)SynchronizeRoutine, SynchronizeContext, NULL, NULL);
    unlock_interrupt(Interrupt, old);
    FT_DDI_END(SYNC, 0);
    return value;
}

KIRQL KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt)
{
    KIRQL old;

    FT_DDI_BEGIN(SYNC, 0);
    old = lock_interrupt(Interrupt);
    FT_DDI_END(SYNC, 0);
    return old;
}

VOID KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql)
{
    FT_DDI_BEGIN(SYNC, 0);
    unlock_interrupt(Interrupt, OldIrql);
    FT_DDI_END(SYNC, 0);
}
