/* ABORT_COMMAND and TERMINATE_IO (scsiport.md, sections 2.3 and 5).
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
    if (!queued)
        ft_scsi_request_fail(abort, SRB_STATUS_ABORTED);
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

static void forget_in(struct ft_scsi_request *list, const struct ft_scsi_request *victim)
{
    for (; list; list = list->next)
        if (list->victim == victim)
            list->victim = NULL;
}

void ft_scsi_forget_victim(struct ft_scsi_request *victim)
{
    forget_in(victim->adapter->queue, victim);
    for (struct ft_scsi_request *r = victim->adapter->active; r; r = r->active_next)
        if (r->victim == victim)
            r->victim = NULL;
}
