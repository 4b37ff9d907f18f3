/* A bench for the request engine of SCSI Port: an adapter and its units made by hand, a miniport
 * that notes its calls and does what the test says, and a sender of SRBs. DMA is not part of it: it
 * notes what the engine asks for.
 *
 * Notes: "start:1" (the first SRB that was sent), "isr", "timer", "reset:0" (the path), "enable",
 * "disable", "done:1:01" (its SRB status in hexadecimal), "flush", "map", "finish:1", "changed",
 * "event", "renew" (of WMI).
 */
#ifndef FT_ENGINE_BENCH_H
#define FT_ENGINE_BENCH_H

#include "world_bench.h"

#include "scsiport/engine.h"

enum { EB_UNITS = 3, EB_SRBS = 48, EB_SENSE_BYTES = 18 };

struct engine_bench {
    /* What the miniport does, after its note. NULL: StartIo completes with success and asks for the
     * next request; the others do nothing. */
    BOOLEAN (*start)(PSCSI_REQUEST_BLOCK srb);
    void (*interrupt)(void);
    void (*timer)(void);
    void (*reset)(ULONG path);
    void (*enable)(void);
    void (*disable)(void);
    void (*configure)(PPORT_CONFIGURATION_INFORMATION config);
    unsigned extensions; /* SRB extensions that there are, 0: enough */
    BOOLEAN refuse_dma;  /* channel or map registers never come */
    BOOLEAN hold_dma;    /* … come when the test says so */
    BOOLEAN sense_area;  /* the port has sense areas of its own */
    void (*describe)(struct ft_description *description);
    void (*body)(void); /* the test, in the class driver's layer */

    /* the bench's own */
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_unit *unit[EB_UNITS];
    PSCSI_REQUEST_BLOCK srb[EB_SRBS + 1]; /* from 1 */
    PIRP irp[EB_SRBS + 1];
    NTSTATUS status[EB_SRBS + 1];
    ULONG_PTR information[EB_SRBS + 1];
    UCHAR sense[EB_SRBS + 1][EB_SENSE_BYTES];
    PDEVICE_OBJECT unit_device[EB_UNITS];
    struct ft_scsi_request *waiting; /* for DMA */
    unsigned sent, extensions_used;
    PUCHAR registers;
};
extern struct engine_bench eb;

/* Runs how->body in a world of its own; the notes must be these, NULL: any. */
void eb_run(const struct engine_bench *how, const char *notes);

/* A new SRB for that unit, sent by nobody yet; its number is eb.sent. */
PSCSI_REQUEST_BLOCK eb_srb(UCHAR function, unsigned unit);
NTSTATUS eb_send(PSCSI_REQUEST_BLOCK srb);
/* Both: EXECUTE_SCSI with those flags. Returns its number. */
unsigned eb_execute(unsigned unit, ULONG flags);
NTSTATUS eb_function(UCHAR function, unsigned unit);
unsigned eb_number(const SCSI_REQUEST_BLOCK *srb);
bool eb_is_done(unsigned number);

/* For the miniport's routines. */
void eb_complete(PSCSI_REQUEST_BLOCK srb, UCHAR srb_status);
void eb_next(void);
void eb_next_lu(unsigned unit);

void eb_settle(void); /* until ISR and DPC have run */
void eb_seconds(unsigned seconds);
void eb_line(void); /* the HBA interrupts */

#endif
