/* Which families of rules see an event: those that look at its kind, and those that wait for
 * something whatever the kind. */
#include "rules/rules_io.h"
#include "rules/rules_kinds.h"

typedef void family_fn(struct ft_rules *rules, const struct ft_event *event);

/* Bits in a mask. */
#define F(family) JUDGE_##family,
enum { FT_JUDGES(F) JUDGE_COUNT };
#undef F
#define F(family) NOTE_##family,
enum { FT_NOTES(F) NOTE_COUNT };
#undef F
_Static_assert(JUDGE_COUNT <= 64 && NOTE_COUNT <= 64, "a mask has a bit for each family");

static family_fn *const judges[] = {
#define F(family) ft_##family##_judge,
    FT_JUDGES(F)
#undef F
};
static family_fn *const notes[] = {
#define F(family) ft_##family##_note,
    FT_NOTES(F)
#undef F
};

/* Places of the kinds that a family looks at; 0 ends the list. */
#define K(symbol) FT_KIND_PLACE(FT_EV_##symbol),
#define F(family) static const uint16_t judged_by_##family[] = {FT_KINDS_##family##_judge(K) 0};
FT_JUDGES(F)
#undef F
#define F(family) static const uint16_t noted_by_##family[] = {FT_KINDS_##family##_note(K) 0};
FT_NOTES(F)
#undef F
#undef K

/* Masks of families by the place of the kind: a pure function of the sources. */
static uint64_t judge_mask[FT_KIND_PLACES], note_mask[FT_KIND_PLACES];

/* Every kind has a place of its own. */
#define EV(number, symbol, name, args, sentence)                                                   \
    _Static_assert(FT_KIND_PLACE(number) != 0, "more groups or numbers of events: FT_KIND_PLACE");
#include "sim/events.def"
#undef EV

static void fill(uint64_t *masks, const uint16_t *place, unsigned bit)
{
    for (; *place != 0; place++) {
        masks[*place] |= UINT64_C(1) << bit;
    }
}

void ft_families_init(void)
{
    static bool filled;

    if (filled) {
        return;
    }
    filled = true;
#define F(family) fill(judge_mask, judged_by_##family, JUDGE_##family);
    FT_JUDGES(F)
#undef F
#define F(family) fill(note_mask, noted_by_##family, NOTE_##family);
    FT_NOTES(F)
#undef F
}

static void call_families(struct ft_rules *rules, const struct ft_event *event,
                          family_fn *const *function, uint64_t mask)
{
    for (; mask != 0; mask &= mask - 1) {
        function[__builtin_ctzll(mask)](rules, event);
    }
}

void ft_io_judge(struct ft_rules *rules, const struct ft_event *event, bool wrong_level)
{
    const uint64_t of_levels =
        UINT64_C(1) << JUDGE_power | UINT64_C(1) << JUDGE_isr | UINT64_C(1) << JUDGE_wdm_dma;
    uint64_t mask = judge_mask[FT_KIND_PLACE(event->kind)];

    call_families(rules, event, judges, wrong_level ? mask | of_levels : mask);
}

void ft_io_note(struct ft_rules *rules, const struct ft_event *event)
{
    uint64_t mask = note_mask[FT_KIND_PLACE(event->kind)];

    if (rules->idle_inserts != 0) {
        mask |= UINT64_C(1) << NOTE_queue;
    }
    if (rules->poll_count != 0) {
        mask |= UINT64_C(1) << NOTE_removal;
    }
    call_families(rules, event, notes, mask);
}
