/* The inside of the world: what the folders of hal-shim share. Harness, rules and device models
 * never see it.
 *
 * All mutable state is struct ft_machine at FT_REGION_BASE (macro FT_M) and the arenas behind it.
 * Layers that need state of their own have a struct here by value (io, dma) declared in their own
 * header, so that one copy saves everything.
 *
 * A DDI is written like this:
 *
 *     VOID KeSomething(PKEVENT Event)
 *     {
 *         FT_DDI_BEGIN(EVENT_SET, ft_label_of(Event));      // point, nesting, call site
 *         ... effect ...
 *         ft_emit(FT_EV_EVENT_SET, handle, previous);       // the event, with the caller's header
 *         FT_DDI_END(EVENT_SET, ft_label_of(Event));        // the .out point
 *     }
 *
 * Both points may switch tasks and may never return (the run has stopped), so a DDI leaves no shim
 * state half changed across them.
 */
#ifndef FT_WORLD_MACHINE_H
#define FT_WORLD_MACHINE_H

#include "sim/handle.h"
#include "sim/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FT_CPUS_MAX = 4,
    FT_TASKS_MAX = 32,           /* at most: ft_machine.tasks_of_kind has one bit each */
    FT_STACK_BYTES = 128 * 1024, /* each has a guard page below */
    FT_CPU_DEPTH = 4,
    FT_OBJECTS_FEW = 128, /* embedded objects known by address before the table moves to a block */
    FT_TIMERS_MAX = 24,
    FT_DPC_QUEUE_MAX = 24,
    FT_FRAMES_MAX = 320, /* physical pages of request buffers: 1 MiB and what goes with it */
    FT_PAGE_BYTES = 4096,
    FT_STACK_STRIDE = FT_STACK_BYTES + FT_PAGE_BYTES,
    FT_LINE_BYTES = 64,
    FT_NO_CPU = 0xFF,
    FT_NO_TASK = 0xFF
};

/* The map of the region. Processor, physical and logical addresses are disjoint, so mixing them
 * fails. */
#define FT_STATE_BASE  FT_REGION_BASE /* struct ft_machine, reserved state of the harness */
#define FT_STATE_BYTES 0x00100000UL
#define FT_POOL_BASE   (FT_REGION_BASE + 0x00200000UL) /* pool, IRPs, MDLs, device objects */
#define FT_POOL_BYTES  0x00400000UL
#define FT_STACKS_BASE (FT_REGION_BASE + 0x00800000UL) /* FT_TASKS_MAX stacks with guard pages */
#define FT_CPU_VIEW_BASE                                                                           \
    (FT_REGION_BASE +                                                                              \
     0x01000000UL) /* frames as the processor sees them: user and system addresses */
#define FT_BUS_VIEW_BASE                                                                           \
    (FT_REGION_BASE +                                                                              \
     0x01200000UL) /* the same frames as memory holds them (non-coherent platforms) */
#define FT_TRUTH_BASE  (FT_REGION_BASE + 0x01400000UL) /* what the requester should see */
#define FT_BOUNCE_BASE (FT_REGION_BASE + 0x01600000UL) /* pages of map registers */
/* The access flavour only: clocks and shadow memory of world/races.h. */
#define FT_RACES_BASE         (FT_REGION_BASE + 0x02000000UL)
#define FT_RACE_PLACES_BASE   (FT_RACES_BASE + 0x00040000UL)
#define FT_RACE_GRANULES_BASE (FT_RACES_BASE + 0x00100000UL)
#define FT_RACES_BYTES        0x00200000UL
#define FT_BAR_BASE                                                                                \
    (FT_REGION_BASE + 0x08000000UL)    /* windows of MmMapIoSpace; never accessible memory */
#define FT_PHYSICAL_BASE 0x40000000ULL /* physical address of frame 0 */
#define FT_BAR_PHYSICAL_BASE                                                                       \
    0xE0000000ULL                       /* physical address of BAR 0 of device 0; 16 MiB a BAR     \
                                         */
#define FT_BAR_ELSEWHERE 0x08000000ULL  /* the same after a rebalance: so much higher */
#define FT_BAR_SECOND    0x10000000ULL  /* those of a second device, the bus's own too */
#define FT_BAR_BUS_BASE  0x90000000ULL  /* raw: the bus's own address of BAR 0 */
#define FT_HIGH_OFFSET   0x100000000ULL /* added on platforms with memory above 4 GiB */
#define FT_LOGICAL_BASE  0xD0000000ULL  /* logical addresses where they are not physical ones */

enum ft_task_state {
    FT_TS_FREE,
    FT_TS_READY, /* may step when a processor takes it */
    FT_TS_RUNNING,
    FT_TS_SPIN, /* waits for the spin lock wait_object */
    FT_TS_WAIT, /* waits for a dispatcher object or a deadline; ft_task_wake makes it ready */
    FT_TS_QUIET /* waits until nothing but the clock may step */
};

typedef void ft_task_fn(void *argument);

struct ft_task {
    uint8_t kind;  /* enum ft_task_kind */
    uint8_t state; /* enum ft_task_state */
    uint8_t irql;
    uint8_t cpu;      /* the processor it runs or stays on, FT_NO_CPU */
    uint8_t resident; /* it is on its processor's stack of activations */
    uint8_t target;   /* DPC: the processor it was queued on */
    uint8_t layer;    /* enum ft_layer of the code now running */
    uint8_t nesting;
    uint8_t locks; /* spin locks held */
    uint8_t began;
    uint8_t stack_dirty; /* the stack was left in mid-call; its shadow is stale */
    uint8_t of_driver;   /* a thread that the driver made: it may wait for ever without a hang */
    uint8_t affinity;    /* bit per processor it may run on, 0: all (below DISPATCH_LEVEL) */
    uint8_t mutexes;     /* KMUTEX objects it owns */
    int8_t critical, guarded; /* depth of critical and guarded regions */
    uint16_t id;              /* handle id */
    uint16_t label;
    uint16_t request;   /* IRP handle id it serves */
    uint16_t device;    /* device handle id */
    uint8_t focus;      /* number of the device that it is about (io/focus.c) */
    uint8_t idle_polls; /* under an `order`, since another chain moved */
    uint16_t polls;     /* in all */
    uint16_t children;  /* tasks it made under an `order` */
    uint32_t chain;     /* under an `order` (world/chains.h) */
    uint32_t order;     /* creation order */
    uint32_t waited;    /* when the present wait began, in the same count */
    uint32_t queued;    /* DPC: when it was queued, in the same count */
    int32_t wake_status;
    uint64_t deadline; /* 0: none */
    uint64_t site;     /* call site of the DDI it is in */
    void *wait_object;
    const struct ft_wait *wait; /* the dispatcher objects it waits for (kernel/dispatcher.h) */
    void *thread;               /* its thread object, NULL until somebody asks for it */
    void *context;              /* fiber context while parked */
    void *seh[8];               /* slots of kernel/seh.c, NULL when the task begins */
    ft_task_fn *fn;
    void *argument;
    void *fake_stack;
};

struct ft_cpu {
    uint8_t depth;
    uint8_t stack[FT_CPU_DEPTH]; /* task indices, topmost last */
};

/* An object known by its address because it lives in memory of the driver (KDPC, KTIMER, KEVENT,
 * spin lock, …). */
struct ft_object {
    uintptr_t address;
    uint32_t id;
    uint8_t class_;
    uint8_t unused[3];
};

struct ft_timer {
    void *timer; /* KTIMER of the driver, NULL: free slot */
    void *dpc;
    uint64_t due;
    uint64_t period; /* 100 ns, 0: once */
    uint32_t order;
    uint32_t expired; /* when its DPC began to wait, in the count of task orders */
    uint8_t pending;  /* expired, its DPC waits to run as a timer task */
    uint8_t cpu;
    uint8_t focus; /* of the task that set it */
    uint8_t held;  /* late-timer: due, but does not expire yet; FT_TIMER_HELD… */
};
enum { FT_TIMER_FREE_TO_EXPIRE, FT_TIMER_HELD, FT_TIMER_HELD_OVER_QUIET };

struct ft_dpc_entry {
    void *dpc;
    uint32_t queued; /* when, in the count of task orders */
    uint8_t cpu;
    uint8_t focus; /* of who queued it */
};

#include "dma/dma_state.h"
#include "io/io_state.h"
#include "kernel/kernel_state.h"
#include "kmdf/kmdf_state.h"
#include "scsiport/scsiport_state.h"
#include "world/chains.h"

/* The engine rests, runs (it goes on before anything else), or is inside a step right now. */
enum { FT_ENGINE_RESTS, FT_ENGINE_RUNS, FT_ENGINE_STEPPING };

enum ft_phase { FT_PHASE_START, FT_PHASE_OPS, FT_PHASE_TAIL, FT_PHASE_OVER };

struct ft_machine {
    /* --- the run --- */
    struct ft_run_options options;
    struct ft_platform platform;
    uint64_t hash;
    uint64_t events, driver_events;
    uint64_t steps, step_limit;
    uint64_t now;   /* 100 ns */
    uint32_t stop;  /* enum ft_stop */
    uint32_t phase; /* enum ft_phase */
    uint32_t tail_step;
    uint64_t tail_began; /* simulated time at which the present step of the tail began */
    uint32_t order_next;
    uint32_t handle_next[FT_HANDLE_CLASS_END]; /* last id given, per class */
    uint8_t cpus;
    uint8_t current;     /* running task, FT_NO_TASK in the scheduler */
    uint8_t prefer;      /* task to run next, FT_NO_TASK */
    uint8_t prefer_kind; /* FT_TASK_ENGINE or FT_TASK_CLOCK to run next, or a pending ISR/DPC/timer;
                            0 none */
    uint8_t in_engine;   /* FT_ENGINE_* */
    uint8_t started;     /* START_DEVICE is over */
    uint8_t parked;      /* task that a strategy parked: it goes on before anything else */
    struct ft_cpu cpu[FT_CPUS_MAX];
    struct ft_task task[FT_TASKS_MAX];
    uint32_t tasks_of_kind[FT_TASK_KIND_COUNT]; /* bit per task that is not free; [0]: of any */

    /* --- ops --- */
    struct ft_op armed;
    uint8_t armed_valid, ops_done;
    uint16_t armed_left;     /* occurrences still to come */
    uint16_t armed_accesses; /* accesses still to come, after the last occurrence */
    uint8_t access_phase;
    uint64_t armed_step; /* steps when it armed */
    uint32_t op_index;   /* of the armed op */
    uint32_t op_next;    /* list position */
    uint64_t places;     /* at which a strategy could be asked so far */
    uint32_t ops_fired, ops_late, ops_skipped;
    uint8_t label_used[32]; /* bit per label */
    struct ft_order order;

    /* --- kernel --- */
    struct ft_object object[FT_OBJECTS_FEW];
    struct ft_object *object_block;     /* the table once it has outgrown `object`, else NULL */
    uint32_t object_size, object_count; /* slots of object_block; slots in use */
    struct ft_timer timer[FT_TIMERS_MAX];
    struct ft_dpc_entry dpc_queue[FT_DPC_QUEUE_MAX];
    uint32_t dpc_count;
    uint8_t timer_late;                         /* armed by late-timer */
    uint32_t pool_used;                         /* bump offset, high water */
    uint32_t pool_blocks;                       /* live driver blocks */
    uint32_t alloc_fail_what, alloc_fail_after; /* armed by fail-alloc */
    void *registry;                             /* its root key, NULL until somebody looks */
    uint32_t uuids;                             /* made by ExUuidCreate */
    uint32_t pool_no_execute; /* the driver has opted in: NonPagedPool is NonPagedPoolNx */
    uint32_t last_read_offset, last_read_task;
    uint64_t last_read_value;
    uint32_t last_read_repeats;

    /* --- layers --- */
    struct ft_kernel_state kernel;
    struct ft_io_state io;
    struct ft_dma_state dma;
    struct ft_kmdf_state kmdf;
    struct ft_scsiport_state scsiport;

    uint32_t state_used; /* bytes of the state arena in use, harness reservations included */
};

#define FT_M ((struct ft_machine *)FT_STATE_BASE)

static inline struct ft_task *ft_current(void)
{
    return FT_M->current == FT_NO_TASK ? NULL : &FT_M->task[FT_M->current];
}

/* Walks over the tasks that are not free, by their slots:
 *     for (uint32_t left = FT_ALL_TASKS; left;) { task = ft_next_task(&left); … } */
#define FT_ALL_TASKS (FT_M->tasks_of_kind[0])
static inline struct ft_task *ft_next_task(uint32_t *left)
{
    struct ft_task *task = &FT_M->task[__builtin_ctz(*left)];

    *left &= *left - 1;
    return task;
}

/* ---- events (world/emit.c) ---- */

/* Emits an event with the header of the running task (or of engine/clock/harness when none runs).
 */
void ft_emit_args(enum ft_event_kind kind, unsigned argc, const uint64_t *arg);
#define ft_emit(kind, ...)                                                                         \
    ft_emit_args(kind, sizeof((uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1,              \
                 &((const uint64_t[]){0, ##__VA_ARGS__})[1])

/* Emits `text` as events of that kind, 48 bytes a piece; leading arguments first (for
 * ASSERT_FAILED). */
void ft_emit_text(enum ft_event_kind kind, const char *text);

/* The same, with another layer, device or request than the running task's. */
void ft_emit_as(enum ft_layer layer, unsigned request, enum ft_event_kind kind, unsigned argc,
                const uint64_t *arg);

/* An event whose header the caller has filled. */
void ft_emit_made(struct ft_event *event, enum ft_event_kind kind, unsigned argc,
                  const uint64_t *arg);

/* Ends the run: records the reason, and the run stops at the next point (ft_point never returns
 * then). */
void ft_stop(enum ft_stop why);

/* ft_stop for code that cannot go on: also leaves the running task for good. */
_Noreturn void ft_stop_now(enum ft_stop why);

/* KeBugCheckEx of our own: emits run:bugcheck and stops. */
_Noreturn void ft_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4);

/* Stops the run because a DDI is not implemented. */
_Noreturn void ft_unimplemented(const char *name);

/* Our own bugs: prints the world and aborts the process (exit 5 in a worker). Always on. */
_Noreturn void ft_assert_failed(const char *expression, const char *file, int line);
#define FT_ASSERT(expression)                                                                      \
    ((expression) ? (void)0 : ft_assert_failed(#expression, __FILE__, __LINE__))

/* ---- points (world/points.c) ---- */

/* A point: may strike an op, switch tasks, or never return. label: of the object concerned, 0 none.
 */
void ft_point(enum ft_point point, unsigned label);

/* Entry and exit of a DDI: nesting and call site for events in between. */
void ft_ddi_begin(enum ft_point point, unsigned label, void *return_address);
void ft_ddi_end(enum ft_point point, unsigned label);
#define FT_DDI_BEGIN(POINT, label) ft_ddi_begin(FT_PT_##POINT, label, __builtin_return_address(0))
#define FT_DDI_END(POINT, label)   ft_ddi_end(FT_PT_##POINT##_OUT, label)

/* ---- tasks (world/task.c, world/schedule.c) ---- */

/* Makes a task; it runs when the order says so. Layer HARNESS, IRQL PASSIVE unless kind is ISR, DPC
 * or TIMER. */
struct ft_task *ft_task_spawn(enum ft_task_kind kind, ft_task_fn *fn, void *argument,
                              unsigned label);
void ft_task_prefer(const struct ft_task *task); /* let it go next, when it may */

/* The lowest-numbered processor that an activation at this IRQL may interrupt. Whoever begins an
 * ISR or DPC task takes it from here, and sets the task's irql and target to match. */
bool ft_cpu_find(unsigned irql, unsigned *ret);
unsigned ft_cpu_irql(unsigned cpu);

/* Parks the running task in that state, and lets the scheduler choose; returns when it runs again.
 * ft_task_yield: as ready. */
void ft_task_park(enum ft_task_state state);
void ft_task_yield(void);

/* Blocks the running task until ft_task_wake or the deadline (absolute, 100 ns, 0 none). Returns
 * the wake status (STATUS_TIMEOUT, 0x102, at the deadline). In tasks only. */
int32_t ft_task_wait(void *object, uint64_t deadline);
void ft_task_wake(struct ft_task *task, int32_t status);
/* Blocks until nothing but the clock may step. */
void ft_task_wait_quiet(void);
/* Wakes the first (or every) task that waits for that object, in the order in which they began to
 * wait. Returns how many. */
unsigned ft_wake_waiters(void *object, int32_t status, bool all);
struct ft_task *ft_first_waiter(const void *object); /* NULL: nobody waits for it */
/* Ends the running task: what comes after the end of its function. */
_Noreturn void ft_task_exit(void);

/* The stack of the running task. */
void ft_task_stack(uintptr_t *bottom, uintptr_t *top);

/* IRQL of the running task; PASSIVE in the scheduler. ft_irql_set moves it and keeps the
 * processor's stack of activations right. */
unsigned ft_irql(void);
void ft_irql_set(unsigned irql);

/* Calls a driver routine: layer DRIVER, events call:enter and call:leave, points. `code`: major <<
 * 8 | minor, or 0. The thunk does the call and returns its value. request: IRP handle id to serve,
 * 0 keeps. */
typedef uint64_t ft_thunk(void *a, void *b, void *c, void *d);
uint64_t ft_call_driver_routine(enum ft_routine routine, uint64_t object, unsigned code,
                                unsigned request, ft_thunk *thunk, void *a, void *b, void *c,
                                void *d);
/* The same for a routine at an address that the driver or the framework may have given: the
 * framework's (FT_FRAMEWORK_ROUTINE of kmdf_private.h) runs in its own layer. */
uint64_t ft_call_routine(const void *address, enum ft_routine routine, uint64_t object,
                         unsigned code, unsigned request, ft_thunk *thunk, void *a, void *b,
                         void *c, void *d);

/* The layer of a routine: framework, port and class driver have sections of their own; the rest is
 * taken for the driver's. */
uint8_t ft_layer_of(const void *routine);

/* Switches the layer for code of our own inside a task (the bus driver); returns the old one. */
uint8_t ft_layer_set(uint8_t layer);

/* ---- objects and handles (world/objects.c) ---- */

uint64_t ft_handle_new(enum ft_handle_class class_);
/* An embedded object gets a handle at its initialisation (again: a new one). */
uint64_t ft_object_register(const void *address, enum ft_handle_class class_);
/* Its handle; an object that was never initialised gets one now. NULL gives 0. */
uint64_t ft_object_handle(const void *address, enum ft_handle_class class_);
/* The handle it has if it was registered as that class last, else 0. */
uint64_t ft_object_find(const void *address, enum ft_handle_class class_);
/* Handle of any pointer: pool block, IRP, MDL, embedded object; a pointer elsewhere gives object#0.
 * NULL gives 0. */
uint64_t ft_handle_of(const void *pointer);
/* Label of the request that an object belongs to (IRPs, MDLs), 0 none. */
unsigned ft_label_of(const void *pointer);

/* ---- pool arena (kernel/pool.c) ---- */

/* A block of the pool arena for the shim's own objects that the driver sees (IRP, MDL, device
 * object …): zeroed, with guards, handle of class_, label. NULL when the arena is full. Not counted
 * as driver pool, no pool events. */
void *ft_block_alloc(size_t bytes, enum ft_handle_class class_, unsigned label);
void ft_block_free(void *block);
bool ft_block_is_live(const void *block, enum ft_handle_class class_);
uint64_t ft_block_handle(const void *block);
uint32_t ft_block_bytes(const void *block); /* as asked for */
/* References to it; 0 when it is no live block. A new block has one; ft_block_refer adds to them
 * and returns how many there are (kernel/handles.h has what that means). */
uint32_t ft_block_references(const void *block);
uint32_t ft_block_refer(void *block, int change);
void ft_block_set_label(void *block, unsigned label);
unsigned ft_block_label(const void *block);
/* The block whose data holds that byte; false when it is in none. */
struct ft_block_place {
    uint8_t class_; /* enum ft_handle_class */
    uint8_t live;
    uint8_t driver; /* driver pool */
    uint8_t paged;
    uint32_t offset; /* of the byte in the block's data */
};
bool ft_block_find(const void *address, struct ft_block_place *ret);
/* Checks every guard; emits pool:damage for what it finds. Live driver blocks: returns their
 * number. */
unsigned ft_pool_check(void);

/* What fails, as the event choice:fail names it. */
enum ft_fail {
    FT_FAIL_POOL = 1, /* the driver's, or the system's for an object of the driver's */
    FT_FAIL_MDL,
    FT_FAIL_IRP,
    FT_FAIL_ADAPTER,
    FT_FAIL_COMMON,
    FT_FAIL_CHANNEL,
    FT_FAIL_MAPPING, /* of an MDL, or of a device's memory */
    FT_FAIL_PROBE,   /* of fail-probe, not of fail-alloc */
    FT_FAIL_FLUSH    /* of flush-fails */
};
/* True when an armed fail-alloc op says that this allocation fails. Emits the event. */
bool ft_alloc_fails(enum ft_fail what);
/* ft_block_alloc for an object that a routine makes for the driver: NULL also when that is to fail.
 */
void *ft_block_for_driver(size_t bytes, enum ft_handle_class class_, unsigned label);

/* ---- time (world/clock.c) ---- */

/* Moves time on and expires timers and deadlines, without a step of its own. */
void ft_time_pass(uint64_t units);
/* The hardware gets a chance inside a polling loop: one engine step, if the engine is busy. */
void ft_hardware_pass(void);

/* ---- the access flavour (world/access.c, world/happens.c) ---- */

enum {
    FT_ACCESS_WRITE = 1,
    FT_ACCESS_MARKED = 2, /* volatile or interlocked: never races with another such */
    FT_ACCESS_LOCKED = 4, /* made with a spin lock held */
    FT_ACCESS_ALL = 7
};
/* What a routine of the shim is about to read or write for the driver that called it. */
void ft_access(const volatile void *address, size_t bytes, unsigned how);
/* This memory begins a new life: nobody who used it before means the same. */
void ft_access_fresh(const void *address, size_t bytes);
/* The running task is behind all that was given to this key (a handle or an address) before; all
 * that it has done so far is given to the key. Locks say so; the rest is world/happens.def. */
void ft_order_take(uint64_t key);
void ft_order_give(uint64_t key);

/* ---- ops (world/ops.c) ---- */

/* Arms the next op if none is armed; strikes the armed one now (late or at quiet). */
void ft_ops_arm(void);
bool ft_ops_strike_at_quiet(void); /* false: no op left */

/* Notes in the run's struct ft_met how the op of that index (1 is the first) struck. */
void ft_ops_note(uint32_t index, enum ft_met_op how);

/* ---- ASan ---- (world/shadow.c): no-ops without the runtime. */
void ft_poison(const void *address, size_t bytes);
void ft_unpoison(const void *address, size_t bytes);
bool ft_asan_present(void);
/* Uninstrumented copy and fill, also for poisoned memory. */
void ft_raw_copy(void *to, const void *from, size_t bytes);
void ft_raw_fill(void *to, int byte, size_t bytes);

/* The module of this world. */
const struct ft_module *ft_world_module(void);

/* ---- what the layers provide to the world ---- */

/* kernel/ */
void ft_kernel_reset(void);
bool ft_dpc_start_next(unsigned *cpu); /* begins the task of the first DPC that may run */
bool ft_dpc_may_begin(unsigned index); /* that entry of the queue could begin now */
bool ft_dpc_start(unsigned index);
void *ft_timer_pending(void);     /* the KTIMER whose DPC is the next to begin; NULL: none */
bool ft_work_pending(void);       /* a work item could begin now */
bool ft_timer_start_next(void);   /* begins the task of the first expired timer's DPC */
bool ft_work_start_next(void);    /* begins the task of the first queued work item */
void ft_thread_end(void);         /* the running task is about to end */
void ft_bugcheck_callbacks(void); /* runs what the driver registered for a bug check */
void ft_timer_expired(
    struct ft_timer *timer); /* signals it, queues its DPC, re-arms a periodic one */
/* A timer that is due: true when the armed late-timer op holds it back. */
bool ft_timer_hold(struct ft_timer *timer);
/* The machine is quiet: lets the held timers expire that were held over an op, or all. False: there
 * is none. */
bool ft_timer_release(bool all);
/* late-timer, timer-due. */
bool ft_timer_op(const struct ft_op *op);

/* io/ */

/* Which of two devices (io/focus.c). */
#define FT_DEV (FT_M->io.at)
struct ft_focus {
    struct ft_io_device *at;
    uint16_t device; /* of the task's header */
};
/* From now on the running task (or the scheduler) is about that device; returns what it was about,
 * for ft_focus_back. */
struct ft_focus ft_focus_on(struct ft_io_device *device);
void ft_focus_back(struct ft_focus was);
void ft_focus_resume(const struct ft_task *task); /* that task is about to run */
/* A task that was made for a device other than the one in focus. */
void ft_task_about(struct ft_task *task, unsigned number);
/* The device in whose stack a DEVICE_OBJECT is; in none: the one in focus. */
struct ft_io_device *ft_device_owning(const void *object);
/* NULL: there is no such device. */
struct ft_io_device *ft_device_numbered(unsigned number);
struct ft_io_device *ft_device_after(const struct ft_io_device *device);
#define FT_EACH_DEVICE(device)                                                                     \
    for (struct ft_io_device *device = &FT_M->io.first; device; device = ft_device_after(device))

void ft_io_reset(
    void); /* cold: bus driver, driver object, physical device objects, device models */
bool ft_interrupt_start_next(
    void); /* begins the ISR of the first raised and connected interrupt that may run */
bool ft_interrupt_pending(void);         /* one could run now */
bool ft_interrupt_input(unsigned input); /* there is such an input */
bool ft_interrupt_may_begin(unsigned input);
bool ft_interrupt_start(unsigned input);
bool ft_engine_busy(void); /* an engine is */
bool ft_engine_busy_at(unsigned number);
unsigned ft_engine_next(void); /* the device whose engine would step */
void ft_engine_choose(unsigned number);
void ft_engine_step(void);
void ft_io_start_driver(
    void); /* spawns the thread that loads and starts the driver, then opens a handle */
/* Executes a request or PnP/power/cancel/hardware op. False: illegal in the present state
 * (skipped). May spawn and prefer. */
bool ft_io_op(const struct ft_op *op);
/* Next piece of the orderly end (design, section 9); false when the end is reached. Called when the
 * machine is quiet. */
bool ft_io_tail_step(void);
unsigned ft_io_outstanding(void); /* requests not yet done, of all devices */
/* The requests of all devices, one after the other; NULL behind the last. */
struct ft_request *ft_request_at(unsigned index);
bool ft_io_waits_for_requests(const struct ft_task *task);
bool ft_io_yanked(void);
bool ft_io_asleep(void);   /* the machine sleeps: nothing but a wake may run */
bool ft_io_unloaded(void); /* DriverUnload has run */

/* The physical address behind an address in a window of MmMapIoSpace, and the reverse: false and
 * NULL when no window is there. */
bool ft_window_physical(const void *address, uint64_t *physical);
void *ft_window_of(uint64_t physical);

/* The routine of a DPC is the I/O manager's, not the driver's. */
bool ft_io_owns_dpc(const void *routine);

bool ft_io_quiet(
    void); /* the machine is quiet: held-back interrupts come; true if something changed */

/* kmdf/ */
bool ft_framework_owns(const void *routine);
bool ft_port_owns(const void *routine);  /* SCSI Port (scsiport/port_layer.c) */
bool ft_class_owns(const void *routine); /* the disk class driver, layer SYSTEM */

/* dma/ */
void ft_dma_reset(void);
void ft_frames_check(void);        /* free pages that somebody wrote to */
unsigned ft_dma_frames_high(void); /* frames in use are below this number; save points copy those */
unsigned ft_dma_bounce_high(void); /* the same for bounce pages */
/* Executes a world choice that concerns DMA (few-registers, defer-grant, short-map, evict). False:
 * skipped. */
bool ft_dma_op(const struct ft_op *op);
/* What an address looks like that a device is given or uses: FT_LOOKS_* of sim/dma_words.h. */
unsigned ft_dma_looks(uint64_t address);
/* A scatter/gather list that was delivered at that address, as events name it; 0: none. */
uint64_t ft_dma_list_at(const void *list);
/* Queued AdapterControl routines whose grant was deferred get their turn; true when one was begun
 * (a DPC-kind task). */
bool ft_dma_grant_next(void);
bool ft_dma_grant_pending(void); /* ft_dma_grant_next would begin one */

/* kmdf/ */
/* DriverEntry failed: the framework forgets the driver, if it was one of its own. */
void ft_wdf_entry_failed(void);
/* The framework owns the device's power policy: device power requests are its own alone. */
bool ft_wdf_owns_power(void);
/* The power framework wants the device in that state, as an op asked: FT_D0 gives it back to its
 * owner, who makes the request. */
void ft_wdf_power_directed(unsigned state);

#endif
