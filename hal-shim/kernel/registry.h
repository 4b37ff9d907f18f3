/* The registry: a small tree in the pool arena, made when somebody first looks at it.
 *
 * It holds the driver's service key with Type, Start, ErrorControl and a subkey Parameters, the
 * hardware and the software key of each device, and what is created. A key is an object of class
 * FT_HC_KEY (kernel/handles.h); the tree keeps one reference to it. Names are compared without
 * regard to case. Not modelled: classes, titles, links, security, notification, hives.
 */
#ifndef FT_KERNEL_REGISTRY_H
#define FT_KERNEL_REGISTRY_H

#include "world/machine.h"

#include <wdm.h>

struct ft_value {
    struct ft_value *next;
    ULONG type, bytes;
    USHORT name_bytes;
    _Alignas(8) WCHAR text[]; /* the name, then the data at a multiple of 8 */
};

struct ft_key {
    struct ft_key *parent, *next, *child; /* children and values in the order of their making */
    struct ft_value *values;
    ULONG deleted;
    USHORT name_bytes;
    WCHAR name[];
};

/* The last argument of the event `registry`. */
enum ft_registry_operation {
    FT_REGISTRY_OPEN = 1,
    FT_REGISTRY_CREATE,
    FT_REGISTRY_QUERY,
    FT_REGISTRY_SET,
    FT_REGISTRY_DELETE,
    FT_REGISTRY_ENUMERATE
};

/* Emits the event and returns the status. */
NTSTATUS ft_registry_told(enum ft_registry_operation operation, NTSTATUS status);

/* The key at a path; from: where a relative path begins, NULL: the path is absolute. *missing gets
 * how many of its components are not there. NULL when there is none, or the path makes no sense
 * (*missing 0). */
struct ft_key *ft_key_find(struct ft_key *from, const UNICODE_STRING *path, unsigned *missing);

/* The same, and makes up to `most` missing components. NULL: too many, or no room. */
struct ft_key *ft_key_make(struct ft_key *from, const UNICODE_STRING *path, unsigned most);

/* Takes a key without children out of the tree; it goes with its last handle. */
NTSTATUS ft_key_delete(struct ft_key *key);

struct ft_value *ft_value_find(const struct ft_key *key, const UNICODE_STRING *name);
NTSTATUS ft_value_set(struct ft_key *key, const UNICODE_STRING *name, ULONG type, const void *data,
                      ULONG bytes);
NTSTATUS ft_value_delete(struct ft_key *key, const UNICODE_STRING *name);
void *ft_value_data(struct ft_value *value);

/* The key behind a handle that was opened with these rights; *status says why not. */
struct ft_key *ft_key_of_handle(HANDLE handle, ACCESS_MASK rights, NTSTATUS *status);

/* Opens a handle to a key. NULL key: *handle is NULL and the status STATUS_OBJECT_NAME_NOT_FOUND.
 */
NTSTATUS ft_key_open(struct ft_key *key, ACCESS_MASK access, HANDLE *handle);

/* A literal as a string that stays. */
#define FT_WIDE(literal)                                                                           \
    __extension__({                                                                                \
        static const UNICODE_STRING string_ = {sizeof(literal) - sizeof(WCHAR), sizeof(literal),   \
                                               (PWSTR)(literal)};                                  \
        &string_;                                                                                  \
    })

#endif
