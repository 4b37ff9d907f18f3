/* The class of an event: what it is to a state cell. */
#include "feedback/state_cells_words.h"

#include "sim/scenario.h"

enum {
    MAJOR_READ = 0x03,
    MAJOR_WRITE = 0x04,
    MAJOR_DEVICE_CONTROL = 0x0E,
    MAJOR_INTERNAL_CONTROL = 0x0F
};

static unsigned class_of_op(uint64_t op)
{
    switch (op) {
    case FT_OP_CLOSE_HANDLE:
        return FT_CLASS_STRIKE_CLOSE;
    case FT_OP_QUERY_REMOVE:
    case FT_OP_REMOVE:
    case FT_OP_CANCEL_REMOVE:
        return FT_CLASS_STRIKE_REMOVE;
    case FT_OP_YANK:
        return FT_CLASS_STRIKE_YANK;
    case FT_OP_SURPRISE_REMOVE:
        return FT_CLASS_STRIKE_SURPRISE;
    case FT_OP_QUERY_STOP:
    case FT_OP_STOP:
    case FT_OP_CANCEL_STOP:
    case FT_OP_RESTART:
        return FT_CLASS_STRIKE_STOP;
    case FT_OP_QUERY_POWER:
    case FT_OP_POWER_DOWN:
    case FT_OP_POWER_UP:
    case FT_OP_POWER_TO:
        return FT_CLASS_STRIKE_POWER;
    case FT_OP_SLEEP:
    case FT_OP_WAKE:
    case FT_OP_WAKE_SIGNAL:
        return FT_CLASS_STRIKE_SLEEP;
    case FT_OP_INT_LATE:
    case FT_OP_INT_LOST:
    case FT_OP_INT_SPURIOUS:
        return FT_CLASS_STRIKE_INTERRUPT;
    case FT_OP_PREEMPT:
        return FT_CLASS_PREEMPT;
    default:
        return FT_NO_CLASS; /* a request, or told by an event of its own */
    }
}

static unsigned class_of_routine(uint64_t routine)
{
    switch (routine) {
    case FT_ROUTINE_CANCEL:
        return FT_CLASS_ENTER_CANCEL;
    case FT_ROUTINE_ADAPTER_CONTROL:
    case FT_ROUTINE_LIST_CONTROL:
        return FT_CLASS_ENTER_CONTROL;
    case FT_ROUTINE_ISR:
        return FT_CLASS_ENTER_ISR;
    case FT_ROUTINE_DPC:
        return FT_CLASS_ENTER_DPC;
    case FT_ROUTINE_TIMER_DPC:
    case FT_ROUTINE_IO_TIMER:
        return FT_CLASS_ENTER_TIMER;
    case FT_ROUTINE_WORK_ITEM:
    case FT_ROUTINE_THREAD:
    case FT_ROUTINE_POWER_CALLBACK:
        return FT_CLASS_ENTER_PASSIVE;
    default:
        return FT_NO_CLASS;
    }
}

static unsigned class_of_pnp(uint64_t minor)
{
    switch (minor) {
    case MINOR_START:
    case MINOR_STOP:
    case MINOR_QUERY_STOP:
    case MINOR_CANCEL_STOP:
        return FT_CLASS_PNP_STOP;
    case MINOR_QUERY_REMOVE:
    case MINOR_REMOVE:
    case MINOR_CANCEL_REMOVE:
        return FT_CLASS_PNP_REMOVE;
    case MINOR_SURPRISE:
        return FT_CLASS_PNP_SURPRISE;
    default:
        return FT_NO_CLASS;
    }
}

/* A request of a program; what the machine itself sends does not go through the DMA path. */
bool ft_cell_is_data_request(const struct ft_event *event)
{
    unsigned major = (unsigned)(event->arg[1] >> 8);

    return event->layer == FT_LAYER_HARNESS &&
           (major == MAJOR_READ || major == MAJOR_WRITE || major == MAJOR_DEVICE_CONTROL ||
            major == MAJOR_INTERNAL_CONTROL);
}

bool ft_cell_is_device_power(const struct ft_event *event)
{
    return event->arg[2] == MINOR_SET_POWER && !event->arg[4];
}

static unsigned class_of_dma(const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_CHANNEL:
    case FT_EV_CHANNEL_EX:
    case FT_EV_SG_GET:
        return FT_CLASS_CHANNEL;
    case FT_EV_DMA_MAP:
    case FT_EV_SG_LIST:
        return FT_CLASS_MAP;
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_FLUSH_EX:
    case FT_EV_SG_PUT:
        return FT_CLASS_FLUSH;
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_DMA_FREE_CHANNEL:
    case FT_EV_FREE_OBJECT:
        return FT_CLASS_FREE;
    case FT_EV_DMA_SHORT_MAP:
        return FT_CLASS_FAULT;
    case FT_EV_ENGINE_BEGIN:
        return FT_CLASS_BEGIN;
    case FT_EV_ENGINE_END:
        return event->arg[2] == ENGINE_ALL_MOVED ? FT_CLASS_END : FT_CLASS_BROKEN;
    default:
        return FT_NO_CLASS;
    }
}

static unsigned class_of_io(const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_NEW:
        return ft_cell_is_data_request(event) ? FT_CLASS_NEW_REQUEST : FT_NO_CLASS;
    case FT_EV_IRP_CANCEL:
        return FT_CLASS_STRIKE_CANCEL;
    case FT_EV_IRP_COMPLETE:
        return (event->arg[1] & 0x80000000) ? FT_CLASS_FAIL : FT_CLASS_SUCCEED;
    case FT_EV_CSQ_CANCEL:
        return FT_CLASS_ENTER_CANCEL;
    case FT_EV_PNP_SEND:
        return class_of_pnp(event->arg[2]);
    case FT_EV_POWER_SEND:
        return ft_cell_is_device_power(event) ? FT_CLASS_POWER_SET : FT_NO_CLASS;
    default:
        return FT_NO_CLASS;
    }
}

unsigned ft_cell_class_of(const struct ft_event *event)
{
    switch (event->kind >> 8) {
    case FT_EV_IRP_NEW >> 8:
        return class_of_io(event);
    case FT_EV_DMA_GET >> 8:
    case FT_EV_ENGINE_BEGIN >> 8:
        return class_of_dma(event);
    default:
        break;
    }
    switch (event->kind) {
    case FT_EV_OP_FIRED:
    case FT_EV_OP_LATE:
        return class_of_op(event->arg[1]);
    case FT_EV_CALL_ENTER:
        return class_of_routine(event->arg[0]);
    case FT_EV_CHOICE_FAIL:
    case FT_EV_CHOICE_DEFER:
    case FT_EV_CHOICE_REGISTERS:
    case FT_EV_CHOICE_EVICT:
        return FT_CLASS_FAULT;
    case FT_EV_LOCK_WAIT:
        return FT_CLASS_CONTENTION;
    case FT_EV_DEV_HOSTILE:
        return FT_CLASS_STRIKE_DEVICE;
    case FT_EV_REG_READ:
    case FT_EV_REG_WRITE:
    case FT_EV_PORT_READ:
    case FT_EV_PORT_WRITE:
        return event->arg[3] ? FT_NO_CLASS : FT_CLASS_DEAD_ACCESS;
    default:
        return FT_NO_CLASS;
    }
}
