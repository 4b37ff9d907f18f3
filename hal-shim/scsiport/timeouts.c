/* The port's own clock, once a second (scsiport.md, section 10): timers of units, the adapter's
 * watchdog, the hold after a reset, and another try for what came back busy.
 *
 * A unit's timer runs for its oldest active request, the watchdog from each HwScsiStartIo to the
 * next NextRequest; what is in no unit's queue (aborts, resets) has a timer of its own. What
 * expires makes the port reset the bus, or every bus. Counters have one tick more than seconds,
 * because the first tick may come at once.
 *
 * Documents know two escalations (section 16.1): the bus is reset at once, or the request is
 * aborted first and the bus reset when that fails or takes too long itself. The driver's
 * description says which port it is (FT_DRIVER_ABORT_FIRST).
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

void ft_scsi_request_timer(struct ft_scsi_request *request)
{
    request->ticks = request->whole ? ticks_of(&request->given) : 0;
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

static bool aborts_first(void)
{
    return (ft_world_module()->description->flags & FT_DRIVER_ABORT_FIRST) != 0;
}

/* The paths whose bus is to be reset, a bit for each. */
static uint32_t tick_units(struct ft_scsi_adapter *adapter)
{
    uint32_t reset = 0;

    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        struct ft_scsi_request *oldest;

        unit->retry_wait = 0;
        if (unit->timer == 0 || --unit->timer > 0)
            continue;
        expired(adapter, unit);
        oldest = oldest_of(unit);
        if (!aborts_first() || !oldest || !ft_scsi_abort_own(oldest))
            reset |= 1u << unit->path;
    }
    return reset;
}

static uint32_t tick_requests(struct ft_scsi_adapter *adapter)
{
    uint32_t reset = 0;

    for (struct ft_scsi_request *r = adapter->active; r; r = r->active_next) {
        if (r->state != FT_SCSI_REQUEST_ACTIVE || r->ticks == 0 || --r->ticks > 0)
            continue;
        ft_emit(FT_EV_SCSI_TIMEOUT, ft_block_handle(adapter->fdo),
                ft_scsi_where(r->given.PathId, r->given.TargetId, r->given.Lun), false,
                ft_scsi_srb_handle(r->srb));
        reset |= 1u << r->given.PathId;
    }
    return reset;
}

static void tick_all(struct ft_scsi_adapter *adapter)
{
    uint32_t reset = tick_units(adapter) | tick_requests(adapter);

    for (ULONG path = 0; path < adapter->config->NumberOfBuses; path++)
        if (reset >> path & 1)
            ft_scsi_reset_locked(adapter, path, FT_SCSI_RESET_UNIT);
}

/* The port lock is held. Returns the request that waited for the end of the hold. */
static struct ft_scsi_request *tick(struct ft_scsi_adapter *adapter)
{
    if (adapter->hold_ticks > 0)
        return ft_scsi_hold_tick(adapter);
    if (adapter->watchdog > 0 && --adapter->watchdog == 0)
        watchdog_expired(adapter);
    else
        tick_all(adapter);
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

bool ft_scsi_tick_start(struct ft_scsi_adapter *adapter)
{
    if (adapter->tick_on)
        return true;
    if (!NT_SUCCESS(IoInitializeTimer(adapter->fdo, run_tick, adapter)))
        return false;
    IoStartTimer(adapter->fdo);
    adapter->tick_on = 1;
    return true;
}

void ft_scsi_tick_stop(struct ft_scsi_adapter *adapter)
{
    if (adapter->tick_on)
        IoStopTimer(adapter->fdo);
    adapter->tick_on = 0;
}
