/* The numbering of state cells, and their names. */
#include "feedback/state_cells.h"

#include <stdio.h>
#include <stdlib.h>

#define BIT(phase)       (1U << FT_PHASE_##phase)
#define CANCELLED(phase) (1U << (FT_PHASE_CANCELLED_NEW + FT_PHASE_##phase - FT_PHASE_NEW))
#define BOTH(phase)      (BIT(phase) | CANCELLED(phase))

/* Sets of phases: of a machine (what a sound driver may have then), and of a class of events. */
#define SET_NONE BIT(NONE)
#define SET_HELD (BIT(NONE) | BOTH(NEW) | BOTH(PENDING) | BOTH(FREED))
#define SET_LEFT (BIT(NONE) | BIT(NEW))
#define SET_PATH                                                                                   \
    (BOTH(WAITING) | BOTH(GRANTED) | BOTH(MAPPED) | BOTH(RUNNING) | BOTH(DONE) | BOTH(FLUSHED))
#define SET_ALL  (SET_HELD | SET_PATH)
#define SET_BUSY (SET_ALL & ~BIT(NONE))
#define SET_CANCEL                                                                                 \
    (BIT(NEW) | BIT(PENDING) | BIT(WAITING) | BIT(GRANTED) | BIT(MAPPED) | BIT(RUNNING) |          \
     BIT(DONE) | BIT(FLUSHED) | BIT(FREED))
#define SET_CANCELLED (BIT(PENDING) | (SET_BUSY & ~SET_CANCEL))
#define SET_CONTROL   (BOTH(NEW) | BOTH(PENDING) | BOTH(GRANTED) | BOTH(MAPPED))
#define SET_ASK       (BOTH(NEW) | BOTH(PENDING) | BOTH(MAPPED) | BOTH(RUNNING) | BOTH(FREED))
#define SET_MAP                                                                                    \
    (BOTH(NEW) | BOTH(PENDING) | BOTH(WAITING) | BOTH(GRANTED) | BOTH(MAPPED) | BOTH(FLUSHED) |    \
     BIT(DONE) | BOTH(FREED))
#define SET_BEGIN    (BOTH(PENDING) | BIT(WAITING) | BOTH(MAPPED) | BOTH(RUNNING) | BOTH(DONE))
#define SET_RUNNING  (BOTH(RUNNING) | BOTH(DONE))
#define SET_FLUSH    (BOTH(MAPPED) | BOTH(RUNNING) | BOTH(DONE))
#define SET_FREE     (BOTH(GRANTED) | BOTH(FLUSHED))
#define SET_COMPLETE (BOTH(NEW) | BOTH(PENDING) | BOTH(WAITING) | BOTH(FLUSHED) | BOTH(FREED))

/* Sets of machines. */
#define STATE(machine)    (1U << FT_MACHINE_##machine)
#define MACHINES_ALL      ((1U << FT_MACHINE_COUNT) - 1)
#define MACHINES_PLUGGED  (MACHINES_ALL & ~(STATE(REMOVED) | STATE(NOT_STARTED)))
#define MACHINES_RUNNING  (MACHINES_PLUGGED & ~STATE(SURPRISE_REMOVED))
#define MACHINES_EXISTING (MACHINES_ALL & ~STATE(REMOVED))
#define MACHINES_STARTING (MACHINES_RUNNING | STATE(NOT_STARTED))
#define MACHINES_PRESENT  (MACHINES_RUNNING & ~STATE(GONE))
#define MACHINES_POWERED                                                                           \
    (STATE(ON) | STATE(GOING_DOWN) | STATE(GOING_UP) | STATE(STOP_PENDING) | STATE(REMOVE_PENDING))
#define MACHINES_ACTIVE (MACHINES_POWERED | STATE(GONE) | STATE(SURPRISE_REMOVED))
#define MACHINES_ABSENT                                                                            \
    (STATE(GOING_DOWN) | STATE(OFF) | STATE(GOING_UP) | STATE(GONE) | STATE(SURPRISE_REMOVED) |    \
     STATE(REMOVED))

static const struct {
    const char *name, *short_name, *sentence;
} phases[FT_PHASE_BASE_COUNT] = {
#define PHASE(symbol, name, short, sentence) [FT_PHASE_##symbol] = {name, short, sentence},
#include "feedback/state_cells.def"
#undef PHASE
};

static const struct {
    const char *name;
    uint8_t pnp, power;
    uint32_t phases;
} machines[FT_MACHINE_COUNT] = {
#define MACHINE(symbol, pnp, power, name, phases)                                                  \
    [FT_MACHINE_##symbol] = {name, FT_CELL_##pnp, FT_CELL_##power, phases},
#include "feedback/state_cells.def"
#undef MACHINE
};

static const struct {
    const char *name, *sentence;
    enum ft_cell_group group;
    uint32_t phases, machines;
} classes[FT_CLASS_COUNT] = {
#define CLASS(symbol, name, group, phases, machines, sentence)                                     \
    [FT_CLASS_##symbol] = {name, sentence, FT_GROUP_##group, phases, machines},
#include "feedback/state_cells.def"
#undef CLASS
};

static const char *const pnp_names[FT_CELL_PNP_COUNT] = {
    "not started",    "started",       "stop pending",     "stopped",
    "remove pending", "hardware gone", "surprise removed", "removed"};
static const char *const power_names[FT_CELL_POWER_COUNT] = {"D0", "going down", "off", "going up",
                                                             "asleep"};

/* Built once; it depends on nothing but the rows. */
static struct {
    unsigned count;
    uint16_t number[FT_CLASS_COUNT][FT_PHASE_COUNT][FT_MACHINE_COUNT];
    struct ft_cell cell[FT_CELLS_MAX];
} table;

bool ft_cell_expected(enum ft_cell_class class_, enum ft_cell_phase phase,
                      enum ft_cell_machine machine)
{
    return (classes[class_].phases & machines[machine].phases & 1U << phase) != 0 &&
           (classes[class_].machines & 1U << machine) != 0;
}

static unsigned add_cell(struct ft_cell cell)
{
    if (table.count == FT_CELLS_MAX) {
        fputs("flushtrace: state_cells.def makes too many cells\n", stderr);
        abort();
    }
    table.cell[table.count] = cell;
    return table.count++;
}

static void build_class(enum ft_cell_class class_)
{
    unsigned rest = add_cell((struct ft_cell){.class_ = class_, .unexpected = true});

    for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++) {
        for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++) {
            unsigned number = rest;

            if (ft_cell_expected(class_, phase, machine)) {
                number = add_cell((struct ft_cell){class_, phase, machine, false});
            }
            table.number[class_][phase][machine] = (uint16_t)number;
        }
    }
}

static void build(void)
{
    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++) {
        build_class(class_);
    }
}

unsigned ft_cell_count(void)
{
    if (table.count == 0) {
        build();
    }
    return table.count;
}

unsigned ft_cell_number(enum ft_cell_class class_, enum ft_cell_phase phase,
                        enum ft_cell_machine machine)
{
    if (table.count == 0) {
        build();
    }
    return table.number[class_][phase][machine];
}

struct ft_cell ft_cell_at(unsigned number)
{
    ft_cell_count();
    return table.cell[number];
}

/* Only a started device has machines for all powers: elsewhere a driver that is on its way counts
 * as on, and a sleeping machine as off. One that is not started, stopped, gone or removed has no
 * power that matters. */
enum ft_cell_machine ft_cell_machine_of(enum ft_cell_pnp pnp, enum ft_cell_power power, bool *own)
{
    bool off = power == FT_CELL_OFF || power == FT_CELL_ASLEEP;
    unsigned found = FT_MACHINE_COUNT;

    for (unsigned i = 0; i < FT_MACHINE_COUNT; i++) {
        if (machines[i].pnp != pnp)
            continue;
        if (machines[i].power == power) {
            *own = true;
            return i;
        }
        if (found == FT_MACHINE_COUNT || machines[i].power == (off ? FT_CELL_OFF : FT_CELL_ON))
            found = i;
    }
    *own = false;
    return found;
}

const char *ft_phase_name(enum ft_cell_phase phase)
{
    return phases[ft_phase_base(phase)].name;
}

const char *ft_phase_short_name(enum ft_cell_phase phase)
{
    return phases[ft_phase_base(phase)].short_name;
}

const char *ft_phase_sentence(enum ft_cell_phase phase)
{
    return phases[ft_phase_base(phase)].sentence;
}

const char *ft_machine_name(enum ft_cell_machine machine)
{
    return machines[machine].name;
}

const char *ft_class_name(enum ft_cell_class class_)
{
    return classes[class_].name;
}

const char *ft_class_sentence(enum ft_cell_class class_)
{
    return classes[class_].sentence;
}

enum ft_cell_group ft_class_group(enum ft_cell_class class_)
{
    return classes[class_].group;
}

const char *ft_cell_pnp_name(enum ft_cell_pnp pnp)
{
    return pnp_names[pnp];
}

const char *ft_cell_power_name(enum ft_cell_power power)
{
    return power_names[power];
}

int ft_cell_print(unsigned number, char *text, unsigned capacity)
{
    struct ft_cell cell = ft_cell_at(number);

    if (cell.unexpected) {
        return snprintf(text, capacity, "%s: unexpected", ft_class_name(cell.class_));
    }
    return snprintf(text, capacity, "%s: request %s%s, device %s", ft_class_name(cell.class_),
                    ft_phase_name(cell.phase),
                    ft_phase_cancelled(cell.phase) ? " and cancelled" : "",
                    ft_machine_name(cell.machine));
}
