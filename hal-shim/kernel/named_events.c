/* Events that the object manager keeps, with or without a name (nf-wdm-iocreatenotificationevent,
 * nf-ntifs-zwcreateevent and peers). A name is compared as a whole, without regard to case; there
 * are no directories, so a relative name and a root directory are not understood. */
#include "kernel/dispatcher.h"
#include "kernel/handles.h"

enum { NAME_CHARS = 64 };

struct named_event {
    KEVENT event; /* what a reference by handle gives */
    struct named_event *next;
    USHORT length; /* in characters, 0: no name, and not in the list */
    WCHAR name[NAME_CHARS];
};

static WCHAR lower(WCHAR c)
{
    return c >= 'A' && c <= 'Z' ? (WCHAR)(c + ('a' - 'A')) : c;
}

static bool has_name(const struct named_event *event, const UNICODE_STRING *name)
{
    if (event->length * sizeof(WCHAR) != name->Length)
        return false;
    for (USHORT i = 0; i < event->length; i++)
        if (lower(event->name[i]) != lower(name->Buffer[i]))
            return false;
    return true;
}

static struct named_event *find(const UNICODE_STRING *name)
{
    struct named_event *event = FT_M->kernel.events;

    while (event && !has_name(event, name))
        event = event->next;
    return event;
}

/* Its name goes with the last handle, as that of any temporary object; it may live on. */
static void forget(void *object)
{
    struct named_event **at = (struct named_event **)&FT_M->kernel.events;

    while (*at && *at != object)
        at = &(*at)->next;
    if (*at)
        *at = (*at)->next;
}

const struct ft_object_type ft_event_type = {.closed = forget};

static struct named_event *create(const UNICODE_STRING *name, EVENT_TYPE type, bool state)
{
    struct named_event *event = ft_block_for_driver(sizeof *event, FT_HC_EVENT, 0);

    if (!event)
        return NULL;
    event->event.Header.Type =
        type == SynchronizationEvent ? FT_DT_SYNCHRONIZATION_EVENT : FT_DT_NOTIFICATION_EVENT;
    event->event.Header.SignalState = state;
    ft_emit(FT_EV_EVENT_INIT, ft_block_handle(event), type == SynchronizationEvent, state,
            FT_MEMORY_NONPAGED_POOL);
    if (!name || name->Length == 0)
        return event;
    event->length = name->Length / sizeof(WCHAR);
    RtlCopyMemory(event->name, name->Buffer, name->Length);
    event->next = FT_M->kernel.events;
    FT_M->kernel.events = event;
    return event;
}

/* The handle keeps the new event; nobody else does. */
static NTSTATUS create_and_open(const UNICODE_STRING *name, EVENT_TYPE type, bool state,
                                ACCESS_MASK access, HANDLE *ret)
{
    struct named_event *event;

    if (name && name->Length > NAME_CHARS * sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    event = create(name, type, state);
    if (!event)
        return STATUS_INSUFFICIENT_RESOURCES;
    *ret = ft_handle_open(event, access);
    ft_object_put(event);
    return STATUS_SUCCESS;
}

static PUNICODE_STRING name_of(POBJECT_ATTRIBUTES attributes)
{
    return attributes ? attributes->ObjectName : NULL;
}

/* ---- handles ---- */

static NTSTATUS create_event(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
                             EVENT_TYPE type, bool state)
{
    PUNICODE_STRING name = name_of(attributes);
    struct named_event *there = name && name->Length ? find(name) : NULL;

    if (!there)
        return create_and_open(name, type, state, access, handle);
    if (!(attributes->Attributes & OBJ_OPENIF))
        return STATUS_OBJECT_NAME_COLLISION;
    *handle = ft_handle_open(there, access);
    return STATUS_OBJECT_NAME_EXISTS;
}

NTSTATUS ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                       POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType,
                       BOOLEAN InitialState)
{
    NTSTATUS status;

    FT_DDI_BEGIN(OBJECT, 0);
    status = create_event(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
    FT_DDI_END(OBJECT, 0);
    return status;
}

NTSTATUS ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes)
{
    PUNICODE_STRING name = name_of(ObjectAttributes);
    struct named_event *there;

    FT_DDI_BEGIN(OBJECT, 0);
    there = name && name->Length ? find(name) : NULL;
    if (there)
        *EventHandle = ft_handle_open(there, DesiredAccess);
    FT_DDI_END(OBJECT, 0);
    return there ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

/* STATUS_INVALID_HANDLE for a handle that is none, STATUS_OBJECT_TYPE_MISMATCH for another object.
 */
static NTSTATUS status_of(HANDLE handle, const void *event)
{
    if (event)
        return STATUS_SUCCESS;
    return ft_handle_object_of(handle, 0, NULL) ? STATUS_OBJECT_TYPE_MISMATCH
                                                : STATUS_INVALID_HANDLE;
}

NTSTATUS ZwSetEvent(HANDLE EventHandle, PLONG PreviousState)
{
    PKEVENT event = ft_handle_object_of(EventHandle, FT_HC_EVENT, NULL);
    LONG previous;

    if (!event)
        return status_of(EventHandle, event);
    previous = KeSetEvent(event, 0, FALSE);
    if (PreviousState)
        *PreviousState = previous;
    return STATUS_SUCCESS;
}

static bool can_be_waited_for(const void *object)
{
    switch (ft_handle_class(ft_block_handle(object))) {
    case FT_HC_EVENT:
    case FT_HC_THREAD:
        return true;
    default:
        return false;
    }
}

NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
    void *object = ft_handle_object_of(Handle, 0, NULL);
    NTSTATUS status;

    if (!object)
        return STATUS_INVALID_HANDLE;
    if (!can_be_waited_for(object))
        return STATUS_OBJECT_TYPE_MISMATCH;
    ft_object_get(object);
    status = KeWaitForSingleObject(object, UserRequest, KernelMode, Alertable, Timeout);
    ft_object_put(object);
    return status;
}

/* ---- what the I/O manager offers ---- */

/* Signalled when it is new. NULL when there is no room, or the name is too long. */
static PKEVENT open_or_create(PUNICODE_STRING name, EVENT_TYPE type, HANDLE *handle)
{
    struct named_event *there = name && name->Length ? find(name) : NULL;

    if (there)
        *handle = ft_handle_open(there, EVENT_ALL_ACCESS);
    else if (!NT_SUCCESS(create_and_open(name, type, true, EVENT_ALL_ACCESS, handle)))
        return NULL;
    return ft_handle_object_of(*handle, FT_HC_EVENT, NULL);
}

PKEVENT IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    PKEVENT event;

    FT_DDI_BEGIN(OBJECT, 0);
    event = open_or_create(EventName, NotificationEvent, EventHandle);
    FT_DDI_END(OBJECT, 0);
    return event;
}

PKEVENT IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    PKEVENT event;

    FT_DDI_BEGIN(OBJECT, 0);
    event = open_or_create(EventName, SynchronizationEvent, EventHandle);
    FT_DDI_END(OBJECT, 0);
    return event;
}
