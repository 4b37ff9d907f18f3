/* Mutexes and semaphores (nf-wdm-keinitializemutex and peers).
 *
 * SignalState of a mutex: 1 free, else 1 minus how often its owner has it. Its owner is in a
 * critical region. A thread that ends while it owns one stops the machine with bug check 0x4000008A
 * (THREAD_TERMINATE_HELD_MUTEX); so a wait never ends as STATUS_ABANDONED here: that is for mutants
 * of user programs. Not modelled: levels and priority increments.
 */
#include "kernel/dispatcher.h"

bool ft_mutex_can_take(const KMUTANT *mutex, const struct ft_task *task)
{
    return mutex->Header.SignalState > 0 ||
           (mutex->OwnerThread && mutex->OwnerThread == (PKTHREAD)task->thread);
}

void ft_mutex_take(KMUTANT *mutex, struct ft_task *task)
{
    mutex->Header.SignalState--;
    if (mutex->Header.SignalState < 0)
        return;
    mutex->OwnerThread = ft_thread_of(task);
    task->mutexes++;
    task->critical = (int8_t)(task->critical + mutex->ApcDisable);
}

VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    (void)Level;
    FT_DDI_BEGIN(MUTEX, 0);
    RtlZeroMemory(Mutex, sizeof *Mutex);
    Mutex->Header.Type = FT_DT_MUTEX;
    Mutex->Header.SignalState = 1;
    Mutex->ApcDisable = 1;
    ft_emit(FT_EV_OBJECT_INIT, ft_object_register(Mutex, FT_HC_MUTEX), 1, 1, ft_memory_kind(Mutex));
    FT_DDI_END(MUTEX, 0);
}

static LONG release_mutex(PRKMUTEX mutex)
{
    struct ft_task *task = ft_current();
    bool by_owner = mutex->OwnerThread && mutex->OwnerThread == (PKTHREAD)task->thread;
    LONG previous = mutex->Header.SignalState;

    ft_emit(FT_EV_OBJECT_RELEASE, ft_dispatcher_handle(mutex), (uint32_t)previous, by_owner);
    if (!by_owner)
        return previous;
    mutex->Header.SignalState++;
    if (mutex->Header.SignalState < 1)
        return previous;
    mutex->OwnerThread = NULL;
    task->mutexes--;
    task->critical = (int8_t)(task->critical - mutex->ApcDisable);
    ft_dispatcher_signal(&mutex->Header);
    return previous;
}

/* Raises STATUS_MUTANT_NOT_OWNED when another thread, or none, owns it. */
LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    bool owned;
    LONG previous;

    (void)Wait;
    FT_DDI_BEGIN(MUTEX, 0);
    owned = Mutex->OwnerThread && Mutex->OwnerThread == (PKTHREAD)ft_current()->thread;
    previous = release_mutex(Mutex);
    FT_DDI_END(MUTEX, 0);
    if (!owned)
        ExRaiseStatus(STATUS_MUTANT_NOT_OWNED);
    return previous;
}

LONG KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}

VOID KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    FT_DDI_BEGIN(MUTEX, 0);
    RtlZeroMemory(Semaphore, sizeof *Semaphore);
    Semaphore->Header.Type = FT_DT_SEMAPHORE;
    Semaphore->Header.SignalState = Count;
    Semaphore->Limit = Limit;
    ft_emit(FT_EV_OBJECT_INIT, ft_object_register(Semaphore, FT_HC_SEMAPHORE), (uint32_t)Count,
            (uint32_t)Limit, ft_memory_kind(Semaphore));
    FT_DDI_END(MUTEX, 0);
}

/* Raises STATUS_SEMAPHORE_LIMIT_EXCEEDED, and changes nothing, when the count would exceed the
 * limit or would shrink. */
LONG KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait)
{
    LONGLONG count;
    LONG previous;
    bool fits;

    (void)Increment;
    (void)Wait;
    FT_DDI_BEGIN(MUTEX, 0);
    previous = Semaphore->Header.SignalState;
    count = (LONGLONG)previous + Adjustment;
    fits = Adjustment >= 0 && count <= Semaphore->Limit;
    ft_emit(FT_EV_OBJECT_RELEASE, ft_dispatcher_handle(Semaphore), (uint32_t)previous, true);
    if (fits) {
        Semaphore->Header.SignalState = (LONG)count;
        ft_dispatcher_signal(&Semaphore->Header);
    }
    FT_DDI_END(MUTEX, 0);
    if (!fits)
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    return previous;
}

LONG KeReadStateSemaphore(PRKSEMAPHORE Semaphore)
{
    return Semaphore->Header.SignalState;
}
