/* Disk devices: one above each unit of the adapter that is a disk (the port tells of them by a
 * direct call, sim/choices.def).
 *
 * Not modelled: the PnP requests of a unit's stack, partitions, the reading of the first block and
 * of the capacity at the start. Every disk has SIM_MEDIA_BLOCKS blocks.
 */
#include "scsiport/disk.h"

struct ft_disk *ft_disk_at(unsigned index)
{
    PDEVICE_OBJECT device = index < FT_DISKS_MAX ? FT_SCSI->disk[index] : NULL;

    return device ? device->DeviceExtension : NULL;
}

void ft_disk_left(struct ft_disk *disk)
{
    ft_wake_waiters(disk, STATUS_SUCCESS, true);
}

/* What WMI and applications ask is the unit's to answer. */
FT_CLASS_ROUTINE
static NTSTATUS NTAPI pass_down(PDEVICE_OBJECT device, PIRP irp)
{
    const struct ft_disk *disk = device->DeviceExtension;

    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(disk->unit->pdo, irp);
}

/* The class driver's driver object; every disk of the run has the same. */
static PDRIVER_OBJECT class_driver(void)
{
    PDRIVER_OBJECT driver = FT_SCSI->disk_driver;

    if (driver)
        return driver;
    driver = ft_driver_create();
    driver->MajorFunction[IRP_MJ_READ] = ft_disk_transfer;
    driver->MajorFunction[IRP_MJ_WRITE] = ft_disk_transfer;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = pass_down;
    driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = pass_down;
    FT_SCSI->disk_driver = driver;
    return driver;
}

/* Which medium is the unit's: what its INQUIRY data says, else the order of the scan. */
static unsigned place_of(const struct ft_scsi_unit *unit)
{
    const INQUIRYDATA *data = &unit->inquiry;
    UCHAR last = data->ProductRevisionLevel[sizeof data->ProductRevisionLevel - 1];

    return last >= '0' && last < '0' + FT_DISKS_MAX ? last - '0' : unit->index;
}

void ft_disk_arrived(struct ft_scsi_unit *unit)
{
    enum { SCSI_1 = 1 };
    unsigned place = place_of(unit);
    PDEVICE_OBJECT device;
    struct ft_disk *disk;

    if (place >= FT_DISKS_MAX || FT_SCSI->disk[place] ||
        unit->inquiry.DeviceType != DIRECT_ACCESS_DEVICE)
        return;
    device =
        ft_device_create(class_driver(), sizeof *disk, FILE_DEVICE_DISK, FILE_DEVICE_SECURE_OPEN);
    if (!device) {
        ft_io_cut();
        return;
    }
    disk = device->DeviceExtension;
    disk->device = device;
    disk->unit = unit;
    disk->index = (uint8_t)place;
    disk->tagged = unit->inquiry.CommandQueue;
    disk->bus_master = unit->adapter->master;
    disk->short_cdb = unit->inquiry.Versions <= SCSI_1;
    device->Flags |= DO_DIRECT_IO;
    device->AlignmentRequirement = unit->pdo->AlignmentRequirement;
    ft_device_attach(device, unit->pdo);
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    FT_SCSI->disk[place] = device;
    unit->claimed = 1;
    FT_SCSI->disks_arrived = 1;
}

static struct ft_disk *disk_of(const struct ft_scsi_unit *unit)
{
    for (unsigned i = 0; i < FT_DISKS_MAX; i++)
        if (ft_disk_at(i) && ft_disk_at(i)->unit == unit)
            return ft_disk_at(i);
    return NULL;
}

/* In the port's PnP task, at PASSIVE_LEVEL. */
void ft_disk_departed(struct ft_scsi_unit *unit)
{
    struct ft_disk *disk = disk_of(unit);

    if (!disk)
        return;
    disk->gone = 1;
    while (disk->works > 0 || disk->srbs)
        ft_task_wait(disk, 0);
    FT_SCSI->disk[disk->index] = NULL;
    unit->claimed = 0;
    IoDetachDevice(unit->pdo);
    IoDeleteDevice(disk->device);
}
