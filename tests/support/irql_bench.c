#include "irql_bench.h"

#include "rules/rules.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const KIRQL levels[] = {PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, IRQL_DIRQL, HIGH_LEVEL};

static struct {
    const struct irql_row *row;
    KIRQL level;
    struct ft_rules *rules;
} now;

BOOLEAN irql_isr(PKINTERRUPT interrupt, PVOID context)
{
    (void)interrupt, (void)context;
    return FALSE;
}

static void make_the_call(void)
{
    if (now.row->ready)
        now.row->ready();
    ft_irql_set(now.level);
    now.row->call();
    ft_irql_set(PASSIVE_LEVEL);
    wb_note("called");
}

static bool observe(void *state, const struct ft_event *event)
{
    (void)state;
    if (event->kind == FT_EV_RUN_BEGIN)
        ft_rules_init(now.rules, true, 0);
    return ft_rules_event(now.rules, event);
}

/* The rule is about levels: io.irql-no-wait, io.irql-ddi-level or a case of it. */
static bool is_about_levels(uint16_t number)
{
    const uint16_t level = ft_rule_by_id("io.irql-ddi-level")->number;
    const uint16_t wait = ft_rule_by_id("io.irql-no-wait")->number;

    while (number != 0 && number != level && number != wait)
        number = ft_rule_by_number(number)->refines;
    return number != 0;
}

static bool was_judged(void)
{
    struct ft_verdict verdict = {0};
    bool judged = wb_result()->stop == FT_STOP_BUGCHECK;

    ft_rules_verdict(now.rules, &verdict);
    for (uint32_t i = 0; i < verdict.finding_count; i++)
        judged = judged || is_about_levels(verdict.finding[i].rule);
    /* Where no page gives the level, the rule warns. */
    for (uint32_t i = 0; i < verdict.warning_count; i++)
        judged = judged || is_about_levels(verdict.warning[i].rule);
    return judged;
}

static unsigned check_row(const struct irql_row *row)
{
    unsigned wrong = 0;

    now.row = row;
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++) {
        bool inside = levels[i] >= row->lowest && levels[i] <= row->highest;

        now.level = levels[i];
        wb_again(NULL, 0);
        if (was_judged() != inside && (!inside || strstr(wb_notes(), "called")))
            continue;
        print_error("%s at level %d: %s\n", row->name, levels[i],
                    !inside        ? "not judged"
                    : was_judged() ? "judged"
                                   : "did not return");
        wrong++;
    }
    return wrong;
}

void irql_windows(const struct irql_row *rows, size_t count,
                  void (*describe)(struct ft_description *description))
{
    unsigned wrong = 0;

    now.rules = calloc(1, ft_rules_state_bytes());
    assert_non_null(now.rules);
    the_driver = (struct bench_driver){.started = make_the_call, .isr = irql_isr, .windows = 100};
    wb_open(&(struct wb_case){.entry = bench_driver_entry, .describe = describe, .tap = observe});
    for (size_t i = 0; i < count; i++)
        wrong += check_row(&rows[i]);
    wb_close();
    free(now.rules);
    assert_int_equal(wrong, 0);
}
