/* Channels and map registers: AllocateAdapterChannel and what gives both back (wdm-dma
 * sheet, 1.4, 1.6, 1.7, 6.4, 6.10).
 *
 * A request is granted when the adapter's channel is free, the machine has a free run of registers
 * for it, and no earlier request waits for the same: inside AllocateAdapterChannel, inside the call
 * that gives back what it waited for, or as a task of its own (ft_dma_grant_next). Not modelled: a
 * MapRegisterBase of NULL, and the damage that a second request does to the first in the device
 * object's wait block: each gets its turn. The machine has room for FT_DMA_GRANTS_MAX requests at
 * one time; one more gets STATUS_INSUFFICIENT_RESOURCES.
 */
#include "dma/frames.h"
#include "dma/transfer_ex.h"

#include <string.h>

enum { BASE_BYTES = 16 };

/* Codes of Driver Verifier. */
enum {
    TOO_MANY_CHANNELS_FREED = 0x04,
    TOO_MANY_REGISTERS_FREED = 0x05,
    TWO_CHANNELS = 0x0B,
    TOO_MANY_REGISTERS = 0x0C,
    STILL_MAPPED = 0x10
};

/* A run of free registers for a file of that size. The system DMA controller does not come across a
 * boundary, so a subordinate device's file lies between two of them. */
static bool registers_free(const struct ft_dma_adapter *adapter, unsigned count, unsigned *first)
{
    const struct ft_dma_state *dma = &FT_M->dma;
    unsigned total = ft_dma_register_count(), step = total, longest;

    if (dma->few_armed && count > dma->few_left)
        return false;
    if (ft_dma_boundary(adapter))
        step = (unsigned)(ft_dma_boundary(adapter) / FT_PAGE_BYTES);
    for (unsigned at = 0; at < total; at += step)
        if (ft_dma_registers_find(dma->granted, at, at + step > total ? total - at : step, count,
                                  first, &longest))
            return true;
    return false;
}

/* The registers are there; a list also needs room for its mappings. */
static bool grant_fits(const struct ft_dma_grant *grant, unsigned *first)
{
    return registers_free(ft_dma_adapter_by_id(grant->adapter), grant->count, first) &&
           (!grant->list || grant->count <= ft_dma_mappings_free());
}

/* ---- grants ---- */

static uint64_t grant_handle(const struct ft_dma_grant *grant)
{
    return ft_handle(FT_HC_GRANT, grant->id, 0);
}

static uint64_t irp_handle(const struct ft_dma_grant *grant)
{
    return grant->irp && grant->request ? ft_handle(FT_HC_IRP, grant->request, 0) : 0;
}

struct ft_dma_grant *ft_dma_grant_by_id(uint32_t id)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++)
        if (FT_M->dma.grant[i].state != FT_GRANT_FREE && FT_M->dma.grant[i].id == id)
            return &FT_M->dma.grant[i];
    return NULL;
}

struct ft_dma_grant *ft_dma_grant_of_base(const void *base)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];

        if (grant->state == FT_GRANT_GRANTED && grant->registers && grant->base == base &&
            !grant->list)
            return grant;
    }
    return NULL;
}

/* The slot is free once nothing is held and no AdapterControl of it is under way. */
void ft_dma_grant_retire(struct ft_dma_grant *grant)
{
    struct ft_dma_transfer *transfer = grant->transfer;

    if (grant->channel || grant->registers || grant->in_control ||
        (transfer && transfer->routine_due))
        return;
    if (transfer && grant->state == FT_GRANT_GRANTED)
        ft_context_release(transfer);
    FT_M->dma.waiting -= grant->state == FT_GRANT_WAITING;
    if (grant->transfer && grant->transfer != grant->base)
        ft_block_free(grant->transfer);
    ft_block_free(grant->base);
    memset(grant, 0, sizeof *grant);
}

void ft_dma_channel_back(struct ft_dma_grant *grant)
{
    struct ft_dma_adapter *adapter = ft_dma_adapter_by_id(grant->adapter);

    if (adapter && adapter->channel == grant->id)
        adapter->channel = 0;
    grant->channel = 0;
}

void ft_dma_registers_back(struct ft_dma_grant *grant)
{
    if (!grant->registers)
        return;
    ft_dma_drop_mappings(grant->id);
    ft_dma_registers_set(FT_M->dma.granted, grant->first, grant->count, false);
    grant->registers = 0;
    /* The world choice few-registers lasts until a file is freed. */
    FT_M->dma.few_armed = 0;
}

void ft_dma_release_all(const struct ft_dma_adapter *adapter)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        struct ft_dma_grant *grant = &FT_M->dma.grant[i];

        if (grant->state == FT_GRANT_FREE || grant->adapter != adapter->id)
            continue;
        ft_dma_list_forget(grant);
        ft_completion_forget(grant);
        ft_dma_channel_back(grant);
        ft_dma_registers_back(grant);
        ft_dma_grant_retire(grant);
    }
}

/* The first request that may be granted now, and its first register. Who waits for an adapter or
 * for registers holds up those that came later and want the same. */
static struct ft_dma_grant *next_grantable(unsigned *first)
{
    uint32_t blocked[FT_DMA_GRANTS_MAX], after = 0;
    unsigned blocked_count = 0;
    bool registers_blocked = false;

    if (FT_M->dma.waiting == 0)
        return NULL;
    for (;;) {
        struct ft_dma_grant *grant = NULL;
        bool busy;

        for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
            struct ft_dma_grant *g = &FT_M->dma.grant[i];

            if (g->state == FT_GRANT_WAITING && g->order >= after &&
                (!grant || g->order < grant->order))
                grant = g;
        }
        if (!grant)
            return NULL;
        after = grant->order + 1;
        busy = ft_dma_adapter_by_id(grant->adapter)->channel != 0;
        for (unsigned i = 0; i < blocked_count; i++)
            busy = busy || blocked[i] == grant->adapter;
        if (!busy && !(registers_blocked && grant->count)) {
            if (grant_fits(grant, first))
                return grant;
            registers_blocked = true;
        }
        blocked[blocked_count++] = grant->adapter;
    }
}

/* Channel and registers become the request's; AdapterControl has to follow. */
static void grant_take(struct ft_dma_grant *grant, unsigned first)
{
    struct ft_dma_state *dma = &FT_M->dma;

    grant->state = FT_GRANT_GRANTED;
    dma->waiting--;
    grant->first = (uint16_t)first;
    grant->channel = 1;
    grant->registers = 1;
    grant->in_control = 1;
    ft_dma_adapter_by_id(grant->adapter)->channel = grant->id;
    ft_dma_registers_set(dma->granted, first, grant->count, true);
    ft_dma_bounce_pages_exist(first + grant->count);
    if (dma->few_armed)
        dma->few_left -= grant->count;
}

/* ---- AdapterControl ---- */

static uint64_t call_control(void *a, void *b, void *c, void *d)
{
    const struct ft_dma_grant *call = d;

    return (uint32_t)((PDRIVER_CONTROL)call->routine)(a, b, c, call->context);
}

/* What AdapterControl returned says who owns channel and registers. A value that is no action
 * leaves both with the driver. */
static void apply_action(struct ft_dma_grant *grant, uint64_t action)
{
    grant->in_control = 0;
    if (action == DeallocateObject || action == DeallocateObjectKeepRegisters)
        ft_dma_channel_back(grant);
    if (action == DeallocateObject)
        ft_dma_registers_back(grant);
    ft_dma_grant_retire(grant);
}

/* A synchronous grant without a routine is the caller's, as if one had returned KeepObject. */
static void run_control(const struct ft_dma_grant *call)
{
    uint64_t adapter = ft_handle(FT_HC_ADAPTER, call->adapter, 0), action = KeepObject;

    ft_emit(FT_EV_DMA_GRANT, adapter, grant_handle(call), call->count, irp_handle(call));
    if (call->routine)
        action = ft_call_routine((void *)call->routine, FT_ROUTINE_ADAPTER_CONTROL,
                                 grant_handle(call), 0, call->request, call_control, call->device,
                                 call->irp, call->base, (void *)call);
    ft_emit(FT_EV_DMA_ACTION, adapter, grant_handle(call), action);
    apply_action(ft_dma_grant_by_id(call->id), action);
}

/* At DISPATCH_LEVEL, unless the driver is wrongly above it. */
void ft_dma_grant_run(struct ft_dma_grant *grant)
{
    /* The slot may change while the driver runs: another processor may free the registers already.
     */
    struct ft_dma_grant call = *grant;
    /* Who gives registers back may be about another device than who has waited for them. */
    struct ft_focus was = ft_focus_on(ft_device_owning(call.device));
    unsigned irql = ft_irql();

    if (irql < DISPATCH_LEVEL)
        ft_irql_set(DISPATCH_LEVEL);
    if (call.list) {
        ft_dma_list_run(&call);
        /* The channel goes back; the registers stay with the list until it is put. A synchronous
         * list without a routine leaves both with the caller. */
        apply_action(ft_dma_grant_by_id(call.id),
                     call.routine ? DeallocateObjectKeepRegisters : KeepObject);
    } else {
        run_control(&call);
    }
    if (irql < DISPATCH_LEVEL && ft_irql() == DISPATCH_LEVEL)
        ft_irql_set(irql);
    ft_focus_back(was);
}

/* Lets every request run that may run now. */
void ft_dma_drain(void)
{
    struct ft_dma_grant *grant;
    unsigned first;

    while ((grant = next_grantable(&first)) != NULL) {
        grant_take(grant, first);
        ft_dma_grant_run(grant);
    }
}

bool ft_dma_grant_now(struct ft_dma_grant *grant)
{
    unsigned first;

    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        const struct ft_dma_grant *ahead = &FT_M->dma.grant[i];

        if (ahead != grant && ahead->state == FT_GRANT_WAITING &&
            (ahead->adapter == grant->adapter || (ahead->count && grant->count)))
            return false;
    }
    if (ft_dma_adapter_by_id(grant->adapter)->channel || !grant_fits(grant, &first))
        return false;
    grant_take(grant, first);
    return true;
}

static void grant_task(void *argument)
{
    struct ft_task *task = ft_current();
    struct ft_dma_grant *grant = ft_dma_grant_by_id((uint32_t)(uintptr_t)argument);

    task->layer = FT_LAYER_SYSTEM;
    ft_dma_grant_run(grant);
    ft_dma_drain();
    /* KeFlushQueuedDpcs waits for tasks like this one, too. */
    ft_wake_waiters(&FT_M->dpc_count, STATUS_SUCCESS, true);
}

static bool any_file(void)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++)
        if (FT_M->dma.grant[i].registers)
            return true;
    return false;
}

bool ft_dma_grant_pending(void)
{
    unsigned first, cpu;

    if (FT_M->dma.waiting != 0 && ft_cpu_find(DISPATCH_LEVEL, &cpu) &&
        (next_grantable(&first) || (FT_M->dma.few_armed && !any_file())))
        return true;
    return ft_completion_pending();
}

bool ft_dma_grant_next(void)
{
    struct ft_dma_grant *grant;
    struct ft_task *task;
    unsigned first, cpu;

    if (FT_M->dma.waiting == 0 || !ft_cpu_find(DISPATCH_LEVEL, &cpu))
        return ft_completion_start_next();
    grant = next_grantable(&first);
    if (!grant && FT_M->dma.few_armed && !any_file()) {
        /* The registers that few-registers withholds are somebody else's, who gives them back at
         * last. */
        FT_M->dma.few_armed = 0;
        grant = next_grantable(&first);
    }
    if (!grant)
        return ft_completion_start_next();
    task = ft_task_spawn(FT_TASK_DPC, grant_task, (void *)(uintptr_t)grant->id, grant->label);
    if (!task)
        return false;
    task->irql = DISPATCH_LEVEL;
    task->target = (uint8_t)cpu;
    task->device = (uint16_t)ft_handle_id(ft_block_handle(grant->device));
    ft_task_about(task, ft_device_owning(grant->device)->number);
    grant_take(grant, first);
    return true;
}

/* ---- members of the table ---- */

struct ft_dma_grant *ft_dma_enqueue(const struct ft_dma_grant *request, void *block)
{
    struct ft_dma_grant *grant = FT_M->dma.grant, *end = grant + FT_DMA_GRANTS_MAX;

    while (grant < end && grant->state != FT_GRANT_FREE)
        grant++;
    if (grant == end)
        return NULL;
    if (!block)
        block = ft_block_alloc(BASE_BYTES, FT_HC_GRANT, request->label);
    if (!block)
        return NULL;
    *grant = *request;
    grant->base = block;
    grant->id = ft_handle_id(ft_block_handle(block));
    grant->order = FT_M->dma.order_next++;
    grant->state = FT_GRANT_WAITING;
    FT_M->dma.waiting++;
    return grant;
}

/* A waiting request for this call; NULL when the machine has no room for one more. It serves the
 * device's current request; the framework's and the port's devices have none, there it is what the
 * task serves. */
static struct ft_dma_grant *enqueue(const struct ft_dma_adapter *adapter, PDEVICE_OBJECT device,
                                    ULONG registers, PDRIVER_CONTROL routine, PVOID context)
{
    const struct ft_task *task = ft_current();
    bool of_task =
        !device->CurrentIrp && (task->layer == FT_LAYER_FRAMEWORK || task->layer == FT_LAYER_PORT);
    const struct ft_dma_grant request = {
        .device = device,
        .irp = device->CurrentIrp,
        .routine = (void *)routine,
        .context = context,
        .adapter = adapter->id,
        .count = (uint16_t)registers,
        .request =
            of_task ? task->request : (uint16_t)ft_handle_id(ft_handle_of(device->CurrentIrp)),
        .label = of_task ? task->label : (uint16_t)ft_label_of(device->CurrentIrp),
    };

    return ft_dma_enqueue(&request, NULL);
}

/* AdapterControl does not run inside the call: the platform never does, or the world choice says so
 * once. */
bool ft_dma_deferred(void)
{
    bool armed = FT_M->dma.defer_armed;

    FT_M->dma.defer_armed = 0;
    return armed || FT_M->platform.defer;
}

NTSTATUS ft_dma_allocate_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, ULONG registers,
                                 PDRIVER_CONTROL routine, PVOID context)
{
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    unsigned label = ft_label_of(device->CurrentIrp);
    struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_CHANNEL, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_CHANNEL);
    if (slot) {
        if (slot->channel)
            ft_dma_verify(TWO_CHANNELS, 2, 0, 0);
        if (registers > slot->registers)
            ft_dma_verify(TOO_MANY_REGISTERS, registers, slot->registers, 0);
        if (registers <= slot->registers && !ft_alloc_fails(FT_FAIL_CHANNEL) &&
            enqueue(slot, device, registers, routine, context))
            status = STATUS_SUCCESS;
        ft_emit(FT_EV_DMA_CHANNEL, ft_dma_adapter_handle(slot), registers, (uint32_t)status,
                ft_handle_of(device->CurrentIrp), routine != NULL, ft_handle_of(device));
        if (NT_SUCCESS(status) && !ft_dma_deferred())
            ft_dma_drain();
    }
    FT_DDI_END(DMA_CHANNEL, label);
    return status;
}

VOID ft_dma_free_channel(PDMA_ADAPTER adapter)
{
    struct ft_dma_adapter *slot;
    struct ft_dma_grant *grant;
    unsigned label = ft_current()->label;

    FT_DMA_BEGIN(DMA_FREE, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FREE);
    if (slot) {
        grant = ft_dma_grant_by_id(slot->channel);
        if (grant && grant->list)
            grant = NULL; /* the list's, not the driver's to free */
        if (!grant)
            ft_dma_verify(TOO_MANY_CHANNELS_FREED, 1, 0, 0);
        ft_emit(FT_EV_DMA_FREE_CHANNEL, ft_dma_adapter_handle(slot),
                grant ? grant_handle(grant) : 0);
        if (grant) {
            ft_context_check(grant);
            ft_dma_channel_back(grant);
            ft_dma_registers_back(grant);
            ft_dma_grant_retire(grant);
        }
        ft_dma_drain();
    }
    FT_DDI_END(DMA_FREE, label);
}

/* The whole file goes back, whatever the count says. A base that is none, or another adapter's,
 * frees nothing. */
VOID ft_dma_free_registers(PDMA_ADAPTER adapter, PVOID base, ULONG registers)
{
    struct ft_dma_adapter *slot;
    struct ft_dma_grant *grant;
    unsigned label = ft_label_of(base);

    FT_DMA_BEGIN(DMA_FREE, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FREE);
    if (slot) {
        ft_emit(FT_EV_DMA_FREE_REGS, ft_dma_adapter_handle(slot), ft_handle_of(base), registers);
        grant = ft_dma_grant_of_base(base);
        if (!grant || grant->adapter != slot->id)
            ft_dma_verify(TOO_MANY_REGISTERS_FREED, registers, 0, 0);
        else if (ft_dma_next_mapping(grant->id, 0, 0))
            ft_dma_verify(STILL_MAPPED, grant->count, 0, 0);
        if (grant && grant->adapter == slot->id) {
            ft_context_check(grant);
            ft_dma_registers_back(grant);
            ft_dma_grant_retire(grant);
        }
        ft_dma_drain();
    }
    FT_DDI_END(DMA_FREE, label);
}
