/* What the world does to the disks of a SCSI bus, and what it gets to know of them. */
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

static bool is_there(const struct scsi_command *command)
{
    return command->stage != SCSI_FREE && command->stage != SCSI_DONE;
}

void scsi_tell(struct sim_device *device, struct scsi_bus *bus)
{
    for (unsigned i = 0; i < SCSI_TARGETS * SCSI_COMMANDS; i++) {
        struct scsi_command *command = &bus->disks[i / SCSI_COMMANDS].commands[i % SCSI_COMMANDS];
        uint32_t where = i / SCSI_COMMANDS << 8 | command->lun;

        if (is_there(command) == (command->told != 0))
            continue;
        command->told = !command->told;
        sim_bus_tell(device, command->told ? SIM_BUS_TAKEN : SIM_BUS_OVER, where, command->cdb[0]);
    }
    if (bus->left != 0)
        sim_bus_tell(device, SIM_BUS_LEFT, (bus->left - 1u) << 8, 0);
    bus->left = 0;
}
