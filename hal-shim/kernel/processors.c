/* Processors: one group and one node, all of them active from the start, none to be added. */
#include "world/machine.h"

#include <wdm.h>

static ULONG count_in(USHORT group)
{
    return group == 0 || group == ALL_PROCESSOR_GROUPS ? FT_M->cpus : 0;
}

KAFFINITY KeQueryActiveProcessors(VOID)
{
    return ((KAFFINITY)1 << FT_M->cpus) - 1;
}

ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
    if (ActiveProcessors)
        *ActiveProcessors = KeQueryActiveProcessors();
    return FT_M->cpus;
}

ULONG KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
    return count_in(GroupNumber);
}

ULONG KeQueryMaximumProcessorCount(VOID)
{
    return FT_M->cpus;
}

ULONG KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
    return count_in(GroupNumber);
}

USHORT KeQueryActiveGroupCount(VOID)
{
    return 1;
}

USHORT KeQueryMaximumGroupCount(VOID)
{
    return 1;
}

KAFFINITY KeQueryGroupAffinity(USHORT GroupNumber)
{
    return GroupNumber == 0 ? KeQueryActiveProcessors() : 0;
}

USHORT KeQueryHighestNodeNumber(VOID)
{
    return 0;
}

USHORT KeGetCurrentNodeNumber(VOID)
{
    return 0;
}

ULONG KeGetCurrentProcessorNumber(VOID)
{
    const struct ft_kernel_state *kernel = &FT_M->kernel;
    const struct ft_task *task = ft_current();

    return kernel->ipi_cpu && kernel->ipi_task == task->id ? kernel->ipi_cpu - 1u : task->cpu;
}

ULONG KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
    ULONG number = KeGetCurrentProcessorNumber();

    if (ProcNumber)
        *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)number};
    return number;
}

ULONG KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
    const ULONG invalid = 0xFFFFFFFF;

    return ProcNumber->Group == 0 && ProcNumber->Number < FT_M->cpus && !ProcNumber->Reserved
               ? ProcNumber->Number
               : invalid;
}

NTSTATUS KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
    if (ProcIndex >= FT_M->cpus)
        return STATUS_INVALID_PARAMETER;
    *ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)ProcIndex};
    return STATUS_SUCCESS;
}

static uint64_t call_worker(void *worker, void *context, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    return ((PKIPI_BROADCAST_WORKER)worker)((ULONG_PTR)context);
}

/* All processors at once is, in one total order, one after the other: the caller's task plays each
 * of them at IPI_LEVEL. The value is the one of the caller's processor. */
ULONG_PTR KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context)
{
    struct ft_kernel_state *kernel = &FT_M->kernel;
    ULONG_PTR value = 0;
    unsigned old;

    FT_DDI_BEGIN(SYNC, 0);
    old = ft_irql();
    ft_irql_set(IPI_LEVEL);
    for (unsigned cpu = 0; cpu < FT_M->cpus; cpu++) {
        ULONG_PTR one;

        kernel->ipi_task = ft_current()->id;
        kernel->ipi_cpu = (uint8_t)(cpu + 1);
        one = ft_call_driver_routine(FT_ROUTINE_CALLBACK, 0, 0, 0, call_worker,
                                     (void *)BroadcastFunction, (void *)Context, NULL, NULL);
        if (cpu == ft_current()->cpu)
            value = one;
    }
    kernel->ipi_cpu = 0;
    ft_irql_set(old);
    FT_DDI_END(SYNC, 0);
    return value;
}

/* ---- caches: the processors' own are coherent with each other on every platform; DMA has
 * KeFlushIoBuffers. ---- */

BOOLEAN KeInvalidateAllCaches(VOID)
{
    ft_point(FT_PT_ANY, 0);
    return TRUE;
}

VOID KeInvalidateRangeAllCaches(PVOID BaseAddress, ULONG Length)
{
    (void)BaseAddress;
    (void)Length;
    ft_point(FT_PT_ANY, 0);
}

VOID KeFlushWriteBuffer(VOID)
{
    ft_point(FT_PT_ANY, 0);
}

ULONG KeGetRecommendedSharedDataAlignment(VOID)
{
    return SYSTEM_CACHE_ALIGNMENT_SIZE;
}
