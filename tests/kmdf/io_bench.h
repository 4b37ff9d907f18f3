/* A bench for queues, requests, files and I/O targets: a WDM driver (bench_driver.h) whose dispatch
 * routines hand every IRP to the framework's I/O part, for a framework device that the bench makes
 * by hand. No PnP or power machine of the framework takes part: the bench calls what they call.
 *
 * Notes: "done:" and a status in hexadecimal when an IRP of io_send comes back.
 */
#ifndef FT_IO_BENCH_H
#define FT_IO_BENCH_H

#include "bench_driver.h"

#include "kmdf/requests.h"

struct io_bench {
    void (*setup)(void);                           /* makes queues; as EvtDriverDeviceAdd would */
    void (*body)(void);                            /* once the device works, in START's thread */
    WDF_OBJECT_ATTRIBUTES *attributes;             /* of the device, NULL: none */
    void (*prepare)(struct ft_wdf_device *device); /* changes it before setup */
    WDF_DEVICE_IO_TYPE io_type;                    /* Undefined: direct */
    PDRIVER_DISPATCH lower; /* what other device objects of the driver do with requests */
    bool power;             /* power IRPs hold and start the queues */
    bool asleep;            /* queues are not started before the body */
    enum ft_stop stop;      /* FT_STOP_NONE: the run goes to its end */
};

extern struct ft_wdf_device *io_device;
#define IO_DEVICE ((WDFDEVICE)io_device)

void io_bench_run(const struct io_bench *how, const struct ft_op *op, unsigned op_count);
/* A body alone. */
void io_bench_body(void (*setup)(void), void (*body)(void));

/* Queues of the usual kinds; the handler gets every type of request. */
WDFQUEUE io_queue(WDF_IO_QUEUE_DISPATCH_TYPE type, PFN_WDF_IO_QUEUE_IO_DEFAULT handler);
WDFQUEUE io_default_queue(WDF_IO_QUEUE_DISPATCH_TYPE type, PFN_WDF_IO_QUEUE_IO_DEFAULT handler);

/* Sends an IRP of the body's own to the device: it goes through the framework, and notes how it
 * ended. The buffer is at least that long. */
enum { IO_BUFFER_BYTES = 4096 };
extern unsigned char io_buffer[IO_BUFFER_BYTES];
PIRP io_send(UCHAR major, ULONG bytes);
PIRP io_send_control(ULONG code, ULONG input, ULONG output);
PIRP io_send_file(UCHAR major, PFILE_OBJECT file); /* a read of 16 bytes, or what has no length */
/* How the last one that came back ended. */
extern IO_STATUS_BLOCK io_ended;

/* Runs `routine` in a thread of its own. */
void io_thread(void (*routine)(void));
/* Lets every other task run until nothing but the clock may step. */
void io_settle(void);

#endif
