/* Power requests: what the driver does before, during and after them. */
#include "rules/rules_io.h"

static struct ft_rs_irp *irp_of_frame(struct ft_rules *rules, const struct ft_rs_frame *frame)
{
    return frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;
}

static uint64_t handle_of(const struct ft_rs_device *device)
{
    return ft_handle(FT_HC_DEVICE, device->id, 0);
}

/* ---- registers ---- */

static void judge_register(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);
    const struct ft_rs_irp *request = ft_rs_irp_find(rules, event->request);
    bool writes = event->kind == FT_EV_REG_WRITE;

    if (!ft_by_driver(event)) {
        return;
    }
    /* An interrupt of a shared line may still ask the device. */
    if ((root->more & FT_HW_POWER_DOWN) != 0 && root->power == FT_POWER_D0 &&
        ft_frame_in(rules, event, FT_ROUTINE_ISR) == NULL) {
        ft_rule_fire(rules, FT_J_IO_PWR_DOWN_BEFORE_FORWARD, event, handle_of(root));
    }
    if (root->up_irp != 0 && root->power > FT_POWER_D0 && root->up_irp == event->request) {
        ft_rule_fire(rules, FT_J_IO_PWR_UP_AFTER_COMPLETE, event, handle_of(root));
    }
    /* The machine may have fallen asleep, and the device been turned off, since it was sent. */
    if (writes && request != NULL && (request->more & FT_MORE_REDUNDANT) != 0 &&
        (root->more & FT_HW_WAS_OFF) == 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_REDUNDANT_D0, event, ft_irp_handle_of(request));
    }
    if (writes && request != NULL && ft_irp_is(request, FT_MAJOR_POWER, FT_POWER_MINOR_QUERY) &&
        ft_frame_dispatch(rules, event, FT_MAJOR_POWER, FT_POWER_MINOR_QUERY) != NULL) {
        ft_rule_fire(rules, FT_J_IO_PWR_QUERY_NO_SIDE_EFFECTS, event, ft_irp_handle_of(request));
    }
}

/* ---- PoSetPowerState ---- */

/* A device that is off already is said to be off again when a second request comes for it; only
 * between the request that turned it off and that one's end it is too late. */
static void judge_set_state(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, ft_arg_id(event, 0));
    bool up = event->arg[1] == FT_POWER_D0;

    if (!ft_by_driver(event) || !ft_known(event, 1) || event->arg[2] != 0 ||
        root->power <= FT_POWER_D0) {
        return;
    }
    if (up || (root->more & FT_HW_POWER_DOWN) != 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_POSTATE, event, event->arg[0]);
    }
}

/* ---- dispatch ---- */

/* A wait while a driver below has the IRP; and levels. */
static void judge_wait(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame = ft_frame_dispatch(rules, event, FT_MAJOR_POWER, -1);
    const struct ft_rs_irp *irp = irp_of_frame(rules, frame);
    bool can_block = event->kind == FT_EV_DELAY || event->arg[1] != 0;

    if (irp != NULL && ft_by_driver(event) && can_block && event->kind == FT_EV_WAIT_BEGIN &&
        (irp->more & FT_MORE_BELOW) != 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_NO_BLOCK, event, ft_irp_handle_of(irp));
    }
    if (frame != NULL && (frame->flags & FT_FRAME_RAISED) != 0 && ft_by_driver(event) &&
        can_block) {
        ft_rule_fire(rules, FT_J_IO_PWR_IRQL_TOLERANT, event,
                     ft_handle(FT_HC_IRP, frame->object, 0));
    }
}

static void judge_level(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame;

    if (!ft_by_driver(event) || event->irql != FT_IRQL_DISPATCH || ft_irql_is_right(event)) {
        return;
    }
    frame = ft_frame_dispatch(rules, event, FT_MAJOR_POWER, -1);
    if (frame != NULL && (frame->flags & FT_FRAME_RAISED) != 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_IRQL_TOLERANT, event,
                     ft_handle(FT_HC_IRP, frame->object, 0));
    }
}

static void judge_alloc(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp =
        irp_of_frame(rules, ft_frame_dispatch(rules, event, FT_MAJOR_POWER, FT_POWER_MINOR_SET));

    if (irp != NULL && ft_by_driver(event) && (irp->more & FT_MORE_SYSTEM) != 0 && irp->power > 1) {
        ft_rule_fire(rules, FT_J_IO_PWR_NO_ALLOC_DOWN, event, ft_irp_handle_of(irp));
    }
}

static void judge_leave(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp =
        irp_of_frame(rules, ft_frame_dispatch(rules, event, FT_MAJOR_POWER, -1));
    bool pending = (uint32_t)event->arg[3] == FT_NT_PENDING;
    bool marked;

    if (irp == NULL || !ft_known(event, 3) || !ft_by_driver(event)) {
        return;
    }
    marked = (irp->flags & FT_IRP_MARKED) != 0;
    if (marked ? !pending : pending && (irp->flags & FT_IRP_FORWARDED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_MARK_PENDING, event, ft_irp_handle_of(irp));
    }
}

/* ---- calling and requesting ---- */

static void judge_call(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);
    unsigned major = (unsigned)(event->arg[2] >> 8), minor = event->arg[2] & 0xFF;

    if (irp == NULL || !ft_by_driver(event)) {
        return;
    }
    if ((irp->more & FT_MORE_OWN) != 0) {
        if (major == FT_MAJOR_POWER &&
            (minor == FT_POWER_MINOR_SET || minor == FT_POWER_MINOR_QUERY)) {
            ft_rule_fire(rules, FT_J_IO_PWR_SIRP_VIA_REQUEST, event, ft_irp_handle_of(irp));
        }
    } else if (irp->major == FT_MAJOR_POWER && (irp->flags & FT_IRP_DISPATCHED) != 0 &&
               (irp->more & (FT_MORE_SKIPPED | FT_MORE_COPIED)) != 0 &&
               (major != irp->major || minor != irp->minor)) {
        ft_rule_fire(rules, FT_J_IO_PWR_CODES_UNCHANGED, event, ft_irp_handle_of(irp));
    }
}

static void judge_request(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t device = ft_arg_id(event, 0);

    if (!ft_by_driver(event)) {
        return;
    }
    if (ft_known(event, 5) && event->arg[5] != 0 && event->arg[2] != FT_POWER_MINOR_WAIT_WAKE) {
        ft_rule_fire(rules, FT_J_IO_PWR_SIRP_VIA_REQUEST, event, event->arg[0]);
    }
    if (event->arg[2] != FT_POWER_MINOR_WAIT_WAKE) {
        return;
    }
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && irp->id != ft_arg_id(event, 1) &&
            (irp->more & FT_MORE_REQUESTED) != 0 &&
            ft_irp_is(irp, FT_MAJOR_POWER, FT_POWER_MINOR_WAIT_WAKE) &&
            (irp->flags & (FT_IRP_DONE | FT_RS_OVER | FT_IRP_CANCELLED)) == 0 &&
            ft_rs_same_device(rules, irp->device, device)) {
            ft_rule_fire(rules, FT_J_IO_PWR_WAITWAKE_SINGLE, event, ft_irp_handle_of(irp));
        }
    }
}

/* A query that the device's own request failed is not granted. */
static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);
    const struct ft_rs_frame *frame = ft_frame_just_in(rules, event, FT_ROUTINE_POWER_CALLBACK);

    if (irp != NULL && frame != NULL && ft_by_driver(event) && (irp->more & FT_MORE_SYSTEM) != 0 &&
        ft_irp_is(irp, FT_MAJOR_POWER, FT_POWER_MINOR_QUERY) && rules->callback_failed != 0 &&
        rules->callback_task == ft_task_of(event) && ft_known(event, 1) &&
        ft_nt_success((uint32_t)event->arg[1])) {
        ft_rule_fire(rules, FT_J_IO_PWR_SIRP_STATUS, event, ft_irp_handle_of(irp));
    }
}

/* A power request that waits for nothing but the driver. */
static void judge_hang(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ALL_BLOCKED = 1, NOT_DONE = 2 };
    const struct ft_rs_irp *held = NULL;

    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (!ft_irp_is_owned(irp)) {
            continue;
        }
        if (irp->major != FT_MAJOR_POWER) {
            return;
        }
        held = irp->minor != FT_POWER_MINOR_WAIT_WAKE ? irp : held;
    }
    if (held != NULL && (event->arg[0] == ALL_BLOCKED || event->arg[0] == NOT_DONE)) {
        ft_rule_fire(rules, FT_J_IO_PWR_TIMELY, event, ft_irp_handle_of(held));
    }
}

void ft_power_judge(struct ft_rules *rules, const struct ft_event *event)
{
    judge_level(rules, event);
    switch (event->kind) {
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_register(rules, event);
        break;
    case FT_EV_PO_SET_STATE:
        judge_set_state(rules, event);
        break;
    case FT_EV_WAIT_BEGIN:
    case FT_EV_DELAY:
        judge_wait(rules, event);
        break;
    case FT_EV_POOL_ALLOC:
        judge_alloc(rules, event);
        break;
    case FT_EV_IRP_CALL:
        judge_call(rules, event);
        break;
    case FT_EV_PO_REQUEST:
        judge_request(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_DISPATCH) {
            judge_leave(rules, event);
        }
        break;
    case FT_EV_RUN_HANG:
        judge_hang(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

/* A device that lost its power with the machine has it back before the driver hears of it; and a
 * driver that got no device power request for a sleep may have turned its device off without. */
static bool is_redundant(const struct ft_rs_device *root)
{
    return root->power == FT_POWER_D0 && (root->more & FT_HW_WAS_OFF) == 0;
}

static void note_send(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    struct ft_rs_device *root = ft_rs_root(rules, ft_arg_id(event, 0));
    bool system = event->arg[4] != 0;

    if (irp == NULL || !ft_known(event, 3)) {
        return;
    }
    if (system) {
        irp->more |= FT_MORE_SYSTEM;
        irp->power = 0; /* the rules about the device's power are not about this request */
        if (ft_known(event, 5)) {
            irp->power = (uint8_t)event->arg[5];
        }
    } else if (event->arg[2] == FT_POWER_MINOR_SET) {
        root->more = (uint16_t)(root->more & ~FT_HW_POWER_DOWN);
        root->up_irp = 0;
        if (event->arg[3] == FT_POWER_D0) {
            irp->more |= is_redundant(root) ? FT_MORE_REDUNDANT : 0;
            root->up_irp = (uint16_t)irp->id;
        }
    }
}

static void note_set_state(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root = ft_rs_root(rules, ft_arg_id(event, 0));

    if (ft_by_driver(event) && ft_known(event, 1) && event->arg[2] == 0 &&
        event->arg[1] > FT_POWER_D0 && root->power == FT_POWER_D0) {
        root->more |= FT_HW_WAS_OFF;
    }
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp != NULL && ft_by_driver(event) && (irp->more & FT_MORE_SYSTEM) == 0 &&
        ft_irp_is(irp, FT_MAJOR_POWER, FT_POWER_MINOR_SET) && irp->power > FT_POWER_D0) {
        ft_rs_root(rules, irp->device)->more |= FT_HW_POWER_DOWN;
    }
}

static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; !ft_by_driver(event) && i < FT_RS_DEVICES; i++) {
        struct ft_rs_device *device = &rules->device[i];

        if (device->up_irp != 0 && device->up_irp == ft_arg_id(event, 0)) {
            device->up_irp = 0;
        }
    }
}

static void note_request(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root = ft_rs_root(rules, ft_arg_id(event, 0));
    struct ft_rs_irp *irp;

    if (event->layer == FT_LAYER_FRAMEWORK && ft_known(event, 4)) {
        root->more = (uint16_t)(root->more & ~FT_HW_UNASKED);
        root->more |= ft_nt_success((uint32_t)event->arg[4]) ? 0 : FT_HW_UNASKED;
    }
    if (!ft_by_driver(event) || !ft_known(event, 1) || ft_arg_id(event, 1) == 0) {
        return;
    }
    irp = ft_rs_irp_get(rules, ft_arg_id(event, 1));
    if (irp != NULL) {
        irp->more |= FT_MORE_REQUESTED;
        irp->major = FT_MAJOR_POWER;
        irp->minor = (uint8_t)event->arg[2];
        irp->device = (uint16_t)ft_arg_id(event, 0);
    }
}

void ft_power_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root;

    switch (event->kind) {
    case FT_EV_POWER_SEND:
        note_send(rules, event);
        break;
    case FT_EV_POWER_DONE:
        if (event->arg[4] == 0) {
            root = ft_rs_root(rules, ft_arg_id(event, 0));
            root->more = (uint16_t)(root->more & ~FT_HW_POWER_DOWN);
            root->up_irp = 0;
            if (event->arg[1] == FT_POWER_MINOR_SET && event->arg[3] == FT_POWER_D0) {
                root->more = (uint16_t)(root->more & ~FT_HW_WAS_OFF);
            }
        }
        break;
    case FT_EV_IRP_CALL:
        note_call(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        note_complete(rules, event);
        break;
    case FT_EV_PO_SET_STATE:
        note_set_state(rules, event);
        break;
    case FT_EV_PO_REQUEST:
        note_request(rules, event);
        break;
    case FT_EV_PO_CALLBACK:
        rules->callback_task = ft_task_of(event);
        rules->callback_failed = ft_known(event, 3) && !ft_nt_success((uint32_t)event->arg[3]);
        break;
    default:
        break;
    }
}
