/* KMDF: the order in which the framework calls a driver (kmdf sheet, 1.4, 4.2 to 4.10, 4.13). These
 * rows are about the framework, not about its driver: a finding is a fault of the shim, or of a
 * recording. Enablers of every device are judged, the other callbacks of the driver's first.
 *
 * A driver registers what it likes, and a callback that it has not cannot be missed. Where the
 * framework records a power state everything that belongs to the way there is over.
 */
#include "rules/rules_kmdf_dma.h"

/* The place of a callback on the way up or down; several may share one. */
enum {
    AT_NOTHING,
    AT_PREPARE,
    AT_D0_ENTRY,
    AT_D0_POST,
    AT_DMA_UP,
    AT_SELF_MANAGED, /* Init or Restart: the way up is over */
    AT_SUSPEND,
    AT_DMA_DOWN,
    AT_D0_PRE,
    AT_D0_EXIT,
    AT_RELEASE,
    AT_FLUSH,
    AT_CLEANUP
};

enum { WINDOW_UNKNOWN, WINDOW_OPEN, WINDOW_SHUT };
enum { POWER_D0 = 1 };

static unsigned place_of(uint64_t routine)
{
    static const uint8_t places[] = {
        [FT_ROUTINE_WDF_PREPARE] = AT_PREPARE,
        [FT_ROUTINE_WDF_RELEASE] = AT_RELEASE,
        [FT_ROUTINE_WDF_D0_ENTRY] = AT_D0_ENTRY,
        [FT_ROUTINE_WDF_D0_ENTRY_POST] = AT_D0_POST,
        [FT_ROUTINE_WDF_D0_EXIT] = AT_D0_EXIT,
        [FT_ROUTINE_WDF_D0_EXIT_PRE] = AT_D0_PRE,
        [FT_ROUTINE_WDF_SMIO_INIT] = AT_SELF_MANAGED,
        [FT_ROUTINE_WDF_SMIO_SUSPEND] = AT_SUSPEND,
        [FT_ROUTINE_WDF_SMIO_RESTART] = AT_SELF_MANAGED,
        [FT_ROUTINE_WDF_SMIO_FLUSH] = AT_FLUSH,
        [FT_ROUTINE_WDF_SMIO_CLEANUP] = AT_CLEANUP,
    };
    bool up;

    if (ft_enabler_callback(routine, &up) != 0) {
        return up ? AT_DMA_UP : AT_DMA_DOWN;
    }
    return routine < sizeof places ? places[routine] : AT_NOTHING;
}

/* The device that the callback is for, 0: it is not for one, or not known. */
static uint32_t device_of(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler;

    if (ft_handle_class(event->arg[1]) == FT_HC_WDF_DEVICE) {
        return ft_arg_id(event, 1);
    }
    enabler = ft_handle_class(event->arg[1]) == FT_HC_WDF_ENABLER
                  ? ft_enabler_find(rules, ft_arg_id(event, 1))
                  : NULL;
    return enabler != NULL ? enabler->device : 0;
}

/* ---- the walks over enablers ---- */

/* Callbacks that stand before this one on its way, and that the enabler has. */
static unsigned before(const struct ft_rs_enabler *enabler, unsigned bit)
{
    unsigned owed = 0;

    switch (bit) {
    case FT_ENABLER_START:
        owed = FT_ENABLER_FILL | FT_ENABLER_ENABLE;
        break;
    case FT_ENABLER_ENABLE:
        owed = FT_ENABLER_FILL;
        break;
    case FT_ENABLER_FLUSH:
        owed = FT_ENABLER_STOP | FT_ENABLER_DISABLE;
        break;
    case FT_ENABLER_DISABLE:
        owed = FT_ENABLER_STOP;
        break;
    default:
        break;
    }
    return owed & enabler->callbacks;
}

/* Called twice, or before another one of the enabler's that comes first, or after one behind it; or
 * the enabler has come while callbacks ran. */
static bool is_out_of_order(const struct ft_rs_enabler *enabler, unsigned bit)
{
    unsigned owed = before(enabler, bit), later = 0;

    if ((enabler->flags & FT_WDFE_WALKED) == 0) {
        return true;
    }
    for (unsigned other = 1; other <= FT_ENABLER_STOP; other <<= 1) {
        later |= (before(enabler, other) & bit) != 0 ? other : 0;
    }
    return (enabler->called & (bit | later)) != 0 || (enabler->called & owed) != owed;
}

static bool skips_disable(const struct ft_rs_enabler *enabler)
{
    return (enabler->flags & FT_WDFE_FILL_FAILED) != 0;
}

static bool skips_flush(const struct ft_rs_enabler *enabler)
{
    return (enabler->flags & (FT_WDFE_FILL_FAILED | FT_WDFE_ENABLE_FAILED)) != 0;
}

static void judge_enabler(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    const struct ft_rs_wdf_device *device =
        enabler != NULL ? ft_wdf_device_find(rules, enabler->device) : NULL;
    bool up;
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

    if (bit == 0 || device == NULL || device->walk == FT_WDF_NO_WALK) {
        return;
    }
    if (up) {
        if (device->walk != FT_WDF_WALK_UP || device->walk_failed != 0 ||
            is_out_of_order(enabler, bit)) {
            ft_rule_fire(rules, FT_J_KMDF_ENABLER_UP_ORDER, event, event->arg[1]);
        }
        return;
    }
    if ((bit == FT_ENABLER_DISABLE && skips_disable(enabler)) ||
        (bit == FT_ENABLER_FLUSH && skips_flush(enabler))) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_SKIP_MATRIX, event, event->arg[1]);
    } else if (device->walk != FT_WDF_WALK_DOWN || is_out_of_order(enabler, bit)) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_DOWN_ORDER, event, event->arg[1]);
    }
}

/* The way down is over: each enabler that was there has had what it has to have. */
static void judge_down(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; event->arg[1] != 0 && i < FT_RS_ENABLERS; i++) {
        const struct ft_rs_enabler *enabler = &rules->enabler[i];
        unsigned owed = FT_ENABLER_STOP;

        if (enabler->id == 0 || enabler->device != ft_arg_id(event, 0) ||
            (enabler->flags & FT_WDFE_WALKED) == 0) {
            continue;
        }
        owed |= skips_disable(enabler) ? 0 : FT_ENABLER_DISABLE;
        owed |= skips_flush(enabler) ? 0 : FT_ENABLER_FLUSH;
        if ((owed & enabler->callbacks & ~(unsigned)enabler->called) != 0) {
            ft_rule_fire(rules,
                         skips_flush(enabler) ? FT_J_KMDF_ENABLER_SKIP_MATRIX
                                              : FT_J_KMDF_ENABLER_DOWN_ORDER,
                         event, ft_handle(FT_HC_WDF_ENABLER, enabler->id, 0));
        }
    }
}

static void note_enabler(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_enabler *enabler = ft_enabler_find(rules, ft_arg_id(event, 1));
    struct ft_rs_wdf_device *device =
        enabler != NULL ? ft_wdf_device_find(rules, enabler->device) : NULL;
    bool up;
    unsigned bit = ft_enabler_callback(event->arg[0], &up);

    if (bit == 0 || enabler == NULL) {
        return;
    }
    if (event->kind == FT_EV_CALL_ENTER) {
        enabler->called |= (uint8_t)bit;
    } else if (device != NULL && up && ft_known(event, 3) &&
               !ft_nt_success((uint32_t)event->arg[3])) {
        device->walk_failed = 1;
    }
}

/* A walk begins, or has ended. */
static void note_walk(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_device *device = ft_wdf_device_find(rules, ft_arg_id(event, 0));
    bool done = event->arg[1] != 0;

    if (device != NULL) {
        device->walk_failed = 0;
    }
    for (unsigned i = 0; i < FT_RS_ENABLERS; i++) {
        struct ft_rs_enabler *enabler = &rules->enabler[i];

        if (enabler->id != 0 && enabler->device == ft_arg_id(event, 0)) {
            enabler->called = 0;
            enabler->flags &= (uint16_t)~FT_WDFE_WALKED;
            enabler->flags |= done ? 0 : FT_WDFE_WALKED;
        }
    }
}

/* ---- the callbacks of the first device ---- */

static bool may_follow(unsigned last, unsigned place)
{
    bool shared = place == AT_DMA_UP || place == AT_DMA_DOWN;

    if (last == AT_NOTHING || (place == last && shared)) {
        return true;
    }
    if (place <= AT_SELF_MANAGED) {
        return last <= AT_SELF_MANAGED ? place > last : last >= AT_D0_EXIT;
    }
    return place > last;
}

/* A child is called only while its parent, the first device, is in D0. */
static void judge_child(struct ft_rules *rules, const struct ft_event *event, unsigned place)
{
    const struct ft_rs_wdf_power *wdf = &rules->wdf_power;

    for (unsigned i = 0; i < FT_RS_WDF_CHILDREN; i++) {
        if (wdf->child[i] != 0 && wdf->child[i] == ft_arg_id(event, 1) && wdf->in_d0 == 0 &&
            place >= AT_D0_ENTRY && place <= AT_D0_EXIT) {
            ft_rule_fire(rules, FT_J_KMDF_PARENT_ORDER, event, event->arg[1]);
        }
    }
}

static void judge_enter(struct ft_rules *rules, const struct ft_event *event)
{
    const struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    unsigned place = place_of(event->arg[0]);
    bool of_enabler = place == AT_DMA_UP || place == AT_DMA_DOWN;

    if (of_enabler) {
        judge_enabler(rules, event);
    } else if (ft_handle_class(event->arg[1]) == FT_HC_WDF_DEVICE) {
        judge_child(rules, event, place);
    }
    if (place == AT_NOTHING || wdf->device == 0 || device_of(rules, event) != wdf->device) {
        return;
    }
    if (of_enabler && (event->irql != FT_IRQL_PASSIVE || wdf->window == WINDOW_SHUT)) {
        ft_rule_fire(rules, FT_J_KMDF_ENABLER_WINDOW, event, event->arg[1]);
    } else if (wdf->open != 0) {
        ft_rule_fire(rules, FT_J_KMDF_POWER_CALLBACK_OVERLAP, event, event->arg[1]);
    } else if (!may_follow(wdf->place, place)) {
        ft_rule_fire(rules, FT_J_KMDF_POWER_SEQUENCE_CONFORMANCE, event, event->arg[1]);
    }
}

void ft_kmdf_order_judge(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_ENTER:
        judge_enter(rules, event);
        break;
    case FT_EV_WDF_DMA_DOWN:
        judge_down(rules, event);
        break;
    default:
        break;
    }
}

/* Enablers have their callbacks between EvtDeviceD0EntryPostInterruptsEnabled and
 * EvtDeviceD0ExitPreInterruptsDisabled. */
static void note_window(struct ft_rs_wdf_power *wdf, const struct ft_event *event, unsigned place)
{
    bool good = event->kind == FT_EV_CALL_LEAVE && ft_known(event, 3) &&
                ft_nt_success((uint32_t)event->arg[3]);

    if (place == AT_D0_ENTRY || place == AT_D0_POST) {
        wdf->window = good ? WINDOW_OPEN : WINDOW_SHUT;
    } else if (place == AT_D0_PRE || place == AT_D0_EXIT) {
        wdf->window = WINDOW_SHUT;
    }
}

static void note_call(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;
    unsigned place = place_of(event->arg[0]);

    note_enabler(rules, event);
    if (place == AT_NOTHING || wdf->device == 0 || device_of(rules, event) != wdf->device) {
        return;
    }
    note_window(wdf, event, place);
    if (event->kind == FT_EV_CALL_ENTER) {
        wdf->place = (uint8_t)place;
    }
}

static void note_power(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;

    if (wdf->device == 0 || ft_arg_id(event, 0) != wdf->device) {
        return;
    }
    if (event->arg[1] == POWER_D0) {
        wdf->place = AT_SELF_MANAGED;
    } else {
        wdf->place = wdf->place < AT_D0_EXIT ? AT_D0_EXIT : wdf->place;
        wdf->window = WINDOW_UNKNOWN;
    }
}

static void note_child(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_wdf_power *wdf = &rules->wdf_power;

    if (ft_known(event, 2) && event->arg[2]) {
        return; /* its power does not depend on the parent's */
    }
    for (unsigned i = 0; ft_arg_id(event, 1) == wdf->device && i < FT_RS_WDF_CHILDREN; i++) {
        if (wdf->child[i] == 0) {
            wdf->child[i] = (uint16_t)ft_arg_id(event, 0);
            return;
        }
    }
}

void ft_kmdf_order_note(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_CALL_ENTER:
    case FT_EV_CALL_LEAVE:
        note_call(rules, event);
        break;
    case FT_EV_WDF_DMA_UP:
    case FT_EV_WDF_DMA_DOWN:
        note_walk(rules, event);
        break;
    case FT_EV_WDF_POWER:
        note_power(rules, event);
        break;
    case FT_EV_WDF_CHILD:
        note_child(rules, event);
        break;
    default:
        break;
    }
}
