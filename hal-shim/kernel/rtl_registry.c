/* The registry by path: RtlQueryRegistryValues and its relatives (wdm.h), on the tree of
 * registry.h.
 *
 * Not modelled: environment variables (REG_EXPAND_SZ is handed over as it stands), the hive of a
 * user.
 */
#include "kernel/pool.h"
#include "kernel/registry.h"

#include <string.h>

enum { ANY_DEPTH = 64, STRING_TAG = 0x67727453 /* Strg */ };

/* ---- where a path begins ---- */

static const UNICODE_STRING *base_of(ULONG relative_to)
{
    switch (relative_to & ~(ULONG)RTL_REGISTRY_OPTIONAL) {
    case RTL_REGISTRY_SERVICES:
        return FT_WIDE(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services");
    case RTL_REGISTRY_CONTROL:
        return FT_WIDE(L"\\Registry\\Machine\\System\\CurrentControlSet\\Control");
    case RTL_REGISTRY_WINDOWS_NT:
        return FT_WIDE(L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion");
    case RTL_REGISTRY_DEVICEMAP:
        return FT_WIDE(L"\\Registry\\Machine\\Hardware\\DeviceMap");
    default:
        return NULL;
    }
}

/* The key that the two arguments of every routine name. create: it is made when it is not there. */
static NTSTATUS key_at(ULONG relative_to, PCWSTR path, bool create, struct ft_key **ret)
{
    const UNICODE_STRING *base = base_of(relative_to);
    struct ft_key *from = NULL;
    UNICODE_STRING text;
    NTSTATUS status;
    unsigned missing;

    *ret = NULL;
    if (relative_to & RTL_REGISTRY_HANDLE) {
        *ret = ft_key_of_handle((HANDLE)(ULONG_PTR)path, 0, &status);
        return status;
    }
    if (!base && (relative_to & ~(ULONG)RTL_REGISTRY_OPTIONAL) != RTL_REGISTRY_ABSOLUTE)
        return STATUS_INVALID_PARAMETER;
    if (base) {
        from = ft_key_make(NULL, base, ANY_DEPTH);
        if (!from)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    RtlInitUnicodeString(&text, path);
    *ret = ft_key_find(from, &text, &missing);
    if (!*ret && create && missing)
        *ret = ft_key_make(from, &text, ANY_DEPTH);
    if (*ret)
        return STATUS_SUCCESS;
    return missing ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_SYNTAX_BAD;
}

/* ---- the simple ones ---- */

NTSTATUS RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    status = ft_registry_told(FT_REGISTRY_OPEN, key_at(RelativeTo, Path, false, &key));
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
    struct ft_key *key;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    status = ft_registry_told(FT_REGISTRY_CREATE, key_at(RelativeTo, Path, true, &key));
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* Makes the key when it is not there. */
NTSTATUS RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName, ULONG ValueType,
                               PVOID ValueData, ULONG ValueLength)
{
    struct ft_key *key;
    UNICODE_STRING name;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    RtlInitUnicodeString(&name, ValueName);
    status = key_at(RelativeTo, Path, true, &key);
    if (!status)
        status = ft_value_set(key, &name, ValueType, ValueData, ValueLength);
    ft_registry_told(FT_REGISTRY_SET, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

NTSTATUS RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
    struct ft_key *key;
    UNICODE_STRING name;
    NTSTATUS status;

    FT_DDI_BEGIN(REGISTRY, 0);
    RtlInitUnicodeString(&name, ValueName);
    status = key_at(RelativeTo, Path, false, &key);
    if (!status)
        status = ft_value_delete(key, &name);
    ft_registry_told(FT_REGISTRY_DELETE, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}

/* ---- the table ---- */

/* A value on its way to the driver. The bytes are the registry's, or the caller's default. */
struct item {
    const WCHAR *name;
    void *data;
    ULONG type, bytes;
};

/* One call of RtlQueryRegistryValues. */
struct query {
    struct ft_key *key; /* NULL: there is none, and that is allowed */
    PVOID context;
};

static bool is_text(ULONG type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* A UNICODE_STRING gets the text without its terminator; without a buffer it gets one from pool. */
static NTSTATUS store_text(const struct item *item, PUNICODE_STRING to)
{
    ULONG bytes = item->bytes;
    struct ft_pool_want want = {.bytes = bytes, .tag = STRING_TAG, .memory = FT_POOL_OF_PAGED};

    if (bytes > MAXUSHORT)
        bytes = MAXUSHORT - 1;
    if (!to->Buffer) {
        to->Buffer = ft_pool_take(&want);
        if (!to->Buffer)
            return STATUS_NO_MEMORY;
        to->MaximumLength = (USHORT)bytes;
    } else if (bytes > to->MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(to->Buffer, item->data, bytes);
    to->Length = (USHORT)(bytes >= sizeof(WCHAR) ? bytes - sizeof(WCHAR) : 0);
    return STATUS_SUCCESS;
}

/* The buffer begins with its size; a negative one asks for the data alone. */
static NTSTATUS store_binary(const struct item *item, PLONG to)
{
    LONG size = *to;
    ULONG room = size < 0 ? (ULONG)-size : (ULONG)size;

    if (item->bytes <= sizeof(ULONG)) {
        memcpy(to, item->data, item->bytes);
        return STATUS_SUCCESS;
    }
    if (item->bytes + (size < 0 ? 0 : 2 * sizeof(ULONG)) > room)
        return STATUS_BUFFER_TOO_SMALL;
    if (size >= 0) {
        *to++ = (LONG)item->bytes;
        *to++ = (LONG)item->type;
    }
    memcpy(to, item->data, item->bytes);
    return STATUS_SUCCESS;
}

static uint64_t thunk(void *a, void *b, void *c, void *d)
{
    const RTL_QUERY_REGISTRY_TABLE *entry = a;
    const struct item *item = b;

    (void)d;
    return (uint32_t)entry->QueryRoutine((PWSTR)(ULONG_PTR)item->name, item->type, item->data,
                                         item->bytes, c, entry->EntryContext);
}

static NTSTATUS call(const RTL_QUERY_REGISTRY_TABLE *entry, struct item *item, PVOID context)
{
    return (NTSTATUS)ft_call_driver_routine(FT_ROUTINE_QUERY, 0, 0, 0, thunk,
                                            (void *)(ULONG_PTR)entry, item, context, NULL);
}

/* REG_MULTI_SZ is handed over string by string, unless the entry wants it whole. */
static NTSTATUS call_each(const RTL_QUERY_REGISTRY_TABLE *entry, const struct item *item,
                          PVOID context)
{
    WCHAR *at = item->data, *end = (WCHAR *)((UCHAR *)item->data + item->bytes);
    NTSTATUS status = STATUS_SUCCESS;

    while (NT_SUCCESS(status) && at < end && *at) {
        size_t length = ft_wcsnlen(at, (size_t)(end - at));
        struct item piece = {item->name, at, REG_SZ, (ULONG)((length + 1) * sizeof(WCHAR))};

        status = call(entry, &piece, context);
        at += length + 1;
    }
    return status;
}

static NTSTATUS deliver(const RTL_QUERY_REGISTRY_TABLE *entry, struct item *item, PVOID context)
{
    ULONG wanted = entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT;

    if (!(entry->Flags & RTL_QUERY_REGISTRY_DIRECT)) {
        if (item->type == REG_MULTI_SZ && !(entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND))
            return call_each(entry, item, context);
        return call(entry, item, context);
    }
    if ((entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK) && item->type != wanted)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return is_text(item->type) ? store_text(item, entry->EntryContext)
                               : store_binary(item, entry->EntryContext);
}

/* The default of an entry whose value is not there. */
static NTSTATUS deliver_default(const RTL_QUERY_REGISTRY_TABLE *entry, PVOID context)
{
    enum { TYPE_BITS = 0xFFFFFF };
    struct item item = {entry->Name, entry->DefaultData, entry->DefaultType & TYPE_BITS,
                        entry->DefaultLength};

    if (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (item.type == REG_NONE)
        return STATUS_SUCCESS;
    if (item.bytes == 0 && is_text(item.type) && item.data)
        item.bytes = (ULONG)((ft_wcslen(item.data) + 1) * sizeof(WCHAR));
    return deliver(entry, &item, context);
}

static NTSTATUS deliver_value(const RTL_QUERY_REGISTRY_TABLE *entry, struct ft_value *value,
                              PVOID context)
{
    WCHAR name[128] = {0};
    struct item item = {name, ft_value_data(value), value->type, value->bytes};
    size_t bytes = value->name_bytes < sizeof name ? value->name_bytes : sizeof name - 2;

    memcpy(name, value->text, bytes);
    return deliver(entry, &item, context);
}

/* An entry without a name: every value of the key. The routine may change the key, so the next
 * value is counted, not remembered. */
static NTSTATUS deliver_all(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    NTSTATUS status = STATUS_SUCCESS;

    for (unsigned n = 0; query->key && NT_SUCCESS(status); n++) {
        struct ft_value *value = query->key->values;

        for (unsigned i = 0; value && i < n; i++)
            value = value->next;
        if (!value)
            break;
        status = deliver_value(entry, value, query->context);
    }
    return status;
}

static NTSTATUS serve(const struct query *query, const RTL_QUERY_REGISTRY_TABLE *entry)
{
    struct item nothing = {NULL, NULL, REG_NONE, 0};
    struct ft_value *value = NULL;
    UNICODE_STRING name;
    NTSTATUS status;

    if (entry->Flags & RTL_QUERY_REGISTRY_NOVALUE)
        return call(entry, &nothing, query->context);
    if (!entry->Name)
        return deliver_all(query, entry);
    RtlInitUnicodeString(&name, entry->Name);
    if (query->key)
        value = ft_value_find(query->key, &name);
    status = value ? deliver_value(entry, value, query->context)
                   : deliver_default(entry, query->context);
    if (value && NT_SUCCESS(status) && (entry->Flags & RTL_QUERY_REGISTRY_DELETE))
        ft_value_delete(query->key, &name);
    return status;
}

/* Later entries are about the subkey. */
static NTSTATUS enter_subkey(struct query *query, struct ft_key *top,
                             const RTL_QUERY_REGISTRY_TABLE *entry)
{
    UNICODE_STRING path;
    unsigned missing;

    RtlInitUnicodeString(&path, entry->Name);
    query->key = top ? ft_key_find(top, &path, &missing) : NULL;
    if (!query->key && (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return query->key && entry->QueryRoutine ? deliver_all(query, entry) : STATUS_SUCCESS;
}

static NTSTATUS serve_table(struct ft_key *top, const RTL_QUERY_REGISTRY_TABLE *entry,
                            PVOID context)
{
    enum { ALONE = RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT };
    struct query query = {top, context};
    NTSTATUS status = STATUS_SUCCESS;

    for (; NT_SUCCESS(status) && (entry->QueryRoutine || (entry->Flags & ALONE)); entry++) {
        if (entry->Flags & RTL_QUERY_REGISTRY_TOPKEY)
            query.key = top;
        if (entry->Flags & RTL_QUERY_REGISTRY_SUBKEY)
            status = entry->Name ? enter_subkey(&query, top, entry) : STATUS_INVALID_PARAMETER;
        else if ((entry->Flags & RTL_QUERY_REGISTRY_DIRECT) &&
                 (!entry->Name || entry->QueryRoutine))
            status = STATUS_INVALID_PARAMETER;
        else
            status = serve(&query, entry);
    }
    return status;
}

NTSTATUS RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path, PRTL_QUERY_REGISTRY_TABLE QueryTable,
                                PVOID Context, PVOID Environment)
{
    struct ft_key *key;
    NTSTATUS status;

    (void)Environment;
    FT_DDI_BEGIN(REGISTRY, 0);
    status = key_at(RelativeTo, Path, false, &key);
    if (status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL))
        status = STATUS_SUCCESS;
    if (!status)
        status = serve_table(key, QueryTable, Context);
    ft_registry_told(FT_REGISTRY_QUERY, status);
    FT_DDI_END(REGISTRY, 0);
    return status;
}
