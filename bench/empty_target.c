/* The empty target of an engine: what every figure of the benchmark is a ratio to. Twenty edges, so
 * that the engine keeps a real corpus and does not flatter itself. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < 20; i++)
        if (data[i] == (uint8_t)('a' + i))
            sink = sink + 1;
    return 0;
}
