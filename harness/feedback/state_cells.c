/* Which cell an event reaches: its class, and the state that the events before it made. */
#include "feedback/state_cells_words.h"

#include "sim/handle.h"

#include <string.h>

/* ---- requests ---- */

static struct ft_cell_request *by_irp(struct ft_cell_state *state, uint32_t irp)
{
    for (unsigned i = 0; irp && i < FT_CELL_REQUESTS; i++)
        if (state->request[i].irp == irp)
            return &state->request[i];
    return NULL;
}

static struct ft_cell_request *by_path(struct ft_cell_state *state, uint32_t path)
{
    for (unsigned i = 0; path && i < FT_CELL_REQUESTS; i++)
        if (state->request[i].irp && state->request[i].path == path)
            return &state->request[i];
    return NULL;
}

static struct ft_cell_request *by_mdl(struct ft_cell_state *state, uint32_t mdl)
{
    for (unsigned i = 0; mdl && i < FT_CELL_REQUESTS; i++)
        if (state->request[i].irp && state->request[i].mdl == mdl)
            return &state->request[i];
    return NULL;
}

/* A request of version 3 need not say for whom: it is for the request whose sizes the driver has
 * asked for just before. */
static struct ft_cell_request *of_channel_ex(struct ft_cell_state *state,
                                             const struct ft_event *event)
{
    if (event->arg[6])
        return by_irp(state, ft_handle_id(event->arg[6]));
    if (!state->asking || !state->request[state->asking - 1].irp)
        return NULL;
    return &state->request[state->asking - 1];
}

/* The engine works for the request that was last on the path, if that is in this phase. */
static struct ft_cell_request *of_engine(struct ft_cell_state *state, enum ft_cell_phase phase)
{
    struct ft_cell_request *request = &state->request[state->on_path];

    if (request->irp && request->phase == phase)
        return request;
    for (unsigned i = 0; i < FT_CELL_REQUESTS; i++)
        if (state->request[i].irp && state->request[i].phase == phase)
            return &state->request[i];
    return request->irp ? request : NULL;
}

static uint32_t grant_of(const struct ft_event *event)
{
    return ft_handle_id(event->arg[1]);
}

static uint32_t list_of(const struct ft_event *event)
{
    return event->arg[1] ? ft_handle_id(event->arg[1]) | FT_CELL_LIST : 0;
}

/* The request that an event belongs to, NULL for none. */
static struct ft_cell_request *owner_of(struct ft_cell_state *state, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        return NULL;
    case FT_EV_IRP_PENDING:
    case FT_EV_IRP_CANCEL:
    case FT_EV_IRP_COMPLETE:
    case FT_EV_IRP_DONE:
        return by_irp(state, ft_handle_id(event->arg[0]));
    case FT_EV_DMA_CHANNEL:
        return by_irp(state, ft_handle_id(event->arg[3]));
    case FT_EV_DMA_GRANT:
        return event->arg[3] ? by_irp(state, ft_handle_id(event->arg[3]))
                             : by_path(state, grant_of(event));
    case FT_EV_TRANSFER_INFO:
        return by_mdl(state, ft_handle_id(event->arg[1]));
    case FT_EV_CHANNEL_EX:
        return of_channel_ex(state, event);
    case FT_EV_SG_GET:
        return by_irp(state, ft_handle_id(event->arg[7]));
    case FT_EV_SG_LIST:
        return by_irp(state, ft_handle_id(event->arg[7]));
    case FT_EV_DMA_MAP:
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_FLUSH_EX:
    case FT_EV_DMA_ACTION:
    case FT_EV_FREE_OBJECT:
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_DMA_FREE_CHANNEL:
        return by_path(state, grant_of(event));
    case FT_EV_SG_PUT:
        return by_path(state, list_of(event));
    case FT_EV_ENGINE_BEGIN:
        return of_engine(state, FT_PHASE_MAPPED);
    case FT_EV_ENGINE_END:
        return of_engine(state, FT_PHASE_RUNNING);
    default:
        return by_irp(state, event->request);
    }
}

static unsigned phase_of(const struct ft_cell_request *request)
{
    if (request->cancelled)
        return request->phase - FT_PHASE_NEW + FT_PHASE_CANCELLED_NEW;
    return request->phase;
}

/* The request on the DMA path leads, else the most advanced one. */
static void find_leader(struct ft_cell_state *state)
{
    const struct ft_cell_request *leader = &state->request[state->on_path];

    if (!leader->irp || leader->phase < FT_PHASE_WAITING) {
        leader = NULL;
        for (unsigned i = 0; i < FT_CELL_REQUESTS; i++) {
            const struct ft_cell_request *request = &state->request[i];

            if (request->irp && (!leader || request->phase > leader->phase))
                leader = request;
        }
    }
    state->leader = leader ? (uint8_t)phase_of(leader) : FT_PHASE_NONE;
}

static void add_request(struct ft_cell_state *state, uint32_t irp, uint32_t mdl)
{
    for (unsigned i = 0; i < FT_CELL_REQUESTS; i++)
        if (!state->request[i].irp) {
            state->request[i] =
                (struct ft_cell_request){.irp = irp, .mdl = mdl, .phase = FT_PHASE_NEW};
            return;
        }
}

static void move(struct ft_cell_state *state, struct ft_cell_request *request,
                 enum ft_cell_phase phase)
{
    request->phase = (uint8_t)phase;
    if (phase >= FT_PHASE_WAITING && phase <= FT_PHASE_FREED)
        state->on_path = (uint8_t)(request - state->request);
}

/* A step of DMA. A grant or list can come before the event of the call that asked for it. */
static void follow_dma(struct ft_cell_state *state, struct ft_cell_request *request,
                       const struct ft_event *event)
{
    bool early = request->phase < FT_PHASE_WAITING || request->phase == FT_PHASE_FREED;

    switch (event->kind) {
    case FT_EV_DMA_CHANNEL:
        if (early && !(event->arg[2] & 0x80000000))
            move(state, request, FT_PHASE_WAITING);
        break;
    case FT_EV_TRANSFER_INFO:
        state->asking = (uint8_t)(request - state->request + 1);
        break;
    case FT_EV_CHANNEL_EX:
        if (!(event->arg[4] & 0x80000000)) {
            request->path = ft_handle_id(event->arg[5]);
            if (early)
                move(state, request, FT_PHASE_WAITING);
        }
        break;
    case FT_EV_SG_GET:
        if (early && !(event->arg[5] & 0x80000000))
            move(state, request, FT_PHASE_WAITING);
        break;
    case FT_EV_DMA_GRANT:
        request->path = grant_of(event);
        move(state, request, FT_PHASE_GRANTED);
        break;
    case FT_EV_SG_LIST:
        request->path = list_of(event);
        move(state, request, FT_PHASE_MAPPED);
        break;
    case FT_EV_DMA_MAP:
        if (event->arg[6] && request->phase != FT_PHASE_RUNNING)
            move(state, request, FT_PHASE_MAPPED);
        break;
    case FT_EV_ENGINE_BEGIN:
        move(state, request, FT_PHASE_RUNNING);
        break;
    case FT_EV_ENGINE_END:
        if (request->phase == FT_PHASE_RUNNING)
            move(state, request, FT_PHASE_DONE);
        break;
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_FLUSH_EX:
        move(state, request, FT_PHASE_FLUSHED);
        break;
    case FT_EV_DMA_ACTION:
        if (event->arg[2] == ACTION_DEALLOCATE)
            move(state, request, FT_PHASE_FREED);
        break;
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_DMA_FREE_CHANNEL:
    case FT_EV_FREE_OBJECT:
    case FT_EV_SG_PUT: /* flushes and frees */
        move(state, request, FT_PHASE_FREED);
        break;
    default:
        break;
    }
}

static void follow_request(struct ft_cell_state *state, struct ft_cell_request *request,
                           const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_PENDING:
        if (request->phase == FT_PHASE_NEW)
            request->phase = FT_PHASE_PENDING;
        break;
    case FT_EV_IRP_CANCEL:
        request->cancelled = true;
        break;
    case FT_EV_IRP_COMPLETE:
    case FT_EV_IRP_DONE:
        *request = (struct ft_cell_request){.irp = 0};
        break;
    default:
        follow_dma(state, request, event);
        break;
    }
}

/* ---- the machine ---- */

static void find_machine(struct ft_cell_state *state)
{
    unsigned pnp = state->pnp, power = state->power;
    bool own;

    if (power == FT_CELL_OFF && state->asleep)
        power = FT_CELL_ASLEEP;
    if (state->gone && pnp < FT_CELL_SURPRISE_REMOVED)
        pnp = FT_CELL_GONE;
    state->machine = (uint8_t)ft_cell_machine_of(pnp, power, &own);
}

/* From the moment that a request goes down to what it asks for … */
static void follow_pnp_send(struct ft_cell_state *state, uint64_t minor)
{
    switch (minor) {
    case MINOR_START:
        state->pnp = FT_CELL_STARTED;
        break;
    case MINOR_QUERY_STOP:
        state->pnp = FT_CELL_STOP_PENDING;
        break;
    case MINOR_STOP:
        state->pnp = FT_CELL_STOPPED;
        break;
    case MINOR_QUERY_REMOVE:
        state->pnp = FT_CELL_REMOVE_PENDING;
        break;
    case MINOR_SURPRISE:
        state->pnp = FT_CELL_SURPRISE_REMOVED;
        break;
    case MINOR_REMOVE:
        state->pnp = FT_CELL_REMOVED;
        break;
    default:
        break;
    }
}

/* … and when it has ended, where the device is then. */
static void follow_pnp_done(struct ft_cell_state *state, uint64_t pnp)
{
    static const uint8_t states[FT_PNP_COUNT] = {
        [FT_PNP_NOT_STARTED] = FT_CELL_NOT_STARTED,
        [FT_PNP_STARTED] = FT_CELL_STARTED,
        [FT_PNP_STOP_PENDING] = FT_CELL_STOP_PENDING,
        [FT_PNP_STOPPED] = FT_CELL_STOPPED,
        [FT_PNP_REMOVE_PENDING] = FT_CELL_REMOVE_PENDING,
        [FT_PNP_SURPRISE_REMOVED] = FT_CELL_SURPRISE_REMOVED,
        [FT_PNP_REMOVED] = FT_CELL_REMOVED,
    };

    if (pnp > 0 && pnp < FT_PNP_COUNT)
        state->pnp = states[pnp];
}

/* On its way, when a SET_POWER asks for another state than the hardware is in … */
static void follow_power_send(struct ft_cell_state *state, const struct ft_event *event)
{
    bool up = event->arg[3] == DEVICE_D0;

    if (ft_cell_is_device_power(event) && up != state->hardware_on)
        state->power = up ? FT_CELL_GOING_UP : FT_CELL_GOING_DOWN;
}

/* … and then wherever it got to. */
static void follow_power_done(struct ft_cell_state *state, const struct ft_event *event)
{
    bool device = event->arg[1] == MINOR_SET_POWER && !event->arg[4];

    if (device)
        state->power = state->hardware_on ? FT_CELL_ON : FT_CELL_OFF;
}

static void follow_hardware(struct ft_cell_state *state, bool on)
{
    bool going = state->power == FT_CELL_GOING_DOWN || state->power == FT_CELL_GOING_UP;

    state->hardware_on = on;
    if (!going)
        state->power = on ? FT_CELL_ON : FT_CELL_OFF;
}

static void follow_machine(struct ft_cell_state *state, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_PNP_SEND:
        follow_pnp_send(state, event->arg[2]);
        break;
    case FT_EV_PNP_DONE:
        follow_pnp_done(state, event->arg[3]);
        break;
    case FT_EV_POWER_SEND:
        follow_power_send(state, event);
        break;
    case FT_EV_POWER_DONE:
        follow_power_done(state, event);
        break;
    case FT_EV_POWER_HW:
        follow_hardware(state, event->arg[1] == DEVICE_D0);
        break;
    case FT_EV_SYSTEM_POWER:
        state->asleep = event->arg[0] != SYSTEM_WORKING;
        break;
    case FT_EV_HW_YANK:
        state->gone = true;
        break;
    default:
        return;
    }
    find_machine(state);
}

/* Most events are of no class and change nothing; they are let go at once. */
static bool changes_state(const struct ft_event *event)
{
    switch (event->kind >> 8) {
    case FT_EV_IRP_NEW >> 8:
    case FT_EV_DMA_GET >> 8:
        return true;
    default:
        return event->kind == FT_EV_ENGINE_BEGIN || event->kind == FT_EV_ENGINE_END ||
               event->kind == FT_EV_HW_YANK;
    }
}

/* Classes that are about a tracked request, and not about another one of the machine's. */
static bool needs_owner(unsigned class_)
{
    return class_ == FT_CLASS_STRIKE_CANCEL || class_ == FT_CLASS_ENTER_CANCEL ||
           class_ == FT_CLASS_SUCCEED || class_ == FT_CLASS_FAIL;
}

static unsigned cell_of(enum ft_cell_class class_, unsigned phase, unsigned machine)
{
    unsigned cell = ft_cell_number(class_, phase, machine);

    if (ft_class_group(class_) <= FT_GROUP_CHOICE && ft_cell_at(cell).unexpected)
        return FT_NO_CELL;
    return cell;
}

unsigned ft_cell_of_event(struct ft_cell_state *state, const struct ft_event *event)
{
    unsigned class_ = ft_cell_class_of(event), cell = FT_NO_CELL;
    struct ft_cell_request *request;

    if (event->kind == FT_EV_RUN_BEGIN) {
        memset(state, 0, sizeof *state);
        state->hardware_on = true;
        find_machine(state);
        return FT_NO_CELL;
    }
    if (class_ == FT_NO_CLASS && !changes_state(event))
        return FT_NO_CELL;
    request = owner_of(state, event);
    if (class_ != FT_NO_CLASS && (request || !needs_owner(class_)))
        cell = cell_of(class_, request ? phase_of(request) : state->leader, state->machine);
    if (!changes_state(event))
        return cell;
    if (event->kind == FT_EV_IRP_NEW && ft_cell_is_data_request(event))
        add_request(state, ft_handle_id(event->arg[0]), ft_handle_id(event->arg[4]));
    else if (request)
        follow_request(state, request, event);
    follow_machine(state, event);
    find_leader(state);
    return cell;
}
