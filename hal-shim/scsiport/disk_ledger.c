/* What a disk must hold (disk.h): known from the requests alone, without a look at the disk.
 *
 * Every write has a version, and its data is the pattern of unit, block and version (media.h). A
 * block may hold what a write left in it unless a later write has replaced that for sure: one that
 * began after the first had ended, and that had succeeded before the moment in question. So a block
 * of a write that is on its way, that failed, or that was cut short may be old or new, and a read
 * may see every state that the block had while the read was on its way.
 */
#include "scsiport/disk.h"

#include <string.h>

struct record {
    struct record *next; /* older */
    uint64_t first;      /* block */
    uint32_t unit, blocks;
    uint32_t sure; /* blocks from the first on that stand on the disk once it has ended */
    uint32_t version;
    uint32_t began, ended; /* in the count of disk_moments; ended 0: it is on its way */
};

static bool covers(const struct record *record, unsigned unit, uint64_t block, uint32_t blocks)
{
    return record->unit == unit && block - record->first < blocks;
}

uint32_t ft_disk_now(void)
{
    return ++FT_SCSI->disk_moments;
}

uint32_t ft_disk_write_begins(unsigned unit, uint64_t first, uint32_t blocks)
{
    struct record *record = ft_block_alloc(sizeof *record, FT_HC_OTHER, 0);

    if (!record) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return 0;
    }
    record->unit = unit;
    record->first = first;
    record->blocks = blocks;
    record->version = ++FT_SCSI->disk_versions;
    record->began = ft_disk_now();
    record->next = FT_SCSI->disk_writes;
    FT_SCSI->disk_writes = record;
    return record->version;
}

void ft_disk_write_ends(uint32_t version, uint32_t sure)
{
    for (struct record *record = FT_SCSI->disk_writes; record; record = record->next)
        if (record->version == version) {
            record->ended = ft_disk_now();
            record->sure = sure;
        }
}

/* A write that began after `ended` had certainly replaced the block before `since`. */
static bool replaced(unsigned unit, uint64_t block, uint32_t ended, uint32_t since)
{
    for (const struct record *r = FT_SCSI->disk_writes; r; r = r->next)
        if (covers(r, unit, block, r->sure) && r->ended != 0 && r->ended < since &&
            r->began > ended)
            return true;
    return false;
}

static bool is_version(unsigned unit, uint64_t block, uint32_t version, const void *bytes)
{
    unsigned char pattern[SIM_MEDIA_BLOCK_BYTES];

    ft_media_pattern(unit, block, version, pattern);
    return memcmp(pattern, bytes, sizeof pattern) == 0;
}

bool ft_disk_may_hold(unsigned unit, uint64_t block, uint32_t since, const void *bytes)
{
    for (const struct record *r = FT_SCSI->disk_writes; r; r = r->next) {
        bool stands = r->ended == 0 || !replaced(unit, block, r->ended, since);

        if (covers(r, unit, block, r->blocks) && stands &&
            is_version(unit, block, r->version, bytes))
            return true;
    }
    return !replaced(unit, block, 0, since) && is_version(unit, block, 0, bytes);
}
