/* The firmware numbers the request lines of its system DMA controller from 0x1000 on. */
#include "sim/module.h"

const struct ft_description ft_driver_description = {.name = "legacy",
                                                     .model = FT_MODEL_WDM,
                                                     .devices = 1,
                                                     .windows = 100,
                                                     .dma_version = 3,
                                                     .requests = FT_TAKES_IOCTL,
                                                     .request_bytes_max = 256,
                                                     .control = {0x222000, 0x222004},
                                                     .flags = FT_DRIVER_LEGACY,
                                                     .dma_channel = 0x1000,
                                                     .dma_bits = 8};
