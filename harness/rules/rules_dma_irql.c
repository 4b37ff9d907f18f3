/* The level at which each DMA routine may be called: one row of the catalogue for each routine.
 *
 * dma.irql-table and io.irql-ddi-level say the same of all routines at once (rules_irql.c); these
 * rows tell which routine it was.
 */
#include "rules/rules_private.h"

static const struct irql_row {
    uint8_t lowest, highest;
    uint16_t rule; /* enum ft_judged_rule, 0: no row */
} irql_rows[FT_KIND_PLACES] = {
#define AT(symbol) [FT_KIND_PLACE(FT_EV_##symbol)]
    AT(DMA_GET) = {FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_GET_IRQL},
    AT(DMA_PUT) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_PUT_IRQL},
    AT(DMA_CHANNEL) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_ACH_IRQL},
    AT(DMA_MAP) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MAP_IRQL},
    AT(DMA_FLUSH) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_FLUSH_IRQL},
    AT(DMA_KFI) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_KFI_IRQL},
    AT(DMA_FREE_CHANNEL) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_FCH_IRQL},
    AT(DMA_FREE_REGS) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_FMR_IRQL},
    AT(SG_GET) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_GSL_IRQL},
    AT(SG_PUT) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_PSL_IRQL},
    AT(DMA_CB_ALLOC) = {FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_CB_IRQL},
    AT(DMA_CB_FREE) = {FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_CB_IRQL},
    AT(DMA_ALIGNMENT) = {FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_ALN_IRQL},
    AT(CHANNEL_EX) = {FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, FT_J_DMA_ACH_IRQL},
    AT(DMA_MAP_EX) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MAP_IRQL},
    AT(DMA_FLUSH_EX) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_FLUSH_IRQL},
    AT(SG_GET_EX) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_GSX_IRQL},
    AT(DMA_DOMAIN) = {FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, FT_J_DMA_DOM_IRQL},
    AT(MDL_LOCK) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MDL_LOCK_IRQL},
    AT(MDL_UNLOCK) = {FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, FT_J_DMA_MDL_LOCK_IRQL},
#undef AT
};

void ft_judge_dma_irql(struct ft_rules *rules, const struct ft_event *event)
{
    const struct irql_row *row = &irql_rows[FT_KIND_PLACE(event->kind)];

    if (row->rule != 0 && (event->irql < row->lowest || event->irql > row->highest)) {
        ft_rule_fire(rules, (enum ft_judged_rule)row->rule, event, event->arg[0]);
    }
    /* Memory of a user may be paged out, and no page comes back at DISPATCH_LEVEL. */
    if (event->kind == FT_EV_MDL_LOCK && ft_known(event, 4) && event->arg[4] != 0 &&
        event->irql >= FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_DMA_MDL_LOCK_IRQL, event, event->arg[0]);
    }
}
