/*
 * test_rules_def: the rule table is complete, well formed and consistent.
 *
 * Needs only rules.def, so that a broken row fails here before anything is built on it. A REFINES
 * that names no row and a SYMBOL used twice do not even compile: both are enumerators below.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Rows of the catalogues that the table was made from. Every one of them is either a row of its own
 * or an alias; a row that moved to mem. keeps its old id as an alias, so the sum stays exact:
 * 300 (dma) + 218 (io) + 197 (kmdf) + 166 (scsi) = 881.
 */
enum {
    FT_CATALOGUE_DMA = 300,
    FT_CATALOGUE_IO = 218,
    FT_CATALOGUE_KMDF = 197,
    FT_CATALOGUE_SCSI = 166,
    FT_CATALOGUE_ROWS = 881,
    FT_MEM_NUMBER_FIRST = 5001,
    FT_MEM_ROWS_MAX = 999
};

enum ft_severity { FT_SEVERITY_E, FT_SEVERITY_W, FT_SEVERITY_F };

enum ft_cut {
    FT_CUT_SPINE,
    FT_CUT_WDM,
    FT_CUT_V3,
    FT_CUT_KMDF,
    FT_CUT_SCSI,
    FT_CUT_ACCESS,
    FT_CUT_NEVER,
    FT_CUT_COUNT
};

static const char *const ft_cut_names[FT_CUT_COUNT] = {"SPINE", "WDM",    "V3",   "KMDF",
                                                       "SCSI",  "ACCESS", "NEVER"};

/* Enumerators are row indices, so a refined row is found without a search. */
enum ft_row_index {
    FT_ROW_NONE_ = -1,
#define RULE(number, symbol, id, severity, needs, first_event, sentence, source, bugcheck, cut,    \
             note, aliases, refines)                                                               \
    FT_ROW_##symbol,
#include "rules.def"
#undef RULE
    FT_ROW_COUNT
};

struct ft_rule_row {
    unsigned number;
    const char *symbol;
    const char *id;
    enum ft_severity severity;
    const char *needs; /* the tokens as text, for example "HONEST_DEVICE | LIVE_DEVICE" */
    const char *first_event;
    const char *sentence;
    const char *source;
    const char *bugcheck;
    enum ft_cut cut;
    const char *note;
    const char *aliases;
    enum ft_row_index refines;
};

static const struct ft_rule_row ft_rows[FT_ROW_COUNT] = {
#define RULE(number, symbol, id, severity, needs, first_event, sentence, source, bugcheck, cut,    \
             note, aliases, refines)                                                               \
    {number,          #symbol, id,       FT_SEVERITY_##severity, #needs, first_event,              \
     sentence,        source,  bugcheck, FT_CUT_##cut,           note,   aliases,                  \
     FT_ROW_##refines},
#include "rules.def"
#undef RULE
};

struct ft_sheet {
    const char *prefix;
    unsigned number_first;
    unsigned row_count;
};

/* The prefix of an id fixes the range of its number. */
static const struct ft_sheet ft_sheets[] = {
    {"dma.", 1001, FT_CATALOGUE_DMA},
    {"io.", 2001, FT_CATALOGUE_IO},
    {"kmdf.", 3001, FT_CATALOGUE_KMDF},
    {"scsi.", 4001, FT_CATALOGUE_SCSI},
    {"mem.", FT_MEM_NUMBER_FIRST, FT_MEM_ROWS_MAX},
};

enum { FT_SHEET_COUNT = sizeof(ft_sheets) / sizeof(ft_sheets[0]) };

static const struct ft_sheet *ft_sheet_of(const char *id)
{
    for (size_t i = 0; i < FT_SHEET_COUNT; i++) {
        if (strncmp(id, ft_sheets[i].prefix, strlen(ft_sheets[i].prefix)) == 0)
            return &ft_sheets[i];
    }
    return NULL;
}

/* ft_next_item: copies the next item of a list separated by one character, false at its end. */
static bool ft_next_item(const char **cursor, char separator, char *item, size_t item_size)
{
    const char *start = *cursor;
    const char *end = strchr(start, separator);
    size_t len = end ? (size_t)(end - start) : strlen(start);

    if (*start == '\0')
        return false;
    assert_in_range(len, 1, item_size - 1);
    memcpy(item, start, len);
    item[len] = '\0';
    *cursor = end ? end + 1 : start + len;
    return true;
}

static void numbers_are_unique_and_ids_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ft_rows[i].number == ft_rows[j].number)
                fail_msg("number %u stands twice", ft_rows[i].number);
            if (strcmp(ft_rows[i].id, ft_rows[j].id) == 0)
                fail_msg("id %s stands twice", ft_rows[i].id);
        }
    }
}

static void prefix_of_an_id_matches_the_range_of_its_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        const struct ft_sheet *sheet = ft_sheet_of(ft_rows[i].id);

        if (!sheet) {
            fail_msg("%s has an unknown prefix", ft_rows[i].id);
            return; /* fail_msg does not come back, but is not declared so */
        }
        assert_in_range(ft_rows[i].number, sheet->number_first,
                        sheet->number_first + sheet->row_count - 1);
    }
}

static void symbol_is_the_id_in_upper_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        char expected[96];
        size_t len = strlen(ft_rows[i].id);

        assert_in_range(len, 1, sizeof(expected) - 1);
        for (size_t k = 0; k <= len; k++) {
            unsigned char c = (unsigned char)ft_rows[i].id[k];

            expected[k] = (char)(c == '.' || c == '-' ? '_' : toupper(c));
        }
        assert_string_equal(ft_rows[i].symbol, expected);
    }
}

static void texts_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        const struct ft_rule_row *row = &ft_rows[i];
        size_t len = strlen(row->sentence);

        if (len < 2 || row->sentence[len - 1] != '.' || row->sentence[len - 2] == '.')
            fail_msg("%s: the sentence does not end with one full stop", row->id);
        if (!isupper((unsigned char)row->sentence[0]) || strstr(row->sentence, "  "))
            fail_msg("%s: the sentence is not a sentence", row->id);
        if (row->first_event[0] == '\0' || row->source[0] == '\0')
            fail_msg("%s: no first event or no source", row->id);
        if (row->bugcheck[0] != '\0' && strncmp(row->bugcheck, "0x", 2) != 0)
            fail_msg("%s: bug check %s", row->id, row->bugcheck);
    }
}

/* A SPINE row is judged now; every other row says what it waits for, or why it cannot be judged. */
static void rows_that_are_not_judged_yet_have_a_note(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        if (ft_rows[i].cut != FT_CUT_SPINE && ft_rows[i].note[0] == '\0')
            fail_msg("%s has no note", ft_rows[i].id);
    }
}

static void needs_are_known_words(void **state)
{
    static const char *const known[] = {"HONEST_DEVICE", "LIVE_DEVICE", "HONEST_INTERRUPT",
                                        "NO_INJECTED_FAILURE", "PRESENT_HARDWARE"};

    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        const char *cursor = ft_rows[i].needs;
        char word[64];

        if (strcmp(cursor, "NONE") == 0)
            continue;
        while (ft_next_item(&cursor, ' ', word, sizeof(word))) {
            bool found = strcmp(word, "|") == 0;

            for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
                found = found || strcmp(word, known[k]) == 0;
            if (!found)
                fail_msg("%s needs the unknown %s", ft_rows[i].id, word);
        }
    }
}

/*
 * Following REFINES must end. A warning or a fault of the shim must not hide a violation, because
 * the refining row becomes the verdict.
 */
static void refinement_ends_and_never_weakens(void **state)
{
    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        int at = ft_rows[i].refines;
        size_t steps = 0;

        if (at == FT_ROW_NONE_)
            continue;
        if (ft_rows[at].severity == FT_SEVERITY_E && ft_rows[i].severity != FT_SEVERITY_E)
            fail_msg("%s would hide %s", ft_rows[i].id, ft_rows[at].id);
        while (at != FT_ROW_NONE_) {
            if (at == (int)i || ++steps > FT_ROW_COUNT)
                fail_msg("%s refines itself", ft_rows[i].id);
            at = ft_rows[at].refines;
        }
    }
}

static void alias_names_no_other_row(const char *alias, size_t owner)
{
    const struct ft_sheet *sheet = ft_sheet_of(alias);

    if (!sheet || sheet->number_first == FT_MEM_NUMBER_FIRST)
        fail_msg("%s: alias %s has no prefix of a catalogue", ft_rows[owner].id, alias);
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        const char *cursor = ft_rows[i].aliases;
        char other[96];

        if (strcmp(ft_rows[i].id, alias) == 0)
            fail_msg("alias %s is a row of its own", alias);
        while (i != owner && ft_next_item(&cursor, ',', other, sizeof(other))) {
            if (strcmp(other, alias) == 0)
                fail_msg("alias %s stands at two rows", alias);
        }
    }
}

static void every_row_of_the_catalogues_is_a_row_or_an_alias(void **state)
{
    size_t catalogue_rows = 0;
    size_t alias_count = 0;

    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++) {
        const char *cursor = ft_rows[i].aliases;
        char alias[96];

        if (ft_sheet_of(ft_rows[i].id)->number_first != FT_MEM_NUMBER_FIRST)
            catalogue_rows++;
        while (ft_next_item(&cursor, ',', alias, sizeof(alias))) {
            alias_names_no_other_row(alias, i);
            alias_count++;
        }
    }
    assert_int_equal(FT_CATALOGUE_ROWS,
                     FT_CATALOGUE_DMA + FT_CATALOGUE_IO + FT_CATALOGUE_KMDF + FT_CATALOGUE_SCSI);
    assert_int_equal(catalogue_rows + alias_count, FT_CATALOGUE_ROWS);
}

static void every_cut_has_rows(void **state)
{
    size_t counts[FT_CUT_COUNT] = {0};

    (void)state;
    for (size_t i = 0; i < FT_ROW_COUNT; i++)
        counts[ft_rows[i].cut]++;
    for (size_t k = 0; k < FT_CUT_COUNT; k++) {
        print_message("%-6s %4zu\n", ft_cut_names[k], counts[k]);
        assert_true(counts[k] > 0);
    }
    print_message("rows   %4d\n", (int)FT_ROW_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_unique_and_ids_are_unique),
        cmocka_unit_test(prefix_of_an_id_matches_the_range_of_its_number),
        cmocka_unit_test(symbol_is_the_id_in_upper_case),
        cmocka_unit_test(texts_are_complete),
        cmocka_unit_test(rows_that_are_not_judged_yet_have_a_note),
        cmocka_unit_test(needs_are_known_words),
        cmocka_unit_test(refinement_ends_and_never_weakens),
        cmocka_unit_test(every_row_of_the_catalogues_is_a_row_or_an_alias),
        cmocka_unit_test(every_cut_has_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
