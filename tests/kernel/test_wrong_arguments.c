/* What routines refuse, each with the status that its page names, and that they leave what they
 * were given as it was. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { LONG_NAME = 100 };

static WCHAR letters[LONG_NAME];

static UNICODE_STRING long_name(void)
{
    for (unsigned i = 0; i < LONG_NAME; i++)
        letters[i] = L'a';
    return (UNICODE_STRING){
        .Length = sizeof letters, .MaximumLength = sizeof letters, .Buffer = letters};
}

static UNICODE_STRING wide(const WCHAR *text)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, text);
    return string;
}

/* ---- objects ---- */

static void body_names(void)
{
    UNICODE_STRING name = long_name();
    OBJECT_ATTRIBUTES attributes;
    PCALLBACK_OBJECT callback = NULL;
    HANDLE event = NULL;

    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(ExCreateCallback(&callback, &attributes, TRUE, TRUE) == STATUS_OBJECT_NAME_INVALID);
    CHECK(callback == NULL);
    CHECK(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE) ==
          STATUS_OBJECT_NAME_INVALID);
    CHECK(event == NULL && IoCreateNotificationEvent(&name, &event) == NULL);
}

static void a_name_may_be_too_long(void **state)
{
    (void)state;
    wb_body(body_names, FT_STOP_NONE);
}

static void body_types(void)
{
    UNICODE_STRING path = wide(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\bench");
    OBJECT_ATTRIBUTES attributes;
    UCHAR room[64];
    ULONG needed;
    HANDLE key = NULL;

    InitializeObjectAttributes(&attributes, &path, OBJ_KERNEL_HANDLE, NULL, NULL);
    CHECK(NT_SUCCESS(ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes)));
    CHECK(ZwSetEvent(key, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(ZwSetEvent((HANDLE)(ULONG_PTR)0x7777, NULL) == STATUS_INVALID_HANDLE);
    CHECK(ZwWaitForSingleObject(key, FALSE, NULL) == STATUS_OBJECT_TYPE_MISMATCH);
    CHECK(ZwWaitForSingleObject((HANDLE)(ULONG_PTR)0x7777, FALSE, NULL) == STATUS_INVALID_HANDLE);
    path = wide(L"Value");
    CHECK(NT_SUCCESS(ZwSetValueKey(key, &path, 0, REG_DWORD, &needed, sizeof needed)));
    CHECK(ZwQueryValueKey(key, &path, (KEY_VALUE_INFORMATION_CLASS)99, room, sizeof room,
                          &needed) == STATUS_INVALID_PARAMETER);
    ZwClose(key);
}

static void a_handle_may_be_of_another_object(void **state)
{
    (void)state;
    wb_body(body_types, FT_STOP_NONE);
}

/* ---- strings ---- */

static void body_strings(void)
{
    UNICODE_STRING from = wide(L"text");
    ANSI_STRING to = {.Length = 7, .MaximumLength = 0, .Buffer = NULL};
    ANSI_STRING huge = {.Length = 0xFFFE, .MaximumLength = 0xFFFF, .Buffer = (PCHAR)letters};
    UNICODE_STRING none = {0};
    CHAR bytes[4];
    ULONG count = 77;

    CHECK(RtlUnicodeStringToAnsiString(&to, &from, FALSE) == STATUS_BUFFER_OVERFLOW);
    CHECK(to.Length == 7);
    CHECK(RtlAnsiStringToUnicodeString(&none, &huge, FALSE) == STATUS_INVALID_PARAMETER_2);
    CHECK(none.Length == 0);
    CHECK(RtlUnicodeToUTF8N(bytes, sizeof bytes, &count, NULL, 4) == STATUS_INVALID_PARAMETER_4);
    CHECK(RtlUnicodeToUTF8N(NULL, 0, NULL, L"ab", 4) == STATUS_INVALID_PARAMETER);
    CHECK(RtlUTF8ToUnicodeN(letters, sizeof letters, &count, NULL, 4) ==
          STATUS_INVALID_PARAMETER_4);
    CHECK(RtlUTF8ToUnicodeN(NULL, 0, NULL, "ab", 2) == STATUS_INVALID_PARAMETER);
    CHECK(count == 77);
}

static void body_guids(void)
{
    static const WCHAR *const wrong[] = {
        L"01234567-89ab-cdef-0123-456789abcdef}}", /* no brace at the beginning */
        L"{01234567+89ab-cdef-0123-456789abcdef}", /* no dash */
        L"{0123456g-89ab-cdef-0123-456789abcdef}", /* no digit */
        L"{01234567-89ab-cdef-0123-456789abcdef)", /* no brace at the end */
        L"{01234567-89ab-cdef-0123-456789abcde}",  /* too short */
    };
    GUID guid = {0x11111111, 2, 3, {4}}, before = guid;

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        UNICODE_STRING text = wide(wrong[i]);

        CHECK(RtlGUIDFromString(&text, &guid) == STATUS_INVALID_PARAMETER);
    }
    CHECK(memcmp(&guid, &before, sizeof guid) == 0);
}

static void text_may_not_convert(void **state)
{
    (void)state;
    wb_body(body_strings, FT_STOP_NONE);
    wb_body(body_guids, FT_STOP_NONE);
}

/* ---- the registry by table ---- */

static void body_table(void)
{
    static LONG small[3] = {12};
    static UCHAR data[16];
    RTL_QUERY_REGISTRY_TABLE table[2];

    memset(table, 0, sizeof table);
    CHECK(NT_SUCCESS(RtlCreateRegistryKey(RTL_REGISTRY_SERVICES, L"Refusals")));
    CHECK(NT_SUCCESS(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"Refusals", L"Bytes", REG_BINARY,
                                           data, sizeof data)));
    table[0].Flags = RTL_QUERY_REGISTRY_DIRECT;
    table[0].Name = L"Bytes";
    table[0].EntryContext = small;
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Refusals", table, NULL, NULL) ==
          STATUS_BUFFER_TOO_SMALL);
    CHECK(small[0] == 12);
    table[0].Name = NULL; /* DIRECT needs one */
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Refusals", table, NULL, NULL) ==
          STATUS_INVALID_PARAMETER);
    table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY;
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Refusals", table, NULL, NULL) ==
          STATUS_INVALID_PARAMETER);
    table[0].Flags = RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_REQUIRED;
    table[0].Name = L"Nowhere";
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"Refusals", table, NULL, NULL) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
}

static void a_query_by_table_says_what_is_wrong(void **state)
{
    (void)state;
    wb_body(body_table, FT_STOP_NONE);
}

/* ---- the rest ---- */

static void body_versions(void)
{
    RTL_OSVERSIONINFOEXW wanted;
    SECURITY_DESCRIPTOR descriptor;
    ULONGLONG mask = 0;

    memset(&wanted, 0, sizeof wanted);
    wanted.dwOSVersionInfoSize = sizeof wanted;
    wanted.dwBuildNumber = 0xFFFFFF;
    mask = VerSetConditionMask(mask, VER_BUILDNUMBER, VER_GREATER_EQUAL);
    CHECK(RtlVerifyVersionInfo(&wanted, VER_BUILDNUMBER, mask) == STATUS_REVISION_MISMATCH);
    CHECK(RtlVerifyVersionInfo(&wanted, 0, mask) == STATUS_INVALID_PARAMETER);
    CHECK(RtlVerifyVersionInfo(&wanted, VER_BUILDNUMBER, 0) == STATUS_INVALID_PARAMETER);
    memset(&descriptor, 0, sizeof descriptor); /* not initialized */
    CHECK(RtlSetDaclSecurityDescriptor(&descriptor, TRUE, NULL, FALSE) == STATUS_UNKNOWN_REVISION);
}

static void versions_and_revisions_are_compared(void **state)
{
    (void)state;
    wb_body(body_versions, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_may_be_too_long),
        cmocka_unit_test(a_handle_may_be_of_another_object),
        cmocka_unit_test(text_may_not_convert),
        cmocka_unit_test(a_query_by_table_says_what_is_wrong),
        cmocka_unit_test(versions_and_revisions_are_compared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
