/* Calling drivers and completing IRPs (wdm-io sheet, sections 2.2 and 2.3).
 *
 * "The top" is past the highest location: the originator.
 *
 * Not modelled: the priority boost; the thread that gets an APC (the originator is served at once,
 * in this task); what the I/O manager does with an IRP of IoAllocateIrp whose completion routine
 * did not keep it (it stays, and nobody frees it).
 */
#include "io/io_private.h"
#include "world/races.h"

#include <string.h>

enum {
    BUGCHECK_NO_LOCATIONS = 0x35,
    BUGCHECK_COMPLETED_TWICE = 0x44,
    BUGCHECK_IO_MANAGER = 0xC9,
    BAD_DEVICE_CALLED = 4
};

static uint64_t call_dispatch(void *routine, void *device, void *irp, void *unused)
{
    (void)unused;
    return (uint32_t)((PDRIVER_DISPATCH)routine)(device, irp);
}

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp, unsigned code)
{
    PDRIVER_DISPATCH routine = device->DriverObject->MajorFunction[code >> 8];
    NTSTATUS status;
    uint8_t layer;

    if (device->DriverObject == FT_IO->bus_driver || routine == ft_invalid_request) {
        layer = ft_layer_set(FT_LAYER_SYSTEM);
        status = routine(device, irp);
        ft_layer_set(layer);
        return status;
    }
    ft_irp_back(irp);
    return (NTSTATUS)ft_call_routine((void *)routine, FT_ROUTINE_DISPATCH, ft_irp_handle(irp), code,
                                     ft_irp_id(irp), call_dispatch, (void *)routine, device, irp,
                                     NULL);
}

/* marked: the location that is called is marked pending already, as after a mark and a skip. */
static void announce_call(PDEVICE_OBJECT device, PIRP irp, unsigned code, bool marked)
{
    ft_emit(FT_EV_IRP_CALL, ft_irp_handle(irp), ft_block_handle(device), code,
            irp->CurrentLocation > 0 ? (uint64_t)irp->CurrentLocation : 0,
            irp->CancelRoutine != NULL, (uint32_t)irp->IoStatus.Status, irp->IoStatus.Information,
            marked);
}

/* The completion routine of IoForwardIrpSynchronously: the IRP stays with the one who waits. */
static NTSTATUS caught(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    (void)device;
    (void)irp;
    *(bool *)context = true;
    ft_wake_waiters(context, STATUS_SUCCESS, true);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static bool is_drivers(PIO_COMPLETION_ROUTINE routine)
{
    return routine && routine != caught && ft_layer_of((void *)routine) == FT_LAYER_DRIVER;
}

NTSTATUS ft_irp_call(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_irp_private *private;
    PIO_STACK_LOCATION location;
    unsigned code;

    ft_irp_check(irp, FT_NOT_AN_IRP);
    ft_device_check(device, BAD_DEVICE_CALLED);
    private = ft_irp_private(irp);
    if (private && private->sent_at == 0)
    private->sent_at = (uint8_t)irp->CurrentLocation;
    irp->CurrentLocation--;
    irp->Tail.Overlay.CurrentStackLocation--;
    if (irp->CurrentLocation <= 0) {
        announce_call(device, irp, 0, false);
        ft_bugcheck(BUGCHECK_NO_LOCATIONS, ft_irp_handle(irp), 0, 0, 0);
    }
    location = IoGetCurrentIrpStackLocation(irp);
    location->DeviceObject = device;
    code = (unsigned)location->MajorFunction << 8 | location->MinorFunction;
    announce_call(device, irp, code, (location->Control & SL_PENDING_RETURNED) != 0);
    if (location->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION)
        ft_bugcheck(BUGCHECK_IO_MANAGER, FT_NOT_AN_IRP, ft_irp_handle(irp), code, 0);
    if (ft_current()->layer == FT_LAYER_DRIVER) {
        ft_irp_cancel_set(irp, false);
        if (!is_drivers(location->CompletionRoutine))
            ft_irp_gone(irp);
    }
    return dispatch(device, irp, code);
}

#undef IoCallDriver
NTSTATUS IoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    NTSTATUS status;

    FT_DDI_BEGIN(IRP_CALL, label);
    status = ft_irp_call(DeviceObject, Irp);
    FT_DDI_END(IRP_CALL, label);
    return status;
}

NTSTATUS ft_irp_send(PDEVICE_OBJECT device, PIRP irp, ULONG_PTR *information)
{
    enum { ALWAYS = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL };
    bool back = false;
    NTSTATUS status;

    ft_irp_set_completion(irp, caught, &back, ALWAYS);
    ft_irp_call(device, irp);
    while (!back)
        ft_task_wait(&back, 0);
    status = irp->IoStatus.Status;
    if (information)
        *information = irp->IoStatus.Information;
    ft_irp_retire(irp);
    return status;
}

/* FALSE: there is no location for the driver below. The wait's events name no object: it is the I/O
 * manager's own. */
BOOLEAN IoForwardIrpSynchronously(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    enum { ALWAYS = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL };
    unsigned label = ft_label_of(Irp);
    bool forwarded, back = false;

    FT_DDI_BEGIN(IRP_CALL, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    forwarded = Irp->CurrentLocation > 1;
    if (forwarded) {
        ft_irp_copy_location(Irp);
        ft_irp_set_completion(Irp, caught, &back, ALWAYS);
        ft_irp_call(DeviceObject, Irp);
        ft_emit(FT_EV_WAIT_BEGIN, 0, true, false);
        while (!back)
            ft_task_wait(&back, 0);
        ft_emit(FT_EV_WAIT_END, 0, STATUS_SUCCESS);
    }
    FT_DDI_END(IRP_CALL, label);
    return forwarded;
}

/* ---- completing ---- */

static uint64_t call_completion(void *routine, void *device, void *irp, void *context)
{
    return (uint32_t)((PIO_COMPLETION_ROUTINE)routine)(device, irp, context);
}

static bool wants_completion(const IRP *irp, UCHAR control)
{
    if (NT_SUCCESS(irp->IoStatus.Status))
        return (control & SL_INVOKE_ON_SUCCESS) || (irp->Cancel && (control & SL_INVOKE_ON_CANCEL));
    return (control & SL_INVOKE_ON_ERROR) || (irp->Cancel && (control & SL_INVOKE_ON_CANCEL));
}

/* The one who sent it first has it back; whoever sends it next is first again. */
static void note_return(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);

    if (private && irp->CurrentLocation >= (CHAR) private->sent_at)
    private->sent_at = 0;
}

static NTSTATUS call_routine(PIRP irp, PIO_COMPLETION_ROUTINE routine, PDEVICE_OBJECT device,
                             PVOID context)
{
    bool error = !NT_SUCCESS(irp->IoStatus.Status);
    NTSTATUS status;

    ft_irp_back(irp);
    if (routine == caught)
        return routine(device, irp, context);
    ft_emit(FT_EV_IRP_COMPLETION, ft_irp_handle(irp), irp->PendingReturned != 0, error,
            irp->Cancel != 0);
    status = (NTSTATUS)ft_call_routine((void *)routine, FT_ROUTINE_COMPLETION, ft_irp_handle(irp),
                                       0, ft_irp_id(irp), call_completion, (void *)routine, device,
                                       irp, context);
    if (status != STATUS_MORE_PROCESSING_REQUIRED && is_drivers(routine))
        ft_irp_gone(irp);
    return status;
}

/* One location upwards. False: a completion routine kept the IRP, which may be gone. */
static bool complete_location(PIRP irp)
{
    PIO_STACK_LOCATION below = IoGetCurrentIrpStackLocation(irp);
    PIO_COMPLETION_ROUTINE routine = below->CompletionRoutine;
    PVOID context = below->Context;
    UCHAR control = below->Control;
    PDEVICE_OBJECT device = NULL;
    bool at_top;

    irp->CurrentLocation++;
    irp->Tail.Overlay.CurrentStackLocation++;
    note_return(irp);
    at_top = irp->CurrentLocation > irp->StackCount;
    irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
    memset(below, 0, sizeof *below);
    if (!routine || !wants_completion(irp, control)) {
        if (irp->PendingReturned && !at_top)
            IoGetCurrentIrpStackLocation(irp)->Control |= SL_PENDING_RETURNED;
        return true;
    }
    if (!at_top)
        device = IoGetCurrentIrpStackLocation(irp)->DeviceObject;
    if (call_routine(irp, routine, device, context) == STATUS_MORE_PROCESSING_REQUIRED)
        return false;
    /* The routine freed the IRP and let completion go on. */
    if (!ft_irp_is_live(irp))
        ft_bugcheck(BUGCHECK_COMPLETED_TWICE, ft_handle_of(irp), 0, 0, 0);
    return true;
}

/* False: somebody kept the IRP. An IRP that was never sent is at the top already. */
static bool walk_up(PIRP irp)
{
    while (irp->CurrentLocation <= irp->StackCount)
        if (!complete_location(irp))
            return false;
    return true;
}

/* An associated IRP goes, and with the last of them the master is complete. Its driver counted them
 * in the master. */
static PIRP end_associated(PIRP irp)
{
    PIRP master = irp->AssociatedIrp.MasterIrp;

    ft_irp_release_pages(irp);
    ft_irp_retire(irp);
    ft_irp_check(master, FT_NOT_AN_IRP);
    return --master->AssociatedIrp.IrpCount == 0 ? master : NULL;
}

/* The originator has its IRP back. Returns an IRP that is complete with it, or NULL. */
static PIRP reach_top(PIRP irp)
{
    const struct ft_irp_private *private = ft_irp_private(irp);
    uint64_t arg[] = {ft_irp_handle(irp), (uint32_t)irp->IoStatus.Status,
                      irp->IoStatus.Information};
    uint8_t layer = ft_layer_set(FT_LAYER_HARNESS);
    struct ft_focus was = ft_focus_on(private ? ft_device_numbered(private->device) : FT_DEV);
    PIRP master = NULL;

    irp->CurrentLocation++; /* past the top: a second completion shows */
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_IRP_DONE, 3, arg);
    if (ft_irp_owner(irp) == FT_IRP_OF_REQUEST)
        ft_request_done(irp, private->index);
    else if (ft_irp_owner(irp) == FT_IRP_OF_SEND)
        ft_send_done(irp, private->index);
    else if (ft_irp_owner(irp) == FT_IRP_OF_POWER)
        ft_power_done(irp, private->index);
    else if (ft_irp_owner(irp) == FT_IRP_OF_THREAD)
        ft_irp_end_built(irp);
    else if (ft_irp_owner(irp) == FT_IRP_ASSOCIATED)
        master = end_associated(irp);
    ft_focus_back(was);
    ft_layer_set(layer);
    return master;
}

static void announce_completion(PIRP irp, bool live, bool done)
{
    if (live)
        ft_emit(FT_EV_IRP_COMPLETE, ft_irp_handle(irp), (uint32_t)irp->IoStatus.Status,
                irp->IoStatus.Information, (uint64_t)irp->CurrentLocation,
                irp->CancelRoutine != NULL, ft_current()->locks, done,
                done ? 0 : ft_request_by_hand(irp));
    else
        ft_emit(FT_EV_IRP_COMPLETE, ft_handle_of(irp), 0, 0, 0, false, ft_current()->locks, done,
                0);
}

static void complete(PIRP irp)
{
    bool live = ft_irp_is_live(irp);
    bool done = !live || irp->CurrentLocation > irp->StackCount + 1;

    announce_completion(irp, live, done);
    if (done)
        ft_bugcheck(BUGCHECK_COMPLETED_TWICE, ft_handle_of(irp), 0, 0, 0);
    ft_irp_cancel_set(irp, false);
    if (ft_current()->layer == FT_LAYER_DRIVER)
        ft_view_completed(irp->MdlAddress);
    if (walk_up(irp)) {
        PIRP master = reach_top(irp);
        uint8_t layer;

        if (master) {
            layer = ft_layer_set(FT_LAYER_SYSTEM);
            IoCompleteRequest(master, IO_NO_INCREMENT);
            ft_layer_set(layer);
        }
    }
}

#undef IoCompleteRequest
VOID IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    unsigned label = ft_label_of(Irp);

    (void)PriorityBoost;
    FT_DDI_BEGIN(IRP_COMPLETE, label);
    complete(Irp);
    FT_DDI_END(IRP_COMPLETE, label);
}
