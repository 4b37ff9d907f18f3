/* The two ways of DMA, between the files that make them one for the engine. */
#ifndef FT_SCSIPORT_PORT_DMA_H
#define FT_SCSIPORT_PORT_DMA_H

#include "scsiport/scsiport_private.h"

/* ft_scsi_adapter.channel */
enum { FT_SCSI_CHANNEL_FREE, FT_SCSI_CHANNEL_ASKED, FT_SCSI_CHANNEL_HELD };

/* HAL calls for a request serve its IRP: returns what the task served before, which the caller puts
 * back into the task. */
uint16_t ft_scsi_serve(const struct ft_scsi_request *request);
/* The miniport's request with that SRB; NULL: it has none such. */
struct ft_scsi_request *ft_scsi_owned(const struct ft_scsi_adapter *adapter, const void *srb);

bool ft_scsi_slave_prepare(struct ft_scsi_request *request);
void ft_scsi_slave_finish(struct ft_scsi_request *request, bool last);

#endif
