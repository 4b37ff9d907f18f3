/* Handles to numbers: open addressing. */
#include "export/handle_map.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

static size_t place_of(const struct ft_handle_map *map, uint64_t key)
{
    /* Handles differ in their class and in the low bits of their number. */
    size_t at = (size_t)((key ^ key >> 32) * 0x9E3779B97F4A7C15U >> 20) & (map->capacity - 1);

    while (map->key[at] != 0 && map->key[at] != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return at;
}

static bool grow(struct ft_handle_map *map)
{
    struct ft_handle_map wider = {
        .capacity = map->capacity != 0 ? 2 * map->capacity : FIRST_CAPACITY, .count = map->count};

    wider.key = calloc(wider.capacity, sizeof(*wider.key));
    wider.value = calloc(wider.capacity, sizeof(*wider.value));
    if (wider.key == NULL || wider.value == NULL) {
        ft_handle_map_free(&wider);
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->key[i] != 0) {
            size_t at = place_of(&wider, map->key[i]);

            wider.key[at] = map->key[i];
            wider.value[at] = map->value[i];
        }
    }
    ft_handle_map_free(map);
    *map = wider;
    return true;
}

bool ft_handle_map_set(struct ft_handle_map *map, uint64_t key, uint32_t value)
{
    size_t at;

    if (key == 0) {
        return true;
    }
    if (2 * map->count >= map->capacity && !grow(map)) {
        return false;
    }
    at = place_of(map, key);
    map->count += map->key[at] == 0;
    map->key[at] = key;
    map->value[at] = value;
    return true;
}

uint32_t ft_handle_map_get(const struct ft_handle_map *map, uint64_t key)
{
    size_t at;

    if (key == 0 || map->count == 0) {
        return FT_HANDLE_MAP_NONE;
    }
    at = place_of(map, key);
    return map->key[at] == key ? map->value[at] : FT_HANDLE_MAP_NONE;
}

void ft_handle_map_free(struct ft_handle_map *map)
{
    free(map->key);
    free(map->value);
    *map = (struct ft_handle_map){0};
}
