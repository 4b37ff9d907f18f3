/* Two adapters of one SCSI miniport. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "refused-miniport",
    .model = FT_MODEL_SCSIPORT,
    .devices = 2,
    .requests = FT_TAKES_BLOCKS,
    .windows = 100,
    .dma_version = 2,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {64},
};
