/* The shared corpus of a campaign, as AFL++'s custom mutator reads it.
 *
 * afl-fuzz looks at a foreign queue (-F) when it starts and about every half minute afterwards; a
 * campaign has other engines beside it whose finds are wanted now. So the mutator offers each new
 * file of the folder FLUSHTRACE_SHARED_CORPUS once, as if it had made it; afl-fuzz keeps what
 * reaches something new. Such entries of its queue have "op:shared" in their name.
 */
#ifndef FT_AFL_IMPORT_H
#define FT_AFL_IMPORT_H

#include <stddef.h>
#include <stdint.h>

/* Writes an input of the shared corpus that was not offered yet. 0: there is none (or no shared
 * corpus). Cheap: it looks at the folder once a second. */
size_t ft_afl_import(uint8_t *bytes, size_t capacity);

/* What the last call gave, for afl_custom_describe: "op:shared", or NULL when it was nothing. */
const char *ft_afl_import_describe(void);

#endif
