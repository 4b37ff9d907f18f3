/* A scenario as people write it (.fts). */
#include "fuzz/parsers/parser_check.h"

#include "scenario/scenario_codec.h"

static uint64_t lines_of(const uint8_t *data, size_t size)
{
    uint64_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_error error = {.text = ""};
    struct ft_scenario scenario;
    enum ft_status status = ft_scenario_parse((const char *)data, size, &scenario, &error);

    if (status != FT_OK)
        ft_parser_check_error(status, &error, lines_of(data, size));
    else
        ft_parser_check_scenario(&scenario);
    return 0;
}
