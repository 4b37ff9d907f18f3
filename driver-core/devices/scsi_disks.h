/* A SCSI bus with three disks, as an initiator sees it.
 *
 * A target that is connected (the bus's owner) asserts a phase and REQ; the chip moves bytes with
 * the function of that phase. The disks' own time passes in scsi_tick. Nothing here knows the chip,
 * its registers, or the processor.
 *
 *   selected -> MESSAGE OUT (IDENTIFY, tag) -> COMMAND -> [MESSAGE IN (DISCONNECT) -> bus free,
 *   seek, reselected -> MESSAGE IN (IDENTIFY, tag)] -> DATA -> STATUS -> MESSAGE IN (COMMAND
 *   COMPLETE) -> bus free
 */
#ifndef SCSI_DISKS_H
#define SCSI_DISKS_H

#include "sim/device.h"

enum {
    SCSI_TARGETS = 3,
    SCSI_COMMANDS = 4, /* that a disk has in its queue */
    SCSI_SECTOR = SIM_MEDIA_BLOCK_BYTES,
    SCSI_SECTORS = SIM_MEDIA_BLOCKS, /* of a disk */
    SCSI_NOBODY = 0xFF
};

/* The lines MSG, C/D and I/O, and one value for: REQ is not asserted. */
enum scsi_phase {
    SCSI_DATA_OUT = 0,
    SCSI_DATA_IN = 1,
    SCSI_COMMAND = 2,
    SCSI_STATUS = 3,
    SCSI_MESSAGE_OUT = 6,
    SCSI_MESSAGE_IN = 7,
    SCSI_NO_REQUEST = 8
};

enum scsi_stage {
    SCSI_FREE,    /* no command in this place */
    SCSI_WAITING, /* in the disk's queue */
    SCSI_SEEKING,
    SCSI_READY, /* to reconnect */
    SCSI_MOVING,
    SCSI_ANSWERING, /* status is due */
    SCSI_DONE       /* status was sent, COMMAND COMPLETE is due */
};

struct scsi_command {
    uint8_t stage;
    uint8_t lun, tag, action; /* action 0: untagged */
    uint8_t may_disconnect;
    uint8_t status;
    uint8_t order; /* of arrival */
    uint8_t steps; /* of the seek */
    uint8_t told;  /* the world knows that the disk has it */
    uint8_t cdb[12];
    uint32_t block, length, at; /* of the data phase: first block, bytes, bytes moved */
};

struct scsi_disk {
    struct scsi_command commands[SCSI_COMMANDS];
    uint8_t active;      /* the command that the heads work for, or SCSI_NOBODY */
    uint8_t key, code;   /* sense that waits to be asked for */
    uint8_t attention;   /* additional sense code of a unit attention, 0: none */
    uint8_t stopped;     /* by START STOP UNIT */
    uint8_t arrivals;    /* source of order */
    uint8_t head;        /* where the heads are, in parts of the disk */
    uint8_t gone, stuck; /* does not answer a selection; answers, and then nothing more */
    uint8_t answer;      /* status of the next command, 0: its own */
    /* What it does at the next chance: disconnects, ends its data, sends bad parity, drops off the
     * bus, reconnects with a tag that nobody knows. */
    uint8_t leave, cut, spoil, drop, stray;
};

struct scsi_bus {
    struct scsi_disk disks[SCSI_TARGETS];
    uint8_t owner;     /* the connected target, or SCSI_NOBODY: bus free */
    uint8_t current;   /* its command of this connection, or SCSI_NOBODY */
    uint8_t phase;     /* enum scsi_phase */
    uint8_t attention; /* the initiator asserts ATN */
    uint8_t parting;   /* bus free follows the messages */
    uint8_t stray;     /* a reconnection for no command */
    uint8_t parity;    /* a byte came with bad parity; the chip takes note and clears */
    uint8_t left;      /* a target has left in the middle of its data: its number + 1 */
    uint8_t lun, tag, action, may_disconnect; /* from the initiator's messages */
    uint8_t messages_in[4], messages, next_message;
    uint8_t messages_out[8], received;
    uint8_t cdb[12], cdb_bytes;
    uint16_t buffered; /* bytes of the sector in the buffer that have moved */
    uint8_t sector[SCSI_SECTOR];
};

/* Cold start, and the reset line: every command is forgotten. */
void scsi_power_on(struct scsi_bus *bus);
void scsi_bus_reset(struct scsi_bus *bus);

/* A disk is pulled out of the bus. */
void scsi_pull(struct scsi_bus *bus, unsigned target);

/* What happens to the disk of a unit. False: nothing does. A reset of the bus is the adapter's. */
bool scsi_outside(struct scsi_bus *bus, enum sim_outside what, unsigned unit);

/* Selection. False: nobody answers. */
bool scsi_select(struct scsi_bus *bus, unsigned target, bool attention);

/* The initiator asserts ATN. The target looks at it after a message and between bytes of data. */
void scsi_attention(struct scsi_bus *bus);

/* MESSAGE OUT and COMMAND. `last`: ATN is dropped with this byte. */
void scsi_put(struct sim_device *device, struct scsi_bus *bus, uint8_t byte, bool last);

/* STATUS and MESSAGE IN. The message byte stays unacknowledged until scsi_accept. */
uint8_t scsi_get(struct scsi_bus *bus);
void scsi_accept(struct scsi_bus *bus);

/* DATA IN: the bytes that the target has ready; scsi_gave says how many were taken. DATA OUT: the
 * bytes it still takes into its buffer; scsi_took gives them. */
uint32_t scsi_ready(struct sim_device *device, struct scsi_bus *bus, const uint8_t **bytes);
void scsi_gave(struct scsi_bus *bus, uint32_t count);
uint32_t scsi_room(const struct scsi_bus *bus);
void scsi_took(struct sim_device *device, struct scsi_bus *bus, const uint8_t *bytes,
               uint32_t count);

/* Time passes for the disks. When the bus is free and the initiator listens, one that is ready
 * reconnects: then true, and the bus is in MESSAGE IN. */
bool scsi_tick(struct scsi_bus *bus, bool listening);
bool scsi_time_runs(const struct scsi_bus *bus, bool listening);

/* Tells the world what has changed since the last time: commands taken, over, or left. */
void scsi_tell(struct sim_device *device, struct scsi_bus *bus);

/* For the bus's own files. */

enum {
    GOOD = 0x00,
    CHECK_CONDITION = 0x02,
    BUSY = 0x08,
    QUEUE_FULL = 0x28,
};

/* A whole CDB has come for the current command: says what it does, in stage, status, block and
 * length. */
void scsi_begin(struct scsi_disk *disk, struct scsi_command *command);

/* Whether its data goes to the disk. */
bool scsi_writes(const struct scsi_command *command);

/* The bytes of an answer that does not come from the disk's blocks, from the first. Sense data is
 * gone with it. */
void scsi_answer(struct scsi_disk *disk, unsigned unit, const struct scsi_command *command,
                 uint8_t *bytes);
bool scsi_moves_blocks(const struct scsi_command *command);

void scsi_sense(struct scsi_disk *disk, struct scsi_command *command, uint8_t key, uint8_t code);

unsigned scsi_cdb_bytes(uint8_t first);

#endif
