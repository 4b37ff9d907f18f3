/* Waits (wdm-io sheet, section 10).
 *
 * Not modelled: alertable and user-mode waits end only by signal or time-out. A wait that blocks at
 * DISPATCH_LEVEL is bug check 0xB8. Waits for files, processes and queues stop the run by name.
 */
#include "kernel/dispatcher.h"

enum {
    BUGCHECK_MAXIMUM_WAIT_OBJECTS = 0x0C,
    BUGCHECK_SWITCH_FROM_DPC = 0xB8,
    IRQL_DISPATCH = DISPATCH_LEVEL
};

/* ---- what an object's signal means ---- */

static enum ft_handle_class class_of(const DISPATCHER_HEADER *header)
{
    switch (header->Type) {
    case FT_DT_NOTIFICATION_EVENT:
    case FT_DT_SYNCHRONIZATION_EVENT:
        return FT_HC_EVENT;
    case FT_DT_MUTEX:
        return FT_HC_MUTEX;
    case FT_DT_SEMAPHORE:
        return FT_HC_SEMAPHORE;
    case FT_DT_THREAD:
        return FT_HC_THREAD;
    case FT_DT_TIMER:
    case FT_DT_SYNCHRONIZATION_TIMER:
        return FT_HC_TIMER;
    default:
        ft_unimplemented("a wait for this kind of object");
    }
}

/* Objects that the shim made are blocks and have a handle from there; the others are known by their
 * address. */
uint64_t ft_dispatcher_handle(const void *object)
{
    enum ft_handle_class class_ = class_of(object);
    uint64_t handle = ft_block_handle(object);

    return ft_handle_class(handle) == class_ ? handle : ft_object_handle(object, class_);
}

static bool can_take(const DISPATCHER_HEADER *header, const struct ft_task *task)
{
    if (header->Type == FT_DT_MUTEX)
        return ft_mutex_can_take((const KMUTANT *)header, task);
    return header->SignalState > 0;
}

static void take(DISPATCHER_HEADER *header, struct ft_task *task)
{
    switch (header->Type) {
    case FT_DT_MUTEX:
        ft_mutex_take((KMUTANT *)header, task);
        break;
    case FT_DT_SEMAPHORE:
        header->SignalState--;
        break;
    case FT_DT_SYNCHRONIZATION_EVENT:
    case FT_DT_SYNCHRONIZATION_TIMER:
        header->SignalState = 0;
        break;
    default:
        break;
    }
}

/* Ends the wait if it can end now: takes what it asks for and gives the status of its end. */
static bool satisfy(const struct ft_wait *wait, struct ft_task *task, int32_t *status)
{
    unsigned ready = 0;

    for (unsigned i = 0; i < wait->count; i++) {
        if (!can_take(wait->object[i], task))
            continue;
        ready++;
        if (!wait->all) {
            take(wait->object[i], task);
            *status = STATUS_WAIT_0 + (int32_t)i;
            return true;
        }
    }
    if (!wait->all || ready < wait->count)
        return false;
    for (unsigned i = 0; i < wait->count; i++)
        take(wait->object[i], task);
    *status = STATUS_SUCCESS;
    return true;
}

static bool waits_for(const struct ft_task *task, const DISPATCHER_HEADER *header)
{
    if (task->state != FT_TS_WAIT || !task->wait)
        return false;
    for (unsigned i = 0; i < task->wait->count; i++)
        if (task->wait->object[i] == header)
            return true;
    return false;
}

/* The task that has waited longest for the object, of those that began after `after`. */
static struct ft_task *next_waiter(const DISPATCHER_HEADER *header, const struct ft_task *after)
{
    struct ft_task *next = NULL;

    for (uint32_t left = FT_ALL_TASKS; left;) {
        struct ft_task *task = ft_next_task(&left);

        if (waits_for(task, header) && (!after || task->waited > after->waited) &&
            (!next || task->waited < next->waited))
            next = task;
    }
    return next;
}

void ft_dispatcher_signal(DISPATCHER_HEADER *header)
{
    struct ft_task *task = NULL;

    while ((task = next_waiter(header, task)) != NULL) {
        int32_t status;

        if (satisfy(task->wait, task, &status))
            ft_task_wake(task, status);
    }
}

/* ---- waiting ---- */

uint64_t ft_deadline_of(int64_t timeout)
{
    uint64_t at = timeout < 0 ? FT_M->now + (0 - (uint64_t)timeout) : (uint64_t)timeout;

    return at ? at : 1;
}

int32_t ft_block_on(void *object, uint64_t deadline)
{
    if (ft_irql() >= IRQL_DISPATCH)
        ft_bugcheck(BUGCHECK_SWITCH_FROM_DPC, 0, 0, 0, 0);
    return ft_task_wait(object, deadline);
}

static NTSTATUS wait_for(const struct ft_wait *wait, const LARGE_INTEGER *timeout)
{
    struct ft_task *task = ft_current();
    int32_t status;

    if (satisfy(wait, task, &status))
        return status;
    if (timeout && timeout->QuadPart == 0)
        return STATUS_TIMEOUT;
    task->wait = wait;
    status = ft_block_on(wait->count == 1 ? (void *)wait->object[0] : (void *)wait->object,
                         timeout ? ft_deadline_of(timeout->QuadPart) : 0);
    task->wait = NULL;
    return status;
}

static bool can_block(const LARGE_INTEGER *timeout)
{
    return !timeout || timeout->QuadPart != 0;
}

/* Wait FALSE and TRUE of KeSetEvent and peers are one here: no other task runs between the signal
 * and the wait that follows but at a point, where on Windows an interrupt may come in between too.
 */
NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                               BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    DISPATCHER_HEADER *header = Object;
    struct ft_wait wait = {&header, 1, false};
    uint64_t handle;
    NTSTATUS status;

    (void)WaitReason;
    (void)Alertable;
    FT_DDI_BEGIN(WAIT, 0);
    handle = ft_dispatcher_handle(Object);
    ft_emit(FT_EV_WAIT_BEGIN, handle, can_block(Timeout), WaitMode == UserMode,
            ft_memory_kind(Object));
    status = wait_for(&wait, Timeout);
    ft_emit(FT_EV_WAIT_END, handle, (uint32_t)status);
    FT_DDI_END(WAIT, 0);
    return status;
}

/* A stack object among them makes the whole wait one for a stack object. */
static unsigned announce(const struct ft_wait *wait)
{
    unsigned memory = FT_MEMORY_UNKNOWN;

    for (unsigned i = 0; i < wait->count; i++) {
        unsigned kind = ft_memory_kind(wait->object[i]);

        ft_emit(FT_EV_WAIT_OBJECT, ft_dispatcher_handle(wait->object[i]), i, wait->count,
                wait->all);
        if (i == 0 || kind == FT_MEMORY_STACK)
            memory = kind;
    }
    return memory;
}

/* The wait blocks are the driver's to give and the kernel's to use; this machine needs none, so
 * they stay as they were. */
NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                  KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                  BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray)
{
    struct ft_wait wait = {(DISPATCHER_HEADER *const *)Object, Count, WaitType == WaitAll};
    unsigned memory;
    NTSTATUS status;

    (void)WaitReason;
    (void)Alertable;
    FT_DDI_BEGIN(WAIT, 0);
    if (Count > (WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS))
        ft_bugcheck(BUGCHECK_MAXIMUM_WAIT_OBJECTS, 0, 0, 0, 0);
    memory = announce(&wait);
    ft_emit(FT_EV_WAIT_BEGIN, 0, can_block(Timeout), WaitMode == UserMode, memory);
    status = wait_for(&wait, Timeout);
    ft_emit(FT_EV_WAIT_END, 0, (uint32_t)status);
    FT_DDI_END(WAIT, 0);
    return status;
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                                PLARGE_INTEGER Interval)
{
    (void)WaitMode;
    (void)Alertable;
    FT_DDI_BEGIN(WAIT, 0);
    ft_emit(FT_EV_DELAY, Interval->QuadPart < 0 ? 0 - (uint64_t)Interval->QuadPart
                                                : (uint64_t)Interval->QuadPart);
    ft_block_on(ft_current(), ft_deadline_of(Interval->QuadPart));
    FT_DDI_END(WAIT, 0);
    return STATUS_SUCCESS;
}
