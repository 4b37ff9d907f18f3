/* The driver below as a world choice: ops lower-fails and lower-pends (wdm-io sheet, sections 6.1
 * and 7.1).
 *
 * Some requests a bus driver cannot fail: what undoes a query, what takes the device away, and a
 * SET_POWER other than to D0 of a device that does not wake up. It can pend any but a removal, and
 * those of handles. A pended request is served later, so a START gives the device its resources
 * then, and a SET_POWER its power; it is completed by a thread of the system's, as a request is
 * that waited for a bus or for the firmware.
 */
#include "io/io_private.h"

enum { HOW_AT_DISPATCH = 1, HOW_WHEN_QUIET = 2 };

enum kind { KIND_ANY, KIND_PNP, KIND_POWER, KIND_OTHER };

static const NTSTATUS statuses[] = {
    STATUS_UNSUCCESSFUL,   STATUS_INSUFFICIENT_RESOURCES,
    STATUS_NO_SUCH_DEVICE, STATUS_DEVICE_NOT_READY,
    STATUS_IO_TIMEOUT,     STATUS_DEVICE_BUSY,
    STATUS_NOT_SUPPORTED,  STATUS_DEVICE_POWER_FAILURE,
};

/* ---- which requests ---- */

static bool is_of_kind(const IO_STACK_LOCATION *location, unsigned kind)
{
    bool pnp = location->MajorFunction == IRP_MJ_PNP;
    bool power = location->MajorFunction == IRP_MJ_POWER;

    return kind == KIND_ANY || (kind == KIND_PNP && pnp) || (kind == KIND_POWER && power) ||
           (kind == KIND_OTHER && !pnp && !power);
}

static bool is_of_handle(const IO_STACK_LOCATION *location)
{
    return location->MajorFunction == IRP_MJ_CREATE || location->MajorFunction == IRP_MJ_CLEANUP ||
           location->MajorFunction == IRP_MJ_CLOSE;
}

/* A list that a driver above has put into the request stays whole. */
static bool pnp_may_fail(const IRP *irp, const IO_STACK_LOCATION *location)
{
    switch (location->MinorFunction) {
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_REMOVE_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_DEVICE_ENUMERATED:
        return false;
    case IRP_MN_DEVICE_USAGE_NOTIFICATION:
        return location->Parameters.UsageNotification.InPath != FALSE;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        return irp->IoStatus.Information == 0;
    default:
        return true;
    }
}

static bool power_may_fail(const IO_STACK_LOCATION *location)
{
    return location->MinorFunction != IRP_MN_SET_POWER ||
           (location->Parameters.Power.Type == DevicePowerState &&
            location->Parameters.Power.State.DeviceState == PowerDeviceD0 &&
            FT_DEV->power != FT_D0);
}

static bool may_fail(const IRP *irp, const IO_STACK_LOCATION *location)
{
    if (location->MajorFunction == IRP_MJ_PNP)
        return pnp_may_fail(irp, location);
    if (location->MajorFunction == IRP_MJ_POWER)
        return power_may_fail(location);
    return !is_of_handle(location);
}

/* The bus driver holds a WAIT_WAKE anyhow. */
static bool may_pend(const IO_STACK_LOCATION *location)
{
    if (location->MajorFunction == IRP_MJ_PNP)
        return location->MinorFunction != IRP_MN_REMOVE_DEVICE &&
               location->MinorFunction != IRP_MN_SURPRISE_REMOVAL;
    if (location->MajorFunction == IRP_MJ_POWER)
        return location->MinorFunction != IRP_MN_WAIT_WAKE;
    return !is_of_handle(location);
}

static void announce(enum ft_event_kind kind, PIRP irp, uint64_t value)
{
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);
    uint64_t arg[] = {ft_irp_handle(irp), value,
                      (uint64_t)location->MajorFunction << 8 | location->MinorFunction};

    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), kind, 3, arg);
}

bool ft_lower_fails(PIRP irp, NTSTATUS *ret)
{
    struct ft_lower *lower = &FT_DEV->lower;
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);

    if (!lower->fail_armed || !is_of_kind(location, lower->fail_kind) || !may_fail(irp, location))
        return false;
    lower->fail_armed = 0;
    *ret = statuses[lower->fail_status];
    announce(FT_EV_CHOICE_LOWER_FAILS, irp, (uint32_t)*ret);
    return true;
}

/* ---- pending ---- */

static void serve(void *place_)
{
    struct ft_lower_pended *place = place_;
    PIRP irp = place->irp;
    bool at_dispatch = (place->how & HOW_AT_DISPATCH) != 0;
    NTSTATUS status;

    *place = (struct ft_lower_pended){0};
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    ft_layer_set(FT_LAYER_SYSTEM);
    status = ft_bus_serve(irp);
    if (at_dispatch)
        ft_irql_set(DISPATCH_LEVEL);
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    ft_irql_set(PASSIVE_LEVEL);
}

static void serve_in_task(struct ft_lower_pended *place)
{
    place->waits = 0;
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, serve, place, ft_block_label(place->irp)));
}

static struct ft_lower_pended *free_place(void)
{
    for (unsigned i = 0; i < FT_LOWER_PENDED_MAX; i++)
        if (!FT_DEV->lower.pended[i].irp)
            return &FT_DEV->lower.pended[i];
    return NULL;
}

bool ft_lower_pends(PIRP irp)
{
    struct ft_lower *lower = &FT_DEV->lower;
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(irp);
    struct ft_lower_pended *place = free_place();

    if (!lower->pend_armed || !place || !is_of_kind(location, lower->pend_kind) ||
        !may_pend(location))
        return false;
    lower->pend_armed = 0;
    *place = (struct ft_lower_pended){.irp = irp, .how = lower->pend_how};
    announce(FT_EV_CHOICE_LOWER_PENDS, irp, place->how);
    IoMarkIrpPending(irp);
    place->waits = 1;
    if (!(place->how & HOW_WHEN_QUIET))
        serve_in_task(place);
    return true;
}

static bool release_held(void)
{
    bool any = false;

    for (unsigned i = 0; i < FT_LOWER_PENDED_MAX; i++)
        if (FT_DEV->lower.pended[i].irp && FT_DEV->lower.pended[i].waits) {
            serve_in_task(&FT_DEV->lower.pended[i]);
            any = true;
        }
    return any;
}

bool ft_lower_release_held(void)
{
    bool any = false;

    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        any = release_held() || any;
        ft_focus_back(was);
    }
    return any;
}

/* ---- ops ---- */

bool ft_lower_op(const struct ft_op *op)
{
    struct ft_lower *lower = &FT_DEV->lower;

    if (op->kind == FT_OP_LOWER_FAILS) {
        lower->fail_armed = 1;
        lower->fail_status = (uint8_t)op->arg[0];
        lower->fail_kind = (uint8_t)op->arg[1];
    } else {
        lower->pend_armed = 1;
        lower->pend_how = (uint8_t)op->arg[0];
        lower->pend_kind = (uint8_t)op->arg[1];
    }
    return true;
}

void ft_lower_honest(void)
{
    FT_DEV->lower.fail_armed = 0;
    FT_DEV->lower.pend_armed = 0;
}
