/* Devices, PnP, power, registers, interrupts, DPCs and timers.
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

/* A device is deleted, or the driver is gone: nothing of it may be pending. `device` 0: of any
 * device, or of the driver itself. */
static void judge_pending(struct ft_rules *rules, const struct ft_event *event, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        const struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id == 0 || (device != 0 && ((dpc->flags & FT_DPC_OF_DRIVER) != 0 ||
                                             !ft_rs_same_device(rules, dpc->device, device)))) {
            continue;
        }
        if ((dpc->flags & FT_DPC_MISSED) != 0) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCEL_FALSE_HANDLED, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        }
        if ((dpc->flags & FT_DPC_OF_TIMER) != 0) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCELLED_BEFORE_FREE, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        } else {
            ft_rule_fire(rules, FT_J_IO_DPC_DRAINED_BEFORE_FREE, event,
                         ft_handle(FT_HC_DPC, dpc->id, 0));
        }
    }
    for (unsigned i = 0; i < FT_RS_TIMERS; i++) {
        const struct ft_rs_timer *timer = &rules->timer[i];

        if ((timer->flags & FT_TIMER_PENDING) != 0 &&
            (device == 0 || ((timer->flags & FT_TIMER_OF_DRIVER) == 0 &&
                             ft_rs_same_device(rules, timer->device, device)))) {
            ft_rule_fire(rules, FT_J_IO_TIMER_CANCELLED_BEFORE_FREE, event,
                         ft_handle(FT_HC_TIMER, timer->id, 0));
        }
    }
}

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
            judge_pending(rules, event, id);
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

/* ---- DPCs and timers ---- */

/* The entry of a DPC that is queued (flag FT_DPC_QUEUED) or that a task runs (FT_DPC_RUNNING). */
static struct ft_rs_dpc *dpc_entry(struct ft_rules *rules, uint32_t id, uint8_t flag, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id == id && (dpc->flags & flag) != 0 &&
            (flag == FT_DPC_QUEUED || dpc->task == task)) {
            return dpc;
        }
    }
    return NULL;
}

static struct ft_rs_dpc *add_dpc(struct ft_rules *rules, const struct ft_event *event, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        if (rules->dpc[i].id == 0) {
            rules->dpc[i] =
                (struct ft_rs_dpc){.id = id, .device = event->device, .flags = FT_DPC_QUEUED};
            return &rules->dpc[i];
        }
    }
    ft_rules_overflow(rules, FT_RS_TABLE_DPC);
    return NULL;
}

void ft_on_dpc_insert(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] != 0 && ft_arg_id(event, 0) != 0) {
        struct ft_rs_dpc *dpc = add_dpc(rules, event, ft_arg_id(event, 0));

        if (dpc != NULL && ft_handle_class(event->arg[2]) == FT_HC_IRP) {
            dpc->irp = ft_arg_id(event, 2);
        }
    }
}

void ft_on_dpc_remove(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_dpc *dpc = dpc_entry(rules, ft_arg_id(event, 0), FT_DPC_QUEUED, 0);

    if (dpc != NULL && event->arg[1] != 0) {
        memset(dpc, 0, sizeof(*dpc));
    }
}

static struct ft_rs_timer *timer_slot(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_TIMERS; i++) {
        if (rules->timer[i].id == id) {
            return &rules->timer[i];
        }
    }
    return NULL;
}

static bool driver_has_device(const struct ft_rules *rules)
{
    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id != 0 &&
            (device->flags & (FT_DEVICE_BY_DRIVER | FT_DEVICE_DELETED)) == FT_DEVICE_BY_DRIVER) {
            return true;
        }
    }
    return false;
}

static void set_timer(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_timer *timer = timer_slot(rules, ft_arg_id(event, 0));

    if (timer == NULL) {
        timer = timer_slot(rules, 0);
    }
    if (timer == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_TIMER);
        return;
    }
    if (timer->id == 0 && !driver_has_device(rules)) {
        timer->flags |= FT_TIMER_OF_DRIVER;
    }
    timer->flags |= FT_TIMER_PENDING;
    timer->id = ft_arg_id(event, 0);
    timer->dpc = ft_arg_id(event, 3);
    timer->device = event->device;
    timer->periodic = event->arg[2] != 0;
}

/* A timer does not run any more. */
static void stop_timer(struct ft_rs_timer *timer)
{
    if ((timer->flags & FT_TIMER_OF_DRIVER) != 0) {
        timer->flags &= (uint8_t)~FT_TIMER_PENDING;
    } else {
        memset(timer, 0, sizeof(*timer));
    }
}

/* A timer that comes due queues its DPC, unless that is queued already. */
static void expire_timer(struct ft_rules *rules, const struct ft_event *event,
                         struct ft_rs_timer *timer)
{
    struct ft_rs_dpc *dpc = NULL;

    if (timer->dpc != 0 && dpc_entry(rules, timer->dpc, FT_DPC_QUEUED, 0) == NULL) {
        dpc = add_dpc(rules, event, timer->dpc);
    }
    if (dpc != NULL) {
        dpc->flags |= FT_DPC_OF_TIMER;
        dpc->flags |= (timer->flags & FT_TIMER_OF_DRIVER) != 0 ? FT_DPC_OF_DRIVER : 0;
        dpc->device = timer->device;
        dpc->timer = timer->id;
    }
    if (!timer->periodic) {
        stop_timer(timer);
    }
}

/* The timers of the I/O manager (IoStartTimer) are its own to drain. */
void ft_on_timer(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    struct ft_rs_timer *timer = id != 0 ? timer_slot(rules, id) : NULL;

    if (event->kind == FT_EV_TIMER_SET) {
        if (id != 0 && event->layer != FT_LAYER_SYSTEM) {
            set_timer(rules, event);
        }
    } else if (timer != NULL && event->kind == FT_EV_TIMER_CANCEL) {
        stop_timer(timer);
    } else if (timer != NULL) {
        expire_timer(rules, event, timer);
    }
}

static bool is_dpc_routine(uint64_t routine)
{
    return routine == FT_ROUTINE_DPC || routine == FT_ROUTINE_TIMER_DPC;
}

/* A DPC leaves the queue before its routine runs, and may be queued again while it runs. */
void ft_pnp_at_enter(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 1);
    struct ft_rs_dpc *dpc;

    if (!is_dpc_routine(event->arg[0]) || ft_handle_class(event->arg[1]) != FT_HC_DPC) {
        return;
    }
    dpc = dpc_entry(rules, id, FT_DPC_QUEUED, 0);
    if (dpc == NULL) {
        dpc = add_dpc(rules, event, id);
    }
    if (dpc != NULL) {
        dpc->flags = (uint8_t)((dpc->flags & (FT_DPC_OF_TIMER | FT_DPC_OF_DRIVER | FT_DPC_MISSED)) |
                               FT_DPC_RUNNING);
        dpc->task = event->task;
    }
}

void ft_pnp_at_leave(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_dpc *dpc;

    if (!is_dpc_routine(event->arg[0]) || ft_handle_class(event->arg[1]) != FT_HC_DPC) {
        return;
    }
    dpc = dpc_entry(rules, ft_arg_id(event, 1), FT_DPC_RUNNING, event->task);
    if (dpc != NULL) {
        memset(dpc, 0, sizeof(*dpc));
    }
}

/* ---- the end ---- */

void ft_on_driver_unloaded(struct ft_rules *rules, const struct ft_event *event)
{
    judge_pending(rules, event, 0);
    judge_connected(rules, event, 0);
}

void ft_pnp_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[0] != 0) {
        judge_pending(rules, event, 0);
    }
    judge_connected(rules, event, 0);
}
