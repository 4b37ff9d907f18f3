/* The object manager: references and handles.
 *
 * An object is a block of the pool arena (ft_block_alloc) of a class that has a row in the table of
 * handles.c. The block counts references; its maker has the first one. Whoever gives the last one
 * back makes the object go: the type's `gone` is called, then the block is freed.
 *
 * A new kind of object: allocate a block of its class, describe the class as a struct
 * ft_object_type and add it to the table; hand out handles with ft_handle_open, and drop the
 * maker's reference with ft_object_put when only the handles shall keep it. Objects that are never
 * referenced by drivers need none of this.
 */
#ifndef FT_KERNEL_HANDLES_H
#define FT_KERNEL_HANDLES_H

#include "world/machine.h"

#include <wdm.h>

struct ft_object_type {
    /* True while its maker still needs the object: giving back the last reference then is one
     * reference too many, bug check 0x18. NULL: never. */
    bool (*in_use)(const void *object);
    void (*closed)(void *object); /* its last handle was closed; NULL: nothing to do */
    void (*gone)(void *object);   /* the last reference is gone; NULL: nothing to do */
};

/* References, without events. ft_object_put returns how many are left; with none the object is
 * gone. */
uint32_t ft_object_get(void *object);
uint32_t ft_object_put(void *object);

/* A new handle to the object, which it keeps referenced. The run is cut when the table is full, and
 * NULL is returned. Event handle:open. */
HANDLE ft_handle_open(void *object, ACCESS_MASK access);

/* The object behind an open handle (or behind ZwCurrentThread), without a new reference: NULL when
 * there is none, or when it is of another class. class_ 0: any. `access`, unless NULL, receives
 * what the handle was opened with. */
void *ft_handle_object_of(HANDLE handle, enum ft_handle_class class_, ACCESS_MASK *access);

/* ZwClose without its points. */
NTSTATUS ft_handle_close(HANDLE handle);

#endif
