/* IRQL (wdm-io sheet, section 8). The rules judge levels; the routines do as they are told. */
#include "world/machine.h"

#include <wdm.h>

KIRQL KeGetCurrentIrql(VOID)
{
    return (KIRQL)ft_irql();
}

static KIRQL raise(KIRQL to)
{
    KIRQL old = (KIRQL)ft_irql();

    ft_emit(FT_EV_IRQL_RAISE, old, to);
    ft_irql_set(to);
    return old;
}

KIRQL KfRaiseIrql(KIRQL NewIrql)
{
    KIRQL old;

    FT_DDI_BEGIN(IRQL_RAISE, 0);
    old = raise(NewIrql);
    FT_DDI_END(IRQL_RAISE, 0);
    return old;
}

KIRQL KeRaiseIrqlToDpcLevel(VOID)
{
    KIRQL old;

    FT_DDI_BEGIN(IRQL_RAISE, 0);
    old = raise(DISPATCH_LEVEL);
    FT_DDI_END(IRQL_RAISE, 0);
    return old;
}

VOID KeLowerIrql(KIRQL NewIrql)
{
    FT_DDI_BEGIN(IRQL_LOWER, 0);
    ft_emit(FT_EV_IRQL_LOWER, ft_irql(), NewIrql);
    ft_irql_set(NewIrql);
    FT_DDI_END(IRQL_LOWER, 0);
}

/* Pageable code at DISPATCH_LEVEL or above is fatal only when the page is out, which this machine
 * does not model: the level is what PAGED_CODE asserts. */
void ft_paged_code(const char *function)
{
    if (ft_irql() > APC_LEVEL)
        ft_driver_assert(function, "PAGED_CODE", 0);
}
