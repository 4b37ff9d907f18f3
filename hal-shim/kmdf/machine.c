/* Runs the tables of the framework's machines. */
#include "kmdf/pnp_private.h"

static const struct ft_wdf_state *find_state(const struct ft_wdf_machine_kind *kind, unsigned state)
{
    for (unsigned i = 0; i < kind->state_count; i++)
        if (kind->states[i].state == state)
            return &kind->states[i];
    return NULL;
}

static unsigned find_next(const struct ft_wdf_machine *machine, unsigned event)
{
    for (unsigned i = 0; i < machine->kind->edge_count; i++) {
        const struct ft_wdf_edge *edge = &machine->kind->edges[i];

        if (edge->state == machine->state && edge->event == event)
            return edge->next;
    }
    return 0;
}

static unsigned number_of(const struct ft_wdf_pnp *pnp, const struct ft_wdf_machine *machine)
{
    return machine == &pnp->pnp ? FT_WDF_PNP_MACHINE : FT_WDF_POWER_MACHINE;
}

static void change(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine, unsigned next)
{
    unsigned which = number_of(pnp, machine), old = machine->state;

    ft_wdf_state_changed(pnp, which, StateNotificationLeaveState, old, next);
    ft_emit(machine->kind->event, ft_wdf_handle(pnp->device), next, old);
    ft_wdf_state_changed(pnp, which, StateNotificationEnterState, old, next);
    machine->state = (uint16_t)next;
}

static void enter(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine, unsigned next)
{
    while (next) {
        const struct ft_wdf_state *state = find_state(machine->kind, next);
        unsigned outcome = FT_WDF_GOOD;

        change(pnp, machine, next);
        if (state && state->action)
            outcome = state->action(pnp);
        ft_wdf_state_changed(pnp, number_of(pnp, machine), StateNotificationPostProcessState, next,
                             next);
        next = state ? state->next[outcome] : 0;
    }
}

static unsigned take_first(struct ft_wdf_machine *machine)
{
    unsigned first = machine->event[0];

    machine->count--;
    for (unsigned i = 0; i < machine->count; i++)
        machine->event[i] = machine->event[i + 1];
    return first;
}

void ft_wdf_machine_run(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine)
{
    if (machine->running)
        return;
    machine->running = 1;
    while (machine->count > 0) {
        unsigned event = take_first(machine), next = find_next(machine, event);

        if (next)
            enter(pnp, machine, next);
        else if (machine->kind->stray)
            machine->kind->stray(pnp, event);
    }
    machine->running = 0;
    ft_wake_waiters(machine, STATUS_SUCCESS, true);
}

void ft_wdf_machine_post(struct ft_wdf_pnp *pnp, struct ft_wdf_machine *machine, unsigned event)
{
    FT_ASSERT(machine->count < FT_WDF_MACHINE_EVENTS);
    machine->event[machine->count++] = (uint8_t)event;
    if (machine->running)
        return;
    if (ft_irql() > PASSIVE_LEVEL)
        ft_wdf_worker_queue(pnp);
    else
        ft_wdf_machine_run(pnp, machine);
}

void ft_wdf_machine_settle(struct ft_wdf_machine *machine)
{
    while (machine->running || machine->count > 0)
        ft_task_wait(machine, 0);
}
