#include "phases.h"

#include "sim/scenario.h"

const char *const ft_phase_names[PHASE_COUNT] = {"idle",    "queued", "granted", "mapped",
                                                 "running", "done",   "flushed"};
const char *const ft_phase_op_names[PHASE_OPS] = {"cancel", "yank", "power-down"};

static int op_of(uint64_t kind)
{
    switch (kind) {
    case FT_OP_CANCEL:
        return PHASE_CANCEL;
    case FT_OP_YANK:
        return PHASE_YANK;
    case FT_OP_POWER_DOWN:
        return PHASE_POWER_DOWN;
    default:
        return -1;
    }
}

bool ft_phases_event(void *state, const struct ft_event *event)
{
    struct ft_phases *phases = state;
    int op;

    switch (event->kind) {
    case FT_EV_OP_FIRED:
        op = op_of(event->arg[1]);
        if (op >= 0)
            phases->struck[op][phases->now]++;
        break;
    case FT_EV_DMA_CHANNEL:
        phases->now = PHASE_QUEUED;
        break;
    case FT_EV_DMA_GRANT:
        phases->now = PHASE_GRANTED;
        break;
    case FT_EV_DMA_MAP:
        phases->now = PHASE_MAPPED;
        break;
    case FT_EV_ENGINE_BEGIN:
        phases->now = PHASE_RUNNING;
        break;
    case FT_EV_ENGINE_END:
        phases->now = PHASE_DONE;
        break;
    case FT_EV_DMA_FLUSH:
        phases->now = PHASE_FLUSHED;
        break;
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_DMA_FREE_CHANNEL:
        phases->now = PHASE_IDLE;
        break;
    default:
        break;
    }
    return false;
}
