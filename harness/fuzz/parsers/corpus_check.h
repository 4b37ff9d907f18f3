/* A corpus of any bytes, for the two targets that make one. */
#ifndef FT_CORPUS_CHECK_H
#define FT_CORPUS_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Takes `bytes`, which is malloc'd. Reads each trace of it, and finds each by its name. */
void ft_parser_check_corpus(uint8_t *bytes, size_t length);

#endif
