/* A bench for enablers, transactions and common buffers alone: a framework device without a driver
 * behind it, on the bench for DMA version 3 (tests/dma/v3_bench.h). What the device's driver would
 * do in EvtProgramDma stands in struct wd: it programs the "device", which moves the bytes at once,
 * and completes the fragment.
 */
#ifndef FT_DMA_FRAMEWORK_H
#define FT_DMA_FRAMEWORK_H

#include "../dma/v3_bench.h"
#include "kmdf/dma_objects.h"

/* How EvtProgramDma completes a fragment. */
enum wd_complete {
    WD_LATER, /* it does not: the body does */
    WD_PLAIN,
    WD_LENGTH, /* with wd.length */
    WD_FINAL   /* with wd.length */
};

struct wd {
    struct ft_wdf_device *device;
    WDFDMAENABLER enabler;
    WDFDMATRANSACTION tx;
    WDF_DMA_ENABLER_CONFIG config;

    enum wd_complete complete;
    size_t length;
    bool idle_device; /* the device moves nothing */

    /* what was seen */
    unsigned programs, reserved, done_calls, configured;
    size_t bytes, last_length; /* of all lists, of the last */
    ULONG elements;            /* of the last list */
    SCATTER_GATHER_ELEMENT first;
    BOOLEAN result; /* of the last completion, and its status */
    NTSTATUS status;
    DMA_COMPLETION_STATUS done_status;
    BOOLEAN configure_answer;

    struct v3 v; /* buffer, MDLs; v.b.device is the functional device object */
};
extern struct wd wd;

/* The machine of all these runs grants version 3. */
void wd_describe(struct ft_description *description);
/* Runs a body on that preset. */
void wd_run(enum ft_platform_name preset, void (*body)(void));
void wd_run_all(void (*body)(void)); /* on every preset */
/* The same; the run must end with bug check 0x10D and that first parameter. */
void wd_run_violation(void (*body)(void), unsigned parameter);
/* … with any bug check. */
void wd_run_bugcheck(void (*body)(void), unsigned code);

/* Makes the device; then an enabler of wd.config, which the body may change between. */
void wd_device(void);
void wd_config(WDF_DMA_PROFILE profile, size_t maximum);
NTSTATUS wd_enabler(void);
/* All of it, and a transaction. */
void wd_open(WDF_DMA_PROFILE profile, size_t maximum);
/* The same with DMA version 3. */
void wd_open_3(WDF_DMA_PROFILE profile, size_t maximum);
NTSTATUS wd_transaction(void);

/* Initializes the transaction for the whole of the buffer in wd.v. */
NTSTATUS wd_initialize(WDF_DMA_DIRECTION direction);
/* … and executes it. */
NTSTATUS wd_execute(WDF_DMA_DIRECTION direction);
unsigned wd_state(void);
/* Completes the fragment as wd.complete says. */
void wd_complete_fragment(void);
EVT_WDF_PROGRAM_DMA wd_program;
EVT_WDF_RESERVE_DMA wd_reserve;

#endif
