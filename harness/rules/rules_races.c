/* Data races: the machine finds the pairs (race:found, in the access flavour), the rules here say
 * what each is. */
#include "rules/rules_io.h"

enum { WRITES = 1, LOCKED = 4 };

/* Arguments of race:found. */
enum { HOW = 2, KIND, ROUTINE, EARLIER_HOW, EARLIER_KIND, EARLIER_ROUTINE };

static bool either(const struct ft_event *event, unsigned one, unsigned other, uint64_t value)
{
    return (ft_known(event, one) && event->arg[one] == value) ||
           (ft_known(event, other) && event->arg[other] == value);
}

static bool of_power(const struct ft_event *event, unsigned routine)
{
    return ft_known(event, routine) && event->arg[routine] >= FT_ROUTINE_WDF_PREPARE &&
           event->arg[routine] <= FT_ROUTINE_WDF_QUERY_STOP;
}

/* One side writes without a lock what the other side touches under one. */
static bool beside_a_lock(const struct ft_event *event)
{
    uint64_t how = event->arg[HOW], earlier = event->arg[EARLIER_HOW];

    return ft_known(event, HOW) && ft_known(event, EARLIER_HOW) &&
           (((how & LOCKED) && !(earlier & LOCKED) && (earlier & WRITES)) ||
            ((earlier & LOCKED) && !(how & LOCKED) && (how & WRITES)));
}

void ft_races_judge(struct ft_rules *rules, const struct ft_event *event)
{
    bool isr;

    if (event->kind != FT_EV_RACE_FOUND) {
        return;
    }
    isr = either(event, KIND, EARLIER_KIND, FT_TASK_ISR);
    if (isr && either(event, KIND, EARLIER_KIND, FT_TASK_DPC)) {
        ft_rule_fire(rules, FT_J_IO_DPC_SHARED_SYNC, event, event->arg[0]);
    } else if (isr) {
        ft_rule_fire(rules, FT_J_IO_LOCK_ISR_DATA, event, event->arg[0]);
    } else if (either(event, ROUTINE, EARLIER_ROUTINE, FT_ROUTINE_WDF_SURPRISE_REMOVAL)) {
        ft_rule_fire(rules, FT_J_KMDF_SURPRISE_REMOVAL_UNSYNCHRONISED_DATA, event, event->arg[0]);
    } else if (beside_a_lock(event)) {
        ft_rule_fire(rules, FT_J_MEM_UNLOCKED_WRITE, event, event->arg[0]);
    } else if (of_power(event, ROUTINE) || of_power(event, EARLIER_ROUTINE)) {
        ft_rule_fire(rules, FT_J_KMDF_CALLBACK_SYNC_ASSUMPTION, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_MEM_DATA_RACE, event, event->arg[0]);
    }
}
