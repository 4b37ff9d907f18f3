/* WdfObject*: what drivers do with objects of any kind. */
#include "kmdf/kmdf_private.h"

static const struct ft_wdf_class general = {.handle_class = FT_HC_WDF_OBJECT};

NTSTATUS WdfObjectCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFOBJECT *Object)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_object *object = NULL;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Object);
    *Object = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        object = ft_wdf_object_new(&general, sizeof *object, FT_WDF->driver, Attributes, &status);
    *Object = object;
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* A tag is a small number, mostly of four characters, or an address of the driver. */
static uint64_t tag_of(const void *tag)
{
    return (uintptr_t)tag <= UINT32_MAX && !ft_block_handle(tag) ? (uintptr_t)tag
                                                                 : ft_handle_of(tag);
}

VOID WdfObjectReferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCCH File)
{
    struct ft_wdf_object *object;

    (void)Line;
    (void)File;
    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Handle));
    object = ft_wdf_check(Handle, 0);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_object_refer(object);
    ft_wdf_emit(FT_EV_WDF_REFERENCE, ft_wdf_handle(object), tag_of(Tag), object->references, false,
                object->state == FT_WDF_OBJECT_DELETED);
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Handle));
}

/* The last reference of an object that is not deleted is bug check 0x10D/7. */
VOID WdfObjectDereferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCCH File)
{
    struct ft_wdf_object *object;
    unsigned label = ft_wdf_label(Handle);

    (void)Line;
    (void)File;
    FT_WDF_BEGIN(WDF_OBJECT, label);
    object = ft_wdf_check(Handle, 0);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_REFERENCE, ft_wdf_handle(object), tag_of(Tag), object->references - 1,
                true, object->state == FT_WDF_OBJECT_DELETED);
    ft_wdf_object_release(object);
    FT_WDF_END(WDF_OBJECT, label);
}

/* Refused, with an event and nothing else, for objects that are the framework's to delete. */
VOID WdfObjectDelete(WDFOBJECT Object)
{
    unsigned label = ft_wdf_label(Object);
    struct ft_wdf_object *object;
    bool refused;

    FT_WDF_BEGIN(WDF_OBJECT, label);
    object = ft_wdf_check(Object, 0);
    refused =
        object->class_->undeletable || (object->class_->keeps && object->class_->keeps(object));
    ft_wdf_emit(FT_EV_WDF_OBJECT_DELETE, ft_wdf_handle(object), object->state, refused);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL) && !refused)
        ft_wdf_object_delete(object);
    FT_WDF_END(WDF_OBJECT, label);
}

/* For extensions of the framework's own test builds; it knows no identity here. */
NTSTATUS WdfObjectQuery(WDFOBJECT Object, CONST GUID *Guid, ULONG QueryBufferLength,
                        PVOID QueryBuffer)
{
    (void)Guid, (void)QueryBufferLength, (void)QueryBuffer;
    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Object));
    ft_wdf_check(Object, 0);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Object));
    return STATUS_NOT_FOUND;
}

/* What a debugger reads first: the versions of the framework and of its tables. The tables say
 * where the members of the real framework's objects are; the objects here are others. */
PVOID WdfGetTriageInfo(VOID)
{
    static const struct {
        ULONG major, minor, table_major, table_minor;
        PVOID reserved, tables[9];
    } triage = {.major = 1, .minor = 33, .table_major = 1};

    return (PVOID)(uintptr_t)&triage;
}

/* ---- wdfverifier.h ---- */

VOID WdfVerifierDbgBreakPoint(VOID)
{
    DbgBreakPoint();
}

VOID WdfVerifierKeBugCheck(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                           ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                           ULONG_PTR BugCheckParameter4)
{
    KeBugCheckEx(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3,
                 BugCheckParameter4);
}
