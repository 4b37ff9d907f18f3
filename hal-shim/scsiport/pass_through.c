/* Commands that an application sends to a unit: IOCTL_SCSI_PASS_THROUGH and its direct form, and
 * the list of what the adapter's units are, IOCTL_SCSI_GET_INQUIRY_DATA (ntddscsi.h;
 * ni-ntddscsi-ioctl_scsi_pass_through.md, -direct.md, -ioctl_scsi_get_inquiry_data.md).
 *
 * The command goes through the unit's queue as a class driver's, and whatever the unit says, the
 * request succeeds when the port could send it: ScsiStatus and sense data are the answer. The
 * address in the request counts for the adapter only; a unit puts its own there.
 *
 * Not modelled: 32-bit callers, and DataBuffer of the direct form in another address space.
 */
#include "scsiport/pass_through.h"

enum { SECONDS_MAX = 108000, CDB_MAX = 16 };

/* ---- the request ---- */

/* Both forms agree up to Cdb, but for what says where the data is. */
struct pass {
    struct ft_scsi_control *control;
    PSCSI_PASS_THROUGH at;
    struct ft_scsi_unit *unit;
    bool direct;
    void *data; /* of the command; NULL: none */
    PMDL mdl;
    PUCHAR sense; /* pool, NULL: none */
};

C_ASSERT(offsetof(SCSI_PASS_THROUGH, Cdb) == offsetof(SCSI_PASS_THROUGH_DIRECT, Cdb));
C_ASSERT(sizeof(SCSI_PASS_THROUGH) == sizeof(SCSI_PASS_THROUGH_DIRECT));

static ULONG buffer_bytes(const struct ft_scsi_control *control)
{
    return control->in > control->out ? control->in : control->out;
}

/* Inside the system buffer, behind the header. */
static bool fits(const struct pass *pass, ULONG_PTR offset, ULONG bytes)
{
    ULONG room = buffer_bytes(pass->control);

    return offset >= sizeof *pass->at && offset <= room && bytes <= room - offset;
}

static bool is_aligned(const struct pass *pass)
{
    return ((uintptr_t)pass->data & pass->control->adapter->config->AlignmentMask) == 0;
}

/* What is wrong with it; it is not sent then. */
static NTSTATUS check(struct pass *pass)
{
    const SCSI_PASS_THROUGH *at = pass->at;
    struct ft_scsi_adapter *adapter = pass->control->adapter;
    ULONG most = adapter->config->MaximumTransferLength;

    if (pass->control->in < sizeof *at)
        return STATUS_INVALID_PARAMETER;
    if (at->Length != sizeof *at)
        return STATUS_REVISION_MISMATCH;
    if (at->CdbLength > CDB_MAX || at->DataIn > SCSI_IOCTL_DATA_UNSPECIFIED ||
        at->TimeOutValue == 0 || at->TimeOutValue > SECONDS_MAX)
        return STATUS_INVALID_PARAMETER;
    if (at->SenseInfoLength && !fits(pass, at->SenseInfoOffset, at->SenseInfoLength))
        return STATUS_INVALID_PARAMETER;
    if (at->DataTransferLength > most)
        return STATUS_INVALID_PARAMETER;
    pass->unit = pass->control->unit ? pass->control->unit
                                     : ft_scsi_unit_at(adapter, at->PathId, at->TargetId, at->Lun);
    if (!pass->unit)
        return STATUS_INVALID_PARAMETER;
    if (!pass->control->unit && pass->unit->claimed)
        return STATUS_INVALID_DEVICE_REQUEST;
    return adapter->state == FT_SCSI_RUNNING && !adapter->surprise ? STATUS_SUCCESS
                                                                   : STATUS_DEVICE_NOT_READY;
}

/* The data of a command without any is nowhere. */
static NTSTATUS place_data(struct pass *pass)
{
    const SCSI_PASS_THROUGH *at = pass->at;

    if (at->DataTransferLength == 0)
        return STATUS_SUCCESS;
    if (pass->direct) {
        pass->data = ((PSCSI_PASS_THROUGH_DIRECT)at)->DataBuffer;
        return pass->data && is_aligned(pass) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if (!fits(pass, at->DataBufferOffset, at->DataTransferLength))
        return STATUS_INVALID_PARAMETER;
    pass->data = (PUCHAR)at + at->DataBufferOffset;
    return STATUS_SUCCESS;
}

/* As many pages as the adapter takes at once. */
static NTSTATUS find_data(struct pass *pass)
{
    ULONG most = pass->control->adapter->pages_max;
    NTSTATUS status = place_data(pass);

    if (NT_SUCCESS(status) && pass->data && most &&
        ADDRESS_AND_SIZE_TO_SPAN_PAGES(pass->data, pass->at->DataTransferLength) > most)
        status = STATUS_INVALID_PARAMETER;
    return status;
}

/* ---- the SRB ---- */

static ULONG flags_of(const SCSI_PASS_THROUGH *at)
{
    ULONG flags = SRB_FLAGS_NO_QUEUE_FREEZE;

    if (at->DataTransferLength == 0)
        return flags;
    if (at->DataIn != SCSI_IOCTL_DATA_OUT)
        flags |= SRB_FLAGS_DATA_IN;
    if (at->DataIn != SCSI_IOCTL_DATA_IN)
        flags |= SRB_FLAGS_DATA_OUT;
    return flags;
}

static void fill(PSCSI_REQUEST_BLOCK srb, const struct pass *pass)
{
    const SCSI_PASS_THROUGH *at = pass->at;

    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_EXECUTE_SCSI;
    srb->PathId = pass->unit->path;
    srb->TargetId = pass->unit->target;
    srb->Lun = pass->unit->lun;
    srb->QueueTag = SP_UNTAGGED;
    srb->SrbFlags = flags_of(at);
    srb->TimeOutValue = at->TimeOutValue;
    srb->CdbLength = at->CdbLength;
    RtlCopyMemory(srb->Cdb, at->Cdb, at->CdbLength);
    srb->DataTransferLength = at->DataTransferLength;
    srb->DataBuffer = pass->data;
    srb->SenseInfoBuffer = pass->sense;
    srb->SenseInfoBufferLength = pass->sense ? at->SenseInfoLength : 0;
}

static bool make_buffers(struct pass *pass)
{
    enum { TAG = 'PscS' };
    const SCSI_PASS_THROUGH *at = pass->at;

    if (pass->data) {
        pass->mdl = IoAllocateMdl(pass->data, at->DataTransferLength, FALSE, FALSE, NULL);
        if (!pass->mdl)
            return false;
        MmBuildMdlForNonPagedPool(pass->mdl);
    }
    if (at->SenseInfoLength) {
        pass->sense = ExAllocatePoolWithTag(NonPagedPoolNx, at->SenseInfoLength, TAG);
        if (!pass->sense)
            return false;
        RtlZeroMemory(pass->sense, at->SenseInfoLength);
    }
    return true;
}

static void free_buffers(const struct pass *pass)
{
    if (pass->mdl)
        IoFreeMdl(pass->mdl);
    if (pass->sense)
        ExFreePool(pass->sense);
}

/* ---- the answer ---- */

/* How far the buffer that goes back is written. */
static ULONG information_of(const struct pass *pass)
{
    const SCSI_PASS_THROUGH *at = pass->at;
    ULONG end = sizeof *at, data = (ULONG)at->DataBufferOffset + at->DataTransferLength;

    if (at->SenseInfoLength)
        end = at->SenseInfoOffset + at->SenseInfoLength;
    if (!pass->direct && at->DataIn != SCSI_IOCTL_DATA_OUT && at->DataTransferLength && data > end)
        end = data;
    return end < pass->control->out ? end : pass->control->out;
}

static void answer(struct pass *pass, const SCSI_REQUEST_BLOCK *srb)
{
    PSCSI_PASS_THROUGH at = pass->at;
    bool sensed = pass->sense && (srb->SrbStatus & SRB_STATUS_AUTOSENSE_VALID);

    at->PathId = pass->unit->path;
    at->TargetId = pass->unit->target;
    at->Lun = pass->unit->lun;
    at->ScsiStatus = srb->ScsiStatus;
    at->SenseInfoLength = sensed ? srb->SenseInfoBufferLength : 0;
    at->DataTransferLength = srb->DataTransferLength;
    if (sensed)
        RtlCopyMemory((PUCHAR)at + at->SenseInfoOffset, pass->sense, at->SenseInfoLength);
    pass->control->information = information_of(pass);
}

/* What the unit answered is a success of the request; that nothing could be asked is not. */
static NTSTATUS status_of(const SCSI_REQUEST_BLOCK *srb)
{
    switch (SRB_STATUS(srb->SrbStatus)) {
    case SRB_STATUS_SUCCESS:
    case SRB_STATUS_DATA_OVERRUN:
        return STATUS_SUCCESS;
    case SRB_STATUS_ERROR:
    case SRB_STATUS_REQUEST_SENSE_FAILED:
        return srb->ScsiStatus == SCSISTAT_GOOD ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS;
    default:
        return ft_scsi_status(srb->SrbStatus);
    }
}

static NTSTATUS send(struct pass *pass)
{
    PSCSI_REQUEST_BLOCK srb = ft_block_for_driver(sizeof *srb, FT_HC_SRB, 0);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (srb && make_buffers(pass)) {
        fill(srb, pass);
        ft_scsi_send_for(pass->control->adapter, pass->unit, srb, pass->mdl);
        status = status_of(srb);
        if (NT_SUCCESS(status))
            answer(pass, srb);
    }
    free_buffers(pass);
    if (srb)
        ft_block_free(srb);
    return status;
}

NTSTATUS ft_scsi_pass_through(struct ft_scsi_control *control, bool direct)
{
    struct pass pass = {.control = control, .at = control->buffer, .direct = direct};
    NTSTATUS status = check(&pass);

    if (NT_SUCCESS(status))
        status = find_data(&pass);
    return NT_SUCCESS(status) ? send(&pass) : status;
}

/* ---- the adapter's units ---- */

enum {
    ENTRY_BYTES = (offsetof(SCSI_INQUIRY_DATA, InquiryData) + INQUIRYDATABUFFERSIZE + 7) / 8 * 8
};

static unsigned units_of(const struct ft_scsi_adapter *adapter, unsigned path)
{
    unsigned count = 0;

    for (const struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        count += unit->path == path;
    return count;
}

static void fill_entry(PSCSI_INQUIRY_DATA at, const struct ft_scsi_unit *unit, ULONG next)
{
    at->PathId = unit->path;
    at->TargetId = unit->target;
    at->Lun = unit->lun;
    at->DeviceClaimed = unit->claimed;
    at->InquiryDataLength = INQUIRYDATABUFFERSIZE;
    at->NextInquiryDataOffset = next;
    RtlCopyMemory(at->InquiryData, &unit->inquiry, INQUIRYDATABUFFERSIZE);
}

/* The entries of a bus follow one another; the last one has no next. */
static ULONG fill_bus(const struct ft_scsi_adapter *adapter, PUCHAR buffer, unsigned path, ULONG at)
{
    unsigned left = units_of(adapter, path);

    for (const struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        if (unit->path != path)
            continue;
        left--;
        fill_entry((PSCSI_INQUIRY_DATA)(buffer + at), unit, left ? at + ENTRY_BYTES : 0);
        at += ENTRY_BYTES;
    }
    return at;
}

NTSTATUS ft_scsi_inquiry_data(struct ft_scsi_control *control)
{
    const struct ft_scsi_adapter *adapter = control->adapter;
    PSCSI_ADAPTER_BUS_INFO to = control->buffer;
    unsigned buses = adapter->config->NumberOfBuses, units = 0;
    ULONG at = (ULONG)(sizeof *to + buses * sizeof(SCSI_BUS_DATA) + 7) / 8 * 8;

    for (unsigned path = 0; path < buses; path++)
        units += units_of(adapter, path);
    if (control->out < at + units * ENTRY_BYTES)
        return STATUS_BUFFER_TOO_SMALL;
    RtlZeroMemory(to, at + units * ENTRY_BYTES);
    to->NumberOfBuses = (UCHAR)buses;
    for (unsigned path = 0; path < buses; path++) {
        PSCSI_BUS_DATA bus = &to->BusData[0] + path;

        bus->NumberOfLogicalUnits = (UCHAR)units_of(adapter, path);
        bus->InitiatorBusId = adapter->config->InitiatorBusId[path];
        bus->InquiryDataOffset = bus->NumberOfLogicalUnits ? at : 0;
        at = fill_bus(adapter, (PUCHAR)to, path, at);
    }
    control->information = at;
    return STATUS_SUCCESS;
}
