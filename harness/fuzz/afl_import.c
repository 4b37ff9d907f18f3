#include "fuzz/afl_import.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { CALLS_A_LOOK = 64, PATH_BYTES = 1024 };

static struct {
    DIR *folder;        /* being read; NULL: not now */
    time_t looked;      /* second of the last look */
    unsigned calls;     /* since the clock was asked */
    uint64_t *seen;     /* hashes of names, an open table */
    size_t count, room; /* room is a power of two */
    bool offered;       /* the last call gave an input */
} import;

static const char *shared_corpus(void)
{
    const char *path = getenv("FLUSHTRACE_SHARED_CORPUS");

    return path && *path ? path : NULL;
}

static uint64_t *slot_of(uint64_t *table, size_t room, uint64_t key)
{
    size_t at = key & (room - 1);

    while (table[at] && table[at] != key)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static bool grow(void)
{
    size_t room = import.room ? 2 * import.room : 1024;
    uint64_t *table = calloc(room, sizeof *table);

    if (!table)
        return false;
    for (size_t i = 0; i < import.room; i++)
        if (import.seen[i])
            *slot_of(table, room, import.seen[i]) = import.seen[i];
    free(import.seen);
    import.seen = table;
    import.room = room;
    return true;
}

/* True for a name that was not there before; remembers it. */
static bool is_new(const char *name)
{
    uint64_t key = XXH3_64bits(name, strlen(name)) | 1;
    uint64_t *slot;

    if (2 * import.count >= import.room && !grow())
        return false;
    slot = slot_of(import.seen, import.room, key);
    if (*slot)
        return false;
    *slot = key;
    import.count++;
    return true;
}

static bool time_to_look(void)
{
    struct timespec now;

    if (import.calls++ % CALLS_A_LOOK)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == import.looked)
        return false;
    import.looked = now.tv_sec;
    return true;
}

static size_t read_input(const char *folder, const char *name, uint8_t *bytes, size_t capacity)
{
    char path[PATH_BYTES];
    ssize_t length = 0;
    int file;

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        length = read(file, bytes, capacity);
        close(file);
    }
    return length > 0 ? (size_t)length : 0;
}

size_t ft_afl_import(uint8_t *bytes, size_t capacity)
{
    const char *path = shared_corpus();
    struct dirent *entry;

    import.offered = false;
    if (!path || (!import.folder && !time_to_look()))
        return 0;
    if (!import.folder)
        import.folder = opendir(path);
    while (import.folder && (entry = readdir(import.folder))) {
        size_t length;

        if (entry->d_name[0] == '.' || !is_new(entry->d_name))
            continue;
        length = read_input(path, entry->d_name, bytes, capacity);
        import.offered = length > 0;
        if (import.offered)
            return length;
    }
    if (import.folder)
        closedir(import.folder);
    import.folder = NULL;
    return 0;
}

const char *ft_afl_import_describe(void)
{
    return import.offered ? "op:shared" : NULL;
}
