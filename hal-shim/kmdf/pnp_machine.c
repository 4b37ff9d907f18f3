/* The PnP machine (kmdf.md, sections 4.2, 4.6 to 4.11): what each PnP request makes of a device in
 * each state. It runs in the thread of the request, or of the power transition that failed; a
 * surprise removal may find the power machine in the middle of an explicit transition, which ends
 * first.
 *
 * A child (PDO) that is removed while it is still there waits for another START; one that is gone
 * ends. The bus reports a child that has failed anew, as another PDO, a few times. Not modelled:
 * the same for a function device, because the machine's bus has no
 * REENUMERATE_SELF_INTERFACE_STANDARD.
 */
#include "kmdf/children.h"

/* ---- callbacks ---- */

static uint64_t call_prepare(void *callback, void *device, void *raw, void *translated)
{
    return (uint32_t)((PFN_WDF_DEVICE_PREPARE_HARDWARE)callback)(device, raw, translated);
}

static uint64_t call_release(void *callback, void *device, void *translated, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_RELEASE_HARDWARE)callback)(device, translated);
}

static uint64_t call_query(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_DEVICE_QUERY_STOP)callback)(device);
}

static uint64_t call_surprise(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_SURPRISE_REMOVAL)callback)(device);
    return 0;
}

static NTSTATUS prepare(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->callbacks.EvtDevicePrepareHardware;
    NTSTATUS status = STATUS_SUCCESS;

    pnp->prepared = 1;
    pnp->in_prepare = 1;
    if (callback)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_PREPARE, pnp->device, call_prepare, callback,
                                       pnp->device, pnp->raw, pnp->translated);
    pnp->in_prepare = 0;
    return status;
}

/* Whenever EvtDevicePrepareHardware was called, also when it failed. */
static NTSTATUS release(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->callbacks.EvtDeviceReleaseHardware;
    NTSTATUS status = STATUS_SUCCESS;

    if (!pnp->prepared)
        return status;
    pnp->prepared = 0;
    if (callback)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_WDF_RELEASE, pnp->device, call_release, callback,
                                       pnp->device, pnp->translated, NULL);
    ft_wdf_interrupts_revoke(pnp->device);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    return status;
}

static NTSTATUS ask(struct ft_wdf_pnp *pnp, enum ft_routine routine, void *callback)
{
    if (!callback)
        return STATUS_SUCCESS;
    return (NTSTATUS)ft_wdf_call(routine, pnp->device, call_query, callback, pnp->device, NULL,
                                 NULL);
}

static void tell_surprise(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->callbacks.EvtDeviceSurpriseRemoval;

    ft_wdf_children_surprise(pnp);
    if (callback)
        ft_wdf_call(FT_ROUTINE_WDF_SURPRISE_REMOVAL, pnp->device, call_surprise, callback,
                    pnp->device, NULL, NULL);
}

/* ---- starting ---- */

static unsigned outcome(struct ft_wdf_pnp *pnp, NTSTATUS status)
{
    pnp->status = status;
    return NT_SUCCESS(status) ? FT_WDF_GOOD : FT_WDF_BAD;
}

static unsigned on_starting(struct ft_wdf_pnp *pnp)
{
    ft_wdf_interrupts_assign(pnp->device, pnp->raw, pnp->translated);
    return FT_WDF_GOOD;
}

/* The driver's failure is the request's; that of anything after it is a power failure. */
static unsigned on_hardware_available(struct ft_wdf_pnp *pnp)
{
    if (outcome(pnp, prepare(pnp)) != FT_WDF_GOOD)
        return FT_WDF_BAD;
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    if (outcome(pnp, ft_wdf_read_capabilities(pnp)) != FT_WDF_GOOD)
        return FT_WDF_BAD;
    if (ft_wdf_power_start(pnp) == FT_WDF_GOOD)
        return FT_WDF_GOOD;
    pnp->status = STATUS_DEVICE_POWER_FAILURE;
    return FT_WDF_WORSE;
}

static unsigned on_enable_interfaces(struct ft_wdf_pnp *pnp)
{
    if (outcome(pnp, ft_wdf_interfaces_set(pnp, true)) != FT_WDF_GOOD)
        return FT_WDF_BAD;
    ft_wdf_wmi_start(pnp);
    ft_wdf_policy_start(pnp);
    return FT_WDF_GOOD;
}

/* ---- questions ---- */

static unsigned on_static_check(struct ft_wdf_pnp *pnp)
{
    if (pnp->not_stoppable)
        return outcome(pnp, STATUS_INVALID_DEVICE_STATE);
    if (pnp->special_files)
        return outcome(pnp, STATUS_DEVICE_NOT_READY);
    return outcome(pnp, STATUS_SUCCESS);
}

static unsigned on_ask_stop(struct ft_wdf_pnp *pnp)
{
    return outcome(pnp,
                   ask(pnp, FT_ROUTINE_WDF_QUERY_STOP, (void *)pnp->callbacks.EvtDeviceQueryStop));
}

static unsigned on_ask_remove(struct ft_wdf_pnp *pnp)
{
    return outcome(
        pnp, ask(pnp, FT_ROUTINE_WDF_QUERY_REMOVE, (void *)pnp->callbacks.EvtDeviceQueryRemove));
}

static unsigned on_ensure_awake(struct ft_wdf_pnp *pnp)
{
    ft_wdf_policy_pin(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_query_cancelled(struct ft_wdf_pnp *pnp)
{
    ft_wdf_policy_unpin(pnp);
    pnp->status = STATUS_SUCCESS;
    return FT_WDF_GOOD;
}

/* ---- stopping ---- */

/* Powers up first, so that all of the power-down happens. A device that could not be has failed;
 * the power machine's word of that comes later, and is dropped. */
static unsigned stop_power(struct ft_wdf_pnp *pnp)
{
    unsigned power;

    ft_wdf_policy_pin(pnp);
    ft_wdf_policy_stop(pnp);
    power = ft_wdf_power_stop(pnp);
    return pnp->policy.gone ? FT_WDF_BAD : power;
}

static unsigned on_stopping(struct ft_wdf_pnp *pnp)
{
    return stop_power(pnp);
}

static unsigned on_stopped(struct ft_wdf_pnp *pnp)
{
    NTSTATUS status = release(pnp);

    pnp->status = STATUS_SUCCESS; /* STOP cannot be refused */
    return NT_SUCCESS(status) ? FT_WDF_GOOD : FT_WDF_BAD;
}

static unsigned on_restart(struct ft_wdf_pnp *pnp)
{
    unsigned power = stop_power(pnp);

    return power == FT_WDF_GOOD ? power : outcome(pnp, STATUS_DEVICE_POWER_FAILURE);
}

static unsigned on_restart_release(struct ft_wdf_pnp *pnp)
{
    return outcome(pnp, release(pnp));
}

/* ---- removal and failure ---- */

static unsigned on_removing(struct ft_wdf_pnp *pnp)
{
    stop_power(pnp);
    release(pnp);
    return FT_WDF_GOOD;
}

/* What every end of a device that was started has in common, once the hardware is given back. */
static void clean_up(struct ft_wdf_pnp *pnp)
{
    ft_wdf_wmi_stop(pnp);
    ft_wdf_interfaces_set(pnp, false);
    ft_wdf_queues_purge(pnp->device, true);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    ft_wdf_smio(pnp, FT_WDF_SMIO_FLUSH);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    ft_wdf_resources_drop(pnp);
    if (pnp->child)
        ft_wdf_child_end_wake(pnp, STATUS_NO_SUCH_DEVICE);
    ft_wdf_policy_remove(pnp);
}

static unsigned on_removing_interfaces(struct ft_wdf_pnp *pnp)
{
    clean_up(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_ended(struct ft_wdf_pnp *pnp)
{
    ft_wdf_policy_remove(pnp);
    ft_wdf_queues_purge(pnp->device, false);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    ft_wdf_smio(pnp, FT_WDF_SMIO_CLEANUP);
    pnp->status = STATUS_SUCCESS;
    return FT_WDF_GOOD;
}

static unsigned on_removed(struct ft_wdf_pnp *pnp)
{
    return pnp->child ? FT_WDF_BAD : FT_WDF_GOOD;
}

/* Children that the PnP manager has not been told of go with their parent. */
static unsigned on_fdo_removed(struct ft_wdf_pnp *pnp)
{
    ft_wdf_children_remove(pnp);
    return on_ended(pnp);
}

static unsigned on_check_presence(struct ft_wdf_pnp *pnp)
{
    pnp->status = STATUS_SUCCESS;
    return ft_wdf_child_gone(pnp) ? FT_WDF_GOOD : FT_WDF_BAD;
}

static unsigned on_pdo_removed(struct ft_wdf_pnp *pnp)
{
    pnp->child->gone = 1;
    on_ended(pnp);
    ft_wdf_child_ended(pnp);
    return FT_WDF_GOOD;
}

/* A new life: nothing that happened in the one before counts. */
static unsigned on_pdo_restart(struct ft_wdf_pnp *pnp)
{
    pnp->policy.gone = 0;
    pnp->failed = pnp->surprise = pnp->failed_action = 0;
    ft_wdf_queues_reset(pnp->device);
    return FT_WDF_GOOD;
}

static uint64_t call_eject(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    return (uint32_t)((PFN_WDF_DEVICE_EJECT)callback)(device);
}

static unsigned on_eject(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->child->callbacks.EvtDeviceEject;
    NTSTATUS status = STATUS_NOT_SUPPORTED;

    if (callback)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_eject, callback,
                                       pnp->device, NULL, NULL);
    if (NT_SUCCESS(status))
        ft_wdf_child_ejected(pnp);
    return outcome(pnp, status);
}

static unsigned on_surprise_io_started(struct ft_wdf_pnp *pnp)
{
    pnp->surprise = 1;
    pnp->policy.gone = 1;
    tell_surprise(pnp);
    ft_wdf_point(FT_PT_WDF_STEP, 0);
    ft_wdf_power_stop(pnp);
    return FT_WDF_GOOD;
}

/* The driver of a function device is not called before its first start. */
static unsigned on_init_surprise(struct ft_wdf_pnp *pnp)
{
    ft_wdf_children_surprise(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_surprise(struct ft_wdf_pnp *pnp)
{
    pnp->surprise = 1;
    tell_surprise(pnp);
    return FT_WDF_GOOD;
}

/* Power is down, one way or the other. */
static unsigned on_failed_power(struct ft_wdf_pnp *pnp)
{
    pnp->failed = 1;
    pnp->policy.gone = 1;
    return FT_WDF_GOOD;
}

static unsigned on_failed_io_starting(struct ft_wdf_pnp *pnp)
{
    pnp->failed = 1;
    stop_power(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_failed_own_hardware(struct ft_wdf_pnp *pnp)
{
    release(pnp);
    return FT_WDF_GOOD;
}

/* A request that fails tells the PnP manager itself. */
static unsigned on_failed(struct ft_wdf_pnp *pnp)
{
    pnp->policy.gone = 1;
    clean_up(pnp);
    if (!pnp->surprise && !pnp->pnp_irp)
        IoInvalidateDeviceState(pnp->device->pdo);
    pnp->failed |= !pnp->surprise;
    return FT_WDF_GOOD;
}

/* Unless the driver says that it is of no use; not for ever. */
static bool may_restart(const struct ft_wdf_pnp *pnp)
{
    enum { RESTARTS_MOST = 5 };
    struct ft_wdf_description *entry = pnp->child ? pnp->child->entry : NULL;

    return entry && pnp->failed && pnp->failed_action != WdfDeviceFailedNoRestart &&
           entry->restarts++ < RESTARTS_MOST;
}

static unsigned on_failed_policy_removed(struct ft_wdf_pnp *pnp)
{
    if (may_restart(pnp))
        ft_wdf_child_reenumerate(pnp);
    return FT_WDF_GOOD;
}

static unsigned on_start_refused(struct ft_wdf_pnp *pnp)
{
    pnp->status = STATUS_INVALID_DEVICE_STATE;
    return FT_WDF_GOOD;
}

/* ---- the tables ---- */

#define S(name) WdfDevStatePnp##name

static const struct ft_wdf_state states[] = {
    {S(Init), NULL, {0}},
    {S(InitQueryRemove), NULL, {0}},
    {S(InitQueryRemoveCanceled), NULL, {S(Init)}},
    {S(InitSurpriseRemoved), on_init_surprise, {0}},
    {S(InitStarting), on_starting, {S(HardwareAvailable), S(FailedInit)}},
    {S(HardwareAvailable),
     on_hardware_available,
     {S(EnableInterfaces), S(FailedOwnHardware), S(HardwareAvailablePowerPolicyFailed)}},
    {S(HardwareAvailablePowerPolicyFailed), on_failed_power, {S(FailedOwnHardware)}},
    {S(EnableInterfaces), on_enable_interfaces, {S(Started), S(FailedIoStarting)}},
    {S(Started), NULL, {0}},
    /* query-stop, stop, start */
    {S(QueryStopStaticCheck), on_static_check, {S(QueryStopAskDriver), S(Started)}},
    {S(QueryStopAskDriver), on_ask_stop, {S(QueryStopEnsureDeviceAwake), S(Started)}},
    {S(QueryStopEnsureDeviceAwake), on_ensure_awake, {S(QueryStopPending)}},
    {S(QueryStopPending), NULL, {0}},
    {S(QueryCanceled), on_query_cancelled, {S(Started)}},
    {S(StartedStopping), on_stopping, {S(Stopped), S(FailedOwnHardware)}},
    {S(Stopped), on_stopped, {0, S(Failed)}},
    {S(StartingFromStopped), on_starting, {S(HardwareAvailable), S(Failed)}},
    {S(Restart), on_restart, {S(RestartReleaseHardware), S(FailedOwnHardware)}},
    {S(RestartReleaseHardware), on_restart_release, {0, S(Failed)}},
    {S(RestartHardwareAvailable), on_starting, {S(HardwareAvailable), S(Failed)}},
    /* query-remove, remove */
    {S(QueryRemoveStaticCheck), on_static_check, {S(QueryRemoveAskDriver), S(Started)}},
    {S(QueryRemoveAskDriver), on_ask_remove, {S(QueryRemoveEnsureDeviceAwake), S(Started)}},
    {S(QueryRemoveEnsureDeviceAwake), on_ensure_awake, {S(QueryRemovePending)}},
    {S(QueryRemovePending), NULL, {0}},
    {S(QueriedRemoving), NULL, {S(StartedRemoving)}},
    {S(StartedRemoving), on_removing, {S(RemovingDisableInterfaces)}},
    {S(RemovingDisableInterfaces), on_removing_interfaces, {S(Removed)}},
    {S(Removed), on_removed, {S(FdoRemoved), S(CheckForDevicePresence)}},
    {S(FdoRemoved), on_fdo_removed, {S(Final)}},
    {S(Final), NULL, {0}},
    /* children */
    {S(CheckForDevicePresence), on_check_presence, {S(PdoRemoved), S(RemovedPdoWait)}},
    {S(RemovedPdoWait), NULL, {0}},
    {S(RemovedPdoSurpriseRemoved), on_surprise, {0}},
    {S(PdoRemoved), on_pdo_removed, {S(Final)}},
    {S(PdoRestart), on_pdo_restart, {S(InitStarting)}},
    {S(EjectHardware), on_eject, {S(EjectedWaitingForRemove), S(EjectFailed)}},
    {S(EjectedWaitingForRemove), NULL, {0}},
    {S(EjectFailed), NULL, {0}},
    /* surprise removal and failure */
    {S(QueriedSurpriseRemove), NULL, {S(SurpriseRemoveIoStarted)}},
    {S(SurpriseRemoveIoStarted), on_surprise_io_started, {S(FailedOwnHardware)}},
    {S(SurpriseRemove), on_surprise, {S(Failed)}},
    {S(FailedPowerDown), on_failed_power, {S(FailedOwnHardware)}},
    {S(FailedIoStarting), on_failed_io_starting, {S(FailedOwnHardware)}},
    {S(FailedOwnHardware), on_failed_own_hardware, {S(Failed)}},
    {S(Failed), on_failed, {S(FailedPowerPolicyRemoved)}},
    {S(FailedPowerPolicyRemoved), on_failed_policy_removed, {S(FailedWaitForRemove)}},
    {S(FailedWaitForRemove), NULL, {0}},
    {S(FailedSurpriseRemoved), on_surprise, {S(FailedWaitForRemove)}},
    {S(FailedStarted), on_start_refused, {S(FailedWaitForRemove)}},
    {S(FailedInit), NULL, {0}},
};

static const struct ft_wdf_edge edges[] = {
    {S(Init), FT_WDF_PNP_START, S(InitStarting)},
    {S(Init), FT_WDF_PNP_QUERY_REMOVE, S(InitQueryRemove)},
    {S(Init), FT_WDF_PNP_REMOVE, S(Removed)},
    {S(Init), FT_WDF_PNP_SURPRISE, S(InitSurpriseRemoved)},
    {S(InitQueryRemove), FT_WDF_PNP_CANCEL_REMOVE, S(InitQueryRemoveCanceled)},
    {S(InitQueryRemove), FT_WDF_PNP_REMOVE, S(Removed)},
    {S(InitQueryRemove), FT_WDF_PNP_SURPRISE, S(InitSurpriseRemoved)},
    {S(InitSurpriseRemoved), FT_WDF_PNP_REMOVE, S(Removed)},
    {S(FailedInit), FT_WDF_PNP_REMOVE, S(Removed)},

    {S(Started), FT_WDF_PNP_QUERY_STOP, S(QueryStopStaticCheck)},
    {S(Started), FT_WDF_PNP_QUERY_REMOVE, S(QueryRemoveStaticCheck)},
    {S(Started), FT_WDF_PNP_STOP, S(StartedStopping)},
    {S(Started), FT_WDF_PNP_REMOVE, S(StartedRemoving)},
    {S(Started), FT_WDF_PNP_RESTART, S(Restart)},
    {S(Started), FT_WDF_PNP_SURPRISE, S(SurpriseRemoveIoStarted)},
    {S(Started), FT_WDF_PNP_POWER_UP_FAILED, S(FailedPowerDown)},
    {S(Started), FT_WDF_PNP_POWER_DOWN_FAILED, S(FailedPowerDown)},

    {S(QueryStopPending), FT_WDF_PNP_CANCEL_STOP, S(QueryCanceled)},
    {S(QueryStopPending), FT_WDF_PNP_STOP, S(StartedStopping)},
    {S(QueryStopPending), FT_WDF_PNP_SURPRISE, S(QueriedSurpriseRemove)},
    {S(QueryStopPending), FT_WDF_PNP_POWER_UP_FAILED, S(FailedPowerDown)},
    {S(QueryStopPending), FT_WDF_PNP_POWER_DOWN_FAILED, S(FailedPowerDown)},
    {S(RestartReleaseHardware), FT_WDF_PNP_START, S(RestartHardwareAvailable)},
    {S(RestartReleaseHardware), FT_WDF_PNP_START_FAILED, S(Failed)},
    {S(Stopped), FT_WDF_PNP_START, S(StartingFromStopped)},
    {S(Stopped), FT_WDF_PNP_START_FAILED, S(Failed)},
    {S(Stopped), FT_WDF_PNP_REMOVE, S(RemovingDisableInterfaces)},
    {S(Stopped), FT_WDF_PNP_SURPRISE, S(SurpriseRemove)},

    {S(QueryRemovePending), FT_WDF_PNP_CANCEL_REMOVE, S(QueryCanceled)},
    {S(QueryRemovePending), FT_WDF_PNP_REMOVE, S(QueriedRemoving)},
    {S(QueryRemovePending), FT_WDF_PNP_SURPRISE, S(QueriedSurpriseRemove)},
    {S(QueryRemovePending), FT_WDF_PNP_POWER_UP_FAILED, S(FailedPowerDown)},
    {S(QueryRemovePending), FT_WDF_PNP_POWER_DOWN_FAILED, S(FailedPowerDown)},

    {S(Init), FT_WDF_PNP_EJECT, S(EjectHardware)},
    {S(Init), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(InitQueryRemove), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(FailedInit), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(RemovedPdoWait), FT_WDF_PNP_START, S(PdoRestart)},
    {S(RemovedPdoWait), FT_WDF_PNP_REMOVE, S(CheckForDevicePresence)},
    {S(RemovedPdoWait), FT_WDF_PNP_EJECT, S(EjectHardware)},
    {S(RemovedPdoWait), FT_WDF_PNP_SURPRISE, S(RemovedPdoSurpriseRemoved)},
    {S(RemovedPdoWait), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(RemovedPdoSurpriseRemoved), FT_WDF_PNP_REMOVE, S(CheckForDevicePresence)},
    {S(RemovedPdoSurpriseRemoved), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(EjectedWaitingForRemove), FT_WDF_PNP_REMOVE, S(PdoRemoved)},
    {S(EjectedWaitingForRemove), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},
    {S(EjectFailed), FT_WDF_PNP_START, S(PdoRestart)},
    {S(EjectFailed), FT_WDF_PNP_REMOVE, S(CheckForDevicePresence)},
    {S(EjectFailed), FT_WDF_PNP_PARENT_REMOVED, S(PdoRemoved)},

    {S(FailedWaitForRemove), FT_WDF_PNP_REMOVE, S(Removed)},
    {S(FailedWaitForRemove), FT_WDF_PNP_SURPRISE, S(FailedSurpriseRemoved)},
    {S(FailedWaitForRemove), FT_WDF_PNP_START, S(FailedStarted)},
};

static const struct ft_wdf_machine_kind kind = {.states = states,
                                                .edges = edges,
                                                .state_count = sizeof states / sizeof *states,
                                                .edge_count = sizeof edges / sizeof *edges,
                                                .event = FT_EV_WDF_PNP_STATE};

void ft_wdf_pnp_begin(struct ft_wdf_pnp *pnp)
{
    pnp->pnp.kind = &kind;
    pnp->pnp.state = S(Init);
}
