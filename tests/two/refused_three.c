/* More devices than there can be. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "refused-three",
    .model = FT_MODEL_WDM,
    .devices = 3,
    .requests = FT_TAKES_READ,
    .windows = 100,
    .dma_version = 2,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {64},
};
