/* Requests: pending, completion, status, cancellation, and the data that the requester got. */
#include "rules/rules_private.h"

static uint64_t handle_of(const struct ft_rs_irp *irp)
{
    return ft_handle(FT_HC_IRP, irp->id, 0);
}

static bool moves_data(const struct ft_rs_irp *irp)
{
    return irp->major == FT_MAJOR_READ || irp->major == FT_MAJOR_WRITE;
}

/* An IRP that is back at its requester leaves its slot to others, once no routine of the driver
 * works on it any more. */
static void retire(struct ft_rs_irp *irp)
{
    if ((irp->flags & FT_IRP_DONE) != 0 &&
        (irp->flags & (FT_IRP_IN_DISPATCH | FT_IRP_IN_CANCEL)) == 0) {
        irp->flags |= FT_RS_OVER;
    }
}

static void set_code(struct ft_rs_irp *irp, uint64_t code)
{
    irp->major = (uint8_t)(code >> 8);
    irp->minor = (uint8_t)code;
}

/* ---- birth and travel ---- */

void ft_on_irp_new(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_get(rules, ft_arg_id(event, 0));
    struct ft_rs_mdl *mdl = ft_rs_mdl_get(rules, ft_arg_id(event, 4));

    if (irp == NULL) {
        return;
    }
    set_code(irp, event->arg[1]);
    irp->length = ft_known(event, 2) ? (uint32_t)event->arg[2] : UINT32_MAX;
    irp->device = event->device;
    if (mdl != NULL) {
        mdl->irp = irp->id;
    }
}

void ft_on_irp_call(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp == NULL || !ft_by_driver(event)) {
        return;
    }
    irp->flags |= FT_IRP_FORWARDED;
    if (irp->major == FT_MAJOR_POWER && irp->minor == FT_POWER_MINOR_SET &&
        irp->power > FT_POWER_D0 && (irp->more & FT_MORE_SYSTEM) == 0) {
        ft_dma_at_power_down(rules, event, event->device != 0 ? event->device : irp->device);
    }
}

void ft_on_irp_pending(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp != NULL && ft_by_driver(event)) {
        irp->flags |= FT_IRP_MARKED;
    }
}

void ft_on_irp_cancel(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp != NULL) {
        irp->flags |= event->arg[1] ? FT_IRP_CANCELLED | FT_IRP_CANCEL_RAN : FT_IRP_CANCELLED;
    }
}

void ft_on_irp_free(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp != NULL) {
        irp->flags |= FT_IRP_DONE;
        retire(irp);
    }
}

static void count_handles(struct ft_rules *rules, const struct ft_rs_irp *irp)
{
    if ((irp->flags & FT_IRP_DISPATCHED) == 0) {
        return;
    }
    if (irp->major == FT_MAJOR_CREATE && ft_nt_success(irp->status)) {
        rules->open_handles++;
    } else if (irp->major == FT_MAJOR_CLOSE && rules->open_handles > 0) {
        rules->open_handles--;
    }
}

/* The I/O manager frees the MDLs that hang on an IRP. */
void ft_on_irp_done(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp == NULL) {
        return;
    }
    irp->status = (uint32_t)event->arg[1];
    irp->flags |= FT_IRP_DONE;
    count_handles(rules, irp);
    for (unsigned i = 0; i < rules->mdl_end; i++) {
        struct ft_rs_mdl *mdl = &rules->mdl[i];

        if (mdl->id != 0 && mdl->irp == irp->id && (mdl->flags & FT_RS_OVER) == 0 &&
            (mdl->flags & FT_MDL_BY_DRIVER) == 0) {
            mdl->flags |= FT_RS_OVER;
        }
    }
    retire(irp);
}

/* ---- driver routines ---- */

/* The IRP that a routine works on: its object, or the request of the task. */
static uint32_t irp_of(const struct ft_event *event)
{
    return ft_handle_class(event->arg[1]) == FT_HC_IRP ? ft_arg_id(event, 1) : event->request;
}

void ft_irp_at_enter(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp;

    if (event->arg[0] == FT_ROUTINE_DISPATCH) {
        irp = ft_rs_irp_get(rules, irp_of(event));
        if (irp != NULL) {
            irp->flags |= FT_IRP_DISPATCHED | FT_IRP_IN_DISPATCH;
            irp->device = event->device != 0 ? event->device : irp->device;
            set_code(irp, event->arg[2]);
        }
    } else if (event->arg[0] == FT_ROUTINE_CANCEL) {
        irp = ft_rs_irp_find(rules, irp_of(event));
        if (irp != NULL) {
            irp->flags |= FT_IRP_IN_CANCEL;
            irp->cancel_task = event->task;
        }
    }
}

/* What a dispatch routine returns. A status that a lower driver gave is that driver's:
 * IoCallDriver's result is not an event. */
static void judge_return(struct ft_rules *rules, const struct ft_event *event,
                         const struct ft_rs_irp *irp)
{
    uint32_t value = (uint32_t)event->arg[3];
    bool marked = (irp->flags & FT_IRP_MARKED) != 0;
    bool forwarded = (irp->flags & FT_IRP_FORWARDED) != 0;

    if (!ft_known(event, 3)) {
        return;
    }
    if (marked ? value != FT_NT_PENDING : value == FT_NT_PENDING && !forwarded) {
        ft_rule_fire(rules, FT_J_IO_IRP_PENDING_IFF_MARKED, event, handle_of(irp));
    } else if (!marked && (irp->flags & FT_IRP_COMPLETED) != 0 && value != irp->status) {
        ft_rule_fire(rules, FT_J_IO_IRP_RETURN_STATUS_MATCH, event, handle_of(irp));
    }
}

/* Another dispatch routine of the driver, for a device above, still has the IRP. */
static bool is_nested(const struct ft_rules *rules, const struct ft_event *event, uint32_t irp)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rules->frames; i++) {
        const struct ft_rs_frame *frame = &rules->frame[i];

        count += frame->task == event->task && frame->object == irp &&
                 frame->routine == FT_ROUTINE_DISPATCH;
    }
    return count > 1;
}

void ft_irp_at_leave(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, irp_of(event));

    if (irp == NULL) {
        return;
    }
    if (event->arg[0] == FT_ROUTINE_DISPATCH) {
        if (ft_by_driver(event)) {
            judge_return(rules, event, irp);
        }
        if (is_nested(rules, event, irp->id)) {
            return;
        }
        irp->flags = (uint16_t)(irp->flags & ~FT_IRP_IN_DISPATCH);
        retire(irp);
    } else if (event->arg[0] == FT_ROUTINE_CANCEL) {
        irp->flags = (uint16_t)(irp->flags & ~FT_IRP_IN_CANCEL);
        retire(irp);
    }
}

/* ---- completion ---- */

static void judge_information(struct ft_rules *rules, const struct ft_event *event,
                              const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];
    uint64_t information = event->arg[2];

    if (!moves_data(irp) || !ft_known(event, 2) || !ft_known(event, 1)) {
        return;
    }
    /* What the driver wrote into the stack location of an IRP of its own is not known. */
    if (irp->length == 0 && (irp->more & FT_MORE_OWN) != 0) {
        return;
    }
    if (information > irp->length || (ft_nt_error(status) && information != 0)) {
        ft_rule_fire(rules, FT_J_IO_IRP_INFO_BOUND, event, handle_of(irp));
    }
    if (ft_nt_success(status) && (irp->flags & FT_IRP_MAPPED) != 0 &&
        information > irp->flushed + (ft_known(event, 7) ? event->arg[7] : 0) &&
        !ft_irp_is_due(rules, irp->id)) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_INFO_BOUND, event, handle_of(irp));
    }
}

/* The cancel routine may find the transfer finished and say so; success with nothing moved is not
 * that. */
static void judge_cancelled(struct ft_rules *rules, const struct ft_event *event,
                            const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];
    uint64_t information = event->arg[2];
    bool in_cancel = (irp->flags & FT_IRP_IN_CANCEL) != 0 && irp->cancel_task == event->task;

    if (!moves_data(irp) || !ft_known(event, 1) || !ft_known(event, 2)) {
        return;
    }
    if ((status == FT_NT_CANCELLED && information != 0) ||
        (in_cancel && ft_nt_success(status) && irp->length != 0 && information == 0)) {
        ft_rule_fire(rules, FT_J_IO_CANCEL_STATUS, event, handle_of(irp));
    }
}

static void judge_complete(struct ft_rules *rules, const struct ft_event *event,
                           const struct ft_rs_irp *irp)
{
    uint32_t status = (uint32_t)event->arg[1];

    if (ft_known(event, 1) && (status == FT_NT_PENDING || status == UINT32_MAX)) {
        ft_rule_fire(rules, FT_J_IO_IRP_STATUS_NOT_PENDING, event, handle_of(irp));
    }
    if (event->irql > FT_IRQL_DISPATCH) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_IRQL, event, handle_of(irp));
    }
    if (event->arg[5] != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_NO_LOCK, event, handle_of(irp));
    }
    if (event->arg[4] != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_CANCEL_NULL, event, handle_of(irp));
    }
    judge_information(rules, event, irp);
    ft_dma_judge_result(rules, event, irp);
    judge_cancelled(rules, event, irp);
    ft_pnp_at_complete(rules, event, irp);
    ft_dma_at_complete(rules, event, irp);
}

void ft_on_irp_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_get(rules, ft_arg_id(event, 0));
    uint32_t status = (uint32_t)event->arg[1];

    if (irp == NULL) {
        return;
    }
    if (event->layer == FT_LAYER_SYSTEM || event->layer == FT_LAYER_HARNESS) {
        irp->flags |= ft_nt_success(status) ? FT_IRP_LOWER : FT_IRP_LOWER | FT_IRP_LOWER_FAILED;
        return;
    }
    if (ft_by_driver(event) && event->arg[6] != 0) {
        ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_ONCE, event, handle_of(irp));
        return;
    }
    if (ft_by_driver(event)) {
        judge_complete(rules, event, irp);
    }
    irp->flags |= FT_IRP_COMPLETED;
    irp->status = status;
}

/* ---- data ---- */

/* The comparison knows what the device moved in the requester's memory. What a driver copied there,
 * from a common buffer, from a buffer of its own or from a register, it does not know. */
void ft_on_data_compare(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, ft_arg_id(event, 0));

    if (irp != NULL && (irp->flags & FT_IRP_MAPPED_OWN) != 0 &&
        (irp->flags & (FT_IRP_COMPLETED | FT_IRP_DONE)) != 0 && ft_nt_success(irp->status) &&
        event->unknown == 0 && event->arg[2] < event->arg[1]) {
        ft_rule_fire(rules, FT_J_DMA_FLUSH_COVERS_DEVICE_DATA, event, handle_of(irp));
    }
}

/* What the driver's processor has handed on, out of a ring for example. */
void ft_on_data_stream(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->unknown == 0 && event->arg[2] < event->arg[1]) {
        ft_rule_fire(rules, FT_J_MEM_READ_STREAM, event, event->arg[0]);
    }
}

/* A failure that the world injected is not the driver's; the data of the request that met it proves
 * nothing. */
void ft_on_choice_fail(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_irp *irp = ft_rs_irp_find(rules, event->request);

    if (irp != NULL) {
        irp->flags |= FT_IRP_INJECTED;
    } else {
        rules->injected = 1;
    }
}

/* A PnP or power request carries no data; any other may be part of a request that does. */
void ft_on_choice_lower_fails(struct ft_rules *rules, const struct ft_event *event)
{
    unsigned major = (unsigned)(event->arg[2] >> 8);

    if (major != FT_MAJOR_PNP && major != FT_MAJOR_POWER) {
        ft_on_choice_fail(rules, event);
    }
}

/* ---- liveness ---- */

/* The driver has the IRP: it came to a dispatch routine, was not completed, and no lower driver
 * holds it. */
bool ft_irp_is_owned(const struct ft_rs_irp *irp)
{
    if (irp->id == 0 || (irp->flags & FT_IRP_DISPATCHED) == 0 ||
        (irp->flags & (FT_IRP_DONE | FT_IRP_COMPLETED)) != 0) {
        return false;
    }
    return (irp->flags & FT_IRP_FORWARDED) == 0 || (irp->flags & FT_IRP_LOWER) != 0;
}

/* A driver that was told of the cancellation by its cancel routine is late; one that was not has
 * lost the IRP. */
static void judge_owned(struct ft_rules *rules, const struct ft_event *event, bool requests_only)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (!ft_irp_is_owned(irp) ||
            (requests_only && (irp->major == FT_MAJOR_PNP || irp->major == FT_MAJOR_POWER))) {
            continue;
        }
        if ((irp->flags & FT_IRP_CANCEL_RAN) != 0) {
            ft_rule_fire(rules, FT_J_IO_CANCEL_TIMELY, event, handle_of(irp));
        } else {
            ft_rule_fire(rules, FT_J_IO_IRP_COMPLETE_EVENTUALLY, event, handle_of(irp));
        }
    }
}

/* In the tail nothing but the driver keeps a request. A PnP or power request that waits for one is
 * not lost itself. */
void ft_irp_at_hang(struct ft_rules *rules, const struct ft_event *event)
{
    enum { ALL_BLOCKED = 1, NOT_DONE = 2 };

    if (event->arg[0] == ALL_BLOCKED || event->arg[0] == NOT_DONE) {
        judge_owned(rules, event, true);
    }
}

void ft_irp_at_end(struct ft_rules *rules, const struct ft_event *event)
{
    judge_owned(rules, event, false);
}
