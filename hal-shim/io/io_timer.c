/* The timer of a device object (nf-wdm-ioinitializetimer, -iostarttimer, -iostoptimer): once a
 * second, at DISPATCH_LEVEL. In Windows one clock ticks for all devices; here each has its own,
 * which begins with IoStartTimer.
 */
#include "io/io_private.h"

enum { INITIALIZED = 1, STARTED, STOPPED, TICK_MS = 1000 };

/* DeviceObject->Timer. The timer and its DPC are the I/O manager's. */
struct _IO_TIMER {
    KTIMER timer;
    KDPC dpc;
    PDEVICE_OBJECT device;
    PIO_TIMER_ROUTINE routine;
    PVOID context;
    BOOLEAN started;
};

static uint64_t call_timer(void *routine, void *device, void *context, void *unused)
{
    (void)unused;
    ((PIO_TIMER_ROUTINE)routine)(device, context);
    return 0;
}

static VOID tick(PKDPC dpc, PVOID context, PVOID unused, PVOID unused2)
{
    struct _IO_TIMER *timer = context;

    (void)dpc, (void)unused, (void)unused2;
    if (timer->started)
        ft_call_routine((void *)timer->routine, FT_ROUTINE_IO_TIMER, ft_handle_of(timer->device), 0,
                        0, call_timer, (void *)timer->routine, timer->device, timer->context, NULL);
}

bool ft_io_owns_dpc(const void *routine)
{
    return routine == (void *)tick;
}

static NTSTATUS initialize(PDEVICE_OBJECT device, PIO_TIMER_ROUTINE routine, PVOID context)
{
    struct _IO_TIMER *timer = device->Timer;
    uint8_t layer;

    if (!timer) {
        timer = ft_block_for_driver(sizeof *timer, FT_HC_OTHER, 0);
        if (!timer)
            return STATUS_INSUFFICIENT_RESOURCES;
        layer = ft_layer_set(FT_LAYER_SYSTEM);
        KeInitializeTimer(&timer->timer);
        KeInitializeDpc(&timer->dpc, tick, timer);
        ft_layer_set(layer);
        device->Timer = timer;
    }
    timer->device = device;
    timer->routine = routine;
    timer->context = context;
    return STATUS_SUCCESS;
}

NTSTATUS IoInitializeTimer(PDEVICE_OBJECT DeviceObject, PIO_TIMER_ROUTINE TimerRoutine,
                           PVOID Context)
{
    NTSTATUS status;

    FT_DDI_BEGIN(IO_TIMER, 0);
    status = initialize(DeviceObject, TimerRoutine, Context);
    ft_emit(FT_EV_IO_TIMER, ft_handle_of(DeviceObject), INITIALIZED);
    FT_DDI_END(IO_TIMER, 0);
    return status;
}

static void run(PDEVICE_OBJECT device, bool start)
{
    struct _IO_TIMER *timer = device->Timer;
    LARGE_INTEGER due = {.QuadPart = -10000LL * TICK_MS};
    uint8_t layer = ft_layer_set(FT_LAYER_SYSTEM);

    if (timer && timer->started != start) {
        timer->started = start;
        if (start)
            KeSetTimerEx(&timer->timer, due, TICK_MS, &timer->dpc);
        else
            KeCancelTimer(&timer->timer);
    }
    ft_layer_set(layer);
}

VOID IoStartTimer(PDEVICE_OBJECT DeviceObject)
{
    FT_DDI_BEGIN(IO_TIMER, 0);
    ft_emit(FT_EV_IO_TIMER, ft_handle_of(DeviceObject), STARTED);
    run(DeviceObject, true);
    FT_DDI_END(IO_TIMER, 0);
}

VOID IoStopTimer(PDEVICE_OBJECT DeviceObject)
{
    FT_DDI_BEGIN(IO_TIMER, 0);
    ft_emit(FT_EV_IO_TIMER, ft_handle_of(DeviceObject), STOPPED);
    run(DeviceObject, false);
    FT_DDI_END(IO_TIMER, 0);
}

/* The block stays: its DPC may wait to run. */
void ft_io_timer_remove(PDEVICE_OBJECT device)
{
    run(device, false);
}
