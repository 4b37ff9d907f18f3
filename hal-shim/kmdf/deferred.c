/* What timers, DPCs and work items have in common: a parent below a device, the callback lock that
 * automatic serialization takes, and who runs their callback. */
#include "kmdf/kmdf_private.h"

/* The object whose level counts: the parent, or what it belongs to. */
static bool parent_is_passive(const struct ft_wdf_object *parent)
{
    return parent->level == WdfExecutionLevelPassive;
}

/* Conflict of the sources: documents want a passive level of the parent for a serialized work item
 * in any case, and say that serialization has no effect without a scope; so a lock that is held at
 * DISPATCH_LEVEL is what is incompatible here. */
static NTSTATUS check(const WDF_OBJECT_ATTRIBUTES *attributes, bool serialized, bool passive)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);
    const struct ft_wdf_object *parent;
    const void *lock;

    if (!NT_SUCCESS(status))
        return status;
    if (!attributes || !attributes->ParentObject)
        return STATUS_WDF_PARENT_NOT_SPECIFIED;
    parent = attributes->ParentObject;
    if (!parent->device)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!serialized)
        return STATUS_SUCCESS;
    lock = ft_wdf_lock_above(parent);
    if (passive ? lock && !ft_wdf_lock_is_passive(lock) : parent_is_passive(parent))
        return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    return STATUS_SUCCESS;
}

void *ft_wdf_deferred_new(const struct ft_wdf_class *class_, size_t bytes, void *routine,
                          const WDF_OBJECT_ATTRIBUTES *attributes, bool serialized, bool passive,
                          NTSTATUS *status)
{
    struct ft_wdf_deferred *deferred = NULL;

    *status = check(attributes, serialized, passive);
    if (NT_SUCCESS(*status))
        deferred = ft_wdf_object_new(class_, bytes, NULL, attributes, status);
    if (!deferred)
        return NULL;
    deferred->routine = routine;
    if (serialized)
        deferred->lock = ft_wdf_lock_above(attributes->ParentObject);
    return deferred;
}

static uint32_t own_bit(void)
{
    return 1u << (ft_current() - FT_M->task);
}

bool ft_wdf_deferred_own(const struct ft_wdf_deferred *deferred)
{
    return (deferred->running & own_bit()) != 0;
}

bool ft_wdf_deferred_runs(const struct ft_wdf_deferred *deferred)
{
    return (deferred->running & ~own_bit()) != 0;
}

static uint64_t call(void *routine, void *object, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((PFN_WDF_TIMER)routine)(object); /* all three kinds look alike */
    return 0;
}

/* The callback may delete the object. */
void ft_wdf_deferred_run(struct ft_wdf_deferred *deferred, enum ft_routine routine)
{
    void *lock = deferred->lock;

    ft_wdf_object_refer(&deferred->object);
    deferred->running |= own_bit();
    ft_wdf_lock_take(lock);
    if (deferred->routine)
        ft_wdf_call(routine, deferred, call, deferred->routine, deferred, NULL, NULL);
    ft_wdf_lock_give(lock);
    deferred->running &= ~own_bit();
    ft_wake_waiters(deferred, STATUS_SUCCESS, true);
    ft_wdf_object_release(&deferred->object);
}
