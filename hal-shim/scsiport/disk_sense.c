/* What a class driver makes of a failed SRB: the status of the request, and whether it is worth
 * another try (storage driver pages on SRB status and sense data; SCSI-2, section 8.2.14).
 */
#include "scsiport/disk.h"

/* Additional sense codes. */
enum { ASC_ILLEGAL_BLOCK = 0x21, ASC_INVALID_LUN = 0x25, ASC_NO_MEDIA = 0x3A };

static struct ft_disk_verdict ends(NTSTATUS status)
{
    return (struct ft_disk_verdict){.status = status};
}

static struct ft_disk_verdict again(NTSTATUS status)
{
    return (struct ft_disk_verdict){.status = status, .retry = true};
}

/* Worth a try once the device has had a second. */
static struct ft_disk_verdict later(NTSTATUS status)
{
    return (struct ft_disk_verdict){.status = status, .retry = true, .delay = true};
}

static struct ft_disk_verdict of_illegal_request(UCHAR code)
{
    switch (code) {
    case ASC_ILLEGAL_BLOCK:
        return ends(STATUS_NONEXISTENT_SECTOR);
    case ASC_INVALID_LUN:
        return ends(STATUS_NO_SUCH_DEVICE);
    default:
        return ends(STATUS_INVALID_DEVICE_REQUEST);
    }
}

static struct ft_disk_verdict of_sense(const SENSE_DATA *sense)
{
    switch (sense->SenseKey) {
    case SCSI_SENSE_RECOVERED_ERROR:
        return ends(STATUS_SUCCESS);
    case SCSI_SENSE_NOT_READY:
        return sense->AdditionalSenseCode == ASC_NO_MEDIA ? ends(STATUS_NO_MEDIA_IN_DEVICE)
                                                          : later(STATUS_DEVICE_NOT_READY);
    case SCSI_SENSE_MEDIUM_ERROR:
        return ends(STATUS_DEVICE_DATA_ERROR);
    case SCSI_SENSE_ILLEGAL_REQUEST:
        return of_illegal_request(sense->AdditionalSenseCode);
    case SCSI_SENSE_DATA_PROTECT:
        return ends(STATUS_MEDIA_WRITE_PROTECTED);
    case SCSI_SENSE_ABORTED_COMMAND:
        return later(STATUS_IO_DEVICE_ERROR);
    default: /* no sense, hardware error, unit attention and what is rare */
        return again(STATUS_IO_DEVICE_ERROR);
    }
}

static struct ft_disk_verdict of_error(UCHAR scsi_status)
{
    switch (scsi_status) {
    case SCSISTAT_BUSY:
    case SCSISTAT_QUEUE_FULL:
        return later(STATUS_DEVICE_NOT_READY);
    case SCSISTAT_RESERVATION_CONFLICT:
        return ends(STATUS_DEVICE_BUSY);
    default:
        return again(STATUS_IO_DEVICE_ERROR);
    }
}

static struct ft_disk_verdict of_status(const SCSI_REQUEST_BLOCK *srb)
{
    switch (SRB_STATUS(srb->SrbStatus)) {
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_NO_HBA:
    case SRB_STATUS_INVALID_PATH_ID:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
        return ends(STATUS_NO_SUCH_DEVICE);
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT:
        return again(STATUS_IO_TIMEOUT);
    case SRB_STATUS_ABORTED:
        return later(STATUS_IO_TIMEOUT);
    case SRB_STATUS_SELECTION_TIMEOUT:
        return ends(STATUS_DEVICE_NOT_CONNECTED);
    case SRB_STATUS_DATA_OVERRUN:
        return ends(STATUS_DATA_OVERRUN);
    case SRB_STATUS_BUSY:
        return later(STATUS_DEVICE_NOT_READY);
    case SRB_STATUS_INVALID_REQUEST:
    case SRB_STATUS_BAD_FUNCTION:
    case SRB_STATUS_BAD_SRB_BLOCK_LENGTH:
        return ends(STATUS_INVALID_DEVICE_REQUEST);
    case SRB_STATUS_ERROR:
        return of_error(srb->ScsiStatus);
    default: /* bus reset, parity, phase and the like, requests that were flushed */
        return again(STATUS_IO_DEVICE_ERROR);
    }
}

struct ft_disk_verdict ft_disk_judge(const SCSI_REQUEST_BLOCK *srb)
{
    enum { KEY_END = 3, CODE_END = 13 }; /* bytes of sense data up to key and code */
    SENSE_DATA sense = {0};

    if (SRB_STATUS(srb->SrbStatus) == SRB_STATUS_SUCCESS)
        return ends(STATUS_SUCCESS);
    if (!(srb->SrbStatus & SRB_STATUS_AUTOSENSE_VALID) || !srb->SenseInfoBuffer ||
        srb->SenseInfoBufferLength < KEY_END)
        return of_status(srb);
    sense.SenseKey = ((const SENSE_DATA *)srb->SenseInfoBuffer)->SenseKey;
    if (srb->SenseInfoBufferLength >= CODE_END)
        sense.AdditionalSenseCode = ((const SENSE_DATA *)srb->SenseInfoBuffer)->AdditionalSenseCode;
    return of_sense(&sense);
}
