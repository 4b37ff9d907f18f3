/* The hash of a run: what "the same run" means (design, section 4.4). */
#include "sim/event.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>

/* The bytes that are hashed are the memory of the structure, so its layout is part of every stored
 * hash. */
_Static_assert(sizeof(struct ft_event) == 96, "an event has 96 bytes");
_Static_assert(offsetof(struct ft_event, kind) == 0, "the hashed head starts at kind");
_Static_assert(offsetof(struct ft_event, arg) == 16, "the arguments follow the head");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashed words are little-endian");

enum { EVENT_HEAD_BYTES = 16 };

uint64_t ft_event_hash(uint64_t hash, const struct ft_event *event)
{
    size_t argc = event->argc < FT_EVENT_ARGS_MAX ? event->argc : FT_EVENT_ARGS_MAX;

    if (!ft_event_is_hashed(event->kind))
        return hash;
    return XXH3_64bits_withSeed(event, EVENT_HEAD_BYTES + argc * sizeof(event->arg[0]), hash);
}
