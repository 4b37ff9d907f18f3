#include "sim/module.h"

const struct ft_description ft_driver_description = {.name = "pio",
                                                     .model = FT_MODEL_KMDF,
                                                     .devices = 1,
                                                     .windows = 100,
                                                     .kmdf_version = 133,
                                                     .requests = FT_TAKES_IOCTL,
                                                     .bar_bytes = {256},
                                                     .request_bytes_max = 256,
                                                     .control = {0x222000, 0x222004}};
