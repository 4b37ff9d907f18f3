/* The arguments of MapTransfer, of list requests and of flushes: MDL, range, direction, base. What
 * the order of maps and flushes owes is rules_dma.c. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

static bool lies_before(uint64_t offset)
{
    return offset >> 63 != 0; /* offsets are 64-bit two's complement */
}

/* ---- the MDL ---- */

/* Only what the driver allocated itself is known well enough: the MDL of a request comes locked. */
void ft_judge_mdl_pages(struct ft_rules *rules, const struct ft_event *event, uint32_t id)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);
    uint64_t object = ft_handle(FT_HC_MDL, id, 0);
    unsigned flags = mdl != NULL ? mdl->flags : 0;

    if ((flags & FT_MDL_BY_DRIVER) == 0) {
        return;
    }
    if ((flags & FT_MDL_FREED) != 0) {
        ft_rule_fire(rules, FT_J_MEM_MDL_USE_AFTER_FREE, event, object);
        return;
    }
    if ((flags & FT_MDL_FILLED) == 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_MDL_BUILT, event, object);
    }
    if ((flags & FT_MDL_FILLED) == 0 || (flags & (FT_MDL_PAGED | FT_MDL_UNLOCKED)) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_MDL_LOCKED, event, object);
    }
}

/* The event of a list comes when the call returns. What a list routine that ran meanwhile has freed
 * was there at the call: an MDL that is not gets no list. */
void ft_judge_list_pages(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                         bool granted)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    if (!granted || mdl == NULL || (mdl->flags & FT_MDL_FREED) == 0) {
        ft_judge_mdl_pages(rules, event, id);
    }
}

/* A piece lies on its source's pages. */
static unsigned lock_flags(struct ft_rules *rules, uint32_t id)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    for (unsigned depth = 0; depth < 4 && mdl != NULL && mdl->source != 0; depth++) {
        mdl = ft_rs_mdl_find(rules, mdl->source);
    }
    return mdl != NULL ? mdl->flags : 0;
}

/* ---- the direction ---- */

/* What the device fills must have been locked for writing, and the request says which way its data
 * goes. */
void ft_judge_direction(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                        bool write)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_rs_mdl_owner(rules, mdl));

    if (!write && (lock_flags(rules, mdl) & FT_MDL_READ_ONLY) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_LOCK_ACCESS, event, ft_handle(FT_HC_MDL, mdl, 0));
    }
    if (irp != NULL &&
        ((irp->major == FT_MAJOR_READ && write) || (irp->major == FT_MAJOR_WRITE && !write))) {
        ft_rule_fire(rules, FT_J_DMA_MAP_DIR_VS_IRP, event, ft_handle(FT_HC_IRP, irp->id, 0));
    }
}

/* ---- the range ---- */

/* A mapping of the same bytes through the same adapter that still owes its flush. */
void ft_judge_overlap(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_mapping *fresh)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (ft_mapping_is_due(mapping) && mapping->id != fresh->id &&
            mapping->adapter == fresh->adapter && mapping->mdl == fresh->mdl && fresh->mdl != 0 &&
            mapping->offset < fresh->offset + fresh->length &&
            fresh->offset < mapping->offset + mapping->length) {
            ft_rule_fire(rules, FT_J_DMA_MAP_OVERLAP, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

static void judge_range(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, ft_rs_mdl_id(event, 2));
    uint64_t offset = event->arg[3];
    uint64_t length = event->arg[4];
    bool refused = ft_arg_id(event, 6) == 0;

    if (!ft_known(event, 3) || !ft_known(event, 4) || !ft_known(event, 6)) {
        return;
    }
    if (refused && length == 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_ZERO_LENGTH, event, event->arg[2]);
    } else if (lies_before(offset) || (mdl != NULL && mdl->length != 0 && offset >= mdl->length)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_VA_IN_MDL, event, event->arg[2]);
    } else if (mdl != NULL && mdl->length != 0 && offset + length > mdl->length) {
        ft_rule_fire(rules, FT_J_DMA_MAP_LENGTH_IN_MDL, event, event->arg[2]);
    }
}

/* A flush from outside the MDL. One that begins at its end is a flush whose address was advanced.
 * True: nothing else is to be said. */
bool ft_judge_flush_range(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                          uint64_t offset)
{
    const struct ft_rs_mdl *mdl = ft_rs_mdl_find(rules, id);

    if (lies_before(offset) || (mdl != NULL && mdl->length != 0 && offset > mdl->length)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_VA_IN_MDL, event, event->arg[2]);
        return true;
    }
    return false;
}

/* ---- what the adapter was declared to do ---- */

static uint64_t live_bytes(const struct ft_rules *rules, uint32_t grant)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < rules->mapping_end; i++) {
        if (ft_mapping_is_live(&rules->mapping[i]) && rules->mapping[i].grant == grant) {
            bytes += rules->mapping[i].length;
        }
    }
    return bytes;
}

static void judge_declared(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_adapter *adapter)
{
    uint64_t length = event->arg[4];
    uint64_t address = event->arg[7];

    if (ft_arg_id(event, 6) == 0) {
        return;
    }
    if (adapter->maximum != 0 &&
        live_bytes(rules, ft_arg_id(event, 1)) + length > adapter->maximum) {
        ft_rule_fire(rules, FT_J_DMA_MAP_MAXLEN, event, event->arg[0]);
    }
    if (adapter->alignment > 1 &&
        (address % adapter->alignment != 0 || length % adapter->alignment != 0)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_ALIGNMENT, event, event->arg[2]);
    }
}

/* ---- the base ---- */

/* True when a base of NULL may be one that was granted: one without registers. */
static bool null_is_granted(const struct ft_rules *rules, uint32_t adapter)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_grant *grant = &rules->grant[i];

        if (grant->id != 0 && grant->adapter == adapter && (grant->flags & FT_RS_OVER) == 0 &&
            grant->registers == 0) {
            return true;
        }
    }
    return false;
}

/* A base that is not a live grant's of this adapter. Without any grant on the adapter another rule
 * speaks; a freed base is its own case. */
void ft_judge_base(struct ft_rules *rules, const struct ft_event *event,
                   const struct ft_rs_grant *grant, bool any)
{
    uint32_t adapter = ft_arg_id(event, 0);

    if (grant != NULL && (grant->flags & FT_RS_OVER) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_AFTER_FREE, event, event->arg[1]);
        ft_rule_fire(rules, FT_J_DMA_MAP_BASE_PROVENANCE, event, event->arg[1]);
    } else if (any && ft_known(event, 1) &&
               (grant == NULL ? event->arg[1] != 0 || !null_is_granted(rules, adapter)
                              : grant->adapter != adapter || (event->arg[1] & UINT32_MAX) != 0)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_BASE_PROVENANCE, event, event->arg[1]);
    }
}

/* The pieces of one request go one way. */
static void judge_split(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_grant *grant)
{
    uint32_t mdl = ft_rs_mdl_id(event, 2);

    if (grant == NULL || (grant->flags & FT_GRANT_MAPPED) == 0 || grant->mdl != mdl ||
        grant->irp == 0 || grant->irp != ft_rs_mdl_owner(rules, mdl)) {
        return;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];

        if (mapping->id != 0 && mapping->grant == grant->id && mapping->mdl == mdl &&
            ((mapping->flags & FT_MAPPING_WRITE) != 0) != (event->arg[5] != 0)) {
            ft_rule_fire(rules, FT_J_DMA_MAP_SPLIT_SAME_ARGS, event, ft_mapping_handle(mapping));
            return;
        }
    }
}

/* ---- a subordinate device ---- */

/* Of version 3, one MapTransferEx makes a mapping for each element; rules of its own judge it. */
static void judge_slave(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter, const struct ft_rs_grant *grant)
{
    if (grant == NULL || (adapter->flags & FT_ADAPTER_SLAVE) == 0 ||
        (grant->more & FT_MORE_V3) != 0) {
        return;
    }
    /* The elements of one MapTransferEx are mapped one after the other. */
    if ((grant->more & FT_MORE_V3) == 0 && ft_grant_is_due((struct ft_rules *)rules, grant->id)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_SYSTEM_SERIAL, event, event->arg[0]);
    }
    if ((adapter->flags & FT_ADAPTER_AUTO_INITIALIZE) != 0 &&
        (grant->flags & FT_GRANT_MAPPED) != 0) {
        ft_rule_fire(rules, FT_J_DMA_MAP_AUTOINIT_ONCE, event, event->arg[0]);
    }
}

/* A register of the device gets the address that MapTransfer returned: the controller has it
 * already, and the value means nothing to the device. */
void ft_judge_slave_register(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t value = event->arg[2];

    if (!ft_by_driver(event) || !ft_known(event, 2) || value < 0x10000) {
        return;
    }
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, mapping->adapter);

        if (ft_mapping_is_live(mapping) && adapter != NULL &&
            (adapter->flags & FT_ADAPTER_SLAVE) != 0 &&
            (value == mapping->address || value == (uint32_t)mapping->address)) {
            ft_rule_fire(rules, FT_J_DMA_MAP_SYSTEM_ADDRESS_USED, event,
                         ft_mapping_handle(mapping));
        }
    }
}

/* The controller's channel was programmed, or has reached its terminal count. */
void ft_on_system_dma(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_ADAPTERS; i++) {
        struct ft_rs_adapter *adapter = &rules->adapter[i];

        if (event->kind == FT_EV_SYS_PROGRAM && adapter->id != 0 &&
            adapter->id == ft_arg_id(event, 0)) {
            adapter->flags |= FT_ADAPTER_RUNNING;
        } else if (event->kind == FT_EV_SYS_TERMINAL && adapter->channel == event->arg[0]) {
            adapter->flags &= (uint16_t)~FT_ADAPTER_RUNNING;
        }
    }
}

/* A flush breaks off what the controller has not finished: the documents of the old interface let
 * it, those of the new one do not. */
void ft_judge_system_flush(struct ft_rules *rules, const struct ft_event *event,
                           struct ft_rs_adapter *adapter)
{
    if ((adapter->flags & (FT_ADAPTER_SLAVE | FT_ADAPTER_RUNNING)) !=
        (FT_ADAPTER_SLAVE | FT_ADAPTER_RUNNING)) {
        return;
    }
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        if (rules->engine[i].active && rules->engine[i].length == 0 &&
            ft_rs_same_device(rules, rules->engine[i].device, adapter->device)) {
            ft_rule_warn(rules, FT_J_DMA_FLUSH_EARLY, event, event->arg[0]);
        }
    }
    adapter->flags &= (uint16_t)~FT_ADAPTER_RUNNING;
}

/* ---- MapTransfer ---- */

void ft_judge_map(struct ft_rules *rules, const struct ft_event *event,
                  const struct ft_rs_grant *grant)
{
    const struct ft_rs_adapter *adapter = ft_rs_adapter_find(rules, ft_arg_id(event, 0));
    uint32_t mdl = ft_rs_mdl_id(event, 2);

    if (ft_known(event, 2) && event->arg[2] == 0 && ft_known(event, 6) && event->arg[6] == 0) {
        ft_rule_fire(rules, FT_J_DMA_MDL_NULL, event, 0);
        return;
    }
    judge_range(rules, event);
    ft_judge_mdl_pages(rules, event, mdl);
    if (ft_known(event, 5)) {
        ft_judge_direction(rules, event, mdl, event->arg[5] != 0);
        judge_split(rules, event, grant);
    }
    if (adapter != NULL) {
        judge_declared(rules, event, adapter);
        judge_slave(rules, event, adapter, grant);
    }
    ft_judge_kfi_at_map(rules, event, mdl, event->arg[5] != 0);
}

/* ---- odd arguments, and what the verifier says ---- */

static bool is_dma_point(uint64_t point)
{
    return (point >= FT_PT_DMA_GET && point <= FT_PT_DMA_QUERY_OUT) ||
           (point >= FT_PT_SG_GET && point <= FT_PT_SG_SIZE_OUT);
}

void ft_on_odd_argument(struct ft_rules *rules, const struct ft_event *event)
{
    enum { MDL_ARGUMENT = 2, LENGTH_ARGUMENT = 5 };
    uint64_t point = event->arg[0];

    if (!ft_by_driver(event) || !is_dma_point(point)) {
        return;
    }
    if (point == FT_PT_DMA_MAP && event->arg[1] == MDL_ARGUMENT) {
        ft_rule_fire(rules, FT_J_DMA_MAP_MDL_FLAGS, event, 0);
    } else if (point == FT_PT_DMA_MAP && event->arg[1] == LENGTH_ARGUMENT) {
        ft_rule_fire(rules, FT_J_DMA_MAP_LENGTH_ALIAS, event, 0);
    } else {
        ft_rule_fire(rules, FT_J_DMA_BOOLEAN_ARGS, event, 0);
    }
}

/* What the exact rules tell is not told again; these rows are the verifier's own criteria. */
void ft_on_verifier(struct ft_rules *rules, const struct ft_event *event)
{
    enum { NOT_FLUSHED = 0x0D, BAD_BUFFER = 0x1F, NO_SYSTEM_ADDRESS = 0x22 };
    enum { VA_NOT_ALIGNED = 4, LENGTH_NOT_ALIGNED = 5 };
    uint64_t code = event->arg[0];

    if (code == NOT_FLUSHED) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_THRESHOLD, event, 0);
    } else if (code == NO_SYSTEM_ADDRESS) {
        ft_rule_fire(rules, FT_J_DMA_MAP_SYSTEM_VA, event, 0);
    } else if (code == BAD_BUFFER && ft_known(event, 1) &&
               (event->arg[1] == VA_NOT_ALIGNED || event->arg[1] == LENGTH_NOT_ALIGNED)) {
        ft_rule_fire(rules, FT_J_DMA_MAP_ALIGNMENT, event, 0);
    }
}
