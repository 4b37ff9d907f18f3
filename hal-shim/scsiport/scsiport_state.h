/* What SCSI Port and the disk class driver keep: part of struct ft_machine, so that one copy of the
 * state arena saves it. Types only, and no Windows types. Everything else is in device extensions
 * and blocks. */
#ifndef FT_SCSIPORT_SCSIPORT_STATE_H
#define FT_SCSIPORT_SCSIPORT_STATE_H

#include <stdint.h>

enum {
    FT_DISKS_MAX = 4,         /* units that the class driver has a device for */
    FT_MEDIA_CHUNKS_MAX = 32, /* of a unit's medium: SIM_MEDIA_BLOCKS / FT_MEDIA_CHUNK_BLOCKS */
    FT_MEDIA_CHUNK_BLOCKS = 8
};

struct ft_scsiport_state {
    void *inits;    /* the first struct ft_scsi_init, in the order of ScsiPortInitialize */
    void *adapters; /* the first struct ft_scsi_adapter, in creation order */
    /* What the media hold where they were written; NULL: a chunk that never was. */
    void *media[FT_DISKS_MAX][FT_MEDIA_CHUNKS_MAX];
    void *disk[FT_DISKS_MAX]; /* DEVICE_OBJECT of the class driver; NULL: no such unit (now) */
    void *disk_driver;        /* its DRIVER_OBJECT, NULL: not made yet */
    /* What the disks must hold (disk_ledger.c). */
    void *disk_writes;     /* every write so far, the youngest first */
    uint32_t disk_moments; /* counted so far */
    uint32_t disk_versions;
    uint8_t disks_arrived; /* the scan is over: disk#0 may be opened */
    uint8_t next_how;      /* how the class driver sends its next request (op DISK_NEXT) */
    uint8_t adapters_made; /* number of the next one's name */
    uint8_t unused[5];
    uint8_t in_routine[32]; /* the miniport's routine that each task runs, enum ft_routine */
};

#endif
