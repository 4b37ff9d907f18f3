/* What the machine offers scsi-slave: a SCSI adapter on the ISA bus, with a DMA channel. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "scsi-slave",
    .model = FT_MODEL_SCSIPORT,
    .devices = 1,
    .windows = 51,
    .dma_version = 1,
    .requests = FT_TAKES_BLOCKS,
    .irq_level = 11,
    .irq_vector = 11,
    .request_bytes_max = 65024,
    .port_base = 0x340,
    .port_bytes = 16,
    .interrupt = FT_INTERRUPT_LATCHED,
    .dma_channel = 3,
    .dma_bits = 8,
};
