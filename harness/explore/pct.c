/* pct:D, PCT's schedules of depth D, each once.
 *
 * PCT (Burckhardt et al., ASPLOS 2010; for chains of tasks Ozkan et al., OOPSLA 2018) draws a
 * priority for each chain and D-1 change points at which the running chain falls to priority D-1,
 * …, 1. Its proof needs no more of the draw than this: whatever the order of the other chains, one
 * choice of (the chain that begins lowest, a turn for each of the D-1 changes) hits the bug, so
 * that one in n * k^(D-1) draws does. So here the other chains have one order (it follows from the
 * seed) and every such choice is taken once, in random order: after a share s of them any bug of
 * depth D is found with probability s, and with all of them for certain. That is 1/ln(1/(1-c))
 * times the runs that drawing takes for confidence c, and no bound has to be known beforehand.
 *
 * A unit is a lowest chain, its run's turn at which the first change comes, and the priority that
 * the running chain falls to; its cells are the later changes, each among the turns of the run so
 * far. Changes that alter no order any more are not run: that schedule was. Chains that show up
 * late become lowest chains, too. */
#include "explore/explore.h"
#include "scenario/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct moment {
    uint32_t at, running;
};

/* What the workers and we share. */
struct ft_family {
    struct ft_tally tally;
    uint32_t lock;   /* of the list of chains */
    uint32_t chains; /* seen in any run; each is the lowest one once */
    bool full;
    uint32_t chain[FT_CHAINS_MAX];
    uint32_t moments[FT_CHAINS_MAX]; /* of the run with that chain lowest */
    struct moment moment[FT_CHAINS_MAX][FT_TURNS_MAX];
};

struct unit {
    uint8_t victim, to;
    uint16_t moment; /* index */
};

struct ft_pct {
    struct ft_family *family;
    struct unit *unit;
    uint64_t planned;                          /* units, of which explore->units are to be run */
    uint32_t scouted;                          /* chains that were lowest */
    uint32_t rounds, round_end[FT_CHAINS_MAX]; /* chains at the beginning of each round */
    struct ft_turns *turns[FT_DEPTH_MAX];
};

/* ---- a schedule as ops ---- */

static uint16_t seed_of(const struct ft_explore *explore)
{
    return (uint16_t)(explore->seed % (FT_CHAIN_BASE - 1) + 1);
}

static void put_op(struct ft_scenario *scenario, unsigned at, unsigned kind, unsigned a, unsigned b)
{
    memmove(&scenario->op[at + 1], &scenario->op[at],
            (scenario->op_count - at) * sizeof *scenario->op);
    scenario->op[at] = (struct ft_op){.kind = (uint8_t)kind, .arg = {(uint16_t)a, (uint16_t)b}};
    scenario->op_count++;
}

/* Ops that may strike while the device starts come before the order, which begins behind START. */
static unsigned before_order(const struct ft_scenario *scenario)
{
    unsigned count = 0;

    while (count < scenario->op_count && scenario->op[count].moment.count != 0 &&
           scenario->op[count].moment.target == 0)
        count++;
    return count;
}

/* Room for it was checked (ft_explore_order_fits). */
static void put_lowest(const struct ft_explore *explore, uint32_t chain, struct ft_scenario *ret)
{
    unsigned at = before_order(&explore->base);

    *ret = explore->base;
    put_op(ret, at, FT_OP_ORDER, seed_of(explore), explore->points);
    put_op(ret, at + 1, FT_OP_LAST, chain / FT_CHAIN_BASE, chain % FT_CHAIN_BASE);
}

/* ---- in a worker ---- */

static void meet(struct ft_family *family, const struct ft_turns *turns)
{
    for (uint32_t i = 0; i < turns->chains; i++) {
        uint32_t known = __atomic_load_n(&family->chains, __ATOMIC_ACQUIRE), c = 0;

        while (c < known && family->chain[c] != turns->chain[i])
            c++;
        if (c < known)
            continue;
        while (__atomic_exchange_n(&family->lock, 1, __ATOMIC_ACQUIRE) != 0)
            ;
        for (c = 0; c < family->chains && family->chain[c] != turns->chain[i]; c++)
            ;
        if (c == FT_CHAINS_MAX) {
            family->full = true;
        } else if (c == family->chains) {
            family->chain[c] = turns->chain[i];
            __atomic_store_n(&family->chains, c + 1, __ATOMIC_RELEASE);
        }
        __atomic_store_n(&family->lock, 0, __ATOMIC_RELEASE);
    }
}

/* Runs a schedule; its turns are in ret. */
static void run_schedule(struct ft_worker *worker, const struct ft_scenario *scenario,
                         uint32_t cell, struct ft_turns *ret)
{
    struct ft_family *family = worker->explore->pct->family;
    struct ft_run_options options = {.scenario = scenario, .turns = ret};
    struct ft_walk_end end;

    ft_worker_announce(worker, cell, 0, scenario, &worker->seat->spare);
    memset(&end, 0, sizeof end);
    ft_session_run(&worker->walk.session, &options, &end.result, &end.verdict);
    ft_tally_run(&family->tally, ret, &end.result);
    meet(family, ret);
    ft_worker_note(worker, &end);
}

/* A schedule under way: what fell, and to what. */
struct branch {
    struct ft_worker *worker;
    struct ft_scenario scenario;
    uint32_t victim;
    uint32_t fell[FT_DEPTH_MAX]; /* by priority; 0: nothing did yet */
    uint32_t cell, from;
};

/* Where a chain stands: its own priority, which is above all here, the victim's or what it fell
 * to. */
static int level(const struct branch *branch, uint32_t chain, unsigned depth)
{
    for (unsigned to = 1; to < depth; to++)
        if (branch->fell[to] == chain)
            return (int)to;
    return chain == branch->victim ? (int)depth : (int)depth + 1;
}

/* The chain falls, and stays above and below the same chains as before; and so with every change
 * that is still to come: then it is the schedule without this change. */
static bool alters_nothing(const struct branch *branch, uint32_t chain, unsigned to, unsigned depth,
                           unsigned left)
{
    int before = level(branch, chain, depth), low = before < (int)to ? before : (int)to,
        high = before < (int)to ? (int)to : before;

    if (left > 1)
        return left == depth - 1 && to == depth - 1 && chain == branch->victim;
    if (before > (int)depth)
        return false;
    for (int i = low + 1; i < high; i++)
        if ((i < (int)depth && branch->fell[i] && branch->fell[i] != chain) ||
            (i == (int)depth && branch->victim != chain))
            return false;
    return true;
}

static unsigned changes_left(const struct branch *branch, unsigned depth)
{
    unsigned left = 0;

    for (unsigned to = 1; to < depth; to++)
        left += branch->fell[to] == 0;
    return left;
}

static void run_changes(struct branch *branch, uint32_t after, const struct ft_turns *turns,
                        unsigned depth);

/* One more change, and all that can follow. */
static void change(struct branch *branch, uint32_t at, uint32_t chain, unsigned to, unsigned depth)
{
    struct ft_worker *worker = branch->worker;
    const struct ft_pct *pct = worker->explore->pct;
    unsigned left = changes_left(branch, depth),
             place = before_order(&worker->explore->base) + 1 + depth - left;
    uint32_t cell = branch->cell++, old = 0;
    struct ft_turns *turns = pct->turns[depth - left];
    bool again = cell < branch->from;

    if (alters_nothing(branch, chain, to, depth, left)) {
        if (!again)
            __atomic_fetch_add(&pct->family->tally.same, 1, __ATOMIC_RELAXED);
        return;
    }
    if (again && (left == 1 || cell + 1 == branch->from))
        return; /* it was run, or it killed its worker */
    put_op(&branch->scenario, place, FT_OP_LOWER, at, to);
    /* A chain that fell twice is where it fell last. */
    for (unsigned i = 1; i < depth; i++)
        if (branch->fell[i] == chain)
            old = i;
    branch->fell[to] = chain;
    if (old)
        branch->fell[old] = UINT32_MAX;
    run_schedule(worker, &branch->scenario, cell, turns);
    if (left > 1)
        run_changes(branch, at, turns, depth);
    branch->fell[to] = 0;
    if (old)
        branch->fell[old] = chain;
    memmove(&branch->scenario.op[place], &branch->scenario.op[place + 1],
            (branch->scenario.op_count - place - 1u) * sizeof *branch->scenario.op);
    branch->scenario.op_count--;
}

static void run_changes(struct branch *branch, uint32_t after, const struct ft_turns *turns,
                        unsigned depth)
{
    for (uint32_t t = after; t < turns->count; t++)
        for (unsigned to = 1; to < depth && turns->turn[t].running; to++) {
            if (ft_worker_stopped(branch->worker))
                return;
            if (branch->fell[to] == 0)
                change(branch, t + 1, turns->turn[t].running, to, depth);
        }
}

static void run_lowest(struct ft_worker *worker, uint64_t unit)
{
    struct ft_pct *pct = worker->explore->pct;
    struct ft_family *family = pct->family;
    uint32_t victim = pct->scouted + (uint32_t)unit, count = 0;
    struct ft_turns *turns = pct->turns[0];
    struct ft_scenario scenario;

    put_lowest(worker->explore, family->chain[victim], &scenario);
    run_schedule(worker, &scenario, 0, turns);
    for (uint32_t i = 0; i < turns->count; i++)
        if (turns->turn[i].running)
            family->moment[victim][count++] = (struct moment){i + 1, turns->turn[i].running};
    family->moments[victim] = count;
}

static void run(struct ft_worker *worker, uint64_t number, uint32_t from)
{
    const struct ft_explore *explore = worker->explore;
    const struct ft_pct *pct = explore->pct;
    struct branch branch = {.worker = worker, .from = from};
    const struct moment *moment;
    const struct unit *unit;

    if (explore->phase == 0) {
        if (from == 0)
            run_lowest(worker, number);
        return;
    }
    unit = &pct->unit[number];
    branch.victim = pct->family->chain[unit->victim];
    moment = &pct->family->moment[unit->victim][unit->moment];
    put_lowest(explore, branch.victim, &branch.scenario);
    change(&branch, moment->at, moment->running, unit->to, explore->depth);
}

/* ---- here ---- */

/* The units of chains that were not lowest before, shuffled. */
static bool plan(struct ft_explore *explore, uint32_t first, uint32_t end)
{
    struct ft_pct *pct = explore->pct;
    struct ft_prng prng = ft_prng_init(explore->seed, first);
    uint64_t more = 0, begin = pct->planned;
    struct unit *grown;

    for (uint32_t v = first; v < end; v++)
        more += (uint64_t)pct->family->moments[v] * (explore->depth - 1);
    grown = realloc(pct->unit, (begin + more + 1) * sizeof *grown);
    if (!grown)
        return false;
    pct->unit = grown;
    for (uint32_t v = first; v < end; v++)
        for (uint32_t m = 0; m < pct->family->moments[v]; m++)
            for (unsigned to = 1; to < explore->depth; to++)
                pct->unit[pct->planned++] = (struct unit){(uint8_t)v, (uint8_t)to, (uint16_t)m};
    for (uint64_t i = pct->planned; i > begin + 1; i--) {
        uint64_t j = begin + ft_prng_next(&prng) % (i - begin);
        struct unit held = pct->unit[i - 1];

        pct->unit[i - 1] = pct->unit[j];
        pct->unit[j] = held;
    }
    return true;
}

static bool make_room(struct ft_explore *explore)
{
    struct ft_pct *pct = calloc(1, sizeof *pct);

    if (!pct)
        return false;
    explore->pct = pct;
    pct->family = mmap(NULL, sizeof *pct->family, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pct->family == MAP_FAILED) {
        pct->family = NULL;
        return false;
    }
    for (unsigned i = 0; i < explore->depth; i++) {
        pct->turns[i] = malloc(sizeof *pct->turns[i]);
        if (!pct->turns[i])
            return false;
    }
    return true;
}

void ft_pct_free(struct ft_explore *explore)
{
    struct ft_pct *pct = explore->pct;

    if (!pct)
        return;
    if (pct->family)
        munmap(pct->family, sizeof *pct->family);
    for (unsigned i = 0; i < FT_DEPTH_MAX; i++)
        free(pct->turns[i]);
    free(pct->unit);
    free(pct);
    explore->pct = NULL;
}

/* The share of a round's units that were finished. */
static double share(uint64_t done, uint64_t begin, uint64_t end)
{
    if (end == begin)
        return 1;
    return done <= begin ? 0 : (double)((done < end ? done : end) - begin) / (double)(end - begin);
}

/* Units have the numbers that they had before: the chains come in the same order and rounds. */
static void recall(struct ft_explore *explore)
{
    const struct ft_past *past = explore->past;
    struct ft_family *family = explore->pct->family;

    /* No chain has this name, so the first run has no lowest one. */
    family->chain[0] = 0;
    family->chains = 1;
    if (!past || past->chains == 0)
        return;
    memcpy(family->chain, past->chain, past->chains * sizeof *past->chain);
    family->chains = past->chains;
}

static uint32_t begin_round(const struct ft_explore *explore)
{
    struct ft_pct *pct = explore->pct;
    const struct ft_past *past = explore->past;
    uint32_t end =
        past && pct->rounds < past->rounds ? past->round_end[pct->rounds] : pct->family->chains;

    pct->round_end[pct->rounds++] = end;
    return end;
}

/* For the call that goes on. */
static void remember(const struct ft_explore *explore)
{
    const struct ft_pct *pct = explore->pct;
    struct ft_past *past = explore->past;

    past->chains = pct->family->chains;
    memcpy(past->chain, pct->family->chain, past->chains * sizeof *past->chain);
    if (pct->rounds < past->rounds)
        return;
    past->rounds = pct->rounds;
    memcpy(past->round_end, pct->round_end, past->rounds * sizeof *past->round_end);
}

static void certify(struct ft_explore *explore, double probability, const char *why)
{
    struct ft_certificate *certificate = &explore->certificate;
    struct ft_tally *tally = &explore->pct->family->tally;
    const char *objection;

    ft_past_add(explore, tally);
    objection = ft_tally_objection(tally);

    *certificate = (struct ft_certificate){.bound = explore->depth,
                                           .points = explore->points,
                                           .chains = tally->chains,
                                           .turns = tally->turns,
                                           .schedules = tally->schedules,
                                           .same = tally->same,
                                           .probability = probability,
                                           .scenario = ft_scenario_hash(&explore->base),
                                           .seconds = ft_past_seconds(explore)};
    certificate->family = tally->chains;
    for (unsigned i = 1; i < explore->depth; i++)
        certificate->family *= tally->turns;
    if (explore->pct->family->full)
        objection = "there are more chains than can be written down";
    if (ft_past_found(explore))
        objection = FT_OBJECTION_FINDINGS;
    if (explore->from && !explore->past)
        objection = FT_OBJECTION_RESUMED;
    if (!objection)
        objection = why;
    if (objection)
        snprintf(certificate->why, sizeof certificate->why, "%s", objection);
    certificate->given = !objection;
}

static enum ft_status drive(struct ft_explore *explore, struct ft_error *error)
{
    uint64_t from = explore->from;
    double probability = 1, found;
    const char *why = NULL;
    struct ft_pct *pct;

    if (!make_room(explore))
        return ft_fail(error, FT_NO_MEMORY, 0, "the schedules");
    pct = explore->pct;
    recall(explore);
    while (pct->scouted < pct->family->chains && !why) {
        uint32_t first = pct->scouted, end = begin_round(explore);
        uint64_t begin = pct->planned, wanted;

        if (!ft_explore_phase(explore, 0, 0, end - first)) {
            why = "stopped before every chain was the lowest one";
            explore->resume = from > begin ? from : begin;
            explore->units = begin;
            probability = 0;
            break;
        }
        pct->scouted = end;
        if (pct->family->chains > end && first == 0)
            continue; /* the first run only tells which chains there are */
        if (!plan(explore, first, end))
            return ft_fail(error, FT_NO_MEMORY, 0, "the schedules");
        wanted =
            pct->planned - (uint64_t)((1 - explore->confidence) * (double)(pct->planned - begin));
        if (!ft_explore_phase(explore, 1, from > begin ? from : begin, wanted))
            why = "stopped before the share of schedules that was asked for was run";
        found = share(explore->resume, begin, pct->planned);
        probability = found < probability ? found : probability;
        pct->planned = wanted;
    }
    certify(explore, probability, why);
    if (explore->past)
        remember(explore);
    return FT_OK;
}

const struct ft_strategy ft_strategy_pct = {.name = "pct", .run = run, .drive = drive};
