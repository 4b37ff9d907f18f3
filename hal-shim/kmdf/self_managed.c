/* Self-managed I/O (kmdf.md, section 4.12): a table of states and events. What has no row is
 * dropped. */
#include "kmdf/pnp_private.h"

enum callback { NO_CALLBACK, INIT, SUSPEND, RESTART, FLUSH, CLEANUP };

static const struct {
    uint8_t state, event;
    uint8_t callback;
    uint8_t next, failed;
} rows[] = {
    {FT_WDF_SMIO_CREATED, FT_WDF_SMIO_START, INIT, FT_WDF_SMIO_STARTED, FT_WDF_SMIO_INIT_FAILED},
    {FT_WDF_SMIO_CREATED, FT_WDF_SMIO_FLUSH, NO_CALLBACK, FT_WDF_SMIO_CREATED, 0},
    {FT_WDF_SMIO_CREATED, FT_WDF_SMIO_CLEANUP, NO_CALLBACK, FT_WDF_SMIO_FINAL, 0},
    {FT_WDF_SMIO_INIT_FAILED, FT_WDF_SMIO_SUSPEND, NO_CALLBACK, FT_WDF_SMIO_INIT_FAILED, 0},
    {FT_WDF_SMIO_INIT_FAILED, FT_WDF_SMIO_FLUSH, FLUSH, FT_WDF_SMIO_FLUSHED, 0},
    {FT_WDF_SMIO_STARTED, FT_WDF_SMIO_SUSPEND, SUSPEND, FT_WDF_SMIO_STOPPED, FT_WDF_SMIO_FAILED},
    {FT_WDF_SMIO_STOPPED, FT_WDF_SMIO_START, RESTART, FT_WDF_SMIO_STARTED, FT_WDF_SMIO_FAILED},
    {FT_WDF_SMIO_STOPPED, FT_WDF_SMIO_SUSPEND, NO_CALLBACK, FT_WDF_SMIO_STOPPED, 0},
    {FT_WDF_SMIO_STOPPED, FT_WDF_SMIO_FLUSH, FLUSH, FT_WDF_SMIO_FLUSHED, 0},
    {FT_WDF_SMIO_FAILED, FT_WDF_SMIO_SUSPEND, NO_CALLBACK, FT_WDF_SMIO_FAILED, 0},
    {FT_WDF_SMIO_FAILED, FT_WDF_SMIO_FLUSH, FLUSH, FT_WDF_SMIO_FLUSHED, 0},
    {FT_WDF_SMIO_FLUSHED, FT_WDF_SMIO_START, RESTART, FT_WDF_SMIO_STARTED, FT_WDF_SMIO_FAILED},
    {FT_WDF_SMIO_FLUSHED, FT_WDF_SMIO_FLUSH, NO_CALLBACK, FT_WDF_SMIO_FLUSHED, 0},
    {FT_WDF_SMIO_FLUSHED, FT_WDF_SMIO_CLEANUP, CLEANUP, FT_WDF_SMIO_FINAL, 0},
};

static uint64_t call_status(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_DEVICE_SELF_MANAGED_IO_INIT)callback)(device);
}

static uint64_t call_void(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_SELF_MANAGED_IO_FLUSH)callback)(device);
    return 0;
}

/* In a critical region: the machine's lock is held. */
static NTSTATUS call(struct ft_wdf_pnp *pnp, enum callback which)
{
    const WDF_PNPPOWER_EVENT_CALLBACKS *evt = &pnp->callbacks;
    const struct {
        void *callback;
        enum ft_routine routine;
        ft_thunk *thunk;
    } calls[] = {
        [INIT] = {(void *)evt->EvtDeviceSelfManagedIoInit, FT_ROUTINE_WDF_SMIO_INIT, call_status},
        [SUSPEND] = {(void *)evt->EvtDeviceSelfManagedIoSuspend, FT_ROUTINE_WDF_SMIO_SUSPEND,
                     call_status},
        [RESTART] = {(void *)evt->EvtDeviceSelfManagedIoRestart, FT_ROUTINE_WDF_SMIO_RESTART,
                     call_status},
        [FLUSH] = {(void *)evt->EvtDeviceSelfManagedIoFlush, FT_ROUTINE_WDF_SMIO_FLUSH, call_void},
        [CLEANUP] = {(void *)evt->EvtDeviceSelfManagedIoCleanup, FT_ROUTINE_WDF_SMIO_CLEANUP,
                     call_void},
    };
    NTSTATUS status;

    if (which == NO_CALLBACK || !calls[which].callback)
        return STATUS_SUCCESS;
    KeEnterCriticalRegion();
    status = (NTSTATUS)ft_wdf_call(calls[which].routine, pnp->device, calls[which].thunk,
                                   calls[which].callback, pnp->device, NULL, NULL);
    KeLeaveCriticalRegion();
    return status;
}

NTSTATUS ft_wdf_smio(struct ft_wdf_pnp *pnp, enum ft_wdf_smio_event event)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        NTSTATUS status;

        if (rows[i].state != pnp->smio || rows[i].event != event)
            continue;
        status = call(pnp, rows[i].callback);
        pnp->smio = NT_SUCCESS(status) ? rows[i].next : rows[i].failed;
        return status;
    }
    return STATUS_SUCCESS;
}
