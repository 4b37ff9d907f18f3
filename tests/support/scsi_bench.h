/* A whole SCSI miniport for tests: every HwScsi routine is there, notes its call (wb_note) and
 * answers as the test wants.
 *
 * It drives the bench's PCI device (world_bench.h) and behind it, in its own memory only, targets
 * that answer INQUIRY. Unless a test takes HwScsiStartIo over, every request is completed at once,
 * by the processor, with success.
 *
 * Notes: "find", "init", "io:00" (the SRB's function in hex, of EXECUTE_SCSI "cdb:12": its
 * operation code; not noted: INQUIRY, unless SCSI_BENCH_NOTE_SCAN is set), "isr" (the device had
 * interrupted), "dma", "reset:0" (the path), "timer", "query", "stop", "restart", "boot", "run" (of
 * adapter control).
 */
#ifndef FT_SCSI_BENCH_H
#define FT_SCSI_BENCH_H

#include "world_bench.h"

#include <miniport.h>

#include <scsi.h>
#include <srb.h>

enum {
    SCSI_BENCH_NOTE_SCAN = 1, /* note INQUIRY too */
    SCSI_BENCH_NO_CONTROL = 2 /* HwScsiAdapterControl is NULL */
};

enum { SCSI_BENCH_INITIATOR = 7, SCSI_BENCH_TRANSFER = 0x10000, SCSI_BENCH_BREAKS = 16 };

/* What the miniport does in this run. Zero: one target, 0, with one unit; everything succeeds. */
struct scsi_bench {
    unsigned flags;
    uint8_t targets;          /* a bit for each target that is there; 0: target 0 */
    uint8_t luns;             /* units of each, 0: one */
    uint8_t not_supported;    /* a bit for each control type that it does not advertise */
    ULONG find_result;        /* of HwScsiFindAdapter; SP_RETURN_NOT_FOUND, 0: it is FOUND */
    BOOLEAN find_fails;       /* … then find_result counts even if it is 0 */
    BOOLEAN again;            /* what it says in Again, the first time */
    BOOLEAN initialize_fails; /* HwScsiInitialize returns FALSE */
    SCSI_ADAPTER_CONTROL_STATUS stop, restart; /* what those answer */

    void (*init)(PHW_INITIALIZATION_DATA data); /* changes it before ScsiPortInitialize */
    /* Changes the configuration before HwScsiFindAdapter returns; it is the bench's by then. */
    void (*configure)(PPORT_CONFIGURATION_INFORMATION config);
    /* In each routine, after its note. */
    void (*in)(enum ft_routine routine);
    /* Instead of what the bench does; NULL: the bench's. */
    BOOLEAN (*start_io)(PSCSI_REQUEST_BLOCK srb);
    BOOLEAN (*isr)(void);
    VOID (*dma_started)(void);
    BOOLEAN (*reset_bus)(ULONG path);
    VOID (*timer)(void);
    SCSI_ADAPTER_CONTROL_STATUS (*control)(SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters);
    /* Instead of ScsiPortInitialize and its result. */
    ULONG (*entry)(PVOID argument1, PVOID argument2, PHW_INITIALIZATION_DATA data);
    const struct sim_device_model *model; /* NULL: the bench's device */
    void (*describe)(struct ft_description *description);
    void (*adjust)(struct ft_platform *platform);

    /* the miniport's own */
    unsigned calls[FT_ROUTINE_COUNT];
    PVOID extension; /* HwDeviceExtension, since HwScsiFindAdapter */
    PUCHAR registers;
    ULONG status;                                /* of ScsiPortInitialize */
    char argument[32];                           /* ArgumentString; "" when there is none */
    PORT_CONFIGURATION_INFORMATION given, taken; /* config when it came, and when it went */
    ACCESS_RANGE range;                          /* the first one given */
    BOOLEAN fresh;           /* the device extension was all zeroes in the last HwScsiFindAdapter */
    SCSI_REQUEST_BLOCK last; /* SRB that HwScsiStartIo had last */
};
extern struct scsi_bench the_scsi;

enum { SCSI_BENCH_EXTENSION = 64 }; /* bytes of the device extension */

/* Sets the_scsi to *how and runs the ops in a world of their own. */
void scsi_bench_run(const struct scsi_bench *how, const struct ft_op *op, unsigned op_count);
/* The same, and the notes must be these. */
void scsi_bench_expect(const struct scsi_bench *how, const struct ft_op *op, unsigned op_count,
                       const char *notes);
int scsi_bench_entry(void *argument1, void *argument2);

/* What the bench's own HwScsiStartIo does: looks whether the unit is there, answers INQUIRY, and
 * says what became of it. */
UCHAR scsi_bench_answer(PSCSI_REQUEST_BLOCK srb);
/* Completes it with that status and asks for the next. */
void scsi_bench_complete(PSCSI_REQUEST_BLOCK srb, UCHAR srb_status);

ULONG scsi_bench_register(ULONG offset);
void scsi_bench_register_set(ULONG offset, ULONG value);

#endif
