/* The port's own clock, once a second (scsiport.md, section 10): timers of units, the adapter's
 * watchdog, the hold after a reset, and another try for what came back busy.
 *
 * A unit's timer runs for its oldest active request; the watchdog from each HwScsiStartIo to the
 * next NextRequest. What expires makes the port reset the bus, or every bus. Counters have one tick
 * more than seconds, because the first tick may come at once. Of the documented escalations this is
 * the one that resets at once; the other sends ABORT_COMMAND first (section 16.1).
 */
#include "scsiport/engine.h"

enum { NO_TIME_OUT = -1 };

/* 0: no timer. */
static uint32_t ticks_of(const SCSI_REQUEST_BLOCK *srb)
{
    if (srb->TimeOutValue == 0 || srb->TimeOutValue == (ULONG)NO_TIME_OUT)
        return 0;
    return srb->TimeOutValue + 1;
}

static struct ft_scsi_request *oldest_of(const struct ft_scsi_unit *unit)
{
    for (struct ft_scsi_request *r = unit->adapter->active; r; r = r->active_next)
        if (r->unit == unit && !r->whole && r->state == FT_SCSI_REQUEST_ACTIVE)
            return r;
    return NULL;
}

void ft_scsi_unit_timer(struct ft_scsi_unit *unit)
{
    const struct ft_scsi_request *oldest = oldest_of(unit);

    unit->timer = oldest ? ticks_of(&oldest->given) : 0;
}

void ft_scsi_watchdog(struct ft_scsi_adapter *adapter, const SCSI_REQUEST_BLOCK *srb)
{
    adapter->watchdog = ticks_of(srb);
}

static void expired(struct ft_scsi_adapter *adapter, const struct ft_scsi_unit *unit)
{
    const struct ft_scsi_request *oldest = unit ? oldest_of(unit) : NULL;

    ft_emit(FT_EV_SCSI_TIMEOUT, ft_block_handle(adapter->fdo),
            unit ? ft_scsi_where(unit->path, unit->target, unit->lun) : 0, unit == NULL,
            oldest ? ft_scsi_srb_handle(oldest->srb) : 0);
}

static void watchdog_expired(struct ft_scsi_adapter *adapter)
{
    expired(adapter, NULL);
    for (ULONG path = 0; path < adapter->config->NumberOfBuses; path++)
        ft_scsi_reset_locked(adapter, path, FT_SCSI_RESET_WATCHDOG);
}

static void tick_units(struct ft_scsi_adapter *adapter)
{
    uint32_t reset = 0; /* bit per path */

    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        unit->retry_wait = 0;
        if (unit->timer == 0 || --unit->timer > 0)
            continue;
        expired(adapter, unit);
        if (!(reset & 1u << unit->path))
            ft_scsi_reset_locked(adapter, unit->path, FT_SCSI_RESET_UNIT);
        reset |= 1u << unit->path;
    }
}

/* The port lock is held. Returns the request that waited for the end of the hold. */
static struct ft_scsi_request *tick(struct ft_scsi_adapter *adapter)
{
    if (adapter->hold_ticks > 0)
        return ft_scsi_hold_tick(adapter);
    if (adapter->watchdog > 0 && --adapter->watchdog == 0)
        watchdog_expired(adapter);
    else
        tick_units(adapter);
    return NULL;
}

FT_PORT_ROUTINE
static VOID NTAPI run_tick(PDEVICE_OBJECT fdo, PVOID context)
{
    struct ft_scsi_adapter *adapter = context;
    struct ft_scsi_request *waited;

    (void)fdo;
    KeAcquireSpinLockAtDpcLevel(&adapter->lock);
    waited = tick(adapter);
    KeReleaseSpinLockFromDpcLevel(&adapter->lock);
    if (waited)
        ft_scsi_start_granted(waited);
    ft_scsi_start_next(adapter);
}

void ft_scsi_tick_start(struct ft_scsi_adapter *adapter)
{
    if (!adapter->tick_on) {
        IoInitializeTimer(adapter->fdo, run_tick, adapter);
        IoStartTimer(adapter->fdo);
    }
    adapter->tick_on = 1;
}

void ft_scsi_tick_stop(struct ft_scsi_adapter *adapter)
{
    if (adapter->tick_on)
        IoStopTimer(adapter->fdo);
    adapter->tick_on = 0;
}
