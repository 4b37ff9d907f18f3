/* State cells: what a run has seen of a driver's states, as small numbers.
 *
 * A cell is (phase of a request, state of the machine, class of an event), the first two as they
 * stood just before the event; state_cells.def has the rows. Its request is the one that the event
 * belongs to; for events of none (PnP, power, an interrupt) the one that is on the DMA path, or
 * else the most advanced one. Cells have consecutive numbers from 0, and only combinations that a
 * sound driver can reach have one of their own; the others of a class share its first cell. A
 * disturbance where it does nothing (a stop of a removed device) reaches no cell.
 *
 * Cells are made from events alone, live or from a trace. The state is plain data without pointers
 * and begins anew at run:begin, so it belongs into the machine's save points (ft_world_reserve).
 */
#ifndef FT_STATE_CELLS_H
#define FT_STATE_CELLS_H

#include "sim/event.h"

#include <stdbool.h>
#include <stdint.h>

enum { FT_CELLS_MAX = 4096, FT_CELL_REQUESTS = 16, FT_NO_CELL = 0xFFFF };

enum ft_cell_phase {
#define PHASE(symbol, name, short, sentence) FT_PHASE_##symbol,
#include "feedback/state_cells.def"
#undef PHASE
    FT_PHASE_BASE_COUNT,
    /* The same from NEW to FREED after the request's cancellation was asked for. */
    FT_PHASE_CANCELLED_NEW = FT_PHASE_BASE_COUNT,
    FT_PHASE_COUNT = FT_PHASE_CANCELLED_NEW + FT_PHASE_FREED - FT_PHASE_NEW + 1
};

enum ft_cell_machine {
#define MACHINE(symbol, pnp, power, name, phases) FT_MACHINE_##symbol,
#include "feedback/state_cells.def"
#undef MACHINE
    FT_MACHINE_COUNT
};

enum ft_cell_class {
#define CLASS(symbol, name, group, phases, machines, sentence) FT_CLASS_##symbol,
#include "feedback/state_cells.def"
#undef CLASS
    FT_CLASS_COUNT
};

/* Why an event is looked at. */
enum ft_cell_group {
    FT_GROUP_STRIKE,  /* a disturbance */
    FT_GROUP_CHOICE,  /* a world choice */
    FT_GROUP_REQUEST, /* a request to the driver */
    FT_GROUP_ROUTINE, /* a driver routine begins */
    FT_GROUP_DMA,     /* a step of a transfer */
    FT_GROUP_TROUBLE,
    FT_GROUP_COUNT
};

enum ft_cell_pnp {
    FT_CELL_NOT_STARTED,
    FT_CELL_STARTED,
    FT_CELL_STOP_PENDING,
    FT_CELL_STOPPED,
    FT_CELL_REMOVE_PENDING,
    FT_CELL_GONE, /* yanked, and SURPRISE_REMOVAL was not sent yet */
    FT_CELL_SURPRISE_REMOVED,
    FT_CELL_REMOVED,
    FT_CELL_PNP_COUNT
};

enum ft_cell_power {
    FT_CELL_ON,
    FT_CELL_GOING_DOWN,
    FT_CELL_OFF,
    FT_CELL_GOING_UP,
    FT_CELL_ASLEEP, /* off, and the system sleeps */
    FT_CELL_POWER_COUNT
};

struct ft_cell_request {
    uint32_t irp;  /* id, 0: free slot */
    uint32_t path; /* id of its grant, or of its list with FT_CELL_LIST added; 0: none */
    uint32_t mdl;  /* id, 0: none */
    uint8_t phase; /* without the cancelled half */
    uint8_t cancelled;
    uint16_t unused;
};

#define FT_CELL_LIST 0x80000000u

/* Zero is the state before run:begin. */
struct ft_cell_state {
    struct ft_cell_request request[FT_CELL_REQUESTS];
    uint8_t asking;  /* slot of the request whose sizes were asked for last, counted from 1 */
    uint8_t on_path; /* slot of the request that last took a step of DMA */
    uint8_t leader;  /* phase for events that belong to no request, with the cancelled half */
    uint8_t pnp;     /* enum ft_cell_pnp, as if the hardware were there */
    uint8_t power;   /* enum ft_cell_power but ASLEEP */
    uint8_t asleep;
    uint8_t gone;
    uint8_t machine; /* enum ft_cell_machine */
    uint8_t hardware_on;
};

/* A cell in its parts. phase and machine are not valid for the "unexpected" cell of a class. */
struct ft_cell {
    enum ft_cell_class class_;
    enum ft_cell_phase phase;
    enum ft_cell_machine machine;
    bool unexpected;
};

/* Follows one event. Returns the cell that it reaches, or FT_NO_CELL when it is in no class. */
unsigned ft_cell_of_event(struct ft_cell_state *state, const struct ft_event *event);

/* Numbers of cells are 0 to count - 1, not more than FT_CELLS_MAX. */
unsigned ft_cell_count(void);
unsigned ft_cell_number(enum ft_cell_class class_, enum ft_cell_phase phase,
                        enum ft_cell_machine machine);
struct ft_cell ft_cell_at(unsigned number);

/* Whether such a cell has a number of its own. */
bool ft_cell_expected(enum ft_cell_class class_, enum ft_cell_phase phase,
                      enum ft_cell_machine machine);

/* Names, as state_cells.def has them. ft_phase_name of a cancelled phase is that of its base. */
const char *ft_phase_name(enum ft_cell_phase phase);
const char *ft_phase_short_name(enum ft_cell_phase phase); /* of at most six letters */
const char *ft_phase_sentence(enum ft_cell_phase phase);
const char *ft_machine_name(enum ft_cell_machine machine);
const char *ft_class_name(enum ft_cell_class class_);
const char *ft_class_sentence(enum ft_cell_class class_);
enum ft_cell_group ft_class_group(enum ft_cell_class class_);
const char *ft_cell_pnp_name(enum ft_cell_pnp pnp);
const char *ft_cell_power_name(enum ft_cell_power power);

/* The machine of a PnP state and a power state. Several powers share one where the driver cannot
 * tell them apart; *own is false for all but the one that the machine is named for. */
enum ft_cell_machine ft_cell_machine_of(enum ft_cell_pnp pnp, enum ft_cell_power power, bool *own);

/* True for a phase of the cancelled half; ft_phase_base is its twin. */
static inline bool ft_phase_cancelled(enum ft_cell_phase phase)
{
    return phase >= FT_PHASE_CANCELLED_NEW;
}

static inline enum ft_cell_phase ft_phase_base(enum ft_cell_phase phase)
{
    return ft_phase_cancelled(phase)
               ? (enum ft_cell_phase)(phase - FT_PHASE_CANCELLED_NEW + FT_PHASE_NEW)
               : phase;
}

/* "yank: running, started, D0" into text; snprintf convention. */
int ft_cell_print(unsigned number, char *text, unsigned capacity);

#endif
