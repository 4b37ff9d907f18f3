/* What Driver Verifier stops for with bug check 0xE6 is covered by rules that are judged.
 *
 * The leaves are the values of parameter 1, and of parameter 2 where that one tells cases apart.
 * Each must be named in the bug check of some judged row; that the row catches its case is shown by
 * its witness (test_rules_witness.c). Parameter 1 of 0x01 and 0x02 is about the performance counter
 * of the machine and about no driver.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bug check without cases has case 0. */
static const struct leaf {
    unsigned code, first_case, last_case;
} leaves[] = {
    {0x00, 1, 2}, {0x03, 0, 0}, {0x04, 0, 0}, {0x05, 0, 0}, {0x06, 0, 0}, {0x07, 0, 0},
    {0x08, 0, 0}, {0x09, 0, 0}, {0x0A, 0, 0}, {0x0B, 0, 0}, {0x0C, 0, 0}, {0x0D, 0, 0},
    {0x0E, 0, 0}, {0x0F, 1, 5}, {0x10, 0, 0}, {0x11, 0, 0}, {0x13, 1, 2}, {0x14, 0, 0},
    {0x15, 0, 0}, {0x16, 0, 0}, {0x18, 0, 0}, {0x19, 0, 0}, {0x1B, 0, 0}, {0x1D, 0, 0},
    {0x1E, 0, 0}, {0x1F, 1, 5}, {0x20, 0, 0}, {0x21, 0, 0}, {0x22, 0, 0}, {0x23, 0, 0},
    {0x24, 0, 0}, {0x25, 0, 0}, {0x26, 0, 0},
};

/* Reads one list "0x04, 0x05", "0x07 to 0x0A", "0x1F, P2 4 or 5; 0x24": codes, and after a P2 the
 * cases of the code before it. */
static bool list_names(const char *list, unsigned code, unsigned case_)
{
    unsigned long low = ~0UL;
    unsigned long high = ~0UL;
    bool range = false;
    bool cases = false;

    while (*list != '\0' && *list != ')') {
        char *after = NULL;

        if (strncmp(list, "0x", 2) == 0) {
            high = strtoul(list, &after, 16);
            low = range ? low : high;
            cases = false;
            if (case_ == 0 && low <= code && code <= high) {
                return true;
            }
            range = false;
            list = after;
        } else if (strncmp(list, "P2", 2) == 0) {
            cases = true;
            list += 2;
        } else if (*list >= '0' && *list <= '9') {
            unsigned long value = strtoul(list, &after, 10);

            if (cases && low <= code && code <= high && value == case_) {
                return true;
            }
            list = after;
        } else {
            range = range || strncmp(list, "to ", 3) == 0;
            list++;
        }
    }
    return false;
}

static bool row_names(const struct ft_rule_row *row, unsigned code, unsigned case_)
{
    static const char intro[] = "0xE6 (";
    const char *at = strstr(row->bugcheck, intro);

    return row->judged && at != NULL && list_names(at + sizeof(intro) - 1, code, case_);
}

static bool is_covered(unsigned code, unsigned case_)
{
    for (size_t i = 0; i < ft_rule_count(); i++) {
        if (row_names(ft_rule_at(i), code, case_)) {
            return true;
        }
    }
    return false;
}

static void every_stop_of_the_verifier_is_judged(void **state)
{
    unsigned checked = 0;
    unsigned failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        for (unsigned k = leaves[i].first_case; k <= leaves[i].last_case; k++, checked++) {
            if (!is_covered(leaves[i].code, k)) {
                (void)fprintf(stderr, "0x%02X case %u is not covered\n", leaves[i].code, k);
                failed++;
            }
        }
    }
    assert_int_equal(checked, 43);
    assert_int_equal(failed, 0);
}

static void lists_are_read_as_they_are_written(void **state)
{
    (void)state;
    assert_true(list_names("0x07 to 0x0A)", 0x08, 0));
    assert_false(list_names("0x07 to 0x0A)", 0x0B, 0));
    assert_false(list_names("0x07, 0x0A)", 0x08, 0));
    assert_true(list_names("0x1F, P2 3; 0x24)", 0x1F, 3));
    assert_false(list_names("0x1F, P2 3; 0x24)", 0x1F, 4));
    assert_true(list_names("0x1F, P2 3; 0x24)", 0x24, 0));
    assert_true(list_names("0x0F, P2 1, 2, 4 or 5)", 0x0F, 5));
    assert_false(list_names("0x0F)", 0x0F, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_as_they_are_written),
        cmocka_unit_test(every_stop_of_the_verifier_is_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
