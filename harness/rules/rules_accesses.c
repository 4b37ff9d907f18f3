/* Loads and stores of the driver core, in the access flavour. The machine finds the pairs that race
 * (race:found) and the memory that is not the driver's to touch (mem:touch); the rules say what
 * each is. Which rule a touch breaks depends on the interface that the memory was got from.
 */
#include "rules/rules_touches.h"

#include "sim/dma_words.h"

/* ---- data races ---- */

enum { WRITES = 1, LOCKED = 4 };

/* Arguments of race:found. */
enum { HOW = 2, KIND, ROUTINE, EARLIER_HOW, EARLIER_KIND, EARLIER_ROUTINE };

static bool either(const struct ft_event *event, unsigned one, unsigned other, uint64_t value)
{
    return (ft_known(event, one) && event->arg[one] == value) ||
           (ft_known(event, other) && event->arg[other] == value);
}

static bool of_power(const struct ft_event *event, unsigned routine)
{
    return ft_known(event, routine) && event->arg[routine] >= FT_ROUTINE_WDF_PREPARE &&
           event->arg[routine] <= FT_ROUTINE_WDF_QUERY_STOP;
}

/* One side writes without a lock what the other side touches under one. */
static bool beside_a_lock(const struct ft_event *event)
{
    uint64_t how = event->arg[HOW], earlier = event->arg[EARLIER_HOW];

    return ft_known(event, HOW) && ft_known(event, EARLIER_HOW) &&
           (((how & LOCKED) && !(earlier & LOCKED) && (earlier & WRITES)) ||
            ((earlier & LOCKED) && !(how & LOCKED) && (how & WRITES)));
}

static void judge_race(struct ft_rules *rules, const struct ft_event *event)
{
    bool isr = either(event, KIND, EARLIER_KIND, FT_TASK_ISR);

    if (isr && either(event, KIND, EARLIER_KIND, FT_TASK_DPC)) {
        ft_rule_fire(rules, FT_J_IO_DPC_SHARED_SYNC, event, event->arg[0]);
    } else if (isr) {
        ft_rule_fire(rules, FT_J_IO_LOCK_ISR_DATA, event, event->arg[0]);
    } else if (either(event, ROUTINE, EARLIER_ROUTINE, FT_ROUTINE_WDF_SURPRISE_REMOVAL)) {
        ft_rule_fire(rules, FT_J_KMDF_SURPRISE_REMOVAL_UNSYNCHRONISED_DATA, event, event->arg[0]);
    } else if (beside_a_lock(event)) {
        ft_rule_fire(rules, FT_J_MEM_UNLOCKED_WRITE, event, event->arg[0]);
    } else if (of_power(event, ROUTINE) || of_power(event, EARLIER_ROUTINE)) {
        ft_rule_fire(rules, FT_J_KMDF_CALLBACK_SYNC_ASSUMPTION, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_MEM_DATA_RACE, event, event->arg[0]);
    }
}

/* ---- memory that is not the driver's to touch ---- */

/* The driver that uses SCSI Port or a DMA enabler does not map by itself. */
static enum ft_judged_rule mapped(const struct ft_rules *rules, bool in, bool write)
{
    if (rules->touch_hba) {
        return FT_J_SCSI_NO_CPU_TOUCH_WHILE_MAPPED;
    }
    if (rules->touch_enabler) {
        return FT_J_KMDF_BUFFER_TOUCHED_BEFORE_FINAL;
    }
    if (!in) {
        return FT_J_DMA_CPU_WRITE_MAPPED_OUT;
    }
    return write ? FT_J_DMA_CPU_WRITE_MAPPED_IN : FT_J_DMA_CPU_READ_EARLY;
}

/* By the completion routine of a transfer, whose MapTransferEx this task still has to deal with. */
static bool freed_by_completion(const struct ft_rules *rules, const struct ft_event *event)
{
    return rules->mapper_freed != 0 && rules->mapper_task == ft_task_of(event) &&
           rules->mapper_freed == ft_arg_id(event, FT_TOUCHED_OBJECT) &&
           rules->mapper_class == ft_handle_class(event->arg[FT_TOUCHED_OBJECT]);
}

static void judge_freed(struct ft_rules *rules, const struct ft_event *event)
{
    if (freed_by_completion(rules, event)) {
        ft_rule_fire(rules, FT_J_DMA_MPX_RACE, event, event->arg[FT_TOUCHED_OBJECT]);
    }
    switch (ft_handle_class(event->arg[FT_TOUCHED_OBJECT])) {
    case FT_HC_IRP:
        ft_rule_fire(rules, FT_J_IO_IRP_NO_TOUCH_AFTER_COMPLETE, event,
                     event->arg[FT_TOUCHED_OBJECT]);
        break;
    case FT_HC_SGLIST:
        ft_rule_fire(rules, FT_J_DMA_SGL_USE_AFTER_PUT, event, event->arg[FT_TOUCHED_OBJECT]);
        break;
    case FT_HC_SRB:
        ft_rule_fire(rules, FT_J_SCSI_SRB_NO_TOUCH_AFTER_COMPLETE, event,
                     event->arg[FT_TOUCHED_OBJECT]);
        break;
    case FT_HC_MDL:
        if (rules->list_mdl == ft_arg_id(event, FT_TOUCHED_OBJECT)) {
            ft_rule_fire(rules, FT_J_DMA_MFS_LIFETIME, event, event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    case FT_HC_POOL:
        if (event->arg[FT_TOUCHED_WRITE] != 0) {
            ft_rule_fire(rules, FT_J_MEM_POOL_USE_AFTER_FREE, event, event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    default:
        break;
    }
}

static void judge_nobodys(struct ft_rules *rules, const struct ft_event *event)
{
    ft_rule_fire(rules,
                 rules->touch_hba       ? FT_J_SCSI_SRB_NO_TOUCH_AFTER_COMPLETE
                 : rules->touch_enabler ? FT_J_KMDF_REQUEST_USE_AFTER_COMPLETE
                                        : FT_J_DMA_CPU_AFTER_COMPLETE,
                 event, event->arg[FT_TOUCHED_OBJECT]);
}

enum ft_judged_rule ft_null_source(const struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_NULLS; i++) {
        if (rules->null[i].rule != 0 && rules->null[i].task == ft_task_of(event)) {
            return (enum ft_judged_rule)rules->null[i].rule;
        }
    }
    return 0;
}

/* Before its device is started an ISR finds what was ready when it was connected. */
static void judge_null(struct ft_rules *rules, const struct ft_event *event)
{
    enum ft_judged_rule rule = ft_null_source(rules, event);

    if (ft_frame_just_in(rules, event, FT_ROUTINE_ISR) != NULL && rules->starts_running > 0) {
        rule = FT_J_IO_ISR_CONNECT_READY;
    }
    if (rule != 0) {
        ft_rule_fire(rules, rule, event, 0);
    }
}

/* The kinds that have a rule of their own. 0: no rule. */
static enum ft_judged_rule rule_of(const struct ft_rules *rules, uint64_t what)
{
    switch (what) {
    case FT_TOUCHED_NO_VIEW:
        return rules->touch_hba ? FT_J_SCSI_DATABUFFER_NEEDS_MAPBUFFERS : FT_J_DMA_CPU_MDL_VA_DEREF;
    case FT_TOUCHED_NO_EXTENSION:
        return FT_J_SCSI_SRBEXT_ONLY_IF_ASKED;
    case FT_TOUCHED_UNFLUSHED:
        return FT_J_DMA_KFI_PIO_READ;
    case FT_TOUCHED_BUS_DATA:
        return FT_J_SCSI_FA_BUSDATA_LIFETIME;
    case FT_TOUCHED_FORWARDED:
        return FT_J_IO_IRP_NO_TOUCH_AFTER_FORWARD;
    case FT_TOUCHED_QUEUED:
        return FT_J_IO_IRP_NO_TOUCH_AFTER_QUEUE;
    case FT_TOUCHED_QUEUE_LINK:
        return FT_J_IO_CSQ_DRIVERCONTEXT3;
    case FT_TOUCHED_UNTESTED:
        return FT_J_IO_CANCEL_TEST_AFTER_SET;
    default:
        return 0;
    }
}

static void judge_touch(struct ft_rules *rules, const struct ft_event *event)
{
    if (!ft_known(event, FT_TOUCHED_WHAT) || !ft_known(event, FT_TOUCHED_WRITE)) {
        return;
    }
    if (ft_kmdf_touch_judge(rules, event)) {
        return;
    }
    switch (event->arg[FT_TOUCHED_WHAT]) {
    case FT_TOUCHED_MAPPED_IN:
        ft_rule_fire(rules, mapped(rules, true, event->arg[FT_TOUCHED_WRITE] != 0), event,
                     event->arg[FT_TOUCHED_OBJECT]);
        break;
    case FT_TOUCHED_MAPPED_OUT:
        if (event->arg[FT_TOUCHED_WRITE] != 0) {
            ft_rule_fire(rules, mapped(rules, false, true), event, event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    case FT_TOUCHED_LINE:
        if (event->arg[FT_TOUCHED_WRITE] != 0) {
            ft_rule_fire(rules, FT_J_DMA_CPU_LINE_SHARING, event, event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    case FT_TOUCHED_FREED:
        judge_freed(rules, event);
        break;
    case FT_TOUCHED_COMMON_FREED:
        ft_rule_fire(rules,
                     rules->touch_enabler ? FT_J_KMDF_COMMON_BUFFER_USE_AFTER_DELETE
                                          : FT_J_MEM_CPU_CB_FREED,
                     event, event->arg[FT_TOUCHED_OBJECT]);
        break;
    case FT_TOUCHED_NOBODYS:
        judge_nobodys(rules, event);
        break;
    case FT_TOUCHED_VIEW_OVER: /* who has an enabler or SCSI Port map has no MDL of its own */
        if (rules->touch_hba || rules->touch_enabler) {
            judge_nobodys(rules, event);
        } else {
            ft_rule_fire(rules, FT_J_IO_MDL_MAP_AFTER_COMPLETE, event,
                         event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    case FT_TOUCHED_NEAR_NULL:
    case FT_TOUCHED_NULL_BEFORE_SMIO:
        judge_null(rules, event);
        break;
    case FT_TOUCHED_PAGED:
        if (event->irql >= FT_IRQL_DISPATCH) {
            ft_rule_fire(rules, FT_J_IO_IRQL_NO_PAGEABLE, event, event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    default:
        if (rule_of(rules, event->arg[FT_TOUCHED_WHAT]) != 0) {
            ft_rule_fire(rules, rule_of(rules, event->arg[FT_TOUCHED_WHAT]), event,
                         event->arg[FT_TOUCHED_OBJECT]);
        }
        break;
    }
}

void ft_accesses_judge(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_RACE_FOUND) {
        judge_race(rules, event);
    } else if (event->kind == FT_EV_MEM_TOUCH) {
        judge_touch(rules, event);
    }
}

/* ---- what ends early ---- */

static void note_list_mdl(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_MDL_FREE && rules->list_mdl == ft_arg_id(event, 0)) {
        rules->list_mdl = 0;
    } else if (event->kind == FT_EV_SG_MDL && ft_known(event, 3) && event->arg[3] == 0) {
        rules->list_mdl = (uint16_t)ft_arg_id(event, 2);
    }
}

static void note_mapper(struct ft_rules *rules, const struct ft_event *event)
{
    enum { HOW_MAPPED = 7 };

    rules->mapper_task = 0;
    rules->mapper_freed = 0;
    if (ft_by_driver(event) && ft_known(event, HOW_MAPPED) &&
        (event->arg[HOW_MAPPED] & FT_HOW_ROUTINE) != 0) {
        rules->mapper_task = ft_task_of(event);
        rules->mapper_grant = (uint16_t)ft_arg_id(event, 1);
    }
}

static void note_freed(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DMA_COMPLETION);

    if (frame != NULL && rules->mapper_task != 0 && frame->object == rules->mapper_grant) {
        rules->mapper_freed = ft_arg_id(event, 0);
        rules->mapper_class = (uint8_t)ft_handle_class(event->arg[0]);
    }
}

/* ---- what a task got NULL from ---- */

static void note_null(struct ft_rules *rules, const struct ft_event *event,
                      enum ft_judged_rule rule)
{
    unsigned slot = 0;

    for (unsigned i = 0; i < FT_RS_NULLS; i++) {
        if (rules->null[i].task == ft_task_of(event)) {
            slot = i;
            break;
        }
        slot = rules->null[i].rule == 0 ? i : slot;
    }
    rules->null[slot].task = ft_task_of(event);
    rules->null[slot].rule = (uint16_t)rule;
}

static void note_result(struct ft_rules *rules, const struct ft_event *event, unsigned argument,
                        enum ft_judged_rule rule)
{
    if (ft_known(event, argument) && event->arg[argument] == 0) {
        note_null(rules, event, rule);
    }
}

void ft_accesses_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_WDF_ENABLER:
        rules->touch_enabler = 1;
        break;
    case FT_EV_SCSI_HBA:
        rules->touch_hba = 1;
        break;
    case FT_EV_SG_MDL:
    case FT_EV_MDL_FREE:
        note_list_mdl(rules, event);
        break;
    case FT_EV_DMA_MAP_EX:
        note_mapper(rules, event);
        break;
    case FT_EV_POOL_FREE:
    case FT_EV_IRP_FREE:
        note_freed(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        rules->mapper_task = rules->mapper_task == ft_task_of(event) ? 0 : rules->mapper_task;
        break;
    case FT_EV_MDL_SYSVA:
        note_result(rules, event, 1, FT_J_DMA_CPU_SYSVA_NULL);
        break;
    case FT_EV_POOL_ALLOC:
        note_result(rules, event, 0, FT_J_IO_POOL_NULL);
        break;
    case FT_EV_CSQ_REMOVE:
        note_result(rules, event, 1, FT_J_IO_CSQ_NULL_HANDLED);
        break;
    case FT_EV_SCSI_GET_SRB:
        note_result(rules, event, 2, FT_J_SCSI_GETSRB_NULL_CHECKED);
        break;
    case FT_EV_SCSI_GET_UNIT:
        note_result(rules, event, 3, FT_J_SCSI_GETSRB_NULL_CHECKED);
        break;
    case FT_EV_SCSI_UNCACHED:
        note_result(rules, event, 3, FT_J_SCSI_FA_UNCACHED_NULL);
        break;
    default:
        break;
    }
}
