/* Orders of a strategy's own (world/chains.h), checked against an enumeration that knows nothing of
 * the machine: which interleavings of a few steps there are, and which of them some preemptions or
 * changes of priority reach. */
#include "bench_driver.h"
#include "world/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { OUTCOMES = 512, TEXT = 64, STEPS = 3, RANDOM_RUNS = 12000 };

static struct ft_turns turns;
static KEVENT event;

/* ---- the driver: each request does a few steps, with a point in front of each ---- */

static void step(const char *name)
{
    KeSetEvent(&event, 0, FALSE);
    wb_note(name);
}

static NTSTATUS three_steps(PDEVICE_OBJECT device, PIRP irp)
{
    char name[3] = {(char)('a' + ft_label_of(irp) - 1), '1', '\0'};

    (void)device;
    for (; name[1] <= '0' + STEPS; name[1]++)
        step(name);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void make_event(void)
{
    KeInitializeEvent(&event, NotificationEvent, FALSE);
}

static void open_bench(PDRIVER_DISPATCH request)
{
    the_driver = (struct bench_driver){.request = request, .started = make_event, .windows = 100};
    wb_open(&(struct wb_case){.entry = bench_driver_entry, .turns = &turns});
}

/* ---- runs ---- */

static struct ft_op list[FT_OPS_MAX];
static unsigned list_count;

static void begin_list(unsigned seed, unsigned points)
{
    list[0] = (struct ft_op){.kind = FT_OP_ORDER, .arg = {(uint16_t)seed, (uint16_t)points}};
    list_count = 1;
}

static void add_op(unsigned kind, unsigned a, unsigned b)
{
    assert_true(list_count < FT_OPS_MAX);
    list[list_count++] = (struct ft_op){.kind = (uint8_t)kind, .arg = {(uint16_t)a, (uint16_t)b}};
}

static void run_list(unsigned requests)
{
    unsigned count = list_count;

    for (unsigned i = 0; i < requests; i++) {
        add_op(FT_OP_READ, 16, 0);
        list[list_count - 1].label = (uint8_t)(i + 1);
    }
    wb_again(list, list_count);
    list_count = count;
    assert_int_equal(wb_result()->stop, FT_STOP_NONE);
    assert_false(turns.lost);
}

/* Only the steps: the end of a run notes more. */
static void outcome(char *ret)
{
    const char *notes = strstr(wb_notes(), "create"), *at;
    size_t length = 0;

    for (at = notes ? notes : wb_notes(); *at; at++)
        if (at[0] >= 'a' && at[0] <= 'c' && at[1] >= '1' && at[1] <= '9' && length + 2 < TEXT) {
            ret[length++] = at[0];
            ret[length++] = at[1];
        }
    ret[length] = '\0';
}

struct outcomes {
    char text[OUTCOMES][TEXT];
    unsigned count;
};

static bool has(const struct outcomes *set, const char *text)
{
    for (unsigned i = 0; i < set->count; i++)
        if (strcmp(set->text[i], text) == 0)
            return true;
    return false;
}

static void keep(struct outcomes *set, const char *text)
{
    if (has(set, text))
        return;
    assert_true(set->count < OUTCOMES);
    snprintf(set->text[set->count++], TEXT, "%s", text);
}

/* ---- preemptions ---- */

/* Every schedule with at most `left` preemptions, by picks: no pruning. */
static void all_schedules(struct outcomes *set, unsigned requests, unsigned from, unsigned left,
                          unsigned *runs)
{
    struct ft_turn seen[256];
    char text[TEXT];
    uint32_t count;

    run_list(requests);
    ++*runs;
    outcome(text);
    keep(set, text);
    count = turns.count < 256 ? turns.count : 256;
    memcpy(seen, turns.turn, count * sizeof *seen);
    for (uint32_t t = from; t < count; t++)
        for (unsigned which = 1; which < seen[t].count; which++) {
            if (seen[t].running && left == 0)
                continue;
            add_op(FT_OP_PICK, t + 1, which);
            all_schedules(set, requests, t + 1, left - (seen[t].running != 0), runs);
            list_count--;
        }
}

/* The same of two threads of STEPS steps each, on paper. */
static void on_paper(struct outcomes *set, char *text, unsigned a, unsigned b, int running,
                     unsigned left)
{
    unsigned done[2] = {a, b}, length = (a + b) * 2;

    if (a == STEPS && b == STEPS) {
        keep(set, text);
        return;
    }
    for (int who = 0; who < 2; who++) {
        bool preempts = running >= 0 && who != running && done[running] < STEPS;

        if (done[who] == STEPS || (preempts && left == 0))
            continue;
        text[length] = (char)('a' + who);
        text[length + 1] = (char)('1' + done[who]);
        text[length + 2] = '\0';
        on_paper(set, text, a + (who == 0), b + (who == 1), who, left - preempts);
        text[length] = '\0';
    }
}

static void test_preemptions(void **state)
{
    (void)state;
    open_bench(three_steps);
    for (unsigned most = 0; most <= 3; most++) {
        static struct outcomes found, wanted;
        char text[TEXT] = "";
        unsigned runs = 0;

        found.count = wanted.count = 0;
        begin_list(0, FT_POINTS_ENTRY);
        all_schedules(&found, 2, 0, most, &runs);
        on_paper(&wanted, text, 0, 0, -1, most);
        for (unsigned i = 0; i < wanted.count; i++)
            if (!has(&found, wanted.text[i]))
                fail_msg("%u preemptions never give %s", most, wanted.text[i]);
        for (unsigned i = 0; i < found.count; i++)
            if (!has(&wanted, found.text[i]))
                fail_msg("%u preemptions should not give %s", most, found.text[i]);
        print_message("%u preemptions: %u outcomes in %u schedules\n", most, found.count, runs);
    }
    wb_close();
}

/* ---- priorities ---- */

/* What a bug needs: these steps in this order. Its depth is the number of times that the other
 * thread has to come between. */
static const char *const bug[] = {"", "b1a1", "a1b1a2", "a1b1a2b2"};

/* The steps of the bug come in its order: each of them is looked for behind the one before. */
static bool hits(unsigned depth)
{
    char text[TEXT];
    const char *at = text;

    outcome(text);
    for (const char *want = bug[depth]; *want; want += 2) {
        while (*at && (at[0] != want[0] || at[1] != want[1]))
            at += 2;
        if (!*at)
            return false;
    }
    return true;
}

/* All choices of a lowest chain and changes, whatever they alter. */
static unsigned family(unsigned depth, unsigned *runs)
{
    static struct ft_turns first;
    unsigned found = 0, chains, count;

    begin_list(77, FT_POINTS_ENTRY);
    run_list(2);
    first = turns;
    chains = first.chains;
    for (unsigned c = 0; c < chains; c++) {
        begin_list(77, FT_POINTS_ENTRY);
        add_op(FT_OP_LAST, first.chain[c] / FT_CHAIN_BASE, first.chain[c] % FT_CHAIN_BASE);
        run_list(2);
        found += hits(depth);
        ++*runs;
        count = turns.count + 4; /* a changed run may be longer */
        for (unsigned t = 1; depth > 1 && t <= count; t++)
            for (unsigned to = 1; to < depth; to++) {
                add_op(FT_OP_LOWER, t, to);
                run_list(2);
                found += hits(depth);
                ++*runs;
                for (unsigned t2 = t + 1; depth > 2 && t2 <= count; t2++) {
                    add_op(FT_OP_LOWER, t2, 3 - to);
                    run_list(2);
                    found += hits(depth);
                    ++*runs;
                    list_count--;
                }
                list_count--;
            }
    }
    return found;
}

static void test_family_hits(void **state)
{
    (void)state;
    open_bench(three_steps);
    for (unsigned depth = 1; depth <= 3; depth++) {
        unsigned runs = 0, found = family(depth, &runs);

        print_message("depth %u: %u of %u schedules of the family hit\n", depth, found, runs);
        assert_true(found > 0);
    }
    wb_close();
}

/* Four standard deviations of a count are allowed for chance. */
static bool not_below(double found, double wanted)
{
    return found >= wanted || (wanted - found) * (wanted - found) <= 16 * wanted;
}

/* PCT as it is written: random priorities, random change points among k. */
static void test_random_hits(void **state)
{
    (void)state;
    open_bench(three_steps);
    srand(20101);
    begin_list(1, FT_POINTS_ENTRY);
    run_list(2);
    for (unsigned depth = 1; depth <= 3; depth++) {
        unsigned n = turns.chains, k = turns.count, found = 0;
        double bound;

        for (unsigned i = 0; i < RANDOM_RUNS; i++) {
            begin_list(1 + (unsigned)rand() % 65024, FT_POINTS_ENTRY);
            for (unsigned to = 1; to < depth; to++)
                add_op(FT_OP_LOWER, 1 + (unsigned)rand() % k, to);
            run_list(2);
            found += hits(depth);
            n = turns.chains > n ? turns.chains : n;
            k = turns.count > k ? turns.count : k;
        }
        bound = 1.0 / n;
        for (unsigned to = 1; to < depth; to++)
            bound /= k;
        print_message("depth %u: %.5f of the runs hit, at least %.5f should (n %u, k %u)\n", depth,
                      (double)found / RANDOM_RUNS, bound, n, k);
        assert_true(found > 0 && not_below(found, bound * RANDOM_RUNS));
    }
    wb_close();
}

/* ---- chains ---- */

static unsigned other_chain(uint32_t chain)
{
    for (unsigned i = 0; i < turns.chains; i++)
        if (turns.chain[i] == chain)
            return i;
    return FT_CHAINS_MAX;
}

/* Names do not depend on the order in which things ran. */
static void test_names(void **state)
{
    static struct ft_turns first;

    (void)state;
    open_bench(three_steps);
    begin_list(0, FT_POINTS_ALL);
    run_list(3);
    first = turns;
    assert_true(first.chains >= 3);
    for (unsigned seed = 1; seed < 40; seed++) {
        begin_list(seed, FT_POINTS_ALL);
        run_list(3);
        assert_int_equal(turns.chains, first.chains);
        for (unsigned i = 0; i < first.chains; i++)
            assert_true(other_chain(first.chain[i]) < FT_CHAINS_MAX);
    }
    wb_close();
}

/* The chain that is told to go last does nothing while another can. */
static void test_last(void **state)
{
    static struct ft_turns first;
    bool differs = false;
    char text[TEXT];

    (void)state;
    open_bench(three_steps);
    begin_list(5, FT_POINTS_ENTRY);
    run_list(3);
    first = turns;
    for (unsigned i = 0; i < first.chains; i++) {
        begin_list(5, FT_POINTS_ENTRY);
        add_op(FT_OP_LAST, first.chain[i] / FT_CHAIN_BASE, first.chain[i] % FT_CHAIN_BASE);
        run_list(3);
        for (unsigned t = 0; t < turns.count; t++)
            assert_true(turns.turn[t].taken != first.chain[i]);
        outcome(text);
        differs = differs || strncmp(text + strlen(text) - 6, "c1c2c3", 6) != 0;
    }
    assert_true(differs);
    wb_close();
}

/* ---- polling ---- */

static volatile LONG flag;

/* a polls for what b does. */
static NTSTATUS poll_or_set(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    if (ft_label_of(irp) == 2)
        InterlockedExchange(&flag, 1);
    for (unsigned i = 0; i < 50 && flag == 0; i++)
        KeStallExecutionProcessor(1);
    wb_note(flag ? "a1" : "a2");
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void test_polling_lets_others_go(void **state)
{
    char text[TEXT];

    (void)state;
    open_bench(poll_or_set);
    for (unsigned seed = 0; seed < 20; seed++) {
        flag = 0;
        begin_list(seed, FT_POINTS_ENTRY);
        run_list(2);
        outcome(text);
        assert_string_equal(text, "a1a1");
        assert_int_equal(turns.demoted, 0);
    }
    wb_close();
}

/* Both wait for what nobody does: the strategy is told. */
static NTSTATUS poll_for_nothing(PDEVICE_OBJECT device, PIRP irp)
{
    (void)device;
    for (unsigned i = 0; i < 1500; i++)
        KeStallExecutionProcessor(1);
    return bench_complete(irp, STATUS_SUCCESS, 0);
}

static void test_polling_too_long(void **state)
{
    (void)state;
    open_bench(poll_for_nothing);
    begin_list(3, FT_POINTS_ENTRY);
    run_list(2);
    assert_true(turns.demoted > 0);
    wb_close();
}

/* ---- where the ops are legal ---- */

static void test_not_legal(void **state)
{
    (void)state;
    open_bench(three_steps);
    list_count = 0;
    add_op(FT_OP_LAST, 1, 1);
    add_op(FT_OP_LOWER, 1, 1);
    add_op(FT_OP_PICK, 1, 1);
    run_list(1);
    assert_int_equal(wb_result()->ops_skipped, 3);
    begin_list(1, 0);
    add_op(FT_OP_ORDER, 2, 0);
    run_list(1);
    assert_int_equal(wb_result()->ops_skipped, 1);
    wb_close();
}

/* A cancel under an order comes from a thread that waits for its request. */
static void test_cancel_waits(void **state)
{
    unsigned cancelled = 0;

    (void)state;
    open_bench(bench_hold);
    for (unsigned seed = 1; seed < 12; seed++) {
        begin_list(seed, FT_POINTS_ENTRY);
        add_op(FT_OP_CANCEL, 1, 0);
        /* The requests come behind it in the list: put the cancel last. */
        list_count--;
        add_op(FT_OP_READ, 16, 0);
        list[list_count - 1].label = 9;
        add_op(FT_OP_CANCEL, 9, 0);
        run_list(0);
        assert_int_equal(wb_result()->ops_skipped, 0);
        cancelled += wb_count(FT_EV_IRP_CANCEL) > 0;
    }
    assert_int_equal(cancelled, 11);
    wb_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preemptions),
        cmocka_unit_test(test_family_hits),
        cmocka_unit_test(test_random_hits),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_last),
        cmocka_unit_test(test_polling_lets_others_go),
        cmocka_unit_test(test_polling_too_long),
        cmocka_unit_test(test_not_legal),
        cmocka_unit_test(test_cancel_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
