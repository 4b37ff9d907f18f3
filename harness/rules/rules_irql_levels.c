/* The levels at which each routine may be called. */
#include "rules/rules_private.h"

#include "sim/dma_words.h"

/* Levels at which a routine may be called; `dma` says which of the two rows about levels speaks of
 * it. */
struct window {
    uint8_t lowest, highest;
    bool dma;
    bool by_arguments; /* which may move the limits */
};

enum { ANY_LEVEL = 0xFF, HIGHEST_DIRQL = 11 };

static struct window dma_window(uint16_t kind)
{
    switch (kind) {
    case FT_EV_DMA_GET:
    case FT_EV_DMA_CB_ALLOC:
    case FT_EV_DMA_CB_FREE:
    case FT_EV_DMA_ALIGNMENT:
    case FT_EV_DMA_DOMAIN:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, true, false};
    case FT_EV_DMA_CHANNEL:
    case FT_EV_DMA_FREE_CHANNEL:
    case FT_EV_DMA_FREE_REGS:
    case FT_EV_SG_GET:
    case FT_EV_SG_PUT:
    case FT_EV_CHANNEL_EX:
        return (struct window){FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, true, false};
    case FT_EV_DMA_PUT:
    case FT_EV_DMA_MAP:
    case FT_EV_DMA_FLUSH:
    case FT_EV_DMA_COUNTER:
    case FT_EV_SG_MDL:
    case FT_EV_CTX_INIT:
    case FT_EV_CHANNEL_CANCEL:
    case FT_EV_DMA_MAP_EX:
    case FT_EV_DMA_FLUSH_EX:
    case FT_EV_CANCEL_MAPPED:
    case FT_EV_FREE_OBJECT:
    case FT_EV_FLUSH_BUFFER:
    case FT_EV_DMA_CONFIGURE:
    case FT_EV_ADAPTER_INFO:
    case FT_EV_TRANSFER_INFO:
    case FT_EV_SG_GET_EX:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, true, false};
    case FT_EV_DMA_KFI:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_DISPATCH, false, false};
    default:
        return (struct window){FT_IRQL_PASSIVE, ANY_LEVEL, true, false};
    }
}

static bool is_up_to_dispatch(uint16_t kind)
{
    switch (kind) {
    case FT_EV_ERROR_LOG:
    case FT_EV_IO_TIMER:
    case FT_EV_DEVICE_INVALIDATE:
    case FT_EV_QUEUE_REMOVE:
    case FT_EV_IRP_NEW:
    case FT_EV_IRP_REUSE:
    case FT_EV_IRP_SET_COMPLETION:
    case FT_EV_IRP_FREE:
    case FT_EV_IRP_CANCEL:
    case FT_EV_IRP_CALL:
    case FT_EV_START_PACKET:
    case FT_EV_CSQ_INSERT:
    case FT_EV_CSQ_REMOVE:
    case FT_EV_RL_ACQUIRE:
    case FT_EV_RL_RELEASE:
    case FT_EV_PO_SET_STATE:
    case FT_EV_PO_START_NEXT:
    case FT_EV_PO_REQUEST:
    case FT_EV_PO_CALL:
    case FT_EV_INT_ACTIVE:
    case FT_EV_MDL_ALLOC:
    case FT_EV_MDL_BUILD:
    case FT_EV_MDL_LOCK:
    case FT_EV_MDL_UNLOCK:
    case FT_EV_MDL_FREE:
    case FT_EV_MDL_PARTIAL:
    case FT_EV_MDL_SYSVA:
    case FT_EV_MDL_REUSE:
    case FT_EV_MDL_ADVANCE:
    case FT_EV_MDL_UNMAP:
    case FT_EV_MAP_IO:
    case FT_EV_UNMAP_IO:
    case FT_EV_TIMER_SET:
    case FT_EV_TIMER_CANCEL:
    case FT_EV_TIMER_DELETE:
    case FT_EV_OBJECT_RELEASE:
    case FT_EV_OBJECT_REFERENCE:
    case FT_EV_OBJECT_DEREFERENCE:
    case FT_EV_RESOURCE_INIT:
    case FT_EV_RESOURCE_RELEASE:
    case FT_EV_RESOURCE_DELETE:
    case FT_EV_WORK_INIT:
    case FT_EV_WORK_QUEUE:
    case FT_EV_WORK_FREE:
    case FT_EV_EVENT_SET:
    case FT_EV_EVENT_CLEAR:
    case FT_EV_POOL_ALLOC:
    case FT_EV_POOL_FREE:
    case FT_EV_LOOKASIDE_INIT:
    case FT_EV_LOOKASIDE_DELETE:
    case FT_EV_CANCEL_LOCK: /* the level after it was raised: above DISPATCH_LEVEL it was before */
        return true;
    default:
        return false;
    }
}

/* MmUnmapIoSpace at DISPATCH_LEVEL and IoCreateDevice at APC_LEVEL are allowed by one page and not
 * by another. */
static struct window io_window(uint16_t kind)
{
    switch (kind) {
    case FT_EV_ISR_CONNECT:
    case FT_EV_ISR_DISCONNECT:
    case FT_EV_DEVICE_DETACH:
    case FT_EV_RL_INIT:
    case FT_EV_RL_WAIT:
    case FT_EV_DPC_FLUSH:
    case FT_EV_REGISTRY:
    case FT_EV_THREAD_NEW:
    case FT_EV_THREAD_END:
    case FT_EV_HANDLE_OPEN:
    case FT_EV_HANDLE_CLOSE:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, false, false};
    case FT_EV_IDLE_DETECTION:
    case FT_EV_DEVICE_CREATE:
    case FT_EV_DEVICE_DELETE:
    case FT_EV_PROBE:
    case FT_EV_MUTEX_ACQUIRE:
    case FT_EV_MUTEX_RELEASE:
    case FT_EV_RESOURCE_ACQUIRE:
    case FT_EV_REGION:
    case FT_EV_RUNDOWN_WAIT:
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_APC, false, false};
    case FT_EV_START_NEXT:
    case FT_EV_QUEUE_INSERT:
        return (struct window){FT_IRQL_DISPATCH, FT_IRQL_DISPATCH, false, false};
    case FT_EV_WMI_REGISTER:
    case FT_EV_INTERFACE_NEW:
    case FT_EV_INTERFACE_STATE:
    case FT_EV_SYMBOLIC_LINK:
    case FT_EV_DEVICE_PROPERTY:
    case FT_EV_IRP_BUFFERS: /* IoBuildDeviceIoControlRequest */
        return (struct window){FT_IRQL_PASSIVE, FT_IRQL_PASSIVE, false, false};
    case FT_EV_SYNC_ENTER: /* likewise: after it was raised to the interrupt's level */
    case FT_EV_INT_LOCK_ACQUIRE:
        return (struct window){FT_IRQL_PASSIVE, HIGHEST_DIRQL, false, false};
    default:
        return (struct window){
            FT_IRQL_PASSIVE, is_up_to_dispatch(kind) ? FT_IRQL_DISPATCH : ANY_LEVEL, false, false};
    }
}

/* A read or write that IoBuildSynchronousFsdRequest or IoBuildAsynchronousFsdRequest makes; IRPs of
 * IoAllocateIrp say nothing of what they will be. */
static bool is_built_transfer(const struct ft_event *event)
{
    uint64_t major = event->arg[1] >> 8;

    return ft_known(event, 1) && (major == FT_MAJOR_READ || major == FT_MAJOR_WRITE);
}

/* Pages for an MDL and noncached memory need a lower level than contiguous memory. */
static bool is_cached_contiguous(const struct ft_event *event)
{
    enum { FOR_MDL = 2, NONCACHED = 3 };

    return event->arg[2] != FOR_MDL && event->arg[2] != NONCACHED;
}

static bool is_argument(const struct ft_event *event, unsigned index, uint64_t value)
{
    return ft_known(event, index) && event->arg[index] == value;
}

/* Locks. What the events of acquisitions tell of the caller's level is judged with the locks; these
 * are the routines that have another limit. The release of a lock that was acquired "at DPC level"
 * stands at the level of the acquisition, which may be higher. io.lock-release-owner judges the
 * release of a lock that the task does not hold. */
static void limit_release(const struct ft_event *event, struct window *window)
{
    if (ft_known(event, 1) && ft_known(event, 3) && ft_arg_id(event, 1) == event->task) {
        window->lowest = FT_IRQL_DISPATCH;
        window->highest = event->arg[3] != 0 ? ANY_LEVEL : FT_IRQL_DISPATCH;
    }
}

static const uint16_t limited_by_arguments[] = {
    FT_EV_PAGES_ALLOC,    FT_EV_PAGES_FREE,       FT_EV_LOCK_ACQUIRE, FT_EV_LOCK_RELEASE,
    FT_EV_IRP_NEW,        FT_EV_WAIT_BEGIN,       FT_EV_IO_TIMER,     FT_EV_CONTROLLER,
    FT_EV_LOOKASIDE_INIT, FT_EV_LOOKASIDE_DELETE, FT_EV_QUEUE_REMOVE, FT_EV_CANCEL_UNLOCK};

/* What the arguments say beyond the kind; the kinds are those of the list above. */
static void limit_by_arguments(const struct ft_event *event, struct window *window)
{
    enum { LOCK_TRY = 4, TIMER_INITIALISED = 1, CONTROLLER_ASKED = 2 };

    switch (event->kind) {
    case FT_EV_PAGES_ALLOC:
    case FT_EV_PAGES_FREE:
        window->highest = is_cached_contiguous(event) ? FT_IRQL_DISPATCH : FT_IRQL_APC;
        break;
    case FT_EV_LOCK_ACQUIRE:
        window->highest = is_argument(event, 3, LOCK_TRY) ? FT_IRQL_DISPATCH : ANY_LEVEL;
        break;
    case FT_EV_LOCK_RELEASE:
        limit_release(event, window);
        break;
    case FT_EV_IRP_NEW:
        window->highest = is_built_transfer(event) ? FT_IRQL_APC : window->highest;
        break;
    case FT_EV_DEVICE_PROPERTY: /* by key */
        if (ft_known(event, 1) && event->arg[1] >= 0x10000)
            window->highest = FT_IRQL_APC;
        break;
    case FT_EV_WAIT_BEGIN: /* one that cannot block; io.irql-no-wait judges the others */
        window->highest = is_argument(event, 1, 0) ? FT_IRQL_DISPATCH : window->highest;
        break;
    case FT_EV_LOOKASIDE_INIT:
    case FT_EV_LOOKASIDE_DELETE: {
        unsigned paged = event->kind == FT_EV_LOOKASIDE_INIT ? 3 : 2;

        if (ft_known(event, paged) && event->arg[paged] != 0) {
            window->highest = FT_IRQL_APC;
        }
        break;
    }
    case FT_EV_IO_TIMER:
        window->highest =
            is_argument(event, 1, TIMER_INITIALISED) ? FT_IRQL_PASSIVE : window->highest;
        break;
    case FT_EV_CONTROLLER: /* what asks for it */
        if (is_argument(event, 0, CONTROLLER_ASKED)) {
            window->lowest = window->highest = FT_IRQL_DISPATCH;
        }
        break;
    case FT_EV_CANCEL_UNLOCK: /* io.cancel-release-lock-once judges it when the lock is not held */
        if (ft_known(event, 1) && event->arg[1] != 0) {
            window->lowest = window->highest = FT_IRQL_DISPATCH;
        }
        break;
    case FT_EV_QUEUE_REMOVE: /* KeRemoveEntryDeviceQueue has no lower limit, the others have */
        window->lowest = is_argument(event, 2, 0) ? FT_IRQL_DISPATCH : window->lowest;
        break;
    default:
        break;
    }
}

/* Windows by the place of the kind: a pure function of the lists above. */
static struct window windows[FT_KIND_PLACES];

void ft_irql_init(void)
{
    static bool filled;

    for (unsigned kind = 0; !filled && kind < FT_KIND_GROUPS * 256; kind++) {
        windows[FT_KIND_PLACE(kind)] =
            kind >> 8 == 0x06 ? dma_window((uint16_t)kind) : io_window((uint16_t)kind);
    }
    for (unsigned i = 0; i < sizeof(limited_by_arguments) / sizeof(limited_by_arguments[0]); i++) {
        windows[FT_KIND_PLACE(limited_by_arguments[i])].by_arguments = true;
    }
    filled = true;
}

static struct window window_of(const struct ft_event *event)
{
    struct window window = windows[FT_KIND_PLACE(event->kind)];

    if (window.by_arguments) {
        limit_by_arguments(event, &window);
    }
    return window;
}

static bool is_inside(struct window window, uint8_t irql)
{
    return irql >= window.lowest && irql <= window.highest;
}

bool ft_irql_is_right(const struct ft_event *event)
{
    return is_inside(window_of(event), event->irql);
}

/* The page of FlushDmaBuffer gives no level: the window is a reading of ours. */
static bool is_documented(const struct ft_event *event)
{
    return event->kind != FT_EV_FLUSH_BUFFER;
}

void ft_judge_ddi_irql(struct ft_rules *rules, const struct ft_event *event)
{
    struct window window = window_of(event);

    if (is_inside(window, event->irql)) {
        return;
    }
    if (!is_documented(event)) {
        ft_rule_warn(rules, FT_J_DMA_IRQL_TABLE, event, event->arg[0]);
    } else if (window.dma) {
        ft_rule_fire(rules, FT_J_DMA_IRQL_TABLE, event, event->arg[0]);
    } else {
        ft_rule_fire(rules, FT_J_IO_IRQL_DDI_LEVEL, event, event->arg[0]);
    }
}
