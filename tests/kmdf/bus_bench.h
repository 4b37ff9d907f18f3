/* A whole bus driver for tests: the device of wdf_bench with a default child list, whose children
 * the machine's PnP manager finds, starts, powers and removes.
 *
 * Children have numbers from 1 on, and names: 1 is "a". Their callbacks note the name and what they
 * are: "a.create", "a.prepare", "a.d0-entry:d3f", "a.d0-exit:d3", "a.init", "a.suspend",
 * "a.restart", "a.flush", "a.cleanup", "a.release", "a.query-remove", "a.query-stop", "a.surprise",
 * "a.arm", "a.disarm", "a.woke", "a.bus-on:s3", "a.bus-off", "a.eject", "a.missing", "a.again"
 * (EvtChildListDeviceReenumerated), "a.gone".
 */
#ifndef FT_BUS_BENCH_H
#define FT_BUS_BENCH_H

#include "wdf_bench.h"

enum { BUS_KIDS = 4 };

/* What a child is. Zero: not raw, with nothing special. */
struct bus_kid {
    bool present; /* reported from the start on */
    bool raw, independent, ejects, idles, wakes;
    NTSTATUS prepare_answer;  /* of EvtDevicePrepareHardware */
    NTSTATUS query_answer;    /* of EvtDeviceQueryRemove and EvtDeviceQueryStop */
    NTSTATUS eject_answer;    /* of EvtDeviceEject */
    NTSTATUS bus_wake_answer; /* of EvtDeviceEnableWakeAtBus */
    NTSTATUS d0_answer;       /* of EvtDeviceD0Entry … */
    unsigned d0_call;         /* … in this call of it */
    ULONG memory;             /* bytes that it needs, 0: none */
};

struct bus_bench {
    struct bus_kid kid[BUS_KIDS + 1]; /* by number */
    bool refuses_again;               /* EvtChildListDeviceReenumerated */
    ULONG idle_ms;                    /* of the bus itself; 0: it does not idle */
    const char *rule;                 /* that fires, NULL: none */
    void (*script)(WDFDEVICE bus);    /* in a control request, at PASSIVE_LEVEL */

    /* the driver's own */
    WDFDEVICE device[BUS_KIDS + 1]; /* the newest of that number */
    WDFCHILDLIST list;
    unsigned d0_calls;
    ULONGLONG memory; /* that the last START gave to a child */
};
extern struct bus_bench the_bus;

/* Runs the ops; the notes must be these, and no other rule may fire. When there is a script, the
 * first op is the request in which it runs. The bus's own notes are the ones of wdf_bench. */
void bus_expect(const struct bus_bench *how, const struct ft_op *op, unsigned op_count,
                const char *notes);

/* For scripts. */
NTSTATUS bus_add(ULONG number);
NTSTATUS bus_lose(ULONG number);
BOOLEAN bus_request_eject(ULONG number);
void bus_settle(void); /* everything that is under way ends */

/* ---- rows of tests: what to expect ---- */

/* The bus. */
#define BUS_UP   "prepare d0-entry:d3f d0-post:d3f init "
#define BUS_DOWN "suspend d0-pre:d3f d0-exit:d3f release flush "
#define BUS_DX   "suspend d0-pre:d3 d0-exit:d3 hw-off "
#define BUS_D0   "d0-entry:d3 d0-post:d3 restart "
#define BUS_END  "cleanup hw-off"

/* The child of that name. */
#define MADE(k) k ".create "
#define UP(k)   k ".prepare " k ".d0-entry:d3f " k ".init "
#define STOP(k) k ".suspend " k ".d0-exit:d3f " k ".release "
#define DOWN(k) STOP(k) k ".flush "
#define GONE(k) k ".cleanup " k ".gone "
#define DX(k)   k ".suspend " k ".d0-exit:d3 "
#define D0(k)   k ".d0-entry:d3 " k ".restart "
#define ASK(k)  k ".query-remove "

/* What comes before ops and scripts; the orderly end with one child, without it, with one that was
 * not started or is given up, and with one that was removed and is there still. */
#define LIVES BUS_UP MADE("a") UP("a")
#define DIES  ASK("a") "query-remove " DOWN("a") BUS_DOWN GONE("a") BUS_END
#define ALONE "query-remove " BUS_DOWN BUS_END
#define FADES "query-remove " BUS_DOWN "a.gone " BUS_END
#define LEFT  "query-remove " BUS_DOWN GONE("a") BUS_END
/* Instead of the orderly end when a child says no to it. */
#define PULLED "hw-yanked a.surprise " DOWN("a") "surprise " BUS_DOWN GONE("a") "cleanup"

struct bus_row {
    const char *name;
    struct bus_bench how;
    uint8_t op[2]; /* kinds, 0: none */
    const char *notes;
};

#define RAW(...)                                                                                   \
    {                                                                                              \
        .present = true, .raw = true, ##__VA_ARGS__                                                \
    }

/* Each of them is a run of its own. */
void bus_walk(const struct bus_row *row, unsigned count);
#define WALK(rows) bus_walk(rows, sizeof(rows) / sizeof *(rows))

#endif
