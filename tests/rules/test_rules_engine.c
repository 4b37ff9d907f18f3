/* The engine itself: which finding is the verdict, what suspends a rule, how runs end, and what its
 * state promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ft_file_events events;
static struct ft_file_events extra;

static uint16_t number_of(const char *id)
{
    const struct ft_rule_row *row = ft_rule_by_id(id);

    assert_non_null(row);
    return row->number;
}

static void read_file(const char *name)
{
    assert_true(ft_file_events_read(name, &events));
}

/* Puts lines in front of event `at` (0 is the first). */
static void insert(size_t at, const char *lines)
{
    assert_true(ft_text_events_read(lines, &extra));
    assert_true(events.count + extra.count <= FT_FILE_EVENTS_MAX && at <= events.count);
    memmove(&events.event[at + extra.count], &events.event[at],
            (events.count - at) * sizeof(events.event[0]));
    memcpy(&events.event[at], extra.event, extra.count * sizeof(extra.event[0]));
    events.count += extra.count;
}

static size_t index_of(enum ft_event_kind kind)
{
    size_t i = 0;

    while (i < events.count && events.event[i].kind != kind) {
        i++;
    }
    assert_true(i < events.count);
    return i;
}

static void judge(struct ft_verdict *verdict)
{
    ft_judge(&events, false, 0, verdict);
}

static void assert_rule(const struct ft_verdict *verdict, const char *id)
{
    if (verdict->kind != FT_VERDICT_VIOLATION || verdict->finding[0].rule != number_of(id)) {
        ft_verdict_show(id, verdict);
    }
    assert_int_equal(verdict->kind, FT_VERDICT_VIOLATION);
    assert_int_equal(verdict->finding[0].rule, number_of(id));
}

/* ---- which finding is the verdict ---- */

static void the_refining_rule_is_the_verdict_and_the_general_one_stands_under_also(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_file("dma.irp-cancel-flush.witness.events");
    judge(&verdict);
    assert_rule(&verdict, "dma.irp-cancel-flush");
    assert_true(verdict.finding_count >= 3);
    assert_true(ft_verdict_has_rule(&verdict, number_of("dma.flush-before-complete")));
    assert_true(ft_verdict_has_rule(&verdict, number_of("dma.irp-complete-live")));
    /* It has the highest number of the three, so it was not the number that decided. */
    assert_true(number_of("dma.irp-cancel-flush") > number_of("dma.flush-before-complete"));
    assert_true(number_of("dma.irp-cancel-flush") > number_of("dma.irp-complete-live"));
}

static void without_refinement_the_lowest_number_is_the_verdict(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    assert_true(ft_text_events_read(
        "irp:new irp=irp#1 code=READ length=512 ; layer=harness\n"
        "irp:complete irp=irp#1 status=STATUS_PENDING cancel_routine=yes locks=1 ; irql=5\n",
        &events));
    judge(&verdict);
    assert_rule(&verdict, "io.irp-status-not-pending");
    assert_int_equal(verdict.finding_count, 4);
    for (uint32_t i = 0; i < verdict.finding_count; i++) {
        assert_true(verdict.finding[0].rule <= verdict.finding[i].rule);
        assert_int_equal(verdict.finding[i].event, 2);
    }
}

static void a_finding_names_event_object_and_site(void **state)
{
    struct ft_verdict verdict;
    size_t at;

    (void)state;
    read_file("dma.fmr-count.witness.events");
    at = index_of(FT_EV_DMA_FREE_REGS);
    events.event[at].site = 0x1234;
    judge(&verdict);
    assert_rule(&verdict, "dma.fmr-count");
    assert_int_equal(verdict.finding[0].event, at + 1);
    assert_true(verdict.finding[0].object == events.event[at].arg[1]);
    assert_int_equal(verdict.finding[0].site, 0x1234);
}

static void the_first_violation_ends_the_run_unless_it_keeps_going(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_file("dma.flush-before-complete.witness.events");
    judge(&verdict);
    assert_rule(&verdict, "dma.flush-before-complete");
    assert_false(ft_verdict_has_rule(&verdict, number_of("dma.flush-after-complete")));
    ft_judge(&events, true, 0, &verdict);
    assert_rule(&verdict, "dma.flush-before-complete");
    assert_true(ft_verdict_has_rule(&verdict, number_of("dma.flush-after-complete")));
}

static void keeping_going_says_the_same_thing_once(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_file("dma.dev-in-mapping.witness.events");
    for (unsigned i = 0; i < 40; i++) {
        insert(index_of(FT_EV_BUS_WRITE),
               "bus:write address=0x50000000 length=512 ; layer=device\n");
    }
    ft_judge(&events, true, 0, &verdict);
    assert_rule(&verdict, "dma.dev-in-mapping");
    assert_int_equal(verdict.finding_count, 1);
}

static void only_the_driver_is_blamed(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_file("dma.fmr-count.witness.events");
    for (size_t i = 0; i < events.count; i++) {
        if (events.event[i].layer == FT_LAYER_DRIVER) {
            events.event[i].layer = FT_LAYER_FRAMEWORK;
        }
    }
    judge(&verdict);
    assert_false(ft_verdict_has_rule(&verdict, number_of("dma.fmr-count")));
}

static void unknown_arguments_are_not_held_against_anybody(void **state)
{
    struct ft_verdict verdict;
    size_t at;

    (void)state;
    read_file("dma.fmr-count.witness.events");
    at = index_of(FT_EV_DMA_FREE_REGS);
    events.event[at].arg[2] = 0;
    events.event[at].unknown = 1 << 2;
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_CLEAN);
}

/* ---- suspension ---- */

static void assert_suspended(const char *id, size_t at, const char *lines, unsigned need)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());
    char name[128];
    struct ft_verdict verdict;

    (void)snprintf(name, sizeof(name), "%s.witness.events", id);
    read_file(name);
    judge(&verdict);
    assert_rule(&verdict, id);
    assert_true((ft_rule_by_id(id)->needs & need) != 0);
    insert(at, lines);
    ft_rules_init(rules, true, 0);
    for (size_t i = 0; i < events.count; i++) {
        (void)ft_rules_event(rules, &events.event[i]);
    }
    ft_rules_verdict(rules, &verdict);
    assert_false(ft_verdict_has_rule(&verdict, number_of(id)));
    free(rules);
}

static void a_hostile_device_suspends_the_rules_about_its_accesses(void **state)
{
    (void)state;
    assert_suspended("dma.dev-in-mapping", 3, "hw:hostile value=0xff ; layer=harness\n",
                     FT_NEED_HONEST_DEVICE);
    assert_suspended("dma.flush-covers-device-data", 3, "hw:hostile value=0xff ; layer=harness\n",
                     FT_NEED_HONEST_DEVICE);
}

static void a_lost_interrupt_suspends_progress(void **state)
{
    const char *begin = "device:attach device=device#2 below=device#1\n"
                        "call:enter routine=dispatch object=irp#1 code=READ ; device=1\n"
                        "irp:pending irp=irp#1 ; device=1\n";
    struct ft_verdict verdict;

    (void)state;
    assert_true(ft_text_events_read(begin, &events));
    insert(events.count, "run:hang kind=2 ; layer=harness\n");
    judge(&verdict);
    assert_rule(&verdict, "io.irp-complete-eventually");
    insert(2, "irq:lost ; layer=harness\n");
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_HANG);
    assert_int_equal(verdict.finding_count, 0);
}

static void after_its_removal_a_driver_owes_every_request(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    read_file("io.irp-complete-eventually.witness.events");
    insert(3, "irq:lost ; layer=harness\nhw:yank ; layer=harness\n");
    judge(&verdict);
    assert_rule(&verdict, "io.irp-complete-eventually");
}

static void progress_is_not_judged_while_the_device_sleeps(void **state)
{
    struct ft_verdict verdict;
    const char *begin = "device:attach device=device#2 below=device#1\n"
                        "power:hw device=device#1 state=D3 ; layer=system\n"
                        "call:enter routine=dispatch object=irp#1 code=READ ; device=1\n"
                        "irp:pending irp=irp#1 ; device=1\n";

    (void)state;
    assert_true(ft_text_events_read(begin, &events));
    insert(events.count, "run:hang kind=2 ; layer=harness\n");
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_HANG);
    assert_true(ft_text_events_read(begin, &events));
    insert(events.count, "power:hw device=device#1 state=D0 ; layer=system\n"
                         "run:hang kind=2 ; layer=harness\n");
    judge(&verdict);
    assert_rule(&verdict, "io.irp-complete-eventually");
}

static void an_injected_failure_suspends_the_data_of_its_request_only(void **state)
{
    struct ft_verdict verdict;
    size_t at;

    (void)state;
    read_file("dma.flush-covers-device-data.witness.events");
    at = index_of(FT_EV_IRP_PENDING);
    assert_suspended("dma.flush-covers-device-data", at, "choice:fail what=1 ; request=1\n",
                     FT_NEED_NO_INJECTED_FAILURE);
    assert_suspended("dma.flush-covers-device-data", at, "choice:fail what=1\n",
                     FT_NEED_NO_INJECTED_FAILURE);
    read_file("dma.flush-covers-device-data.witness.events");
    insert(at, "irp:new irp=irp#2 code=READ length=16 ; layer=harness request=2\n"
               "choice:fail what=1 ; request=2\n");
    judge(&verdict);
    assert_rule(&verdict, "dma.flush-covers-device-data");
}

static void absent_hardware_may_be_touched_until_the_removal_is_sent(void **state)
{
    struct ft_verdict verdict;
    size_t at;

    (void)state;
    read_file("io.pwr-no-hw-below-d0.witness.events");
    at = index_of(FT_EV_REG_READ);
    assert_suspended("io.pwr-no-hw-below-d0", at, "hw:yank ; layer=harness\n",
                     FT_NEED_PRESENT_HARDWARE);
    read_file("io.pwr-no-hw-below-d0.witness.events");
    insert(at, "hw:yank ; layer=harness\n"
               "pnp:send device=device#1 minor=23 ; layer=harness\n");
    judge(&verdict);
    assert_rule(&verdict, "io.pwr-no-hw-below-d0");
}

static void suspended_needs_can_be_asked_for(void **state)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());

    (void)state;
    ft_rules_init(rules, false, 0);
    assert_int_equal(ft_rules_suspended(rules), FT_NEED_NONE);
    assert_true(ft_text_events_read("hw:hostile ; layer=harness\n"
                                    "irq:spurious ; layer=harness\n"
                                    "irq:lost ; layer=harness\n"
                                    "hw:yank ; layer=harness\n"
                                    "choice:fail what=2\n",
                                    &events));
    for (size_t i = 0; i < events.count; i++) {
        assert_false(ft_rules_event(rules, &events.event[i]));
    }
    assert_int_equal(ft_rules_suspended(rules), FT_NEED_HONEST_DEVICE | FT_NEED_HONEST_INTERRUPT |
                                                    FT_NEED_LIVE_DEVICE | FT_NEED_PRESENT_HARDWARE |
                                                    FT_NEED_NO_INJECTED_FAILURE);
    free(rules);
}

/* ---- how runs end ---- */

static void runs_end_as_their_last_event_says(void **state)
{
    static const struct {
        const char *line;
        enum ft_verdict_kind kind;
        const char *detail;
    } ends[] = {
        {"run:end unloaded=yes ; layer=harness\n", FT_VERDICT_CLEAN, ""},
        {"run:crash kind=1 signal=11 access=0x10\n", FT_VERDICT_CRASH,
         "wild access (signal 11, access 0x10)"},
        {"run:bugcheck code=0xc2 p1=0x7\n", FT_VERDICT_CRASH,
         "bug check 0xC2 (0x7, 0x0, 0x0, 0x0)"},
        {"run:hang kind=1 ; layer=harness\n", FT_VERDICT_HANG, "every task is blocked in the tail"},
        {"run:cut steps=400000 ; layer=harness\n", FT_VERDICT_CUT,
         "the step limit was reached after 400000 steps"},
        {"run:unimplemented name=\"ZwClose\"\n", FT_VERDICT_UNJUDGED, "ZwClose is not implemented"},
        {"run:tail ; layer=harness\n", FT_VERDICT_UNJUDGED,
         "the events stop before the end of the run"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct ft_verdict verdict;

        assert_true(ft_text_events_read("run:begin processors=2 ; layer=harness\n", &events));
        insert(1, ends[i].line);
        judge(&verdict);
        assert_int_equal(verdict.kind, ends[i].kind);
        assert_string_equal(verdict.detail, ends[i].detail);
        assert_int_equal(verdict.finding_count, 0);
    }
}

static void a_hang_with_a_lost_request_is_a_violation(void **state)
{
    struct ft_verdict verdict;

    (void)state;
    assert_true(
        ft_text_events_read("call:enter routine=dispatch object=irp#1 code=READ\n"
                            "irp:pending irp=irp#1\n"
                            "call:leave routine=dispatch object=irp#1 code=READ value=0x103\n"
                            "run:hang kind=2 ; layer=harness\n",
                            &events));
    judge(&verdict);
    assert_rule(&verdict, "io.irp-complete-eventually");
    /* A removal that waits for something else is a hang and no lost request. */
    assert_true(
        ft_text_events_read("call:enter routine=dispatch object=irp#1 code=PNP:REMOVE_DEVICE\n"
                            "run:hang kind=1 ; layer=harness\n",
                            &events));
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_HANG);
}

static void a_table_that_is_full_makes_the_run_unjudged(void **state)
{
    struct ft_verdict verdict;
    char line[96];

    (void)state;
    events.count = 0;
    for (unsigned i = 1; i <= 100; i++) {
        (void)snprintf(line, sizeof(line), "irp:new irp=irp#%u code=READ ; layer=harness\n", i);
        insert(events.count, line);
    }
    /* Would be a violation, but the engine has lost count. */
    insert(events.count, "irp:complete irp=irp#1 status=STATUS_PENDING\n"
                         "run:end unloaded=yes ; layer=harness\n");
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_UNJUDGED);
    assert_string_equal(verdict.detail, "the rules lost count: too many requests");
    /* A crash stays one. */
    events.count -= 1;
    insert(events.count, "run:crash kind=5 signal=6\n");
    judge(&verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_CRASH);
}

static void requests_that_are_over_make_room(void **state)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());
    struct ft_verdict verdict;

    (void)state;
    ft_rules_init(rules, false, 0);
    for (unsigned i = 1; i <= 1000; i++) {
        char lines[256];

        (void)snprintf(lines, sizeof(lines),
                       "mdl:alloc mdl=mdl#%u length=1 ; layer=harness\n"
                       "irp:new irp=irp#%u code=READ mdl=mdl#%u ; layer=harness\n"
                       "irp:done irp=irp#%u ; layer=harness\n"
                       "mdl:free mdl=mdl#%u ; layer=harness\n",
                       i, i, i, i, i);
        assert_true(ft_text_events_read(lines, &events));
        for (size_t j = 0; j < events.count; j++) {
            assert_false(ft_rules_event(rules, &events.event[j]));
        }
    }
    assert_true(ft_text_events_read("run:end unloaded=yes ; layer=harness\n", &events));
    assert_false(ft_rules_event(rules, &events.event[0]));
    ft_rules_verdict(rules, &verdict);
    assert_int_equal(verdict.kind, FT_VERDICT_CLEAN);
    free(rules);
}

/* ---- the state ---- */

/* After every event the state moves to other memory; the verdict must not notice. */
static void judge_moving(struct ft_verdict *ret)
{
    size_t bytes = ft_rules_state_bytes();
    struct ft_rules *rules = calloc(1, bytes);

    ft_rules_init(rules, false, 0);
    for (size_t i = 0; i < events.count; i++) {
        struct ft_rules *moved = malloc(bytes);
        bool end;

        memcpy(moved, rules, bytes);
        memset(rules, 0xA5, bytes);
        free(rules);
        rules = moved;
        end = ft_rules_event(rules, &events.event[i]);
        if (end) {
            break;
        }
    }
    ft_rules_verdict(rules, ret);
    free(rules);
}

static void a_copy_of_the_state_judges_the_same(void **state)
{
    (void)state;
    assert_true(ft_rules_state_bytes() <= 20 * 1024 + 128);
    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);
        struct ft_verdict verdict, moved;
        char name[160];

        if (!row->judged) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s.witness.events", row->id);
        read_file(name);
        judge(&verdict);
        judge_moving(&moved);
        assert_memory_equal(&verdict, &moved, sizeof(verdict));
    }
}

static void a_state_saved_in_the_middle_gives_two_equal_ends(void **state)
{
    size_t bytes = ft_rules_state_bytes();
    struct ft_rules *rules = calloc(1, bytes);
    struct ft_rules *saved = malloc(bytes);
    struct ft_verdict first, second;
    size_t middle;

    (void)state;
    read_file("dma.flush-early.witness.events");
    middle = index_of(FT_EV_DMA_MAP);
    ft_rules_init(rules, true, 0);
    for (size_t i = 0; i < middle; i++) {
        (void)ft_rules_event(rules, &events.event[i]);
    }
    memcpy(saved, rules, bytes);
    for (size_t i = middle; i < events.count; i++) {
        (void)ft_rules_event(rules, &events.event[i]);
    }
    ft_rules_verdict(rules, &first);
    memcpy(rules, saved, bytes);
    for (size_t i = middle; i < events.count; i++) {
        (void)ft_rules_event(rules, &events.event[i]);
    }
    ft_rules_verdict(rules, &second);
    assert_rule(&first, "dma.flush-early");
    assert_memory_equal(&first, &second, sizeof(first));
    free(saved);
    free(rules);
}

/* Whatever stands in a trace file, the engine neither crashes nor reads outside its state (run
 * under sanitizers). */
static void arbitrary_events_are_survived(void **state)
{
    struct ft_rules *rules = calloc(1, ft_rules_state_bytes());
    uint64_t random = 0x9E3779B97F4A7C15u;
    struct ft_verdict verdict;

    (void)state;
    for (unsigned run = 0; run < 50; run++) {
        ft_rules_init(rules, run % 2 == 0, 0);
        for (unsigned i = 0; i < 4000; i++) {
            struct ft_event event;
            unsigned char *bytes = (unsigned char *)&event;

            for (size_t j = 0; j < sizeof(event); j++) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                bytes[j] = (unsigned char)(random >> (run % 3 == 0 ? 56 : 61));
            }
            event.kind = (uint16_t)(((random >> 8) % 7 + 1) << 8 | (random >> 16) % 0x30);
            (void)ft_rules_event(rules, &event);
        }
        ft_rules_verdict(rules, &verdict);
        assert_true(verdict.finding_count <= FT_FINDINGS_MAX);
    }
    free(rules);
}

/* ---- the table ---- */

static void rules_are_found_by_number_id_and_alias(void **state)
{
    const struct ft_rule_row *row = ft_rule_by_id("dma.irp-complete-live");

    (void)state;
    assert_non_null(row);
    assert_ptr_equal(ft_rule_by_number(row->number), row);
    assert_ptr_equal(ft_rule_by_id("io.dma-none-at-complete"), row);
    assert_string_equal(ft_rule_by_id("dma.irp-double")->id, "io.irp-complete-once");
    assert_null(ft_rule_by_id("dma.no-such-rule"));
    assert_null(ft_rule_by_id(""));
    assert_null(ft_rule_by_number(0));
    assert_null(ft_rule_at(ft_rule_count()));
    for (size_t i = 0; i < ft_rule_count(); i++) {
        assert_ptr_equal(ft_rule_by_number(ft_rule_at(i)->number), ft_rule_at(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_refining_rule_is_the_verdict_and_the_general_one_stands_under_also),
        cmocka_unit_test(without_refinement_the_lowest_number_is_the_verdict),
        cmocka_unit_test(a_finding_names_event_object_and_site),
        cmocka_unit_test(the_first_violation_ends_the_run_unless_it_keeps_going),
        cmocka_unit_test(keeping_going_says_the_same_thing_once),
        cmocka_unit_test(only_the_driver_is_blamed),
        cmocka_unit_test(unknown_arguments_are_not_held_against_anybody),
        cmocka_unit_test(a_hostile_device_suspends_the_rules_about_its_accesses),
        cmocka_unit_test(a_lost_interrupt_suspends_progress),
        cmocka_unit_test(after_its_removal_a_driver_owes_every_request),
        cmocka_unit_test(progress_is_not_judged_while_the_device_sleeps),
        cmocka_unit_test(an_injected_failure_suspends_the_data_of_its_request_only),
        cmocka_unit_test(absent_hardware_may_be_touched_until_the_removal_is_sent),
        cmocka_unit_test(suspended_needs_can_be_asked_for),
        cmocka_unit_test(runs_end_as_their_last_event_says),
        cmocka_unit_test(a_hang_with_a_lost_request_is_a_violation),
        cmocka_unit_test(a_table_that_is_full_makes_the_run_unjudged),
        cmocka_unit_test(requests_that_are_over_make_room),
        cmocka_unit_test(a_copy_of_the_state_judges_the_same),
        cmocka_unit_test(a_state_saved_in_the_middle_gives_two_equal_ends),
        cmocka_unit_test(arbitrary_events_are_survived),
        cmocka_unit_test(rules_are_found_by_number_id_and_alias),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
