/* IRPs that a system thread sends and waits for: the manager's, and create, cleanup and close of
 * the requester's handle. */
#include "io/io_private.h"

/* A handle's IRPs go to the device that was opened. */
static PDEVICE_OBJECT top_for(unsigned slot)
{
    PFILE_OBJECT file;

    if (slot == FT_SEND_MANAGER)
        return ft_device_top(ft_manager_pdo());
    file = FT_DEV->file[slot - FT_SEND_HANDLE].object;
    return ft_device_top(file ? file->DeviceObject : FT_DEV->pdo);
}

PIRP ft_send_prepare(unsigned slot, UCHAR major, UCHAR minor)
{
    PIRP irp =
        ft_irp_create_or_cut(top_for(slot)->StackSize, FT_IRP_OF_SEND, slot, ft_current()->label);
    PIO_STACK_LOCATION next;

    if (!irp)
        return NULL;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = major;
    next->MinorFunction = minor;
    next->FileObject = slot >= FT_SEND_HANDLE ? FT_DEV->file[slot - FT_SEND_HANDLE].object : NULL;
    irp->IoStatus.Status = slot == FT_SEND_MANAGER ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
    FT_DEV->send[slot] = (struct ft_send){.irp = ft_irp_handle(irp)};
    ft_irp_announce_system(irp, 0, false);
    return irp;
}

void ft_send_done(PIRP irp, unsigned slot)
{
    struct ft_send *send = &FT_DEV->send[slot];

    /* An IRP that comes back after its sender gave it up belongs to nobody. */
    if (send->irp == ft_irp_handle(irp)) {
        send->status = irp->IoStatus.Status;
        send->information = irp->IoStatus.Information;
        send->done = 1;
        send->irp = 0;
        ft_wake_waiters(send, STATUS_SUCCESS, true);
        ft_requester_left();
    }
    ft_irp_retire(irp);
}

NTSTATUS ft_send_wait(unsigned slot, PIRP irp)
{
    return ft_send_wait_at(slot, irp, PASSIVE_LEVEL);
}

/* A driver that returns another status than STATUS_PENDING without completing the IRP has lost it;
 * the sender goes on with what was returned, as Windows does, and the IRP is left over at the end.
 */
NTSTATUS ft_send_wait_at(unsigned slot, PIRP irp, KIRQL irql)
{
    struct ft_send *send = &FT_DEV->send[slot];
    uint16_t request = ft_current()->request;
    NTSTATUS status;

    ft_current()->request = (uint16_t)ft_irp_id(irp);
    ft_irql_set(irql);
    status = ft_irp_call(top_for(slot), irp);
    ft_irql_set(PASSIVE_LEVEL);
    while (status == STATUS_PENDING && !send->done)
        ft_task_wait(send, 0);
    if (send->done)
        status = send->status;
    send->irp = 0;
    ft_requester_left();
    ft_current()->request = request;
    return status;
}
