/* Files that are there whole or not at all. */
#define _GNU_SOURCE 1
#include "atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_TRIES = 100 };

/* True for the file of that name and no other: ours, open nowhere else, reached by no other name.
 * Between open and lock whoever had it may have put it in its place, or another taken it over. */
static bool is_ours(int number, const char *name)
{
    struct stat opened, named;

    return fstat(number, &opened) == 0 && lstat(name, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino &&
           S_ISREG(opened.st_mode) && opened.st_nlink == 1 && opened.st_uid == geteuid();
}

/* A temporary file is locked while it is written; one without a lock is what a killed process left,
 * and is begun anew. -1 with errno: not this name. */
static int take_temporary(const char *name)
{
    int number = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool made = number >= 0, locked;

    if (!made && errno == EEXIST) {
        number = open(name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        errno = EEXIST;
    }
    if (number < 0) {
        return -1;
    }
    locked = flock(number, LOCK_EX | LOCK_NB) == 0;
    /* On a file system without locks nothing that is left is taken over. */
    if ((locked || (made && errno != EWOULDBLOCK)) && is_ours(number, name) &&
        (made || ftruncate(number, 0) == 0)) {
        return number;
    }
    close(number);
    errno = EEXIST;
    return -1;
}

/* Opens a file in the folder of `path`; *ret_name is malloc'd. Returns -1 with errno. */
static int create_temporary(const char *path, char **ret_name)
{
    size_t room = strlen(path) + 40;
    char *name = malloc(room);
    int number = -1;

    errno = name == NULL ? ENOMEM : EEXIST;
    for (int i = 0; i < TEMPORARY_TRIES && number < 0 && errno == EEXIST; i++) {
        snprintf(name, room, "%s.%d.tmp", path, i);
        number = take_temporary(name);
    }
    if (number < 0) {
        free(name);
    } else {
        *ret_name = name;
    }
    return number;
}

/* An interrupted fsync is begun again: it has not said that the bytes are there. */
static int sync_file(int number)
{
    int result;

    do {
        result = fsync(number);
    } while (result != 0 && errno == EINTR);
    return result;
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
    ok = sync_file(folder) == 0 || errno == EINVAL; /* EINVAL: a file system without it */
    close(folder);
    return ok;
}

static enum ft_status io_failed(struct ft_error *error, const char *path, int reason)
{
    return ft_fail(error, FT_IO, 0, "%s: %s", path, strerror(reason));
}

bool ft_write_all(int number, const void *bytes, size_t length)
{
    const char *next = bytes;

    while (length > 0) {
        ssize_t put = write(number, next, length);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put < 0 ? errno : EIO;
            return false;
        }
        next += put;
        length -= (size_t)put;
    }
    return true;
}

/* The stream's own write: it keeps the reason of the first failure, which stdio does not. */
static ssize_t put_bytes(void *context, const char *bytes, size_t length)
{
    struct ft_atomic_file *file = context;

    if (!ft_write_all(file->number, bytes, length)) {
        file->reason = file->reason != 0 ? file->reason : errno;
        return 0;
    }
    return (ssize_t)length;
}

/* A pipe, a terminal or /dev/null is written, not replaced; behind a link the file is. */
static enum ft_status open_place(struct ft_atomic_file *file, const char *path)
{
    struct stat facts;

    file->path = realpath(path, NULL);
    if (file->path == NULL) {
        file->path = strdup(path);
    }
    if (file->path == NULL) {
        errno = ENOMEM;
        return FT_IO;
    }
    file->number = stat(path, &facts) == 0 && !S_ISREG(facts.st_mode)
                       ? open(path, O_WRONLY | O_CLOEXEC)
                       : create_temporary(file->path, &file->name);
    return file->number >= 0 ? FT_OK : FT_IO;
}

static void let_go(struct ft_atomic_file *file)
{
    free(file->name);
    free(file->path);
}

enum ft_status ft_atomic_begin(struct ft_atomic_file *file, const char *path,
                               struct ft_error *error)
{
    *file = (struct ft_atomic_file){.path = NULL};
    if (open_place(file, path) != FT_OK) {
        free(file->path);
        return io_failed(error, path, errno);
    }
    file->stream = fopencookie(file, "w", (cookie_io_functions_t){.write = put_bytes});
    if (file->stream == NULL) {
        if (file->name != NULL) {
            unlink(file->name);
        }
        close(file->number);
        let_go(file);
        return io_failed(error, path, ENOMEM);
    }
    return FT_OK;
}

static void note_failure(struct ft_atomic_file *file, int result)
{
    if (result != 0 && file->reason == 0) {
        file->reason = errno;
    }
}

/* The lock goes with the descriptor, so that is closed last: whoever waits for the name takes what
 * stands there for left behind. */
enum ft_status ft_atomic_commit(struct ft_atomic_file *file, struct ft_error *error)
{
    enum ft_status status = FT_OK;
    bool placed = false;

    note_failure(file, fclose(file->stream));
    if (file->name != NULL && file->reason == 0) {
        note_failure(file, sync_file(file->number));
    }
    if (file->name != NULL && file->reason == 0) {
        note_failure(file, rename(file->name, file->path));
        placed = file->reason == 0;
    }
    if (file->name != NULL && !placed) {
        unlink(file->name);
    }
    if (close(file->number) != 0 && errno != EINTR) {
        note_failure(file, -1);
    }
    if (file->reason != 0) {
        status = io_failed(error, file->path, file->reason);
    } else if (placed && !sync_folder_of(file->path)) {
        status = io_failed(error, file->path, errno);
    }
    let_go(file);
    return status;
}

void ft_atomic_abandon(struct ft_atomic_file *file)
{
    fclose(file->stream);
    if (file->name != NULL) {
        unlink(file->name);
    }
    close(file->number);
    let_go(file);
}
