/* What the machine offers wdm-slave twice: two devices on the system DMA controller. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "pair-slave",
    .model = FT_MODEL_WDM,
    .devices = 2,
    .windows = 51,
    .dma_version = 1,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE,
    .irq_level = 6,
    .irq_vector = 6,
    .request_bytes_max = 40000,
    .port_base = 0x3F0,
    .port_bytes = 8,
    .interrupt = FT_INTERRUPT_LATCHED,
    .dma_channel = 2,
    .dma_bits = 8,
};
