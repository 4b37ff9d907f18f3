/* In which kind of memory an address of the driver lies: the argument `memory` of events. */
#ifndef FT_KERNEL_MEMORY_KIND_H
#define FT_KERNEL_MEMORY_KIND_H

enum ft_memory_kind_of {
    FT_MEMORY_UNKNOWN, /* a freed block too */
    FT_MEMORY_STACK,
    FT_MEMORY_NONPAGED_POOL,
    FT_MEMORY_PAGED_POOL,
    FT_MEMORY_DEVICE_EXTENSION,
    FT_MEMORY_DRIVER_DATA,
    FT_MEMORY_COMMON_BUFFER
};

/* One of the above. */
unsigned ft_memory_kind(const void *address);

#endif
