/* The access flavour: memory that the driver has, and may not touch for a while.
 *
 * Whoever takes it from the driver watches it and says what a touch means (enum ft_touch); whoever
 * gives it back ends that. A few ranges at a time: beyond that one is forgotten, so that a
 * touch may be missed, and none is invented.
 *
 * Two kinds are the reverse, something that must come. FT_TOUCH_UNTESTED: the Cancel of an IRP is
 * read after its cancel routine was set; what is left when the task leaves the driver is told.
 * FT_TOUCH_UNFLUSHED: what programmed I/O filled is flushed before the request is completed.
 */
#include "world/races.h"
#include "world/world_private.h"

static bool meets(const struct ft_watch *watch, uintptr_t address, size_t bytes)
{
    return watch->what != FT_TOUCH_NONE && address < watch->address + watch->bytes &&
           watch->address < address + bytes;
}

static void end(struct ft_watch *watch)
{
    struct ft_races *r = FT_RACES;

    watch->what = FT_TOUCH_NONE;
    while (r->watches > 0 && r->watch[r->watches - 1].what == FT_TOUCH_NONE)
        r->watches--;
}

/* The first free one, or one after the other gives way. */
static struct ft_watch *place(void)
{
    struct ft_races *r = FT_RACES;

    for (unsigned i = 0; i < r->watches; i++)
        if (r->watch[i].what == FT_TOUCH_NONE)
            return &r->watch[i];
    return r->watches < FT_WATCHES ? &r->watch[r->watches++]
                                   : &r->watch[r->watch_next++ % FT_WATCHES];
}

void ft_watch(enum ft_touch what, const void *address, size_t bytes)
{
    const struct ft_task *task = ft_current();

    if (!ft_host_world.accesses || !task)
        return;
    ft_unwatch(what, address);
    *place() = (struct ft_watch){.address = (uintptr_t)address,
                                 .bytes = (uint32_t)bytes,
                                 .site = (uint32_t)task->site,
                                 .task = task->id,
                                 .what = (uint8_t)what};
}

void ft_unwatch(enum ft_touch what, const void *address)
{
    if (!ft_host_world.accesses)
        return;
    for (unsigned i = 0; i < FT_RACES->watches; i++)
        if (FT_RACES->watch[i].what == what && FT_RACES->watch[i].address == (uintptr_t)address)
            end(&FT_RACES->watch[i]);
}

void ft_unwatch_all(const void *address, size_t bytes)
{
    if (!ft_host_world.accesses)
        return;
    for (unsigned i = 0; i < FT_RACES->watches; i++) {
        struct ft_watch *watch = &FT_RACES->watch[i];

        if (!meets(watch, (uintptr_t)address, bytes))
            continue;
        if (watch->what == FT_TOUCH_FORWARDED)
            FT_RACES->gone[FT_RACES->gone_next++ % FT_GONE] = watch->address;
        end(watch);
    }
}

bool ft_watch_gone(uintptr_t address)
{
    for (unsigned i = 0; i < FT_GONE; i++)
        if (FT_RACES->gone[i] == address)
            return true;
    return false;
}

/* What meeting that watch means. */
static enum ft_touch met(struct ft_watch *watch)
{
    switch (watch->what) {
    case FT_TOUCH_UNTESTED:
        end(watch);
        return FT_TOUCH_NONE;
    case FT_TOUCH_UNFLUSHED:
        return FT_TOUCH_NONE;
    case FT_TOUCH_NO_EXTENSION: /* to read the NULL is not to use it */
        FT_RACES->life[ft_happens_now()].no_extension = 1;
        return FT_TOUCH_NONE;
    case FT_TOUCH_QUEUED:
        return ft_current()->locks == 0 ? FT_TOUCH_QUEUED : FT_TOUCH_NONE;
    default:
        return (enum ft_touch)watch->what;
    }
}

/* Of several the most telling one: what is always wrong goes before what a lock would allow. */
enum ft_touch ft_watched(uintptr_t address, size_t bytes)
{
    enum ft_touch worst = FT_TOUCH_NONE;

    for (unsigned i = 0; i < FT_RACES->watches; i++) {
        struct ft_watch *watch = &FT_RACES->watch[i];
        enum ft_touch what = meets(watch, address, bytes) ? met(watch) : FT_TOUCH_NONE;

        worst = what > worst ? what : worst;
    }
    return worst;
}

static void tell(struct ft_watch *watch)
{
    ft_touch_tell((enum ft_touch)watch->what, ft_races_handle(watch->address), 0, watch->bytes,
                  false, watch->site);
    end(watch);
}

void ft_watch_tell(enum ft_touch what, const void *address)
{
    if (!ft_host_world.accesses)
        return;
    for (unsigned i = 0; i < FT_RACES->watches; i++)
        if (FT_RACES->watch[i].what == what && FT_RACES->watch[i].address == (uintptr_t)address)
            tell(&FT_RACES->watch[i]);
}

void ft_watch_leave(void)
{
    unsigned slot;

    if (!ft_host_world.accesses || FT_RACES->watches == 0)
        return;
    slot = ft_happens_now();
    FT_RACES->life[slot].no_extension = 0;
    if (FT_RACES->life[slot].depth != 1)
        return;
    for (unsigned i = 0; i < FT_RACES->watches; i++) {
        struct ft_watch *watch = &FT_RACES->watch[i];

        if (watch->what == FT_TOUCH_UNTESTED && watch->task == ft_current()->id)
            tell(watch);
    }
}
