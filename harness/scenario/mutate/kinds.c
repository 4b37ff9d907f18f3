/* Which ops: the swarm, what is legal in which state, and arguments at the borders. */
#include "scenario/mutate/mutation.h"
#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum {
    PAGE_BYTES = 4096,
    LOW = FT_STATE_LOW,
    STOPPED = FT_STATE_STOPPED,
    ASLEEP = FT_STATE_ASLEEP,
    GONE = FT_STATE_GONE
};

/* How an op goes with the state of the machine (docs/SCENARIOS.md: what is not legal is skipped).
 * A kind without a row is drawn with weight 2 wherever the machine is awake. */
static const struct fact {
    uint8_t weight;
    uint8_t in;           /* only in one of these states, 0: any */
    uint8_t not_in;       /* in none of these */
    uint8_t sets, clears; /* states */
} facts[256] = {
    [FT_OP_CANCEL] = {8, 0, ASLEEP, 0, 0},
    [FT_OP_QUERY_REMOVE] = {2, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_REMOVE] = {2, 0, STOPPED | ASLEEP | GONE, GONE, 0},
    [FT_OP_YANK] = {2, 0, GONE, GONE, 0},
    [FT_OP_SURPRISE_REMOVE] = {3, 0, ASLEEP, GONE, 0},
    [FT_OP_STOP] = {4, 0, STOPPED | ASLEEP | GONE, STOPPED, 0},
    [FT_OP_RESTART] = {2, 0, ASLEEP | GONE, 0, STOPPED | LOW},
    [FT_OP_POWER_DOWN] = {4, 0, LOW | STOPPED | ASLEEP | GONE, LOW, 0},
    [FT_OP_POWER_UP] = {1, LOW, STOPPED | ASLEEP | GONE, 0, LOW},
    [FT_OP_SLEEP] = {3, 0, ASLEEP | GONE, ASLEEP, 0},
    [FT_OP_WAKE] = {1, ASLEEP, 0, 0, ASLEEP | LOW},
    [FT_OP_INT_LATE] = {2, 0, ASLEEP, 0, 0},
    [FT_OP_INT_LOST] = {2, 0, ASLEEP, 0, 0},
    [FT_OP_INT_SPURIOUS] = {2, 0, ASLEEP, 0, 0},
    [FT_OP_DEVICE_DATA] = {1, 0, ASLEEP | GONE, 0, 0},
    [FT_OP_CLOSE_HANDLE] = {2, 0, ASLEEP, 0, 0},
    [FT_OP_QUERY_STOP] = {4, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_QUERY_POWER] = {2, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_WAKE_SIGNAL] = {1, 0, GONE, 0, 0},
    [FT_OP_USAGE] = {3, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_POWER_TO] = {3, 0, STOPPED | ASLEEP | GONE, 0, 0}, /* its states: by its argument */
    [FT_OP_CANCEL_STOP] = {1, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_CANCEL_REMOVE] = {1, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_BUS_RESET] = {3, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_ABORT] = {5, 0, ASLEEP | GONE, 0, 0},
    [FT_OP_TARGET] = {8, 0, STOPPED | ASLEEP | GONE, 0, 0},
    [FT_OP_PREEMPT] = {5, 0, ASLEEP, 0, 0},
};
static const struct fact no_fact = {2, 0, ASLEEP, 0, 0};

static const struct fact *fact_of(unsigned kind)
{
    return facts[kind].weight ? &facts[kind] : &no_fact;
}

/* The kinds of a class that are built, ascending: a pure function of ops.def, filled when the class
 * is first asked for. */
struct kinds {
    unsigned count;
    uint8_t kind[255];
};

static bool is_of_strategy(unsigned kind)
{
    return kind >= FT_OP_ORDER && kind <= FT_OP_PICK;
}

static const struct kinds *kinds_of(enum ft_op_class class_)
{
    static struct kinds classes[FT_OP_CLASS_CHOICE + 1];
    struct kinds *kinds = &classes[class_];

    if (kinds->count > 0)
        return kinds;
    for (unsigned kind = 1; kind < 255; kind++) {
        const struct ft_op_row *row = ft_op_row(kind);

        if (row && row->built && row->class_ == class_ && !is_of_strategy(kind))
            kinds->kind[kinds->count++] = (uint8_t)kind;
    }
    return kinds;
}

/* What this driver or platform hardly ever takes has little weight; a trial now and then finds out
 * when that changes. */
static unsigned weight_of(const struct ft_mutation *m, unsigned kind)
{
    unsigned struck = m->catalogue->struck[kind], skipped = m->catalogue->skipped[kind];
    unsigned weight = 8u * fact_of(kind)->weight;

    return skipped >= 16 && struck < skipped / 8 ? weight / 8 : weight;
}

/* ---- the swarm ---- */

static void admit(struct ft_mutation *m, unsigned kind)
{
    m->kinds[kind / 64] |= UINT64_C(1) << kind % 64;
}

bool ft_swarm_has(const struct ft_mutation *m, unsigned kind)
{
    return kind < 256 && (m->kinds[kind / 64] >> kind % 64 & 1);
}

/* The kinds of requests are always in. */
static void admit_class(struct ft_mutation *m, enum ft_op_class class_, unsigned times, unsigned of)
{
    const struct kinds *kinds = kinds_of(class_);

    for (unsigned i = 0; i < kinds->count; i++)
        if (ft_odds(m, times, of))
            admit(m, kinds->kind[i]);
}

/* All kinds; about half of them; or very few, so that one disturbance meets many moments. */
void ft_swarm_draw(struct ft_mutation *m)
{
    memset(m->kinds, 0, sizeof m->kinds);
    admit_class(m, FT_OP_CLASS_REQUEST, 1, 1);
    switch (ft_below(m, 4)) {
    case 0:
        admit_class(m, FT_OP_CLASS_DISTURB, 1, 1);
        admit_class(m, FT_OP_CLASS_CHOICE, 1, 1);
        break;
    case 1:
    case 2:
        admit_class(m, FT_OP_CLASS_DISTURB, 1, 2);
        admit_class(m, FT_OP_CLASS_CHOICE, 1, 4);
        break;
    default:
        admit_class(m, FT_OP_CLASS_DISTURB, 1, 8);
        admit_class(m, FT_OP_CLASS_CHOICE, 1, 8);
        break;
    }
}

/* ---- kinds ---- */

static bool is_legal(unsigned kind, unsigned state, bool ending)
{
    const struct fact *fact = fact_of(kind);

    if (!ending && (fact->sets & GONE))
        return false;
    return !(state & fact->not_in) && (fact->in == 0 || (state & fact->in));
}

/* What a driver takes; everything while it is not known. */
static unsigned takes(const struct ft_mutation *m)
{
    enum { ALL = FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_IOCTL | FT_TAKES_BLOCKS };

    return m->catalogue->requests ? m->catalogue->requests : ALL;
}

bool ft_has_two(const struct ft_mutation *m)
{
    return (m->catalogue->requests & FT_TAKES_FOR_TWO) != 0;
}

/* Only a miniport has a bus with disks. */
static bool is_of_disks(unsigned kind)
{
    return kind == FT_OP_BUS_RESET || kind == FT_OP_ABORT || kind == FT_OP_TARGET;
}

static uint8_t pick_weighted(struct ft_mutation *m, enum ft_op_class class_, unsigned state,
                             bool ending, bool swarm)
{
    const struct kinds *kinds = kinds_of(class_);
    uint8_t fit[255];
    unsigned up_to[255], count = 0, sum = 0, drawn, i = 0;

    for (unsigned k = 0; k < kinds->count; k++) {
        unsigned kind = kinds->kind[k];

        if (!is_legal(kind, state, ending) || (swarm && !ft_swarm_has(m, kind)))
            continue;
        if (is_of_disks(kind) && !(takes(m) & FT_TAKES_BLOCKS))
            continue;
        if (ending && !(fact_of(kind)->sets & GONE))
            continue;
        sum += weight_of(m, kind);
        fit[count] = (uint8_t)kind;
        up_to[count++] = sum;
    }
    if (count == 0)
        return 0;
    for (drawn = ft_below(m, sum); up_to[i] <= drawn;)
        i++;
    return fit[i];
}

uint8_t ft_pick_kind(struct ft_mutation *m, enum ft_op_class class_, unsigned state, bool ending)
{
    uint8_t kind = pick_weighted(m, class_, state, ending, true);

    return kind != 0 ? kind : pick_weighted(m, class_, state, ending, false);
}

uint8_t ft_pick_request(struct ft_mutation *m)
{
    unsigned taken = takes(m);
    uint8_t kinds[24];
    unsigned count = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (taken & FT_TAKES_READ)
            kinds[count++] = FT_OP_READ;
        if (taken & FT_TAKES_WRITE)
            kinds[count++] = FT_OP_WRITE;
        if (taken & FT_TAKES_BLOCKS) {
            kinds[count++] = FT_OP_DISK_READ;
            kinds[count++] = FT_OP_DISK_WRITE;
        }
    }
    if (m->catalogue->request_bytes_max > ft_op_row(FT_OP_READ)->arg_max[0]) {
        if (taken & FT_TAKES_READ)
            kinds[count++] = FT_OP_READ_PAGES;
        if (taken & FT_TAKES_WRITE)
            kinds[count++] = FT_OP_WRITE_PAGES;
    }
    if (taken & FT_TAKES_IOCTL)
        kinds[count++] = FT_OP_IOCTL;
    if (taken & FT_TAKES_BLOCKS) {
        kinds[count++] = FT_OP_DISK_CONTROL;
        kinds[count++] = FT_OP_DISK_NEXT;
    }
    if (count == 0 || ft_odds(m, 1, 16))
        kinds[count++] = FT_OP_OPEN_HANDLE;
    if (!m->catalogue->has_model) { /* nobody but the scenario moves data or interrupts */
        kinds[count++] = FT_OP_DEVICE_REGISTER;
        kinds[count++] = FT_OP_DEVICE_INTERRUPT;
        kinds[count++] = FT_OP_DEVICE_MOVES;
    }
    return kinds[ft_below(m, count)];
}

/* ---- states ---- */

unsigned ft_state_after(unsigned state, const struct ft_op *op)
{
    const struct fact *fact = fact_of(op->kind);
    bool to_d0 = op->kind == FT_OP_POWER_TO && op->arg[0] <= 1;

    if (!is_legal(op->kind, state, true))
        return state;
    if (op->kind == FT_OP_POWER_TO)
        return to_d0 ? state & ~(unsigned)LOW : state | LOW;
    return (state | fact->sets) & ~(unsigned)fact->clears;
}

uint8_t ft_way_back(unsigned state)
{
    if (state & ASLEEP)
        return FT_OP_WAKE;
    if (state & GONE)
        return 0;
    if (state & STOPPED)
        return FT_OP_RESTART;
    return state & LOW ? FT_OP_POWER_UP : 0;
}

/* ---- arguments ---- */

/* Map registers that the platform grants an adapter at most; without a limit, a usual number. */
static unsigned registers_of(const struct ft_platform *platform)
{
    unsigned registers = platform->registers ? platform->registers : 16;

    return platform->pool && platform->pool < registers ? platform->pool : registers;
}

void ft_pick_buffer(struct ft_mutation *m, struct ft_op *op)
{
    static const int16_t around[] = {0, 0, 0, 0, -1, 1, -4, 4, -64, 64, 512, -512};
    static const uint16_t offsets[] = {0, 0, 0, 4, 64, 512, 2048, 4032, 4092, 4095};
    unsigned length_at = op->kind == FT_OP_IOCTL ? 1 : 0;
    unsigned most = ft_op_row(op->kind)->arg_max[length_at];
    unsigned registers = registers_of(&m->scenario.platform), pages;
    int length, offset = offsets[ft_below(m, sizeof offsets / sizeof *offsets)];

    if (m->catalogue->request_bytes_max && m->catalogue->request_bytes_max < most)
        most = m->catalogue->request_bytes_max;
    switch (ft_below(m, 6)) {
    case 0: /* what the registers carry, twice that, or a page less or more */
        pages = registers * (1 + ft_below(m, 2)) + ft_below(m, 3) - 1;
        break;
    case 1:
        pages = 1 + ft_below(m, most / PAGE_BYTES + 1);
        break;
    default:
        pages = 1 + ft_below(m, 4);
        break;
    }
    length = (int)(pages * PAGE_BYTES) - (ft_odds(m, 1, 2) ? offset : 0) +
             around[ft_below(m, sizeof around / sizeof *around)];
    if (ft_odds(m, 1, 8))
        length = ft_draw_length(&m->prng, &m->scenario.platform);
    if (length < 0)
        length = 0;
    op->arg[length_at] = (uint16_t)((unsigned)length < most ? (unsigned)length : most);
    if (length_at == 0)
        op->arg[1] = (uint16_t)offset;
}

/* As many pages as the driver's longest request has, or fewer. */
static void pick_pages(struct ft_mutation *m, struct ft_op *op)
{
    unsigned most = m->catalogue->request_bytes_max / PAGE_BYTES;
    unsigned offset = op->arg[1], limit = ft_op_row(op->kind)->arg_max[0];

    op->arg[0] = (uint16_t)(ft_odds(m, 1, 2) ? most : 1 + ft_below(m, most ? most : 1));
    if (op->arg[0] > limit)
        op->arg[0] = (uint16_t)limit;
    op->arg[1] = (uint16_t)(ft_odds(m, 1, 2) ? 0 : offset);
}

struct ft_op ft_pick_op(struct ft_mutation *m, uint8_t kind, uint8_t target)
{
    struct ft_op op = ft_draw_op(&m->prng, &m->scenario.platform, kind, target);

    if (kind == FT_OP_READ || kind == FT_OP_WRITE || kind == FT_OP_IOCTL)
        ft_pick_buffer(m, &op);
    if (kind == FT_OP_READ_PAGES || kind == FT_OP_WRITE_PAGES)
        pick_pages(m, &op);
    if (kind == FT_OP_PREEMPT && ft_odds(m, 3, 4)) /* more than one is seldom enabled */
        op.arg[1] = 0;
    if (kind == FT_OP_USAGE && ft_odds(m, 1, 2)) /* out is legal after in */
        op.arg[1] = 1;
    if (kind == FT_OP_IOCTL && m->catalogue->controls > 0)
        op.arg[0] = (uint16_t)ft_below(m, m->catalogue->controls);
    ft_op_fit(&op);
    return op;
}
