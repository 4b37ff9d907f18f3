/* The reducer against made-up findings: it ends at the smallest, asks each question that is left,
 * asks little, asks the same every time, and can be stopped anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"
#include "shrink/reduce.h"
#include "shrink/simpler.h"

#include <stdio.h>
#include <string.h>

static struct ft_scenario parsed(const char *text)
{
    struct ft_scenario scenario;
    struct ft_error error = {0};

    if (ft_scenario_parse(text, strlen(text), &scenario, &error) != FT_OK)
        fail_msg("%s", error.text);
    return scenario;
}

/* ---- made-up findings ---- */

typedef bool finding_fn(const struct ft_scenario *scenario);

struct oracle {
    finding_fn *finding;
    unsigned asked, stop_after; /* 0: never */
    uint64_t questions;         /* all of them, mixed */
};

static enum ft_answer ask(void *context, const struct ft_scenario *scenario)
{
    struct oracle *oracle = context;
    uint8_t bytes[2048];
    size_t length = ft_scenario_encode(scenario, bytes, sizeof bytes);

    if (oracle->stop_after && oracle->asked == oracle->stop_after)
        return FT_ANSWER_STOP;
    oracle->asked++;
    for (size_t i = 0; i < length; i++)
        oracle->questions = (oracle->questions ^ bytes[i]) * UINT64_C(0x100000001b3);
    return oracle->finding(scenario) ? FT_ANSWER_YES : FT_ANSWER_NO;
}

static struct ft_scenario reduced(struct oracle *oracle, const struct ft_scenario *from,
                                  bool *minimal)
{
    struct ft_reduce reduce = {.ask = ask, .context = oracle, .best = *from};

    assert_true(oracle->finding(from));
    ft_reduce(&reduce);
    assert_true(oracle->finding(&reduce.best));
    *minimal = reduce.minimal;
    return reduce.best;
}

static const struct ft_op *find(const struct ft_scenario *scenario, unsigned kind)
{
    for (unsigned i = 0; i < scenario->op_count; i++)
        if (scenario->op[i].kind == kind)
            return &scenario->op[i];
    return NULL;
}

static bool always(const struct ft_scenario *scenario)
{
    (void)scenario;
    return true;
}

/* A read of more than a page that is cancelled at some point of its own. */
static bool cancelled_read(const struct ft_scenario *scenario)
{
    const struct ft_op *read = find(scenario, FT_OP_READ);
    const struct ft_op *cancel = find(scenario, FT_OP_CANCEL);

    return read && cancel && read->arg[0] > 4096 && read->label && cancel->arg[0] == read->label &&
           cancel->moment.count >= 1;
}

static bool on_scarce_registers(const struct ft_scenario *scenario)
{
    return scenario->platform.registers > 0 && scenario->platform.registers < 4 &&
           find(scenario, FT_OP_WRITE);
}

static bool odd_length(const struct ft_scenario *scenario)
{
    const struct ft_op *write = find(scenario, FT_OP_WRITE);

    return write && write->arg[0] >= 37 && write->arg[0] % 2 == 1;
}

/* Ops that go only together. */
static bool balanced(const struct ft_scenario *scenario)
{
    int depth = 0;

    for (unsigned i = 0; i < scenario->op_count; i++)
        depth += (scenario->op[i].kind == FT_OP_SLEEP) - (scenario->op[i].kind == FT_OP_WAKE);
    return depth == 0 && find(scenario, FT_OP_YANK);
}

static bool fifth_burst(const struct ft_scenario *scenario)
{
    const struct ft_op *yank = find(scenario, FT_OP_YANK);

    return yank && yank->moment.point == FT_PT_ENGINE_BURST && yank->moment.count >= 5 &&
           yank->moment.target == 0;
}

/* ---- the smallest ---- */

/* The finding among sixty others. */
static struct ft_scenario noisy(const char *text, uint64_t seed)
{
    struct ft_scenario scenario = parsed(text), noise;
    struct ft_prng prng = ft_prng_init(seed, 7);

    while (scenario.op_count < FT_OPS_MAX) {
        struct ft_op op;
        unsigned at = ft_prng_below(&prng, scenario.op_count + 1u);

        ft_scenario_random(ft_prng_next(&prng), -1, &noise);
        if (noise.op_count == 0)
            continue;
        op = noise.op[ft_prng_below(&prng, noise.op_count)];
        if (op.kind == FT_OP_READ || op.kind == FT_OP_WRITE || op.kind == FT_OP_CANCEL ||
            op.kind == FT_OP_YANK || op.kind == FT_OP_SLEEP || op.kind == FT_OP_WAKE)
            continue;
        op.label = 0;
        memmove(&scenario.op[at + 1], &scenario.op[at],
                (scenario.op_count - at) * sizeof *scenario.op);
        scenario.op[at] = op;
        scenario.op_count++;
    }
    scenario.platform.frames = 3;
    scenario.platform.processors = 2;
    return scenario;
}

static void check_smallest(finding_fn *finding, const char *from, const char *smallest)
{
    struct ft_scenario wanted = parsed(smallest);

    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct oracle oracle = {.finding = finding};
        struct ft_scenario start = noisy(from, seed), got;
        char text[2048];
        bool minimal;

        got = reduced(&oracle, &start, &minimal);
        assert_true(minimal);
        ft_scenario_print(&got, text, sizeof text);
        if (!ft_scenario_equal(&got, &wanted))
            fail_msg("%s", text);
        assert_true(oracle.asked < 1500);
    }
}

static void noise_goes_and_the_finding_stays(void **state)
{
    (void)state;
    check_smallest(always, "platform iommu\nread\n", "platform coherent\n");
    check_smallest(cancelled_read,
                   "platform bounce\n"
                   "k: read length=9001 offset=3\ncancel of=k @ k/lock:release.out/7 +m3\n",
                   "a: read length=8192\ncancel of=a @ device/dma:map.out/1\n");
    check_smallest(on_scarce_registers, "platform iommu registers=3\nwrite length=4097\n",
                   "platform coherent registers=1\nwrite\n");
    check_smallest(odd_length, "write length=60001\n", "write length=37\n");
    check_smallest(balanced, "sleep state=3\nyank @ device/any/90\nwake\n", "yank\n");
    check_smallest(fifth_burst, "yank @ device/engine:burst/254\n",
                   "yank @ device/engine:burst/5\n");
}

/* A round size, and a label, are not made smaller by one. */
static bool may_stay(const struct ft_op *op, unsigned argument)
{
    unsigned value = op->arg[argument], maximum = ft_op_row(op->kind)->arg_max[argument];

    return (maximum > 255 && ((value & (value - 1)) == 0 || value % 4096 == 0)) ||
           op->kind == FT_OP_CANCEL || op->kind == FT_OP_CLOSE_HANDLE;
}

/* Counted here, not with the list that the reducer uses. */
static void check_one_minimal(finding_fn *finding, const struct ft_scenario *scenario)
{
    struct ft_scenario other;

    for (unsigned i = 0; i < scenario->op_count; i++) {
        other = *scenario;
        memmove(&other.op[i], &other.op[i + 1], (other.op_count - i - 1u) * sizeof *other.op);
        other.op_count--;
        assert_false(finding(&other));
        if (scenario->op[i].moment.count) {
            other = *scenario;
            memset(&other.op[i].moment, 0, sizeof other.op[i].moment);
            assert_false(finding(&other));
        }
        for (unsigned n = 1; n < scenario->op[i].moment.count; n++) {
            other = *scenario;
            other.op[i].moment.count = (uint8_t)(scenario->op[i].moment.count - 1);
            assert_false(finding(&other));
        }
        for (unsigned a = 0; a < FT_OP_ARGS_MAX; a++) {
            other = *scenario;
            other.op[i].arg[a] = 0;
            assert_true(scenario->op[i].arg[a] == 0 || !finding(&other));
            other.op[i].arg[a] = (uint16_t)(scenario->op[i].arg[a] - 1);
            assert_true(scenario->op[i].arg[a] == 0 || may_stay(&scenario->op[i], a) ||
                        !finding(&other));
        }
    }
    other = *scenario;
    ft_platform_preset(FT_PLATFORM_COHERENT, &other.platform);
    assert_true(ft_scenario_equal(&other, scenario) || !finding(&other));
}

/* Findings made of random demands on random scenarios. */
static struct {
    uint8_t kind[4], count;
    uint16_t least[4];
    uint8_t moment[4];
    uint8_t frames;
} demand;

static bool demanded(const struct ft_scenario *scenario)
{
    unsigned met = 0;

    for (unsigned i = 0; i < scenario->op_count && met < demand.count; i++)
        met += scenario->op[i].kind == demand.kind[met] &&
               scenario->op[i].arg[0] >= demand.least[met] &&
               scenario->op[i].moment.count >= demand.moment[met];
    return met == demand.count && scenario->platform.frames >= demand.frames;
}

static void whatever_the_finding_it_ends_one_minimal(void **state)
{
    unsigned tried = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct ft_prng prng = ft_prng_init(seed, 3);
        struct oracle oracle = {.finding = demanded};
        struct ft_scenario start, got;
        bool minimal;

        ft_scenario_random(seed, -1, &start);
        demand.count = 0;
        for (unsigned i = 0; i < start.op_count && demand.count < 4; i++)
            if (ft_prng_odds(&prng, 1, 2)) {
                demand.kind[demand.count] = start.op[i].kind;
                demand.moment[demand.count] = start.op[i].moment.count / 2;
                demand.least[demand.count++] = start.op[i].arg[0] / 3;
            }
        demand.frames = start.platform.frames;
        got = reduced(&oracle, &start, &minimal);
        assert_true(minimal);
        check_one_minimal(demanded, &got);
        assert_int_equal(got.op_count, demand.count);
        tried += demand.count > 1;
    }
    assert_true(tried > 100);
}

/* ---- how it goes there ---- */

static void the_same_question_in_the_same_order(void **state)
{
    struct ft_scenario start =
        noisy("k: read length=9001 offset=3\ncancel of=k @ k/lock:release.out/7\n", 9);
    struct oracle first = {.finding = cancelled_read}, second = {.finding = cancelled_read};
    struct ft_scenario a, b;
    bool minimal;

    (void)state;
    a = reduced(&first, &start, &minimal);
    b = reduced(&second, &start, &minimal);
    assert_true(ft_scenario_equal(&a, &b));
    assert_true(first.questions == second.questions && first.asked == second.asked);
}

static void stopped_anywhere_it_has_the_best_so_far(void **state)
{
    struct ft_scenario start =
        noisy("k: read length=9001 offset=3\ncancel of=k @ k/lock:release.out/7\n", 4);
    struct oracle whole = {.finding = cancelled_read};
    unsigned last = FT_OPS_MAX;
    bool minimal;

    (void)state;
    reduced(&whole, &start, &minimal);
    for (unsigned after = 1; after < whole.asked; after++) {
        struct oracle oracle = {.finding = cancelled_read, .stop_after = after};
        struct ft_scenario got = reduced(&oracle, &start, &minimal);

        assert_false(minimal);
        assert_true(got.op_count <= last);
        last = got.op_count;
        assert_int_equal(oracle.asked, after);
    }
    assert_int_equal(last, 2);
}

/* The answers before are not what the last pass rests on. */
struct fickle {
    unsigned asked, changed_at;
};

static enum ft_answer ask_fickle(void *context, const struct ft_scenario *scenario)
{
    struct fickle *fickle = context;

    fickle->asked++;
    if (fickle->asked >= fickle->changed_at)
        return FT_ANSWER_YES;
    return find(scenario, FT_OP_WRITE) ? FT_ANSWER_YES : FT_ANSWER_NO;
}

static void the_last_pass_asks_again(void **state)
{
    struct ft_reduce reduce = {.ask = ask_fickle, .best = parsed("write\n")};
    struct fickle fickle = {.changed_at = UINT32_MAX};

    (void)state;
    reduce.context = &fickle;
    ft_reduce(&reduce);
    assert_int_equal(reduce.best.op_count, 1);
    assert_int_equal(fickle.asked, 2); /* without the op, and that once more */
    reduce.best = parsed("write\n");
    fickle = (struct fickle){.changed_at = 2};
    ft_reduce(&reduce);
    assert_int_equal(reduce.best.op_count, 0);
    assert_true(reduce.minimal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_goes_and_the_finding_stays),
        cmocka_unit_test(whatever_the_finding_it_ends_one_minimal),
        cmocka_unit_test(the_same_question_in_the_same_order),
        cmocka_unit_test(stopped_anywhere_it_has_the_best_so_far),
        cmocka_unit_test(the_last_pass_asks_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
