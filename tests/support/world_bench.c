#include "world_bench.h"

#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
    KINDS = 0x1000,
    EVENTS_MAX = 1 << 16,
    NOTES_BYTES = 1024,
    STATUS_UNSUCCESSFUL_ = -0x3FFFFFFF
};

static struct {
    struct wb_case how;
    struct ft_scenario scenario;
    struct ft_world *world;
    struct ft_run_result result;
    void *driver_object;
    char failure[256];
    char notes[NOTES_BYTES];
    unsigned counts[KINDS];
    struct ft_event last[KINDS];
    struct ft_event event[EVENTS_MAX];
    unsigned events;
} bench;

static bool observe(void *state, const struct ft_event *event)
{
    (void)state;
    bench.counts[event->kind % KINDS]++;
    bench.last[event->kind % KINDS] = *event;
    if (bench.events < EVENTS_MAX)
        bench.event[bench.events++] = *event;
    if (bench.how.tap)
        bench.how.tap(NULL, event);
    return false;
}

/* A body's entry fails, so that the run is over when the body is. */
static int entry(void *driver, void *path)
{
    bench.driver_object = driver;
    if (bench.how.entry)
        return bench.how.entry(driver, path);
    bench.how.body();
    ft_irql_set(0);
    return STATUS_UNSUCCESSFUL_;
}

/* ---- the device ---- */

struct registers {
    uint32_t line, scratch, bursts, resets;
};

static void reset(struct sim_device *device)
{
    struct registers *r = sim_device_state(device);

    *r = (struct registers){.resets = r->resets + 1};
    sim_irq_set(device, false);
}

static uint64_t read_register(struct sim_device *device, unsigned bar, uint32_t offset,
                              unsigned width)
{
    const struct registers *r = sim_device_state(device);

    (void)bar, (void)width;
    switch (offset) {
    case WB_REG_LINE:
        return r->line;
    case WB_REG_SCRATCH:
        return r->scratch;
    case WB_REG_BURSTS:
        return r->bursts;
    case WB_REG_RESETS:
        return r->resets;
    default:
        return 0;
    }
}

static void write_register(struct sim_device *device, unsigned bar, uint32_t offset, unsigned width,
                           uint64_t value)
{
    struct registers *r = sim_device_state(device);

    (void)bar, (void)width;
    if (offset == WB_REG_SCRATCH)
        r->scratch = (uint32_t)value;
    if (offset == WB_REG_BURSTS)
        r->bursts = (uint32_t)value;
    if (offset == WB_REG_ENABLE)
        sim_irq_enable(device, value != 0);
    if (offset == WB_REG_MESSAGE)
        sim_irq_message(device, (unsigned)value);
    if (offset == WB_REG_LINE) {
        r->line = value != 0;
        sim_irq_set(device, r->line);
    }
}

static bool engine_busy(const struct sim_device *device)
{
    return ((const struct registers *)sim_device_state(device))->bursts > 0;
}

static void engine_step(struct sim_device *device)
{
    ((struct registers *)sim_device_state(device))->bursts--;
    wb_note("engine");
}

static void stop(struct sim_device *device, enum sim_engine_end why)
{
    struct registers *r = sim_device_state(device);

    r->bursts = 0;
    r->line = 0;
    wb_note(why == SIM_END_YANKED ? "hw-yanked" : "hw-off");
}

static const struct sim_device_model model = {.name = "bench",
                                              .state_bytes = sizeof(struct registers),
                                              .reset = reset,
                                              .read = read_register,
                                              .write = write_register,
                                              .engine_busy = engine_busy,
                                              .engine_step = engine_step,
                                              .stop = stop};
static const struct ft_description plain_description = {
    .name = "bench",
    .devices = 1,
    .windows = 100,
    .dma_version = 2,
    .requests = FT_TAKES_READ | FT_TAKES_WRITE | FT_TAKES_IOCTL,
    .control = {WB_CONTROL, WB_CONTROL + 1, WB_CONTROL + 2, WB_CONTROL + 3},
    .irq_level = WB_IRQ_LEVEL,
    .irq_vector = 9,
    .bar_bytes = {WB_BAR_BYTES},
    .request_bytes_max = 65024};
static struct ft_description description; /* of the world that is open */
static struct ft_module module = {.abi = FT_MODULE_ABI,
                                  .core = "bench",
                                  .mutant = "",
                                  .flavour = "plain",
                                  .description = &description,
                                  .device = &model,
                                  .driver_entry = entry};

/* ---- runs ---- */

void wb_open(const struct wb_case *how)
{
    bench.how = *how;
    description = plain_description;
    module.flavour = how->accesses ? "access" : "plain";
    module.device = how->device_auto ? NULL : how->model ? how->model : &model;
    if (how->describe)
        how->describe(&description);
    memset(&bench.scenario, 0, sizeof bench.scenario);
    ft_platform_preset(how->preset, &bench.scenario.platform);
    if (how->adjust)
        how->adjust(&bench.scenario.platform);
    bench.world = ft_world_create(&module);
    assert_non_null(bench.world);
    ft_world_observe(bench.world, observe, NULL);
}

void wb_again(const struct ft_op *op, unsigned op_count)
{
    struct ft_run_options options = {.scenario = &bench.scenario,
                                     .turns = bench.how.turns,
                                     .cold = true,
                                     .step_limit = bench.how.step_limit};

    assert_true(op_count <= FT_OPS_MAX);
    bench.scenario.op_count = (uint16_t)op_count;
    if (op_count)
        memcpy(bench.scenario.op, op, op_count * sizeof *op);
    memset(bench.counts, 0, sizeof bench.counts);
    memset(bench.last, 0, sizeof bench.last);
    bench.events = 0;
    bench.failure[0] = '\0';
    bench.notes[0] = '\0';
    ft_world_run(bench.world, &options, &bench.result);
}

void wb_close(void)
{
    ft_world_destroy(bench.world);
    if (bench.failure[0] != '\0')
        fail_msg("%s: %s", ft_platform_preset_name(bench.how.preset), bench.failure);
}

void wb_run(const struct wb_case *how)
{
    wb_open(how);
    wb_again(how->op, how->op_count);
    wb_close();
}

void wb_body(void (*body)(void), enum ft_stop stop)
{
    wb_run(&(struct wb_case){.body = body});
    assert_int_equal(bench.result.stop, stop);
}

static uint8_t wanted_processors;

static void set_processors(struct ft_platform *platform)
{
    platform->processors = (uint8_t)(wanted_processors - 1);
}

void wb_body_on(unsigned processors, void (*body)(void))
{
    wanted_processors = (uint8_t)processors;
    wb_run(&(struct wb_case){.body = body, .adjust = set_processors});
    assert_int_equal(bench.result.stop, FT_STOP_NONE);
}

const struct ft_run_result *wb_result(void)
{
    return &bench.result;
}

void *wb_driver_object(void)
{
    return bench.driver_object;
}

void wb_check(bool ok, const char *expression, const char *file, int line)
{
    if (!ok && bench.failure[0] == '\0')
        snprintf(bench.failure, sizeof bench.failure, "%s:%d: %s", file, line, expression);
}

void wb_note(const char *word)
{
    size_t used = strlen(bench.notes);

    snprintf(bench.notes + used, NOTES_BYTES - used, "%s%s", used ? " " : "", word);
}

const char *wb_notes(void)
{
    return bench.notes;
}

/* ---- events ---- */

unsigned wb_count(enum ft_event_kind kind)
{
    return bench.counts[kind];
}

const struct ft_event *wb_last(enum ft_event_kind kind)
{
    return &bench.last[kind];
}

long wb_place(enum ft_event_kind kind, unsigned n)
{
    for (unsigned i = 0; i < bench.events; i++)
        if (bench.event[i].kind == kind && --n == 0)
            return i;
    return -1;
}

const struct ft_event *wb_event(enum ft_event_kind kind, unsigned n)
{
    static const struct ft_event none;
    long place = wb_place(kind, n);

    return place < 0 ? &none : &bench.event[place];
}
