#include "sim/module.h"

const struct ft_description ft_driver_description = {
    .name = "faulty", .model = FT_MODEL_WDM, .devices = 1, .windows = 100, .dma_version = 2};
