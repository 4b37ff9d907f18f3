/* The tree of keys and values: see registry.h. */
#include "kernel/registry.h"

#include "kernel/handles.h"

#include <string.h>

enum { PATH_DEPTH_MAX = 64 };

NTSTATUS ft_registry_told(enum ft_registry_operation operation, NTSTATUS status)
{
    ft_emit(FT_EV_REGISTRY, operation, (uint32_t)status);
    return status;
}

/* ---- names ---- */

static bool same_name(const WCHAR *a, size_t a_bytes, const WCHAR *b, size_t b_bytes)
{
    if (a_bytes != b_bytes)
        return false;
    for (size_t i = 0; i < a_bytes / sizeof(WCHAR); i++)
        if (ft_towupper(a[i]) != ft_towupper(b[i]))
            return false;
    return true;
}

/* Takes the next component off the path; false: there is none. */
static bool next_component(UNICODE_STRING *path, UNICODE_STRING *ret)
{
    unsigned count = path->Length / sizeof(WCHAR), length = 0;

    if (count == 0)
        return false;
    while (length < count && path->Buffer[length] != '\\')
        length++;
    *ret = (UNICODE_STRING){.Length = (USHORT)(length * sizeof(WCHAR)), .Buffer = path->Buffer};
    if (length < count)
        length++;
    path->Buffer += length;
    path->Length = (USHORT)(path->Length - length * sizeof(WCHAR));
    return true;
}

/* ---- keys ---- */

static struct ft_key *child_of(const struct ft_key *key, const UNICODE_STRING *name)
{
    for (struct ft_key *child = key->child; child; child = child->next)
        if (same_name(child->name, child->name_bytes, name->Buffer, name->Length))
            return child;
    return NULL;
}

static struct ft_key *new_key(struct ft_key *parent, const UNICODE_STRING *name)
{
    struct ft_key *key = ft_block_alloc(sizeof *key + name->Length, FT_HC_KEY, 0), **at;

    if (!key)
        return NULL;
    key->parent = parent;
    key->name_bytes = name->Length;
    memcpy(key->name, name->Buffer, name->Length);
    if (parent) {
        for (at = &parent->child; *at; at = &(*at)->next)
            ;
        *at = key;
    }
    return key;
}

/* What drivers put into it is theirs, and volatile. */
static bool seed_device_map(void)
{
    return ft_key_make(NULL, FT_WIDE(L"\\Registry\\Machine\\Hardware\\DeviceMap"),
                       PATH_DEPTH_MAX) != NULL;
}

/* What there is from the start. False: no room. */
static bool seed_service(void)
{
    static const ULONG type = 1, start = 3, error = 1; /* kernel driver, on demand, normal */
    const UNICODE_STRING *path = FT_M->io.registry_path;
    struct ft_key *service = path ? ft_key_make(NULL, path, PATH_DEPTH_MAX) : NULL;

    return service && ft_key_make(service, FT_WIDE(L"Parameters"), 1) &&
           !ft_value_set(service, FT_WIDE(L"Type"), REG_DWORD, &type, sizeof type) &&
           !ft_value_set(service, FT_WIDE(L"Start"), REG_DWORD, &start, sizeof start) &&
           !ft_value_set(service, FT_WIDE(L"ErrorControl"), REG_DWORD, &error, sizeof error);
}

static struct ft_key *root(void)
{
    if (!FT_M->registry) {
        FT_M->registry = new_key(NULL, FT_WIDE(L"Registry"));
        if (!FT_M->registry || !seed_service() || !seed_device_map()) {
            ft_emit(FT_EV_RUN_CUT, FT_M->steps);
            ft_stop_now(FT_STOP_CUT);
        }
    }
    return FT_M->registry;
}

/* Where the path begins, and the path from there; NULL: it makes no sense. */
static struct ft_key *begin_path(struct ft_key *from, UNICODE_STRING *path)
{
    UNICODE_STRING first;

    if (from)
        return path->Length && path->Buffer[0] == '\\' ? NULL : from;
    if (path->Length == 0 || path->Buffer[0] != '\\')
        return NULL;
    path->Buffer++;
    path->Length = (USHORT)(path->Length - sizeof(WCHAR));
    if (!next_component(path, &first) ||
        !same_name(first.Buffer, first.Length, root()->name, root()->name_bytes))
        return NULL;
    return root();
}

struct ft_key *ft_key_find(struct ft_key *from, const UNICODE_STRING *path, unsigned *missing)
{
    UNICODE_STRING rest = *path, name;
    struct ft_key *key = begin_path(from, &rest);

    *missing = 0;
    while (key && next_component(&rest, &name)) {
        key = child_of(key, &name);
        *missing += !key;
    }
    while (*missing && next_component(&rest, &name))
        ++*missing;
    return key;
}

struct ft_key *ft_key_make(struct ft_key *from, const UNICODE_STRING *path, unsigned most)
{
    UNICODE_STRING rest = *path, name;
    unsigned missing;
    struct ft_key *key = ft_key_find(from, path, &missing), *child;

    if (key || missing == 0 || missing > most)
        return key;
    for (key = begin_path(from, &rest); key && next_component(&rest, &name); key = child) {
        child = child_of(key, &name);
        if (!child)
            child = new_key(key, &name);
    }
    return key;
}

static void free_values(struct ft_key *key)
{
    while (key->values) {
        struct ft_value *value = key->values;

        key->values = value->next;
        ft_block_free(value);
    }
}

NTSTATUS ft_key_delete(struct ft_key *key)
{
    struct ft_key **at;

    if (key->child || !key->parent)
        return STATUS_CANNOT_DELETE;
    for (at = &key->parent->child; *at != key; at = &(*at)->next)
        ;
    *at = key->next;
    key->deleted = 1;
    free_values(key);
    ft_object_put(key);
    return STATUS_SUCCESS;
}

/* ---- values ---- */

static size_t data_offset(size_t name_bytes)
{
    return (name_bytes + 7) / 8 * 8 / sizeof(WCHAR);
}

void *ft_value_data(struct ft_value *value)
{
    return value->text + data_offset(value->name_bytes);
}

/* Where the value hangs, or would. */
static struct ft_value **place_of(struct ft_key *key, const UNICODE_STRING *name)
{
    struct ft_value **at = &key->values;

    while (*at && !same_name((*at)->text, (*at)->name_bytes, name->Buffer, name->Length))
        at = &(*at)->next;
    return at;
}

struct ft_value *ft_value_find(const struct ft_key *key, const UNICODE_STRING *name)
{
    return *place_of((struct ft_key *)(ULONG_PTR)key, name);
}

NTSTATUS ft_value_set(struct ft_key *key, const UNICODE_STRING *name, ULONG type, const void *data,
                      ULONG bytes)
{
    size_t text = data_offset(name->Length) * sizeof(WCHAR);
    struct ft_value **at = place_of(key, name), *old = *at, *value = NULL;

    if (bytes <= FT_POOL_BYTES)
        value = ft_block_alloc(sizeof *value + text + bytes, FT_HC_OTHER, 0);
    if (!value)
        return STATUS_INSUFFICIENT_RESOURCES;
    value->type = type;
    value->bytes = bytes;
    value->name_bytes = name->Length;
    if (name->Length)
        memcpy(value->text, name->Buffer, name->Length);
    if (bytes)
        memcpy(ft_value_data(value), data, bytes);
    if (old) {
        value->next = old->next;
        ft_block_free(old);
    }
    *at = value;
    return STATUS_SUCCESS;
}

NTSTATUS ft_value_delete(struct ft_key *key, const UNICODE_STRING *name)
{
    struct ft_value **at = place_of(key, name), *value = *at;

    if (!value)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    *at = value->next;
    ft_block_free(value);
    return STATUS_SUCCESS;
}

/* ---- handles ---- */

/* The rights that generic ones and MAXIMUM_ALLOWED stand for. */
static ACCESS_MASK mapped(ACCESS_MASK access)
{
    if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
        access |= KEY_ALL_ACCESS;
    if (access & GENERIC_READ)
        access |= KEY_READ;
    if (access & GENERIC_WRITE)
        access |= KEY_WRITE;
    return access;
}

struct ft_key *ft_key_of_handle(HANDLE handle, ACCESS_MASK rights, NTSTATUS *status)
{
    ACCESS_MASK access = 0;
    struct ft_key *key = ft_handle_object_of(handle, FT_HC_KEY, &access);

    *status = STATUS_SUCCESS;
    if (!key)
        *status = ft_handle_object_of(handle, 0, NULL) ? STATUS_OBJECT_TYPE_MISMATCH
                                                       : STATUS_INVALID_HANDLE;
    else if ((access & rights) != rights)
        *status = STATUS_ACCESS_DENIED;
    else if (key->deleted)
        *status = STATUS_KEY_DELETED;
    return *status ? NULL : key;
}

NTSTATUS ft_key_open(struct ft_key *key, ACCESS_MASK access, HANDLE *handle)
{
    *handle = NULL;
    if (!key)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (ft_alloc_fails(FT_FAIL_POOL))
        return STATUS_INSUFFICIENT_RESOURCES;
    *handle = ft_handle_open(key, mapped(access));
    return *handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
