#include "explore/past.h"

#include "explore/explore.h"
#include "trace/host_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 16 };

/* ---- at the end of a call ---- */

void ft_past_add(struct ft_explore *explore, struct ft_tally *tally)
{
    struct ft_past *past = explore->past;

    if (!past)
        return;
    ft_tally_add(tally, &past->tally);
    past->there = true;
    past->found = past->found || explore->board->found;
    past->at = explore->resume;
    past->seconds += explore->elapsed;
    past->tally = *tally;
}

double ft_past_seconds(const struct ft_explore *explore)
{
    return explore->past ? explore->past->seconds : explore->elapsed;
}

bool ft_past_found(const struct ft_explore *explore)
{
    return explore->past ? explore->past->found : explore->board->found;
}

/* ---- the file ---- */

/* Of which exploration the file speaks. */
static json_t *key_of(const struct ft_explore *explore)
{
    const struct ft_module *module = explore->module;
    char scenario[20], confidence[32], seed[24];

    snprintf(scenario, sizeof scenario, "%016" PRIx64, ft_scenario_hash(&explore->base));
    snprintf(confidence, sizeof confidence, "%.9f", explore->confidence);
    snprintf(seed, sizeof seed, "%" PRIu64, explore->seed);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:s, s:s}", "driver",
                     module->core, "mutant", module->mutant, "flavour", module->flavour,
                     "fingerprint", module->fingerprint, "model", FT_MODEL_NUMBER, "scenario",
                     scenario, "strategy", explore->strategy->name, "depth", (int)explore->depth,
                     "points", (int)explore->points, "confidence", confidence, "seed", seed);
}

static json_t *list_of(const uint32_t *value, uint32_t count)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(value[i]));
    return list;
}

static bool take_list(const json_t *list, uint32_t *value, uint32_t *count)
{
    size_t length = json_array_size(list);

    if (!json_is_array(list) || length > FT_CHAINS_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        json_int_t number = json_integer_value(json_array_get(list, i));

        if (number < 0 || number > UINT32_MAX)
            return false;
        value[i] = (uint32_t)number;
    }
    *count = (uint32_t)length;
    return true;
}

/* Each round begins where the one before ended, and ends among the chains. */
static bool is_sound(const struct ft_past *past)
{
    for (uint32_t i = 0; i < past->rounds; i++)
        if (past->round_end[i] > past->chains ||
            past->round_end[i] <= (i ? past->round_end[i - 1] : 0))
            return false;
    return true;
}

static bool take(json_t *object, struct ft_past *ret)
{
    json_int_t at, schedules, same, passed, restored, most_chains, turns, bad[5];
    struct ft_tally *tally = &ret->tally;
    json_t *chain, *round;
    int found;

    if (json_unpack(object, "{s:b, s:I, s:F, s:I, s:I, s:I, s:I, s:I, s:I, s:[IIIII], s:o, s:o}",
                    "found", &found, "at", &at, "seconds", &ret->seconds, "schedules", &schedules,
                    "same", &same, "passed", &passed, "restored", &restored, "most_chains",
                    &most_chains, "turns", &turns, "objections", &bad[0], &bad[1], &bad[2], &bad[3],
                    &bad[4], "chains", &chain, "rounds", &round) != 0)
        return false;
    if (at < 0 || schedules < 0 || same < 0 || passed < 0 || restored < 0 || most_chains < 0 ||
        turns < 0 || !take_list(chain, ret->chain, &ret->chains) ||
        !take_list(round, ret->round_end, &ret->rounds) || !is_sound(ret))
        return false;
    ret->there = true;
    ret->found = found != 0;
    ret->at = (uint64_t)at;
    *tally = (struct ft_tally){.schedules = (uint64_t)schedules,
                               .same = (uint64_t)same,
                               .chains = (uint32_t)most_chains,
                               .turns = (uint32_t)turns,
                               .passed = (uint64_t)passed,
                               .restored = (uint64_t)restored,
                               .demoted = bad[0] != 0,
                               .lost = bad[1] != 0,
                               .cut = bad[2] != 0,
                               .full = bad[3] != 0,
                               .broken = bad[4] != 0};
    return true;
}

enum ft_status ft_past_read(const char *path, const struct ft_explore *explore, struct ft_past *ret,
                            struct ft_error *error)
{
    json_t *object, *key = NULL;
    uint8_t *text = NULL;
    size_t length;
    enum ft_status status = FT_OK;

    memset(ret, 0, sizeof *ret);
    if (access(path, F_OK) != 0)
        return FT_OK;
    status = ft_file_read(path, FILE_MOST, &text, &length, error);
    if (status != FT_OK)
        return status;
    object = json_loadb((const char *)text, length, 0, NULL);
    free(text);
    key = key_of(explore);
    if (!object || !take(object, ret))
        status = ft_fail(error, FT_SYNTAX, 0, "%s: not what explore leaves behind", path);
    else if (!json_equal(json_object_get(object, "of"), key))
        status = ft_fail(error, FT_USAGE, 0, "%s: that was another exploration", path);
    json_decref(key);
    json_decref(object);
    return status;
}

enum ft_status ft_past_write(const char *path, const struct ft_explore *explore,
                             const struct ft_past *past, struct ft_error *error)
{
    const struct ft_tally *tally = &past->tally;
    json_t *object = json_pack(
        "{s:o, s:b, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:[iiiii], s:o, s:o}", "of",
        key_of(explore), "found", past->found, "at", (json_int_t)past->at, "seconds", past->seconds,
        "schedules", (json_int_t)tally->schedules, "same", (json_int_t)tally->same, "passed",
        (json_int_t)tally->passed, "restored", (json_int_t)tally->restored, "most_chains",
        (json_int_t)tally->chains, "turns", (json_int_t)tally->turns, "objections",
        tally->demoted != 0, tally->lost != 0, tally->cut != 0, tally->full != 0,
        tally->broken != 0, "chains", list_of(past->chain, past->chains), "rounds",
        list_of(past->round_end, past->rounds));
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    enum ft_status status = text
                                ? ft_file_write(path, text, strlen(text), error)
                                : ft_fail(error, FT_NO_MEMORY, 0, "%s: what was done so far", path);

    free(text);
    json_decref(object);
    return status;
}
