/* Device control requests to an adapter or a unit, from ntddscsi.h (scsiport.md, section 3.4). */
#include "scsiport/pass_through.h"

static NTSTATUS get_capabilities(struct ft_scsi_control *control)
{
    const PORT_CONFIGURATION_INFORMATION *info = control->adapter->config;
    PIO_SCSI_CAPABILITIES to = control->buffer;

    if (control->out < sizeof *to)
        return STATUS_BUFFER_TOO_SMALL;
    RtlZeroMemory(to, sizeof *to);
    to->Length = sizeof *to;
    to->MaximumTransferLength = info->MaximumTransferLength;
    to->MaximumPhysicalPages = control->adapter->pages_max;
    to->SupportedAsynchronousEvents = info->ReceiveEvent ? SRBEV_SCSI_ASYNC_NOTIFICATION : 0;
    to->AlignmentMask = info->AlignmentMask;
    to->TaggedQueuing = info->TaggedQueuing;
    to->AdapterScansDown = info->AdapterScansDown;
    to->AdapterUsesPio = control->adapter->uses_pio;
    control->information = sizeof *to;
    return STATUS_SUCCESS;
}

static NTSTATUS get_address(struct ft_scsi_control *control)
{
    PSCSI_ADDRESS to = control->buffer;

    if (!control->unit)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (control->out < sizeof *to)
        return STATUS_BUFFER_TOO_SMALL;
    *to = (SCSI_ADDRESS){.Length = sizeof *to,
                         .PortNumber = control->adapter->number,
                         .PathId = control->unit->path,
                         .TargetId = control->unit->target,
                         .Lun = control->unit->lun};
    control->information = sizeof *to;
    return STATUS_SUCCESS;
}

static NTSTATUS rescan(struct ft_scsi_control *control)
{
    if (control->adapter->state != FT_SCSI_RUNNING)
        return STATUS_DEVICE_NOT_READY;
    ft_scsi_scan(control->adapter);
    return STATUS_SUCCESS;
}

/* ---- IOCTL_SCSI_MINIPORT ---- */

static bool header_fits(const struct ft_scsi_control *control)
{
    const SRB_IO_CONTROL *header = control->buffer;

    return control->in >= sizeof *header && header->HeaderLength == sizeof *header &&
           header->Length <= control->in - sizeof *header;
}

static void fill(PSCSI_REQUEST_BLOCK srb, const struct ft_scsi_control *control,
                 const struct ft_scsi_unit *unit)
{
    const SRB_IO_CONTROL *header = control->buffer;

    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_IO_CONTROL;
    srb->PathId = unit->path;
    srb->TargetId = unit->target;
    srb->Lun = unit->lun;
    srb->QueueTag = SP_UNTAGGED;
    srb->SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE;
    srb->TimeOutValue = header->Timeout;
    srb->DataBuffer = control->buffer;
    srb->DataTransferLength = sizeof *header + header->Length;
}

/* To the miniport, by way of the first unit when the adapter was asked. */
static NTSTATUS to_miniport(struct ft_scsi_control *control)
{
    struct ft_scsi_unit *unit = control->unit ? control->unit : control->adapter->units;
    PSCSI_REQUEST_BLOCK srb;
    NTSTATUS status;
    PMDL mdl;

    if (!header_fits(control))
        return STATUS_INVALID_PARAMETER;
    if (!unit || control->adapter->state != FT_SCSI_RUNNING || control->adapter->surprise)
        return STATUS_DEVICE_NOT_READY;
    srb = ft_block_for_driver(sizeof *srb, FT_HC_SRB, 0);
    mdl = IoAllocateMdl(control->buffer, control->in > control->out ? control->in : control->out,
                        FALSE, FALSE, NULL);
    if (srb && mdl) {
        MmBuildMdlForNonPagedPool(mdl);
        fill(srb, control, unit);
        ft_scsi_send_for(control->adapter, unit, srb, mdl);
        status = ft_scsi_status(srb->SrbStatus);
        control->information =
            srb->DataTransferLength < control->out ? srb->DataTransferLength : control->out;
    } else {
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (mdl)
        IoFreeMdl(mdl);
    if (srb)
        ft_block_free(srb);
    return status;
}

NTSTATUS ft_scsi_device_control(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                                PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    struct ft_scsi_control control = {.adapter = adapter,
                                      .unit = unit,
                                      .buffer = irp->AssociatedIrp.SystemBuffer,
                                      .in = location->Parameters.DeviceIoControl.InputBufferLength,
                                      .out =
                                          location->Parameters.DeviceIoControl.OutputBufferLength};
    NTSTATUS status;

    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SCSI_GET_CAPABILITIES:
        status = get_capabilities(&control);
        break;
    case IOCTL_SCSI_GET_ADDRESS:
        status = get_address(&control);
        break;
    case IOCTL_SCSI_RESCAN_BUS:
        status = rescan(&control);
        break;
    case IOCTL_SCSI_GET_INQUIRY_DATA:
        status = ft_scsi_inquiry_data(&control);
        break;
    case IOCTL_SCSI_PASS_THROUGH:
        status = ft_scsi_pass_through(&control, false);
        break;
    case IOCTL_SCSI_PASS_THROUGH_DIRECT:
        status = ft_scsi_pass_through(&control, true);
        break;
    case IOCTL_SCSI_MINIPORT:
        status = to_miniport(&control);
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    irp->IoStatus.Information = control.information;
    return ft_scsi_complete_irp(irp, status);
}
