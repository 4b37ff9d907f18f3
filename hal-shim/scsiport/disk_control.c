/* What the class driver asks besides reads and writes: the ops disk-control, disk-next and abort.
 *
 * disk-control, by its first argument: 0 the adapter's cache is flushed, 1 the system shuts down,
 * 2 the queue is locked for a second (as for a power change), 3 it is released though nothing froze
 * it, 4 it is flushed, 5 the bus is reset, 6 a private control request, 7 TEST UNIT READY, 8
 * INQUIRY, 9 READ CAPACITY, 10 MODE SENSE, 11 SYNCHRONIZE_CACHE CACHE, 12 a read beyond the end, 13
 * TERMINATE IO without a victim, 14 RELEASE RECOVERY, 15 a function that nobody knows.
 */
#include "scsiport/disk.h"

#include <ntddscsi.h>

#include <string.h>

enum {
    SECOND = 10000000,
    UNKNOWN_FUNCTION = 0x7E,
    CONTROL_CODE = 0x10,
    CONTROL_BYTES = 16,
    INQUIRY_BYTES = 36,
    CAPACITY_BYTES = 8,
    MODE_BYTES = 192,
    MODE_ALL_PAGES = 0x3F
};

enum what {
    FLUSH,
    SHUTDOWN,
    LOCK,
    RELEASE,
    FLUSH_QUEUE,
    RESET_BUS,
    IO_CONTROL,
    TEST_UNIT,
    INQUIRY,
    CAPACITY,
    SENSE_MODE,
    SYNCHRONIZE_CACHE,
    BEYOND,
    TERMINATE,
    RECOVERY,
    UNKNOWN
};

/* SRB function, and what the port's queue is to make of it. */
static const struct {
    UCHAR function;
    ULONG flags;
} kinds[] = {
    [FLUSH] = {SRB_FUNCTION_FLUSH, 0},
    [SHUTDOWN] = {SRB_FUNCTION_SHUTDOWN, 0},
    [LOCK] = {SRB_FUNCTION_LOCK_QUEUE, SRB_FLAGS_BYPASS_LOCKED_QUEUE},
    [RELEASE] = {SRB_FUNCTION_RELEASE_QUEUE, SRB_FLAGS_BYPASS_FROZEN_QUEUE},
    [FLUSH_QUEUE] = {SRB_FUNCTION_FLUSH_QUEUE, SRB_FLAGS_BYPASS_FROZEN_QUEUE},
    [RESET_BUS] = {SRB_FUNCTION_RESET_BUS, 0},
    [IO_CONTROL] = {SRB_FUNCTION_IO_CONTROL, SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE},
    [TEST_UNIT] = {SRB_FUNCTION_EXECUTE_SCSI, 0},
    [INQUIRY] = {SRB_FUNCTION_EXECUTE_SCSI, SRB_FLAGS_DATA_IN},
    [CAPACITY] = {SRB_FUNCTION_EXECUTE_SCSI, SRB_FLAGS_DATA_IN},
    [SENSE_MODE] = {SRB_FUNCTION_EXECUTE_SCSI, SRB_FLAGS_DATA_IN},
    [SYNCHRONIZE_CACHE] = {SRB_FUNCTION_EXECUTE_SCSI, 0},
    [BEYOND] = {SRB_FUNCTION_EXECUTE_SCSI, SRB_FLAGS_DATA_IN},
    [TERMINATE] = {SRB_FUNCTION_TERMINATE_IO, 0},
    [RECOVERY] = {SRB_FUNCTION_RELEASE_RECOVERY, 0},
    [UNKNOWN] = {UNKNOWN_FUNCTION, 0},
};

/* ---- commands ---- */

static void cdb(struct ft_disk_srb *srb, UCHAR length, UCHAR code)
{
    srb->srb.CdbLength = length;
    srb->srb.Cdb[0] = code;
}

/* False: there is no memory. */
static bool fill_command(struct ft_disk_srb *srb, enum what what)
{
    switch (what) {
    case INQUIRY:
        cdb(srb, 6, SCSIOP_INQUIRY);
        srb->srb.Cdb[4] = INQUIRY_BYTES;
        return ft_disk_srb_buffer(srb, INQUIRY_BYTES);
    case CAPACITY:
        cdb(srb, 10, SCSIOP_READ_CAPACITY);
        return ft_disk_srb_buffer(srb, CAPACITY_BYTES);
    case SENSE_MODE:
        cdb(srb, 6, SCSIOP_MODE_SENSE);
        srb->srb.Cdb[2] = MODE_ALL_PAGES;
        srb->srb.Cdb[4] = MODE_BYTES;
        return ft_disk_srb_buffer(srb, MODE_BYTES);
    case SYNCHRONIZE_CACHE:
        cdb(srb, 10, SCSIOP_SYNCHRONIZE_CACHE);
        return true;
    case BEYOND:
        ft_disk_srb_transfer(srb, false, SIM_MEDIA_BLOCKS, 1, FT_DISK_AS_ALWAYS);
        return ft_disk_srb_buffer(srb, SIM_MEDIA_BLOCK_BYTES);
    default:
        cdb(srb, 6, SCSIOP_TEST_UNIT_READY);
        return true;
    }
}

/* A private request that no miniport knows: it says so in SrbStatus or ReturnCode. */
static bool fill_control(struct ft_disk_srb *srb)
{
    PSRB_IO_CONTROL header;

    if (!ft_disk_srb_buffer(srb, sizeof *header + CONTROL_BYTES))
        return false;
    header = srb->data;
    header->HeaderLength = sizeof *header;
    memcpy(header->Signature, "FLUSHTRC", sizeof header->Signature);
    header->Timeout = srb->srb.TimeOutValue;
    header->ControlCode = CONTROL_CODE;
    header->Length = CONTROL_BYTES;
    return true;
}

static bool fill(struct ft_disk_srb *srb, enum what what)
{
    srb->srb.SrbFlags = kinds[what].flags;
    if (what == IO_CONTROL)
        return fill_control(srb);
    if (srb->srb.Function != SRB_FUNCTION_EXECUTE_SCSI)
        return true;
    ft_disk_srb_command(srb, kinds[what].flags, FT_DISK_AS_ALWAYS);
    return fill_command(srb, what);
}

static bool send(struct ft_disk *disk, enum what what)
{
    struct ft_disk_srb *srb =
        ft_disk_srb_new(disk, kinds[what].function, NULL, ft_current()->label);

    if (!srb)
        return false;
    if (fill(srb, what))
        return ft_disk_srb_send_alone(srb);
    ft_disk_srb_end(srb);
    return false;
}

/* ---- ops ---- */

/* The lock's second is over; the disk stays until its SRBs are back. */
static void unlock(struct ft_disk *disk)
{
    struct ft_disk_srb *srb =
        ft_disk_srb_new(disk, SRB_FUNCTION_UNLOCK_QUEUE, NULL, ft_current()->label);

    if (!srb)
        return;
    srb->srb.SrbFlags = SRB_FLAGS_BYPASS_LOCKED_QUEUE;
    ft_disk_srb_send_alone(srb);
}

/* What a thread of the system is to send. */
static void control_thread(void *argument)
{
    unsigned what = (uintptr_t)argument / FT_DISKS_MAX, unit = (uintptr_t)argument % FT_DISKS_MAX;
    struct ft_disk *disk = ft_disk_at(unit);

    ft_current()->layer = FT_LAYER_SYSTEM;
    if (!disk || disk->gone)
        return;
    disk->works++;
    if (send(disk, what) && what == LOCK) {
        ft_task_wait(&disk->works, FT_M->now + SECOND);
        unlock(disk);
    }
    disk->works--;
    ft_disk_left(disk);
}

static bool control_op(const struct ft_op *op)
{
    uintptr_t argument = op->arg[0] * (uintptr_t)FT_DISKS_MAX + op->arg[1] % FT_DISKS_MAX;
    const struct ft_disk *disk = ft_disk_at(op->arg[1]);
    struct ft_task *task;

    if (!disk || disk->gone)
        return false;
    task =
        ft_task_spawn(FT_TASK_THREAD, control_thread, (void *)argument, ft_label_claim(op->label));
    ft_task_for_device(task);
    ft_task_prefer(task);
    return task != NULL;
}

/* The SRB of the request with that label that is on its way; NULL: none is. */
static struct ft_disk_srb *victim_of(unsigned label)
{
    for (unsigned i = 0; i < FT_DISKS_MAX; i++)
        for (struct ft_disk_srb *srb = ft_disk_at(i) ? ft_disk_at(i)->srbs : NULL; srb;
             srb = srb->next)
            if (srb->work && ft_label_of(srb->irp) == label)
                return srb;
    return NULL;
}

static void abort_thread(void *argument)
{
    struct ft_disk_srb *victim = victim_of((unsigned)(uintptr_t)argument), *srb;

    ft_current()->layer = FT_LAYER_SYSTEM;
    if (!victim || victim->disk->gone)
        return;
    srb = ft_disk_srb_new(victim->disk, SRB_FUNCTION_ABORT_COMMAND, NULL, ft_current()->label);
    if (!srb)
        return;
    srb->victim = victim;
    victim->pins++;
    srb->srb.NextSrb = &victim->srb;
    srb->srb.QueueTag = victim->srb.QueueTag;
    srb->srb.SrbFlags = SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_NO_QUEUE_FREEZE;
    ft_disk_srb_send_alone(srb);
}

static bool abort_op(const struct ft_op *op)
{
    struct ft_task *task;

    if (op->arg[0] == 0 || !victim_of(op->arg[0]))
        return false;
    task = ft_task_spawn(FT_TASK_THREAD, abort_thread, (void *)(uintptr_t)op->arg[0],
                         ft_label_claim(op->label));
    ft_task_for_device(task);
    ft_task_prefer(task);
    return task != NULL;
}

bool ft_disk_op(const struct ft_op *op)
{
    switch (op->kind) {
    case FT_OP_DISK_CONTROL:
        return control_op(op);
    case FT_OP_ABORT:
        return abort_op(op);
    default:
        if (!FT_SCSI->disks_arrived)
            return false;
        FT_SCSI->next_how = (uint8_t)op->arg[0];
        return true;
    }
}
