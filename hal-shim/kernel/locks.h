/* Spin locks, for the layers that own one (cancel lock, interrupt locks). The word holds 0 when
 * free, else the id of the task that holds it, so a waiting task's `*(uint64_t *)wait_object == 0`
 * says that it may step. No points, no IRQL: the DDIs add those. */
#ifndef FT_KERNEL_LOCKS_H
#define FT_KERNEL_LOCKS_H

#include "world/machine.h"

/* Takes the lock for the running task; blocks while another (or the same: a deadlock) holds it,
 * with event lock:wait. */
void ft_lock_take(uint64_t *lock, uint64_t handle);

/* Gives it back and returns the handle of the task that held it, 0 when nobody did. Counts for the
 * running task. */
uint64_t ft_lock_give(uint64_t *lock);

/* The same, but those that wait get the lock in the order in which they came. */
void ft_lock_take_queued(uint64_t *lock, uint64_t handle);
uint64_t ft_lock_give_queued(uint64_t *lock);

/* The task that holds it, as a handle, 0 when free. */
uint64_t ft_lock_owner(const uint64_t *lock);

#endif
