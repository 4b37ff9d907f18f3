/* Registry keys of the framework. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "object_bench.h"

#include <cmocka.h>

static WDFKEY key;

/* Opens a new key below the services. */
static void begin(void)
{
    DECLARE_CONST_UNICODE_STRING(path, L"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
    DECLARE_CONST_UNICODE_STRING(name, L"wdf");
    ULONG disposition = 0;
    WDFKEY services;

    ob_begin();
    CHECK(WdfRegistryOpenKey(NULL, &path, KEY_ALL_ACCESS, NULL, &services) == STATUS_SUCCESS);
    CHECK(WdfRegistryCreateKey(services, &name, KEY_ALL_ACCESS, REG_OPTION_NON_VOLATILE,
                               &disposition, NULL, &key) == STATUS_SUCCESS);
    CHECK(disposition == REG_CREATED_NEW_KEY);
    WdfRegistryClose(services);
}

static void body_keys(void)
{
    DECLARE_CONST_UNICODE_STRING(name, L"below");
    WDFKEY below;

    begin();
    CHECK(WdfRegistryWdmGetHandle(key) != NULL);
    CHECK(WdfRegistryOpenKey(key, &name, KEY_READ, NULL, &below) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(below == NULL);
    CHECK(WdfRegistryCreateKey(key, &name, KEY_ALL_ACCESS, 0, NULL, NULL, &below) ==
          STATUS_SUCCESS);
    CHECK(WdfRegistryRemoveKey(key) == STATUS_CANNOT_DELETE); /* it has a child */
    CHECK(WdfRegistryRemoveKey(below) == STATUS_SUCCESS);
    CHECK(WdfRegistryOpenKey(key, &name, KEY_READ, NULL, &below) == STATUS_OBJECT_NAME_NOT_FOUND);
    WdfRegistryClose(key);
}

static void a_key_closes_with_its_object(void **state)
{
    (void)state;
    wb_body(body_keys, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), wb_count(FT_EV_HANDLE_CLOSE));
    assert_int_equal(wb_count(FT_EV_WDF_OBJECT_GONE), 3);
}

static void body_values(void)
{
    DECLARE_CONST_UNICODE_STRING(number, L"number");
    DECLARE_CONST_UNICODE_STRING(text, L"text");
    DECLARE_CONST_UNICODE_STRING(flush, L"flush");
    WCHAR room[8];
    UNICODE_STRING copy = {0, sizeof room, room}, small = {0, 4, room};
    ULONG value = 0, bytes = 0, type = 0;
    WDFSTRING string;
    USHORT length;

    begin();
    CHECK(WdfRegistryAssignULong(key, &number, 7) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryULong(key, &number, &value) == STATUS_SUCCESS && value == 7);
    CHECK(WdfRegistryQueryULong(key, &text, &value) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(WdfRegistryAssignUnicodeString(key, &text, &flush) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryULong(key, &text, &value) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(WdfRegistryQueryUnicodeString(key, &text, &length, &copy) == STATUS_SUCCESS);
    CHECK(length == 12 && RtlEqualUnicodeString(&copy, &flush, FALSE));
    CHECK(WdfRegistryQueryUnicodeString(key, &text, &length, NULL) == STATUS_BUFFER_OVERFLOW);
    CHECK(WdfRegistryQueryUnicodeString(key, &text, NULL, &small) == STATUS_BUFFER_OVERFLOW);
    CHECK(WdfRegistryQueryUnicodeString(key, &number, NULL, &copy) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(WdfStringCreate(NULL, NULL, &string) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryString(key, &text, string) == STATUS_SUCCESS);
    WdfStringGetUnicodeString(string, &copy);
    CHECK(RtlEqualUnicodeString(&copy, &flush, FALSE));
    CHECK(WdfRegistryAssignString(key, &number, string) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryValue(key, &number, 0, NULL, &bytes, &type) == STATUS_BUFFER_OVERFLOW);
    CHECK(bytes == 12 && type == REG_SZ);
    CHECK(WdfRegistryAssignValue(key, &number, REG_BINARY, 3, "ab") == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryValue(key, &number, sizeof room, room, NULL, NULL) == STATUS_SUCCESS);
    CHECK(strcmp((char *)room, "ab") == 0);
    CHECK(WdfRegistryRemoveValue(key, &number) == STATUS_SUCCESS);
    CHECK(WdfRegistryRemoveValue(key, &number) == STATUS_OBJECT_NAME_NOT_FOUND);
}

static void values_come_back_as_they_were_assigned(void **state)
{
    (void)state;
    wb_body(body_values, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_WDF_REGISTRY)->arg[1], 4);
}

static void body_memory(void)
{
    DECLARE_CONST_UNICODE_STRING(name, L"memory");
    WDFMEMORY_OFFSET part = {2, 3}, beyond = {7, 3}, far = {9, 0};
    WDFMEMORY memory, copy;
    PVOID buffer;
    size_t bytes;
    ULONG type;

    begin();
    CHECK(WdfMemoryCreate(NULL, NonPagedPoolNx, 0, 8, &memory, &buffer) == STATUS_SUCCESS);
    RtlCopyMemory(buffer, "abcdefg", 8);
    CHECK(WdfRegistryAssignMemory(key, &name, REG_BINARY, memory, NULL) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryMemory(key, &name, NonPagedPoolNx, NULL, &copy, &type) == STATUS_SUCCESS);
    CHECK(strcmp(WdfMemoryGetBuffer(copy, &bytes), "abcdefg") == 0);
    CHECK(bytes == 8 && type == REG_BINARY);
    CHECK(WdfRegistryAssignMemory(key, &name, REG_BINARY, memory, &part) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryMemory(key, &name, NonPagedPoolNx, NULL, &copy, NULL) == STATUS_SUCCESS);
    CHECK(memcmp(WdfMemoryGetBuffer(copy, &bytes), "cde", 3) == 0 && bytes == 3);
    CHECK(WdfRegistryAssignMemory(key, &name, REG_BINARY, memory, &beyond) ==
          STATUS_INTEGER_OVERFLOW);
    CHECK(WdfRegistryAssignMemory(key, &name, REG_BINARY, memory, &far) == STATUS_INTEGER_OVERFLOW);
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    CHECK(WdfRegistryQueryMemory(key, &name, NonPagedPoolNx, NULL, &copy, NULL) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(copy == NULL);
}

static void memory_may_be_a_value(void **state)
{
    (void)state;
    wb_body(body_memory, FT_STOP_NONE);
}

static WDFSTRING string_of(const WCHAR *text, WDFCOLLECTION collection)
{
    UNICODE_STRING name;
    WDFSTRING string;

    RtlInitUnicodeString(&name, text);
    CHECK(WdfStringCreate(&name, NULL, &string) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(collection, string) == STATUS_SUCCESS);
    return string;
}

static void body_strings(void)
{
    DECLARE_CONST_UNICODE_STRING(name, L"strings");
    DECLARE_CONST_UNICODE_STRING(two, L"two");
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFCOLLECTION in, out;
    UNICODE_STRING text;

    begin();
    CHECK(WdfCollectionCreate(NULL, &in) == STATUS_SUCCESS);
    CHECK(WdfCollectionCreate(NULL, &out) == STATUS_SUCCESS);
    string_of(L"one", in);
    string_of(L"two", in);
    CHECK(WdfRegistryAssignMultiString(key, &name, in) == STATUS_SUCCESS);
    attributes = ob_below(out);
    CHECK(WdfRegistryQueryMultiString(key, &name, &attributes, out) == STATUS_SUCCESS);
    CHECK(WdfCollectionGetCount(out) == 2);
    WdfStringGetUnicodeString(WdfCollectionGetLastItem(out), &text);
    CHECK(RtlEqualUnicodeString(&text, &two, FALSE));
    FT_M->alloc_fail_what = FT_FAIL_POOL;
    FT_M->alloc_fail_after = 4; /* the value, and one string with its text and entry */
    CHECK(WdfRegistryQueryMultiString(key, &name, &attributes, out) ==
          STATUS_INSUFFICIENT_RESOURCES);
    CHECK(WdfCollectionGetCount(out) == 2);
    CHECK(WdfRegistryAssignULong(key, &name, 1) == STATUS_SUCCESS);
    CHECK(WdfRegistryQueryMultiString(key, &name, NULL, out) == STATUS_OBJECT_TYPE_MISMATCH);
    WdfObjectDelete(out);
}

static void a_collection_of_strings_may_be_a_value(void **state)
{
    (void)state;
    wb_body(body_strings, FT_STOP_NONE);
}

static void body_not_strings(void)
{
    DECLARE_CONST_UNICODE_STRING(name, L"strings");
    WDFCOLLECTION collection;

    begin();
    CHECK(WdfCollectionCreate(NULL, &collection) == STATUS_SUCCESS);
    CHECK(WdfCollectionAdd(collection, collection) == STATUS_SUCCESS);
    CHECK(WdfRegistryAssignMultiString(key, &name, collection) == STATUS_INVALID_PARAMETER);
}

static void body_no_name(void)
{
    begin();
    WdfRegistryAssignULong(key, NULL, 1);
}

static void wrong_arguments_are_met(void **state)
{
    (void)state;
    wb_body(body_not_strings, FT_STOP_NONE);
    ob_violates(body_no_name, FT_WDF_NULL_PARAMETER);
}

static void body_levels(void)
{
    DECLARE_CONST_UNICODE_STRING(name, L"value");
    UNICODE_STRING text = {0};
    ULONG value;
    WDFKEY other;
    KIRQL irql;

    begin();
    KeRaiseIrql(APC_LEVEL, &irql);
    CHECK(WdfRegistryOpenKey(key, &name, KEY_READ, NULL, &other) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryCreateKey(key, &name, KEY_READ, 0, NULL, NULL, &other) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryRemoveKey(key) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryRemoveValue(key, &name) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryQueryULong(key, &name, &value) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryAssignULong(key, &name, 1) == STATUS_INVALID_DEVICE_REQUEST);
    CHECK(WdfRegistryAssignUnicodeString(key, &name, &text) == STATUS_INVALID_DEVICE_REQUEST);
    WdfRegistryWdmGetHandle(key);
    WdfRegistryClose(key); /* told, and nothing done */
    KeLowerIrql(irql);
    CHECK(WdfRegistryAssignULong(key, &name, 1) == STATUS_SUCCESS);
}

static void the_registry_is_for_passive_level(void **state)
{
    (void)state;
    wb_body(body_levels, FT_STOP_NONE);
    assert_int_equal(wb_count(FT_EV_WDF_IRQL), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_closes_with_its_object),
        cmocka_unit_test(values_come_back_as_they_were_assigned),
        cmocka_unit_test(memory_may_be_a_value),
        cmocka_unit_test(a_collection_of_strings_may_be_a_value),
        cmocka_unit_test(wrong_arguments_are_met),
        cmocka_unit_test(the_registry_is_for_passive_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
