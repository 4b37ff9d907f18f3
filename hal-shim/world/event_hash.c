/* The hash of a run: what "the same run" means (design, section 4.4). */
#include "sim/event.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stddef.h>
#include <string.h>

/* The bytes that are hashed are the memory of the structure, so its layout is part of every stored
 * hash. */
_Static_assert(sizeof(struct ft_event) == 96, "an event has 96 bytes");
_Static_assert(offsetof(struct ft_event, kind) == 0, "the hashed head starts at kind");
_Static_assert(offsetof(struct ft_event, site) == 16, "the hashed head ends after label");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashed words are little-endian");

enum { EVENT_HEAD_BYTES = 16 };

uint64_t ft_event_hash(uint64_t hash, const struct ft_event *event)
{
    unsigned char buffer[EVENT_HEAD_BYTES + sizeof(event->arg)];
    size_t argc = event->argc < FT_EVENT_ARGS_MAX ? event->argc : FT_EVENT_ARGS_MAX;

    memcpy(buffer, event, EVENT_HEAD_BYTES);
    memcpy(buffer + EVENT_HEAD_BYTES, event->arg, argc * sizeof(event->arg[0]));
    return XXH3_64bits_withSeed(buffer, EVENT_HEAD_BYTES + argc * sizeof(event->arg[0]), hash);
}
