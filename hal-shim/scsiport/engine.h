/* What the files of the request engine share: dispatch, queues, StartIo, notifications, the
 * deferred procedure, completion, time-outs, resets, aborts (scsiport.md, sections 6.3, 7, 10).
 *
 * Life of a request: QUEUED in its unit's queue (or the adapter's, if no unit's state holds it
 * back), WAITS while it gets SRB extension, tag, channel or map registers, ACTIVE from
 * HwScsiStartIo to its completion's notification, NOTIFIED until the DPC has it, DONE.
 *
 * Locks: adapter->lock (the port spin lock) guards queues and counters, the HBA's interrupt lock
 * guards adapter->intent and adapter->active. Completion of IRPs, DMA and allocation of channels
 * happen with neither.
 */
#ifndef FT_SCSIPORT_ENGINE_H
#define FT_SCSIPORT_ENGINE_H

#include "scsiport/scsiport_private.h"

enum {
    FT_SCSI_TAG_MAX = 254,
    FT_SCSI_RETRIES = 20,   /* of a request that came back BUSY */
    FT_SCSI_HOLD_TICKS = 4, /* after a reset */
    FT_SCSI_SENSE_SECONDS = 4,
    FT_SCSI_ABORT_SECONDS = 4, /* of an ABORT_COMMAND of the port's own */
    FT_SCSI_SENSE_FILL = 0xEE  /* what the port's sense area holds until the miniport writes it */
};

/* Who waits for a request of the port's own. */
enum { FT_SCSI_OF_CLASS, FT_SCSI_OWN_WAIT, FT_SCSI_OWN_SENSE, FT_SCSI_OWN_ABORT };

/* How the port gets a request back, as event scsi:complete names it. */
enum ft_scsi_how {
    FT_SCSI_BY_NOTIFICATION = 1, /* RequestComplete */
    FT_SCSI_BY_WILDCARD,         /* ScsiPortCompleteRequest */
    FT_SCSI_BY_REFUSAL,          /* HwScsiStartIo returned FALSE */
    FT_SCSI_BY_FORCE             /* the port takes it: the adapter is gone */
};

/* Why HwScsiResetBus is called. */
enum ft_scsi_reset_why {
    FT_SCSI_RESET_ASKED = 1, /* by another part of the port */
    FT_SCSI_RESET_UNIT,      /* the timer of a unit expired */
    FT_SCSI_RESET_WATCHDOG,  /* no NextRequest came */
    FT_SCSI_RESET_GONE       /* everything is failed */
};

static inline uint64_t ft_scsi_where(unsigned path, unsigned target, unsigned lun)
{
    return path << 16 | target << 8 | lun;
}

/* A WMI SRB has its subfunction where others have ScsiStatus. */
static inline bool ft_scsi_has_status(const SCSI_REQUEST_BLOCK *srb)
{
    return srb->Function != SRB_FUNCTION_WMI;
}

static inline UCHAR ft_scsi_scsi_status(const SCSI_REQUEST_BLOCK *srb)
{
    return ft_scsi_has_status(srb) ? srb->ScsiStatus : SCSISTAT_GOOD;
}

/* ---- port_queue.c; the port lock is held ---- */

void ft_scsi_enqueue(struct ft_scsi_request *request);
void ft_scsi_put_back(struct ft_scsi_request *request); /* it was picked: to the head */
/* Takes the next request that may be started now out of its queue; NULL: none may. */
struct ft_scsi_request *ft_scsi_pick(struct ft_scsi_adapter *adapter);
/* Takes everything out of the unit's queue (NULL: of the adapter's) as one list. */
struct ft_scsi_request *ft_scsi_take_queue(struct ft_scsi_adapter *adapter,
                                           struct ft_scsi_unit *unit);
/* Takes it out of its queue; false: its cancel routine is about to do that. */
bool ft_scsi_unqueue(struct ft_scsi_request *request);
void ft_scsi_take_out(struct ft_scsi_request *request); /* in its cancel routine */
/* The request with that SRB, wherever the port has it; NULL: it has none. */
struct ft_scsi_request *ft_scsi_request_of(struct ft_scsi_adapter *adapter,
                                           const SCSI_REQUEST_BLOCK *srb);
/* What a request holds of adapter and unit from its pick to its end. */
void ft_scsi_count(struct ft_scsi_request *request);
void ft_scsi_uncount(struct ft_scsi_request *request);

/* ---- port_cancel.c; the port lock is held ---- */

/* Before it goes into a queue; false: it is cancelled already. */
bool ft_scsi_cancelable(struct ft_scsi_request *request);
/* Before it leaves one; false: its cancel routine will run. */
bool ft_scsi_claim(struct ft_scsi_request *request);

/* ---- requests.c ---- */

/* NULL: no memory. */
struct ft_scsi_request *ft_scsi_request_new(struct ft_scsi_adapter *adapter,
                                            struct ft_scsi_unit *unit, PSCSI_REQUEST_BLOCK srb,
                                            PIRP irp, PMDL mdl);
/* Completes its IRP, or tells whom it is for, and frees it. No lock is held. */
void ft_scsi_request_end(struct ft_scsi_request *request);
NTSTATUS ft_scsi_status(UCHAR srb_status);
/* The port ends a request that the miniport never had. No lock is held. */
void ft_scsi_request_fail(struct ft_scsi_request *request, UCHAR srb_status);

/* ---- start_io.c ---- */

void ft_scsi_start_next(struct ft_scsi_adapter *adapter); /* no lock is held */
/* DataBuffer and sense area as the miniport gets them (false: no memory), and back. */
bool ft_scsi_dress(struct ft_scsi_request *request);
void ft_scsi_undress(struct ft_scsi_request *request);

/* The request that waited for the end of the hold will not start. */
void ft_scsi_start_cancelled(struct ft_scsi_request *request, UCHAR srb_status);

/* ---- port_notify.c, complete.c: at DIRQL ---- */

/* The miniport's request with that SRB; NULL: it has none such. */
struct ft_scsi_request *ft_scsi_active_of(struct ft_scsi_adapter *adapter,
                                          const SCSI_REQUEST_BLOCK *srb);
/* The request is the port's again. */
void ft_scsi_take_back(struct ft_scsi_request *request);
/* Event scsi:complete. request NULL: the miniport has no request with that SRB. */
void ft_scsi_tell_completion(const struct ft_scsi_request *request, PSCSI_REQUEST_BLOCK srb,
                             enum ft_scsi_how how);
void ft_scsi_intend(struct ft_scsi_adapter *adapter, uint32_t flags);

/* ---- port_completion.c ---- */

/* A request that came back, in the DPC: no lock is held. */
void ft_scsi_completed(struct ft_scsi_request *request);
void ft_scsi_freeze(struct ft_scsi_request *request);

/* ---- sense.c ---- */

/* Sends REQUEST SENSE for it; without memory for that the original ends without sense data. */
void ft_scsi_sense(struct ft_scsi_request *original);
void ft_scsi_sense_ended(struct ft_scsi_request *sense);

/* ---- port_timer.c, timeouts.c, reset.c ---- */

void ft_scsi_timer_begin(struct ft_scsi_adapter *adapter);
void ft_scsi_timer_set(struct ft_scsi_adapter *adapter, PHW_TIMER routine, ULONG microseconds);
void ft_scsi_unit_timer(struct ft_scsi_unit *unit); /* loads it with the oldest active request */
void ft_scsi_request_timer(struct ft_scsi_request *request); /* of a request of no unit's queue */
void ft_scsi_watchdog(struct ft_scsi_adapter *adapter, const SCSI_REQUEST_BLOCK *srb);
/* paths: a bit for each that was reset. */
void ft_scsi_hold_begin(struct ft_scsi_adapter *adapter, unsigned why, unsigned paths);
/* The request that waited for the end of the hold, when that is now. */
struct ft_scsi_request *ft_scsi_hold_tick(struct ft_scsi_adapter *adapter);
BOOLEAN ft_scsi_reset_locked(struct ft_scsi_adapter *adapter, ULONG path,
                             enum ft_scsi_reset_why why);

/* ---- abort.c ---- */

/* An ABORT_COMMAND or TERMINATE_IO from the class driver. */
NTSTATUS ft_scsi_abort(struct ft_scsi_request *request);
/* The port itself aborts a request of the miniport's that takes too long. False: there is no
 * memory, or that has been tried. The port lock is held; the next request is started after it. */
bool ft_scsi_abort_own(struct ft_scsi_request *victim);
void ft_scsi_abort_ended(struct ft_scsi_request *abort);    /* no lock is held */
void ft_scsi_forget_victim(struct ft_scsi_request *victim); /* it is over */
void ft_scsi_drop_abort(struct ft_scsi_request *victim);    /* the miniport gave it back */

/* ---- interrupts.c; the port lock is held ---- */

void ft_scsi_call_enable(struct ft_scsi_adapter *adapter, PHW_INTERRUPT enable);
void ft_scsi_call_disable(struct ft_scsi_adapter *adapter, PHW_INTERRUPT disable);

#endif
