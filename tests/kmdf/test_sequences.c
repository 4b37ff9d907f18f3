/* The sequences of kmdf.md, section 4, line by line: for success, and for each callback failing.
 *
 * hw-on, hw-off and hw-yanked are what the device model sees.
 */
#include "wdf_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_OPS = 4, MAX_FAILURES = 2 };

struct row {
    const char *name;
    struct ft_op op[MAX_OPS];
    struct {
        enum ft_routine routine;
        uint8_t call; /* 0: every one */
    } fails[MAX_FAILURES];
    enum ft_routine without; /* a callback that is not registered */
    unsigned flags;
    const char *notes;
};

#define START   "prepare d0-entry:d3f int-on d0-post:d3f init "
#define DOWN    "suspend d0-pre:d3 int-off d0-exit:d3 hw-off "
#define UP      "d0-entry:d3 int-on d0-post:d3 restart "
#define STOPPED "suspend d0-pre:d3f int-off d0-exit:d3f release "
#define REMOVE  "query-remove " STOPPED "flush cleanup hw-off"
#define GONE    STOPPED "flush cleanup"

static const struct row rows[] = {
    {"4.2 and 4.7: start and removal", .notes = START REMOVE},
    {"4.3 and 4.4: down and up", .op = {{.kind = FT_OP_POWER_DOWN}, {.kind = FT_OP_POWER_UP}},
     .notes = START DOWN UP REMOVE},
};

static unsigned count_ops(const struct row *row)
{
    unsigned count = 0;

    while (count < MAX_OPS && row->op[count].kind)
        count++;
    return count;
}

static bool run(const struct row *row)
{
    struct wdf_bench how = {.interrupts = 1, .flags = WDF_BENCH_QUIET | row->flags};

    for (unsigned i = 0; i < MAX_FAILURES; i++) {
        how.answer[row->fails[i].routine] = STATUS_UNSUCCESSFUL;
        how.when[row->fails[i].routine] = row->fails[i].call;
    }
    how.without[row->without] = row->without != 0;
    wdf_bench_run(&how, row->op, count_ops(row));
    if (strcmp(wb_notes(), row->notes) == 0)
        return true;
    print_error("%s\n  expected %s\n  is       %s\n", row->name, row->notes, wb_notes());
    return false;
}

static void sequences(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wrong += !run(&rows[i]);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
