/* Words of the command line that are the engines'. */
#include "fuzz/engine_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLAG_MIN = 3, /* letters of a libFuzzer flag */
    NAME_BYTES = 40,
    SLIPS = 2 /* letters that a misspelt name may differ in */
};

/* What -help=1 of clang 14 to 19 lists. libFuzzer itself ignores what it does not know. */
static const char *const flags[] = {"abort_on_timeout",
                                    "analyze_dict",
                                    "artifact_prefix",
                                    "cleanse_crash",
                                    "close_fd_mask",
                                    "collect_data_flow",
                                    "create_missing_dirs",
                                    "cross_over",
                                    "cross_over_uniform_dist",
                                    "data_flow_trace",
                                    "detect_leaks",
                                    "dict",
                                    "dump_coverage",
                                    "entropic",
                                    "entropic_number_of_rarest_features",
                                    "entropic_feature_frequency_threshold",
                                    "entropic_scale_per_exec_time",
                                    "error_exitcode",
                                    "exact_artifact_path",
                                    "exit_on_item",
                                    "exit_on_src_pos",
                                    "features_dir",
                                    "focus_function",
                                    "fork",
                                    "fork_corpus_groups",
                                    "handle_abrt",
                                    "handle_bus",
                                    "handle_fpe",
                                    "handle_ill",
                                    "handle_int",
                                    "handle_segv",
                                    "handle_term",
                                    "handle_trap",
                                    "handle_usr1",
                                    "handle_usr2",
                                    "handle_winexcept",
                                    "handle_xfsz",
                                    "help",
                                    "ignore_crashes",
                                    "ignore_ooms",
                                    "ignore_remaining_args",
                                    "ignore_timeouts",
                                    "interruptor",
                                    "jobs",
                                    "keep_seed",
                                    "lazy_counters",
                                    "len_control",
                                    "load_coverage",
                                    "malloc_limit_mb",
                                    "max_len",
                                    "max_total_time",
                                    "merge",
                                    "merge_control_file",
                                    "merge_inner",
                                    "minimize_crash",
                                    "minimize_crash_internal_step",
                                    "mutate_depth",
                                    "mutation_graph_file",
                                    "only_ascii",
                                    "prefer_small",
                                    "print_corpus_stats",
                                    "print_coverage",
                                    "print_final_stats",
                                    "print_full_coverage",
                                    "print_funcs",
                                    "print_pcs",
                                    "purge_allocator_interval",
                                    "reduce_depth",
                                    "reduce_inputs",
                                    "reload",
                                    "report_slow_units",
                                    "rss_limit_mb",
                                    "run_equivalence_server",
                                    "runs",
                                    "seed",
                                    "seed_inputs",
                                    "set_cover_merge",
                                    "shrink",
                                    "shuffle",
                                    "stop_file",
                                    "test_input",
                                    "timeout",
                                    "timeout_exitcode",
                                    "trace_malloc",
                                    "use_clang_coverage",
                                    "use_cmp",
                                    "use_counters",
                                    "use_equivalence_server",
                                    "use_memmem",
                                    "use_value_profile",
                                    "verbosity",
                                    "workers"};

/* Letters of the name in "-name=value"; 0: the word is not of that form. */
static size_t name_length(const char *word)
{
    size_t letters;

    if (word[0] != '-' || word[1] == '-')
        return 0;
    letters = strspn(word + 1, "abcdefghijklmnopqrstuvwxyz_0123456789-");
    return letters >= FLAG_MIN && letters < NAME_BYTES && word[1 + letters] == '=' ? letters : 0;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to insert, to drop or to change that make one of the other. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_BYTES + 1], length = (unsigned)strlen(b);

    for (unsigned j = 0; j <= length; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned corner = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= length; j++) {
            unsigned above = row[j];

            row[j] = least(least(above, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = above;
        }
    }
    return row[length];
}

/* The flag that is nearest to the word's name, and how far it is. */
static const char *nearest(const char *word, unsigned *ret)
{
    const char *best = NULL;
    char name[NAME_BYTES];

    snprintf(name, sizeof name, "%.*s", (int)name_length(word), word + 1);
    *ret = SLIPS + 1;
    for (size_t i = 0; i < sizeof flags / sizeof *flags && name[0]; i++) {
        unsigned far = distance(name, flags[i]);

        if (far < *ret) {
            *ret = far;
            best = flags[i];
        }
    }
    return best;
}

bool ft_is_engine_flag(const char *word)
{
    unsigned far;

    return nearest(word, &far) && far == 0;
}

const char *ft_engine_flag_meant(const char *word)
{
    unsigned far;
    const char *flag = nearest(word, &far);

    return far ? flag : NULL;
}

int ft_take_engine_words(int argc, char **argv, char ***words)
{
    unsigned count = 0, far;
    int kept = 0;

    *words = calloc((size_t)argc + 1, sizeof **words);
    if (!*words)
        abort();
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                (*words)[count++] = argv[i];
        } else if (i > 0 && nearest(argv[i], &far)) {
            (*words)[count++] = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    return kept;
}
