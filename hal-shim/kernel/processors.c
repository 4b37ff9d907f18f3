/* How many processors there are: one group, all of them active from the start, none to be added. */
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
