/* The access flavour: clang calls these before every load and store of the driver core
 * (-fsanitize-coverage=trace-loads, trace-stores). An access is no event; it is a point only where
 * an op names +m. */
#include "world/machine.h"
#include "world/world_private.h"

#define CALLBACK(name, type)                                                                       \
    void __sanitizer_cov_##name(type *address);                                                    \
    void __sanitizer_cov_##name(type *address)                                                     \
    {                                                                                              \
        (void)address;                                                                             \
        ft_ops_on_access();                                                                        \
    }

CALLBACK(load1, uint8_t)
CALLBACK(load2, uint16_t)
CALLBACK(load4, uint32_t)
CALLBACK(load8, uint64_t)
CALLBACK(load16, __uint128_t)
CALLBACK(store1, uint8_t)
CALLBACK(store2, uint16_t)
CALLBACK(store4, uint32_t)
CALLBACK(store8, uint64_t)
CALLBACK(store16, __uint128_t)
