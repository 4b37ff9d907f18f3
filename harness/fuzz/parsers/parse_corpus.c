/* A corpus file, as somebody sends it. */
#include "fuzz/parsers/corpus_check.h"
#include "fuzz/parsers/parser_check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    if (!bytes)
        return 0;
    memcpy(bytes, data, size);
    ft_parser_check_corpus(bytes, size);
    return 0;
}
