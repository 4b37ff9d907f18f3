/* The JSON object of a campaign. */
#define _GNU_SOURCE
#include "fuzz/cli_fuzz.h"
#include "fuzz/campaign/reach.h"
#include "report/report_json.h"

#include "sim/world.h"

#include <inttypes.h>

/* The keys that every answer about one run has. */
static void add_finding(const struct ft_cli *cli, const struct ft_campaign_finding *finding,
                        json_t *object)
{
    const struct ft_verdict *verdict = &finding->verdict;
    struct ft_command rerun;
    char hash[20];

    ft_json_add_verdict(object, verdict);
    if (!verdict->finding_count) {
        json_object_set_new(object, "rule", json_string(ft_fuzz_finding_name(finding)));
        json_object_set_new(object, "function", ft_json_text(finding->function));
    }
    ft_fuzz_replay_command(cli, finding, &rerun);
    snprintf(hash, sizeof hash, "%016" PRIx64, finding->hash);
    json_object_set_new(object, "driver", ft_json_text(finding->subject->module->core));
    json_object_set_new(object, "mutant", ft_json_text(finding->subject->module->mutant));
    json_object_set_new(object, "platform", ft_json_text(finding->platform));
    json_object_set_new(object, "flavour", ft_json_text(finding->flavour));
    json_object_set_new(object, "model", json_integer(FT_MODEL_NUMBER));
    json_object_set_new(object, "events", json_integer((json_int_t)finding->events));
    json_object_set_new(object, "hash", json_string(hash));
    json_object_set_new(object, "ops", json_integer(finding->ops));
    json_object_set_new(object, "trace", ft_json_text(finding->path));
    json_object_set_new(object, "rerun", ft_json_text(rerun.text));
}

static json_t *findings_json(const struct ft_cli *cli, const struct ft_campaign *campaign)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < campaign->finding_count; i++) {
        const struct ft_campaign_finding *finding = &campaign->finding[i];
        json_t *object = json_object();

        add_finding(cli, finding, object);
        json_object_set_new(object, "seconds", json_real(finding->seconds));
        json_object_set_new(object, "executions", json_integer((json_int_t)finding->executions));
        json_object_set_new(object, "new", json_boolean(finding->fresh));
        json_object_set_new(object, "known", json_boolean(finding->known != NULL));
        json_object_set_new(object, "reason",
                            finding->known ? ft_json_text(finding->known) : json_null());
        json_object_set_new(object, "ops_found", json_integer(finding->ops_found));
        json_object_set_new(object, "shrunk", json_boolean(finding->shrink == FT_SHRINK_DONE));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *jobs_json(const struct ft_campaign *campaign)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < campaign->jobs; i++) {
        const struct ft_job *job = &campaign->job[i];
        struct ft_job_figures figures;

        ft_job_figures(job, &figures);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s?, s:i, s:b}", "job",
                            ft_job_name(job), "engine", ft_engine_name(job->engine), "driver",
                            job->subject->module->core, "mutant", job->subject->module->mutant,
                            "executions", (json_int_t)figures.executions, "corpus",
                            (json_int_t)figures.corpus, "edges", (json_int_t)figures.coverage,
                            "stability", *figures.stability ? figures.stability : NULL, "restarts",
                            (int)job->restarts, "failed", (int)job->failed));
    }
    return list;
}

static json_t *not_reached_json(const struct ft_subject *subject)
{
    json_t *ops = json_array(), *points = json_array();
    unsigned cells, unexpected, reached = ft_coverage_total(&subject->reached, &cells, &unexpected);

    for (unsigned kind = 0; kind < FT_OP_SLOTS; kind++)
        if (ft_reach_expects(subject, kind) && !subject->reached.fired[kind])
            json_array_append_new(ops, json_string(ft_op_row(kind)->name));
    for (unsigned point = 0; point < FT_MET_POINTS; point++)
        if (ft_reach_missed(subject, point))
            json_array_append_new(points, json_string(ft_point_name(point)));
    return json_pack("{s:I, s:b, s:o, s:o, s:i, s:i}", "inputs", (json_int_t)subject->reached.runs,
                     "whole_corpus", (int)subject->reached_whole, "ops", ops, "points", points,
                     "cells", (int)cells, "cells_reached", (int)reached);
}

static json_t *drivers_json(const struct ft_campaign *campaign)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < campaign->subject_count; i++) {
        const struct ft_subject *subject = &campaign->subject[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "driver",
                                              subject->module->core, "mutant",
                                              subject->module->mutant, "folder", subject->folder,
                                              "corpus", (json_int_t)subject->inputs,
                                              "corpus_before", (json_int_t)subject->inputs_begun,
                                              "not_reached", not_reached_json(subject)));
    }
    return list;
}

/* What a campaign without a finding has to say under the keys of one run. */
static void add_nothing(const struct ft_campaign *campaign, json_t *object)
{
    const struct ft_module *module = campaign->subject[0].module;
    const struct ft_verdict clean = {.kind = FT_VERDICT_CLEAN};

    ft_json_add_verdict(object, &clean);
    json_object_set_new(object, "driver", ft_json_text(module->core));
    json_object_set_new(object, "mutant", ft_json_text(module->mutant));
    json_object_set_new(object, "platform",
                        ft_json_text(campaign->platform ? campaign->platform : "any"));
    json_object_set_new(object, "flavour", ft_json_text(module->flavour));
    json_object_set_new(object, "model", json_integer(FT_MODEL_NUMBER));
    json_object_set_new(object, "events", json_null());
    json_object_set_new(object, "hash", json_null());
}

void ft_fuzz_json(const struct ft_cli *cli, const struct ft_campaign *campaign, const char *next)
{
    const struct ft_campaign_finding *first = ft_fuzz_first(campaign);
    double seconds = ft_campaign_seconds(campaign);
    json_t *object = json_object(), *engines = json_array();

    if (first)
        add_finding(cli, first, object);
    else
        add_nothing(campaign, object);
    for (int i = 0; i < FT_ENGINE_COUNT; i++)
        if (campaign->engine[i])
            json_array_append_new(engines, json_string(ft_engine_name((enum ft_engine)i)));
    json_object_set_new(object, "rerun", ft_json_text(next));
    json_object_set_new(object, "engines", engines);
    json_object_set_new(object, "executions", json_integer((json_int_t)campaign->executions));
    json_object_set_new(object, "seconds", json_real(seconds));
    json_object_set_new(object, "executions_per_second",
                        json_real(seconds > 0 ? (double)campaign->executions / seconds : 0));
    json_object_set_new(object, "last_new", json_real(campaign->last_new - campaign->start));
    json_object_set_new(object, "interrupted", json_boolean(campaign->interrupted));
    json_object_set_new(object, "unconfirmed", json_integer(campaign->unconfirmed));
    json_object_set_new(object, "drivers", drivers_json(campaign));
    json_object_set_new(object, "jobs", jobs_json(campaign));
    json_object_set_new(object, "findings", findings_json(cli, campaign));
    ft_cli_print_json(object);
}
