/* Runs many random scenarios of one core in this process and prints what must hold: one hash over
 * all of them (the same whatever the compiler, optimisation, sanitizer or address layout), how many
 * ended with which verdict, and in which phase of a request the disturbances struck (+: of one
 * whose cancellation was asked for).
 *
 *     ft-soak CORE MUTANT|- FIRST COUNT [PLATFORM|any] [each|bad|-] [OP...]
 *
 * `each` adds a line for every run, `bad` one for every run that was not clean. With OPs every
 * world choice and half of the disturbances are replaced by one of them.
 *
 * Exit: 0 every run clean, 1 some were not (the first is printed as a scenario), 3 bad usage.
 */
#include "feedback/state_cells.h"
#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { VERDICTS = 9, KINDS_MAX = 16, STREAM = 99 };

static struct soak {
    struct ft_session session;
    uint64_t struck[FT_CLASS_COUNT][FT_PHASE_COUNT];
    uint64_t hash, events, verdicts[VERDICTS];
    uint64_t ops[3];         /* fired, late, skipped */
    uint8_t kind[KINDS_MAX]; /* of OPs */
    unsigned kinds;
    unsigned takes; /* FT_TAKES_* of the driver */
    bool each, bad, failed;
} soak;

static int usage(void)
{
    fprintf(stderr,
            "usage: ft-soak CORE MUTANT|- FIRST COUNT [PLATFORM|any] [each|bad|-] [OP...]\n");
    return 3;
}

static void show_failure(uint64_t seed, const struct ft_scenario *scenario,
                         const struct ft_verdict *verdict)
{
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(verdict->finding[0].rule) : NULL;
    char text[8192];

    ft_scenario_print(scenario, text, sizeof text);
    printf("# seed %llu: %s %s event %llu %s\n%s", (unsigned long long)seed,
           ft_verdict_name(verdict->kind), rule ? rule->id : "",
           (unsigned long long)(rule ? verdict->finding[0].event : 0), verdict->detail, text);
}

static void show_line(uint64_t seed, uint64_t hash, const struct ft_verdict *verdict)
{
    const struct ft_rule_row *rule =
        verdict->finding_count ? ft_rule_by_number(verdict->finding[0].rule) : NULL;

    printf("%llu %016llx %s %s %s\n", (unsigned long long)seed, (unsigned long long)hash,
           ft_verdict_name(verdict->kind), rule ? rule->id : "", verdict->detail);
    fflush(stdout);
}

static void replace_ops(const struct soak *soak, uint64_t seed, struct ft_scenario *scenario)
{
    struct ft_prng prng = ft_prng_init(seed, STREAM);

    for (unsigned i = 0; i < scenario->op_count; i++) {
        struct ft_op *op = &scenario->op[i], old = *op;
        enum ft_op_class class_ = ft_op_row(op->kind)->class_;

        if (class_ == FT_OP_CLASS_REQUEST ||
            (class_ == FT_OP_CLASS_DISTURB && ft_prng_odds(&prng, 1, 2)))
            continue;
        *op = ft_draw_op(&prng, &scenario->platform, soak->kind[ft_prng_below(&prng, soak->kinds)],
                         1);
        op->label = old.label;
        op->moment = old.moment;
    }
}

static bool add_kind(struct soak *soak, const char *name)
{
    for (unsigned number = 1; number < 255 && soak->kinds < KINDS_MAX; number++)
        if (ft_op_row(number) && strcmp(ft_op_row(number)->name, name) == 0) {
            soak->kind[soak->kinds++] = (uint8_t)number;
            return true;
        }
    return false;
}

/* In which phase of a request did a disturbance strike? */
static bool count_strike(void *state, const struct ft_event *event)
{
    unsigned cell = ft_cell_of_event(state, event);

    if (cell != FT_NO_CELL && !ft_cell_at(cell).unexpected)
        soak.struck[ft_cell_at(cell).class_][ft_cell_at(cell).phase]++;
    return false;
}

static void run(struct soak *soak, uint64_t seed, int platform)
{
    struct ft_scenario scenario;
    struct ft_run_options options = {.scenario = &scenario};
    struct ft_run_result result;
    struct ft_verdict verdict;

    ft_scenario_random_for(seed, platform, soak->takes, &scenario);
    if (soak->kinds > 0)
        replace_ops(soak, seed, &scenario);
    ft_session_run(&soak->session, &options, &result, &verdict);
    soak->hash = XXH3_64bits_withSeed(&result.hash, sizeof result.hash, soak->hash);
    soak->events += result.event_count;
    soak->verdicts[verdict.kind]++;
    soak->ops[0] += result.ops_fired;
    soak->ops[1] += result.ops_late;
    soak->ops[2] += result.ops_skipped;
    if (soak->each || (soak->bad && verdict.kind != FT_VERDICT_CLEAN))
        show_line(seed, result.hash, &verdict);
    if (verdict.kind != FT_VERDICT_CLEAN && !soak->failed) {
        soak->failed = true;
        show_failure(seed, &scenario, &verdict);
    }
}

static void print_result(const struct soak *soak, uint64_t count)
{
    printf("%llu scenarios %016llx %llu events\n", (unsigned long long)count,
           (unsigned long long)soak->hash, (unsigned long long)soak->events);
    for (unsigned i = 0; i < VERDICTS; i++)
        if (soak->verdicts[i])
            printf("  %s %llu\n", ft_verdict_name(i), (unsigned long long)soak->verdicts[i]);
    printf("  ops fired %llu late %llu skipped %llu\n", (unsigned long long)soak->ops[0],
           (unsigned long long)soak->ops[1], (unsigned long long)soak->ops[2]);
    printf("  %-16s", "struck in");
    for (unsigned p = 0; p < FT_PHASE_COUNT; p++)
        printf("%s%9s", ft_phase_cancelled(p) ? "+" : " ", ft_phase_name(p));
    for (unsigned c = 0; c < FT_CLASS_COUNT; c++) {
        if (ft_class_group(c) != FT_GROUP_STRIKE)
            continue;
        printf("\n  %-16s", ft_class_name(c));
        for (unsigned p = 0; p < FT_PHASE_COUNT; p++)
            printf("%10llu", (unsigned long long)soak->struck[c][p]);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    const struct ft_module *module;
    uint64_t first, count;
    int platform = -1;

    if (argc < 5)
        return usage();
    module = ft_module_find(argv[1], argv[2][0] == '-' ? "" : argv[2]);
    first = strtoull(argv[3], NULL, 0);
    count = strtoull(argv[4], NULL, 0);
    for (int i = 0; argc > 5 && i < FT_PLATFORM_COUNT; i++)
        if (strcmp(argv[5], ft_platform_preset_name((unsigned)i)) == 0)
            platform = i;
    if (!module || (argc > 5 && platform < 0 && strcmp(argv[5], "any") != 0))
        return usage();
    soak.each = argc > 6 && strcmp(argv[6], "each") == 0;
    soak.bad = argc > 6 && strcmp(argv[6], "bad") == 0;
    for (int i = 7; i < argc; i++)
        if (!add_kind(&soak, argv[i]))
            return usage();
    if (!ft_session_open(&soak.session, module, false, 0))
        return 5;
    soak.session.tap = count_strike;
    soak.session.tap_state = ft_world_reserve(soak.session.world, sizeof(struct ft_cell_state));
    soak.takes = ft_takes(module->description);
    for (uint64_t seed = first; seed < first + count; seed++)
        run(&soak, seed, platform);
    print_result(&soak, count);
    ft_session_close(&soak.session);
    return soak.failed ? 1 : 0;
}
