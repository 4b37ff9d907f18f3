/* For tests without the disk class driver. */
#include "scsiport/scsiport_private.h"

__attribute__((weak)) void ft_disk_arrived(struct ft_scsi_unit *unit)
{
    (void)unit;
}

__attribute__((weak)) void ft_disk_departed(struct ft_scsi_unit *unit)
{
    (void)unit;
}

__attribute__((weak)) bool ft_scsi_dma_prepare(struct ft_scsi_request *request)
{
    (void)request;
    return true;
}

__attribute__((weak)) void ft_scsi_dma_finish(struct ft_scsi_request *request, bool last)
{
    (void)request, (void)last;
}

__attribute__((weak)) bool ft_scsi_extension_take(struct ft_scsi_request *request)
{
    (void)request;
    return true;
}

__attribute__((weak)) void ft_scsi_extension_give(struct ft_scsi_request *request)
{
    (void)request;
}

__attribute__((weak)) UCHAR *ft_scsi_sense_area(const struct ft_scsi_request *request, ULONG *bytes)
{
    (void)request, (void)bytes;
    return NULL;
}

__attribute__((weak)) void ft_scsi_dma_flush(struct ft_scsi_adapter *adapter,
                                             const struct ft_scsi_mapping *mapping)
{
    (void)adapter, (void)mapping;
}

__attribute__((weak)) void ft_scsi_dma_map(struct ft_scsi_adapter *adapter,
                                           const struct ft_scsi_mapping *mapping)
{
    (void)adapter, (void)mapping;
}

__attribute__((weak)) NTSTATUS ft_scsi_common_allocate(struct ft_scsi_adapter *adapter,
                                                       ULONG uncached_bytes)
{
    (void)adapter, (void)uncached_bytes;
    return STATUS_SUCCESS;
}

__attribute__((weak)) void ft_scsi_common_free(struct ft_scsi_adapter *adapter)
{
    (void)adapter;
}
