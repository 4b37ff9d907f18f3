/* ABORT_COMMAND and TERMINATE_IO (scsiport.md, sections 2.3 and 5), of the class driver and, where
 * the port tries that before it resets a bus, of its own (section 16.1).
 *
 * A victim that the miniport does not have yet ends here; one that the port knows nothing of makes
 * the abort fail here. The others are the miniport's to find: by the time it gets the abort, its
 * victim may be over. The abort carries the victim's queue tag and takes none of its own.
 */
#include "scsiport/engine.h"

static NTSTATUS forward(struct ft_scsi_request *abort, KIRQL irql)
{
    struct ft_scsi_adapter *adapter = abort->adapter;

    bool queued = ft_scsi_cancelable(abort);

    if (queued)
        ft_scsi_enqueue(abort);
    KeReleaseSpinLock(&adapter->lock, irql);
    if (!queued) {
        abort->cancelled = 1;
        ft_scsi_request_fail(abort, SRB_STATUS_ABORTED);
    }
    ft_scsi_start_next(adapter);
    return STATUS_PENDING;
}

NTSTATUS ft_scsi_abort(struct ft_scsi_request *abort)
{
    struct ft_scsi_adapter *adapter = abort->adapter;
    struct ft_scsi_request *victim;
    bool ends;
    KIRQL irql;

    abort->whole = 1;
    KeAcquireSpinLock(&adapter->lock, &irql);
    victim = ft_scsi_request_of(adapter, abort->srb->NextSrb);
    if (victim && victim->state != FT_SCSI_REQUEST_QUEUED) {
        abort->victim = victim;
        return forward(abort, irql);
    }
    ends = victim && ft_scsi_unqueue(victim);
    KeReleaseSpinLock(&adapter->lock, irql);
    if (ends)
        ft_scsi_request_fail(victim, SRB_STATUS_ABORTED);
    ft_scsi_request_fail(abort, victim ? SRB_STATUS_SUCCESS : SRB_STATUS_ABORT_FAILED);
    return STATUS_PENDING;
}

/* An abort of the port's own that still waits is not needed any more. */
static struct ft_scsi_request *idle_abort_of(const struct ft_scsi_request *victim)
{
    struct ft_scsi_request *r = victim->adapter->queue;

    while (r && (r->victim != victim || r->own_completion != FT_SCSI_OWN_ABORT))
        r = r->next;
    return r;
}

void ft_scsi_drop_abort(struct ft_scsi_request *victim)
{
    struct ft_scsi_request *idle = idle_abort_of(victim);

    if (!idle)
        return;
    ft_scsi_take_out(idle);
    idle->victim = NULL;
    ft_scsi_request_fail(idle, SRB_STATUS_SUCCESS);
}

void ft_scsi_forget_victim(struct ft_scsi_request *victim)
{
    ft_scsi_drop_abort(victim);
    for (struct ft_scsi_request *r = victim->adapter->queue; r; r = r->next)
        if (r->victim == victim)
            r->victim = NULL;
    for (struct ft_scsi_request *r = victim->adapter->active; r; r = r->active_next)
        if (r->victim == victim)
            r->victim = NULL;
}

/* ---- of the port's own ---- */

static bool is_being_aborted(const struct ft_scsi_request *victim)
{
    for (const struct ft_scsi_request *r = victim->adapter->queue; r; r = r->next)
        if (r->victim == victim)
            return true;
    for (const struct ft_scsi_request *r = victim->adapter->active; r; r = r->active_next)
        if (r->victim == victim)
            return true;
    return false;
}

static struct ft_scsi_request *make(struct ft_scsi_request *victim)
{
    const SCSI_REQUEST_BLOCK *given = &victim->given;
    PSCSI_REQUEST_BLOCK srb = ft_block_alloc(sizeof *srb, FT_HC_SRB, ft_scsi_request_label(victim));
    struct ft_scsi_request *abort;

    if (!srb)
        return NULL;
    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_ABORT_COMMAND;
    srb->PathId = given->PathId;
    srb->TargetId = given->TargetId;
    srb->Lun = given->Lun;
    srb->SrbFlags =
        SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_BYPASS_LOCKED_QUEUE | SRB_FLAGS_NO_QUEUE_FREEZE;
    srb->TimeOutValue = FT_SCSI_ABORT_SECONDS;
    srb->NextSrb = victim->srb;
    abort = ft_scsi_request_new(victim->adapter, victim->unit, srb, NULL, NULL);
    if (!abort)
        ft_block_free(srb);
    return abort;
}

bool ft_scsi_abort_own(struct ft_scsi_request *victim)
{
    struct ft_scsi_request *abort =
        victim->aborted || is_being_aborted(victim) ? NULL : make(victim);
    const SCSI_REQUEST_BLOCK *srb;

    if (!abort)
        return false;
    srb = abort->srb;
    victim->aborted = 1;
    abort->whole = 1;
    abort->victim = victim;
    abort->own_completion = FT_SCSI_OWN_ABORT;
    ft_emit(FT_EV_SCSI_SRB, ft_scsi_srb_handle(srb), 0, srb->Function,
            ft_scsi_where(srb->PathId, srb->TargetId, srb->Lun), srb->SrbFlags, 0,
            srb->TimeOutValue, 0);
    ft_scsi_enqueue(abort);
    return true;
}

/* A victim that could not be aborted takes its bus with it; one that is over needs nothing. */
void ft_scsi_abort_ended(struct ft_scsi_request *abort)
{
    struct ft_scsi_adapter *adapter = abort->adapter;
    struct ft_scsi_request *victim = abort->victim;
    ULONG path = abort->srb->PathId;
    bool failed = SRB_STATUS(abort->srb->SrbStatus) != SRB_STATUS_SUCCESS &&
                  SRB_STATUS(abort->srb->SrbStatus) != SRB_STATUS_BUS_RESET;
    KIRQL irql;

    ft_block_free(abort->srb);
    KeAcquireSpinLock(&adapter->lock, &irql);
    if (victim && victim->state != FT_SCSI_REQUEST_ACTIVE)
        victim = NULL;
    if (failed && victim && adapter->hold_ticks == 0 && adapter->state == FT_SCSI_RUNNING &&
        !adapter->surprise)
        ft_scsi_reset_locked(adapter, path, FT_SCSI_RESET_UNIT);
    else if (victim && victim->unit->timer == 0)
        ft_scsi_unit_timer(victim->unit); /* it may still not come back */
    KeReleaseSpinLock(&adapter->lock, irql);
}
