/* The last accesses of each eight bytes of memory that driver code shares, and the races among
 * them.
 *
 * Two accesses race when they meet in a byte, come from two activations, one at least writes, not
 * both are volatile or interlocked, and nothing orders them (happens.c). Stacks are left out: a
 * frame's memory is another's a moment later. Memory of the pool never comes back within a run;
 * that of pages and lookaside lists does (ft_access_fresh).
 */
#include "world/races.h"
#include "world/world_private.h"

#include <string.h>

_Static_assert(FT_RACES_BASE + sizeof(struct ft_races) <= FT_RACE_PLACES_BASE, "room");
_Static_assert(FT_RACE_PLACES_BASE + FT_ORDER_PLACES * sizeof(struct ft_order_place) <=
                   FT_RACE_GRANULES_BASE,
               "room");
_Static_assert(FT_RACE_GRANULES_BASE + FT_GRANULES * sizeof(struct ft_granule) <=
                   FT_RACES_BASE + FT_RACES_BYTES,
               "room");

static uint32_t slot_of(uint64_t place)
{
    return (uint32_t)((place * 0x9E3779B97F4A7C15ull) >> 40) % FT_GRANULE_SLOTS;
}

/* NULL: none is remembered. */
static struct ft_granule *find(uint64_t place)
{
    const struct ft_races *r = FT_RACES;

    for (uint32_t slot = slot_of(place); r->granule_of[slot]; slot = (slot + 1) % FT_GRANULE_SLOTS)
        if (FT_RACE_GRANULES[r->granule_of[slot] - 1].place == place)
            return &FT_RACE_GRANULES[r->granule_of[slot] - 1];
    return NULL;
}

/* When there is no room for more, everything is forgotten: a race is missed rather than invented.
 */
static struct ft_granule *find_or_make(uint64_t place)
{
    struct ft_races *r = FT_RACES;
    struct ft_granule *granule = find(place);
    uint32_t slot = slot_of(place);

    if (granule)
        return granule;
    if (r->granules == FT_GRANULES) {
        memset(r->granule_of, 0, sizeof r->granule_of);
        r->granules = 0;
    }
    while (r->granule_of[slot])
        slot = (slot + 1) % FT_GRANULE_SLOTS;
    granule = &FT_RACE_GRANULES[r->granules];
    memset(granule, 0, sizeof *granule);
    granule->place = place;
    r->granule_of[slot] = (uint16_t)++r->granules;
    return granule;
}

void ft_races_fresh(uintptr_t address, size_t bytes)
{
    uint64_t last = (address + bytes + FT_GRANULE_BYTES - 1) / FT_GRANULE_BYTES;

    for (uint64_t place = address / FT_GRANULE_BYTES; place < last; place++) {
        struct ft_granule *granule = find(place);

        if (granule)
            memset(granule->cell, 0, sizeof granule->cell);
    }
}

/* ---- what is told ---- */

uint64_t ft_races_handle(uintptr_t address)
{
    const struct ft_module_data *data = ft_host_world.module->data;
    struct ft_block_place place;
    uint64_t handle;

    for (unsigned i = 0; i < 2; i++)
        if (address - (uintptr_t)data[i].begin < (size_t)(data[i].end - data[i].begin))
            return ft_handle(FT_HC_DRIVER, i + 1, (uint32_t)(address - (uintptr_t)data[i].begin));
    if (!ft_block_find((const void *)address, &place))
        return ft_handle(FT_HC_OTHER, 0, 0);
    handle = ft_block_handle((const void *)(address - place.offset));
    return handle | place.offset;
}

bool ft_races_told(uint64_t what)
{
    struct ft_races *r = FT_RACES;

    for (uint32_t i = 0; i < r->pairs; i++)
        if (r->pair[i] == what)
            return true;
    if (r->pairs < FT_RACE_PAIRS)
        r->pair[r->pairs++] = what;
    return r->pairs == FT_RACE_PAIRS;
}

/* The earlier access with its own header, then the one that found it. */
static void tell(uintptr_t address, const struct ft_cell *earlier, const struct ft_cell *later)
{
    uint64_t pair = earlier->site < later->site ? (uint64_t)earlier->site << 32 | later->site
                                                : (uint64_t)later->site << 32 | earlier->site;
    uint64_t object = ft_races_handle(address);
    const uint64_t before[] = {object, (uint64_t)__builtin_popcount(earlier->bytes),
                               earlier->how & (FT_ACCESS_ALL), earlier->how >> FT_HOW_KIND,
                               earlier->routine};
    const uint64_t found[] = {object,
                              (uint64_t)__builtin_popcount(later->bytes),
                              later->how & (FT_ACCESS_ALL),
                              later->how >> FT_HOW_KIND,
                              later->routine,
                              (uint64_t)(earlier->how & FT_ACCESS_ALL),
                              earlier->how >> FT_HOW_KIND,
                              earlier->routine};
    struct ft_event other = {.cpu = earlier->cpu,
                             .irql = earlier->irql,
                             .layer = FT_LAYER_DRIVER,
                             .task = earlier->task,
                             .device = ft_current()->device,
                             .site = earlier->site};

    if (ft_races_told(pair))
        return;
    ft_emit_made(&other, FT_EV_RACE_EARLIER, 5, before);
    other = (struct ft_event){.cpu = later->cpu,
                              .irql = later->irql,
                              .layer = FT_LAYER_DRIVER,
                              .nesting = ft_current()->nesting,
                              .task = later->task,
                              .device = ft_current()->device,
                              .request = ft_current()->request,
                              .label = ft_current()->label,
                              .site = later->site};
    ft_emit_made(&other, FT_EV_RACE_FOUND, 8, found);
}

/* ---- one access ---- */

static bool ordered(const struct ft_clock *now, const struct ft_cell *cell)
{
    return now->of[cell->activation] >= cell->clock;
}

static bool race(const struct ft_clock *now, const struct ft_cell *a, const struct ft_cell *b)
{
    return (a->bytes & b->bytes) != 0 && a->activation != b->activation &&
           ((a->how | b->how) & FT_ACCESS_WRITE) && !(a->how & b->how & FT_ACCESS_MARKED) &&
           !ordered(now, a);
}

/* The cell that the new one replaces: one that says less, a free one, one that is in order, or any
 * in turn. */
static struct ft_cell *victim(struct ft_granule *granule, const struct ft_clock *now,
                              const struct ft_cell *new)
{
    struct ft_cell *best = NULL;

    for (unsigned i = 0; i < FT_CELLS; i++) {
        struct ft_cell *cell = &granule->cell[i];

        if (cell->clock != 0 && cell->activation == new->activation &&
            (cell->bytes & ~new->bytes) == 0 &&
            (new->how &FT_ACCESS_WRITE || !(cell->how & FT_ACCESS_WRITE)))
            return cell;
        if (cell->clock == 0 || (!best && new->how &FT_ACCESS_WRITE &&ordered(now, cell) &&
                                 (cell->bytes & ~new->bytes) == 0))
            best = best && best->clock == 0 ? best : cell;
    }
    return best ? best : &granule->cell[new->clock % FT_CELLS];
}

static void check_granule(uint64_t place, const struct ft_clock *now, const struct ft_cell *new)
{
    struct ft_granule *granule = find_or_make(place);

    for (unsigned i = 0; i < FT_CELLS; i++) {
        const struct ft_cell *cell = &granule->cell[i];

        if (cell->clock != 0 && race(now, cell, new))
            tell((uintptr_t)(place * FT_GRANULE_BYTES) +
                     (unsigned)__builtin_ctz((unsigned)(cell->bytes & new->bytes)),
                 cell, new);
    }
    *victim(granule, now, new) = *new;
}

static bool is_stack(uintptr_t address)
{
    return address >= FT_STACKS_BASE && address < FT_STACKS_BASE + FT_TASKS_MAX * FT_STACK_STRIDE;
}

void ft_races_check(uintptr_t address, size_t bytes, unsigned how, uint64_t site)
{
    const struct ft_task *task = ft_current();
    struct ft_races *r = FT_RACES;
    unsigned slot = ft_happens_now();
    unsigned depth = r->life[slot].depth;
    struct ft_cell new = {
        .site = (uint32_t)site,
        .task = task->id,
        .activation = r->life[slot].activation,
        .how = (uint8_t)(how | (task->locks ? FT_ACCESS_LOCKED : 0) | task->kind << FT_HOW_KIND),
        .routine = depth > 0 && depth <= FT_ROUTINE_DEPTH ? r->life[slot].routine[depth - 1] : 0,
        .irql = task->irql,
        .cpu = task->cpu};

    if (bytes == 0 || is_stack(address))
        return;
    if (how & FT_ACCESS_MARKED)
        ft_order_take(address);
    new.clock = r->activation[new.activation].clock;
    for (uintptr_t at = address, end = address + bytes; at < end;) {
        unsigned from = at % FT_GRANULE_BYTES;
        unsigned count = FT_GRANULE_BYTES - from;

        if (count > end - at)
            count = (unsigned)(end - at);
        new.bytes = (uint8_t)(((1u << count) - 1) << from);
        check_granule(at / FT_GRANULE_BYTES, &r->now[slot], &new);
        at += count;
    }
    if (how & FT_ACCESS_MARKED && how & FT_ACCESS_WRITE)
        ft_order_give(address);
}
