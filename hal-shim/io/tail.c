/* The orderly end of a run (design, section 9), one step each time the machine is quiet. Between
 * two steps the world lets the clock run while something is outstanding, up to a limit: that is the
 * fair drain.
 *
 * First of all the device becomes honest. Steps: the machine wakes; a device that was pulled is
 * reported so; power up; restart; cancel; clean up; a device that still holds requests is pulled;
 * close; remove; unload. Each step is taken for both devices of a driver that has two before the
 * next one.
 */
#include "io/io_private.h"

enum { HANG_REQUESTS = 2, PATIENCE = 300000000 /* 30 s in 100 ns */ };

static bool become_honest(void)
{
    bool changed = false;

    FT_IO->honest = 1;
    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        device->hostile_armed = 0;
        ft_lower_honest();
        changed = ft_power_services_end() || changed;
        changed = ft_power_go_on() || changed;
        ft_focus_back(was);
    }
    return ft_interrupt_honest() || changed;
}

/* Something will come due when the clock runs. */
static bool clock_has_work(void)
{
    bool work = false;

    for (unsigned i = 0; i < FT_TIMERS_MAX; i++)
        work = work || (FT_M->timer[i].timer && !FT_M->timer[i].pending);
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        work = work || (task->state == FT_TS_WAIT && task->deadline != 0);
    }
    return work;
}

static bool any_power_busy(void)
{
    bool busy = false;

    FT_EACH_DEVICE(device) {
        struct ft_focus was = ft_focus_on(device);

        busy = busy || ft_power_busy();
        ft_focus_back(was);
    }
    return busy;
}

/* A PnP or power request that the driver holds back may wait for requests that only a cancel will
 * end, and so may a thread that closes a handle. Their requester gives up when nothing else can
 * come, or after 30 s. */
static bool give_up(void)
{
    bool patient = clock_has_work() && FT_M->now - FT_M->tail_began < PATIENCE;

    if (!(FT_IO->manager_busy || any_power_busy() || ft_handle_closing()) || FT_IO->gave_up ||
        patient || ft_io_outstanding() == 0)
        return false;
    FT_IO->gave_up = 1;
    ft_requests_cancel_all();
    return true;
}

bool ft_tail_at_quiet(void)
{
    return (!FT_IO->honest && become_honest()) || give_up();
}

static bool report_removal(void)
{
    return FT_DEV->yanked && ft_manager_submit(FT_OP_SURPRISE_REMOVE, 0, NULL);
}

static bool wake(void)
{
    return ft_manager_submit(FT_OP_WAKE, 0, NULL);
}

static bool power_up(void)
{
    return !FT_DEV->yanked && ft_power_op(FT_OP_POWER_UP, 0, 0);
}

static bool restart(void)
{
    return !FT_DEV->yanked && ft_manager_submit(FT_OP_RESTART, 0, NULL);
}

static bool cancel_requests(void)
{
    if (ft_io_outstanding() == 0 || FT_DEV->number != 0)
        return false;
    ft_requests_cancel_all();
    return true;
}

static void clean_up(void *unused)
{
    (void)unused;
    ft_handles_clean_up();
}

static void close_handle(void *unused)
{
    (void)unused;
    ft_handles_close();
}

static bool spawn(ft_task_fn *fn)
{
    ft_task_for_device(ft_task_spawn(FT_TASK_THREAD, fn, NULL, 0));
    return true;
}

/* After a REMOVE there is nobody left to send CLEANUP and CLOSE to. */
static bool handle_is_open(void)
{
    return FT_DEV->open && FT_DEV->pnp != FT_PNP_REMOVED;
}

static bool clean_up_handle(void)
{
    return handle_is_open() && spawn(clean_up);
}

/* Its user gives a device that swallows requests a last chance. */
static bool pull_if_stuck(void)
{
    return ft_device_outstanding() > 0 && ft_manager_submit(FT_OP_SURPRISE_REMOVE, 0, NULL);
}

/* CLOSE comes after the last request of the handle, and REMOVE after CLOSE; so requests that are
 * never done end the run here. */
static bool close_or_hang(void)
{
    if (ft_io_outstanding() > 0) {
        ft_emit(FT_EV_RUN_HANG, HANG_REQUESTS);
        ft_stop(FT_STOP_HANG);
        return false;
    }
    return handle_is_open() && spawn(close_handle);
}

static bool remove_device(void)
{
    return ft_manager_submit(FT_WORK_TAIL_REMOVE, 0, NULL);
}

static uint64_t call_unload(void *routine, void *driver, void *unused, void *unused2)
{
    (void)unused;
    (void)unused2;
    ((PDRIVER_UNLOAD)routine)(driver);
    return 0;
}

static unsigned devices_left(const DRIVER_OBJECT *driver)
{
    unsigned count = 0;

    for (PDEVICE_OBJECT device = driver->DeviceObject; device; device = device->NextDevice)
        count++;
    return count;
}

static void unload(void *unused)
{
    PDRIVER_OBJECT driver = FT_IO->driver;

    (void)unused;
    ft_call_routine((void *)driver->DriverUnload, FT_ROUTINE_UNLOAD, ft_block_handle(driver), 0, 0,
                    call_unload, (void *)driver->DriverUnload, driver, NULL, NULL);
    FT_IO->unloaded = 1;
    ft_emit(FT_EV_DRIVER_UNLOADED, devices_left(driver));
}

/* A driver without DriverUnload stays loaded. */
static bool unload_driver(void)
{
    PDRIVER_OBJECT driver = FT_IO->driver;

    return FT_IO->entered && !FT_IO->unloaded && driver->DriverUnload && spawn(unload);
}

static bool (*const steps[])(void) = {
    wake,          report_removal, power_up,      restart,       cancel_requests, clean_up_handle,
    pull_if_stuck, close_or_hang,  remove_device, unload_driver,
};

/* Steps of the machine do nothing the second time. */
static bool take_step(unsigned step)
{
    unsigned devices = FT_IO->second ? FT_DESCRIPTION_DEVICES_MAX : 1;
    struct ft_focus was = ft_focus_on(ft_device_numbered(step % devices));
    bool taken = steps[step / devices]();

    ft_focus_back(was);
    return taken;
}

bool ft_io_tail_step(void)
{
    unsigned count =
        sizeof steps / sizeof *steps * (FT_IO->second ? FT_DESCRIPTION_DEVICES_MAX : 1);

    while (FT_M->tail_step < count && FT_M->stop == FT_STOP_NONE)
        if (take_step(FT_M->tail_step++))
            return true;
    return false;
}
