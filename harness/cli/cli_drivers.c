/* flushtrace drivers: what can be run. */
#include "cli/cli.h"
#include "report/colour.h"
#include "report/report_json.h"
#include "report/verdict_block.h"

#include <string.h>

static const char *model_name(const struct ft_module *module)
{
    static const char *const names[] = {"wdm", "kmdf", "scsi"};

    return module->description->model < 3 ? names[module->description->model] : "?";
}

static bool matches(const struct ft_cli *cli, const struct ft_module *module)
{
    const char *wanted = cli->argument_count != 0 ? cli->argument[0] : "";

    return strncmp(module->core, wanted, strlen(wanted)) == 0;
}

static json_t *mutants_of(const char *core, bool summaries)
{
    json_t *list = summaries ? json_object() : json_array();

    for (size_t i = 0; i < ft_module_count(); i++) {
        const struct ft_module *module = ft_module_at(i);

        if (strcmp(module->core, core) != 0 || module->mutant[0] == '\0') {
            continue;
        }
        if (summaries) {
            json_object_set_new(list, module->mutant, ft_json_text(module->summary));
        } else {
            json_array_append_new(list, json_string(module->mutant));
        }
    }
    return list;
}

static json_t *driver_object(const struct ft_module *module)
{
    const struct ft_description *description = module->description;
    json_t *platforms = json_array();

    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++) {
        json_array_append_new(platforms, json_string(ft_platform_preset_name(i)));
    }
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:b, s:b, s:I}", "driver",
        module->core, "model", model_name(module), "platforms", platforms, "mutants",
        mutants_of(module->core, false), "summaries", mutants_of(module->core, true), "flavour",
        module->flavour, "compiler", module->compiler, "fingerprint", module->fingerprint,
        "devices", description->devices, "windows", description->windows, "dma_version",
        description->dma_version, "reads", (description->requests & FT_TAKES_READ) != 0, "writes",
        (description->requests & FT_TAKES_WRITE) != 0, "blocks",
        (description->requests & FT_TAKES_BLOCKS) != 0, "request_bytes_max",
        (json_int_t)description->request_bytes_max);
}

static void print_driver(const struct ft_module *module, FILE *out, bool colour)
{
    const struct ft_description *description = module->description;
    unsigned mutants = 0;

    fprintf(out, "%s%s%s\n    %s, DMA version %u,%s%s%s requests up to %u bytes, %u device%s\n",
            ft_colour(colour, FT_COLOUR_BOLD), module->core, ft_colour(colour, FT_COLOUR_NONE),
            model_name(module), description->dma_version,
            (description->requests & FT_TAKES_READ) != 0 ? " read" : "",
            (description->requests & FT_TAKES_WRITE) != 0 ? " write" : "",
            (description->requests & FT_TAKES_BLOCKS) != 0 ? " disk" : "",
            description->request_bytes_max, description->devices,
            description->devices == 1 ? "" : "s");
    fprintf(out, "    flavour %s, %s, fingerprint %s\n", module->flavour, module->compiler,
            module->fingerprint);
    for (size_t i = 0; i < ft_module_count(); i++) {
        const struct ft_module *other = ft_module_at(i);

        if (strcmp(other->core, module->core) == 0 && other->mutant[0] != '\0') {
            fprintf(out, "%s    %-34s %s\n", mutants++ == 0 ? "  mutants\n" : "", other->mutant,
                    other->summary);
        }
    }
}

static int run(struct ft_cli *cli)
{
    json_t *list = json_array();
    FILE *out = cli->json ? stdout : NULL;
    bool colour = !cli->json && ft_colour_wanted(stdout);
    unsigned cores = 0, mutants = 0;

    if (!cli->json) {
        out = ft_cli_page_begin(cli);
    }
    for (size_t i = 0; i < ft_module_count(); i++) {
        const struct ft_module *module = ft_module_at(i);

        if (!matches(cli, module)) {
            continue;
        }
        mutants += module->mutant[0] != '\0';
        if (module->mutant[0] != '\0') {
            continue;
        }
        cores++;
        if (cli->json) {
            json_array_append_new(list, driver_object(module));
        } else {
            print_driver(module, out, colour);
        }
    }
    if (cli->json) {
        ft_cli_print_json(json_pack("{s:O}", "drivers", list));
    } else {
        fprintf(out, "\n%u driver%s, %u mutants; platforms: coherent bounce noncoherent iommu\n",
                cores, cores == 1 ? "" : "s", mutants);
        ft_cli_page_end(cli, out);
    }
    json_decref(list);
    if (cores == 0) {
        ft_cli_note(cli, "no driver whose name begins with '%s'",
                    cli->argument_count != 0 ? cli->argument[0] : "");
        return FT_EXIT_USAGE;
    }
    return FT_EXIT_OK;
}

const struct ft_verb ft_verb_drivers = {
    .name = "drivers",
    .sentence = "Driver cores with their mutants: what run and fuzz take.",
    .arguments = "[PREFIX]",
    .arguments_max = 1,
    .options = FT_OPT(FLAVOUR) | FT_OPT(JSON),
    .details = "A mutant is the core with one deliberate defect, a patch beside the sources.\n\n"
               "  flushtrace drivers\n"
               "  flushtrace drivers wdm- --json",
    .run = run,
};
