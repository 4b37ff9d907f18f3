/* Transfers of the system DMA controller of version 3, and CancelMappedTransfer (wdm-dma
 * sheet, 1.23, 1.28, 3.7, 6.9).
 *
 * The controller is an ARM PrimeCell DMA controller (PL080): sixteen request lines, which the
 * machine's firmware numbers from any first line on, and channels
 * that follow a linked list of items, so one transfer scatters and gathers. The device asserts its
 * request line and moves data (sim_slave_transfer); at the end of the last item the channel's
 * terminal count interrupt tells the HAL, which calls the driver's completion routine at
 * DISPATCH_LEVEL, as a task of its own. Here the items are the transfer's mappings, in order. Not
 * modelled: memory to memory, bursts, priorities, protection bits, and error responses of the bus
 * (DmaError never comes).
 */
#include "dma/sg_lists.h"
#include "dma/transfer_ex.h"
#include "sim/device.h"

uint32_t ft_transfer_left(const struct ft_dma_transfer *transfer)
{
    return transfer->length - transfer->at;
}

void ft_transfer_run(struct ft_dma_grant *grant)
{
    struct ft_dma_transfer *transfer = grant->transfer;
    const struct ft_dma_adapter *adapter = ft_dma_adapter_by_id(grant->adapter);

    transfer->phase = FT_TRANSFER_RUNNING;
    ft_emit(FT_EV_SYS_MASK, adapter->system_channel, false);
}

/* A flush and another MapTransferEx may come before the routine has its turn. */
static void take_arguments(struct ft_dma_transfer *transfer)
{
    transfer->due_routine = transfer->routine;
    transfer->due_context = transfer->routine_context;
    transfer->due_completion = transfer->completion;
}

void ft_transfer_over(struct ft_dma_grant *grant, DMA_COMPLETION_STATUS completion)
{
    struct ft_dma_transfer *transfer = grant->transfer;
    uint64_t arg[] = {ft_handle(FT_HC_ADAPTER, grant->adapter, 0),
                      ft_handle(FT_HC_GRANT, grant->id, 0), completion, ft_transfer_left(transfer),
                      transfer->routine != NULL};

    transfer->phase = FT_TRANSFER_OVER;
    transfer->completion = (uint8_t)completion;
    if (transfer->routine) {
        if (transfer->routine_due++ == 0)
            take_arguments(transfer);
        FT_M->dma.completions_due++;
    }
    ft_emit_as(FT_LAYER_SYSTEM, grant->request, FT_EV_DMA_COMPLETE, 5, arg);
}

void ft_completion_forget(struct ft_dma_grant *grant)
{
    struct ft_dma_transfer *transfer = grant->transfer;

    if (!transfer || !transfer->routine_due)
        return;
    FT_M->dma.completions_due = (uint8_t)(FT_M->dma.completions_due - transfer->routine_due);
    transfer->routine_due = 0;
    transfer->routine_begun = 0;
    ft_wake_waiters(&FT_M->dpc_count, STATUS_SUCCESS, true);
}

/* ---- the completion routine ---- */

static uint64_t call_completion(void *a, void *b, void *c, void *d)
{
    const struct ft_dma_transfer *transfer = d;

    transfer->due_routine(a, b, c, (DMA_COMPLETION_STATUS)transfer->due_completion);
    return 0;
}

/* Takes the first routine that is due. */
static struct ft_dma_transfer take_due(struct ft_dma_transfer *transfer)
{
    struct ft_dma_transfer call = *transfer;

    transfer->routine_begun = 0;
    FT_M->dma.completions_due--;
    if (--transfer->routine_due != 0)
        take_arguments(transfer);
    return call;
}

static void completion_task(void *argument)
{
    struct ft_dma_grant *grant = ft_dma_grant_by_id((uint32_t)(uintptr_t)argument);
    struct ft_dma_transfer call;

    ft_current()->layer = FT_LAYER_SYSTEM;
    if (grant && ((struct ft_dma_transfer *)grant->transfer)->routine_due) {
        /* The routine may flush and free; its arguments stay. */
        call = take_due(grant->transfer);
        ft_call_routine((void *)call.due_routine, FT_ROUTINE_DMA_COMPLETION,
                        ft_handle(FT_HC_GRANT, grant->id, 0), call.due_completion, grant->request,
                        call_completion, ft_dma_adapter_by_id(grant->adapter)->block, call.device,
                        call.due_context, &call);
        grant = ft_dma_grant_by_id((uint32_t)(uintptr_t)argument);
        if (grant)
            ft_dma_grant_retire(grant);
    }
    ft_wake_waiters(&FT_M->dpc_count, STATUS_SUCCESS, true);
}

static struct ft_dma_grant *next_due(unsigned *cpu)
{
    struct ft_dma_grant *due = NULL;

    if (FT_M->dma.completions_due == 0 || !ft_cpu_find(DISPATCH_LEVEL, cpu))
        return NULL;
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];
        const struct ft_dma_transfer *transfer = grant->transfer;

        if (grant->state != FT_GRANT_FREE && transfer && transfer->routine_due &&
            !transfer->routine_begun && (!due || grant->order < due->order))
            due = grant;
    }
    return due;
}

bool ft_completion_pending(void)
{
    unsigned cpu;

    return next_due(&cpu) != NULL;
}

bool ft_completion_start_next(void)
{
    struct ft_dma_transfer *transfer;
    struct ft_task *task;
    unsigned cpu;
    struct ft_dma_grant *due = next_due(&cpu);

    if (!due)
        return false;
    task = ft_task_spawn(FT_TASK_DPC, completion_task, (void *)(uintptr_t)due->id, due->label);
    if (!task)
        return false;
    task->irql = DISPATCH_LEVEL;
    task->target = (uint8_t)cpu;
    task->device = (uint16_t)ft_handle_id(ft_block_handle(due->device));
    ft_task_about(task, ft_device_owning(due->device)->number);
    transfer = due->transfer;
    transfer->routine_begun = 1;
    return true;
}

/* ---- CancelMappedTransfer ---- */

NTSTATUS ft_dma_cancel_mapped(PDMA_ADAPTER adapter, PVOID context)
{
    unsigned label = ft_current()->label, why = FT_WHY_NOTHING;
    NTSTATUS status = STATUS_SUCCESS;
    struct ft_dma_transfer *transfer = NULL;
    const struct ft_dma_adapter *slot;
    struct ft_dma_grant *grant;
    uint64_t handle;

    FT_DMA_BEGIN(DMA_CANCEL, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_CANCEL);
    if (slot) {
        ft_context_state(context, &grant);
        transfer = grant ? grant->transfer : NULL;
        handle = ft_context_handle(context);
        if (!slot->slave || (grant && grant->adapter != slot->id))
            why = FT_WHY_ADAPTER;
        else if (!grant || grant->state == FT_GRANT_WAITING)
            why = FT_WHY_CONTEXT;
        if (why != FT_WHY_NOTHING)
            status = STATUS_INVALID_PARAMETER;
        else if (transfer->cancelled)
            why = FT_WHY_TWICE;
        ft_emit(FT_EV_CANCEL_MAPPED, ft_dma_adapter_handle(slot), handle,
                grant ? ft_handle(FT_HC_GRANT, grant->id, 0) : 0, (uint32_t)status, why);
        if (NT_SUCCESS(status)) {
            ft_context_check(grant);
            transfer->cancelled = 1;
            if (transfer->phase == FT_TRANSFER_RUNNING) {
                ft_emit(FT_EV_SYS_MASK, slot->system_channel, true);
                ft_transfer_over(grant, DmaCancelled);
            }
        }
    }
    FT_DDI_END(DMA_CANCEL, label);
    return status;
}

/* ---- the device's side ---- */

/* The transfer that the controller works on for that request line. */
static struct ft_dma_grant *running(unsigned line)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];
        const struct ft_dma_transfer *transfer = grant->transfer;
        const struct ft_dma_adapter *adapter;

        if (grant->state != FT_GRANT_GRANTED || !transfer || transfer->phase != FT_TRANSFER_RUNNING)
            continue;
        adapter = ft_dma_adapter_by_id(grant->adapter);
        if (adapter && adapter->slave && adapter->system_channel == line)
            return grant;
    }
    return NULL;
}

bool ft_line_runs(unsigned line, bool *to_device)
{
    const struct ft_dma_grant *grant = running(line);

    if (grant)
        *to_device = ((const struct ft_dma_transfer *)grant->transfer)->write != 0;
    return grant != NULL;
}

/* The mapping that holds that byte of the transfer, and where in it. */
static const struct ft_dma_mapping *item_at(uint32_t grant, uint32_t *at)
{
    const struct ft_dma_mapping *item = ft_dma_list_mapping(grant, 0);

    while (item && *at >= item->length) {
        *at -= item->length;
        item = ft_dma_list_mapping(grant, item->id);
    }
    return item;
}

uint32_t ft_line_transfer(struct sim_device *device, unsigned line, bool to_device, void *bytes,
                          uint32_t length, bool *terminal)
{
    struct ft_dma_grant *grant = running(line);
    struct ft_dma_transfer *transfer = grant ? grant->transfer : NULL;
    uint32_t moved = 0;

    FT_ASSERT(length <= SIM_BURST_BYTES);
    *terminal = false;
    if (!transfer || (transfer->write != 0) != to_device)
        return 0;
    while (moved < length && transfer->at < transfer->length) {
        uint32_t at = transfer->at, piece = length - moved;
        const struct ft_dma_mapping *item = item_at(grant->id, &at);

        if (!item)
            break;
        piece = piece < item->length - at ? piece : item->length - at;
        if (to_device)
            sim_dma_read(device, item->logical + at, (uint8_t *)bytes + moved, piece);
        else
            sim_dma_write(device, item->logical + at, (const uint8_t *)bytes + moved, piece);
        moved += piece;
        transfer->at += piece;
    }
    if (transfer->at == transfer->length) {
        uint64_t arg[] = {line};

        *terminal = true;
        ft_emit_as(FT_LAYER_DEVICE, 0, FT_EV_SYS_TERMINAL, 1, arg);
        ft_transfer_over(grant, DmaComplete);
    }
    return moved;
}
