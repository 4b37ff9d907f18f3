/* An HBA with one disk for tests of DMA and of the class driver: a device model that moves blocks
 * between its medium and memory, and a miniport for it, on top of scsi_bench.h. The miniport does
 * as it should, but for what the test changes.
 *
 * Notes besides those of scsi_bench.h: "outside" (the model is told something).
 */
#ifndef FT_DISK_HBA_H
#define FT_DISK_HBA_H

#include "scsi_bench.h"

enum disk_hba_kind {
    DISK_HBA_SLAVE, /* on channel 1 of the system DMA controller */
    DISK_HBA_MASTER,
    DISK_HBA_PIO /* the processor copies */
};

/* What the test changes. Zero: nothing. */
struct disk_hba {
    uint8_t kind;
    uint8_t tagged, cached; /* configuration */
    ULONG transfer;         /* MaximumTransferLength, 0: 64 KiB */
    ULONG srb_extension;    /* bytes */
    /* Instead of what the miniport does with a read or write, in HwScsiDmaStarted, and when the
     * device has interrupted. */
    void (*start)(PSCSI_REQUEST_BLOCK srb);
    void (*started)(void);
    void (*interrupted)(void);
    void (*command)(PSCSI_REQUEST_BLOCK srb);  /* any SRB but INQUIRY, before all else */
    BOOLEAN (*other)(PSCSI_REQUEST_BLOCK srb); /* no read or write: TRUE when it was dealt with */
    void (*configure)(PPORT_CONFIGURATION_INFORMATION config);
    void (*in)(enum ft_routine routine);
    void (*adjust)(struct ft_platform *platform);
    ULONG skew; /* the device takes that many blocks further on */

    /* the miniport's own */
    PSCSI_REQUEST_BLOCK srb; /* under way */
    unsigned tries;          /* reads and writes that it got */
};
extern struct disk_hba hba;

void disk_hba_run(const struct disk_hba *how, const struct ft_op *op, unsigned op_count);

/* For the test's own routines. */
void disk_hba_map(void);             /* all of hba.srb */
void disk_hba_go(void);              /* the device moves hba.srb's data */
void disk_hba_end(UCHAR srb_status); /* completes hba.srb, asks for the next */
ULONG disk_hba_block(const SCSI_REQUEST_BLOCK *srb);
BOOLEAN disk_hba_is_write(const SCSI_REQUEST_BLOCK *srb);

#endif
