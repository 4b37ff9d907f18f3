/* Outcomes as JSON and JUnit XML. */
#include "atomic_file.h"
#include "report/regress_report.h"
#include "report/report_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ft_outcome_name(enum ft_outcome outcome)
{
    static const char *const names[] = {
        [FT_OUTCOME_PENDING] = "not run",        [FT_OUTCOME_PASSED] = "passed",
        [FT_OUTCOME_OTHER] = "other verdict",    [FT_OUTCOME_DIVERGED] = "divergence",
        [FT_OUTCOME_UNJUDGED] = "unjudged",      [FT_OUTCOME_BAD_FILE] = "bad file",
        [FT_OUTCOME_MISPLACED] = "wrong folder", [FT_OUTCOME_OWN_FAILURE] = "own failure",
    };

    return names[outcome];
}

json_t *ft_json_cases(const struct ft_regress_case *list, size_t count)
{
    json_t *array = json_array();
    char hash[32];

    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();

        ft_json_add_verdict(object, &list[i].verdict);
        snprintf(hash, sizeof(hash), "%016" PRIx64, list[i].hash);
        json_object_set_new(object, "trace", ft_json_text(list[i].path));
        json_object_set_new(object, "outcome", json_string(ft_outcome_name(list[i].outcome)));
        json_object_set_new(object, "expected", ft_json_text(list[i].expected));
        json_object_set_new(object, "got", ft_json_text(list[i].got));
        json_object_set_new(object, "note", ft_json_text(list[i].note));
        json_object_set_new(object, "divergence",
                            list[i].divergence != 0 ? json_integer((json_int_t)list[i].divergence)
                                                    : json_null());
        json_object_set_new(object, "followed", json_boolean(list[i].followed));
        json_object_set_new(object, "driver", ft_json_text(list[i].driver));
        json_object_set_new(object, "mutant", ft_json_text(list[i].mutant));
        json_object_set_new(object, "platform", ft_json_text(list[i].platform));
        json_object_set_new(object, "model", json_integer(list[i].model));
        json_object_set_new(object, "events", json_integer((json_int_t)list[i].events));
        json_object_set_new(object, "hash", json_string(hash));
        json_object_set_new(object, "rerun", ft_json_text(list[i].rerun));
        json_array_append_new(array, object);
    }
    return array;
}

/* Text inside an attribute. Control characters have no place in XML 1.0. */
static void print_xml(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        switch (byte) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(byte >= 0x20 && byte <= 0x7E ? byte : '?', out);
            break;
        }
    }
}

static void print_attribute(FILE *out, const char *name, const char *text)
{
    fprintf(out, " %s=\"", name);
    print_xml(out, text);
    fputc('"', out);
}

/* JUnit knows failures (the code under test) and errors (everything else). */
static bool is_error(enum ft_outcome outcome)
{
    return outcome == FT_OUTCOME_BAD_FILE || outcome == FT_OUTCOME_MISPLACED ||
           outcome == FT_OUTCOME_OWN_FAILURE || outcome == FT_OUTCOME_PENDING;
}

static void print_case(FILE *out, const struct ft_regress_case *one)
{
    const char *tag = is_error(one->outcome) ? "error" : "failure";

    fputs("    <testcase", out);
    print_attribute(out, "classname", one->driver[0] != '\0' ? one->driver : "flushtrace");
    print_attribute(out, "name", one->path);
    if (one->outcome == FT_OUTCOME_PASSED) {
        fputs("/>\n", out);
        return;
    }
    fprintf(out, ">\n      <%s", tag);
    print_attribute(out, "type", ft_outcome_name(one->outcome));
    print_attribute(out, "message", one->note);
    fputs(">expected ", out);
    print_xml(out, one->expected);
    fputs("\ngot ", out);
    print_xml(out, one->got);
    fputs("\nrerun: ", out);
    print_xml(out, one->rerun);
    fprintf(out, "</%s>\n    </testcase>\n", tag);
}

static void print_suite(FILE *out, const struct ft_regress_case *list, size_t count)
{
    size_t failures = 0, errors = 0;

    for (size_t i = 0; i < count; i++) {
        errors += is_error(list[i].outcome);
        failures += list[i].outcome != FT_OUTCOME_PASSED && !is_error(list[i].outcome);
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
    fprintf(out,
            "  <testsuite name=\"flushtrace regress\" tests=\"%zu\" failures=\"%zu\" "
            "errors=\"%zu\">\n",
            count, failures, errors);
    for (size_t i = 0; i < count; i++) {
        print_case(out, &list[i]);
    }
    fputs("  </testsuite>\n</testsuites>\n", out);
}

enum ft_status ft_write_junit(const char *path, const struct ft_regress_case *list, size_t count,
                              struct ft_error *error)
{
    struct ft_atomic_file file;
    enum ft_status status = ft_atomic_begin(&file, path, error);

    if (status == FT_OK) {
        print_suite(file.stream, list, count);
        status = ft_atomic_commit(&file, error);
    }
    return status;
}
