/* Cancellation (wdm-io sheet, section 4): the cancel spin lock, cancel routines, IoCancelIrp.
 *
 * The cancel lock is one for the whole machine and not recursive. A cancel routine is entered with
 * it held and gives it back with the IRQL that IoCancelIrp left in the IRP.
 */
#include "io/io_private.h"
#include "kernel/locks.h"

static uint64_t cancel_lock_handle(void)
{
    return ft_object_handle(&FT_IO->cancel_lock, FT_HC_LOCK);
}

static KIRQL acquire(void)
{
    KIRQL old = (KIRQL)ft_irql();

    if (old < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    ft_lock_take(&FT_IO->cancel_lock, cancel_lock_handle());
    ft_emit(FT_EV_CANCEL_LOCK, old);
    return old;
}

/* A lock that the caller does not hold stays as it is: the event says so, and a rule judges. */
static void release(KIRQL irql)
{
    bool held = FT_IO->cancel_lock == ft_current()->id;

    ft_emit(FT_EV_CANCEL_UNLOCK, irql, held);
    if (held)
        ft_lock_give(&FT_IO->cancel_lock);
    ft_irql_set(irql);
}

KIRQL ft_cancel_lock(void)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);
    KIRQL old = acquire();

    ft_layer_set(layer);
    return old;
}

void ft_cancel_unlock(KIRQL irql)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);

    release(irql);
    ft_layer_set(layer);
}

VOID IoAcquireCancelSpinLock(PKIRQL Irql)
{
    FT_DDI_BEGIN(CANCEL_LOCK, 0);
    *Irql = acquire();
    FT_DDI_END(CANCEL_LOCK, 0);
}

VOID IoReleaseCancelSpinLock(KIRQL Irql)
{
    FT_DDI_BEGIN(CANCEL_UNLOCK, 0);
    release(Irql);
    FT_DDI_END(CANCEL_UNLOCK, 0);
}

static PDRIVER_CANCEL exchange(PIRP irp, PDRIVER_CANCEL routine)
{
    PDRIVER_CANCEL previous = irp->CancelRoutine;

    irp->CancelRoutine = routine;
    ft_emit(FT_EV_IRP_SET_CANCEL, ft_irp_handle(irp), routine != NULL, previous != NULL,
            irp->Cancel != 0);
    return previous;
}

PDRIVER_CANCEL ft_cancel_exchange(PIRP irp, PDRIVER_CANCEL routine)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);
    PDRIVER_CANCEL previous = exchange(irp, routine);

    ft_layer_set(layer);
    return previous;
}

/* IoSetCancelRoutine: an atomic exchange. NULL for NULL means that there was no routine, or that
 * IoCancelIrp has claimed it. */
PDRIVER_CANCEL IoSetCancelRoutine(PIRP Irp, PDRIVER_CANCEL CancelRoutine)
{
    unsigned label = ft_label_of(Irp);
    PDRIVER_CANCEL previous;

    FT_DDI_BEGIN(IRP_SET_CANCEL, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    previous = exchange(Irp, CancelRoutine);
    if (ft_current()->layer == FT_LAYER_DRIVER)
        ft_irp_cancel_set(Irp, CancelRoutine != NULL);
    FT_DDI_END(IRP_SET_CANCEL, label);
    return previous;
}

static uint64_t call_cancel(void *routine, void *device, void *irp, void *unused)
{
    (void)unused;
    ((PDRIVER_CANCEL)routine)(device, irp);
    return 0;
}

void ft_cancel_call(PIRP irp, PDRIVER_CANCEL routine)
{
    /* An IRP that nobody was called with has no current location; its routine then gets no device.
     */
    PDEVICE_OBJECT device = irp->CurrentLocation <= irp->StackCount
                                ? IoGetCurrentIrpStackLocation(irp)->DeviceObject
                                : NULL;
    uint16_t request = ft_current()->request;
    uint8_t layer;

    if (routine == ft_csq_cancel || routine == ft_wake_cancel) {
        layer = ft_layer_set(FT_LAYER_SYSTEM);
        ft_current()->request = (uint16_t)ft_irp_id(irp);
        routine(device, irp);
        ft_current()->request = request;
        ft_layer_set(layer);
        return;
    }
    ft_call_routine((void *)routine, FT_ROUTINE_CANCEL, ft_irp_handle(irp), 0, ft_irp_id(irp),
                    call_cancel, (void *)routine, device, irp, NULL);
}

bool ft_irp_cancel(PIRP irp)
{
    PDRIVER_CANCEL routine;
    KIRQL old;

    ft_irp_check(irp, FT_NOT_AN_IRP);
    old = ft_cancel_lock();
    /* The wait for the lock may have been long: a driver that cancels an IRP it does not keep alive
     * meets its end here. */
    ft_irp_check(irp, FT_NOT_AN_IRP);
    irp->CancelIrql = old;
    irp->Cancel = TRUE;
    routine = irp->CancelRoutine;
    irp->CancelRoutine = NULL;
    ft_emit(FT_EV_IRP_CANCEL, ft_irp_handle(irp), routine != NULL);
    ft_irp_cancel_set(irp, false);
    if (routine)
        ft_cancel_call(irp, routine);
    else
        ft_cancel_unlock(old);
    return routine != NULL;
}

/* The Cancel bit stays set in both cases. */
BOOLEAN IoCancelIrp(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    bool called;

    FT_DDI_BEGIN(IRP_CANCEL, label);
    called = ft_irp_cancel(Irp);
    FT_DDI_END(IRP_CANCEL, label);
    return called;
}
