/* SCSI Port: subordinate DMA and its flush (scsiport sheet, 8.2 and 17.1), and the data of disks.
 *
 * An HBA has one mapping at most: opened by scsi:map (pending), started by scsi:dma-started, closed
 * by scsi:flush. The order of the miniport's calls is judged, not that of the port's DPC.
 */
#include "rules/rules_scsi_dma.h"

enum {
    FLAG_IN = 0x40, /* of SrbFlags */
    SRB_SUCCESS = 0x01,
    SRB_ABORTED = 0x02,
    STATUS_BITS = 0x3F,
    FUNCTION_EXECUTE = 0x00,
    FUNCTION_WMI = 0x17,
    BY_WILDCARD = 2,
    BYTE_CHANNEL_MOST = 0x10000
};

/* ---- objects ---- */

/* The routine of the miniport that the event's task is in, 0: none. */
static unsigned routine_of(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    return frame != NULL ? frame->routine : 0;
}

static bool is_run_time(uint64_t routine)
{
    return routine == FT_ROUTINE_SCSI_START_IO || routine == FT_ROUTINE_SCSI_INTERRUPT ||
           routine == FT_ROUTINE_SCSI_DMA_STARTED || routine == FT_ROUTINE_SCSI_RESET_BUS ||
           routine == FT_ROUTINE_SCSI_TIMER || routine == FT_ROUTINE_SCSI_ENABLE;
}

/* ---- ScsiPortIoMapTransfer ---- */

static void judge_range(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    uint64_t offset = event->arg[2], length = event->arg[3], given = event->arg[6];

    if (length == 0) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_NONZERO, event, event->arg[1]);
    }
    if (offset > given || length > given - offset) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_RANGE_IN_SRB, event, event->arg[1]);
    }
    if (dma->configured && (length > dma->transfer || (dma->limit != 0 && length > dma->limit))) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_WITHIN_LIMIT, event, event->arg[1]);
    }
}

static void judge_request(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, ft_arg_id(event, 1));
    uint64_t direction = event->arg[4] & (FLAG_IN | FT_SCSI_FLAG_OUT);

    if (direction == (FLAG_IN | FT_SCSI_FLAG_OUT)) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_DIRECTION_RESOLVED, event, event->arg[1]);
    }
    if (direction == 0) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_NO_DATA_SRB, event, event->arg[1]);
    }
    if (srb != NULL && srb->function == FUNCTION_WMI) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_NOT_WMI, event, event->arg[1]);
    }
}

/* Another mapping is open. */
static void judge_second(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->scsi_dma.state == FT_SCSI_IDLE) {
        return;
    }
    ft_rule_fire(rules,
                 rules->scsi_dma.srb == ft_arg_id(event, 1) ? FT_J_SCSI_FLUSH_BEFORE_REMAP
                                                            : FT_J_SCSI_ONE_MAPPING_PER_HBA,
                 event, event->arg[1]);
    if (rules->scsi_dma.left && rules->scsi_dma.srb == ft_arg_id(event, 1)) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_ON_DISCONNECT, event, event->arg[1]);
    }
    if (event->arg[7] == FT_ROUTINE_SCSI_DMA_STARTED) {
        ft_rule_fire(rules, FT_J_SCSI_DMASTARTED_ONLY_STARTS, event, event->arg[1]);
    }
}

static void judge_map(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;

    if (event->unknown != 0) {
        return;
    }
    if (dma->found && !ft_scsi_is_slave(dma)) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_ONLY_SLAVE, event, event->arg[0]);
    }
    if (!is_run_time(event->arg[7])) {
        ft_rule_fire(rules, FT_J_SCSI_DMA_CALLS_RUNTIME_ONLY, event, event->arg[0]);
    }
    if (event->arg[4] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_ACTIVE_SRB, event, event->arg[1]);
        return;
    }
    judge_second(rules, event);
    judge_range(rules, event);
    judge_request(rules, event);
    if (dma->hold || dma->reset_told || event->arg[7] == FT_ROUTINE_SCSI_RESET_BUS) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_NOT_IN_RESET_HOLD, event, event->arg[1]);
    }
}

/* ---- ScsiPortFlushDma ---- */

static bool device_moves(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < FT_RS_ENGINES; i++) {
        if (rules->engine[i].active) {
            return true;
        }
    }
    return false;
}

static void judge_flush(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    bool told = dma->flushed_here || event->arg[4] == FT_ROUTINE_SCSI_RESET_BUS;

    if (dma->found && !ft_scsi_is_slave(dma)) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_ONLY_SLAVE, event, event->arg[0]);
    }
    if (ft_known(event, 4) && !is_run_time(event->arg[4])) {
        ft_rule_fire(rules, FT_J_SCSI_DMA_CALLS_RUNTIME_ONLY, event, event->arg[0]);
    }
    if (dma->state == FT_SCSI_STARTED && device_moves(rules)) {
        ft_rule_fire(rules, FT_J_SCSI_FLUSH_AFTER_TRANSFER_NOT_BEFORE, event, event->arg[1]);
    }
    if (dma->state != FT_SCSI_IDLE || told) {
        return;
    }
    if (dma->closed != 0) {
        ft_rule_fire(rules, FT_J_SCSI_NO_DOUBLE_FLUSH, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_SCSI_NO_FLUSH_WITHOUT_MAP, event, event->arg[0]);
    }
}

/* ---- the end of an SRB ---- */

/* What kind of end it is that came before the flush; the first that fits is the verdict. */
static enum ft_judged_rule how_it_ended(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned routine = routine_of(rules, event), status = event->arg[3] & STATUS_BITS;

    if (routine == FT_ROUTINE_SCSI_DMA_STARTED) {
        return FT_J_SCSI_DMASTARTED_ONLY_STARTS;
    }
    if (routine == FT_ROUTINE_SCSI_RESET_BUS) {
        return FT_J_SCSI_FLUSH_ON_RESET;
    }
    if (routine == FT_ROUTINE_SCSI_TIMER) {
        return FT_J_SCSI_FLUSH_ON_TIMER_GIVEUP;
    }
    if (rules->scsi_dma.reset_told) {
        return FT_J_SCSI_FLUSH_ON_RESET_DETECTED;
    }
    if (status == SRB_ABORTED) {
        return FT_J_SCSI_FLUSH_ON_ABORT_VICTIM;
    }
    if (event->arg[1] == BY_WILDCARD) {
        return FT_J_SCSI_FLUSH_BEFORE_COMPLETE_WILDCARD;
    }
    if (rules->scsi_dma.state == FT_SCSI_PENDING) {
        return FT_J_SCSI_FLUSH_ON_CANCEL_PRE_START;
    }
    return status != SRB_SUCCESS ? FT_J_SCSI_FLUSH_ON_CANCEL : FT_J_SCSI_FLUSH_BEFORE_COMPLETE;
}

static void judge_unflushed(struct ft_rules *rules, const struct ft_event *event)
{
    ft_rule_fire(rules, FT_J_SCSI_FLUSH_BEFORE_COMPLETE, event, event->arg[0]);
    ft_rule_fire(rules, how_it_ended(rules, event), event, event->arg[0]);
    if (rules->scsi_adapter.yanked) {
        ft_rule_fire(rules, FT_J_SCSI_SURPRISE_FLUSH, event, event->arg[0]);
    }
}

/* Success with all its data, all of which was mapped for DMA. */
static void judge_claim(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_scsi_srb *srb)
{
    uint64_t claimed = event->arg[5];

    if (srb->function != FUNCTION_EXECUTE || (event->arg[3] & STATUS_BITS) != SRB_SUCCESS ||
        srb->mapped == 0 || srb->mapped < claimed || srb->moved >= claimed) {
        return;
    }
    if (srb->cancelled && srb->moved == 0 &&
        routine_of(rules, event) == FT_ROUTINE_SCSI_INTERRUPT) {
        ft_rule_fire(rules, FT_J_SCSI_INTERRUPT_BEFORE_DMASTARTED, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_SCSI_RESIDUAL_REPORTED, event, event->arg[0]);
    }
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, ft_arg_id(event, 0));

    if (event->arg[2] == 0 || !ft_by_driver(event)) {
        return;
    }
    if (rules->scsi_dma.state != FT_SCSI_IDLE && rules->scsi_dma.srb == ft_arg_id(event, 0)) {
        judge_unflushed(rules, event);
    } else if (srb != NULL && event->unknown == 0) {
        judge_claim(rules, event, srb);
    }
}

/* ---- the device ---- */

static void judge_engine(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;

    if (!dma->found || !ft_scsi_is_slave(dma)) {
        return;
    }
    if (dma->state != FT_SCSI_STARTED) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_BEFORE_HBA_START, event, 0);
    } else if (ft_known(event, 3) && (event->arg[3] != 0) != (dma->write != 0)) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_DIRECTION_TRUE, event, 0);
    }
}

/* The device goes on behind the last byte of a request whose addresses it got one after another. */
static void judge_clip(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t address = event->arg[0], end = address + event->arg[1];

    for (unsigned i = 0; i < FT_RS_SCSI_SRBS; i++) {
        const struct ft_rs_scsi_srb *srb = &rules->scsi_dma.known[i];
        bool across = address < srb->end && end > srb->end;
        bool behind = event->arg[2] == 0 && address == srb->end;

        if (srb->id != 0 && srb->end != 0 && (across || behind)) {
            ft_rule_fire(rules, FT_J_SCSI_GETPHYS_CLIP, event, ft_handle(FT_HC_SRB, srb->id, 0));
        }
    }
}

static void judge_bus(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;

    if (dma->found && !ft_scsi_is_slave(dma) && event->unknown == 0) {
        judge_clip(rules, event);
    }

    if (dma->found && ft_scsi_is_slave(dma) && dma->state == FT_SCSI_IDLE &&
        ft_handle_class(event->arg[2]) == FT_HC_MAPPING) {
        ft_rule_fire(rules, FT_J_SCSI_NO_DEVICE_WRITE_AFTER_FLUSH, event, 0);
    }
}

/* ---- the adapter ---- */

static void judge_found(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma found = {.style = (uint16_t)event->arg[4]};
    bool started = (found.style & FT_SCSI_STYLE_DMA_STARTED) != 0;

    if (event->arg[1] != FT_SCSI_FOUND || event->unknown != 0) {
        return;
    }
    if (ft_scsi_is_slave(&found) && !started) {
        ft_rule_fire(rules, FT_J_SCSI_DMASTARTED_REGISTERED, event, event->arg[0]);
    }
    if (!ft_scsi_is_slave(&found) && started) {
        ft_rule_fire(rules, FT_J_SCSI_DMASTARTED_NULL_OTHERWISE, event, event->arg[0]);
    }
    if (!ft_scsi_is_slave(&found) && (found.style & FT_SCSI_STYLE_DEMAND) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_DEMAND_MODE_SLAVE_ONLY, event, event->arg[0]);
    }
}

/* ---- data ---- */

static void judge_data(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    bool write = event->arg[6] != 0;

    if (event->unknown != 0 || event->arg[4] >= event->arg[3]) {
        return;
    }
    ft_rule_fire(rules,
                 !write && dma->found && ft_scsi_is_slave(dma) ? FT_J_SCSI_DATA_VISIBLE_AFTER_FLUSH
                                                               : FT_J_SCSI_DISK_DATA,
                 event, event->arg[0]);
}

/* ---- the family ---- */

static void judge_end(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->scsi_dma.state != FT_SCSI_IDLE) {
        ft_rule_fire(rules, FT_J_SCSI_MAP_FLUSH_BALANCE, event, 0);
    }
}

/* Requests hang, and one of them was cancelled before HwScsiDmaStarted. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_SCSI_SRBS; i++) {
        const struct ft_rs_scsi_srb *srb = &rules->scsi_dma.known[i];

        if (srb->id != 0 && srb->cancelled && srb->moved == 0) {
            ft_rule_fire(rules, FT_J_SCSI_NO_LATE_DMASTARTED_USE, event,
                         ft_handle(FT_HC_SRB, srb->id, 0));
        }
    }
}

void ft_scsi_dma_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_FOUND:
        judge_found(rules, event);
        break;
    case FT_EV_SCSI_MAP:
        judge_map(rules, event);
        break;
    case FT_EV_SCSI_FLUSH:
        judge_flush(rules, event);
        break;
    case FT_EV_SCSI_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_ENGINE_BEGIN:
        judge_engine(rules, event);
        break;
    case FT_EV_BUS_READ:
    case FT_EV_BUS_WRITE:
        judge_bus(rules, event);
        break;
    case FT_EV_DISK_COMPARE:
        judge_data(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_SCSI_RESET_BUS && rules->scsi_dma.state != FT_SCSI_IDLE) {
            ft_rule_fire(rules, FT_J_SCSI_FLUSH_ON_RESET, event, event->arg[1]);
        }
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    case FT_EV_RUN_END:
        judge_end(rules, event);
        break;
    default:
        break;
    }
}
