/* WdfDeviceStopIdle and WdfDeviceResumeIdle: power references of the driver's own (kmdf.md,
 * sections 4.13 and 10.4). */
#include "kmdf/pnp_private.h"

/* A power-down that was asked for counts as begun. */
static bool stays_in_d0(const struct ft_wdf_policy *policy)
{
    return policy->in_d0 && (!policy->requested || policy->requested == PowerDeviceD0);
}

static bool is_lost(const struct ft_wdf_pnp *pnp)
{
    return pnp->policy.gone || pnp->surprise;
}

NTSTATUS ft_wdf_power_hold(struct ft_wdf_pnp *pnp, bool wait)
{
    struct ft_wdf_policy *policy = &pnp->policy;

    if (is_lost(pnp))
        return STATUS_POWER_STATE_INVALID;
    ft_wdf_power_reference(pnp->device);
    if (stays_in_d0(policy))
        return STATUS_SUCCESS;
    if (!wait)
        return STATUS_PENDING;
    while (!stays_in_d0(policy) && !is_lost(pnp))
        ft_task_wait(policy, 0);
    if (!is_lost(pnp))
        return STATUS_SUCCESS;
    ft_wdf_power_release(pnp->device);
    return STATUS_POWER_STATE_INVALID;
}

static void release(struct ft_wdf_pnp *pnp)
{
    pnp->policy.own--;
    ft_wdf_power_release(pnp->device);
}

static NTSTATUS stop_idle(struct ft_wdf_pnp *pnp, bool wait)
{
    NTSTATUS status;

    if (!pnp->device->power_owner)
        return STATUS_INVALID_DEVICE_STATE;
    pnp->policy.own++;
    status = ft_wdf_power_hold(pnp, wait);
    if (!NT_SUCCESS(status))
        pnp->policy.own--;
    return status;
}

static NTSTATUS stop(WDFDEVICE device, bool wait)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(ft_wdf_check(device, FT_HC_WDF_DEVICE));

    if (!ft_wdf_irql_ok(wait ? PASSIVE_LEVEL : DISPATCH_LEVEL))
        return STATUS_INVALID_DEVICE_REQUEST;
    return stop_idle(pnp, wait);
}

static unsigned count_of(WDFDEVICE device)
{
    return ft_wdf_pnp_of(ft_wdf_check(device, FT_HC_WDF_DEVICE))->policy.own;
}

NTSTATUS WdfDeviceStopIdleNoTrack(WDFDEVICE Device, BOOLEAN WaitForD0)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    status = stop(Device, WaitForD0 != FALSE);
    ft_wdf_emit(FT_EV_WDF_STOP_IDLE, ft_wdf_handle(Device), WaitForD0 != FALSE, (uint32_t)status,
                count_of(Device));
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
    return status;
}

/* One too many is a break into the debugger on Windows, and nothing here. */
static void resume(WDFDEVICE device)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(ft_wdf_check(device, FT_HC_WDF_DEVICE));

    if (ft_wdf_irql_ok(DISPATCH_LEVEL) && pnp->policy.own > 0)
        release(pnp);
}

VOID WdfDeviceResumeIdleNoTrack(WDFDEVICE Device)
{
    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    ft_wdf_emit(FT_EV_WDF_RESUME_IDLE, ft_wdf_handle(ft_wdf_check(Device, FT_HC_WDF_DEVICE)),
                count_of(Device));
    resume(Device);
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
}

/* The tag is for the debugger. */
NTSTATUS WdfDeviceStopIdleActual(WDFDEVICE Device, BOOLEAN WaitForD0, PVOID Tag, LONG Line,
                                 PCCH File)
{
    NTSTATUS status;

    (void)Tag, (void)Line, (void)File;
    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    status = stop(Device, WaitForD0 != FALSE);
    ft_wdf_emit(FT_EV_WDF_STOP_IDLE, ft_wdf_handle(Device), WaitForD0 != FALSE, (uint32_t)status,
                count_of(Device));
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
    return status;
}

VOID WdfDeviceResumeIdleActual(WDFDEVICE Device, PVOID Tag, LONG Line, PCCH File)
{
    (void)Tag, (void)Line, (void)File;
    FT_WDF_BEGIN(WDF_IDLE, ft_wdf_label(Device));
    ft_wdf_emit(FT_EV_WDF_RESUME_IDLE, ft_wdf_handle(ft_wdf_check(Device, FT_HC_WDF_DEVICE)),
                count_of(Device));
    resume(Device);
    FT_WDF_END(WDF_IDLE, ft_wdf_label(Device));
}
