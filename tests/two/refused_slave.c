/* Two devices on the system's DMA controller. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "refused-slave",
    .model = FT_MODEL_WDM,
    .devices = 2,
    .requests = FT_TAKES_READ,
    .dma_channel = 2,
    .dma_bits = 8,
    .windows = 100,
    .dma_version = 2,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {64},
};
