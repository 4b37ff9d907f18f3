/* The table of rules, made from rules.def. */
#include "rules/rules_private.h"

#include <string.h>

/* The tokens of rules.def. */
#define NONE                FT_NEED_NONE
#define HONEST_DEVICE       FT_NEED_HONEST_DEVICE
#define LIVE_DEVICE         FT_NEED_LIVE_DEVICE
#define HONEST_INTERRUPT    FT_NEED_HONEST_INTERRUPT
#define NO_INJECTED_FAILURE FT_NEED_NO_INJECTED_FAILURE
#define PRESENT_HARDWARE    FT_NEED_PRESENT_HARDWARE

enum rule_index {
#define RULE(number, symbol, ...) INDEX_##symbol,
#include "rules.def"
#undef RULE
    RULE_COUNT
};

static const struct ft_rule_row rows[RULE_COUNT] = {
#define RULE(number_, symbol_, id_, severity_, needs_, first_event_, sentence_, source_,           \
             bugcheck_, cut_, note_, aliases_, refines_)                                           \
    {.number = number_,                                                                            \
     .id = id_,                                                                                    \
     .severity = FT_SEVERITY_##severity_,                                                          \
     .needs = needs_,                                                                              \
     .first_event = first_event_,                                                                  \
     .sentence = sentence_,                                                                        \
     .source = source_,                                                                            \
     .bugcheck = bugcheck_,                                                                        \
     .cut = FT_CUT_##cut_,                                                                         \
     .note = note_,                                                                                \
     .aliases = aliases_,                                                                          \
     .refines = FT_RULE_##refines_},
#include "rules.def"
#undef RULE
#define J(symbol) [INDEX_##symbol].judged = true,
    FT_JUDGED_RULES(J)
#undef J
};

static int index_of(uint16_t number)
{
    switch (number) {
#define RULE(number, symbol, ...)                                                                  \
    case number:                                                                                   \
        return INDEX_##symbol;
#include "rules.def"
#undef RULE
    default:
        return -1;
    }
}

size_t ft_rule_count(void)
{
    return RULE_COUNT;
}

const struct ft_rule_row *ft_rule_at(size_t index)
{
    return index < RULE_COUNT ? &rows[index] : NULL;
}

const struct ft_rule_row *ft_rule_by_number(uint16_t number)
{
    int index = index_of(number);

    return index >= 0 ? &rows[index] : NULL;
}

/* True when `id` is one of the aliases, which commas separate. */
static bool is_alias(const char *aliases, const char *id)
{
    size_t length = strlen(id);

    while (*aliases != '\0') {
        size_t span = strcspn(aliases, ",");

        if (span == length && memcmp(aliases, id, length) == 0) {
            return true;
        }
        aliases += span + (aliases[span] == ',');
    }
    return false;
}

const struct ft_rule_row *ft_rule_by_id(const char *id)
{
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (strcmp(rows[i].id, id) == 0) {
            return &rows[i];
        }
    }
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (*id != '\0' && is_alias(rows[i].aliases, id)) {
            return &rows[i];
        }
    }
    return NULL;
}

bool ft_rule_refines(uint16_t rule, uint16_t general)
{
    for (unsigned depth = 0; depth < 8 && rule != 0; depth++) {
        int index = index_of(rule);

        rule = index >= 0 ? rows[index].refines : 0;
        if (rule == general) {
            return true;
        }
    }
    return false;
}
