/* flushtrace diff: where two traces part. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/difference.h"
#include "report/report_json.h"
#include "report/trace_facts.h"
#include "report/verdict_block.h"
#include "scenario/scenario_parts.h"

#include <inttypes.h>
#include <string.h>

enum { CONTEXT = 3, FACTS = 8, FACT_BYTES = 256 };

/* What the headers say, where they say different things. */
struct fact {
    const char *name;
    char left[FACT_BYTES];
    char right[FACT_BYTES];
};

static unsigned add_fact(struct fact *list, unsigned count, const char *name, const char *left,
                         const char *right)
{
    if (strcmp(left, right) == 0) {
        return count;
    }
    list[count].name = name;
    snprintf(list[count].left, FACT_BYTES, "%s", left[0] != '\0' ? left : "none");
    snprintf(list[count].right, FACT_BYTES, "%s", right[0] != '\0' ? right : "none");
    return count + 1;
}

static unsigned compare_headers(const struct ft_trace *a, const struct ft_trace *b,
                                struct fact *list)
{
    char left[FACT_BYTES], right[FACT_BYTES];
    unsigned count = 0;

    count = add_fact(list, count, "driver", a->core, b->core);
    count = add_fact(list, count, "mutant", a->mutant, b->mutant);
    count = add_fact(list, count, "fingerprint", a->fingerprint, b->fingerprint);
    count = add_fact(list, count, "flavour", a->flavour, b->flavour);
    snprintf(left, sizeof(left), "%u", a->model);
    snprintf(right, sizeof(right), "%u", b->model);
    count = add_fact(list, count, "model", left, right);
    ft_platform_print(&a->scenario, left, sizeof(left));
    ft_platform_print(&b->scenario, right, sizeof(right));
    count = add_fact(list, count, "platform", left, right);
    ft_verdict_print(&a->verdict, left, sizeof(left));
    ft_verdict_print(&b->verdict, right, sizeof(right));
    return add_fact(list, count, "verdict", left, right);
}

static json_t *answer_object(const struct ft_cli *cli, const struct ft_trace *a,
                             const struct ft_trace *b, uint64_t event, const struct fact *list,
                             unsigned count)
{
    json_t *object = ft_json_trace(a);
    json_t *headers = json_object();
    struct ft_command rerun;

    ft_command_begin(&rerun, cli, "diff");
    ft_command_word(&rerun, cli->argument[0]);
    ft_command_word(&rerun, cli->argument[1]);
    for (unsigned i = 0; i < count; i++) {
        json_object_set_new(
            headers, list[i].name,
            json_pack("[o, o]", ft_json_text(list[i].left), ft_json_text(list[i].right)));
    }
    json_object_set_new(object, "same",
                        json_boolean(event == 0 && a->verdict.kind == b->verdict.kind));
    json_object_set_new(object, "difference",
                        event != 0 ? json_integer((json_int_t)event) : json_null());
    json_object_set_new(object, "headers", headers);
    json_object_set_new(object, "left",
                        event != 0 && event <= a->event_count ? ft_json_event(a, event - 1)
                                                              : json_null());
    json_object_set_new(object, "right",
                        event != 0 && event <= b->event_count ? ft_json_event(b, event - 1)
                                                              : json_null());
    json_object_set_new(object, "rerun", ft_json_text(rerun.text));
    return object;
}

static int compare(const struct ft_cli *cli, const struct ft_trace *a, const struct ft_trace *b)
{
    uint64_t event = ft_first_departure(a, b);
    bool same = event == 0 && a->verdict.kind == b->verdict.kind;
    struct fact facts[FACTS];
    unsigned count = compare_headers(a, b, facts);

    if (cli->json) {
        ft_cli_print_json(answer_object(cli, a, b, event, facts, count));
        return same ? FT_EXIT_OK : FT_EXIT_FINDING;
    }
    for (unsigned i = 0; i < count; i++) {
        printf("%-12s - %s\n%-12s + %s\n", facts[i].name, facts[i].left, "", facts[i].right);
    }
    if (!ft_scenario_equal(&a->scenario, &b->scenario)) {
        printf("%-12s the ops differ\n", "scenario");
    }
    if (event == 0) {
        printf("%ssame: %" PRIu64 " events\n", count != 0 ? "\n" : "", a->event_count);
    } else {
        printf("%sfirst difference at event %" PRIu64 " (- %s, + %s)\n", count != 0 ? "\n" : "",
               event, cli->argument[0], cli->argument[1]);
        ft_difference_print(a, b, event, CONTEXT, stdout);
    }
    return same ? FT_EXIT_OK : FT_EXIT_FINDING;
}

static int run(struct ft_cli *cli)
{
    struct ft_error error = {0};
    struct ft_trace a, b;
    int status;

    if (ft_cli_read_trace(cli->argument[0], &a, &error) != FT_OK) {
        return ft_cli_fail(cli, &error, cli->argument[0]);
    }
    if (ft_cli_read_trace(cli->argument[1], &b, &error) != FT_OK) {
        ft_trace_free(&a);
        return ft_cli_fail(cli, &error, cli->argument[1]);
    }
    status = compare(cli, &a, &b);
    ft_trace_free(&a);
    ft_trace_free(&b);
    return status;
}

const struct ft_verb ft_verb_diff = {
    .name = "diff",
    .sentence = "The first event in which two traces differ.",
    .arguments = "A B",
    .arguments_min = 2,
    .arguments_max = 2,
    .options = FT_OPT(JSON),
    .details = "Call sites are not compared: they belong to a compiler. Between platforms the "
               "first event, which "
               "tells the platform, is passed over.\n\n"
               "Exit status: 0 same, 1 different, 3 bad input.\n\n"
               "  flushtrace diff before.ftr after.ftr",
    .run = run,
};
