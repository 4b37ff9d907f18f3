/* The BusLogic BT-958, a SCSI host adapter of the MultiMaster family, with the disks of
 * scsi_disks.h on its bus.
 *
 * The host gives bytes of commands to the command register, and requests as command control blocks
 * (CCBs): it writes a CCB's address into an outgoing mailbox and says START MAILBOX. The adapter
 * fetches mailbox and CCB, frees the mailbox, and works on up to BT_RECORDS of them. Its answer
 * goes into the CCB (statuses, residual count) and then into the next incoming mailbox, with an
 * interrupt. What interrupts while an interrupt is shown is kept until that one is reset.
 *
 * Only 32-bit mailboxes; the registers are in memory space (the part has them as ports, too).
 *
 * Not modelled: target mode, linked commands, bidirectional and wide transfers, the BIOS's
 * commands, flash and EEPROM, and the queries that no driver here makes.
 */
#include "bt958.h"

#include <string.h>

/* Registers, as read and as written. */
enum { STATUS = 0, CONTROL = 0, DATA_IN = 1, COMMAND = 1, INTERRUPT = 2, GEOMETRY = 3 };
enum { HARD_RESET = 0x80, SOFT_RESET = 0x40, INTERRUPT_RESET = 0x20, BUS_RESET = 0x10 };
enum {
    DIAGNOSING = 0x80,
    NEEDS_MAILBOXES = 0x20,
    READY = 0x10,
    COMMAND_BUSY = 0x08,
    DATA_READY = 0x04,
    COMMAND_INVALID = 0x01
};
enum {
    CAUSE_VALID = 0x80,
    CAUSE_RESET = 0x08,
    CAUSE_COMMAND = 0x04, /* complete */
    CAUSE_LOADED = 0x01   /* an incoming mailbox */
};
enum {
    CMD_TEST_INTERRUPT = 0x00,
    CMD_START_MAILBOX = 0x02,
    CMD_BOARD_ID = 0x04,
    CMD_INTERRUPTS = 0x25, /* parameter 0 disables them */
    CMD_MAILBOXES = 0x81,  /* count, address */
    CMD_ROUND_ROBIN = 0x8F /* parameter 1: strict */
};
enum { OP_COMMAND = 0, OP_LIST = 2, OP_COMMAND_RESIDUAL = 3, OP_LIST_RESIDUAL = 4 };
enum { ACTION_FREE = 0, ACTION_START = 1, ACTION_ABORT = 2 };
enum {
    REGISTER_BAR = 1,
    GEOMETRY_VALUE = 0x80,
    DIAGNOSIS_STEPS = 16,
    TEST_READS = 2,
    BOX_BYTES = 8,
    BOX_CODE = 7, /* offset of action or completion code */
    TAGGED = 0x20,
    LUN = 0x07,
    ACTION_SHIFT = 6,
    SIMPLE_QUEUE = 0x20,
    SENSE_DEFAULT = 14
};

/* As it lies in memory. */
struct ccb {
    uint8_t opcode, control, cdb_bytes, sense_bytes;
    uint32_t length, data;
    uint8_t reserved[2], host, status;
    uint8_t target, lun;
    uint8_t cdb[BT_CDB_BYTES];
    uint8_t reserved_2[6];
    uint32_t sense;
};
struct box {
    uint32_t address;
    uint8_t host, status, reserved, code;
};

_Static_assert(sizeof(struct ccb) == 40 && sizeof(struct box) == BOX_BYTES, "as in memory");

/* ---- interrupt ---- */

static void update_line(struct sim_device *device, struct bt958 *b)
{
    sim_irq_set(device, b->cause != 0 && b->enabled);
}

/* The adapter does not interrupt before it has got a command. */
static void enable(struct sim_device *device, struct bt958 *b, bool enabled)
{
    if (b->enabled == enabled)
        return;
    b->enabled = enabled;
    sim_irq_enable(device, enabled);
    update_line(device, b);
}

static void interrupt(struct sim_device *device, struct bt958 *b, uint8_t why)
{
    if (b->cause != 0)
        b->later |= why;
    else
        b->cause = why | CAUSE_VALID;
    update_line(device, b);
}

/* What was kept is shown, in a step of its own: the line drops in between. */
static bool may_show(const struct bt958 *b)
{
    return b->cause == 0 && b->later != 0;
}

static void show(struct sim_device *device, struct bt958 *b)
{
    uint8_t why = b->later;

    b->later = 0;
    interrupt(device, b, why);
}

/* ---- reset ---- */

/* Everything but the bus and its disks. */
static void clear(struct sim_device *device, struct bt958 *b, enum sim_engine_end why)
{
    bt_bus_halt(device, b, why);
    enable(device, b, false);
    memset((uint8_t *)b + sizeof b->bus, 0, sizeof *b - sizeof b->bus);
    b->now = BT_NONE;
    sim_irq_set(device, false);
}

/* The bus goes on: who is connected, or reselects, for a command that is forgotten is told to go.
 * DIAGNOSTIC ACTIVE shows for a while, as after a hard reset, and no command is taken. */
static void soft_reset(struct sim_device *device, struct bt958 *b)
{
    bool was_connected = b->connected;

    clear(device, b, SIM_END_ABORTED);
    b->testing = TEST_READS;
    if (was_connected)
        bt_bus_disown(b);
}

static void bt_reset(struct sim_device *device)
{
    struct bt958 *b = sim_device_state(device);

    clear(device, b, SIM_END_ABORTED);
    scsi_power_on(&b->bus);
}

static void bt_stop(struct sim_device *device, enum sim_engine_end why)
{
    struct bt958 *b = sim_device_state(device);

    clear(device, b, why);
    scsi_power_on(&b->bus);
}

/* ---- commands ---- */

static unsigned parameters_of(uint8_t command)
{
    switch (command) {
    case CMD_MAILBOXES:
        return 5;
    case CMD_INTERRUPTS:
    case CMD_ROUND_ROBIN:
        return 1;
    default:
        return 0;
    }
}

static void start_mailbox(struct bt958 *b)
{
    b->looks = b->strict ? 1 : b->box_count;
}

static void set_mailboxes(struct bt958 *b)
{
    b->box_count = b->parameter[0];
    memcpy(&b->boxes, b->parameter + 1, sizeof b->boxes);
    b->next_out = b->next_in = b->looks = b->full = 0;
}

static void run_command(struct sim_device *device, struct bt958 *b)
{
    static const uint8_t board[] = {'A', 'A', '5', '0'};

    b->invalid = 0;
    switch (b->command) {
    case CMD_START_MAILBOX:
        start_mailbox(b);
        return; /* without an interrupt */
    case CMD_TEST_INTERRUPT:
        break;
    case CMD_BOARD_ID:
        memcpy(b->answer, board, sizeof board);
        b->answer_bytes = sizeof board;
        return; /* it interrupts when they have been read */
    case CMD_INTERRUPTS:
        enable(device, b, b->parameter[0] != 0);
        break;
    case CMD_MAILBOXES:
        set_mailboxes(b);
        break;
    case CMD_ROUND_ROBIN:
        b->strict = b->parameter[0];
        break;
    default:
        b->invalid = 1;
        break;
    }
    interrupt(device, b, CAUSE_COMMAND);
}

static void write_command(struct sim_device *device, struct bt958 *b, uint8_t value)
{
    if (b->diagnosing || b->testing)
        return;
    b->busy_reads = 1;
    if (!b->commanded)
        enable(device, b, true);
    b->commanded = 1;
    if (b->parameters == 0) {
        b->command = value;
        b->answer_bytes = 0;
    } else {
        b->parameter[b->parameters - 1] = value;
    }
    b->parameters++;
    if (b->parameters <= parameters_of(b->command))
        return;
    b->parameters = 0;
    if (b->command == CMD_START_MAILBOX)
        b->busy_reads = 0;
    run_command(device, b);
}

static uint8_t read_data(struct sim_device *device, struct bt958 *b)
{
    uint8_t value = b->answer[0];

    if (b->answer_bytes == 0)
        return 0;
    memmove(b->answer, b->answer + 1, sizeof b->answer - 1);
    if (--b->answer_bytes == 0)
        interrupt(device, b, CAUSE_COMMAND);
    return value;
}

/* ---- registers ---- */

static uint8_t read_status(struct bt958 *b)
{
    bool diagnosing = b->diagnosing || b->testing;
    uint8_t value = diagnosing ? DIAGNOSING : 0;

    b->testing = (uint8_t)(b->testing - (b->testing != 0));
    if (!diagnosing && b->parameters == 0)
        value |= READY;
    if (b->box_count == 0)
        value |= NEEDS_MAILBOXES;
    if (b->busy_reads != 0) {
        b->busy_reads--;
        value |= COMMAND_BUSY;
    }
    return (uint8_t)(value | (b->answer_bytes != 0 ? DATA_READY : 0) |
                     (b->invalid ? COMMAND_INVALID : 0));
}

static uint64_t bt_read(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width)
{
    struct bt958 *b = sim_device_state(device);

    if (bar != REGISTER_BAR || width != 1)
        return ~0ULL >> (64 - 8 * width);
    switch (offset) {
    case STATUS:
        return read_status(b);
    case DATA_IN:
        return read_data(device, b);
    case INTERRUPT:
        return b->cause;
    case GEOMETRY:
        return GEOMETRY_VALUE;
    default:
        return 0;
    }
}

static void write_control(struct sim_device *device, struct bt958 *b, uint8_t value)
{
    if (value & HARD_RESET) {
        clear(device, b, SIM_END_ABORTED);
        scsi_bus_reset(&b->bus);
        sim_bus_tell(device, SIM_BUS_RESET, 0, 0);
        b->diagnosing = DIAGNOSIS_STEPS;
        return;
    }
    if (value & SOFT_RESET)
        soft_reset(device, b);
    if (value & INTERRUPT_RESET) {
        if (b->cause & CAUSE_RESET)
            sim_bus_tell(device, SIM_BUS_RESET_TOLD, 0, 0);
        b->cause = 0;
    }
    if (value & BUS_RESET)
        b->resetting = 1;
    update_line(device, b);
}

static void bt_write(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                     uint64_t value)
{
    struct bt958 *b = sim_device_state(device);

    if (bar != REGISTER_BAR || width != 1)
        return;
    b->full = 0;
    if (offset == CONTROL)
        write_control(device, b, (uint8_t)value);
    else if (offset == COMMAND)
        write_command(device, b, (uint8_t)value);
}

/* ---- outgoing mailboxes ---- */

static struct bt_record *free_record(struct bt958 *b)
{
    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (b->records[i].stage == BT_FREE)
            return &b->records[i];
    return NULL;
}

static bool has_list(const struct bt_record *record)
{
    return record->opcode == OP_LIST || record->opcode == OP_LIST_RESIDUAL;
}

static bool counts_rest(const struct bt_record *record)
{
    return record->opcode == OP_COMMAND_RESIDUAL || record->opcode == OP_LIST_RESIDUAL;
}

/* The bytes of all elements; the adapter looks at a few of them at once. */
static bool add_list(struct sim_device *device, struct bt_record *record, uint32_t bytes)
{
    enum { AT_ONCE = 32, ELEMENT_BYTES = 8 };
    uint32_t element[AT_ONCE][2], part;

    record->parts = (uint8_t)(bytes / ELEMENT_BYTES);
    if (bytes == 0 || bytes % ELEMENT_BYTES != 0 || bytes / ELEMENT_BYTES > UINT8_MAX)
        return false;
    for (uint32_t at = 0; at < bytes; at += part) {
        part = bytes - at < sizeof element ? bytes - at : sizeof element;
        if (!sim_dma_read(device, record->list + at, element, part))
            return false;
        for (uint32_t i = 0; i < part / ELEMENT_BYTES; i++)
            record->remaining += element[i][0];
    }
    return true;
}

static uint8_t set_data(struct sim_device *device, struct bt_record *record, const struct ccb *ccb)
{
    if (record->control == BT_CONTROL_NONE)
        return BT_NO_ERROR;
    if (has_list(record)) {
        record->list = ccb->data;
        return add_list(device, record, ccb->length) ? BT_NO_ERROR : BT_BAD_PARAMETER;
    }
    record->part_address = ccb->data;
    record->part_left = record->remaining = ccb->length;
    return BT_NO_ERROR;
}

static uint8_t take_ccb(struct sim_device *device, struct bt_record *record, const struct ccb *ccb)
{
    record->opcode = ccb->opcode;
    record->control = ccb->control & BT_CONTROL_NONE;
    record->target = ccb->target;
    record->lun = ccb->lun & LUN;
    record->action = ccb->lun & TAGGED ? (uint8_t)(SIMPLE_QUEUE + (ccb->lun >> ACTION_SHIFT)) : 0;
    record->cdb_bytes = ccb->cdb_bytes;
    record->sense_bytes = ccb->sense_bytes == 0   ? SENSE_DEFAULT
                          : ccb->sense_bytes == 1 ? 0
                                                  : ccb->sense_bytes;
    record->sense_address = ccb->sense;
    memcpy(record->cdb, ccb->cdb, sizeof record->cdb);
    if (ccb->opcode != OP_COMMAND && !has_list(record) && !counts_rest(record))
        return BT_BAD_OPCODE;
    if (ccb->cdb_bytes == 0 || ccb->cdb_bytes > BT_CDB_BYTES)
        return BT_BAD_PARAMETER;
    return set_data(device, record, ccb);
}

static void start(struct sim_device *device, struct bt958 *b, uint32_t address)
{
    struct bt_record *record = free_record(b);
    uint8_t host = BT_HARDWARE;
    struct ccb ccb;

    *record = (struct bt_record){.address = address, .order = b->arrivals++, .stage = BT_QUEUED};
    if (sim_dma_read(device, address, &ccb, sizeof ccb))
        host = take_ccb(device, record, &ccb);
    record->residual = record->remaining;
    if (host != BT_NO_ERROR)
        bt_finish(record, host, BT_BAD);
}

static void answer_extra(struct bt958 *b, uint32_t address, uint8_t host, uint8_t code)
{
    b->extra = code;
    b->extra_host = host;
    b->extra_address = address;
}

static void abort_ccb(struct bt958 *b, uint32_t address)
{
    for (unsigned i = 0; i < BT_RECORDS; i++) {
        struct bt_record *record = &b->records[i];

        if (record->address == address &&
            (record->stage == BT_QUEUED || record->stage == BT_ACTIVE)) {
            bt_bus_abort(b, record);
            return;
        }
    }
    answer_extra(b, address, BT_NO_ERROR, BT_NOT_FOUND);
}

static uint32_t outgoing(const struct bt958 *b)
{
    return b->boxes + b->next_out * (uint32_t)BOX_BYTES;
}

/* Looks at the next mailbox; there is room for what it may ask for. */
static void look(struct sim_device *device, struct bt958 *b)
{
    static const uint8_t nothing = ACTION_FREE;
    struct box box;

    b->looks--;
    if (!sim_dma_read(device, outgoing(b), &box, sizeof box))
        return;
    if (box.code == ACTION_FREE && b->strict)
        return;
    if (box.code == ACTION_START)
        start(device, b, box.address);
    else if (box.code == ACTION_ABORT)
        abort_ccb(b, box.address);
    else if (box.code != ACTION_FREE)
        answer_extra(b, box.address, BT_BAD_ACTION, BT_BAD);
    if (box.code != ACTION_FREE) {
        sim_dma_write(device, outgoing(b) + BOX_CODE, &nothing, sizeof nothing);
        start_mailbox(b);
    }
    b->next_out = (uint8_t)((b->next_out + 1) % b->box_count);
}

static bool may_look(const struct bt958 *b)
{
    if (b->looks == 0 || b->box_count == 0 || b->extra != 0)
        return false;
    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (b->records[i].stage == BT_FREE)
            return true;
    return false;
}

/* ---- incoming mailboxes ---- */

static struct bt_record *finished(struct bt958 *b)
{
    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (b->records[i].stage == BT_FINISHED)
            return &b->records[i];
    return NULL;
}

static bool answer_due(const struct bt958 *b)
{
    for (unsigned i = 0; i < BT_RECORDS; i++)
        if (b->records[i].stage == BT_FINISHED)
            return true;
    return b->extra != 0;
}

static bool may_answer(const struct bt958 *b)
{
    return b->box_count != 0 && !b->full && answer_due(b);
}

static void write_back(struct sim_device *device, const struct bt_record *record)
{
    uint8_t statuses[] = {record->host, record->status};

    if (counts_rest(record))
        sim_dma_write(device, record->address + offsetof(struct ccb, length), &record->residual,
                      sizeof record->residual);
    sim_dma_write(device, record->address + offsetof(struct ccb, host), statuses, sizeof statuses);
}

/* The CCB first, for with the mailbox it is the host's again. */
static void answer(struct sim_device *device, struct bt958 *b)
{
    uint32_t at = b->boxes + (b->box_count + b->next_in) * (uint32_t)BOX_BYTES;
    struct bt_record *record = finished(b);
    struct box box = {.address = b->extra_address, .host = b->extra_host, .code = b->extra};
    uint8_t code;

    if (!sim_dma_read(device, at + BOX_CODE, &code, sizeof code) || code != 0) {
        b->full = 1;
        return;
    }
    if (record != NULL) {
        write_back(device, record);
        box = (struct box){.address = record->address,
                           .host = record->host,
                           .status = record->status,
                           .code = record->code};
        record->stage = BT_FREE;
    } else {
        b->extra = 0;
    }
    sim_dma_write(device, at, &box, sizeof box);
    b->next_in = (uint8_t)((b->next_in + 1) % b->box_count);
    interrupt(device, b, CAUSE_LOADED);
}

/* ---- the engine ---- */

static bool bt_busy(const struct sim_device *device)
{
    const struct bt958 *b = sim_device_state(device);

    return b->diagnosing || b->resetting || may_show(b) || may_answer(b) || may_look(b) ||
           bt_bus_works(b);
}

static void reset_bus(struct sim_device *device, struct bt958 *b, uint8_t host)
{
    bt_bus_reset(device, b, host);
    sim_bus_tell(device, host == BT_OWN_RESET ? SIM_BUS_RESET : SIM_BUS_RESET_OTHER, 0, 0);
    b->resetting = 0;
    interrupt(device, b, CAUSE_RESET);
}

static void bt_step(struct sim_device *device)
{
    struct bt958 *b = sim_device_state(device);

    if (b->diagnosing)
        b->diagnosing--;
    else if (b->resetting)
        reset_bus(device, b, BT_OWN_RESET);
    else if (may_show(b))
        show(device, b);
    else if (may_answer(b))
        answer(device, b);
    else if (may_look(b))
        look(device, b);
    else
        bt_bus_step(device, b);
    scsi_tell(device, &b->bus);
}

/* ---- what happens on the bus ---- */

static bool bt_outside(struct sim_device *device, enum sim_outside what, unsigned unit)
{
    struct bt958 *b = sim_device_state(device);

    if (what == SIM_OUTSIDE_BUS_RESET)
        reset_bus(device, b, BT_OTHER_RESET);
    else if (!scsi_outside(&b->bus, what, unit))
        return false;
    scsi_tell(device, &b->bus);
    return true;
}

extern const struct sim_device_model ft_driver_device;
const struct sim_device_model ft_driver_device = {
    .name = "BT-958",
    .state_bytes = sizeof(struct bt958),
    .reset = bt_reset,
    .read = bt_read,
    .write = bt_write,
    .engine_busy = bt_busy,
    .engine_step = bt_step,
    .stop = bt_stop,
    .outside = bt_outside,
};
