/* WdfRegistryAssign*: values of the registry from what drivers have. */
#include "kmdf/kmdf_private.h"

enum { ASSIGN = 6 };

static NTSTATUS assign(WDFKEY key, PCUNICODE_STRING name, ULONG type, const void *data,
                       size_t bytes)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    HANDLE handle = ft_wdf_key_handle(key);

    ft_wdf_require(name);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = ft_wdf_text_check(name);
    if (NT_SUCCESS(status))
        status = ZwSetValueKey(handle, (PUNICODE_STRING)(ULONG_PTR)name, 0, type,
                               (PVOID)(ULONG_PTR)data, (ULONG)bytes);
    ft_emit(FT_EV_WDF_REGISTRY, ft_wdf_handle(key), ASSIGN, (uint32_t)status);
    return status;
}

NTSTATUS WdfRegistryAssignValue(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType,
                                ULONG ValueLength, PVOID Value)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Value);
    status = assign(Key, ValueName, ValueType, Value, ValueLength);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* Without offsets the whole buffer. */
NTSTATUS WdfRegistryAssignMemory(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG ValueType,
                                 WDFMEMORY Memory, PWDFMEMORY_OFFSET MemoryOffsets)
{
    const struct ft_wdf_memory *memory;
    WDFMEMORY_OFFSET part = {0};
    NTSTATUS status = STATUS_INTEGER_OVERFLOW;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    memory = ft_wdf_check(Memory, FT_HC_WDF_MEMORY);
    if (MemoryOffsets)
        part = *MemoryOffsets;
    if (part.BufferOffset <= memory->bytes) {
        if (part.BufferLength == 0)
            part.BufferLength = memory->bytes - part.BufferOffset;
        if (part.BufferLength <= memory->bytes - part.BufferOffset)
            status = assign(Key, ValueName, ValueType, (PUCHAR)memory->buffer + part.BufferOffset,
                            part.BufferLength);
    }
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

/* Writes a text and a null; returns where the next begins. */
static WCHAR *put_text(WCHAR *at, const UNICODE_STRING *text)
{
    ft_raw_copy(at, text->Buffer, text->Length);
    at += text->Length / sizeof(WCHAR);
    *at++ = 0;
    return at;
}

static NTSTATUS assign_text(WDFKEY key, PCUNICODE_STRING name, const UNICODE_STRING *text)
{
    size_t bytes = text->Length + sizeof(WCHAR);
    WCHAR *copy = ft_block_for_driver(bytes, FT_HC_OTHER, 0);
    NTSTATUS status;

    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    put_text(copy, text);
    status = assign(key, name, REG_SZ, copy, bytes);
    ft_block_free(copy);
    return status;
}

NTSTATUS WdfRegistryAssignUnicodeString(WDFKEY Key, PCUNICODE_STRING ValueName,
                                        PCUNICODE_STRING Value)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Value);
    status = ft_wdf_text_check(Value);
    if (NT_SUCCESS(status))
        status = assign_text(Key, ValueName, Value);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

NTSTATUS WdfRegistryAssignString(WDFKEY Key, PCUNICODE_STRING ValueName, WDFSTRING String)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_check(String, FT_HC_WDF_STRING);
    status = assign_text(Key, ValueName, ft_wdf_string_text(String));
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static NTSTATUS assign_strings(WDFKEY key, PCUNICODE_STRING name, WDFCOLLECTION strings)
{
    ULONG count = ft_wdf_collection_count(strings);
    size_t bytes = sizeof(WCHAR);
    WCHAR *copy, *at;
    NTSTATUS status;

    for (ULONG i = 0; i < count; i++) {
        WDFSTRING string = ft_wdf_find(ft_wdf_collection_item(strings, i), FT_HC_WDF_STRING);

        if (!string)
            return STATUS_INVALID_PARAMETER;
        bytes += ft_wdf_string_text(string)->Length + sizeof(WCHAR);
    }
    copy = at = ft_block_for_driver(bytes, FT_HC_OTHER, 0);
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (ULONG i = 0; i < count; i++)
        at = put_text(at, ft_wdf_string_text((WDFSTRING)ft_wdf_collection_item(strings, i)));
    *at = 0;
    status = assign(key, name, REG_MULTI_SZ, copy, bytes);
    ft_block_free(copy);
    return status;
}

/* Every item of the collection must be a string: bug check 0x10D/5 otherwise. */
NTSTATUS WdfRegistryAssignMultiString(WDFKEY Key, PCUNICODE_STRING ValueName,
                                      WDFCOLLECTION StringsCollection)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_check(StringsCollection, FT_HC_WDF_COLLECTION);
    status = assign_strings(Key, ValueName, StringsCollection);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

NTSTATUS WdfRegistryAssignULong(WDFKEY Key, PCUNICODE_STRING ValueName, ULONG Value)
{
    FT_WDF_RETURN(NTSTATUS, WDF_OBJECT, 0, assign(Key, ValueName, REG_DWORD, &Value, sizeof Value));
}
