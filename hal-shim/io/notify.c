/* PnP notifications: the arrival and removal of device interfaces, and what happens to a device
 * that somebody holds open (the IoRegisterPlugPlayNotification pages). IoRequestDeviceEject.
 *
 * Callbacks run at PASSIVE_LEVEL: for interfaces in a thread of their own some time later, for a
 * target device before the manager goes on, so that one of them can veto the removal. A
 * registration for a target speaks of the device that its file is of. Hardware profiles never
 * change.
 */
#include "io/io_private.h"

#include <string.h>

enum { CALLBACK_PNP = 5 };

struct notification {
    IO_NOTIFICATION_EVENT_CATEGORY category;
    uint32_t running; /* calls of the callback */
    uint16_t task;    /* that makes one */
    bool left;        /* taken back by its own callback: goes when that has returned */
    GUID guid;        /* interface class */
    PFILE_OBJECT file;
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE callback;
    PVOID context;
};

static const GUID arrival = {
    0xcb3a4004, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};
static const GUID removal = {
    0xcb3a4005, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}};
static const GUID target[] = {
    [FT_TARGET_QUERY_REMOVE] = {0xcb3a4006,
                                0x46f0,
                                0x11d0,
                                {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}},
    [FT_TARGET_REMOVE_CANCELLED] = {0xcb3a4007,
                                    0x46f0,
                                    0x11d0,
                                    {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}},
    [FT_TARGET_REMOVE_COMPLETE] = {
        0xcb3a4008, 0x46f0, 0x11d0, {0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f}}};

static bool same(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static struct notification *registered(unsigned i, IO_NOTIFICATION_EVENT_CATEGORY category)
{
    struct notification *notification = FT_IO->notification[i];

    return notification && notification->category == category ? notification : NULL;
}

/* The same, about the device in focus. */
static struct notification *about_target(unsigned i)
{
    struct notification *notification = registered(i, EventCategoryTargetDeviceChange);
    bool ours = notification &&
                (!FT_IO->second || ft_device_owning(notification->file->DeviceObject) == FT_DEV);

    return ours ? notification : NULL;
}

static uint64_t call_notification(void *notification_, void *structure, void *unused, void *unused2)
{
    struct notification *notification = notification_;

    (void)unused;
    (void)unused2;
    return (uint32_t)notification->callback(structure, notification->context);
}

/* In tasks. The registration stays until the call has returned. */
static NTSTATUS tell(struct notification *notification, void *structure)
{
    NTSTATUS status;

    notification->running++;
    notification->task = ft_current()->id;
    status =
        (NTSTATUS)ft_call_driver_routine(FT_ROUTINE_CALLBACK, ft_block_handle(notification), 0, 0,
                                         call_notification, notification, structure, NULL, NULL);
    notification->running--;
    ft_wake_waiters(notification, STATUS_SUCCESS, true);
    if (notification->left && notification->running == 0)
        ft_block_free(notification);
    return status;
}

/* ---- interfaces ---- */

enum { LINK_MAX = 256 };

struct interface_change {
    DEVICE_INTERFACE_CHANGE_NOTIFICATION notification;
    UNICODE_STRING link;
    WCHAR text[LINK_MAX];
};

static void tell_interface(void *argument)
{
    struct interface_change *change = argument;

    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX; i++) {
        struct notification *notification = registered(i, EventCategoryDeviceInterfaceChange);

        if (notification && same(&notification->guid, &change->notification.InterfaceClassGuid))
            tell(notification, &change->notification);
    }
    ft_block_free(change);
}

void ft_notify_interface(const GUID *class_, PCUNICODE_STRING link, bool arrived)
{
    struct interface_change *change = ft_block_alloc(sizeof *change, FT_HC_OTHER, 0);

    if (!change) {
        ft_io_cut();
        return;
    }
    change->notification.Version = 1;
    change->notification.Size = sizeof change->notification;
    change->notification.Event = arrived ? arrival : removal;
    change->notification.InterfaceClassGuid = *class_;
    change->notification.SymbolicLinkName = &change->link;
    change->link.Length = link->Length < sizeof change->text ? link->Length : 0;
    change->link.MaximumLength = sizeof change->text;
    change->link.Buffer = change->text;
    memcpy(change->text, link->Buffer, change->link.Length);
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, tell_interface, change, 0));
}

/* ---- the target device ---- */

/* False: somebody who was asked said no. */
bool ft_notify_target(enum ft_target_event event)
{
    bool agreed = true;

    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX && agreed; i++) {
        struct notification *notification = about_target(i);
        TARGET_DEVICE_REMOVAL_NOTIFICATION change = {.Version = 1, .Size = sizeof change};

        if (!notification)
            continue;
        change.Event = target[event];
        change.FileObject = notification->file;
        if (!NT_SUCCESS(tell(notification, &change)))
            agreed = event != FT_TARGET_QUERY_REMOVE;
    }
    return agreed;
}

/* IoReportTargetDeviceChange: for events of the driver's own; returns when all were told. */
NTSTATUS IoReportTargetDeviceChange(PDEVICE_OBJECT PhysicalDeviceObject,
                                    PVOID NotificationStructure)
{
    struct ft_focus was;
    PTARGET_DEVICE_REMOVAL_NOTIFICATION change = NotificationStructure;
    bool system = false;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(PhysicalDeviceObject);
    if (PhysicalDeviceObject != FT_DEV->pdo)
        ft_bugcheck(FT_BUGCHECK_PNP, 2, ft_handle_of(PhysicalDeviceObject), 0, 0);
    for (unsigned i = 0; i < sizeof target / sizeof *target; i++)
        system = system || same(&change->Event, &target[i]);
    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX && !system; i++) {
        struct notification *notification = about_target(i);

        if (!notification)
            continue;
        change->FileObject = notification->file;
        tell(notification, change);
    }
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
    return system ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
}

/* ---- registering ---- */

static NTSTATUS register_notification(const struct notification *wanted, PVOID *ret)
{
    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX; i++) {
        struct notification *notification;

        if (FT_IO->notification[i])
            continue;
        notification = ft_block_for_driver(sizeof *notification, FT_HC_OTHER, 0);
        if (!notification)
            return STATUS_INSUFFICIENT_RESOURCES;
        *notification = *wanted;
        FT_IO->notification[i] = notification;
        *ret = notification;
        ft_emit(FT_EV_CALLBACK, CALLBACK_PNP, true);
        return STATUS_SUCCESS;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}

/* Not modelled: PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES; the run stops by name. */
NTSTATUS IoRegisterPlugPlayNotification(IO_NOTIFICATION_EVENT_CATEGORY EventCategory,
                                        ULONG EventCategoryFlags, PVOID EventCategoryData,
                                        PDRIVER_OBJECT DriverObject,
                                        PDRIVER_NOTIFICATION_CALLBACK_ROUTINE CallbackRoutine,
                                        PVOID Context, PVOID *NotificationEntry)
{
    struct notification wanted = {
        .category = EventCategory, .callback = CallbackRoutine, .context = Context};
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    (void)DriverObject;
    FT_DDI_BEGIN(CALLBACK, 0);
    if (EventCategory == EventCategoryDeviceInterfaceChange && EventCategoryFlags)
        ft_unimplemented("IoRegisterPlugPlayNotification, existing interfaces");
    if (EventCategory == EventCategoryDeviceInterfaceChange && EventCategoryData)
        wanted.guid = *(const GUID *)EventCategoryData;
    else if (EventCategory == EventCategoryTargetDeviceChange)
        wanted.file = EventCategoryData;
    if (EventCategory == EventCategoryHardwareProfileChange || EventCategoryData)
        status = register_notification(&wanted, NotificationEntry);
    FT_DDI_END(CALLBACK, 0);
    return status;
}

/* Waits for a callback that runs, unless it is the caller's own. */
static NTSTATUS unregister(struct notification *notification)
{
    for (unsigned i = 0; i < FT_NOTIFICATIONS_MAX; i++) {
        if (!notification || FT_IO->notification[i] != notification)
            continue;
        FT_IO->notification[i] = NULL;
        notification->left = notification->running > 0 && notification->task == ft_current()->id;
        while (notification->running > 0 && !notification->left)
            ft_task_wait(notification, 0);
        ft_emit(FT_EV_CALLBACK, CALLBACK_PNP, false);
        if (!notification->left)
            ft_block_free(notification);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS IoUnregisterPlugPlayNotificationEx(PVOID NotificationEntry)
{
    NTSTATUS status;

    FT_DDI_BEGIN(CALLBACK, 0);
    status = unregister(NotificationEntry);
    FT_DDI_END(CALLBACK, 0);
    return status;
}

NTSTATUS IoUnregisterPlugPlayNotification(PVOID NotificationEntry)
{
    NTSTATUS status;

    FT_DDI_BEGIN(CALLBACK, 0);
    status = unregister(NotificationEntry);
    FT_DDI_END(CALLBACK, 0);
    return status;
}

/* ---- ejection ---- */

/* IoRequestDeviceEject: as if the user had pressed the button; the removal comes later. */
VOID IoRequestDeviceEject(PDEVICE_OBJECT PhysicalDeviceObject)
{
    struct ft_focus was;

    FT_DDI_BEGIN(DEVICE_QUERY, 0);
    was = ft_focus_on_owner(PhysicalDeviceObject);
    if (PhysicalDeviceObject == FT_DEV->pdo)
        ft_manager_submit(FT_WORK_EJECT, 0, NULL);
    else if (!ft_child_eject(PhysicalDeviceObject))
        ft_bugcheck(FT_BUGCHECK_PNP, 2, ft_handle_of(PhysicalDeviceObject), 0, 0);
    ft_focus_back(was);
    FT_DDI_END(DEVICE_QUERY, 0);
}
