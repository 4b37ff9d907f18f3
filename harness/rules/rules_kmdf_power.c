/* KMDF: PnP and power callbacks, power references, self-managed I/O (kmdf.md, sections 8.5 and
 * 8.6). One device: the driver's first.
 *
 * That callbacks come in their order and one at a time is the framework's own business
 * (rules_kmdf_order.c). Registers may be touched from EvtDevicePrepareHardware on, and while the
 * power machine has the device in D0.
 */
#include "rules/rules_io.h"

enum { NT_PENDING = 0x103 };

#define NT_NOT_SUPPORTED 0xC00000BBu

/* Public numbers of the states that matter (wdfdevice.h). */
enum {
    PNP_HARDWARE_AVAILABLE = 0x108,
    PNP_REMOVING_INTERFACES = 0x117,
    PNP_FAILED = 0x12B,
    PNP_FINAL = 0x135,
    POWER_D0_FIRST = 0x307, /* D0 and the states around it */
    POWER_STOPPED = 0x315,
    POWER_DX = 0x31F,
    POWER_UP_FAILED = 0x33E,
    POWER_DOWN_FAILED = 0x340,
    POWER_INITIAL_FAILED = 0x345,
    POWER_GOTO_STOPPED = 0x34B,
    POWER_FINAL_FAILED = 0x350,
    POWER_RESUME_FAILED = 0x353,
    POWER_GOTO_DX_FAILED = 0x355
};

/* Callbacks of the device that run one after the other. */
static bool is_serialised(unsigned routine)
{
    return routine >= FT_ROUTINE_WDF_PREPARE && routine <= FT_ROUTINE_WDF_SMIO_CLEANUP;
}

/* ---- callbacks ---- */

static bool asks_or_has_hardware(unsigned routine)
{
    return routine == FT_ROUTINE_WDF_PREPARE || routine == FT_ROUTINE_WDF_RELEASE ||
           routine == FT_ROUTINE_WDF_QUERY_REMOVE || routine == FT_ROUTINE_WDF_QUERY_STOP;
}

static bool starts(unsigned routine)
{
    return routine == FT_ROUTINE_WDF_PREPARE || routine == FT_ROUTINE_WDF_D0_ENTRY ||
           routine == FT_ROUTINE_WDF_D0_ENTRY_POST || routine == FT_ROUTINE_WDF_SMIO_INIT ||
           routine == FT_ROUTINE_WDF_SMIO_RESTART;
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned routine = (unsigned)event->arg[0];
    uint32_t status = (uint32_t)event->arg[3];

    if (ft_handle_class(event->arg[1]) != FT_HC_WDF_DEVICE) {
        return;
    }
    if (ft_known(event, 3) && asks_or_has_hardware(routine) && status == NT_NOT_SUPPORTED) {
        ft_rule_fire(rules, FT_J_KMDF_INVALID_CALLBACK_STATUS, event, event->arg[1]);
    }
    if (ft_known(event, 3) && starts(routine) && status == NT_PENDING) {
        ft_rule_fire(rules, FT_J_KMDF_START_FAILURE_STATUS, event, event->arg[1]);
    }
    /* Which device a window belongs to nobody says; children have none. */
    if (routine == FT_ROUTINE_WDF_RELEASE && rules->wdf_power.windows != 0 &&
        ft_arg_id(event, 1) == rules->wdf_power.device) {
        ft_rule_fire(rules, FT_J_KMDF_PREPARE_RELEASE_PAIRING, event, event->arg[1]);
    }
}

/* ---- registers and waits ---- */

/* Where the hardware may be touched although the power machine has it in no D0. */
static bool is_at_the_edge(struct ft_rules *rules, const struct ft_event *event)
{
    return ft_frame_in(rules, event, FT_ROUTINE_WDF_PREPARE) != NULL ||
           ft_frame_in(rules, event, FT_ROUTINE_WDF_RELEASE) != NULL ||
           ft_frame_in(rules, event, FT_ROUTINE_WDF_ISR) != NULL;
}

static void judge_register(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    uint64_t device = ft_handle(FT_HC_WDF_DEVICE, wdf->device, 0);

    if (wdf->device == 0 || !ft_by_driver(event)) {
        return;
    }
    if (ft_frame_in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH) != NULL) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_TOUCHES_HARDWARE, event, device);
    } else if (!wdf->mapped || (!wdf->in_d0 && !is_at_the_edge(rules, event))) {
        ft_rule_fire(rules, FT_J_KMDF_MMIO_OUTSIDE_WINDOW, event, device);
    }
}

static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_WDF_SMIO_FLUSH);

    if (frame != NULL && ft_by_driver(event) && event->arg[1] != 0) {
        ft_rule_fire(rules, FT_J_KMDF_SMIO_FLUSH_BLOCKS, event,
                     ft_handle(FT_HC_WDF_DEVICE, frame->object, 0));
    }
}

static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    if (rules->wdf_power.open != 0) {
        ft_rule_fire(rules, FT_J_KMDF_POWER_CALLBACK_DEADLOCK, event,
                     ft_handle(FT_HC_WDF_DEVICE, rules->wdf_power.device, 0));
    }
}

/* ---- power references ---- */

static void judge_state(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] == PNP_FINAL && ft_arg_id(event, 0) == rules->wdf_power.device &&
        rules->wdf_power.references != 0) {
        ft_rule_fire(rules, FT_J_KMDF_POWER_REFERENCE_BALANCE, event, event->arg[0]);
    }
}

static void judge_resume(struct ft_rules *rules, const struct ft_event *event)
{
    if (ft_known(event, 1) && event->arg[1] == 0) {
        ft_rule_fire(rules, FT_J_KMDF_POWER_REFERENCE_BALANCE, event, event->arg[0]);
    }
}

void ft_kmdf_power_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_LEAVE:
        judge_leave(rules, event);
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_register(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
        judge_wait(rules, event);
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    case FT_EV_WDF_PNP_STATE:
        judge_state(rules, event);
        break;
    case FT_EV_WDF_RESUME_IDLE:
        judge_resume(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what is remembered ---- */

static bool of_device(const struct ft_rules *rules, const struct ft_event *event, unsigned index)
{
    return ft_handle_class(event->arg[index]) == FT_HC_WDF_DEVICE &&
           ft_arg_id(event, index) == rules->wdf_power.device;
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    bool enters = event->kind == FT_EV_CALL_ENTER;

    if (!of_device(rules, event, 1)) {
        return;
    }
    if (is_serialised((unsigned)event->arg[0])) {
        wdf->open = enters ? (uint8_t)event->arg[0] : 0;
    }
    if (event->arg[0] == FT_ROUTINE_WDF_RELEASE && !enters) {
        wdf->windows = 0;
    }
}

/* Windows that EvtDevicePrepareHardware mapped. */
static void note_window(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    bool prepares = ft_frame_in(rules, event, FT_ROUTINE_WDF_PREPARE) != NULL;

    if (wdf->device == 0 || !ft_by_driver(event)) {
        return;
    }
    if (event->kind == FT_EV_MAP_IO && prepares && event->arg[2] != 0) {
        wdf->windows++;
    } else if (event->kind == FT_EV_UNMAP_IO && wdf->windows > 0) {
        wdf->windows--;
    }
}

static bool has_power(unsigned state)
{
    switch (state) {
    case POWER_STOPPED:
    case POWER_DX:
    case POWER_UP_FAILED:
    case POWER_DOWN_FAILED:
    case POWER_INITIAL_FAILED:
    case POWER_GOTO_STOPPED:
    case POWER_FINAL_FAILED:
    case POWER_RESUME_FAILED:
    case POWER_GOTO_DX_FAILED:
        return false;
    default:
        return state >= POWER_D0_FIRST;
    }
}

static void note_states(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    unsigned state = (unsigned)event->arg[1];

    if (!of_device(rules, event, 0)) {
        return;
    }
    if (event->kind == FT_EV_WDF_POWER_STATE) {
        wdf->power = (uint16_t)state;
        wdf->in_d0 = has_power(state);
        return;
    }
    wdf->pnp = (uint16_t)state;
    if (state == PNP_HARDWARE_AVAILABLE) {
        wdf->mapped = 1;
    } else if (state == PNP_REMOVING_INTERFACES || state == PNP_FAILED) {
        wdf->mapped = 0;
    }
}

void ft_kmdf_power_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;

    switch (event->kind) {
    case FT_EV_WDF_DEVICE_NEW:
        if (wdf->device == 0) {
            wdf->device = ft_arg_id(event, 0);
        }
        break;
    case FT_EV_DEVICE_FLAGS:
        wdf->alignment = ft_known(event, 6) ? (uint16_t)event->arg[6] : 0;
        break;
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        break;
    case FT_EV_MAP_IO:
    case FT_EV_UNMAP_IO:
        note_window(rules, event);
        break;
    case FT_EV_WDF_PNP_STATE:
    case FT_EV_WDF_POWER_STATE:
        note_states(rules, event);
        break;
    case FT_EV_WDF_STOP_IDLE:
        if (of_device(rules, event, 0)) {
            wdf->references = (uint16_t)event->arg[3];
        }
        break;
    case FT_EV_WDF_RESUME_IDLE:
        if (of_device(rules, event, 0) && wdf->references > 0) {
            wdf->references--;
        }
        break;
    case FT_EV_RUN_BEGIN:
        *wdf = (struct ft_rs_wdf_power){0};
        break;
    default:
        break;
    }
}
