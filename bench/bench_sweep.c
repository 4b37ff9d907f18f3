/* What restored prefixes save: one disturbance at each of n places, from save points in one run,
 * against n runs from the start. */
#include "bench_sweep.h"

#include "explore/place.h"
#include "explore/explore_walk.h"
#include "scenario/scenario_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLACES = 1 << 14, ROUNDS = 5 };

static const struct ft_op disturbance = {.kind = FT_OP_INT_SPURIOUS};

struct sweep {
    struct ft_walk walk;
    struct ft_scenario base;
    struct ft_passed passed[PLACES];
    struct ft_place place[PLACES];
    struct ft_scenario scenario[PLACES]; /* the run of each place, written down */
    uint64_t hash[PLACES];
    uint64_t places, runs;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void scout(struct sweep *sweep)
{
    struct ft_walk_end end;

    ft_walk_begin(&sweep->walk, &sweep->base);
    ft_walk_record(&sweep->walk, sweep->passed, PLACES, 1);
    ft_walk_finish(&sweep->walk, &end);
    sweep->places = sweep->walk.passed_count;
    ft_places_name(sweep->passed, sweep->places, sweep->place);
}

static void run_place(struct sweep *sweep, uint64_t index)
{
    struct ft_decision decision = {.place = sweep->place[index].number, .op = disturbance};
    struct ft_walk_end end;

    if (!ft_place_insert(&sweep->base, &sweep->place[index], &disturbance,
                         &sweep->scenario[sweep->runs]))
        return;
    if (!ft_walk_stand(&sweep->walk, 0, &sweep->place[index].stand, NULL, 0) ||
        !ft_walk_stand(&sweep->walk, 0, &sweep->place[index].stand, &decision, 1))
        exit(5);
    ft_walk_finish(&sweep->walk, &end);
    sweep->hash[sweep->runs++] = end.skipped ? 0 : end.result.hash;
}

/* The base run goes on once; what follows each place runs from the save point before it. */
static void run_by_prefixes(struct sweep *sweep)
{
    sweep->runs = 0;
    ft_walk_begin(&sweep->walk, &sweep->base);
    ft_walk_save(&sweep->walk, 0);
    for (uint64_t i = 0; i < sweep->places; i++)
        run_place(sweep, i);
}

static void run_whole(struct sweep *sweep, bool cold)
{
    for (uint64_t i = 0; i < sweep->runs; i++) {
        struct ft_run_options options = {.scenario = &sweep->scenario[i], .cold = cold};
        struct ft_run_result result;

        ft_session_run(&sweep->walk.session, &options, &result, NULL);
        if (sweep->hash[i] != 0 && result.hash != sweep->hash[i]) {
            fprintf(stderr, "ft-bench: a run by its prefix is not the run from the start\n");
            exit(5);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

void ft_bench_sweep(const struct ft_module *module)
{
    static const char text[] = "a: read length=4096\nb: read length=12288 offset=512\n"
                               "c: write length=8192\n";
    struct sweep *sweep = calloc(1, sizeof *sweep);
    double prefix[ROUNDS], cold[ROUNDS], warm[ROUNDS];
    struct ft_error error;

    if (!sweep || ft_scenario_parse(text, strlen(text), &sweep->base, &error) != FT_OK ||
        !ft_walk_open(&sweep->walk, module, false) || !ft_walk_share(&sweep->walk))
        exit(5);
    scout(sweep);
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now(), middle, late;

        run_by_prefixes(sweep);
        middle = now();
        run_whole(sweep, true);
        late = now();
        run_whole(sweep, false);
        prefix[round] = (middle - begin) / (double)sweep->runs;
        cold[round] = (late - middle) / (double)sweep->runs;
        warm[round] = (now() - late) / (double)sweep->runs;
    }
    qsort(prefix, ROUNDS, sizeof *prefix, ascending);
    qsort(cold, ROUNDS, sizeof *cold, ascending);
    qsort(warm, ROUNDS, sizeof *warm, ascending);
    printf("sweep_places %llu\n", (unsigned long long)sweep->runs);
    printf("sweep_by_prefixes %.0f ns/place\n", prefix[ROUNDS / 2]);
    printf("sweep_by_whole_runs %.0f ns/place\n", cold[ROUNDS / 2]);
    printf("sweep_by_warm_runs %.0f ns/place\n", warm[ROUNDS / 2]);
    printf("sweep_ratio %.2f of whole runs\n", prefix[ROUNDS / 2] / cold[ROUNDS / 2]);
    ft_walk_close(&sweep->walk);
    free(sweep);
}
