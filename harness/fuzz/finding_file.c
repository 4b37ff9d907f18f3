#define _GNU_SOURCE 1
#include "fuzz/finding_file.h"

#include "scenario/scenario_codec.h"
#include "trace/host_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { SEEN_MAX = 1024 };

/* One finding in a million runs is news; the same one again is not worth a system call. */
static bool seen_before(uint64_t key)
{
    static uint64_t seen[SEEN_MAX];
    static unsigned count;

    for (unsigned i = 0; i < count; i++)
        if (seen[i] == key)
            return true;
    if (count < SEEN_MAX)
        seen[count++] = key;
    return false;
}

void ft_finding_file_write(const char *folder, const struct ft_scenario *scenario,
                           const struct ft_verdict *verdict, uint32_t index)
{
    bool has_rule = index < verdict->finding_count;
    unsigned rule = has_rule ? verdict->finding[index].rule : 0;
    /* What is known of a fault: where it happened is for the campaign to see. */
    uint64_t site = has_rule ? verdict->finding[index].site
                             : XXH3_64bits(verdict->detail, strlen(verdict->detail));
    uint8_t bytes[FT_FINDING_BYTES_MAX];
    size_t length = ft_scenario_encode(scenario, bytes, sizeof bytes);
    struct ft_error error;
    char *path;

    if (seen_before((uint64_t)verdict->kind << 56 | (uint64_t)rule << 40 | site))
        return;
    if (asprintf(&path, "%s/%s-%u-%llx.bytes", folder, ft_verdict_name(verdict->kind), rule,
                 (unsigned long long)site) < 0)
        abort();
    if (access(path, F_OK) != 0 && ft_file_write(path, bytes, length, &error) != FT_OK) {
        fprintf(stderr, "flushtrace: cannot keep a finding: %s\n", error.text);
        abort();
    }
    free(path);
}

bool ft_finding_file_read(const char *path, struct ft_scenario *ret)
{
    uint8_t bytes[FT_FINDING_BYTES_MAX + 1];
    FILE *file = fopen(path, "rb");
    size_t length;

    if (!file)
        return false;
    length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (length == 0 || length > FT_FINDING_BYTES_MAX)
        return false;
    ft_scenario_decode(bytes, length, ret);
    return true;
}
