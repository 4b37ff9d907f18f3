/* Who calls, what it may do, and what the processor can; security descriptors as far as drivers
 * make them. */
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

/* ---- the caller ---- */

/* A requester's thread is in user mode before it calls; every other task is the kernel's own. */
static bool is_requesters_thread(void)
{
    const struct ft_task *task = ft_current();
    const struct ft_request *request;

    if (task->kind != FT_TASK_THREAD || !task->request)
        return false;
    for (unsigned i = 0; (request = ft_request_at(i)) != NULL; i++) {
        if (request->inside && request->irp &&
            ft_handle_id(ft_block_handle(request->irp)) == task->request)
            return ((PIRP)request->irp)->RequestorMode == UserMode;
    }
    return false;
}

KPROCESSOR_MODE ExGetPreviousMode(VOID)
{
    return is_requesters_thread() ? UserMode : KernelMode;
}

/* The kernel has every privilege, the requester none. */
BOOLEAN SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    (void)PrivilegeValue;
    return PreviousMode == KernelMode;
}

/* ---- the processor ---- */

BOOLEAN ExIsProcessorFeaturePresent(ULONG ProcessorFeature)
{
    /* Every x64 processor that Windows runs on has these, by their numbers: 2 CMPXCHG8B, 3 MMX, 6
     * SSE, 8 TSC, 9 PAE, 10 SSE2, 12 NX, 13 SSE3, 14 CMPXCHG16B. */
    enum {
        PRESENT = 1 << 2 | 1 << 3 | 1 << 6 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 14
    };

    return ProcessorFeature < 32 && (PRESENT >> ProcessorFeature & 1);
}

/* ---- security descriptors ---- */

NTSTATUS RtlCreateSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Revision)
{
    SECURITY_DESCRIPTOR *descriptor = SecurityDescriptor;

    if (Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    memset(descriptor, 0, sizeof *descriptor);
    descriptor->Revision = SECURITY_DESCRIPTOR_REVISION;
    return STATUS_SUCCESS;
}

/* No list with DaclPresent grants everybody everything. */
NTSTATUS RtlSetDaclSecurityDescriptor(PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN DaclPresent,
                                      PACL Dacl, BOOLEAN DaclDefaulted)
{
    enum { OF_DACL = SE_DACL_PRESENT | SE_DACL_DEFAULTED };
    SECURITY_DESCRIPTOR *descriptor = SecurityDescriptor;

    if (descriptor->Revision != SECURITY_DESCRIPTOR_REVISION)
        return STATUS_UNKNOWN_REVISION;
    if (descriptor->Control & SE_SELF_RELATIVE)
        return STATUS_INVALID_SECURITY_DESCR;
    descriptor->Control =
        (USHORT)((descriptor->Control & ~OF_DACL) | (DaclPresent ? SE_DACL_PRESENT : 0) |
                 (DaclPresent && DaclDefaulted ? SE_DACL_DEFAULTED : 0));
    descriptor->Dacl = DaclPresent ? Dacl : NULL;
    return STATUS_SUCCESS;
}
