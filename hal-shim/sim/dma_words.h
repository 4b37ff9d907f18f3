/* What the packed words of DMA events mean: for the shim, which fills them, and the rules, which
 * judge them.
 */
#ifndef FT_SIM_DMA_WORDS_H
#define FT_SIM_DMA_WORDS_H

#include <stdint.h>

/* dma:get-adapter, argument `description`: what DEVICE_DESCRIPTION said. 0: not known. */
enum {
    FT_DD_KNOWN = 0x0001,
    FT_DD_MASTER = 0x0002,
    FT_DD_SCATTER_GATHER = 0x0004,
    FT_DD_DEMAND = 0x0008,
    FT_DD_AUTO_INITIALIZE = 0x0010,
    FT_DD_32_BITS = 0x0020,
    FT_DD_64_BITS = 0x0040,
    FT_DD_IGNORE_COUNT = 0x0080,
    /* A member that the driver has no reason to set is not zero: Reserved1, a BOOLEAN that is
     * neither 0 nor 1, or a member of a later version than the one asked for. */
    FT_DD_NOT_ZEROED = 0x0100
};
/* Above them, eight bits each: DmaChannel, InterfaceType and, of version 3, DmaAddressWidth; then
 * sixteen of its DmaRequestLine. */
#define FT_DD_CHANNEL(description)   ((unsigned)((description) >> 16 & 0xFF))
#define FT_DD_INTERFACE(description) ((unsigned)((description) >> 24 & 0xFF))
#define FT_DD_WIDTH(description)     ((unsigned)((description) >> 32 & 0xFF))
#define FT_DD_LINE(description)      ((unsigned)((description) >> 40 & 0xFFFF))

/* dma:common-free, argument `wrong`: what differs from the allocation. */
enum {
    FT_CF_ADAPTER = 0x01,
    FT_CF_LENGTH = 0x02,
    FT_CF_LOGICAL = 0x04,
    FT_CF_VIRTUAL = 0x08, /* inside the buffer, or elsewhere */
    FT_CF_CACHE = 0x10,
    FT_CF_FREED = 0x20 /* it was freed before */
};

/* engine:begin and bus:fault, argument `looks`: what an address looks like that is in no live
 * mapping, list or common buffer. */
enum {
    FT_LOOKS_NOTHING,         /* of all that follows; or it is right */
    FT_LOOKS_PHYSICAL,        /* the physical address of driver or requester memory */
    FT_LOOKS_VIRTUAL,         /* an address of the processor */
    FT_LOOKS_CUT,             /* the low 32 bits of a live logical address above 4 GB */
    FT_LOOKS_COMMON_PHYSICAL, /* the physical address of a live common buffer */
    FT_LOOKS_COMMON_VIRTUAL,  /* its address for the processor */
    FT_LOOKS_COMMON_PAGE      /* the page in which a live common buffer begins, not its start */
};

/* dma:channel-ex, dma:map-ex, dma:sg-get-ex and dma:common-ex, argument `how`. */
enum {
    FT_HOW_SYNCHRONOUS = 0x01, /* DMA_SYNCHRONOUS_CALLBACK */
    FT_HOW_ROUTINE = 0x02,     /* an execution or completion routine was given */
    FT_HOW_OUT = 0x04,         /* a place for MapRegisterBase, or for the list */
    FT_HOW_OTHER_FLAGS = 0x08, /* a flag that is not documented */
    FT_HOW_WRITE = 0x10,
    FT_HOW_LIST = 0x20,          /* MapTransferEx got a list buffer */
    FT_HOW_DEVICE_OFFSET = 0x40, /* … and a DeviceOffset that is not 0 */
    FT_HOW_CONTEXT = 0x80,       /* … and a CompletionContext */
    FT_HOW_BUILD = 0x100,        /* BuildScatterGatherListEx */
    FT_HOW_UNFLUSHED = 0x200,    /* the MapTransferEx before it was not flushed */
    FT_HOW_CACHED = 0x400,
    FT_HOW_LARGE_PAGES = 0x800,
    FT_HOW_FROM_MDL = 0x1000
};
/* Above them, eight bits each: what the transfer context was (enum ft_context_state), and why the
 * call was refused (enum ft_dma_why). */
#define FT_HOW_STATE(how) ((unsigned)((how) >> 16 & 0xFF))
#define FT_HOW_WHY(how)   ((unsigned)((how) >> 24 & 0xFF))

/* A DMA transfer context, as a call finds it. */
enum ft_context_state {
    FT_CONTEXT_NONE, /* the call has none */
    FT_CONTEXT_RAW,  /* never initialized, or a copy of one that was */
    FT_CONTEXT_READY,
    FT_CONTEXT_WAITING, /* its request waits */
    FT_CONTEXT_GRANTED, /* its request was granted and holds something */
    FT_CONTEXT_POISONED /* CancelAdapterChannel came before the request */
};

/* Why a call of version 3 was refused, or cannot be right. */
enum ft_dma_why {
    FT_WHY_NOTHING,
    FT_WHY_ARGUMENTS,  /* a combination that is not legal */
    FT_WHY_CONTEXT,    /* the transfer context */
    FT_WHY_RESOURCES,  /* not now, or never that many */
    FT_WHY_BASE,       /* not a MapRegisterBase of this adapter */
    FT_WHY_RANGE,      /* not inside the MDL chain, or no bytes */
    FT_WHY_LIST,       /* no list buffer, or one that holds no element */
    FT_WHY_CANCELLED,  /* the transfer was cancelled */
    FT_WHY_MDL,        /* its pages are not locked */
    FT_WHY_ADAPTER,    /* another adapter's or device's, or the wrong kind of adapter */
    FT_WHY_NOT_MAPPED, /* nothing that is mapped there */
    FT_WHY_TWICE,      /* done before */
    FT_WHY_BUSY,       /* something of it is still in use */
    FT_WHY_IRQL
};

/* dma:old-member, argument `member`: members of DMA_OPERATIONS count from 1 (PutDmaAdapter). */
enum { FT_DMA_MEMBERS_V1 = 12, FT_DMA_MEMBERS_V2 = 15, FT_DMA_MEMBERS_V3 = 39 };

/* mem:damage, argument `what`. */
enum {
    FT_DAMAGE_FREE_REGISTER = 1,
    FT_DAMAGE_ADAPTER,
    FT_DAMAGE_LIST,
    FT_DAMAGE_MDL,
    FT_DAMAGE_COMMON_SLACK,
    FT_DAMAGE_FREE_PAGE
};

/* mdl:build, argument `memory`, beside the kinds that every `memory` argument knows. */
enum { FT_MEMORY_IS_PAGED = 3, FT_MEMORY_IS_COMMON = 6 };

#endif
