/* Contexts of framework objects. Each is a block of its own, so that guards and freed fill see what
 * goes beyond it. */
#include "kmdf/kmdf_private.h"
#include "kmdf/wdf_touches.h"

#include <string.h>

static struct ft_wdf_context *find(const struct ft_wdf_object *object,
                                   PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
    struct ft_wdf_context *context = object->contexts;

    while (context && context->type != type)
        context = context->next;
    return context;
}

/* What identifies a type. */
static PCWDF_OBJECT_CONTEXT_TYPE_INFO identity(PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
    return type->UniqueType ? type->UniqueType : type;
}

struct ft_wdf_context *ft_wdf_context_new(struct ft_wdf_object *object,
                                          PCWDF_OBJECT_CONTEXT_TYPE_INFO type, size_t override)
{
    size_t bytes = override ? override : type->ContextSize;
    struct ft_wdf_context *context, **at = &object->contexts;

    context = ft_block_for_driver(sizeof *context + bytes, FT_HC_OTHER, ft_wdf_label(object));
    if (!context)
        return NULL;
    context->object = object;
    context->type = identity(type);
    context->bytes = bytes;
    while (*at)
        at = &(*at)->next;
    *at = context;
    return context;
}

void ft_wdf_contexts_free(struct ft_wdf_object *object)
{
    while (object->contexts) {
        struct ft_wdf_context *next = object->contexts->next;

        ft_wdf_touch_gone(object->contexts->data, object->contexts->bytes, ft_wdf_handle(object));
        ft_block_free(object->contexts);
        object->contexts = next;
    }
}

static bool is_custom(PCWDF_OBJECT_CONTEXT_TYPE_INFO type)
{
    static const char prefix[] = "WdfCustomType_";

    return type->ContextName && strncmp(type->ContextName, prefix, sizeof prefix - 1) == 0;
}

/* The way that every driver takes all the time has neither points nor events. */
PVOID WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo)
{
    const struct ft_wdf_object *object = ft_wdf_find(Handle, 0);
    struct ft_wdf_context *context = object ? find(object, TypeInfo) : NULL;

    if (context)
        return context->data;
    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Handle));
    ft_wdf_check(Handle, 0);
    ft_wdf_require(TypeInfo);
    ft_wdf_emit(FT_EV_WDF_NO_CONTEXT, ft_wdf_handle(Handle), is_custom(TypeInfo));
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Handle));
    return NULL;
}

WDFOBJECT WdfObjectContextGetObject(PVOID ContextPointer)
{
    struct ft_wdf_context *context =
        ContextPointer ? CONTAINING_RECORD(ContextPointer, struct ft_wdf_context, data) : NULL;

    if (context && ft_block_is_live(context, FT_HC_OTHER) && ft_wdf_find(context->object, 0))
        return context->object;
    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(ContextPointer);
    ft_wdf_check(ContextPointer, 0);
    FT_WDF_END(WDF_OBJECT, 0);
    return NULL;
}

static NTSTATUS allocate(struct ft_wdf_object *object, const WDF_OBJECT_ATTRIBUTES *attributes,
                         struct ft_wdf_context **ret)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, false);

    *ret = NULL;
    if (!NT_SUCCESS(status))
        return status;
    if (!attributes->ContextTypeInfo)
        return STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
    *ret = find(object, identity(attributes->ContextTypeInfo));
    if (*ret)
        return STATUS_OBJECT_NAME_EXISTS;
    if (object->state != FT_WDF_OBJECT_ALIVE)
        return STATUS_DELETE_PENDING;
    *ret = ft_wdf_context_new(object, attributes->ContextTypeInfo, attributes->ContextSizeOverride);
    if (!*ret)
        return STATUS_INSUFFICIENT_RESOURCES;
    (*ret)->cleanup = attributes->EvtCleanupCallback;
    (*ret)->destroy = attributes->EvtDestroyCallback;
    return STATUS_SUCCESS;
}

NTSTATUS WdfObjectAllocateContext(WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes,
                                  PVOID *Context)
{
    struct ft_wdf_context *context = NULL;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_object *object;

    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Handle));
    object = ft_wdf_check(Handle, 0);
    ft_wdf_require(ContextAttributes);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = allocate(object, ContextAttributes, &context);
    if (Context && context)
        *Context = context->data;
    ft_wdf_emit(FT_EV_WDF_CONTEXT, ft_wdf_handle(object), context ? context->bytes : 0,
                (uint32_t)status);
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Handle));
    return status;
}
