/* Cancel-safe queues (wdm-io sheet, section 4.5).
 *
 * The driver keeps the queue and its lock; the library decides who owns a request. A queued request
 * carries the library's cancel routine, and whoever takes that routine out of the IRP takes the
 * request out of the queue. DriverContext[3] leads from the IRP to its context, or to the queue
 * when there is none; both begin with their type.
 *
 * The library marks requests pending on the driver's behalf (event irp:pending, layer DRIVER); what
 * it does to the cancel routine is its own (layer SYSTEM). There is no point between two callbacks
 * but those of the callbacks.
 */
#include "io/io_private.h"

/* What a callback is for: the code of its events. */
enum {
    CALL_INSERT = 1,
    CALL_REMOVE,
    CALL_PEEK,
    CALL_ACQUIRE,
    CALL_RELEASE,
    CALL_COMPLETE,
    CALL_INSERT_EX
};

struct callback {
    PIO_CSQ csq;
    PIRP irp;
    PVOID context;
    KIRQL *irql;
    unsigned code;
    NTSTATUS status;
};

static uint64_t handle_of(PIO_CSQ csq)
{
    return ft_object_handle(csq, FT_HC_CSQ);
}

static uint64_t call_queue(void *argument, void *unused, void *unused2, void *unused3)
{
    struct callback *call = argument;
    PIO_CSQ csq = call->csq;

    (void)unused;
    (void)unused2;
    (void)unused3;
    switch (call->code) {
    case CALL_INSERT:
        csq->CsqInsertIrp(csq, call->irp);
        return 0;
    case CALL_INSERT_EX:
        call->status =
            ((PIO_CSQ_INSERT_IRP_EX)(void *)csq->CsqInsertIrp)(csq, call->irp, call->context);
        return (uint32_t)call->status;
    case CALL_REMOVE:
        csq->CsqRemoveIrp(csq, call->irp);
        return 0;
    case CALL_PEEK:
        call->irp = csq->CsqPeekNextIrp(csq, call->irp, call->context);
        return ft_handle_of(call->irp);
    case CALL_ACQUIRE:
        csq->CsqAcquireLock(csq, call->irql);
        return 0;
    case CALL_RELEASE:
        csq->CsqReleaseLock(csq, *call->irql);
        return 0;
    default:
        csq->CsqCompleteCanceledIrp(csq, call->irp);
        return 0;
    }
}

static void call_back(struct callback *call)
{
    unsigned request = call->code == CALL_PEEK || !call->irp ? 0 : ft_irp_id(call->irp);

    ft_call_routine((void *)call->csq->CsqAcquireLock, FT_ROUTINE_CSQ, handle_of(call->csq),
                    call->code, request, call_queue, call, NULL, NULL, NULL);
}

static KIRQL acquire(PIO_CSQ csq)
{
    KIRQL irql = PASSIVE_LEVEL;

    call_back(&(struct callback){.csq = csq, .irql = &irql, .code = CALL_ACQUIRE});
    return irql;
}

static void release(PIO_CSQ csq, KIRQL irql)
{
    call_back(&(struct callback){.csq = csq, .irql = &irql, .code = CALL_RELEASE});
}

static void complete_canceled(PIO_CSQ csq, PIRP irp)
{
    call_back(&(struct callback){.csq = csq, .irp = irp, .code = CALL_COMPLETE});
}

/* ---- an IRP and its queue ---- */

static void tie(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context)
{
    irp->Tail.Overlay.DriverContext[3] = csq;
    if (ft_layer_of((void *)csq->CsqInsertIrp) == FT_LAYER_DRIVER)
        ft_irp_linked(irp);
    if (!context)
        return;
    context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
    context->Irp = irp;
    context->Csq = csq;
    irp->Tail.Overlay.DriverContext[3] = context;
}

static PIO_CSQ_IRP_CONTEXT context_of(PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context = irp->Tail.Overlay.DriverContext[3];

    return context->Type == IO_TYPE_CSQ_IRP_CONTEXT ? context : NULL;
}

static void untie(PIRP irp)
{
    PIO_CSQ_IRP_CONTEXT context = context_of(irp);

    if (context)
        context->Irp = NULL;
    ft_irp_unqueued(irp);
    irp->Tail.Overlay.DriverContext[3] = NULL;
}

/* With the lock held. */
static void take_out(PIO_CSQ csq, PIRP irp)
{
    call_back(&(struct callback){.csq = csq, .irp = irp, .code = CALL_REMOVE});
    untie(irp);
}

/* The IRP is the caller's from here on; false: its cancel routine is running. */
static bool claim(PIRP irp)
{
    return ft_cancel_exchange(irp, NULL) != NULL;
}

/* The cancel routine of every queued request. It runs in layer SYSTEM, with the cancel lock held,
 * which it gives back before it does anything else. */
VOID ft_csq_cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_CSQ_IRP_CONTEXT context = context_of(Irp);
    PIO_CSQ csq = context ? context->Csq : Irp->Tail.Overlay.DriverContext[3];
    KIRQL irql;

    (void)DeviceObject;
    ft_cancel_unlock(Irp->CancelIrql);
    irql = acquire(csq);
    take_out(csq, Irp);
    ft_emit(FT_EV_CSQ_CANCEL, handle_of(csq), ft_irp_handle(Irp));
    release(csq, irql);
    complete_canceled(csq, Irp);
}

/* ---- the routines ---- */

static NTSTATUS initialize(PIO_CSQ csq, ULONG type, const IO_CSQ *how)
{
    *csq = *how;
    csq->Type = type;
    csq->ReservePointer = NULL;
    ft_emit(FT_EV_CSQ_INIT, ft_object_register(csq, FT_HC_CSQ));
    return STATUS_SUCCESS;
}

NTSTATUS IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp,
                         PIO_CSQ_REMOVE_IRP CsqRemoveIrp, PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                         PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                         PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    IO_CSQ how = {.CsqInsertIrp = CsqInsertIrp,
                  .CsqRemoveIrp = CsqRemoveIrp,
                  .CsqPeekNextIrp = CsqPeekNextIrp,
                  .CsqAcquireLock = CsqAcquireLock,
                  .CsqReleaseLock = CsqReleaseLock,
                  .CsqCompleteCanceledIrp = CsqCompleteCanceledIrp};
    NTSTATUS status;

    FT_DDI_BEGIN(CSQ, 0);
    status = initialize(Csq, IO_TYPE_CSQ, &how);
    FT_DDI_END(CSQ, 0);
    return status;
}

/* The insert routine has another type; the queue's own type says which it is. */
NTSTATUS IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp,
                           PIO_CSQ_REMOVE_IRP CsqRemoveIrp, PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                           PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                           PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp)
{
    IO_CSQ how = {.CsqInsertIrp = (PIO_CSQ_INSERT_IRP)(void *)CsqInsertIrp,
                  .CsqRemoveIrp = CsqRemoveIrp,
                  .CsqPeekNextIrp = CsqPeekNextIrp,
                  .CsqAcquireLock = CsqAcquireLock,
                  .CsqReleaseLock = CsqReleaseLock,
                  .CsqCompleteCanceledIrp = CsqCompleteCanceledIrp};
    NTSTATUS status;

    FT_DDI_BEGIN(CSQ, 0);
    status = initialize(Csq, IO_TYPE_CSQ_EX, &how);
    FT_DDI_END(CSQ, 0);
    return status;
}

/* A request that was cancelled on its way in, and that nobody else has claimed, goes out again at
 * once. */
static NTSTATUS insert(PIO_CSQ csq, PIRP irp, PIO_CSQ_IRP_CONTEXT context, PVOID insert_context)
{
    bool extended = csq->Type == IO_TYPE_CSQ_EX;
    struct callback call = {.csq = csq,
                            .irp = irp,
                            .context = insert_context,
                            .code = extended ? CALL_INSERT_EX : CALL_INSERT};
    uint64_t handle = ft_irp_handle(irp);
    unsigned locks = ft_current()->locks;
    KIRQL irql = acquire(csq);
    bool canceled = false;

    tie(csq, irp, context);
    call_back(&call);
    if (NT_SUCCESS(call.status)) {
        ft_irp_mark_pending(irp);
        ft_cancel_exchange(irp, ft_csq_cancel);
        canceled = irp->Cancel && claim(irp);
        if (canceled)
            take_out(csq, irp);
        else if (ft_layer_of((void *)csq->CsqAcquireLock) == FT_LAYER_DRIVER)
            ft_irp_queued(irp, ft_current()->locks > locks);
    } else {
        untie(irp);
    }
    release(csq, irql);
    if (canceled)
        complete_canceled(csq, irp);
    ft_emit(FT_EV_CSQ_INSERT, handle_of(csq), handle, (uint32_t)call.status, context != NULL);
    return call.status;
}

VOID IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(CSQ, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    insert(Csq, Irp, Context, NULL);
    FT_DDI_END(CSQ, label);
}

/* On a queue of IoCsqInitialize it is IoCsqInsertIrp, and succeeds. */
NTSTATUS IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext)
{
    unsigned label = ft_label_of(Irp);
    NTSTATUS status;

    FT_DDI_BEGIN(CSQ, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    status = insert(Csq, Irp, Context, InsertContext);
    FT_DDI_END(CSQ, label);
    return status;
}

/* Requests whose cancel routine runs are passed over: they leave the queue without us. */
PIRP IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext)
{
    struct callback peek = {.csq = Csq, .context = PeekContext, .code = CALL_PEEK};
    KIRQL irql;

    FT_DDI_BEGIN(CSQ, 0);
    irql = acquire(Csq);
    do
        call_back(&peek);
    while (peek.irp && !claim(peek.irp));
    if (peek.irp)
        take_out(Csq, peek.irp);
    release(Csq, irql);
    ft_emit(FT_EV_CSQ_REMOVE, handle_of(Csq), ft_handle_of(peek.irp), false);
    FT_DDI_END(CSQ, ft_label_of(peek.irp));
    return peek.irp;
}

PIRP IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context)
{
    PIRP irp;
    KIRQL irql;

    FT_DDI_BEGIN(CSQ, 0);
    irql = acquire(Csq);
    irp = Context->Irp;
    if (irp && !claim(irp))
        irp = NULL;
    if (irp)
        take_out(Csq, irp);
    release(Csq, irql);
    ft_emit(FT_EV_CSQ_REMOVE, handle_of(Csq), ft_handle_of(irp), true);
    FT_DDI_END(CSQ, ft_label_of(irp));
    return irp;
}
