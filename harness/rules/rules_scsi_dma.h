/* What the rules of an HBA's DMA share. */
#ifndef FT_RULES_SCSI_DMA_H
#define FT_RULES_SCSI_DMA_H

#include "rules/rules_io.h"

/* ft_rs_scsi_dma.state */
enum { FT_SCSI_IDLE, FT_SCSI_PENDING, FT_SCSI_STARTED };

/* Bits of `style` in scsi:found. */
enum {
    FT_SCSI_STYLE_MASTER = 1,
    FT_SCSI_STYLE_CHANNEL = 2,
    FT_SCSI_STYLE_PORT = 4,
    FT_SCSI_STYLE_DMA_STARTED = 8,
    FT_SCSI_STYLE_DEMAND = 16
};

enum { FT_SCSI_NEWS_LEFT = 6 }; /* of scsi:bus */

enum {
    FT_SCSI_FLAG_OUT = 0x80, /* of SrbFlags */
    FT_SCSI_FOUND = 1,       /* an adapter, in scsi:found */
    FT_SCSI_RESET_DETECTED = 3
};

/* NULL: there is none. */
struct ft_rs_scsi_srb *ft_scsi_srb_find(struct ft_rules *rules, uint32_t id);

bool ft_scsi_is_slave(const struct ft_rs_scsi_dma *dma);

#endif
