/* The parts of a campaign that need no engine: dealing jobs out, exchanging inputs with AFL++,
 * reading what the engines write, whole files, and the lock. */
#define _GNU_SOURCE
#include "fuzz/afl_import.h"
#include "fuzz/campaign/campaign_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[FT_PATH_BYTES]; /* a new folder for each test */
static struct ft_campaign campaign;
static unsigned notes;
static char last_note[4 * FT_PATH_BYTES];

static void take_note(const char *text)
{
    notes++;
    snprintf(last_note, sizeof last_note, "%s", text);
}

static int begin(void **state)
{
    char folder[] = "/tmp/flushtrace-exchange.XXXXXX";

    (void)state;
    memset(&campaign, 0, sizeof campaign);
    campaign.note = take_note;
    notes = 0;
    if (!mkdtemp(folder))
        return -1;
    ft_path(base, "%s", folder);
    ft_path(campaign.subject[0].folder, "%s/core", base);
    campaign.subject_count = 1;
    campaign.job[0] =
        (struct ft_job){.subject = &campaign.subject[0], .engine = FT_ENGINE_AFL, .number = 0};
    return 0;
}

static int end(void **state)
{
    char command[FT_PATH_BYTES + 16];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
}

static void write_entry(const char *name, const char *content)
{
    char path[FT_PATH_BYTES];

    ft_path(path, "%s/afl/afl-0/queue/%s", campaign.subject[0].folder, name);
    write_file(path, content);
}

static void make(const char *part)
{
    char path[FT_PATH_BYTES];

    ft_path(path, "%s/%s", campaign.subject[0].folder, part);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void open_folder(void)
{
    struct ft_error error;

    assert_int_equal(ft_folder_open(&campaign, &campaign.subject[0], &error), FT_OK);
    make("afl");
    make("afl/afl-0");
    make("afl/afl-0/queue");
    make("afl/afl-0/crashes");
}

static uint64_t inputs(void)
{
    ft_folder_count(&campaign.subject[0]);
    return campaign.subject[0].inputs;
}

static void new_entries_of_afl_become_inputs_once(void **state)
{
    (void)state;
    open_folder();
    write_entry("id:000000,time:0,execs:0,orig:empty", "a");
    write_entry("id:000001,src:000000,time:5,execs:9,op:flushtrace", "b");
    write_entry("id:000002,sync:afl-1,src:000004", "c");
    write_entry("id:000003,src:000000,time:7,execs:11,op:shared,+cov", "d");
    ft_exchange(&campaign, &campaign.job[0]);
    assert_int_equal(inputs(), 1);
    assert_int_equal(campaign.job[0].exported, 4);
    write_entry("id:000004,src:000001,time:9,execs:20,op:havoc", "b"); /* the same bytes */
    ft_exchange(&campaign, &campaign.job[0]);
    assert_int_equal(inputs(), 1);
    assert_int_equal(notes, 0);
    ft_folder_close(&campaign.subject[0]);
}

static void an_entry_that_is_being_written_comes_next_time(void **state)
{
    (void)state;
    open_folder();
    write_entry("id:000000,src:000000,op:flushtrace", "");
    write_entry("id:000001,src:000000,op:flushtrace", "later");
    ft_exchange(&campaign, &campaign.job[0]);
    assert_int_equal(inputs(), 0);
    write_entry("id:000000,src:000000,op:flushtrace", "whole");
    ft_exchange(&campaign, &campaign.job[0]);
    assert_int_equal(inputs(), 2);
    ft_folder_close(&campaign.subject[0]);
}

static void a_target_that_ended_is_our_failure(void **state)
{
    char path[FT_PATH_BYTES];

    (void)state;
    open_folder();
    ft_path(path, "%s/afl/afl-0/crashes/README.txt", campaign.subject[0].folder);
    write_file(path, "AFL++ writes that beside them");
    ft_exchange(&campaign, &campaign.job[0]);
    assert_false(campaign.engine_failed);
    ft_path(path, "%s/afl/afl-0/crashes/id:000000,sig:06", campaign.subject[0].folder);
    write_file(path, "x");
    ft_exchange(&campaign, &campaign.job[0]);
    ft_exchange(&campaign, &campaign.job[0]);
    assert_true(campaign.engine_failed);
    assert_int_equal(notes, 1);
    ft_folder_close(&campaign.subject[0]);
}

static size_t import_all(uint8_t *bytes, size_t capacity, unsigned *given)
{
    size_t length = 0;

    /* It looks at the folder once a second, and at the clock every so many calls. */
    for (unsigned call = 0; call < 200000 && *given == 0; call++) {
        size_t got = ft_afl_import(bytes, capacity);

        if (got) {
            length = got;
            ++*given;
        } else {
            usleep(10);
        }
    }
    return length;
}

static void afl_is_offered_each_shared_input_once(void **state)
{
    char path[FT_PATH_BYTES], folder[FT_PATH_BYTES];
    uint8_t bytes[64];
    unsigned given = 0;

    (void)state;
    open_folder();
    unsetenv("FLUSHTRACE_SHARED_CORPUS");
    assert_int_equal(ft_afl_import(bytes, sizeof bytes), 0);
    ft_path(folder, "%s/corpus", campaign.subject[0].folder);
    setenv("FLUSHTRACE_SHARED_CORPUS", folder, 1);
    ft_path(path, "%s/one", folder);
    write_file(path, "first");
    assert_int_equal(import_all(bytes, sizeof bytes, &given), 5);
    assert_memory_equal(bytes, "first", 5);
    assert_string_equal(ft_afl_import_describe(), "op:shared");
    assert_int_equal(ft_afl_import(bytes, sizeof bytes), 0); /* the end of the folder */
    assert_null(ft_afl_import_describe());
    ft_path(path, "%s/two", folder);
    write_file(path, "second, and longer than the room for it");
    given = 0;
    assert_int_equal(import_all(bytes, 8, &given), 8);
    assert_memory_equal(bytes, "second, ", 8);
    ft_folder_close(&campaign.subject[0]);
}

static void jobs_are_dealt_out_in_turn(void **state)
{
    (void)state;
    campaign.subject_count = 2;
    campaign.engine[FT_ENGINE_LIBFUZZER] = campaign.engine[FT_ENGINE_AFL] = true;
    campaign.jobs = 1;
    ft_campaign_deal(&campaign);
    assert_int_equal(campaign.jobs, 4); /* one for each driver and engine */
    campaign.jobs = 6;
    ft_campaign_deal(&campaign);
    assert_int_equal(campaign.jobs, 6);
    assert_ptr_equal(campaign.job[1].subject, &campaign.subject[0]);
    assert_int_equal(campaign.job[1].engine, FT_ENGINE_AFL);
    assert_ptr_equal(campaign.job[3].subject, &campaign.subject[1]);
    assert_string_equal(ft_job_name(&campaign.job[5]), "afl-1");
}

static void figures_come_from_what_the_engines_write(void **state)
{
    struct ft_job_figures figures;
    char path[FT_PATH_BYTES];

    (void)state;
    open_folder();
    ft_job_figures(&campaign.job[0], &figures);
    assert_string_equal(figures.stability, "");
    ft_path(path, "%s/afl/afl-0/fuzzer_stats", campaign.subject[0].folder);
    write_file(path,
               "execs_done        : 21826\ncorpus_count      : 99\nstability         : 99.50%\n"
               "edges_found       : 211\n");
    ft_job_counter_path(&campaign.job[0], path);
    write_file(path, "\1\2");
    ft_job_figures(&campaign.job[0], &figures);
    assert_int_equal(figures.corpus, 99);
    assert_int_equal(figures.coverage, 211);
    assert_string_equal(figures.stability, "99.50%");
    assert_int_equal(figures.executions, 0); /* the counter is torn */
    campaign.job[0].engine = FT_ENGINE_LIBFUZZER;
    ft_job_log_path(&campaign.job[0], path);
    write_file(path, "INFO: Seed: 1\n#2\tINITED cov: 7 ft: 8 corp: 1/1b exec/s: 0\n"
                     "#99\tNEW    cov: 369 ft: 1492 corp: 136/7062b lim: 4096 exec/s: 2938\nlast");
    ft_job_figures(&campaign.job[0], &figures);
    assert_int_equal(figures.coverage, 369);
    assert_int_equal(figures.corpus, 136);
    ft_folder_close(&campaign.subject[0]);
}

static void one_campaign_at_a_time(void **state)
{
    struct ft_subject other;
    struct ft_error error;
    char path[FT_PATH_BYTES];

    (void)state;
    open_folder();
    other = campaign.subject[0];
    assert_int_equal(ft_folder_open(&campaign, &other, &error), FT_USAGE);
    assert_non_null(strstr(error.text, "another campaign"));
    ft_folder_close(&campaign.subject[0]);
    ft_path(path, "%s/pending/.12.tmp", campaign.subject[0].folder);
    write_file(path, "half");
    assert_int_equal(ft_folder_open(&campaign, &other, &error), FT_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_non_null(strstr(last_note, ".12.tmp"));
    ft_folder_close(&other);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(new_entries_of_afl_become_inputs_once),
        T(an_entry_that_is_being_written_comes_next_time),
        T(a_target_that_ended_is_our_failure),
        T(afl_is_offered_each_shared_input_once),
        T(jobs_are_dealt_out_in_turn),
        T(figures_come_from_what_the_engines_write),
        T(one_campaign_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
