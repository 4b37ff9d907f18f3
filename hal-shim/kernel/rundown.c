/* Run-down protection (nf-wdm-exacquirerundownprotection and peers). Count: bit 0 says that
 * run-down has begun or is over, the rest counts protections. */
#include "kernel/dispatcher.h"

enum { RUN_DOWN = 1, ONE = 2 };

static uint64_t handle_of(const EX_RUNDOWN_REF *ref)
{
    return ft_object_handle(ref, FT_HC_RUNDOWN);
}

static void start(PEX_RUNDOWN_REF ref, ULONG_PTR count, void *return_address)
{
    ft_ddi_begin(FT_PT_RESOURCE, 0, return_address);
    ref->Count = count;
    ft_object_register(ref, FT_HC_RUNDOWN);
    FT_DDI_END(RESOURCE, 0);
}

VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    start(RunRef, 0, __builtin_return_address(0));
}

VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    start(RunRef, 0, __builtin_return_address(0));
}

VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    RunRef->Count = RUN_DOWN;
    FT_DDI_END(RESOURCE, 0);
}

static BOOLEAN acquire(PEX_RUNDOWN_REF ref, ULONG count, void *return_address)
{
    bool acquired;

    ft_ddi_begin(FT_PT_RESOURCE, 0, return_address);
    acquired = !(ref->Count & RUN_DOWN);
    if (acquired)
        ref->Count += (ULONG_PTR)count * ONE;
    ft_emit(FT_EV_RUNDOWN_ACQUIRE, handle_of(ref), acquired);
    FT_DDI_END(RESOURCE, 0);
    return acquired;
}

BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return acquire(RunRef, 1, __builtin_return_address(0));
}

BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    return acquire(RunRef, Count, __builtin_return_address(0));
}

/* One release too many shows as a count of all ones, and changes nothing. */
static void release(PEX_RUNDOWN_REF ref, ULONG count, void *return_address)
{
    ULONG_PTR left;
    bool held;

    ft_ddi_begin(FT_PT_RESOURCE, 0, return_address);
    held = ref->Count / ONE >= count;
    left = ref->Count / ONE - count;
    ft_emit(FT_EV_RUNDOWN_RELEASE, handle_of(ref), held ? left : UINT32_MAX);
    if (held)
        ref->Count -= (ULONG_PTR)count * ONE;
    if (held && left == 0)
        ft_wake_waiters(ref, STATUS_SUCCESS, true);
    FT_DDI_END(RESOURCE, 0);
}

VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    release(RunRef, 1, __builtin_return_address(0));
}

VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    release(RunRef, Count, __builtin_return_address(0));
}

VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    ft_emit(FT_EV_RUNDOWN_WAIT, handle_of(RunRef), RunRef->Count / ONE);
    RunRef->Count |= RUN_DOWN;
    while (RunRef->Count / ONE != 0)
        ft_block_on(RunRef, 0);
    FT_DDI_END(RESOURCE, 0);
}
