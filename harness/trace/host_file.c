/* Whole files in and out; see host_file.h. */
#include "trace/host_file.h"
#include "atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES_FIRST = 1 << 16 };

/* Reads to the end, whatever kind of file it is; the size that the host states is not relied on. */
static enum ft_status read_bytes(int file, const char *path, size_t most, uint8_t **ret,
                                 size_t *ret_length, struct ft_error *error)
{
    size_t capacity = READ_BYTES_FIRST;
    size_t length = 0;
    uint8_t *bytes = malloc(capacity);

    while (bytes != NULL) {
        ssize_t got = read(file, bytes + length, capacity - length);
        uint8_t *more;

        if (got == 0) {
            *ret = bytes;
            *ret_length = length;
            return FT_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            free(bytes);
            return ft_fail(error, FT_IO, length, "%s: %s", path, strerror(errno));
        }
        length += (size_t)got;
        if (length > most) {
            free(bytes);
            return ft_fail(error, FT_TOO_LARGE, most, "%s: larger than %zu bytes", path, most);
        }
        if (length == capacity) {
            capacity *= 2;
            more = realloc(bytes, capacity);
            if (more == NULL) {
                free(bytes);
            }
            bytes = more;
        }
    }
    return ft_fail(error, FT_NO_MEMORY, length, "%s: no memory", path);
}

enum ft_status ft_file_read(const char *path, size_t most, uint8_t **ret, size_t *ret_length,
                            struct ft_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    enum ft_status status;

    if (file < 0) {
        return ft_fail(error, FT_NO_FILE, 0, "%s: %s", path, strerror(errno));
    }
    status = read_bytes(file, path, most, ret, ret_length, error);
    close(file);
    return status;
}

enum ft_status ft_file_write(const char *path, const void *bytes, size_t length,
                             struct ft_error *error)
{
    struct ft_atomic_file file;
    enum ft_status status = ft_atomic_begin(&file, path, error);

    if (status == FT_OK) {
        fwrite(bytes, 1, length, file.stream);
        status = ft_atomic_commit(&file, error);
    }
    return status;
}
