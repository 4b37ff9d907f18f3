/* Lookaside lists in their three forms (wdm.h; wdm-io sheet, section 12).
 *
 * A list keeps nothing: every entry comes from the allocate routine, or pool, and goes back there
 * at once, so that guards and freed fill see each use after free. That is a list of depth 0, which
 * Windows may have at any time. The counters are kept as the structure shows them.
 */
#include "kernel/pool.h"
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

/* The three forms begin alike. */
_Static_assert(offsetof(GENERAL_LOOKASIDE, Free) == offsetof(GENERAL_LOOKASIDE_POOL, Free),
               "one layout for all lookaside lists");

/* The others are padded; this is what all have. */
#define LIST(lookaside) ((GENERAL_LOOKASIDE_POOL *)&(lookaside)->L)

/* ---- the driver's own routines ---- */

static uint64_t thunk_allocate(void *a, void *b, void *c, void *d)
{
    GENERAL_LOOKASIDE_POOL *list = a;

    (void)b, (void)c, (void)d;
    return (uintptr_t)list->Allocate(list->Type, list->Size, list->Tag);
}

static uint64_t thunk_allocate_ex(void *a, void *b, void *c, void *d)
{
    GENERAL_LOOKASIDE_POOL *list = a;
    PALLOCATE_FUNCTION_EX routine = (PALLOCATE_FUNCTION_EX)(PVOID)list->Allocate;

    (void)b, (void)c, (void)d;
    return (uintptr_t)routine(list->Type, list->Size, list->Tag, a);
}

static uint64_t thunk_free(void *a, void *b, void *c, void *d)
{
    (void)c, (void)d;
    ((GENERAL_LOOKASIDE_POOL *)a)->Free(b);
    return 0;
}

static uint64_t thunk_free_ex(void *a, void *b, void *c, void *d)
{
    PFREE_FUNCTION_EX routine = (PFREE_FUNCTION_EX)(PVOID)((GENERAL_LOOKASIDE_POOL *)a)->Free;

    (void)c, (void)d;
    routine(b, a);
    return 0;
}

static uint64_t handle_of(const void *list)
{
    return ft_object_handle(list, FT_HC_LOOKASIDE);
}

enum { CODE_ALLOCATE = 1, CODE_FREE = 2 };

static PVOID call_allocate(GENERAL_LOOKASIDE_POOL *list, ft_thunk *thunk)
{
    return (PVOID)(uintptr_t)ft_call_driver_routine(
        FT_ROUTINE_LOOKASIDE, handle_of(list), CODE_ALLOCATE, 0, thunk, list, NULL, NULL, NULL);
}

/* ---- what all forms do ---- */

static void initialize(GENERAL_LOOKASIDE_POOL *list, PVOID allocate, PVOID release, unsigned type,
                       SIZE_T size, ULONG tag, void *caller)
{
    uint64_t handle;

    ft_ddi_begin(FT_PT_LOOKASIDE, 0, caller);
    memset(list, 0, sizeof *list);
    list->Type = (POOL_TYPE)type;
    list->Size = (ULONG)size;
    list->Tag = tag;
    list->Allocate = (PALLOCATE_FUNCTION)allocate;
    list->Free = (PFREE_FUNCTION)release;
    handle = ft_object_register(list, FT_HC_LOOKASIDE);
    ft_emit(FT_EV_LOOKASIDE_INIT, handle, size, tag, (type & PagedPool) != 0);
    FT_DDI_END(LOOKASIDE, 0);
}

static void forget(GENERAL_LOOKASIDE_POOL *list, void *caller)
{
    ft_ddi_begin(FT_PT_LOOKASIDE, 0, caller);
    ft_emit(FT_EV_LOOKASIDE_DELETE, handle_of(list), list->TotalAllocates - list->TotalFrees,
            (list->Type & PagedPool) != 0);
    FT_DDI_END(LOOKASIDE, 0);
}

static PVOID from_pool(const GENERAL_LOOKASIDE_POOL *list)
{
    struct ft_pool_want want = {
        .bytes = list->Size, .tag = list->Tag, .memory = ft_pool_memory_of((unsigned)list->Type)};

    return ft_pool_take(&want);
}

static PVOID take(GENERAL_LOOKASIDE_POOL *list, ft_thunk *thunk, void *caller)
{
    PVOID entry;

    ft_ddi_begin(FT_PT_LOOKASIDE, 0, caller);
    entry = list->Allocate ? call_allocate(list, thunk) : from_pool(list);
    if (entry) {
        list->TotalAllocates++;
        list->AllocateMisses++;
    }
    FT_DDI_END(LOOKASIDE, 0);
    if (!entry && (list->Type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return entry;
}

static void give(GENERAL_LOOKASIDE_POOL *list, PVOID entry, ft_thunk *thunk, void *caller)
{
    ft_ddi_begin(FT_PT_LOOKASIDE, 0, caller);
    list->TotalFrees++;
    list->FreeMisses++;
    if (list->Free)
        ft_call_driver_routine(FT_ROUTINE_LOOKASIDE, handle_of(list), CODE_FREE, 0, thunk, list,
                               entry, NULL, NULL);
    else
        ft_pool_give(entry, list->Tag, true);
    FT_DDI_END(LOOKASIDE, 0);
}

#define CALLER __builtin_return_address(0)

/* ---- nonpaged and paged ---- */

/* Flags: POOL_NX_ALLOCATION, POOL_RAISE_IF_ALLOCATION_FAILURE. Depth is reserved. */
VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                     PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                     USHORT Depth)
{
    (void)Depth;
    initialize(LIST(Lookaside), (PVOID)Allocate, (PVOID)Free, NonPagedPool | Flags, Size, Tag,
               CALLER);
}

VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    forget(LIST(Lookaside), CALLER);
}

PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return take(LIST(Lookaside), thunk_allocate, CALLER);
}

VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    give(LIST(Lookaside), Entry, thunk_free, CALLER);
}

VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                    PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                    USHORT Depth)
{
    (void)Depth;
    initialize(LIST(Lookaside), (PVOID)Allocate, (PVOID)Free, PagedPool | Flags, Size, Tag, CALLER);
}

VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    forget(LIST(Lookaside), CALLER);
}

PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    return take(LIST(Lookaside), thunk_allocate, CALLER);
}

VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    give(LIST(Lookaside), Entry, thunk_free, CALLER);
}

/* ---- either, with a context ---- */

/* Conflict of the sources: which status a wrong flag gets is not said; the parameter's number here.
 */
NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                     SIZE_T Size, ULONG Tag, USHORT Depth)
{
    enum {
        BOTH = EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL | EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE
    };
    unsigned type = (unsigned)PoolType;

    (void)Depth;
    if (type & ~(unsigned)(PagedPool | NonPagedPoolCacheAligned | POOL_NX_ALLOCATION))
        return STATUS_INVALID_PARAMETER_4;
    if (Flags & ~(ULONG)BOTH || Flags == BOTH)
        return STATUS_INVALID_PARAMETER_5;
    if (Flags & EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
        type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    initialize(LIST(Lookaside), (PVOID)Allocate, (PVOID)Free, type, Size, Tag, CALLER);
    return STATUS_SUCCESS;
}

VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    forget(LIST(Lookaside), CALLER);
}

/* There is nothing to flush. */
VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    FT_DDI_BEGIN(LOOKASIDE, 0);
    (void)Lookaside;
    FT_DDI_END(LOOKASIDE, 0);
}

PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    return take(LIST(Lookaside), thunk_allocate_ex, CALLER);
}

VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
    give(LIST(Lookaside), Entry, thunk_free_ex, CALLER);
}
