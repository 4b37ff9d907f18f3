/* Events leave the world here, and nowhere else: hash, log, observer. */
#include "sim/debugger.h"
#include "world/host.h"
#include "world/machine.h"
#include "world/races.h"
#include "world/world_private.h"

#include <string.h>

static void fill_header(struct ft_event *event)
{
    const struct ft_task *task = ft_current();

    if (!task || FT_M->in_engine == FT_ENGINE_STEPPING) {
        event->cpu = FT_NO_CPU;
        event->layer = FT_M->in_engine == FT_ENGINE_STEPPING ? FT_LAYER_DEVICE : FT_LAYER_HARNESS;
        event->device = FT_M->io.second ? FT_DEV->pdo_id : 0; /* the only one needs no name */
        return;
    }
    event->cpu = task->cpu;
    event->irql = task->irql;
    event->layer = task->layer;
    event->nesting = task->nesting;
    event->task = task->id;
    event->device = task->device;
    event->request = task->request;
    event->label = task->label;
    event->site = task->layer == FT_LAYER_DRIVER ? task->site : 0;
}

static void deliver(struct ft_event *event)
{
    struct ft_machine *m = FT_M;
    struct ft_event_log *log = m->options.log;

    if (__builtin_expect(ft_host_world.accesses, 0))
        ft_happens_event(event);
    m->events++;
    m->driver_events += event->layer == FT_LAYER_DRIVER;
    if (__builtin_expect(ft_debugger.stop_at == m->events, 0))
        ft_debugger_stop(m->events);
    m->hash = ft_event_hash(m->hash, event);
    if (log) {
        if (log->count < log->capacity) {
            log->event[log->count] = *event;
            log->hash = m->hash;
            log->count = log->count + 1;
        } else {
            log->lost = log->lost + 1;
            ft_stop(FT_STOP_CUT);
        }
    }
    if (ft_host_world.observer && ft_host_world.observer(ft_host_world.observer_state, event))
        ft_stop(FT_STOP_OBSERVER);
}

/* After the run has stopped nothing is observed any more: the verdict stands. */
static bool begin_event(struct ft_event *event, enum ft_event_kind kind, unsigned argc,
                        const uint64_t *arg)
{
    if (FT_M->stop != FT_STOP_NONE)
        return false;
    FT_ASSERT(argc <= FT_EVENT_ARGS_MAX);
    memset(event, 0, sizeof *event);
    fill_header(event);
    event->kind = (uint16_t)kind;
    event->argc = (uint8_t)argc;
    for (unsigned i = 0; i < argc; i++)
        event->arg[i] = arg[i];
    return true;
}

void ft_emit_as(enum ft_layer layer, unsigned request, enum ft_event_kind kind, unsigned argc,
                const uint64_t *arg)
{
    struct ft_event event;

    if (!begin_event(&event, kind, argc, arg))
        return;
    event.layer = (uint8_t)layer;
    if (layer != FT_LAYER_DRIVER)
        event.site = 0;
    event.request = (uint16_t)request;
    deliver(&event);
}

void ft_emit_args(enum ft_event_kind kind, unsigned argc, const uint64_t *arg)
{
    struct ft_event event;

    if (begin_event(&event, kind, argc, arg))
        deliver(&event);
}

void ft_emit_made(struct ft_event *event, enum ft_event_kind kind, unsigned argc,
                  const uint64_t *arg)
{
    if (FT_M->stop != FT_STOP_NONE)
        return;
    event->kind = (uint16_t)kind;
    event->argc = (uint8_t)argc;
    for (unsigned i = 0; i < argc; i++)
        event->arg[i] = arg[i];
    deliver(event);
}

void ft_emit_text(enum ft_event_kind kind, const char *text)
{
    enum { WORDS = 6, PIECE = WORDS * 8 };
    size_t left = strlen(text);

    do {
        uint64_t word[WORDS] = {0};
        size_t take = left < PIECE ? left : PIECE;

        memcpy(word, text, take);
        ft_emit_args(kind, WORDS, word);
        text += take;
        left -= take;
    } while (left > 0);
}

void ft_stop(enum ft_stop why)
{
    if (FT_M->stop == FT_STOP_NONE)
        FT_M->stop = why;
}

_Noreturn void ft_stop_now(enum ft_stop why)
{
    ft_stop(why);
    FT_ASSERT(ft_current());
    ft_task_leave();
}

_Noreturn void ft_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4)
{
    ft_emit(FT_EV_RUN_BUGCHECK, code, p1, p2, p3, p4);
    ft_bugcheck_callbacks();
    ft_stop_now(FT_STOP_BUGCHECK);
}

_Noreturn void ft_unimplemented(const char *name)
{
    ft_emit_text(FT_EV_RUN_UNIMPLEMENTED, name);
    ft_stop_now(FT_STOP_UNIMPLEMENTED);
}

_Noreturn void ft_assert_failed(const char *expression, const char *file, int line)
{
    const struct ft_machine *m = FT_M;

    ft_host_print("flushtrace: own failure: %s:%d: %s\n", file, line, expression);
    ft_host_print("  events %llu, steps %llu, phase %u, current task %u, now %llu\n",
                  (unsigned long long)m->events, (unsigned long long)m->steps, m->phase, m->current,
                  (unsigned long long)m->now);
    for (unsigned i = 0; i < FT_TASKS_MAX; i++)
        if (m->task[i].state != FT_TS_FREE)
            ft_host_print("  task#%u kind %u state %u irql %u cpu %u label %u\n", m->task[i].id,
                          m->task[i].kind, m->task[i].state, m->task[i].irql, m->task[i].cpu,
                          m->task[i].label);
    ft_host_die();
}
