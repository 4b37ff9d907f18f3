/* The registry: opening, values, enumeration, queries by table, keys of a device. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { OPEN = 1, CREATE, QUERY, SET, DELETED, ENUMERATE };

#define SERVICE L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\bench"

static UNICODE_STRING wide(const WCHAR *text)
{
    UNICODE_STRING string;

    RtlInitUnicodeString(&string, text);
    return string;
}

static NTSTATUS open_key(HANDLE root, const WCHAR *path, ACCESS_MASK access, HANDLE *handle)
{
    UNICODE_STRING name = wide(path);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root,
                               NULL);
    return ZwOpenKey(handle, access, &attributes);
}

static NTSTATUS create_key(HANDLE root, const WCHAR *path, HANDLE *handle, ULONG *disposition)
{
    UNICODE_STRING name = wide(path);
    OBJECT_ATTRIBUTES attributes;

    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, root, NULL);
    return ZwCreateKey(handle, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_NON_VOLATILE,
                       disposition);
}

static NTSTATUS set(HANDLE key, const WCHAR *value, ULONG type, const void *data, ULONG bytes)
{
    UNICODE_STRING name = wide(value);

    return ZwSetValueKey(key, &name, 0, type, (PVOID)(ULONG_PTR)data, bytes);
}

static NTSTATUS get(HANDLE key, const WCHAR *value, KEY_VALUE_PARTIAL_INFORMATION *info, ULONG room,
                    ULONG *needed)
{
    UNICODE_STRING name = wide(value);

    return ZwQueryValueKey(key, &name, KeyValuePartialInformation, info, room, needed);
}

/* ---- keys ---- */

static void body_open(void)
{
    HANDLE service, parameters, none, other;
    ULONG disposition = 0;

    CHECK(open_key(NULL, SERVICE, KEY_READ, &service) == STATUS_SUCCESS);
    CHECK(open_key(service, L"PARAMETERS", KEY_ALL_ACCESS, &parameters) == STATUS_SUCCESS);
    CHECK(open_key(service, L"Missing", KEY_READ, &none) == STATUS_OBJECT_NAME_NOT_FOUND && !none);
    CHECK(open_key(NULL, L"Registry\\Machine", KEY_READ, &none) == STATUS_OBJECT_PATH_SYNTAX_BAD);
    CHECK(open_key((HANDLE)(ULONG_PTR)0x4444, L"x", KEY_READ, &none) == STATUS_INVALID_HANDLE);
    CHECK(create_key(parameters, L"A\\B", &none, NULL) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(create_key(parameters, L"A", &other, &disposition) == STATUS_SUCCESS);
    CHECK(disposition == REG_CREATED_NEW_KEY);
    ZwClose(other);
    CHECK(create_key(NULL, SERVICE L"\\Parameters\\a", &other, &disposition) == STATUS_SUCCESS);
    CHECK(disposition == REG_OPENED_EXISTING_KEY);
    CHECK(ZwDeleteKey(parameters) == STATUS_CANNOT_DELETE);
    CHECK(ZwDeleteKey(service) == STATUS_ACCESS_DENIED);
    CHECK(ZwDeleteKey(other) == STATUS_SUCCESS);
    CHECK(ZwFlushKey(other) == STATUS_KEY_DELETED);
    CHECK(open_key(parameters, L"A", KEY_READ, &none) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwFlushKey(service) == STATUS_SUCCESS);
    ZwClose(other);
    ZwClose(parameters);
    ZwClose(service);
    CHECK(ZwFlushKey(service) == STATUS_INVALID_HANDLE);
}

static void keys_are_opened_created_and_deleted(void **state)
{
    (void)state;
    wb_body(body_open, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 1)->arg[0], OPEN);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 1)->arg[1], STATUS_SUCCESS);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 3)->arg[1], (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 6)->arg[0], CREATE);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 9)->arg[0], DELETED);
    assert_int_equal(wb_count(FT_EV_HANDLE_OPEN), wb_count(FT_EV_HANDLE_CLOSE));
}

/* ---- values ---- */

static void body_values(void)
{
    union {
        KEY_VALUE_PARTIAL_INFORMATION info;
        UCHAR bytes[64];
    } answer;
    UNICODE_STRING gone = wide(L"Number");
    ULONG needed, number = 7;
    HANDLE key;

    CHECK(open_key(NULL, SERVICE L"\\Parameters", KEY_ALL_ACCESS, &key) == STATUS_SUCCESS);
    CHECK(set(key, L"Number", REG_DWORD, &number, sizeof number) == STATUS_SUCCESS);
    CHECK(get(key, L"NUMBER", &answer.info, sizeof answer, &needed) == STATUS_SUCCESS);
    CHECK(needed == 16 && answer.info.Type == REG_DWORD && answer.info.DataLength == 4);
    CHECK(answer.info.Data[0] == 7);
    CHECK(set(key, L"number", REG_SZ, L"text", 10) == STATUS_SUCCESS); /* another type and size */
    CHECK(get(key, L"Number", &answer.info, 12, &needed) == STATUS_BUFFER_OVERFLOW);
    CHECK(needed == 22 && answer.info.Type == REG_SZ && answer.info.DataLength == 10);
    CHECK(get(key, L"Number", &answer.info, 11, &needed) == STATUS_BUFFER_TOO_SMALL);
    CHECK(get(key, L"None", &answer.info, 64, &needed) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(ZwSetValueKey(key, NULL, 0, REG_NONE, NULL, 0) == STATUS_SUCCESS); /* the default value */
    CHECK(get(key, L"", &answer.info, sizeof answer, &needed) == STATUS_SUCCESS);
    CHECK(ZwDeleteValueKey(key, &gone) == STATUS_SUCCESS);
    CHECK(ZwDeleteValueKey(key, &gone) == STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(key);
    CHECK(open_key(NULL, SERVICE, KEY_SET_VALUE, &key) == STATUS_SUCCESS);
    CHECK(get(key, L"Type", &answer.info, 64, &needed) == STATUS_ACCESS_DENIED);
    ZwClose(key);
    CHECK(open_key(NULL, SERVICE, GENERIC_READ, &key) == STATUS_SUCCESS);
    CHECK(get(key, L"Type", &answer.info, 64, &needed) == STATUS_SUCCESS);
    CHECK(set(key, L"Type", REG_DWORD, &number, 4) == STATUS_ACCESS_DENIED);
    ZwClose(key);
}

static void values_are_set_read_and_deleted(void **state)
{
    (void)state;
    wb_body(body_values, FT_STOP_NONE);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 2)->arg[0], SET);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 3)->arg[0], QUERY);
    assert_int_equal(wb_event(FT_EV_REGISTRY, 5)->arg[1], (uint32_t)STATUS_BUFFER_OVERFLOW);
}

static void body_enumerate(void)
{
    union {
        KEY_VALUE_FULL_INFORMATION full;
        KEY_VALUE_BASIC_INFORMATION value;
        KEY_BASIC_INFORMATION key;
        KEY_FULL_INFORMATION summary;
        ULONG words[32];
    } answer;
    ULONG needed;
    HANDLE key;

    CHECK(open_key(NULL, SERVICE, KEY_READ, &key) == STATUS_SUCCESS);
    CHECK(ZwEnumerateValueKey(key, 1, KeyValueBasicInformation, &answer, sizeof answer, &needed) ==
          STATUS_SUCCESS);
    CHECK(answer.value.NameLength == 10 && memcmp(answer.value.Name, L"Start", 10) == 0);
    CHECK(ZwEnumerateValueKey(key, 1, KeyValueFullInformation, &answer, sizeof answer, &needed) ==
          STATUS_SUCCESS);
    CHECK(answer.full.DataLength == 4 && answer.full.DataOffset % 4 == 0);
    CHECK(*(ULONG *)((UCHAR *)&answer + answer.full.DataOffset) == 3);
    CHECK(ZwEnumerateValueKey(key, 1, KeyValuePartialInformationAlign64, &answer, sizeof answer,
                              &needed) == STATUS_SUCCESS);
    CHECK(needed == 12 && answer.words[0] == REG_DWORD && answer.words[2] == 3);
    CHECK(ZwEnumerateValueKey(key, 3, KeyValueBasicInformation, &answer, sizeof answer, &needed) ==
          STATUS_NO_MORE_ENTRIES);
    CHECK(ZwEnumerateKey(key, 0, KeyBasicInformation, &answer, sizeof answer, &needed) ==
          STATUS_SUCCESS);
    CHECK(memcmp(answer.key.Name, L"Parameters", answer.key.NameLength) == 0);
    CHECK(ZwEnumerateKey(key, 1, KeyBasicInformation, &answer, sizeof answer, &needed) ==
          STATUS_NO_MORE_ENTRIES);
    CHECK(ZwQueryKey(key, KeyFullInformation, &answer, sizeof answer, &needed) == STATUS_SUCCESS);
    CHECK(answer.summary.SubKeys == 1 && answer.summary.Values == 3);
    CHECK(answer.summary.MaxNameLen == 20 && answer.summary.MaxValueDataLen == 4);
    ZwClose(key);
}

static void keys_and_values_are_enumerated_in_order(void **state)
{
    (void)state;
    wb_body(body_enumerate, FT_STOP_NONE);
    assert_int_equal(wb_last(FT_EV_REGISTRY)->arg[0], ENUMERATE);
}

/* ---- by path and by table ---- */

static NTSTATUS answer_status;

static NTSTATUS routine(PWSTR name, ULONG type, PVOID data, ULONG bytes, PVOID context,
                        PVOID entry_context)
{
    CHECK(context == &answer_status && entry_context == &answer_status);
    if (type == REG_NONE)
        wb_note("nothing");
    else if (type == REG_SZ)
        wb_note(bytes == 4 ? "short" : "long");
    else
        wb_note(type == REG_DWORD && *(ULONG *)data == 1 && name[0] == 'T' ? "type" : "number");
    return answer_status;
}

static void body_table(void)
{
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {routine, 0, L"Type", &answer_status, REG_NONE, NULL, 0},
        {routine, RTL_QUERY_REGISTRY_NOVALUE, NULL, &answer_status, REG_NONE, NULL, 0},
        {routine, 0, L"Missing", &answer_status, REG_SZ, L"a", 0},
        {routine, 0, L"Missing", &answer_status, REG_NONE, NULL, 0},
        {NULL, RTL_QUERY_REGISTRY_SUBKEY, L"Parameters", NULL, REG_NONE, NULL, 0},
        {routine, 0, L"List", &answer_status, REG_NONE, NULL, 0},
        {routine, RTL_QUERY_REGISTRY_TOPKEY, NULL, &answer_status, REG_NONE, NULL, 0},
        {NULL, 0, NULL, NULL, REG_NONE, NULL, 0}};

    CHECK(RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"bench\\Parameters", L"List", REG_MULTI_SZ,
                                L"a\0bcd\0", 14) == STATUS_SUCCESS);
    answer_status = STATUS_SUCCESS;
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"bench", table, &answer_status, NULL) ==
          STATUS_SUCCESS);
    answer_status = STATUS_UNSUCCESSFUL;
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, SERVICE, table, &answer_status, NULL) ==
          STATUS_UNSUCCESSFUL);
}

static void a_table_calls_its_routines(void **state)
{
    (void)state;
    wb_body(body_table, FT_STOP_NONE);
    assert_string_equal(wb_notes(), "type nothing short short long type number number type");
    assert_int_equal(wb_last(FT_EV_CALL_ENTER)->arg[0], FT_ROUTINE_QUERY);
}

static void body_direct(void)
{
    enum { DIRECT = RTL_QUERY_REGISTRY_DIRECT };
    WCHAR buffer[4];
    UNICODE_STRING fits = {.MaximumLength = sizeof buffer, .Buffer = buffer}, fresh = {0};
    ULONG number = 0, missing = 0, five = 5;
    struct {
        LONG bytes;
        ULONG type;
        UCHAR data[8];
    } binary = {.bytes = 16};
    RTL_QUERY_REGISTRY_TABLE table[] = {
        {NULL, DIRECT, L"Start", &number, REG_DWORD, NULL, 0},
        {NULL, DIRECT, L"Missing", &missing, REG_DWORD, &five, sizeof five},
        {NULL, DIRECT | RTL_QUERY_REGISTRY_DELETE, L"Text", &fits, REG_NONE, NULL, 0},
        {NULL, DIRECT, L"More", &fresh, REG_NONE, NULL, 0},
        {NULL, DIRECT, L"Bytes", &binary, REG_NONE, NULL, 0},
        {NULL, 0, NULL, NULL, REG_NONE, NULL, 0}};
    RTL_QUERY_REGISTRY_TABLE one[2] = {
        {NULL, DIRECT | RTL_QUERY_REGISTRY_REQUIRED, L"Text", &fits, REG_NONE, NULL, 0}};

    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"bench", L"Text", REG_SZ, L"abc", 8);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"bench", L"More", REG_SZ, L"abcd", 10);
    RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"bench", L"Bytes", REG_BINARY, "12345678", 8);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"bench", table, NULL, NULL) ==
          STATUS_SUCCESS);
    CHECK(number == 3 && missing == 5);
    CHECK(fits.Length == 6 && memcmp(buffer, L"abc", 8) == 0);
    CHECK(fresh.Length == 8 && memcmp(fresh.Buffer, L"abcd", 10) == 0);
    CHECK(binary.bytes == 8 && binary.type == REG_BINARY && binary.data[7] == '8');
    RtlFreeUnicodeString(&fresh);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"bench", one, NULL, NULL) ==
          STATUS_OBJECT_NAME_NOT_FOUND); /* it was deleted */
    one[0].Name = L"More";
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"bench", one, NULL, NULL) ==
          STATUS_BUFFER_TOO_SMALL);
    one[0].Flags = DIRECT | RTL_QUERY_REGISTRY_TYPECHECK;
    one[0].DefaultType = REG_DWORD << RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, L"bench", one, NULL, NULL) ==
          STATUS_OBJECT_TYPE_MISMATCH);
}

static void direct_entries_are_stored(void **state)
{
    (void)state;
    wb_body(body_direct, FT_STOP_NONE);
}

static void body_paths(void)
{
    RTL_QUERY_REGISTRY_TABLE empty[1] = {{NULL, 0, NULL, NULL, REG_NONE, NULL, 0}};
    HANDLE key;

    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_SERVICES, L"bench") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_DEVICEMAP, L"A\\B") == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlCreateRegistryKey(RTL_REGISTRY_DEVICEMAP, L"A\\B") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_DEVICEMAP, L"a\\b") == STATUS_SUCCESS);
    CHECK(RtlCheckRegistryKey(RTL_REGISTRY_USER, L"x") == STATUS_INVALID_PARAMETER);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_CONTROL, L"None", L"x") ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_WINDOWS_NT, L"None", empty, NULL, NULL) ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(RtlQueryRegistryValues(RTL_REGISTRY_WINDOWS_NT | RTL_REGISTRY_OPTIONAL, L"None", empty,
                                 NULL, NULL) == STATUS_SUCCESS);
    CHECK(open_key(NULL, SERVICE, KEY_ALL_ACCESS, &key) == STATUS_SUCCESS);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_HANDLE, key, L"Start") == STATUS_SUCCESS);
    CHECK(RtlDeleteRegistryValue(RTL_REGISTRY_SERVICES, L"bench", L"Start") ==
          STATUS_OBJECT_NAME_NOT_FOUND);
    ZwClose(key);
}

static void paths_begin_at_well_known_keys(void **state)
{
    (void)state;
    wb_body(body_paths, FT_STOP_NONE);
}

/* ---- keys of a device ---- */

static void body_device(void)
{
    UNICODE_STRING link = wide(L"\\??\\FT#Device");
    PDEVICE_OBJECT pdo = FT_M->io.first.pdo;
    HANDLE hardware, software, interface, again;
    ULONG number = 9;
    UCHAR answer[64];
    ULONG needed;

    CHECK(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_ALL_ACCESS, &hardware) ==
          STATUS_SUCCESS);
    CHECK(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DRIVER, KEY_ALL_ACCESS, &software) ==
          STATUS_SUCCESS);
    CHECK(set(hardware, L"x", REG_DWORD, &number, 4) == STATUS_SUCCESS);
    CHECK(get(software, L"x", (PVOID)answer, 64, &needed) == STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK(IoOpenDeviceRegistryKey(pdo, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &again) == STATUS_SUCCESS);
    CHECK(get(again, L"x", (PVOID)answer, 64, &needed) == STATUS_SUCCESS);
    CHECK(IoOpenDeviceInterfaceRegistryKey(&link, KEY_ALL_ACCESS, &interface) == STATUS_SUCCESS);
    ZwClose(interface);
    ZwClose(again);
    ZwClose(software);
    ZwClose(hardware);
    CHECK(IoOpenDeviceRegistryKey(NULL, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &again) ==
          STATUS_INVALID_DEVICE_REQUEST);
    CHECK(IoOpenDeviceRegistryKey(pdo, 0, KEY_READ, &again) == STATUS_INVALID_PARAMETER);
    link.Length = 0;
    CHECK(IoOpenDeviceInterfaceRegistryKey(&link, KEY_READ, &again) == STATUS_OBJECT_NAME_INVALID);
}

static void a_device_has_two_keys_and_an_interface_one(void **state)
{
    (void)state;
    wb_body(body_device, FT_STOP_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_opened_created_and_deleted),
        cmocka_unit_test(values_are_set_read_and_deleted),
        cmocka_unit_test(keys_and_values_are_enumerated_in_order),
        cmocka_unit_test(a_table_calls_its_routines),
        cmocka_unit_test(direct_entries_are_stored),
        cmocka_unit_test(paths_begin_at_well_known_keys),
        cmocka_unit_test(a_device_has_two_keys_and_an_interface_one),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
