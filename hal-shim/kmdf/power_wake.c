/* Arming and disarming a device to wake itself or the machine (kmdf.md, sections 4.3 and 4.4), and
 * the settings that allow it.
 *
 * The framework sends a WAIT_WAKE beside its power-down; its completion says that the device has
 * signalled. A driver that cannot arm its device sends it to sleep unarmed (a modelled choice: in
 * the working state the framework would take the power-down back).
 */
#include "kmdf/pnp_private.h"

static uint64_t call_status(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_DEVICE_ARM_WAKE_FROM_S0)callback)(device);
}

static uint64_t call_reason(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_DEVICE_ARM_WAKE_FROM_SX_WITH_REASON)callback)(device, TRUE, FALSE);
}

static uint64_t call_void(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_DISARM_WAKE_FROM_S0)callback)(device);
    return 0;
}

static NTSTATUS call(struct ft_wdf_pnp *pnp, enum ft_routine routine, ft_thunk *thunk,
                     void *callback)
{
    if (!callback)
        return STATUS_SUCCESS;
    return (NTSTATUS)ft_wdf_call(routine, pnp->device, thunk, callback, pnp->device, NULL, NULL);
}

static NTSTATUS arm(struct ft_wdf_pnp *pnp, unsigned how)
{
    const WDF_POWER_POLICY_EVENT_CALLBACKS *evt = &pnp->policy_callbacks;

    if (how == FT_WDF_ARMED_S0)
        return call(pnp, FT_ROUTINE_WDF_ARM_S0, call_status, (void *)evt->EvtDeviceArmWakeFromS0);
    if (evt->EvtDeviceArmWakeFromSxWithReason)
        return call(pnp, FT_ROUTINE_WDF_ARM_SX, call_reason,
                    (void *)evt->EvtDeviceArmWakeFromSxWithReason);
    return call(pnp, FT_ROUTINE_WDF_ARM_SX, call_status, (void *)evt->EvtDeviceArmWakeFromSx);
}

static void disarm(struct ft_wdf_pnp *pnp, unsigned how, bool triggered)
{
    const WDF_POWER_POLICY_EVENT_CALLBACKS *evt = &pnp->policy_callbacks;

    if (how == FT_WDF_ARMED_S0) {
        call(pnp, FT_ROUTINE_WDF_DISARM_S0, call_void, (void *)evt->EvtDeviceDisarmWakeFromS0);
        if (triggered)
            call(pnp, FT_ROUTINE_WDF_TRIGGERED_S0, call_void,
                 (void *)evt->EvtDeviceWakeFromS0Triggered);
        return;
    }
    call(pnp, FT_ROUTINE_WDF_DISARM_SX, call_void, (void *)evt->EvtDeviceDisarmWakeFromSx);
    if (triggered)
        call(pnp, FT_ROUTINE_WDF_TRIGGERED_SX, call_void,
             (void *)evt->EvtDeviceWakeFromSxTriggered);
}

/* ---- the wait-wake request ---- */

FT_FRAMEWORK_ROUTINE
static VOID NTAPI wake_done(PDEVICE_OBJECT device, UCHAR minor, POWER_STATE state, PVOID context,
                            PIO_STATUS_BLOCK status)
{
    struct ft_wdf_pnp *pnp = context;

    (void)device, (void)minor, (void)state;
    pnp->policy.wake_irp = NULL;
    if (NT_SUCCESS(status->Status)) {
        pnp->policy.wake_triggered = 1;
        pnp->policy.idle = 0;
        ft_wdf_policy_look(pnp);
    }
    ft_wake_waiters(&pnp->policy, STATUS_SUCCESS, true);
}

static NTSTATUS send_wake(struct ft_wdf_pnp *pnp)
{
    POWER_STATE state = {.SystemState = pnp->caps.SystemWake};

    pnp->policy.wake_triggered = 0;
    return PoRequestPowerIrp(pnp->device->pdo, IRP_MN_WAIT_WAKE, state, wake_done, pnp,
                             &pnp->policy.wake_irp);
}

static void cancel_wake(struct ft_wdf_pnp *pnp)
{
    if (pnp->policy.wake_irp)
        IoCancelIrp(pnp->policy.wake_irp);
    while (pnp->policy.wake_irp)
        ft_task_wait(&pnp->policy, 0);
}

/* ---- steps of the power machine ---- */

static unsigned wanted(const struct ft_wdf_policy *policy)
{
    if (policy->asleep)
        return policy->wake_enabled ? FT_WDF_ARMED_SX : FT_WDF_ARMED_NOT;
    if (policy->directed || !policy->idle_enabled)
        return FT_WDF_ARMED_NOT;
    return policy->idle_caps == IdleCannotWakeFromS0 ? FT_WDF_ARMED_NOT : FT_WDF_ARMED_S0;
}

void ft_wdf_policy_arm(struct ft_wdf_pnp *pnp)
{
    unsigned how = wanted(&pnp->policy);

    if (how == FT_WDF_ARMED_NOT)
        return;
    if (!NT_SUCCESS(arm(pnp, how)) || !NT_SUCCESS(send_wake(pnp)))
        return;
    if (!pnp->child || ft_wdf_child_await_wake(pnp))
        pnp->policy.armed = (uint8_t)how;
    else
        disarm(pnp, how, false);
}

/* What the signal says is lost with the device. */
void ft_wdf_policy_disarm(struct ft_wdf_pnp *pnp)
{
    unsigned how = pnp->policy.armed;

    if (how == FT_WDF_ARMED_NOT)
        return;
    cancel_wake(pnp);
    pnp->policy.armed = FT_WDF_ARMED_NOT;
    if (!pnp->policy.gone)
        disarm(pnp, how, pnp->policy.wake_triggered);
}

/* A bus driver's: only who holds the wait-wake request of a child has anything to end, so a
 * function driver's device is refused. */
NTSTATUS WdfDeviceIndicateWakeStatus(WDFDEVICE Device, NTSTATUS WaitWakeStatus)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_STATE;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (WaitWakeStatus == STATUS_PENDING || WaitWakeStatus == STATUS_CANCELLED)
        status = STATUS_INVALID_PARAMETER;
    else if (pnp->child && ft_wdf_child_end_wake(pnp, WaitWakeStatus))
        status = STATUS_SUCCESS;
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
    return status;
}

/* ---- settings ---- */

static bool is_tri_state(WDF_TRI_STATE value)
{
    return value == WdfFalse || value == WdfTrue || value == WdfUseDefault;
}

/* The capabilities are there from the start on; a driver may ask sooner. */
static NTSTATUS know_capabilities(struct ft_wdf_pnp *pnp)
{
    if (!pnp->caps.Size && ft_irql() > PASSIVE_LEVEL)
        ft_unimplemented("power settings above PASSIVE_LEVEL before the first start");
    return pnp->caps.Size ? STATUS_SUCCESS : ft_wdf_read_capabilities(pnp);
}

/* The state from which the device can wake; PowerDeviceMaximum is for the bus to choose. */
static NTSTATUS wake_state(struct ft_wdf_pnp *pnp, DEVICE_POWER_STATE wish, uint8_t *ret)
{
    NTSTATUS status = know_capabilities(pnp);
    DEVICE_POWER_STATE deepest = pnp->caps.DeviceWake;

    if (!NT_SUCCESS(status))
        return status;
    if (deepest <= PowerDeviceD0 || deepest > PowerDeviceD3 ||
        (wish != PowerDeviceMaximum && wish > deepest))
        return STATUS_POWER_STATE_INVALID;
    *ret = (uint8_t)(wish == PowerDeviceMaximum ? deepest : wish);
    return STATUS_SUCCESS;
}

static NTSTATUS check_idle(const struct ft_wdf_pnp *pnp,
                           const WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS *settings)
{
    if (settings->Size != sizeof *settings)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (settings->DxState <= PowerDeviceD0 || settings->DxState > PowerDeviceMaximum ||
        settings->IdleCaps < IdleCannotWakeFromS0 || settings->IdleCaps > IdleUsbSelectiveSuspend ||
        settings->UserControlOfIdleSettings < IdleDoNotAllowUserControl ||
        settings->UserControlOfIdleSettings > IdleAllowUserControl ||
        !is_tri_state(settings->Enabled) || !is_tri_state(settings->PowerUpIdleDeviceOnSystemWake))
        return STATUS_INVALID_PARAMETER;
    return pnp->device->power_owner ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
}

static NTSTATUS assign_idle(struct ft_wdf_pnp *pnp,
                            const WDF_DEVICE_POWER_POLICY_IDLE_SETTINGS *settings)
{
    enum { DEFAULT_MS = 5000 };
    struct ft_wdf_policy *policy = &pnp->policy;
    uint8_t state = PowerDeviceD3;
    NTSTATUS status = check_idle(pnp, settings);

    if (!NT_SUCCESS(status))
        return status;
    if (settings->IdleCaps != IdleCannotWakeFromS0)
        status = wake_state(pnp, settings->DxState, &state);
    else if (settings->DxState != PowerDeviceMaximum)
        state = (uint8_t)settings->DxState;
    if (!NT_SUCCESS(status))
        return status;
    policy->idle_caps = settings->IdleCaps;
    policy->idle_state = state;
    policy->idle_ms = settings->IdleTimeout ? settings->IdleTimeout : DEFAULT_MS;
    policy->idle_enabled = settings->Enabled != WdfFalse;
    policy->power_up_on_wake = settings->PowerUpIdleDeviceOnSystemWake == WdfTrue;
    ft_wdf_policy_look(pnp);
    return status;
}

NTSTATUS WdfDeviceAssignS0IdleSettings(WDFDEVICE Device,
                                       PWDF_DEVICE_POWER_POLICY_IDLE_SETTINGS Settings)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_require(Settings);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = assign_idle(pnp, Settings);
    ft_wdf_emit(FT_EV_WDF_SETTINGS, ft_wdf_handle(pnp->device), false, pnp->policy.idle_enabled,
                (uint32_t)status);
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
    return status;
}

static NTSTATUS assign_wake(struct ft_wdf_pnp *pnp,
                            const WDF_DEVICE_POWER_POLICY_WAKE_SETTINGS *settings)
{
    uint8_t state;
    NTSTATUS status;

    if (settings->Size != sizeof *settings)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (settings->DxState <= PowerDeviceD0 || settings->DxState > PowerDeviceMaximum ||
        settings->UserControlOfWakeSettings < WakeDoNotAllowUserControl ||
        settings->UserControlOfWakeSettings > WakeAllowUserControl ||
        !is_tri_state(settings->Enabled))
        return STATUS_INVALID_PARAMETER;
    if (!pnp->device->power_owner)
        return STATUS_INVALID_DEVICE_REQUEST;
    status = wake_state(pnp, settings->DxState, &state);
    if (!NT_SUCCESS(status))
        return status;
    pnp->policy.wake_state = state;
    pnp->policy.wake_enabled = settings->Enabled != WdfFalse;
    return status;
}

NTSTATUS WdfDeviceAssignSxWakeSettings(WDFDEVICE Device,
                                       PWDF_DEVICE_POWER_POLICY_WAKE_SETTINGS Settings)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_pnp *pnp;

    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    pnp = ft_wdf_pnp_of(ft_wdf_check(Device, FT_HC_WDF_DEVICE));
    ft_wdf_require(Settings);
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = assign_wake(pnp, Settings);
    ft_wdf_emit(FT_EV_WDF_SETTINGS, ft_wdf_handle(pnp->device), true, pnp->policy.wake_enabled,
                (uint32_t)status);
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
    return status;
}
