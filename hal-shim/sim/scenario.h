/* Ops and moments as the world takes them. Text and byte forms are the harness's
 * (harness/scenario).
 *
 * Ops arm in list order, one at a time. An op without a moment (count 0) strikes when the machine
 * is quiet: when no task but the clock and periodic timers is enabled. An op with a moment strikes
 * after the count-th occurrence, counted since the op armed, of that point on the object (or in the
 * task) that serves the label `target`; target 0 is the device: any object, any task (of a driver
 * with two devices those of both, or of the one that `device` says). With
 * `accesses` (access build only) it strikes that many loads or stores of the driver core later. An
 * op whose moment has not come when the machine is quiet, or FT_LATE_STEPS steps after arming,
 * strikes then and is reported late.
 */
#ifndef FT_SIM_SCENARIO_H
#define FT_SIM_SCENARIO_H

#include "platform.h"

#include <stdbool.h>
#include <stdint.h>

enum ft_op_kind {
#define OP(number, symbol, name, class_, built, args, sentence) FT_OP_##symbol = number,
#include "ops.def"
#undef OP
};

enum ft_op_class { FT_OP_CLASS_REQUEST, FT_OP_CLASS_DISTURB, FT_OP_CLASS_CHOICE };

enum ft_point {
#define PT(number, symbol, name, sentence) FT_PT_##symbol = number,
#include "points.def"
#undef PT
};

/* Where turns of an `order` are counted (world/chains.h). */
enum ft_point_set {
    FT_POINTS_ALL,
    FT_POINTS_ENTRY, /* not those named .out: between one and the next entry only the driver's own
                        plain memory changes */
    FT_POINTS_SYNC,  /* entries of what another task can notice: no memory, strings, IRQL, time */
    FT_POINT_SETS
};

enum { FT_OP_ARGS_MAX = 2, FT_OPS_MAX = 64, FT_LABEL_MAX = 254, FT_LATE_STEPS = 20000 };

/* A moment; count 0 is "when the machine is quiet". */
struct ft_moment {
    uint8_t target;    /* label, 0: the device */
    uint8_t point;     /* enum ft_point */
    uint8_t count;     /* 0..254 */
    uint8_t device;    /* with target 0: 1 or 2, only what is of that device; 0: of any */
    uint16_t accesses; /* 0..65024, access build only */
};

struct ft_op {
    uint8_t kind;   /* enum ft_op_kind */
    uint8_t label;  /* 0 none; two ops with one label: the first wins */
    uint8_t device; /* 0: the first; 1: the second, of a driver with two */
    struct ft_moment moment;
    uint16_t arg[FT_OP_ARGS_MAX];
};

struct ft_scenario {
    struct ft_platform platform;
    uint16_t op_count;
    struct ft_op op[FT_OPS_MAX];
};

/* One row of ops.def. */
struct ft_op_row {
    uint8_t number;
    const char *name;
    enum ft_op_class class_;
    bool built;
    const char *args; /* "length:65024 offset:4095" */
    const char *sentence;
    uint8_t argc;
    uint16_t arg_max[FT_OP_ARGS_MAX];
};

/* The row of an op number, or NULL for a free slot. The table is static. */
const struct ft_op_row *ft_op_row(unsigned number);

/* False: what such an op does is the machine's, or its label says whose it is; then struct
 * ft_op.device is 0. */
bool ft_op_is_of_device(unsigned number);

/* Both written forms say in one number which devices an op means: its own, and its moment's. What
 * is not zero goes with the op's number + FT_OP_OF_DEVICES. */
enum { FT_OP_OF_DEVICES = 128, FT_OP_DEVICES = 2 * 3 };
static inline unsigned ft_op_devices(const struct ft_op *op)
{
    return op->device + 2u * op->moment.device;
}
static inline void ft_op_devices_set(struct ft_op *op, unsigned devices)
{
    op->device = (uint8_t)(devices % 2);
    op->moment.device = (uint8_t)(devices / 2 % 3);
}

/* The name of a point, or NULL. */
const char *ft_point_name(unsigned number);

/* True when the point belongs to the set. */
bool ft_point_is_in(enum ft_point point, enum ft_point_set set);
const char *ft_point_set_name(unsigned set); /* NULL: there is none */

/* True when the scenario has no disturbance and no world choice. */
bool ft_scenario_is_calm(const struct ft_scenario *scenario);

#endif
