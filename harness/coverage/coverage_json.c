/* The coverage report as one JSON object. */
#include "coverage/coverage.h"
#include "sim/world.h"

#include <string.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *ops_json(const struct ft_reached *reached)
{
    static const char *const classes[] = {"request", "disturbance", "choice"};
    json_t *list = json_array();

    for (unsigned op = 0; op < FT_OP_SLOTS; op++) {
        const struct ft_op_row *row = ft_op_row(op);

        if (row && row->built)
            json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "op", row->name,
                                                  "class", classes[row->class_], "struck",
                                                  number(reached->fired[op]), "late",
                                                  number(reached->late[op]), "skipped",
                                                  number(reached->skipped[op])));
    }
    return list;
}

static json_t *phase_json(const struct ft_reached *reached, enum ft_cell_class class_,
                          enum ft_cell_phase phase)
{
    json_t *missing = json_array();
    unsigned of, count = ft_coverage_cells(reached, class_, phase, &of);

    for (unsigned machine = 0; machine < FT_MACHINE_COUNT; machine++)
        if (ft_cell_expected(class_, phase, machine) &&
            !reached->cell[ft_cell_number(class_, phase, machine)])
            json_array_append_new(missing, json_string(ft_machine_name(machine)));
    return json_pack("{s:s, s:b, s:o, s:o, s:o}", "phase", ft_phase_name(phase), "cancelled",
                     ft_phase_cancelled(phase), "reached", number(count), "cells", number(of),
                     "not_reached", missing);
}

static json_t *classes_json(const struct ft_reached *reached)
{
    json_t *list = json_array();

    for (unsigned class_ = 0; class_ < FT_CLASS_COUNT; class_++) {
        json_t *phases = json_array();

        for (unsigned phase = 0; phase < FT_PHASE_COUNT; phase++) {
            unsigned of;

            ft_coverage_cells(reached, class_, phase, &of);
            if (of)
                json_array_append_new(phases, phase_json(reached, class_, phase));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:b, s:o}", "event", ft_class_name(class_), "sentence",
                            ft_class_sentence(class_), "disturbance",
                            ft_class_group(class_) == FT_GROUP_STRIKE, "phases", phases));
    }
    return list;
}

static json_t *machines_json(const struct ft_reached *reached)
{
    json_t *list = json_array();

    for (unsigned pnp = 0; pnp < FT_CELL_PNP_COUNT; pnp++)
        for (unsigned power = 0; power < FT_CELL_POWER_COUNT; power++) {
            bool own;
            enum ft_cell_machine machine = ft_cell_machine_of(pnp, power, &own);
            unsigned of, count;

            if (!own)
                continue;
            count = ft_coverage_machine(reached, machine, &of);
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:o, s:o}", "pnp", ft_cell_pnp_name(pnp),
                                            "power", ft_cell_power_name(power), "reached",
                                            number(count), "cells", number(of)));
        }
    return list;
}

static json_t *unexpected_json(const struct ft_reached *reached)
{
    json_t *list = json_array();

    for (unsigned cell = 0; cell < ft_cell_count(); cell++)
        if (reached->cell[cell] && ft_cell_at(cell).unexpected)
            json_array_append_new(list, json_string(ft_class_name(ft_cell_at(cell).class_)));
    return list;
}

static json_t *cells_json(const struct ft_reached *reached)
{
    unsigned of, unexpected, count = ft_coverage_total(reached, &of, &unexpected);

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "cells", number(of), "reached", number(count),
                     "events", classes_json(reached), "states", machines_json(reached),
                     "unexpected", unexpected_json(reached));
}

static json_t *file_json(const struct ft_source_file *file)
{
    json_t *functions = json_array(), *ranges = json_array();

    for (size_t i = 0; i < file->function_count; i++)
        json_array_append_new(functions,
                              json_pack("{s:s, s:o, s:b}", "function", file->function[i].name,
                                        "line", number(file->function[i].line), "reached",
                                        file->function[i].reached));
    for (size_t i = 0; i < file->range_count; i++)
        json_array_append_new(
            ranges, json_pack("{s:o, s:o, s:s?}", "first", number(file->range[i].first), "last",
                              number(file->range[i].last), "function", file->range[i].function));
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "file", file->path, "lines", number(file->lines),
                     "reached", number(file->reached), "functions", functions, "not_reached",
                     ranges);
}

static json_t *lines_json(const struct ft_lines *lines)
{
    json_t *files = json_array();
    uint64_t of = 0, reached = 0;

    for (size_t i = 0; i < lines->count; i++) {
        json_array_append_new(files, file_json(&lines->file[i]));
        of += lines->file[i].lines;
        reached += lines->file[i].reached;
    }
    return json_pack("{s:o, s:o, s:o, s:s?}", "lines", number(of), "reached", number(reached),
                     "files", files, "missing", lines->missing[0] ? lines->missing : NULL);
}

static json_t *verdicts_json(const struct ft_reached *reached)
{
    json_t *object = json_object();

    for (unsigned kind = 0; kind < sizeof reached->verdict / sizeof *reached->verdict; kind++)
        if (reached->verdict[kind])
            json_object_set_new(object, ft_verdict_name(kind), number(reached->verdict[kind]));
    return object;
}

json_t *ft_coverage_json(const struct ft_coverage *coverage)
{
    const struct ft_inputs *inputs = coverage->inputs;
    const struct ft_module *module = coverage->module;

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:{s:o, s:o, s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o}",
        "verdict", "clean", "driver", module->core, "mutant", module->mutant, "flavour",
        module->flavour, "model", FT_MODEL_NUMBER, "inputs", "count", number(inputs->count),
        "traces", number(inputs->traces), "scenarios", number(inputs->texts), "engine",
        number(inputs->engine), "foreign", number(inputs->foreign), "unreadable",
        number(inputs->unreadable), "verdicts", verdicts_json(coverage->reached), "died",
        number(coverage->reached->died), "ops", ops_json(coverage->reached), "state",
        cells_json(coverage->reached), "source", lines_json(coverage->lines));
}
