/* Registry keys: a handle of the registry (kernel/zw_registry.c) in an object, which closes it. */
#include "kmdf/kmdf_private.h"

enum { VALUE_BYTES_MAX = 4096 };

struct key {
    struct ft_wdf_object object;
    HANDLE handle;
};

static void dispose(struct ft_wdf_object *object)
{
    struct key *key = (struct key *)object;

    if (key->handle)
        ZwClose(key->handle);
    key->handle = NULL;
}

static const struct ft_wdf_class key_class = {
    .handle_class = FT_HC_WDF_KEY, .passive = 1, .dispose = dispose};

/* Of the event. */
enum {
    OPEN = 1,
    CREATE,
    REMOVE_KEY,
    REMOVE_VALUE,
    QUERY /* 6: assign, in key_assign.c */
};

static NTSTATUS told(const void *key, unsigned operation, NTSTATUS status)
{
    ft_emit(FT_EV_WDF_REGISTRY, ft_wdf_handle(key), operation, (uint32_t)status);
    return status;
}

NTSTATUS ft_wdf_key_new(HANDLE handle, struct ft_wdf_object *parent,
                        const WDF_OBJECT_ATTRIBUTES *attributes, WDFKEY *ret)
{
    NTSTATUS status;
    struct key *key = ft_wdf_object_new(&key_class, sizeof *key, parent, attributes, &status);

    *ret = (WDFKEY)key;
    if (key)
        key->handle = handle;
    else
        ZwClose(handle);
    return status;
}

static struct key *check(WDFKEY handle)
{
    return ft_wdf_check(handle, FT_HC_WDF_KEY);
}

HANDLE ft_wdf_key_handle(WDFKEY handle)
{
    return check(handle)->handle;
}

/* ---- keys ---- */

/* CreateOptions is taken as given: every key of the machine lives as long as the run. */
static NTSTATUS open_key(WDFKEY parent, PCUNICODE_STRING name, ACCESS_MASK access, bool create,
                         PULONG disposition, PWDF_OBJECT_ATTRIBUTES attributes, WDFKEY *ret)
{
    HANDLE root = parent ? check(parent)->handle : NULL, handle;
    OBJECT_ATTRIBUTES object;
    NTSTATUS status;

    InitializeObjectAttributes(&object, (PUNICODE_STRING)(ULONG_PTR)name,
                               OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, root, NULL);
    status = ft_wdf_attributes_check(attributes, true);
    if (NT_SUCCESS(status))
        status = ft_wdf_text_check(name);
    if (!NT_SUCCESS(status))
        return status;
    status = create ? ZwCreateKey(&handle, access, &object, 0, NULL, 0, disposition)
                    : ZwOpenKey(&handle, access, &object);
    return NT_SUCCESS(status) ? ft_wdf_key_new(handle, FT_WDF->driver, attributes, ret) : status;
}

NTSTATUS WdfRegistryOpenKey(WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess,
                            PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(KeyName);
    ft_wdf_require(Key);
    *Key = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = open_key(ParentKey, KeyName, DesiredAccess, false, NULL, KeyAttributes, Key);
    told(*Key, OPEN, status);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

NTSTATUS WdfRegistryCreateKey(WDFKEY ParentKey, PCUNICODE_STRING KeyName, ACCESS_MASK DesiredAccess,
                              ULONG CreateOptions, PULONG CreateDisposition,
                              PWDF_OBJECT_ATTRIBUTES KeyAttributes, WDFKEY *Key)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    (void)CreateOptions;
    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(KeyName);
    ft_wdf_require(Key);
    *Key = NULL;
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = open_key(ParentKey, KeyName, DesiredAccess, true, CreateDisposition, KeyAttributes,
                          Key);
    told(*Key, CREATE, status);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

VOID WdfRegistryClose(WDFKEY Key)
{
    struct key *key;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    key = check(Key);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        ft_wdf_object_delete(&key->object);
    FT_WDF_END(WDF_OBJECT, 0);
}

HANDLE WdfRegistryWdmGetHandle(WDFKEY Key)
{
    HANDLE handle;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    handle = check(Key)->handle;
    ft_wdf_irql_ok(PASSIVE_LEVEL);
    FT_WDF_END(WDF_OBJECT, 0);
    return handle;
}

/* A key that was removed takes its object with it. */
NTSTATUS WdfRegistryRemoveKey(WDFKEY Key)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct key *key;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    key = check(Key);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ZwDeleteKey(key->handle);
    told(key, REMOVE_KEY, status);
    if (NT_SUCCESS(status))
        ft_wdf_object_delete(&key->object);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

NTSTATUS WdfRegistryRemoveValue(WDFKEY Key, PCUNICODE_STRING ValueName)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct key *key;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    key = check(Key);
    ft_wdf_require(ValueName);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_text_check(ValueName);
    if (NT_SUCCESS(status))
        status = ZwDeleteValueKey(key->handle, (PUNICODE_STRING)(ULONG_PTR)ValueName);
    told(key, REMOVE_VALUE, status);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* ---- values ---- */

/* The value as the registry has it, in a block that the caller frees; NULL, with a status, when
 * there is none. */
static KEY_VALUE_PARTIAL_INFORMATION *read_value(HANDLE handle, PCUNICODE_STRING name,
                                                 NTSTATUS *status)
{
    enum { HEADER = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data) };
    KEY_VALUE_PARTIAL_INFORMATION *value =
        ft_block_for_driver(HEADER + VALUE_BYTES_MAX, FT_HC_OTHER, 0);
    ULONG needed;

    *status = STATUS_INSUFFICIENT_RESOURCES;
    if (!value)
        return NULL;
    *status = ZwQueryValueKey(handle, (PUNICODE_STRING)(ULONG_PTR)name, KeyValuePartialInformation,
                              value, HEADER + VALUE_BYTES_MAX, &needed);
    if (NT_SUCCESS(*status))
        return value;
    ft_block_free(value);
    return NULL;
}

struct query {
    PCUNICODE_STRING name;
    ULONG type; /* that is wanted, REG_NONE: any */
    void *a, *b, *c;
    ULONG length;
    uint8_t needs_data; /* an empty value is STATUS_RESOURCE_DATA_NOT_FOUND */
    NTSTATUS (*take)(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value);
};

static NTSTATUS query_value(struct key *key, const struct query *query)
{
    KEY_VALUE_PARTIAL_INFORMATION *value;
    NTSTATUS status;

    value = read_value(key->handle, query->name, &status);
    if (!value)
        return status;
    if (query->type != REG_NONE && query->type != value->Type)
        status = STATUS_OBJECT_TYPE_MISMATCH;
    else if (query->needs_data && value->DataLength == 0)
        status = STATUS_RESOURCE_DATA_NOT_FOUND;
    else
        status = query->take(query, value);
    ft_block_free(value);
    return status;
}

static NTSTATUS run_query(struct key *key, const struct query *query)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    ft_wdf_require(query->name);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_text_check(query->name);
    if (NT_SUCCESS(status))
        status = query_value(key, query);
    return told(key, QUERY, status);
}

static NTSTATUS take_bytes(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    if (query->b)
        *(PULONG)query->b = value->DataLength;
    if (query->c)
        *(PULONG)query->c = value->Type;
    if (!query->a || query->length < value->DataLength)
        return STATUS_BUFFER_OVERFLOW;
    RtlCopyMemory(query->a, value->Data, value->DataLength);
    return STATUS_SUCCESS;
}

NTSTATUS WdfRegistryQueryValue(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueLength,
                               PVOID Value, PULONG ValueLengthQueried, PULONG ValueType)
{
    struct query query = {.name = ValueName,
                          .a = Value,
                          .b = ValueLengthQueried,
                          .c = ValueType,
                          .length = ValueLength,
                          .take = take_bytes};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static NTSTATUS take_memory(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    struct ft_wdf_memory *memory;
    NTSTATUS status;

    memory =
        ft_wdf_memory_from_pool(query->b, (POOL_TYPE)query->length, 0, value->DataLength, &status);
    if (!memory)
        return status;
    RtlCopyMemory(memory->buffer, value->Data, value->DataLength);
    if (query->c)
        *(PULONG)query->c = value->Type;
    *(WDFMEMORY *)query->a = (WDFMEMORY)memory;
    return status;
}

NTSTATUS WdfRegistryQueryMemory(WDFKEY Key, PCUNICODE_STRING ValueName, POOL_TYPE PoolType,
                                PWDF_OBJECT_ATTRIBUTES MemoryAttributes, WDFMEMORY *Memory,
                                PULONG ValueType)
{
    struct query query = {.name = ValueName,
                          .a = Memory,
                          .b = MemoryAttributes,
                          .c = ValueType,
                          .length = (ULONG)PoolType,
                          .needs_data = 1,
                          .take = take_memory};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Memory);
    *Memory = NULL;
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* The text of a value, without the null that may end it. */
static UNICODE_STRING text_at(const WCHAR *at, ULONG bytes)
{
    ULONG length = 0;

    while (length + sizeof(WCHAR) <= bytes && at[length / sizeof(WCHAR)] != 0)
        length += sizeof(WCHAR);
    return (UNICODE_STRING){
        .Length = (USHORT)length, .MaximumLength = (USHORT)length, .Buffer = (PWSTR)(ULONG_PTR)at};
}

/* All of them or none. */
static NTSTATUS take_strings(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    ULONG before = query->length, at = 0;
    NTSTATUS status = STATUS_SUCCESS;

    while (NT_SUCCESS(status) && at < value->DataLength) {
        UNICODE_STRING text =
            text_at((const WCHAR *)(const void *)(value->Data + at), value->DataLength - at);
        WDFSTRING string;

        if (text.Length == 0)
            break;
        status = ft_wdf_string_new(&text, query->b, &string);
        if (NT_SUCCESS(status)) {
            status = ft_wdf_collection_add(query->a, (struct ft_wdf_object *)string);
            if (!NT_SUCCESS(status))
                ft_wdf_object_delete((struct ft_wdf_object *)string);
        }
        at += text.Length + (ULONG)sizeof(WCHAR);
    }
    if (!NT_SUCCESS(status))
        ft_wdf_collection_cut(query->a, before);
    return status;
}

NTSTATUS WdfRegistryQueryMultiString(WDFKEY Key, PCUNICODE_STRING ValueName,
                                     PWDF_OBJECT_ATTRIBUTES StringsAttributes,
                                     WDFCOLLECTION Collection)
{
    struct query query = {.name = ValueName,
                          .type = REG_MULTI_SZ,
                          .a = Collection,
                          .b = StringsAttributes,
                          .needs_data = 1,
                          .take = take_strings};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_check(Collection, FT_HC_WDF_COLLECTION);
    query.length = ft_wdf_collection_count(Collection);
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static NTSTATUS take_unicode(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    UNICODE_STRING text = text_at((const WCHAR *)(const void *)value->Data, value->DataLength);
    PUNICODE_STRING to = query->b;

    if (query->a)
        *(PUSHORT)query->a = (USHORT)(text.Length + sizeof(WCHAR));
    if (to && to->MaximumLength == 0)
        return STATUS_INVALID_PARAMETER;
    if (!to || to->MaximumLength < text.Length)
        return STATUS_BUFFER_OVERFLOW;
    RtlCopyUnicodeString(to, &text);
    return STATUS_SUCCESS;
}

/* ValueByteLength counts the null. */
NTSTATUS WdfRegistryQueryUnicodeString(WDFKEY Key, PCUNICODE_STRING ValueName,
                                       PUSHORT ValueByteLength, PUNICODE_STRING Value)
{
    struct query query = {
        .name = ValueName, .type = REG_SZ, .a = ValueByteLength, .b = Value, .take = take_unicode};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static NTSTATUS take_string(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    UNICODE_STRING text = text_at((const WCHAR *)(const void *)value->Data, value->DataLength);

    return ft_wdf_string_set(query->a, &text);
}

NTSTATUS WdfRegistryQueryString(WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String)
{
    struct query query = {
        .name = ValueName, .type = REG_SZ, .a = String, .needs_data = 1, .take = take_string};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_check(String, FT_HC_WDF_STRING);
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static NTSTATUS take_ulong(const struct query *query, const KEY_VALUE_PARTIAL_INFORMATION *value)
{
    if (value->DataLength != sizeof(ULONG))
        return STATUS_OBJECT_TYPE_MISMATCH;
    RtlCopyMemory(query->a, value->Data, sizeof(ULONG));
    return STATUS_SUCCESS;
}

NTSTATUS WdfRegistryQueryULong(WDFKEY Key, PCUNICODE_STRING ValueName, PULONG Value)
{
    struct query query = {.name = ValueName, .type = REG_DWORD, .a = Value, .take = take_ulong};
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Value);
    status = run_query(check(Key), &query);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}
