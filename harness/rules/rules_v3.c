/* Version 3 of DMA_OPERATIONS: transfer contexts, requests and their release, cancellation, and
 * what else only version 3 has. MapTransferEx and its flush are rules_v3_map.c. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

enum { KEEP_OBJECT = 1, DEALLOCATE_OBJECT = 2, KEEP_REGISTERS = 3 };

static uint64_t grant_handle(const struct ft_rs_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

static bool is_slave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    return adapter == NULL || (adapter->flags & FT_ADAPTER_SLAVE) != 0;
}

/* ---- transfer contexts ---- */

static void on_context(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 3) && event->arg[3] != 0) {
        ft_rule_fire(rules, FT_J_DMA_CTX_REINIT_LIVE, event, event->arg[1]);
    }
}

static void on_context_lost(struct ft_rules *rules, const struct ft_event *event)
{
    bool freed = ft_known(event, 2) && event->arg[2] != 0;

    ft_rule_fire(rules, freed ? FT_J_DMA_CTX_ALIVE : FT_J_DMA_CTX_REINIT_LIVE, event,
                 event->arg[0]);
}

/* What a request for a channel or a list has in common: context, arguments, flags. */
static void judge_request(struct ft_rules *rules, const struct ft_event *event, uint64_t how,
                          enum ft_judged_rule arguments)
{
    unsigned state = FT_HOW_STATE(how), why = FT_HOW_WHY(how);

    if (why == FT_WHY_ARGUMENTS) {
        ft_rule_fire(rules, arguments, event, event->arg[0]);
    } else if (why == FT_WHY_RANGE) {
        ft_rule_fire(rules, FT_J_DMA_MPX_RANGE, event, event->arg[2]);
    } else if (state == FT_CONTEXT_RAW || state == FT_CONTEXT_NONE) {
        ft_rule_fire(rules, FT_J_DMA_CTX_INIT, event, event->arg[0]);
    } else if (state == FT_CONTEXT_WAITING || state == FT_CONTEXT_GRANTED) {
        ft_rule_fire(rules, FT_J_DMA_CTX_UNIQUE, event, event->arg[1]);
    }
    if ((how & FT_HOW_OTHER_FLAGS) != 0) {
        ft_rule_fire(rules, FT_J_DMA_ACX_FLAGS, event, event->arg[0]);
    }
}

/* ---- AllocateAdapterChannelEx ---- */

static void learn_grant(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_get(rules, ft_arg_id(event, 5));
    bool routine = (event->arg[3] & FT_HOW_ROUTINE) != 0;

    if (grant == NULL) {
        return;
    }
    grant->more |= FT_MORE_V3;
    if ((event->arg[3] & FT_HOW_SYNCHRONOUS) != 0 && !routine) {
        grant->more |= FT_MORE_SYNCHRONOUS;
    }
}

static void on_channel(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (ft_by_driver(event) && ft_known(event, 3)) {
        judge_request(rules, event, event->arg[3], FT_J_DMA_ACX_ARGS);
        if (adapter != NULL && adapter->registers != 0 && ft_known(event, 2) &&
            event->arg[2] > adapter->registers) {
            ft_rule_fire(rules, FT_J_DMA_ACH_COUNT_LIMIT, event, event->arg[0]);
        }
        ft_judge_request_place(rules, event);
    }
    if (adapter == NULL || !ft_nt_success((uint32_t)event->arg[4]) || ft_arg_id(event, 5) == 0) {
        return;
    }
    learn_grant(rules, event);
    ft_queue_request(rules, event,
                     &(struct ft_rs_queued){
                         .adapter = adapter->id,
                         .irp = ft_arg_id(event, 6),
                         .device = ft_known(event, 7) ? (uint16_t)ft_arg_id(event, 7) : 0,
                         .grant = ft_arg_id(event, 5),
                     });
}

/* ---- cancelling a request that waits ---- */

static void on_cancel(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 2));
    unsigned why = ft_known(event, 4) ? (unsigned)event->arg[4] : FT_WHY_NOTHING;

    if (ft_by_driver(event) && why == FT_WHY_ADAPTER) {
        ft_rule_fire(rules, FT_J_DMA_CTX_MATCH, event, event->arg[1]);
    } else if (ft_by_driver(event) && why == FT_WHY_CONTEXT) {
        ft_rule_fire(rules, FT_J_DMA_CTX_INIT, event, event->arg[0]);
    }
    if (grant == NULL || why != FT_WHY_NOTHING) {
        return;
    }
    if (event->arg[3] == 0) {
        grant->more |= FT_MORE_CANCEL_LATE;
        return;
    }
    grant->more |= FT_MORE_WITHDRAWN;
    grant->adapter = ft_arg_id(event, 0);
    grant->flags |= FT_RS_OVER;
    ft_withdraw_request(rules, grant->adapter, grant->id);
}

/* The driver frees what it does not have, and its last request was withdrawn: there is nothing to
 * free. */
void ft_v3_at_free_nothing(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_grant *newest = NULL;

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->adapter == ft_arg_id(event, 0) &&
            (newest == NULL || grant->id > newest->id)) {
            newest = grant;
        }
    }
    if (newest != NULL && (newest->more & FT_MORE_WITHDRAWN) != 0) {
        ft_rule_fire(rules, FT_J_DMA_CAC_TRUE, event, grant_handle(newest));
    }
}

/* ---- FreeAdapterObject ---- */

/* The channel of a list: the request of a synchronous call without a routine. */
static void list_channel_back(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (adapter != NULL && adapter->lists_owed != 0 && event->arg[2] != KEEP_OBJECT) {
        adapter->lists_owed--;
    }
}

static void free_grant(struct ft_rules *rules, const struct ft_event *event,
                       struct ft_rs_grant *grant)
{
    if (event->arg[2] == KEEP_REGISTERS) {
        grant->flags &= (uint16_t)~FT_GRANT_CHANNEL;
        grant->flags |= FT_GRANT_REGISTERS;
        grant->more |= FT_MORE_KEPT_REGISTERS;
        return;
    }
    if (ft_by_driver(event) && ft_grant_is_due(rules, grant->id)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_BEFORE_FREE_CHANNEL, event, grant_handle(grant));
        ft_rule_fire(rules, FT_J_DMA_FAO_LIVE, event, grant_handle(grant));
        ft_v3_at_release(rules, event, grant);
    }
    ft_grant_drop_mappings(rules, grant->id);
    grant->flags |= FT_RS_OVER | FT_GRANT_FREED_CHANNEL;
}

static void on_free_object(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));
    uint64_t action = event->arg[2];
    bool valid = action >= KEEP_OBJECT && action <= KEEP_REGISTERS;

    if (!ft_known(event, 2)) {
        return;
    }
    if (ft_by_driver(event) && !valid) {
        ft_rule_fire(rules, FT_J_DMA_FAO_ACTION, event, event->arg[0]);
    }
    if (event->arg[1] == 0 && ft_known(event, 1) && ft_by_driver(event)) {
        ft_v3_at_free_nothing(rules, event);
    }
    if (!valid || action == KEEP_OBJECT) {
        return;
    }
    if (grant != NULL) {
        free_grant(rules, event, grant);
    } else if (ft_arg_id(event, 1) != 0) {
        list_channel_back(rules, event);
    }
}

/* A grant that is left when it should not be. True: it is one of version 3, and this says why. */
bool ft_v3_grant_left(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant)
{
    if ((grant->more & FT_MORE_CANCEL_LATE) != 0) {
        ft_rule_fire(rules, FT_J_DMA_CAC_FALSE, event, grant_handle(grant));
    } else if ((grant->more & FT_MORE_KEPT_REGISTERS) != 0) {
        ft_rule_fire(rules, FT_J_DMA_FAO_KEEPREGS, event, grant_handle(grant));
    } else if ((grant->more & FT_MORE_SYNCHRONOUS) != 0) {
        ft_rule_fire(rules, FT_J_DMA_ACX_SYNC_RELEASE, event, grant_handle(grant));
    } else {
        return false;
    }
    return true;
}

void ft_v3_adapter_left(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter)
{
    if (adapter->lists_owed != 0) {
        ft_rule_fire(rules, FT_J_DMA_GSX_RELEASE, event, ft_handle(FT_HC_ADAPTER, adapter->id, 0));
    }
    if (adapter->vectors != 0) {
        ft_rule_fire(rules, FT_J_DMA_CBV_LEAK, event, ft_handle(FT_HC_ADAPTER, adapter->id, 0));
    }
}

/* ---- lists ---- */

/* As of version 1. */
static void judge_list_mdl(struct ft_rules *rules, const struct ft_event *event, bool write)
{
    uint32_t mdl = ft_rs_mdl_id(event, 2);

    if (!ft_known(event, 2)) {
        return;
    }
    ft_judge_list_pages(rules, event, mdl, ft_nt_success((uint32_t)event->arg[6]));
    ft_judge_direction(rules, event, mdl, write);
}

static void on_list(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    const uint64_t alone = FT_HOW_SYNCHRONOUS | FT_HOW_ROUTINE;
    uint64_t how = event->arg[5];

    if (!ft_known(event, 5)) {
        return;
    }
    if (ft_by_driver(event)) {
        if (FT_HOW_WHY(how) == FT_WHY_ADAPTER) {
            ft_rule_fire(rules, FT_J_DMA_GSX_BUSMASTER_ONLY, event, event->arg[0]);
        } else {
            judge_request(rules, event, how, FT_J_DMA_GSX_ARGS);
            ft_judge_request_place(rules, event);
            judge_list_mdl(rules, event, (how & FT_HOW_WRITE) != 0);
        }
        if ((how & FT_HOW_BUILD) != 0 && event->irql != FT_IRQL_DISPATCH) {
            ft_rule_fire(rules, FT_J_DMA_GSX_IRQL, event, event->arg[0]);
        }
    }
    if (adapter != NULL && ft_nt_success((uint32_t)event->arg[6]) &&
        (how & alone) == FT_HOW_SYNCHRONOUS) {
        adapter->lists_owed++;
    }
}

/* ---- FlushDmaBuffer ---- */

/* The last mapping of that MDL, live or over. */
static const struct ft_rs_mapping *mapping_of(const struct ft_rules *rules, uint32_t mdl)
{
    const struct ft_rs_mapping *last = NULL;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && mapping->mdl == mdl && (last == NULL || mapping->id > last->id)) {
            last = mapping;
        }
    }
    return last;
}

static void on_flush_buffer(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mapping *mapping = mapping_of(rules, ft_rs_mdl_id(event, 1));

    if (!ft_by_driver(event) || !ft_known(event, 1) || !ft_known(event, 2)) {
        return;
    }
    if (mapping == NULL) {
        ft_rule_fire(rules, FT_J_DMA_FDB_MDL_MAPPED, event, event->arg[1]);
    } else if (((mapping->flags & FT_MAPPING_WRITE) != 0) == (event->arg[2] != 0)) {
        ft_rule_fire(rules, FT_J_DMA_FDB_DIRECTION, event, event->arg[1]);
    }
}

/* ---- what version 3 can be asked ---- */

/* The adapter's transfer of version 3 was flushed, and nothing was mapped since. */
static bool was_flushed(const struct ft_rules *rules, uint32_t adapter)
{
    const uint16_t mapped = FT_MORE_V3 | FT_MORE_WAS_MAPPED | FT_MORE_V3_MAPPED;

    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->adapter == adapter && (grant->flags & FT_RS_OVER) == 0 &&
            (grant->more & mapped) == (FT_MORE_V3 | FT_MORE_WAS_MAPPED)) {
            return true;
        }
    }
    return false;
}

static void on_query(struct ft_rules *rules, const struct ft_event *event)
{
    const uint64_t not_supported = 0xC00000BBu;

    switch (event->kind) {
    case FT_EV_ADAPTER_INFO:
        if (event->arg[2] == not_supported && event->arg[1] != UINT32_MAX) {
            ft_rule_fire(rules, FT_J_DMA_INF_VERSION, event, event->arg[0]);
        }
        break;
    case FT_EV_TRANSFER_INFO:
        if (event->arg[5] == not_supported) {
            ft_rule_fire(rules, FT_J_DMA_INF_VERSION, event, event->arg[0]);
        } else if (event->arg[5] == 0xC000000Du) {
            ft_rule_fire(rules, FT_J_DMA_MPX_RANGE, event, event->arg[1]);
        }
        break;
    case FT_EV_DMA_CONFIGURE:
        if (!is_slave(rules, event)) {
            ft_rule_fire(rules, FT_J_DMA_CFG_SYSTEM_ONLY, event, event->arg[0]);
        }
        break;
    case FT_EV_DMA_COUNTER:
        if (!is_slave(rules, event) || was_flushed(rules, ft_arg_id(event, 0))) {
            ft_rule_fire(rules, FT_J_DMA_CNT_SYSTEM_ONLY, event, event->arg[0]);
        }
        break;
    case FT_EV_DMA_DOMAIN:
        if (event->arg[2] == 1 && event->arg[3] == 0xC000000Du) {
            ft_rule_fire(rules, FT_J_DMA_DOM_HANDLE, event, event->arg[0]);
        }
        break;
    default:
        break;
    }
}

/* ---- common buffers ---- */

static void on_vector(struct ft_rules *rules, const struct ft_event *event)
{
    enum { GET_ELEMENT = 1 };
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    switch (event->arg[4]) {
    case FT_WHY_IRQL:
        ft_rule_fire(rules, FT_J_DMA_CBV_IRQL, event, event->arg[1]);
        return;
    case FT_WHY_BUSY:
        ft_rule_fire(rules, FT_J_DMA_CBV_NOT_EMPTY, event, event->arg[1]);
        return;
    case FT_WHY_RANGE:
        ft_rule_fire(rules, FT_J_DMA_CBV_INDEX, event, event->arg[1]);
        return;
    case FT_WHY_TWICE:
        ft_rule_fire(rules, FT_J_DMA_CBV_INDEX_FREED, event, event->arg[1]);
        return;
    default:
        break;
    }
    /* The pages give no level, and the bug check does not say which one is wrong. */
    if (event->arg[2] != GET_ELEMENT && event->irql > FT_IRQL_PASSIVE) {
        ft_rule_warn(rules, FT_J_DMA_CBV_IRQL, event, event->arg[1]);
    }
    if (adapter != NULL && event->arg[1] != 0 && event->arg[2] == 0) {
        adapter->vectors++;
    } else if (adapter != NULL && event->arg[2] == 3 && adapter->vectors != 0) {
        adapter->vectors--;
    }
}

static void on_common(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_by_driver(event) || !ft_known(event, 5) || (event->arg[5] & FT_HOW_FROM_MDL) == 0) {
        return;
    }
    if (FT_HOW_WHY(event->arg[5]) == FT_WHY_MDL) {
        ft_rule_fire(rules, FT_J_DMA_CBM_MDL_SHAPE, event, event->arg[0]);
    } else if (FT_HOW_WHY(event->arg[5]) == FT_WHY_TWICE) {
        ft_rule_fire(rules, FT_J_DMA_CBM_CONFIG_DUP, event, event->arg[0]);
    }
}

/* ---- which event goes where ---- */

void ft_on_v3(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CTX_INIT:
        on_context(rules, event);
        break;
    case FT_EV_CTX_LOST:
        on_context_lost(rules, event);
        break;
    case FT_EV_CHANNEL_EX:
        on_channel(rules, event);
        break;
    case FT_EV_CHANNEL_CANCEL:
        on_cancel(rules, event);
        break;
    case FT_EV_FREE_OBJECT:
        on_free_object(rules, event);
        break;
    case FT_EV_SG_GET_EX:
        on_list(rules, event);
        break;
    case FT_EV_FLUSH_BUFFER:
        on_flush_buffer(rules, event);
        break;
    case FT_EV_CB_VECTOR:
        on_vector(rules, event);
        break;
    case FT_EV_CB_ALLOC_EX:
        on_common(rules, event);
        break;
    case FT_EV_DMA_MAP_EX:
    case FT_EV_DMA_FLUSH_EX:
    case FT_EV_DMA_COMPLETE:
    case FT_EV_CANCEL_MAPPED:
        ft_on_v3_transfer(rules, event);
        break;
    default:
        if (ft_by_driver(event)) {
            on_query(rules, event);
        }
        break;
    }
}
