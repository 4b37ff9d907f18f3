/* Power policy: when the device sleeps (kmdf.md, sections 4.1 to 4.4 and 4.6).
 *
 * The owner of the policy asks for every device power IRP itself, one at a time. What it wants
 * follows from a few facts: the device works and the machine is awake; it is in use, or its idle
 * time has not passed, or it may not idle; stop and removal pin it in D0. Each change of a fact
 * looks again (look). The states are the public ones; they say what was decided last.
 *
 * Modelled choices: a power-down that an op asks for comes as the power framework's directed
 * power-down, which the owner carries out as it does for a sleeping machine; user control of idle
 * and wake settings (the registry) is what the driver said; the idle time of the system's choice is
 * 5 s, as is the default.
 */
#include "kmdf/pnp_private.h"

enum { DEFAULT_IDLE_MS = 5000, MS = 10000 /* 100 ns */ };

#define W(name) WdfDevStatePwrPol##name

static void set_state(struct ft_wdf_pnp *pnp, unsigned state)
{
    unsigned old = pnp->policy.state;

    if (old == state)
        return;
    ft_wdf_state_changed(pnp, FT_WDF_POLICY_MACHINE, StateNotificationLeaveState, old, state);
    ft_emit(FT_EV_WDF_POLICY_STATE, ft_wdf_handle(pnp->device), state, old);
    ft_wdf_state_changed(pnp, FT_WDF_POLICY_MACHINE, StateNotificationEnterState, old, state);
    pnp->policy.state = (uint16_t)state;
    ft_wdf_state_changed(pnp, FT_WDF_POLICY_MACHINE, StateNotificationPostProcessState, state,
                         state);
}

static void tell_waiters(struct ft_wdf_pnp *pnp)
{
    ft_wake_waiters(&pnp->policy, STATUS_SUCCESS, true);
}

/* ---- what the device should do ---- */

static bool may_idle(const struct ft_wdf_policy *policy)
{
    return policy->idle_enabled && policy->references == 0 && policy->idle;
}

static bool wants_d0(const struct ft_wdf_policy *policy)
{
    if (policy->pins)
        return true;
    return !policy->asleep && !policy->directed && !may_idle(policy);
}

static unsigned sleeping_state(const struct ft_wdf_policy *policy)
{
    if (policy->asleep)
        return policy->sleep_state;
    return policy->directed ? policy->directed : policy->idle_state;
}

/* What the machine does next is told by the state. */
static unsigned state_for(const struct ft_wdf_policy *policy, bool down)
{
    if (policy->asleep && policy->wake_enabled)
        return W(SleepingWakePowerDown);
    if (policy->asleep)
        return W(SleepingNoWakePowerDown);
    if (policy->slept)
        return policy->armed ? W(SystemWakeDeviceWakeEnabled) : W(SystemWakeDeviceToD0);
    if (policy->idle_enabled && policy->idle_caps != IdleCannotWakeFromS0)
        return down ? W(TimerExpiredWakeCapablePowerDown) : W(S0WakeCompletePowerUp);
    return down ? W(TimerExpiredNoWake) : W(S0NoWakePowerUp);
}

static unsigned state_at_rest(const struct ft_wdf_policy *policy)
{
    if (!policy->running)
        return W(Stopped);
    if (policy->in_d0)
        return policy->idle_enabled ? W(StartedIdleCapable) : W(Started);
    if (policy->asleep)
        return policy->armed ? W(SystemAsleepWakeArmed) : W(SystemAsleepNoWake);
    return policy->armed ? W(WaitingArmed) : W(WaitingUnarmed);
}

/* ---- the idle timer ---- */

static void start_timer(struct ft_wdf_policy *policy)
{
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)policy->idle_ms * MS};

    policy->timer_set = 1;
    KeSetTimer(&policy->timer, due, &policy->dpc);
}

static void stop_timer(struct ft_wdf_policy *policy)
{
    if (policy->timer_set)
        KeCancelTimer(&policy->timer);
    policy->timer_set = 0;
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI idle_expired(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    struct ft_wdf_pnp *pnp = context;

    (void)dpc, (void)argument1, (void)argument2;
    if (!pnp->policy.timer_set)
        return;
    pnp->policy.timer_set = 0;
    pnp->policy.idle = 1;
    ft_wdf_policy_look(pnp);
}

static void watch_idle(struct ft_wdf_policy *policy)
{
    bool watch = policy->running && policy->in_d0 && policy->idle_enabled && !policy->idle &&
                 policy->references == 0;

    if (watch && !policy->timer_set)
        start_timer(policy);
    else if (!watch)
        stop_timer(policy);
}

/* ---- requests ---- */

static void release_system_irp(struct ft_wdf_pnp *pnp)
{
    PIRP irp = pnp->policy.system_irp;

    pnp->policy.system_irp = NULL;
    if (irp)
        ft_wdf_pass_down(pnp, irp);
}

/* A device that the drivers below cannot power up is tried no more. */
FT_FRAMEWORK_ROUTINE
static VOID NTAPI request_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                               PIO_STATUS_BLOCK status)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device, (void)minor;
    pnp->policy.requested = 0;
    if (!NT_SUCCESS(status->Status) && state.DeviceState == PowerDeviceD0) {
        pnp->policy.gone = 1;
        ft_wdf_device_failed(pnp->device, WdfDeviceFailedAttemptRestart);
    }
    ft_wdf_policy_look(pnp);
    tell_waiters(pnp);
}

/* Without memory for the IRP the device stays as it is, and is tried no more: it has failed. */
static void request(struct ft_wdf_pnp *pnp, unsigned device_state)
{
    POWER_STATE state = {.DeviceState = (DEVICE_POWER_STATE)device_state};
    NTSTATUS status;

    set_state(pnp, state_for(&pnp->policy, device_state != PowerDeviceD0));
    pnp->policy.requested = (uint8_t)device_state;
    status = PoRequestPowerIrp(pnp->device->pdo, IRP_MN_SET_POWER, state, request_done, pnp, NULL);
    if (NT_SUCCESS(status))
        return;
    pnp->policy.requested = 0;
    pnp->policy.gone = 1;
    release_system_irp(pnp);
    ft_wdf_device_failed(pnp->device, WdfDeviceFailedAttemptRestart);
}

void ft_wdf_policy_look(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_policy *policy = &pnp->policy;
    bool up = wants_d0(policy);

    watch_idle(policy);
    if (policy->requested)
        return;
    if (policy->running && !policy->gone && up != policy->in_d0) {
        request(pnp, up ? (unsigned)PowerDeviceD0 : sleeping_state(policy));
        return;
    }
    if (policy->asleep)
        release_system_irp(pnp);
    set_state(pnp, state_at_rest(policy));
}

void ft_wdf_policy_moved(struct ft_wdf_pnp *pnp, bool d0)
{
    pnp->policy.in_d0 = d0;
    if (d0)
        pnp->policy.idle = pnp->policy.slept = 0;
    else
        stop_timer(&pnp->policy);
    tell_waiters(pnp);
}

/* ---- the PnP machine's wishes ---- */

void ft_wdf_policy_begin(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_policy *policy = &pnp->policy;

    policy->state = W(ObjectCreated);
    policy->idle_state = policy->sleep_state = PowerDeviceD3;
    policy->idle_ms = DEFAULT_IDLE_MS;
    KeInitializeTimer(&policy->timer);
    KeInitializeDpc(&policy->dpc, idle_expired, pnp);
}

void ft_wdf_policy_start(struct ft_wdf_pnp *pnp)
{
    if (!pnp->device->power_owner)
        return;
    pnp->policy.running = 1;
    pnp->policy.pins = pnp->policy.directed = 0;
    ft_wdf_policy_look(pnp);
}

unsigned ft_wdf_policy_pin(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_policy *policy = &pnp->policy;

    if (!policy->running || policy->pins)
        return FT_WDF_GOOD;
    policy->pins = 1;
    ft_wdf_policy_look(pnp);
    while (policy->requested || (!policy->in_d0 && !policy->gone && !policy->asleep))
        ft_task_wait(policy, 0);
    return policy->in_d0 ? FT_WDF_GOOD : FT_WDF_BAD;
}

void ft_wdf_policy_unpin(struct ft_wdf_pnp *pnp)
{
    pnp->policy.pins = 0;
    ft_wdf_policy_look(pnp);
}

void ft_wdf_policy_stop(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_policy *policy = &pnp->policy;

    policy->running = 0;
    stop_timer(policy);
    while (policy->requested)
        ft_task_wait(policy, 0);
    release_system_irp(pnp);
}

void ft_wdf_policy_remove(struct ft_wdf_pnp *pnp)
{
    pnp->policy.gone = 1;
    ft_wdf_policy_stop(pnp);
    ft_wdf_policy_disarm(pnp);
    set_state(pnp, W(Stopped));
    tell_waiters(pnp);
    KeFlushQueuedDpcs(); /* the idle timer's */
}

/* ---- references ---- */

void ft_wdf_power_reference(struct ft_wdf_device *device)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    pnp->policy.references++;
    pnp->policy.idle = 0;
    ft_wdf_policy_look(pnp);
}

void ft_wdf_power_release(struct ft_wdf_device *device)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);

    FT_ASSERT(pnp->policy.references > 0);
    pnp->policy.references--;
    ft_wdf_policy_look(pnp);
}

/* ---- system power ---- */

/* The machine is awake again: the device follows while the request goes its way. */
FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI system_up(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    pnp->policy.asleep = 0;
    pnp->policy.slept = 1;
    if (pnp->policy.power_up_on_wake)
        pnp->policy.idle = 0;
    ft_wdf_policy_look(pnp);
    IoReleaseRemoveLock(&ft_wdf_extension(pnp)->lock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS ft_wdf_system_power(struct ft_wdf_pnp *pnp, PIRP irp)
{
    SYSTEM_POWER_STATE system =
        IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State.SystemState;

    if (!pnp->device->power_owner)
        return ft_wdf_pass_down(pnp, irp);
    IoMarkIrpPending(irp);
    if (system == PowerSystemWorking) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, system_up, pnp, TRUE, TRUE, TRUE);
        PoCallDriver(pnp->device->below, irp);
        return STATUS_PENDING;
    }
    pnp->policy.asleep = 1;
    pnp->policy.idle = 1;
    pnp->policy.sleep_state = pnp->policy.wake_enabled && system <= pnp->caps.SystemWake
                                  ? pnp->policy.wake_state
                                  : PowerDeviceD3;
    pnp->policy.system_irp = irp;
    ft_wdf_policy_look(pnp);
    return STATUS_PENDING;
}

/* ---- an op's power-down ---- */

static struct ft_wdf_pnp *find_owner(void)
{
    for (struct ft_wdf_device *device = FT_WDF->devices; device; device = device->next)
        if (device->power_owner)
            return ft_wdf_pnp_of(device);
    return NULL;
}

bool ft_wdf_owns_power(void)
{
    return find_owner() != NULL;
}

void ft_wdf_power_directed(unsigned state)
{
    struct ft_wdf_pnp *pnp = find_owner();
    uint8_t layer = ft_layer_set(FT_LAYER_FRAMEWORK);

    if (pnp) {
        pnp->policy.directed = state == PowerDeviceD0 ? 0 : (uint8_t)state;
        ft_wdf_policy_look(pnp);
    }
    ft_layer_set(layer);
}
