/* Between dpc.c and timers.c. */
#ifndef FT_KERNEL_DPC_H
#define FT_KERNEL_DPC_H

#include "kernel/dispatcher.h"

/* Begins the task of a DPC that has left its queue. kind: FT_TASK_DPC or FT_TASK_TIMER. queued:
 * when it was queued, in the count of task orders. */
void ft_dpc_begin(unsigned kind, const struct ft_dpc_entry *entry);

/* KeSetTimerEx and KeCancelTimer without their points and events, for timers in other guises.
 * Period in 100 ns. They return whether the timer was set. */
bool ft_timer_set(PKTIMER timer, int64_t due, uint64_t period, PKDPC dpc, uint64_t *absolute);
bool ft_timer_cancel(PKTIMER timer);
bool ft_timer_is_set(const KTIMER *timer);
/* A DPC is queued, waits behind its timer, or runs in another task. */
bool ft_dpc_is_busy(const KDPC *dpc);
/* Wakes whenever a DPC has ended. */
void ft_dpc_wait_any(void);

#endif
