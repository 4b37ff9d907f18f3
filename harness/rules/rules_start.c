/* AddDevice and START_DEVICE. */
#include "rules/rules_io.h"

/* ---- AddDevice ---- */

enum {
    BUFFERED = 0x4,
    DIRECT = 0x10,
    INITIALIZING = 0x80,
    BUS_ENUMERATED = 0x1000,
    POWER_PAGABLE = 0x2000,
    POWER_INRUSH = 0x4000
};

/* How requests are buffered, and what the type is, a function driver decides for its stack; a
 * filter takes both from the device below. */
static bool is_filter_copy(const struct ft_event *event)
{
    return (event->arg[3] & BUS_ENUMERATED) != 0 ||
           ((event->arg[2] & (BUFFERED | DIRECT)) == (event->arg[3] & (BUFFERED | DIRECT)) &&
            event->arg[4] == event->arg[5]);
}

static void judge_flags(struct ft_rules *rules, const struct ft_event *event)
{
    bool pagable_lost = (event->arg[3] & POWER_PAGABLE) != 0 &&
                        (event->arg[2] & (POWER_PAGABLE | POWER_INRUSH)) == 0;

    if (event->unknown != 0 || ft_arg_id(event, 1) == 0) {
        return;
    }
    if ((event->arg[2] & INITIALIZING) != 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_ADD_ATTACH_ORDER, event, event->arg[0]);
    }
    if (pagable_lost || (event->arg[2] & (BUFFERED | DIRECT)) == (BUFFERED | DIRECT) ||
        !is_filter_copy(event)) {
        ft_rule_fire(rules, FT_J_IO_PNP_ADD_FLAGS_COPIED, event, event->arg[0]);
    }
}

/* ---- START_DEVICE ---- */

static void judge_touch(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);
    uint64_t object = ft_handle(FT_HC_DEVICE, root->id, 0);

    if (!ft_by_driver(event)) {
        return;
    }
    if (root->start_irp != 0 || ft_frame_in(rules, event, FT_ROUTINE_ADD_DEVICE) != NULL) {
        ft_rule_fire(rules, FT_J_IO_PNP_START_LOWER_FIRST, event, object);
    } else if ((root->more & FT_HW_WAS_UNSTARTED) != 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_QUERYREMOVE_RECORD_STATE, event, object);
    }
}

static bool is_connected(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_INTERRUPTS; i++) {
        if (rules->interrupt[i].id != 0 &&
            ft_rs_same_device(rules, rules->interrupt[i].device, device)) {
            return true;
        }
    }
    return false;
}

/* A second START that the drivers below refuse leaves a device of the framework as it was; the
 * framework gives everything back at the removal that follows. */
static bool stays_started(const struct ft_rs_device *root, const struct ft_event *event)
{
    return (root->flags & FT_DEVICE_FRAMEWORK) != 0 && ft_known(event, 3) &&
           event->arg[3] == FT_PNP_STARTED;
}

static void judge_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    const struct ft_rs_device *root = ft_rs_root(rules, id);
    const unsigned restart = FT_HW_STARTED_ONCE | FT_HW_HAD_INTERRUPT;

    if (event->arg[1] != FT_PNP_MINOR_START || !ft_known(event, 1) || !ft_known(event, 2)) {
        return;
    }
    if (!ft_nt_success((uint32_t)event->arg[2])) {
        if (is_connected(rules, id) && !stays_started(root, event)) {
            ft_rule_fire(rules, FT_J_IO_PNP_START_FAIL_CLEAN, event, event->arg[0]);
        }
    } else if ((root->more & restart) == restart && !is_connected(rules, id)) {
        ft_rule_fire(rules, FT_J_IO_PNP_START_REENTRANT, event, event->arg[0]);
    }
}

void ft_start_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DEVICE_FLAGS:
        judge_flags(rules, event);
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
    case FT_EV_ISR_CONNECT:
        judge_touch(rules, event);
        break;
    case FT_EV_PNP_DONE:
        judge_done(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

static void note_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_device *root = ft_rs_root(rules, id);
    unsigned first = 0;

    root->start_irp = 0;
    root->more = (uint16_t)(root->more & ~FT_HW_MOVING);
    if (ft_known(event, 3)) {
        root->pnp = (uint8_t)event->arg[3];
    }
    if (event->arg[1] == FT_PNP_MINOR_CANCEL_REMOVE && root->pnp == FT_PNP_NOT_STARTED) {
        root->more |= FT_HW_WAS_UNSTARTED;
    }
    if (event->arg[1] == FT_PNP_MINOR_START && ft_nt_success((uint32_t)event->arg[2])) {
        first = (root->more & FT_HW_STARTED_ONCE) == 0 && is_connected(rules, id)
                    ? FT_HW_HAD_INTERRUPT
                    : 0;
        root->more = (uint16_t)(root->more | FT_HW_STARTED_ONCE | first);
    }
}

/* The state changes somewhere between the driver's first sight of the request and its end. */
static void note_dispatch(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root = ft_rs_root(rules, event->device);
    unsigned minor = event->arg[2] & 0xFF;

    if (event->arg[0] != FT_ROUTINE_DISPATCH || event->arg[2] >> 8 != FT_MAJOR_PNP ||
        minor > FT_PNP_MINOR_CANCEL_STOP) {
        if (event->arg[2] >> 8 != FT_MAJOR_PNP || minor != FT_PNP_MINOR_SURPRISE_REMOVAL) {
            return;
        }
    }
    root->more |= FT_HW_MOVING;
    if (minor == FT_PNP_MINOR_START) {
        /* A device that runs is still there when it is started with other resources. */
        root->start_irp = root->pnp != FT_PNP_STARTED ? (uint16_t)ft_arg_id(event, 1) : 0;
        root->more = (uint16_t)(root->more & ~FT_HW_WAS_UNSTARTED);
    }
}

/* The drivers below have done their part. One that failed leaves the hardware out of bounds. */
static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (ft_known(event, 1) && !ft_nt_success((uint32_t)event->arg[1])) {
        return;
    }
    for (unsigned i = 0; irp != NULL && !ft_by_driver(event) && i < FT_RS_DEVICES; i++) {
        struct ft_rs_device *device = &rules->device[i];

        if (device->start_irp != 0 && device->start_irp == irp->id) {
            device->start_irp = 0;
            device->pnp = 0;
        }
    }
}

void ft_start_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_PNP_DONE:
        note_done(rules, event);
        break;
    case FT_EV_CALL_ENTER:
        note_dispatch(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        note_complete(rules, event);
        break;
    default:
        break;
    }
}
