/* Locks: spin locks, wait locks, and the callback locks of devices and queues.
 *
 * A spin lock raises to DISPATCH_LEVEL and keeps the caller's level in itself. A wait lock keeps
 * the thread in a critical region until it is released. The callback lock of an object is there
 * when the object has a synchronization scope; the framework holds it around the callbacks of the
 * scope.
 */
#ifndef _WDFSYNC_H_
#define _WDFSYNC_H_

#include "wdfobject.h"

EXTERN_C_START

/* <= DISPATCH_LEVEL. */
VOID WdfObjectAcquireLock(WDFOBJECT Object);
VOID WdfObjectReleaseLock(WDFOBJECT Object);

NTSTATUS WdfSpinLockCreate(PWDF_OBJECT_ATTRIBUTES SpinLockAttributes, WDFSPINLOCK *SpinLock);
VOID WdfSpinLockAcquire(WDFSPINLOCK SpinLock);
VOID WdfSpinLockRelease(WDFSPINLOCK SpinLock); /* DISPATCH_LEVEL */

/* PASSIVE_LEVEL, or <= DISPATCH_LEVEL with a time-out of zero. STATUS_TIMEOUT, a success code, says
 * that the lock was not acquired. Timeout: in 100 ns, relative when negative; NULL: for ever. */
NTSTATUS WdfWaitLockCreate(PWDF_OBJECT_ATTRIBUTES LockAttributes, WDFWAITLOCK *Lock);
NTSTATUS WdfWaitLockAcquire(WDFWAITLOCK Lock, PLONGLONG Timeout);
VOID WdfWaitLockRelease(WDFWAITLOCK Lock);

EXTERN_C_END

#endif
