/* The point catalogue: what it learns, its file, and that what comes from outside is never
 * believed; and what it is for: fewer ops come late or are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "replay/execute.h"
#include "replay/session.h"
#include "scenario/mutate/mutate.h"
#include "scenario/prng.h"
#include "scenario/scenario_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static int make_file(void **state)
{
    int file;

    (void)state;
    strcpy(path, "/tmp/catalogue-XXXXXX");
    file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* ---- learning ---- */

static const struct ft_module *sound_core(void)
{
    const struct ft_module *module = ft_module_find("wdm-packet", "");

    assert_non_null(module);
    return module;
}

static void a_run_teaches_its_points_by_label_and_by_device(void **state)
{
    static struct ft_catalogue catalogue;
    static struct ft_met met;
    struct ft_session session;
    struct ft_scenario scenario = {.op_count = 3};
    struct ft_run_options options = {.scenario = &scenario, .met = &met};
    struct ft_run_result result;
    const struct ft_scope_facts *read;

    (void)state;
    ft_platform_preset(FT_PLATFORM_COHERENT, &scenario.platform);
    scenario.op[0] = (struct ft_op){.kind = FT_OP_READ, .label = 1, .arg = {4096}};
    scenario.op[1] = (struct ft_op){.kind = FT_OP_WAKE}; /* the machine is awake: skipped */
    scenario.op[2] = (struct ft_op){
        .kind = FT_OP_QUERY_STOP,
        .moment = {.target = 1, .point = FT_PT_DMA_FLUSH, .count = 9}}; /* it never comes */
    ft_catalogue_init(&catalogue, sound_core());
    assert_true(ft_catalogue_is_empty(&catalogue));
    assert_int_equal(catalogue.request_bytes_max, 40000);
    assert_int_equal(catalogue.controls, 2);
    assert_true(ft_session_open(&session, sound_core(), false, 0));
    ft_session_run(&session, &options, &result, NULL);
    ft_session_close(&session);
    assert_int_equal(met.op[0], FT_MET_FIRED);
    assert_int_equal(met.op[1], FT_MET_SKIPPED);
    assert_int_equal(met.op[2], FT_MET_LATE);
    assert_int_equal(met.point[1][FT_PT_DMA_MAP], 1);
    assert_int_equal(met.point[2][FT_PT_ANY], 0);
    assert_true(met.start[FT_PT_DMA_GET] > 0);
    assert_true(met.first[1][FT_PT_DMA_MAP] < met.first[1][FT_PT_DMA_FLUSH]);
    assert_true(met.tasks[FT_PT_DMA_FLUSH] & 1 << FT_TASK_DPC);

    ft_catalogue_learn(&catalogue, &scenario, &met);
    read = &catalogue.scope[FT_SCOPE_READ];
    assert_false(ft_catalogue_is_empty(&catalogue));
    assert_int_equal(read->highest[FT_PT_DMA_FLUSH], 1);
    assert_int_equal(read->usual[FT_PT_DMA_FLUSH], 1);
    assert_int_equal(catalogue.scope[FT_SCOPE_WRITE].highest[FT_PT_DMA_FLUSH], 0);
    assert_int_equal(catalogue.skipped[FT_OP_WAKE], 1);
    assert_int_equal(catalogue.struck[FT_OP_READ], 1);
}

/* Whether somebody counts or not, the run is the same. */
static void counting_leaves_no_trace(void **state)
{
    static struct ft_met met;
    struct ft_session session;

    (void)state;
    assert_true(ft_session_open(&session, sound_core(), false, 0));
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario};
        struct ft_run_result without, with;

        ft_scenario_random(seed, -1, &scenario);
        ft_session_run(&session, &options, &without, NULL);
        options.met = &met;
        ft_session_run(&session, &options, &with, NULL);
        assert_true(without.hash == with.hash);
        assert_int_equal(without.steps, with.steps);
    }
    ft_session_close(&session);
}

/* ---- the file ---- */

static void the_file_gives_back_what_was_learned(void **state)
{
    static struct ft_catalogue mine, read, fresh;

    (void)state;
    ft_catalogue_init(&mine, sound_core());
    mine.scope[FT_SCOPE_WRITE].highest[FT_PT_DMA_MAP] = 7;
    mine.scope[FT_SCOPE_WRITE].usual[FT_PT_DMA_MAP] = 3;
    mine.struck[FT_OP_CANCEL] = 5;
    assert_true(ft_catalogue_sync(&mine, path)); /* an empty file is taken */
    ft_catalogue_init(&read, NULL);
    assert_true(ft_catalogue_load(&read, path));
    assert_int_equal(read.request_bytes_max, mine.request_bytes_max);
    assert_int_equal(read.requests, mine.requests);
    assert_memory_equal(read.scope, mine.scope, sizeof mine.scope);
    assert_int_equal(read.struck[FT_OP_CANCEL], 5);

    /* Another job adds to it, and loses nothing. */
    ft_catalogue_init(&fresh, sound_core());
    fresh.scope[FT_SCOPE_WRITE].highest[FT_PT_DMA_MAP] = 2;
    fresh.scope[FT_SCOPE_WRITE].usual[FT_PT_DMA_MAP] = 2;
    fresh.scope[FT_SCOPE_READ].highest[FT_PT_STALL] = 1;
    fresh.scope[FT_SCOPE_READ].usual[FT_PT_STALL] = 1;
    assert_true(ft_catalogue_sync(&fresh, path));
    assert_true(ft_catalogue_load(&mine, path));
    assert_int_equal(mine.scope[FT_SCOPE_WRITE].highest[FT_PT_DMA_MAP], 7);
    assert_int_equal(mine.scope[FT_SCOPE_READ].highest[FT_PT_STALL], 1);
}

static void foreign_and_torn_files_are_refused(void **state)
{
    static struct ft_catalogue catalogue, before, stored;
    static const char foreign[] = "this is somebody's diary";
    char content[sizeof foreign];
    FILE *file;

    (void)state;
    ft_catalogue_init(&catalogue, sound_core());
    before = catalogue;
    assert_false(ft_catalogue_load(&catalogue, "/nowhere/at/all"));
    assert_false(ft_catalogue_sync(&catalogue, "/nowhere/at/all"));
    write_file(foreign, sizeof foreign);
    assert_false(ft_catalogue_load(&catalogue, path));
    assert_false(ft_catalogue_sync(&catalogue, path));
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(content, 1, sizeof content, file), sizeof foreign);
    fclose(file);
    assert_memory_equal(content, foreign, sizeof foreign);

    stored = catalogue;
    stored.version++;
    write_file(&stored, sizeof stored);
    assert_false(ft_catalogue_load(&catalogue, path));
    assert_memory_equal(&catalogue, &before, sizeof before);

    /* Cut off in the middle: not read, but mended by whoever writes next. */
    stored = catalogue;
    write_file(&stored, sizeof stored / 3);
    assert_false(ft_catalogue_load(&catalogue, path));
    assert_true(ft_catalogue_sync(&catalogue, path));
    assert_true(ft_catalogue_load(&catalogue, path));
}

/* Any content behind a good header: what is taken in is in range, and mutation lives with it. */
static void hostile_counts_are_cut_to_their_range(void **state)
{
    static struct ft_catalogue hostile, catalogue;
    uint8_t *raw = (uint8_t *)&hostile;

    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct ft_prng prng = ft_prng_init(seed, 1);
        uint8_t bytes[1024];
        size_t length = 0;

        for (size_t i = 8; i < sizeof hostile; i++)
            raw[i] = (uint8_t)(seed == 0 ? 0xFF : ft_prng_next(&prng));
        hostile.magic = FT_CATALOGUE_MAGIC;
        hostile.version = FT_CATALOGUE_VERSION;
        write_file(&hostile, sizeof hostile);
        ft_catalogue_init(&catalogue, NULL);
        assert_true(ft_catalogue_load(&catalogue, path));
        for (unsigned scope = 0; scope < FT_SCOPE_COUNT; scope++)
            for (unsigned i = 0; i < FT_MET_POINTS; i++) {
                const struct ft_scope_facts *facts = &catalogue.scope[scope];

                assert_true(facts->highest[i] <= 254 && facts->usual[i] <= facts->highest[i]);
                assert_true(ft_point_name(i) || facts->highest[i] == 0);
            }
        assert_true(catalogue.controls <= FT_CONTROLS_MAX);
        for (uint64_t step = 0; step < 300; step++) {
            struct ft_scenario scenario;

            length = ft_mutate((struct ft_bytes){bytes, length}, (struct ft_bytes){NULL, 0},
                               seed * 1000 + step, &catalogue, bytes, sizeof bytes);
            ft_scenario_decode(bytes, length, &scenario);
        }
    }
}

/* ---- what it is for ---- */

struct share {
    unsigned ops, wasted; /* late or skipped */
};

static struct share run_many(const struct ft_catalogue *from, struct ft_catalogue *learns)
{
    static struct ft_met met;
    struct ft_session session;
    struct share share = {0, 0};

    assert_true(ft_session_open(&session, sound_core(), false, 0));
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct ft_scenario scenario;
        struct ft_run_options options = {.scenario = &scenario, .met = &met};
        struct ft_run_result result;
        uint8_t bytes[1024];
        size_t length = ft_mutate((struct ft_bytes){NULL, 0}, (struct ft_bytes){NULL, 0}, seed,
                                  from, bytes, sizeof bytes);

        ft_scenario_decode(bytes, length, &scenario);
        ft_session_run(&session, &options, &result, NULL);
        if (learns)
            ft_catalogue_learn(learns, &scenario, &met);
        for (unsigned i = 0; i < scenario.op_count; i++) {
            share.ops += met.op[i] != FT_MET_NOT_STRUCK;
            share.wasted += met.op[i] == FT_MET_LATE || met.op[i] == FT_MET_SKIPPED;
        }
    }
    ft_session_close(&session);
    return share;
}

static void with_a_catalogue_fewer_ops_are_wasted(void **state)
{
    static struct ft_catalogue unknown, learned;
    struct share blind, seeing;

    (void)state;
    ft_catalogue_init(&unknown, NULL);
    ft_catalogue_init(&learned, sound_core());
    blind = run_many(&unknown, NULL);
    seeing = run_many(&learned, &learned);
    printf("late or skipped: %u of %u ops blind, %u of %u with a catalogue\n", blind.wasted,
           blind.ops, seeing.wasted, seeing.ops);
    assert_true(blind.ops > 5000 && seeing.ops > 5000);
    assert_true(seeing.wasted * 100 / seeing.ops + 8 < blind.wasted * 100 / blind.ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_teaches_its_points_by_label_and_by_device),
        cmocka_unit_test(counting_leaves_no_trace),
        cmocka_unit_test_setup_teardown(the_file_gives_back_what_was_learned, make_file,
                                        remove_file),
        cmocka_unit_test_setup_teardown(foreign_and_torn_files_are_refused, make_file, remove_file),
        cmocka_unit_test_setup_teardown(hostile_counts_are_cut_to_their_range, make_file,
                                        remove_file),
        cmocka_unit_test(with_a_catalogue_fewer_ops_are_wasted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
