/* Runs a fuzz target without an engine, for compilers that have none: each seed, then damaged ones.
 *
 *     PROGRAM FILE-OR-FOLDER...
 */
#define _XOPEN_SOURCE 700
#include "fuzz/parsers/parser_check.h"
#include "trace/host_file.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_MAX = 1 << 20, PLACES = 64 /* of a seed that are damaged */, FOLDERS_OPEN = 8 };

static unsigned seeds, inputs;

/* In memory of its own, so that a sanitizer sees a read behind it. */
static void run(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);

    if (!copy)
        abort();
    if (length)
        memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
    inputs++;
}

/* Cut off at many places; there, a byte set to what borders and lengths do not expect. */
static void run_damaged(uint8_t *bytes, size_t length)
{
    static const uint8_t flip[] = {0x01, 0x80, 0xFF};
    size_t step = length / PLACES + 1;

    for (size_t at = 0; at < length; at += step) {
        run(bytes, at);
        for (unsigned i = 0; i < sizeof flip; i++) {
            bytes[at] ^= flip[i];
            run(bytes, length);
            bytes[at] ^= flip[i];
        }
    }
}

static int visit(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    struct ft_error error;
    uint8_t *bytes;
    size_t length;

    (void)facts;
    (void)where;
    if (kind != FTW_F)
        return 0;
    if (ft_file_read(path, SEED_MAX, &bytes, &length, &error) != FT_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(3);
    }
    run(bytes, length);
    run_damaged(bytes, length);
    free(bytes);
    seeds++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (nftw(argv[i], visit, FOLDERS_OPEN, FTW_PHYS) != 0)
            return 5;
    printf("%u seeds, %u inputs\n", seeds, inputs);
    return seeds ? 0 : 3;
}
