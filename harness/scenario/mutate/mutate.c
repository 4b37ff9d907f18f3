#include "scenario/mutate/mutate.h"
#include "scenario/mutate/mutation.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum { DELIMITER = 0xFF, TRIES = 4, STREAM_MUTATE = 16 };

/* Flips, replaces, inserts and deletes bytes. */
static size_t make_noise(struct ft_prng *prng, uint8_t *bytes, size_t length, size_t capacity)
{
    do {
        size_t at = ft_prng_below(prng, (uint32_t)length + 1);
        unsigned what = ft_prng_below(prng, 4);

        if ((what == 0 || length == 0) && length < capacity) {
            memmove(bytes + at + 1, bytes + at, length - at);
            bytes[at] = (uint8_t)(ft_prng_odds(prng, 1, 4) ? DELIMITER : ft_prng_next(prng));
            length++;
        } else if (at < length && what == 1) {
            length--;
            memmove(bytes + at, bytes + at + 1, length - at);
        } else if (at < length && what == 2) {
            bytes[at] ^= (uint8_t)(1u << ft_prng_below(prng, 8));
        } else if (at < length) {
            bytes[at] = (uint8_t)ft_prng_next(prng);
        }
    } while (ft_prng_odds(prng, 2, 3));
    return length;
}

/* Encodes; drops ops from the end until they fit. */
static size_t encode_within(struct ft_scenario *scenario, uint8_t *bytes, size_t capacity)
{
    size_t length = ft_scenario_encode(scenario, bytes, capacity);

    while (length > capacity && scenario->op_count > 0) {
        scenario->op_count--;
        length = ft_scenario_encode(scenario, bytes, capacity);
    }
    return length < capacity ? length : capacity;
}

/* One change in a short parent, a few in a long one. Until the child differs: a change may find
 * nothing to change. */
static void change_parent(struct ft_mutation *m)
{
    struct ft_scenario parent = m->scenario;

    for (unsigned i = 0; i < TRIES && ft_scenario_equal(&m->scenario, &parent); i++) {
        do {
            ft_change(m);
        } while (ft_odds(m, 8 + parent.op_count, 16 + parent.op_count));
    }
}

size_t ft_mutate(struct ft_bytes bytes, struct ft_bytes other, uint64_t seed,
                 const struct ft_catalogue *catalogue, uint8_t *ret, size_t capacity)
{
    struct ft_mutation m = {.prng = ft_prng_init(seed, STREAM_MUTATE), .catalogue = catalogue};
    size_t length = bytes.length < capacity ? bytes.length : capacity;
    struct ft_scenario mate;

    if (ft_odds(&m, 1, 64)) {
        if (length > 0)
            memmove(ret, bytes.data, length);
        return make_noise(&m.prng, ret, length, capacity);
    }
    ft_swarm_draw(&m);
    ft_scenario_decode(bytes.data, length, &m.scenario);
    if (m.scenario.op_count == 0 || ft_odds(&m, 2, 3)) {
        ft_walk(&m, capacity);
        if (ft_has_two(&m))
            ft_scenario_spread(&m.prng, &m.scenario);
    } else if (other.length > 0 && ft_odds(&m, 1, 4)) {
        ft_scenario_decode(other.data, other.length, &mate);
        ft_splice(&m, &mate);
        if (ft_odds(&m, 1, 2))
            ft_change(&m);
    } else {
        change_parent(&m);
    }
    return encode_within(&m.scenario, ret, capacity);
}
