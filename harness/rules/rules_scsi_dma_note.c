/* What is remembered of an HBA's mapping and of its requests' DMA. */
#include "rules/rules_scsi_dma.h"

enum { WORDS = 1, BYTE_CHANNEL_MOST = 0x10000 };

struct ft_rs_scsi_srb *ft_scsi_srb_find(struct ft_rules *rules, uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_SCSI_SRBS; i++) {
        if (id != 0 && rules->scsi_dma.known[i].id == id) {
            return &rules->scsi_dma.known[i];
        }
    }
    return NULL;
}

bool ft_scsi_is_slave(const struct ft_rs_scsi_dma *dma)
{
    return (dma->style & FT_SCSI_STYLE_MASTER) == 0 &&
           (dma->style & (FT_SCSI_STYLE_CHANNEL | FT_SCSI_STYLE_PORT)) != 0;
}

static void note_map(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, ft_arg_id(event, 1));

    if (event->arg[4] == 0 || !ft_scsi_is_slave(dma)) {
        return;
    }
    dma->state = FT_SCSI_PENDING;
    dma->srb = ft_arg_id(event, 1);
    dma->write = (event->arg[4] & FT_SCSI_FLAG_OUT) != 0;
    dma->closed = 0;
    dma->left = 0;
    if (srb != NULL) {
        srb->mapped += (uint32_t)event->arg[3];
    }
}

static void note_flush(struct ft_rules *rules)
{
    struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, dma->srb);

    if (dma->state == FT_SCSI_PENDING && srb != NULL) {
        srb->cancelled = 1;
    }
    if (dma->state != FT_SCSI_IDLE) {
        dma->closed = dma->srb;
    }
    dma->state = FT_SCSI_IDLE;
    dma->srb = 0;
    dma->flushed_here = 1;
}

static void note_complete(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_dma *dma = &rules->scsi_dma;
    struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, ft_arg_id(event, 0));

    if (srb != NULL) {
        *srb = (struct ft_rs_scsi_srb){0};
    }
    if (dma->srb == ft_arg_id(event, 0)) {
        dma->state = FT_SCSI_IDLE;
        dma->srb = 0;
    }
    if (dma->closed == ft_arg_id(event, 0)) {
        dma->closed = 0;
    }
}

/* A miniport has 254 at most; the oldest gives way when the table is full. */
static void note_start_io(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_srb *slot = &rules->scsi_dma.known[0];

    for (unsigned i = 0; i < FT_RS_SCSI_SRBS && slot->id != 0; i++) {
        struct ft_rs_scsi_srb *srb = &rules->scsi_dma.known[i];

        if (srb->id == 0 || srb->id < slot->id) {
            slot = srb;
        }
    }
    *slot = (struct ft_rs_scsi_srb){.id = ft_arg_id(event, 0),
                                    .function = (uint8_t)event->arg[1],
                                    .given = (uint32_t)event->arg[5]};
}

/* Pieces of an SRB's data, from its first byte on: with the last one it is known where it ends. Who
 * asks in another order is not followed. */
static void note_physical(struct ft_rules *rules, const struct ft_event *event)
{
    enum { AREA_DATA = 1 };
    struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, ft_arg_id(event, 1));

    if (srb == NULL || event->arg[2] != AREA_DATA || event->unknown != 0) {
        return;
    }
    srb->end = 0;
    srb->told += (uint32_t)event->arg[6];
    if (srb->told >= srb->given && srb->told - srb->given < (uint32_t)event->arg[6]) {
        srb->end = event->arg[5] + event->arg[6] - (srb->told - srb->given);
    }
}

static void note_bus(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_scsi_srb *srb = ft_scsi_srb_find(rules, rules->scsi_dma.srb);

    if (srb != NULL && ft_handle_class(event->arg[2]) == FT_HC_MAPPING) {
        srb->moved += (uint32_t)event->arg[1];
    }
}

static void note_found(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->arg[1] != FT_SCSI_FOUND || event->unknown != 0) {
        return;
    }
    rules->scsi_dma.found = 1;
    rules->scsi_dma.style = (uint16_t)event->arg[4];
    rules->scsi_dma.transfer = (uint32_t)event->arg[5];
}

/* 8-bit channels move 64 KiB at most, wider ones twice that. */
static void note_config(struct ft_rules *rules, const struct ft_event *event)
{
    rules->scsi_dma.configured = rules->scsi_dma.found && event->unknown == 0;
    rules->scsi_dma.limit =
        event->arg[3] >= WORDS ? 2 * (uint32_t)BYTE_CHANNEL_MOST : BYTE_CHANNEL_MOST;
}

static bool is_of_miniport(uint64_t routine)
{
    return routine >= FT_ROUTINE_SCSI_FIND_ADAPTER && routine <= FT_ROUTINE_SCSI_CONTROL;
}

/* What belongs to one routine of the miniport. */
static void note_routine(struct ft_rules *rules, const struct ft_event *event)
{
    if (is_of_miniport(event->arg[0])) {
        rules->scsi_dma.flushed_here = 0;
        rules->scsi_dma.reset_told = 0;
    }
}

void ft_scsi_dma_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_routine(rules, event);
        break;
    case FT_EV_SCSI_FOUND:
        note_found(rules, event);
        break;
    case FT_EV_SCSI_CONFIG:
        note_config(rules, event);
        break;
    case FT_EV_SCSI_START_IO:
        note_start_io(rules, event);
        break;
    case FT_EV_SCSI_MAP:
        note_map(rules, event);
        break;
    case FT_EV_SCSI_PHYSICAL:
        note_physical(rules, event);
        break;
    case FT_EV_SCSI_BUS:
        rules->scsi_dma.left |= event->arg[0] == FT_SCSI_NEWS_LEFT;
        break;
    case FT_EV_SCSI_DMA_STARTED:
        rules->scsi_dma.state = event->arg[2] != 0 ? FT_SCSI_STARTED : rules->scsi_dma.state;
        break;
    case FT_EV_SCSI_FLUSH:
        note_flush(rules);
        break;
    case FT_EV_SCSI_COMPLETE:
        note_complete(rules, event);
        break;
    case FT_EV_SCSI_HOLD:
        rules->scsi_dma.hold = 1;
        break;
    case FT_EV_SCSI_HOLD_END:
        rules->scsi_dma.hold = 0;
        break;
    case FT_EV_SCSI_NOTIFY:
        rules->scsi_dma.reset_told |= event->arg[1] == FT_SCSI_RESET_DETECTED;
        break;
    case FT_EV_BUS_READ:
    case FT_EV_BUS_WRITE:
        note_bus(rules, event);
        break;
    default:
        break;
    }
}
