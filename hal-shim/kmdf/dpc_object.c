/* DPC objects. */
#include "kmdf/kmdf_private.h"

struct dpc {
    struct ft_wdf_deferred head;
    KDPC dpc;
};

FT_FRAMEWORK_ROUTINE
static VOID NTAPI run(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    ft_wdf_deferred_run(context, FT_ROUTINE_WDF_DPC);
}

/* Waits for a DPC that has left the queue and may run. */
static bool cancel_and_wait(struct dpc *dpc)
{
    bool cancelled = KeRemoveQueueDpc(&dpc->dpc);

    if (!cancelled)
        KeFlushQueuedDpcs();
    return cancelled;
}

static void dispose(struct ft_wdf_object *object)
{
    cancel_and_wait((struct dpc *)object);
}

static const struct ft_wdf_class dpc_class = {
    .handle_class = FT_HC_WDF_DPC, .passive = 1, .dispose = dispose};

static struct dpc *create(const WDF_DPC_CONFIG *config, const WDF_OBJECT_ATTRIBUTES *attributes,
                          NTSTATUS *status)
{
    struct dpc *dpc;

    *status = STATUS_INFO_LENGTH_MISMATCH;
    if (config->Size != sizeof *config)
        return NULL;
    *status = STATUS_INVALID_PARAMETER;
    if (!config->EvtDpcFunc)
        return NULL;
    dpc = ft_wdf_deferred_new(&dpc_class, sizeof *dpc, (void *)config->EvtDpcFunc, attributes,
                              config->AutomaticSerialization, false, status);
    if (dpc)
        KeInitializeDpc(&dpc->dpc, run, dpc);
    return dpc;
}

NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_DPC, 0);
    ft_wdf_require(Config);
    ft_wdf_require(Dpc);
    *Dpc = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        *Dpc = (WDFDPC)create(Config, Attributes, &status);
    FT_WDF_END(WDF_DPC, 0);
    return status;
}

BOOLEAN WdfDpcEnqueue(WDFDPC Dpc)
{
    bool queued = false, deleting;
    struct dpc *dpc;

    FT_WDF_BEGIN(WDF_DPC, ft_wdf_label(Dpc));
    dpc = ft_wdf_check(Dpc, FT_HC_WDF_DPC);
    deleting = dpc->head.object.state != FT_WDF_OBJECT_ALIVE;
    if (!deleting)
        queued = KeInsertQueueDpc(&dpc->dpc, NULL, NULL);
    ft_wdf_emit(FT_EV_WDF_DPC_QUEUE, ft_wdf_handle(dpc), queued, deleting);
    FT_WDF_END(WDF_DPC, ft_wdf_label(Dpc));
    return queued;
}

BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait)
{
    bool cancelled, may_wait;
    struct dpc *dpc;

    FT_WDF_BEGIN(WDF_DPC, ft_wdf_label(Dpc));
    dpc = ft_wdf_check(Dpc, FT_HC_WDF_DPC);
    may_wait = Wait && ft_wdf_irql_ok(PASSIVE_LEVEL);
    cancelled = may_wait ? cancel_and_wait(dpc) : KeRemoveQueueDpc(&dpc->dpc);
    ft_wdf_emit(FT_EV_WDF_DPC_CANCEL, ft_wdf_handle(dpc), Wait != 0, cancelled);
    FT_WDF_END(WDF_DPC, ft_wdf_label(Dpc));
    return cancelled;
}

WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc)
{
    FT_WDF_RETURN(WDFOBJECT, WDF_DPC, ft_wdf_label(Dpc),
                  ((struct dpc *)ft_wdf_check(Dpc, FT_HC_WDF_DPC))->head.object.parent);
}

PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc)
{
    FT_WDF_RETURN(PKDPC, WDF_DPC, ft_wdf_label(Dpc),
                  &((struct dpc *)ft_wdf_check(Dpc, FT_HC_WDF_DPC))->dpc);
}
