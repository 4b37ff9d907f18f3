/* What the machine offers wdm-v3-system: a PL011 of an ARM system on a chip, which ACPI describes.
 * Its receiver and its transmitter are on a request line of the system DMA controller each. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "wdm-v3-system",
    .model = FT_MODEL_WDM,
    .devices = 1,
    .windows = 100,
    .dma_version = 3,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE,
    .irq_level = 5,
    .irq_vector = 12,
    .bar_bytes = {4096},
    .request_bytes_max = 20000,
    .flags = FT_DRIVER_WAKES,
    .dma_channel = 14,
    .dma_bits = 8,
    .dma_lines = 2,
};
