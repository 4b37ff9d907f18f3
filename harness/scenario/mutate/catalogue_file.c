/* The catalogue's file. Read and written whole, never mapped: a file that somebody cuts off while
 * it is mapped would kill the engine. */
#include "scenario/mutate/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What stands in the file: a catalogue, nothing at all, or something else. */
enum content { CONTENT_CATALOGUE, CONTENT_NOTHING, CONTENT_FOREIGN };

static enum content take_in(struct ft_catalogue *catalogue, int file)
{
    static struct ft_catalogue stored;
    ssize_t length = pread(file, &stored, sizeof stored, 0);

    if (length == (ssize_t)sizeof stored && ft_catalogue_merge(catalogue, &stored))
        return CONTENT_CATALOGUE;
    /* Cut off, or of another build: whoever writes next begins anew. */
    if (length == 0 ||
        (length >= (ssize_t)sizeof stored.magic && stored.magic == FT_CATALOGUE_MAGIC))
        return CONTENT_NOTHING;
    return CONTENT_FOREIGN;
}

bool ft_catalogue_load(struct ft_catalogue *catalogue, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    enum content content;

    if (file < 0)
        return false;
    content = take_in(catalogue, file);
    close(file);
    return content == CONTENT_CATALOGUE;
}

bool ft_catalogue_sync(struct ft_catalogue *catalogue, const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool written;

    if (file < 0)
        return false;
    written = take_in(catalogue, file) != CONTENT_FOREIGN &&
              pwrite(file, catalogue, sizeof *catalogue, 0) == (ssize_t)sizeof *catalogue;
    close(file);
    return written;
}
