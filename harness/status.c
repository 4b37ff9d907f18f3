/* Texts, exit statuses and the one way to fill a struct ft_error. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

struct status_row {
    int exit_status;
    const char *text;
};

static const struct status_row status_rows[FT_STATUS_COUNT] = {
#define FS(symbol, exit_status, text) {exit_status, text},
    FT_STATUSES(FS)
#undef FS
};

enum ft_status ft_fail(struct ft_error *error, enum ft_status status, uint64_t offset,
                       const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;

        error->status = status;
        error->offset = offset;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return status;
}

/* A status outside the list is a mistake of ours and reads as one. */
static const struct status_row *row_of(enum ft_status status)
{
    return (unsigned)status < FT_STATUS_COUNT ? &status_rows[status] : &status_rows[FT_INTERNAL];
}

const char *ft_status_text(enum ft_status status)
{
    return row_of(status)->text;
}

int ft_status_exit(enum ft_status status)
{
    return row_of(status)->exit_status;
}
