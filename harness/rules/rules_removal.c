/* Surprise removal and removal. */
#include "rules/rules_io.h"

static uint64_t handle_of(const struct ft_rs_device *device)
{
    return ft_handle(FT_HC_DEVICE, device->id, 0);
}

static bool in_dispatch(struct ft_rules *rules, const struct ft_event *event, int minor)
{
    return ft_by_driver(event) && ft_frame_dispatch(rules, event, FT_MAJOR_PNP, minor) != NULL;
}

/* ---- detach and delete ---- */

/* IoDetachDevice names the device below, IoDeleteDevice the device itself. */
static bool is_of_stack(struct ft_rules *rules, const struct ft_event *event)
{
    return event->kind == FT_EV_DEVICE_DETACH ||
           (ft_rs_device(rules, ft_arg_id(event, 0))->flags & FT_DEVICE_ATTACHED) != 0;
}

static void judge_order(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_frame *frame =
        ft_frame_dispatch(rules, event, FT_MAJOR_PNP, FT_PNP_MINOR_REMOVE);
    const struct ft_rs_irp *irp = frame != NULL ? ft_rs_irp_find(rules, frame->object) : NULL;

    if (ft_arg_id(event, 0) == 0 || !ft_by_driver(event) || !is_of_stack(rules, event)) {
        return;
    }
    if (irp != NULL && (irp->flags & FT_IRP_FORWARDED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_ORDER, event, event->arg[0]);
    }
    if (in_dispatch(rules, event, FT_PNP_MINOR_SURPRISE_REMOVAL)) {
        ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_NO_DELETE, event, event->arg[0]);
    }
    if (event->kind == FT_EV_DEVICE_DELETE &&
        ft_rs_root(rules, ft_arg_id(event, 0))->windows != 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_OUTSTANDING, event, event->arg[0]);
    }
}

/* ---- what is left when a removal is done ---- */

static bool has_interrupt(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_INTERRUPTS; i++) {
        if (rules->interrupt[i].id != 0 &&
            ft_rs_same_device(rules, rules->interrupt[i].device, device)) {
            return true;
        }
    }
    return false;
}

static bool has_mapping(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_adapter *adapter =
            ft_mapping_is_due(mapping) ? ft_rs_adapter_find(rules, mapping->adapter) : NULL;

        if (adapter != NULL && ft_rs_same_device(rules, adapter->device, device)) {
            return true;
        }
    }
    return false;
}

static void judge_interfaces(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        const struct ft_rs_object *object = &rules->object[i];

        if (object->class_ == FT_HC_INTERFACE && (object->flags & FT_OBJECT_ENABLED) != 0 &&
            ft_rs_same_device(rules, object->device, device)) {
            ft_rule_fire(rules, FT_J_IO_PNP_INTERFACES_DISABLED, event,
                         ft_handle(FT_HC_INTERFACE, object->id, 0));
        }
    }
}

static void judge_wait_wake(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && ft_irp_is(irp, FT_MAJOR_POWER, FT_POWER_MINOR_WAIT_WAKE) &&
            (irp->more & FT_MORE_REQUESTED) != 0 &&
            (irp->flags & (FT_IRP_DONE | FT_RS_OVER | FT_IRP_CANCELLED)) == 0 &&
            ft_rs_same_device(rules, irp->device, device)) {
            ft_rule_fire(rules, FT_J_IO_PNP_WAITWAKE_CANCELLED, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    if (!ft_known(event, 1) || !ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    switch (event->arg[1]) {
    case FT_PNP_MINOR_SURPRISE_REMOVAL:
        if (has_interrupt(rules, id) || ft_rs_root(rules, id)->windows != 0) {
            ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_RELEASE_HW, event, event->arg[0]);
        }
        if (has_mapping(rules, id) && (ft_rs_root(rules, id)->flags & FT_DEVICE_YANKED) != 0) {
            ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_FLUSH, event, event->arg[0]);
        }
        break;
    case FT_PNP_MINOR_REMOVE:
        judge_interfaces(rules, event, id);
        judge_wait_wake(rules, event, id);
        break;
    case FT_PNP_MINOR_STOP:
        judge_wait_wake(rules, event, id);
        break;
    default:
        break;
    }
}

/* ---- after a surprise removal; without a start ---- */

static void judge_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp == NULL || !ft_by_driver(event) || (irp->more & FT_MORE_TOO_LATE) == 0 ||
        (irp->flags & FT_IRP_LOWER) != 0 || !ft_known(event, 1) ||
        !ft_nt_success((uint32_t)event->arg[1])) {
        return;
    }
    if (irp->major == FT_MAJOR_CREATE ||
        ((irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE) && irp->length != 0)) {
        ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_FAIL_IO, event, ft_irp_handle_of(irp));
    }
}

static void judge_register(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    if ((root->flags & FT_DEVICE_GONE) != 0 && in_dispatch(rules, event, FT_PNP_MINOR_REMOVE)) {
        ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_AFTER_SURPRISE, event, handle_of(root));
    }
}

static void judge_disconnect(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    if (ft_known(event, 0) && ft_arg_id(event, 0) == 0 && (root->more & FT_HW_STARTED_ONCE) == 0 &&
        in_dispatch(rules, event, FT_PNP_MINOR_REMOVE)) {
        ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_UNSTARTED, event, handle_of(root));
    }
}

/* The run was cut off, or made no progress, while a routine did nothing but read a register of an
 * absent device. */
static void judge_polling(struct ft_rules *rules, const struct ft_event *event)
{
    enum { MANY = 48, A_LOOP = 3 };

    if (rules->poll_count >= MANY && (event->kind == FT_EV_RUN_CUT || event->arg[0] == A_LOOP)) {
        ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_NO_HANG, event, 0);
    }
}

void ft_removal_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DEVICE_DETACH:
    case FT_EV_DEVICE_DELETE:
        judge_order(rules, event);
        break;
    case FT_EV_PNP_DONE:
        judge_done(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        judge_complete(rules, event);
        break;
    case FT_EV_REG_WRITE:
        judge_register(rules, event);
        break;
    case FT_EV_ISR_DISCONNECT:
        judge_disconnect(rules, event);
        break;
    case FT_EV_RUN_CUT:
    case FT_EV_RUN_HANG:
        judge_polling(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

/* Time may pass in the loop; anything else that the driver does is progress. */
static void note_polling(struct ft_rules *rules, const struct ft_event *event)
{
    bool absent = event->kind == FT_EV_REG_READ && ft_known(event, 3) && event->arg[3] == 0 &&
                  (ft_rs_root(rules, event->device)->flags & FT_DEVICE_YANKED) != 0;

    if (!ft_by_driver(event) || event->kind == FT_EV_STALL || event->kind == FT_EV_DELAY) {
        return;
    }
    if (!absent || rules->poll_task != ft_task_of(event) ||
        rules->poll_offset != (uint32_t)event->arg[0]) {
        rules->poll_count = 0;
    }
    if (absent) {
        rules->poll_task = ft_task_of(event);
        rules->poll_offset = (uint32_t)event->arg[0];
        rules->poll_count += rules->poll_count < UINT16_MAX;
    }
}

static void note_interface(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_object *object;

    if (!ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    if (event->arg[1] == 0) {
        object = ft_rs_object_find(rules, FT_HC_INTERFACE, ft_arg_id(event, 0));
        if (object != NULL) {
            object->flags = FT_RS_OVER;
        }
        return;
    }
    object = ft_rs_object_get(rules, FT_HC_INTERFACE, ft_arg_id(event, 0));
    if (object != NULL) {
        object->flags = FT_OBJECT_ENABLED;
        object->device = event->device;
    }
}

void ft_removal_note(struct ft_rules *rules, const struct ft_event *event)
{
    note_polling(rules, event);
    if (event->kind == FT_EV_INTERFACE_STATE && ft_by_driver(event)) {
        note_interface(rules, event);
    }
}
