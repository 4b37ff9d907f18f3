/* Interrupts in the power machine: IntUp and IntDown of kmdf.md, section 4.1, the ISR, DPC and
 * work item (section 6.1).
 *
 * A device that must not page keeps its interrupts connected while it sleeps, and so does an
 * interrupt that is armed to wake. An interrupt without resources is skipped.
 */
#include "kmdf/interrupts.h"

/* ---- callbacks with the interrupt's lock ---- */

FT_FRAMEWORK_ROUTINE
static BOOLEAN NTAPI at_device_level(PVOID context)
{
    struct ft_wdf_locked_call *call = context;

    call->value = ft_wdf_call(call->routine, call->interrupt, call->thunk, call->callback,
                              call->interrupt, call->argument, NULL);
    return TRUE;
}

uint64_t ft_wdf_interrupt_locked(struct ft_wdf_locked_call *call)
{
    struct ft_wdf_interrupt *interrupt = call->interrupt;

    if (ft_wdf_is_passive(interrupt)) {
        WdfWaitLockAcquire(interrupt->wait_lock, NULL);
        at_device_level(call);
        WdfWaitLockRelease(interrupt->wait_lock);
    } else {
        KeSynchronizeExecution(interrupt->connected, at_device_level, call);
    }
    return call->value;
}

bool ft_wdf_is_passive(const struct ft_wdf_interrupt *interrupt)
{
    return interrupt->config.PassiveHandling != FALSE;
}

static uint64_t call_enable(void *callback, void *interrupt, void *device, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_INTERRUPT_ENABLE)callback)(interrupt, device);
}

static NTSTATUS tell(struct ft_wdf_interrupt *interrupt, enum ft_routine routine, void *callback)
{
    struct ft_wdf_locked_call call = {.interrupt = interrupt,
                                      .routine = routine,
                                      .thunk = call_enable,
                                      .callback = callback,
                                      .argument = interrupt->device};

    return callback ? (NTSTATUS)ft_wdf_interrupt_locked(&call) : STATUS_SUCCESS;
}

/* ---- ISR, DPC, work item ---- */

static uint64_t call_isr(void *callback, void *interrupt, void *message, void *unused)
{
    (void)unused;
    return ((PFN_WDF_INTERRUPT_ISR)callback)(interrupt, (ULONG)(uintptr_t)message);
}

static BOOLEAN run_isr(struct ft_wdf_interrupt *interrupt)
{
    return (BOOLEAN)ft_wdf_call(FT_ROUTINE_WDF_ISR, interrupt, call_isr,
                                (void *)interrupt->config.EvtInterruptIsr, interrupt,
                                (void *)(uintptr_t)interrupt->message, NULL);
}

static void report(const struct ft_wdf_interrupt *interrupt, bool active);

/* A passive interrupt: held back at its input until its ISR has run at PASSIVE_LEVEL. */
FT_FRAMEWORK_ROUTINE
static VOID NTAPI passive_work(PDEVICE_OBJECT fdo, PVOID context)
{
    struct ft_wdf_interrupt *interrupt = context;

    (void)fdo;
    if (interrupt->enabled || interrupt->connected) {
        WdfWaitLockAcquire(interrupt->wait_lock, NULL);
        run_isr(interrupt);
        WdfWaitLockRelease(interrupt->wait_lock);
    }
    interrupt->passive_queued = 0;
    if (interrupt->connected)
        report(interrupt, true);
    ft_wake_waiters(interrupt, STATUS_SUCCESS, true);
}

FT_FRAMEWORK_ROUTINE
VOID ft_wdf_interrupt_passive_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_wdf_interrupt *interrupt = context;

    (void)dpc, (void)argument1, (void)argument2;
    IoQueueWorkItem(interrupt->passive_work, passive_work, DelayedWorkQueue, interrupt);
}

FT_FRAMEWORK_ROUTINE
static BOOLEAN NTAPI isr(PKINTERRUPT connected, PVOID context)
{
    struct ft_wdf_interrupt *interrupt = context;

    if (interrupt->connected && interrupt->connected != connected)
        return FALSE;
    if (!ft_wdf_is_passive(interrupt))
        return run_isr(interrupt);
    if (interrupt->passive_queued || !interrupt->connected)
        return TRUE;
    interrupt->passive_queued = 1;
    report(interrupt, false);
    KeInsertQueueDpc(&interrupt->passive_dpc, NULL, NULL);
    return TRUE;
}

static uint64_t call_deferred(void *callback, void *interrupt, void *device, void *unused)
{
    (void)unused;
    ((PFN_WDF_INTERRUPT_DPC)callback)(interrupt, device);
    return 0;
}

static void run_deferred(struct ft_wdf_interrupt *interrupt, enum ft_routine routine,
                         void *callback)
{
    void *lock = interrupt->config.AutomaticSerialization
                     ? ft_wdf_lock_above(interrupt->object.parent)
                     : NULL;

    ft_wdf_lock_take(lock);
    ft_wdf_call(routine, interrupt, call_deferred, callback, interrupt, interrupt->device, NULL);
    ft_wdf_lock_give(lock);
}

FT_FRAMEWORK_ROUTINE
VOID ft_wdf_interrupt_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_wdf_interrupt *interrupt = context;

    (void)dpc, (void)argument1, (void)argument2;
    run_deferred(interrupt, FT_ROUTINE_WDF_INTERRUPT_DPC,
                 (void *)interrupt->config.EvtInterruptDpc);
}

/* May be queued again while it runs. */
FT_FRAMEWORK_ROUTINE
static VOID NTAPI work(PDEVICE_OBJECT fdo, PVOID context)
{
    struct ft_wdf_interrupt *interrupt = context;

    (void)fdo;
    interrupt->work_queued = 0;
    interrupt->work_running++;
    run_deferred(interrupt, FT_ROUTINE_WDF_INTERRUPT_WORK,
                 (void *)interrupt->config.EvtInterruptWorkItem);
    interrupt->work_running--;
    ft_wake_waiters(interrupt, STATUS_SUCCESS, true);
}

FT_FRAMEWORK_ROUTINE
VOID ft_wdf_interrupt_work_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_wdf_interrupt *interrupt = context;

    (void)dpc, (void)argument1, (void)argument2;
    IoQueueWorkItem(interrupt->work, work, DelayedWorkQueue, interrupt);
}

static void flush_deferred(struct ft_wdf_interrupt *interrupt)
{
    KeFlushQueuedDpcs();
    while (interrupt->work_queued || interrupt->work_running || interrupt->passive_queued)
        ft_task_wait(interrupt, 0);
}

/* ---- connecting ---- */

static NTSTATUS connect(struct ft_wdf_interrupt *interrupt)
{
    WDFSPINLOCK lock = interrupt->config.SpinLock;
    IO_CONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    how.FullySpecified.PhysicalDeviceObject = interrupt->device->pdo;
    how.FullySpecified.InterruptObject = &interrupt->connected;
    how.FullySpecified.ServiceRoutine = isr;
    how.FullySpecified.ServiceContext = interrupt;
    how.FullySpecified.SpinLock = lock ? ft_wdf_spin_lock_of(lock) : NULL;
    how.FullySpecified.SynchronizeIrql = interrupt->irql;
    how.FullySpecified.FloatingSave = interrupt->config.FloatingSave;
    how.FullySpecified.ShareVector = interrupt->config.ShareVector == WdfUseDefault
                                         ? interrupt->shared
                                         : interrupt->config.ShareVector == WdfTrue;
    how.FullySpecified.Vector = interrupt->vector;
    how.FullySpecified.Irql = interrupt->irql;
    how.FullySpecified.InterruptMode = interrupt->latched ? Latched : LevelSensitive;
    how.FullySpecified.ProcessorEnableMask = interrupt->affinity;
    return IoConnectInterruptEx(&how);
}

static void report(const struct ft_wdf_interrupt *interrupt, bool active)
{
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    how.ConnectionContext.InterruptObject = interrupt->connected;
    if (active)
        IoReportInterruptActive(&how);
    else
        IoReportInterruptInactive(&how);
}

static void disconnect(struct ft_wdf_interrupt *interrupt)
{
    IO_DISCONNECT_INTERRUPT_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    how.ConnectionContext.InterruptObject = interrupt->connected;
    interrupt->inactive = 0;
    IoDisconnectInterruptEx(&how);
    interrupt->connected = NULL;
}

/* The hardware may interrupt as soon as this has connected; it is told to by EvtInterruptEnable. */
NTSTATUS ft_wdf_interrupt_up(struct ft_wdf_interrupt *interrupt, bool explicit_)
{
    NTSTATUS status = STATUS_SUCCESS;

    (void)explicit_;
    if (interrupt->vector == 0 || interrupt->forced_off)
        return status;
    if (!interrupt->connected)
        status = connect(interrupt);
    else if (interrupt->inactive)
        report(interrupt, true);
    if (!NT_SUCCESS(status))
        return status;
    interrupt->inactive = 0;
    if (interrupt->enabled) /* it stayed so, armed to wake */
        return status;
    interrupt->enabled = 1;
    status = tell(interrupt, FT_ROUTINE_WDF_INTERRUPT_ENABLE,
                  (void *)interrupt->config.EvtInterruptEnable);
    interrupt->enabled = NT_SUCCESS(status);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return status;
}

static bool stays(const struct ft_wdf_interrupt *interrupt)
{
    return !(interrupt->device->fdo->Flags & DO_POWER_PAGABLE);
}

NTSTATUS ft_wdf_interrupt_down(struct ft_wdf_interrupt *interrupt, enum ft_wdf_down how)
{
    const struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(interrupt->device);
    bool wakes = interrupt->config.CanWakeDevice && pnp->policy.armed;
    NTSTATUS status = STATUS_SUCCESS;

    if (!interrupt->connected || (how == FT_WDF_DOWN_EXPLICIT && wakes))
        return status;
    if (interrupt->enabled && how != FT_WDF_DOWN_SURPRISE)
        status = tell(interrupt, FT_ROUTINE_WDF_INTERRUPT_DISABLE,
                      (void *)interrupt->config.EvtInterruptDisable);
    interrupt->enabled = 0;
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    flush_deferred(interrupt);
    if (how == FT_WDF_DOWN_EXPLICIT && stays(interrupt))
        return status;
    if (how == FT_WDF_DOWN_EXPLICIT && interrupt->config.ReportInactiveOnPowerDown == WdfTrue) {
        report(interrupt, false);
        interrupt->inactive = 1;
        return status;
    }
    disconnect(interrupt);
    flush_deferred(interrupt); /* of an ISR that came in between */
    return status;
}

NTSTATUS ft_wdf_interrupts_up(struct ft_wdf_device *device, bool explicit_)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_first_interrupt(device);
    NTSTATUS status = STATUS_SUCCESS;

    for (; interrupt && NT_SUCCESS(status); interrupt = interrupt->next)
        status = ft_wdf_interrupt_up(interrupt, explicit_);
    return status;
}

static struct ft_wdf_interrupt *last_interrupt(const struct ft_wdf_device *device)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_first_interrupt(device);

    while (interrupt && interrupt->next)
        interrupt = interrupt->next;
    return interrupt;
}

NTSTATUS ft_wdf_interrupts_down(struct ft_wdf_device *device, enum ft_wdf_down how)
{
    struct ft_wdf_interrupt *interrupt = last_interrupt(device);
    NTSTATUS first = STATUS_SUCCESS;

    for (; interrupt; interrupt = interrupt->previous) {
        NTSTATUS status = ft_wdf_interrupt_down(interrupt, how);

        if (NT_SUCCESS(first))
            first = status;
    }
    return first;
}

/* ---- resources ---- */

void ft_wdf_interrupt_resources(struct ft_wdf_interrupt *interrupt,
                                const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw,
                                const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG message)
{
    interrupt->message_signaled = (translated->Flags & CM_RESOURCE_INTERRUPT_MESSAGE) != 0;
    interrupt->latched = (translated->Flags & CM_RESOURCE_INTERRUPT_LATCHED) != 0;
    interrupt->shared = translated->ShareDisposition == CmResourceShareShared;
    interrupt->message = interrupt->message_signaled ? message : 0;
    (void)raw;
    if (interrupt->message_signaled) {
        interrupt->vector = translated->u.MessageInterrupt.Translated.Vector;
        interrupt->irql = (KIRQL)translated->u.MessageInterrupt.Translated.Level;
        interrupt->affinity = (ULONG)translated->u.MessageInterrupt.Translated.Affinity;
    } else {
        interrupt->vector = translated->u.Interrupt.Vector;
        interrupt->irql = (KIRQL)translated->u.Interrupt.Level;
        interrupt->affinity = (ULONG)translated->u.Interrupt.Affinity;
    }
}

/* The interrupts made in EvtDriverDeviceAdd get the interrupt resources in order. */
void ft_wdf_interrupts_assign(struct ft_wdf_device *device, const struct ft_wdf_resources *raw,
                              const struct ft_wdf_resources *translated)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_first_interrupt(device);
    ULONG message = 0;

    for (ULONG i = 0; i < translated->count && interrupt; i++) {
        if (translated->part[i].Type != CmResourceTypeInterrupt)
            continue;
        ft_wdf_interrupt_resources(interrupt, &raw->part[i], &translated->part[i], message++);
        interrupt = interrupt->next;
    }
}

/* Those made in EvtDevicePrepareHardware go, the last one first; the others lose what they had. */
void ft_wdf_interrupts_revoke(struct ft_wdf_device *device)
{
    struct ft_wdf_interrupt *interrupt = last_interrupt(device), *previous;

    for (; interrupt; interrupt = previous) {
        previous = interrupt->previous;
        if (interrupt->of_prepare)
            ft_wdf_object_delete(&interrupt->object);
        else
            interrupt->vector = 0;
    }
}
