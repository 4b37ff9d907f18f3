/* Callbacks of the kernel: callback objects (nf-wdm-excreatecallback and peers) and bug check
 * callbacks (nf-wdm-keregisterbugcheckcallback and peers).
 *
 * A callback object is found by its name, without regard to case; the three that Windows makes
 * (SetSystemTime, PowerState, ProcessorAdd) are there, and nobody but a driver notifies them.
 */
#include "kernel/dispatcher.h"
#include "kernel/handles.h"

enum { CALLBACK_BUG_CHECK = 1, CALLBACK_EXECUTIVE = 2, NAME_CHARS = 64 };

/* ---- callback objects ---- */

struct registration {
    LIST_ENTRY link;
    struct _CALLBACK_OBJECT *object;
    PCALLBACK_FUNCTION function;
    PVOID context;
    BOOLEAN running, unregistered;
};

struct _CALLBACK_OBJECT {
    struct _CALLBACK_OBJECT *next; /* all that live */
    LIST_ENTRY registrations;
    BOOLEAN multiple;
    USHORT length; /* of the name, in characters; 0: none */
    WCHAR name[NAME_CHARS];
};

static WCHAR lower(WCHAR c)
{
    return c >= 'A' && c <= 'Z' ? (WCHAR)(c + ('a' - 'A')) : c;
}

static bool has_name(const struct _CALLBACK_OBJECT *object, const UNICODE_STRING *name)
{
    if (object->length * sizeof(WCHAR) != name->Length)
        return false;
    for (USHORT i = 0; i < object->length; i++)
        if (lower(object->name[i]) != lower(name->Buffer[i]))
            return false;
    return true;
}

static struct _CALLBACK_OBJECT *find(const UNICODE_STRING *name)
{
    struct _CALLBACK_OBJECT *object = FT_M->kernel.callbacks;

    while (object && !has_name(object, name))
        object = object->next;
    return object;
}

static struct _CALLBACK_OBJECT *create(const UNICODE_STRING *name, bool multiple)
{
    struct _CALLBACK_OBJECT *object = ft_block_for_driver(sizeof *object, FT_HC_OTHER, 0);

    if (!object)
        return NULL;
    InitializeListHead(&object->registrations);
    object->multiple = multiple;
    object->length = name ? name->Length / sizeof(WCHAR) : 0;
    for (USHORT i = 0; i < object->length; i++)
        object->name[i] = name->Buffer[i];
    object->next = FT_M->kernel.callbacks;
    FT_M->kernel.callbacks = object;
    return object;
}

/* One of those that Windows makes at its own start. */
static bool is_of_system(const UNICODE_STRING *name)
{
    static const char *const names[] = {"\\callback\\setsystemtime", "\\callback\\powerstate",
                                        "\\callback\\processoradd"};

    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        USHORT i = 0;

        while (names[n][i] && i < name->Length / sizeof(WCHAR) &&
               lower(name->Buffer[i]) == (WCHAR)names[n][i])
            i++;
        if (!names[n][i] && i == name->Length / sizeof(WCHAR))
            return true;
    }
    return false;
}

/* The last reference to an object of class OTHER is gone: if it is one of these, it leaves the
 * list.
 */
static void forget(void *gone)
{
    struct _CALLBACK_OBJECT **at = (struct _CALLBACK_OBJECT **)&FT_M->kernel.callbacks;

    while (*at && *at != gone)
        at = &(*at)->next;
    if (*at)
        *at = (*at)->next;
}

const struct ft_object_type ft_callback_type = {.gone = forget};

static NTSTATUS open_callback(PCALLBACK_OBJECT *ret, const UNICODE_STRING *name, bool make,
                              bool multiple)
{
    struct _CALLBACK_OBJECT *object = name ? find(name) : NULL;

    if (name && name->Length > NAME_CHARS * sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    if (object) {
        ft_object_get(object);
        *ret = object;
        return STATUS_SUCCESS;
    }
    if (name && is_of_system(name)) {
        object = create(name, true);
        if (object)
            ft_object_get(object); /* Windows keeps it */
    } else if (make) {
        object = create(name, multiple);
    } else {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *ret = object;
    return object ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* The caller gives its reference back with ObDereferenceObject. */
NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes,
                          BOOLEAN Create, BOOLEAN AllowMultipleCallbacks)
{
    NTSTATUS status;

    FT_DDI_BEGIN(CALLBACK, 0);
    status = open_callback(CallbackObject, ObjectAttributes ? ObjectAttributes->ObjectName : NULL,
                           Create, AllowMultipleCallbacks);
    FT_DDI_END(CALLBACK, 0);
    return status;
}

/* NULL when the object has a callback already and takes one only. */
PVOID ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                         PVOID CallbackContext)
{
    struct registration *registration = NULL;

    FT_DDI_BEGIN(CALLBACK, 0);
    if (CallbackObject->multiple || IsListEmpty(&CallbackObject->registrations))
        registration = ft_block_for_driver(sizeof *registration, FT_HC_OTHER, 0);
    if (registration) {
        registration->object = CallbackObject;
        registration->function = CallbackFunction;
        registration->context = CallbackContext;
        ft_object_get(CallbackObject);
        InsertTailList(&CallbackObject->registrations, &registration->link);
        ft_emit(FT_EV_CALLBACK, CALLBACK_EXECUTIVE, true);
    }
    FT_DDI_END(CALLBACK, 0);
    return registration;
}

/* Waits for a callback that runs in another thread. */
VOID ExUnregisterCallback(PVOID CallbackRegistration)
{
    struct registration *registration = CallbackRegistration;

    FT_DDI_BEGIN(CALLBACK, 0);
    registration->unregistered = TRUE;
    while (registration->running)
        ft_block_on(registration, 0);
    RemoveEntryList(&registration->link);
    ft_object_put(registration->object);
    ft_block_free(registration);
    ft_emit(FT_EV_CALLBACK, CALLBACK_EXECUTIVE, false);
    FT_DDI_END(CALLBACK, 0);
}

static uint64_t call_callback(void *argument, void *argument1, void *argument2, void *unused)
{
    const struct registration *registration = argument;

    (void)unused;
    registration->function(registration->context, argument1, argument2);
    return 0;
}

/* Calls the callbacks in the order of their registration. */
static void notify(struct _CALLBACK_OBJECT *object, void *argument1, void *argument2)
{
    LIST_ENTRY *at = object->registrations.Flink;

    while (at != &object->registrations) {
        struct registration *registration = CONTAINING_RECORD(at, struct registration, link);

        if (!registration->unregistered) {
            registration->running = TRUE;
            ft_call_driver_routine(FT_ROUTINE_CALLBACK, ft_block_handle(object), 0, 0,
                                   call_callback, registration, argument1, argument2, NULL);
            registration->running = FALSE;
        }
        at = at->Flink;
        if (registration->unregistered)
            ft_wake_waiters(registration, STATUS_SUCCESS, true);
    }
}

VOID ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2)
{
    FT_DDI_BEGIN(CALLBACK, 0);
    notify(CallbackObject, Argument1, Argument2);
    FT_DDI_END(CALLBACK, 0);
}

/* ---- bug check callbacks ---- */

static KBUGCHECK_CALLBACK_RECORD **place_of(const KBUGCHECK_CALLBACK_RECORD *record)
{
    KBUGCHECK_CALLBACK_RECORD **at = (KBUGCHECK_CALLBACK_RECORD **)&FT_M->kernel.bugcheck_record;

    while (*at && *at != record)
        at = (KBUGCHECK_CALLBACK_RECORD **)&(*at)->Entry.Flink;
    return at;
}

/* FALSE when the record is registered, or was not prepared by KeInitializeCallbackRecord. */
BOOLEAN KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                   PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                   ULONG Length, PUCHAR Component)
{
    bool registered;

    FT_DDI_BEGIN(CALLBACK, 0);
    registered = CallbackRecord->State == BufferEmpty;
    if (registered) {
        CallbackRecord->Entry.Flink = FT_M->kernel.bugcheck_record;
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Buffer = Buffer;
        CallbackRecord->Length = Length;
        CallbackRecord->Component = Component;
        CallbackRecord->State = BufferInserted;
        FT_M->kernel.bugcheck_record = CallbackRecord;
        ft_emit(FT_EV_CALLBACK, CALLBACK_BUG_CHECK, true);
    }
    FT_DDI_END(CALLBACK, 0);
    return registered;
}

BOOLEAN KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    KBUGCHECK_CALLBACK_RECORD **at;
    bool found;

    FT_DDI_BEGIN(CALLBACK, 0);
    at = place_of(CallbackRecord);
    found = *at != NULL;
    if (found) {
        *at = (KBUGCHECK_CALLBACK_RECORD *)CallbackRecord->Entry.Flink;
        CallbackRecord->State = BufferEmpty;
        ft_emit(FT_EV_CALLBACK, CALLBACK_BUG_CHECK, false);
    }
    FT_DDI_END(CALLBACK, 0);
    return found;
}

static uint64_t call_bugcheck(void *argument, void *unused, void *unused2, void *unused3)
{
    const KBUGCHECK_CALLBACK_RECORD *record = argument;

    (void)unused;
    (void)unused2;
    (void)unused3;
    record->CallbackRoutine(record->Buffer, record->Length);
    return 0;
}

/* The last registered one first, at HIGH_LEVEL, once. */
void ft_bugcheck_callbacks(void)
{
    KBUGCHECK_CALLBACK_RECORD *record = FT_M->kernel.bugcheck_record;

    if (!ft_current() || FT_M->kernel.in_bugcheck || !record)
        return;
    FT_M->kernel.in_bugcheck = 1;
    ft_irql_set(HIGH_LEVEL);
    for (; record; record = (KBUGCHECK_CALLBACK_RECORD *)record->Entry.Flink) {
        record->State = BufferStarted;
        ft_call_driver_routine(FT_ROUTINE_CALLBACK, ft_handle_of(record), 0, 0, call_bugcheck,
                               record, NULL, NULL, NULL);
        record->State = BufferFinished;
    }
}
