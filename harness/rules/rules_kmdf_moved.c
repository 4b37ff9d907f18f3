/* KMDF: requests, IRPs and MDLs that a transaction moves when something happens to them. */
#include "rules/rules_kmdf_dma.h"

bool ft_request_is_moved(const struct ft_rules *rules, uint32_t request)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        if (rules->tx[i].id != 0 && rules->tx[i].request == request &&
            rules->tx[i].state == FT_TX_TRANSFER) {
            return true;
        }
    }
    return false;
}

/* The transaction that is bound to a request. */
static const struct ft_rs_tx *tx_of_request(const struct ft_rules *rules, uint32_t request)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        if (rules->tx[i].id != 0 && request != 0 && rules->tx[i].request == request) {
            return &rules->tx[i];
        }
    }
    return NULL;
}

static enum ft_judged_rule rule_of_early(const struct ft_rs_tx *tx)
{
    if ((tx->flags & FT_WDFT_MORE) != 0) {
        return FT_J_KMDF_TX_FALSE_TREATED_AS_DONE;
    }
    return (tx->flags & FT_WDFT_CANCEL_LATE) != 0 ? FT_J_KMDF_TX_CANCEL_FALSE_COMPLETES
                                                  : FT_J_KMDF_REQUEST_COMPLETED_BEFORE_FINAL;
}

/* The request of a transfer that failed. */
static void judge_success(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_TXS && ft_nt_success((uint32_t)event->arg[1]); i++) {
        if (rules->tx[i].id != 0 && rules->tx[i].bad_request != 0 &&
            rules->tx[i].bad_request == ft_arg_id(event, 0)) {
            ft_rule_fire(rules, FT_J_KMDF_TX_TERMINAL_STATUS_IGNORED, event, event->arg[0]);
        }
    }
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_tx *tx = tx_of_request(rules, ft_arg_id(event, 0));

    judge_success(rules, event);
    if (tx == NULL) {
        return;
    }
    if (tx->state == FT_TX_TRANSFER && tx->lost != 0 &&
        ft_frame_in(rules, event, FT_ROUTINE_WDF_REQUEST_CANCEL) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_CANCEL_VS_PROGRAM_WINDOW, event, event->arg[0]);
    } else if (tx->state == FT_TX_TRANSFER) {
        ft_rule_fire(rules, rule_of_early(tx), event, event->arg[0]);
    } else if (tx->state == FT_TX_DONE || tx->state == FT_TX_FAILED) {
        /* The framework tolerates it (kmdf sheet, 10.1, A22). */
        ft_rule_fire(rules, FT_J_KMDF_TX_NOT_RELEASED_BEFORE_REQUEST_COMPLETE, event,
                     event->arg[0]);
    }
}

/* An IRP is completed whose memory some transaction moves. */
static void judge_irp(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_TXS; i++) {
        const struct ft_rs_tx *tx = &rules->tx[i];

        if (tx->id != 0 && tx->state == FT_TX_TRANSFER && tx->request == 0 && tx->irp != 0 &&
            tx->irp == ft_arg_id(event, 0)) {
            ft_rule_fire(rules, FT_J_KMDF_REQUEST_COMPLETED_BEFORE_FINAL_MDL, event, event->arg[0]);
        }
    }
}

/* An MDL that some transaction moves. */
static void judge_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; ft_by_driver(event) && i < FT_RS_TXS; i++) {
        const struct ft_rs_tx *tx = &rules->tx[i];

        if (tx->id != 0 && tx->state == FT_TX_TRANSFER && tx->mdl != 0 &&
            tx->mdl == ft_rs_mdl_id(event, 0)) {
            ft_rule_fire(rules, FT_J_KMDF_MDL_LIFETIME, event, event->arg[0]);
        }
    }
}

void ft_kmdf_moved_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        judge_irp(rules, event);
        break;
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_UNLOCK:
        judge_mdl(rules, event);
        break;
    default:
        break;
    }
}
