/* What the disks do with a command: the direct-access commands of SCSI-2 that a class driver needs.
 * A disk keeps sense data until it is asked for or the next command comes. */
#include "scsi_disks.h"

#include <string.h>

enum {
    TEST_UNIT_READY = 0x00,
    REZERO_UNIT = 0x01,
    REQUEST_SENSE = 0x03,
    READ_6 = 0x08,
    WRITE_6 = 0x0A,
    INQUIRY = 0x12,
    RESERVE = 0x16,
    RELEASE = 0x17,
    MODE_SENSE = 0x1A,
    START_STOP = 0x1B,
    READ_CAPACITY = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2A,
    VERIFY_10 = 0x2F,
    SYNCHRONIZE_CACHE = 0x35
};

enum { NOT_READY = 2, HARDWARE_ERROR = 4, ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };
enum {
    CODE_NOT_STARTED = 0x04,
    CODE_BAD_OPERATION = 0x20,
    CODE_OUT_OF_RANGE = 0x21,
    CODE_BAD_FIELD = 0x24,
    CODE_NO_UNIT = 0x25,
    CODE_INTERNAL_FAILURE = 0x44
};
enum { NEED_INITIALIZE = 2 }; /* qualifier of CODE_NOT_STARTED */

enum {
    INQUIRY_BYTES = 36,
    SENSE_BYTES = 18,
    CAPACITY_BYTES = 8,
    MODE_BYTES = 24,     /* header, block descriptor, caching page */
    MODE_BARE_BYTES = 16 /* without the block descriptor */
};
enum { PAGE_CACHING = 0x08, PAGE_ALL = 0x3F, NO_DESCRIPTOR = 0x08, START = 0x01 };

/* ---- what a CDB says ---- */

unsigned scsi_cdb_bytes(uint8_t first)
{
    switch (first >> 5) {
    case 0:
        return 6;
    case 5:
        return 12;
    default:
        return 10;
    }
}

static uint32_t big(const uint8_t *bytes, unsigned count)
{
    uint32_t value = 0;

    while (count-- != 0)
        value = value << 8 | *bytes++;
    return value;
}

bool scsi_writes(const struct scsi_command *command)
{
    return command->cdb[0] == WRITE_6 || command->cdb[0] == WRITE_10;
}

bool scsi_moves_blocks(const struct scsi_command *command)
{
    return scsi_writes(command) || command->cdb[0] == READ_6 || command->cdb[0] == READ_10;
}

/* ---- sense ---- */

void scsi_sense(struct scsi_disk *disk, struct scsi_command *command, uint8_t key, uint8_t code)
{
    disk->key = key;
    disk->code = code;
    command->status = CHECK_CONDITION;
    command->length = 0;
    command->stage = SCSI_ANSWERING;
}

/* Whether the command is refused before anybody looks at what it asks for. */
static bool refused(struct scsi_disk *disk, struct scsi_command *command)
{
    uint8_t operation = command->cdb[0];

    if (operation == INQUIRY || operation == REQUEST_SENSE)
        return false;
    disk->key = disk->code = 0;
    if (command->lun != 0) {
        scsi_sense(disk, command, ILLEGAL_REQUEST, CODE_NO_UNIT);
    } else if (disk->attention != 0) {
        scsi_sense(disk, command, UNIT_ATTENTION, disk->attention);
        disk->attention = 0;
    } else if (disk->answer == CHECK_CONDITION) {
        scsi_sense(disk, command, HARDWARE_ERROR, CODE_INTERNAL_FAILURE);
        disk->answer = 0;
    } else if (disk->answer == BUSY || (disk->answer == QUEUE_FULL && command->action != 0)) {
        command->status = disk->answer;
        disk->answer = 0;
    } else {
        return false;
    }
    return true;
}

/* ---- commands ---- */

/* The command needs the heads. */
static void use_heads(struct scsi_disk *disk, struct scsi_command *command)
{
    if (disk->stopped)
        scsi_sense(disk, command, NOT_READY, CODE_NOT_STARTED);
    else
        command->stage = SCSI_WAITING;
}

static void move_blocks(struct scsi_disk *disk, struct scsi_command *command, uint32_t block,
                        uint32_t blocks)
{
    if (block > SCSI_SECTORS || blocks > SCSI_SECTORS - block) {
        scsi_sense(disk, command, ILLEGAL_REQUEST, CODE_OUT_OF_RANGE);
        return;
    }
    command->block = block;
    command->length = blocks * SCSI_SECTOR;
    use_heads(disk, command);
}

/* Bytes from the disk's head, as many as the initiator has room for. */
static void say(struct scsi_command *command, uint32_t have, uint32_t room)
{
    command->length = have < room ? have : room;
    command->stage = command->length != 0 ? SCSI_MOVING : SCSI_ANSWERING;
}

static void mode_sense(struct scsi_disk *disk, struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint8_t page = cdb[2] & 0x3F;

    if (page != PAGE_CACHING && page != PAGE_ALL)
        scsi_sense(disk, command, ILLEGAL_REQUEST, CODE_BAD_FIELD);
    else
        say(command, cdb[1] & NO_DESCRIPTOR ? MODE_BARE_BYTES : MODE_BYTES, cdb[4]);
}

void scsi_begin(struct scsi_disk *disk, struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;

    command->status = GOOD;
    command->at = command->length = 0;
    command->stage = SCSI_ANSWERING;
    if (refused(disk, command))
        return;
    switch (cdb[0]) {
    case TEST_UNIT_READY:
        if (disk->stopped)
            scsi_sense(disk, command, NOT_READY, CODE_NOT_STARTED);
        break;
    case REZERO_UNIT:
    case VERIFY_10:
    case SYNCHRONIZE_CACHE:
        use_heads(disk, command);
        break;
    case RESERVE:
    case RELEASE:
        break;
    case START_STOP:
        disk->stopped = !(cdb[4] & START);
        break;
    case REQUEST_SENSE:
        say(command, SENSE_BYTES, cdb[4]);
        break;
    case INQUIRY:
        say(command, INQUIRY_BYTES, cdb[4]);
        break;
    case MODE_SENSE:
        mode_sense(disk, command);
        break;
    case READ_CAPACITY:
        say(command, CAPACITY_BYTES, CAPACITY_BYTES);
        break;
    case READ_6:
    case WRITE_6:
        move_blocks(disk, command, big(cdb + 1, 3) & 0x1FFFFF, cdb[4] ? cdb[4] : 256);
        break;
    case READ_10:
    case WRITE_10:
        move_blocks(disk, command, big(cdb + 2, 4), big(cdb + 7, 2));
        break;
    default:
        scsi_sense(disk, command, ILLEGAL_REQUEST, CODE_BAD_OPERATION);
        break;
    }
}

/* ---- answers ---- */

static void put_big(uint8_t *bytes, uint32_t value)
{
    for (int i = 3; i >= 0; i--, value >>= 8)
        bytes[i] = (uint8_t)value;
}

static void put_inquiry(const struct scsi_command *command, unsigned unit, uint8_t *bytes)
{
    /* No such unit; or a disk of SCSI-2 that queues commands. */
    bytes[0] = command->lun != 0 ? 0x7F : 0x00;
    bytes[2] = 2;
    bytes[3] = 2;
    bytes[4] = INQUIRY_BYTES - 5;
    bytes[7] = 0x02;
    memcpy(bytes + 8, "FLUSH   SIMULATED DISK  1.0 ", 28);
    bytes[INQUIRY_BYTES - 1] = (uint8_t)('0' + unit); /* sim/device.h: which medium it is */
}

static void put_sense(struct scsi_disk *disk, uint8_t *bytes)
{
    bytes[0] = 0x70;
    bytes[2] = disk->key;
    bytes[7] = SENSE_BYTES - 8;
    bytes[12] = disk->code;
    bytes[13] = disk->code == CODE_NOT_STARTED ? NEED_INITIALIZE : 0;
    disk->key = disk->code = 0;
}

static void put_mode(const struct scsi_command *command, uint8_t *bytes)
{
    uint8_t *page = bytes + 4;

    if (!(command->cdb[1] & NO_DESCRIPTOR)) {
        bytes[3] = 8;
        put_big(bytes + 4, SCSI_SECTORS);
        put_big(bytes + 8, SCSI_SECTOR);
        page += 8;
    }
    page[0] = PAGE_CACHING;
    page[1] = 10;
    bytes[0] = (uint8_t)(page + 12 - bytes - 1);
}

void scsi_answer(struct scsi_disk *disk, unsigned unit, const struct scsi_command *command,
                 uint8_t *bytes)
{
    memset(bytes, 0, SCSI_SECTOR);
    switch (command->cdb[0]) {
    case INQUIRY:
        put_inquiry(command, unit, bytes);
        break;
    case REQUEST_SENSE:
        put_sense(disk, bytes);
        break;
    case MODE_SENSE:
        put_mode(command, bytes);
        break;
    default:
        put_big(bytes, SCSI_SECTORS - 1);
        put_big(bytes + 4, SCSI_SECTOR);
        break;
    }
}
