/* Outcomes as SARIF 2.1.0: one result for each trace that did not pass. */
#include "atomic_file.h"
#include "report/regress_report.h"
#include "report/report_json.h"
#include "rules/rules.h"

#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *rule_of(const struct ft_regress_case *one)
{
    const struct ft_rule_row *row =
        one->verdict.finding_count != 0 ? ft_rule_by_number(one->verdict.finding[0].rule) : NULL;

    if (one->outcome == FT_OUTCOME_BAD_FILE || one->outcome == FT_OUTCOME_MISPLACED ||
        one->outcome == FT_OUTCOME_OWN_FAILURE) {
        return "flushtrace.error";
    }
    if (one->outcome == FT_OUTCOME_DIVERGED) {
        return "flushtrace.divergence";
    }
    return row != NULL ? row->id : "flushtrace.verdict";
}

static json_t *rule_object(const char *id)
{
    const struct ft_rule_row *row = ft_rule_by_id(id);
    json_t *object = json_object();
    const char *text = row != NULL ? row->sentence
                       : strcmp(id, "flushtrace.divergence") == 0
                           ? "A trace replays event for event."
                       : strcmp(id, "flushtrace.error") == 0 ? "A trace can be replayed."
                                                             : "A trace keeps its verdict.";

    json_object_set_new(object, "id", json_string(id));
    json_object_set_new(object, "shortDescription", json_pack("{s:o}", "text", ft_json_text(text)));
    if (row != NULL) {
        json_object_set_new(object, "help", json_pack("{s:o}", "text", ft_json_text(row->source)));
    }
    return object;
}

/* "file.c:Function:12" as a place in a source file, or the trace itself. */
static json_t *location_of(const struct ft_regress_case *one)
{
    const char *function = one->verdict.finding_count != 0 ? one->verdict.finding[0].function : "";
    const char *first = strchr(function, ':');
    const char *last = strrchr(function, ':');
    char file[FT_FUNCTION_MAX];
    char name[FT_FUNCTION_MAX];

    if (first == NULL || last == first || atoi(last + 1) <= 0) {
        return json_pack("{s:{s:{s:o}}}", "physicalLocation", "artifactLocation", "uri",
                         ft_json_text(one->path));
    }
    snprintf(file, sizeof(file), "%.*s", (int)(first - function), function);
    snprintf(name, sizeof(name), "%.*s", (int)(last - first - 1), first + 1);
    return json_pack("{s:{s:{s:o}, s:{s:i}}, s:[{s:o, s:s}]}", "physicalLocation",
                     "artifactLocation", "uri", ft_json_text(file), "region", "startLine",
                     atoi(last + 1), "logicalLocations", "name", ft_json_text(name), "kind",
                     "function");
}

static json_t *result_object(const struct ft_regress_case *one)
{
    char message[4096];

    snprintf(message, sizeof(message), "%s: %s. Expected %s, got %s. Run again: %s", one->path,
             one->note, one->expected, one->got, one->rerun);
    return json_pack("{s:s, s:s, s:{s:o}, s:[o]}", "ruleId", rule_of(one), "level",
                     one->outcome == FT_OUTCOME_UNJUDGED ? "warning" : "error", "message", "text",
                     ft_json_text(message), "locations", location_of(one));
}

static bool has_rule(const json_t *rules, const char *id)
{
    size_t index;
    json_t *rule;

    json_array_foreach(rules, index, rule)
    {
        if (strcmp(json_string_value(json_object_get(rule, "id")), id) == 0) {
            return true;
        }
    }
    return false;
}

enum ft_status ft_write_sarif(const char *path, const struct ft_regress_case *list, size_t count,
                              struct ft_error *error)
{
    json_t *rules = json_array();
    json_t *results = json_array();
    json_t *log;
    struct ft_atomic_file file;
    enum ft_status status;
    char version[16];

    for (size_t i = 0; i < count; i++) {
        if (list[i].outcome == FT_OUTCOME_PASSED) {
            continue;
        }
        if (!has_rule(rules, rule_of(&list[i]))) {
            json_array_append_new(rules, rule_object(rule_of(&list[i])));
        }
        json_array_append_new(results, result_object(&list[i]));
    }
    snprintf(version, sizeof(version), "model %d", FT_MODEL_NUMBER);
    log = json_pack("{s:s, s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "version", "2.1.0", "$schema",
                    "https://json.schemastore.org/sarif-2.1.0.json", "runs", "tool", "driver",
                    "name", "flushtrace", "version", version, "rules", rules, "results", results);
    if (log == NULL) {
        return ft_fail(error, FT_NO_MEMORY, 0, "%s: no memory", path);
    }
    status = ft_atomic_begin(&file, path, error);
    if (status == FT_OK && json_dumpf(log, file.stream, JSON_INDENT(2)) != 0 && file.reason == 0) {
        ft_atomic_abandon(&file);
        status = ft_fail(error, FT_NO_MEMORY, 0, "%s: no memory", path);
    } else if (status == FT_OK) {
        status = ft_atomic_commit(&file, error);
    }
    json_decref(log);
    return status;
}
