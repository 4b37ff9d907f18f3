/* Framework objects (kmdf sheet, section 6.4): making, references, deletion.
 *
 * Deletion: first the whole tree is disposed, each object's children before itself and in the order
 * in which they were made; an object's own work (struct ft_wdf_class.dispose) comes before its
 * EvtCleanupCallback. Then the tree comes apart and the creation's references go. The last
 * reference of an object runs EvtDestroyCallback.
 *
 * A tree that must be disposed at PASSIVE_LEVEL and is deleted above it waits for a work item, as a
 * whole. Conflict of the sources: on Windows siblings before the first such object are disposed at
 * once; drivers may not rely on the order of siblings (section 10.1, A13).
 *
 * Not modelled: a destruction that waits for PASSIVE_LEVEL, and the matching of references by tag
 * (the tag is an argument of the event).
 */
#include "kmdf/kmdf_private.h"

static uint64_t call_evt(void *routine, void *object, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((PFN_WDF_OBJECT_CONTEXT_CLEANUP)routine)(object);
    return 0;
}

uint64_t ft_wdf_handle(const void *object)
{
    return object ? ft_handle_of(object) : 0;
}

unsigned ft_wdf_label(const void *handle)
{
    return handle ? ft_block_label(handle) : 0;
}

/* ---- handles ---- */

static bool is_object_class(unsigned class_)
{
    return class_ >= FT_HC_WDF_OBJECT && class_ <= FT_HC_WDF_CHILD_LIST;
}

void *ft_wdf_find(const void *handle, unsigned class_)
{
    unsigned its = ft_handle_class(ft_block_handle(handle));

    if (!is_object_class(its) || (class_ != 0 && its != class_) || !ft_block_is_live(handle, its))
        return NULL;
    return (void *)(uintptr_t)handle;
}

enum { BAD_NULL = 1, BAD_GARBAGE, BAD_FREED, BAD_CLASS };

static unsigned what_is_wrong(const void *handle)
{
    unsigned class_ = ft_handle_class(ft_block_handle(handle));

    if (!is_object_class(class_))
        return BAD_GARBAGE;
    return ft_block_is_live(handle, class_) ? BAD_CLASS : BAD_FREED;
}

void ft_wdf_require(const void *argument)
{
    if (argument)
        return;
    ft_layer_set(FT_LAYER_DRIVER);
    ft_emit(FT_EV_WDF_BAD_ARGUMENT, 0, 0, BAD_NULL);
    ft_wdf_bugcheck(FT_WDF_NULL_PARAMETER, 0, 0, 0);
}

/* Conflict of the sources: the second and third parameter of bug check 0x10D/4 are 0 and the
 * caller's address; the address differs from build to build, so it is 0 here, too. */
_Noreturn void ft_wdf_bad_handle(const void *handle, unsigned class_)
{
    ft_layer_set(FT_LAYER_DRIVER);
    ft_emit(FT_EV_WDF_BAD_ARGUMENT, ft_wdf_handle(handle), class_,
            handle ? what_is_wrong(handle) : BAD_NULL);
    if (!handle)
        ft_wdf_bugcheck(FT_WDF_NULL_PARAMETER, 0, 0, 0);
    ft_wdf_bugcheck(FT_WDF_INVALID_HANDLE, ft_wdf_handle(handle), class_, 0);
}

void *ft_wdf_check(const void *handle, unsigned class_)
{
    void *object = handle ? ft_wdf_find(handle, class_) : NULL;

    if (!object)
        ft_wdf_bad_handle(handle, class_);
    return object;
}

bool ft_wdf_irql_ok(unsigned highest)
{
    uint8_t layer;

    if (ft_irql() <= highest)
        return true;
    layer = ft_layer_set(FT_LAYER_DRIVER);
    ft_emit(FT_EV_WDF_IRQL, highest);
    ft_layer_set(layer);
    return false;
}

/* ---- making ---- */

/* Objects whose attributes may give a level, and those that may give a scope. */
static bool may_have_scope(unsigned class_)
{
    return class_ == FT_HC_WDF_DRIVER || class_ == FT_HC_WDF_DEVICE || class_ == FT_HC_WDF_QUEUE ||
           class_ == FT_HC_WDF_FILE || class_ == FT_HC_WDF_OBJECT;
}

static bool may_have_level(unsigned class_)
{
    return may_have_scope(class_) || class_ == FT_HC_WDF_TIMER;
}

static NTSTATUS check_type(const WDF_OBJECT_ATTRIBUTES *attributes)
{
    PCWDF_OBJECT_CONTEXT_TYPE_INFO type = attributes->ContextTypeInfo;

    if (!type)
        return attributes->ContextSizeOverride ? STATUS_WDF_OBJECT_ATTRIBUTES_INVALID
                                               : STATUS_SUCCESS;
    if (type->Size != sizeof *type || !type->ContextName ||
        (attributes->ContextSizeOverride && attributes->ContextSizeOverride < type->ContextSize))
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    return STATUS_SUCCESS;
}

NTSTATUS ft_wdf_attributes_check(const WDF_OBJECT_ATTRIBUTES *attributes, bool parent_allowed)
{
    if (!attributes)
        return STATUS_SUCCESS;
    if (attributes->Size != sizeof *attributes)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (attributes->ParentObject && !parent_allowed)
        return STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED;
    if (attributes->ParentObject)
        ft_wdf_check(attributes->ParentObject, 0);
    if (attributes->ExecutionLevel < WdfExecutionLevelInheritFromParent ||
        attributes->ExecutionLevel > WdfExecutionLevelDispatch)
        return STATUS_WDF_EXECUTION_LEVEL_INVALID;
    if (attributes->SynchronizationScope < WdfSynchronizationScopeInheritFromParent ||
        attributes->SynchronizationScope > WdfSynchronizationScopeNone)
        return STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID;
    return check_type(attributes);
}

static NTSTATUS check_constraints(unsigned class_, const WDF_OBJECT_ATTRIBUTES *attributes)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);

    if (!attributes || !NT_SUCCESS(status))
        return status;
    if (attributes->ExecutionLevel != WdfExecutionLevelInheritFromParent && !may_have_level(class_))
        return STATUS_WDF_EXECUTION_LEVEL_INVALID;
    if (attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent &&
        !may_have_scope(class_))
        return STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID;
    return STATUS_SUCCESS;
}

static void resolve(struct ft_wdf_object *object, const WDF_OBJECT_ATTRIBUTES *attributes)
{
    const struct ft_wdf_object *parent = object->parent;

    object->level = parent ? parent->level : WdfExecutionLevelDispatch;
    object->scope = parent ? parent->scope : WdfSynchronizationScopeNone;
    if (attributes && attributes->ExecutionLevel != WdfExecutionLevelInheritFromParent)
        object->level = (uint8_t)attributes->ExecutionLevel;
    if (attributes && attributes->SynchronizationScope != WdfSynchronizationScopeInheritFromParent)
        object->scope = (uint8_t)attributes->SynchronizationScope;
    if (object->class_->handle_class == FT_HC_WDF_DEVICE)
        object->device = (struct ft_wdf_device *)object;
    else if (parent)
        object->device = parent->device;
}

static void link_child(struct ft_wdf_object *parent, struct ft_wdf_object *child)
{
    child->parent = parent;
    child->previous = parent->last;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

static void unlink_child(struct ft_wdf_object *child)
{
    struct ft_wdf_object *parent = child->parent;

    if (!parent)
        return;
    *(child->previous ? &child->previous->next : &parent->first) = child->next;
    *(child->next ? &child->next->previous : &parent->last) = child->previous;
    child->parent = child->next = child->previous = NULL;
}

static void tell_new(const struct ft_wdf_object *object, const struct ft_wdf_object *parent,
                     NTSTATUS status)
{
    ft_emit(FT_EV_WDF_OBJECT_NEW, ft_wdf_handle(object), ft_wdf_handle(parent),
            object ? ft_wdf_handle(object->device) : 0, object ? object->level : 0,
            object ? object->scope : 0, object && object->contexts ? object->contexts->bytes : 0,
            object && object->lock, (uint32_t)status);
}

static NTSTATUS fill(struct ft_wdf_object *object, const WDF_OBJECT_ATTRIBUTES *attributes)
{
    NTSTATUS status;

    object->references = 1;
    object->state = FT_WDF_OBJECT_ALIVE;
    resolve(object, attributes);
    if (attributes && attributes->ContextTypeInfo &&
        !ft_wdf_context_new(object, attributes->ContextTypeInfo, attributes->ContextSizeOverride))
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ft_wdf_lock_make(object);
    if (NT_SUCCESS(status) && attributes) {
        object->cleanup = attributes->EvtCleanupCallback;
        object->destroy = attributes->EvtDestroyCallback;
    }
    return status;
}

/* Frees what is nobody's any more. */
static void give_up(struct ft_wdf_object *object)
{
    ft_wdf_lock_unmake(object);
    ft_wdf_contexts_free(object);
    ft_block_free(object);
}

void *ft_wdf_object_new(const struct ft_wdf_class *class_, size_t bytes,
                        struct ft_wdf_object *parent, const WDF_OBJECT_ATTRIBUTES *attributes,
                        NTSTATUS *status)
{
    struct ft_wdf_object *object = NULL;

    *status = check_constraints(class_->handle_class, attributes);
    if (NT_SUCCESS(*status) && attributes && attributes->ParentObject)
        parent = attributes->ParentObject;
    if (NT_SUCCESS(*status) && parent && parent->state != FT_WDF_OBJECT_ALIVE)
        *status = STATUS_DELETE_PENDING;
    if (NT_SUCCESS(*status)) {
        object = ft_block_for_driver(bytes, class_->handle_class, ft_wdf_label(parent));
        *status = object ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    if (object) {
        object->class_ = class_;
        if (parent)
            link_child(parent, object);
        *status = fill(object, attributes);
    }
    if (object && !NT_SUCCESS(*status)) {
        unlink_child(object);
        give_up(object);
        object = NULL;
    }
    tell_new(object, parent, *status);
    return object;
}

void ft_wdf_object_abandon(struct ft_wdf_object *object)
{
    while (object->first)
        ft_wdf_object_abandon(object->first);
    ft_emit(FT_EV_WDF_OBJECT_GONE, ft_wdf_handle(object), true);
    unlink_child(object);
    give_up(object);
}

/* ---- references ---- */

void ft_wdf_object_refer(struct ft_wdf_object *object)
{
    object->references++;
}

static void destroy(struct ft_wdf_object *object)
{
    struct ft_wdf_context *context;

    if (object->destroy)
        ft_wdf_call(FT_ROUTINE_WDF_DESTROY, object, call_evt, (void *)object->destroy, object, NULL,
                    NULL);
    for (context = object->contexts; context; context = context->next)
        if (context->destroy)
            ft_wdf_call(FT_ROUTINE_WDF_DESTROY, object, call_evt, (void *)context->destroy, object,
                        NULL, NULL);
    if (object->class_->destroy)
        object->class_->destroy(object);
    ft_emit(FT_EV_WDF_OBJECT_GONE, ft_wdf_handle(object), false);
    give_up(object);
}

void ft_wdf_object_release(struct ft_wdf_object *object)
{
    if (object->references == 1 && object->state != FT_WDF_OBJECT_DELETED)
        ft_wdf_bugcheck(FT_WDF_OBJECT_ERROR, ft_wdf_handle(object), ft_wdf_handle(object), 0);
    if (--object->references == 0)
        destroy(object);
    else if (object->references == 1 && object->class_->alone)
        object->class_->alone(object);
}

/* ---- deletion ---- */

static void put_off(struct ft_wdf_object *object)
{
    void **at = &FT_WDF->dispose;

    object->state = FT_WDF_OBJECT_DISPOSING;
    object->deferred = 1;
    object->dispose_next = NULL;
    while (*at)
        at = (void **)&((struct ft_wdf_object *)*at)->dispose_next;
    *at = object;
}

static void take_back(struct ft_wdf_object *object)
{
    void **at = &FT_WDF->dispose;

    while (*at && *at != object)
        at = (void **)&((struct ft_wdf_object *)*at)->dispose_next;
    if (*at)
        *at = object->dispose_next;
    object->deferred = 0;
    object->state = FT_WDF_OBJECT_ALIVE;
}

static void run_cleanup(struct ft_wdf_object *object)
{
    struct ft_wdf_context *context;

    ft_emit(FT_EV_WDF_OBJECT_DISPOSE, ft_wdf_handle(object), object->class_->passive);
    if (object->cleanup)
        ft_wdf_call(FT_ROUTINE_WDF_CLEANUP, object, call_evt, (void *)object->cleanup, object, NULL,
                    NULL);
    for (context = object->contexts; context; context = context->next)
        if (context->cleanup)
            ft_wdf_call(FT_ROUTINE_WDF_CLEANUP, object, call_evt, (void *)context->cleanup, object,
                        NULL, NULL);
}

/* A callback may delete siblings, so the next one is looked up when it has returned. */
static void dispose_tree(struct ft_wdf_object *object)
{
    if (object->deferred)
        take_back(object);
    if (object->state != FT_WDF_OBJECT_ALIVE)
        return;
    object->state = FT_WDF_OBJECT_DISPOSING;
    for (struct ft_wdf_object *child = object->first; child; child = child->next)
        dispose_tree(child);
    if (object->class_->dispose)
        object->class_->dispose(object);
    run_cleanup(object);
    object->state = FT_WDF_OBJECT_DISPOSED;
}

static void drop(struct ft_wdf_object *object)
{
    unlink_child(object);
    while (object->first)
        drop(object->first);
    object->state = FT_WDF_OBJECT_DELETED;
    ft_wdf_object_release(object);
}

static bool needs_passive(const struct ft_wdf_object *object)
{
    if (object->class_->passive || (object->class_->handle_class == FT_HC_WDF_OBJECT &&
                                    object->level == WdfExecutionLevelPassive))
        return true;
    for (const struct ft_wdf_object *child = object->first; child; child = child->next)
        if (needs_passive(child))
            return true;
    return false;
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI dispose_later(PVOID unused)
{
    struct ft_wdf_object *object;

    (void)unused;
    FT_WDF->disposer_queued = 0;
    FT_WDF->disposers++;
    while ((object = FT_WDF->dispose) != NULL) {
        dispose_tree(object);
        drop(object);
    }
    FT_WDF->disposers--;
    ft_wake_waiters(&FT_WDF->dispose, STATUS_SUCCESS, true);
}

void ft_wdf_object_dispose(struct ft_wdf_object *object)
{
    dispose_tree(object);
}

/* An object that is being disposed or is deleted stays as it is. One that its owner has disposed
 * before only comes apart. */
void ft_wdf_object_delete(struct ft_wdf_object *object)
{
    PWORK_QUEUE_ITEM item = (PWORK_QUEUE_ITEM)(void *)FT_WDF->disposer;

    if (object->state == FT_WDF_OBJECT_DISPOSING || object->state == FT_WDF_OBJECT_DELETED)
        return;
    if (object->state == FT_WDF_OBJECT_ALIVE && ft_irql() > PASSIVE_LEVEL &&
        needs_passive(object)) {
        put_off(object);
        if (FT_WDF->disposer_queued)
            return;
        FT_WDF->disposer_queued = 1;
        ExInitializeWorkItem(item, dispose_later, NULL);
        ExQueueWorkItem(item, DelayedWorkQueue);
        return;
    }
    dispose_tree(object);
    drop(object);
}

void ft_wdf_dispose_drain(void)
{
    while (FT_WDF->dispose || FT_WDF->disposers)
        ft_task_wait(&FT_WDF->dispose, 0);
}
