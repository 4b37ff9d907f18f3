/* What the rules of SCSI Port share: requests that the miniport has or had, and the adapter's
 * state as the events show it. */
#ifndef FT_RULES_SCSI_H
#define FT_RULES_SCSI_H

#include "rules/rules_io.h"

/* SRB_FUNCTION_*, SRB_STATUS_*, SCSISTAT_* of srb.h and scsi.h, as far as the rules name them. */
enum {
    FT_SRB_EXECUTE = 0x00,
    FT_SRB_SHUTDOWN = 0x07,
    FT_SRB_FLUSH = 0x08,
    FT_SRB_ABORT = 0x10,
    FT_SRB_RELEASE_RECOVERY = 0x11,
    FT_SRB_RESET_BUS = 0x12,
    FT_SRB_WMI = 0x17
};
enum {
    FT_SRB_SUCCESS = 0x01,
    FT_SRB_ABORTED = 0x02,
    FT_SRB_ABORT_FAILED = 0x03,
    FT_SRB_ERROR = 0x04,
    FT_SRB_BUSY = 0x05,
    FT_SRB_INVALID_REQUEST = 0x06,
    FT_SRB_TIMED_OUT = 0x09,
    FT_SRB_COMMAND_TIMED_OUT = 0x0B,
    FT_SRB_BUS_RESET = 0x0E,
    FT_SRB_BAD_FUNCTION = 0x22,
    FT_SRB_INTERNAL_ERROR = 0x30,
    FT_SRB_QUEUE_FROZEN = 0x40,
    FT_SRB_AUTOSENSE_VALID = 0x80
};
enum {
    FT_SCSI_GOOD = 0x00,
    FT_SCSI_CONDITION_MET = 0x04,
    FT_SCSI_BUSY = 0x08,
    FT_SCSI_INTERMEDIATE = 0x10,
    FT_SCSI_INTERMEDIATE_MET = 0x14,
    FT_SCSI_QUEUE_FULL = 0x28
};
enum { FT_SCSI_UNTAGGED = 0xFF };

/* What happened on the bus, in event scsi:bus. */
enum {
    FT_SCSI_NEWS_RESET = 1,
    FT_SCSI_NEWS_RESET_OTHER,
    FT_SCSI_NEWS_TOLD,
    FT_SCSI_NEWS_TAKEN,
    FT_SCSI_NEWS_OVER
};

/* How a request came back, in event scsi:complete. */
enum { FT_SCSI_NOTIFIED = 1, FT_SCSI_WILDCARD, FT_SCSI_REFUSED, FT_SCSI_FORCED };

static inline bool ft_srb_is_active(const struct ft_rs_srb *srb)
{
    return srb->id != 0 && (srb->flags & FT_RS_OVER) == 0;
}

/* Every word of it is known. */
static inline bool ft_is_whole(const struct ft_event *event, unsigned words)
{
    return event->unknown == 0 && event->argc >= words;
}

static inline unsigned ft_where_path(uint64_t where)
{
    return (unsigned)(where >> 16) & 0xFF;
}

struct ft_rs_srb *ft_srb_find(struct ft_rules *rules, uint32_t id);
uint64_t ft_srb_handle(const struct ft_rs_srb *srb);
/* Requests that the miniport has. */
unsigned ft_srbs_active(const struct ft_rules *rules);
/* The routine of the miniport that the event's task is in, 0: none. */
unsigned ft_scsi_in(struct ft_rules *rules, const struct ft_event *event);

#endif
