/* Power of a child as far as its bus has a part in it: the parent that has to be awake for it, and
 * the wake signal at the bus (the framework's pdopower.cpp).
 *
 * A child holds an IRP_MN_WAIT_WAKE until the bus driver indicates its end, its sender cancels it,
 * or the child goes. While it does, wake is enabled at the bus, but for the way back to D0.
 */
#include "kmdf/children.h"

/* ---- the parent ---- */

/* A parent without the power policy of its stack is in D0 as far as anybody here can say. */
bool ft_wdf_child_take_parent(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_child *child = pnp->child;
    struct ft_wdf_device *parent = child->parent;

    if (child->independent || child->on_parent || !parent->power_owner)
        return true;
    if (!NT_SUCCESS(ft_wdf_power_hold(ft_wdf_pnp_of(parent), true)))
        return false;
    child->on_parent = 1;
    return true;
}

void ft_wdf_child_leave_parent(struct ft_wdf_pnp *pnp)
{
    if (!pnp->child->on_parent)
        return;
    pnp->child->on_parent = 0;
    ft_wdf_power_release(pnp->child->parent);
}

/* ---- the bus ---- */

static uint64_t call_enable(void *callback, void *device, void *state, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_DEVICE_ENABLE_WAKE_AT_BUS)callback)(
        device, (SYSTEM_POWER_STATE)(uintptr_t)state);
}

static uint64_t call_disable(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_DISABLE_WAKE_AT_BUS)callback)(device);
    return 0;
}

static NTSTATUS enable(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->child->callbacks.EvtDeviceEnableWakeAtBus;
    NTSTATUS status = STATUS_SUCCESS;

    if (callback)
        status = (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_enable, callback,
                                       pnp->device, (void *)(uintptr_t)pnp->child->system, NULL);
    pnp->child->wakes = NT_SUCCESS(status);
    return status;
}

void ft_wdf_child_disable_wake(struct ft_wdf_pnp *pnp)
{
    void *callback = (void *)pnp->child->callbacks.EvtDeviceDisableWakeAtBus;

    if (!pnp->child->wakes)
        return;
    pnp->child->wakes = 0;
    if (callback)
        ft_wdf_call(FT_ROUTINE_CALLBACK, pnp->device, call_disable, callback, pnp->device, NULL,
                    NULL);
}

void ft_wdf_child_settle_wake(struct ft_wdf_pnp *pnp)
{
    NTSTATUS status;

    pnp->child->wake_news = 0;
    if (!pnp->child->wake_irp) {
        ft_wdf_child_disable_wake(pnp);
        return;
    }
    if (pnp->child->wakes)
        return;
    status =
        pnp->power.state == WdfDevStatePowerStopped ? STATUS_INVALID_DEVICE_STATE : enable(pnp);
    if (!NT_SUCCESS(status))
        ft_wdf_child_end_wake(pnp, status);
}

/* ---- the request ---- */

static void tell_machine(struct ft_wdf_pnp *pnp)
{
    if (pnp->child->wake_news)
        return;
    pnp->child->wake_news = 1;
    ft_wdf_machine_post(pnp, &pnp->power, FT_WDF_POWER_WAKE);
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI cancel_wake(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_wdf_extension *extension = device->DeviceExtension;
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(extension->device);

    pnp->child->wake_irp = NULL;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    tell_machine(pnp);
    ft_wdf_complete(pnp, irp, STATUS_CANCELLED);
}

bool ft_wdf_child_end_wake(struct ft_wdf_pnp *pnp, NTSTATUS status)
{
    PIRP irp = pnp->child->wake_irp;

    if (!irp || !IoSetCancelRoutine(irp, NULL))
        return false;
    pnp->child->wake_irp = NULL;
    ft_wdf_complete(pnp, irp, status);
    return true;
}

NTSTATUS ft_wdf_child_wait_wake(struct ft_wdf_pnp *pnp, PIRP irp)
{
    if (pnp->child->wake_irp)
        return ft_wdf_complete(pnp, irp, STATUS_DEVICE_BUSY);
    IoMarkIrpPending(irp);
    pnp->child->wake_irp = irp;
    IoSetCancelRoutine(irp, cancel_wake);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL)) {
        pnp->child->wake_irp = NULL;
        ft_wdf_complete(pnp, irp, STATUS_CANCELLED);
        return STATUS_PENDING;
    }
    ft_wake_waiters(&pnp->policy, STATUS_SUCCESS, true);
    tell_machine(pnp);
    return STATUS_PENDING;
}

bool ft_wdf_child_await_wake(struct ft_wdf_pnp *pnp)
{
    while (pnp->policy.wake_irp && !pnp->child->wake_irp)
        ft_task_wait(&pnp->policy, 0);
    ft_wdf_child_settle_wake(pnp);
    return pnp->child->wakes;
}
