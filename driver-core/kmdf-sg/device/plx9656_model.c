/* The device of kmdf-sg: a PLX PCI 9656 with local memory behind it (devices/plx_dma.c), which
 * drives 64 address bits. */
#include "../../devices/plx_dma.h"

const struct plx_part plx_part = {.id = 0x965610B5, .dual_address = true};

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = PLX_DEVICE_MODEL("plx9656");
