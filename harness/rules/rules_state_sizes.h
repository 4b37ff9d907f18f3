/* How many objects of each kind the rules engine knows at a time. */
#ifndef FT_RULES_STATE_SIZES_H
#define FT_RULES_STATE_SIZES_H

#include <stdint.h>

enum {
    FT_RS_IRPS = 64,
    FT_RS_MDLS = 128,
    FT_RS_MAPPINGS = 96,
    FT_RS_GRANTS = 16,
    FT_RS_QUEUED = 8,
    FT_RS_ADAPTERS = 4,
    FT_RS_COMMONS = 16,
    FT_RS_ENGINES = 8,
    FT_RS_POOLS = 128,
    FT_RS_LOCKS = 16,
    FT_RS_RAISES = 16,
    FT_RS_DPCS = 16,
    FT_RS_TIMERS = 16,
    FT_RS_INTERRUPTS = 4,
    FT_RS_DEVICES = 16,
    FT_RS_LISTS = 16,
    FT_RS_CONTROLS = 8,
    FT_RS_FRAMES = 40,
    FT_RS_OBJECTS = 64,
    FT_RS_EDGES = 24,
    FT_RS_WDF_LOCKS = 12,
    FT_RS_WDF_EDGES = 16,
    FT_RS_WDF_REQUESTS = 24,
    FT_RS_WDF_QUEUES = 8,
    FT_RS_ENABLERS = 4,
    FT_RS_TXS = 16,
    FT_RS_WDF_COMMONS = 12,
    FT_RS_WDF_TIMERS = 4,
    FT_RS_WDF_DEVICES = 2,
    FT_RS_WDF_CHILDREN = 4,
    FT_RS_WDF_FREED = 4,
    FT_RS_SRBS = 32,
    FT_RS_FINDINGS = 16
};

/* Tables, for the name of the one that overflowed. The order is that of table_names in
 * rules_verdict.c. */
enum ft_rs_table {
    FT_RS_TABLE_NONE,
    FT_RS_TABLE_IRP,
    FT_RS_TABLE_MDL,
    FT_RS_TABLE_MAPPING,
    FT_RS_TABLE_GRANT,
    FT_RS_TABLE_QUEUED,
    FT_RS_TABLE_ADAPTER,
    FT_RS_TABLE_COMMON,
    FT_RS_TABLE_ENGINE,
    FT_RS_TABLE_POOL,
    FT_RS_TABLE_LOCK,
    FT_RS_TABLE_RAISE,
    FT_RS_TABLE_DPC,
    FT_RS_TABLE_TIMER,
    FT_RS_TABLE_INTERRUPT,
    FT_RS_TABLE_DEVICE,
    FT_RS_TABLE_LIST,
    FT_RS_TABLE_CONTROL,
    FT_RS_TABLE_FRAME,
    FT_RS_TABLE_OBJECT,
    FT_RS_TABLE_WDF_LOCK,
    FT_RS_TABLE_WDF_REQUEST,
    FT_RS_TABLE_WDF_DMA,
    FT_RS_TABLE_SRB,
    FT_RS_TABLE_COUNT
};

/* In every flags word: the object is over, the slot may be taken for another one. */
enum { FT_RS_OVER = 0x8000 };

/* Every entry of a table that is searched by id begins with these two. */
struct ft_rs_head {
    uint32_t id; /* of the handle, 0: never used */
    uint16_t flags;
};

#endif
