/* References and handles (wdm-io sheet, section 8; nf-wdm-obreferenceobjectbyhandle and peers).
 *
 * A handle is the number of its opening, in the range of kernel handles; a closed one is never
 * given out again, so that its use afterwards is seen.
 *
 * Not modelled: names and security of objects; handles of processes other than the system's (every
 * handle is a kernel handle), quotas.
 */
#include "kernel/handles.h"

#include "kernel/dispatcher.h"

enum { BUGCHECK_REFERENCE = 0x18, NOT_AN_OBJECT = 1, STILL_IN_USE = 2 };

extern const struct ft_object_type ft_thread_type, ft_device_type, ft_callback_type, ft_event_type,
    ft_file_type;

/* The I/O manager keeps a driver object for the whole run. */
static bool always(const void *object)
{
    (void)object;
    return true;
}

static const struct ft_object_type plain, driver = {.in_use = always};

static const struct ft_object_type *const types[] = {
    [FT_HC_RUNDOWN] = NULL, /* the highest class */
    [FT_HC_DEVICE] = &ft_device_type, [FT_HC_DRIVER] = &driver,
    [FT_HC_EVENT] = &ft_event_type,   [FT_HC_OTHER] = &ft_callback_type,
    [FT_HC_FILE] = &ft_file_type,     [FT_HC_THREAD] = &ft_thread_type,
};

static const struct ft_object_type *type_of(const void *object)
{
    const struct ft_object_type *type = types[ft_handle_class(ft_block_handle(object))];

    return type ? type : &plain;
}

/* ---- references ---- */

static void check(const void *object)
{
    if (ft_block_references(object) == 0)
        ft_bugcheck(BUGCHECK_REFERENCE, 0, ft_handle_of(object), NOT_AN_OBJECT, 0);
}

uint32_t ft_object_get(void *object)
{
    return ft_block_refer(object, 1);
}

uint32_t ft_object_put(void *object)
{
    const struct ft_object_type *type = type_of(object);
    uint32_t left = ft_block_refer(object, -1);

    if (left > 0)
        return left;
    if (type->gone)
        type->gone(object);
    ft_block_free(object);
    return 0;
}

LONG_PTR ObfReferenceObject(PVOID Object)
{
    uint32_t count;

    FT_DDI_BEGIN(OBJECT, 0);
    check(Object);
    count = ft_object_get(Object);
    ft_emit(FT_EV_OBJECT_REFERENCE, ft_block_handle(Object), count);
    FT_DDI_END(OBJECT, 0);
    return count;
}

static uint32_t dereference(void *object)
{
    uint64_t handle = ft_handle_of(object);
    uint32_t count = ft_block_references(object);

    ft_emit(FT_EV_OBJECT_DEREFERENCE, handle, count ? count - 1 : 0);
    check(object);
    if (count == 1 && type_of(object)->in_use && type_of(object)->in_use(object))
        ft_bugcheck(BUGCHECK_REFERENCE, 0, handle, STILL_IN_USE, 0);
    return ft_object_put(object);
}

LONG_PTR ObfDereferenceObject(PVOID Object)
{
    uint32_t count;

    FT_DDI_BEGIN(OBJECT, 0);
    count = dereference(Object);
    FT_DDI_END(OBJECT, 0);
    return count;
}

/* The deletion itself may be put off to a worker thread; here it is done at once, which no caller
 * can tell from a worker that is quick. */
VOID ObDereferenceObjectDeferDelete(PVOID Object)
{
    FT_DDI_BEGIN(OBJECT, 0);
    dereference(Object);
    FT_DDI_END(OBJECT, 0);
}

/* ---- types ---- */

struct _OBJECT_TYPE {
    uint8_t class_;
};

POBJECT_TYPE *ft_object_type(FT_OBJECT_TYPE type)
{
    static struct _OBJECT_TYPE classes[] = {
        [FT_OBJECT_TYPE_FILE] = {FT_HC_FILE},           [FT_OBJECT_TYPE_EVENT] = {FT_HC_EVENT},
        [FT_OBJECT_TYPE_SEMAPHORE] = {FT_HC_SEMAPHORE}, [FT_OBJECT_TYPE_THREAD] = {FT_HC_THREAD},
        [FT_OBJECT_TYPE_PROCESS] = {FT_HC_OTHER},
    };
    static POBJECT_TYPE pointers[] = {
        [FT_OBJECT_TYPE_FILE] = &classes[FT_OBJECT_TYPE_FILE],
        [FT_OBJECT_TYPE_EVENT] = &classes[FT_OBJECT_TYPE_EVENT],
        [FT_OBJECT_TYPE_SEMAPHORE] = &classes[FT_OBJECT_TYPE_SEMAPHORE],
        [FT_OBJECT_TYPE_THREAD] = &classes[FT_OBJECT_TYPE_THREAD],
        [FT_OBJECT_TYPE_PROCESS] = &classes[FT_OBJECT_TYPE_PROCESS],
    };

    return &pointers[type];
}

static bool is_of_type(const void *object, POBJECT_TYPE type)
{
    return !type || ft_handle_class(ft_block_handle(object)) == type->class_;
}

/* ---- handles ---- */

#define KERNEL_HANDLES 0xFFFFFFFF80000000ull

static struct ft_open_handle *slot_of(HANDLE handle)
{
    uint64_t number = ((uint64_t)(uintptr_t)handle - KERNEL_HANDLES) / 4;

    for (unsigned i = 0; i < FT_HANDLES_MAX; i++) {
        struct ft_open_handle *slot = &FT_M->kernel.handle[i];

        if (slot->object && slot->number == number)
            return slot;
    }
    return NULL;
}

static struct ft_open_handle *free_slot(void)
{
    for (unsigned i = 0; i < FT_HANDLES_MAX; i++)
        if (!FT_M->kernel.handle[i].object)
            return &FT_M->kernel.handle[i];
    return NULL;
}

HANDLE ft_handle_open(void *object, ACCESS_MASK access)
{
    struct ft_open_handle *slot = free_slot();

    if (!slot) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return NULL;
    }
    slot->object = object;
    slot->number = ++FT_M->kernel.handle_last;
    slot->access = access;
    ft_object_get(object);
    ft_emit(FT_EV_HANDLE_OPEN, ft_block_handle(object));
    return (HANDLE)(uintptr_t)(KERNEL_HANDLES + 4ull * slot->number);
}

void *ft_handle_object_of(HANDLE handle, enum ft_handle_class class_, ACCESS_MASK *access)
{
    struct ft_open_handle *slot = slot_of(handle);

    if (handle == ZwCurrentThread() && (!class_ || class_ == FT_HC_THREAD))
        return ft_thread_of(NULL);
    if (!slot || (class_ && ft_handle_class(ft_block_handle(slot->object)) != class_))
        return NULL;
    if (access)
        *access = slot->access;
    return slot->object;
}

static bool has_handle(const void *object)
{
    for (unsigned i = 0; i < FT_HANDLES_MAX; i++)
        if (FT_M->kernel.handle[i].object == object)
            return true;
    return false;
}

NTSTATUS ft_handle_close(HANDLE handle)
{
    struct ft_open_handle *slot = slot_of(handle);
    void *object = slot ? slot->object : NULL;

    ft_emit(FT_EV_HANDLE_CLOSE, ft_handle_of(object));
    if (!slot)
        return STATUS_INVALID_HANDLE;
    slot->object = NULL;
    if (!has_handle(object) && type_of(object)->closed)
        type_of(object)->closed(object);
    ft_object_put(object);
    return STATUS_SUCCESS;
}

NTSTATUS ZwClose(HANDLE Handle)
{
    NTSTATUS status;

    FT_DDI_BEGIN(OBJECT, 0);
    status = ft_handle_close(Handle);
    FT_DDI_END(OBJECT, 0);
    return status;
}

NTSTATUS ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    NTSTATUS status;

    (void)PreviousMode;
    FT_DDI_BEGIN(OBJECT, 0);
    status = ft_handle_close(Handle);
    FT_DDI_END(OBJECT, 0);
    return status;
}

/* A caller that speaks for a user must have been granted what it asks for; the kernel itself is
 * always granted. */
static bool is_granted(ACCESS_MASK granted, ACCESS_MASK desired, KPROCESSOR_MODE mode)
{
    return mode == KernelMode || (desired & ~granted) == 0;
}

static NTSTATUS reference_by_handle(HANDLE handle, ACCESS_MASK desired, POBJECT_TYPE type,
                                    KPROCESSOR_MODE mode, void **ret,
                                    POBJECT_HANDLE_INFORMATION information)
{
    ACCESS_MASK granted = THREAD_ALL_ACCESS;
    void *object = ft_handle_object_of(handle, 0, &granted);

    *ret = NULL;
    if (!object)
        return STATUS_INVALID_HANDLE;
    if (!is_of_type(object, type))
        return STATUS_OBJECT_TYPE_MISMATCH;
    if (!is_granted(granted, desired, mode))
        return STATUS_ACCESS_DENIED;
    if (information)
        *information = (OBJECT_HANDLE_INFORMATION){.GrantedAccess = granted};
    *ret = object;
    ft_emit(FT_EV_OBJECT_REFERENCE, ft_block_handle(object), ft_object_get(object));
    return STATUS_SUCCESS;
}

NTSTATUS ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                   POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                   PVOID *Object, POBJECT_HANDLE_INFORMATION HandleInformation)
{
    NTSTATUS status;

    FT_DDI_BEGIN(OBJECT, 0);
    status = reference_by_handle(Handle, DesiredAccess, ObjectType, AccessMode, Object,
                                 HandleInformation);
    FT_DDI_END(OBJECT, 0);
    return status;
}

NTSTATUS ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess,
                                    POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode)
{
    NTSTATUS status = STATUS_SUCCESS;

    (void)DesiredAccess;
    (void)AccessMode;
    FT_DDI_BEGIN(OBJECT, 0);
    check(Object);
    if (is_of_type(Object, ObjectType))
        ft_emit(FT_EV_OBJECT_REFERENCE, ft_block_handle(Object), ft_object_get(Object));
    else
        status = STATUS_OBJECT_TYPE_MISMATCH;
    FT_DDI_END(OBJECT, 0);
    return status;
}

NTSTATUS ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PVOID PassedAccessState,
                               ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                               KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    NTSTATUS status = STATUS_SUCCESS;

    (void)HandleAttributes;
    (void)PassedAccessState;
    (void)AccessMode;
    FT_DDI_BEGIN(OBJECT, 0);
    check(Object);
    if (is_of_type(Object, ObjectType))
        *Handle = ft_handle_open(Object, DesiredAccess);
    else
        status = STATUS_OBJECT_TYPE_MISMATCH;
    FT_DDI_END(OBJECT, 0);
    return status;
}
