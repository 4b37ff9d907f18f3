/* Common buffers: how they are allocated, described by MDLs and freed. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

enum { PAGE = 4096 };

static bool common_is_live(const struct ft_rs_common *common)
{
    return common->id != 0 && (common->flags & FT_RS_OVER) == 0;
}

/* ---- allocation ---- */

/* A request of the device's user is served: start-up is long over. */
static bool serves_request(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    return irp != NULL && (irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE);
}

void ft_judge_common_alloc(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    uint64_t length = event->arg[2];

    if (adapter == NULL) {
        return;
    }
    adapter->flags &= (uint16_t)~FT_ADAPTER_COMMON_REFUSED;
    adapter->flags |= ft_known(event, 1) && event->arg[1] == 0 ? FT_ADAPTER_COMMON_REFUSED : 0;
    if (!ft_by_driver(event) || !ft_known(event, 2)) {
        return;
    }
    if (adapter->registers != 0 && (length + PAGE - 1) / PAGE > adapter->registers) {
        ft_rule_fire(rules, FT_J_DMA_CB_REGISTER_NEED, event, event->arg[0]);
    }
    if (length > PAGE && serves_request(rules, event)) {
        ft_rule_fire(rules, FT_J_DMA_CB_LATE_ALLOC, event, event->arg[1]);
    }
}

/* ---- FreeCommonBuffer ---- */

static void judge_arguments(struct ft_rules *rules, const struct ft_event *event,
                            const struct ft_rs_common *common)
{
    uint64_t wrong = ft_known(event, 4) ? event->arg[4] : 0;
    bool shorter = ft_known(event, 2) && event->arg[2] < common->length;
    bool inside = ft_known(event, 3) && event->arg[3] > common->address &&
                  event->arg[3] < common->address + common->length;

    if ((event->arg[1] & UINT32_MAX) != 0 || inside || shorter) {
        ft_rule_fire(rules, FT_J_DMA_CB_PARTIAL_FREE, event, event->arg[1]);
        ft_rule_fire(rules, FT_J_DMA_CB_FREE_ARGS, event, event->arg[1]);
    } else if ((wrong & (FT_CF_ADAPTER | FT_CF_LENGTH | FT_CF_LOGICAL | FT_CF_VIRTUAL)) != 0 ||
               common->adapter != ft_arg_id(event, 0) ||
               (ft_known(event, 2) && event->arg[2] != common->length) ||
               (ft_known(event, 3) && event->arg[3] != common->address)) {
        ft_rule_fire(rules, FT_J_DMA_CB_FREE_ARGS, event, event->arg[1]);
    } else if ((wrong & FT_CF_CACHE) != 0) {
        ft_rule_warn(rules, FT_J_DMA_CB_FREE_ARGS, event, event->arg[1]);
    }
}

static bool is_last(const struct ft_rules *rules, const struct ft_rs_common *common)
{
    for (unsigned i = 0; i < FT_RS_COMMONS; i++) {
        if (common_is_live(&rules->common[i]) && &rules->common[i] != common) {
            return false;
        }
    }
    return true;
}

/* An event does not say over which common buffer an MDL was built; with the last one goes what any
 * of them lies on. */
static void judge_mdls(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_common *common)
{
    for (unsigned i = 0; i < rules->mdl_end && is_last(rules, common); i++) {
        const struct ft_rs_mdl *mdl = &rules->mdl[i];

        if (mdl->id != 0 && (mdl->flags & FT_MDL_COMMON) != 0 &&
            (mdl->flags & (FT_MDL_FREED | FT_RS_OVER)) == 0) {
            ft_rule_fire(rules, FT_J_DMA_CB_MDL_LIFETIME, event, ft_handle(FT_HC_MDL, mdl->id, 0));
        }
    }
}

static void judge_active(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_common *common)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active && engine->address < common->address + common->length &&
            common->address < engine->address + engine->length) {
            ft_rule_fire(rules, FT_J_DMA_CB_DEVICE_ACTIVE, event, event->arg[1]);
            return;
        }
    }
}

void ft_judge_common_free(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_common *common = ft_rs_common_find(rules, ft_arg_id(event, 1));
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));

    if (!ft_by_driver(event) || !ft_known(event, 1) || adapter == NULL) {
        return;
    }
    if (event->arg[1] == 0 && (adapter->flags & FT_ADAPTER_COMMON_REFUSED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_CB_NULL, event, event->arg[0]);
    } else if (ft_handle_class(event->arg[1]) != FT_HC_COMMON || common == NULL) {
        ft_rule_fire(rules, FT_J_DMA_CB_FREE_ARGS, event, event->arg[1]);
    } else if (!common_is_live(common)) {
        ft_rule_fire(rules, FT_J_DMA_CB_DOUBLE_FREE, event, event->arg[1]);
    } else {
        judge_arguments(rules, event, common);
        judge_active(rules, event, common);
        judge_mdls(rules, event, common);
    }
}

/* ---- damage that the machine finds ---- */

void ft_on_damage(struct ft_rules *rules, const struct ft_event *event)
{
    static const uint16_t rule_of[] = {
        [FT_DAMAGE_FREE_REGISTER] = FT_J_MEM_DEV_FREE_REGISTER,
        [FT_DAMAGE_ADAPTER] = FT_J_MEM_ADAPTER_READONLY,
        [FT_DAMAGE_LIST] = FT_J_MEM_SGL_READONLY,
        [FT_DAMAGE_MDL] = FT_J_MEM_MDL_MUTATED,
        [FT_DAMAGE_COMMON_SLACK] = FT_J_MEM_CPU_CB_SLACK,
        [FT_DAMAGE_FREE_PAGE] = FT_J_MEM_WRITE_FREE_PAGE,
    };
    uint64_t what = event->arg[0];

    if (ft_known(event, 0) && what >= FT_DAMAGE_FREE_REGISTER && what <= FT_DAMAGE_FREE_PAGE) {
        ft_rule_fire(rules, (enum ft_judged_rule)rule_of[what], event, event->arg[1]);
    }
}
