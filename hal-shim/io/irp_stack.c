/* Stack locations of an IRP (wdm-io sheet, sections 1.2 and 2.2).
 *
 * The next location is the one below the current one; a driver prepares it (skip, copy) for the
 * driver it calls. A completion routine stands in the location below the driver that set it.
 */
#include "io/io_private.h"

#include <string.h>

void ft_irp_mark_pending(PIRP irp)
{
    IoGetCurrentIrpStackLocation(irp)->Control |= SL_PENDING_RETURNED;
    ft_emit(FT_EV_IRP_PENDING, ft_irp_handle(irp));
}

VOID IoMarkIrpPending(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_PENDING, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    ft_irp_mark_pending(Irp);
    FT_DDI_END(IRP_PENDING, label);
}

VOID IoSkipCurrentIrpStackLocation(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
    ft_emit(FT_EV_IRP_SKIP, ft_irp_handle(Irp));
    FT_DDI_END(IRP_STACK, label);
}

/* Copies all but the completion routine; the next location's Control starts empty. At the lowest
 * location there is no next one: the memory before it belongs to the IRP, so the copy is left out
 * and IoCallDriver stops with bug check 0x35. */
void ft_irp_copy_location(PIRP irp)
{
    if (irp->CurrentLocation > 1) {
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

        memcpy(next, IoGetCurrentIrpStackLocation(irp),
               offsetof(IO_STACK_LOCATION, CompletionRoutine));
        next->Control = 0;
    }
    ft_emit(FT_EV_IRP_COPY, ft_irp_handle(irp));
}

VOID IoCopyCurrentIrpStackLocationToNext(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    ft_irp_copy_location(Irp);
    FT_DDI_END(IRP_STACK, label);
}

/* The originator takes the highest location for itself. */
VOID IoSetNextIrpStackLocation(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    Irp->CurrentLocation--;
    Irp->Tail.Overlay.CurrentStackLocation--;
    ft_emit(FT_EV_IRP_SET_NEXT, ft_irp_handle(Irp));
    FT_DDI_END(IRP_STACK, label);
}

void ft_irp_set_completion(PIRP irp, PIO_COMPLETION_ROUTINE routine, PVOID context, UCHAR control)
{
    if (irp->CurrentLocation > 1) {
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

        next->CompletionRoutine = routine;
        next->Context = context;
        next->Control = control;
    }
    ft_emit(FT_EV_IRP_SET_COMPLETION, ft_irp_handle(irp), control);
}

static UCHAR invoke_flags(BOOLEAN on_success, BOOLEAN on_error, BOOLEAN on_cancel)
{
    return (UCHAR)((on_success ? SL_INVOKE_ON_SUCCESS : 0) | (on_error ? SL_INVOKE_ON_ERROR : 0) |
                   (on_cancel ? SL_INVOKE_ON_CANCEL : 0));
}

VOID IoSetCompletionRoutine(PIRP Irp, PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                            BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError, BOOLEAN InvokeOnCancel)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    ft_irp_set_completion(Irp, CompletionRoutine, Context,
                          invoke_flags(InvokeOnSuccess, InvokeOnError, InvokeOnCancel));
    FT_DDI_END(IRP_STACK, label);
}

/* Not modelled: the reference that keeps the driver loaded until the routine returns. */
NTSTATUS IoSetCompletionRoutineEx(PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                  PIO_COMPLETION_ROUTINE CompletionRoutine, PVOID Context,
                                  BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                  BOOLEAN InvokeOnCancel)
{
    unsigned label = ft_label_of(Irp);
    bool fails;

    (void)DeviceObject;
    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    fails = ft_alloc_fails(FT_FAIL_POOL);
    if (!fails)
        ft_irp_set_completion(Irp, CompletionRoutine, Context,
                              invoke_flags(InvokeOnSuccess, InvokeOnError, InvokeOnCancel));
    FT_DDI_END(IRP_STACK, label);
    return fails ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}
