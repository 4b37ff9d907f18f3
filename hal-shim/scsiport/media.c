/* What the disks behind an adapter hold: blocks of 512 bytes by unit (sim/device.h).
 *
 * A block that nobody wrote holds a pattern of its unit and number, so that data from the wrong
 * place shows. Written blocks lie in chunks of the pool arena, made on demand: a disk costs what
 * was written to it. It keeps them without power, as a disk does.
 */
#include "scsiport/media.h"

#include <string.h>

#define WORD_STEP 0x9E3779B97F4A7C15ULL

struct chunk {
    uint8_t written[FT_MEDIA_CHUNK_BLOCKS];
    unsigned char block[FT_MEDIA_CHUNK_BLOCKS][SIM_MEDIA_BLOCK_BYTES];
};

_Static_assert((int)SIM_MEDIA_UNITS == (int)FT_DISKS_MAX, "a medium for each disk");
_Static_assert((int)SIM_MEDIA_BLOCKS == FT_MEDIA_CHUNKS_MAX * FT_MEDIA_CHUNK_BLOCKS,
               "chunks for every block");

void ft_media_pattern(unsigned unit, uint64_t block, uint32_t version, void *bytes)
{
    uint64_t word = (block + 1) * 0xD1B54A32D192ED03ULL ^ (unit + 1) * 0x8CB92BA72F3D8DD7ULL ^
                    version * 0xAEF17502108EF2D9ULL;
    unsigned char *at = bytes;

    for (unsigned i = 0; i < SIM_MEDIA_BLOCK_BYTES / sizeof word; i++, word += WORD_STEP)
        memcpy(at + i * sizeof word, &word, sizeof word);
}

static bool exists(unsigned unit, uint64_t block)
{
    return unit < SIM_MEDIA_UNITS && block < SIM_MEDIA_BLOCKS;
}

static struct chunk **chunk_of(unsigned unit, uint64_t block)
{
    return (struct chunk **)&FT_M->scsiport.media[unit][block / FT_MEDIA_CHUNK_BLOCKS];
}

bool ft_media_read(unsigned unit, uint64_t block, void *bytes)
{
    unsigned index = block % FT_MEDIA_CHUNK_BLOCKS;
    const struct chunk *chunk;

    if (!exists(unit, block))
        return false;
    chunk = *chunk_of(unit, block);
    if (chunk && chunk->written[index])
        memcpy(bytes, chunk->block[index], SIM_MEDIA_BLOCK_BYTES);
    else
        ft_media_pattern(unit, block, 0, bytes);
    return true;
}

bool sim_media_read(struct sim_device *device, unsigned unit, uint32_t block, void *bytes)
{
    (void)device;
    return ft_media_read(unit, block, bytes);
}

bool sim_media_write(struct sim_device *device, unsigned unit, uint32_t block, const void *bytes)
{
    unsigned index = block % FT_MEDIA_CHUNK_BLOCKS;
    struct chunk **chunk;

    (void)device;
    if (!exists(unit, block))
        return false;
    chunk = chunk_of(unit, block);
    if (!*chunk)
        *chunk = ft_block_alloc(sizeof **chunk, FT_HC_OTHER, 0);
    if (!*chunk) {
        ft_emit(FT_EV_RUN_CUT, FT_M->steps);
        ft_stop(FT_STOP_CUT);
        return false;
    }
    (*chunk)->written[index] = 1;
    memcpy((*chunk)->block[index], bytes, SIM_MEDIA_BLOCK_BYTES);
    return true;
}
