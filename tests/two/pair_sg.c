/* What the machine offers kmdf-sg twice: two devices of one driver. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "pair-sg",
    .model = FT_MODEL_KMDF,
    .devices = 2,
    .windows = 100,
    .dma_version = 3,
    .kmdf_version = 133,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE,
    .irq_level = 6,
    .irq_vector = 10,
    .bar_bytes = {512, 0, 65536},
    .request_bytes_max = 262144,
    .pci_id = 0x965610B5,
    .pci_class = 0x068000, /* a bridge of no other kind */
};
