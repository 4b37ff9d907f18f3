/* The targets' side of the bus: selection, phases, messages, disconnection and reselection.
 *
 * Of its queue a disk serves first what came HEAD OF QUEUE, then by place, lowest first, but never
 * past an ORDERED command, nor past an older one with the same blocks. Commands with blocks leave
 * the bus while the heads move, if the initiator lets them; the second disk also leaves it during a
 * long transfer, as if its buffer were full. A disk that is stuck takes commands and never answers;
 * the third one hangs as soon as it is selected.
 */
#include "scsi_disks.h"

#include <string.h>

enum { SIMPLE = 0x20, HEAD_OF_QUEUE = 0x21, ORDERED = 0x22 };
enum {
    COMMAND_COMPLETE = 0x00,
    EXTENDED = 0x01,
    SAVE_POINTERS = 0x02,
    DISCONNECT = 0x04,
    DETECTED_ERROR = 0x05,
    ABORT = 0x06,
    REJECT = 0x07,
    NO_OPERATION = 0x08,
    PARITY_ERROR = 0x09,
    DEVICE_RESET = 0x0C,
    ABORT_TAG = 0x0D,
    IDENTIFY = 0x80,
    MAY_DISCONNECT = 0x40,
    LUN_MASK = 0x07
};
enum { ABORTED_COMMAND = 0x0B, CODE_DETECTED_ERROR = 0x48, CODE_RESET = 0x29 };
enum {
    BUFFER_BYTES = 4 * SCSI_SECTOR,
    BUFFERING_TARGET = 1,
    HANGING_TARGET = 2,
    HEAD_STEP = 64,
    STRAY_TAG = 0xEE
};

static struct scsi_disk *owner_of(struct scsi_bus *bus)
{
    return &bus->disks[bus->owner];
}

static struct scsi_command *current_of(struct scsi_bus *bus)
{
    return bus->current == SCSI_NOBODY ? NULL : &owner_of(bus)->commands[bus->current];
}

/* ---- the disk's queue ---- */

static void drop(struct scsi_disk *disk, unsigned index)
{
    disk->commands[index].stage = SCSI_FREE;
    if (disk->active == index)
        disk->active = SCSI_NOBODY;
}

static void drop_all(struct scsi_disk *disk)
{
    for (unsigned i = 0; i < SCSI_COMMANDS; i++)
        drop(disk, i);
}

/* Whether `a` came before `b`: numbers wrap around. */
static bool came_before(const struct scsi_command *a, const struct scsi_command *b)
{
    return (int8_t)(a->order - b->order) < 0;
}

static bool same_blocks(const struct scsi_command *a, const struct scsi_command *b)
{
    return a->block < b->block + b->length / SCSI_SECTOR &&
           b->block < a->block + a->length / SCSI_SECTOR;
}

/* Whether an older command of the queue holds that one back. */
static bool held_back(const struct scsi_disk *disk, const struct scsi_command *command)
{
    for (unsigned i = 0; i < SCSI_COMMANDS; i++) {
        const struct scsi_command *other = &disk->commands[i];

        if (other != command && other->stage == SCSI_WAITING && came_before(other, command) &&
            (other->action != SIMPLE || command->action != SIMPLE || same_blocks(other, command)))
            return command->action != HEAD_OF_QUEUE;
    }
    return false;
}

static bool goes_first(const struct scsi_command *a, const struct scsi_command *b)
{
    if ((a->action == HEAD_OF_QUEUE) != (b->action == HEAD_OF_QUEUE))
        return a->action == HEAD_OF_QUEUE;
    return a->block < b->block;
}

static unsigned next_of(const struct scsi_disk *disk)
{
    unsigned found = SCSI_NOBODY;

    for (unsigned i = 0; i < SCSI_COMMANDS; i++) {
        const struct scsi_command *command = &disk->commands[i];

        if (command->stage == SCSI_WAITING && !held_back(disk, command) &&
            (found == SCSI_NOBODY || goes_first(command, &disk->commands[found])))
            found = i;
    }
    return found;
}

static void seek(struct scsi_disk *disk, struct scsi_command *command)
{
    uint8_t place = (uint8_t)(command->block / HEAD_STEP);
    uint8_t way = (uint8_t)(place > disk->head ? place - disk->head : disk->head - place);

    disk->head = place;
    command->steps = (uint8_t)(1 + way);
    command->stage = SCSI_SEEKING;
}

/* ---- phases ---- */

static void set_free(struct scsi_bus *bus)
{
    bus->owner = bus->current = SCSI_NOBODY;
    bus->phase = SCSI_NO_REQUEST;
    bus->attention = bus->parting = bus->parity = bus->stray = 0;
    bus->messages = bus->next_message = bus->received = bus->cdb_bytes = 0;
    bus->buffered = 0;
}

/* Messages to the initiator, then bus free, or what comes next. */
static void say(struct scsi_bus *bus, bool parting, unsigned count, const uint8_t *bytes)
{
    memcpy(bus->messages_in, bytes, count);
    bus->messages = (uint8_t)count;
    bus->next_message = 0;
    bus->parting = parting;
}

/* The command leaves the bus; its pointers are worth saving when bytes have moved. */
static void leave(struct scsi_bus *bus, const struct scsi_command *command)
{
    static const uint8_t words[] = {SAVE_POINTERS, DISCONNECT};
    unsigned first = command->at == 0 ? 1 : 0;

    say(bus, true, 2 - first, words + first);
}

static enum scsi_phase phase_of_command(const struct scsi_command *command)
{
    switch (command->stage) {
    case SCSI_MOVING:
        return scsi_writes(command) ? SCSI_DATA_OUT : SCSI_DATA_IN;
    case SCSI_ANSWERING:
        return SCSI_STATUS;
    default:
        return SCSI_NO_REQUEST;
    }
}

/* Asserts the phase that is due. */
static void proceed(struct scsi_bus *bus)
{
    struct scsi_command *command = current_of(bus);

    if (owner_of(bus)->stuck && bus->owner == HANGING_TARGET) {
        bus->phase = SCSI_NO_REQUEST;
    } else if (bus->attention) {
        bus->phase = SCSI_MESSAGE_OUT;
    } else if (bus->next_message < bus->messages) {
        bus->phase = SCSI_MESSAGE_IN;
    } else if (bus->parting) {
        if (command != NULL && command->stage == SCSI_DONE)
            drop(owner_of(bus), bus->current);
        else if (command != NULL && command->at != 0 && command->at < command->length)
            bus->left = (uint8_t)(bus->owner + 1);
        set_free(bus);
    } else if (bus->stray) {
        set_free(bus);
    } else if (command == NULL) {
        bus->phase = SCSI_COMMAND;
    } else if (command->stage >= SCSI_READY && owner_of(bus)->drop) {
        owner_of(bus)->drop = 0;
        drop(owner_of(bus), bus->current);
        set_free(bus);
    } else {
        if (command->stage == SCSI_READY)
            command->stage = command->length != 0 ? SCSI_MOVING : SCSI_ANSWERING;
        bus->phase = (uint8_t)phase_of_command(command);
    }
}

bool scsi_select(struct scsi_bus *bus, unsigned target, bool attention)
{
    if (target >= SCSI_TARGETS || bus->disks[target].gone)
        return false;
    set_free(bus);
    bus->owner = (uint8_t)target;
    bus->attention = attention;
    bus->lun = bus->tag = bus->action = bus->may_disconnect = 0;
    proceed(bus);
    return true;
}

void scsi_attention(struct scsi_bus *bus)
{
    bus->attention = bus->owner != SCSI_NOBODY;
}

/* ---- messages from the initiator ---- */

/* ABORT ends all commands of the initiator at that unit, ABORT TAG the one of the connection. */
static void abort_commands(struct scsi_bus *bus, bool all)
{
    struct scsi_disk *disk = owner_of(bus);

    for (unsigned i = 0; i < SCSI_COMMANDS; i++) {
        struct scsi_command *command = &disk->commands[i];

        if (bus->current == i || (command->lun == bus->lun && (all || command->tag == bus->tag)))
            drop(disk, i);
    }
    set_free(bus);
}

/* The command fails instead of whatever its target was about to say. */
static void detected_error(struct scsi_bus *bus)
{
    if (bus->current == SCSI_NOBODY)
        return;
    bus->messages = bus->next_message = bus->parting = 0;
    scsi_sense(owner_of(bus), current_of(bus), ABORTED_COMMAND, CODE_DETECTED_ERROR);
}

/* One message of those received, at `at`. Returns its bytes. */
static unsigned hear(struct scsi_bus *bus, unsigned at)
{
    static const uint8_t reject = REJECT;
    uint8_t byte = bus->messages_out[at];

    if (byte & IDENTIFY) {
        bus->lun = byte & LUN_MASK;
        bus->may_disconnect = (byte & MAY_DISCONNECT) != 0;
        return 1;
    }
    switch (byte) {
    case SIMPLE:
    case HEAD_OF_QUEUE:
    case ORDERED:
        bus->action = byte;
        bus->tag = bus->messages_out[at + 1];
        return 2;
    case EXTENDED:
        say(bus, false, 1, &reject);
        return 2u + bus->messages_out[at + 1];
    case DETECTED_ERROR:
    case PARITY_ERROR:
        detected_error(bus);
        return 1;
    case ABORT:
    case ABORT_TAG:
        abort_commands(bus, byte == ABORT);
        return 1;
    case DEVICE_RESET:
        drop_all(owner_of(bus));
        owner_of(bus)->attention = CODE_RESET;
        set_free(bus);
        return 1;
    case REJECT:
    case NO_OPERATION:
        return 1;
    default:
        say(bus, false, 1, &reject);
        return 1;
    }
}

static void hear_all(struct scsi_bus *bus)
{
    unsigned count = bus->received;

    for (unsigned at = 0; at < count && bus->owner != SCSI_NOBODY;)
        at += hear(bus, at);
    bus->received = 0;
    if (bus->owner != SCSI_NOBODY)
        proceed(bus);
}

/* ---- the command ---- */

/* A free place. The last one is kept for a command that is refused: there always is one. */
static unsigned free_place(const struct scsi_disk *disk, unsigned *used)
{
    unsigned place = SCSI_COMMANDS - 1;

    *used = 0;
    for (unsigned i = SCSI_COMMANDS; i-- != 0;) {
        if (disk->commands[i].stage == SCSI_FREE)
            place = i;
        else
            ++*used;
    }
    return place;
}

/* A tagged command may join others while there is room, one without a tag must be alone. */
static void take_command(struct scsi_bus *bus)
{
    struct scsi_disk *disk = owner_of(bus);
    unsigned used, place = free_place(disk, &used);
    struct scsi_command *command = &disk->commands[place];

    *command = (struct scsi_command){.lun = bus->lun,
                                     .tag = bus->tag,
                                     .action = bus->action,
                                     .may_disconnect = bus->may_disconnect,
                                     .order = disk->arrivals++};
    memcpy(command->cdb, bus->cdb, bus->cdb_bytes);
    bus->current = (uint8_t)place;
    command->stage = SCSI_ANSWERING;
    command->status = bus->action != 0 ? QUEUE_FULL : BUSY;
    if (bus->action != 0 ? used < SCSI_COMMANDS - 1 : used == 0)
        scsi_begin(disk, command);
    if (disk->stuck)
        command->stage = SCSI_WAITING;
    if (command->stage == SCSI_WAITING && command->may_disconnect) {
        leave(bus, command);
    } else if (command->stage == SCSI_WAITING) {
        disk->active = bus->current;
        seek(disk, command);
    }
    proceed(bus);
}

void scsi_put(struct sim_device *device, struct scsi_bus *bus, uint8_t byte, bool last)
{
    (void)device;
    if (bus->phase == SCSI_MESSAGE_OUT) {
        if (bus->received < sizeof bus->messages_out - 1)
            bus->messages_out[bus->received++] = byte;
        if (last)
            bus->attention = 0;
        if (!bus->attention)
            hear_all(bus);
        return;
    }
    bus->cdb[bus->cdb_bytes++] = byte;
    if (bus->cdb_bytes == scsi_cdb_bytes(bus->cdb[0]))
        take_command(bus);
}

uint8_t scsi_get(struct scsi_bus *bus)
{
    struct scsi_command *command = current_of(bus);
    static const uint8_t complete = COMMAND_COMPLETE;

    if (bus->phase == SCSI_MESSAGE_IN)
        return bus->messages_in[bus->next_message];
    command->stage = SCSI_DONE;
    say(bus, true, 1, &complete);
    proceed(bus);
    return command->status;
}

void scsi_accept(struct scsi_bus *bus)
{
    bus->next_message++;
    proceed(bus);
}

/* ---- data ---- */

static uint32_t left_in_sector(const struct scsi_bus *bus, const struct scsi_command *command)
{
    uint32_t left = command->length - command->at, sector = SCSI_SECTOR - bus->buffered;

    return left < sector ? left : sector;
}

/* A sector is through, or the last byte: what comes now? */
static void end_sector(struct scsi_bus *bus, struct scsi_command *command)
{
    struct scsi_disk *disk = owner_of(bus);

    bus->buffered = 0;
    if (command->at == command->length || disk->cut) {
        disk->cut = 0;
        command->stage = SCSI_ANSWERING;
    } else if (command->may_disconnect && (disk->leave || (bus->owner == BUFFERING_TARGET &&
                                                           command->at % BUFFER_BYTES == 0))) {
        disk->leave = 0;
        seek(disk, command);
        leave(bus, command);
    }
    proceed(bus);
}

uint32_t scsi_ready(struct sim_device *device, struct scsi_bus *bus, const uint8_t **bytes)
{
    struct scsi_command *command = current_of(bus);

    if (bus->buffered == 0) {
        if (scsi_moves_blocks(command))
            sim_media_read(device, bus->owner, command->block + command->at / SCSI_SECTOR,
                           bus->sector);
        else
            scsi_answer(owner_of(bus), bus->owner, command, bus->sector);
    }
    *bytes = bus->sector + bus->buffered;
    return left_in_sector(bus, command);
}

void scsi_gave(struct scsi_bus *bus, uint32_t count)
{
    struct scsi_command *command = current_of(bus);
    struct scsi_disk *disk = owner_of(bus);

    bus->buffered = (uint16_t)(bus->buffered + count);
    command->at += count;
    if (count != 0 && disk->spoil) {
        disk->spoil = 0;
        bus->parity = 1;
    }
    if (bus->buffered == SCSI_SECTOR || command->at == command->length)
        end_sector(bus, command);
}

uint32_t scsi_room(const struct scsi_bus *bus)
{
    return left_in_sector(bus, &bus->disks[bus->owner].commands[bus->current]);
}

void scsi_took(struct sim_device *device, struct scsi_bus *bus, const uint8_t *bytes,
               uint32_t count)
{
    struct scsi_command *command = current_of(bus);

    memcpy(bus->sector + bus->buffered, bytes, count);
    bus->buffered = (uint16_t)(bus->buffered + count);
    command->at += count;
    if (bus->buffered != SCSI_SECTOR)
        return;
    sim_media_write(device, bus->owner, command->block + command->at / SCSI_SECTOR - 1,
                    bus->sector);
    end_sector(bus, command);
}

/* ---- time ---- */

static bool answers(const struct scsi_disk *disk)
{
    return !disk->stuck && !disk->gone;
}

static bool strays(const struct scsi_disk *disk)
{
    return disk->stray && answers(disk);
}

/* The heads of a disk work. True: it is ready to reconnect. */
static bool work(struct scsi_bus *bus, struct scsi_disk *disk)
{
    struct scsi_command *command;

    if (disk->active == SCSI_NOBODY) {
        unsigned next = next_of(disk);

        if (next == SCSI_NOBODY)
            return false;
        disk->active = (uint8_t)next;
        seek(disk, &disk->commands[next]);
    }
    command = &disk->commands[disk->active];
    if (command->stage == SCSI_SEEKING && --command->steps == 0)
        command->stage = SCSI_READY;
    if (command->stage != SCSI_READY || !answers(disk))
        return false;
    if (command == current_of(bus))
        proceed(bus);
    return command->stage == SCSI_READY;
}

static void reconnect_stray(struct scsi_bus *bus, unsigned target)
{
    static const uint8_t words[] = {IDENTIFY, SIMPLE, STRAY_TAG};

    set_free(bus);
    bus->disks[target].stray = 0;
    bus->owner = (uint8_t)target;
    bus->stray = 1;
    bus->lun = 0;
    bus->tag = STRAY_TAG;
    say(bus, false, 3, words);
    proceed(bus);
}

static void reconnect(struct scsi_bus *bus, unsigned target)
{
    struct scsi_disk *disk = &bus->disks[target];
    struct scsi_command *command = &disk->commands[disk->active];
    uint8_t words[] = {(uint8_t)(IDENTIFY | command->lun), SIMPLE, command->tag};

    set_free(bus);
    bus->owner = (uint8_t)target;
    bus->current = disk->active;
    bus->lun = command->lun;
    bus->tag = command->tag;
    say(bus, false, command->action != 0 ? 3 : 1, words);
    proceed(bus);
}

void scsi_pull(struct scsi_bus *bus, unsigned target)
{
    drop_all(&bus->disks[target]);
    bus->disks[target].gone = 1;
    if (bus->owner == target)
        set_free(bus);
}

/* The target looks at ATN while it has data to move. */
static void look(struct scsi_bus *bus)
{
    if (bus->owner != SCSI_NOBODY && bus->attention && bus->phase <= SCSI_DATA_IN)
        proceed(bus);
}

bool scsi_tick(struct scsi_bus *bus, bool listening)
{
    unsigned ready = SCSI_NOBODY;

    look(bus);
    for (unsigned target = 0; target < SCSI_TARGETS; target++)
        if (work(bus, &bus->disks[target]) || strays(&bus->disks[target]))
            ready = target; /* the highest wins the arbitration */
    if (ready == SCSI_NOBODY || !listening || bus->owner != SCSI_NOBODY)
        return false;
    if (strays(&bus->disks[ready]))
        reconnect_stray(bus, ready);
    else
        reconnect(bus, ready);
    return true;
}

bool scsi_time_runs(const struct scsi_bus *bus, bool listening)
{
    for (unsigned target = 0; target < SCSI_TARGETS; target++) {
        const struct scsi_disk *disk = &bus->disks[target];
        unsigned stage = SCSI_FREE;

        if (disk->active != SCSI_NOBODY)
            stage = disk->commands[disk->active].stage;
        else if (next_of(disk) != SCSI_NOBODY)
            stage = SCSI_SEEKING;
        if (stage == SCSI_SEEKING)
            return true;
        if (listening && bus->owner == SCSI_NOBODY &&
            (strays(disk) || (stage == SCSI_READY && answers(disk))))
            return true;
    }
    return false;
}

/* ---- reset ---- */

void scsi_bus_reset(struct scsi_bus *bus)
{
    for (unsigned target = 0; target < SCSI_TARGETS; target++) {
        struct scsi_disk *disk = &bus->disks[target];

        drop_all(disk);
        disk->active = SCSI_NOBODY;
        disk->key = disk->code = disk->answer = 0;
        disk->stuck = disk->leave = disk->cut = disk->spoil = disk->drop = disk->stray = 0;
        disk->attention = CODE_RESET;
    }
    set_free(bus);
}

void scsi_power_on(struct scsi_bus *bus)
{
    memset(bus, 0, sizeof *bus);
    scsi_bus_reset(bus);
}
