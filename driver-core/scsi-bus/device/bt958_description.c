/* What the machine offers scsi-bus: a SCSI adapter on the PCI bus that is a bus master. BAR 1 has
 * its registers; the ports of BAR 0 are not given to it. */
#include "sim/module.h"

extern const struct ft_description ft_driver_description;
const struct ft_description ft_driver_description = {
    .name = "scsi-bus",
    .model = FT_MODEL_SCSIPORT,
    .devices = 1,
    .windows = 51,
    .dma_version = 1,
    .requests = FT_TAKES_BLOCKS,
    .irq_level = 7,
    .irq_vector = 11,
    .bar_bytes = {0, 4096},
    .request_bytes_max = 65024,
    .pci_id = 0x1040104B,
    .pci_class = 0x010000, /* a SCSI adapter */
};
