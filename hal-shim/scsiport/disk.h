/* The machine's disk class driver: what its files share.
 *
 * The port hands it each logical unit that it has found; the class driver attaches a disk device,
 * turns reads and writes into SRBs, judges what comes back, tries again, and knows what a disk must
 * hold. It is the machine's own (layer SYSTEM): what the system calls is FT_CLASS_ROUTINE.
 */
#ifndef FT_SCSIPORT_DISK_H
#define FT_SCSIPORT_DISK_H

#include "io/io_private.h"
#include "scsiport/media.h"
#include "scsiport/scsiport_private.h"

/* ---- disk_sense.c ---- */

struct ft_disk_verdict {
    NTSTATUS status;
    bool retry; /* it is worth another try */
    bool delay; /* after a second */
};
struct ft_disk_verdict ft_disk_judge(const SCSI_REQUEST_BLOCK *srb);

/* ---- disk_ledger.c ---- */

/* A moment later than all before. */
uint32_t ft_disk_now(void);
/* A write begins; returns its version, whose pattern is its data. 0: the run is cut. */
uint32_t ft_disk_write_begins(unsigned unit, uint64_t first, uint32_t blocks);
/* It has ended; `sure`: so many of its blocks are on the disk for certain. */
void ft_disk_write_ends(uint32_t version, uint32_t sure);
/* A read that began at that moment, and ends now, may find these bytes in that block. */
bool ft_disk_may_hold(unsigned unit, uint64_t block, uint32_t since, const void *bytes);

/* ---- disk_srb.c ---- */

struct ft_disk;
struct ft_disk_work;

/* One SRB on its way, with its sense buffer. An SRB that names another one (an abort its victim)
 * pins that. */
struct ft_disk_srb {
    SCSI_REQUEST_BLOCK srb;
    UCHAR sense[SENSE_BUFFER_SIZE];
    struct ft_disk_srb *next; /* of the disk's SRBs */
    struct ft_disk *disk;
    struct ft_disk_work *work;  /* it is a piece of that, NULL: it stands alone */
    struct ft_disk_srb *victim; /* of an abort */
    PIRP irp;
    PMDL mdl;   /* of its own data */
    void *data; /* a block, NULL: none */
    uint8_t pins;
};

/* How a request is sent: the argument of op disk-next. */
enum ft_disk_how {
    FT_DISK_AS_ALWAYS,
    FT_DISK_UNTAGGED,
    FT_DISK_HEAD,
    FT_DISK_ORDERED,
    FT_DISK_NO_DISCONNECT,
    FT_DISK_NO_AUTOSENSE,
    FT_DISK_NO_FREEZE,
    FT_DISK_BOTH_WAYS
};

/* NULL: there is no memory. */
struct ft_disk_srb *ft_disk_srb_new(struct ft_disk *disk, UCHAR function, PIRP irp, unsigned label);
/* It is back, or was never sent: nobody finds it any more. Its memory goes with the last pin. */
void ft_disk_srb_end(struct ft_disk_srb *srb);
/* The SRB that carries this IRP now, NULL: none is on its way. */
struct ft_disk_srb *ft_disk_srb_of(const struct ft_disk *disk, const IRP *irp);
/* Any command: flags, sense buffer, queue action, as `how` wants it. */
void ft_disk_srb_command(struct ft_disk_srb *srb, ULONG flags, unsigned how);
/* READ or WRITE of so many blocks. */
void ft_disk_srb_transfer(struct ft_disk_srb *srb, bool write, uint64_t block, uint32_t blocks,
                          unsigned how);
/* A buffer of its own, in nonpaged pool. False: there is no memory. */
bool ft_disk_srb_buffer(struct ft_disk_srb *srb, ULONG bytes);
/* Sends it in the next location of its IRP; what it asks for has failed so many times. */
void ft_disk_srb_send(struct ft_disk_srb *srb, PIO_COMPLETION_ROUTINE done, unsigned tries);
/* The same with an IRP of its own, which ends with the SRB. False: there is no memory. */
bool ft_disk_srb_send_alone(struct ft_disk_srb *srb);
/* An SRB came back with its queue frozen: the class driver thaws it. */
void ft_disk_release_queue(struct ft_disk *disk);

/* ---- disk_io.c ---- */

FT_CLASS_ROUTINE NTSTATUS NTAPI ft_disk_transfer(PDEVICE_OBJECT device, PIRP irp);

/* ---- disk.c ---- */

/* The device extension of a disk. */
struct ft_disk {
    PDEVICE_OBJECT device;
    struct ft_scsi_unit *unit; /* NULL: it has gone */
    struct ft_disk_srb *srbs;  /* on their way */
    uint32_t works;            /* requests that are not over */
    uint8_t index;
    uint8_t short_cdb; /* an old device: commands of 6 bytes where they reach */
    uint8_t tagged;
    uint8_t gone : 1;
    uint8_t bus_master : 1; /* its adapter, as it was when the disk arrived */
};

/* NULL: there is no such disk (now). */
struct ft_disk *ft_disk_at(unsigned index);
/* Something of it is over: who waits for that looks again. */
void ft_disk_left(struct ft_disk *disk);

#endif
