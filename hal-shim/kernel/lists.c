/* Lists that the kernel guards: under a spin lock of the caller's
 * (nf-wdm-exinterlockedinsertheadlist and peers), or sequenced (nf-wdm-exinterlockedpushentryslist
 * and peers).
 *
 * Each operation is one point, then one indivisible step at HIGH_LEVEL. The lock is only looked at:
 * it is free unless the driver, against the rules, takes it in the ordinary way too; then the
 * operation waits for it, as on Windows.
 */
#include "kernel/locks.h"

#include <wdm.h>

static KIRQL enter(PKSPIN_LOCK lock)
{
    KIRQL old = (KIRQL)ft_irql();

    ft_point(FT_PT_INTERLOCKED, 0);
    ft_irql_set(HIGH_LEVEL);
    ft_lock_take((uint64_t *)lock, ft_object_handle(lock, FT_HC_LOCK));
    return old;
}

static void leave(PKSPIN_LOCK lock, KIRQL old)
{
    ft_lock_give((uint64_t *)lock);
    ft_irql_set(old);
}

/* The entry that was first. NULL: the list was empty. */
PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                        PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY first = IsListEmpty(ListHead) ? NULL : ListHead->Flink;

    InsertHeadList(ListHead, ListEntry);
    leave(Lock, old);
    return first;
}

/* The entry that was last. NULL: the list was empty. */
PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                        PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY last = IsListEmpty(ListHead) ? NULL : ListHead->Blink;

    InsertTailList(ListHead, ListEntry);
    leave(Lock, old);
    return last;
}

PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PLIST_ENTRY first = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);

    leave(Lock, old);
    return first;
}

PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    if (first)
        ListHead->Next = first->Next;
    leave(Lock, old);
    return first;
}

PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                              PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;

    ListEntry->Next = first;
    ListHead->Next = ListEntry;
    leave(Lock, old);
    return first;
}

/* The value before. */
ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    ULONG value = *Addend;

    *Addend = value + Increment;
    leave(Lock, old);
    return value;
}

LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                           PKSPIN_LOCK Lock)
{
    KIRQL old = enter(Lock);
    LARGE_INTEGER value = *Addend;

    Addend->QuadPart = (LONGLONG)((ULONGLONG)value.QuadPart + (ULONGLONG)Increment.QuadPart);
    leave(Lock, old);
    return value;
}

/* ---- sequenced lists ---- */

static PSLIST_ENTRY first_of(const SLIST_HEADER *head)
{
    return (PSLIST_ENTRY)(uintptr_t)(head->HeaderX64.NextEntry << 4);
}

static void set_first(PSLIST_HEADER head, const SLIST_ENTRY *entry)
{
    head->HeaderX64.NextEntry = (uintptr_t)entry >> 4;
    head->HeaderX64.Sequence++;
}

/* Raises STATUS_DATATYPE_MISALIGNMENT unless the header is aligned to 16. */
VOID InitializeSListHead(PSLIST_HEADER SListHead)
{
    ft_point(FT_PT_INTERLOCKED, 0);
    if ((uintptr_t)SListHead % 16 != 0)
        ExRaiseDatatypeMisalignment();
    SListHead->Alignment = 0;
    SListHead->Region = 0;
}

PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    PSLIST_ENTRY first;

    ft_point(FT_PT_INTERLOCKED, 0);
    first = first_of(ListHead);
    ListEntry->Next = first;
    set_first(ListHead, ListEntry);
    ListHead->HeaderX64.Depth++;
    return first;
}

PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead)
{
    PSLIST_ENTRY first;

    ft_point(FT_PT_INTERLOCKED, 0);
    first = first_of(ListHead);
    if (first) {
        set_first(ListHead, first->Next);
        ListHead->HeaderX64.Depth--;
    }
    return first;
}

PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    PSLIST_ENTRY first;

    ft_point(FT_PT_INTERLOCKED, 0);
    first = first_of(ListHead);
    set_first(ListHead, NULL);
    ListHead->HeaderX64.Depth = 0;
    return first;
}

USHORT ExQueryDepthSList(PSLIST_HEADER SListHead)
{
    return (USHORT)SListHead->HeaderX64.Depth;
}
