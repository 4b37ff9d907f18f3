/* What the engine calls and nobody has built yet: it stops the run by name. Whoever builds one of
 * these takes it out here. */
#include "scsiport/scsiport_private.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define PENDING(result, name, ...)                                                                 \
    result name(__VA_ARGS__)                                                                       \
    {                                                                                              \
        ft_unimplemented(#name);                                                                   \
    }

/* DMA */
PENDING(bool, ft_scsi_dma_prepare, struct ft_scsi_request *request)
PENDING(void, ft_scsi_dma_flush, struct ft_scsi_adapter *adapter,
        const struct ft_scsi_mapping *mapping)
PENDING(void, ft_scsi_dma_map, struct ft_scsi_adapter *adapter,
        const struct ft_scsi_mapping *mapping)
PENDING(void, ft_scsi_dma_finish, struct ft_scsi_request *request, bool last)
PENDING(bool, ft_scsi_extension_take, struct ft_scsi_request *request)
PENDING(void, ft_scsi_extension_give, struct ft_scsi_request *request)
PENDING(UCHAR *, ft_scsi_sense_area, const struct ft_scsi_request *request, ULONG *bytes)
PENDING(NTSTATUS, ft_scsi_common_allocate, struct ft_scsi_adapter *adapter, ULONG uncached_bytes)
PENDING(void, ft_scsi_common_free, struct ft_scsi_adapter *adapter)

/* the class driver */
PENDING(void, ft_disk_arrived, struct ft_scsi_unit *unit)
PENDING(void, ft_disk_departed, struct ft_scsi_unit *unit)
