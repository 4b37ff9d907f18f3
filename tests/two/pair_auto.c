/* What the machine offers wdm-packet twice: two devices of one driver, and no model of them. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "pair-auto",
    .model = FT_MODEL_WDM,
    .devices = 2,
    .windows = 100,
    .dma_version = 2,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_IOCTL,
    .irq_level = 5,
    .irq_vector = 11,
    .bar_bytes = {64},
    .request_bytes_max = 40000,
    .control = {0x00222000, 0x0022A005}, /* IOCTL_PACKET_GET_STATISTICS, IOCTL_PACKET_SEND */
    .pci_id = 0x475010E8,
    .pci_class = 0xFF0000, /* fits no class: what the part says of itself by default */
};
