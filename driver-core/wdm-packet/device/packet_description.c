/* What the machine offers wdm-packet. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "wdm-packet",
    .model = FT_MODEL_WDM,
    .devices = 1,
    .windows = 100,
    .dma_version = 2,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {256},
    .request_bytes_max = 40000,
};
