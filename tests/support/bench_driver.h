/* A whole WDM driver for tests: it starts, stops, sleeps and goes as a driver should, notes what it
 * is told (wb_note), and answers as the test wants.
 *
 * Notes: "start", "stop", "remove", "d3" and so on when the request arrives; "create", "cleanup",
 * "close", "read", "write", "control"; "unload".
 */
#ifndef FT_BENCH_DRIVER_H
#define FT_BENCH_DRIVER_H

#include "world_bench.h"

#include <wdm.h>

/* What the driver does in this run. Zero: everything succeeds. Tests fill it before the run. */
struct bench_driver {
    /* answers; STATUS_SUCCESS: it goes well */
    NTSTATUS start, restart, query_remove, query_stop, create;
    BOOLEAN buffered, neither; /* I/O, else direct */
    PDRIVER_DISPATCH
    request; /* reads, writes and device control; NULL: complete at once with no bytes */
    PKSERVICE_ROUTINE isr; /* NULL: no interrupt is connected */
    /* A PnP request: true when it was dealt with and *status is what to return. */
    bool (*pnp)(PIRP irp, NTSTATUS *status);
    NTSTATUS (*power)(PIRP irp, PIO_STACK_LOCATION location); /* NULL: pass it down */
    ULONG flags;                                              /* more of the device object's */
    uint8_t windows;       /* below 60: PoStartNextPowerIrp is called; describe sets the same */
    void (*started)(void); /* called when START has gone well, before it completes */
    BOOLEAN no_unload;
    BOOLEAN accesses; /* as in the access flavour: ft_access counts */
    enum ft_platform_name platform;
    BOOLEAN device_auto;                  /* the device has no model */
    const struct sim_device_model *model; /* instead of the bench's own */
    void (*describe)(struct ft_description *description);
    NTSTATUS (*connect)(PCM_PARTIAL_RESOURCE_DESCRIPTOR part); /* connects instead of the driver */

    /* the driver's own */
    PDEVICE_OBJECT device, below;
    PUCHAR registers; /* BAR 0, NULL while not mapped */
    PKINTERRUPT interrupt;
    PVOID connection; /* of IoConnectInterruptEx instead, and its version */
    ULONG connected;
    ULONG vector;
    unsigned starts;
    CM_PARTIAL_RESOURCE_DESCRIPTOR raw[8], translated[8]; /* of the last START */
    ULONG resources;
    INTERFACE_TYPE bus;
};
extern struct bench_driver the_driver;

/* Sets the_driver to *how and runs the ops in a world of their own. */
void bench_driver_run(const struct bench_driver *how, const struct ft_op *op, unsigned op_count);
int bench_driver_entry(void *driver, void *path);

ULONG bench_register(ULONG offset);
void bench_register_set(ULONG offset, ULONG value);

/* Completes, and returns that status. */
NTSTATUS bench_complete(PIRP irp, NTSTATUS status, ULONG_PTR information);

NTSTATUS bench_pass_down(PIRP irp);

/* Requests for the_driver.request. */
NTSTATUS bench_hold(PDEVICE_OBJECT device, PIRP irp);    /* pends it until it is cancelled */
NTSTATUS bench_swallow(PDEVICE_OBJECT device, PIRP irp); /* pends it and forgets it */

#endif
