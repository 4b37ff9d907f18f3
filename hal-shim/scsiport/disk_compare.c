/* The requester of a disk compares its data, block by block, with what the disk must hold
 * (disk_ledger.c): a read what came into its memory, a write what stands on the medium now. So
 * wrong data is found however it went, by DMA or through the processor.
 *
 * A write is not looked up where the adapter keeps data in a cache of its own: a later read shows
 * it.
 */
#include "scsiport/disk.h"

#include "dma/frames.h"

static unsigned unit_of(const struct ft_request *request)
{
    return request->disk - 1u;
}

static uint64_t first_of(const struct ft_request *request)
{
    return request->position / SIM_MEDIA_BLOCK_BYTES;
}

static unsigned char *data_of(const struct ft_request *request, uint32_t index)
{
    return (unsigned char *)request->buffer + index * (size_t)SIM_MEDIA_BLOCK_BYTES;
}

static bool block_right(const struct ft_request *request, uint32_t index)
{
    uint64_t block = first_of(request) + index;
    unsigned char stored[SIM_MEDIA_BLOCK_BYTES];

    if (request->op == FT_OP_READ)
        return ft_disk_may_hold(unit_of(request), block, request->moment, data_of(request, index));
    return ft_media_read(unit_of(request), block, stored) &&
           ft_disk_may_hold(unit_of(request), block, ft_disk_now(), stored);
}

static void compare(PIRP irp, const struct ft_request *request, uint32_t blocks)
{
    bool write = request->op == FT_OP_WRITE;
    uint32_t equal = 0, first = blocks;

    for (uint32_t i = 0; i < blocks; i++) {
        bool right = block_right(request, i);

        equal += right;
        if (!right && first == blocks)
            first = i;
    }
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_DISK_COMPARE, 7,
               (const uint64_t[]){ft_irp_handle(irp), unit_of(request), first_of(request), blocks,
                                  equal, first, write});
}

bool ft_disk_request_begins(struct ft_request *request)
{
    uint32_t blocks = request->bytes / SIM_MEDIA_BLOCK_BYTES;

    if (request->op == FT_OP_READ) {
        request->moment = ft_disk_now();
        return true;
    }
    request->moment = ft_disk_write_begins(unit_of(request), first_of(request), blocks);
    for (uint32_t i = 0; i < blocks && request->moment; i++)
        ft_media_pattern(unit_of(request), first_of(request) + i, request->moment,
                         data_of(request, i));
    ft_buffer_touched(request->buffer, request->bytes);
    return request->moment != 0;
}

/* An adapter of a device without a model moves no data. */
static bool is_judged(const struct ft_request *request)
{
    const struct ft_disk *disk = ft_disk_at(unit_of(request));

    if (!ft_model()->outside || !disk || !disk->unit)
        return false;
    return request->op == FT_OP_READ || !disk->unit->adapter->config->CachesData;
}

void ft_disk_request_ends(PIRP irp, const struct ft_request *request)
{
    bool success = NT_SUCCESS(irp->IoStatus.Status);
    uint64_t bytes = success ? irp->IoStatus.Information : 0;
    uint32_t blocks =
        (uint32_t)(bytes < request->bytes ? bytes : request->bytes) / SIM_MEDIA_BLOCK_BYTES;

    if (request->op == FT_OP_WRITE)
        ft_disk_write_ends(request->moment, blocks);
    if (blocks && is_judged(request))
        compare(irp, request, blocks);
}

PDEVICE_OBJECT ft_disk_opened(const struct ft_request *request)
{
    const struct ft_disk *disk = ft_disk_at(unit_of(request));

    return disk && !disk->gone ? disk->device : NULL;
}
