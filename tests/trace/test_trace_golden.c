/* Files of past versions decode for ever: each golden file gives the text beside it, byte for byte.
 *
 * A golden file is written once, by the version that it is of, and never again:
 *     test-trace-golden --write FILE.ftr FILE.txt
 * writes the sample of the present version, and refuses to replace a file; --dump FILE.ftr prints
 * the text of any trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trace_samples.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

/* Paths from the root of the checkout, where tests run. */
static const char *const golden[] = {"tests/trace/golden/v1-small"};

/* Says which line differs first; the whole texts would not fit on a screen. */
static void expect_same_text(const char *name, const char *text, const char *expected)
{
    unsigned line = 1;

    for (; *text == *expected && *text != '\0'; text++, expected++) {
        line += *text == '\n';
    }
    if (*text != *expected) {
        fail_msg("%s.txt:%u: expected `%.*s`, got `%.*s`", name, line, (int)strcspn(expected, "\n"),
                 expected, (int)strcspn(text, "\n"), text);
    }
}

static void check_golden(const char *name)
{
    char path[128];
    struct ft_trace trace;
    struct ft_error error = {.text = ""};
    static char expected[TEXT_MAX];
    char *text = NULL;
    size_t length;
    FILE *file;

    snprintf(path, sizeof(path), "%s.txt", name);
    file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s cannot be read (run from the root of the checkout)", path);
        return;
    }
    memset(expected, 0, sizeof(expected));
    assert_true(fread(expected, 1, TEXT_MAX - 1, file) > 0);
    fclose(file);
    snprintf(path, sizeof(path), "%s.ftr", name);
    if (ft_trace_read(path, &trace, &error) != FT_OK) {
        fail_msg("%s: byte %u: %s", path, (unsigned)error.offset, error.text);
    }
    file = open_memstream(&text, &length);
    assert_non_null(file);
    sample_dump(&trace, file);
    fclose(file);
    assert_true(trace.complete);
    expect_same_text(name, text, expected);
    ft_trace_free(&trace);
    free(text);
}

static void golden_files_decode_to_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
        check_golden(golden[i]);
    }
}

static int write_golden(const char *trace_path, const char *text_path)
{
    struct ft_trace trace;
    struct ft_error error = {.text = ""};
    FILE *file;

    if (access(trace_path, F_OK) == 0) {
        fprintf(stderr, "%s is there already; golden files are for ever\n", trace_path);
        return 1;
    }
    sample_small(&trace);
    if (ft_trace_write(trace_path, &trace, &error) != FT_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    file = fopen(text_path, "wx");
    if (file == NULL) {
        perror(text_path);
        return 1;
    }
    sample_dump(&trace, file);
    ft_trace_free(&trace);
    return fclose(file) == 0 ? 0 : 1;
}

static int dump_trace(const char *path)
{
    struct ft_trace trace;
    struct ft_error error = {.text = ""};

    if (ft_trace_read(path, &trace, &error) != FT_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sample_dump(&trace, stdout);
    ft_trace_free(&trace);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files_decode_to_their_text),
    };

    if (argc == 4 && strcmp(argv[1], "--write") == 0) {
        return write_golden(argv[2], argv[3]);
    }
    if (argc == 3 && strcmp(argv[1], "--dump") == 0) {
        return dump_trace(argv[2]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
