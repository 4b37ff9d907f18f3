/* A file that is there whole or not at all: written under another name in the same folder, synced,
 * renamed. Whoever reads `path` meanwhile sees what stood there before, or nothing.
 *
 * The other name is PATH.0.tmp, or the next number while another process writes the same file. What
 * a killed process left of it is begun anew, and so goes away, when PATH is next written.
 *
 * A path that is no regular file (a pipe, /dev/null) is written as it is.
 *
 * Order of calls: begin, write to `stream`, then commit or abandon, which close it. Between them
 * the struct stays where it is. Writing need not be checked: commit knows what failed.
 */
#ifndef FT_ATOMIC_FILE_H
#define FT_ATOMIC_FILE_H

#include "status.h"

#include <stdbool.h>
#include <stdio.h>

struct ft_atomic_file {
    FILE *stream;
    /* private */
    char *path; /* without links */
    char *name; /* of the file while it is written; NULL: written in its place */
    int number; /* its descriptor, locked */
    int reason; /* errno of the first write that failed */
};

/* FT_IO: no file can be made there. */
enum ft_status ft_atomic_begin(struct ft_atomic_file *file, const char *path,
                               struct ft_error *error);

/* Puts the file in its place. FT_IO: something could not be written, now or before; what stood at
 * `path` stands there still. */
enum ft_status ft_atomic_commit(struct ft_atomic_file *file, struct ft_error *error);

/* Leaves nothing behind. */
void ft_atomic_abandon(struct ft_atomic_file *file);

/* Writes every byte, in however many pieces the system takes them. False with errno. */
bool ft_write_all(int number, const void *bytes, size_t length);

#endif
