/* ZwOpenKey and its relatives, on the tree of registry.h. */
#include "kernel/registry.h"

#include <string.h>

/* ---- opening ---- */

/* Where the name of the attributes begins: a key, or NULL for the root; false: no such handle. */
static NTSTATUS begin(const OBJECT_ATTRIBUTES *attributes, struct ft_key **from)
{
    NTSTATUS status = STATUS_SUCCESS;

    *from = NULL;
    if (attributes->RootDirectory)
        *from = ft_key_of_handle(attributes->RootDirectory, 0, &status);
    return status;
}

static NTSTATUS why_missing(unsigned missing)
{
    return missing ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_SYNTAX_BAD;
}

static NTSTATUS open_key(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes)
{
    struct ft_key *from, *key;
    NTSTATUS status = begin(attributes, &from);
    unsigned missing;

    *handle = NULL;
    if (status)
        return status;
    key = ft_key_find(from, attributes->ObjectName, &missing);
    return key ? ft_key_open(key, access, handle) : why_missing(missing);
}

NTSTATUS ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                   POBJECT_ATTRIBUTES ObjectAttributes)
{
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    status =
        ft_registry_told(FT_REGISTRY_OPEN, open_key(KeyHandle, DesiredAccess, ObjectAttributes));
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* Only the last component is made. */
static NTSTATUS create_key(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes,
                           PULONG disposition)
{
    struct ft_key *from, *key;
    NTSTATUS status = begin(attributes, &from);
    unsigned missing;

    *handle = NULL;
    if (status)
        return status;
    key = ft_key_find(from, attributes->ObjectName, &missing);
    if (!key && missing != 1)
        return why_missing(missing);
    if (disposition)
        *disposition = key ? REG_OPENED_EXISTING_KEY : REG_CREATED_NEW_KEY;
    if (!key)
        key = ft_key_make(from, attributes->ObjectName, 1);
    return key ? ft_key_open(key, access, handle) : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
                     POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, PUNICODE_STRING Class,
                     ULONG CreateOptions, PULONG Disposition)
{
    NTSTATUS status;

    (void)TitleIndex;
    (void)Class;
    (void)CreateOptions;
    FT_DDI_BEGIN(REGISTRY, 0);
    status = ft_registry_told(FT_REGISTRY_CREATE,
                              create_key(KeyHandle, DesiredAccess, ObjectAttributes, Disposition));
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* ---- handing out information ---- */

/* What the caller gave for it. */
struct answer {
    UCHAR *at;
    ULONG room;
    ULONG *needed;
};

/* The fixed part goes in whole or not at all; the rest as far as there is room. */
static NTSTATUS put(const struct answer *to, const void *fixed, ULONG fixed_bytes, ULONG total)
{
    *to->needed = total;
    if (to->room < fixed_bytes)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(to->at, fixed, fixed_bytes);
    return to->room < total ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static void put_rest(const struct answer *to, ULONG offset, const void *bytes, ULONG count)
{
    if (offset >= to->room)
        return;
    memcpy(to->at + offset, bytes, count < to->room - offset ? count : to->room - offset);
}

static NTSTATUS put_basic(const struct answer *to, const struct ft_value *value)
{
    KEY_VALUE_BASIC_INFORMATION info = {.Type = value->type, .NameLength = value->name_bytes};
    ULONG offset = FIELD_OFFSET(KEY_VALUE_BASIC_INFORMATION, Name);
    NTSTATUS status = put(to, &info, offset, offset + value->name_bytes);

    put_rest(to, offset, value->text, value->name_bytes);
    return status;
}

static NTSTATUS put_full(const struct answer *to, struct ft_value *value, ULONG align)
{
    ULONG offset = FIELD_OFFSET(KEY_VALUE_FULL_INFORMATION, Name);
    ULONG data = (offset + value->name_bytes + align - 1) & ~(align - 1);
    KEY_VALUE_FULL_INFORMATION info = {.Type = value->type,
                                       .DataOffset = data,
                                       .DataLength = value->bytes,
                                       .NameLength = value->name_bytes};
    NTSTATUS status = put(to, &info, offset, data + value->bytes);

    put_rest(to, offset, value->text, value->name_bytes);
    put_rest(to, data, ft_value_data(value), value->bytes);
    return status;
}

static NTSTATUS put_partial(const struct answer *to, struct ft_value *value)
{
    KEY_VALUE_PARTIAL_INFORMATION info = {.Type = value->type, .DataLength = value->bytes};
    ULONG offset = FIELD_OFFSET(KEY_VALUE_PARTIAL_INFORMATION, Data);
    NTSTATUS status = put(to, &info, offset, offset + value->bytes);

    put_rest(to, offset, ft_value_data(value), value->bytes);
    return status;
}

/* Type, length, and the data at a multiple of 8. */
static NTSTATUS put_partial_aligned(const struct answer *to, struct ft_value *value)
{
    ULONG info[2] = {value->type, value->bytes};
    NTSTATUS status = put(to, info, sizeof info, (ULONG)sizeof info + value->bytes);

    put_rest(to, sizeof info, ft_value_data(value), value->bytes);
    return status;
}

static NTSTATUS put_value(const struct answer *to, struct ft_value *value,
                          KEY_VALUE_INFORMATION_CLASS class_)
{
    switch (class_) {
    case KeyValueBasicInformation:
        return put_basic(to, value);
    case KeyValueFullInformation:
        return put_full(to, value, sizeof(ULONG));
    case KeyValueFullInformationAlign64:
        return put_full(to, value, sizeof(ULONGLONG));
    case KeyValuePartialInformation:
        return put_partial(to, value);
    case KeyValuePartialInformationAlign64:
        return put_partial_aligned(to, value);
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static KEY_FULL_INFORMATION full_of(const struct ft_key *key)
{
    KEY_FULL_INFORMATION info = {.ClassOffset = FIELD_OFFSET(KEY_FULL_INFORMATION, Class)};

    for (const struct ft_key *child = key->child; child; child = child->next) {
        info.SubKeys++;
        info.MaxNameLen = max(info.MaxNameLen, child->name_bytes);
    }
    for (const struct ft_value *value = key->values; value; value = value->next) {
        info.Values++;
        info.MaxValueNameLen = max(info.MaxValueNameLen, value->name_bytes);
        info.MaxValueDataLen = max(info.MaxValueDataLen, value->bytes);
    }
    return info;
}

/* Not modelled: KeyNodeInformation and what came after KeyFullInformation. */
static NTSTATUS put_key(const struct answer *to, const struct ft_key *key,
                        KEY_INFORMATION_CLASS class_)
{
    KEY_BASIC_INFORMATION basic = {.NameLength = key->name_bytes};
    ULONG offset = FIELD_OFFSET(KEY_BASIC_INFORMATION, Name);
    KEY_FULL_INFORMATION full;
    NTSTATUS status;

    if (class_ == KeyFullInformation) {
        full = full_of(key);
        return put(to, &full, full.ClassOffset, full.ClassOffset);
    }
    if (class_ != KeyBasicInformation)
        ft_unimplemented("registry key information other than basic and full");
    status = put(to, &basic, offset, offset + key->name_bytes);
    put_rest(to, offset, key->name, key->name_bytes);
    return status;
}

/* ---- reading ---- */

/* With an empty name where there is none: the default value. */
static UNICODE_STRING named(const UNICODE_STRING *name)
{
    return name ? *name : (UNICODE_STRING){.Length = 0};
}

NTSTATUS ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                         KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                         PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct answer to = {KeyValueInformation, Length, ResultLength};
    UNICODE_STRING name = named(ValueName);
    struct ft_value *value = NULL;
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_QUERY_VALUE, &status);
    if (key) {
        value = ft_value_find(key, &name);
        status =
            value ? put_value(&to, value, KeyValueInformationClass) : STATUS_OBJECT_NAME_NOT_FOUND;
    }
    ft_registry_told(FT_REGISTRY_QUERY, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                             KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                             PVOID KeyValueInformation, ULONG Length, PULONG ResultLength)
{
    struct answer to = {KeyValueInformation, Length, ResultLength};
    struct ft_value *value = NULL;
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_QUERY_VALUE, &status);
    if (key) {
        for (value = key->values; value && Index > 0; Index--)
            value = value->next;
        status = value ? put_value(&to, value, KeyValueInformationClass) : STATUS_NO_MORE_ENTRIES;
    }
    ft_registry_told(FT_REGISTRY_ENUMERATE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS ZwEnumerateKey(HANDLE KeyHandle, ULONG Index, KEY_INFORMATION_CLASS KeyInformationClass,
                        PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    struct answer to = {KeyInformation, Length, ResultLength};
    struct ft_key *key, *child;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_ENUMERATE_SUB_KEYS, &status);
    if (key) {
        for (child = key->child; child && Index > 0; Index--)
            child = child->next;
        status = child ? put_key(&to, child, KeyInformationClass) : STATUS_NO_MORE_ENTRIES;
    }
    ft_registry_told(FT_REGISTRY_ENUMERATE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
                    PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
    struct answer to = {KeyInformation, Length, ResultLength};
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_QUERY_VALUE, &status);
    if (key)
        status = put_key(&to, key, KeyInformationClass);
    ft_registry_told(FT_REGISTRY_ENUMERATE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* ---- writing ---- */

NTSTATUS ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                       PVOID Data, ULONG DataSize)
{
    UNICODE_STRING name = named(ValueName);
    struct ft_key *key;
    NTSTATUS status;

    (void)TitleIndex;
    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_SET_VALUE, &status);
    if (key)
        status = ft_value_set(key, &name, Type, Data, DataSize);
    ft_registry_told(FT_REGISTRY_SET, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
    UNICODE_STRING name = named(ValueName);
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, KEY_SET_VALUE, &status);
    if (key)
        status = ft_value_delete(key, &name);
    ft_registry_told(FT_REGISTRY_DELETE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS ZwDeleteKey(HANDLE KeyHandle)
{
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    key = ft_key_of_handle(KeyHandle, DELETE, &status);
    if (key)
        status = ft_key_delete(key);
    ft_registry_told(FT_REGISTRY_DELETE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* Everything is on the disk already. */
NTSTATUS ZwFlushKey(HANDLE KeyHandle)
{
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    ft_key_of_handle(KeyHandle, 0, &status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}
