/* Dispatcher objects: what a thread can wait for (events, mutexes, semaphores, threads, timers).
 *
 * Each begins with a DISPATCHER_HEADER, in memory of the driver or in a block. Type tells what it
 * is, SignalState whether a wait may end. Whoever changes SignalState for the better calls
 * ft_dispatcher_signal, which ends the waits that can end now, in the order in which they began,
 * and takes the signal for them.
 */
#ifndef FT_KERNEL_DISPATCHER_H
#define FT_KERNEL_DISPATCHER_H

#include "kernel/memory_kind.h"
#include "world/machine.h"

#include <wdm.h>

enum ft_dispatcher_type {
    FT_DT_NOTIFICATION_EVENT = 0,
    FT_DT_SYNCHRONIZATION_EVENT = 1,
    FT_DT_MUTEX = 2,
    FT_DT_SEMAPHORE = 5,
    FT_DT_THREAD = 6,
    FT_DT_TIMER = 8,
    FT_DT_SYNCHRONIZATION_TIMER = 9
};

/* What a waiting task waits for; lies on its stack. */
struct ft_wait {
    DISPATCHER_HEADER *const *object;
    unsigned count;
    bool all;
};

void ft_dispatcher_signal(DISPATCHER_HEADER *header);
uint64_t ft_dispatcher_handle(const void *object);

/* ft_task_wait for what a driver waits for: bug check 0xB8 at DISPATCH_LEVEL or above. */
int32_t ft_block_on(void *object, uint64_t deadline);

/* Absolute time of a time-out, never 0: negative values are relative. */
uint64_t ft_deadline_of(int64_t timeout);

/* ---- mutexes.c ---- */

bool ft_mutex_can_take(const KMUTANT *mutex, const struct ft_task *task);
void ft_mutex_take(KMUTANT *mutex, struct ft_task *task);

/* ---- threads.c ---- */

/* The task's thread object; the running task's when NULL. */
PKTHREAD ft_thread_of(struct ft_task *task);

/* ---- regions.c ---- */

/* Critical (or guarded) regions of the running task, without events. */
void ft_region_enter(bool guarded);
void ft_region_leave(bool guarded);
bool ft_apcs_off(const struct ft_task *task); /* normal kernel APCs cannot come */

#endif
