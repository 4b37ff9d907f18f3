#include "sim/module.h"

const struct ft_description ft_driver_description = {.name = "ticker",
                                                     .model = FT_MODEL_KMDF,
                                                     .devices = 1,
                                                     .windows = 100,
                                                     .kmdf_version = 133,
                                                     .dma_version = 2,
                                                     .requests = FT_TAKES_IOCTL,
                                                     .request_bytes_max = 256,
                                                     .control = {0x222000}};
