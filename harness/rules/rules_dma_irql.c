/* The level at which each DMA routine may be called: one row of the catalogue for each routine.
 *
 * dma.irql-table and io.irql-ddi-level say the same of all routines at once (rules_irql.c); these
 * rows tell which routine it was.
 */
#include "rules/rules_private.h"

static const struct irql_row {
    uint16_t kind;
    uint8_t lowest, highest;
    uint16_t rule; /* enum ft_judged_rule */
} irql_rows[] = {
    {FT_EV_DMA_GET, FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_GET_IRQL},
    {FT_EV_DMA_PUT, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_PUT_IRQL},
    {FT_EV_DMA_CHANNEL, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_ACH_IRQL},
    {FT_EV_DMA_MAP, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MAP_IRQL},
    {FT_EV_DMA_FLUSH, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_FLUSH_IRQL},
    {FT_EV_DMA_KFI, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_KFI_IRQL},
    {FT_EV_DMA_FREE_CHANNEL, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_FCH_IRQL},
    {FT_EV_DMA_FREE_REGS, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_FMR_IRQL},
    {FT_EV_SG_GET, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_GSL_IRQL},
    {FT_EV_SG_PUT, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_PSL_IRQL},
    {FT_EV_DMA_CB_ALLOC, FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_CB_IRQL},
    {FT_EV_DMA_CB_FREE, FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_CB_IRQL},
    {FT_EV_DMA_ALIGNMENT, FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_ALN_IRQL},
    {FT_EV_CHANNEL_EX, FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_ACH_IRQL},
    {FT_EV_DMA_MAP_EX, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MAP_IRQL},
    {FT_EV_DMA_FLUSH_EX, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_FLUSH_IRQL},
    {FT_EV_SG_GET_EX, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_GSX_IRQL},
    {FT_EV_DMA_DOMAIN, FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_DOM_IRQL},
    {FT_EV_MDL_LOCK, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MDL_LOCK_IRQL},
    {FT_EV_MDL_UNLOCK, FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MDL_LOCK_IRQL},
};

void ft_judge_dma_irql(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < sizeof(irql_rows) / sizeof(irql_rows[0]); i++) {
        const struct irql_row *row = &irql_rows[i];

        if (row->kind == event->kind && (event->irql < row->lowest || event->irql > row->highest)) {
            ft_rule_fire(rules, (enum ft_judged_rule)row->rule, event, event->arg[0]);
        }
    }
    /* Memory of a user may be paged out, and no page comes back at DISPATCH_LEVEL. */
    if (event->kind == FT_EV_MDL_LOCK && ft_known(event, 4) && event->arg[4] != 0 &&
        event->irql >= FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_DMA_MDL_LOCK_IRQL, event, event->arg[0]);
    }
}
