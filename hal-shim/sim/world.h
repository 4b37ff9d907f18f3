/* The world: one simulated machine, as the harness controls it.
 *
 * Order of calls: ft_world_create once per process; ft_world_observe and ft_world_reserve (rules
 * and recorder register their state) before the first run; then for each scenario ft_world_run.
 * ft_world_destroy at the end. One OS thread only.
 *
 * Everything that changes during a run lies in one region at FT_REGION_BASE and in the module's
 * data sections, and nothing else, so a save point is a copy of that (ft_world_save).
 */
#ifndef FT_SIM_WORLD_H
#define FT_SIM_WORLD_H

#include "event.h"
#include "module.h"
#include "scenario.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shim behaviour, step order and point set. Strict replay wants the same number; change it when one
 * of the three changes. */
enum { FT_MODEL_NUMBER = 7 };

#define FT_REGION_BASE  0x10000000UL
#define FT_REGION_BYTES 0x10000000UL

/* How the world says that a run ended; the harness makes the verdict of it (design, section 8). */
enum ft_stop {
    FT_STOP_NONE,          /* ran to its orderly end */
    FT_STOP_OBSERVER,      /* the observer asked for it: a violation */
    FT_STOP_CRASH,         /* event run:crash */
    FT_STOP_HANG,          /* event run:hang */
    FT_STOP_CUT,           /* event run:cut */
    FT_STOP_UNIMPLEMENTED, /* event run:unimplemented */
    FT_STOP_BUGCHECK       /* event run:bugcheck */
};

/* Called for every event, after the log has it. Returns true to end the run at the next point. It
 * may read and write its reserved state only. */
typedef bool ft_observer(void *state, const struct ft_event *event);

/* Where a run stands when a strategy is asked: at a point, before the armed op has its turn. */
struct ft_here {
    uint64_t place;  /* how many places a strategy could have been asked at so far, this one too */
    uint64_t events; /* so far */
    uint64_t steps;  /* points passed */
    uint64_t armed_step; /* the same count when the armed op (or the last one) armed */
    uint64_t site;       /* call site in the driver, 0: not in the driver */
    uint16_t label;      /* of the object concerned, 0: none */
    uint16_t task_label; /* of the running task, 0: none */
    uint16_t position; /* ops before the armed one; what strikes here becomes the op behind those */
    uint16_t left; /* occurrences that the armed op lacks behind this point, 0 without a moment */
    uint8_t point; /* enum ft_point */
    uint8_t task_kind; /* enum ft_task_kind of the running task */
    bool parks;        /* the running task can park here (FT_CHOICE_PARK) */
    bool taken;        /* the armed op strikes here or counts accesses: no op can come before it */
};

enum ft_choice {
    FT_CHOICE_PASS,
    FT_CHOICE_STRIKE, /* an op strikes here and now */
    FT_CHOICE_PARK    /* the step ends here, and the next one asks here again: a save point */
};

/* The one choice interface. A list of ops is the default chooser; a strategy supplies its own.
 * Whatever it decides is written down as ops, so each of its runs is a scenario. */
struct ft_chooser {
    void *context;
    /* Gives the next op to arm. False: no more ops. NULL: the scenario's list. */
    bool (*next)(void *context, struct ft_op *ret);
    /* Asked at every place from `ask_from` on (1 is the first; it may be changed between steps and
     * from here), until the tail. What strikes (*ret) does so before the armed op, which goes on
     * with the occurrences it still lacks. The same run is the scenario that has *ret in front of
     * that op with a moment at this place, and the op's count lowered to here->left. */
    enum ft_choice (*at_point)(void *context, const struct ft_here *here, struct ft_op *ret);
    uint64_t ask_from;
};

/* The event log: the caller's memory, shared with a parent process when a worker runs. The world
 * appends and never moves `count` backwards during a run except by ft_world_restore. Events beyond
 * capacity are counted in `lost`, which ends the run as cut: a trace is never silently short. */
struct ft_event_log {
    uint64_t capacity;
    volatile uint64_t count;
    volatile uint64_t lost;
    volatile uint64_t hash;
    struct ft_event event[];
};

/* What a run met, for whoever chooses moments: how often each point occurred before the tail (255:
 * 255 times or more), how many points came up to its first occurrence, and how each op struck. The
 * caller's memory and no part of the machine: neither saved, nor hashed, nor seen by anything in
 * the world. */
enum { FT_MET_LABELS = 16, FT_MET_POINTS = 256 };

enum ft_met_op { FT_MET_NOT_STRUCK, FT_MET_FIRED, FT_MET_LATE, FT_MET_SKIPPED };

struct ft_met {
    uint8_t start[FT_MET_POINTS];                /* before START was over; nothing in a warm run */
    uint8_t point[FT_MET_LABELS][FT_MET_POINTS]; /* afterwards: [0] in all, [n] on label n */
    uint8_t first[FT_MET_LABELS][FT_MET_POINTS]; /* points on that label until then; 0: none came */
    uint8_t tasks[FT_MET_POINTS];                /* bit per enum ft_task_kind; bit 0: no task ran */
    uint8_t op[FT_OPS_MAX];                      /* enum ft_met_op, by position in the scenario */
};

/* What a run whose scenario has an `order` could choose from: one entry for each turn, and every
 * chain that could go on at some point. The caller's memory, like struct ft_met. */
enum { FT_TURNS_MAX = 16384, FT_CHAINS_MAX = 200, FT_TURN_SEEN = 1024 };
enum { FT_CHAIN_BASE = 65025 }; /* two arguments of `last` hold the name of a chain: its digits */

struct ft_turn {
    uint32_t running; /* the chain that could go on by itself, 0: none (world/chains.h) */
    uint32_t taken;   /* the chain that goes on */
    uint8_t count;    /* of those that could */
    uint8_t which;    /* of these goes on; 0 is the usual order's */
    uint8_t point;    /* enum ft_point, 0: none */
};

struct ft_turns {
    uint32_t count, chains;
    uint32_t demoted; /* tasks that polled so long that everybody else came first */
    bool ended;       /* the tail was reached */
    bool lost;        /* there were more than fit here */
    uint32_t chain[FT_CHAINS_MAX];
    uint8_t seen[FT_TURN_SEEN]; /* where in `chain`, plus one */
    struct ft_turn turn[FT_TURNS_MAX];
};

struct ft_run_options {
    const struct ft_scenario *scenario; /* platform and ops */
    const struct ft_chooser *chooser;   /* NULL: the scenario's op list */
    struct ft_event_log *log;           /* NULL: recording is off */
    struct ft_met *met;                 /* filled during the run; NULL: nobody wants to know */
    struct ft_turns *turns;             /* filled during the run; NULL: nobody wants to know */
    bool cold;                          /* never start from the warm save point */
    bool keep_faults;                   /* do not catch CPU faults: a debugger is attached */
    uint64_t stop_at;    /* raise SIGTRAP before this event (1 is the first), 0: never */
    uint32_t step_limit; /* 0: FT_STEP_LIMIT, times 1 + the platform's knob `longer` */
};

enum { FT_STEP_LIMIT = 400000 };

struct ft_run_result {
    enum ft_stop stop;
    uint64_t hash;               /* over all events */
    uint64_t event_count;        /* all events */
    uint64_t driver_event_count; /* events of layer driver */
    uint64_t steps;              /* points passed */
    uint64_t places;             /* of these, places at which a strategy could be asked */
    uint32_t ops_fired, ops_late, ops_skipped;
    bool warm;            /* started from the warm save point */
    bool yanked;          /* the hardware was gone at the end */
    uint64_t reset_bytes; /* bytes copied to reset the world for this run, shadow included */
};

/* Builds the machine for one module. NULL with a reason on standard error when the region cannot be
 * mapped (build PIE). Only one world exists per process; a second call replaces the module and
 * forgets all save points. */
struct ft_world *ft_world_create(const struct ft_module *module);
void ft_world_destroy(struct ft_world *world);

/* Reserves `bytes` (at most 64 KiB in all) of state that is part of every save point. Zeroed once;
 * a cold run leaves it alone, so its owner begins anew at run:begin. Valid until ft_world_destroy.
 */
void *ft_world_reserve(struct ft_world *world, size_t bytes);

/* Sets the observer. NULL: none. */
void ft_world_observe(struct ft_world *world, ft_observer *observer, void *state);

/* Runs one scenario from a cold or warm machine to its end. Never fails: whatever happens is in
 * *ret. */
void ft_world_run(struct ft_world *world, const struct ft_run_options *options,
                  struct ft_run_result *ret);

/* A save point at the present moment. Only between steps: from a chooser or between the calls of
 * ft_world_begin and ft_world_finish. Save points belong to the world; slot 0..15, a later save
 * replaces an earlier one. Returns bytes copied. */
size_t ft_world_save(struct ft_world *world, unsigned slot);
size_t ft_world_restore(struct ft_world *world, unsigned slot);

/* A digest of the present moment, between steps: two runs of one scenario list, observer and
 * chooser whose digests are the same go on with the same events. It leaves out what only looks back
 * or counts points: the hash, steps, places, and when the armed op armed. So it says nothing about
 * ops that come late by their number of steps, or about the step limit. */
uint64_t ft_world_digest(struct ft_world *world);

/* True when a run on this platform would begin from a warm save point if its scenario allows. */
bool ft_world_is_warm(const struct ft_world *world, const struct ft_platform *platform);

/* ft_world_run in pieces: begin resets and starts the machine, step takes one step in the order of
 * world/order.h (false when the run is over), finish fills the result. */
void ft_world_begin(struct ft_world *world, const struct ft_run_options *options);
bool ft_world_step(struct ft_world *world);
void ft_world_finish(struct ft_world *world, struct ft_run_result *ret);

/* Number of DDIs that the headers declare and the shim does not implement. */
unsigned ft_unimplemented_count(void);
const char *ft_unimplemented_name(unsigned index);

#endif
