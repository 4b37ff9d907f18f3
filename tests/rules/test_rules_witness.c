/* Every judged rule rejects its witness and accepts its near miss.
 *
 * tests/rules/events/<id>.witness.events must make the rule the verdict (a row of severity W: its
 * warning) and <id>.near.events, which differs from it as little as can be, must be clean. With the
 * rule disabled the witness must not yield it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules_events.h"

#include <stdio.h>
#include <string.h>

static struct ft_file_events events;

static bool read_of(const struct ft_rule_row *row, const char *kind)
{
    char name[160];

    (void)snprintf(name, sizeof(name), "%s.%s.events", row->id, kind);
    return ft_file_events_read(name, &events);
}

static bool is_rejected(const struct ft_rule_row *row, const struct ft_verdict *verdict)
{
    if (row->severity == FT_SEVERITY_W) {
        return verdict->kind == FT_VERDICT_CLEAN && ft_verdict_has_warning(verdict, row->number);
    }
    return verdict->kind == FT_VERDICT_VIOLATION && verdict->finding_count > 0 &&
           verdict->finding[0].rule == row->number;
}

static bool check_witness(const struct ft_rule_row *row)
{
    struct ft_verdict verdict;
    bool ok;

    if (!read_of(row, "witness")) {
        return false;
    }
    ft_judge(&events, false, 0, &verdict);
    ok = is_rejected(row, &verdict);
    if (!ok) {
        ft_verdict_show(row->id, &verdict);
    }
    return ok;
}

static bool check_near(const struct ft_rule_row *row)
{
    struct ft_verdict verdict;
    bool ok;

    if (!read_of(row, "near")) {
        return false;
    }
    ft_judge(&events, false, 0, &verdict);
    ok = verdict.kind == FT_VERDICT_CLEAN && verdict.finding_count == 0 &&
         verdict.warning_count == 0;
    if (!ok) {
        ft_verdict_show(row->id, &verdict);
    }
    return ok;
}

static bool check_disabled(const struct ft_rule_row *row)
{
    struct ft_verdict verdict;

    if (!read_of(row, "witness")) {
        return false;
    }
    ft_judge(&events, true, row->number, &verdict);
    return !ft_verdict_has_rule(&verdict, row->number) &&
           !ft_verdict_has_warning(&verdict, row->number);
}

static void check_all(bool (*check)(const struct ft_rule_row *row))
{
    unsigned failed = 0;
    unsigned checked = 0;

    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);

        if (row->judged) {
            checked++;
            if (!check(row)) {
                (void)fprintf(stderr, "FAILED: %s\n", row->id);
                failed++;
            }
        }
    }
    assert_true(checked > 0);
    assert_int_equal(failed, 0);
}

static void every_witness_is_rejected_by_its_rule(void **state)
{
    (void)state;
    check_all(check_witness);
}

static void every_near_miss_is_clean(void **state)
{
    (void)state;
    check_all(check_near);
}

static void a_disabled_rule_does_not_find_its_witness(void **state)
{
    (void)state;
    check_all(check_disabled);
}

/* The note of a row names its witness when, and only when, the row is judged; the rows of the first
 * delivery all are. */
static void judged_rows_are_those_that_name_a_witness(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < ft_rule_count(); i++) {
        const struct ft_rule_row *row = ft_rule_at(i);
        char witness[160];
        bool named;

        (void)snprintf(witness, sizeof(witness), "tests/rules/events/%s.witness.events", row->id);
        named = strcmp(row->note, witness) == 0;
        if (named != row->judged || (row->cut == FT_CUT_SPINE && !row->judged)) {
            (void)fprintf(stderr, "%s: judged %d, note \"%s\"\n", row->id, row->judged, row->note);
            failed++;
        }
        assert_true(row->cut != FT_CUT_NEVER || !row->judged);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged_rows_are_those_that_name_a_witness),
        cmocka_unit_test(every_witness_is_rejected_by_its_rule),
        cmocka_unit_test(every_near_miss_is_clean),
        cmocka_unit_test(a_disabled_rule_does_not_find_its_witness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
