#include "race_bench.h"

#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static struct {
    const struct race *race;
    enum race_when when;
    struct ft_rules *rules;
    KEVENT over;
} now;

enum race_when race_when(void)
{
    return now.when;
}

static VOID rival(PVOID context)
{
    (void)context;
    now.race->rival();
    ft_irql_set(PASSIVE_LEVEL);
    KeSetEvent(&now.over, IO_NO_INCREMENT, FALSE);
}

static void body(void)
{
    HANDLE thread;

    now.race->ready();
    ft_irql_set(PASSIVE_LEVEL);
    KeInitializeEvent(&now.over, NotificationEvent, FALSE);
    CHECK(PsCreateSystemThread(&thread, 0, NULL, NULL, NULL, rival, NULL) == STATUS_SUCCESS);
    ZwClose(thread);
    now.race->call();
    CHECK(KeReadStateEvent(&now.over) != 0); /* it was here, inside the call */
    ft_irql_set(PASSIVE_LEVEL);
    if (now.race->after)
        now.race->after();
}

static bool watch(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(now.rules, true, 0);
    return ft_rules_event(now.rules, event);
}

static void describe(struct ft_description *description)
{
    description->dma_version = DEVICE_DESCRIPTION_VERSION3;
    description->dma_channel = V3_LINE;
    description->dma_bits = 8;
}

static void free_rules(void)
{
    free(now.rules);
}

/* The first rule of severity E that the last run broke, "" when there was none. */
static const char *broken_rule(void)
{
    struct ft_verdict verdict = {0};

    ft_rules_verdict(now.rules, &verdict);
    for (uint32_t i = 0; i < verdict.finding_count; i++)
        if (ft_rule_by_number(verdict.finding[i].rule)->severity == FT_SEVERITY_E)
            return ft_rule_by_number(verdict.finding[i].rule)->id;
    return "";
}

void race_run(enum ft_platform_name preset, enum race_when when, const struct race *race,
              enum ft_stop stop)
{
    /* The first op changes nothing here and marks the place from which the second one counts. */
    const struct ft_op op[] = {
        {.kind = FT_OP_FAIL_PROBE, .moment = {.point = FT_PT_THREAD_OUT, .count = 1}},
        {.kind = FT_OP_PREEMPT,
         .moment = {.point = (uint8_t)(race->point + when), .count = 1},
         .arg = {FT_TASK_THREAD, 0}}};

    if (!now.rules) {
        now.rules = calloc(1, ft_rules_state_bytes());
        assert_non_null(now.rules);
        atexit(free_rules);
    }
    now.race = race;
    now.when = when;
    wb_run(&(struct wb_case){.body = body,
                             .preset = preset,
                             .describe = describe,
                             .op = op,
                             .op_count = 2,
                             .tap = watch});
    assert_int_equal(wb_result()->stop, stop);
    assert_int_equal(wb_count(FT_EV_OP_FIRED), 2);
    assert_int_equal(wb_count(FT_EV_OP_SKIPPED), 0);
    assert_string_equal(broken_rule(), race->rule[when] ? race->rule[when] : "");
}

void race_run_all(const struct race *race)
{
    for (unsigned preset = 0; preset < FT_PLATFORM_COUNT; preset++)
        for (unsigned when = 0; when < RACE_WHENS; when++)
            race_run((enum ft_platform_name)preset, (enum race_when)when, race, FT_STOP_NONE);
}

struct v3 *race_open(bool master, ULONG bytes)
{
    struct v3 *v = ExAllocatePoolWithTag(NonPagedPool, sizeof *v, '3ecR');
    DEVICE_DESCRIPTION d = v3_description(master);

    CHECK(v != NULL);
    v3_open_as(v, &d);
    v3_request(v, bytes, 0, true);
    CHECK(NT_SUCCESS(v->b.ops->InitializeDmaTransferContext(v->b.adapter, v->other_context)));
    return v;
}

void race_free(struct v3 *v)
{
    ft_irql_set(PASSIVE_LEVEL);
    MmUnlockPages(v->b.mdl);
    IoFreeMdl(v->b.mdl);
    ExFreePoolWithTag(v, '3ecR');
}
