/* Critical and guarded regions: which APCs a thread lets come. The machine has no APCs, so all that
 * a region does is to be seen: in its event, and in what the routines below answer. */
#include "kernel/dispatcher.h"

void ft_region_enter(bool guarded)
{
    struct ft_task *task = ft_current();

    task->guarded = (int8_t)(task->guarded + guarded);
    task->critical = (int8_t)(task->critical + !guarded);
}

void ft_region_leave(bool guarded)
{
    struct ft_task *task = ft_current();

    task->guarded = (int8_t)(task->guarded - guarded);
    task->critical = (int8_t)(task->critical - !guarded);
}

bool ft_apcs_off(const struct ft_task *task)
{
    return task->irql >= APC_LEVEL || task->critical != 0 || task->guarded != 0;
}

/* A region that is left once too often has a depth below zero, which is a large number in the
 * event. */
static void region(bool guarded, bool enter, void *return_address)
{
    const struct ft_task *task = ft_current();

    ft_ddi_begin(FT_PT_REGION, 0, return_address);
    if (enter)
        ft_region_enter(guarded);
    else
        ft_region_leave(guarded);
    ft_emit(FT_EV_REGION, guarded, enter, (uint32_t)(guarded ? task->guarded : task->critical));
    FT_DDI_END(REGION, 0);
}

VOID KeEnterCriticalRegion(VOID)
{
    region(false, true, __builtin_return_address(0));
}

VOID KeLeaveCriticalRegion(VOID)
{
    region(false, false, __builtin_return_address(0));
}

VOID KeEnterGuardedRegion(VOID)
{
    region(true, true, __builtin_return_address(0));
}

VOID KeLeaveGuardedRegion(VOID)
{
    region(true, false, __builtin_return_address(0));
}

BOOLEAN KeAreApcsDisabled(VOID)
{
    return ft_current()->critical != 0 || ft_current()->guarded != 0;
}

BOOLEAN KeAreAllApcsDisabled(VOID)
{
    return ft_irql() >= APC_LEVEL || ft_current()->guarded != 0;
}
