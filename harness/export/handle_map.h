/* A table from handles (any words but 0) to numbers. Zero-initialised it is empty. */
#ifndef FT_HANDLE_MAP_H
#define FT_HANDLE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_HANDLE_MAP_NONE UINT32_MAX

struct ft_handle_map {
    uint64_t *key; /* owned */
    uint32_t *value;
    size_t count, capacity; /* capacity: a power of two */
};

/* Sets the number of a handle; the null handle has none. False: no memory. */
bool ft_handle_map_set(struct ft_handle_map *map, uint64_t key, uint32_t value);

/* FT_HANDLE_MAP_NONE when the handle has no number. */
uint32_t ft_handle_map_get(const struct ft_handle_map *map, uint64_t key);

void ft_handle_map_free(struct ft_handle_map *map);

#endif
