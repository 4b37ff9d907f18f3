/* Memory routines of the run-time library: points, because a copy is where a buffer meets its
 * device. */
#include "dma/frames.h"
#include "world/machine.h"

#include <string.h>
#include <wdm.h>

static void point(const void *destination, const void *source, size_t length)
{
    if (ft_current())
        ft_point(FT_PT_RTL_COPY, 0);
    if (source)
        ft_access(source, length, 0);
    ft_access(destination, length, FT_ACCESS_WRITE);
}

/* What the driver puts into a buffer is dirty in the caches. */
static void *written(void *destination, size_t length)
{
    ft_buffer_touched(destination, length);
    return destination;
}

void *ft_rtl_copy(void *destination, const void *source, size_t length)
{
    point(destination, source, length);
    if (length != 0)
        memmove(destination, source, length);
    return written(destination, length);
}

void *ft_rtl_move(void *destination, const void *source, size_t length)
{
    point(destination, source, length);
    if (length != 0)
        memmove(destination, source, length);
    return written(destination, length);
}

void *ft_rtl_zero(void *destination, size_t length)
{
    point(destination, NULL, length);
    if (length != 0)
        memset(destination, 0, length);
    return written(destination, length);
}

void *ft_rtl_fill(void *destination, size_t length, int value)
{
    point(destination, NULL, length);
    if (length != 0)
        memset(destination, value, length);
    return written(destination, length);
}

size_t ft_rtl_compare(const void *a, const void *b, size_t length)
{
    const unsigned char *left = a, *right = b;
    size_t equal = 0;

    ft_access(a, length, 0);
    ft_access(b, length, 0);
    while (equal < length && left[equal] == right[equal])
        equal++;
    return equal;
}
