/* What the machine offers kmdf-selfio twice: two devices of one driver. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "pair-selfio",
    .model = FT_MODEL_KMDF,
    .devices = 2,
    .windows = 100,
    .dma_version = 3,
    .kmdf_version = 133,
    .requests = FT_TAKES_READ,
    .irq_level = 6,
    .irq_vector = 10,
    .bar_bytes = {0, 0, 512, 256},
    .request_bytes_max = 16384,
    .pci_id = 0x24C58086,
    .pci_class = 0x040100, /* a multimedia device: audio */
};
