/* Remove locks (wdm-io sheet, section 5).
 *
 * IoCount starts at 1. ReleaseAndWait gives back the caller's acquisition and that first one, and
 * waits for the rest. Afterwards every acquisition fails for ever.
 *
 * Not modelled: the checked build's tracking of tags and times; tags are arguments of the events,
 * and rules match them.
 */
#include "io/io_private.h"

static uint64_t lock_handle(PIO_REMOVE_LOCK lock)
{
    return ft_object_handle(lock, FT_HC_REMOVE_LOCK);
}

VOID IoInitializeRemoveLockEx(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes,
                              ULONG HighWatermark, ULONG RemlockSize)
{
    (void)AllocateTag;
    (void)MaxLockedMinutes;
    (void)HighWatermark;
    FT_DDI_BEGIN(RL_ACQUIRE, 0);
    RtlZeroMemory(Lock, RemlockSize);
    Lock->Common.IoCount = 1;
    InitializeListHead(&Lock->Common.RemoveEvent.Header.WaitListHead);
    ft_emit(FT_EV_RL_INIT, ft_object_register(Lock, FT_HC_REMOVE_LOCK));
    FT_DDI_END(RL_ACQUIRE, 0);
}

static LONG drop(PIO_REMOVE_LOCK lock)
{
    LONG count = --lock->Common.IoCount;

    if (count == 0) {
        lock->Common.RemoveEvent.Header.SignalState = 1;
        ft_wake_waiters(lock, STATUS_SUCCESS, true);
    }
    return count;
}

NTSTATUS IoAcquireRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, PCSTR File, ULONG Line,
                               ULONG RemlockSize)
{
    unsigned label = ft_label_of(Tag);
    NTSTATUS status = STATUS_SUCCESS;

    (void)File;
    (void)Line;
    (void)RemlockSize;
    FT_DDI_BEGIN(RL_ACQUIRE, label);
    RemoveLock->Common.IoCount++;
    if (RemoveLock->Common.Removed) {
        drop(RemoveLock);
        status = STATUS_DELETE_PENDING;
    }
    ft_emit(FT_EV_RL_ACQUIRE, lock_handle(RemoveLock), ft_handle_of(Tag), (uint32_t)status);
    FT_DDI_END(RL_ACQUIRE, label);
    return status;
}

/* The count in the event is what is left, as an unsigned number: a release too many shows as a huge
 * one. */
VOID IoReleaseRemoveLockEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    unsigned label = ft_label_of(Tag);
    LONG count;

    (void)RemlockSize;
    FT_DDI_BEGIN(RL_RELEASE, label);
    count = drop(RemoveLock);
    ft_emit(FT_EV_RL_RELEASE, lock_handle(RemoveLock), ft_handle_of(Tag), (uint32_t)count);
    FT_DDI_END(RL_RELEASE, label);
}

VOID IoReleaseRemoveLockAndWaitEx(PIO_REMOVE_LOCK RemoveLock, PVOID Tag, ULONG RemlockSize)
{
    unsigned label = ft_label_of(Tag);

    (void)RemlockSize;
    FT_DDI_BEGIN(RL_RELEASE, label);
    RemoveLock->Common.Removed = TRUE;
    drop(RemoveLock);
    drop(RemoveLock);
    ft_emit(FT_EV_RL_WAIT, lock_handle(RemoveLock), ft_handle_of(Tag),
            (uint32_t)RemoveLock->Common.IoCount);
    while (RemoveLock->Common.IoCount > 0)
        ft_task_wait(RemoveLock, 0);
    FT_DDI_END(RL_RELEASE, label);
}
