/* The device of wdm-sglist: a PLX PCI 9054 with local memory behind it (devices/plx_dma.c). Its
 * driver takes addresses below 4 GB only; the part's dual address cycles are not modelled. */
#include "../../devices/plx_dma.h"

const struct plx_part plx_part = {.id = 0x905410B5};

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = PLX_DEVICE_MODEL("plx9054");
