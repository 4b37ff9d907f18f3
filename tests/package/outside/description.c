#include "sim/module.h"

const struct ft_description ft_driver_description = {
    .name = "pump",
    .model = FT_MODEL_WDM,
    .devices = 1,
    .windows = 100,
    .dma_version = 2,
    .requests = FT_TAKES_READ,
    .request_bytes_max = 65536,
};
