/* Restored prefixes: a disturbance at any place of a run gives the same run as the scenario that
 * has it written down, from the start: the same events, the same verdict. */
#include "explore/disturbance.h"
#include "explore/place.h"
#include "explore/explore_walk.h"
#include "replay/execute.h"
#include "scenario/scenario_codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Each place has every FEW-th disturbance, and the next place the others: all would take long. */
enum { PLACES = 1 << 14, FEW = 3 };

struct outcome {
    struct ft_scenario scenario;
    struct ft_walk_end end;
};

static struct ft_walk walk;
static struct ft_passed passed[PLACES];
static struct ft_place place[PLACES];
static struct ft_disturbance disturbance[FT_DISTURBANCES_MAX];
static struct ft_flights flights;
static uint64_t places;
static unsigned disturbances;

static const struct ft_module *open_core(const char *core, bool share)
{
    const struct ft_module *module = ft_module_find(core, "");

    assert_non_null(module);
    assert_true(ft_walk_open(&walk, module, false));
    assert_true(!share || ft_walk_share(&walk));
    disturbances = ft_disturbances_all(disturbance);
    assert_true(disturbances > 30);
    return module;
}

/* Passes the undisturbed run once, and names its places. */
static void scout(const struct ft_module *module, const struct ft_scenario *base)
{
    struct ft_execute_options options = {.cold = true};
    struct ft_run_options plain = {.scenario = base, .cold = true};
    struct ft_run_result alone;
    struct ft_walk_end end;
    struct ft_trace trace;
    struct ft_error error;

    assert_int_equal(ft_execute(module, base, &options, &trace, &error), FT_OK);
    ft_flights_read(&trace, &flights);
    ft_trace_free(&trace);
    ft_session_run(&walk.session, &plain, &alone, NULL);
    ft_walk_begin(&walk, base);
    ft_walk_record(&walk, passed, PLACES, 1);
    ft_walk_finish(&walk, &end);
    places = walk.passed_count;
    assert_true(places > 100 && places < PLACES);
    assert_int_equal(end.result.places, places);
    /* Being watched changes nothing. */
    assert_int_equal(end.result.hash, alone.hash);
    ft_places_name(passed, places, place);
}

/* Disturbances at one place, from the save point in front of it. */
static unsigned disturb_place(const struct ft_scenario *base, uint64_t i, struct outcome *ret)
{
    unsigned count = 0;

    assert_true(ft_walk_stand(&walk, 0, &place[i].stand, NULL, 0));
    for (unsigned d = 0; d < disturbances; d++) {
        struct ft_decision decision = {.place = place[i].number};

        if ((i + d) % FEW != 0 ||
            !ft_disturbance_at(&disturbance[d], &place[i], &flights, &decision.op) ||
            !ft_place_insert(base, &place[i], &decision.op, &ret[count].scenario))
            continue;
        assert_true(ft_walk_stand(&walk, 0, &place[i].stand, &decision, 1));
        ft_walk_finish(&walk, &ret[count++].end);
    }
    return count;
}

static void say(const struct outcome *outcome, const struct ft_run_result *whole)
{
    char text[4096];

    ft_scenario_print(&outcome->scenario, text, sizeof text);
    print_message("%s%llx/%llu by prefix, %llx/%llu whole\n", text,
                  (unsigned long long)outcome->end.result.hash,
                  (unsigned long long)outcome->end.result.event_count,
                  (unsigned long long)whole->hash, (unsigned long long)whole->event_count);
}

static void compare(const struct outcome *outcome, unsigned *skipped)
{
    struct ft_run_options options = {.scenario = &outcome->scenario, .cold = true};
    const struct ft_walk_end *end = &outcome->end;
    struct ft_run_result whole;
    struct ft_verdict verdict;

    ft_session_run(&walk.session, &options, &whole, &verdict);
    if (end->skipped) {
        assert_true(whole.ops_skipped > 0);
        (*skipped)++;
        return;
    }
    if (whole.hash != end->result.hash)
        say(outcome, &whole);
    assert_int_equal(whole.hash, end->result.hash);
    assert_int_equal(whole.event_count, end->result.event_count);
    assert_int_equal(whole.stop, end->result.stop);
    assert_int_equal(verdict.kind, end->verdict.kind);
    assert_int_equal(verdict.finding_count, end->verdict.finding_count);
    if (verdict.finding_count)
        assert_int_equal(verdict.finding[0].rule, end->verdict.finding[0].rule);
}

static void every_place(const char *core, const char *text, bool share)
{
    const struct ft_module *module = open_core(core, share);
    unsigned count = 0, skipped = 0, shared = 0, capacity;
    struct ft_scenario base;
    struct ft_error error;
    struct outcome *outcome;

    assert_int_equal(ft_scenario_parse(text, strlen(text), &base, &error), FT_OK);
    scout(module, &base);
    capacity = (unsigned)places * disturbances;
    outcome = calloc(capacity, sizeof *outcome);
    assert_non_null(outcome);
    ft_walk_begin(&walk, &base);
    ft_walk_save(&walk, 0);
    for (uint64_t i = 0; i < places; i++)
        count += disturb_place(&base, i, &outcome[count]);
    assert_true(count > places * 20 / FEW);
    for (unsigned i = 0; i < count; i++) {
        compare(&outcome[i], &skipped);
        shared += outcome[i].end.shared;
    }
    /* Most runs take over an end, or that would prove nothing about it. */
    assert_true(share ? shared > (count - skipped) / 2 : shared == 0);
    assert_true(skipped < count * 3 / 4);
    free(outcome);
    ft_walk_close(&walk);
}

static void packet(void **state)
{
    (void)state;
    every_place("wdm-packet",
                "platform bounce\na: read length=5000 offset=512\n"
                "b: write length=4096 @ a/irp:pending.out/1\n",
                false);
}

static void packet_shares_ends(void **state)
{
    (void)state;
    every_place("wdm-packet",
                "platform bounce\na: read length=5000 offset=512\n"
                "b: write length=4096 @ a/irp:pending.out/1\n",
                true);
}

static void sglist_shares_ends(void **state)
{
    (void)state;
    every_place("wdm-sglist", "a: read length=6000 offset=512\n", true);
}

static void slave_shares_ends(void **state)
{
    (void)state;
    every_place("wdm-slave", "platform noncoherent\na: read length=3000\n", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet), cmocka_unit_test(packet_shares_ends),
        cmocka_unit_test(sglist_shares_ends), cmocka_unit_test(slave_shares_ends)};

    return cmocka_run_group_tests_name("restored prefixes", tests, NULL, NULL);
}
