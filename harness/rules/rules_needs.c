/* Needs: what a rule presumes of the world, and for which device or request that does not hold. */
#include "rules/rules_private.h"

/* Needs that these flags break. A driver that has handled its removal owes progress whatever the
 * device does. */
static unsigned broken_by(unsigned flags, unsigned power, unsigned own_flags)
{
    unsigned broken = 0;

    if ((flags & FT_DEVICE_HOSTILE) != 0) {
        broken |= FT_NEED_HONEST_DEVICE;
    }
    if ((flags & FT_DEVICE_INT_WRONG) != 0) {
        broken |= FT_NEED_HONEST_INTERRUPT;
    }
    if (((flags & (FT_DEVICE_YANKED | FT_DEVICE_INT_LOST)) != 0 || power > FT_POWER_D0) &&
        (own_flags & FT_DEVICE_GONE) == 0) {
        broken |= FT_NEED_LIVE_DEVICE;
    }
    if ((flags & FT_DEVICE_YANKED) != 0 && (own_flags & FT_DEVICE_REMOVAL_SENT) == 0) {
        broken |= FT_NEED_PRESENT_HARDWARE;
    }
    return broken;
}

static unsigned broken_for_device(const struct ft_rules *rules, const struct ft_rs_device *device)
{
    return broken_by(device->flags | rules->device[0].flags, device->power, device->flags);
}

static unsigned broken_for_all(const struct ft_rules *rules)
{
    unsigned broken = 0;
    unsigned seen = 0;

    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id != 0 && device->below == 0) {
            broken |= broken_for_device(rules, device);
            seen++;
        }
    }
    return seen != 0 ? broken : broken_for_device(rules, &rules->device[0]);
}

unsigned ft_rules_broken_needs(struct ft_rules *rules, const struct ft_event *event,
                               uint64_t object)
{
    uint32_t id = ft_handle_class(object) == FT_HC_IRP ? ft_handle_id(object) : event->request;
    const struct ft_rs_irp *irp = ft_rs_irp_find(rules, id);
    uint32_t device = event->device;
    unsigned broken;

    if (device == 0 && irp != NULL) {
        device = irp->device;
    }
    broken =
        device != 0 ? broken_for_device(rules, ft_rs_root(rules, device)) : broken_for_all(rules);
    if (rules->injected || (irp != NULL && (irp->flags & FT_IRP_INJECTED) != 0)) {
        broken |= FT_NEED_NO_INJECTED_FAILURE;
    }
    return broken;
}

unsigned ft_rules_suspended(const struct ft_rules *rules)
{
    unsigned broken = broken_for_all(rules);

    for (unsigned i = 0; i < FT_RS_IRPS; i++) {
        if ((rules->irp[i].flags & FT_IRP_INJECTED) != 0) {
            broken |= FT_NEED_NO_INJECTED_FAILURE;
        }
    }
    return broken | (rules->injected ? FT_NEED_NO_INJECTED_FAILURE : 0u);
}

static size_t add_suspension(struct ft_suspension *list, size_t count, size_t capacity,
                             uint64_t object, unsigned needs)
{
    if (needs == 0 || count == capacity) {
        return count;
    }
    list[count] = (struct ft_suspension){.object = object, .needs = needs};
    return count + 1;
}

size_t ft_rules_suspensions(const struct ft_rules *rules, struct ft_suspension *list,
                            size_t capacity)
{
    unsigned everywhere = rules->injected ? FT_NEED_NO_INJECTED_FAILURE : 0u;
    unsigned seen = 0;
    size_t count = 0;

    for (unsigned i = 1; i < FT_RS_DEVICES; i++) {
        const struct ft_rs_device *device = &rules->device[i];

        if (device->id != 0 && device->below == 0) {
            count = add_suspension(list, count, capacity, ft_handle(FT_HC_DEVICE, device->id, 0),
                                   broken_for_device(rules, device));
            seen++;
        }
    }
    everywhere |= seen == 0 ? broken_for_device(rules, &rules->device[0]) : 0u;
    count = add_suspension(list, count, capacity, 0, everywhere);
    for (unsigned i = 0; i < FT_RS_IRPS; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && (irp->flags & (FT_IRP_INJECTED | FT_RS_OVER)) == FT_IRP_INJECTED) {
            count = add_suspension(list, count, capacity, ft_handle(FT_HC_IRP, irp->id, 0),
                                   FT_NEED_NO_INJECTED_FAILURE);
        }
    }
    return count;
}

const char *ft_need_name(unsigned bit)
{
    switch (bit) {
    case FT_NEED_HONEST_DEVICE:
        return "an honest device";
    case FT_NEED_LIVE_DEVICE:
        return "a live device";
    case FT_NEED_HONEST_INTERRUPT:
        return "an honest interrupt";
    case FT_NEED_NO_INJECTED_FAILURE:
        return "no injected failure";
    case FT_NEED_PRESENT_HARDWARE:
        return "present hardware";
    default:
        return NULL;
    }
}
