/* Memory that belongs to framework objects and is not the driver's any more, or not yet anybody's:
 * what mem:touch is told of in the access flavour. In other flavours every function here does
 * nothing.
 *
 * A span is a range of addresses with the handle of the object that it belongs to. Tables are small
 * and the oldest span gives way: a touch is missed rather than invented.
 */
#ifndef FT_KMDF_WDF_TOUCHES_H
#define FT_KMDF_WDF_TOUCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FT_WDF_GONE = 32,
    FT_WDF_LISTS = 16,
    FT_WDF_UNMOVED = 8,
    FT_WDF_REFILLED = 4,
    FT_WDF_REFILLED_BYTES = 4096, /* of a common buffer, the first */
    FT_WDF_EMPTIED = 4,
    FT_WDF_LOADS = 4
};

struct ft_wdf_span {
    uint64_t from, to; /* the first address, and the one behind the last */
    uint64_t owner;
};

/* A load of what nobody has filled. To write some bits of a word the compiler loads it: told when
 * the task calls or returns and has not written there by then. */
struct ft_wdf_load {
    struct ft_wdf_span span;
    uint64_t site;
    uint16_t task; /* handle id, 0: free slot */
    uint8_t what;  /* enum ft_touch */
};

struct ft_wdf_touches {
    uint8_t used;   /* there was a span */
    uint8_t loaded; /* some load is to be told */
    uint8_t gone_next, list_next, unmoved_next, refilled_next, emptied_next, load_next;
    struct ft_wdf_span gone[FT_WDF_GONE];         /* contexts of objects that are gone */
    struct ft_wdf_span list[FT_WDF_LISTS];        /* of fragments that are over */
    struct ft_wdf_span unmoved[FT_WDF_UNMOVED];   /* that a read was to fill, and ended before */
    uint64_t sum[FT_WDF_UNMOVED];                 /* of their bytes at that time */
    struct ft_wdf_span refilled[FT_WDF_REFILLED]; /* common buffers of a later Fill */
    uint8_t written[FT_WDF_REFILLED]
                   [FT_WDF_REFILLED_BYTES / 8]; /* bit per byte, since it was made */
    uint64_t emptied[FT_WDF_EMPTIED]; /* enablers that lost a common buffer of an earlier Fill */
    struct ft_wdf_load load[FT_WDF_LOADS];
};

/* The context of an object that is about to be freed. */
void ft_wdf_touch_gone(const void *data, size_t bytes, uint64_t object);

/* The list that EvtProgramDma gets of a transaction; over: its fragment is over. */
void ft_wdf_touch_list(const void *list, bool over, uint64_t transaction);

/* A transaction has ended. */
struct ft_wdf_tx;
void ft_wdf_touch_ended(const struct ft_wdf_tx *tx);
/* The buffers of that request are another's, or are about to be filled anew. */
void ft_wdf_touch_request(uint64_t request);

/* A common buffer that a walk of the enabler's callbacks makes; one of those is deleted. */
void ft_wdf_touch_common(const void *va, size_t bytes, uint64_t enabler);
void ft_wdf_touch_common_end(const void *va, uint64_t enabler);
void ft_wdf_touch_device_wrote(const void *va, size_t bytes);

/* What an access of the driver's is, and of which object (0 stays what it was). `what`: as the
 * address alone says, enum ft_touch. */
unsigned ft_wdf_touch(uintptr_t address, size_t bytes, bool write, unsigned what, uint64_t *object);
/* Its load that was found right, or not to be told yet. */
void ft_wdf_touch_load(uintptr_t address, size_t bytes, uint64_t site);
/* The running task is about to emit an event: what it has loaded is told. */
void ft_wdf_touch_event(void);

#endif
