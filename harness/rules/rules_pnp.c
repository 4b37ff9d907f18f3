/* Devices, PnP, power, registers and interrupts.
 *
 * State of the hardware (power, presence, honesty) stands in the slot at the bottom of a device
 * stack, whichever device object of the stack an event names.
 */
#include "rules/rules_private.h"

#include <string.h>

static uint64_t device_handle(const struct ft_rs_device *device)
{
    return ft_handle(FT_HC_DEVICE, device->id, 0);
}

/* ---- device objects ---- */

static void judge_connected(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_INTERRUPTS; i++) {
        const struct ft_rs_interrupt *interrupt = &rules->interrupt[i];

        if (interrupt->id != 0 &&
            (device == 0 || ft_rs_same_device(rules, interrupt->device, device))) {
            ft_rule_fire(rules, FT_J_IO_ISR_DISCONNECT_BALANCE, event,
                         ft_handle(FT_HC_INTERRUPT, interrupt->id, 0));
        }
    }
}

static void on_attach(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *device = ft_rs_device(rules, ft_arg_id(event, 0)), *root;

    device->below = (uint16_t)ft_arg_id(event, 1);
    device->flags |= FT_DEVICE_ATTACHED;
    root = ft_rs_root(rules, device->id);
    if (ft_by_driver(event)) {
        rules->driver_devices++;
    }
    /* A new driver on the stack starts afresh. */
    root->flags &= (uint16_t) ~(FT_DEVICE_REMOVED | FT_DEVICE_GONE | FT_DEVICE_REMOVAL_SENT |
                                FT_DEVICE_FRAMEWORK);
    if (event->layer == FT_LAYER_FRAMEWORK) {
        root->flags |= FT_DEVICE_FRAMEWORK;
    }
}

/* IoDetachDevice names the device below. */
static void on_detach(struct ft_rules *rules, uint32_t below)
{
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        if (rules->device[i].id != 0 && rules->device[i].below == below) {
            rules->device[i].flags |= FT_DEVICE_DETACHED;
        }
    }
}

void ft_on_device(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);

    if (id == 0) {
        return;
    }
    switch (event->kind) {
    case FT_EV_DEVICE_CREATE:
        if (ft_by_driver(event)) {
            ft_rs_device(rules, id)->flags |= FT_DEVICE_BY_DRIVER;
        }
        break;
    case FT_EV_DEVICE_ATTACH:
        on_attach(rules, event);
        break;
    case FT_EV_DEVICE_DETACH:
        on_detach(rules, id);
        break;
    default:
        if (ft_by_driver(event) && (ft_rs_device(rules, id)->flags & FT_DEVICE_ATTACHED) != 0) {
            ft_judge_dpcs_pending(rules, event, id);
            judge_connected(rules, event, id);
        }
        if (ft_by_driver(event) && rules->driver_devices > 0 &&
            (ft_rs_device(rules, id)->flags & (FT_DEVICE_ATTACHED | FT_DEVICE_DELETED)) ==
                FT_DEVICE_ATTACHED) {
            rules->driver_devices--;
        }
        ft_rs_device(rules, id)->flags |= FT_DEVICE_DELETED;
        break;
    }
}

/* ---- PnP ---- */

static bool is_removal(uint64_t minor)
{
    return minor == FT_PNP_MINOR_REMOVE || minor == FT_PNP_MINOR_SURPRISE_REMOVAL;
}

void ft_on_pnp_send(struct ft_rules *rules, const struct ft_event *event)
{
    if (is_removal(event->arg[2])) {
        ft_rs_root(rules, ft_arg_id(event, 0))->flags |= FT_DEVICE_REMOVAL_SENT;
    }
}

static void judge_detach_delete(struct ft_rules *rules, const struct ft_event *event, uint32_t id)
{
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id == 0 || (device->flags & FT_DEVICE_BY_DRIVER) == 0 || device->below == 0 ||
            !ft_rs_same_device(rules, device->id, id)) {
            continue;
        }
        if ((device->flags & FT_DEVICE_DETACHED) == 0 || (device->flags & FT_DEVICE_DELETED) == 0) {
            ft_rule_fire(rules, FT_J_IO_PNP_REMOVE_DETACH_DELETE, event, device_handle(device));
        }
    }
}

void ft_on_pnp_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_device *root = ft_rs_root(rules, id);
    uint64_t minor = event->arg[1];

    if (!ft_known(event, 1) || !ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    if (is_removal(minor)) {
        root->flags |= FT_DEVICE_GONE;
    }
    if (minor == FT_PNP_MINOR_REMOVE) {
        judge_detach_delete(rules, event, id);
        ft_dma_at_remove(rules, event, id);
        root->flags |= FT_DEVICE_REMOVED;
    } else if (minor == FT_PNP_MINOR_STOP) {
        judge_connected(rules, event, id);
    }
}

/* A driver that fails to enter its remove lock says so, and does nothing else. */
void ft_pnp_at_complete(struct ft_rules *rules, const struct ft_event *event,
                        const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];
    uint64_t object = ft_handle(FT_HC_IRP, irp->id, 0);

    if (!ft_known(event, 1)) {
        return;
    }
    if (irp->major == FT_MAJOR_PNP && irp->minor == FT_PNP_MINOR_SURPRISE_REMOVAL &&
        (irp->flags & FT_IRP_LOWER_FAILED) == 0 &&
        (!ft_nt_success(status) || (irp->flags & FT_IRP_FORWARDED) == 0)) {
        ft_rule_fire(rules, FT_J_IO_PNP_SURPRISE_SUCCESS, event, object);
    }
    if (irp->major == FT_MAJOR_POWER && irp->minor == FT_POWER_MINOR_SET &&
        !ft_nt_success(status) && status != FT_NT_DELETE_PENDING &&
        (irp->flags & FT_IRP_LOWER_FAILED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_SET_NOT_FAILED, event, object);
    }
}

/* ---- power and registers ---- */

void ft_on_power_send(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 1));

    if (irp != NULL && event->arg[2] == FT_POWER_MINOR_SET && ft_known(event, 3)) {
        irp->power = (uint8_t)event->arg[3];
    }
}

void ft_on_power_hw(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_device *root = ft_rs_root(rules, id);
    bool was_off = root->power > FT_POWER_D0, asked = root->up_irp != 0 || root->start_irp != 0;

    root->power = (uint8_t)event->arg[1];
    root->more = (uint16_t)(root->more & ~FT_HW_WAS_OFF);
    if (root->power > FT_POWER_D0) {
        ft_engines_stop(rules, id);
    } else if (was_off && !asked) {
        root->more |= FT_HW_WAS_OFF;
    }
}

/* A device whose framework could not ask for its power-down loses its power with the machine, and
 * its driver does not hear of it. */
void ft_on_register(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    if (ft_by_driver(event) && root->power > FT_POWER_D0 && (root->more & FT_HW_UNASKED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_NO_HW_BELOW_D0, event, device_handle(root));
    }
}

/* What breaks the trust in a device. */
void ft_on_hardware(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root = ft_rs_root(rules, event->device);

    switch (event->kind) {
    case FT_EV_HW_YANK:
        root->flags |= FT_DEVICE_YANKED;
        ft_engines_stop(rules, event->device);
        break;
    case FT_EV_INT_LOST:
        root->flags |= FT_DEVICE_INT_LOST;
        break;
    case FT_EV_DEV_HOSTILE:
        root->flags |= FT_DEVICE_HOSTILE;
        break;
    default:
        root->flags |= FT_DEVICE_INT_WRONG;
        break;
    }
}

/* ---- interrupts ---- */

static struct ft_rs_interrupt *interrupt_slot(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_INTERRUPTS; i++) {
        if (rules->interrupt[i].id == id) {
            return &rules->interrupt[i];
        }
    }
    return NULL;
}

void ft_on_isr_connect(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_interrupt *slot;

    if (!ft_nt_success((uint32_t)event->arg[3]) || ft_arg_id(event, 0) == 0) {
        return;
    }
    slot = interrupt_slot(rules, 0);
    if (slot == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_INTERRUPT);
        return;
    }
    slot->id = ft_arg_id(event, 0);
    slot->device = (uint16_t)ft_arg_id(event, 1);
    if (slot->device == 0) {
        slot->device = event->device;
    }
}

void ft_on_isr_disconnect(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_interrupt *slot = id != 0 ? interrupt_slot(rules, id) : NULL;

    if (slot != NULL) {
        memset(slot, 0, sizeof(*slot));
    } else if (ft_by_driver(event) && ft_known(event, 0)) {
        ft_rule_fire(rules, FT_J_IO_ISR_DISCONNECT_BALANCE, event, event->arg[0]);
    }
}

/* ---- the end ---- */

void ft_on_driver_unloaded(struct ft_rules *rules, const struct ft_event *event)
{
    ft_judge_dpcs_pending(rules, event, 0);
    judge_connected(rules, event, 0);
}

void ft_pnp_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] != 0) {
        ft_judge_dpcs_pending(rules, event, 0);
    }
    judge_connected(rules, event, 0);
}
