/* What a driver asks or tells the memory manager about the whole system and about its own code.
 * Code and data of a driver are never paged here, so locking them has no effect; the verifier that
 * these routines speak of is Windows' own, and off. */
#include "world/machine.h"

#include <wdm.h>

MM_SYSTEMSIZE MmQuerySystemSize(VOID)
{
    return MmMediumSystem;
}

LOGICAL MmIsDriverVerifying(PDRIVER_OBJECT DriverObject)
{
    (void)DriverObject;
    return FALSE;
}

LOGICAL MmIsDriverVerifyingByAddress(PVOID AddressWithinSection)
{
    (void)AddressWithinSection;
    return FALSE;
}

NTSTATUS MmIsVerifierEnabled(PULONG VerifierFlags)
{
    *VerifierFlags = 0;
    return STATUS_NOT_SUPPORTED;
}

/* The handle of a section is any address in it. */
PVOID MmLockPagableDataSection(PVOID AddressWithinSection)
{
    return AddressWithinSection;
}

VOID MmLockPagableSectionByHandle(PVOID ImageSectionHandle)
{
    (void)ImageSectionHandle;
}

VOID MmUnlockPagableImageSection(PVOID ImageSectionHandle)
{
    (void)ImageSectionHandle;
}

/* The base of the driver's image. */
PVOID MmPageEntireDriver(PVOID AddressWithinSection)
{
    (void)AddressWithinSection;
    return (PVOID)(ULONG_PTR)ft_world_module()->code_begin;
}

VOID MmResetDriverPaging(PVOID AddressWithinSection)
{
    (void)AddressWithinSection;
}
