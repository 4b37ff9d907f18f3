/* What the files of harness/rules share: the list of judged rules, firing, and finding objects in
 * the state.
 *
 * A monitor is a function ft_on_<event>(rules, event). The switch in rules.c calls, for one event,
 * first the monitors that judge it and then those that change the state other monitors read.
 */
#ifndef FT_RULES_PRIVATE_H
#define FT_RULES_PRIVATE_H

#include "rules/rules.h"
#include "rules/rules_judged.h"
#include "rules/rules_state.h"

#include "sim/event.h"
#include "sim/handle.h"
#include "sim/scenario.h"

enum ft_rule_number {
    FT_RULE_NONE_ = 0,
#define RULE(number, symbol, ...) FT_RULE_##symbol = number,
#include "rules.def"
#undef RULE
};

enum ft_judged_rule {
#define J(symbol) FT_J_##symbol = FT_RULE_##symbol,
    FT_JUDGED_RULES(J)
#undef J
};

/* The place of a kind of event in a table. Kinds are 0xGGNN with few groups and low numbers, and
 * none has the place 0. */
enum {
    FT_KIND_GROUPS = 16,
    FT_KIND_NUMBERS = 128,
    FT_KIND_PLACES = FT_KIND_GROUPS * FT_KIND_NUMBERS
};
#define FT_KIND_PLACE(kind)                                                                        \
    (((kind) & ~0xF7F) == 0 ? ((kind) >> 8) * FT_KIND_NUMBERS + ((kind)&0x7F) : 0)

enum { FT_IRQL_PASSIVE = 0, FT_IRQL_APC = 1, FT_IRQL_DISPATCH = 2 };

enum { FT_NT_PENDING = 0x103 };

#define FT_NT_CANCELLED      0xC0000120u
#define FT_NT_DELETE_PENDING 0xC0000056u

enum {
    FT_MAJOR_CREATE = 0x00,
    FT_MAJOR_CLOSE = 0x02,
    FT_MAJOR_READ = 0x03,
    FT_MAJOR_WRITE = 0x04,
    FT_MAJOR_POWER = 0x16,
    FT_MAJOR_PNP = 0x1B
};

enum {
    FT_PNP_MINOR_START = 0x00,
    FT_PNP_MINOR_REMOVE = 0x02,
    FT_PNP_MINOR_STOP = 0x04,
    FT_PNP_MINOR_SURPRISE_REMOVAL = 0x17,
    FT_POWER_MINOR_SET = 0x02
};

enum { FT_POWER_D0 = 1 };

/* ---- rules_needs.c ---- */

/* Which needs are broken for the device of the event and the request that a finding is about. */
unsigned ft_rules_broken_needs(struct ft_rules *rules, const struct ft_event *event,
                               uint64_t object);

/* ---- rules_table.c ---- */

/* True when `rule` refines `general`, directly or through others. */
bool ft_rule_refines(uint16_t rule, uint16_t general);

/* ---- rules_devices.c ---- */

/* Of a driver with two devices: what is kept of one framework device becomes that of the device of
 * the event. */
void ft_turn_to_device(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules.c ---- */

/* ft_rule_fire says that `event` breaks the rule. Nothing happens when the rule is disabled, when a
 * need of it is broken for the device of the event or the request `object`, or when this finding is
 * there already. `object`: handle of what it is about. */
void ft_rule_fire(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object);

/* The same as a warning, whatever the severity of the row: a reading of the documents that is not
 * punished. */
void ft_rule_warn(struct ft_rules *rules, enum ft_judged_rule rule, const struct ft_event *event,
                  uint64_t object);

/* The engine stops judging: the table has no slot left. */
void ft_rules_overflow(struct ft_rules *rules, enum ft_rs_table table);

/* ---- rules_objects.c: lookups. NULL (or slot 0 for devices) when there is none. ---- */

/* …_get make the entry when there is none; they give NULL only after ft_rules_overflow. */
struct ft_rs_irp *ft_rs_irp_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_irp *ft_rs_irp_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_mdl *ft_rs_mdl_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_mdl *ft_rs_mdl_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_mapping *ft_rs_mapping_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_mapping *ft_rs_mapping_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_grant *ft_rs_grant_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_grant *ft_rs_grant_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_adapter *ft_rs_adapter_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_adapter *ft_rs_adapter_get(struct ft_rules *rules, uint32_t id);
struct ft_rs_common *ft_rs_common_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_common *ft_rs_common_get(struct ft_rules *rules, uint32_t id);

struct ft_rs_list *ft_rs_list_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_list *ft_rs_list_get(struct ft_rules *rules, uint32_t id);

/* The name of the MDL in an argument: the id of its handle, or that of the driver's memory in which
 * the MDL lies. */
uint32_t ft_rs_mdl_id(const struct ft_event *event, unsigned index);

/* True when the IRP was completed by the driver or is back at its requester; also when its entry is
 * long gone. */
bool ft_rs_irp_is_complete(struct ft_rules *rules, uint32_t id);

/* The IRP whose memory an MDL describes, 0: none. */
uint32_t ft_rs_mdl_owner(struct ft_rules *rules, uint32_t mdl);

/* The slot of a device, made when needed; id 0 gives slot 0. */
struct ft_rs_device *ft_rs_device(struct ft_rules *rules, uint32_t id);

/* The slot at the bottom of the stack that the device belongs to. State that concerns the hardware
 * stands there. An id of 0 means the only device of the driver, when there is only one. */
struct ft_rs_device *ft_rs_root(struct ft_rules *rules, uint32_t id);

/* True when both ids name devices of one stack, or one of them is not known and the driver has only
 * one device. */
bool ft_rs_same_device(struct ft_rules *rules, uint32_t a, uint32_t b);

/* ---- what monitors share ---- */

/* A mapping that still owes its flush. */
static inline bool ft_mapping_is_due(const struct ft_rs_mapping *mapping)
{
    return mapping->id != 0 && (mapping->flags & (FT_RS_OVER | FT_MAPPING_SPENT)) == 0;
}

static inline bool ft_mapping_is_live(const struct ft_rs_mapping *mapping)
{
    return mapping->id != 0 && (mapping->flags & FT_RS_OVER) == 0;
}

static inline uint64_t ft_mapping_handle(const struct ft_rs_mapping *mapping)
{
    return ft_handle(FT_HC_MAPPING, mapping->id, 0);
}

/* The offset behind it in its MDL. */
static inline uint64_t ft_mapping_end(const struct ft_rs_mapping *mapping)
{
    return (uint64_t)mapping->offset + mapping->length;
}

static inline bool ft_grant_is_held(const struct ft_rs_grant *grant)
{
    return grant->id != 0 && (grant->flags & FT_RS_OVER) == 0 &&
           (grant->flags & (FT_GRANT_CHANNEL | FT_GRANT_REGISTERS)) != 0;
}

static inline bool ft_by_driver(const struct ft_event *event)
{
    return event->layer == FT_LAYER_DRIVER;
}

static inline bool ft_known(const struct ft_event *event, unsigned index)
{
    return index < event->argc && (event->unknown >> index & 1) == 0;
}

/* The id of the handle in an argument. */
static inline uint32_t ft_arg_id(const struct ft_event *event, unsigned index)
{
    return ft_handle_id(event->arg[index]);
}

static inline bool ft_nt_success(uint32_t status)
{
    return status < 0x80000000u;
}

static inline bool ft_nt_error(uint32_t status)
{
    return status >= 0xC0000000u;
}

/* True while a mapping of the grant still owes its flush. */
bool ft_grant_is_due(struct ft_rules *rules, uint32_t grant);

/* True when some mapping of the grant was flushed and some other was not. */
bool ft_grant_is_half_flushed(struct ft_rules *rules, uint32_t grant);

/* The registers are gone, and with them what was mapped on them. */
void ft_grant_drop_mappings(struct ft_rules *rules, uint32_t grant);

/* True when the device moves data in the logical range of the mapping. */
bool ft_mapping_is_active(const struct ft_rules *rules, const struct ft_rs_mapping *mapping);

/* The piece that was mapped but that a short transfer left untouched: not a violation. */
void ft_warn_spent(struct ft_rules *rules, const struct ft_event *event, uint32_t grant);

/* ---- rules_kmdf_dma.c ---- */
/* The rule that says the same of a driver of the framework, 0: there is none, or it is no such
 * driver. */
uint16_t ft_kmdf_refined(const struct ft_rules *rules, uint16_t rule, const struct ft_event *event);

/* ---- rules_dma.c ---- */
void ft_on_dma_map(struct ft_rules *rules, const struct ft_event *event);
/* A live mapping of the grant, the first in the table, NULL when there is none. */
struct ft_rs_mapping *ft_mapping_live_on(struct ft_rules *rules, uint32_t grant);

/* ---- rules_dma_flush.c ---- */
/* A mapping's flush: counts its bytes for the request. */
void ft_mapping_ends(struct ft_rules *rules, struct ft_rs_mapping *mapping, uint64_t bytes);
void ft_on_dma_flush(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_flushed(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_flush_result(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_bus.c ---- */
void ft_on_engine_begin(struct ft_rules *rules, const struct ft_event *event);
void ft_on_engine_end(struct ft_rules *rules, const struct ft_event *event);
void ft_on_bus_access(struct ft_rules *rules, const struct ft_event *event);
void ft_engines_stop(struct ft_rules *rules, uint32_t device);

/* ---- rules_dma_objects.c ---- */
void ft_on_dma_get(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_put(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_grant(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_action(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_free_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_free_regs(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_common_alloc(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_common_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_dead_adapter(struct ft_rules *rules, const struct ft_event *event);
/* A mapping of the adapter that owes its flush, NULL when there is none. */
const struct ft_rs_mapping *ft_adapter_due(const struct ft_rules *rules, uint32_t adapter);

/* ---- rules_dma_ends.c ---- */
/* The IRP is about to be completed by the driver. */
void ft_dma_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp);
/* The device was removed; the driver forwards the IRP that takes it out of D0; the run is over. */
void ft_dma_at_remove(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_power_down(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_end(struct ft_rules *rules, const struct ft_event *event);

/* True while a mapping for the IRP owes its flush: what else is wrong follows from that. */
bool ft_irp_is_due(const struct ft_rules *rules, uint32_t irp);

/* True while an AllocateAdapterChannel on the adapter waits for its grant. */
bool ft_adapter_is_asked(const struct ft_rules *rules, uint32_t adapter);

/* ---- rules_dma_irql.c ---- */
void ft_judge_dma_irql(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dma_adapter.c ---- */
void ft_judge_dma_get(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_adapter(struct ft_rs_adapter *adapter, const struct ft_event *event);
bool ft_adapter_is_cut(const struct ft_rs_adapter *adapter);
void ft_judge_null_adapter(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dma_query(struct ft_rules *rules, const struct ft_event *event);
void ft_adapters_at_end(struct ft_rules *rules, const struct ft_event *event);

/* Faults of a flush that do not depend on what is mapped: adapter, registers, request or memory are
 * gone. True: there is one, and what follows from it is not told. */
bool ft_judge_flush_gone(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter,
                         uint32_t grant, uint32_t mdl);
/* A request for a channel waits; and does not any more. */
void ft_queue_request(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_queued *request);
void ft_withdraw_request(struct ft_rules *rules, uint32_t adapter, uint32_t grant);

/* ---- rules_v3.c, rules_v3_map.c ---- */

void ft_on_v3(struct ft_rules *rules, const struct ft_event *event);
void ft_on_v3_transfer(struct ft_rules *rules, const struct ft_event *event);
/* A grant is left at a removal, a put or the end. True: a rule of version 3 has said so. */
bool ft_v3_grant_left(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant);
void ft_v3_adapter_left(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_adapter *adapter);
/* A channel is freed that nobody holds; channel or registers of that grant are given back; a
 * request is completed. */
void ft_v3_at_free_nothing(struct ft_rules *rules, const struct ft_event *event);
void ft_v3_at_release(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_grant *grant);
void ft_v3_at_complete(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_irp *irp);

/* ---- rules_dma_channel.c ---- */
/* An AdapterControl or AdapterListControl begins and ends; the innermost that a task runs. */
void ft_control_begins(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                       bool of_list);
void ft_control_ends(struct ft_rules *rules, uint32_t id, bool of_list);
const struct ft_rs_control *ft_control_of(const struct ft_rules *rules, uint16_t task);
/* A routine of the driver begins or ends. */
void ft_channel_at_call(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_lock(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_start_next(struct ft_rules *rules, const struct ft_event *event);
void ft_channel_at_delete(struct ft_rules *rules, const struct ft_event *event);
/* A spin lock that the task holds, 0: none. */
uint32_t ft_lock_held_by(const struct ft_rules *rules, uint16_t task);
void ft_judge_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_request_place(struct ft_rules *rules, const struct ft_event *event);
/* A request for a channel or a list was granted or refused; `refusal` is FT_IRP_DMA_*. */
void ft_request_ended(struct ft_rules *rules, const struct ft_event *event, uint32_t named,
                      bool granted, uint8_t refusal);
void ft_judge_refused(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_grant(struct ft_rules *rules, const struct ft_event *event,
                    const struct ft_rs_grant *given);
void ft_judge_action(struct ft_rules *rules, const struct ft_event *event,
                     const struct ft_rs_grant *grant);
void ft_judge_no_channel(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_free_registers(struct ft_rules *rules, const struct ft_event *event);
/* True: a subordinate device has left out a flush between two of its pieces. */
bool ft_judge_flush_count(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_grant *grant);

/* ---- rules_dma_map.c ---- */
void ft_judge_mdl_pages(struct ft_rules *rules, const struct ft_event *event, uint32_t id);
void ft_judge_list_pages(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                         bool granted);
void ft_judge_direction(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                        bool write);
void ft_judge_overlap(struct ft_rules *rules, const struct ft_event *event,
                      const struct ft_rs_mapping *fresh);
bool ft_judge_flush_range(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                          uint64_t offset);
/* `any`: some grant of the adapter is live. */
void ft_judge_base(struct ft_rules *rules, const struct ft_event *event,
                   const struct ft_rs_grant *grant, bool any);
void ft_judge_map(struct ft_rules *rules, const struct ft_event *event,
                  const struct ft_rs_grant *grant);
void ft_judge_slave_register(struct ft_rules *rules, const struct ft_event *event);
void ft_on_system_dma(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_system_flush(struct ft_rules *rules, const struct ft_event *event,
                           struct ft_rs_adapter *adapter);
void ft_on_odd_argument(struct ft_rules *rules, const struct ft_event *event);
void ft_on_verifier(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dma_device.c ---- */
void ft_judge_engine(struct ft_rules *rules, const struct ft_event *event);
void ft_engine_began(struct ft_rules *rules, const struct ft_rs_engine *engine);
void ft_engine_ended(struct ft_rules *rules, const struct ft_rs_engine *engine, uint64_t why);
void ft_judge_access_direction(struct ft_rules *rules, const struct ft_event *event,
                               const struct ft_rs_mapping *mapping, bool write);
const struct ft_rs_mapping *ft_mapping_beside(const struct ft_rules *rules, uint64_t address);
const struct ft_rs_common *ft_common_freed_under(const struct ft_rules *rules, uint64_t address);

/* ---- rules_dma_pnp.c ---- */
void ft_judge_pnp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_run(struct ft_rules *rules, const struct ft_event *event);
/* The task runs the DPC of a timer. */
bool ft_is_timer_dpc(const struct ft_rules *rules, uint16_t task);
void ft_judge_late_dpc(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_dpc_order(struct ft_rules *rules, const struct ft_event *event);
void ft_dma_judge_result(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp);
void ft_judge_stuck(struct ft_rules *rules, const struct ft_event *event, uint32_t device);
void ft_dma_at_hang(struct ft_rules *rules, const struct ft_event *event);
void ft_queued_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_kfi.c ---- */
void ft_on_kfi(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_kfi_at_map(struct ft_rules *rules, const struct ft_event *event, uint32_t id,
                         bool write);

/* ---- rules_sglist.c ---- */
void ft_on_list(struct ft_rules *rules, const struct ft_event *event);
bool ft_adapter_has_list(const struct ft_rules *rules, uint32_t adapter);
bool ft_judge_manual_flush(struct ft_rules *rules, const struct ft_event *event, uint32_t mdl,
                           uint64_t offset);
bool ft_lists_at_complete(struct ft_rules *rules, const struct ft_event *event, uint32_t irp);
bool ft_judge_lists_left(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter);
void ft_lists_at_put(struct ft_rules *rules, const struct ft_event *event, uint32_t adapter);

/* ---- rules_common.c ---- */
void ft_judge_common_alloc(struct ft_rules *rules, const struct ft_event *event);
void ft_judge_common_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_damage(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_mdl.c ---- */
void ft_judge_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_learn_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pages(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_irp.c ---- */
/* The driver has the IRP, and nobody else works on it. */
bool ft_irp_is_owned(const struct ft_rs_irp *irp);
void ft_on_irp_new(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_call(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_complete(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_pending(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_cancel(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irp_free(struct ft_rules *rules, const struct ft_event *event);
void ft_on_data_compare(struct ft_rules *rules, const struct ft_event *event);
void ft_on_data_stream(struct ft_rules *rules, const struct ft_event *event);
void ft_on_choice_fail(struct ft_rules *rules, const struct ft_event *event);
void ft_on_choice_lower_fails(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_leave(struct ft_rules *rules, const struct ft_event *event);
/* No request makes progress any more (run:hang), or the run is over. */
void ft_irp_at_hang(struct ft_rules *rules, const struct ft_event *event);
void ft_irp_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_families.c ---- */
void ft_families_init(void);

/* ---- rules_irql_levels.c ---- */
void ft_irql_init(void);
/* The level that the event shows is one at which its routine may be called. */
bool ft_irql_is_right(const struct ft_event *event);
void ft_judge_ddi_irql(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_irql.c ---- */
void ft_on_irql_raise(struct ft_rules *rules, const struct ft_event *event);
void ft_on_irql_lower(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_acquire(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_on_lock_release(struct ft_rules *rules, const struct ft_event *event);
void ft_on_cancel_lock(struct ft_rules *rules, const struct ft_event *event);
void ft_on_cancel_unlock(struct ft_rules *rules, const struct ft_event *event);
void ft_on_start_next(struct ft_rules *rules, const struct ft_event *event);
void ft_on_wait(struct ft_rules *rules, const struct ft_event *event);
void ft_on_task_end(struct ft_rules *rules, const struct ft_event *event);
void ft_irql_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_irql_at_leave(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_pnp.c ---- */
void ft_on_device(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pnp_send(struct ft_rules *rules, const struct ft_event *event);
void ft_on_pnp_done(struct ft_rules *rules, const struct ft_event *event);
void ft_on_power_send(struct ft_rules *rules, const struct ft_event *event);
void ft_on_power_hw(struct ft_rules *rules, const struct ft_event *event);
void ft_on_register(struct ft_rules *rules, const struct ft_event *event);
void ft_on_hardware(struct ft_rules *rules, const struct ft_event *event);
void ft_on_isr_connect(struct ft_rules *rules, const struct ft_event *event);
void ft_on_isr_disconnect(struct ft_rules *rules, const struct ft_event *event);
void ft_on_driver_unloaded(struct ft_rules *rules, const struct ft_event *event);
/* The driver completes a PnP or power IRP itself. */
void ft_pnp_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp);
void ft_pnp_at_end(struct ft_rules *rules, const struct ft_event *event);

/* ---- rules_dpc.c ---- */
void ft_on_dpc_insert(struct ft_rules *rules, const struct ft_event *event);
void ft_on_dpc_remove(struct ft_rules *rules, const struct ft_event *event);
void ft_on_timer(struct ft_rules *rules, const struct ft_event *event);
void ft_dpc_at_enter(struct ft_rules *rules, const struct ft_event *event);
void ft_dpc_at_leave(struct ft_rules *rules, const struct ft_event *event);
/* A device is deleted, or the driver is gone: nothing of it may be pending. `device` 0: of any
 * device, or of the driver itself. */
void ft_judge_dpcs_pending(struct ft_rules *rules, const struct ft_event *event, uint32_t device);

/* ---- rules_mem.c ---- */
void ft_on_pool(struct ft_rules *rules, const struct ft_event *event);
void ft_on_mdl(struct ft_rules *rules, const struct ft_event *event);
void ft_mem_at_end(struct ft_rules *rules, const struct ft_event *event);

#endif
