/* Whole files of the host, for whatever is read or written in one piece. */
#ifndef FT_HOST_FILE_H
#define FT_HOST_FILE_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads to the end, whatever kind of file it is: the size that the host states is not relied on.
 * *ret is malloc'd. FT_NO_FILE: cannot be opened; FT_TOO_LARGE: more than `most` bytes. */
enum ft_status ft_file_read(const char *path, size_t most, uint8_t **ret, size_t *ret_length,
                            struct ft_error *error);

/* Writes the whole file, or leaves what stands there (atomic_file.h). */
enum ft_status ft_file_write(const char *path, const void *bytes, size_t length,
                             struct ft_error *error);

#endif
