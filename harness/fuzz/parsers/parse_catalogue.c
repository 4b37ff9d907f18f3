/* A point catalogue that another process left behind, and a mutator that believes it. The input
 * fills the structure over and over; the first eight bytes are right but for one input in 256. */
#include "fuzz/parsers/parser_check.h"

#include "scenario/mutate/mutate.h"
#include "scenario/scenario_codec.h"

#include <string.h>

enum { MUTATIONS = 4 };

static void fill(struct ft_catalogue *catalogue, const uint8_t *data, size_t size)
{
    uint8_t *bytes = (uint8_t *)catalogue;

    for (size_t at = 0; at < sizeof *catalogue; at += size)
        memcpy(bytes + at, data, size < sizeof *catalogue - at ? size : sizeof *catalogue - at);
    if (data[0] != 0) {
        catalogue->magic = FT_CATALOGUE_MAGIC;
        catalogue->version = FT_CATALOGUE_VERSION;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ft_catalogue catalogue, stored;
    struct ft_scenario scenario;
    uint8_t bytes[256];

    if (size == 0)
        return 0;
    fill(&stored, data, size);
    ft_catalogue_init(&catalogue, NULL);
    if (!ft_catalogue_merge(&catalogue, &stored)) {
        ft_parser_check(data[0] == 0, "a catalogue with a head is one");
        return 0;
    }
    for (unsigned seed = 0; seed < MUTATIONS; seed++) {
        size_t length = ft_mutate((struct ft_bytes){data, size < 64 ? size : 64},
                                  (struct ft_bytes){data + size / 2, size / 2 < 64 ? size / 2 : 64},
                                  seed, &catalogue, bytes, sizeof bytes);

        ft_parser_check(length <= sizeof bytes, "a mutation has room");
        ft_scenario_decode(bytes, length, &scenario);
        ft_parser_check_scenario(&scenario);
    }
    return 0;
}
