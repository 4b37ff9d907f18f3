/* Power requests of a device, and the routines that handle power IRPs (wdm-io sheet, section 7.1).
 *
 * A request comes from an op, from the driver (PoRequestPowerIrp) or from idle detection. QUERY and
 * SET of a device state go down one after the other in each stack (a child of the device has one of
 * its own, children.c), each from a thread of its own, and may meet a
 * PnP request in the stack; an op's does not meet a START, because the device has no power policy
 * before it and another one, should it move, after it. A WAIT_WAKE is beside them. System power is
 * in power_system.c.
 *
 * A stack without DO_POWER_PAGABLE gets its power IRPs at DISPATCH_LEVEL, and one with
 * DO_POWER_INRUSH its power-up. Before Windows Vista the manager sends no further request until the
 * driver has called PoStartNextPowerIrp for the last one; the orderly end of a run does not wait.
 *
 * SET_POWER comes without a QUERY_POWER before it, as it does when a device is idle or a battery
 * fails. What a QUERY promised is released by a SET_POWER to the state the device is in.
 */
#include "io/io_private.h"

enum { BAD_DEVICE = 4 };

bool ft_power_awaits_start_next(void)
{
    enum { VISTA = 60 };

    return ft_world_module()->description->windows < VISTA;
}

/* ---- the queue ---- */

static bool is_wake(const struct ft_power_request *request)
{
    return request->minor == IRP_MN_WAIT_WAKE;
}

static bool of_op(const struct ft_power_request *request)
{
    return request->op != 0;
}

/* The PDO of the stack that it is for. */
static PDEVICE_OBJECT stack_of(const struct ft_power_request *request)
{
    struct ft_child *child = ft_child_of(request->device);

    return child ? child->pdo : FT_DEV->pdo;
}

/* The request on its way in that stack (NULL: in any), NULL: none. */
static struct ft_power_request *find_sent(PDEVICE_OBJECT stack)
{
    for (unsigned i = 0; i < FT_POWER_MAX; i++) {
        struct ft_power_request *request = &FT_DEV->power_request[i];

        if (request->state == FT_POWER_SENT && !is_wake(request) &&
            (!stack || stack_of(request) == stack))
            return request;
    }
    return NULL;
}

/* A START holds back what ops ask for, but no request of the driver: it may wait for that one. */
static bool is_held(const struct ft_power_request *request)
{
    return of_op(request) && FT_DEV->starting;
}

static bool is_waiting(const struct ft_power_request *request)
{
    return request->state == FT_POWER_WAITING;
}

/* Of those that need not wait for another. */
static struct ft_power_request *find_first_ready(void)
{
    struct ft_power_request *first = NULL;

    for (unsigned i = 0; i < FT_POWER_MAX; i++) {
        struct ft_power_request *request = &FT_DEV->power_request[i];

        if (is_waiting(request) && !is_held(request) && (!first || request->order < first->order) &&
            !find_sent(stack_of(request)))
            first = request;
    }
    return first;
}

/* In that stack; NULL: in any. */
static bool is_busy(PDEVICE_OBJECT stack)
{
    bool waiting = false;

    for (unsigned i = 0; i < FT_POWER_MAX; i++)
        waiting = waiting || (is_waiting(&FT_DEV->power_request[i]) &&
                              (!stack || stack_of(&FT_DEV->power_request[i]) == stack));
    return waiting || find_sent(stack);
}

bool ft_power_busy(void)
{
    return is_busy(NULL);
}

static struct ft_power_request *new_request(UCHAR minor, unsigned power)
{
    for (unsigned i = 0; i < FT_POWER_MAX; i++) {
        struct ft_power_request *request = &FT_DEV->power_request[i];

        if (request->state != FT_POWER_FREE)
            continue;
        *request = (struct ft_power_request){.state = FT_POWER_WAITING, .minor = minor};
        request->power = (uint8_t)power;
        request->order = FT_DEV->power_order++;
        return request;
    }
    return NULL;
}

/* ---- sending ---- */

static KIRQL irql_for(PDEVICE_OBJECT stack, bool power_up)
{
    ULONG flags = ft_device_top(stack)->Flags;

    return !(flags & DO_POWER_PAGABLE) || (power_up && (flags & DO_POWER_INRUSH)) ? DISPATCH_LEVEL
                                                                                  : PASSIVE_LEVEL;
}

KIRQL ft_power_irql(bool power_up)
{
    return irql_for(ft_manager_pdo(), power_up);
}

static PIRP make_irp(struct ft_power_request *request, PDEVICE_OBJECT device)
{
    unsigned index = (unsigned)(request - FT_DEV->power_request);
    PIRP irp = ft_irp_create_or_cut(ft_device_top(device)->StackSize, FT_IRP_OF_POWER, index,
                                    request->label);
    uint64_t arg[] = {0, (uint64_t)IRP_MJ_POWER << 8 | request->minor, 0, false, 0};

    if (!irp)
        return NULL;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    request->irp = irp;
    arg[0] = request->handle = ft_block_handle(irp);
    ft_emit_as(FT_LAYER_HARNESS, ft_irp_id(irp), FT_EV_IRP_NEW, 5, arg);
    return irp;
}

static void fill_irp(PIRP irp, const struct ft_power_request *request)
{
    PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);

    next->MajorFunction = IRP_MJ_POWER;
    next->MinorFunction = request->minor;
    if (is_wake(request)) {
        next->Parameters.WaitWake.PowerState = (SYSTEM_POWER_STATE)request->power;
        return;
    }
    next->Parameters.Power.Type = DevicePowerState;
    next->Parameters.Power.State.DeviceState = (DEVICE_POWER_STATE)request->power;
    next->Parameters.Power.ShutdownType = (POWER_ACTION)FT_IO->action;
}

static void announce(PIRP irp, const struct ft_power_request *request)
{
    bool wake = is_wake(request);

    ft_emit(FT_EV_POWER_SEND, ft_block_handle(stack_of(request)), ft_block_handle(irp),
            request->minor, wake ? 0 : request->power, wake, wake ? request->power : 0,
            FT_IO->action);
}

static void finish(struct ft_power_request *request, PIRP irp, NTSTATUS status);

/* The slot may serve another request when the driver returns. A driver that returns another status
 * than STATUS_PENDING without completing the IRP has lost it, as in ft_send_wait. */
static void send_request(void *argument)
{
    struct ft_power_request *request = argument;
    PDEVICE_OBJECT device = request->device ? request->device : FT_DEV->pdo;
    PIRP irp = request->irp ? request->irp : make_irp(request, device);
    bool passive_only = is_wake(request);
    uint64_t handle;
    NTSTATUS status;

    if (!irp)
        return;
    handle = request->handle;
    ft_current()->request = (uint16_t)ft_irp_id(irp);
    fill_irp(irp, request);
    announce(irp, request);
    request->sent_at = FT_M->now;
    if (!passive_only)
        ft_irql_set(irql_for(stack_of(request), request->power == FT_D0));
    status = ft_irp_call(ft_device_top(device), irp);
    ft_irql_set(PASSIVE_LEVEL);
    if (status != STATUS_PENDING && request->state == FT_POWER_SENT && request->handle == handle)
        finish(request, irp, status);
}

static void go_on(void);

/* The framework owns the power policy: it makes the request, as its own, when it may. */
static void direct(void *argument)
{
    struct ft_power_request *request = argument;
    unsigned power = request->power;

    *request = (struct ft_power_request){0};
    ft_wdf_power_directed(power);
    go_on();
}

static bool is_directed(const struct ft_power_request *request)
{
    return of_op(request) && request->minor == IRP_MN_SET_POWER && ft_wdf_owns_power();
}

static struct ft_task *begin(struct ft_power_request *request)
{
    struct ft_task *task = ft_task_spawn(
        FT_TASK_THREAD, is_directed(request) ? direct : send_request, request, request->label);

    request->state = FT_POWER_SENT;
    ft_task_for_device(task);
    if (task && stack_of(request) != FT_DEV->pdo)
        task->device = (uint16_t)ft_handle_id(ft_block_handle(stack_of(request)));
    return task;
}

/* Until PoStartNextPowerIrp the next request waits. */
static bool is_owed(void)
{
    return FT_DEV->start_next_owed && FT_M->phase != FT_PHASE_TAIL;
}

/* Sends the next request, should it be its turn. The last one to leave wakes a removal. */
static struct ft_task *send_next(void)
{
    struct ft_power_request *request;

    while (!is_owed() && (request = find_first_ready()) != NULL) {
        if (!of_op(request) || ft_manager_legal(request->op, request->power))
            return begin(request);
        if (request->op_index)
            ft_op_skipped(request->op, request->label, request->op_index);
        request->state = FT_POWER_FREE;
    }
    if (!ft_power_busy())
        ft_wake_waiters(&FT_DEV->power_request, STATUS_SUCCESS, true);
    return NULL;
}

/* A request is over. A START, or the removal of a child, may have waited for it though others wait
 * still. */
static void go_on(void)
{
    if (FT_DEV->starting || FT_DEV->children)
        ft_wake_waiters(&FT_DEV->power_request, STATUS_SUCCESS, true);
    while (send_next())
        continue;
}

bool ft_power_go_on(void)
{
    return send_next() != NULL;
}

void ft_power_wait_ops(void)
{
    const struct ft_power_request *sent;

    while ((sent = find_sent(FT_DEV->pdo)) != NULL && of_op(sent))
        ft_task_wait(&FT_DEV->power_request, 0);
}

void ft_power_wait_idle(void)
{
    while (ft_power_busy())
        ft_task_wait(&FT_DEV->power_request, 0);
}

void ft_power_wait_stack(PDEVICE_OBJECT pdo)
{
    while (is_busy(pdo))
        ft_task_wait(&FT_DEV->power_request, 0);
}

/* What an op asked for. A QUERY is followed by a SET_POWER to the state that the device is in. */
bool ft_power_op(unsigned work, unsigned state, unsigned label)
{
    bool query = work == FT_OP_QUERY_POWER, at_once = !ft_power_busy() && !FT_DEV->starting;
    struct ft_power_request *request;

    if (state == 0)
        state = work == FT_OP_POWER_DOWN || query ? FT_D3 : FT_D0;
    if (at_once && !ft_manager_legal(work, state))
        return false;
    request = new_request(query ? IRP_MN_QUERY_POWER : IRP_MN_SET_POWER, state);
    if (!request)
        return false;
    request->op = (uint8_t)work;
    request->label = (uint8_t)ft_label_claim(label);
    request->op_index = FT_M->phase == FT_PHASE_TAIL ? 0 : FT_M->op_index;
    ft_task_prefer(send_next());
    return true;
}

void ft_power_idle(PDEVICE_OBJECT device, unsigned state)
{
    struct ft_power_request *request = new_request(IRP_MN_SET_POWER, state);

    if (!request)
        return;
    request->device = device;
    send_next();
}

/* ---- the end of a request ---- */

static uint64_t call_back(void *request_, void *status_, void *unused, void *unused2)
{
    const struct ft_power_request *request = request_;
    POWER_STATE state = {.DeviceState = (DEVICE_POWER_STATE)request->power};

    (void)unused;
    (void)unused2;
    ((PREQUEST_POWER_COMPLETE)request->callback)(request->device, request->minor, state,
                                                 request->context, status_);
    return 0;
}

static void tell_requester(struct ft_power_request *request, PIRP irp, NTSTATUS status)
{
    uint64_t device = ft_handle_of(request->device);
    IO_STATUS_BLOCK block = irp->IoStatus;

    if (!request->callback)
        return;
    ft_emit(FT_EV_PO_CALLBACK, device, request->handle, request->minor, (uint32_t)status);
    ft_call_routine((void *)request->callback, FT_ROUTINE_POWER_CALLBACK, device, request->minor, 0,
                    call_back, request, &block, NULL, NULL);
}

static void release_promise(const struct ft_power_request *query)
{
    struct ft_power_request *request;

    if (query->op != FT_OP_QUERY_POWER || query->minor != IRP_MN_QUERY_POWER || ft_wdf_owns_power())
        return;
    request = new_request(IRP_MN_SET_POWER, FT_DEV->power);
    if (!request)
        return;
    request->op = query->op;
    request->label = query->label;
}

/* The slot is free before the callback runs, which may ask for more. */
static void finish(struct ft_power_request *request, PIRP irp, NTSTATUS status)
{
    struct ft_power_request done = *request;
    struct ft_child *child = ft_child_of(done.device);
    uint64_t stack = ft_block_handle(stack_of(&done));
    bool wake = is_wake(&done);

    *request = (struct ft_power_request){0};
    if (child && done.minor == IRP_MN_SET_POWER && NT_SUCCESS(status))
        child->power = done.power;
    if (!wake)
        FT_DEV->start_next_owed = ft_power_awaits_start_next() && !done.started;
    ft_emit(FT_EV_POWER_DONE, stack, done.minor, (uint32_t)status,
            child ? child->power : FT_DEV->power, wake, wake ? done.power : 0, done.handle);
    tell_requester(&done, irp, status);
    release_promise(&done);
    go_on();
}

void ft_power_done(PIRP irp, unsigned index)
{
    struct ft_power_request *request = &FT_DEV->power_request[index];

    /* An IRP that comes back after it was given up belongs to nobody. */
    if (request->state == FT_POWER_SENT && request->handle == ft_block_handle(irp))
        finish(request, irp, irp->IoStatus.Status);
    ft_irp_retire(irp);
}

bool ft_power_sent_at(uint64_t *ret)
{
    const struct ft_power_request *request = find_sent(NULL);

    if (request)
        *ret = request->sent_at;
    return request != NULL;
}

/* ---- DDIs ---- */

static struct ft_power_request *new_driver_request(PDEVICE_OBJECT device, UCHAR minor,
                                                   unsigned state)
{
    struct ft_power_request *request = new_request(minor, state);

    if (!request) {
        ft_io_cut();
        return NULL;
    }
    request->device = device;
    request->label = (uint8_t)ft_current()->label;
    return make_irp(request, device) ? request : NULL;
}

static NTSTATUS request_power(PDEVICE_OBJECT device, UCHAR minor, unsigned state,
                              struct ft_power_request **ret)
{
    if (minor != IRP_MN_SET_POWER && minor != IRP_MN_QUERY_POWER && minor != IRP_MN_WAIT_WAKE)
        return STATUS_INVALID_PARAMETER_2;
    if (!ft_alloc_fails(FT_FAIL_IRP))
        *ret = new_driver_request(device, minor, state);
    return *ret ? STATUS_PENDING : STATUS_INSUFFICIENT_RESOURCES;
}

/* PoRequestPowerIrp: STATUS_PENDING when the request is on its way; the callback tells its end. The
 * IRP is given to the caller for a WAIT_WAKE only, so that it can cancel it. */
NTSTATUS PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                           PREQUEST_POWER_COMPLETE CompletionFunction, PVOID Context, PIRP *Irp)
{
    struct ft_focus was;
    unsigned state = (unsigned)PowerState.DeviceState;
    struct ft_power_request *request = NULL;
    bool returned = MinorFunction == IRP_MN_WAIT_WAKE && Irp != NULL;
    struct ft_task *task = NULL;
    NTSTATUS status;

    FT_DDI_BEGIN(PO_REQUEST, 0);
    was = ft_focus_on_owner(DeviceObject);
    ft_device_check(DeviceObject, BAD_DEVICE);
    status = request_power(DeviceObject, MinorFunction, state, &request);
    ft_emit(FT_EV_PO_REQUEST, ft_handle_of(DeviceObject), request ? request->handle : 0,
            MinorFunction, state, (uint32_t)status, request && Irp != NULL);
    if (request) {
        request->callback = (void *)CompletionFunction;
        request->context = Context;
        if (returned)
            *Irp = request->irp;
        if (is_wake(request))
            begin(request);
        else
            task = send_next();
        /* A power-down for which an op, or the machine's sleep, has the framework ask strikes there
         * and then, as it does where they ask. */
        if (ft_current()->layer == FT_LAYER_FRAMEWORK && state != PowerDeviceD0)
            ft_task_prefer(task);
    }
    ft_focus_back(was);
    FT_DDI_END(PO_REQUEST, 0);
    return status;
}

/* PoCallDriver: since Windows Vista the same as IoCallDriver. */
NTSTATUS PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    NTSTATUS status;

    FT_DDI_BEGIN(PO_CALL, label);
    ft_emit(FT_EV_PO_CALL, ft_handle_of(Irp), ft_handle_of(DeviceObject));
    status = ft_irp_call(DeviceObject, Irp);
    FT_DDI_END(PO_CALL, label);
    return status;
}

/* PoStartNextPowerIrp: due before Windows Vista, without effect since. */
VOID PoStartNextPowerIrp(PIRP Irp)
{
    unsigned label = ft_label_of(Irp);
    uint64_t handle = ft_handle_of(Irp);
    struct ft_focus was;

    FT_DDI_BEGIN(POWER, label);
    ft_emit(FT_EV_PO_START_NEXT, handle);
    was =
        ft_focus_on(ft_irp_private(Irp) ? ft_device_numbered(ft_irp_private(Irp)->device) : FT_DEV);
    for (unsigned i = 0; i < FT_POWER_MAX; i++)
        if (FT_DEV->power_request[i].state == FT_POWER_SENT &&
            FT_DEV->power_request[i].handle == handle)
            FT_DEV->power_request[i].started = 1;
    if (FT_DEV->send[FT_SEND_MANAGER].irp == handle)
        FT_DEV->system_started = 1;
    ft_focus_back(was);
    FT_DDI_END(POWER, label);
}

/* PoSetPowerState: tells the power manager, and returns what it was told before. System states pass
 * through. */
POWER_STATE PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State)
{
    struct ft_focus was;
    POWER_STATE previous = State;
    struct ft_child *child;

    FT_DDI_BEGIN(POWER, 0);
    was = ft_focus_on_owner(DeviceObject);
    child = ft_child_of(DeviceObject);
    if (Type == DevicePowerState && child) {
        previous.DeviceState = (DEVICE_POWER_STATE)child->power;
        child->power = (uint8_t)State.DeviceState;
    } else if (Type == DevicePowerState) {
        previous.DeviceState = (DEVICE_POWER_STATE)FT_DEV->told_power;
        FT_DEV->told_power = (uint8_t)State.DeviceState;
    }
    ft_emit(FT_EV_PO_SET_STATE, ft_handle_of(DeviceObject), (uint32_t)State.DeviceState,
            Type == SystemPowerState);
    ft_focus_back(was);
    FT_DDI_END(POWER, 0);
    return previous;
}
