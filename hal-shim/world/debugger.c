/* The machine as a debugger sees it. */
#include "sim/debugger.h"

#include "sim/handle.h"
#include "world/host.h"
#include "world/machine.h"
#include "world/world_private.h"

#include <stdarg.h>
#include <stdio.h>

struct ft_debugger ft_debugger;

#define FOR_THE_DEBUGGER __attribute__((used, noinline))

FOR_THE_DEBUGGER void ft_debugger_stop(uint64_t event)
{
    if (ft_debugger.ahead) {
        if (ft_current())
            ft_debugger_bail();
        ft_debugger.back = true;
        return;
    }
    ft_debugger.event = event;
    ft_host_break();
    ft_debugger.event = 0;
}

FOR_THE_DEBUGGER uint64_t ft_debugger_events(void)
{
    return FT_M->events;
}

/* A device's engine that a polling task let step has frames of its own on the task's stack; they
 * are given up with it. */
FOR_THE_DEBUGGER bool ft_debugger_in_task(void)
{
    return ft_current() != NULL;
}

FOR_THE_DEBUGGER _Noreturn void ft_debugger_bail(void)
{
    ft_debugger.event = 0;
    ft_debugger.back = true;
    ft_task_leave();
}

FOR_THE_DEBUGGER uint64_t ft_debugger_code_begin(void)
{
    return (uint64_t)(uintptr_t)ft_host_world.module->code_begin;
}

FOR_THE_DEBUGGER uint64_t ft_debugger_code_end(void)
{
    return (uint64_t)(uintptr_t)ft_host_world.module->code_end;
}

/* ---- the machine in words ---- */

static char text[32768];
static size_t used;

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    if (length > 0)
        used += (size_t)length < sizeof text - used ? (size_t)length : sizeof text - used - 1;
}

/* "irp#3", "-" for none. */
static void say_handle(uint64_t handle)
{
    static const char *const names[] = {
#define HC(number, symbol, name) [number] = name,
        FT_HANDLE_CLASSES(HC)
#undef HC
    };
    unsigned class_ = ft_handle_class(handle);

    if (handle == 0 || class_ >= sizeof names / sizeof names[0] || !names[class_])
        say("-");
    else
        say("%s#%u", names[class_], ft_handle_id(handle));
}

static void say_object(const char *what, const void *object)
{
    if (!object)
        return;
    say(" %s=", what);
    say_handle(ft_handle_of(object));
}

static void say_run(void)
{
    static const char *const phases[] = {"start", "ops", "tail", "over"};
    const struct ft_machine *m = FT_M;

    say("run          %llu events, %llu points, %llu.%07llu s, phase %s\n",
        (unsigned long long)m->events, (unsigned long long)m->steps,
        (unsigned long long)(m->now / 10000000), (unsigned long long)(m->now % 10000000),
        phases[m->phase]);
    say("ops          %u fired, %u late, %u skipped", m->ops_fired, m->ops_late, m->ops_skipped);
    if (m->armed_valid)
        say("; armed: %s", ft_op_row(m->armed.kind) ? ft_op_row(m->armed.kind)->name : "?");
    say("\n");
}

/* The topmost activation first. */
static void say_processors(void)
{
    for (unsigned i = 0; i < FT_M->cpus; i++) {
        const struct ft_cpu *cpu = &FT_M->cpu[i];
        const struct ft_task *current = ft_current();

        say("processor    %u: IRQL %u,", i, ft_cpu_irql(i));
        if (current && current->cpu == i && !current->resident)
            say(" task#%u", current->id);
        else if (cpu->depth == 0)
            say(" idle");
        for (unsigned k = 0; k < cpu->depth; k++)
            say("%s task#%u", k ? " over" : "", FT_M->task[cpu->stack[cpu->depth - 1 - k]].id);
        say("\n");
    }
}

static void say_task(const struct ft_task *task, bool current)
{
    static const char *const kinds[FT_TASK_KIND_COUNT] = {
        [FT_TASK_ISR] = "isr",     [FT_TASK_DPC] = "dpc",   [FT_TASK_ENGINE] = "engine",
        [FT_TASK_TIMER] = "timer", [FT_TASK_WORK] = "work", [FT_TASK_THREAD] = "thread",
        [FT_TASK_CLOCK] = "clock"};
    static const char *const states[] = {
        "free", "ready", "running", "waits for a lock", "waits", "waits for a quiet machine"};

    say("%s task#%-4u %-6s IRQL %-2u %s", current ? "*" : " ", task->id, kinds[task->kind],
        task->irql, states[task->state]);
    if (task->state == FT_TS_SPIN || task->state == FT_TS_WAIT)
        say_object("for", task->wait_object);
    if (task->resident)
        say(", on processor %u", task->cpu);
    if (task->request)
        say(", serves irp#%u", task->request);
    if (task->label)
        say(", label %u", task->label);
    if (task->locks)
        say(", %u lock%s held", task->locks, task->locks == 1 ? "" : "s");
    if (!task->began)
        say(", not begun");
    say("\n");
}

static void say_tasks(void)
{
    say("tasks\n");
    for (uint32_t left = FT_ALL_TASKS; left;) {
        const struct ft_task *task = ft_next_task(&left);

        say_task(task, task == ft_current());
    }
    for (unsigned i = 0; i < FT_M->dpc_count; i++) {
        say("  queued   ");
        say_handle(ft_handle_of(FT_M->dpc_queue[i].dpc));
        say(" on processor %u\n", FT_M->dpc_queue[i].cpu);
    }
    for (unsigned i = 0; i < FT_TIMERS_MAX; i++) {
        const struct ft_timer *timer = &FT_M->timer[i];

        if (!timer->timer)
            continue;
        say("  set      ");
        say_handle(ft_handle_of(timer->timer));
        say(" due in %llu us\n",
            (unsigned long long)(timer->due > FT_M->now ? (timer->due - FT_M->now) / 10 : 0));
    }
}

static void say_device(const struct ft_io_device *io)
{
    static const char *const states[FT_PNP_COUNT] = {
        "unknown", "not started",    "started",          "stop pending",
        "stopped", "remove pending", "surprise-removed", "removed"};

    say("device       device#%u: PnP %s, power D%u, machine %s%u%s%s\n", io->pdo_id,
        states[io->pnp < FT_PNP_COUNT ? io->pnp : 0], io->power ? io->power - 1U : 0U, "S",
        FT_M->io.system ? FT_M->io.system - 1U : 0U, io->yanked ? ", the hardware is gone" : "",
        io->device.line ? ", interrupt line up" : "");
}

static void say_devices(void)
{
    FT_EACH_DEVICE(device)
        say_device(device);
    if (FT_M->io.manager_busy)
        say("  on its way: a PnP or power request, %u more wait\n", FT_M->io.queue_count);
}

static void say_requests_of(const struct ft_io_device *io)
{
    for (unsigned i = 0; i < FT_REQUESTS_MAX; i++) {
        const struct ft_request *request = &io->request[i];

        if (request->state == FT_REQUEST_FREE)
            continue;
        say("  %-9s ", ft_op_row(request->op) ? ft_op_row(request->op)->name : "request");
        say_handle(request->irp ? ft_handle_of(request->irp) : 0);
        say(" %u bytes, %s%s", request->bytes,
            request->state == FT_REQUEST_NEW ? "not sent yet" : "with the driver",
            request->inside ? ", its thread is in the driver" : "");
        if (request->label)
            say(", label %u", request->label);
        say("\n");
    }
    for (unsigned i = 0; i < FT_SEND_COUNT; i++)
        if (io->send[i].irp && !io->send[i].done) {
            say("  system    ");
            say_handle(io->send[i].irp);
            say(" is on its way\n");
        }
}

static void say_requests(void)
{
    say("requests\n");
    FT_EACH_DEVICE(device)
        say_requests_of(device);
}

static unsigned bits(const uint64_t *word)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FT_DMA_REGISTERS_MAX / 64; i++)
        count += (unsigned)__builtin_popcountll(word[i]);
    return count;
}

static void say_grants(const struct ft_dma_state *dma)
{
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        const struct ft_dma_grant *grant = &dma->grant[i];

        if (grant->state == FT_GRANT_FREE)
            continue;
        say("  grant#%-4u adapter#%u %u register%s, %s%s", grant->id, grant->adapter, grant->count,
            grant->count == 1 ? "" : "s", grant->state == FT_GRANT_WAITING ? "waits" : "granted",
            grant->channel ? ", holds the channel" : "");
        if (grant->request)
            say(", for irp#%u", grant->request);
        say("\n");
    }
}

static void say_dma(void)
{
    const struct ft_dma_state *dma = &FT_M->dma;

    say("map registers %u granted, %u mapped, %u requests wait\n", bits(dma->granted),
        bits(dma->mapped), dma->waiting);
    for (unsigned i = 0; i < FT_DMA_ADAPTERS_MAX; i++) {
        const struct ft_dma_adapter *adapter = &dma->adapter[i];

        if (!adapter->block)
            continue;
        say("  adapter#%-2u version %u, %u registers at most, %s", adapter->id, adapter->version,
            adapter->registers, adapter->scatter_gather ? "scatter/gather" : "packets");
        if (adapter->channel)
            say(", channel held by grant#%u", adapter->channel);
        say("\n");
    }
    say_grants(dma);
    for (unsigned i = 0; i < FT_DMA_MAPPINGS_MAX; i++) {
        const struct ft_dma_mapping *map = &dma->mapping[i];

        if (!map->id)
            continue;
        say("  map#%-6u %u bytes %s the device at 0x%llx, not flushed", map->id, map->length,
            map->write ? "to" : "from", (unsigned long long)map->logical);
        if (map->request)
            say(", of irp#%u", map->request);
        say("\n");
    }
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++)
        if (dma->common[i].id && dma->common[i].live)
            say("  common#%-3u %u bytes at 0x%llx\n", dma->common[i].id, dma->common[i].length,
                (unsigned long long)dma->common[i].logical);
}

FOR_THE_DEBUGGER const char *ft_debugger_world(void)
{
    used = 0;
    text[0] = '\0';
    say_run();
    say_processors();
    say_devices();
    say_tasks();
    say_requests();
    say_dma();
    return text;
}
