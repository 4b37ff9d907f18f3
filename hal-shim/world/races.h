/* Data races of the driver core, for the access flavour only (docs/RACES.md).
 *
 * The callbacks of access.c and the routines of the shim that touch memory for the driver report
 * every access; happens.c says which of two activations' accesses are ordered; races.c remembers
 * the last accesses of each eight bytes and emits race:earlier and race:found for two that are not.
 *
 * An activation is one life of a task: a thread, or one run of an ISR, DPC, timer or work item.
 * Everything lies in the region behind FT_RACES_BASE and is part of every save point. In other
 * flavours nothing here does anything, and none of the memory is mapped.
 */
#ifndef FT_WORLD_RACES_H
#define FT_WORLD_RACES_H

#include "kmdf/wdf_touches.h"
#include "world/machine.h"

enum {
    FT_ACTIVATIONS = 128,   /* told apart at a time; the one that ended first gives its place up */
    FT_ORDER_PLACES = 1024, /* locks and hand-offs with a clock of their own */
    FT_ORDER_SLOTS = 2 * FT_ORDER_PLACES,
    FT_GRANULES = 8192, /* of eight bytes each */
    FT_GRANULE_SLOTS = 2 * FT_GRANULES,
    FT_GRANULE_BYTES = 8,
    FT_CELLS = 4, /* accesses remembered of a granule */
    FT_ROUTINE_DEPTH = 8,
    FT_RACE_PAIRS = 64, /* pairs of places told once a run */
    FT_WATCHES = 32,    /* at a time */
    FT_GONE = 8         /* IRPs that were passed down, the last that ended */
};

struct ft_clock {
    uint32_t of[FT_ACTIVATIONS];
};

struct ft_activation {
    uint32_t clock;
    uint16_t task; /* handle id */
    uint8_t slot;  /* of the task */
    uint8_t unused;
};

/* One access that is remembered. */
struct ft_cell {
    uint32_t clock; /* of its activation; 0: none */
    uint32_t site;
    uint16_t task;
    uint8_t activation;
    uint8_t bytes; /* bit per byte of the granule */
    uint8_t how;   /* FT_ACCESS_*, kind of task above FT_HOW_KIND */
    uint8_t routine;
    uint8_t irql;
    uint8_t cpu;
};
enum { FT_HOW_KIND = 4 };

struct ft_granule {
    uint64_t place; /* address / FT_GRANULE_BYTES */
    struct ft_cell cell[FT_CELLS];
};

struct ft_order_place {
    uint64_t key;
    struct ft_clock clock;
};

/* Memory that the driver has, and may not touch for a while (watches.c). */
struct ft_watch {
    uintptr_t address;
    uint32_t bytes;
    uint32_t site; /* of FT_TOUCH_UNTESTED: where and by whom the cancel routine was set */
    uint16_t task;
    uint8_t what; /* enum ft_touch; FT_TOUCH_NONE: free */
    uint8_t unused;
};

/* A page of a requester's buffer. */
struct ft_view {
    uint8_t locks, maps; /* MDLs that lock it, and that have an address for it */
    uint8_t mapped;      /* there was one */
};

struct ft_races {
    uint32_t places, granules, pairs;
    uint32_t paged; /* there is, or was, paged pool */
    uint32_t next_activation;
    struct {
        uint16_t task; /* whose life this is, 0: nobody's */
        uint8_t activation;
        uint8_t depth; /* routines entered and not left */
        uint8_t routine[FT_ROUTINE_DEPTH];
        uint8_t waits;        /* objects of a wait for several */
        uint8_t no_extension; /* the routine has read a SrbExtension that is not there */
        uint64_t wait[FT_ROUTINE_DEPTH];
    } life[FT_TASKS_MAX];
    struct ft_activation activation[FT_ACTIVATIONS];
    struct ft_clock now[FT_TASKS_MAX]; /* by the task's slot */
    struct ft_clock overflow;          /* of all keys beyond FT_ORDER_PLACES together */
    uint64_t pair[FT_RACE_PAIRS];
    uint32_t watches, watch_next; /* all in use are below that; the one that gives way next */
    struct ft_watch watch[FT_WATCHES];
    uintptr_t gone[FT_GONE];
    uint32_t gone_next;
    struct ft_view view[FT_FRAMES_MAX];
    uint16_t place_of[FT_ORDER_SLOTS];     /* 0: none, else index + 1 */
    uint16_t granule_of[FT_GRANULE_SLOTS]; /* likewise */
    struct ft_wdf_touches wdf;
};

#define FT_RACES         ((struct ft_races *)FT_RACES_BASE)
#define FT_RACE_PLACES   ((struct ft_order_place *)FT_RACE_PLACES_BASE)
#define FT_RACE_GRANULES ((struct ft_granule *)FT_RACE_GRANULES_BASE)

/* access.c: the driver is of the access flavour. */
bool ft_accesses_on(void);
/* True while a driver of the access flavour runs on more than one processor. */
bool ft_races_on(void);
void ft_races_open(void);  /* maps the memory when the module is of that flavour */
void ft_races_reset(void); /* a cold start */

/* Keys beside handles and addresses (happens.def). */
enum {
    KEY_PNP = 1,
    KEY_POWER,
    KEY_START,
    KEY_REQUESTS,
    KEY_DPCS,
    KEY_IO_TIMER,
    KEY_WDF_QUEUES,
    KEY_WDF_POWER,
    OBJECT /* of a driver routine: the argument of call:enter and call:leave */
};

/* happens.c */
void ft_happens_event(const struct ft_event *event);
/* The slot of the running task with its activation's clock up to date. */
unsigned ft_happens_now(void);

/* dma/touches.c: what is wrong with touching an address; argument of mem:touch. */
enum ft_touch {
    FT_TOUCH_NONE,
    FT_TOUCH_MAPPED_IN,  /* of a transfer from the device */
    FT_TOUCH_MAPPED_OUT, /* to the device */
    FT_TOUCH_LINE,       /* in a cache line with what the device fills */
    FT_TOUCH_FREED,      /* pool */
    FT_TOUCH_COMMON_FREED,
    FT_TOUCH_NOBODYS, /* pages of a request that is over */
    FT_TOUCH_NEAR_NULL,
    FT_TOUCH_PAGED,      /* at DISPATCH_LEVEL or above */
    FT_TOUCH_FORWARDED,  /* an IRP that went to a driver below, and comes back to nobody */
    FT_TOUCH_QUEUED,     /* an IRP in a cancel-safe queue, by a task that holds no lock */
    FT_TOUCH_QUEUE_LINK, /* DriverContext[3] of such an IRP */
    FT_TOUCH_UNTESTED,   /* no touch: the Cancel of an IRP was not read after its cancel routine was
                            set, and the routine has returned */
    FT_TOUCH_NO_VIEW,    /* locked pages of a user, no system address was made for them */
    FT_TOUCH_VIEW_OVER,  /* there was one */
    FT_TOUCH_NO_EXTENSION, /* SrbExtension of a miniport that asked for none */
    FT_TOUCH_UNFLUSHED,    /* no touch: programmed I/O has filled it, and the request was completed
                              without KeFlushIoBuffers */
    FT_TOUCH_BUS_DATA,     /* of ScsiPortGetBusData, before the last call */
    FT_TOUCH_CONTEXT = 20, /* of a framework object that is gone: freed */
    FT_TOUCH_LIST_OVER,    /* EvtProgramDma's, and its fragment is over */
    FT_TOUCH_NULL_BEFORE_SMIO, /* near NULL, self-managed I/O is still to begin, or begin again */
    FT_TOUCH_UNMOVED,          /* bytes of a read that ended before them */
    FT_TOUCH_STALE /* in a common buffer that is filled again, and written by nobody since */
};
/* Emits it, once a run for each call site. */
void ft_touch_tell(enum ft_touch what, uint64_t object, uint64_t mapping, size_t bytes, bool write,
                   uint64_t site);
void ft_touch_check(uintptr_t address, size_t bytes, bool write, uint64_t site);

/* ---- watches.c; in other flavours none of these does anything ---- */

/* From now on a touch of these bytes is `what`; and no longer. */
void ft_watch(enum ft_touch what, const void *address, size_t bytes);
void ft_unwatch(enum ft_touch what, const void *address);
/* Whatever is watched in these bytes is over: they begin or end a life. */
void ft_unwatch_all(const void *address, size_t bytes);
/* What was watched at that address as FT_TOUCH_FORWARDED when its life ended. */
bool ft_watch_gone(uintptr_t address);
/* What the running task does by touching these bytes, FT_TOUCH_NONE: nothing wrong. */
enum ft_touch ft_watched(uintptr_t address, size_t bytes);
/* Ends a watch; tells it when there is one. */
void ft_watch_tell(enum ft_touch what, const void *address);
/* The running task is leaving a routine: tells what it owes, if nobody called that routine but the
 * machine. */
void ft_watch_leave(void);

/* ---- dma/views.c: addresses of a requester's pages; likewise ---- */

void ft_view_lock(const void *mdl, bool lock);
void ft_view_map(const void *mdl, bool map);
void ft_view_fresh(unsigned frame, unsigned pages);
/* What it is to touch the buffer in that frame, if anything is wrong with that. */
enum ft_touch ft_view_touch(unsigned frame);
/* Programmed I/O has filled these bytes for the driver; KeFlushIoBuffers; the driver completes a
 * request with that MDL. */
void ft_view_filled(const void *address);
void ft_view_flushed(const void *address);
void ft_view_completed(const void *mdl);

/* The object that holds an address, and the offset in it. */
uint64_t ft_races_handle(uintptr_t address);
/* True: that was told before in this run, or too much was. */
bool ft_races_told(uint64_t what);

/* races.c: the access of the running task, at that call site. */
void ft_races_check(uintptr_t address, size_t bytes, unsigned how, uint64_t site);
void ft_races_fresh(uintptr_t address, size_t bytes);

#endif
