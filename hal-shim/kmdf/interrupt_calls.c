/* What drivers call of WDFINTERRUPT objects (kmdf.md, section 6.1). */
#include "kmdf/interrupts.h"

static void unlink_interrupt(struct ft_wdf_interrupt *interrupt)
{
    struct ft_wdf_device *device = interrupt->device;

    if (interrupt->previous)
        interrupt->previous->next = interrupt->next;
    else if (device->ints == interrupt)
        device->ints = interrupt->next;
    if (interrupt->next)
        interrupt->next->previous = interrupt->previous;
}

static void link_interrupt(struct ft_wdf_interrupt *interrupt)
{
    struct ft_wdf_interrupt *last = interrupt->device->ints;

    while (last && last->next)
        last = last->next;
    interrupt->previous = last;
    if (last)
        last->next = interrupt;
    else
        interrupt->device->ints = interrupt;
}

static void dispose_interrupt(struct ft_wdf_object *object)
{
    struct ft_wdf_interrupt *interrupt = (struct ft_wdf_interrupt *)object;

    ft_wdf_interrupt_down(interrupt, FT_WDF_DOWN_SURPRISE);
    unlink_interrupt(interrupt);
    if (interrupt->work)
        IoFreeWorkItem(interrupt->work);
    if (interrupt->passive_work)
        IoFreeWorkItem(interrupt->passive_work);
    interrupt->work = interrupt->passive_work = NULL;
}

static const struct ft_wdf_class interrupt_class = {.handle_class = FT_HC_WDF_INTERRUPT,
                                                    .passive = 1,
                                                    .undeletable = 1,
                                                    .dispose = dispose_interrupt};

/* ---- creation ---- */

static NTSTATUS check_config(const WDF_INTERRUPT_CONFIG *config)
{
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!config->EvtInterruptIsr || (config->EvtInterruptDpc && config->EvtInterruptWorkItem))
        return STATUS_INVALID_PARAMETER;
    if (config->PassiveHandling ? config->SpinLock != NULL : config->WaitLock != NULL)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* Made in EvtDriverDeviceAdd, or in EvtDevicePrepareHardware for certain resources. */
static NTSTATUS check_window(const struct ft_wdf_pnp *pnp, const WDF_INTERRUPT_CONFIG *config)
{
    bool resources = config->InterruptRaw || config->InterruptTranslated;

    if (pnp->in_prepare) {
        if (!config->InterruptRaw || !config->InterruptTranslated ||
            config->ShareVector != WdfUseDefault)
            return STATUS_INVALID_DEVICE_STATE;
        return STATUS_SUCCESS;
    }
    if (pnp->device->add_over || pnp->pnp.state != WdfDevStatePnpInit)
        return STATUS_INVALID_DEVICE_STATE;
    return resources || config->CanWakeDevice ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS check_attributes(const struct ft_wdf_device *device,
                                 const WDF_INTERRUPT_CONFIG *config,
                                 const WDF_OBJECT_ATTRIBUTES *attributes)
{
    bool serial = config->AutomaticSerialization != FALSE;
    NTSTATUS status = ft_wdf_attributes_check(attributes, serial);
    const struct ft_wdf_object *parent = &device->object;

    if (!NT_SUCCESS(status))
        return status;
    if (attributes && attributes->ParentObject)
        parent = attributes->ParentObject;
    if (parent->device != device)
        return STATUS_INVALID_PARAMETER;
    if (serial && config->EvtInterruptDpc && parent->level == WdfExecutionLevelPassive)
        return STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL;
    return status;
}

/* The descriptors are the framework's own, or the driver's copies. */
static ULONG count_messages_before(const struct ft_wdf_resources *list,
                                   const CM_PARTIAL_RESOURCE_DESCRIPTOR *part)
{
    ULONG count = 0;

    for (ULONG i = 0; i < list->count; i++) {
        if (&list->part[i] == part || memcmp(&list->part[i], part, sizeof *part) == 0)
            return count;
        count += list->part[i].Type == CmResourceTypeInterrupt;
    }
    return 0;
}

/* The driver's wait lock, or one of the interrupt's own. */
static NTSTATUS make_passive(struct ft_wdf_interrupt *interrupt)
{
    WDF_OBJECT_ATTRIBUTES attributes;

    KeInitializeDpc(&interrupt->passive_dpc, ft_wdf_interrupt_passive_dpc, interrupt);
    interrupt->passive_work = IoAllocateWorkItem(interrupt->device->fdo);
    if (!interrupt->passive_work)
        return STATUS_INSUFFICIENT_RESOURCES;
    interrupt->wait_lock = interrupt->config.WaitLock;
    if (interrupt->wait_lock)
        return STATUS_SUCCESS;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = interrupt;
    return WdfWaitLockCreate(&attributes, &interrupt->wait_lock);
}

static NTSTATUS fill(struct ft_wdf_interrupt *interrupt)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(interrupt->device);
    const WDF_INTERRUPT_CONFIG *config = &interrupt->config;

    KeInitializeDpc(&interrupt->dpc, ft_wdf_interrupt_dpc, interrupt);
    KeInitializeDpc(&interrupt->work_dpc, ft_wdf_interrupt_work_dpc, interrupt);
    if (config->EvtInterruptWorkItem) {
        interrupt->work = IoAllocateWorkItem(interrupt->device->fdo);
        if (!interrupt->work)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (config->PassiveHandling && !NT_SUCCESS(make_passive(interrupt)))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (pnp->in_prepare) {
        interrupt->of_prepare = 1;
        ft_wdf_interrupt_resources(
            interrupt, config->InterruptRaw, config->InterruptTranslated,
            count_messages_before(pnp->translated, config->InterruptTranslated));
    }
    return STATUS_SUCCESS;
}

static NTSTATUS create(struct ft_wdf_device *device, const WDF_INTERRUPT_CONFIG *config,
                       const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_interrupt **ret)
{
    NTSTATUS status = check_config(config);
    struct ft_wdf_interrupt *interrupt;

    if (NT_SUCCESS(status))
        status = check_window(ft_wdf_pnp_of(device), config);
    if (NT_SUCCESS(status))
        status = check_attributes(device, config, attributes);
    if (!NT_SUCCESS(status))
        return status;
    interrupt = ft_wdf_object_new(&interrupt_class, sizeof *interrupt, &device->object, attributes,
                                  &status);
    if (!interrupt)
        return status;
    interrupt->device = device;
    interrupt->config = *config;
    status = fill(interrupt);
    if (!NT_SUCCESS(status)) {
        ft_wdf_object_abandon(&interrupt->object);
        return status;
    }
    link_interrupt(interrupt);
    *ret = interrupt;
    return status;
}

NTSTATUS WdfInterruptCreate(WDFDEVICE Device, PWDF_INTERRUPT_CONFIG Configuration,
                            PWDF_OBJECT_ATTRIBUTES Attributes, WDFINTERRUPT *Interrupt)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_interrupt *interrupt = NULL;
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(Configuration);
    ft_wdf_require(Interrupt);
    *Interrupt = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        status = create(device, Configuration, Attributes, &interrupt);
    *Interrupt = interrupt;
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_NEW, ft_wdf_handle(interrupt), ft_wdf_handle(device),
                interrupt ? interrupt->vector : 0, (uint32_t)status);
    FT_WDF_END(WDF_INTERRUPT, 0);
    return status;
}

/* ---- in the ISR ---- */

BOOLEAN WdfInterruptQueueDpcForIsr(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;
    BOOLEAN queued = FALSE;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    if (interrupt->config.EvtInterruptDpc)
        queued = KeInsertQueueDpc(&interrupt->dpc, NULL, NULL);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_DEFER, ft_wdf_handle(interrupt), false, queued);
    FT_WDF_END(WDF_INTERRUPT, 0);
    return queued;
}

/* A DPC queues it when the level is too high for that. */
static bool queue_work(struct ft_wdf_interrupt *interrupt)
{
    if (!interrupt->work || interrupt->work_queued)
        return false;
    interrupt->work_queued = 1;
    if (ft_irql() > DISPATCH_LEVEL)
        KeInsertQueueDpc(&interrupt->work_dpc, NULL, NULL);
    else
        ft_wdf_interrupt_work_dpc(&interrupt->work_dpc, interrupt, NULL, NULL);
    return true;
}

BOOLEAN WdfInterruptQueueWorkItemForIsr(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;
    BOOLEAN queued;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    queued = queue_work(interrupt);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_DEFER, ft_wdf_handle(interrupt), true, queued);
    FT_WDF_END(WDF_INTERRUPT, 0);
    return queued;
}

/* ---- the lock ---- */

static uint64_t call_synchronize(void *callback, void *interrupt, void *context, void *unused)
{
    (void)unused;
    return ((PFN_WDF_INTERRUPT_SYNCHRONIZE)callback)(interrupt, context);
}

/* Not connected: undefined on Windows; here the callback does not run. */
BOOLEAN WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback,
                                WDFCONTEXT Context)
{
    struct ft_wdf_interrupt *interrupt;
    struct ft_wdf_locked_call call = {.routine = FT_ROUTINE_WDF_INTERRUPT_SYNC,
                                      .thunk = call_synchronize,
                                      .callback = (void *)Callback,
                                      .argument = Context};
    BOOLEAN value = FALSE;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = call.interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_require((void *)Callback);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_SYNC, ft_wdf_handle(interrupt), interrupt->connected != NULL);
    if (interrupt->connected)
        value = (BOOLEAN)ft_wdf_interrupt_locked(&call);
    FT_WDF_END(WDF_INTERRUPT, 0);
    return value;
}

/* Not connected: there is no lock to take, and the level stays. */
VOID WdfInterruptAcquireLock(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_LOCK, ft_wdf_handle(interrupt), true,
                interrupt->connected != NULL);
    interrupt->old_irql = (KIRQL)ft_irql();
    if (ft_wdf_is_passive(interrupt))
        WdfWaitLockAcquire(interrupt->wait_lock, NULL);
    else if (interrupt->connected)
        interrupt->old_irql = KeAcquireInterruptSpinLock(interrupt->connected);
    FT_WDF_END(WDF_INTERRUPT, 0);
}

VOID WdfInterruptReleaseLock(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;
    KIRQL old;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_LOCK, ft_wdf_handle(interrupt), false,
                interrupt->connected != NULL);
    old = interrupt->old_irql;
    if (ft_wdf_is_passive(interrupt))
        WdfWaitLockRelease(interrupt->wait_lock);
    else if (interrupt->connected)
        KeReleaseInterruptSpinLock(interrupt->connected, old);
    FT_WDF_END(WDF_INTERRUPT, 0);
}

/* Passive handling only: others can be waited for at their level alone. */
BOOLEAN WdfInterruptTryToAcquireLock(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;
    LONGLONG at_once = 0;
    BOOLEAN taken = FALSE;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && ft_wdf_is_passive(interrupt))
        taken = WdfWaitLockAcquire(interrupt->wait_lock, &at_once) == STATUS_SUCCESS;
    FT_WDF_END(WDF_INTERRUPT, 0);
    return taken;
}

/* ---- outside the power machine ---- */

VOID WdfInterruptEnable(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_FORCE, ft_wdf_handle(interrupt), true);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        interrupt->forced_off = 0;
        ft_wdf_interrupt_up(interrupt, true);
    }
    FT_WDF_END(WDF_INTERRUPT, 0);
}

VOID WdfInterruptDisable(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_emit(FT_EV_WDF_INTERRUPT_FORCE, ft_wdf_handle(interrupt), false);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        interrupt->forced_off = 1;
        ft_wdf_interrupt_down(interrupt, FT_WDF_DOWN_FORCE);
    }
    FT_WDF_END(WDF_INTERRUPT, 0);
}

static void report_active(WDFINTERRUPT handle, bool active)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_check(handle, FT_HC_WDF_INTERRUPT);
    IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS how = {.Version = CONNECT_FULLY_SPECIFIED};

    how.ConnectionContext.InterruptObject = interrupt->connected;
    if (!interrupt->connected || !ft_wdf_irql_ok(DISPATCH_LEVEL))
        return;
    interrupt->inactive = !active;
    if (active)
        IoReportInterruptActive(&how);
    else
        IoReportInterruptInactive(&how);
}

VOID WdfInterruptReportActive(WDFINTERRUPT Interrupt)
{
    FT_WDF_DO(WDF_INTERRUPT, 0, report_active(Interrupt, true));
}

VOID WdfInterruptReportInactive(WDFINTERRUPT Interrupt)
{
    FT_WDF_DO(WDF_INTERRUPT, 0, report_active(Interrupt, false));
}

/* A wish about the next assignment of resources, which this machine makes as it does. */
VOID WdfInterruptSetPolicy(WDFINTERRUPT Interrupt, WDF_INTERRUPT_POLICY Policy,
                           WDF_INTERRUPT_PRIORITY Priority, KAFFINITY TargetProcessorSet)
{
    (void)Policy, (void)Priority, (void)TargetProcessorSet;
    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_INTERRUPT, 0);
}

VOID WdfInterruptSetExtendedPolicy(WDFINTERRUPT Interrupt,
                                   PWDF_INTERRUPT_EXTENDED_POLICY PolicyAndGroup)
{
    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_require(PolicyAndGroup);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    FT_WDF_END(WDF_INTERRUPT, 0);
}

/* ---- what it is ---- */

static void describe(const struct ft_wdf_interrupt *interrupt, PWDF_INTERRUPT_INFO info)
{
    info->TargetProcessorSet = interrupt->affinity;
    info->MessageNumber = interrupt->message;
    info->Vector = interrupt->vector;
    info->Irql = interrupt->irql;
    info->Mode = interrupt->latched ? Latched : LevelSensitive;
    info->Polarity = WdfInterruptPolarityUnknown;
    info->MessageSignaled = interrupt->message_signaled;
    info->ShareDisposition =
        interrupt->shared ? CmResourceShareShared : CmResourceShareDeviceExclusive;
    info->Group = 0;
}

VOID WdfInterruptGetInfo(WDFINTERRUPT Interrupt, PWDF_INTERRUPT_INFO Info)
{
    struct ft_wdf_interrupt *interrupt;

    FT_WDF_BEGIN(WDF_INTERRUPT, 0);
    interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_require(Info);
    if (Info->Size == sizeof *Info)
        describe(interrupt, Info);
    else
        ft_wdf_emit(FT_EV_WDF_SIZE, sizeof *Info, Info->Size);
    FT_WDF_END(WDF_INTERRUPT, 0);
}

PKINTERRUPT WdfInterruptWdmGetInterrupt(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);

    return interrupt->connected;
}

WDFDEVICE WdfInterruptGetDevice(WDFINTERRUPT Interrupt)
{
    struct ft_wdf_interrupt *interrupt = ft_wdf_check(Interrupt, FT_HC_WDF_INTERRUPT);

    return interrupt->device;
}
