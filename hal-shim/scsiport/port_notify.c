/* ScsiPortNotification (scsiport.md, section 6.3): at DIRQL each call only writes down what it asks
 * for; the DPC does it. The order of a completion and the next request is free.
 */
#include "scsiport/engine.h"

enum { WMI_ADAPTER = 0xFF };

struct call {
    SCSI_NOTIFICATION_TYPE type;
    PSCSI_REQUEST_BLOCK srb;
    int path, target, lun;
    PHW_INTERRUPT callback;
    PHW_TIMER timer;
    ULONG microseconds;
    PVOID event;
};

static void read_unit(struct call *call, va_list arguments)
{
    call->path = va_arg(arguments, int);
    call->target = va_arg(arguments, int);
    call->lun = va_arg(arguments, int);
}

/* Of WMI: path 255 is the adapter, and nothing follows it. */
static void read_place(struct call *call, va_list arguments)
{
    call->path = (UCHAR)va_arg(arguments, int);
    if (call->path == WMI_ADAPTER)
        return;
    call->target = (UCHAR)va_arg(arguments, int);
    call->lun = (UCHAR)va_arg(arguments, int);
}

/* The arguments behind the device extension, as the type has them. */
static void read_call(struct call *call, va_list arguments)
{
    switch (call->type) {
    case RequestComplete:
        call->srb = va_arg(arguments, PSCSI_REQUEST_BLOCK);
        break;
    case NextLuRequest:
        read_unit(call, arguments);
        break;
    case CallEnableInterrupts:
    case CallDisableInterrupts:
        call->callback = va_arg(arguments, PHW_INTERRUPT);
        break;
    case RequestTimerCall:
        call->timer = va_arg(arguments, PHW_TIMER);
        call->microseconds = va_arg(arguments, ULONG);
        break;
    case WMIEvent:
        call->event = va_arg(arguments, PVOID);
        read_place(call, arguments);
        break;
    case WMIReregister:
        read_place(call, arguments);
        break;
    case BusChangeDetected:
        call->path = (UCHAR)va_arg(arguments, int);
        break;
    default:
        break;
    }
}

void ft_scsi_intend(struct ft_scsi_adapter *adapter, uint32_t flags)
{
    adapter->intent.flags |= flags | FT_SCSI_NEED_DPC;
}

/* ---- the types; each emits its event in the layer of the caller, `layer` ---- */

static void emit_of_driver(uint8_t layer, enum ft_event_kind kind, unsigned count,
                           const uint64_t *words)
{
    ft_layer_set(layer);
    ft_emit_args(kind, count, words);
    ft_layer_set(FT_LAYER_PORT);
}
#define EMIT(layer, kind, ...)                                                                     \
    emit_of_driver(layer, kind, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),              \
                   (const uint64_t[]){__VA_ARGS__})

static void request_complete(struct ft_scsi_adapter *adapter, const struct call *call,
                             uint8_t layer)
{
    struct ft_scsi_request *request = ft_scsi_active_of(adapter, call->srb);

    ft_layer_set(layer);
    ft_scsi_tell_completion(request, call->srb, FT_SCSI_BY_NOTIFICATION);
    ft_layer_set(FT_LAYER_PORT);
    if (request)
        ft_scsi_take_back(request);
}

static bool in_range(const struct ft_scsi_adapter *adapter, const struct call *call)
{
    const PORT_CONFIGURATION_INFORMATION *config = adapter->config;

    return call->path >= 0 && call->path < config->NumberOfBuses && call->target >= 0 &&
           call->target < SCSI_MAXIMUM_TARGETS_PER_BUS && call->lun >= 0 &&
           call->lun < SCSI_MAXIMUM_LUNS_PER_TARGET;
}

/* An untagged request of the unit that is the miniport's. */
static bool has_untagged(const struct ft_scsi_unit *unit)
{
    for (const struct ft_scsi_request *r = unit->adapter->active; r; r = r->active_next)
        if (r->unit == unit && !r->whole && r->tag == 0 && r->state == FT_SCSI_REQUEST_ACTIVE)
            return true;
    return false;
}

static void next_request(struct ft_scsi_adapter *adapter, const struct call *call, uint8_t layer)
{
    const PORT_CONFIGURATION_INFORMATION *config = adapter->config;
    bool of_unit = call->type == NextLuRequest, valid = !of_unit || in_range(adapter, call);
    struct ft_scsi_unit *unit = of_unit && valid
                                    ? ft_scsi_unit_at(adapter, (unsigned)call->path,
                                                      (unsigned)call->target, (unsigned)call->lun)
                                    : NULL;

    EMIT(layer, FT_EV_SCSI_NEXT, ft_block_handle(adapter->fdo), of_unit,
         valid ? ft_scsi_where((unsigned)call->path, (unsigned)call->target, (unsigned)call->lun)
               : 0,
         valid, unit && has_untagged(unit), config->MultipleRequestPerLu || config->TaggedQueuing);
    ft_scsi_intend(adapter, FT_SCSI_NEXT_REQUEST);
    if (!unit || unit->ready)
        return;
    unit->ready = 1;
    unit->ready_next = adapter->intent.ready;
    adapter->intent.ready = unit;
}

static void interrupts_call(struct ft_scsi_adapter *adapter, const struct call *call)
{
    if (call->type == CallEnableInterrupts) {
        adapter->interrupts_off = 1;
        adapter->intent.enable = call->callback;
        ft_scsi_intend(adapter, FT_SCSI_ENABLE);
    } else {
        adapter->intent.disable = call->callback;
        ft_scsi_intend(adapter, FT_SCSI_DISABLE);
    }
}

static void timer_call(struct ft_scsi_adapter *adapter, const struct call *call)
{
    adapter->intent.timer = call->timer;
    adapter->intent.timer_us = call->microseconds;
    ft_scsi_intend(adapter, FT_SCSI_TIMER);
}

/* As the miniport sees it: what it asked for last. */
static PHW_TIMER armed_timer(const struct ft_scsi_adapter *adapter)
{
    if (!(adapter->intent.flags & FT_SCSI_TIMER))
        return adapter->timer_routine;
    return adapter->intent.timer_us > 0 ? adapter->intent.timer : NULL;
}

/* One event says it for all types that have no event of their own. */
static void tell(const struct ft_scsi_adapter *adapter, const struct call *call, uint8_t layer)
{
    PHW_TIMER armed = armed_timer(adapter);
    uint64_t value = call->type == RequestTimerCall ? call->microseconds : (uint64_t)call->path;
    bool given = call->type == RequestTimerCall ? call->timer != NULL || call->microseconds == 0
                                                : call->callback != NULL;

    if (call->type != RequestTimerCall && call->type != CallEnableInterrupts &&
        call->type != CallDisableInterrupts)
        given = true;
    EMIT(layer, FT_EV_SCSI_NOTIFY, ft_block_handle(adapter->fdo), (uint32_t)call->type, value,
         given, ft_scsi_routine(), armed != NULL, armed && armed != call->timer);
}

/* A unit that the port does not know has no registration and no events. */
static void wmi_call(struct ft_scsi_adapter *adapter, const struct call *call)
{
    bool whole = call->path == WMI_ADAPTER;
    struct ft_scsi_unit *unit = whole
                                    ? NULL
                                    : ft_scsi_unit_at(adapter, (unsigned)call->path,
                                                      (unsigned)call->target, (unsigned)call->lun);

    if (!whole && !unit)
        return;
    if (call->type == WMIReregister)
        ft_scsi_wmi_again(adapter, unit);
    else if (call->event)
        ft_scsi_wmi_event(adapter, unit ? unit->pdo : adapter->fdo, call->event);
}

static void do_call(struct ft_scsi_adapter *adapter, const struct call *call, uint8_t layer)
{
    switch (call->type) {
    case RequestComplete:
        request_complete(adapter, call, layer);
        return;
    case NextRequest:
    case NextLuRequest:
        next_request(adapter, call, layer);
        return;
    default:
        tell(adapter, call, layer);
        break;
    }
    switch (call->type) {
    case ResetDetected:
        ft_scsi_intend(adapter, FT_SCSI_RESET_REPORTED);
        break;
    case CallEnableInterrupts:
    case CallDisableInterrupts:
        interrupts_call(adapter, call);
        break;
    case RequestTimerCall:
        timer_call(adapter, call);
        break;
    case BusChangeDetected:
        ft_scsi_intend(adapter, FT_SCSI_BUS_CHANGE);
        break;
    case WMIEvent:
    case WMIReregister:
        wmi_call(adapter, call);
        break;
    default: /* Storport's: nothing happens */
        break;
    }
}

VOID __cdecl ScsiPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension,
                                  ...)
{
    struct call call = {.type = NotificationType};
    va_list arguments;
    unsigned label;

    va_start(arguments, HwDeviceExtension);
    read_call(&call, arguments);
    va_end(arguments);
    label = call.srb ? ft_label_of(call.srb) : 0;
    FT_SCSI_BEGIN(SCSI_NOTIFY, label);
    do_call(ft_scsi_adapter_of(HwDeviceExtension), &call, ft_scsi_layer);
    FT_SCSI_END(SCSI_NOTIFY, label);
}
