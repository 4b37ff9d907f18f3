/* The access flavour: the driver core calls these at every load, store and copy (the calls that
 * clang makes with -fsanitize=thread; its run-time library is never linked). An access is no event;
 * it is a point only where an op names +m. What the shim touches for the driver, interlocked
 * operations and Rtl copies, comes through ft_access.
 */
#include "world/races.h"
#include "world/host.h"
#include "world/world_private.h"

#include <string.h>

bool ft_accesses_on(void)
{
    return ft_host_world.accesses;
}

bool ft_races_on(void)
{
    return ft_host_world.accesses && FT_M->cpus > 1;
}

void ft_races_open(void)
{
    static bool open;

    ft_host_world.accesses = strcmp(ft_host_world.module->flavour, "access") == 0;
    if (!ft_host_world.accesses || open)
        return;
    FT_ASSERT(ft_host_open(FT_RACES_BASE, FT_RACES_BYTES));
    open = true;
}

void ft_races_reset(void)
{
    if (ft_host_world.accesses)
        memset(FT_RACES, 0, sizeof *FT_RACES);
}

static void seen(const void *address, size_t bytes, unsigned how, uint64_t site)
{
    if (!ft_host_world.accesses || !ft_current())
        return;
    ft_ops_on_access();
    if (FT_M->stop == FT_STOP_NONE)
        ft_touch_check((uintptr_t)address, bytes, how & FT_ACCESS_WRITE, site);
    if (ft_races_on() && FT_M->stop == FT_STOP_NONE)
        ft_races_check((uintptr_t)address, bytes, how, site);
}

void ft_access(const volatile void *address, size_t bytes, unsigned how)
{
    const struct ft_task *task = ft_current();

    if (task && task->layer == FT_LAYER_DRIVER)
        seen((const void *)address, bytes, how, task->site);
}

void ft_access_fresh(const void *address, size_t bytes)
{
    if (ft_host_world.accesses)
        ft_races_fresh((uintptr_t)address, bytes);
}

static uint64_t site_of(const void *caller)
{
    return (uint64_t)((const unsigned char *)caller - ft_host_world.module->code_begin);
}

#define SEEN(address, bytes, how) seen(address, bytes, how, site_of(__builtin_return_address(0)))
#define CALLBACK(name, bytes, how)                                                                 \
    void __tsan_##name(const void *address);                                                       \
    void __tsan_##name(const void *address)                                                        \
    {                                                                                              \
        SEEN(address, bytes, how);                                                                 \
    }
#define SIZES(name, how)                                                                           \
    CALLBACK(name##1, 1, how)                                                                      \
    CALLBACK(name##2, 2, how)                                                                      \
    CALLBACK(name##4, 4, how)                                                                      \
    CALLBACK(name##8, 8, how)                                                                      \
    CALLBACK(name##16, 16, how)
#define BOTH_WAYS(prefix, how)                                                                     \
    SIZES(prefix##read, how)                                                                       \
    SIZES(prefix##write, (how) | FT_ACCESS_WRITE)

BOTH_WAYS(, 0)
BOTH_WAYS(unaligned_, 0)
/* With Microsoft's compiler for x64 a volatile load acquires and a volatile store releases. */
BOTH_WAYS(volatile_, FT_ACCESS_MARKED)
BOTH_WAYS(unaligned_volatile_, FT_ACCESS_MARKED)

void __tsan_init(void);
void __tsan_init(void)
{
}

/* A driver's memcpy and its like, explicit or made by the compiler (FlushtraceDriver.cmake). */
void *ft_driver_memcpy(void *to, const void *from, size_t bytes);
void *ft_driver_memcpy(void *to, const void *from, size_t bytes)
{
    SEEN(from, bytes, 0);
    SEEN(to, bytes, FT_ACCESS_WRITE);
    return memcpy(to, from, bytes);
}

void *ft_driver_memmove(void *to, const void *from, size_t bytes);
void *ft_driver_memmove(void *to, const void *from, size_t bytes)
{
    SEEN(from, bytes, 0);
    SEEN(to, bytes, FT_ACCESS_WRITE);
    return memmove(to, from, bytes);
}

void *ft_driver_memset(void *to, int value, size_t bytes);
void *ft_driver_memset(void *to, int value, size_t bytes)
{
    SEEN(to, bytes, FT_ACCESS_WRITE);
    return memset(to, value, bytes);
}
