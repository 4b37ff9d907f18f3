/* On which processors the running thread may run (nf-wdm-kesetsystemaffinitythread and peers). One
 * group, number 0. The move happens before the routine returns, unless the thread is at
 * DISPATCH_LEVEL: then at its next switch. A mask without an active processor changes nothing. */
#include "kernel/dispatcher.h"

static unsigned active(void)
{
    return (1u << FT_M->cpus) - 1;
}

static KAFFINITY set(KAFFINITY mask)
{
    struct ft_task *task = ft_current();
    KAFFINITY old = task->affinity;

    task->affinity = (uint8_t)(mask & active());
    if (task->affinity && !(task->affinity & 1u << task->cpu) && !task->resident)
        ft_task_yield();
    return old;
}

static KAFFINITY set_if_active(KAFFINITY mask)
{
    return mask & active() ? set(mask) : 0;
}

VOID KeSetSystemAffinityThread(KAFFINITY Affinity)
{
    FT_DDI_BEGIN(THREAD, 0);
    set_if_active(Affinity);
    FT_DDI_END(THREAD, 0);
}

/* What was set before, 0 when nothing was. */
KAFFINITY KeSetSystemAffinityThreadEx(KAFFINITY Affinity)
{
    KAFFINITY old;

    FT_DDI_BEGIN(THREAD, 0);
    old = set_if_active(Affinity);
    FT_DDI_END(THREAD, 0);
    return old;
}

VOID KeRevertToUserAffinityThread(VOID)
{
    FT_DDI_BEGIN(THREAD, 0);
    set(0);
    FT_DDI_END(THREAD, 0);
}

VOID KeRevertToUserAffinityThreadEx(KAFFINITY Affinity)
{
    FT_DDI_BEGIN(THREAD, 0);
    set(Affinity);
    FT_DDI_END(THREAD, 0);
}

VOID KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity)
{
    KAFFINITY old = 0;

    FT_DDI_BEGIN(THREAD, 0);
    if (Affinity->Group == 0)
        old = set_if_active(Affinity->Mask);
    if (PreviousAffinity)
        *PreviousAffinity = (GROUP_AFFINITY){.Mask = old};
    FT_DDI_END(THREAD, 0);
}

VOID KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity)
{
    FT_DDI_BEGIN(THREAD, 0);
    set(PreviousAffinity->Mask);
    FT_DDI_END(THREAD, 0);
}
