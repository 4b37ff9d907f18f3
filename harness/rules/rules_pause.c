/* Devices that are stopped, asleep, or about to be removed: which requests are held, which go on.
 */
#include "rules/rules_io.h"

#define NT_DEVICE_NOT_READY     0xC00000A3u
#define NT_DEVICE_NOT_CONNECTED 0xC000009Du
#define NT_NO_SUCH_DEVICE       0xC000000Eu
#define NT_DEVICE_REMOVED       0xC00002B6u
#define NT_DOES_NOT_EXIST       0xC00000C0u
#define NT_INVALID_STATE        0xC0000184u
#define NT_POWER_FAILURE        0xC000009Eu
#define NT_POWER_INVALID        0xC00002D3u
#define NT_POWERED_OFF          0x8000000Fu
#define NT_OFF_LINE             0x80000010u

static uint64_t handle_of(const struct ft_rs_device *device)
{
    return ft_handle(FT_HC_DEVICE, device->id, 0);
}

static bool is_settled(const struct ft_rs_device *root)
{
    return (root->more & FT_HW_MOVING) == 0;
}

/* The framework answers a query-stop at once, and holds its queues when the STOP takes the device
 * out of D0 (kmdf.md, section 4). */
static bool stops_late(const struct ft_rs_device *root)
{
    return (root->flags & FT_DEVICE_FRAMEWORK) != 0;
}

static bool is_stopped(const struct ft_rs_device *root)
{
    return root->pnp == FT_PNP_STOPPED || (root->pnp == FT_PNP_STOP_PENDING && !stops_late(root));
}

/* ---- work that starts too early ---- */

static void judge_work(struct ft_rules *rules, const struct ft_event *event,
                       const struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root;

    if (!ft_by_driver(event) || irp == NULL || ft_irp_is_over(irp)) {
        return;
    }
    root = ft_rs_root(rules, irp->device);
    if ((irp->more & FT_MORE_ASLEEP) != 0 && root->power > FT_POWER_D0) {
        ft_rule_fire(rules, FT_J_IO_PWR_QUEUE_IO_ASLEEP, event, ft_irp_handle_of(irp));
    }
    if ((irp->more & FT_MORE_STOPPED) == 0) {
        return;
    }
    if (is_settled(root) && is_stopped(root)) {
        ft_rule_fire(rules, FT_J_IO_PNP_QUERYSTOP_HOLD, event, ft_irp_handle_of(irp));
    } else if (root->pnp == FT_PNP_STOP_PENDING) {
        const struct ft_rs_irp *cancel =
            ft_irp_in_driver(rules, FT_MAJOR_PNP, FT_PNP_MINOR_CANCEL_STOP);

        if (cancel != NULL && (cancel->flags & FT_IRP_LOWER) == 0) {
            ft_rule_fire(rules, FT_J_IO_PNP_CANCELSTOP_RESUME, event, ft_irp_handle_of(irp));
        }
    }
}

static void judge_registers(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_device *root = ft_rs_root(rules, event->device);

    if (ft_by_driver(event) && is_settled(root) && root->pnp == FT_PNP_STOPPED) {
        ft_rule_fire(rules, FT_J_IO_PNP_STOP_NO_IO, event, handle_of(root));
    }
}

/* ---- stop ---- */

static bool is_transferring(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < rules->mapping_end; i++) {
        const struct ft_rs_mapping *mapping = &rules->mapping[i];
        const struct ft_rs_adapter *adapter;

        if (!ft_mapping_is_due(mapping) || !ft_mapping_is_active(rules, mapping)) {
            continue;
        }
        adapter = ft_rs_adapter_find(rules, mapping->adapter);
        if (adapter != NULL && ft_rs_same_device(rules, adapter->device, device)) {
            return true;
        }
    }
    return false;
}

static bool has_channel(struct ft_rules *rules, uint32_t device)
{
    for (unsigned i = 0; i < FT_RS_GRANTS; i++) {
        const struct ft_rs_adapter *adapter;

        if (!ft_grant_is_held(&rules->grant[i])) {
            continue;
        }
        adapter = ft_rs_adapter_find(rules, rules->grant[i].adapter);
        if (adapter != NULL && ft_rs_same_device(rules, adapter->device, device)) {
            return true;
        }
    }
    return false;
}

static void judge_done(struct ft_rules *rules, const struct ft_event *event)
{
    uint32_t id = ft_arg_id(event, 0);
    const struct ft_rs_device *root = ft_rs_root(rules, id);

    if (!ft_known(event, 1) || !ft_known(event, 2) || !ft_nt_success((uint32_t)event->arg[2])) {
        return;
    }
    if (event->arg[1] == FT_PNP_MINOR_QUERY_STOP) {
        if (root->usage != 0) {
            ft_rule_fire(rules, FT_J_IO_PNP_QUERYSTOP_FAIL_SPECIAL, event, event->arg[0]);
        }
        if (is_transferring(rules, id) && !stops_late(root)) {
            ft_rule_fire(rules, FT_J_IO_PNP_QUERYSTOP_DRAIN, event, event->arg[0]);
        }
    } else if (event->arg[1] == FT_PNP_MINOR_STOP &&
               (root->windows != 0 || has_channel(rules, id))) {
        ft_rule_fire(rules, FT_J_IO_PNP_STOP_RELEASES, event, event->arg[0]);
    }
}

/* ---- requests ---- */

static bool says_removed(uint32_t status)
{
    return status == FT_NT_DELETE_PENDING || status == NT_DEVICE_NOT_CONNECTED ||
           status == NT_NO_SUCH_DEVICE || status == NT_DEVICE_REMOVED ||
           status == NT_DOES_NOT_EXIST || status == NT_INVALID_STATE ||
           status == NT_DEVICE_NOT_READY;
}

static bool says_asleep(uint32_t status)
{
    return status == NT_DEVICE_NOT_READY || status == NT_POWER_FAILURE ||
           status == NT_POWER_INVALID || status == NT_POWERED_OFF || status == NT_OFF_LINE;
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root = ft_rs_root(rules, irp->device);
    uint32_t status = (uint32_t)event->arg[1];
    bool leaving = (irp->more & FT_MORE_LEAVING) != 0 && is_settled(root) &&
                   root->pnp == FT_PNP_REMOVE_PENDING;

    if (!ft_known(event, 1) || (irp->flags & (FT_IRP_LOWER | FT_IRP_CANCELLED)) != 0) {
        return;
    }
    if (leaving && ft_major_is_io(irp->major) && says_removed(status) &&
        (root->flags & FT_DEVICE_YANKED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_QUERYREMOVE_IO_CONTINUES, event, ft_irp_handle_of(irp));
    }
    if (leaving && irp->major == FT_MAJOR_CREATE && ft_nt_success(status)) {
        ft_rule_fire(rules, FT_J_IO_PNP_QUERYREMOVE_CREATE_FAILS, event, ft_irp_handle_of(irp));
    }
    if ((irp->more & FT_MORE_ASLEEP) != 0 && root->power > FT_POWER_D0 && says_asleep(status) &&
        (irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE) &&
        (root->flags & (FT_DEVICE_YANKED | FT_DEVICE_REMOVAL_SENT)) == 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_QUEUE_IO_ASLEEP, event, ft_irp_handle_of(irp));
    }
}

/* Somebody gives up a request that was held: it must have a cancel routine, or had one until the
 * driver took it out of its queue to end it; and once the device is back, it must not be held any
 * more. Requests of a kind that the device never served may wait for data that does not come. */
static void judge_cancel(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root = ft_rs_root(rules, irp->device);

    if (ft_by_driver(event) || !ft_irp_is_owned(irp) || !ft_major_is_io(irp->major) ||
        (irp->flags & (FT_IRP_IN_DISPATCH | FT_IRP_FORWARDED)) != 0) {
        return;
    }
    if ((irp->more & (FT_MORE_STOPPED | FT_MORE_TAKEN)) == FT_MORE_STOPPED && is_settled(root) &&
        is_stopped(root) && event->arg[1] == 0 && (irp->flags & FT_IRP_CANCELLED) == 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_HELD_IRPS_CANCELLABLE, event, ft_irp_handle_of(irp));
    }
    if (!ft_is_drained(rules, irp) || (rules->served & 1u << (irp->major & 31)) == 0) {
        return;
    }
    if ((irp->more & FT_MORE_STOPPED) != 0) {
        ft_rule_fire(rules, FT_J_IO_PNP_CANCELSTOP_RESUME, event, ft_irp_handle_of(irp));
    } else if ((irp->more & FT_MORE_ASLEEP) != 0) {
        ft_rule_fire(rules, FT_J_IO_PWR_RESUME_QUEUE, event, ft_irp_handle_of(irp));
    }
}

/* A queue that is not served takes a request that would make it served again. */
static void judge_held(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    const struct ft_rs_device *root = irp != NULL ? ft_rs_root(rules, irp->device) : NULL;

    if (ft_by_driver(event) && irp != NULL &&
        (irp->major == FT_MAJOR_PNP || irp->major == FT_MAJOR_POWER) &&
        (is_stopped(root) || root->power > FT_POWER_D0)) {
        ft_rule_fire(rules, FT_J_IO_PNP_HOLD_NOT_PNP_POWER, event, ft_irp_handle_of(irp));
    }
}

void ft_pause_judge(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = event->kind >> 8 == 0x04 ? ft_arg_irp(rules, event, 0) : NULL;

    switch (event->kind) {
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
    case FT_EV_SG_GET:
    case FT_EV_SG_GET_EX:
        judge_work(rules, event, ft_asked_for(rules, event));
        break;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
        judge_registers(rules, event);
        break;
    case FT_EV_PNP_DONE:
        judge_done(rules, event);
        break;
    case FT_EV_IRP_COMPLETE:
        if (irp != NULL && ft_by_driver(event) && event->arg[6] == 0) {
            judge_complete(rules, event, irp);
        }
        break;
    case FT_EV_IRP_CANCEL:
        if (irp != NULL) {
            judge_cancel(rules, event, irp);
        }
        break;
    case FT_EV_START_PACKET:
    case FT_EV_QUEUE_INSERT:
        if (event->arg[2] != 0) {
            judge_held(rules, event);
        }
        break;
    case FT_EV_CSQ_INSERT:
        judge_held(rules, event);
        break;
    default:
        break;
    }
}

/* ---- what to remember ---- */

/* In which state a request found the device. */
static void note_dispatch(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);
    const struct ft_rs_device *root;

    if (irp == NULL) {
        return;
    }
    root = ft_rs_root(rules, irp->device);
    irp->more |= (root->flags & FT_DEVICE_GONE) != 0 ? FT_MORE_TOO_LATE : 0;
    if (!is_settled(root)) {
        return;
    }
    irp->more |= is_stopped(root) ? FT_MORE_STOPPED : 0;
    irp->more |= root->pnp == FT_PNP_REMOVE_PENDING ? FT_MORE_LEAVING : 0;
    irp->more |=
        root->power > FT_POWER_D0 && (root->more & FT_HW_POWER_DOWN) == 0 && root->up_irp == 0
            ? FT_MORE_ASLEEP
            : 0;
}

/* The driver took a held request up again. */
static void note_resumed(struct ft_rules *rules, struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root;

    if (irp == NULL || (irp->flags & FT_IRP_IN_DISPATCH) != 0) {
        return;
    }
    root = ft_rs_root(rules, irp->device);
    if (!is_stopped(root) && root->power <= FT_POWER_D0) {
        irp->more &= ~(uint32_t)(FT_MORE_STOPPED | FT_MORE_ASLEEP);
    }
}

static void note_cancel_routine(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp == NULL || !ft_known(event, 1) || !ft_known(event, 2)) {
        return;
    }
    if (event->arg[1] != 0) {
        irp->more &= ~(uint32_t)FT_MORE_TAKEN;
    } else if (event->arg[2] != 0) {
        irp->more |= FT_MORE_TAKEN;
    }
}

/* A driver that passes usage notifications down keeps no such file, even if it sets a completion
 * routine as filters do; one that takes the IRP back from the drivers below counts. */
static void note_usage_taken(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 1);

    if (irp != NULL && ft_by_driver(event) && ft_irp_is(irp, FT_MAJOR_PNP, FT_PNP_MINOR_USAGE) &&
        ft_known(event, 3) && (uint32_t)event->arg[3] == FT_NT_MORE_PROCESSING) {
        ft_rs_root(rules, irp->device)->more |= FT_HW_COUNTS_USAGE;
    }
}

static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_arg_irp(rules, event, 0);

    if (irp != NULL && ft_by_driver(event) && (irp->flags & FT_IRP_CANCELLED) == 0 &&
        ft_known(event, 1) && ft_nt_success((uint32_t)event->arg[1])) {
        rules->served |= 1u << (irp->major & 31);
    }
}

void ft_pause_note(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_device *root;

    switch (event->kind) {
    case FT_EV_CALL_ENTER:
        if (event->arg[0] == FT_ROUTINE_DISPATCH && event->arg[2] >> 8 != FT_MAJOR_PNP &&
            event->arg[2] >> 8 != FT_MAJOR_POWER) {
            note_dispatch(rules, event);
        }
        break;
    case FT_EV_IRP_COMPLETE:
        note_complete(rules, event);
        break;
    case FT_EV_IRP_SET_CANCEL:
        note_resumed(rules, ft_arg_irp(rules, event, 0));
        note_cancel_routine(rules, event);
        break;
    case FT_EV_START_NEXT:
    case FT_EV_CSQ_REMOVE:
    case FT_EV_QUEUE_REMOVE:
        note_resumed(rules, ft_arg_irp(rules, event, 1));
        break;
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
    case FT_EV_SG_GET:
    case FT_EV_SG_GET_EX:
        note_resumed(rules, ft_asked_for(rules, event));
        break;
    case FT_EV_CALL_LEAVE:
        if (event->arg[0] == FT_ROUTINE_COMPLETION) {
            note_usage_taken(rules, event);
        }
        break;
    case FT_EV_USAGE:
        root = ft_rs_root(rules, ft_arg_id(event, 0));
        if (event->unknown == 0 && ft_nt_success((uint32_t)event->arg[3]) &&
            (root->more & FT_HW_COUNTS_USAGE) != 0) {
            root->usage += event->arg[2] != 0 && root->usage < UINT8_MAX;
            root->usage -= event->arg[2] == 0 && root->usage > 0;
        }
        break;
    case FT_EV_MAP_IO:
        root = ft_rs_root(rules, event->device);
        root->windows += ft_by_driver(event) && event->arg[2] != 0 && root->windows < UINT8_MAX;
        break;
    case FT_EV_UNMAP_IO:
        root = ft_rs_root(rules, event->device);
        root->windows -= ft_by_driver(event) && root->windows > 0;
        break;
    default:
        break;
    }
}
