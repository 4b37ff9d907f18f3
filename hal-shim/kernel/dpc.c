/* DPCs (wdm-io sheet, section 10): one queue, first in, first out, but that a DPC of high
 * importance goes to its head. A DPC runs on the processor that queued it, or on its target
 * processor; it leaves the queue before its routine runs, and may be queued again while it runs.
 *
 * Threaded DPCs run at DISPATCH_LEVEL like ordinary ones, as they do on Windows where they are
 * disabled: a driver must be ready for that. Low and medium importance do not differ: a DPC is
 * never put off for its importance.
 */
#include "kernel/dpc.h"
#include "kernel/dispatcher.h"

static void *const drained = &FT_M->dpc_count; /* what KeFlushQueuedDpcs waits for */

enum { DPC_OBJECT = 19, THREADED_DPC_OBJECT = 24 };

static void init_dpc(PRKDPC dpc, UCHAR type, PKDEFERRED_ROUTINE routine, PVOID context)
{
    RtlZeroMemory(dpc, sizeof *dpc);
    dpc->Type = type;
    dpc->Importance = MediumImportance;
    dpc->DeferredRoutine = routine;
    dpc->DeferredContext = context;
    ft_emit(FT_EV_DPC_INIT, ft_object_register(dpc, FT_HC_DPC));
}

/* Importance, target processor plus 1 (0: none) and kind, as they are now. */
static void tell_setup(PRKDPC dpc)
{
    ft_emit(FT_EV_DPC_SETUP, ft_object_handle(dpc, FT_HC_DPC), dpc->Importance, dpc->Number,
            dpc->Type == THREADED_DPC_OBJECT);
}

VOID KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    FT_DDI_BEGIN(DPC_INSERT, 0);
    init_dpc(Dpc, DPC_OBJECT, DeferredRoutine, DeferredContext);
    FT_DDI_END(DPC_INSERT, 0);
}

VOID KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    FT_DDI_BEGIN(DPC_INSERT, 0);
    init_dpc(Dpc, THREADED_DPC_OBJECT, DeferredRoutine, DeferredContext);
    tell_setup(Dpc);
    FT_DDI_END(DPC_INSERT, 0);
}

VOID KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance)
{
    FT_DDI_BEGIN(DPC_INSERT, 0);
    Dpc->Importance = (UCHAR)Importance;
    tell_setup(Dpc);
    FT_DDI_END(DPC_INSERT, 0);
}

/* A processor that does not exist is bug check 0xC7 when the DPC is queued. */
VOID KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number)
{
    FT_DDI_BEGIN(DPC_INSERT, 0);
    Dpc->Number = (USHORT)((UCHAR)Number + 1);
    tell_setup(Dpc);
    FT_DDI_END(DPC_INSERT, 0);
}

NTSTATUS KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber)
{
    bool valid = ProcNumber->Group == 0 && ProcNumber->Number < FT_M->cpus && !ProcNumber->Reserved;

    FT_DDI_BEGIN(DPC_INSERT, 0);
    if (valid)
        Dpc->Number = (USHORT)(ProcNumber->Number + 1);
    tell_setup(Dpc);
    FT_DDI_END(DPC_INSERT, 0);
    return valid ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

static unsigned target_of(PRKDPC dpc)
{
    enum { INVALID_TIMER_OR_DPC = 0xC7, BAD_PROCESSOR = 3 };

    if (dpc->Number > FT_M->cpus)
        ft_bugcheck(INVALID_TIMER_OR_DPC, BAD_PROCESSOR, ft_object_handle(dpc, FT_HC_DPC),
                    dpc->Number - 1u, FT_M->cpus);
    return dpc->Number ? dpc->Number - 1u : ft_current()->cpu;
}

static void enqueue(PRKDPC dpc)
{
    struct ft_dpc_entry entry = {dpc, FT_M->order_next++, (uint8_t)target_of(dpc), FT_DEV->number};
    unsigned at = FT_M->dpc_count;

    if (FT_M->dpc_count == FT_DPC_QUEUE_MAX) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop_now(FT_STOP_CUT);
    }
    if (dpc->Importance == HighImportance)
        for (; at > 0; at--)
            FT_M->dpc_queue[at] = FT_M->dpc_queue[at - 1];
    FT_M->dpc_queue[at] = entry;
    FT_M->dpc_count++;
}

/* The second call's arguments are lost when the DPC is queued already. */
BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    bool inserted = false;

    FT_DDI_BEGIN(DPC_INSERT, ft_label_of(SystemArgument1));
    if (!Dpc->DpcData) {
        enqueue(Dpc);
        Dpc->SystemArgument1 = SystemArgument1;
        Dpc->SystemArgument2 = SystemArgument2;
        Dpc->DpcData = Dpc;
        inserted = true;
    }
    ft_emit(FT_EV_DPC_INSERT, ft_object_handle(Dpc, FT_HC_DPC), inserted,
            ft_handle_of(SystemArgument1));
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
            if (timer->period == 0)
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

/* DPCs that were queued before that moment, and wait or run. */
static bool active_before(uint32_t moment)
{
    if (FT_M->dma.completions_due != 0)
        return true; /* the HAL calls completion routines from a DPC of its own */
    for (unsigned i = 0; i < FT_M->dpc_count; i++)
        if (FT_M->dpc_queue[i].queued < moment)
            return true;
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++)
        if (FT_M->timer[i].timer && FT_M->timer[i].pending && FT_M->timer[i].expired < moment)
            return true;
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        if (task != ft_current() && task->queued < moment &&
            (task->kind == FT_TASK_DPC || task->kind == FT_TASK_TIMER))
            return true;
    }
    return false;
}

bool ft_dpc_is_busy(const KDPC *dpc)
{
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        if (task != ft_current() && task->argument == dpc &&
            (task->kind == FT_TASK_DPC || task->kind == FT_TASK_TIMER))
            return true;
    }
    return dpc->DpcData != NULL;
}

void ft_dpc_wait_any(void)
{
    ft_block_on(drained, 0);
}

/* Waits for every DPC that was queued before the call, on any processor, and for those that run. */
VOID KeFlushQueuedDpcs(VOID)
{
    uint32_t moment;

    FT_DDI_BEGIN(DPC_REMOVE, 0);
    moment = FT_M->order_next;
    while (active_before(moment))
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
    if (ft_io_owns_dpc((void *)call.routine))
        call.routine(dpc, call.context, NULL, NULL);
    else
        ft_call_routine((void *)call.routine,
                        task->kind == FT_TASK_TIMER ? FT_ROUTINE_TIMER_DPC : FT_ROUTINE_DPC,
                        ft_object_handle(dpc, FT_HC_DPC), 0, request, call_dpc, dpc, &call, NULL,
                        NULL);
    ft_wake_waiters(drained, STATUS_SUCCESS, true);
}

void ft_dpc_begin(unsigned kind, const struct ft_dpc_entry *entry)
{
    PRKDPC dpc = entry->dpc;
    struct ft_task *task = ft_task_spawn(kind, run_dpc, dpc, 0);

    dpc->DpcData = NULL;
    if (!task)
        return;
    ft_task_about(task, entry->focus);
    task->irql = DISPATCH_LEVEL;
    task->target = entry->cpu;
    task->queued = entry->queued;
    if (kind == FT_TASK_TIMER && dpc->Number)
        task->affinity = (uint8_t)(1u << (dpc->Number - 1));
}

bool ft_dpc_start(unsigned index)
{
    struct ft_dpc_entry entry = FT_M->dpc_queue[index];

    dequeue(index);
    ft_dpc_begin(FT_TASK_DPC, &entry);
    return true;
}

bool ft_dpc_start_next(unsigned *cpu)
{
    for (unsigned i = 0; i < FT_M->dpc_count; i++) {
        *cpu = FT_M->dpc_queue[i].cpu;
        if (ft_cpu_irql(*cpu) < DISPATCH_LEVEL)
            return ft_dpc_start(i);
    }
    return false;
}

/* A processor runs the DPCs of its queue in their order. */
bool ft_dpc_may_begin(unsigned index)
{
    unsigned cpu = FT_M->dpc_queue[index].cpu;

    for (unsigned i = 0; i < index; i++)
        if (FT_M->dpc_queue[i].cpu == cpu)
            return false;
    return ft_cpu_irql(cpu) < DISPATCH_LEVEL;
}
