/* Who may touch an IRP (wdm-io sheet, sections 1.3, 4.4 and 4.5), for the access flavour alone.
 *
 * Passed down: an IRP that the driver got, or that the I/O manager frees for it, is nobody's of the
 * driver any more once it went to a driver below without a completion routine of the driver's own,
 * or once that routine let its completion go on; another routine that is called with it has it
 * back. Between the call and such a routine nothing is judged, since a routine that keeps the IRP
 * makes touches of the driver's own location harmless. Nor are IRPs of IoAllocateIrp, which their
 * driver keeps alive.
 *
 * Queued: in a cancel-safe queue whose lock is a spin lock an IRP may go at any time but under that
 * lock, so a task that holds no spin lock may not touch it. The link to the queue is the library's.
 *
 * Its cancel routine set: a cancel that came before found no routine to call, so Irp->Cancel is
 * read afterwards. With the cancel lock held it may have been read before; that is not judged.
 */
#include "io/io_private.h"
#include "world/races.h"

static size_t bytes_of(const IRP *irp)
{
    return sizeof *irp + (size_t)irp->StackCount * sizeof(IO_STACK_LOCATION);
}

static bool is_somebody_elses(PIRP irp)
{
    const struct ft_irp_private *private = ft_irp_private(irp);

    return private && private->owner != FT_IRP_OF_DRIVER && private->owner != FT_IRP_ASSOCIATED;
}

void ft_irp_gone(PIRP irp)
{
    if (is_somebody_elses(irp))
        ft_watch(FT_TOUCH_FORWARDED, irp, bytes_of(irp));
}

void ft_irp_back(PIRP irp)
{
    ft_unwatch(FT_TOUCH_FORWARDED, irp);
}

void ft_irp_queued(PIRP irp, bool locked)
{
    if (locked && ft_irp_private(irp))
        ft_watch(FT_TOUCH_QUEUED, irp, bytes_of(irp));
}

void ft_irp_linked(PIRP irp)
{
    if (ft_irp_private(irp))
        ft_watch(FT_TOUCH_QUEUE_LINK, &irp->Tail.Overlay.DriverContext[3], sizeof(PVOID));
}

void ft_irp_unqueued(PIRP irp)
{
    ft_unwatch(FT_TOUCH_QUEUED, irp);
    ft_unwatch(FT_TOUCH_QUEUE_LINK, &irp->Tail.Overlay.DriverContext[3]);
}

void ft_irp_cancel_set(PIRP irp, bool set)
{
    bool locked = FT_IO->cancel_lock == ft_current()->id;

    if (!set || locked)
        ft_unwatch(FT_TOUCH_UNTESTED, &irp->Cancel);
    else if (ft_irp_private(irp))
        ft_watch(FT_TOUCH_UNTESTED, &irp->Cancel, sizeof irp->Cancel);
}
