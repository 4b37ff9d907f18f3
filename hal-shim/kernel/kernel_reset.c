/* The kernel's state at a cold start: all of it lies in struct ft_machine, which is zero by then. */
#include "world/machine.h"

void ft_kernel_reset(void)
{
    /* The list head of exception frames, timers and queues: zero means empty for each. */
    FT_ASSERT(FT_M->dpc_count == 0 && FT_M->pool_used == 0);
}

void **ft_seh_head(void);
void **ft_seh_head(void)
{
    return &ft_current()->seh_head;
}
