/* What other layers may know of live mappings. */
#ifndef FT_DMA_MAPPING_VIEW_H
#define FT_DMA_MAPPING_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct ft_mapping_view {
    uint64_t logical; /* where the device finds the first byte */
    uint32_t length;
    bool to_device;
};

/* The live mapping of the device in focus with `older` older ones. False: there are not that many.
 */
bool ft_mapping_view(unsigned older, struct ft_mapping_view *ret);

/* The system DMA controller waits for the device's requests: on which of its lines (0: the first,
 * or its channel), and which way the data goes. */
bool ft_system_runs(unsigned *line, bool *to_device);

#endif
