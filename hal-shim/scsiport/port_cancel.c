/* A request in a queue of the port can be cancelled; one that has left it cannot, until it is over.
 *
 * SCSI Port's documentation is silent here. A queue may be held for long (power, a stop that was
 * asked for), and who waits for the request must be able to give up.
 */
#include "scsiport/engine.h"

static struct ft_scsi_request *queued_with(struct ft_scsi_adapter *adapter, const IRP *irp)
{
    struct ft_scsi_request *r = adapter->queue;

    while (r && r->irp != irp)
        r = r->next;
    for (struct ft_scsi_unit *unit = adapter->units; unit && !r; unit = unit->next)
        for (r = unit->queue; r && r->irp != irp;)
            r = r->next;
    return r;
}

static struct ft_scsi_request *take_out(struct ft_scsi_adapter *adapter, const IRP *irp)
{
    struct ft_scsi_request *request;
    KIRQL irql;

    KeAcquireSpinLock(&adapter->lock, &irql);
    request = queued_with(adapter, irp);
    if (request)
        ft_scsi_take_out(request);
    KeReleaseSpinLock(&adapter->lock, irql);
    return request;
}

FT_PORT_ROUTINE
static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_scsi_request *request = NULL;

    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    for (struct ft_scsi_adapter *a = FT_SCSI->adapters; a && !request; a = a->next)
        request = take_out(a, irp);
    if (!request)
        return;
    request->cancelled = 1;
    ft_scsi_request_fail(request, SRB_STATUS_ABORTED);
}

bool ft_scsi_cancelable(struct ft_scsi_request *request)
{
    PIRP irp = request->irp;

    if (!irp)
        return true;
    IoSetCancelRoutine(irp, cancel);
    return !irp->Cancel || !IoSetCancelRoutine(irp, NULL);
}

bool ft_scsi_claim(struct ft_scsi_request *request)
{
    return !request->irp || IoSetCancelRoutine(request->irp, NULL) != NULL;
}
