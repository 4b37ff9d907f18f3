/* Whole files in and out; see host_file.h. */
#include "trace/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES_FIRST = 1 << 16, TEMPORARY_TRIES = 100 };

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

/* Creates a file that was not there, in the folder of `path`; *ret_name is malloc'd. Returns -1
 * with errno. */
static int create_temporary(const char *path, char **ret_name)
{
    size_t room = strlen(path) + 40;
    char *name = malloc(room);
    int file = -1;

    if (name == NULL) {
        errno = ENOMEM;
        return -1;
    }
    for (int i = 0; i < TEMPORARY_TRIES && file < 0; i++) {
        snprintf(name, room, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST) {
            break;
        }
    }
    if (file < 0) {
        free(name);
    } else {
        *ret_name = name;
    }
    return file;
}

static bool write_bytes(int file, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        ssize_t put = write(file, bytes, length);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

/* The rename is on the disk only when the folder is. */
static bool sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    int folder;
    bool ok;

    if (copy == NULL) {
        errno = ENOMEM;
        return false;
    }
    folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (folder < 0) {
        return false;
    }
    ok = fsync(folder) == 0 || errno == EINVAL; /* EINVAL: a file system without it */
    close(folder);
    return ok;
}

static enum ft_status io_failed(struct ft_error *error, const char *path)
{
    return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(errno));
}

enum ft_status ft_file_write(const char *path, const void *bytes, size_t length,
                             struct ft_error *error)
{
    enum ft_status status = FT_OK;
    char *name = NULL;
    int file = create_temporary(path, &name);
    bool ok;

    if (file < 0) {
        return io_failed(error, path);
    }
    ok = write_bytes(file, bytes, length) && fsync(file) == 0;
    ok = close(file) == 0 && ok;
    if (!ok || rename(name, path) != 0) {
        status = io_failed(error, path);
        unlink(name);
    } else if (!sync_folder_of(path)) {
        status = io_failed(error, path);
    }
    free(name);
    return status;
}
