/* The one order of steps. It belongs to FT_MODEL_NUMBER: whoever changes it changes the model.
 *
 * The running task keeps running until it ends or blocks. Then the first task that may step runs,
 * in this order of kinds; within a kind those that began before, in the order of their creation,
 * then those that wait to begin, in the order of their request:
 *
 *     ISR, DPC, engine, timer, work item, thread, clock.
 *
 * The clock steps only when nothing else may. Only ops deviate: an op that strikes makes the
 * running task stop at its point, and the task that the op names (or began) goes next; afterwards
 * the order above holds again.
 *
 * A task may step when a processor can take it:
 *   - a task at DISPATCH_LEVEL or above stays on its processor and steps only while it is the
 * topmost there;
 *   - an ISR needs a processor below its DIRQL, and its interrupt lock free;
 *   - a DPC needs the processor it was queued on, below DISPATCH_LEVEL;
 *   - timers, work items and threads need a processor on which nothing at DISPATCH_LEVEL or above
 * is active, and that their affinity allows;
 *   - the lowest-numbered processor that fits is taken; the engine and the clock need none;
 *   - a task that spins needs its lock free.
 */
#ifndef FT_WORLD_ORDER_H
#define FT_WORLD_ORDER_H

#include "sim/event.h"

static const unsigned char ft_step_order[] = {FT_TASK_ISR,   FT_TASK_DPC,  FT_TASK_ENGINE,
                                              FT_TASK_TIMER, FT_TASK_WORK, FT_TASK_THREAD,
                                              FT_TASK_CLOCK};

#endif
