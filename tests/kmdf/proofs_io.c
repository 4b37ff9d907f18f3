/* Queues, requests, files and I/O targets (proofs_io.def). */
#include "proof_bench.h"

#include "kmdf/requests.h"

#include <string.h>

static VOID handle(WDFQUEUE queue, WDFREQUEST request)
{
    (void)queue;
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static VOID changed(WDFQUEUE queue, WDFCONTEXT context)
{
    CHECK(queue != NULL);
    *(int *)context += 1;
}
static int changes;

static VOID cancelled(WDFREQUEST request)
{
    WdfRequestComplete(request, STATUS_CANCELLED);
}

static VOID completed(WDFREQUEST request, WDFIOTARGET target, PWDF_REQUEST_COMPLETION_PARAMS params,
                      WDFCONTEXT context)
{
    (void)target;
    (void)params;
    (void)context;
    WdfRequestComplete(request, WdfRequestGetStatus(request));
}

static PWDF_IO_QUEUE_CONFIG queue_config(WDF_IO_QUEUE_DISPATCH_TYPE type, ULONG cut)
{
    static WDF_IO_QUEUE_CONFIG config;

    WDF_IO_QUEUE_CONFIG_INIT(&config, type);
    config.Size -= cut;
    if (type != WdfIoQueueDispatchManual)
        config.EvtIoDefault = handle;
    return &config;
}

static WDFQUEUE new_queue(WDF_IO_QUEUE_DISPATCH_TYPE type)
{
    WDFQUEUE queue = NULL;

    CHECK(SPARED(WdfIoQueueCreate(P_DEVICE, queue_config(type, 0), NULL, &queue)) ==
          STATUS_SUCCESS);
    changes = 0;
    return queue;
}

static WDFQUEUE manual(void)
{
    return new_queue(WdfIoQueueDispatchManual);
}

#define SET_IN(config, member, value)                                                              \
    ({                                                                                             \
        __auto_type config_ = (config);                                                            \
        config_->member = (value);                                                                 \
        config_;                                                                                   \
    })

/* The row's request, waiting in that manual queue. */
static WDFQUEUE waiting_in(WDFQUEUE queue)
{
    CHECK(WdfRequestForwardToIoQueue(P_REQUEST, queue) == STATUS_SUCCESS);
    return queue;
}

/* … and back with the driver. */
static bool back_from(WDFQUEUE queue, bool shown)
{
    WDFREQUEST request = NULL;

    CHECK(WdfIoQueueRetrieveNextRequest(queue, &request) == STATUS_SUCCESS && request == P_REQUEST);
    return shown;
}

/* ---- requests of the driver's own ---- */

static WDFREQUEST own_request(void)
{
    WDFREQUEST request = NULL;

    CHECK(SPARED(WdfRequestCreate(NULL, P_TARGET, &request)) == STATUS_SUCCESS);
    return request;
}

/* The same without an IRP. */
static WDFREQUEST bare_request(void)
{
    WDFREQUEST request = NULL;

    CHECK(SPARED(WdfRequestCreate(NULL, NULL, &request)) == STATUS_SUCCESS);
    return request;
}

/* What the bus driver answers to requests that it does not know. */
static const NTSTATUS below_says = STATUS_INVALID_DEVICE_REQUEST;

static WDF_MEMORY_DESCRIPTOR described_;

static PWDF_MEMORY_DESCRIPTOR described(void)
{
    WDF_MEMORY_DESCRIPTOR_INIT_BUFFER(&described_, proof_buffer, PROOF_LENGTH);
    return &described_;
}

static PWDF_REQUEST_SEND_OPTIONS options(ULONG flags, ULONG cut)
{
    static WDF_REQUEST_SEND_OPTIONS made;

    WDF_REQUEST_SEND_OPTIONS_INIT(&made, flags);
    made.Size -= cut;
    return &made;
}

static WDFMEMORY_OFFSET beyond = {.BufferOffset = PROOF_BYTES, .BufferLength = 1};

/* EvtProgramDma of a device that is never done. */
static BOOLEAN never_programs(WDFDMATRANSACTION tx, WDFDEVICE device, WDFCONTEXT context,
                              WDF_DMA_DIRECTION direction, PSCATTER_GATHER_LIST list)
{
    (void)tx, (void)device, (void)context, (void)direction, (void)list;
    return TRUE;
}

/* An IRP without the stack location that the target needs. */
static WDFREQUEST small_request(void)
{
    static WDFREQUEST request;

    CHECK(SPARED(WdfRequestCreateFromIrp(NULL, SPARED(IoAllocateIrp(1, FALSE)), TRUE, &request)) ==
          STATUS_SUCCESS);
    ((struct ft_wdf_request *)request)->irp->CurrentLocation = 1;
    return request;
}

#define PROOFS "proofs_io.def"
#include "proof_rows.h"
