#include "scenario/scenario_draw.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum { PAGE_BYTES = 4096, NUMBERS = 255, INTERESTING_WEIGHT = 8 };

/* A flush, cancel or removal bug shows between two of these points. */
static const char *const interesting[] = {
    "dma:", "irp:", "cancel:", "lock:", "call:", "engine:burst", "reg:"};

/* These come when a device starts, hardly while a request is under way. */
static const char *const at_start[] = {"dma:get-adapter", "dma:common", "irp:alloc"};

/* Numbers and how often each is drawn; a pure function of the .def files, filled at the first draw.
 */
struct catalogue {
    uint8_t number[NUMBERS];
    uint16_t weight_to[NUMBERS]; /* sum of the weights up to and with this number */
    unsigned count;
};

static struct catalogue point_catalogue;
static struct catalogue kind_catalogue[FT_OP_CLASS_CHOICE + 1];

static void catalogue_add(struct catalogue *catalogue, unsigned number, unsigned weight)
{
    unsigned i = catalogue->count++;

    catalogue->number[i] = (uint8_t)number;
    catalogue->weight_to[i] = (uint16_t)((i > 0 ? catalogue->weight_to[i - 1] : 0) + weight);
}

static uint8_t catalogue_draw(const struct catalogue *catalogue, struct ft_prng *prng)
{
    unsigned drawn = ft_prng_below(prng, catalogue->weight_to[catalogue->count - 1]), i = 0;

    while (catalogue->weight_to[i] <= drawn)
        i++;
    return catalogue->number[i];
}

static bool starts_with_one_of(const char *name, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

static unsigned point_weight(const char *name)
{
    if (starts_with_one_of(name, at_start, sizeof(at_start) / sizeof(at_start[0])))
        return 1;
    if (starts_with_one_of(name, interesting, sizeof(interesting) / sizeof(interesting[0])))
        return INTERESTING_WEIGHT;
    return 1;
}

uint8_t ft_draw_point(struct ft_prng *prng)
{
    if (point_catalogue.count == 0) {
        for (unsigned number = 1; number < NUMBERS; number++) {
            const char *name = ft_point_name(number);

            if (name != NULL)
                catalogue_add(&point_catalogue, number, point_weight(name));
        }
    }
    return catalogue_draw(&point_catalogue, prng);
}

/* 1 in half of all cases, 2 in a quarter, and so on: a moment that never comes is wasted. */
static unsigned draw_small(struct ft_prng *prng, unsigned maximum)
{
    unsigned value = 1;

    while (value < maximum && ft_prng_odds(prng, 1, 2))
        value++;
    return value < maximum ? value : maximum;
}

struct ft_moment ft_draw_moment(struct ft_prng *prng, uint8_t target)
{
    struct ft_moment moment = {.target = target, .point = ft_draw_point(prng)};

    moment.count = (uint8_t)draw_small(prng, 8);
    if (ft_prng_odds(prng, 1, 12))
        moment.count = (uint8_t)(1 + ft_prng_below(prng, 40));
    return moment;
}

uint16_t ft_draw_length(struct ft_prng *prng, const struct ft_platform *platform)
{
    static const int16_t around[] = {0, 0, 0, -1, 1, -4, 4, -64, 64, 512};
    static const uint16_t small[] = {0, 1, 2, 3, 4, 8, 63, 64, 512, 1000};
    unsigned registers = platform->registers != 0 ? platform->registers : 8;
    unsigned maximum = ft_op_row(FT_OP_READ)->arg_max[0];
    unsigned pages;
    int length;

    switch (ft_prng_below(prng, 8)) {
    case 0:
        return small[ft_prng_below(prng, sizeof(small) / sizeof(small[0]))];
    case 1:
        return (uint16_t)ft_prng_below(prng, 4 * PAGE_BYTES);
    case 2: /* just what the registers carry, twice that, or a page less or more */
        pages = registers * (1 + ft_prng_below(prng, 2)) + ft_prng_below(prng, 3) - 1;
        break;
    default:
        pages = draw_small(prng, 15);
        break;
    }
    length = (int)(pages * PAGE_BYTES);
    length += around[ft_prng_below(prng, sizeof(around) / sizeof(around[0]))];
    if (length < 0)
        return 0;
    return (uint16_t)((unsigned)length < maximum ? (unsigned)length : maximum);
}

static uint16_t draw_offset(struct ft_prng *prng)
{
    static const uint16_t offsets[] = {4, 8, 60, 64, 512, 2048, 4032, 4092, 4095};

    if (ft_prng_odds(prng, 1, 2))
        return 0;
    if (ft_prng_odds(prng, 1, 6))
        return (uint16_t)ft_prng_below(prng, PAGE_BYTES);
    return offsets[ft_prng_below(prng, sizeof(offsets) / sizeof(offsets[0]))];
}

/* How often an op is drawn within its class. After a removal little can follow, so removals are
 * rare beside cancels. */
static unsigned kind_weight(unsigned kind)
{
    switch (kind) {
    case FT_OP_READ:
    case FT_OP_WRITE:
        return 16;
    case FT_OP_READ_PAGES: /* few drivers take so much: who knows the driver adds them */
    case FT_OP_WRITE_PAGES:
    case FT_OP_DISK_READ: /* for miniports of SCSI Port only */
    case FT_OP_DISK_WRITE:
    case FT_OP_DISK_CONTROL:
    case FT_OP_DISK_NEXT:
    case FT_OP_BUS_RESET:
    case FT_OP_ABORT:
    case FT_OP_TARGET:
    case FT_OP_ORDER: /* a strategy's, not an engine's */
    case FT_OP_LAST:
    case FT_OP_LOWER:
    case FT_OP_PICK:
        return 0;
    case FT_OP_CANCEL:
    case FT_OP_PREEMPT:
        return 12;
    case FT_OP_DEVICE_REGISTER: /* only a driver without a device model minds these */
    case FT_OP_DEVICE_INTERRUPT:
    case FT_OP_DEVICE_MOVES:
    case FT_OP_OPEN_HANDLE:
        return 1;
    case FT_OP_CLOSE_HANDLE:
        return 3;
    case FT_OP_POWER_DOWN:
        return 8;
    case FT_OP_POWER_UP:
    case FT_OP_RESTART:
    case FT_OP_WAKE:
    case FT_OP_CANCEL_STOP:
    case FT_OP_CANCEL_REMOVE:
    case FT_OP_USAGE:
    case FT_OP_WAKE_SIGNAL:
        return 1;
    case FT_OP_QUERY_STOP:
    case FT_OP_QUERY_POWER:
    case FT_OP_POWER_TO:
    case FT_OP_QUERY_REMOVE:
    case FT_OP_REMOVE:
    case FT_OP_SURPRISE_REMOVE:
        return 2;
    default:
        return 4;
    }
}

uint8_t ft_draw_kind(struct ft_prng *prng, enum ft_op_class class_)
{
    if (kind_catalogue[class_].count == 0) {
        for (unsigned number = 1; number < NUMBERS; number++) {
            const struct ft_op_row *row = ft_op_row(number);

            if (row != NULL && row->built && row->class_ == class_)
                catalogue_add(&kind_catalogue[class_], number, kind_weight(number));
        }
    }
    return catalogue_draw(&kind_catalogue[class_], prng);
}

/* Zero, one, the maximum, or anything between. */
static unsigned draw_value(struct ft_prng *prng, unsigned maximum)
{
    switch (ft_prng_below(prng, 5)) {
    case 0:
        return 0;
    case 1:
        return 1 % (maximum + 1);
    case 2:
        return maximum;
    default:
        return ft_prng_below(prng, maximum + 1);
    }
}

uint16_t ft_draw_arg(struct ft_prng *prng, const struct ft_platform *platform, uint8_t kind,
                     unsigned i, uint8_t target)
{
    unsigned maximum = ft_op_row(kind)->arg_max[i];

    switch (kind) {
    case FT_OP_READ:
    case FT_OP_WRITE:
        return i == 0 ? ft_draw_length(prng, platform) : draw_offset(prng);
    case FT_OP_IOCTL:
        return i == 0 ? (uint16_t)(draw_small(prng, 8) - 1) : ft_draw_length(prng, platform);
    case FT_OP_CANCEL:
    case FT_OP_ABORT:
        return target;
    case FT_OP_CLOSE_HANDLE: /* mostly the handle that is always there */
        return ft_prng_odds(prng, 3, 4) ? 0 : target;
    case FT_OP_DEVICE_DATA:
    case FT_OP_FAIL_ALLOC:
        /* `after` counts register reads or allocations: only a few come. */
        return (uint16_t)(i == 0 ? draw_value(prng, maximum) : draw_small(prng, 12) - 1);
    case FT_OP_PREEMPT:
        return (uint16_t)(i == 0 ? 1 + ft_prng_below(prng, maximum) : draw_small(prng, 4) - 1);
    case FT_OP_FEW_REGISTERS:
    case FT_OP_SHORT_MAP:
        return (uint16_t)(draw_small(prng, 6) - (kind == FT_OP_FEW_REGISTERS));
    case FT_OP_EVICT:
        return (uint16_t)(ft_prng_odds(prng, 1, 2) ? 0 : draw_small(prng, 16));
    default:
        return (uint16_t)draw_value(prng, maximum);
    }
}

struct ft_op ft_draw_op(struct ft_prng *prng, const struct ft_platform *platform, uint8_t kind,
                        uint8_t target)
{
    const struct ft_op_row *row = ft_op_row(kind);
    struct ft_op op = {.kind = kind};

    for (unsigned i = 0; i < row->argc; i++)
        op.arg[i] = ft_draw_arg(prng, platform, kind, i, target);
    ft_op_fit(&op);
    return op;
}

void ft_draw_knob(struct ft_prng *prng, struct ft_platform *platform)
{
    switch (ft_prng_below(prng, 7)) {
    case 0:
        ft_knob_set(platform, FT_KNOB_processors, ft_prng_next(prng) & 3);
        break;
    case 1:
        ft_knob_set(platform, FT_KNOB_frames, ft_prng_below(prng, FT_FRAMES_COUNT));
        break;
    case 2: /* a pool below the limit of one adapter would only lower that limit */
        ft_knob_set(platform, FT_KNOB_registers, ft_prng_below(prng, 18));
        if (platform->pool != 0 && platform->pool < platform->registers)
            ft_knob_set(platform, FT_KNOB_pool, platform->registers + ft_prng_below(prng, 4));
        break;
    case 3:
        if (platform->bounce != FT_BOUNCE_NEVER)
            ft_knob_set(platform, FT_KNOB_bounce, 1 + ft_prng_below(prng, FT_BOUNCE_COUNT - 1));
        else
            ft_knob_set(platform, FT_KNOB_pool, platform->registers + ft_prng_below(prng, 9));
        break;
    case 4:
        ft_knob_set(platform, FT_KNOB_high, !platform->high);
        break;
    case 5:
        ft_knob_set(platform, FT_KNOB_verifier, !platform->verifier);
        break;
    default:
        ft_knob_set(platform, FT_KNOB_defer, !platform->defer);
        break;
    }
}
