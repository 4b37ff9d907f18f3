/* A whole KMDF driver for tests: every callback is registered, notes its name (wb_note) and answers
 * as the test wants.
 *
 * Notes, in the order of FT_ROUTINES: "add", "unload", "prepare", "release", "d0-entry:d3f" (the
 * other state behind the colon: d0 to d3, d3f, hib), "d0-post:…", "d0-exit:…", "d0-pre:…", "init",
 * "suspend", "restart", "flush", "cleanup" (of self-managed I/O), "surprise", "query-remove",
 * "query-stop", "usage:1", "relations", "arm-s0", …, "isr", "dpc", "work", "int-on", "int-off"
 * (with a number behind when there is more than one interrupt), "fill", "dma-flush", "dma-on",
 * "dma-off", "dma-start", "dma-stop" (the same for enablers), "device-cleanup", "device-destroy",
 * "driver-cleanup", "driver-destroy", "read", "write", "control", "stop", "resume", "canceled".
 *
 * When WDF_BENCH_QUIET of `flags` is set, the notes of AddDevice and of the objects' ends are left
 * out.
 */
#ifndef FT_WDF_BENCH_H
#define FT_WDF_BENCH_H

#include "world_bench.h"

#include <ntddk.h>
#include <wdf.h>

enum { WDF_BENCH_INTERRUPTS = 4, WDF_BENCH_ENABLERS = 2 };
enum {
    WDF_BENCH_QUIET = 1,
    WDF_BENCH_INTERRUPTS_LATE = 2, /* made in EvtDevicePrepareHardware */
    WDF_BENCH_NOT_OWNER = 4        /* of the power policy */
};

/* What the driver does in this run. Zero: everything succeeds. Tests fill it before the run. */
struct wdf_bench {
    /* What a callback answers, and in which call of it (1: the first; 0: in every one). */
    NTSTATUS answer[FT_ROUTINE_COUNT];
    uint8_t when[FT_ROUTINE_COUNT];
    uint8_t without[FT_ROUTINE_COUNT]; /* callbacks that are not registered */
    unsigned flags;
    unsigned interrupts;                 /* how many to make */
    unsigned enablers;                   /* how many to make */
    void (*init)(PWDFDEVICE_INIT init);  /* before the device is made */
    NTSTATUS (*add)(WDFDEVICE device);   /* after it: queues, interfaces, settings */
    WDF_OBJECT_ATTRIBUTES *attributes;   /* of the device, NULL: callbacks that note */
    WDF_INTERRUPT_CONFIG *interrupt_how; /* NULL: ISR, DPC, Enable, Disable */
    /* In each callback, after its note. */
    void (*in)(enum ft_routine routine, WDFOBJECT object);
    void (*describe)(struct ft_description *description);
    void (*adjust)(struct ft_platform *platform);

    /* the driver's own */
    WDFDRIVER driver;
    WDFDEVICE device;
    WDFINTERRUPT interrupt[WDF_BENCH_INTERRUPTS];
    WDFDMAENABLER enabler[WDF_BENCH_ENABLERS];
    WDFCMRESLIST raw, translated; /* of the last EvtDevicePrepareHardware */
    unsigned calls[FT_ROUTINE_COUNT];
    PUCHAR registers; /* BAR 0, between EvtDevicePrepareHardware and EvtDeviceReleaseHardware */
};
extern struct wdf_bench the_wdf;

/* Sets the_wdf to *how and runs the ops in a world of their own. */
void wdf_bench_run(const struct wdf_bench *how, const struct ft_op *op, unsigned op_count);
int wdf_bench_entry(void *driver, void *path);

/* The same, and the notes must be these. */
void wdf_bench_expect(const struct wdf_bench *how, const struct ft_op *op, unsigned op_count,
                      const char *notes);

/* For callbacks of the test's own: notes, counts and says what to answer. */
NTSTATUS wdf_bench_met(enum ft_routine routine, WDFOBJECT object, const char *note);

ULONG wdf_bench_register(ULONG offset);
void wdf_bench_register_set(ULONG offset, ULONG value);

#endif
