#include "sim/module.h"

const struct ft_description ft_driver_description = {.name = "faulty-requests",
                                                     .model = FT_MODEL_WDM,
                                                     .devices = 1,
                                                     .windows = 100,
                                                     .dma_version = 2,
                                                     .requests = FT_TAKES_READ | FT_TAKES_WRITE,
                                                     .request_bytes_max = 65024};
