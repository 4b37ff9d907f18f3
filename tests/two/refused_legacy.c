/* Two devices of a driver without AddDevice. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "refused-legacy",
    .model = FT_MODEL_WDM,
    .devices = 2,
    .requests = FT_TAKES_READ,
    .flags = FT_DRIVER_LEGACY,
    .windows = 100,
    .dma_version = 2,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {64},
};
