/* Texts that many events share, each kept once and known by its number. Zero-initialised it is
 * empty. */
#ifndef FT_TEXTS_H
#define FT_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ft_texts {
    char *bytes; /* one text after another, each with its NUL; owned */
    size_t length, room;
    size_t *offset; /* of each text */
    size_t count;
    uint32_t *slot;  /* number of a text + 1, by its hash; 0: free */
    size_t capacity; /* of offset and half of the slots: a power of two */
    bool failed;     /* out of memory */
};

/* The number of a text, its first one is 0. After a failure always 0. */
uint32_t ft_texts_add(struct ft_texts *texts, const char *text);

const char *ft_texts_at(const struct ft_texts *texts, size_t number);

void ft_texts_free(struct ft_texts *texts);

#endif
