/* SCSI Port: initialisation, configuration, stop, power and removal of an adapter, stalls
 * (scsiport.md, sections 17.3, 17.5 and 17.6). One adapter: the machine has one device.
 *
 * Bits of the events' words are those of hal-shim/scsiport/find_adapter.c.
 */
#include "rules/rules_io.h"

enum { FIND_NOT_FOUND, FIND_FOUND, FIND_ERROR, FIND_BAD_CONFIG };
enum { QUERY, STOP, RESTART, SET_BOOT, SET_RUNNING };
enum { ADAPTER_RUNNING = 2, ADAPTER_STOPPED = 3 };
enum { INITIALIZATION_BYTES = 128, REQUIRED = 1 | 2 | 8 | 16 };
enum { BASE_STRANGE = 3, BASE_CHOSEN };
enum { MICRO_CHANNEL = 3 }; /* INTERFACE_TYPE */
enum { HANG_LOOP = 3 };
enum { AREA_NONE, AREA_DATA };
enum { UNCACHED_WRONG = 1 | 2 | 4 | 16, UNCACHED_LONG = 8 };

/* scsi:found, changed */
enum { CHANGED_READ_ONLY = 0xFF, CHANGED_BREAKS = 0x100, MAPPED_IN_RANGES = 0x200 };
/* scsi:found, style */
enum { MASTER = 1, CHANNEL = 2, PORT = 4, DMA_STARTED = 8, BITS32 = 0x100, BITS64 = 0x200 };

enum {
    BUSES_MAX = 8,
    CHANNEL_8_BYTES = 0x10000,
    CHANNEL_16_BYTES = 0x20000,
    STALL_LONG = 1000, /* microseconds */
    STALL_TOO_LONG = 100000,
    ROUTINE_TOO_LONG = 500000,
    INITIALIZE_TOO_LONG = 5000000
};
#define UNINITIALIZED 0xFFFFFFFFu

static bool is_miniport_routine(uint64_t routine)
{
    return routine >= FT_ROUTINE_SCSI_FIND_ADAPTER && routine <= FT_ROUTINE_SCSI_CONTROL;
}

static bool is_in(struct ft_rules *rules, const struct ft_event *event, enum ft_routine routine)
{
    return ft_frame_in(rules, event, routine) != NULL;
}

/* ---- ScsiPortInitialize ---- */

static void judge_initialize(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 1) && event->arg[1] != INITIALIZATION_BYTES) {
        ft_rule_fire(rules, FT_J_SCSI_INIT_SIZE, event, 0);
    }
    if (event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_INIT_ZEROED, event, 0);
    }
    if ((event->arg[3] & REQUIRED) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_INIT_REQUIRED_CALLBACKS, event, 0);
    }
    if (ft_known(event, 6) && event->arg[6] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_INIT_IN_DRIVERENTRY, event, 0);
    }
}

static void note_initialize(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;
    uint32_t status = (uint32_t)event->arg[0];

    if (scsi->initialized == 0 || status < scsi->lowest) {
        scsi->lowest = status;
    }
    scsi->initialized = 1;
}

static void judge_entry(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;

    if (scsi->initialized != 0 && ft_known(event, 3) && (uint32_t)event->arg[3] != scsi->lowest) {
        ft_rule_fire(rules, FT_J_SCSI_INIT_LOWEST_STATUS, event, 0);
    }
}

/* ---- HwScsiFindAdapter ---- */

/* A channel or, on the MicroChannel, a port. Who has HwDmaStarted is no master; a master on an old
 * bus may name the channel that it cascades. */
static bool is_exclusive(const struct ft_rs_scsi_adapter *scsi, uint64_t style)
{
    uint64_t system = style & (CHANNEL | PORT);

    if (system == (CHANNEL | PORT) ||
        (system != 0 && (style & MASTER) != 0 && (style & DMA_STARTED) != 0)) {
        return false;
    }
    if (scsi->bus == 0 || system == 0) {
        return true;
    }
    return (system == PORT) == (scsi->bus == MICRO_CHANNEL + 1);
}

static void judge_found(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t result = event->arg[1], changed = event->arg[3], style = event->arg[4];
    uint64_t hba = event->arg[0];

    if (result > FIND_BAD_CONFIG) {
        ft_rule_fire(rules, FT_J_SCSI_FA_RETURN_VALID, event, hba);
    }
    if (event->arg[2] != 0 && (result == FIND_NOT_FOUND || result == FIND_BAD_CONFIG)) {
        ft_rule_fire(rules, FT_J_SCSI_FA_AGAIN_FALSE, event, hba);
    }
    if ((changed & MAPPED_IN_RANGES) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_BASES_NOT_IN_CONFIG, event, hba);
    }
    if ((changed & CHANGED_READ_ONLY) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_READONLY_CONFIG, event, hba);
    }
    if (result != FIND_FOUND) {
        return;
    }
    if (event->arg[7] == 0 || event->arg[7] > BUSES_MAX) {
        ft_rule_fire(rules, FT_J_SCSI_FA_BUSES_SET, event, hba);
    }
    /* A bus master has to say how many pieces it can take. */
    if ((changed & CHANGED_BREAKS) != 0 ||
        ((style & MASTER) != 0 && event->arg[6] == UNINITIALIZED)) {
        ft_rule_fire(rules, FT_J_SCSI_FA_BREAKS_LOWER_ONLY, event, hba);
    }
    if (!is_exclusive(&rules->scsi_adapter, style)) {
        ft_rule_fire(rules, FT_J_SCSI_FA_DMA_EXCLUSIVE, event, hba);
    }
    if ((style & BITS32) != 0 && (style & BITS64) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_DMA32_DMA64, event, hba);
    }
}

static void note_found(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;

    scsi->result = (uint8_t)event->arg[1];
    scsi->style = (uint16_t)event->arg[4];
    scsi->transfer = (uint32_t)event->arg[5];
}

/* A subordinate that says nothing is taken for unlimited, and its channel is not. */
static bool is_unlimited(const struct ft_rs_scsi_adapter *scsi, uint64_t width)
{
    uint32_t limit = width == 0 ? CHANNEL_8_BYTES : CHANNEL_16_BYTES;

    return (scsi->style & MASTER) == 0 && (scsi->style & DMA_STARTED) != 0 &&
           (scsi->style & (CHANNEL | PORT)) != 0 && scsi->transfer > limit;
}

/* It follows scsi:found. */
static void judge_config(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;
    uint64_t hba = event->arg[0], mask = event->arg[1];

    if (scsi->result != FIND_FOUND) {
        if (event->arg[4] != 0) {
            ft_rule_fire(rules, FT_J_SCSI_FA_FREE_ON_FAIL, event, hba);
        }
        return;
    }
    if (event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_BUSES_SET, event, hba);
    }
    if (is_unlimited(scsi, event->arg[3])) {
        ft_rule_fire(rules, FT_J_SCSI_FA_MAXTRANSFER_SET, event, hba);
    }
    if (mask != 0 && mask != 1 && mask != 3 && mask != 7) {
        ft_rule_fire(rules, FT_J_SCSI_FA_ALIGNMENT_LEGAL, event, hba);
    }
}

/* ---- registers and bus data ---- */

static void judge_base(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t source = event->arg[4];

    if (event->arg[7] == RESTART) {
        ft_rule_fire(rules, FT_J_SCSI_RESTART_NO_FA_CALLS, event, event->arg[0]);
    } else if (source == BASE_CHOSEN) {
        ft_rule_fire(rules, FT_J_SCSI_FA_RANGES_VALIDATED, event, event->arg[0]);
    } else if (source == BASE_STRANGE) {
        ft_rule_fire(rules, FT_J_SCSI_FA_SUPPLIED_RANGES_ONLY, event, event->arg[0]);
    }
}

static void judge_free_base(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t known = event->arg[1], in = event->arg[2];

    if (in == FT_ROUTINE_SCSI_CONTROL && event->arg[3] == STOP) {
        ft_rule_fire(rules, FT_J_SCSI_STOP_NO_FREE, event, event->arg[0]);
    } else if (known == 0 || in != FT_ROUTINE_SCSI_FIND_ADAPTER) {
        ft_rule_fire(rules, FT_J_SCSI_FA_FREEBASE_EXACT, event, event->arg[0]);
    }
}

static void judge_bus_data(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t in = event->arg[5], control = event->arg[6];

    if (in == FT_ROUTINE_SCSI_CONTROL && control == RESTART) {
        ft_rule_fire(rules, FT_J_SCSI_RESTART_NO_FA_CALLS, event, event->arg[0]);
    } else if (in != FT_ROUTINE_SCSI_FIND_ADAPTER &&
               !(in == FT_ROUTINE_SCSI_CONTROL &&
                 (control == SET_BOOT || control == SET_RUNNING))) {
        ft_rule_fire(rules, FT_J_SCSI_FA_BUSDATA_CONTEXT, event, event->arg[0]);
    }
}

static void judge_move(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] > event->arg[1] || event->arg[0] > event->arg[2]) {
        ft_rule_fire(rules, FT_J_SCSI_MOVEMEMORY_BOUNDS, event, 0);
    }
}

/* ---- memory for DMA ---- */

static void judge_uncached(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t wrong = event->arg[3];

    if ((wrong & UNCACHED_WRONG) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_UNCACHED_ONCE, event, event->arg[0]);
    } else if ((wrong & UNCACHED_LONG) != 0) {
        ft_rule_fire(rules, FT_J_SCSI_FA_UNCACHED_SIZE, event, event->arg[0]);
    }
}

/* An address that is nobody's, or an SRB's without the SRB, or of an SRB that is over. */
static void judge_physical(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t area = event->arg[2];
    bool foreign = ft_handle_id(event->arg[1]) != 0 && event->arg[3] == 0;

    if (area == AREA_NONE || (area == AREA_DATA && foreign)) {
        ft_rule_fire(rules, FT_J_SCSI_GETPHYS_VA_VALID, event, event->arg[0]);
    } else if (event->arg[4] == 0) {
        ft_rule_fire(rules, FT_J_SCSI_GETPHYS_FLAG, event, event->arg[0]);
    }
}

/* ---- adapter control ---- */

static void judge_control(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t type = event->arg[1], status = event->arg[2], hba = event->arg[0];
    bool advertised = (event->arg[4] >> type & 1) != 0;

    if (type == QUERY && event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_QUERY_CONTROL_BOUNDS, event, hba);
    }
    if (type == STOP && status != 0) {
        ft_rule_fire(rules, FT_J_SCSI_STOP_SUCCESS, event, hba);
    }
    if (type >= RESTART && advertised && status != 0 && rules->scsi_adapter.yanked == 0) {
        ft_rule_fire(rules, FT_J_SCSI_CONTROL_ONLY_SUPPORTED, event, hba);
    }
}

static void judge_stopping(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[2] != 0 || event->arg[3] != 0) {
        ft_rule_fire(rules, FT_J_SCSI_STOP_NOTHING_OPEN, event, event->arg[0]);
    }
}

/* An adapter without a mask that the driver could set is masked enough when it is quiet. What
 * others do on its bus may start an engine, or raise the line, at any time. */
static void judge_stopped(struct ft_rules *rules, const struct ft_event *event)
{
    bool active = event->arg[3] != 0 || event->arg[4] != 0;
    bool unmasked = event->arg[2] != 0 && (rules->scsi.flags & FT_HBA_INT_ENABLED) != 0;

    if (event->arg[5] != 0 && (unmasked || (active && rules->scsi_adapter.outside == 0))) {
        ft_rule_fire(rules, FT_J_SCSI_STOP_QUIESCES, event, event->arg[0]);
    }
}

/* After the stop nothing of the miniport may do anything, until it is told to begin again. */
static void judge_activity(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->scsi_adapter.state == ADAPTER_STOPPED && event->layer == FT_LAYER_DRIVER &&
        !is_in(rules, event, FT_ROUTINE_SCSI_CONTROL) &&
        !is_in(rules, event, FT_ROUTINE_SCSI_FIND_ADAPTER) &&
        !is_in(rules, event, FT_ROUTINE_SCSI_INITIALIZE)) {
        ft_rule_fire(rules, FT_J_SCSI_NO_ACTIVITY_AFTER_STOP, event, event->arg[0]);
    }
}

static void judge_line(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] != 0 && rules->scsi_adapter.control == SET_RUNNING) {
        ft_rule_fire(rules, FT_J_SCSI_RUNNINGCONFIG_NO_INTERRUPT, event, 0);
    }
}

/* A loop that asks a device which is gone. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;

    if (event->arg[0] != HANG_LOOP || scsi->yanked == 0 || scsi->inside == 0) {
        return;
    }
    if (scsi->control == STOP) {
        ft_rule_fire(rules, FT_J_SCSI_STOP_NO_HW_NEEDED, event, 0);
    } else {
        ft_rule_fire(rules, FT_J_SCSI_REMOVED_HW_TOLERANT, event, 0);
    }
}

/* ---- stalls and waits ---- */

static bool is_initialization(uint64_t routine)
{
    return routine == FT_ROUTINE_SCSI_INITIALIZE || routine == FT_ROUTINE_SCSI_FIND_ADAPTER;
}

static uint64_t stalled_with(const struct ft_rs_scsi_adapter *scsi, const struct ft_event *event)
{
    return (scsi->stall_task == event->task ? scsi->stalled : 0) + event->arg[0];
}

static void judge_stall(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t routine = event->arg[1], total = stalled_with(&rules->scsi_adapter, event);
    uint64_t most = routine == FT_ROUTINE_SCSI_INITIALIZE ? INITIALIZE_TOO_LONG : ROUTINE_TOO_LONG;

    if (event->arg[0] > STALL_TOO_LONG) {
        ft_rule_fire(rules, FT_J_SCSI_STALL_UNDER_100MS, event, 0);
    } else if (total >= STALL_LONG && !is_initialization(routine)) {
        ft_rule_fire(rules, FT_J_SCSI_STALL_UNDER_1MS, event, 0);
    }
    if (total > most && routine != FT_ROUTINE_SCSI_FIND_ADAPTER) {
        ft_rule_fire(rules, FT_J_SCSI_ROUTINE_UNDER_500MS, event, 0);
    }
}

/* Kernel routines that a miniport has no business with. */
static void judge_kernel_call(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_top(rules, event);

    if (event->layer == FT_LAYER_DRIVER && frame != NULL && is_miniport_routine(frame->routine)) {
        ft_rule_fire(rules, FT_J_SCSI_NO_WAIT_IN_MINIPORT, event, event->arg[0]);
    }
}

/* ---- the families ---- */

void ft_scsi_adapter_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_SCSI_INITIALIZE:
        judge_initialize(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_DRIVER_ENTRY) {
            judge_entry(rules, event);
        }
        if (event->arg[0] == FT_ROUTINE_SCSI_INTERRUPT && (event->arg[3] & 0xFF) != 0) {
            judge_activity(rules, event);
        }
        break;
    case FT_EV_SCSI_FOUND:
        judge_found(rules, event);
        break;
    case FT_EV_SCSI_CONFIG:
        judge_config(rules, event);
        break;
    case FT_EV_SCSI_GET_BASE:
        judge_base(rules, event);
        break;
    case FT_EV_SCSI_FREE_BASE:
        judge_free_base(rules, event);
        break;
    case FT_EV_SCSI_BUS_DATA:
        judge_bus_data(rules, event);
        break;
    case FT_EV_SCSI_MOVE:
        judge_move(rules, event);
        break;
    case FT_EV_SCSI_UNCACHED:
        judge_uncached(rules, event);
        break;
    case FT_EV_SCSI_PHYSICAL:
        judge_physical(rules, event);
        break;
    case FT_EV_SCSI_CONTROL:
        judge_control(rules, event);
        break;
    case FT_EV_SCSI_STOPPING:
        judge_stopping(rules, event);
        break;
    case FT_EV_SCSI_STOPPED:
        judge_stopped(rules, event);
        break;
    case FT_EV_REG_WRITE:
    case FT_EV_SCSI_NEXT:
    case FT_EV_SCSI_NOTIFY:
        judge_activity(rules, event);
        break;
    case FT_EV_LINE_SET:
        judge_line(rules, event);
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    case FT_EV_SCSI_STALL:
        judge_stall(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
    case FT_EV_POOL_ALLOC:
        judge_kernel_call(rules, event);
        break;
    default:
        break;
    }
}

static void note_enter(struct ft_rs_scsi_adapter *scsi, const struct ft_event *event)
{
    if (!is_miniport_routine(event->arg[0])) {
        return;
    }
    scsi->inside++;
    scsi->stall_task = event->task;
    scsi->stalled = 0;
}

static void note_leave(struct ft_rs_scsi_adapter *scsi, const struct ft_event *event)
{
    if (!is_miniport_routine(event->arg[0])) {
        return;
    }
    scsi->inside -= scsi->inside != 0;
    if (event->arg[0] == FT_ROUTINE_SCSI_CONTROL) {
        scsi->control = 0;
    }
    scsi->stall_task = 0;
}

void ft_scsi_adapter_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_adapter *scsi = &rules->scsi_adapter;

    switch (event->kind) {
    case FT_EV_SCSI_INITIALIZE:
        note_initialize(rules, event);
        break;
    case FT_EV_SCSI_FOUND:
        note_found(rules, event);
        break;
    case FT_EV_SCSI_HBA:
        scsi->bus = ft_known(event, 2) && event->arg[2] < MICRO_CHANNEL + 20
                        ? (uint8_t)(event->arg[2] + 1)
                        : 0;
        break;
    case FT_EV_SCSI_ADAPTER:
        scsi->state = (uint8_t)event->arg[1];
        break;
    case FT_EV_SCSI_CONTROLLING:
        scsi->control = (uint8_t)event->arg[1];
        break;
    case FT_EV_CALL_ENTER:
        note_enter(scsi, event);
        break;
    case FT_EV_CALL_LEAVE:
        note_leave(scsi, event);
        break;
    case FT_EV_SCSI_STALL:
        scsi->stalled = (uint32_t)stalled_with(scsi, event);
        break;
    case FT_EV_HW_YANK:
        scsi->yanked = 1;
        break;
    case FT_EV_OP_FIRED:
    case FT_EV_OP_LATE:
        /* What others do on the bus may interrupt at any time. */
        if (event->arg[1] == FT_OP_BUS_RESET || event->arg[1] == FT_OP_TARGET) {
            scsi->control = 0;
            scsi->outside = 1;
        }
        break;
    default:
        break;
    }
}
