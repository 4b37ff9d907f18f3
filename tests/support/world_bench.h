/* A bench for the simulated machine: a test's body runs as the DriverEntry of a driver made for it,
 * in a world of its own, so it may call every DDI; or the test brings a whole driver and ops.
 *
 * Code inside the world must not use cmocka's assertions (they would jump from one stack to
 * another): CHECK notes the first failure, and wb_run asserts that there was none once the run is
 * over. The events of the last run stay readable until the next one begins.
 */
#ifndef FT_WORLD_BENCH_H
#define FT_WORLD_BENCH_H

#include "sim/device.h"
#include "sim/module.h"
#include "sim/world.h"

/* Registers of the bench's device, in BAR 0. */
enum {
    WB_REG_LINE = 0x00,    /* write 1: the interrupt line rises, 0: it drops; read: its level */
    WB_REG_SCRATCH = 0x04, /* keeps what is written until the next reset */
    WB_REG_BURSTS = 0x08,  /* write n: the engine is busy for n bursts; read: bursts to come */
    WB_REG_RESETS = 0x0C,  /* read: power-on resets so far */
    WB_REG_ENABLE = 0x10,  /* write: whether the device may interrupt */
    WB_REG_MESSAGE = 0x14, /* write n: the device sends interrupt message n */
    WB_BAR_BYTES = 0x100,
    WB_CONTROL = 0x222000, /* and 1 to 3 more: a control code for each method */
    WB_IRQ_LEVEL = 5
};

/* What a run is about. Zero is the default of every field. */
struct wb_case {
    void (*body)(void);                     /* runs as DriverEntry, which then fails */
    int (*entry)(void *driver, void *path); /* instead of body: a driver's DriverEntry */
    enum ft_platform_name preset;
    void (*adjust)(struct ft_platform *platform);         /* changes the preset's knobs */
    void (*describe)(struct ft_description *description); /* changes the bench's device */
    const struct ft_op *op;
    unsigned op_count;
    bool accesses;                        /* as in the access flavour: ft_access counts */
    bool device_auto;                     /* the device has no model */
    const struct sim_device_model *model; /* instead of the bench's own */
    uint32_t step_limit;
    struct ft_turns *turns; /* of the last run, when not NULL */
    ft_observer *tap;       /* also sees every event, when not NULL; what it returns is ignored */
};

/* One run in a world of its own. */
void wb_run(const struct wb_case *how);
/* The same for a body alone; the run must end as `stop`. */
void wb_body(void (*body)(void), enum ft_stop stop);
/* A body on a machine with that many processors; the run must reach its end. */
void wb_body_on(unsigned processors, void (*body)(void));

/* Several runs in one world: open, again and again, close. */
void wb_open(const struct wb_case *how);
void wb_again(const struct ft_op *op, unsigned op_count);
void wb_close(void);

const struct ft_run_result *wb_result(void);
void *wb_driver_object(void); /* the DRIVER_OBJECT that DriverEntry got */

void wb_check(bool ok, const char *expression, const char *file, int line);
#define CHECK(expression) wb_check(expression, #expression, __FILE__, __LINE__)

/* Notes: words that code inside the world leaves, one space between two. Harness memory, so tests
 * see the order in which things ran. */
void wb_note(const char *word);
const char *wb_notes(void);

/* Events of that kind in the last run; the n-th of them (1 is the first) and the last one, zeroed
 * when there is none; where an event stands among all (from 0), -1 when there is none such. */
unsigned wb_count(enum ft_event_kind kind);
const struct ft_event *wb_event(enum ft_event_kind kind, unsigned n);
const struct ft_event *wb_last(enum ft_event_kind kind);
long wb_place(enum ft_event_kind kind, unsigned n);

#endif
