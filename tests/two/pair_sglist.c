/* What the machine offers wdm-sglist twice: two devices of one driver. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "pair-sglist",
    .model = FT_MODEL_WDM,
    .devices = 2,
    .windows = 100,
    .dma_version = 2,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_IOCTL,
    .irq_level = 6,
    .irq_vector = 10,
    .bar_bytes = {256, 0, 65536},
    .request_bytes_max = 65024,
    .control = {0x222000, 0x226006}, /* IOCTL_SGLIST_GET_STATISTICS, IOCTL_SGLIST_FETCH */
    .pci_id = 0x905410B5,
    .pci_class = 0x068000, /* a bridge of no other kind */
};
