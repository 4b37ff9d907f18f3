/* Framework device objects: how one is made, what it says about itself, how it ends. */
#include "kmdf/children.h"

/* ---- how it ends ---- */

static void unlink_device(struct ft_wdf_device *device)
{
    struct ft_wdf_device **link = (struct ft_wdf_device **)(void *)&FT_WDF->devices;

    while (*link && *link != device)
        link = &(*link)->next;
    if (*link)
        *link = device->next;
}

static void forget_names(struct ft_wdf_pnp *pnp)
{
    if (pnp->link_name.Buffer) {
        IoDeleteSymbolicLink(&pnp->link_name);
        ft_block_free(pnp->link_name.Buffer);
        pnp->link_name.Buffer = NULL;
    }
    for (unsigned i = 0; i < FT_WDF_INTERFACES; i++) {
        if (pnp->interface[i].link.Buffer)
            RtlFreeUnicodeString(&pnp->interface[i].link);
        pnp->interface[i].link.Buffer = NULL;
    }
}

/* With the object's last reference. */
static void destroy_device(struct ft_wdf_object *object)
{
    struct ft_wdf_device *device = (struct ft_wdf_device *)object;
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    if (!pnp)
        return;
    if (pnp->mof.Buffer)
        ft_block_free(pnp->mof.Buffer);
    ft_wdf_relations_clear(&pnp->removal);
    ft_wdf_relations_clear(&pnp->usage);
    if (pnp->child)
        ft_wdf_child_free(pnp->child);
    if (pnp->preprocess)
        ft_block_free(pnp->preprocess);
    ft_block_free(pnp);
    device->pnp = NULL;
}

static const struct ft_wdf_class device_class = {
    .handle_class = FT_HC_WDF_DEVICE, .passive = 1, .undeletable = 1, .destroy = destroy_device};

/* The WDM side of it. */
static void end_wdm(struct ft_wdf_device *device)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    forget_names(pnp);
    ft_wdf_wmi_end(pnp);
    if (pnp->worker)
        IoFreeWorkItem(pnp->worker);
    pnp->worker = NULL;
    unlink_device(device);
    if (device->below)
        IoDetachDevice(device->below);
    IoDeleteDevice(device->fdo);
}

/* The object goes once nothing of the driver's refers to it. */
void ft_wdf_device_end(struct ft_wdf_device *device)
{
    end_wdm(device);
    ft_wdf_object_delete(&device->object);
}

/* Control devices are the driver's to delete, or go with it. */
static void dispose_control(struct ft_wdf_object *object)
{
    struct ft_wdf_device *device = (struct ft_wdf_device *)object;

    ft_wdf_queues_purge(device, false);
    if (ft_wdf_pnp_of(device)->shutdown)
        IoUnregisterShutdownNotification(device->fdo);
    end_wdm(device);
}

/* A child that the driver makes itself is its own to delete until it is in the static list. */
static bool keeps_child(const struct ft_wdf_object *object)
{
    const struct ft_wdf_pnp *pnp = ((const struct ft_wdf_device *)object)->pnp;

    return !pnp->child->static_ || pnp->child->added;
}

static void dispose_child(struct ft_wdf_object *object)
{
    struct ft_wdf_device *device = (struct ft_wdf_device *)object;

    if (keeps_child(object))
        return;
    ft_wdf_queues_purge(device, false);
    end_wdm(device);
}

static const struct ft_wdf_class child_class = {.handle_class = FT_HC_WDF_DEVICE,
                                                .passive = 1,
                                                .keeps = keeps_child,
                                                .dispose = dispose_child,
                                                .destroy = destroy_device};

static const struct ft_wdf_class control_class = {.handle_class = FT_HC_WDF_DEVICE,
                                                  .passive = 1,
                                                  .dispose = dispose_control,
                                                  .destroy = destroy_device};

/* Nothing of it was started. */
void ft_wdf_device_drop(struct ft_wdf_device *device)
{
    ft_wdf_children_remove(ft_wdf_pnp_of(device));
    ft_wdf_queues_purge(device, false);
    ft_wdf_object_dispose(&device->object);
    ft_wdf_dispose_drain();
    ft_wdf_device_end(device);
}

/* ---- the worker ---- */

FT_FRAMEWORK_ROUTINE
static VOID NTAPI work(PDEVICE_OBJECT fdo, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)fdo;
    pnp->worker_queued = 0;
    ft_wdf_children_discard(pnp);
    ft_wdf_machine_run(pnp, &pnp->power);
    ft_wdf_machine_run(pnp, &pnp->pnp);
}

void ft_wdf_worker_queue(struct ft_wdf_pnp *pnp)
{
    if (pnp->worker_queued)
        return;
    pnp->worker_queued = 1;
    IoQueueWorkItem(pnp->worker, work, DelayedWorkQueue, pnp);
}

/* ---- state callbacks ---- */

static uint64_t call_state(void *callback, void *device, void *data, void *unused)
{
    (void)unused;
    ((PFN_WDF_DEVICE_PNP_STATE_CHANGE_NOTIFICATION)callback)(device, data);
    return 0;
}

/* The data of the three machines have one shape. */
void ft_wdf_state_changed(struct ft_wdf_pnp *pnp, unsigned machine, unsigned type, unsigned old,
                          unsigned next)
{
    unsigned state = type == StateNotificationLeaveState ? old : next;

    for (unsigned i = 0; i < FT_WDF_STATE_CALLBACKS; i++) {
        const struct ft_wdf_state_callback *entry = &pnp->state_callback[i];
        WDF_DEVICE_PNP_NOTIFICATION_DATA data = {.Type = (WDF_STATE_NOTIFICATION_TYPE)type};

        if (!entry->callback || entry->machine != machine || entry->state != state ||
            !(entry->types & type))
            continue;
        data.Data.EnterState.CurrentState =
            (WDF_DEVICE_PNP_STATE)(type == StateNotificationPostProcessState ? next : old);
        data.Data.EnterState.NewState = (WDF_DEVICE_PNP_STATE)next;
        ft_wdf_call(FT_ROUTINE_WDF_STATE_CHANGE, pnp->device, call_state, entry->callback,
                    pnp->device, &data, NULL);
    }
}

/* ---- how it is made ---- */

static struct ft_wdf_pnp *make_pnp(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    struct ft_wdf_pnp *pnp = ft_block_for_driver(sizeof *pnp, FT_HC_OTHER, 0);
    const WDF_PNPPOWER_EVENT_CALLBACKS *evt = &init->callbacks;

    if (!pnp)
        return NULL;
    device->pnp = pnp;
    pnp->device = device;
    pnp->callbacks = init->callbacks;
    pnp->policy_callbacks = init->policy;
    pnp->fdo_callbacks = init->fdo;
    pnp->shutdown = init->shutdown;
    pnp->release_order = (uint8_t)init->release_order;
    pnp->remove_lock_for_io = (init->remove_lock_flags & WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO);
    pnp->control = ft_wdf_init_is_control(init);
    pnp->name = init->name;
    pnp->name.string.Buffer = pnp->name.text;
    RtlCopyMemory(pnp->state_callback, init->state_callback, sizeof pnp->state_callback);
    WDF_DEVICE_STATE_INIT(&pnp->state);
    WDF_DEVICE_PNP_CAPABILITIES_INIT(&pnp->pnp_caps);
    WDF_DEVICE_POWER_CAPABILITIES_INIT(&pnp->power_caps);
    if (evt->EvtDeviceSelfManagedIoInit || evt->EvtDeviceSelfManagedIoSuspend ||
        evt->EvtDeviceSelfManagedIoRestart || evt->EvtDeviceSelfManagedIoFlush ||
        evt->EvtDeviceSelfManagedIoCleanup)
        pnp->smio = FT_WDF_SMIO_CREATED;
    ft_wdf_pnp_begin(pnp);
    ft_wdf_power_begin(pnp);
    ft_wdf_policy_begin(pnp);
    return pnp;
}

static bool copy_preprocess(struct ft_wdf_pnp *pnp, const ft_wdf_init *init)
{
    bool any = false;

    for (unsigned i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        any |= init->preprocess[i].callback != NULL;
    if (!any)
        return true;
    pnp->preprocess = ft_block_for_driver(sizeof init->preprocess, FT_HC_OTHER, 0);
    if (pnp->preprocess)
        RtlCopyMemory(pnp->preprocess, init->preprocess, sizeof init->preprocess);
    return pnp->preprocess != NULL;
}

/* Of a child without a driver of its own (raw): this one. */
static bool owns_power(const ft_wdf_init *init)
{
    if (ft_wdf_init_is_control(init))
        return false;
    if (init->owner != WdfUseDefault)
        return init->owner == WdfTrue;
    return init->child ? init->child->raw : !init->filter;
}

static void copy_init(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    device->io_type = init->io_type;
    device->filter = init->filter;
    device->power_owner = owns_power(init);
    device->file_class = (uint32_t)init->file.FileObjectClass;
    device->file_create = init->file.EvtDeviceFileCreate;
    device->file_close = init->file.EvtFileClose;
    device->file_cleanup = init->file.EvtFileCleanup;
    device->in_caller = init->in_caller;
    device->request_attributes = init->request_attributes;
    device->file_attributes = init->file_attributes;
}

static ULONG flags_of(const struct ft_wdf_device *device, const ft_wdf_init *init)
{
    ULONG below = device->below ? device->below->Flags : 0, flags = 0;

    if (device->filter)
        flags = below & (DO_BUFFERED_IO | DO_DIRECT_IO);
    else if (device->io_type == WdfDeviceIoBuffered)
        flags = DO_BUFFERED_IO;
    else if (device->io_type == WdfDeviceIoDirect)
        flags = DO_DIRECT_IO;
    if (init->pageable == WdfTrue ||
        (init->pageable == WdfUseDefault && (init->child || (below & DO_POWER_PAGABLE))))
        flags |= DO_POWER_PAGABLE;
    return flags | (init->inrush ? DO_POWER_INRUSH : 0);
}

static NTSTATUS watch_shutdown(const struct ft_wdf_device *device, const ft_wdf_init *init)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (init->shutdown_flags & WdfDeviceShutdown)
        status = IoRegisterShutdownNotification(device->fdo);
    if (NT_SUCCESS(status) && (init->shutdown_flags & WdfDeviceLastChanceShutdown))
        status = IoRegisterLastChanceShutdownNotification(device->fdo);
    return status;
}

/* A child is the bottom of its own stack; requests that go to its parent's queues need room for the
 * parent's stack. */
static void make_bottom(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    const struct ft_wdf_device *parent = init->child->parent;

    device->pdo = device->fdo;
    if (init->child->forwards)
        device->fdo->StackSize = (CCHAR)(device->fdo->StackSize + parent->fdo->StackSize);
    device->fdo->Flags |= flags_of(device, init);
    device->alignment = device->fdo->AlignmentRequirement;
}

static NTSTATUS make_wdm(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    PCUNICODE_STRING name = init->has_name ? &init->name.string : NULL;
    struct ft_wdf_extension *extension;
    NTSTATUS status =
        IoCreateDevice(init->driver->driver, sizeof *extension, (PUNICODE_STRING)name, init->type,
                       init->characteristics, init->exclusive, &device->fdo);

    if (!NT_SUCCESS(status))
        return status;
    extension = device->fdo->DeviceExtension;
    extension->device = device;
    if (ft_wdf_init_is_control(init)) {
        device->fdo->Flags |= flags_of(device, init);
        return watch_shutdown(device, init);
    }
    IoInitializeRemoveLock(&extension->lock, 'LdfW', 0, 0);
    if (init->child) {
        make_bottom(device, init);
        return status;
    }
    device->pdo = init->pdo;
    device->below = IoAttachDeviceToDeviceStack(device->fdo, init->pdo);
    if (!device->below)
        return STATUS_NO_SUCH_DEVICE;
    device->fdo->Flags |= flags_of(device, init);
    if (init->remove_lock_flags & WDF_REMOVE_LOCK_OPTION_ACQUIRE_FOR_IO)
        device->fdo->StackSize++; /* for the routine that gives the lock back */
    device->alignment = device->fdo->AlignmentRequirement;
    return status;
}

static NTSTATUS fill(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    struct ft_wdf_pnp *pnp = make_pnp(device, init);
    NTSTATUS status;

    if (!pnp || !copy_preprocess(pnp, init))
        return STATUS_INSUFFICIENT_RESOURCES;
    copy_init(device, init);
    status = make_wdm(device, init);
    if (!NT_SUCCESS(status))
        return status;
    pnp->worker = IoAllocateWorkItem(device->fdo);
    status = pnp->worker ? ft_wdf_io_begin(device) : STATUS_INSUFFICIENT_RESOURCES;
    return NT_SUCCESS(status) ? ft_wdf_children_begin(device, init) : status;
}

/* Takes back what `fill` got done. */
static void unfill(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    if (pnp && pnp->worker)
        IoFreeWorkItem(pnp->worker);
    if (device->fdo && ft_wdf_init_is_control(init) && init->shutdown_flags)
        IoUnregisterShutdownNotification(device->fdo);
    if (device->below)
        IoDetachDevice(device->below);
    if (device->fdo)
        IoDeleteDevice(device->fdo);
    destroy_device(&device->object);
}

static void link_device(struct ft_wdf_device *device)
{
    struct ft_wdf_device **link = (struct ft_wdf_device **)(void *)&FT_WDF->devices;

    while (*link)
        link = &(*link)->next;
    *link = device;
}

/* The child is the device's now; its description learns of it. */
static void bear(struct ft_wdf_device *device, ft_wdf_init *init)
{
    struct ft_wdf_child *child = init->child;

    ft_wdf_pnp_of(device)->child = child;
    init->child = NULL;
    if (child->entry)
        child->entry->pdo = device;
    device->fdo->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

static NTSTATUS create(ft_wdf_init *init, const WDF_OBJECT_ATTRIBUTES *attributes,
                       struct ft_wdf_device **ret)
{
    struct ft_wdf_device *device;
    bool control = ft_wdf_init_is_control(init);
    NTSTATUS status = ft_wdf_attributes_check(attributes, control);

    if (!NT_SUCCESS(status))
        return status;
    if (!init->pdo && !init->has_name && !(init->characteristics & FILE_AUTOGENERATED_DEVICE_NAME))
        return control ? STATUS_INVALID_PARAMETER : STATUS_OBJECT_NAME_INVALID;
    device = ft_wdf_object_new(control       ? &control_class
                               : init->child ? &child_class
                                             : &device_class,
                               sizeof *device, &init->driver->object, attributes, &status);
    if (!device)
        return status;
    device->object.device = device;
    status = fill(device, init);
    if (!NT_SUCCESS(status)) {
        unfill(device, init);
        ft_wdf_object_abandon(&device->object);
        return status;
    }
    link_device(device);
    if (FT_WDF->adding == init)
        FT_WDF->added = device;
    if (init->child)
        bear(device, init);
    *ret = device;
    return status;
}

NTSTATUS WdfDeviceCreate(PWDFDEVICE_INIT *DeviceInit, PWDF_OBJECT_ATTRIBUTES DeviceAttributes,
                         WDFDEVICE *Device)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_device *device = NULL;
    struct ft_wdf_child *child;
    ft_wdf_init *init;

    FT_WDF_BEGIN(WDF_DEVICE, 0);
    ft_wdf_require(DeviceInit);
    ft_wdf_require(Device);
    init = ft_wdf_init_check(*DeviceInit);
    *Device = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = create(init, DeviceAttributes, &device);
    if (NT_SUCCESS(status)) {
        ft_wdf_init_free(init);
        *DeviceInit = NULL;
        *Device = device;
    }
    ft_wdf_emit(FT_EV_WDF_DEVICE_NEW, ft_wdf_handle(device), device ? ft_handle_of(device->fdo) : 0,
                (uint32_t)status, device && device->power_owner);
    child = device ? ft_wdf_pnp_of(device)->child : NULL;
    if (child)
        ft_wdf_emit(FT_EV_WDF_CHILD, ft_wdf_handle(device), ft_wdf_handle(child->parent),
                    child->independent);
    FT_WDF_END(WDF_DEVICE, 0);
    return status;
}

struct ft_wdf_device *ft_wdf_device_of(PDEVICE_OBJECT fdo)
{
    for (struct ft_wdf_device *device = FT_WDF->devices; device; device = device->next)
        if (device->fdo == fdo)
            return device;
    return NULL;
}
