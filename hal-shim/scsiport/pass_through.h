/* A device control request to an adapter or a unit (device_control.c, pass_through.c). */
#ifndef FT_SCSIPORT_PASS_THROUGH_H
#define FT_SCSIPORT_PASS_THROUGH_H

#include "scsiport/adapter.h"

#include <ntddscsi.h>

struct ft_scsi_control {
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_unit *unit; /* NULL: the adapter was asked */
    void *buffer;
    ULONG in, out;
    ULONG_PTR information;
};

NTSTATUS ft_scsi_pass_through(struct ft_scsi_control *control, bool direct);
NTSTATUS ft_scsi_inquiry_data(struct ft_scsi_control *control);

#endif
