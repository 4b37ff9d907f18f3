/* ScsiStopAdapter, and what the port gives back afterwards (scsiport.md, section 11). */
#include "scsiport/adapter.h"

#include "io/io_private.h"

enum { FLUSH_SECONDS = 60 };

static void flush_unit(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit, UCHAR function)
{
    PSCSI_REQUEST_BLOCK srb = ft_block_alloc(sizeof *srb, FT_HC_SRB, 0);

    if (!srb)
        return;
    srb->Length = sizeof *srb;
    srb->Function = function;
    srb->PathId = unit->path;
    srb->TargetId = unit->target;
    srb->Lun = unit->lun;
    srb->QueueTag = SP_UNTAGGED;
    srb->SrbFlags = SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_BYPASS_LOCKED_QUEUE |
                    SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_NO_DATA_TRANSFER;
    srb->TimeOutValue = FLUSH_SECONDS;
    ft_scsi_send_own(adapter, unit, srb, NULL);
    ft_block_free(srb);
}

/* Adapters that keep data are told to write it out, unit by unit. */
static void flush(struct ft_scsi_adapter *adapter)
{
    if (!adapter->config->CachesData || adapter->surprise)
        return;
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        flush_unit(adapter, unit, SRB_FUNCTION_FLUSH);
}

static bool present(void)
{
    return ft_hardware_live();
}

static void announce_stopped(const struct ft_scsi_adapter *adapter,
                             SCSI_ADAPTER_CONTROL_STATUS status)
{
    const struct sim_device *device = &FT_DEV->device;

    ft_emit(FT_EV_SCSI_STOPPED, ft_scsi_hba(adapter), status, device->interrupts,
            device->moving != 0, device->line, present());
}

/* A miniport without HwScsiAdapterControl is not told. */
static void stop(struct ft_scsi_adapter *adapter, enum ft_scsi_stop why)
{
    SCSI_ADAPTER_CONTROL_STATUS status;

    flush(adapter);
    ft_scsi_tick_stop(adapter);
    if (ft_scsi_supports(adapter, ScsiStopAdapter)) {
        ft_emit(FT_EV_SCSI_STOPPING, ft_scsi_hba(adapter), why,
                (uint64_t)(adapter->active_count + 1), adapter->mapping,
                adapter->timer_routine != NULL, present());
        status = ft_scsi_control(adapter, ScsiStopAdapter);
        ft_scsi_timer_stop(adapter);
        announce_stopped(adapter, status);
    }
    ft_scsi_state(adapter, FT_SCSI_STOPPED);
    ft_scsi_point(FT_PT_SCSI_STEP, 0);
}

void ft_scsi_stop(struct ft_scsi_adapter *adapter, enum ft_scsi_stop why)
{
    if (adapter->state == FT_SCSI_RUNNING)
        stop(adapter, why);
}

/* ---- one change at a time ---- */

void ft_scsi_change_begin(struct ft_scsi_adapter *adapter)
{
    while (adapter->changing)
        ft_task_wait(&adapter->changing, 0);
    adapter->changing = 1;
}

void ft_scsi_change_end(struct ft_scsi_adapter *adapter)
{
    adapter->changing = 0;
    ft_wake_waiters(&adapter->changing, STATUS_SUCCESS, true);
}

void ft_scsi_use(struct ft_scsi_adapter *adapter)
{
    adapter->users++;
}

void ft_scsi_unuse(struct ft_scsi_adapter *adapter)
{
    adapter->users--;
    ft_wake_waiters(&adapter->users, STATUS_SUCCESS, true);
}

void ft_scsi_wait_unused(struct ft_scsi_adapter *adapter)
{
    while (adapter->users)
        ft_task_wait(&adapter->users, 0);
}

void ft_scsi_release(struct ft_scsi_adapter *adapter)
{
    ft_scsi_disconnect(adapter);
    ft_scsi_tick_stop(adapter);
    ft_scsi_engine_settle(adapter);
    ft_scsi_bases_free(adapter);
    if (adapter->common)
        ft_scsi_common_free(adapter);
    if (adapter->dma)
        adapter->dma->DmaOperations->PutDmaAdapter(adapter->dma);
    adapter->dma = NULL;
    adapter->master = adapter->slave = 0;
}
