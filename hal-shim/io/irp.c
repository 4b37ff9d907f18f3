/* IRPs: stack locations, calling, completing (wdm-io sheet, sections 1.1, 1.2, 2.2 to 2.5).
 *
 * Terms: the next location is the one below the current one; a driver prepares it (skip, copy) for
 * the driver it calls. A completion routine stands in the location below the driver that set it.
 * "The top" is past the highest location: the originator.
 *
 * Not modelled: associated IRPs, quota, thread-queued IRPs that a driver builds
 * (IoBuild...Request), IRP extensions; what the I/O manager does with an IRP of IoAllocateIrp whose
 * completion routine did not keep it (it stays, and nobody frees it).
 */
#include "io/io_private.h"

#include <string.h>

enum {
    BUGCHECK_NO_LOCATIONS = 0x35,
    BUGCHECK_COMPLETED_TWICE = 0x44,
    BUGCHECK_IO_MANAGER = 0xC9,
    NOT_AN_IRP_FREED = 1,
    THREAD_IRP_FREED = 2,
    BAD_DEVICE_CALLED = 4,
    FAIL_IRP = 3
};

static size_t locations_end(CCHAR stack_size)
{
    return sizeof(IRP) + (size_t)stack_size * sizeof(IO_STACK_LOCATION);
}

struct ft_irp_private *ft_irp_private(PIRP irp)
{
    return (struct ft_irp_private *)((char *)irp + locations_end(irp->StackCount));
}

unsigned ft_irp_id(PIRP irp)
{
    return ft_handle_id(ft_block_handle(irp));
}

static void initialize(PIRP irp, CCHAR stack_size)
{
    irp->Type = IO_TYPE_IRP;
    irp->Size = (USHORT)locations_end(stack_size);
    irp->StackCount = stack_size;
    irp->CurrentLocation = (CHAR)(stack_size + 1);
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + stack_size;
    InitializeListHead(&irp->ThreadListEntry);
}

PIRP ft_irp_create(CCHAR stack_size, enum ft_irp_owner owner, unsigned index, unsigned label)
{
    PIRP irp =
        ft_block_alloc(locations_end(stack_size) + sizeof(struct ft_irp_private), FT_HC_IRP, label);

    if (!irp)
        return NULL;
    initialize(irp, stack_size);
    ft_irp_private(irp)->owner = (uint8_t)owner;
    ft_irp_private(irp)->index = (uint8_t)index;
    return irp;
}

void ft_io_cut(void)
{
    ft_emit(FT_EV_RUN_CUT, FT_M->steps);
    ft_stop(FT_STOP_CUT);
}

PIRP ft_irp_create_or_cut(CCHAR stack_size, enum ft_irp_owner owner, unsigned index, unsigned label)
{
    PIRP irp = ft_irp_create(stack_size, owner, index, label);

    if (!irp)
        ft_io_cut();
    return irp;
}

static void free_irp(PIRP irp)
{
    uint64_t handle = ft_block_handle(irp);

    ft_emit_as(FT_LAYER_HARNESS, ft_handle_id(handle), FT_EV_IRP_FREE, 1, &handle);
    ft_block_free(irp);
}

void ft_irp_retire(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);

    private->ended = 1;
    if (private->pins == 0)
        free_irp(irp);
}

void ft_irp_pin(PIRP irp)
{
    ft_irp_private(irp)->pins++;
}

void ft_irp_unpin(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);

    FT_ASSERT(private->pins > 0);
    if (--private->pins == 0 && private->ended)
        free_irp(irp);
}

void ft_irp_check(PIRP irp, unsigned code)
{
    if (!ft_block_is_live(irp, FT_HC_IRP))
        ft_bugcheck(BUGCHECK_IO_MANAGER, code, ft_handle_of(irp), 0, 0);
}

/* IoAllocateIrp: the caller frees it with IoFreeIrp, from a completion routine that keeps it. */
PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP irp = NULL;

    (void)ChargeQuota;
    FT_DDI_BEGIN(IRP_ALLOC, 0);
    if (!ft_alloc_fails(FAIL_IRP))
        irp = ft_irp_create(StackSize, FT_IRP_OF_DRIVER, 0, 0);
    ft_emit(FT_EV_IRP_NEW, ft_handle_of(irp), 0, 0, false, 0);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

VOID IoFreeIrp(PIRP Irp)
{
    uint64_t handle = ft_handle_of(Irp);

    FT_DDI_BEGIN(IRP_ALLOC, ft_label_of(Irp));
    ft_emit(FT_EV_IRP_FREE, handle);
    ft_irp_check(Irp, NOT_AN_IRP_FREED);
    if (ft_irp_private(Irp)->owner != FT_IRP_OF_DRIVER)
        ft_bugcheck(BUGCHECK_IO_MANAGER, THREAD_IRP_FREED, handle, 0, 0);
    ft_block_free(Irp);
    FT_DDI_END(IRP_ALLOC, 0);
}

/* IoReuseIrp: for IRPs of IoAllocateIrp that are not in use. */
VOID IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
    CCHAR stack_size;

    FT_DDI_BEGIN(IRP_ALLOC, ft_label_of(Irp));
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    stack_size = Irp->StackCount;
    memset(Irp, 0, locations_end(stack_size));
    initialize(Irp, stack_size);
    Irp->IoStatus.Status = Iostatus;
    FT_DDI_END(IRP_ALLOC, 0);
}

/* ---- stack locations ---- */

void ft_irp_mark_pending(PIRP irp)
{
    IoGetCurrentIrpStackLocation(irp)->Control |= SL_PENDING_RETURNED;
    ft_emit(FT_EV_IRP_PENDING, ft_block_handle(irp));
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
    ft_emit(FT_EV_IRP_SKIP, ft_block_handle(Irp));
    FT_DDI_END(IRP_STACK, label);
}

/* Copies all but the completion routine; the next location's Control starts empty. At the lowest
 * location there is no next one: the memory before it belongs to the IRP, so the copy is left out
 * and IoCallDriver stops with bug check 0x35. */
VOID IoCopyCurrentIrpStackLocationToNext(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);

    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    if (Irp->CurrentLocation > 1) {
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(Irp);

        memcpy(next, IoGetCurrentIrpStackLocation(Irp),
               offsetof(IO_STACK_LOCATION, CompletionRoutine));
        next->Control = 0;
    }
    ft_emit(FT_EV_IRP_COPY, ft_block_handle(Irp));
    FT_DDI_END(IRP_STACK, label);
}

static void set_completion(PIRP irp, PIO_COMPLETION_ROUTINE routine, PVOID context, UCHAR control)
{
    if (irp->CurrentLocation > 1) {
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

        next->CompletionRoutine = routine;
        next->Context = context;
        next->Control = control;
    }
    ft_emit(FT_EV_IRP_SET_COMPLETION, ft_block_handle(irp));
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
    set_completion(Irp, CompletionRoutine, Context,
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

    (void)DeviceObject;
    FT_DDI_BEGIN(IRP_STACK, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    set_completion(Irp, CompletionRoutine, Context,
                   invoke_flags(InvokeOnSuccess, InvokeOnError, InvokeOnCancel));
    FT_DDI_END(IRP_STACK, label);
    return STATUS_SUCCESS;
}

/* ---- calling ---- */

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
    return (NTSTATUS)ft_call_driver_routine(FT_ROUTINE_DISPATCH, ft_block_handle(irp), code,
                                            ft_irp_id(irp), call_dispatch, (void *)routine, device,
                                            irp, NULL);
}

NTSTATUS ft_irp_call(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location;
    unsigned code;

    ft_irp_check(irp, FT_NOT_AN_IRP);
    ft_device_check(device, BAD_DEVICE_CALLED);
    irp->CurrentLocation--;
    irp->Tail.Overlay.CurrentStackLocation--;
    if (irp->CurrentLocation <= 0) {
        ft_emit(FT_EV_IRP_CALL, ft_block_handle(irp), ft_block_handle(device), 0, 0,
                irp->CancelRoutine != NULL);
        ft_bugcheck(BUGCHECK_NO_LOCATIONS, ft_block_handle(irp), 0, 0, 0);
    }
    location = IoGetCurrentIrpStackLocation(irp);
    location->DeviceObject = device;
    code = (unsigned)location->MajorFunction << 8 | location->MinorFunction;
    ft_emit(FT_EV_IRP_CALL, ft_block_handle(irp), ft_block_handle(device), code,
            (uint64_t)irp->CurrentLocation, irp->CancelRoutine != NULL);
    if (location->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION)
        ft_bugcheck(BUGCHECK_IO_MANAGER, FT_NOT_AN_IRP, ft_block_handle(irp), code, 0);
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

/* PoCallDriver: since Vista the same as IoCallDriver. Not modelled: before Vista it queued power
 * IRPs until PoStartNextPowerIrp. */
NTSTATUS PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    NTSTATUS status;

    FT_DDI_BEGIN(IRP_CALL, label);
    status = ft_irp_call(DeviceObject, Irp);
    FT_DDI_END(IRP_CALL, label);
    return status;
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
    if ((NTSTATUS)ft_call_driver_routine(FT_ROUTINE_COMPLETION, ft_block_handle(irp), 0,
                                         ft_irp_id(irp), call_completion, (void *)routine, device,
                                         irp, context) == STATUS_MORE_PROCESSING_REQUIRED)
        return false;
    /* The routine freed the IRP and let completion go on. */
    if (!ft_block_is_live(irp, FT_HC_IRP))
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

/* The originator has its IRP back. */
static void reach_top(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);
    uint64_t arg[] = {ft_block_handle(irp), (uint32_t)irp->IoStatus.Status,
                      irp->IoStatus.Information};
    uint8_t layer = ft_layer_set(FT_LAYER_HARNESS);

    irp->CurrentLocation++; /* past the top: a second completion shows */
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_IRP_DONE, 3, arg);
    if (private->owner == FT_IRP_OF_REQUEST)
        ft_request_done(irp, private->index);
    else if (private->owner == FT_IRP_OF_SEND)
        ft_send_done(irp, private->index);
    ft_layer_set(layer);
}

static void announce_completion(PIRP irp, bool live, bool done)
{
    if (live)
        ft_emit(FT_EV_IRP_COMPLETE, ft_block_handle(irp), (uint32_t)irp->IoStatus.Status,
                irp->IoStatus.Information, (uint64_t)irp->CurrentLocation,
                irp->CancelRoutine != NULL, ft_current()->locks, done);
    else
        ft_emit(FT_EV_IRP_COMPLETE, ft_handle_of(irp), 0, 0, 0, false, ft_current()->locks, done);
}

/* Not modelled: the priority boost; the thread that gets an APC (the originator is served at once,
 * in this task). */
#undef IoCompleteRequest
VOID IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
    unsigned label = ft_label_of(Irp);
    bool live, done;

    (void)PriorityBoost;
    FT_DDI_BEGIN(IRP_COMPLETE, label);
    live = ft_block_is_live(Irp, FT_HC_IRP);
    done = !live || Irp->CurrentLocation > Irp->StackCount + 1;
    announce_completion(Irp, live, done);
    if (done)
        ft_bugcheck(BUGCHECK_COMPLETED_TWICE, ft_handle_of(Irp), 0, 0, 0);
    if (walk_up(Irp))
        reach_top(Irp);
    FT_DDI_END(IRP_COMPLETE, label);
}
