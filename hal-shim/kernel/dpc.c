/* DPCs (wdm-io sheet, section 10): one queue, first in, first out; a DPC runs on the processor that
 * queued it, leaves the queue before its routine runs, and may be queued again while it runs. Not
 * modelled: importance and target processors. */
#include "kernel/dpc.h"
#include "world/machine.h"

#include <wdm.h>

static void *const drained = &FT_M->dpc_count; /* what KeFlushQueuedDpcs waits for */

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    enum { DPC_OBJECT = 19 };

    FT_DDI_BEGIN(DPC_INSERT, 0);
    RtlZeroMemory(Dpc, sizeof *Dpc);
    Dpc->Type = DPC_OBJECT;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
    ft_emit(FT_EV_DPC_INIT, ft_object_register(Dpc, FT_HC_DPC));
    FT_DDI_END(DPC_INSERT, 0);
}

/* The second call's arguments are lost when the DPC is queued already. */
BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    bool inserted = false;

    FT_DDI_BEGIN(DPC_INSERT, ft_label_of(SystemArgument1));
    if (!Dpc->DpcData) {
        if (FT_M->dpc_count == FT_DPC_QUEUE_MAX) {
            ft_emit(FT_EV_RUN_CUT, FT_M->steps);
            ft_stop_now(FT_STOP_CUT);
        }
        Dpc->SystemArgument1 = SystemArgument1;
        Dpc->SystemArgument2 = SystemArgument2;
        Dpc->DpcData = Dpc;
        FT_M->dpc_queue[FT_M->dpc_count].dpc = Dpc;
        FT_M->dpc_queue[FT_M->dpc_count].cpu = ft_current()->cpu;
        FT_M->dpc_count++;
        inserted = true;
    }
    ft_emit(FT_EV_DPC_INSERT, ft_object_handle(Dpc, FT_HC_DPC), inserted);
    FT_DDI_END(DPC_INSERT, ft_label_of(SystemArgument1));
    return inserted;
}

static void dequeue(unsigned index)
{
    FT_M->dpc_count--;
    for (unsigned i = index; i < FT_M->dpc_count; i++)
        FT_M->dpc_queue[i] = FT_M->dpc_queue[i + 1];
}

/* A timer's DPC that has expired and not begun counts as queued. */
static bool unqueue_timer(const KDPC *dpc)
{
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        struct ft_timer *timer = &FT_M->timer[i];

        if (timer->timer && timer->pending && timer->dpc == dpc) {
            timer->pending = 0;
            if (timer->period_ms == 0)
                timer->timer = NULL;
            return true;
        }
    }
    return false;
}

BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc)
{
    bool removed = false;

    FT_DDI_BEGIN(DPC_REMOVE, 0);
    for (unsigned i = 0; i < FT_M->dpc_count && !removed; i++)
        if (FT_M->dpc_queue[i].dpc == Dpc) {
            dequeue(i);
            removed = true;
        }
    removed = removed || unqueue_timer(Dpc);
    if (removed)
        Dpc->DpcData = NULL;
    ft_emit(FT_EV_DPC_REMOVE, ft_object_handle(Dpc, FT_HC_DPC), removed);
    FT_DDI_END(DPC_REMOVE, 0);
    return removed;
}

static bool dpcs_active(void)
{
    if (FT_M->dpc_count > 0)
        return true;
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++)
        if (FT_M->timer[i].timer && FT_M->timer[i].pending)
            return true;
    for (unsigned i = 0; i < FT_TASKS_MAX; i++) {
        const struct ft_task *task = &FT_M->task[i];

        if (task->state != FT_TS_FREE && i != FT_M->current &&
            (task->kind == FT_TASK_DPC || task->kind == FT_TASK_TIMER))
            return true;
    }
    return false;
}

/* Waits for every DPC that is queued or runs. Not modelled: that DPCs queued after the call need
 * not be waited for. */
VOID KeFlushQueuedDpcs(VOID)
{
    FT_DDI_BEGIN(DPC_REMOVE, 0);
    while (dpcs_active())
        ft_task_wait(drained, 0);
    ft_emit(FT_EV_DPC_FLUSH);
    FT_DDI_END(DPC_REMOVE, 0);
}

struct dpc_call {
    PKDEFERRED_ROUTINE routine;
    PVOID context, argument1, argument2;
};

static uint64_t call_dpc(void *a, void *b, void *c, void *d)
{
    const struct dpc_call *call = b;

    (void)c;
    (void)d;
    call->routine(a, call->context, call->argument1, call->argument2);
    return 0;
}

static void run_dpc(void *argument)
{
    PRKDPC dpc = argument;
    struct ft_task *task = ft_current();
    struct dpc_call call = {dpc->DeferredRoutine, dpc->DeferredContext, dpc->SystemArgument1,
                            dpc->SystemArgument2};
    uint64_t irp = ft_block_handle(call.argument1);
    unsigned request = ft_handle_class(irp) == FT_HC_IRP ? ft_handle_id(irp) : 0;

    task->layer = FT_LAYER_SYSTEM;
    task->label = (uint16_t)(request ? ft_block_label(call.argument1) : 0);
    ft_call_driver_routine(task->kind == FT_TASK_TIMER ? FT_ROUTINE_TIMER_DPC : FT_ROUTINE_DPC,
                           ft_object_handle(dpc, FT_HC_DPC), 0, request, call_dpc, dpc, &call, NULL,
                           NULL);
    if (!dpcs_active())
        ft_wake_waiters(drained, STATUS_SUCCESS, true);
}

void ft_dpc_begin(void *dpc, unsigned kind, unsigned cpu)
{
    struct ft_task *task = ft_task_spawn(kind, run_dpc, dpc, 0);

    ((PRKDPC)dpc)->DpcData = NULL;
    if (!task)
        return;
    task->irql = DISPATCH_LEVEL;
    task->target = (uint8_t)cpu;
}

bool ft_dpc_start_next(unsigned *cpu)
{
    for (unsigned i = 0; i < FT_M->dpc_count; i++) {
        void *dpc = FT_M->dpc_queue[i].dpc;

        *cpu = FT_M->dpc_queue[i].cpu;
        if (ft_cpu_irql(*cpu) >= DISPATCH_LEVEL)
            continue;
        dequeue(i);
        ft_dpc_begin(dpc, FT_TASK_DPC, *cpu);
        return true;
    }
    return false;
}
