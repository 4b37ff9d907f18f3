/* Memory objects, lookaside lists, collections and strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "object_bench.h"

#include <cmocka.h>

static unsigned blocks(void)
{
    return FT_M->pool_blocks;
}

/* ---- memory ---- */

static void body_memory(void)
{
    unsigned before;
    WDFMEMORY memory;
    PVOID buffer;
    size_t bytes;
    UCHAR text[8] = "12345";

    ob_begin();
    before = blocks();
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 'gaT1', 16, &memory, &buffer) == STATUS_SUCCESS);
    CHECK(blocks() == before + 1);
    CHECK(WdfMemoryGetBuffer(memory, &bytes) == buffer && bytes == 16);
    CHECK(WdfMemoryGetBuffer(memory, NULL) == buffer);
    CHECK(WdfMemoryCopyFromBuffer(memory, 4, text, 6) == STATUS_SUCCESS);
    CHECK(((PUCHAR)buffer)[4] == '1' && ((PUCHAR)buffer)[8] == '5');
    text[0] = 'x';
    CHECK(WdfMemoryCopyToBuffer(memory, 4, text, 2) == STATUS_SUCCESS);
    CHECK(text[0] == '1');
    CHECK(WdfMemoryCopyToBuffer(memory, 15, text, 2) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfMemoryCopyToBuffer(memory, 17, text, 1) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfMemoryCopyFromBuffer(memory, 0, text, 17) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfMemoryCopyFromBuffer(memory, (size_t)-1, text, 2) == STATUS_BUFFER_TOO_SMALL);
    CHECK(WdfMemoryCopyToBuffer(memory, 0, text, 0) == STATUS_INVALID_PARAMETER);
    CHECK(WdfMemoryCopyFromBuffer(memory, 0, text, 0) == STATUS_INVALID_PARAMETER);
    WdfObjectReference(memory);
    WdfObjectDelete(memory);
    CHECK(blocks() == before + 1);
    WdfObjectDereference(memory);
    CHECK(blocks() == before);
}

static void memory_lives_as_long_as_its_object(void **state)
{
    (void)state;
    wb_body(body_memory, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_POOL_FREE)->arg[1], 'gaT1');
    assert_int_equal(wb_last(FT_EV_WDF_MEMORY)->arg[1], 16);
}

static void body_default_tag(void)
{
    WDFMEMORY memory;

    ob_begin();
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 16, &memory, NULL) == STATUS_SUCCESS);
    FT_WDF->pool_tag = 'gaTD';
    CHECK(WdfMemoryCreate(NULL, PagedPool, 0, 16, &memory, NULL) == STATUS_SUCCESS);
}

static void memory_without_a_tag_has_the_drivers(void **state)
{
    (void)state;
    wb_body(body_default_tag, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 1)->arg[2], 'rDxF');
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 2)->arg[2], 'gaTD');
    assert_int_equal(wb_event(FT_EV_POOL_ALLOC, 2)->arg[3], true);
}

static void body_refused(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    struct ft_wdf_memory *request;
    NTSTATUS status;
    WDFMEMORY memory;
    UCHAR byte = 1;
    KIRQL irql;

    ob_begin();
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 0, &memory, NULL) == STATUS_INVALID_PARAMETER);
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 4, &memory, NULL) ==
              STATUS_INSUFFICIENT_RESOURCES);
        CHECK(memory == NULL);
    }
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfMemoryCreatePreallocated(NULL, &byte, 1, &memory) == STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfMemoryCreatePreallocated(NULL, &byte, 0, &memory) == STATUS_INVALID_PARAMETER);
    request = ft_wdf_memory_new(FT_WDF_MEMORY_REQUEST, FT_WDF->driver, NULL, &byte, 1, &status);
    request->read_only = 1;
    CHECK(WdfMemoryCopyFromBuffer((WDFMEMORY)request, 0, &byte, 1) == STATUS_ACCESS_VIOLATION);
    WdfObjectDelete(request);
    CHECK(WdfMemoryGetBuffer((WDFMEMORY)request, NULL) == &byte); /* refused */
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(WdfMemoryCreate(NULL, PagedPool, 0, 4, &memory, NULL) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 4, &memory, NULL) == STATUS_SUCCESS);
    KeLowerIrql(irql);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(WdfMemoryCreatePreallocated(NULL, &byte, 1, &memory) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
}

static void memory_is_refused_with_a_reason(void **state)
{
    (void)state;
    wb_body(body_refused, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_event(FT_EV_WDF_IRQL, 1)->arg[0], APC_LEVEL);
}

static void body_preallocated(void)
{
    UCHAR one[4] = "abc", two[8] = "defg";
    WDFMEMORY memory;
    size_t bytes;
    KIRQL irql;

    ob_begin();
    CHECK(WdfMemoryCreatePreallocated(NULL, one, sizeof one, &memory) == STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(memory, &bytes) == one && bytes == sizeof one);
    CHECK(WdfMemoryAssignBuffer(memory, two, sizeof two) == STATUS_SUCCESS);
    CHECK(WdfMemoryGetBuffer(memory, &bytes) == two && bytes == sizeof two);
    CHECK(WdfMemoryAssignBuffer(memory, two, 0) == STATUS_INVALID_PARAMETER);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(WdfMemoryAssignBuffer(memory, one, 4) == STATUS_INVALID_DEVICE_REQUEST);
    WdfMemoryGetBuffer(memory, NULL);
    WdfMemoryCopyToBuffer(memory, 0, one, 1);
    WdfMemoryCopyFromBuffer(memory, 0, one, 1);
    KeLowerIrql(irql);
    WdfObjectDelete(memory);
    CHECK(two[1] == 'e');
}

static void a_preallocated_buffer_stays_its_owners(void **state)
{
    (void)state;
    wb_body(body_preallocated, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 4);
}

static void body_assign_wrong(void)
{
    WDFMEMORY memory;
    UCHAR byte;

    ob_begin();
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 4, &memory, NULL) == STATUS_SUCCESS);
    WdfMemoryAssignBuffer(memory, &byte, 1);
}

static void body_no_buffer(void)
{
    WDFMEMORY memory;

    ob_begin();
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 4, &memory, NULL) == STATUS_SUCCESS);
    WdfMemoryCopyToBuffer(memory, 0, NULL, 1);
}

static void wrong_memory_stops_the_machine(void **state)
{
    (void)state;
    ob_violates(body_assign_wrong, FT_WDF_INVALID_HANDLE);
    ob_violates(body_no_buffer, FT_WDF_NULL_PARAMETER);
}

/* ---- lookaside lists ---- */

static void body_lookaside(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFLOOKASIDE list, bad;
    WDFMEMORY memory;
    unsigned before;
    size_t bytes;
    KIRQL irql;

    attributes = ob_below(ob_begin());
    before = blocks();
    CHECK(WdfLookasideListCreate(NULL, 24, NonPagedPoolNx, &attributes, 'gaT2', &list) ==
          STATUS_SUCCESS);
    CHECK(WdfMemoryCreateFromLookaside(list, &memory) == STATUS_SUCCESS);
    CHECK(blocks() == before + 1);
    CHECK(WdfMemoryGetBuffer(memory, &bytes) && bytes == 24);
    CHECK(((struct ft_wdf_object *)memory)->parent == attributes.ParentObject);
    WdfObjectDelete(list);
    WdfObjectDelete(memory);
    CHECK(blocks() == before);
    CHECK(WdfLookasideListCreate(NULL, 0, NonPagedPoolNx, NULL, 0, &bad) ==
          STATUS_INVALID_PARAMETER);
    attributes.Size = 1;
    CHECK(WdfLookasideListCreate(NULL, 8, NonPagedPoolNx, &attributes, 0, &bad) ==
          STATUS_INFO_LENGTH_MISMATCH);
    CHECK(WdfLookasideListCreate(NULL, 8, (POOL_TYPE)64, NULL, 0, &bad) ==
          STATUS_INVALID_PARAMETER_4);
    CHECK(bad == NULL);
    CHECK(WdfLookasideListCreate(NULL, 8, PagedPool, NULL, 0, &list) == STATUS_SUCCESS);
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(WdfMemoryCreateFromLookaside(list, &memory) == STATUS_INSUFFICIENT_RESOURCES);
        CHECK(memory == NULL && blocks() == before);
    }
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    CHECK(WdfLookasideListCreate(NULL, 8, PagedPool, NULL, 0, &bad) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfMemoryCreateFromLookaside(list, &memory) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    WdfObjectDelete(list);
}

static void a_lookaside_list_outlives_its_memory(void **state)
{
    (void)state;
    wb_body(body_lookaside, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_LOOKASIDE_DELETE, 1)->arg[1], 0);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
}

/* ---- collections ---- */

static VOID gone(WDFOBJECT object)
{
    (void)object;
    wb_note("gone");
}

static WDFOBJECT item(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT object;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtDestroyCallback = gone;
    CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
    return object;
}

static void body_collection(void)
{
    WDFCOLLECTION collection;
    WDFOBJECT a, b, c;

    ob_begin();
    CHECK(WdfCollectionCreate(NULL, &collection) == STATUS_SUCCESS);
    CHECK(WdfCollectionGetFirstItem(collection) == NULL);
    CHECK(WdfCollectionGetLastItem(collection) == NULL);
    a = item(), b = item(), c = item();
    CHECK(WdfCollectionAdd(collection, a) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(collection, b) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(collection, c) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(collection, a) == STATUS_SUCCESS);
    CHECK(WdfCollectionGetCount(collection) == 4);
    CHECK(WdfCollectionGetItem(collection, 1) == b && !WdfCollectionGetItem(collection, 4));
    CHECK(WdfCollectionGetFirstItem(collection) == a);
    CHECK(WdfCollectionGetLastItem(collection) == a);
    WdfObjectDelete(b);
    wb_note("b-deleted");
    WdfCollectionRemove(collection, b);
    WdfCollectionRemoveItem(collection, 0);
    CHECK(WdfCollectionGetFirstItem(collection) == c);
    CHECK(WdfCollectionGetLastItem(collection) == a);
    WdfCollectionRemove(collection, collection); /* is not in it */
    WdfCollectionRemoveItem(collection, 2);      /* nor is there a third */
    CHECK(WdfCollectionGetCount(collection) == 2);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfCollectionAdd(collection, c) == STATUS_INSUFFICIENT_RESOURCES);
    WdfObjectDelete(a);
    WdfObjectDelete(c);
    wb_note("deleted");
    WdfObjectDelete(collection);
}

static void a_collection_keeps_what_it_holds(void **state)
{
    (void)state;
    wb_body(body_collection, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "b-deleted gone deleted gone gone");
    assert_int_equal((uint32_t)wb_event(FT_EV_WDF_COLLECTION, 7)->arg[4],
                     (uint32_t)STATUS_NOT_FOUND);
}

static void body_collection_level(void)
{
    WDFCOLLECTION collection, bad;
    KIRQL irql;

    ob_begin();
    CHECK(WdfCollectionCreate(NULL, &collection) == STATUS_SUCCESS);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfCollectionCreate(NULL, &bad) == STATUS_INSUFFICIENT_RESOURCES);
    KeRaiseIrql(DISPATCH_LEVEL + 1, &irql);
    CHECK(WdfCollectionCreate(NULL, &bad) == STATUS_INVALID_DEVICE_REQUEST);
    WdfCollectionGetCount(collection);
    WdfCollectionGetItem(collection, 0);
    WdfCollectionRemoveItem(collection, 0);
    KeLowerIrql(irql);
}

static void collections_above_dispatch_level_are_told(void **state)
{
    (void)state;
    wb_body(body_collection_level, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 4);
}

/* ---- strings ---- */

static void body_string(void)
{
    DECLARE_CONST_UNICODE_STRING(text, L"flush");
    UNICODE_STRING odd = {3, 4, (PWSTR)text.Buffer}, copy;
    WDFSTRING string;
    KIRQL irql;

    ob_begin();
    CHECK(WdfStringCreate(&text, NULL, &string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &copy);
    CHECK(copy.Buffer != text.Buffer && RtlEqualUnicodeString(&copy, &text, FALSE));
    CHECK(copy.Buffer[5] == 0);
    WdfObjectDelete(string);
    CHECK(WdfStringCreate(NULL, NULL, &string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &copy);
    CHECK(copy.Length == 0);
    WdfObjectDelete(string);
    CHECK(WdfStringCreate(&odd, NULL, &string) == STATUS_INVALID_PARAMETER);
    CHECK(string == NULL);
    for (unsigned after = 0; after < 2; after++) {
        FT_M->alloc_fail_what = FT_FAIL_POOL;
        FT_M->alloc_fail_after = after;
        CHECK(WdfStringCreate(&text, NULL, &string) == STATUS_INSUFFICIENT_RESOURCES);
        CHECK(string == NULL);
    }
    CHECK(WdfStringCreate(&text, NULL, &string) == STATUS_SUCCESS);
    copy.Length = 7;
    KeRaiseIrql(APC_LEVEL, &irql);
    WdfStringGetUnicodeString(string, &copy);
    CHECK(WdfStringCreate(&text, NULL, &string) == STATUS_INVALID_DEVICE_REQUEST);
    KeLowerIrql(irql);
    CHECK(copy.Length == 7);
}

static void a_string_has_a_copy_of_its_text(void **state)
{
    (void)state;
    wb_body(body_string, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 2);
    assert_int_equal(wb_last(FT_EV_WDF_IRQL)->arg[0], PASSIVE_LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_lives_as_long_as_its_object),
        cmocka_unit_test(memory_without_a_tag_has_the_drivers),
        cmocka_unit_test(memory_is_refused_with_a_reason),
        cmocka_unit_test(a_preallocated_buffer_stays_its_owners),
        cmocka_unit_test(wrong_memory_stops_the_machine),
        cmocka_unit_test(a_lookaside_list_outlives_its_memory),
        cmocka_unit_test(a_collection_keeps_what_it_holds),
        cmocka_unit_test(collections_above_dispatch_level_are_told),
        cmocka_unit_test(a_string_has_a_copy_of_its_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
