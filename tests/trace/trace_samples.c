/* Traces for the tests of the codec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024, TEXT_WORDS = 6, SITE_FIRST = 0x1200, SITE_STEP = 0x24 };

/* One read request of a packet driver: %1$u counts requests from 1, %2$u is a length, %3$u a
 * logical address. */
static const char *const request_lines[] = {
    "op:fired index=%1$u op=read label=a ; layer=harness label=a cpu=-",
    "task:new task=task#%1$u kind=thread label=a ; layer=system label=a cpu=-",
    "irp:new irp=irp#%1$u code=READ length=%2$u write=no mdl=mdl#%1$u ; layer=system cpu=0",
    "irp:call irp=irp#%1$u device=device#2 code=READ location=1 ; layer=system cpu=0 nest=1",
    "call:enter routine=dispatch object=device#2 code=READ ; layer=driver cpu=0 nest=1",
    "remove-lock:acquire lock=remove-lock#1 tag=irp#%1$u ; layer=driver cpu=0 nest=2",
    "irp:pending irp=irp#%1$u ; layer=driver cpu=0 nest=2",
    "irql:raise new=DISPATCH ; irql=DISPATCH layer=system cpu=0 nest=2",
    "io:start-packet device=device#2 irp=irp#%1$u queued=no ; irql=DISPATCH layer=driver cpu=0",
    "call:enter routine=StartIo object=irp#%1$u code=- ; irql=DISPATCH layer=driver cpu=0 nest=3",
    "lock:acquire lock=lock#2 old=DISPATCH dpc_level=yes ; irql=DISPATCH layer=driver cpu=0 nest=4",
    "irp:set-cancel irp=irp#%1$u previous=yes ; irql=DISPATCH layer=driver cpu=0 nest=4",
    "lock:release lock=lock#2 owner=task#%1$u new=DISPATCH ; irql=DISPATCH layer=driver cpu=0",
    "dma:channel adapter=adapter#1 registers=4 irp=irp#%1$u ; irql=DISPATCH layer=driver cpu=0",
    "dma:grant adapter=adapter#1 grant=grant#%1$u registers=4 irp=irp#%1$u ; layer=system cpu=0",
    "call:enter routine=AdapterControl object=irp#%1$u code=- ; irql=DISPATCH layer=driver cpu=0",
    "dma:flush-io mdl=mdl#%1$u read=yes dma=yes lines=12 ; irql=DISPATCH layer=driver cpu=0 nest=5",
    ("dma:map adapter=adapter#1 grant=grant#%1$u mdl=mdl#%1$u length=%2$u write=no "
     "mapping=map#%1$u address=%3$#x ; irql=DISPATCH layer=driver cpu=0 nest=5"),
    "reg:write offset=0x10 width=4 value=%3$#x live=yes ; irql=DISPATCH layer=driver cpu=0 nest=5",
    "reg:write offset=0x14 width=4 value=%2$#x live=yes ; irql=DISPATCH layer=driver cpu=0 nest=5",
    "reg:read offset=0x4 width=4 value=0x80 live=yes ; irql=DISPATCH layer=driver cpu=0 nest=5",
    "reg:write offset=0x0 width=4 value=0x3 live=yes ; irql=DISPATCH layer=driver cpu=0 nest=5",
    "engine:begin channel=1 address=%3$#x length=%2$u to_device=no ; layer=device cpu=-",
    ("call:leave routine=AdapterControl object=irp#%1$u code=- value=0x1 irql_before=DISPATCH ; "
     "irql=DISPATCH layer=driver cpu=0 nest=4"),
    "dma:action adapter=adapter#1 grant=grant#%1$u action=KeepObject ; layer=system cpu=0 nest=4",
    "call:leave routine=StartIo object=irp#%1$u code=- irql_before=DISPATCH ; layer=driver cpu=0",
    "irql:lower old=DISPATCH ; layer=system cpu=0 nest=2",
    "call:leave routine=dispatch object=device#2 code=READ value=0x103 ; layer=driver cpu=0 nest=1",
    "bus:write address=%3$#x length=512 target=map#%1$u ; layer=device cpu=-",
    "bus:write address=%3$#x length=512 target=map#%1$u+0x200 ; layer=device cpu=-",
    "engine:end channel=1 bytes=%2$u why=1 ; layer=device cpu=-",
    "irq:line level=yes ; layer=device cpu=-",
    "call:enter routine=ISR object=interrupt#1 code=- ; irql=9 layer=driver cpu=1 nest=1",
    "reg:read offset=0x4 width=4 value=0x81 live=yes ; irql=9 layer=driver cpu=1 nest=2",
    "reg:write offset=0x4 width=4 value=0x1 live=yes ; irql=9 layer=driver cpu=1 nest=2",
    "irq:line level=no ; layer=device cpu=-",
    "dpc:insert dpc=dpc#1 inserted=yes ; irql=9 layer=driver cpu=1 nest=2",
    "call:leave routine=ISR object=interrupt#1 code=- value=0x1 irql_before=9 ; irql=9 cpu=1",
    "call:enter routine=DPC object=dpc#1 code=- ; irql=DISPATCH layer=driver cpu=1 nest=1",
    ("dma:flush adapter=adapter#1 grant=grant#%1$u mdl=mdl#%1$u length=%2$u write=no ; "
     "irql=DISPATCH layer=driver cpu=1 nest=2"),
    "dma:flushed mapping=map#%1$u bytes=%2$u copied=%2$u ; irql=DISPATCH layer=system cpu=1 nest=2",
    "dma:flush-result grant=grant#%1$u ok=yes ; irql=DISPATCH layer=system cpu=1 nest=2",
    "dma:free-registers adapter=adapter#1 grant=grant#%1$u count=4 ; irql=DISPATCH cpu=1 nest=2",
    "irp:set-cancel irp=irp#%1$u previous=no ; irql=DISPATCH layer=driver cpu=1 nest=2",
    "irp:complete irp=irp#%1$u information=%2$u location=1 ; irql=DISPATCH cpu=1 nest=2",
    "irp:done irp=irp#%1$u information=%2$u ; irql=DISPATCH layer=system cpu=1 nest=2",
    "data:compare irp=irp#%1$u bytes=%2$u equal=%2$u ; layer=harness cpu=-",
    "remove-lock:release lock=remove-lock#1 tag=irp#%1$u count=1 ; irql=DISPATCH cpu=1 nest=2",
    "call:leave routine=DPC object=dpc#1 code=- irql_before=DISPATCH ; irql=DISPATCH cpu=1 nest=1",
    "task:end task=task#%1$u ; layer=system cpu=-",
};
enum { REQUEST_EVENTS = sizeof(request_lines) / sizeof(request_lines[0]) };

void sample_random_init(struct sample_random *random, uint64_t seed)
{
    random->state = seed * 0x9E3779B97F4A7C15U + 0x1234567;
}

uint64_t sample_random_next(struct sample_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545F4914F6CDD1DU;
}

void sample_extreme(const struct ft_event_row *row, int largest, struct ft_event *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = row->number;
    ret->argc = row->words;
    if (!largest) {
        return;
    }
    ret->cpu = UINT8_MAX;
    ret->irql = UINT8_MAX;
    ret->layer = FT_LAYER_COUNT - 1;
    ret->nesting = UINT8_MAX;
    ret->task = UINT16_MAX;
    ret->device = UINT16_MAX;
    ret->request = UINT16_MAX;
    ret->label = UINT16_MAX;
    ret->site = UINT64_MAX;
    memset(ret->arg, 0xFF, row->words * sizeof(ret->arg[0]));
}

void sample_empty(struct ft_trace *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->origin = FT_ORIGIN_SIMULATED;
    ret->model = 1;
    ret->complete = true;
    strcpy(ret->core, "wdm-packet");
    strcpy(ret->mutant, "no-flush-on-cancel");
    strcpy(ret->flavour, "plain");
    strcpy(ret->compiler, "clang 14.0.6");
    strcpy(ret->fingerprint, "0123456789abcdef");
    strcpy(ret->description, "name=wdm-packet\nirq_level=9\n");
    ret->scenario.platform.preset = FT_PLATFORM_BOUNCE;
    ret->scenario.platform.processors = 1;
    ret->scenario.platform.registers = 16;
    ret->scenario.op_count = 2;
    ret->scenario.op[0] =
        (struct ft_op){.kind = FT_OP_READ,
                       .label = 1,
                       .moment = {.target = 0, .point = 0, .count = 0, .accesses = 0},
                       .arg = {65024, 4095}};
    ret->scenario.op[1] = (struct ft_op){
        .kind = FT_OP_CANCEL,
        .label = 0,
        .moment = {.target = 1, .point = FT_PT_DMA_MAP_OUT, .count = 254, .accesses = 65024},
        .arg = {1}};
    ret->hash = 0xFEDCBA9876543210;
    ret->verdict.kind = FT_VERDICT_CLEAN;
}

static void make_events(struct ft_trace *trace, uint64_t count)
{
    trace->event = calloc(count + 1, sizeof(*trace->event));
    assert_non_null(trace->event);
    trace->event_count = count;
}

/* Event `index` of a request's life. Tasks and requests count on; call sites are those of the
 * driver. */
static void request_event(unsigned request, unsigned index, unsigned length, unsigned address,
                          struct ft_event *ret)
{
    char line[LINE_MAX_BYTES];
    struct ft_error error = {.text = ""};

    snprintf(line, sizeof(line), request_lines[index], request, length, address);
    if (ft_event_parse(line, ret, &error) != FT_OK) {
        fail_msg("%s\ncolumn %u: %s", line, (unsigned)error.offset, error.text);
    }
    if (ret->layer == FT_LAYER_DRIVER) {
        ret->site = SITE_FIRST + index * SITE_STEP;
        ret->device = 2;
    }
    if (ret->cpu != UINT8_MAX) {
        ret->task = (uint16_t)(4 + 2 * request + ret->cpu);
        ret->request = (uint16_t)request;
        ret->label = 1;
    }
}

static void make_sites(struct ft_trace *trace)
{
    trace->site = calloc(REQUEST_EVENTS, sizeof(*trace->site));
    assert_non_null(trace->site);
    trace->site_count = REQUEST_EVENTS;
    for (unsigned i = 0; i < REQUEST_EVENTS; i++) {
        trace->site[i].site = SITE_FIRST + i * SITE_STEP;
        snprintf(trace->site[i].function, sizeof(trace->site[i].function), "packet.c:Packet%u:%u",
                 i / 7, 40 + 6 * i);
    }
}

/* Lengths and addresses as a fuzzer draws them. */
static void fill_requests(struct ft_trace *trace, unsigned requests)
{
    struct sample_random random;

    sample_random_init(&random, 1);
    for (unsigned i = 0; i < requests; i++) {
        unsigned length = (unsigned)(sample_random_next(&random) % 65024) + 1;
        unsigned address = 0xD0000000U + (unsigned)(sample_random_next(&random) % 4096) * 16;

        for (unsigned k = 0; k < REQUEST_EVENTS; k++) {
            request_event(i + 1, k, length, address, &trace->event[i * REQUEST_EVENTS + k]);
        }
    }
}

void sample_requests(unsigned requests, struct ft_trace *ret)
{
    sample_empty(ret);
    make_events(ret, (uint64_t)requests * REQUEST_EVENTS);
    make_sites(ret);
    fill_requests(ret, requests);
}

/* Some arguments of a row, in about the ranges that they have; every bit of `unknown` that the row
 * has is taken. */
static void some_arguments(const struct ft_event_row *row, struct sample_random *random,
                           unsigned unknown, struct ft_event *event)
{
    event->kind = row->number;
    event->argc = row->words;
    event->unknown = (uint8_t)(unknown & ((1U << row->argc) - 1));
    for (unsigned word = 0; word < row->words; word++) {
        unsigned index = ft_word_argument(row, word);
        unsigned shift = (unsigned)(sample_random_next(random) % 64);
        uint64_t value = sample_random_next(random) >> shift;

        if ((event->unknown >> index & 1) == 0) {
            event->arg[word] = value;
        }
    }
}

void sample_noise(uint64_t seed, unsigned count, struct ft_trace *ret)
{
    struct sample_random random;

    sample_random_init(&random, seed);
    sample_empty(ret);
    make_events(ret, count);
    for (unsigned i = 0; i < count; i++) {
        struct ft_event *event = &ret->event[i];
        uint64_t row = sample_random_next(&random) % ft_event_row_count();
        uint64_t bits = sample_random_next(&random);
        uint64_t some = sample_random_next(&random);
        unsigned unknown = (unsigned)(some & some >> 8);

        some_arguments(ft_event_row_at((size_t)row), &random, unknown & 0xFF, event);
        event->cpu = (uint8_t)(bits & 3);
        event->irql = (uint8_t)(bits >> 8 & 15);
        event->layer = (uint8_t)((bits >> 16 & 0xFF) % FT_LAYER_COUNT);
        event->nesting = (uint8_t)(bits >> 24);
        event->task = (uint16_t)(bits >> 32 & 0x1F);
        event->device = (uint16_t)(bits >> 40 & 3);
        event->request = (uint16_t)(bits >> 48);
        event->label = (uint16_t)(bits >> 4 & 0xF);
        event->site = sample_random_next(&random) % 3 * (bits >> 52);
    }
}

static void small_findings(struct ft_verdict *verdict)
{
    verdict->kind = FT_VERDICT_VIOLATION;
    verdict->finding_count = 2;
    verdict->finding[0] = (struct ft_finding){7, 12, ft_handle(FT_HC_MAPPING, 3, 0x1000),
                                              SITE_FIRST, "packet.c:Packet0:40"};
    verdict->finding[1] = (struct ft_finding){UINT16_MAX, 1, UINT64_MAX, UINT64_MAX, ""};
    verdict->warning_count = 1;
    verdict->warning[0] = (struct ft_finding){41, 3, 0, 0, "dma.c:PacketMap:7"};
    strcpy(verdict->detail, "the mapping was freed before it was flushed");
}

void sample_small(struct ft_trace *ret)
{
    size_t rows = ft_event_row_count();
    struct sample_random random;

    sample_empty(ret);
    make_events(ret, REQUEST_EVENTS + 2 * rows);
    make_sites(ret);
    fill_requests(ret, 1);
    sample_random_init(&random, 2);
    for (size_t i = 0; i < rows; i++) {
        struct ft_event *event = &ret->event[REQUEST_EVENTS + i];

        some_arguments(ft_event_row_at(i), &random, 0, event);
        some_arguments(ft_event_row_at(i), &random, 0xFF, event + rows);
    }
    small_findings(&ret->verdict);
}

static void dump_findings(const char *word, const struct ft_finding *finding, uint32_t count,
                          FILE *file)
{
    for (uint32_t i = 0; i < count; i++) {
        fprintf(file, "%s rule=%u event=%" PRIu64 " object=%#" PRIx64 " site=%#" PRIx64 " %s\n",
                word, finding[i].rule, finding[i].event, finding[i].object, finding[i].site,
                finding[i].function);
    }
}

/* The text of a golden file is of numbers, not of names: names and knobs come later, and what was
 * decoded stays what it was. */
static void dump_event(uint64_t number, const struct ft_event *event, FILE *file)
{
    fprintf(file, "%" PRIu64 " %04x cpu=%u irql=%u layer=%u nest=%u unknown=%#x", number,
            event->kind, event->cpu, event->irql, event->layer, event->nesting, event->unknown);
    fprintf(file, " task=%u device=%u request=%u label=%u", event->task, event->device,
            event->request, event->label);
    for (unsigned i = 0; i < event->argc; i++) {
        fprintf(file, " %" PRIx64, event->arg[i]);
    }
    fprintf(file, " @%#" PRIx64 "\n", event->site);
}

static void dump_scenario(const struct ft_scenario *scenario, FILE *file)
{
    fprintf(file, "platform");
#define KNOB(field, name, maximum, sentence)                                                       \
    if (scenario->platform.field != 0) {                                                           \
        fprintf(file, " %s=%u", name, scenario->platform.field);                                   \
    }
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    fprintf(file, "\n");
    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];

        fprintf(file, "op %u label=%u target=%u point=%u count=%u accesses=%u args=%u,%u\n",
                op->kind, op->label, op->moment.target, op->moment.point, op->moment.count,
                op->moment.accesses, op->arg[0], op->arg[1]);
    }
}

void sample_dump(const struct ft_trace *trace, FILE *file)
{
    fprintf(file, "origin=%u model=%u core=%s mutant=%s flavour=%s compiler=%s fingerprint=%s\n",
            trace->origin, trace->model, trace->core, trace->mutant, trace->flavour,
            trace->compiler, trace->fingerprint);
    fprintf(file, "%s", trace->description);
    dump_scenario(&trace->scenario, file);
    for (uint32_t i = 0; i < trace->site_count; i++) {
        fprintf(file, "site %#" PRIx64 " %s\n", trace->site[i].site, trace->site[i].function);
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        dump_event(i + 1, &trace->event[i], file);
    }
    if (trace->complete) {
        fprintf(file, "hash=%016" PRIx64 " verdict=%s %s\n", trace->hash,
                ft_verdict_name(trace->verdict.kind), trace->verdict.detail);
        dump_findings("finding", trace->verdict.finding, trace->verdict.finding_count, file);
        dump_findings("warning", trace->verdict.warning, trace->verdict.warning_count, file);
    }
}

static void assert_findings_equal(const struct ft_finding *a, const struct ft_finding *b,
                                  uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(a[i].rule, b[i].rule);
        assert_int_equal(a[i].event, b[i].event);
        assert_int_equal(a[i].object, b[i].object);
        assert_int_equal(a[i].site, b[i].site);
        assert_string_equal(a[i].function, b[i].function);
    }
}

static void assert_scenarios_equal(const struct ft_scenario *a, const struct ft_scenario *b)
{
    assert_memory_equal(&a->platform, &b->platform, sizeof(a->platform));
    assert_int_equal(a->op_count, b->op_count);
    for (unsigned i = 0; i < a->op_count; i++) {
        assert_int_equal(a->op[i].kind, b->op[i].kind);
        assert_int_equal(a->op[i].label, b->op[i].label);
        assert_int_equal(a->op[i].moment.target, b->op[i].moment.target);
        assert_int_equal(a->op[i].moment.point, b->op[i].moment.point);
        assert_int_equal(a->op[i].moment.count, b->op[i].moment.count);
        assert_int_equal(a->op[i].moment.accesses, b->op[i].moment.accesses);
        assert_memory_equal(a->op[i].arg, b->op[i].arg, sizeof(a->op[i].arg));
    }
}

void sample_assert_equal(const struct ft_trace *a, const struct ft_trace *b)
{
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->model, b->model);
    assert_string_equal(a->core, b->core);
    assert_string_equal(a->mutant, b->mutant);
    assert_string_equal(a->flavour, b->flavour);
    assert_string_equal(a->compiler, b->compiler);
    assert_string_equal(a->fingerprint, b->fingerprint);
    assert_string_equal(a->description, b->description);
    assert_scenarios_equal(&a->scenario, &b->scenario);
    assert_int_equal(a->event_count, b->event_count);
    for (uint64_t i = 0; i < a->event_count; i++) {
        assert_memory_equal(&a->event[i], &b->event[i], sizeof(a->event[i]));
        assert_string_equal(ft_trace_function(a, a->event[i].site),
                            ft_trace_function(b, a->event[i].site));
    }
    assert_int_equal(a->complete, b->complete);
    assert_int_equal(a->hash, b->hash);
    assert_int_equal(a->verdict.kind, b->verdict.kind);
    assert_string_equal(a->verdict.detail, b->verdict.detail);
    assert_int_equal(a->verdict.finding_count, b->verdict.finding_count);
    assert_int_equal(a->verdict.warning_count, b->verdict.warning_count);
    assert_findings_equal(a->verdict.finding, b->verdict.finding, a->verdict.finding_count);
    assert_findings_equal(a->verdict.warning, b->verdict.warning, a->verdict.warning_count);
}
