/* Traces as files. */
#include "trace/host_file.h"
#include "trace/trace.h"

#include <stdlib.h>

enum ft_status ft_trace_read(const char *path, struct ft_trace *ret, struct ft_error *error)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    enum ft_status status = ft_file_read(path, FT_TRACE_FILE_MAX, &bytes, &length, error);

    if (status != FT_OK) {
        return status;
    }
    status = ft_trace_decode(bytes, length, ret, error);
    free(bytes);
    return status;
}

enum ft_status ft_trace_write(const char *path, const struct ft_trace *trace,
                              struct ft_error *error)
{
    uint8_t *bytes = NULL;
    size_t length = 0;
    enum ft_status status = ft_trace_encode(trace, &bytes, &length, error);

    if (status == FT_OK) {
        status = ft_file_write(path, bytes, length, error);
        free(bytes);
    }
    return status;
}
