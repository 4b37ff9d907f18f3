/* SRBs as a class driver builds them (pages of the storage driver guide on class drivers and
 * SCSI_REQUEST_BLOCK): command, flags, time-out by size, queue action, and a sense buffer.
 *
 * Every try has an SRB of its own, and its memory goes when it is back: a miniport that still looks
 * at it looks at freed memory.
 */
#include "scsiport/disk.h"

#include <string.h>

enum { TIME_OUT = 10, TIME_OUT_BYTES = 65536 }; /* seconds for every so many bytes begun */

struct ft_disk_srb *ft_disk_srb_new(struct ft_disk *disk, UCHAR function, PIRP irp, unsigned label)
{
    struct ft_disk_srb *new = ft_block_alloc(sizeof *new, FT_HC_SRB, label);

    if (!new)
        return NULL;
    new->srb.Length = sizeof new->srb;
    new->srb.Function = function;
    new->srb.TimeOutValue = TIME_OUT;
    new->srb.PathId = disk->unit->path;
    new->srb.TargetId = disk->unit->target;
    new->srb.Lun = disk->unit->lun;
    new->disk = disk;
    new->irp = irp;
    new->pins = 1;
    new->next = disk->srbs;
    disk->srbs = new;
    return new;
}

static void unlink_srb(struct ft_disk_srb *srb)
{
    struct ft_disk_srb **at = &srb->disk->srbs;

    while (*at && *at != srb)
        at = &(*at)->next;
    if (*at)
        *at = srb->next;
}

static void unpin(struct ft_disk_srb *srb)
{
    if (--srb->pins > 0)
        return;
    if (srb->mdl)
        IoFreeMdl(srb->mdl);
    if (srb->data)
        ft_block_free(srb->data);
    ft_block_free(srb);
}

void ft_disk_srb_end(struct ft_disk_srb *srb)
{
    struct ft_disk *disk = srb->disk;

    unlink_srb(srb);
    if (srb->victim)
        unpin(srb->victim);
    unpin(srb);
    ft_disk_left(disk);
}

struct ft_disk_srb *ft_disk_srb_of(const struct ft_disk *disk, const IRP *irp)
{
    for (struct ft_disk_srb *srb = disk->srbs; srb; srb = srb->next)
        if (srb->irp == irp)
            return srb;
    return NULL;
}

/* ---- commands ---- */

static void put_big(UCHAR *at, unsigned bytes, uint64_t value)
{
    while (bytes-- > 0) {
        at[bytes] = (UCHAR)value;
        value >>= 8;
    }
}

static ULONG flags_of(unsigned how)
{
    switch (how) {
    case FT_DISK_NO_DISCONNECT:
        return SRB_FLAGS_DISABLE_DISCONNECT;
    case FT_DISK_NO_AUTOSENSE:
        return SRB_FLAGS_DISABLE_AUTOSENSE;
    case FT_DISK_NO_FREEZE:
        return SRB_FLAGS_NO_QUEUE_FREEZE;
    default:
        return 0;
    }
}

static UCHAR queue_action(unsigned how)
{
    if (how == FT_DISK_HEAD)
        return SRB_HEAD_OF_QUEUE_TAG_REQUEST;
    return how == FT_DISK_ORDERED ? SRB_ORDERED_QUEUE_TAG_REQUEST : SRB_SIMPLE_TAG_REQUEST;
}

void ft_disk_srb_command(struct ft_disk_srb *srb, ULONG flags, unsigned how)
{
    SCSI_REQUEST_BLOCK *s = &srb->srb;

    /* The port maps a bus master's data before anybody could say which way it goes. */
    if (how == FT_DISK_BOTH_WAYS && (flags & SRB_FLAGS_UNSPECIFIED_DIRECTION) &&
        !srb->disk->bus_master)
        flags |= SRB_FLAGS_UNSPECIFIED_DIRECTION;
    s->SrbFlags = flags | flags_of(how);
    if (srb->disk->tagged && how != FT_DISK_UNTAGGED) {
        s->SrbFlags |= SRB_FLAGS_QUEUE_ACTION_ENABLE;
        s->QueueAction = queue_action(how);
    }
    if (how == FT_DISK_NO_AUTOSENSE)
        return;
    s->SenseInfoBuffer = srb->sense;
    s->SenseInfoBufferLength = sizeof srb->sense;
}

static void fill_cdb(SCSI_REQUEST_BLOCK *srb, bool write, bool is_short, uint64_t block,
                     uint32_t blocks)
{
    if (is_short) {
        srb->CdbLength = 6;
        srb->Cdb[0] = write ? SCSIOP_WRITE6 : SCSIOP_READ6;
        put_big(srb->Cdb + 1, 3, block);
        srb->Cdb[4] = (UCHAR)blocks; /* 0 means 256 */
        return;
    }
    srb->CdbLength = 10;
    srb->Cdb[0] = write ? SCSIOP_WRITE : SCSIOP_READ;
    put_big(srb->Cdb + 2, 4, block);
    put_big(srb->Cdb + 7, 2, blocks);
}

void ft_disk_srb_transfer(struct ft_disk_srb *srb, bool write, uint64_t block, uint32_t blocks,
                          unsigned how)
{
    enum { SHORT_BLOCKS = 256, SHORT_REACH = 1 << 21 };
    bool is_short = srb->disk->short_cdb && blocks <= SHORT_BLOCKS && block + blocks <= SHORT_REACH;
    SCSI_REQUEST_BLOCK *s = &srb->srb;

    ft_disk_srb_command(srb, write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN, how);
    s->SrbFlags |= SRB_FLAGS_ADAPTER_CACHE_ENABLE;
    s->DataTransferLength = blocks * SIM_MEDIA_BLOCK_BYTES;
    s->TimeOutValue *= 1 + (s->DataTransferLength - 1) / TIME_OUT_BYTES;
    s->QueueSortKey = (ULONG)block;
    fill_cdb(s, write, is_short, block, blocks);
}

bool ft_disk_srb_buffer(struct ft_disk_srb *srb, ULONG bytes)
{
    srb->data = ft_block_alloc(bytes, FT_HC_OTHER, 0);
    if (srb->data)
        srb->mdl = IoAllocateMdl(srb->data, bytes, FALSE, FALSE, NULL);
    if (!srb->mdl)
        return false;
    MmBuildMdlForNonPagedPool(srb->mdl);
    srb->srb.DataBuffer = MmGetMdlVirtualAddress(srb->mdl);
    srb->srb.DataTransferLength = bytes;
    return true;
}

/* ---- sending ---- */

void ft_disk_srb_send(struct ft_disk_srb *srb, PIO_COMPLETION_ROUTINE done, unsigned tries)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(srb->irp);

    srb->srb.OriginalRequest = srb->irp;
    next->MajorFunction = IRP_MJ_SCSI;
    next->Parameters.Scsi.Srb = &srb->srb;
    IoSetCompletionRoutine(srb->irp, done, srb, TRUE, TRUE, TRUE);
    ft_emit(FT_EV_DISK_SRB, ft_scsi_srb_handle(&srb->srb), ft_irp_handle(srb->irp),
            srb->srb.Function, srb->srb.Cdb[0], srb->srb.SrbFlags, tries);
    IoCallDriver(srb->disk->unit->pdo, srb->irp);
}

FT_CLASS_ROUTINE
static NTSTATUS NTAPI alone_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_disk_srb *srb = context;
    struct ft_disk *disk = srb->disk;
    bool frozen = srb->srb.SrbStatus & SRB_STATUS_QUEUE_FROZEN;

    (void)device;
    irp->MdlAddress = NULL;
    IoFreeIrp(irp);
    if (frozen)
        ft_disk_release_queue(disk);
    ft_disk_srb_end(srb);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

bool ft_disk_srb_send_alone(struct ft_disk_srb *srb)
{
    srb->irp = IoAllocateIrp(srb->disk->unit->pdo->StackSize, FALSE);
    if (!srb->irp) {
        ft_disk_srb_end(srb);
        return false;
    }
    srb->irp->MdlAddress = srb->mdl;
    ft_disk_srb_send(srb, alone_done, 0);
    return true;
}

/* Without memory the queue stays frozen, as in Windows. */
void ft_disk_release_queue(struct ft_disk *disk)
{
    struct ft_disk_srb *srb =
        disk->unit ? ft_disk_srb_new(disk, SRB_FUNCTION_RELEASE_QUEUE, NULL, 0) : NULL;

    if (!srb)
        return;
    srb->srb.SrbFlags = SRB_FLAGS_BYPASS_FROZEN_QUEUE;
    ft_disk_srb_send_alone(srb);
}
