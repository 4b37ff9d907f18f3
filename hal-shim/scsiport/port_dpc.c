/* The port's deferred procedure: does what the miniport asked for at DIRQL, always in this order,
 * whatever the order of the calls was (scsiport.md, section 7).
 */
#include "scsiport/engine.h"

struct snapshot {
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_intent intent;
};

FT_PORT_ROUTINE
static BOOLEAN NTAPI take_intent(PVOID context)
{
    struct snapshot *now = context;

    now->intent = now->adapter->intent;
    memset(&now->adapter->intent, 0, sizeof now->adapter->intent);
    return TRUE;
}

static void snapshot(struct snapshot *now)
{
    KIRQL irql;

    if (now->adapter->interrupt) {
        KeSynchronizeExecution(now->adapter->interrupt, take_intent, now);
        return;
    }
    KeRaiseIrql(now->adapter->irql, &irql);
    take_intent(now);
    KeLowerIrql(irql);
}

/* Units for which NextLuRequest came. */
static void make_ready(struct ft_scsi_unit *unit)
{
    while (unit) {
        struct ft_scsi_unit *next = unit->ready_next;

        unit->ready_next = NULL;
        unit->ready = 0;
        unit->lu_ready = 1;
        unit = next;
    }
}

/* Steps 1 to 6, under the port lock. */
static void first_steps(struct ft_scsi_adapter *adapter, const struct ft_scsi_intent *intent)
{
    if (intent->flags & FT_SCSI_FLUSH)
        ft_scsi_dma_flush(adapter, &intent->flush);
    if (intent->flags & FT_SCSI_MAP)
        ft_scsi_dma_map(adapter, &intent->map);
    if (intent->flags & FT_SCSI_TIMER)
        ft_scsi_timer_set(adapter, intent->timer, intent->timer_us);
    if (intent->flags & FT_SCSI_NEXT_REQUEST) {
        adapter->busy = 0;
        if (adapter->hold_ticks == 0)
            adapter->watchdog = 0;
    }
    if (intent->flags & FT_SCSI_RESET_REPORTED)
        ft_scsi_hold_begin(adapter, 0, adapter->config->NumberOfBuses == 1);
    make_ready(intent->ready);
}

static void complete_list(struct ft_scsi_request *request)
{
    while (request) {
        struct ft_scsi_request *next = request->next;

        request->next = NULL;
        ft_scsi_completed(request);
        request = next;
    }
}

/* Step 11. CallDisableInterrupts comes from inside the callback, so it is looked at last. */
static void callbacks(struct ft_scsi_adapter *adapter, const struct ft_scsi_intent *intent)
{
    KeAcquireSpinLockAtDpcLevel(&adapter->lock);
    if (intent->flags & FT_SCSI_ENABLE)
        ft_scsi_call_enable(adapter, intent->enable);
    if (intent->flags & FT_SCSI_DISABLE)
        ft_scsi_call_disable(adapter, intent->disable);
    KeReleaseSpinLockFromDpcLevel(&adapter->lock);
}

static void pass(struct ft_scsi_adapter *adapter)
{
    struct snapshot now = {.adapter = adapter};

    KeAcquireSpinLockAtDpcLevel(&adapter->lock);
    snapshot(&now);
    first_steps(adapter, &now.intent);
    KeReleaseSpinLockFromDpcLevel(&adapter->lock);
    ft_scsi_start_next(adapter);
    complete_list(now.intent.completed);
    complete_list(now.intent.aborts);
    ft_scsi_start_next(adapter); /* what waited for a tag or an SRB extension */
    if (now.intent.flags & (FT_SCSI_ENABLE | FT_SCSI_DISABLE))
        callbacks(adapter, &now.intent);
    if (now.intent.flags & FT_SCSI_BUS_CHANGE)
        ft_scsi_rescan(adapter);
    if (now.intent.flags & FT_SCSI_WMI)
        ft_scsi_wmi_deliver(adapter);
    if (now.intent.flags & FT_SCSI_WMI_AGAIN)
        ft_scsi_wmi_renew(adapter);
}

FT_PORT_ROUTINE
static VOID NTAPI run_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_scsi_adapter *adapter = context;

    (void)dpc, (void)argument1, (void)argument2;
    ft_scsi_point(FT_PT_SCSI_DPC, 0);
    adapter->in_dpc = 1;
    do
        pass(adapter);
    while (adapter->intent.flags & FT_SCSI_NEED_DPC);
    adapter->in_dpc = 0;
}

void ft_scsi_engine_settle(struct ft_scsi_adapter *adapter)
{
    ft_scsi_timer_stop(adapter);
    if (KeGetCurrentIrql() == PASSIVE_LEVEL) /* a power-up above it keeps the adapter's device */
        KeFlushQueuedDpcs();
}

void ft_scsi_engine_begin(struct ft_scsi_adapter *adapter)
{
    KeInitializeSpinLock(&adapter->lock);
    KeInitializeDpc(&adapter->dpc, run_dpc, adapter);
    ft_scsi_timer_begin(adapter);
    adapter->active_count = -1;
}
