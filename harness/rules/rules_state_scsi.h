/* What the rules remember of a SCSI Port adapter and its requests (rules_scsi_*.c). */
#ifndef FT_RULES_STATE_SCSI_H
#define FT_RULES_STATE_SCSI_H

#include "rules/rules_state_sizes.h"

/* SCSI Port's adapter, as its initialisation, configuration and controls show it. */
struct ft_rs_scsi_adapter {
    uint32_t lowest;   /* status of the ScsiPortInitialize calls */
    uint32_t transfer; /* MaximumTransferLength, as HwScsiFindAdapter left it */
    uint32_t stalled;  /* microseconds, in the routine that task `stall_task` is in */
    uint16_t stall_task, style;
    uint8_t initialized, result, state, inside; /* inside: miniport routines */
    uint8_t control;                            /* type of the adapter control that runs */
    uint8_t yanked;
    uint8_t outside; /* others have done something on its bus */
    uint8_t bus;     /* INTERFACE_TYPE + 1, 0: not known */
};

/* FT_RS_OVER: it is the port's again. */
enum {
    FT_SRB_BY_WILDCARD = 1, /* ScsiPortCompleteRequest gave it back */
    FT_SRB_TAKEN = 2,       /* the port took it */
    FT_SRB_ABORT_DONE = 4,  /* an abort of it has succeeded */
    FT_SRB_WAS_RESET = 8    /* it came back because the bus was reset */
};

struct ft_rs_srb {
    uint32_t id; /* 0: free slot */
    uint16_t flags;
    uint8_t function, tag;
    uint32_t where; /* path << 16 | target << 8 | unit */
    uint32_t timeout, victim;
};

enum {
    FT_HBA_STARTED_ONE = 0x0001, /* HwScsiStartIo was called since the adapter's start */
    FT_HBA_OWES = 0x0002,        /* no next request was asked for since then */
    FT_HBA_ASKED = 0x0004,       /* NextRequest was, since then */
    FT_HBA_RESET = 0x0008,       /* a bus was reset since then */
    FT_HBA_ACTED = 0x0010, /* the interrupt routine, or callback, has told the port something */
    FT_HBA_ENABLE_ASKED = 0x0020,
    FT_HBA_TIMER_ARMED = 0x0080,
    FT_HBA_TIMER_CANCELLED = 0x0100,
    FT_HBA_OTHER_PATH = 0x0200, /* HwScsiResetBus completed a request of another path */
    FT_HBA_LOGGED = 0x0400,     /* … or logged an error */
    FT_HBA_LINE_UP = 0x0800,
    FT_HBA_RAISED = 0x1000,     /* its line rose since the interrupt routine last began */
    FT_HBA_HAD_LINE = 0x2000,   /* one of the two when it began */
    FT_HBA_INT_ENABLED = 0x4000 /* the device may interrupt */
};

struct ft_rs_scsi {
    struct ft_rs_srb srb[FT_RS_SRBS];
    uint16_t flags;
    uint16_t reset_path; /* of the HwScsiResetBus that runs, plus 1 */
    uint8_t disables;    /* CallDisableInterrupts in the enable callback */
    uint8_t unused[3];
    uint32_t untagged_where; /* a unit that was asked in vain for an untagged request, plus 1 */
    uint32_t stalled;        /* microseconds, in HwScsiResetBus */
};

/* An SRB of the miniport's and its DMA. */
struct ft_rs_scsi_srb {
    uint32_t id;            /* 0: free slot */
    uint32_t mapped, moved; /* bytes that ScsiPortIoMapTransfer had, that the device moved */
    uint32_t given, told;   /* its length; bytes that ScsiPortGetPhysicalAddress has told of */
    uint64_t end;           /* device address behind its last byte, 0: not known */
    uint8_t function;
    uint8_t cancelled; /* a mapping was flushed before HwScsiDmaStarted */
    uint8_t unused[2];
};
enum { FT_RS_SCSI_SRBS = 16, FT_RS_SCSI_UNITS = 8, FT_RS_SCSI_RANGES = 4 };

struct ft_rs_scsi_dma {
    uint32_t srb;             /* of the open mapping */
    uint32_t closed;          /* of the last one that was flushed, until the next is mapped */
    uint32_t transfer, limit; /* bytes that a mapping may have: HBA's, channel's */
    uint16_t style;           /* of scsi:found */
    uint8_t state;            /* of the mapping */
    uint8_t write;
    uint8_t found, configured;
    uint8_t hold;         /* after a reset */
    uint8_t flushed_here; /* in the miniport's routine that runs */
    uint8_t reset_told;   /* ResetDetected, in that routine */
    uint8_t left;         /* a target has left the bus since the mapping was opened */
    uint8_t unused[2];
    struct ft_rs_scsi_srb known[FT_RS_SCSI_SRBS];
};

/* Commands that a unit's target has. */
struct ft_rs_scsi_unit {
    uint32_t where;
    uint8_t used, commands;
    uint8_t flushes; /* of them, SYNCHRONIZE CACHE */
    uint8_t unused;
};

/* What is owed for a reset of the bus, and what an adapter that begins anew has to show. */
struct ft_rs_scsi_bus {
    struct ft_rs_scsi_unit unit[FT_RS_SCSI_UNITS];
    uint32_t reset_owner; /* of the mapping that was open when HwScsiResetBus was called last */
    uint8_t tells;        /* the model says what happens on its bus */
    uint8_t was_reset;    /* since HwScsiResetBus was called last */
    uint8_t claims;       /* … and it returned TRUE */
    uint8_t reported;     /* the port knows of a reset, until the end of its hold */
    uint8_t unreported;   /* the adapter has reset the bus, and the port does not know */
    uint8_t unseen;       /* so was the miniport told, in the routine that runs */
    uint8_t started;      /* a request, since the last reset */
    uint8_t starts;       /* of the adapter */
    uint8_t served;       /* a request has succeeded */
    uint8_t trial;        /* enum: begun again, and no request has come back since */
    uint8_t unused[2];
};

/* What the miniport may touch, and what it has sent. */
struct ft_rs_scsi_port {
    uint32_t memory; /* bytes of the largest register range in memory */
    struct {
        uint32_t first, count;
    } ports[FT_RS_SCSI_RANGES];
    uint8_t ranges; /* of ports */
    uint8_t begun;  /* HwScsiInitialize, or a restart, has succeeded */
    uint8_t events; /* WMIEvent, in the routine that runs */
    uint8_t unused;
};

#endif
