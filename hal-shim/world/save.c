/* Save points: a copy of everything that changes during a run (design, section 4.7).
 *
 * State arena up to its high-water mark, pool arena likewise, the stacks of parked tasks from their
 * saved stack pointer, frames and bounce pages in use, the module's data, each with the matching
 * ASan shadow. Copied by uninstrumented code, with every task parked. Restoring also mends the
 * shadow of what the abandoned run left on stacks and beyond the pool's high-water mark.
 */
#include "sim/turns.h"
#include "world/host.h"
#include "world/machine.h"
#include "world/races.h"
#include "world/shadow.h"
#include "world/world_private.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SEGMENTS_MAX = 16 + FT_TASKS_MAX, SLOTS = 16, WARM_SLOTS = 64, CHUNK = 1 << 20 };

struct segment {
    uintptr_t address;
    size_t bytes;
};

struct save_point {
    bool valid;
    struct ft_platform platform; /* of a warm point */
    struct segment segment[SEGMENTS_MAX];
    unsigned count;
    unsigned char *copy; /* contents, then shadow, of each segment in turn */
    size_t capacity;
    size_t used;
};

static struct save_point slot[SLOTS + WARM_SLOTS];
static unsigned warm_next;

static void add_segment(struct save_point *point, uintptr_t address, size_t bytes)
{
    if (bytes == 0)
        return;
    FT_ASSERT(point->count < SEGMENTS_MAX);
    point->segment[point->count++] = (struct segment){address, bytes};
}

static void list_segments(struct save_point *point)
{
    const struct ft_module *module = ft_host_world.module;
    unsigned frames = ft_dma_frames_high(), bounce = ft_dma_bounce_high();

    point->count = 0;
    add_segment(point, FT_STATE_BASE, FT_M->state_used);
    add_segment(point, FT_POOL_BASE, FT_M->pool_used);
    for (unsigned i = 0; i < FT_TASKS_MAX; i++) {
        const struct ft_task *task = &FT_M->task[i];

        if (task->state == FT_TS_FREE || !task->began)
            continue;
        FT_ASSERT(task->state != FT_TS_RUNNING);
        add_segment(point, (uintptr_t)task->context, ft_stack_top(i) - (uintptr_t)task->context);
    }
    for (unsigned i = 0; i < 2; i++)
        add_segment(point, (uintptr_t)module->data[i].begin,
                    (size_t)(module->data[i].end - module->data[i].begin));
    add_segment(point, FT_CPU_VIEW_BASE, frames * (size_t)FT_PAGE_BYTES);
    add_segment(point, FT_BUS_VIEW_BASE, frames * (size_t)FT_PAGE_BYTES);
    add_segment(point, FT_TRUTH_BASE, frames * (size_t)FT_PAGE_BYTES);
    add_segment(point, FT_BOUNCE_BASE, bounce * (size_t)FT_PAGE_BYTES);
    if (ft_host_world.accesses) {
        add_segment(point, FT_RACES_BASE, sizeof *FT_RACES);
        add_segment(point, FT_RACE_PLACES_BASE, FT_RACES->places * sizeof *FT_RACE_PLACES);
        add_segment(point, FT_RACE_GRANULES_BASE, FT_RACES->granules * sizeof *FT_RACE_GRANULES);
    }
}

static size_t segment_total(const struct segment *segment)
{
    return segment->bytes +
           (ft_asan_present() ? ft_shadow_bytes(segment->address, segment->bytes) : 0);
}

static size_t save_into(struct save_point *point)
{
    size_t at = 0;

    list_segments(point);
    for (unsigned i = 0; i < point->count; i++)
        at += segment_total(&point->segment[i]);
    if (at > point->capacity) {
        size_t want = (at + CHUNK - 1) / CHUNK * CHUNK;
        void *grown = ft_host_grow(point->copy, point->capacity, want);

        if (!grown) {
            ft_host_print("flushtrace: no memory for a save point of %zu bytes\n", want);
            ft_host_die();
        }
        point->copy = grown;
        point->capacity = want;
    }
    at = 0;
    for (unsigned i = 0; i < point->count; i++) {
        const struct segment *s = &point->segment[i];

        ft_raw_copy(point->copy + at, (void *)s->address, s->bytes);
        at += s->bytes;
        if (ft_asan_present()) {
            size_t shadow = ft_shadow_bytes(s->address, s->bytes);

            ft_raw_copy(point->copy + at, ft_shadow_of(s->address), shadow);
            at += shadow;
        }
    }
    point->used = at;
    point->valid = true;
    return at;
}

/* The run that is given up leaves its frames' shadow on the stacks, and pool beyond the saved
 * high-water mark. */
static void mend_shadow(const struct ft_machine *saved)
{
    if (!ft_asan_present())
        return;
    if (FT_M->pool_used > saved->pool_used)
        ft_poison((void *)(FT_POOL_BASE + saved->pool_used), FT_M->pool_used - saved->pool_used);
    for (unsigned i = 0; i < FT_TASKS_MAX; i++) {
        const struct ft_task *task = &FT_M->task[i];

        if (ft_host_world.stack_used[i])
            ft_unpoison((void *)ft_stack_bottom(i), FT_STACK_BYTES);
        else if (task->state != FT_TS_FREE && task->began)
            ft_unpoison(task->context, ft_stack_top(i) - (uintptr_t)task->context);
        ft_host_world.stack_used[i] = false;
    }
}

static size_t restore_from(const struct save_point *point)
{
    size_t at = 0;

    FT_ASSERT(point->valid && !ft_current());
    /* The first segment is the state arena, so its copy can be read in place. */
    mend_shadow((const struct ft_machine *)point->copy);
    for (unsigned i = 0; i < point->count; i++) {
        const struct segment *s = &point->segment[i];

        ft_raw_copy((void *)s->address, point->copy + at, s->bytes);
        at += s->bytes;
        if (ft_asan_present()) {
            size_t shadow = ft_shadow_bytes(s->address, s->bytes);

            ft_raw_copy(ft_shadow_of(s->address), point->copy + at, shadow);
            at += shadow;
        }
    }
    return at;
}

size_t ft_world_save(struct ft_world *world, unsigned index)
{
    (void)world;
    FT_ASSERT(index < SLOTS && !ft_current());
    return save_into(&slot[index]);
}

size_t ft_world_restore(struct ft_world *world, unsigned index)
{
    struct ft_event_log *log;
    size_t bytes;

    (void)world;
    FT_ASSERT(index < SLOTS);
    bytes = restore_from(&slot[index]);
    log = FT_M->options.log;
    if (log) {
        log->count = FT_M->events;
        log->hash = FT_M->hash;
    }
    return bytes;
}

/* Poisoned memory is read by uninstrumented code only. */
static void digest_segment(XXH3_state_t *digest, const struct segment *segment)
{
    static unsigned char piece[FT_PAGE_BYTES];

    if (!ft_asan_present()) {
        XXH3_64bits_update(digest, (const void *)segment->address, segment->bytes);
        return;
    }
    for (size_t at = 0; at < segment->bytes; at += sizeof piece) {
        size_t rest = segment->bytes - at;
        size_t take = rest < sizeof piece ? rest : sizeof piece;

        ft_raw_copy(piece, (void *)(segment->address + at), take);
        XXH3_64bits_update(digest, piece, take);
    }
}

uint64_t ft_world_digest(struct ft_world *world)
{
    static struct save_point point; /* only its list of segments */
    static XXH3_state_t digest;
    struct ft_machine *m = FT_M;
    const struct ft_order order = m->order;
    struct ft_turns *const turns = m->options.turns;
    const uint64_t hash = m->hash, steps = m->steps, places = m->places, armed = m->armed_step;

    FT_ASSERT(!ft_current());
    m->options.turns = NULL; /* the host's */
    m->order.begun = 0;
    if (!m->order.on)
        memset(&m->order, 0, sizeof m->order);
    if (ft_world_turned(world)) {
        m->order.turns = m->order.picks = m->order.lowers = 0;
        memset(m->order.pick, 0, sizeof m->order.pick);
        memset(m->order.lower, 0, sizeof m->order.lower);
    }
    m->hash = m->steps = m->places = m->armed_step = 0;
    list_segments(&point);
    XXH3_64bits_reset(&digest);
    for (unsigned i = 0; i < point.count; i++)
        digest_segment(&digest, &point.segment[i]);
    m->options.turns = turns;
    m->order = order;
    m->hash = hash;
    m->steps = steps;
    m->places = places;
    m->armed_step = armed;
    return XXH3_64bits_digest(&digest);
}

static struct save_point *find_warm(const struct ft_platform *platform)
{
    for (unsigned i = SLOTS; i < SLOTS + WARM_SLOTS; i++)
        if (slot[i].valid && memcmp(&slot[i].platform, platform, sizeof *platform) == 0)
            return &slot[i];
    return NULL;
}

bool ft_world_is_warm(const struct ft_world *world, const struct ft_platform *platform)
{
    (void)world;
    return find_warm(platform) != NULL;
}

bool ft_warm_restore(const struct ft_platform *platform)
{
    const struct save_point *point = find_warm(platform);

    if (!point)
        return false;
    ft_host_world.reset_bytes = restore_from(point);
    return true;
}

void ft_warm_save(const struct ft_platform *platform)
{
    struct save_point *point = find_warm(platform);

    if (point)
        return;
    point = &slot[SLOTS + warm_next++ % WARM_SLOTS];
    point->platform = *platform;
    save_into(point);
}

void ft_save_forget(void)
{
    for (unsigned i = 0; i < SLOTS + WARM_SLOTS; i++)
        slot[i].valid = false;
    warm_next = 0;
}
