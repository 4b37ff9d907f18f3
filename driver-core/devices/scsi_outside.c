/* What the world does to the disks of a SCSI bus. */
#include "scsi_disks.h"

bool scsi_outside(struct scsi_bus *bus, enum sim_outside what, unsigned unit)
{
    struct scsi_disk *disk;

    if (unit >= SCSI_TARGETS)
        return false;
    disk = &bus->disks[unit];
    switch (what) {
    case SIM_OUTSIDE_DISCONNECT:
        disk->leave = 1;
        return true;
    case SIM_OUTSIDE_GONE:
        scsi_pull(bus, unit);
        return true;
    case SIM_OUTSIDE_BACK:
        disk->gone = 0;
        return true;
    case SIM_OUTSIDE_CHECK:
        disk->answer = CHECK_CONDITION;
        return true;
    case SIM_OUTSIDE_BUSY:
        disk->answer = BUSY;
        return true;
    case SIM_OUTSIDE_QUEUE_FULL:
        disk->answer = QUEUE_FULL;
        return true;
    case SIM_OUTSIDE_PARITY:
        disk->spoil = 1;
        return true;
    case SIM_OUTSIDE_STUCK:
        disk->stuck = 1;
        return true;
    case SIM_OUTSIDE_SHORT:
        disk->cut = 1;
        return true;
    case SIM_OUTSIDE_DROP:
        disk->drop = 1;
        return true;
    case SIM_OUTSIDE_UNKNOWN_TAG:
        disk->stray = 1;
        return true;
    default:
        return false;
    }
}
