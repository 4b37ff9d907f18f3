/* Files that are there whole or not at all. */
#define _GNU_SOURCE
#include "atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMPORARY_TRIES = 100 };

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

static enum ft_status io_failed(struct ft_error *error, const char *path, int reason)
{
    return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(reason));
}

/* The stream's own write: it keeps the reason of the first failure, which stdio does not. */
static ssize_t put_bytes(void *context, const char *bytes, size_t length)
{
    struct ft_atomic_file *file = context;
    size_t done = 0;

    while (done < length) {
        ssize_t put = write(file->number, bytes + done, length - done);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            file->reason = file->reason != 0 ? file->reason : put < 0 ? errno : EIO;
            return 0;
        }
        done += (size_t)put;
    }
    return (ssize_t)length;
}

enum ft_status ft_atomic_begin(struct ft_atomic_file *file, const char *path,
                               struct ft_error *error)
{
    *file = (struct ft_atomic_file){.path = path};
    file->number = create_temporary(path, &file->name);
    if (file->number < 0) {
        return io_failed(error, path, errno);
    }
    file->stream = fopencookie(file, "w", (cookie_io_functions_t){.write = put_bytes});
    if (file->stream == NULL) {
        close(file->number);
        unlink(file->name);
        free(file->name);
        return io_failed(error, path, ENOMEM);
    }
    return FT_OK;
}

enum ft_status ft_atomic_commit(struct ft_atomic_file *file, struct ft_error *error)
{
    enum ft_status status = FT_OK;

    if (fclose(file->stream) != 0 && file->reason == 0) {
        file->reason = errno;
    }
    if (file->reason == 0 && fsync(file->number) != 0) {
        file->reason = errno;
    }
    if (close(file->number) != 0 && file->reason == 0) {
        file->reason = errno;
    }
    if (file->reason == 0 && rename(file->name, file->path) != 0) {
        file->reason = errno;
    }
    if (file->reason != 0) {
        status = io_failed(error, file->path, file->reason);
        unlink(file->name);
    } else if (!sync_folder_of(file->path)) {
        status = io_failed(error, file->path, errno);
    }
    free(file->name);
    return status;
}

void ft_atomic_abandon(struct ft_atomic_file *file)
{
    fclose(file->stream);
    close(file->number);
    unlink(file->name);
    free(file->name);
}
