/* Orders of calls that are right raise nothing; readings of the documents that are tolerated raise
 * a warning and no more.
 *
 * tests/rules/events/golden-*.events are runs without any finding, warning-*.events runs whose only
 * finding is the warning about a flush of just the bytes that the device reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include <stdio.h>

static const char *const golden[] = {
    "g1",
    "g1-write",
    "g1-channel",
    "g2",
    "g3-span",
    "g3-each",
    "g12",
    "cancel-lost",
    "cancel-active",
    "yank",
    "zero-length",
    "inline-error",
    "power-held",
    "power-up-copied",
    "power-back",
    "power-own",
    "power-unasked",
    "power-pending-unmarked",
    "power-removed",
    "start-waits",
    "next-before-complete",
    "start-next-cancelable",
    "hand-over-hand",
    "lock-of-handle",
    "lock-then-lower",
    "cancel-lock-swapped",
    "cancel-lock-then-lower",
    "registers-kept",
    "timer-flushed",
    "timer-of-driver",
    "handle-left-open",
    "engine-end-unnamed",
    "data-copied",
    "prefetch",
    "unmapped-registers",
    "never-started",
    "off-before-d0",
    "retry",
    "short-full-flush",
    "g3-pipelined",
    "g4",
    "g4-system",
    "g4-command-goes-on",
    "g5",
    "g5-two",
    "g5-queued",
    "g5-build",
    "g5-nested",
    "g11",
    "adapter-across-stop",
    "buffered",
    "partial-pieces",
    "startio-cancel",
    "io-timer",
    "filter-and-function",
    "csq",
    "csq-refused",
    "held-ended",
    "cleanup-requeued",
    "remove-lock-surprise",
    "system-power",
    "forward-and-wait",
    "work-item-unload",
    "own-queue",
};

static const char *const warnings[] = {"short-count-flush", "short-in-second-run",
                                       "short-at-run-end"};

static struct ft_file_events events;

static void read_run(const char *kind, const char *name)
{
    char file[128];

    (void)snprintf(file, sizeof(file), "%s-%s.events", kind, name);
    assert_true(ft_file_events_read(file, &events));
}

static void golden_orders_are_silent(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        struct ft_verdict verdict;

        read_run("golden", golden[i]);
        ft_judge(&events, true, 0, &verdict);
        if (verdict.kind != FT_VERDICT_CLEAN || verdict.finding_count != 0 ||
            verdict.warning_count != 0) {
            ft_verdict_show(golden[i], &verdict);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void short_flushes_warn_and_end_the_operation(void **state)
{
    uint16_t rule = ft_rule_by_id("dma.flush-length-short")->number;
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
        struct ft_verdict verdict;

        read_run("warning", warnings[i]);
        ft_judge(&events, true, 0, &verdict);
        if (verdict.kind != FT_VERDICT_CLEAN || verdict.finding_count != 0 ||
            verdict.warning_count != 1 || verdict.warning[0].rule != rule) {
            ft_verdict_show(warnings[i], &verdict);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

/* FlushAdapterBuffers breaks off what the system DMA controller has not finished. */
static void a_flush_of_a_running_channel_warns(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_run("warning", "system-flush-runs");
    ft_judge(&events, true, 0, &verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_CLEAN);
    assert_int_equal(verdict.warning_count, 1);
    assert_int_equal(verdict.warning[0].rule, ft_rule_by_id("dma.flush-early")->number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_orders_are_silent),
        cmocka_unit_test(short_flushes_warn_and_end_the_operation),
        cmocka_unit_test(a_flush_of_a_running_channel_warns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
