/* The content of blocks, between the medium that holds it and the requester who knows what it must
 * be. */
#ifndef FT_SCSIPORT_MEDIA_H
#define FT_SCSIPORT_MEDIA_H

#include "sim/device.h"
#include "world/machine.h"

/* What the write of that version leaves in a block; version 0: nobody has written it. */
void ft_media_pattern(unsigned unit, uint64_t block, uint32_t version, void *bytes);

/* sim_media_read without a device. */
bool ft_media_read(unsigned unit, uint64_t block, void *bytes);

#endif
