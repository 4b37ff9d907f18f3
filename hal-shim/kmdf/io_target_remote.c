/* Remote I/O targets: other stacks, or the device's own from the top, that a driver opens.
 *
 * An open target hears of its device's removal through a PnP notification. Without callbacks of the
 * driver the framework closes it when the device is asked to go, opens it again when that was
 * called off, and closes it for good when the device is gone.
 *
 * Not modelled: opening a local target by its file object, which is UMDF's.
 */
#include "kmdf/requests.h"

enum { CLOSED, OPENING, OPEN };

struct ft_wdf_remote {
    struct ft_wdf_target target;
    WDF_IO_TARGET_OPEN_PARAMS params; /* of the last opening by name; Type 0: none */
    PWSTR name;                       /* params.TargetDeviceName's, NULL: none */
    PFN_WDF_IO_TARGET_QUERY_REMOVE query_remove;
    PFN_WDF_IO_TARGET_REMOVE_CANCELED remove_canceled;
    PFN_WDF_IO_TARGET_REMOVE_COMPLETE remove_complete;
    PVOID notification; /* NULL: none */
    uint8_t open;
};

static void close_target(struct ft_wdf_remote *remote, WDF_IO_TARGET_STATE state);

static void forget_name(struct ft_wdf_remote *remote)
{
    if (remote->name)
        ft_block_free(remote->name);
    remote->name = NULL;
    RtlZeroMemory(&remote->params, sizeof remote->params);
}

static void dispose_remote(struct ft_wdf_object *object)
{
    struct ft_wdf_remote *remote = (struct ft_wdf_remote *)object;

    close_target(remote, WdfIoTargetDeleted);
    forget_name(remote);
}

static const struct ft_wdf_class remote_class = {
    .handle_class = FT_HC_WDF_TARGET, .passive = true, .dispose = dispose_remote};

/* A local target's handle is a wrong one. */
static struct ft_wdf_remote *check_remote(WDFIOTARGET handle)
{
    struct ft_wdf_object *object = ft_wdf_check(handle, FT_HC_WDF_TARGET);

    if (object->class_ != &remote_class)
        ft_wdf_bad_handle(handle, FT_HC_WDF_TARGET);
    return (struct ft_wdf_remote *)object;
}

/* ---- creation ---- */

static bool belongs_to(const struct ft_wdf_object *object, const struct ft_wdf_device *device)
{
    while (object && object != &device->object)
        object = object->parent;
    return object != NULL;
}

static NTSTATUS create(struct ft_wdf_device *device, PWDF_OBJECT_ATTRIBUTES attributes,
                       WDFIOTARGET *ret)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);
    struct ft_wdf_remote *remote;

    if (!NT_SUCCESS(status))
        return status;
    if (attributes && attributes->ParentObject &&
        !belongs_to(ft_wdf_check(attributes->ParentObject, 0), device))
        return STATUS_INVALID_DEVICE_REQUEST;
    remote = ft_wdf_object_new(&remote_class, sizeof *remote, &device->object, attributes, &status);
    if (!remote)
        return status;
    remote->target.object.device = device;
    ft_wdf_target_init(&remote->target);
    *ret = (WDFIOTARGET)remote;
    return STATUS_SUCCESS;
}

NTSTATUS WdfIoTargetCreate(WDFDEVICE Device, PWDF_OBJECT_ATTRIBUTES IoTargetAttributes,
                           WDFIOTARGET *IoTarget)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(IoTarget);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = create(device, IoTargetAttributes, IoTarget);
    FT_WDF_END(WDF_SEND, ft_wdf_label(Device));
    return status;
}

/* ---- what happens to its device ---- */

static uint64_t call_query(void *callback, void *target, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_IO_TARGET_QUERY_REMOVE)callback)(target);
}

static uint64_t call_news(void *callback, void *target, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_IO_TARGET_REMOVE_COMPLETE)callback)(target);
    return 0;
}

static NTSTATUS open_target(struct ft_wdf_remote *remote, WDF_IO_TARGET_OPEN_PARAMS *params);

static NTSTATUS open_again(struct ft_wdf_remote *remote)
{
    WDF_IO_TARGET_OPEN_PARAMS params;

    WDF_IO_TARGET_OPEN_PARAMS_INIT_REOPEN(&params);
    return open_target(remote, &params);
}

static NTSTATUS tell(struct ft_wdf_remote *remote, void *callback, ft_thunk *thunk)
{
    return (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, remote, thunk, callback, remote, NULL, NULL);
}

static NTSTATUS hear(struct ft_wdf_remote *remote, const GUID *event)
{
    static const GUID query_remove = {
        0xcb3a4006, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};
    static const GUID remove_canceled = {
        0xcb3a4007, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};
    static const GUID remove_complete = {
        0xcb3a4008, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};

    if (memcmp(event, &query_remove, sizeof *event) == 0) {
        if (remote->query_remove)
            return tell(remote, (void *)remote->query_remove, call_query);
        close_target(remote, WdfIoTargetClosedForQueryRemove);
    } else if (memcmp(event, &remove_canceled, sizeof *event) == 0) {
        if (!remote->remove_canceled)
            return open_again(remote);
        tell(remote, (void *)remote->remove_canceled, call_news);
    } else if (memcmp(event, &remove_complete, sizeof *event) == 0) {
        if (remote->remove_complete)
            tell(remote, (void *)remote->remove_complete, call_news);
        else
            close_target(remote, WdfIoTargetClosed);
    }
    return STATUS_SUCCESS;
}

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI on_notification(PVOID structure, PVOID context)
{
    const TARGET_DEVICE_REMOVAL_NOTIFICATION *news = structure;
    struct ft_wdf_remote *remote = context;
    NTSTATUS status;

    ft_wdf_object_refer(&remote->target.object);
    status = hear(remote, &news->Event);
    ft_wdf_object_release(&remote->target.object);
    return status;
}

static void stop_listening(struct ft_wdf_remote *remote)
{
    PVOID notification = remote->notification;

    remote->notification = NULL;
    if (notification)
        IoUnregisterPlugPlayNotificationEx(notification);
}

/* One that cannot listen is open all the same. */
static void listen(struct ft_wdf_remote *remote)
{
    PDRIVER_OBJECT driver = remote->target.object.device->fdo->DriverObject;
    NTSTATUS status =
        IoRegisterPlugPlayNotification(EventCategoryTargetDeviceChange, 0, remote->target.file,
                                       driver, on_notification, remote, &remote->notification);

    if (!NT_SUCCESS(status)) {
        remote->notification = NULL;
        remote->query_remove = NULL;
        remote->remove_canceled = NULL;
        remote->remove_complete = NULL;
    }
}

/* ---- opening ---- */

static NTSTATUS check_params(const WDF_IO_TARGET_OPEN_PARAMS *params)
{
    bool callbacks = params->EvtIoTargetQueryRemove || params->EvtIoTargetRemoveCanceled ||
                     params->EvtIoTargetRemoveComplete;

    switch (params->Type) {
    case WdfIoTargetOpenUseExistingDevice:
        return !params->TargetDeviceObject || (!params->TargetFileObject && callbacks)
                   ? STATUS_INVALID_PARAMETER
                   : STATUS_SUCCESS;
    case WdfIoTargetOpenByName:
        return params->TargetDeviceName.Buffer && params->TargetDeviceName.Length &&
                       params->TargetDeviceName.MaximumLength
                   ? STATUS_SUCCESS
                   : STATUS_INVALID_PARAMETER;
    case WdfIoTargetOpenReopen:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

/* A reopening does as the opening before it did. */
static NTSTATUS keep_name(struct ft_wdf_remote *remote, const WDF_IO_TARGET_OPEN_PARAMS *params)
{
    USHORT length = params->TargetDeviceName.Length;
    PWSTR name = ft_block_for_driver(length, FT_HC_OTHER, 0);

    if (!name)
        return STATUS_INSUFFICIENT_RESOURCES;
    forget_name(remote);
    RtlCopyMemory(name, params->TargetDeviceName.Buffer, length);
    remote->name = name;
    remote->params = *params;
    remote->params.TargetDeviceName.Buffer = name;
    remote->params.TargetDeviceName.MaximumLength = length;
    return STATUS_SUCCESS;
}

static NTSTATUS open_by_name(struct ft_wdf_remote *remote, WDF_IO_TARGET_OPEN_PARAMS *from)
{
    const WDF_IO_TARGET_OPEN_PARAMS *params = &remote->params;
    struct ft_wdf_target *target = &remote->target;
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK result = {0};
    LARGE_INTEGER allocation;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, (PUNICODE_STRING)(uintptr_t)&params->TargetDeviceName,
                               OBJ_KERNEL_HANDLE, NULL, NULL);
    allocation.QuadPart = params->AllocationSize ? *params->AllocationSize : 0;
    status = ZwCreateFile(&target->handle, params->DesiredAccess, &attributes, &result,
                          params->AllocationSize ? &allocation : NULL, params->FileAttributes,
                          params->ShareAccess, params->CreateDisposition, params->CreateOptions,
                          params->EaBuffer, params->EaBufferLength);
    from->FileInformation = (ULONG)result.Information;
    if (!NT_SUCCESS(status)) {
        target->handle = NULL;
        return status;
    }
    status = ObReferenceObjectByHandle(target->handle, params->DesiredAccess, *IoFileObjectType,
                                       KernelMode, (PVOID *)&target->file, NULL);
    if (NT_SUCCESS(status))
        target->below = IoGetRelatedDeviceObject(target->file);
    return status;
}

static NTSTATUS open_device(struct ft_wdf_target *target, const WDF_IO_TARGET_OPEN_PARAMS *params)
{
    target->below = params->TargetDeviceObject;
    target->file = params->TargetFileObject;
    if (target->file)
        ObReferenceObject(target->file);
    return STATUS_SUCCESS;
}

static NTSTATUS open_somehow(struct ft_wdf_remote *remote, WDF_IO_TARGET_OPEN_PARAMS *params)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (params->Type == WdfIoTargetOpenUseExistingDevice) {
        forget_name(remote);
        return open_device(&remote->target, params);
    }
    if (params->Type == WdfIoTargetOpenByName)
        status = keep_name(remote, params);
    return NT_SUCCESS(status) ? open_by_name(remote, params) : status;
}

FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI answered(PDEVICE_OBJECT device, PIRP irp, PVOID done)
{
    (void)device, (void)irp;
    KeSetEvent(done, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Whose device it is in the end; a stack that cannot say leaves it open. */
static NTSTATUS find_pdo(struct ft_wdf_target *target)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(target->below);
    PIRP irp = IoAllocateIrp(top->StackSize, FALSE);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    PDEVICE_RELATIONS relations;
    PIO_STACK_LOCATION next;
    KEVENT done;

    if (irp) {
        KeInitializeEvent(&done, NotificationEvent, FALSE);
        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        next = IoGetNextIrpStackLocation(irp);
        next->MajorFunction = IRP_MJ_PNP;
        next->MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS;
        next->Parameters.QueryDeviceRelations.Type = TargetDeviceRelation;
        IoSetCompletionRoutine(irp, answered, &done, TRUE, TRUE, TRUE);
        IoCallDriver(top, irp);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        status = irp->IoStatus.Status;
        relations = (PDEVICE_RELATIONS)irp->IoStatus.Information;
        if (NT_SUCCESS(status) && relations) {
            target->pdo = relations->Objects[0];
            ExFreePool(relations);
        }
        IoFreeIrp(irp);
    }
    ObDereferenceObject(top);
    return status == STATUS_INSUFFICIENT_RESOURCES ? status : STATUS_SUCCESS;
}

static void take_callbacks(struct ft_wdf_remote *remote, const WDF_IO_TARGET_OPEN_PARAMS *params)
{
    remote->query_remove = params->EvtIoTargetQueryRemove;
    remote->remove_canceled = params->EvtIoTargetRemoveCanceled;
    remote->remove_complete = params->EvtIoTargetRemoveComplete;
}

static NTSTATUS open_target(struct ft_wdf_remote *remote, WDF_IO_TARGET_OPEN_PARAMS *params)
{
    bool again = params->Type == WdfIoTargetOpenReopen;
    NTSTATUS status;

    if (again && remote->params.Type != WdfIoTargetOpenByName)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (remote->open != CLOSED || remote->target.state == WdfIoTargetDeleted)
        return STATUS_INVALID_DEVICE_STATE;
    remote->open = OPENING;
    stop_listening(remote);
    status = open_somehow(remote, params);
    if (NT_SUCCESS(status))
        status = find_pdo(&remote->target);
    if (NT_SUCCESS(status) && remote->target.file) {
        if (!again)
            take_callbacks(remote, params);
        listen(remote);
    }
    remote->open = NT_SUCCESS(status) ? OPEN : CLOSED;
    if (NT_SUCCESS(status)) {
        remote->target.state = WdfIoTargetStarted;
        ft_emit(FT_EV_WDF_TARGET, ft_wdf_handle(remote), remote->target.state, 0, 0);
        ft_wdf_send_pended(&remote->target);
    } else {
        close_target(remote, WdfIoTargetClosed);
    }
    ft_wake_waiters(remote, STATUS_SUCCESS, true);
    return status;
}

NTSTATUS WdfIoTargetOpen(WDFIOTARGET IoTarget, PWDF_IO_TARGET_OPEN_PARAMS OpenParams)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_remote *remote;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    remote = check_remote(IoTarget);
    ft_wdf_require(OpenParams);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        status = OpenParams->Size == sizeof *OpenParams ? check_params(OpenParams)
                                                        : STATUS_INFO_LENGTH_MISMATCH;
        if (NT_SUCCESS(status))
            status = open_target(remote, OpenParams);
    }
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return status;
}

/* ---- closing ---- */

/* What is on its way is cancelled and comes back first. */
static void close_target(struct ft_wdf_remote *remote, WDF_IO_TARGET_STATE state)
{
    struct ft_wdf_target *target = &remote->target;
    PFILE_OBJECT file;
    HANDLE handle;

    while (remote->open == OPENING)
        ft_task_wait(remote, 0);
    if (state == WdfIoTargetClosedForQueryRemove && remote->open != OPEN)
        state = WdfIoTargetClosed;
    remote->open = CLOSED;
    target->state = (uint8_t)state;
    ft_emit(FT_EV_WDF_TARGET, ft_wdf_handle(target), target->state, 0,
            !ft_wdf_list_empty(&target->sent));
    if (state != WdfIoTargetClosedForQueryRemove)
        stop_listening(remote);
    ft_wdf_target_cancel(target);
    file = target->file;
    handle = target->handle;
    target->below = target->pdo = NULL;
    target->file = NULL;
    target->handle = NULL;
    if (file)
        ObDereferenceObject(file);
    if (handle)
        ZwClose(handle);
}

/* It listens on: what was asked may be called off. */
VOID WdfIoTargetCloseForQueryRemove(WDFIOTARGET IoTarget)
{
    struct ft_wdf_remote *remote;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    remote = check_remote(IoTarget);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        close_target(remote, WdfIoTargetClosedForQueryRemove);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
}

VOID WdfIoTargetClose(WDFIOTARGET IoTarget)
{
    struct ft_wdf_remote *remote;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    remote = check_remote(IoTarget);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        close_target(remote, WdfIoTargetClosed);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
}

HANDLE WdfIoTargetWdmGetTargetFileHandle(WDFIOTARGET IoTarget)
{
    struct ft_wdf_remote *remote;

    FT_WDF_BEGIN(WDF_SEND, ft_wdf_label(IoTarget));
    remote = check_remote(IoTarget);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_SEND, ft_wdf_label(IoTarget));
    return remote->target.handle;
}
