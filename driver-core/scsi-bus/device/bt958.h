/* What the files of the BT-958's model share: see bt958_model.c. */
#ifndef BT958_H
#define BT958_H

#include "../../devices/scsi_disks.h"

enum { BT_RECORDS = 12, BT_NONE = 0xFF, BT_CDB_BYTES = 12 };

/* Host status of a CCB. */
enum {
    BT_NO_ERROR = 0x00,
    BT_UNDERRUN = 0x0C,
    BT_SELECTION_TIMEOUT = 0x11,
    BT_OVERRUN = 0x12,
    BT_BUS_FREE = 0x13,
    BT_BAD_PHASE = 0x14,
    BT_BAD_ACTION = 0x15,
    BT_BAD_OPCODE = 0x16,
    BT_BAD_PARAMETER = 0x1A,
    BT_SENSE_FAILED = 0x1B,
    BT_HARDWARE = 0x20,
    BT_OWN_RESET = 0x22,
    BT_OTHER_RESET = 0x23,
    BT_PARITY = 0x34
};

/* Completion code of an incoming mailbox. */
enum { BT_GOOD = 1, BT_ABORTED = 2, BT_NOT_FOUND = 3, BT_BAD = 4 };

/* Data direction of a CCB; neither bit: the target says. */
enum { BT_CONTROL_IN = 0x08, BT_CONTROL_OUT = 0x10, BT_CONTROL_NONE = 0x18 };

enum bt_stage {
    BT_FREE,
    BT_QUEUED,   /* waits for the bus */
    BT_ACTIVE,   /* its target has it */
    BT_FINISHED, /* its answer is due */
};

/* A CCB that the adapter has fetched. */
struct bt_record {
    uint32_t address;                 /* of the CCB */
    uint32_t list;                    /* of the elements, if it has a list */
    uint32_t part_address, part_left; /* where data goes, up to the end of the element */
    uint32_t remaining, residual;     /* bytes; of the command itself when that fetches sense */
    uint32_t sense_address;
    uint8_t part, parts; /* elements used, elements */
    uint8_t stage;       /* enum bt_stage */
    uint8_t opcode, control, target, lun;
    uint8_t action; /* queue message, 0: untagged */
    uint8_t cdb_bytes, sense_bytes;
    uint8_t host, status, code; /* the answer */
    uint8_t order;              /* of arrival */
    uint8_t sensing;            /* the command is the adapter's own REQUEST SENSE */
    uint8_t aborting;           /* the host wants its end */
    uint8_t complete, parted;   /* COMMAND COMPLETE, or DISCONNECT, has come */
    uint8_t cdb[BT_CDB_BYTES];
};

struct bt958 {
    struct scsi_bus bus;
    struct bt_record records[BT_RECORDS];
    uint32_t boxes; /* address of the outgoing mailboxes; the incoming ones follow */
    uint32_t extra_address;
    uint32_t moved;
    uint8_t box_count, next_out, next_in;
    uint8_t strict;              /* round robin: the next mailbox or none */
    uint8_t looks;               /* mailboxes still to be looked at */
    uint8_t full;                /* no incoming mailbox was free when it was looked at last */
    uint8_t extra, extra_host;   /* completion code of an answer for no record, 0: none is due */
    uint8_t cause, later;        /* interrupts: shown, and kept until that one is reset */
    uint8_t enabled;             /* to interrupt */
    uint8_t commanded;           /* it has got a byte of a command */
    uint8_t diagnosing;          /* steps of a hard reset */
    uint8_t testing;             /* reads of the status in which a soft reset still shows */
    uint8_t resetting;           /* a reset of the bus is due */
    uint8_t command, parameters; /* that is being given, and how many bytes have come */
    uint8_t parameter[5];
    uint8_t answer[4], answer_bytes; /* for the data-in register */
    uint8_t invalid, busy_reads;
    uint8_t now;     /* the record that has the bus, or BT_NONE */
    uint8_t steps;   /* of a selection, 0: none */
    uint8_t message; /* to be sent when the target asks for one, 0: none */
    uint8_t connected;
    uint8_t moving; /* engine:begin was said */
    uint8_t arrivals;
};

_Static_assert(sizeof(struct bt958) <= 2048, "state of a device model");

/* ---- bt958_bus.c: the adapter as an initiator ---- */

/* One step on the bus; what it can do is asked of bt_bus_works. */
void bt_bus_step(struct sim_device *device, struct bt958 *b);
bool bt_bus_works(const struct bt958 *b);

/* The host wants that record to end. It will be finished, with BT_ABORTED. */
void bt_bus_abort(struct bt958 *b, struct bt_record *record);

/* The bus was reset: what its targets had ends with that status. */
void bt_bus_reset(struct sim_device *device, struct bt958 *b, uint8_t host);

/* Stops what moves, and forgets the connection. */
void bt_bus_halt(struct sim_device *device, struct bt958 *b, enum sim_engine_end why);

/* Some target is connected, for no record. */
void bt_bus_disown(struct bt958 *b);

/* The record's answer is due. */
void bt_finish(struct bt_record *record, uint8_t host, uint8_t code);

#endif
