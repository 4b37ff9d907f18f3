#include "explore/disturbance.h"

#include "scenario/scenario_codec.h"
#include "sim/device.h"

#include <stdio.h>
#include <string.h>

/* Kinds that say nothing with arguments of zero, or more than one thing. All others stand for
 * themselves. */
static const struct variant {
    uint8_t kind, whom;
    uint16_t arg[FT_OP_ARGS_MAX];
} variants[] = {
    {FT_OP_CANCEL, FT_WHOM_HERE, {0}},
    {FT_OP_CANCEL, FT_WHOM_OTHER, {0}},
    {FT_OP_ABORT, FT_WHOM_HERE, {0}},
    {FT_OP_RESTART, FT_WHOM_FIXED, {1}},
    {FT_OP_SLEEP, FT_WHOM_FIXED, {0, 0}},
    {FT_OP_SLEEP, FT_WHOM_FIXED, {0, 1}},
    {FT_OP_DEVICE_DATA, FT_WHOM_FIXED, {0, 0}},
    {FT_OP_DEVICE_DATA, FT_WHOM_FIXED, {65024, 0}},
    {FT_OP_USAGE, FT_WHOM_FIXED, {1, 1}},
    {FT_OP_POWER_TO, FT_WHOM_FIXED, {1}},
    {FT_OP_POWER_TO, FT_WHOM_FIXED, {3}},
    {FT_OP_FEW_REGISTERS, FT_WHOM_FIXED, {1}},
    {FT_OP_SHORT_MAP, FT_WHOM_FIXED, {1}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_DISCONNECT, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_GONE, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_CHECK, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_BUSY, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_QUEUE_FULL, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_PARITY, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_STUCK, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_SHORT, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_DROP, 0}},
    {FT_OP_TARGET, FT_WHOM_FIXED, {SIM_OUTSIDE_UNKNOWN_TAG, 0}},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static bool is_request(const struct ft_event *event)
{
    const struct ft_op_row *row = ft_op_row((unsigned)event->arg[1]);

    return (event->kind == FT_EV_OP_FIRED || event->kind == FT_EV_OP_LATE) && event->arg[2] != 0 &&
           row && row->class_ == FT_OP_CLASS_REQUEST;
}

/* Only a SCSI miniport takes these ops. */
static bool is_of_disks(unsigned kind)
{
    return (kind >= FT_OP_DISK_READ && kind <= FT_OP_DISK_NEXT) || kind == FT_OP_BUS_RESET ||
           kind == FT_OP_ABORT || kind == FT_OP_TARGET;
}

void ft_flights_read(const struct ft_trace *trace, struct ft_flights *ret)
{
    unsigned added = 0;

    memset(ret, 0, sizeof *ret);
    for (uint64_t i = 0; i < trace->event_count; i++) {
        const struct ft_event *event = &trace->event[i];

        if (event->kind == FT_EV_CALL_ENTER && event->arg[0] == FT_ROUTINE_ADD_DEVICE)
            ret->second = ++added > 1;
        if (is_request(event))
            ret->disks = ret->disks || is_of_disks((unsigned)event->arg[1]);
        if (is_request(event) && ret->count < FT_FLIGHTS_MAX) {
            ret->flight[ret->count].label = (uint8_t)event->arg[2];
            ret->flight[ret->count].from = i;
            ret->flight[ret->count++].to = UINT64_MAX;
        }
        for (unsigned f = 0; f < ret->count; f++) {
            if (event->kind == FT_EV_IRP_NEW && event->layer != FT_LAYER_DRIVER &&
                event->label == ret->flight[f].label && ret->flight[f].irp == 0)
                ret->flight[f].irp = event->arg[0];
            if (event->kind == FT_EV_IRP_DONE && event->arg[0] == ret->flight[f].irp &&
                ret->flight[f].to == UINT64_MAX)
                ret->flight[f].to = i;
        }
    }
}

static bool two_in_flight(const struct ft_flights *flights)
{
    for (unsigned a = 0; a < flights->count; a++)
        for (unsigned b = a + 1; b < flights->count; b++)
            if (flights->flight[a].label != flights->flight[b].label &&
                flights->flight[b].from < flights->flight[a].to)
                return true;
    return false;
}

static bool is_in(const struct ft_op *op, const struct ft_disturbance *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i].op.kind == op->kind && list[i].op.device == op->device &&
            memcmp(list[i].op.arg, op->arg, sizeof op->arg) == 0)
            return true;
    return false;
}

static void name_second(struct ft_disturbance *disturbance)
{
    disturbance->op.device = 1;
    ft_op_print(&disturbance->op, disturbance->name, sizeof disturbance->name);
}

/* The same for the driver's second device, unless it is there already. */
static bool of_second(const struct ft_disturbance *first, const struct ft_disturbance *list,
                      unsigned count, struct ft_disturbance *ret)
{
    *ret = *first;
    name_second(ret);
    return first->op.device == 0 && ft_op_is_of_device(first->op.kind) &&
           !is_in(&ret->op, list, count);
}

void ft_disturbances_fit(const struct ft_flights *flights, struct ft_disturbance *list,
                         unsigned *count)
{
    bool two = two_in_flight(flights);
    unsigned kept = 0, all;

    for (unsigned i = 0; i < *count; i++)
        if ((two || list[i].whom != FT_WHOM_OTHER) &&
            (flights->disks || !is_of_disks(list[i].op.kind)))
            list[kept++] = list[i];
    all = kept;
    for (unsigned i = 0; flights->second && i < all && kept < FT_DISTURBANCES_MAX; i++)
        kept += of_second(&list[i], list, all, &list[kept]);
    *count = kept;
}

static const char *cancel_name(unsigned whom)
{
    return whom == FT_WHOM_OTHER ? "cancel another" : "cancel";
}

static void make(struct ft_disturbance *ret, const struct variant *variant)
{
    memset(ret, 0, sizeof *ret);
    ret->op.kind = variant->kind;
    ret->whom = variant->whom;
    memcpy(ret->op.arg, variant->arg, sizeof ret->op.arg);
    if (variant->kind == FT_OP_ABORT && variant->whom != FT_WHOM_FIXED)
        snprintf(ret->name, sizeof ret->name, "abort");
    else if (variant->kind == FT_OP_CANCEL && variant->whom != FT_WHOM_FIXED)
        snprintf(ret->name, sizeof ret->name, "%s", cancel_name(variant->whom));
    else
        ft_op_print(&ret->op, ret->name, sizeof ret->name);
}

static bool add(struct ft_disturbance *list, unsigned *count, const struct variant *variant)
{
    if (*count == FT_DISTURBANCES_MAX)
        return false;
    make(&list[(*count)++], variant);
    return true;
}

/* Every variant of a kind, or the kind with arguments of zero. */
static bool add_kind(struct ft_disturbance *list, unsigned *count, unsigned kind)
{
    struct variant plain = {.kind = (uint8_t)kind};
    bool any = false, room = true;

    for (unsigned i = 0; i < VARIANTS; i++)
        if (variants[i].kind == kind) {
            any = true;
            room = room && add(list, count, &variants[i]);
        }
    return any ? room : add(list, count, &plain);
}

static bool can_disturb(const struct ft_op_row *row)
{
    return row && row->built && row->class_ != FT_OP_CLASS_REQUEST;
}

unsigned ft_disturbances_all(struct ft_disturbance *ret)
{
    unsigned count = 0;

    for (unsigned kind = 0; kind < 255; kind++)
        if (can_disturb(ft_op_row(kind)))
            add_kind(ret, &count, kind);
    return count;
}

static enum ft_status no_room(struct ft_error *error)
{
    return ft_fail(error, FT_USAGE, 0, "more than %d disturbances", FT_DISTURBANCES_MAX);
}

enum ft_status ft_disturbance_parse(const char *text, struct ft_disturbance *list, unsigned *count,
                                    struct ft_error *error)
{
    struct ft_scenario scenario;
    const struct ft_op *op = &scenario.op[0];
    struct variant variant;

    if (ft_scenario_parse(text, strlen(text), &scenario, error) != FT_OK) {
        error->status = FT_USAGE;
        return FT_USAGE;
    }
    if (scenario.op_count != 1 || op->label != 0 || op->moment.count != 0 ||
        !can_disturb(ft_op_row(op->kind)))
        return ft_fail(error, FT_USAGE, 0,
                       "'%.60s' is no disturbance: one op that is no request, without a moment",
                       text);
    if (strpbrk(text, "=") == NULL)
        return add_kind(list, count, op->kind) ? FT_OK : no_room(error);
    variant = (struct variant){.kind = op->kind};
    memcpy(variant.arg, op->arg, sizeof variant.arg);
    if (!add(list, count, &variant))
        return no_room(error);
    if (op->device != 0)
        name_second(&list[*count - 1]);
    return FT_OK;
}

/* The request in flight at that event with this label; 0: none. */
static unsigned in_flight(const struct ft_flights *flights, uint64_t event, unsigned label)
{
    for (unsigned i = 0; i < flights->count; i++)
        if (flights->flight[i].label == label && flights->flight[i].from < event &&
            event <= flights->flight[i].to)
            return label;
    return 0;
}

static unsigned whom(const struct ft_place *place, const struct ft_flights *flights, bool other)
{
    unsigned here = in_flight(flights, place->events, place->moment.target);

    for (unsigned i = flights->count; i-- > 0 && !here;)
        here = in_flight(flights, place->events, flights->flight[i].label);
    if (!other)
        return here;
    for (unsigned i = 0; i < flights->count; i++) {
        unsigned label = flights->flight[i].label;

        if (label != here && in_flight(flights, place->events, label))
            return label;
    }
    return 0;
}

bool ft_disturbance_at(const struct ft_disturbance *disturbance, const struct ft_place *place,
                       const struct ft_flights *flights, struct ft_op *ret)
{
    *ret = disturbance->op;
    if (disturbance->whom == FT_WHOM_FIXED)
        return true;
    ret->arg[0] = (uint16_t)whom(place, flights, disturbance->whom == FT_WHOM_OTHER);
    return ret->arg[0] != 0;
}
