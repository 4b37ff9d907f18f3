/* How the framework is entered and left, and how it stops the machine. */
#include "kmdf/kmdf_private.h"

enum { WDF_VIOLATION_CODE = 0x10D };

/* The linker's names of the section's bounds; weak, because it may be empty. */
extern const char __start_ft_framework_code[] __attribute__((weak));
extern const char __stop_ft_framework_code[] __attribute__((weak));

bool ft_framework_owns(const void *routine)
{
    const char *at = routine;

    return at >= __start_ft_framework_code && at < __stop_ft_framework_code;
}

void ft_wdf_point(enum ft_point point, unsigned label)
{
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);

    ft_point(point, label);
    ft_layer_set(layer);
}

uint64_t ft_wdf_call(enum ft_routine routine, void *object, ft_thunk *thunk, void *a, void *b,
                     void *c, void *d)
{
    return ft_call_driver_routine(routine, ft_block_handle(object), 0, 0, thunk, a, b, c, d);
}

_Noreturn void ft_wdf_bugcheck(enum ft_wdf_violation what, uint64_t p2, uint64_t p3, uint64_t p4)
{
    ft_bugcheck(WDF_VIOLATION_CODE, what, p2, p3, p4);
}
