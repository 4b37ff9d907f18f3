/* What the rules remember of adapters, grants, mappings, lists, common buffers and engines. */
#ifndef FT_RULES_STATE_DMA_H
#define FT_RULES_STATE_DMA_H

#include "rules/rules_state_sizes.h"

/* FT_RS_OVER: flushed. */
enum {
    FT_MAPPING_WRITE = 1, /* to the device */
    FT_MAPPING_SPENT = 2, /* a flush of just the bytes that the device reported ended the operation
                             before this piece */
    FT_MAPPING_LIST = 4,  /* an element of a scatter/gather list; its grant is the list's key */
    FT_MAPPING_KFI = 8,   /* KeFlushIoBuffers was called after the device had moved its data */
    FT_MAPPING_BY_TIMER = 16 /* flushed by the DPC of a timer */
};

/* Elements of a list have this and the list's id where other mappings have their grant. */
#define FT_RS_LIST_KEY 0x80000000u

struct ft_rs_mapping {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter, grant, mdl;
    uint32_t irp; /* owner, 0: not known */
    uint32_t offset, length;
    uint64_t address;
    uint32_t engine_bytes; /* the device says it moved */
    uint32_t bus_bytes;    /* seen on the bus */
};

/* FT_RS_OVER: channel and registers are back. */
enum {
    FT_GRANT_CHANNEL = 1,    /* KeepObject */
    FT_GRANT_REGISTERS = 2,  /* DeallocateObjectKeepRegisters */
    FT_GRANT_FREED_REGS = 4, /* FreeMapRegisters was called */
    FT_GRANT_MAPPED = 8,     /* mdl and next are valid */
    FT_GRANT_OF_DEVICE = 16, /* asked for by a PnP request: it serves one request after the other */
    FT_GRANT_FREED_CHANNEL = 0x20, /* FreeAdapterChannel was called */
    FT_GRANT_DEALLOCATED = 0x40,   /* AdapterControl returned DeallocateObject */
    FT_GRANT_NEXT_STARTED = 0x80,  /* IoStartNextPacket was called while its channel was held */
    FT_GRANT_IN_CONTROL = 0x100    /* its AdapterControl has not returned */
};

/* In `more`: of version 3. */
enum {
    FT_MORE_V3 = 0x0001,             /* asked for by AllocateAdapterChannelEx */
    FT_MORE_SYNCHRONOUS = 0x0002,    /* … at once and without a routine: the caller owns it */
    FT_MORE_WITHDRAWN = 0x0004,      /* CancelAdapterChannel returned TRUE */
    FT_MORE_CANCEL_LATE = 0x0008,    /* … FALSE */
    FT_MORE_KEPT_REGISTERS = 0x0010, /* FreeAdapterObject left the registers */
    FT_MORE_V3_MAPPED = 0x0020,      /* a MapTransferEx was not flushed */
    FT_MORE_WAS_MAPPED = 0x0040,     /* there was one */
    FT_MORE_MAP_FAILED = 0x0080,     /* the last one failed */
    FT_MORE_V3_WRITE = 0x0100,
    FT_MORE_V3_CANCELLED = 0x0200, /* CancelMappedTransfer, until the flush */
    FT_MORE_ABORTED = 0x0400       /* the controller moved less than all of the last one */
};

struct ft_rs_grant {
    uint32_t id;
    uint16_t flags;
    uint8_t maps, flushes; /* 255: that many or more */
    uint32_t adapter;
    uint32_t irp;
    uint32_t registers;
    uint32_t mdl;  /* of the mappings so far */
    uint32_t next; /* offset behind the bytes mapped so far */
    uint32_t lock; /* a spin lock that was held when it was asked for, 0: none */
    uint16_t device;
    uint16_t more; /* FT_MORE_V3 and what follows it */
    /* The last MapTransferEx: its chain, where, how much was asked for and mapped. */
    uint32_t chain, map_offset, map_asked, map_length;
};

/* An AllocateAdapterChannel that has not been granted. */
struct ft_rs_queued {
    uint32_t adapter; /* 0: free slot */
    uint32_t irp;
    uint32_t lock;
    uint16_t device;
    uint16_t of_device; /* FT_GRANT_OF_DEVICE will be set */
    uint32_t grant;     /* of version 3: its id, 0: not known */
};

/* FT_RS_OVER: put. */
enum {
    FT_ADAPTER_PIPELINES = 1, /* scatter/gather bus master: may map on without a flush */
    FT_ADAPTER_SLAVE = 2,     /* of a subordinate device */
    FT_ADAPTER_MASTER = 4,
    FT_ADAPTER_SINGLE = 8, /* bus master without scatter/gather */
    FT_ADAPTER_V2 = 0x10,
    FT_ADAPTER_AUTO_INITIALIZE = 0x20,
    FT_ADAPTER_REFUSED = 0x40,         /* its last channel request failed */
    FT_ADAPTER_LIST_REFUSED = 0x80,    /* its last list request failed */
    FT_ADAPTER_COMMON_REFUSED = 0x100, /* its last AllocateCommonBuffer failed */
    FT_ADAPTER_SIZED = 0x200,          /* CalculateScatterGatherList was called with an MDL */
    FT_ADAPTER_SIZED_ANY = 0x400,      /* … without one */
    FT_ADAPTER_REFERENCES = 0x800,     /* `references` is known */
    FT_ADAPTER_PUT_ONCE = 0x1000,      /* put, but not by all who got it */
    FT_ADAPTER_RUNNING = 0x2000, /* its system DMA channel was programmed and has not finished */
    FT_ADAPTER_V3 = 0x4000
};

struct ft_rs_adapter {
    uint32_t id;
    uint16_t flags;
    uint16_t device;
    uint32_t early_grants; /* granted before the event of their AllocateAdapterChannel */
    uint32_t registers;    /* that IoGetDmaAdapter granted, 0: not known */
    uint32_t maximum;      /* MaximumLength */
    uint16_t references;
    uint16_t alignment; /* that GetDmaAlignment returned, 0: not asked for */
    uint16_t channel;   /* of the system DMA controller */
    uint8_t lists_owed; /* synchronous lists without a routine whose channel is still held */
    uint8_t vectors;    /* of common buffers */
};

/* FT_RS_OVER: put. */
enum { FT_LIST_WRITE = 1, FT_LIST_DIRECTED = 2 /* FT_LIST_WRITE is known */, FT_LIST_HAS_MDL = 4 };

struct ft_rs_list {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter, mdl;
    uint32_t irp;
};

/* An AdapterControl or AdapterListControl that runs. The innermost of a task stands last. */
struct ft_rs_control {
    uint16_t task; /* 0: free slot */
    uint8_t of_list;
    uint8_t depth; /* other routines of the driver that it runs inside */
    uint32_t id;   /* of the grant or list */
};

/* FT_RS_OVER: freed. */
struct ft_rs_common {
    uint32_t id;
    uint16_t flags;
    uint16_t unused;
    uint32_t adapter;
    uint32_t length;
    uint64_t address;
};

struct ft_rs_engine {
    uint64_t address;
    uint32_t length;
    uint16_t device;
    uint8_t channel;
    uint8_t active;
};

#endif
