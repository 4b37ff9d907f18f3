/* One of everything that a KMDF driver can have, made by a whole driver (wdf_bench.h) in a run of
 * its own, and a call of the test's made at one of the places where drivers call the framework.
 *
 * The rows of proofs_*.def are such calls (proof_rows.h). The things below are ready when the call
 * is made: at P_ENTRY the driver object alone, at P_INIT the device's init structure besides, at
 * P_REQUIREMENTS the requirements, and from P_DEVICE on all but a request.
 */
#ifndef FT_PROOF_BENCH_H
#define FT_PROOF_BENCH_H

#include "wdf_bench.h"

#include <stdint.h>

enum argument {
    A_ZERO,
    A_ONE,
    A_ROUTINE,
    A_BUFFER,
    A_INIT,
    A_INIT_PLACE,
    A_DRIVER,
    A_DRIVER_OBJECT,
    A_DEVICE,
    A_DEVICE_OBJECT,
    A_OBJECT,
    A_QUEUE,
    A_LOCKED,
    A_REQUEST,
    A_IRP,
    A_MDL,
    A_FILE,
    A_FILE_OBJECT,
    A_INTERRUPT,
    A_ENABLER,
    A_TX,
    A_COMMON,
    A_TIMER,
    A_DPC,
    A_WORK,
    A_MEMORY,
    A_BOUND_MEMORY,
    A_LOOKASIDE,
    A_COLLECTION,
    A_STRING,
    A_KEY,
    A_SPIN,
    A_WAIT,
    A_RESOURCES,
    A_TARGET,
    A_REQUIREMENTS,
    A_LIST,
    A_PROPERTY, /* a WDF_DEVICE_PROPERTY_DATA without a key */
    A_NAME,     /* a UNICODE_STRING */
    A_WMI_PROVIDER,
    A_WMI_INSTANCE,
    A_CHILD_LIST,
    A_REMOTE, /* a remote I/O target that is not open */
    ARGUMENTS
};
extern uintptr_t ready[ARGUMENTS];

/* The same with their types. */
#define P_INIT_PTR       ((PWDFDEVICE_INIT)ready[A_INIT])
#define P_DRIVER         ((WDFDRIVER)ready[A_DRIVER])
#define P_DRIVER_OBJECT  ((PDRIVER_OBJECT)ready[A_DRIVER_OBJECT])
#define P_DEVICE         ((WDFDEVICE)ready[A_DEVICE])
#define P_DEVICE_OBJECT  ((PDEVICE_OBJECT)ready[A_DEVICE_OBJECT])
#define P_OBJECT         ((WDFOBJECT)ready[A_OBJECT])
#define P_QUEUE          ((WDFQUEUE)ready[A_QUEUE])  /* the default queue, parallel */
#define P_MANUAL         ((WDFQUEUE)ready[A_LOCKED]) /* manual, with a callback lock */
#define P_REQUEST        ((WDFREQUEST)ready[A_REQUEST])
#define P_IRP            ((PIRP)ready[A_IRP])
#define P_MDL            ((PMDL)ready[A_MDL])
#define P_FILE           ((WDFFILEOBJECT)ready[A_FILE])
#define P_FILE_OBJECT    ((PFILE_OBJECT)ready[A_FILE_OBJECT])
#define P_INTERRUPT      ((WDFINTERRUPT)ready[A_INTERRUPT])
#define P_ENABLER        ((WDFDMAENABLER)ready[A_ENABLER]) /* scatter/gather, version 2 */
#define P_TX             ((WDFDMATRANSACTION)ready[A_TX])
#define P_COMMON         ((WDFCOMMONBUFFER)ready[A_COMMON])
#define P_TIMER          ((WDFTIMER)ready[A_TIMER])
#define P_DPC            ((WDFDPC)ready[A_DPC])
#define P_WORK           ((WDFWORKITEM)ready[A_WORK])
#define P_MEMORY         ((WDFMEMORY)ready[A_MEMORY]) /* PROOF_BYTES of pool */
#define P_BOUND_MEMORY   ((WDFMEMORY)ready[A_BOUND_MEMORY])
#define P_LOOKASIDE      ((WDFLOOKASIDE)ready[A_LOOKASIDE])
#define P_COLLECTION     ((WDFCOLLECTION)ready[A_COLLECTION])
#define P_STRING         ((WDFSTRING)ready[A_STRING])
#define P_KEY            ((WDFKEY)ready[A_KEY]) /* …\Services, for everything */
#define P_SPIN           ((WDFSPINLOCK)ready[A_SPIN])
#define P_WAIT           ((WDFWAITLOCK)ready[A_WAIT])
#define P_RESOURCES      ((WDFCMRESLIST)ready[A_RESOURCES])
#define P_TARGET         ((WDFIOTARGET)ready[A_TARGET])
#define P_REQUIREMENTS_H ((WDFIORESREQLIST)ready[A_REQUIREMENTS])
#define P_LIST           ((WDFIORESLIST)ready[A_LIST])

/* What a row needs besides its call, while rows make allocations fail one after the other. */
unsigned proof_spare_begin(void);
void proof_spare_end(unsigned armed);
#define SPARED(expression)                                                                         \
    ({                                                                                             \
        unsigned armed_ = proof_spare_begin();                                                     \
        __auto_type made_ = (expression);                                                          \
        proof_spare_end(armed_);                                                                   \
        made_;                                                                                     \
    })

enum { PROOF_BYTES = 4096 };
extern unsigned char proof_buffer[PROOF_BYTES]; /* zeroed before each run */

/* Where the call is made. */
enum proof_place {
    P_ENTRY,        /* in DriverEntry, before WdfDriverCreate; the row may make it instead */
    P_INIT,         /* in EvtDriverDeviceAdd, before WdfDeviceCreate */
    P_ADD,          /* in EvtDriverDeviceAdd, after it */
    P_REQUIREMENTS, /* in EvtDeviceFilterAddResourceRequirements */
    P_PREPARE,      /* in EvtDevicePrepareHardware */
    P_READ,         /* in EvtIoRead: 64 bytes, direct I/O */
    P_WRITE,        /* in EvtIoWrite: the same */
    P_BUFFERED,     /* in EvtIoDeviceControl: 64 bytes each way */
    P_IN_DIRECT,
    P_OUT_DIRECT,
    P_NEITHER
};
enum { PROOF_LENGTH = 64 }; /* of these requests */

struct proof_run {
    enum proof_place place;
    void (*call)(void);
    bool leave_request;     /* nobody completes it afterwards */
    struct wdf_bench bench; /* what else the driver does; init, add and in are the bench's */
};
void proof_run(const struct proof_run *run);

#endif
