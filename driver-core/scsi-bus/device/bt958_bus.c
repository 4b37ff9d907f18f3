/* The BT-958 as the initiator on its SCSI bus: selection, phases, data, autosense, abort.
 *
 * A step is one phase, or one burst of data. Several commands are on the bus; one has it. A target
 * may always disconnect. The tag of a command is the number of its record, from 1.
 */
#include "bt958.h"

#include <string.h>

enum {
    MESSAGE_COMPLETE = 0x00,
    MESSAGE_DISCONNECT = 0x04,
    MESSAGE_DETECTED_ERROR = 0x05,
    MESSAGE_ABORT = 0x06,
    MESSAGE_ABORT_TAG = 0x0D,
    MESSAGE_SIMPLE = 0x20,
    MESSAGE_IDENTIFY = 0xC0
};
enum { CDB_REQUEST_SENSE = 0x03, CDB_SENSE_BYTES = 6 };
enum { ELEMENT_BYTES = 8, ANSWER_STEPS = 3, CHANNEL = 0 };

static struct bt_record *current(struct bt958 *b)
{
    return b->now == BT_NONE ? NULL : &b->records[b->now];
}

static uint8_t tag_of(const struct bt958 *b, const struct bt_record *record)
{
    return (uint8_t)(record - b->records + 1);
}

void bt_finish(struct bt_record *record, uint8_t host, uint8_t code)
{
    record->stage = BT_FINISHED;
    record->host = host;
    record->code = code;
}

/* ---- the engine ---- */

static void end_engine(struct sim_device *device, struct bt958 *b, enum sim_engine_end why)
{
    if (b->moving)
        sim_engine_end(device, CHANNEL, b->moved, why);
    b->moving = 0;
}

void bt_bus_halt(struct sim_device *device, struct bt958 *b, enum sim_engine_end why)
{
    end_engine(device, b, why);
    b->now = BT_NONE;
    b->steps = b->message = b->connected = 0;
}

void bt_bus_reset(struct sim_device *device, struct bt958 *b, uint8_t host)
{
    bt_bus_halt(device, b, SIM_END_ABORTED);
    scsi_bus_reset(&b->bus);
    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (b->records[i].stage == BT_ACTIVE)
            bt_finish(&b->records[i], host, BT_BAD);
}

void bt_bus_disown(struct bt958 *b)
{
    b->connected = 1;
    b->now = BT_NONE;
    b->message = MESSAGE_ABORT;
    scsi_attention(&b->bus);
}

/* ---- how a command ends ---- */

/* The target has a reason for its CHECK CONDITION: it is fetched before anything else. */
static void fetch_sense(struct bt_record *record)
{
    record->residual = record->remaining;
    record->remaining = record->part_left = record->sense_bytes;
    record->part_address = record->sense_address;
    record->part = record->parts = 0;
    record->control = BT_CONTROL_IN;
    record->sensing = 1;
    record->complete = record->parted = 0;
    record->cdb_bytes = CDB_SENSE_BYTES;
    memset(record->cdb, 0, sizeof record->cdb);
    record->cdb[0] = CDB_REQUEST_SENSE;
    record->cdb[4] = record->sense_bytes;
    record->stage = BT_QUEUED;
}

static void end_sense(struct bt_record *record)
{
    uint8_t failed = record->status != GOOD || record->host != BT_NO_ERROR;

    record->status = CHECK_CONDITION;
    bt_finish(record, failed ? BT_SENSE_FAILED : BT_NO_ERROR, BT_BAD);
}

static void end_command(struct bt_record *record)
{
    uint8_t host = record->host;

    if (record->sensing) {
        end_sense(record);
        return;
    }
    record->residual = record->remaining;
    if (record->status == CHECK_CONDITION && host == BT_NO_ERROR && record->sense_bytes != 0) {
        fetch_sense(record);
        return;
    }
    if (host == BT_NO_ERROR && record->status == GOOD && record->residual != 0)
        host = BT_UNDERRUN;
    bt_finish(record, host, host == BT_NO_ERROR && record->status == GOOD ? BT_GOOD : BT_BAD);
}

/* The target has let go of the bus. */
static void bus_free(struct sim_device *device, struct bt958 *b)
{
    struct bt_record *record = current(b);

    bt_bus_halt(device, b, SIM_END_DONE);
    if (record == NULL)
        return;
    if (record->aborting)
        bt_finish(record, BT_NO_ERROR, BT_ABORTED);
    else if (record->complete)
        end_command(record);
    else if (!record->parted)
        bt_finish(record, record->host != BT_NO_ERROR ? record->host : BT_BUS_FREE, BT_BAD);
    record->parted = 0;
}

/* ---- selection ---- */

static bool comes_before(const struct bt_record *a, const struct bt_record *b)
{
    if (a->sensing != b->sensing)
        return a->sensing;
    return (int8_t)(a->order - b->order) < 0;
}

static bool wants_bus(const struct bt_record *record)
{
    return record->stage == BT_QUEUED || (record->stage == BT_ACTIVE && record->aborting);
}

static unsigned next_record(const struct bt958 *b)
{
    unsigned found = BT_NONE;

    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (wants_bus(&b->records[i]) &&
            (found == BT_NONE || comes_before(&b->records[i], &b->records[found])))
            found = i;
    return found;
}

static void put(struct sim_device *device, struct bt958 *b, uint8_t byte, bool last)
{
    if (b->bus.phase == SCSI_MESSAGE_OUT)
        scsi_put(device, &b->bus, byte, last);
}

static void send_command(struct sim_device *device, struct bt958 *b, struct bt_record *record)
{
    uint8_t message = record->action != 0 ? MESSAGE_ABORT_TAG : MESSAGE_ABORT;
    bool tagged = record->action != 0, more = tagged || record->aborting;

    put(device, b, MESSAGE_IDENTIFY | record->lun, !more);
    if (tagged) {
        put(device, b, record->aborting ? MESSAGE_SIMPLE : record->action, false);
        put(device, b, tag_of(b, record), !record->aborting);
    }
    if (record->aborting)
        put(device, b, message, true);
    for (unsigned i = 0; b->bus.phase == SCSI_COMMAND; i++)
        scsi_put(device, &b->bus, i < BT_CDB_BYTES ? record->cdb[i] : 0, false);
}

static void step_select(struct sim_device *device, struct bt958 *b)
{
    struct bt_record *record = current(b);

    if (b->steps++ == 1)
        return; /* arbitration */
    if (b->steps == 3 && scsi_select(&b->bus, record->target, true)) {
        b->steps = 0;
        b->connected = 1;
        record->stage = BT_ACTIVE;
        record->status = GOOD;
        send_command(device, b, record);
    } else if (b->steps > ANSWER_STEPS) {
        b->steps = 0;
        b->now = BT_NONE;
        if (record->aborting)
            bt_finish(record, BT_NO_ERROR, BT_ABORTED);
        else if (record->sensing)
            bt_finish(record, BT_SENSE_FAILED, BT_BAD);
        else
            bt_finish(record, BT_SELECTION_TIMEOUT, BT_BAD);
    }
}

/* ---- reselection ---- */

static unsigned record_of(const struct bt958 *b, uint8_t target, uint8_t tag)
{
    for (unsigned i = 0; i < BT_RECORDS; i++) {
        const struct bt_record *record = &b->records[i];

        if (record->stage == BT_ACTIVE && record->target == target &&
            (tag != 0 ? tag_of(b, record) == tag : record->action == 0))
            return i;
    }
    return BT_NONE;
}

static uint8_t take_message(struct bt958 *b, bool attention)
{
    uint8_t byte = scsi_get(&b->bus);

    if (attention)
        scsi_attention(&b->bus);
    scsi_accept(&b->bus);
    return byte;
}

/* IDENTIFY, and two bytes of a tag; who is not known is told to go. */
static void reselected(struct bt958 *b)
{
    uint8_t target = b->bus.owner, tag = 0;
    unsigned place;

    b->connected = 1;
    b->steps = 0;
    if (b->bus.messages > 1) {
        (void)take_message(b, false);
        (void)take_message(b, false);
        tag = scsi_get(&b->bus);
    }
    place = record_of(b, target, tag);
    b->now = (uint8_t)place;
    if (place == BT_NONE)
        b->message = tag != 0 ? MESSAGE_ABORT_TAG : MESSAGE_ABORT;
    else if (b->records[place].aborting)
        b->message = b->records[place].action != 0 ? MESSAGE_ABORT_TAG : MESSAGE_ABORT;
    (void)take_message(b, b->message != 0);
}

/* ---- data ---- */

/* The command cannot go on: its target is told so at its next chance. */
static void give_up(struct bt958 *b, struct bt_record *record, uint8_t host)
{
    record->host = host;
    b->message = record->action != 0 ? MESSAGE_ABORT_TAG : MESSAGE_ABORT;
    scsi_attention(&b->bus);
}

/* The bytes up to the end of the current element, which it gets if need be. */
static bool find_part(struct sim_device *device, struct bt958 *b, struct bt_record *record)
{
    while (record->part_left == 0) {
        uint32_t element[2]; /* count, address */

        if (record->part == record->parts ||
            !sim_dma_read(device, record->list + ELEMENT_BYTES * record->part, element,
                          sizeof element))
            return false;
        record->part++;
        record->part_left = element[0];
        record->part_address = element[1];
    }
    if (!b->moving) {
        b->moving = 1;
        b->moved = 0;
        sim_engine_begin(device, CHANNEL, record->part_address, record->part_left,
                         b->bus.phase == SCSI_DATA_OUT);
    }
    return true;
}

static bool move(struct sim_device *device, struct bt958 *b, struct bt_record *record,
                 uint32_t count, const uint8_t *in)
{
    uint8_t out[SCSI_SECTOR];

    if (in != NULL) {
        if (!sim_dma_write(device, record->part_address, in, count))
            return false;
        scsi_gave(&b->bus, count);
    } else {
        if (!sim_dma_read(device, record->part_address, out, count))
            return false;
        scsi_took(device, &b->bus, out, count);
    }
    record->part_address += count;
    record->part_left -= count;
    record->remaining -= count;
    b->moved += count;
    return true;
}

/* The target moves more than there is room for: bytes for nobody. */
static void pad(struct sim_device *device, struct bt958 *b, struct bt_record *record, bool in)
{
    static const uint8_t nothing[SCSI_SECTOR];
    const uint8_t *bytes;

    record->host = BT_OVERRUN;
    if (in)
        scsi_gave(&b->bus, scsi_ready(device, &b->bus, &bytes));
    else
        scsi_took(device, &b->bus, nothing, scsi_room(&b->bus));
}

static void detected_parity(struct bt958 *b, struct bt_record *record)
{
    if (!b->bus.parity)
        return;
    b->bus.parity = 0;
    record->host = BT_PARITY;
    b->message = MESSAGE_DETECTED_ERROR;
    scsi_attention(&b->bus);
}

static void step_data(struct sim_device *device, struct bt958 *b)
{
    struct bt_record *record = current(b);
    bool in = b->bus.phase == SCSI_DATA_IN;
    const uint8_t *bytes = NULL;
    uint8_t phase = b->bus.phase;
    uint32_t count;

    if (record->remaining == 0) {
        pad(device, b, record, in);
        return;
    }
    if (record->control != 0 && record->control != (in ? BT_CONTROL_IN : BT_CONTROL_OUT)) {
        give_up(b, record, BT_BAD_PHASE);
        return;
    }
    count = in ? scsi_ready(device, &b->bus, &bytes) : scsi_room(&b->bus);
    if (!find_part(device, b, record)) {
        give_up(b, record, BT_HARDWARE);
        return;
    }
    if (count > record->part_left)
        count = record->part_left;
    if (!move(device, b, record, count, bytes)) {
        end_engine(device, b, SIM_END_BUS_ERROR);
        give_up(b, record, BT_HARDWARE);
        return;
    }
    if (record->part_left == 0 || b->bus.phase != phase)
        end_engine(device, b, SIM_END_DONE);
    detected_parity(b, record);
}

/* ---- other phases ---- */

static void step_message(struct bt958 *b)
{
    struct bt_record *record = current(b);
    uint8_t byte = take_message(b, b->message != 0);

    if (record != NULL && byte == MESSAGE_COMPLETE)
        record->complete = 1;
    else if (record != NULL && byte == MESSAGE_DISCONNECT)
        record->parted = 1;
}

static void step_phase(struct sim_device *device, struct bt958 *b)
{
    struct bt_record *record = current(b);
    uint8_t status;

    switch (b->bus.phase) {
    case SCSI_MESSAGE_OUT:
        scsi_put(device, &b->bus, b->message != 0 ? b->message : MESSAGE_ABORT, true);
        b->message = 0;
        break;
    case SCSI_MESSAGE_IN:
        step_message(b);
        break;
    case SCSI_STATUS:
        status = scsi_get(&b->bus);
        if (record != NULL)
            record->status = status;
        break;
    case SCSI_DATA_IN:
    case SCSI_DATA_OUT:
        if (record != NULL) /* else the target sees ATN before it moves data */
            step_data(device, b);
        break;
    default: /* the command has been sent as a whole */
        break;
    }
}

/* ---- steps ---- */

static bool is_free(const struct bt958 *b)
{
    return b->bus.owner == SCSI_NOBODY;
}

/* Reselection is answered up to the arbitration. */
static bool listens(const struct bt958 *b)
{
    return !b->connected && b->steps < 2;
}

static bool connection_works(const struct bt958 *b)
{
    if (b->connected)
        return is_free(b) || b->bus.phase != SCSI_NO_REQUEST;
    return b->steps != 0 || next_record(b) != BT_NONE;
}

bool bt_bus_works(const struct bt958 *b)
{
    return connection_works(b) || scsi_time_runs(&b->bus, listens(b));
}

void bt_bus_step(struct sim_device *device, struct bt958 *b)
{
    if (scsi_tick(&b->bus, listens(b))) {
        reselected(b);
    } else if (b->connected && is_free(b)) {
        bus_free(device, b);
    } else if (b->connected) {
        step_phase(device, b);
    } else if (b->steps != 0) {
        step_select(device, b);
    } else if (next_record(b) != BT_NONE) {
        b->now = (uint8_t)next_record(b);
        b->steps = 1;
    }
}

void bt_bus_abort(struct bt958 *b, struct bt_record *record)
{
    bool has_bus = record == current(b);

    if (record->stage == BT_QUEUED) {
        if (has_bus) {
            b->now = BT_NONE;
            b->steps = 0;
        }
        bt_finish(record, BT_NO_ERROR, BT_ABORTED);
        return;
    }
    record->aborting = 1;
    if (has_bus && b->connected) {
        b->message = record->action != 0 ? MESSAGE_ABORT_TAG : MESSAGE_ABORT;
        scsi_attention(&b->bus);
    }
}
