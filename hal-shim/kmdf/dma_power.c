/* The six callbacks of enablers: the walks of kmdf.md, section 1.4.
 *
 * Up: Fill, Enable, SelfManagedIoStart of each enabler in creation order; the first failure ends
 * the walk. Down: SelfManagedIoStop, Disable, Flush of every enabler, in the same order, whatever
 * fails. An enabler on which Fill failed once gets no Disable and no Flush any more, one on which
 * Enable failed no Flush: nothing clears that (section 1.4). STATUS_PENDING is a success.
 */
#include "kmdf/dma_objects.h"

/* ---- the list, locked while callbacks run ---- */

static void unlink_enabler(struct ft_wdf_device *device, struct ft_wdf_enabler *enabler)
{
    struct ft_wdf_enabler **at = (struct ft_wdf_enabler **)&device->dma;

    while (*at && *at != enabler)
        at = &(*at)->next;
    if (*at)
        *at = enabler->next;
    enabler->listed = FT_ENABLER_NOT_LISTED;
}

void ft_wdf_enabler_join(struct ft_wdf_enabler *enabler)
{
    struct ft_wdf_enabler **at = (struct ft_wdf_enabler **)&enabler->object.device->dma;

    while (*at)
        at = &(*at)->next;
    *at = enabler;
    enabler->next = NULL;
    enabler->listed = enabler->object.device->dma_walks ? FT_ENABLER_JOINS : FT_ENABLER_LISTED;
}

/* One that leaves while callbacks run gets no more of them, and stays until they are over. */
void ft_wdf_enabler_leave(struct ft_wdf_enabler *enabler)
{
    struct ft_wdf_device *device = enabler->object.device;

    if (enabler->listed == FT_ENABLER_NOT_LISTED)
        return;
    if (device->dma_walks) {
        ft_wdf_object_refer(&enabler->object);
        enabler->listed = FT_ENABLER_LEAVES;
    } else {
        unlink_enabler(device, enabler);
    }
}

static void unlock_list(struct ft_wdf_device *device)
{
    struct ft_wdf_enabler *enabler = device->dma, *next;

    if (--device->dma_walks > 0)
        return;
    for (; enabler; enabler = next) {
        next = enabler->next;
        if (enabler->listed == FT_ENABLER_JOINS)
            enabler->listed = FT_ENABLER_LISTED;
        if (enabler->listed == FT_ENABLER_LEAVES) {
            unlink_enabler(device, enabler);
            ft_wdf_object_release(&enabler->object);
        }
    }
}

/* ---- callbacks ---- */

typedef NTSTATUS NTAPI enabler_callback(WDFDMAENABLER enabler);

static uint64_t call_thunk(void *a, void *b, void *c, void *d)
{
    (void)b;
    (void)c;
    return (uint32_t)((enabler_callback *)d)((WDFDMAENABLER)a);
}

static NTSTATUS call(enum ft_routine routine, struct ft_wdf_enabler *enabler,
                     enabler_callback *callback)
{
    if (!callback || enabler->listed != FT_ENABLER_LISTED)
        return STATUS_SUCCESS;
    return (NTSTATUS)ft_wdf_call(routine, enabler, call_thunk, enabler, NULL, NULL,
                                 (void *)callback);
}

static NTSTATUS enabler_up(struct ft_wdf_enabler *enabler)
{
    const WDF_DMA_ENABLER_CONFIG *config = &enabler->config;
    NTSTATUS status = call(FT_ROUTINE_WDF_DMA_FILL, enabler, config->EvtDmaEnablerFill);

    if (!NT_SUCCESS(status)) {
        enabler->fill_failed = 1;
        return status;
    }
    status = call(FT_ROUTINE_WDF_DMA_ENABLE, enabler, config->EvtDmaEnablerEnable);
    if (!NT_SUCCESS(status)) {
        enabler->enable_failed = 1;
        return status;
    }
    status = call(FT_ROUTINE_WDF_DMA_START, enabler, config->EvtDmaEnablerSelfManagedIoStart);
    if (!NT_SUCCESS(status))
        enabler->start_failed = 1;
    return status;
}

static void keep_first(NTSTATUS *first, NTSTATUS status)
{
    if (NT_SUCCESS(*first) && !NT_SUCCESS(status))
        *first = status;
}

static NTSTATUS enabler_down(struct ft_wdf_enabler *enabler)
{
    const WDF_DMA_ENABLER_CONFIG *config = &enabler->config;
    NTSTATUS first = STATUS_SUCCESS;

    keep_first(&first,
               call(FT_ROUTINE_WDF_DMA_STOP, enabler, config->EvtDmaEnablerSelfManagedIoStop));
    if (!enabler->fill_failed)
        keep_first(&first, call(FT_ROUTINE_WDF_DMA_DISABLE, enabler, config->EvtDmaEnablerDisable));
    if (!enabler->fill_failed && !enabler->enable_failed)
        keep_first(&first, call(FT_ROUTINE_WDF_DMA_FLUSH, enabler, config->EvtDmaEnablerFlush));
    return first;
}

/* ---- the walks ---- */

NTSTATUS ft_wdf_dma_up(struct ft_wdf_device *device)
{
    NTSTATUS status = STATUS_SUCCESS;

    ft_emit(FT_EV_WDF_DMA_UP, ft_wdf_handle(device), false, (uint32_t)status);
    device->dma_up = 1;
    device->dma_walks++;
    for (struct ft_wdf_enabler *e = device->dma; e && NT_SUCCESS(status); e = e->next)
        status = enabler_up(e);
    unlock_list(device);
    if (NT_SUCCESS(status))
        status = STATUS_SUCCESS;
    ft_emit(FT_EV_WDF_DMA_UP, ft_wdf_handle(device), true, (uint32_t)status);
    return status;
}

NTSTATUS ft_wdf_dma_down(struct ft_wdf_device *device)
{
    NTSTATUS first = STATUS_SUCCESS;

    ft_emit(FT_EV_WDF_DMA_DOWN, ft_wdf_handle(device), false, (uint32_t)first);
    device->dma_walks++;
    for (struct ft_wdf_enabler *e = device->dma; e; e = e->next)
        keep_first(&first, enabler_down(e));
    unlock_list(device);
    device->dma_up = 0;
    ft_emit(FT_EV_WDF_DMA_DOWN, ft_wdf_handle(device), true, (uint32_t)first);
    return first;
}
