/* Two devices of one driver.
 *
 * State of a device stack stands at its bottom (struct ft_rs_device). What the framework's rules
 * keep of the driver's first device is there twice: when an event is about the other device, the
 * two are exchanged first. An event says which by the PDO in its header, whenever there are two.
 */
#include "rules/rules_private.h"

#include <string.h>

/* AddDevice is called for each device once. */
static void learn(struct ft_rules *rules, uint16_t pdo)
{
    if (rules->pdo[0] == 0) {
        rules->pdo[0] = pdo;
    } else if (rules->pdo[0] != pdo && rules->pdo[1] == 0) {
        rules->pdo[1] = pdo;
    }
}

static void exchange(struct ft_rules *rules)
{
    struct ft_rs_wdf_aside now = {.power = rules->wdf_power,
                                  .phases = rules->wdf_phases,
                                  .touch = rules->wdf_touch,
                                  .flushed = rules->wdf_io.flushed,
                                  .asleep = rules->wdf_io.asleep,
                                  .suspended = rules->wdf_io.suspended};

    rules->wdf_power = rules->wdf_aside.power;
    rules->wdf_phases = rules->wdf_aside.phases;
    rules->wdf_touch = rules->wdf_aside.touch;
    rules->wdf_io.flushed = rules->wdf_aside.flushed;
    rules->wdf_io.asleep = rules->wdf_aside.asleep;
    rules->wdf_io.suspended = rules->wdf_aside.suspended;
    rules->wdf_aside = now;
}

void ft_turn_to_device(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_CALL_ENTER && event->arg[0] == FT_ROUTINE_ADD_DEVICE) {
        learn(rules, (uint16_t)ft_arg_id(event, 1));
    }
    if (rules->pdo[1] == 0 || event->device == 0 || event->device == rules->pdo[rules->pdo_now] ||
        ft_rs_root(rules, event->device)->id != rules->pdo[!rules->pdo_now]) {
        return;
    }
    rules->pdo_now = !rules->pdo_now;
    exchange(rules);
}
