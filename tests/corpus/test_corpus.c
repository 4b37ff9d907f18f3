#define _GNU_SOURCE
/* Corpora: what is packed comes back, and hostile bytes give a clear error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include "corpus/corpus.h"
#include "corpus/corpus_minimize.h"
#include "corpus/trace_list.h"
#include "trace/host_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRACES = 24, PATH = 128, FLIPS = 700 };

static char folder[] = "/tmp/flushtrace-corpus.XXXXXX";
static char path[TRACES][PATH], name[TRACES][PATH];
static struct ft_corpus_item item[TRACES];

/* Enough traces, alike and unlike, for a dictionary. */
static int make_traces(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < TRACES; i++) {
        struct ft_trace trace;
        struct ft_error error;

        if (i % 6 == 0) {
            sample_noise(i + 1, 40 + i, &trace);
        } else {
            sample_requests(1 + i % 5, &trace);
        }
        snprintf(trace.mutant, sizeof(trace.mutant), "m%u", i % 4);
        snprintf(path[i], PATH, "%s/t%02u.ftr", folder, i);
        snprintf(name[i], PATH, "a/t%02u.ftr", i);
        item[i] = (struct ft_corpus_item){path[i], name[i]};
        if (ft_trace_write(path[i], &trace, &error) != FT_OK) {
            return -1;
        }
        ft_trace_free(&trace);
    }
    return 0;
}

static int remove_traces(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRACES; i++) {
        unlink(path[i]);
    }
    ft_trace_source_close();
    return rmdir(folder);
}

static void pack(uint8_t **bytes, size_t *length)
{
    struct ft_error error = {0};
    size_t bad;

    assert_int_equal(ft_corpus_encode(item, TRACES, NULL, bytes, length, &bad, &error), FT_OK);
}

/* ft_corpus_decode takes what it is given. */
static uint8_t *copy(const uint8_t *bytes, size_t length)
{
    uint8_t *ret = malloc(length + 1);

    assert_non_null(ret);
    memcpy(ret, bytes, length);
    return ret;
}

static void what_is_packed_comes_back(void **state)
{
    struct ft_corpus corpus;
    struct ft_error error = {0};
    uint8_t *bytes;
    size_t length;

    (void)state;
    pack(&bytes, &length);
    assert_int_equal(ft_corpus_decode(bytes, length, &corpus, &error), FT_OK);
    assert_true(corpus.complete);
    assert_int_equal(corpus.count, TRACES);
    assert_true(corpus.dictionary_bytes > 0);
    for (unsigned i = 0; i < TRACES; i++) {
        struct ft_trace was, is;

        assert_string_equal(corpus.entry[i].name, name[i]);
        assert_ptr_equal(ft_corpus_find(&corpus, name[i]), &corpus.entry[i]);
        assert_int_equal(ft_trace_read(path[i], &was, &error), FT_OK);
        assert_int_equal(ft_corpus_trace(&corpus, &corpus.entry[i], 0, &is, &error), FT_OK);
        sample_assert_equal(&was, &is);
        ft_trace_free(&is);
        assert_int_equal(ft_corpus_trace(&corpus, &corpus.entry[i], FT_DECODE_FACTS, &is, &error),
                         FT_OK);
        assert_null(is.event);
        assert_int_equal(is.event_count, was.event_count);
        assert_int_equal(is.hash, was.hash);
        ft_trace_free(&is);
        ft_trace_free(&was);
    }
    assert_null(ft_corpus_find(&corpus, "a/none.ftr"));
    ft_corpus_free(&corpus);
}

static void the_same_traces_give_the_same_bytes(void **state)
{
    uint8_t *a, *b;
    size_t length_a, length_b;

    (void)state;
    pack(&a, &length_a);
    pack(&b, &length_b);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(a, b, length_a);
    free(a);
    free(b);
}

/* Every cut: refused, or the whole traces before it. */
static void a_corpus_may_be_cut_anywhere(void **state)
{
    uint8_t *bytes;
    size_t length, before = 0;

    (void)state;
    pack(&bytes, &length);
    for (size_t cut = 0; cut < length; cut++) {
        struct ft_corpus corpus;
        struct ft_error error = {0};
        size_t whole = 0;

        if (ft_corpus_decode(copy(bytes, cut), cut, &corpus, &error) != FT_OK) {
            assert_true(error.text[0] != '\0');
            assert_int_equal(before, 0); /* only inside the head */
            continue;
        }
        assert_false(corpus.complete);
        while (whole < corpus.count && corpus.entry[whole].length != 0) {
            whole++;
        }
        assert_true(whole >= before);
        before = whole;
        ft_corpus_free(&corpus);
    }
    assert_int_equal(before, TRACES);
    free(bytes);
}

/* One bit here and there, from begin to end: refused, or a trace of it is, or the traces are what
 * they were. */
static void a_flipped_bit_is_noticed(void **state)
{
    struct ft_error error = {0};
    uint8_t *bytes;
    size_t length;

    (void)state;
    pack(&bytes, &length);
    for (size_t at = 0; at < length; at += 1 + length / FLIPS) {
        uint8_t *damaged = copy(bytes, length);
        struct ft_corpus corpus;

        damaged[at] ^= (uint8_t)(1U << at % 8);
        if (ft_corpus_decode(damaged, length, &corpus, &error) != FT_OK) {
            assert_true(error.text[0] != '\0');
            continue;
        }
        for (size_t i = 0; i < corpus.count; i++) {
            struct ft_trace was, is;

            if (ft_corpus_trace(&corpus, &corpus.entry[i], 0, &is, &error) != FT_OK) {
                assert_true(error.text[0] != '\0');
                continue;
            }
            assert_int_equal(ft_trace_read(path[i], &was, &error), FT_OK);
            sample_assert_equal(&was, &is);
            ft_trace_free(&was);
            ft_trace_free(&is);
        }
        ft_corpus_free(&corpus);
    }
    free(bytes);
}

static void names_that_lead_out_are_refused(void **state)
{
    static const char *const bad[] = {"",      "/etc/a", "../a", "a/../b", "a//b",
                                      "a/./b", "a/",     "a\nb", ".",      ".."};
    static const char *const good[] = {"a", "a/b.ftr", "..a/b..", "a b", "\xC3\xA9"};
    struct ft_error error = {0};
    uint8_t *bytes;
    size_t length, which;

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ft_corpus_item one = {path[0], bad[i]};

        assert_non_null(ft_check_corpus_name(bad[i]));
        assert_int_equal(ft_corpus_encode(&one, 1, NULL, &bytes, &length, &which, &error),
                         FT_USAGE);
    }
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_null(ft_check_corpus_name(good[i]));
    }
}

static void names_are_sorted_and_different(void **state)
{
    struct ft_corpus_item two[] = {{path[0], "b"}, {path[1], "a"}};
    struct ft_error error = {0};
    uint8_t *bytes;
    size_t length, bad;

    (void)state;
    assert_int_equal(ft_corpus_encode(two, 2, NULL, &bytes, &length, &bad, &error), FT_USAGE);
    two[1].name = "b";
    assert_int_equal(ft_corpus_encode(two, 2, NULL, &bytes, &length, &bad, &error), FT_USAGE);
    assert_int_equal(bad, 1);
}

static void paths_name_a_trace_in_a_corpus(void **state)
{
    const char *inside;
    char file[64];

    (void)state;
    assert_true(ft_corpus_path("x/a.ftc:b/c.ftr", file, sizeof(file), &inside));
    assert_string_equal(file, "x/a.ftc");
    assert_string_equal(inside, "b/c.ftr");
    assert_true(ft_corpus_path("a.ftc", file, sizeof(file), &inside));
    assert_null(inside);
    assert_false(ft_corpus_path("a.ftr", file, sizeof(file), &inside));
    assert_false(ft_corpus_path(".ft", file, sizeof(file), &inside));
}

/* A list of files and corpora; the least of it that owns everything. */
static void the_smallest_own(void **state)
{
    struct ft_trace_list list = {0};
    struct ft_minimized result, again;
    struct ft_error error = {0};
    const char *bad;

    (void)state;
    assert_int_equal(ft_trace_list_add(&list, folder, &error), FT_OK);
    ft_trace_list_sort(&list);
    assert_int_equal(list.count, TRACES);
    assert_int_equal(ft_corpus_minimize(&list, NULL, &result, &bad, &error), FT_OK);
    assert_int_equal(list.count, result.kept);
    assert_true(result.kept < TRACES);
    assert_true(result.kept >= 4); /* four mutants, a verdict each */
    assert_true(result.cells > 0);
    assert_int_equal(ft_corpus_minimize(&list, NULL, &again, &bad, &error), FT_OK);
    assert_int_equal(again.kept, result.kept);
    assert_int_equal(again.cells, result.cells);
    ft_trace_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(the_same_traces_give_the_same_bytes),
        cmocka_unit_test(a_corpus_may_be_cut_anywhere),
        cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(names_that_lead_out_are_refused),
        cmocka_unit_test(names_are_sorted_and_different),
        cmocka_unit_test(paths_name_a_trace_in_a_corpus),
        cmocka_unit_test(the_smallest_own),
    };

    return cmocka_run_group_tests(tests, make_traces, remove_traces);
}
