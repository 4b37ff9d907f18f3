/* Between dpc.c and timers.c: begins the task of a DPC that has left its queue. kind: FT_TASK_DPC
 * or FT_TASK_TIMER. */
#ifndef FT_KERNEL_DPC_H
#define FT_KERNEL_DPC_H

void ft_dpc_begin(void *dpc, unsigned kind, unsigned cpu);

#endif
