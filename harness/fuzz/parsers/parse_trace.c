/* A trace file, as somebody sends it: frames, checksums, seek table. Most of what an engine makes
 * stops at a checksum; parse_sections.c goes on behind it. */
#include "fuzz/parsers/parser_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_error error = {.text = ""};
    struct ft_trace trace;
    enum ft_status status = ft_trace_decode(data, size, &trace, &error);

    if (status != FT_OK) {
        ft_parser_check_error(status, &error, size);
        return 0;
    }
    ft_parser_check_trace(&trace);
    ft_trace_free(&trace);
    return 0;
}
