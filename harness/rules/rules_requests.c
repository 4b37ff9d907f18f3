/* Requests on their way: pending, forwarding, completing what must be forwarded, own IRPs. */
#include "rules/rules_io.h"

static bool is_pnp_or_power(unsigned major)
{
    return major == FT_MAJOR_PNP || major == FT_MAJOR_POWER;
}

/* Minor functions that no function driver handles: undefined ones, and those of bus drivers. */
static bool is_foreign(const struct ft_rs_irp *irp)
{
    enum { LAST_PNP = 0x19, LAST_POWER = 0x03, LAST_WMI = 0x0B };

    switch (irp->major) {
    case FT_MAJOR_PNP:
        switch (irp->minor) {
        case 0x0A: /* QUERY_RESOURCES */
        case 0x0C: /* QUERY_DEVICE_TEXT */
        case 0x0E:
        case 0x0F: /* READ_CONFIG */
        case 0x10: /* WRITE_CONFIG */
        case 0x11: /* EJECT */
        case 0x12: /* SET_LOCK */
        case 0x13: /* QUERY_ID */
        case 0x15: /* QUERY_BUS_INFORMATION */
            return true;
        default:
            return irp->minor > LAST_PNP;
        }
    case FT_MAJOR_POWER:
        return irp->minor > LAST_POWER;
    case FT_MAJOR_SYSTEM_CONTROL:
        return irp->minor > LAST_WMI;
    default:
        return false;
    }
}

/* A driver that does not give WMI data knows no WMI request. */
static bool is_unknown(const struct ft_rules *rules, const struct ft_rs_irp *irp)
{
    return is_foreign(irp) ||
           (irp->major == FT_MAJOR_SYSTEM_CONTROL && !rules->wmi && (irp->more & FT_MORE_WMI) == 0);
}

/* ---- pending ---- */

/* Only inside the dispatch routine: an IRP that was pended there may go through more queues. */
static void judge_insertion(struct ft_rules *rules, const struct ft_event *event, unsigned index)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, index);
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);

    if (ft_by_driver(event) && irp != NULL && frame != NULL && frame->object == irp->id &&
        (irp->flags & FT_IRP_MARKED) == 0 && (irp->more & FT_MORE_OWN) == 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_MARK_BEFORE_QUEUE, event, ft_irp_handle_of(irp));
    }
}

static void judge_dispatch_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);
    const struct ft_rs_irp *irp = frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;
    bool pending = (uint32_t)event->arg[3] == FT_NT_PENDING;

    if (irp == NULL || !ft_known(event, 3) || (irp->flags & FT_IRP_MARKED) != 0) {
        return;
    }
    if (pending && (irp->flags & FT_IRP_COMPLETED) != 0 && (irp->flags & FT_IRP_FORWARDED) == 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_PENDED_NOT_COMPLETED_INLINE_WITHOUT_MARK, event,
                     ft_irp_handle_of(irp));
    }
    if (!pending && (irp->more & FT_MORE_BELOW) != 0 && !ft_irp_is_over(irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_SYNC_WAIT_ON_PENDING, event, ft_irp_handle_of(irp));
    }
}

/* ---- forwarding ---- */

/* The majors that may be forwarded at DISPATCH_LEVEL. */
static bool is_forward_level(unsigned major, uint8_t irql)
{
    return irql < FT_IRQL_DISPATCH ||
           (irql == FT_IRQL_DISPATCH && (ft_major_is_io(major) || major == FT_MAJOR_POWER));
}

/* A next location that no routine prepared may have been filled in by hand; it then carries the
 * code of the request. */
static bool is_location_wrong(const struct ft_event *event, const struct ft_rs_irp *irp)
{
    if (ft_known(event, 3) && event->arg[3] == 0) {
        return true;
    }
    return (irp->more & (FT_MORE_SKIPPED | FT_MORE_COPIED | FT_MORE_OWN)) == 0 &&
           irp->master == 0 && (irp->flags & FT_IRP_DISPATCHED) != 0 &&
           event->arg[2] >> 8 != irp->major;
}

static void judge_own_forward(struct ft_rules *rules, const struct ft_event *event,
                              const struct ft_rs_irp *irp)
{
    unsigned major = (unsigned)(event->arg[2] >> 8);
    bool system = is_pnp_or_power(major) || major == FT_MAJOR_SYSTEM_CONTROL;

    /* One that IoBuildXxx made has its code from the start, and may be the thread's. */
    if (irp->master == 0 && irp->major == 0 && (irp->more & FT_MORE_ROUTINE) == 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_OWN_NEEDS_COMPLETION, event, ft_irp_handle_of(irp));
    }
    if (system && (irp->more & FT_MORE_SENT) == 0 && ft_known(event, 5) &&
        (uint32_t)event->arg[5] != FT_NT_NOT_SUPPORTED) {
        ft_rule_fire(rules, FT_J_IO_IRP_INITIAL_STATUS, event, ft_irp_handle_of(irp));
    }
}

/* What the driver did to the status on the way down. */
static void judge_forward_status(struct ft_rules *rules, const struct ft_event *event,
                                 const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[5];

    if (!ft_known(event, 5) || (irp->more & FT_MORE_INITIAL) == 0 || status == irp->initial ||
        (irp->flags & FT_IRP_LOWER) != 0) {
        return;
    }
    if (is_pnp_or_power(irp->major) && ft_nt_error(status) && status != FT_NT_NOT_SUPPORTED) {
        ft_rule_fire(rules, FT_J_IO_IRP_FAILED_NOT_FORWARDED, event, ft_irp_handle_of(irp));
    }
    if (is_foreign(irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_UNKNOWN_UNTOUCHED, event, ft_irp_handle_of(irp));
    }
}

static void judge_forward(struct ft_rules *rules, const struct ft_event *event,
                          const struct ft_rs_irp *irp)
{
    uint64_t object = ft_irp_handle_of(irp);

    if (event->arg[4] != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_FORWARD_CANCEL_NULL, event, object);
    }
    if (is_location_wrong(event, irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_FORWARD_LOCATION, event, object);
    }
    if (!is_forward_level((unsigned)(event->arg[2] >> 8), event->irql)) {
        ft_rule_fire(rules, FT_J_IO_IRP_FORWARD_IRQL, event, object);
    }
    if ((irp->more & FT_MORE_BELOW) != 0 && !ft_irp_is_over(irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_FORWARD_BELOW_OWNER, event, object);
    }
    if ((irp->more & FT_MORE_OWN) != 0) {
        judge_own_forward(rules, event, irp);
    } else {
        judge_forward_status(rules, event, irp);
    }
}

/* ---- completing ---- */

/* PnP requests that must not fail, but for SURPRISE_REMOVAL, which has a rule of its own. */
static bool is_unfailable(const struct ft_rs_irp *irp)
{
    return irp->major == FT_MAJOR_PNP &&
           (irp->minor == FT_PNP_MINOR_REMOVE || irp->minor == FT_PNP_MINOR_STOP ||
            irp->minor == FT_PNP_MINOR_CANCEL_REMOVE || irp->minor == FT_PNP_MINOR_CANCEL_STOP);
}

static void judge_failed(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root = ft_rs_root(rules, irp->device);
    uint64_t object = ft_irp_handle_of(irp);
    bool unasked = (irp->minor == FT_PNP_MINOR_CANCEL_STOP && root->pnp != 0 &&
                    root->pnp != FT_PNP_STOP_PENDING) ||
                   (irp->minor == FT_PNP_MINOR_CANCEL_REMOVE && root->pnp != 0 &&
                    root->pnp != FT_PNP_REMOVE_PENDING);

    if (!is_unfailable(irp) || (irp->flags & FT_IRP_LOWER_FAILED) != 0) {
        return;
    }
    ft_rule_fire(rules, FT_J_IO_IRP_UNFAILABLE_NOT_FAILED, event, object);
    if (irp->minor == FT_PNP_MINOR_STOP) {
        ft_rule_fire(rules, FT_J_IO_PNP_STOP_SUCCESS, event, object);
    } else if (unasked) {
        ft_rule_fire(rules, FT_J_IO_PNP_CANCEL_SPURIOUS_OK, event, object);
    }
}

/* Not forwarded: the driver of a device that stands on another one never answers for that one. A
 * driver that fails to enter its remove lock answers everything. */
static void judge_kept(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];
    uint64_t object = ft_irp_handle_of(irp);

    if (rules->driver_devices == 0 || status == FT_NT_DELETE_PENDING ||
        (irp->flags & FT_IRP_FORWARDED) != 0) {
        return;
    }
    if (is_unknown(rules, irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_UNKNOWN_PASSED, event, object);
    }
    if (irp->major == FT_MAJOR_POWER && ft_nt_success(status)) {
        ft_rule_fire(rules, FT_J_IO_PWR_PASS_ALL, event, object);
    }
    if (ft_irp_is(irp, FT_MAJOR_PNP, FT_PNP_MINOR_REMOVE)) {
        ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_NOT_COMPLETED, event, object);
    }
    if (ft_irp_is(irp, FT_MAJOR_PNP, FT_PNP_MINOR_USAGE) && ft_nt_success(status)) {
        ft_rule_fire(rules, FT_J_IO_PNP_USAGE_COUNTED, event, object);
    }
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];
    uint64_t object = ft_irp_handle_of(irp);
    bool dispatched = (irp->flags & FT_IRP_DISPATCHED) != 0;

    if ((irp->more & FT_MORE_BELOW) != 0 && !ft_irp_is_over(irp)) {
        ft_rule_fire(rules, FT_J_IO_IRP_FORWARD_BELOW_OWNER, event, object);
    }
    if ((irp->more & FT_MORE_OWN) != 0 && irp->master == 0 && !dispatched) {
        ft_rule_fire(rules, FT_J_IO_IRP_OWN_NOT_COMPLETED_BY_CREATOR, event, object);
    }
    if (!ft_known(event, 1) || !dispatched) {
        return;
    }
    if ((irp->more & FT_MORE_EMPTY_DMA) != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_ZERO_LENGTH, event, object);
    }
    judge_kept(rules, event, irp);
    if (ft_nt_error(status) && status != FT_NT_DELETE_PENDING) {
        judge_failed(rules, event, irp);
    }
    if (is_pnp_or_power(irp->major) && status == FT_NT_NOT_SUPPORTED &&
        ((irp->flags & FT_IRP_LOWER) == 0 || irp->status != FT_NT_NOT_SUPPORTED)) {
        ft_rule_fire(rules, FT_J_IO_IRP_NO_NOTSUPPORTED, event, object);
    }
}

/* ---- own IRPs, length, dispatch table ---- */

static void judge_free(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp == NULL || !ft_by_driver(event)) {
        return;
    }
    if ((irp->more & FT_MORE_OWN) == 0 || (irp->more & FT_MORE_BELOW) != 0 ||
        (irp->flags & FT_RS_OVER) != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_OWN_ALLOC_FREE, event, event->arg[0]);
    }
}

static void judge_reuse(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (ft_by_driver(event) &&
        ((ft_known(event, 2) && event->arg[2] != 0) ||
         (irp != NULL && ((irp->more & FT_MORE_OWN) == 0 || (irp->more & FT_MORE_BELOW) != 0)))) {
        ft_rule_fire(rules, FT_J_IO_IRP_REUSE_VALID, event, event->arg[0]);
    }
}

/* A request of no bytes has nothing that a channel could serve. */
static void note_zero_length(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_asked_for(rules, event);

    if (irp != NULL && ft_by_driver(event) && irp->length == 0 && (irp->more & FT_MORE_OWN) == 0 &&
        (irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE)) {
        irp->more |= FT_MORE_EMPTY_DMA;
    }
}

/* A driver that handles PnP also handles power and WMI. */
static void judge_table(struct ft_rules *rules, const struct ft_event *event)
{
    const uint64_t both = 1u << FT_MAJOR_POWER | 1u << FT_MAJOR_SYSTEM_CONTROL;

    if (ft_known(event, 0) && (event->arg[0] & 1u << FT_MAJOR_PNP) != 0 &&
        (event->arg[0] & both) != both) {
        ft_rule_fire(rules, FT_J_IO_IRP_DISPATCH_PRESENT, event, 0);
    }
}

void ft_requests_judge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp;

    switch (event->kind) {
    case FT_EV_IRP_CALL:
        irp = ft_arg_irp(rules, event, 0);
        if (ft_by_driver(event) && irp != NULL) {
            judge_forward(rules, event, irp);
        }
        break;
    case FT_EV_IRP_COMPLETE:
        irp = ft_arg_irp(rules, event, 0);
        if (ft_by_driver(event) && irp != NULL && event->arg[6] == 0) {
            judge_complete(rules, event, irp);
        }
        break;
    case FT_EV_IRP_FREE:
        judge_free(rules, event);
        break;
    case FT_EV_IRP_REUSE:
        judge_reuse(rules, event);
        break;
    case FT_EV_START_PACKET:
        judge_insertion(rules, event, 1);
        break;
    case FT_EV_QUEUE_INSERT:
        judge_insertion(rules, event, 1);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_DISPATCH && ft_by_driver(event)) {
            judge_dispatch_leave(rules, event);
        }
        break;
    case FT_EV_DRIVER_DISPATCH:
        judge_table(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_new(struct ft_rs_irp *irp, const struct ft_event *event)
{
    irp->file = (uint16_t)ft_arg_id(event, 5);
    irp->master = (uint16_t)ft_arg_id(event, 7);
    if (ft_by_driver(event)) {
        irp->more |= FT_MORE_OWN;
    }
    if (ft_known(event, 6)) {
        irp->initial = (uint32_t)event->arg[6];
        irp->more |= FT_MORE_INITIAL;
    }
}

static void note_call(struct ft_rs_irp *irp, const struct ft_event *event)
{
    irp->more &= ~(uint32_t)(FT_MORE_SKIPPED | FT_MORE_COPIED | FT_MORE_ROUTINE);
    if (ft_by_driver(event)) {
        irp->more |= FT_MORE_BELOW | FT_MORE_SENT;
    }
}

/* The driver has the IRP, or has it again. */
static void note_got(struct ft_rules *rules, uint32_t id)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, id);

    if (irp != NULL) {
        irp->more &=
            ~(uint32_t)(FT_MORE_BELOW | FT_MORE_SKIPPED | FT_MORE_COPIED | FT_MORE_ROUTINE);
    }
}

static void note_complete(struct ft_rs_irp *irp, const struct ft_event *event)
{
    if (ft_by_driver(event)) {
        return;
    }
    irp->more &= ~(uint32_t)FT_MORE_BELOW;
    irp->status = (irp->flags & FT_IRP_COMPLETED) != 0 ? irp->status : (uint32_t)event->arg[1];
}

void ft_requests_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = NULL;

    if (event->kind >> 8 == 0x04) {
        irp = ft_arg_irp(rules, event, 0);
    } else if (event->kind == FT_EV_CALL_ENTER &&
               (event->arg[0] == FT_ROUTINE_DISPATCH || event->arg[0] == FT_ROUTINE_COMPLETION)) {
        note_got(rules, ft_handle_class(event->arg[1]) == FT_HC_IRP ? ft_arg_id(event, 1)
                                                                    : event->request);
    } else if (event->kind == FT_EV_WMI_REGISTER) {
        rules->wmi = 1;
    } else if (event->kind == FT_EV_DMA_CHANNEL || event->kind == FT_EV_CHANNEL_EX ||
               event->kind == FT_EV_SG_GET || event->kind == FT_EV_SG_GET_EX) {
        note_zero_length(rules, event);
    }
    if (irp == NULL) {
        return;
    }
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        note_new(irp, event);
        break;
    case FT_EV_IRP_CALL:
        note_call(irp, event);
        break;
    case FT_EV_IRP_SKIP:
        irp->more |= FT_MORE_SKIPPED;
        break;
    case FT_EV_IRP_COPY:
    case FT_EV_IRP_SET_NEXT:
        irp->more = (irp->more & ~(uint32_t)FT_MORE_SKIPPED) | FT_MORE_COPIED;
        break;
    case FT_EV_IRP_SET_COMPLETION:
        irp->more |= FT_MORE_ROUTINE;
        break;
    case FT_EV_IRP_COMPLETE:
        note_complete(irp, event);
        break;
    case FT_EV_IRP_REUSE:
    case FT_EV_IRP_INIT:
        irp->more &= FT_MORE_OWN;
        irp->flags = 0;
        break;
    case FT_EV_IRP_DONE:
        irp->more &= ~(uint32_t)FT_MORE_BELOW;
        break;
    case FT_EV_WMI_CONTROL:
        irp->more |= FT_MORE_WMI;
        break;
    default:
        break;
    }
}
