/* The kernel's state at a cold start: all of it lies in struct ft_machine, which is zero by then.
 * And what seh.c asks of the world. */
#include "world/machine.h"

#include <wdm.h>

void ft_kernel_reset(void)
{
    FT_ASSERT(FT_M->dpc_count == 0 && FT_M->pool_used == 0);
}

void **ft_seh_head(void)
{
    return ft_current()->seh;
}

void ft_seh_misuse(const char *what)
{
    ft_unimplemented(what);
}
