/* Bus resets and the hold that follows them; the end of everything when the adapter goes
 * (scsiport.md, sections 5, 10 and 11).
 *
 * In the hold nothing starts: a request that was about to start waits in adapter->next_packet. A
 * request that is still the miniport's at the end of the hold breaks its contract.
 */
#include "scsiport/engine.h"

static uint64_t call_reset(void *routine, void *extension, void *path, void *unused)
{
    (void)unused;
    return ((PHW_RESET_BUS)routine)(extension, (ULONG)(ULONG_PTR)path);
}

enum { ALL_PATHS = 0xFF };

/* The miniport's requests of those paths, a bit for each. */
static unsigned outstanding(const struct ft_scsi_adapter *adapter, unsigned paths)
{
    unsigned count = 0;

    for (const struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        count += r->state == FT_SCSI_REQUEST_ACTIVE && (paths >> r->given.PathId & 1) != 0;
    return count;
}

/* ResetDetected names no path: with several buses nobody knows which one. */
void ft_scsi_hold_begin(struct ft_scsi_adapter *adapter, unsigned why, unsigned paths)
{
    if (adapter->hold_ticks == 0)
        adapter->hold_paths = 0;
    adapter->hold_paths |= (uint8_t)paths;
    adapter->hold_ticks = FT_SCSI_HOLD_TICKS;
    adapter->watchdog = 0;
    ft_emit(FT_EV_SCSI_HOLD, ft_block_handle(adapter->fdo), why, outstanding(adapter, paths));
}

/* The HBA has not asked for the next request, and has none that it could ask after. */
static bool owes_next(const struct ft_scsi_adapter *adapter)
{
    for (const struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        if (r->state == FT_SCSI_REQUEST_WAITS)
            return false;
    return adapter->busy;
}

struct ft_scsi_request *ft_scsi_hold_tick(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_request *waited = adapter->next_packet;

    if (--adapter->hold_ticks > 0)
        return NULL;
    ft_emit(FT_EV_SCSI_HOLD_END, ft_block_handle(adapter->fdo),
            outstanding(adapter, adapter->hold_paths), owes_next(adapter));
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        if (unit->timer == 0)
            ft_scsi_unit_timer(unit);
    for (struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        if (r->state == FT_SCSI_REQUEST_ACTIVE && r->ticks == 0)
            ft_scsi_request_timer(r);
    adapter->next_packet = NULL;
    return waited;
}

BOOLEAN ft_scsi_reset_locked(struct ft_scsi_adapter *adapter, ULONG path,
                             enum ft_scsi_reset_why why)
{
    BOOLEAN done;

    ft_emit(FT_EV_SCSI_RESET, ft_block_handle(adapter->fdo), path, why,
            outstanding(adapter, 1u << path));
    done = (BOOLEAN)ft_scsi_call_synchronized(FT_ROUTINE_SCSI_RESET_BUS, adapter, NULL, call_reset,
                                              (void *)adapter->init->data.HwResetBus,
                                              adapter->extension, (void *)(ULONG_PTR)path, NULL);
    ft_scsi_hold_begin(adapter, why, 1u << path);
    ft_scsi_after(adapter);
    return done;
}

BOOLEAN ft_scsi_reset_bus(struct ft_scsi_adapter *adapter, ULONG path)
{
    BOOLEAN done;
    KIRQL irql;

    KeAcquireSpinLock(&adapter->lock, &irql);
    done = ft_scsi_reset_locked(adapter, path, FT_SCSI_RESET_ASKED);
    KeReleaseSpinLock(&adapter->lock, irql);
    return done;
}

/* ---- drain and resume ---- */

static bool is_busy(const struct ft_scsi_adapter *adapter)
{
    if (adapter->active_count >= 0)
        return true;
    for (const struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        if (unit->need_sense)
            return true;
    return false;
}

static void wait_until_idle(struct ft_scsi_adapter *adapter)
{
    while (is_busy(adapter))
        ft_task_wait(&adapter->active_count, 0);
}

void ft_scsi_drain(struct ft_scsi_adapter *adapter)
{
    if (!adapter->held)
        adapter->held = FT_SCSI_DRAINS;
    wait_until_idle(adapter);
    if (adapter->held)
        adapter->held = FT_SCSI_DRAINED;
}

void ft_scsi_resume(struct ft_scsi_adapter *adapter)
{
    adapter->held = FT_SCSI_FREE;
    ft_scsi_start_next(adapter);
}

/* ---- the adapter is gone ---- */

struct failure {
    struct ft_scsi_adapter *adapter;
    UCHAR srb_status;
};

/* At DIRQL: what the miniport has not given back is taken from it. */
FT_PORT_ROUTINE
static BOOLEAN NTAPI take_all(PVOID context)
{
    struct failure *failure = context;

    for (struct ft_scsi_request *r = failure->adapter->active; r; r = r->active_next) {
        if (r->state != FT_SCSI_REQUEST_ACTIVE)
            continue;
        r->srb->SrbStatus = failure->srb_status;
        r->srb->DataTransferLength = 0;
        ft_scsi_tell_completion(r, r->srb, FT_SCSI_BY_FORCE);
        ft_scsi_take_back(r);
    }
    return TRUE;
}

static void force(struct ft_scsi_adapter *adapter, UCHAR srb_status)
{
    struct failure failure = {adapter, srb_status};

    if (outstanding(adapter, ALL_PATHS) == 0)
        return;
    if (adapter->interrupt)
        KeSynchronizeExecution(adapter->interrupt, take_all, &failure);
    else
        take_all(&failure);
    ft_scsi_after(adapter);
}

static void fail_list(struct ft_scsi_request *list, UCHAR srb_status)
{
    while (list) {
        struct ft_scsi_request *request = list;

        list = request->next;
        request->next = NULL;
        ft_scsi_request_fail(request, srb_status);
    }
}

static void fail_queues(struct ft_scsi_adapter *adapter, UCHAR srb_status)
{
    struct ft_scsi_request *list;
    KIRQL irql;

    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        KeAcquireSpinLock(&adapter->lock, &irql);
        list = ft_scsi_take_queue(adapter, unit);
        unit->timer = 0;
        KeReleaseSpinLock(&adapter->lock, irql);
        fail_list(list, srb_status);
        KeAcquireSpinLock(&adapter->lock, &irql);
        list = unit->sense;
        unit->sense = NULL;
        KeReleaseSpinLock(&adapter->lock, irql);
        fail_list(list, srb_status);
    }
    KeAcquireSpinLock(&adapter->lock, &irql);
    list = ft_scsi_take_queue(adapter, NULL);
    KeReleaseSpinLock(&adapter->lock, irql);
    fail_list(list, srb_status);
}

void ft_scsi_fail_all(struct ft_scsi_adapter *adapter, UCHAR srb_status)
{
    struct ft_scsi_request *waited;
    KIRQL irql;

    KeAcquireSpinLock(&adapter->lock, &irql);
    for (unsigned path = 0; adapter->config && path < adapter->config->NumberOfBuses; path++)
        if (adapter->state == FT_SCSI_RUNNING && outstanding(adapter, 1u << path) > 0)
            ft_scsi_reset_locked(adapter, path, FT_SCSI_RESET_GONE);
    force(adapter, srb_status);
    waited = adapter->next_packet;
    adapter->next_packet = NULL;
    adapter->watchdog = 0;
    KeReleaseSpinLock(&adapter->lock, irql);
    if (waited)
        ft_scsi_start_cancelled(waited, srb_status);
    fail_queues(adapter, srb_status);
    wait_until_idle(adapter);
}
