/* The routines that allocate and free pool (wdm-io sheet, section 12): one want, many spellings.
 *
 * Not modelled: quota (nobody runs out of it), priorities, NUMA nodes, session pool, secure pool.
 */
#include "kernel/pool.h"
#include "world/machine.h"

#include <wdm.h>

enum { MUST_SUCCEED = 2, CACHE_ALIGNED = 4, MUST_SUCCEED_CALL = 0x9A };

/* ---- pool types ---- */

uint8_t ft_pool_memory_of(unsigned pool_type)
{
    if (pool_type & PagedPool)
        return FT_POOL_OF_PAGED;
    return (pool_type & POOL_NX_ALLOCATION) || FT_M->pool_no_execute ? FT_POOL_OF_NONPAGED
                                                                     : FT_POOL_OF_EXECUTABLE;
}

/* DrvRtPoolNxOptIn makes NonPagedPool mean NonPagedPoolNx. */
VOID ExInitializeDriverRuntime(ULONG RuntimeFlags)
{
    FT_M->pool_no_execute = (RuntimeFlags & DrvRtPoolNxOptIn) != 0;
}

/* With its points. `failure`: the status to raise when there is no block, 0: return NULL. */
static PVOID allocate(const struct ft_pool_want *want, NTSTATUS failure, void *caller)
{
    void *data;

    ft_ddi_begin(FT_PT_POOL_ALLOC, 0, caller);
    data = ft_pool_take(want);
    FT_DDI_END(POOL_ALLOC, 0);
    if (!data && failure)
        ExRaiseStatus(failure);
    return data;
}

static PVOID allocate_type(POOL_TYPE type, SIZE_T bytes, ULONG tag, bool zero, void *caller)
{
    unsigned bits = (unsigned)type;
    struct ft_pool_want want = {.bytes = bytes,
                                .tag = tag,
                                .memory = ft_pool_memory_of(bits),
                                .zero = zero || (bits & POOL_ZERO_ALLOCATION),
                                .cache_aligned = (bits & CACHE_ALIGNED) != 0};

    if (bits & MUST_SUCCEED)
        ft_bugcheck(BAD_POOL_CALLER, MUST_SUCCEED_CALL, bits, bytes, tag);
    return allocate(
        &want, bits & POOL_RAISE_IF_ALLOCATION_FAILURE ? STATUS_INSUFFICIENT_RESOURCES : 0, caller);
}

/* The quota forms raise unless they are told not to. */
static PVOID allocate_quota(POOL_TYPE type, SIZE_T bytes, ULONG tag, bool zero, void *caller)
{
    unsigned bits = (unsigned)type;

    if (!(bits & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
        bits |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    return allocate_type((POOL_TYPE)bits, bytes, tag, zero, caller);
}

#define CALLER __builtin_return_address(0)

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_type(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                    EX_POOL_PRIORITY Priority)
{
    (void)Priority;
    return allocate_type(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_quota(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_type(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_type(PoolType, NumberOfBytes, Tag, true, CALLER);
}

PVOID ExAllocatePoolQuotaUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_quota(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolQuotaZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_quota(PoolType, NumberOfBytes, Tag, true, CALLER);
}

PVOID ExAllocatePoolPriorityUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    (void)Priority;
    return allocate_type(PoolType, NumberOfBytes, Tag, false, CALLER);
}

PVOID ExAllocatePoolPriorityZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                 EX_POOL_PRIORITY Priority)
{
    (void)Priority;
    return allocate_type(PoolType, NumberOfBytes, Tag, true, CALLER);
}

/* ---- pool flags ---- */

/* Exactly one kind of memory, and no flag in the required half that is not known. */
static bool flags_are_sound(POOL_FLAGS flags)
{
    const POOL_FLAGS memory = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
    const POOL_FLAGS known = memory | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED |
                             POOL_FLAG_SESSION | POOL_FLAG_CACHE_ALIGNED |
                             POOL_FLAG_RAISE_ON_FAILURE;
    POOL_FLAGS required = flags & (POOL_FLAG_OPTIONAL_START - 1), kind = flags & memory;

    return kind != 0 && (kind & (kind - 1)) == 0 && (required & ~known) == 0;
}

static uint8_t memory_of_flags(POOL_FLAGS flags)
{
    if (flags & POOL_FLAG_PAGED)
        return FT_POOL_OF_PAGED;
    return flags & POOL_FLAG_NON_PAGED_EXECUTE ? FT_POOL_OF_EXECUTABLE : FT_POOL_OF_NONPAGED;
}

static PVOID allocate_flags(POOL_FLAGS flags, SIZE_T bytes, ULONG tag, bool sound, void *caller)
{
    struct ft_pool_want want = {.bytes = bytes,
                                .tag = tag,
                                .memory = memory_of_flags(flags),
                                .zero = !(flags & POOL_FLAG_UNINITIALIZED),
                                .cache_aligned = (flags & POOL_FLAG_CACHE_ALIGNED) != 0};

    if (!sound || !flags_are_sound(flags))
        want.bytes = SIZE_MAX; /* refused like a size that nobody has */
    return allocate(&want, flags & POOL_FLAG_RAISE_ON_FAILURE ? STATUS_INSUFFICIENT_RESOURCES : 0,
                    caller);
}

/* An optional parameter that is not known is ignored, another refuses the call. */
static bool parameters_are_sound(PCPOOL_EXTENDED_PARAMETER parameter, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        if (parameter[i].Type == PoolExtendedParameterSecurePool)
            ft_unimplemented("ExAllocatePool3 with secure pool");
        if (parameter[i].Type != PoolExtendedParameterPriority &&
            parameter[i].Type != PoolExtendedParameterNumaNode && !parameter[i].Optional)
            return false;
    }
    return true;
}

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    return allocate_flags(Flags, NumberOfBytes, Tag, true, CALLER);
}

PVOID ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                      PCPOOL_EXTENDED_PARAMETER ExtendedParameters, ULONG ExtendedParametersCount)
{
    return allocate_flags(Flags, NumberOfBytes, Tag,
                          parameters_are_sound(ExtendedParameters, ExtendedParametersCount),
                          CALLER);
}

/* ---- freeing ---- */

static void release(PVOID data, ULONG tag, bool with_tag, void *caller)
{
    ft_ddi_begin(FT_PT_POOL_FREE, 0, caller);
    ft_pool_give(data, tag, with_tag);
    FT_DDI_END(POOL_FREE, 0);
}

/* The tag 0 matches any. */
VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    release(P, Tag, Tag != 0, CALLER);
}

/* A macro over ExFreePoolWithTag in some headers. */
#undef ExFreePool
VOID ExFreePool(PVOID P)
{
    release(P, 0, false, CALLER);
}

VOID ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                 ULONG ExtendedParametersCount)
{
    (void)parameters_are_sound(ExtendedParameters, ExtendedParametersCount);
    release(P, Tag, Tag != 0, CALLER);
}
