/* Resources and interrupts (proofs_hardware.def). */
#include "proof_bench.h"

#include "kmdf/pnp_private.h"

#include <string.h>

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message)
{
    (void)interrupt;
    (void)message;
    return FALSE;
}

static VOID later(WDFINTERRUPT interrupt, WDFOBJECT device)
{
    (void)interrupt;
    (void)device;
}

static BOOLEAN synchronized(WDFINTERRUPT interrupt, WDFCONTEXT context)
{
    CHECK(interrupt == P_INTERRUPT && KeGetCurrentIrql() > DISPATCH_LEVEL);
    return context == proof_buffer;
}

static PWDF_INTERRUPT_CONFIG interrupt_config(ULONG cut)
{
    static WDF_INTERRUPT_CONFIG config;

    WDF_INTERRUPT_CONFIG_INIT(&config, isr, later);
    config.Size -= cut;
    return &config;
}

static PWDF_INTERRUPT_CONFIG passive_config(void)
{
    PWDF_INTERRUPT_CONFIG config = interrupt_config(0);

    config->EvtInterruptDpc = NULL;
    config->EvtInterruptWorkItem = later;
    config->PassiveHandling = TRUE;
    return config;
}

/* An interrupt at PASSIVE_LEVEL, not connected. */
static WDFINTERRUPT passive_interrupt(void)
{
    WDFINTERRUPT interrupt = NULL;

    CHECK(WdfInterruptCreate(P_DEVICE, passive_config(), NULL, &interrupt) == STATUS_SUCCESS);
    return interrupt;
}

static WDFOBJECT passive_parent(void)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE queue = NULL;

    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    CHECK(WdfIoQueueCreate(P_DEVICE, &config, &attributes, &queue) == STATUS_SUCCESS);
    return queue;
}

#define SET_IN(config, member, value)                                                              \
    ({                                                                                             \
        __auto_type config_ = (config);                                                            \
        config_->member = (value);                                                                 \
        config_;                                                                                   \
    })

static CM_PARTIAL_RESOURCE_DESCRIPTOR part = {.Type = CmResourceTypeMemory};
static IO_RESOURCE_DESCRIPTOR wish = {.Type = CmResourceTypeMemory};

/* As the lists of a bus driver's own callbacks. */
static WDFCMRESLIST open_to_changes(void)
{
    struct ft_wdf_resources *list = (struct ft_wdf_resources *)P_RESOURCES;

    list->may_add = list->may_remove = 1;
    return P_RESOURCES;
}

static WDFIORESLIST new_list(void)
{
    WDFIORESLIST list = NULL;

    CHECK(WdfIoResourceListCreate(P_REQUIREMENTS_H, NULL, &list) == STATUS_SUCCESS);
    return list;
}

#define PROOFS "proofs_hardware.def"
#include "proof_rows.h"
