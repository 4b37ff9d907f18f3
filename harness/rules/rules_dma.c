/* Mappings: the rules about MapTransfer, and what is asked of mappings. Flushes are judged in
 * rules_dma_flush.c.
 *
 * mapping     what one MapTransfer returned: a piece of an MDL that the device may reach at a
 *             logical address.
 * grant       what AdapterControl delivered: a channel, map registers, or both; mappings are made
 * on it. Events name it where the driver passes a MapRegisterBase. operation   the mappings of a
 * grant that one run of the device uses.
 */
#include "rules/rules_private.h"

/* Bytes of one map register. */
enum { PAGE = 4096 };

static bool overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length)
{
    return a < b + b_length && b < a + a_length;
}

bool ft_mapping_is_active(const struct ft_rules *rules, const struct ft_rs_mapping *mapping)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        const struct ft_rs_engine *engine = &rules->engine[i];

        if (engine->active &&
            overlap(engine->address, engine->length, mapping->address, mapping->length)) {
            return true;
        }
    }
    return false;
}

/* A live mapping of the grant, the first in the table, NULL when there is none. */
struct ft_rs_mapping *ft_mapping_live_on(struct ft_rules *rules, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_live(&rules->mapping[i]) && rules->mapping[i].grant == grant) {
            return &rules->mapping[i];
        }
    }
    return NULL;
}

bool ft_grant_is_due(struct ft_rules *rules, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_due(&rules->mapping[i]) && rules->mapping[i].grant == grant) {
            return true;
        }
    }
    return false;
}

bool ft_grant_is_half_flushed(struct ft_rules *rules, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && mapping->grant == grant && (mapping->flags & FT_RS_OVER) != 0) {
            return ft_grant_is_due(rules, grant);
        }
    }
    return false;
}

void ft_warn_spent(struct ft_rules *rules, const struct ft_event *event, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant &&
            (mapping->flags & FT_MAPPING_SPENT) != 0) {
            ft_rule_warn(rules, FT_J_DMA_FLUSH_LENGTH_SHORT, event, ft_mapping_handle(mapping));
        }
    }
}

void ft_grant_drop_mappings(struct ft_rules *rules, uint32_t grant)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (rules->mapping[i].id != 0 && rules->mapping[i].grant == grant) {
            rules->mapping[i].flags |= FT_RS_OVER;
        }
    }
}

/* ---- MapTransfer ---- */

/* Map registers that a piece needs. A device reaches a byte at its offset in the page. */
static unsigned span(uint64_t address, uint64_t length)
{
    return (unsigned)((address % PAGE + length + PAGE - 1) / PAGE);
}

/* A map that would need more registers than are left of the grant is refused (a null mapping, the
 * length that was asked for). A scatter/gather device is given what fits, so for it one register is
 * enough. */
static void judge_budget(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_grant *grant)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, grant->adapter);
    bool refused = event->arg[6] == 0;
    bool pipelines = adapter == NULL || (adapter->flags & FT_ADAPTER_PIPELINES) != 0;
    unsigned pages = span(event->arg[7], event->arg[4]);

    if (grant->registers == 0 || event->arg[4] == 0 || grant->adapter != ft_arg_id(event, 0)) {
        return; /* none were asked for, so none bound it */
    }
    if (refused && pipelines) {
        pages = 1;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_live(mapping) && mapping->grant == grant->id) {
            pages += span(mapping->address, mapping->length);
        }
    }
    if (pages > grant->registers) {
        ft_rule_fire(rules, FT_J_DMA_MAP_REGISTER_BUDGET, event, event->arg[1]);
        if (adapter != NULL && pages <= adapter->registers) {
            /* There was more to be had for the asking. */
            ft_rule_fire(rules, FT_J_DMA_ACH_COUNT_SUFFICIENT, event, event->arg[1]);
        }
    }
}

/* True when a transfer may go on at this offset although bytes behind it were mapped: a piece
 * begins there and is tried again, or the device stopped there. */
static bool may_resume(struct ft_rules *rules, const struct ft_rs_grant *grant, uint64_t offset)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && mapping->grant == grant->id &&
            (mapping->offset == offset || mapping->offset + mapping->engine_bytes == offset ||
             mapping->offset + mapping->bus_bytes == offset)) {
            return true;
        }
    }
    return false;
}

static void judge_advance(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_grant *grant, uint32_t owner)
{
    uint64_t offset = event->arg[3];

    if ((grant->flags & FT_GRANT_MAPPED) == 0 || grant->mdl != ft_rs_mdl_id(event, 2) ||
        owner == 0 || grant->irp != owner || !ft_known(event, 3)) {
        return;
    }
    if (offset > grant->next || (offset < grant->next && !may_resume(rules, grant, offset))) {
        ft_rule_fire(rules, FT_J_DMA_MAP_ADVANCE, event, event->arg[2]);
    }
}

static bool adapter_has_grant(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        if (rules->grant[i].id != 0 && rules->grant[i].adapter == adapter &&
            (rules->grant[i].flags & FT_RS_OVER) == 0) {
            return true;
        }
    }
    return false;
}

/* False: the map itself is at fault, and what follows from it is not told. */
static bool judge_map(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant, uint32_t owner)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    const struct ft_rs_control *control = ft_control_of(rules, event->task);
    const struct ft_rs_mapping *before;

    ft_judge_refused(rules, event);
    ft_judge_late_dpc(rules, event);
    if (ft_rs_irp_is_complete(rules, owner)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_AFTER_COMPLETE, event, ft_handle(FT_HC_IRP, owner, 0));
        return false;
    }
    if (control != NULL && control->of_list && control->depth == 0) {
        ft_rule_fire(rules, FT_J_DMA_LCB_NO_ALLOC_MAP, event, event->arg[0]);
        return false;
    }
    ft_judge_base(rules, event, grant, adapter_has_grant(rules, ft_arg_id(event, 0)));
    if (grant == NULL || (grant->flags & FT_RS_OVER) != 0) {
        if (grant == NULL && !adapter_has_grant(rules, ft_arg_id(event, 0))) {
            ft_rule_fire(rules, FT_J_DMA_MAP_NO_GRANT, event, event->arg[0]);
        }
        return false;
    }
    ft_judge_map(rules, event, grant);
    before = ft_mapping_live_on(rules, grant->id);
    if (before != NULL && adapter != NULL && (adapter->flags & FT_ADAPTER_PIPELINES) == 0) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_BEFORE_NEXT_MAP, event, ft_mapping_handle(before));
        return false;
    }
    judge_advance(rules, event, grant, owner);
    return true;
}

/* Remembers how far the grant's transfer has come. The request whose memory is mapped is a better
 * owner than the current IRP; the driver's own memory has none. */
static void advance_grant(struct ft_rs_grant *grant, const struct ft_rs_mapping *mapping)
{
    bool same = (grant->flags & FT_GRANT_MAPPED) != 0 && grant->mdl == mapping->mdl;

    if (!same || ft_mapping_end(mapping) > grant->next) {
        grant->next = (uint32_t)ft_mapping_end(mapping);
    }
    grant->mdl = mapping->mdl;
    grant->flags |= FT_GRANT_MAPPED;
    grant->irp = mapping->irp;
    grant->maps += grant->maps < UINT8_MAX;
}

void ft_on_dma_map(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_grant *grant = ft_rs_grant_find(rules, ft_arg_id(event, 1));
    /* The driver's own memory belongs to no request, whatever CurrentIrp was when the channel was
     * asked for: a driver may prefetch or write back while another request is current. */
    uint32_t owner = ft_rs_mdl_owner(rules, ft_rs_mdl_id(event, 2));
    struct ft_rs_mapping *mapping;
    struct ft_rs_irp *irp;

    if (ft_by_driver(event) && judge_map(rules, event, grant, owner) && ft_known(event, 7) &&
        ft_known(event, 4)) {
        judge_budget(rules, event, grant);
    }
    mapping = ft_rs_mapping_get(rules, ft_arg_id(event, 6));
    if (mapping == NULL) {
        return;
    }
    mapping->adapter = ft_arg_id(event, 0);
    mapping->grant = ft_arg_id(event, 1);
    mapping->mdl = ft_rs_mdl_id(event, 2);
    mapping->irp = owner;
    mapping->offset = (uint32_t)event->arg[3];
    mapping->length = (uint32_t)event->arg[4];
    mapping->flags |= event->arg[5] ? FT_MAPPING_WRITE : 0;
    mapping->address = event->arg[7];
    irp = ft_rs_irp_find(rules, owner);
    if (irp != NULL) {
        irp->flags |= FT_IRP_MAPPED;
        irp->maps += irp->maps < UINT8_MAX;
        if (ft_rs_mdl_owner(rules, mapping->mdl) == irp->id) {
            irp->flags |= FT_IRP_MAPPED_OWN;
        }
    }
    if (grant != NULL) {
        advance_grant(grant, mapping);
    }
    if (ft_by_driver(event) && event->unknown == 0) {
        ft_judge_overlap(rules, event, mapping);
    }
}
