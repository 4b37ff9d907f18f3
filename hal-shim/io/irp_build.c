/* IRPs that the I/O manager builds for a driver, and the end of those it keeps (wdm-io sheet,
 * sections 2.3 and 2.5).
 *
 * What a thread-queued IRP owes its driver happens in the task that completes it, since there are
 * no APCs: data is copied back, the status block filled, the event set, everything freed. Sources
 * leave open whether an error that was never pended also does this; here it does.
 */
#include "io/io_private.h"

enum { TAG_IO = 0x206F4920 /* " Io " */ };

/* MDLs that the driver freed, against the rules, are passed over; a rule has judged that. */
void ft_irp_release_pages(PIRP irp)
{
    PMDL mdl = irp->MdlAddress;

    irp->MdlAddress = NULL;
    while (mdl && ft_block_is_live(mdl, FT_HC_MDL)) {
        PMDL next = mdl->Next;

        if (mdl->MdlFlags & MDL_PAGES_LOCKED)
            MmUnlockPages(mdl);
        IoFreeMdl(mdl);
        mdl = next;
    }
}

/* ---- buffers ---- */

/* A system buffer of `bytes`, the first of them copied from `from`. False: no pool. */
static bool attach_system_buffer(PIRP irp, ULONG bytes, const void *from, ULONG copied)
{
    void *buffer = ExAllocatePoolWithTag(NonPagedPool, bytes, TAG_IO);

    if (!buffer)
        return false;
    if (copied)
        ft_raw_copy(buffer, from, copied);
    irp->AssociatedIrp.SystemBuffer = buffer;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return true;
}

/* An MDL over the driver's buffer. False: none was to be had. */
static bool attach_mdl(PIRP irp, PVOID buffer, ULONG bytes, LOCK_OPERATION operation)
{
    PMDL mdl = IoAllocateMdl(buffer, bytes, FALSE, FALSE, irp);

    if (mdl)
        MmProbeAndLockPages(mdl, KernelMode, operation);
    return mdl != NULL;
}

static bool attach_transfer(PIRP irp, PDEVICE_OBJECT device, bool write, PVOID buffer, ULONG bytes)
{
    if (bytes == 0)
        return true;
    if (device->Flags & DO_BUFFERED_IO) {
        if (!write) {
            irp->Flags |= IRP_INPUT_OPERATION;
            irp->UserBuffer = buffer;
        }
        return attach_system_buffer(irp, bytes, buffer, write ? bytes : 0);
    }
    if (device->Flags & DO_DIRECT_IO)
        return attach_mdl(irp, buffer, bytes, write ? IoReadAccess : IoWriteAccess);
    irp->UserBuffer = buffer;
    return true;
}

struct control {
    ULONG code;
    PVOID input, output;
    ULONG input_bytes, output_bytes;
};

static bool attach_buffered(PIRP irp, const struct control *control)
{
    ULONG bytes =
        control->input_bytes > control->output_bytes ? control->input_bytes : control->output_bytes;

    irp->UserBuffer = control->output;
    if (control->output)
        irp->Flags |= IRP_INPUT_OPERATION;
    return bytes == 0 || attach_system_buffer(irp, bytes, control->input, control->input_bytes);
}

static bool attach_control(PIRP irp, const struct control *control)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
    ULONG method = METHOD_FROM_CTL_CODE(control->code);

    if (method == METHOD_BUFFERED)
        return attach_buffered(irp, control);
    if (method == METHOD_NEITHER) {
        irp->UserBuffer = control->output;
        next->Parameters.DeviceIoControl.Type3InputBuffer = control->input;
        return true;
    }
    if (control->input_bytes &&
        !attach_system_buffer(irp, control->input_bytes, control->input, control->input_bytes))
        return false;
    return !control->output_bytes ||
           attach_mdl(irp, control->output, control->output_bytes,
                      method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
}

static void release_buffers(PIRP irp)
{
    ft_irp_release_pages(irp);
    if (irp->Flags & IRP_DEALLOCATE_BUFFER && irp->AssociatedIrp.SystemBuffer)
        ExFreePoolWithTag(irp->AssociatedIrp.SystemBuffer, 0);
}

/* ---- building ---- */

/* In layer SYSTEM from here on; NULL with the failure's event when there is no IRP. */
static PIRP begin(PDEVICE_OBJECT device, enum ft_irp_owner owner)
{
    return ft_alloc_fails(FT_FAIL_IRP) ? NULL : ft_irp_create(device->StackSize, owner, 0, 0);
}

/* Says what was built, in the driver's layer, or takes it back. */
static PIRP finish(PIRP irp, bool whole, ULONG bytes, bool write, uint8_t layer)
{
    if (irp && !whole) {
        release_buffers(irp);
        ft_block_free(irp);
        irp = NULL;
    }
    ft_layer_set(layer);
    if (irp)
        ft_irp_announce(irp, bytes, write, NULL);
    else
        ft_emit(FT_EV_IRP_NEW, 0, 0, bytes, write, 0, 0, 0, 0);
    return irp;
}

static PIRP build_transfer(ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG bytes,
                           const LARGE_INTEGER *offset, enum ft_irp_owner owner)
{
    bool write = major == IRP_MJ_WRITE, transfer = write || major == IRP_MJ_READ, whole = true;
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);
    PIRP irp = begin(device, owner);
    PIO_STACK_LOCATION next;

    if (irp) {
        next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = (UCHAR)major;
        if (major == IRP_MJ_PNP || major == IRP_MJ_POWER)
            irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        if (transfer) {
            irp->Flags |= write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
            next->Parameters.Read.Length = bytes;
            if (offset)
                next->Parameters.Read.ByteOffset = *offset;
            whole = attach_transfer(irp, device, write, buffer, bytes);
        }
    }
    return finish(irp, whole, transfer ? bytes : 0, write, layer);
}

static void answer_to(PIRP irp, PKEVENT event, PIO_STATUS_BLOCK status)
{
    if (!irp)
        return;
    irp->UserEvent = event;
    irp->UserIosb = status;
}

/* The driver frees it, and what hangs on it, in a completion routine. */
PIRP IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                   ULONG Length, PLARGE_INTEGER StartingOffset,
                                   PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp;

    FT_DDI_BEGIN(IRP_ALLOC, 0);
    irp = build_transfer(MajorFunction, DeviceObject, Buffer, Length, StartingOffset,
                         FT_IRP_OF_DRIVER);
    answer_to(irp, NULL, IoStatusBlock);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

PIRP IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                  ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                  PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp;

    FT_DDI_BEGIN(IRP_ALLOC, 0);
    irp = build_transfer(MajorFunction, DeviceObject, Buffer, Length, StartingOffset,
                         FT_IRP_OF_THREAD);
    answer_to(irp, Event, IoStatusBlock);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

static PIRP build_control(PDEVICE_OBJECT device, const struct control *control, UCHAR major)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);
    PIRP irp = begin(device, FT_IRP_OF_THREAD);
    PIO_STACK_LOCATION next;
    bool whole = false;

    if (irp) {
        next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = major;
        next->Parameters.DeviceIoControl.IoControlCode = control->code;
        next->Parameters.DeviceIoControl.InputBufferLength = control->input_bytes;
        next->Parameters.DeviceIoControl.OutputBufferLength = control->output_bytes;
        whole = attach_control(irp, control);
    }
    irp = finish(irp, whole, control->output_bytes, false, layer);
    if (irp)
        ft_emit(FT_EV_IRP_BUFFERS, ft_irp_handle(irp), control->code, control->input_bytes,
                control->output_bytes, METHOD_FROM_CTL_CODE(control->code));
    return irp;
}

PIRP IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                   PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
                                   ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl,
                                   PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    struct control control = {.code = IoControlCode,
                              .input = InputBuffer,
                              .output = OutputBuffer,
                              .input_bytes = InputBufferLength,
                              .output_bytes = OutputBufferLength};
    PIRP irp;

    FT_DDI_BEGIN(IRP_ALLOC, 0);
    irp = build_control(DeviceObject, &control,
                        InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL
                                                : IRP_MJ_DEVICE_CONTROL);
    answer_to(irp, Event, IoStatusBlock);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

/* ---- the end ---- */

static void copy_back(PIRP irp)
{
    ULONG_PTR bytes = irp->IoStatus.Information;
    const void *from = irp->AssociatedIrp.SystemBuffer;

    if (!(irp->Flags & IRP_INPUT_OPERATION) || !from || !irp->UserBuffer ||
        NT_ERROR(irp->IoStatus.Status))
        return;
    /* A driver that claims more than there is hands out what lies behind; here the copy ends. */
    if (bytes > ft_block_bytes(from))
        bytes = ft_block_bytes(from);
    ft_raw_copy(irp->UserBuffer, from, bytes);
}

/* The event comes last: its waiter may give back what the IRP stood for. */
void ft_irp_end_built(PIRP irp)
{
    PKEVENT event = irp->UserEvent;

    copy_back(irp);
    release_buffers(irp);
    if (irp->UserIosb)
        *irp->UserIosb = irp->IoStatus;
    ft_irp_retire(irp);
    if (event)
        KeSetEvent(event, IO_NO_INCREMENT, FALSE);
}

/* ---- the stack of the running task ---- */

VOID IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    uintptr_t low, high;

    ft_task_stack(&low, &high);
    *LowLimit = low;
    *HighLimit = high;
}

PVOID IoGetInitialStack(VOID)
{
    uintptr_t low, high;

    ft_task_stack(&low, &high);
    return (PVOID)high;
}

ULONG_PTR IoGetRemainingStackSize(VOID)
{
    uintptr_t low, high;

    ft_task_stack(&low, &high);
    return (uintptr_t)__builtin_frame_address(0) - low;
}
