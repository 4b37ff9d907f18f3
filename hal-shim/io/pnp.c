/* PnP requests and the states they lead to (wdm-io sheet, section 6.1).
 *
 *   NotStarted --START--> Started --QUERY_STOP--> StopPending --STOP--> Stopped --START--> Started
 *   Started, NotStarted --QUERY_REMOVE--> RemovePending --REMOVE--> Removed; CANCEL_* leads back
 *   Started, StopPending, Stopped, RemovePending --SURPRISE_REMOVAL--> SurpriseRemoved --REMOVE-->
 * Removed
 *
 * Not modelled: the manager's own veto because of open handles (the requester's handle may be open
 * at an orderly REMOVE, and is then never cleaned up or closed); QUERY_STOP answered with
 * STATUS_RESOURCE_REQUIREMENTS_CHANGED; other resources at a restart; a START of a started device;
 * the queries around a start (capabilities, state, relations).
 */
#include "io/io_private.h"

/* Where a request leads, by minor code. */
static void change_state(UCHAR minor, NTSTATUS status)
{
    struct ft_io_state *io = FT_IO;

    switch (minor) {
    case IRP_MN_START_DEVICE:
        if (NT_SUCCESS(status))
            io->pnp = FT_PNP_STARTED;
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
        if (NT_SUCCESS(status))
            io->pnp = FT_PNP_STOP_PENDING;
        break;
    case IRP_MN_STOP_DEVICE:
        io->pnp = FT_PNP_STOPPED;
        break;
    case IRP_MN_CANCEL_STOP_DEVICE:
        io->pnp = FT_PNP_STARTED;
        break;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        if (NT_SUCCESS(status)) {
            io->pnp_before = io->pnp;
            io->pnp = FT_PNP_REMOVE_PENDING;
        }
        break;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        if (io->pnp == FT_PNP_REMOVE_PENDING)
            io->pnp = io->pnp_before;
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        io->pnp = FT_PNP_SURPRISE_REMOVED;
        break;
    default:
        io->pnp = FT_PNP_REMOVED;
        break;
    }
}

/* The lists live as long as the request; a driver that wants more copies them. */
static NTSTATUS send_start(PIRP irp)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    PCM_RESOURCE_LIST raw = ft_bus_resources(false), translated = ft_bus_resources(true);
    NTSTATUS status;

    if (!raw || !translated)
        ft_io_cut();
    next->Parameters.StartDevice.AllocatedResources = raw;
    next->Parameters.StartDevice.AllocatedResourcesTranslated = translated;
    status = ft_send_wait(FT_SEND_MANAGER, irp);
    ft_block_free(raw);
    ft_block_free(translated);
    return status;
}

NTSTATUS ft_pnp_send(UCHAR minor)
{
    uint64_t device = ft_block_handle(FT_IO->pdo);
    PIRP irp = ft_send_prepare(FT_SEND_MANAGER, IRP_MJ_PNP, minor);
    NTSTATUS status;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    ft_emit(FT_EV_PNP_SEND, device, ft_block_handle(irp), minor);
    if (minor == IRP_MN_START_DEVICE)
        status = send_start(irp);
    else
        status = ft_send_wait(FT_SEND_MANAGER, irp);
    change_state(minor, status);
    ft_emit(FT_EV_PNP_DONE, device, minor, (uint32_t)status, FT_IO->pnp);
    return status;
}

/* A restart that fails leads to SURPRISE_REMOVAL, and to REMOVE when the handle is closed; a first
 * start that fails only to REMOVE. */
NTSTATUS ft_pnp_start(void)
{
    bool stopped = FT_IO->pnp == FT_PNP_STOPPED;
    NTSTATUS status = ft_pnp_send(IRP_MN_START_DEVICE);

    if (!NT_SUCCESS(status) && stopped)
        ft_pnp_send(IRP_MN_SURPRISE_REMOVAL);
    return status;
}

void ft_pnp_stop(void)
{
    if (NT_SUCCESS(ft_pnp_send(IRP_MN_QUERY_STOP_DEVICE)))
        ft_pnp_send(IRP_MN_STOP_DEVICE);
    else
        ft_pnp_send(IRP_MN_CANCEL_STOP_DEVICE);
}

void ft_pnp_query_remove(void)
{
    ft_pnp_send(IRP_MN_QUERY_REMOVE_DEVICE);
    ft_pnp_send(IRP_MN_CANCEL_REMOVE_DEVICE);
}

/* An IRP on its way into the driver keeps its device in Windows, by the reference to its file. */
static void send_remove(void)
{
    ft_requester_keep_out();
    ft_pnp_send(IRP_MN_REMOVE_DEVICE);
}

void ft_pnp_remove(void)
{
    ft_handle_let_go();
    if (NT_SUCCESS(ft_pnp_send(IRP_MN_QUERY_REMOVE_DEVICE))) {
        send_remove();
    } else {
        ft_pnp_send(IRP_MN_CANCEL_REMOVE_DEVICE);
        ft_handle_take_again();
    }
}

/* The hardware went when the op struck, or goes now. */
void ft_pnp_surprise(void)
{
    if (!FT_IO->yanked)
        ft_hardware_yank();
    ft_pnp_send(IRP_MN_SURPRISE_REMOVAL);
}

/* The removal of the orderly end: a veto is answered by pulling the device; a device that is
 * stopped still is pulled at once. */
void ft_pnp_tail_remove(void)
{
    bool pull = FT_IO->pnp == FT_PNP_STOPPED;

    if (FT_IO->pnp == FT_PNP_STARTED && !NT_SUCCESS(ft_pnp_send(IRP_MN_QUERY_REMOVE_DEVICE))) {
        ft_pnp_send(IRP_MN_CANCEL_REMOVE_DEVICE);
        pull = true;
    }
    if (pull)
        ft_pnp_surprise();
    send_remove();
}
