/* Two devices of one driver (struct ft_description.devices): what is whose, and who is meant.
 *
 * Of the machine: the driver (its globals, DriverEntry and DriverUnload), names, the processors,
 * memory and map registers, the PnP manager's one queue, system sleep, the end of the run.
 * Of a device: PDO and stack, PnP and device power state, its queue of power IRPs, handles and
 * requests, the resources (BARs, vectors, ports), the interrupt, the device model's state, what ops
 * have armed (late, lost and spurious interrupts, hostile reads, the driver below), children.
 * The latter is struct ft_io_device; rules keep theirs at the bottom of each stack.
 *
 * One device is in focus (FT_DEV). A task has its own, which it inherits from who made it; a
 * routine that is given a device object, an IRP of the system's or an address of the other device
 * moves the focus for its duration. Of a driver with one device all this does nothing.
 *
 * AddDevice is called for both devices before either is started, as for two functions that a bus
 * reports at one time. What the driver itself queues (DPCs, timers, work items, threads) belongs to
 * the device on whose behalf it was queued; a DPC that serves both has the header of the last one.
 */
#include "io/io_private.h"

#include <string.h>

static void point_to(struct ft_io_device *device)
{
    struct ft_task *task = ft_current();

    FT_M->io.at = device;
    if (task && FT_M->in_engine != FT_ENGINE_STEPPING)
        task->focus = device->number;
}

struct ft_focus ft_focus_on(struct ft_io_device *device)
{
    struct ft_task *task = ft_current();
    struct ft_focus was = {FT_M->io.at, task ? task->device : 0};

    if (device == was.at)
        return was;
    point_to(device);
    if (task)
        task->device = device->pdo_id;
    return was;
}

void ft_focus_back(struct ft_focus was)
{
    if (FT_M->io.at == was.at)
        return;
    point_to(was.at);
    if (ft_current())
        ft_current()->device = was.device;
}

void ft_focus_resume(const struct ft_task *task)
{
    if (FT_M->io.second)
        FT_M->io.at = ft_device_numbered(task->focus);
}

void ft_task_about(struct ft_task *task, unsigned number)
{
    if (!FT_M->io.second)
        return;
    task->focus = (uint8_t)number;
    task->device = ft_device_numbered(number)->pdo_id;
}

struct ft_io_device *ft_device_numbered(unsigned number)
{
    if (number == 0)
        return &FT_M->io.first;
    return number == 1 ? FT_M->io.second : NULL;
}

struct ft_io_device *ft_device_after(const struct ft_io_device *device)
{
    return device == &FT_M->io.first ? FT_M->io.second : NULL;
}

static bool stack_has(const struct ft_io_device *device, const void *object)
{
    for (PDEVICE_OBJECT at = device->pdo; at; at = at->AttachedDevice)
        if (at == object)
            return true;
    for (struct ft_child *child = device->children; child; child = child->next)
        for (PDEVICE_OBJECT at = child->pdo; at; at = at->AttachedDevice)
            if (at == object)
                return true;
    return false;
}

struct ft_io_device *ft_device_owning(const void *object)
{
    struct ft_io_device *other;

    if (!FT_M->io.second || !object)
        return FT_DEV;
    other = ft_device_numbered(!FT_DEV->number);
    return stack_has(other, object) ? other : FT_DEV;
}

struct ft_focus ft_focus_on_owner(PDEVICE_OBJECT object)
{
    return ft_focus_on(ft_device_owning(object));
}

bool ft_is_pdo(PDEVICE_OBJECT object)
{
    FT_EACH_DEVICE(device)
        if (object == device->pdo)
            return true;
    return false;
}

static void reset_device(struct ft_io_device *device)
{
    device->pnp = FT_PNP_NOT_STARTED;
    device->power = FT_D0;
    device->told_power = FT_D0;
}

void ft_devices_reset(unsigned count)
{
    struct ft_io_state *io = &FT_M->io;

    io->at = &io->first;
    reset_device(&io->first);
    if (count == 1)
        return;
    io->second = ft_block_alloc(sizeof *io->second, FT_HC_OTHER, 0);
    FT_ASSERT(io->second); /* the arena is fresh */
    io->second->number = 1;
    reset_device(io->second);
}
