/* Handles, and the objects that live in the driver's own memory. */
#include "world/machine.h"
#include "world/world_private.h"

uint64_t ft_handle_new(enum ft_handle_class class_)
{
    return ft_handle(class_, ++FT_M->handle_next[class_], 0);
}

/* Open addressing; looked up by address, never walked in an order that reaches anything. A driver
 * may put objects into ever new memory, so the table grows: into a block of the pool arena, twice
 * as large each time it is three quarters full.
 */
static struct ft_object *table(uint32_t *size)
{
    *size = FT_M->object_block ? FT_M->object_size : FT_OBJECTS_FEW;
    return FT_M->object_block ? FT_M->object_block : FT_M->object;
}

static struct ft_object *slot_in(struct ft_object *object, uint32_t size, uintptr_t address)
{
    uint32_t at = ((uint32_t)(address >> 3) * 0x9E3779B1u >> 7) % size;

    while (object[at].address != 0 && object[at].address != address)
        at = (at + 1) % size;
    return &object[at];
}

static struct ft_object *slot_of(const void *address)
{
    uint32_t size;
    struct ft_object *object = table(&size);

    return slot_in(object, size, (uintptr_t)address);
}

/* False: there is no room, and the run is cut. */
static bool grow(void)
{
    uint32_t size;
    struct ft_object *old = table(&size);
    struct ft_object *new = ft_block_alloc(2 * (size_t)size * sizeof *new, FT_HC_OTHER, 0);

    if (!new) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return false;
    }
    for (uint32_t i = 0; i < size; i++)
        if (old[i].address != 0)
            *slot_in(new, 2 * size, old[i].address) = old[i];
    if (FT_M->object_block)
        ft_block_free(FT_M->object_block);
    FT_M->object_block = new;
    FT_M->object_size = 2 * size;
    return true;
}

static bool has_room(void)
{
    uint32_t size;

    table(&size);
    return FT_M->object_count < size / 4 * 3 || grow();
}

uint64_t ft_object_register(const void *address, enum ft_handle_class class_)
{
    uint64_t handle = ft_handle_new(class_);
    struct ft_object *object;

    if (!has_room())
        return handle;
    object = slot_of(address);
    FT_M->object_count += object->address == 0;
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
    if (object->address && object->class_ == class_)
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
    if (object->address)
        return ft_handle(object->class_, object->id, 0);
    return ft_handle(FT_HC_OTHER, 0, 0);
}

unsigned ft_label_of(const void *pointer)
{
    return pointer ? ft_block_label(pointer) : 0;
}
