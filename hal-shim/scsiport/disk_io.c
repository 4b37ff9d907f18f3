/* Reads and writes of a disk: one IRP of the requester, one SRB after the other.
 *
 * A transfer that is longer than what the adapter takes at once goes in pieces. A piece that failed
 * is tried again while the judgement of its SRB says so, four times at most, at once or after a
 * second.
 *
 * Not modelled: several pieces of one request at a time.
 */
#include "scsiport/disk.h"

enum { RETRIES = 4, SECOND = 10000000, MOST_BLOCKS = 0xFFFF };

/* What is left to do of a request. */
struct ft_disk_work {
    struct ft_disk *disk;
    PIRP irp;
    uint64_t block; /* of the first byte not yet moved */
    uint32_t bytes, done;
    uint32_t piece; /* bytes of the SRB on its way */
    uint8_t write, how;
    uint8_t tries; /* of this piece that failed */
    KTIMER timer;
    KDPC dpc;
};

static NTSTATUS refuse(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* Nothing of the request is left but its IRP. */
static void finish(struct ft_disk_work *work, NTSTATUS status)
{
    struct ft_disk *disk = work->disk;

    work->irp->IoStatus.Status = status;
    work->irp->IoStatus.Information = NT_SUCCESS(status) ? work->done : 0;
    ft_block_free(work);
    disk->works--;
    ft_disk_left(disk);
}

static NTSTATUS send_piece(struct ft_disk_work *work);

static void send_or_fail(struct ft_disk_work *work)
{
    PIRP irp = work->irp;
    NTSTATUS status = send_piece(work);

    if (NT_SUCCESS(status))
        return;
    finish(work, status);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

FT_CLASS_ROUTINE
static VOID NTAPI second_over(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)argument1;
    (void)argument2;
    send_or_fail(context);
}

static void send_later(struct ft_disk_work *work)
{
    LARGE_INTEGER due = {.QuadPart = -SECOND};

    KeInitializeTimer(&work->timer);
    KeInitializeDpc(&work->dpc, second_over, work);
    KeSetTimer(&work->timer, due, &work->dpc);
}

/* What comes after an SRB, as event disk:judged names it. */
enum next { GOES_ON, AGAIN, LATER };

/* What became of one SRB. */
struct outcome {
    NTSTATUS status;
    uint32_t moved;
    enum next next;
};

static bool worth_another_try(struct ft_disk_work *work, const struct ft_disk_verdict *verdict)
{
    return verdict->retry && !work->irp->Cancel && !work->disk->gone && work->tries++ < RETRIES;
}

/* The SRB goes; a queue that it found frozen thaws. */
static struct outcome take_outcome(struct ft_disk_srb *srb)
{
    struct ft_disk_work *work = srb->work;
    struct ft_disk_verdict verdict = ft_disk_judge(&srb->srb);
    struct outcome outcome = {verdict.status, srb->srb.DataTransferLength, GOES_ON};
    bool frozen = srb->srb.SrbStatus & SRB_STATUS_QUEUE_FROZEN;

    if (outcome.moved > work->piece)
        outcome.moved = work->piece;
    if (!NT_SUCCESS(verdict.status) && worth_another_try(work, &verdict))
        outcome.next = verdict.delay ? LATER : AGAIN;
    ft_emit(FT_EV_DISK_JUDGED, ft_scsi_srb_handle(&srb->srb), ft_irp_handle(srb->irp),
            srb->srb.SrbStatus, srb->srb.ScsiStatus, (uint32_t)outcome.status, outcome.next);
    ft_disk_srb_end(srb);
    if (frozen)
        ft_disk_release_queue(work->disk);
    return outcome;
}

static bool has_more(struct ft_disk_work *work, const struct outcome *outcome)
{
    if (!NT_SUCCESS(outcome->status))
        return false;
    work->done += outcome->moved;
    work->block += outcome->moved / SIM_MEDIA_BLOCK_BYTES;
    work->tries = 0;
    return outcome->moved == work->piece && work->done < work->bytes;
}

FT_CLASS_ROUTINE
static NTSTATUS NTAPI piece_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_disk_work *work = ((struct ft_disk_srb *)context)->work;
    struct outcome outcome = take_outcome(context);

    (void)device;
    (void)irp;
    if (outcome.next == LATER) {
        send_later(work);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    if (outcome.next == AGAIN || has_more(work, &outcome)) {
        send_or_fail(work);
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    finish(work, outcome.status);
    return STATUS_CONTINUE_COMPLETION;
}

/* Bytes that the adapter takes from that address on, in whole blocks. */
static uint32_t room(const struct ft_scsi_adapter *adapter, const void *va)
{
    uint64_t bytes = MOST_BLOCKS * (uint64_t)SIM_MEDIA_BLOCK_BYTES;
    uint64_t pages = adapter->pages_max * (uint64_t)PAGE_SIZE;

    if (adapter->config->MaximumTransferLength < bytes)
        bytes = adapter->config->MaximumTransferLength;
    if (pages && pages - BYTE_OFFSET(va) < bytes)
        bytes = pages - BYTE_OFFSET(va);
    return (uint32_t)(bytes / SIM_MEDIA_BLOCK_BYTES * SIM_MEDIA_BLOCK_BYTES);
}

static NTSTATUS send_piece(struct ft_disk_work *work)
{
    struct ft_disk *disk = work->disk;
    PUCHAR va = (PUCHAR)MmGetMdlVirtualAddress(work->irp->MdlAddress) + work->done;
    uint32_t left = work->bytes - work->done, most;
    struct ft_disk_srb *srb;

    if (disk->gone)
        return STATUS_NO_SUCH_DEVICE;
    most = room(disk->unit->adapter, va);
    work->piece = left < most ? left : most;
    if (work->piece == 0)
        return STATUS_INVALID_PARAMETER;
    srb = ft_disk_srb_new(disk, SRB_FUNCTION_EXECUTE_SCSI, work->irp, ft_label_of(work->irp));
    if (!srb)
        return STATUS_INSUFFICIENT_RESOURCES;
    srb->work = work;
    srb->srb.DataBuffer = va;
    ft_disk_srb_transfer(srb, work->write, work->block, work->piece / SIM_MEDIA_BLOCK_BYTES,
                         work->how);
    ft_disk_srb_send(srb, piece_done, work->tries);
    return STATUS_SUCCESS;
}

static NTSTATUS check(const struct ft_disk *disk, const IO_STACK_LOCATION *location)
{
    uint64_t offset = (uint64_t)location->Parameters.Read.ByteOffset.QuadPart;

    if (disk->gone)
        return STATUS_NO_SUCH_DEVICE;
    if (offset % SIM_MEDIA_BLOCK_BYTES || location->Parameters.Read.Length % SIM_MEDIA_BLOCK_BYTES)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

FT_CLASS_ROUTINE
NTSTATUS NTAPI ft_disk_transfer(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_disk *disk = device->DeviceExtension;
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = check(disk, location);
    struct ft_disk_work *work;

    if (!NT_SUCCESS(status) || location->Parameters.Read.Length == 0)
        return refuse(irp, status);
    work = ft_block_alloc(sizeof *work, FT_HC_OTHER, ft_label_of(irp));
    if (!work)
        return refuse(irp, STATUS_INSUFFICIENT_RESOURCES);
    work->disk = disk;
    work->irp = irp;
    work->block = (uint64_t)location->Parameters.Read.ByteOffset.QuadPart / SIM_MEDIA_BLOCK_BYTES;
    work->bytes = location->Parameters.Read.Length;
    work->write = location->MajorFunction == IRP_MJ_WRITE;
    work->how = (uint8_t)location->Parameters.Read.Key;
    disk->works++;
    IoMarkIrpPending(irp);
    send_or_fail(work);
    return STATUS_PENDING;
}
