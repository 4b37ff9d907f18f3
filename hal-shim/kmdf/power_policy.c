/* Power policy: when the device sleeps (kmdf.md, sections 4.1 to 4.4 and 4.6).
 *
 * The owner of the policy asks for every device power IRP itself, one at a time. What it wants
 * follows from a few facts, by the tables below; each event changes a fact and looks again (look).
 * The states are the public ones; they say what was decided last.
 *
 * Modelled choices: a power-down that an op asks for comes as the power framework's directed
 * power-down, which the owner carries out as it does for a sleeping machine; user control of idle
 * and wake settings (the registry) is what the driver said; the idle time of the system's choice is
 * 5 s, as is the default.
 */
#include "kmdf/children.h"

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

/* ---- the tables ---- */

enum fact {
    RUNNING = 0x001,  /* the device is started */
    IN_D0 = 0x002,    /* it works */
    PINNED = 0x004,   /* stop, removal or their question needs it awake */
    ASLEEP = 0x008,   /* the machine sleeps, or is about to */
    SLEPT = 0x010,    /* the machine has woken, the device follows */
    DIRECTED = 0x020, /* the power framework wants it down */
    UNUSED = 0x040,   /* idle time has passed, and nobody holds a reference */
    IDLES = 0x080,    /* it may idle */
    S0_WAKE = 0x100,  /* … and wakes itself */
    SX_WAKE = 0x200,  /* it may wake the machine */
    ARMED = 0x400,    /* its wake signal is */
    DOWN = 0x800      /* it is about to go down */
};

/* One row of a table: the first one whose facts all hold, and none of whose others does. */
struct row {
    uint16_t facts, others;
    uint16_t result;
};

/* Where the device belongs. */
enum place { WORKING, SLEEPING, DIRECTED_DOWN, IDLE };
static const struct row places[] = {
    {PINNED, 0, WORKING},      {ASLEEP, 0, SLEEPING}, {DIRECTED, 0, DIRECTED_DOWN},
    {IDLES | UNUSED, 0, IDLE}, {0, 0, WORKING},
};

/* The state on the way there … */
static const struct row moving[] = {
    {ASLEEP | SX_WAKE, 0, W(SleepingWakePowerDown)},
    {ASLEEP, SX_WAKE, W(SleepingNoWakePowerDown)},
    {SLEPT | ARMED, ASLEEP, W(SystemWakeDeviceWakeEnabled)},
    {SLEPT, ASLEEP | ARMED, W(SystemWakeDeviceToD0)},
    {IDLES | S0_WAKE | DOWN, 0, W(TimerExpiredWakeCapablePowerDown)},
    {IDLES | S0_WAKE, DOWN, W(S0WakeCompletePowerUp)},
    {DOWN, 0, W(TimerExpiredNoWake)},
    {0, DOWN, W(S0NoWakePowerUp)},
};

/* … and when it has arrived. */
static const struct row resting[] = {
    {0, RUNNING, W(Stopped)},
    {RUNNING | IN_D0 | IDLES, 0, W(StartedIdleCapable)},
    {RUNNING | IN_D0, IDLES, W(Started)},
    {RUNNING | ASLEEP | ARMED, IN_D0, W(SystemAsleepWakeArmed)},
    {RUNNING | ASLEEP, IN_D0 | ARMED, W(SystemAsleepNoWake)},
    {RUNNING | ARMED, IN_D0 | ASLEEP, W(WaitingArmed)},
    {RUNNING, IN_D0 | ASLEEP | ARMED, W(WaitingUnarmed)},
};

static unsigned facts_of(const struct ft_wdf_policy *policy)
{
    bool s0_wake = policy->idle_caps != IdleCannotWakeFromS0;

    return (policy->running ? RUNNING : 0) | (policy->in_d0 ? IN_D0 : 0) |
           (policy->pins ? PINNED : 0) | (policy->asleep ? ASLEEP : 0) |
           (policy->slept ? SLEPT : 0) | (policy->directed ? DIRECTED : 0) |
           (policy->idle && policy->references == 0 ? UNUSED : 0) |
           (policy->idle_enabled ? IDLES : 0) | (s0_wake ? S0_WAKE : 0) |
           (policy->wake_enabled ? SX_WAKE : 0) | (policy->armed ? ARMED : 0);
}

#define LOOK_UP(table, facts) look_up(table, sizeof(table) / sizeof *(table), facts)
static unsigned look_up(const struct row *table, unsigned count, unsigned facts)
{
    for (unsigned i = 0; i < count; i++)
        if ((facts & table[i].facts) == table[i].facts && !(facts & table[i].others))
            return table[i].result;
    FT_ASSERT(!"every situation has a row");
    return 0;
}

static unsigned state_of(const struct ft_wdf_policy *policy, enum place place)
{
    switch (place) {
    case SLEEPING:
        return policy->sleep_state;
    case DIRECTED_DOWN:
        return policy->directed;
    case IDLE:
        return policy->idle_state;
    default:
        return PowerDeviceD0;
    }
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
    /* One that has come due waits as a DPC, which must not take the next one for this. */
    if (policy->timer_set && !KeCancelTimer(&policy->timer))
        KeRemoveQueueDpc(&policy->dpc);
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

    set_state(pnp, LOOK_UP(moving, facts_of(&pnp->policy) |
                                       (device_state != PowerDeviceD0 ? (unsigned)DOWN : 0)));
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
    enum place place = (enum place)LOOK_UP(places, facts_of(policy));

    watch_idle(policy);
    if (policy->requested)
        return;
    if (policy->running && !policy->gone && (place == WORKING) != policy->in_d0) {
        request(pnp, state_of(policy, place));
        return;
    }
    if (policy->asleep)
        release_system_irp(pnp);
    set_state(pnp, LOOK_UP(resting, facts_of(policy)));
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

static void wake_up(struct ft_wdf_pnp *pnp)
{
    pnp->policy.asleep = 0;
    pnp->policy.slept = 1;
    if (pnp->policy.power_up_on_wake)
        pnp->policy.idle = 0;
    ft_wdf_policy_look(pnp);
}

/* The machine is awake again: the device follows while the request goes its way. */
FT_FRAMEWORK_ROUTINE
static NTSTATUS NTAPI system_up(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device;
    if (irp->PendingReturned)
        IoMarkIrpPending(irp);
    wake_up(pnp);
    IoReleaseRemoveLock(&ft_wdf_extension(pnp)->lock, irp);
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS ft_wdf_system_power(struct ft_wdf_pnp *pnp, PIRP irp)
{
    SYSTEM_POWER_STATE system =
        IoGetCurrentIrpStackLocation(irp)->Parameters.Power.State.SystemState;

    if (pnp->child) {
        irp->IoStatus.Status = STATUS_SUCCESS;
        pnp->child->system = (uint8_t)system;
    }
    if (!pnp->device->power_owner)
        return ft_wdf_pass_down(pnp, irp);
    if (pnp->child && system == PowerSystemWorking) {
        wake_up(pnp);
        return ft_wdf_complete(pnp, irp, STATUS_SUCCESS);
    }
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

/* Of the device in focus. */
static struct ft_wdf_pnp *find_owner(void)
{
    for (struct ft_wdf_device *device = FT_WDF->devices; device; device = device->next)
        if (device->power_owner && ft_device_owning(device->pdo) == FT_DEV)
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
