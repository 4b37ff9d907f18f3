/* Framework objects: attributes, contexts, references, the order in which trees go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "object_bench.h"

#include <cmocka.h>

typedef struct named {
    const char *name;
} NAMED;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(NAMED, get_named)

typedef struct other {
    UCHAR bytes[40];
} OTHER;
WDF_DECLARE_CONTEXT_TYPE(OTHER)

WDF_DECLARE_CUSTOM_TYPE(Special)

static void note(const char *what, WDFOBJECT object)
{
    char text[40];

    snprintf(text, sizeof text, "%s-%s", what, get_named(object)->name);
    wb_note(text);
}

static VOID on_cleanup(WDFOBJECT object)
{
    note("cleanup", object);
}

static VOID on_destroy(WDFOBJECT object)
{
    note("destroy", object);
}

static WDFOBJECT make(const char *name, WDFOBJECT parent)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NAMED);
    attributes.ParentObject = parent;
    attributes.EvtCleanupCallback = on_cleanup;
    attributes.EvtDestroyCallback = on_destroy;
    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    get_named(object)->name = name;
    return object;
}

/* ---- the order of a deletion ---- */

static void body_tree(void)
{
    WDFOBJECT a, b;

    ob_begin();
    a = make("a", NULL);
    b = make("b", a);
    make("c", a);
    make("d", b);
    WdfObjectDelete(a);
}

static void children_go_first_in_the_order_of_their_making(void **state)
{
    (void)state;
    wb_body(body_tree, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cleanup-d cleanup-b cleanup-c cleanup-a "
                                    "destroy-d destroy-b destroy-c destroy-a");
    assert_int_equal(wb_count(FT_EV_WDF_OBJECT_DELETE), 1);
    assert_int_equal(wb_count(FT_EV_WDF_OBJECT_DISPOSE), 4);
    assert_int_equal(wb_count(FT_EV_WDF_OBJECT_GONE), 4);
}

static void body_reference(void)
{
    WDFOBJECT a, b;

    ob_begin();
    a = make("a", NULL);
    b = make("b", a);
    WdfObjectReferenceWithTag(b, (PVOID)'gaT1');
    WdfObjectDelete(a);
    wb_note("deleted");
    CHECK(get_named(b)->name[0] == 'b');
    WdfObjectDereferenceWithTag(b, (PVOID)'gaT1');
}

static void a_reference_keeps_an_object_beyond_its_deletion(void **state)
{
    (void)state;
    wb_body(body_reference, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cleanup-b cleanup-a destroy-a deleted destroy-b");
    assert_int_equal(wb_event(FT_EV_WDF_REFERENCE, 1)->arg[1], 'gaT1');
    assert_int_equal(wb_event(FT_EV_WDF_REFERENCE, 1)->arg[2], 2);
    assert_int_equal(wb_event(FT_EV_WDF_REFERENCE, 2)->arg[2], 0);
    assert_int_equal(wb_event(FT_EV_WDF_REFERENCE, 2)->arg[4], true);
}

static WDFOBJECT sibling;

static VOID deletes_sibling(WDFOBJECT object)
{
    on_cleanup(object);
    WdfObjectDelete(sibling);
    WdfObjectDelete(object); /* it is being disposed already */
}

static void body_sibling(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT a, b;

    ob_begin();
    a = make("a", NULL);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NAMED);
    attributes.ParentObject = a;
    attributes.EvtCleanupCallback = deletes_sibling;
    CHECK(WdfObjectCreate(&attributes, &b) == STATUS_SUCCESS);
    get_named(b)->name = "b";
    sibling = make("c", a);
    make("d", a);
    WdfObjectDelete(a);
}

static void a_cleanup_may_delete_a_sibling(void **state)
{
    (void)state;
    wb_body(body_sibling, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cleanup-b cleanup-c destroy-c cleanup-d cleanup-a "
                                    "destroy-d destroy-a");
}

static VOID adds_child(WDFOBJECT object)
{
    WDF_OBJECT_ATTRIBUTES attributes = ob_below(object);
    WDFOBJECT child;

    CHECK(WdfObjectCreate(&attributes, &child) == STATUS_DELETE_PENDING);
    CHECK(child == NULL);
}

static void body_delete_pending(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    ob_begin();
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = adds_child;
    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    WdfObjectDelete(object);
}

static void what_is_being_disposed_takes_no_children(void **state)
{
    (void)state;
    wb_body(body_delete_pending, FT_STOP_NONE);
    assert_int_equal((uint32_t)wb_last(FT_EV_WDF_OBJECT_NEW)->arg[7],
                     (uint32_t)STATUS_DELETE_PENDING);
}

/* ---- disposal at PASSIVE_LEVEL ---- */

static VOID at_passive(WDFOBJECT object)
{
    (void)object;
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    wb_note("cleanup");
}

static void body_passive(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;
    WDFSTRING string;
    KIRQL irql;

    ob_begin();
    object = make("a", NULL);
    attributes = ob_below(object);
    attributes.EvtCleanupCallback = at_passive;
    CHECK(WdfStringCreate(NULL, &attributes, &string) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WdfObjectDelete(object);
    wb_note("deleted");
    CHECK(get_named(object)->name[0] == 'a');
    KeLowerIrql(irql);
    ft_wdf_dispose_drain();
    wb_note("drained");
}

static void a_passive_child_puts_the_disposal_off(void **state)
{
    (void)state;
    wb_body(body_passive, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "deleted cleanup cleanup-a destroy-a drained");
    assert_int_equal(wb_last(FT_EV_WDF_OBJECT_GONE)->irql, PASSIVE_LEVEL);
}

static void body_overtaken(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFSTRING string;
    WDFOBJECT object;
    KIRQL irql;

    ob_begin();
    object = make("a", NULL);
    attributes = ob_below(object);
    attributes.EvtCleanupCallback = at_passive;
    CHECK(WdfStringCreate(NULL, &attributes, &string) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    WdfObjectDelete(string);
    KeLowerIrql(irql);
    WdfObjectDelete(object);
    wb_note("deleted");
    ft_wdf_dispose_drain();
}

static void a_parent_takes_along_a_child_whose_disposal_waits(void **state)
{
    (void)state;
    wb_body(body_overtaken, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cleanup cleanup-a destroy-a deleted");
}

/* ---- contexts ---- */

static void body_contexts(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    OTHER *other, *again;
    WDFOBJECT a;

    ob_begin();
    a = make("a", NULL);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, OTHER);
    attributes.EvtCleanupCallback = on_cleanup;
    attributes.ContextSizeOverride = 64;
    CHECK(WdfObjectGet_OTHER(a) == NULL);
    CHECK(WdfObjectAllocateContext(a, &attributes, (PVOID *)&other) == STATUS_SUCCESS);
    CHECK(WdfObjectGet_OTHER(a) == other);
    CHECK(WdfObjectGetTypedContext(a, OTHER) == other);
    for (unsigned i = 0; i < 64; i++)
        CHECK(((UCHAR *)other)[i] == 0);
    CHECK(((uintptr_t)other & 15) == 0);
    CHECK(WdfObjectAllocateContext(a, &attributes, (PVOID *)&again) == STATUS_OBJECT_NAME_EXISTS);
    CHECK(again == other);
    CHECK(WdfObjectContextGetObject(other) == a);
    CHECK(WdfObjectContextGetObject(get_named(a)) == a);
    CHECK(!WdfObjectIsCustomType(a, Special));
    CHECK(WdfObjectAddCustomTypeWithData(a, Special, 7, NULL, NULL) == STATUS_SUCCESS);
    CHECK(WdfObjectIsCustomType(a, Special));
    CHECK(WdfObjectGetCustomTypeData(a, Special) == 7);
    WdfObjectDelete(a);
}

static void an_object_has_a_context_of_each_type(void **state)
{
    (void)state;
    wb_body(body_contexts, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "cleanup-a cleanup-a destroy-a");
    assert_int_equal(wb_count(FT_EV_WDF_NO_CONTEXT), 2);
    assert_int_equal(wb_event(FT_EV_WDF_NO_CONTEXT, 1)->arg[1], false);
    assert_int_equal(wb_event(FT_EV_WDF_NO_CONTEXT, 2)->arg[1], true);
    assert_int_equal(wb_event(FT_EV_WDF_CONTEXT, 1)->arg[1], 64);
}

/* ---- attributes ---- */

static NTSTATUS create(const WDF_OBJECT_ATTRIBUTES *attributes)
{
    WDFOBJECT object = (WDFOBJECT)&object;
    NTSTATUS status = WdfObjectCreate((PWDF_OBJECT_ATTRIBUTES)attributes, &object);

    CHECK(NT_SUCCESS(status) == (object != NULL));
    return status;
}

static void body_attributes(void)
{
    WDF_OBJECT_ATTRIBUTES good, bad;
    WDF_OBJECT_CONTEXT_TYPE_INFO type = *WDF_GET_CONTEXT_TYPE_INFO(NAMED);
    WDFMEMORY memory;

    ob_begin();
    CHECK(create(NULL) == STATUS_SUCCESS);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&good, NAMED);
    CHECK(create(&good) == STATUS_SUCCESS);
    bad = good;
    bad.Size--;
    CHECK(create(&bad) == STATUS_INFO_LENGTH_MISMATCH);
    bad = good;
    bad.ContextSizeOverride = sizeof(NAMED) - 1;
    CHECK(create(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    bad.ContextTypeInfo = NULL;
    CHECK(create(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    type.Size = 8;
    bad = good;
    bad.ContextTypeInfo = &type;
    CHECK(create(&bad) == STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    bad = good;
    bad.ExecutionLevel = WdfExecutionLevelDispatch + 1;
    CHECK(create(&bad) == STATUS_WDF_EXECUTION_LEVEL_INVALID);
    bad = good;
    bad.SynchronizationScope = WdfSynchronizationScopeInvalid;
    CHECK(create(&bad) == STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    bad = good;
    bad.ExecutionLevel = WdfExecutionLevelPassive;
    CHECK(create(&bad) == STATUS_SUCCESS);
    CHECK(WdfMemoryCreate(&bad, NonPagedPoolNx, 0, 4, &memory, NULL) ==
          STATUS_WDF_EXECUTION_LEVEL_INVALID);
    bad = good;
    bad.SynchronizationScope = WdfSynchronizationScopeNone;
    CHECK(WdfMemoryCreate(&bad, NonPagedPoolNx, 0, 4, &memory, NULL) ==
          STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
    bad = good;
    CHECK(WdfObjectAllocateContext(FT_WDF->driver, &bad, NULL) == STATUS_SUCCESS);
    bad.ParentObject = FT_WDF->driver;
    CHECK(WdfObjectAllocateContext(FT_WDF->driver, &bad, NULL) ==
          STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
    WDF_OBJECT_ATTRIBUTES_INIT(&bad);
    CHECK(WdfObjectAllocateContext(FT_WDF->driver, &bad, NULL) ==
          STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
}

static void attributes_are_checked(void **state)
{
    (void)state;
    wb_body(body_attributes, FT_STOP_NONE);
}

/* ---- allocations that fail ---- */

static void body_no_memory(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    ob_begin();
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, NAMED);
    attributes.EvtCleanupCallback = on_cleanup;
    attributes.EvtDestroyCallback = on_destroy;
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(WdfObjectCreate(&attributes, &object) == STATUS_INSUFFICIENT_RESOURCES);
        CHECK(object == NULL);
    }
    CHECK(((struct ft_wdf_object *)FT_WDF->driver)->first->next == NULL); /* the device */
    CHECK(WdfObjectCreate(NULL, &object) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfObjectAllocateContext(object, &attributes, NULL) == STATUS_INSUFFICIENT_RESOURCES);
}

static void a_failed_creation_leaves_nothing(void **state)
{
    (void)state;
    wb_body(body_no_memory, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "");
}

/* ---- what drivers may not ---- */

static void body_undeletable(void)
{
    ob_begin();
    WdfObjectDelete(FT_WDF->driver);
    CHECK(((struct ft_wdf_object *)FT_WDF->driver)->state == FT_WDF_OBJECT_ALIVE);
}

static void what_is_the_frameworks_is_not_deleted(void **state)
{
    (void)state;
    wb_body(body_undeletable, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_WDF_OBJECT_DELETE)->arg[2], true);
}

static void body_dereference(void)
{
    ob_begin();
    WdfObjectDereference(make("a", NULL));
}

static void a_stray_dereference_stops_the_machine(void **state)
{
    (void)state;
    ob_violates(body_dereference, FT_WDF_OBJECT_ERROR);
    assert_string_equal(wb_notes(), "");
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[2], wb_last(FT_EV_WDF_REFERENCE)->arg[0]);
}

static void body_freed(void)
{
    WDFOBJECT object;

    ob_begin();
    object = make("a", NULL);
    WdfObjectDelete(object);
    WdfObjectReference(object);
}

static void body_garbage(void)
{
    ob_begin();
    WdfObjectDelete((WDFOBJECT)(uintptr_t)0x12345678);
}

static void body_null(void)
{
    ob_begin();
    WdfObjectDelete(NULL);
}

static void body_class(void)
{
    ob_begin();
    WdfSpinLockAcquire((WDFSPINLOCK)make("a", NULL));
}

static void body_parent(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    ob_begin();
    attributes = ob_below(&attributes);
    WdfObjectCreate(&attributes, &object);
}

static void body_no_place(void)
{
    ob_begin();
    WdfObjectCreate(NULL, NULL);
}

static void body_context_of_garbage(void)
{
    ob_begin();
    get_named(NULL);
}

static void body_object_of_garbage(void)
{
    ob_begin();
    WdfObjectContextGetObject(&sibling);
}

static void wrong_arguments_stop_the_machine(void **state)
{
    static const struct {
        void (*body)(void);
        unsigned what, why;
    } row[] = {
        {body_freed, FT_WDF_INVALID_HANDLE, 3},
        {body_garbage, FT_WDF_INVALID_HANDLE, 2},
        {body_null, FT_WDF_NULL_PARAMETER, 1},
        {body_class, FT_WDF_INVALID_HANDLE, 4},
        {body_parent, FT_WDF_INVALID_HANDLE, 2},
        {body_no_place, FT_WDF_NULL_PARAMETER, 1},
        {body_context_of_garbage, FT_WDF_NULL_PARAMETER, 1},
        {body_object_of_garbage, FT_WDF_INVALID_HANDLE, 2},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
        ob_violates(row[i].body, row[i].what);
        assert_int_equal(wb_last(FT_EV_WDF_BAD_ARGUMENT)->arg[2], row[i].why);
        assert_int_equal(wb_last(FT_EV_WDF_BAD_ARGUMENT)->layer, FT_LAYER_DRIVER);
    }
}

static void body_levels(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object, new;
    KIRQL irql;

    ob_begin();
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, OTHER);
    object = make("a", NULL);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(WdfObjectCreate(NULL, &new) == STATUS_SUCCESS);
    WdfObjectReference(new);
    WdfObjectDereference(new);
    WdfObjectDelete(new);
    KeLowerIrql(irql);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(get_named(object)->name[0] == 'a');
    CHECK(WdfObjectContextGetObject(get_named(object)) == object);
    wb_note("above");
    CHECK(WdfObjectCreate(NULL, &new) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfObjectAllocateContext(object, &attributes, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    WdfObjectReference(object);
    WdfObjectDereference(object);
    WdfObjectDelete(object);
    KeLowerIrql(irql);
    CHECK(get_named(object)->name[0] == 'a');
}

static void calls_above_their_level_are_told(void **state)
{
    (void)state;
    wb_body(body_levels, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "above");
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 5);
    assert_int_equal(wb_last(FT_EV_WDF_IRQL)->arg[0], DISPATCH_LEVEL);
}

static void body_verifier_stop(void)
{
    WdfVerifierKeBugCheck(0xDEAD, 1, 2, 3, 4);
}

static void a_driver_may_stop_the_machine(void **state)
{
    (void)state;
    wb_body(body_verifier_stop, FT_STOP_BUGCHECK);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0xDEAD);
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[4], 4);
    wb_body(WdfVerifierDbgBreakPoint, FT_STOP_BUGCHECK); /* there is no debugger */
    assert_int_equal(wb_last(FT_EV_RUN_BUGCHECK)->arg[0], 0x1E);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_go_first_in_the_order_of_their_making),
        cmocka_unit_test(a_reference_keeps_an_object_beyond_its_deletion),
        cmocka_unit_test(a_cleanup_may_delete_a_sibling),
        cmocka_unit_test(what_is_being_disposed_takes_no_children),
        cmocka_unit_test(a_passive_child_puts_the_disposal_off),
        cmocka_unit_test(a_parent_takes_along_a_child_whose_disposal_waits),
        cmocka_unit_test(an_object_has_a_context_of_each_type),
        cmocka_unit_test(attributes_are_checked),
        cmocka_unit_test(a_failed_creation_leaves_nothing),
        cmocka_unit_test(what_is_the_frameworks_is_not_deleted),
        cmocka_unit_test(a_stray_dereference_stops_the_machine),
        cmocka_unit_test(wrong_arguments_stop_the_machine),
        cmocka_unit_test(calls_above_their_level_are_told),
        cmocka_unit_test(a_driver_may_stop_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
