/* flushtrace explore: the answer. */
#include "cli/explore_answer.h"

#include "explore/explore_table.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"
#include "scenario/scenario_codec.h"

#include <inttypes.h>
#include <string.h>

enum { SCENARIO_TEXT = 8192, COMMAND_TEXT = 4096 };

static bool counts(enum ft_verdict_kind kind)
{
    return kind == FT_VERDICT_VIOLATION || kind == FT_VERDICT_CRASH || kind == FT_VERDICT_HANG;
}

/* Cells that somebody should have run. */
static uint64_t cells_left(const struct ft_explore *explore)
{
    uint64_t left = 0;

    for (uint64_t i = 0; i < explore->place_count * explore->disturbance_count; i++) {
        left += explore->cell[i].state == FT_CELL_NOT_RUN;
    }
    return left;
}

int ft_explore_exit(const struct ft_explore *explore)
{
    bool finding = false, failure = false, open = false;

    for (unsigned i = 0; i < explore->finding_count; i++) {
        const struct ft_explore_finding *found = &explore->finding[i];
        enum ft_verdict_kind kind = found->verdict.kind;

        finding = finding || (counts(kind) && !found->known);
        failure = failure || !found->confirmed || kind == FT_VERDICT_ERROR;
        open = open || kind == FT_VERDICT_CUT || kind == FT_VERDICT_UNJUDGED;
    }
    /* Without a reason to stop everything was to be run: workers that cannot work run nothing. */
    if (explore->stopped == FT_EXPLORE_DONE &&
        (explore->resume < explore->units || (explore->from == 0 && cells_left(explore) != 0))) {
        failure = true;
    }
    if (finding) {
        return FT_EXIT_FINDING;
    }
    return failure ? FT_EXIT_FAILURE : open ? FT_EXIT_NO_VERDICT : FT_EXIT_OK;
}

/* The finding that a person looks at first: one that counts. */
static const struct ft_explore_finding *first_finding(const struct ft_explore *explore)
{
    for (unsigned i = 0; i < explore->finding_count; i++) {
        if (!explore->finding[i].known && counts(explore->finding[i].verdict.kind)) {
            return &explore->finding[i];
        }
    }
    return explore->finding_count != 0 ? &explore->finding[0] : NULL;
}

static void begin_run(const struct ft_cli *cli, const struct ft_explore *explore,
                      struct ft_command *command)
{
    const char *driver = cli->driver != NULL                     ? cli->driver
                         : strchr(cli->argument[0], '/') != NULL ? cli->argument[0]
                                                                 : explore->module->core;

    if (strstr(driver, ".ftr") != NULL) {
        driver = explore->module->core;
    }
    ft_command_begin(command, cli, "run");
    ft_command_word(command, driver);
    ft_command_option(command, "--mutant",
                      explore->module->mutant[0] != '\0' && strchr(driver, '/') == NULL
                          ? explore->module->mutant
                          : NULL);
    if (explore->keep_going) {
        ft_command_word(command, "--keep-going");
    }
}

/* A trace when there is one; else the scenario goes along in the command itself. */
static void make_rerun(const struct ft_cli *cli, const struct ft_explore *explore,
                       const struct ft_explore_finding *finding, char *text, size_t capacity)
{
    struct ft_command command, say = {.length = 0};
    char scenario[SCENARIO_TEXT], line[SCENARIO_TEXT + 256];
    size_t length = 0;

    if (finding->path[0] != '\0') {
        ft_command_replay(&command, cli, finding->path);
        if (cli->driver == NULL && strchr(cli->argument[0], '/') != NULL &&
            strstr(cli->argument[0], ".ftr") == NULL) {
            ft_command_option(&command, "--driver", cli->argument[0]);
        }
        snprintf(text, capacity, "%s", command.text);
        return;
    }
    ft_scenario_print(&finding->scenario, scenario, sizeof(scenario));
    for (const char *c = scenario; *c != '\0' && length + 3 < sizeof(line); c++) {
        if (*c == '\n') {
            line[length++] = '\\';
            line[length++] = 'n';
        } else {
            line[length++] = *c;
        }
    }
    line[length] = '\0';
    begin_run(cli, explore, &command);
    ft_command_option(&command, "--scenario", "/dev/stdin");
    ft_command_word(&say, "printf");
    ft_command_word(&say, line);
    if (say.length + 1 < sizeof(say.text)) {
        snprintf(text, capacity, "%s | %s", say.text, command.text);
    } else {
        snprintf(text, capacity, "# the scenario is long; run this again with -o DIR");
    }
}

/* ---- text ---- */

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_summary(const struct ft_explore *explore, FILE *out)
{
    static const char *const reasons[] = {
        [FT_EXPLORE_INTERRUPTED] = "interrupted",
        [FT_EXPLORE_LIMIT] = "stopped at --limit",
        [FT_EXPLORE_TIME] = "stopped at --time",
        [FT_EXPLORE_FIRST] = "stopped at the first finding",
    };
    const struct ft_module *module = explore->module;

    fprintf(out, "%s%s%s: %s", module->core, module->mutant[0] != '\0' ? "+" : "", module->mutant,
            explore->strategy->name);
    if (explore->strategy->places) {
        fprintf(out, " of %" PRIu64 " place%s by %u disturbance%s on %s", explore->place_count,
                plural(explore->place_count), explore->disturbance_count,
                plural(explore->disturbance_count),
                ft_platform_preset_name(explore->base.platform.preset));
    }
    fprintf(out, ": %" PRIu64 " runs in %.1f s, %u finding%s\n", explore->runs, explore->elapsed,
            explore->finding_count, plural(explore->finding_count));
    if (explore->more_places) {
        fprintf(out, "only the first %d places of the run were tried\n", FT_PLACES_MAX);
    }
    if (explore->deaths != 0) {
        fprintf(out, "%" PRIu64 " time%s the driver took its worker with it\n", explore->deaths,
                plural(explore->deaths));
    }
    if (explore->findings_lost != 0) {
        fprintf(out, "more findings than the table holds: %u not listed\n", explore->findings_lost);
    }
    if (explore->stopped != FT_EXPLORE_DONE) {
        fprintf(out, "%s at %" PRIu64 " of %" PRIu64 "; go on with ", reasons[explore->stopped],
                explore->resume, explore->units);
        if (explore->past != NULL) {
            fputs("the same --state\n", out);
        } else {
            fprintf(out, "--resume %" PRIu64 "\n", explore->resume);
        }
        if (explore->resume == explore->from && explore->stopped != FT_EXPLORE_FIRST) {
            fputs("no place was finished: give it a higher --limit or --time\n", out);
        }
    }
}

static void print_scenario(const struct ft_scenario *scenario, FILE *out)
{
    char text[SCENARIO_TEXT];
    char *rest = NULL;

    ft_scenario_print(scenario, text, sizeof(text));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        fprintf(out, "      %s\n", line);
    }
}

static void print_finding(const struct ft_explore_finding *finding, bool colour, FILE *out)
{
    char text[400];

    ft_verdict_print(&finding->verdict, text, sizeof(text));
    fprintf(out, "\n  %s%s%s%s\n",
            ft_colour(colour, finding->known ? FT_COLOUR_DIM : FT_COLOUR_BAD), text,
            ft_colour(colour, FT_COLOUR_NONE), finding->known ? "  (known)" : "");
    if (finding->alone) {
        fputs("    also without any disturbance\n", out);
    }
    if (!finding->confirmed) {
        fputs("    the run from the start does not agree with the one that found it\n", out);
    }
    if (finding->count != 0) {
        fprintf(out, "    %" PRIu64 " run%s; the first:\n", finding->count, plural(finding->count));
    }
    print_scenario(&finding->scenario, out);
    if (finding->path[0] != '\0') {
        fprintf(out, "    %s\n", finding->path);
    }
}

static void print_worth(const struct ft_certificate *c, FILE *out)
{
    const char *but = c->given ? "" : "(not certified) ";

    if (c->exhaustive) {
        fprintf(out, "    %sall schedules with at most %u preemption%s: %s\n", but, c->bound,
                plural(c->bound), c->probability == 1 ? "covered" : "not all covered");
    } else {
        fprintf(out,
                "    %sany ordering bug of depth %u or less would have been found with probability "
                "%.4f\n",
                but, c->bound, c->probability);
    }
}

static void print_certificate(const struct ft_explore *explore, FILE *out)
{
    const struct ft_certificate *c = &explore->certificate;

    fprintf(out, "\n  %s\n", c->given ? "certificate" : "no certificate");
    if (!c->given) {
        fprintf(out, "    withheld: %s\n", c->why);
    }
    fprintf(out, "    scenario %016" PRIx64 " on %s, changes at %s points\n", c->scenario,
            ft_platform_preset_name(explore->base.platform.preset), ft_point_set_name(c->points));
    fprintf(out, "    at most %" PRIu32 " chains (n) and %" PRIu32 " turns (k) in a run\n",
            c->chains, c->turns);
    fprintf(out, "    %" PRIu64 " schedules run, %" PRIu64 " %s, in %.1f s\n", c->schedules,
            c->same,
            c->exhaustive ? "of them up to a state that was met" : "more the same as one of them",
            c->seconds);
    print_worth(c, out);
}

void ft_explore_print(const struct ft_cli *cli, const struct ft_explore *explore)
{
    const struct ft_explore_finding *first = first_finding(explore);
    bool colour = ft_colour_wanted(stdout);
    char rerun[COMMAND_TEXT];

    ft_table_print(explore, cli->full, colour, stdout);
    print_summary(explore, stdout);
    if (explore->strategy->drive != NULL) {
        print_certificate(explore, stdout);
    }
    for (unsigned i = 0; i < explore->finding_count; i++) {
        print_finding(&explore->finding[i], colour, stdout);
    }
    if (first != NULL) {
        make_rerun(cli, explore, first, rerun, sizeof(rerun));
        printf("\n%s\n", rerun);
    }
}

/* ---- JSON ---- */

static json_t *finding_json(const struct ft_cli *cli, const struct ft_explore *explore,
                            const struct ft_explore_finding *finding)
{
    json_t *object = json_object();
    char text[SCENARIO_TEXT];

    ft_json_add_verdict(object, &finding->verdict);
    ft_scenario_print(&finding->scenario, text, sizeof(text));
    json_object_set_new(object, "scenario", ft_json_text(text));
    json_object_set_new(object, "scenario_lines", json_array());
    for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        json_array_append_new(json_object_get(object, "scenario_lines"), ft_json_text(line));
    }
    json_object_del(object, "scenario");
    json_object_set_new(object, "runs", json_integer((json_int_t)finding->count));
    json_object_set_new(object, "known", json_boolean(finding->known));
    json_object_set_new(object, "confirmed", json_boolean(finding->confirmed));
    json_object_set_new(object, "undisturbed", json_boolean(finding->alone));
    json_object_set_new(object, "events", json_integer((json_int_t)finding->events));
    snprintf(text, sizeof(text), "%016" PRIx64, finding->hash);
    json_object_set_new(object, "hash", json_string(text));
    json_object_set_new(object, "trace",
                        finding->path[0] != '\0' ? ft_json_text(finding->path) : json_null());
    make_rerun(cli, explore, finding, text, sizeof(text));
    json_object_set_new(object, "rerun", ft_json_text(text));
    return object;
}

/* {"place", "point", "function", "cells": one mark for each disturbance, "breaks": {name: rule}} */
static json_t *place_json(const struct ft_explore *explore, const struct ft_marks *marks,
                          uint64_t index)
{
    const struct ft_place *place = &explore->place[index];
    json_t *object = json_object(), *breaks = json_object();
    char row[FT_ROW_MAX], moment[64];

    ft_table_row(explore, marks, index, row);
    ft_moment_print(&place->moment, moment, sizeof(moment));
    json_object_set_new(object, "place", json_integer((json_int_t)place->number));
    json_object_set_new(object, "point", json_string(moment));
    json_object_set_new(object, "function", ft_json_text(ft_place_function(explore, place)));
    json_object_set_new(object, "cells", json_string(row));
    for (unsigned i = 0; i < explore->disturbance_count; i++) {
        const struct ft_cell *cell = ft_explore_cell(explore, index, i);

        if (cell->state == FT_CELL_RUN && counts((enum ft_verdict_kind)cell->verdict)) {
            json_object_set_new(breaks, explore->disturbance[i].name,
                                json_string(ft_mark_name(cell->verdict, cell->rule)));
        }
    }
    json_object_set_new(object, "breaks", breaks);
    return object;
}

static const char *stop_name(enum ft_explore_stop stop)
{
    static const char *const names[] = {"done", "interrupted", "limit", "time", "first"};

    return names[stop];
}

/* The keys of a run speak of the first finding, or of the undisturbed run when there is none. */
static json_t *head_json(const struct ft_explore *explore, const struct ft_explore_finding *first)
{
    json_t *object = json_object();
    struct ft_verdict clean = {.kind = FT_VERDICT_CLEAN};
    char hash[20];

    ft_json_add_verdict(object, first != NULL ? &first->verdict : &clean);
    json_object_set_new(object, "driver", ft_json_text(explore->module->core));
    json_object_set_new(object, "mutant", ft_json_text(explore->module->mutant));
    json_object_set_new(
        object, "platform",
        json_string(ft_platform_preset_name(first != NULL ? first->scenario.platform.preset
                                                          : explore->base.platform.preset)));
    json_object_set_new(object, "flavour", ft_json_text(explore->module->flavour));
    json_object_set_new(object, "model", json_integer(FT_MODEL_NUMBER));
    json_object_set_new(
        object, "events",
        json_integer((json_int_t)(first != NULL ? first->events : explore->trace.event_count)));
    snprintf(hash, sizeof(hash), "%016" PRIx64, first != NULL ? first->hash : explore->trace.hash);
    json_object_set_new(object, "hash", json_string(hash));
    return object;
}

static void add_certificate(json_t *object, const struct ft_explore *explore)
{
    const struct ft_certificate *c = &explore->certificate;
    char hash[20];

    snprintf(hash, sizeof(hash), "%016" PRIx64, c->scenario);
    json_object_set_new(
        object, "certificate",
        json_pack("{s:b, s:s?, s:s, s:s, s:s, s:i, s:i, s:i, s:I, s:I, s:f, s:f, s:f, s:f}",
                  "given", c->given, "withheld", c->given ? NULL : c->why, "scenario", hash,
                  "platform", ft_platform_preset_name(explore->base.platform.preset), "points",
                  ft_point_set_name(c->points), c->exhaustive ? "preemptions" : "depth",
                  (int)c->bound, "n", (int)c->chains, "k", (int)c->turns, "schedules",
                  (json_int_t)c->schedules, "same", (json_int_t)c->same, "family", c->family,
                  "restored", c->restored, "probability", c->probability, "seconds", c->seconds));
}

static void add_tables(json_t *object, const struct ft_explore *explore)
{
    json_t *points = json_array(), *names = json_array(), *marks = json_object();
    struct ft_marks list;

    ft_marks_collect(explore, &list);
    for (unsigned i = 0; i < explore->disturbance_count; i++) {
        json_array_append_new(names, json_string(explore->disturbance[i].name));
    }
    for (unsigned i = 0; i < list.count; i++) {
        char letter[2] = {ft_mark_letter(&list, list.mark[i].kind, list.mark[i].rule), '\0'};

        json_object_set_new(marks, letter,
                            json_string(ft_mark_name(list.mark[i].kind, list.mark[i].rule)));
    }
    for (uint64_t i = 0; i < explore->place_count; i++) {
        json_array_append_new(points, place_json(explore, &list, i));
    }
    json_object_set_new(object, "disturbances", names);
    json_object_set_new(object, "marks", marks);
    json_object_set_new(object, "points", points);
}

void ft_explore_print_json(const struct ft_cli *cli, const struct ft_explore *explore)
{
    const struct ft_explore_finding *first = first_finding(explore);
    json_t *object = head_json(explore, first), *findings = json_array();
    char rerun[COMMAND_TEXT];

    for (unsigned i = 0; i < explore->finding_count; i++) {
        json_array_append_new(findings, finding_json(cli, explore, &explore->finding[i]));
    }
    if (first != NULL) {
        make_rerun(cli, explore, first, rerun, sizeof(rerun));
    }
    json_object_set_new(object, "rerun", first != NULL ? ft_json_text(rerun) : json_null());
    json_object_set_new(object, "strategy", json_string(explore->strategy->name));
    json_object_set_new(object, "runs", json_integer((json_int_t)explore->runs));
    json_object_set_new(object, "seconds", json_real(explore->elapsed));
    json_object_set_new(object, "stopped", json_string(stop_name(explore->stopped)));
    json_object_set_new(object, "units", json_integer((json_int_t)explore->units));
    json_object_set_new(object, "resume", json_integer((json_int_t)explore->resume));
    json_object_set_new(object, "workers_lost", json_integer((json_int_t)explore->deaths));
    json_object_set_new(object, "findings", findings);
    if (explore->strategy->drive != NULL) {
        add_certificate(object, explore);
    }
    add_tables(object, explore);
    ft_cli_print_json(object);
}
