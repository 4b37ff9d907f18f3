/* Handles, and the objects that live in the driver's own memory. */
#include "world/machine.h"
#include "world/world_private.h"

uint64_t ft_handle_new(enum ft_handle_class class_)
{
    return ft_handle(class_, ++FT_M->handle_next[class_], 0);
}

/* Open addressing; looked up by address, never walked, so the order in the table reaches nothing.
 */
static struct ft_object *slot_of(const void *address)
{
    uintptr_t key = (uintptr_t)address;
    unsigned at = (unsigned)((key >> 3) * 0x9E3779B1u >> 7) % FT_OBJECTS_MAX;

    for (unsigned i = 0; i < FT_OBJECTS_MAX; i++) {
        struct ft_object *object = &FT_M->object[(at + i) % FT_OBJECTS_MAX];

        if (object->address == 0 || object->address == key)
            return object;
    }
    return NULL;
}

uint64_t ft_object_register(const void *address, enum ft_handle_class class_)
{
    struct ft_object *object = slot_of(address);
    uint64_t handle = ft_handle_new(class_);

    if (!object) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return handle;
    }
    object->address = (uintptr_t)address;
    object->id = ft_handle_id(handle);
    object->class_ = (uint8_t)class_;
    return handle;
}

uint64_t ft_object_find(const void *address, enum ft_handle_class class_)
{
    const struct ft_object *object = address ? slot_of(address) : NULL;

    return object && object->address && object->class_ == class_ ? ft_handle(class_, object->id, 0)
                                                                 : 0;
}

uint64_t ft_object_handle(const void *address, enum ft_handle_class class_)
{
    const struct ft_object *object;

    if (!address)
        return 0;
    object = slot_of(address);
    if (object && object->address && object->class_ == class_)
        return ft_handle(class_, object->id, 0);
    return ft_object_register(address, class_);
}

uint64_t ft_handle_of(const void *pointer)
{
    const struct ft_object *object;
    uint64_t block;

    if (!pointer)
        return 0;
    block = ft_block_handle(pointer);
    if (block)
        return block;
    object = slot_of(pointer);
    if (object && object->address)
        return ft_handle(object->class_, object->id, 0);
    return ft_handle(FT_HC_OTHER, 0, 0);
}

unsigned ft_label_of(const void *pointer)
{
    return pointer ? ft_block_label(pointer) : 0;
}
