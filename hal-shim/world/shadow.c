/* ASan's shadow, without being instrumented ourselves. References to the runtime are weak: one
 * archive serves every flavour, and everything here does nothing where no runtime is linked. */
#include "world/machine.h"
#include "world/host.h"
#include "world/shadow.h"

/* The attribute keeps these functions working on poisoned memory in the `dev` flavour, where the
 * shim is instrumented too. */
#define UNINSTRUMENTED __attribute__((no_sanitize("address", "undefined"), noinline))

enum { SHADOW_SHIFT = 3, SHADOW_GRANULE = 8, POISON = 0xF7 };

extern void __asan_get_shadow_mapping(size_t *scale, size_t *offset) __attribute__((weak));

static size_t shadow_offset;
static bool shadow_known;

bool ft_asan_present(void)
{
    size_t scale;

    if (!shadow_known && __asan_get_shadow_mapping)
        __asan_get_shadow_mapping(&scale, &shadow_offset);
    shadow_known = true;
    return shadow_offset != 0;
}

UNINSTRUMENTED void ft_raw_copy(void *to, const void *from, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

UNINSTRUMENTED void ft_raw_fill(void *to, int byte, size_t bytes)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
}

unsigned char *ft_shadow_of(uintptr_t address)
{
    return (unsigned char *)((address >> SHADOW_SHIFT) + shadow_offset);
}

size_t ft_shadow_bytes(uintptr_t address, size_t bytes)
{
    return ((address + bytes + SHADOW_GRANULE - 1) >> SHADOW_SHIFT) - (address >> SHADOW_SHIFT);
}

/* Poisons whole granules inside [address, address + bytes); a partial first granule keeps its
 * addressable head. */
UNINSTRUMENTED void ft_poison(const void *address, size_t bytes)
{
    uintptr_t from = (uintptr_t)address, to = from + bytes;

    if (!ft_asan_present() || bytes == 0)
        return;
    if (from % SHADOW_GRANULE) {
        *ft_shadow_of(from) = (unsigned char)(from % SHADOW_GRANULE);
        from += SHADOW_GRANULE - from % SHADOW_GRANULE;
    }
    if (to > from)
        ft_raw_fill(ft_shadow_of(from), POISON, (to - from) >> SHADOW_SHIFT);
}

UNINSTRUMENTED void ft_unpoison(const void *address, size_t bytes)
{
    uintptr_t from = (uintptr_t)address, to = from + bytes;

    if (!ft_asan_present() || bytes == 0)
        return;
    from &= ~(uintptr_t)(SHADOW_GRANULE - 1);
    ft_raw_fill(ft_shadow_of(from), 0, (to - from) >> SHADOW_SHIFT);
    if (to % SHADOW_GRANULE)
        *ft_shadow_of(to) = (unsigned char)(to % SHADOW_GRANULE);
}

uintptr_t ft_fault_address(uintptr_t address)
{
    uintptr_t low = shadow_offset, high = shadow_offset + 0x100000000000UL;

    /* Under ASan a wild access faults in the load of its shadow byte. */
    if (ft_asan_present() && address >= low && address < high)
        return (address - shadow_offset) << SHADOW_SHIFT;
    return address;
}

/* A sanitizer reported and went on; the run stops at the next point. Called by the executables'
 * __asan_on_error and
 * __ubsan_on_report. */
static volatile bool report_seen;

void ft_sanitizer_report(void)
{
    report_seen = true;
}

bool ft_sanitizer_take_report(void)
{
    bool seen = report_seen;

    report_seen = false;
    return seen;
}
