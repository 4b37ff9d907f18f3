/* A scenario as engines write it. Any bytes are one. */
#include "fuzz/parsers/parser_check.h"

#include "scenario/scenario_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ft_scenario scenario;

    ft_scenario_decode(data, size, &scenario);
    ft_parser_check_scenario(&scenario);
    return 0;
}
