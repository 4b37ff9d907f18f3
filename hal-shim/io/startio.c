/* StartIo and the device queue of a device object (wdm-io sheet, section 3).
 *
 * One request at a time is the device's current one (CurrentIrp) and has been given to StartIo; the
 * others wait in DeviceQueue. The cancel lock guards queue and CurrentIrp while a cancel routine
 * was given to IoStartPacket.
 *
 * Conflict of the sources: none says in which order CurrentIrp is set and the cancel lock released;
 * here CurrentIrp first.
 */
#include "io/io_private.h"

#include <string.h>

static uint64_t call_start_io(void *routine, void *device, void *irp, void *unused)
{
    (void)unused;
    ((PDRIVER_STARTIO)routine)(device, irp);
    return 0;
}

static PIRP irp_of(PKDEVICE_QUEUE_ENTRY entry)
{
    return CONTAINING_RECORD(entry, IRP, Tail.Overlay.DeviceQueueEntry);
}

static void start_io(PDEVICE_OBJECT device, PIRP irp)
{
    PDRIVER_STARTIO routine = device->DriverObject->DriverStartIo;
    struct ft_device_private *private = ft_device_private(device);
    uint8_t before = private->start_io_active;

    private->start_io_active = 1;
    ft_call_driver_routine(FT_ROUTINE_START_IO, ft_irp_handle(irp), 0, ft_irp_id(irp),
                           call_start_io, (void *)routine, device, irp, NULL);
    if (ft_block_is_live(device, FT_HC_DEVICE))
        ft_device_private(device)->start_io_active = before;
}

/* Takes the next request off the queue and starts it. */
static void start_next(PDEVICE_OBJECT device, const struct ft_start_next *next)
{
    struct ft_device_private *private = ft_device_private(device);
    PKDEVICE_QUEUE_ENTRY entry;
    KIRQL old = 0;
    PIRP irp = NULL;

    if (next->cancelable)
        old = ft_cancel_lock();
    device->CurrentIrp = NULL;
    entry = ft_queue_remove(&device->DeviceQueue, next->keyed ? &next->key : NULL);
    if (entry) {
        irp = irp_of(entry);
        device->CurrentIrp = irp;
        if (next->cancelable && private->start_io_uncancelable)
            irp->CancelRoutine = NULL;
    }
    ft_emit(FT_EV_START_NEXT, ft_handle_of(device), irp ? ft_irp_handle(irp) : 0, next->cancelable,
            next->keyed);
    if (next->cancelable)
        ft_cancel_unlock(old);
    if (irp)
        start_io(device, irp);
}

/* What StartIo owes since it called IoStartNextPacket: each call starts a request. */
static void start_owed(PDEVICE_OBJECT device)
{
    while (ft_block_is_live(device, FT_HC_DEVICE) && ft_device_private(device)->starts_owed) {
        struct ft_device_private *private = ft_device_private(device);
        struct ft_start_next next = private->owed[0];

        private->starts_owed--;
        memmove(private->owed, private->owed + 1, private->starts_owed * sizeof next);
        start_next(device, &next);
    }
}

/* With IoSetStartIoAttributes(DeferredStartIo) a call from inside StartIo waits until StartIo
 * returns, so it does not recurse. */
static void next_packet(PDEVICE_OBJECT device, const struct ft_start_next *next)
{
    struct ft_device_private *private = ft_device_private(device);

    if (private->start_io_deferred && private->start_io_active) {
        if (private->starts_owed == FT_STARTS_OWED_MAX)
            ft_io_cut();
        else
        private->owed[private->starts_owed++] = *next;
        return;
    }
    start_next(device, next);
    start_owed(device);
}

/* What follows the insertion of a request. cancel: the lock is held, `old` is the IRQL before it.
 */
static void after_insertion(PDEVICE_OBJECT device, PIRP irp, bool queued, bool cancel, KIRQL old)
{
    struct ft_device_private *private = ft_device_private(device);
    PDRIVER_CANCEL routine;

    if (!queued) {
        device->CurrentIrp = irp;
        if (cancel && private->start_io_uncancelable)
            irp->CancelRoutine = NULL;
        if (cancel)
            ft_cancel_unlock(DISPATCH_LEVEL);
        start_io(device, irp);
        start_owed(device);
    } else if (cancel) {
        routine = irp->CancelRoutine;
        if (irp->Cancel && routine) {
            irp->CancelIrql = DISPATCH_LEVEL;
            irp->CancelRoutine = NULL;
            ft_cancel_call(irp, routine);
        } else {
            ft_cancel_unlock(DISPATCH_LEVEL);
        }
    }
    ft_irql_set(old);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is Windows' own. */
VOID IoStartPacket(PDEVICE_OBJECT DeviceObject, PIRP Irp, PULONG Key, PDRIVER_CANCEL CancelFunction)
{
    unsigned label = ft_label_of(Irp);
    PKDEVICE_QUEUE_ENTRY entry;
    bool queued;
    KIRQL old;

    FT_DDI_BEGIN(START_PACKET, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    entry = &Irp->Tail.Overlay.DeviceQueueEntry;
    old = (KIRQL)ft_irql();
    if (old < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    if (CancelFunction) {
        ft_cancel_lock();
        Irp->CancelRoutine = CancelFunction;
        ft_irp_cancel_set(Irp, false);
    }
    queued = ft_queue_insert(&DeviceObject->DeviceQueue, entry, Key);
    ft_emit(FT_EV_START_PACKET, ft_handle_of(DeviceObject), ft_irp_handle(Irp), queued,
            Key ? *Key : 0, CancelFunction != NULL);
    after_insertion(DeviceObject, Irp, queued, CancelFunction != NULL, old);
    FT_DDI_END(START_PACKET, label);
}

VOID IoStartNextPacket(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable)
{
    FT_DDI_BEGIN(START_NEXT, 0);
    next_packet(DeviceObject, &(struct ft_start_next){.cancelable = Cancelable != 0});
    FT_DDI_END(START_NEXT, 0);
}

VOID IoStartNextPacketByKey(PDEVICE_OBJECT DeviceObject, BOOLEAN Cancelable, ULONG Key)
{
    FT_DDI_BEGIN(START_NEXT, 0);
    next_packet(DeviceObject,
                &(struct ft_start_next){.key = Key, .keyed = 1, .cancelable = Cancelable != 0});
    FT_DDI_END(START_NEXT, 0);
}

VOID IoSetStartIoAttributes(PDEVICE_OBJECT DeviceObject, BOOLEAN DeferredStartIo,
                            BOOLEAN NonCancelable)
{
    ft_device_private(DeviceObject)->start_io_deferred = DeferredStartIo != 0;
    ft_device_private(DeviceObject)->start_io_uncancelable = NonCancelable != 0;
}

/* IoRequestDpc: queues the DPC of the device object. Its points and event are KeInsertQueueDpc's;
 * the call site is the driver's. */
VOID IoRequestDpc(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    const struct ft_module *module = ft_world_module();
    const unsigned char *caller = __builtin_return_address(0);
    struct ft_focus was = ft_focus_on_owner(DeviceObject);

    if (caller >= module->code_begin && caller < module->code_end)
        ft_current()->site = (uint64_t)(caller - module->code_begin);
    KeInsertQueueDpc(&DeviceObject->Dpc, Irp, Context);
    ft_focus_back(was);
}
