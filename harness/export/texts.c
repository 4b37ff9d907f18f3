/* Texts by number: one buffer, and open addressing over it. */
#include "export/texts.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { FIRST_TEXTS = 1024, FIRST_BYTES = 1 << 16 };

static uint32_t *slot_of(const struct ft_texts *texts, const char *text)
{
    size_t mask = 2 * texts->capacity - 1;
    size_t at = (size_t)XXH3_64bits(text, strlen(text)) & mask;

    while (texts->slot[at] != 0 && strcmp(ft_texts_at(texts, texts->slot[at] - 1), text) != 0) {
        at = (at + 1) & mask;
    }
    return &texts->slot[at];
}

static bool grow_table(struct ft_texts *texts)
{
    size_t capacity = texts->capacity != 0 ? 2 * texts->capacity : FIRST_TEXTS;
    size_t *offset = realloc(texts->offset, capacity * sizeof(*offset));
    uint32_t *slot = calloc(2 * capacity, sizeof(*slot));

    texts->offset = offset != NULL ? offset : texts->offset;
    if (offset == NULL || slot == NULL) {
        free(slot);
        return false;
    }
    free(texts->slot);
    texts->slot = slot;
    texts->capacity = capacity;
    for (size_t i = 0; i < texts->count; i++) {
        *slot_of(texts, ft_texts_at(texts, i)) = (uint32_t)i + 1;
    }
    return true;
}

static bool append(struct ft_texts *texts, const char *text)
{
    size_t length = strlen(text) + 1;

    while (texts->length + length > texts->room) {
        size_t room = texts->room != 0 ? 2 * texts->room : FIRST_BYTES;
        char *bytes = realloc(texts->bytes, room);

        if (bytes == NULL) {
            return false;
        }
        texts->bytes = bytes;
        texts->room = room;
    }
    memcpy(texts->bytes + texts->length, text, length);
    texts->offset[texts->count++] = texts->length;
    texts->length += length;
    return true;
}

uint32_t ft_texts_add(struct ft_texts *texts, const char *text)
{
    uint32_t *slot;

    if (texts->failed || (texts->count == texts->capacity && !grow_table(texts))) {
        texts->failed = true;
        return 0;
    }
    slot = slot_of(texts, text);
    if (*slot == 0) {
        if (!append(texts, text)) {
            texts->failed = true;
            return 0;
        }
        *slot = (uint32_t)texts->count;
    }
    return *slot - 1;
}

const char *ft_texts_at(const struct ft_texts *texts, size_t number)
{
    return texts->bytes + texts->offset[number];
}

void ft_texts_free(struct ft_texts *texts)
{
    free(texts->bytes);
    free(texts->offset);
    free(texts->slot);
    *texts = (struct ft_texts){0};
}
