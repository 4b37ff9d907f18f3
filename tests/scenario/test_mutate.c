/* Mutation: a pure function of bytes, other bytes, seed and catalogue; every child is a valid
 * scenario whose labels are apart and whose moments can come; every change, the splice and the
 * swarm do what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scenario/mutate/mutate.h"
#include "scenario/mutate/mutation.h"
#include "scenario/prng.h"
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"

#include <stdlib.h>
#include <string.h>

enum { SEEDS = 20000, CAPACITY = 1024, PAGE_BYTES = 4096 };

/* A driver that meets a few points often and takes reads and writes only. */
static void fill(struct ft_catalogue *catalogue)
{
    static const uint8_t points[] = {FT_PT_DMA_MAP, FT_PT_DMA_MAP_OUT, FT_PT_DMA_FLUSH_OUT,
                                     FT_PT_IRP_PENDING, FT_PT_ENGINE_BURST};

    ft_catalogue_init(catalogue, NULL);
    catalogue->requests = FT_TAKES_READ | FT_TAKES_WRITE;
    catalogue->request_bytes_max = 40000;
    for (unsigned scope = FT_SCOPE_DEVICE; scope < FT_SCOPE_COUNT; scope++) {
        struct ft_scope_facts *facts = &catalogue->scope[scope];

        for (unsigned i = 0; i < sizeof points; i++) {
            facts->highest[points[i]] = 9;
            facts->usual[points[i]] = 3;
            facts->first[points[i]] = (uint8_t)(5 * i + 1);
            facts->often[points[i]] = 200;
        }
        facts->highest[FT_PT_ANY] = 60;
        facts->usual[FT_PT_ANY] = 40;
    }
}

static const struct ft_bytes nothing = {NULL, 0};

/* Mutates twice, out of place and in place, and wants the same. */
static size_t mutate(uint8_t *bytes, size_t length, struct ft_bytes other, size_t capacity,
                     uint64_t seed, const struct ft_catalogue *catalogue)
{
    uint8_t *exact = malloc(capacity > 0 ? capacity : 1); /* so that ASan sees its end */
    struct ft_bytes parent = {bytes, length};
    size_t result, again;

    assert_non_null(exact);
    result = ft_mutate(parent, other, seed, catalogue, exact, capacity);
    again = ft_mutate(parent, other, seed, catalogue, bytes, capacity);
    assert_true(result <= capacity);
    assert_int_equal(result, again);
    assert_memory_equal(bytes, exact, result);
    free(exact);
    return result;
}

static bool is_valid(const struct ft_scenario *scenario)
{
    bool seen[256] = {true}; /* 0 is the device, or no label */

    for (unsigned i = 0; i < scenario->op_count; i++) {
        const struct ft_op *op = &scenario->op[i];
        struct ft_op fitted = *op;

        if (!ft_op_fit(&fitted) || !ft_op_equal(&fitted, op) || (op->label && seen[op->label]))
            return false;
        if (op->moment.count && !seen[op->moment.target])
            return false;
        if (ft_names_label(op) && !seen[op->arg[0]])
            return false;
        seen[op->label] = true;
    }
    return true;
}

/* Only byte noise may leave the parent as it is, or make a label useless. */
static void children_are_pure_differ_and_are_valid(void **state)
{
    struct ft_catalogue catalogues[2];
    unsigned unchanged = 0, invalid = 0;

    (void)state;
    ft_catalogue_init(&catalogues[0], NULL);
    fill(&catalogues[1]);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct ft_scenario a, b, child;
        uint8_t bytes[CAPACITY], other[CAPACITY];
        struct ft_bytes mate = {other, 0};
        size_t length;

        ft_scenario_random(seed, -1, &a);
        ft_scenario_random(seed + SEEDS, -1, &b);
        length = ft_scenario_encode(&a, bytes, sizeof bytes);
        mate.length = ft_scenario_encode(&b, other, sizeof other);
        length = mutate(bytes, length, seed % 3 ? mate : nothing, sizeof bytes, seed,
                        &catalogues[seed % 2]);
        ft_scenario_decode(bytes, length, &child);
        unchanged += ft_scenario_equal(&a, &child);
        invalid += !is_valid(&child);
    }
    assert_true(unchanged < SEEDS / 50);
    assert_true(invalid < SEEDS / 50);
}

static void children_depend_on_all_that_goes_in(void **state)
{
    struct ft_catalogue known, unknown;
    unsigned by_seed = 0, by_mate = 0, by_catalogue = 0;

    (void)state;
    ft_catalogue_init(&unknown, NULL);
    fill(&known);
    for (uint64_t seed = 0; seed < 500; seed++) {
        static const uint8_t data[] = {1, 0xFF, FT_OP_READ, 1,  0,    0,           0,
                                       0, 0,    5,          16, 0xFF, FT_OP_WRITE, 2};
        static const uint8_t other[] = {2, 0xFF, FT_OP_IOCTL, 9};
        struct ft_bytes a = {data, sizeof data}, b = {other, sizeof other};
        uint8_t one[CAPACITY], two[CAPACITY];
        size_t length = ft_mutate(a, b, seed, &known, one, sizeof one);

#define DIFFERS(mate, seed_, catalogue)                                                            \
    (ft_mutate(a, mate, seed_, catalogue, two, sizeof two) != length ||                            \
     memcmp(one, two, length) != 0)
        by_seed += DIFFERS(b, seed + 1000, &known);
        by_mate += DIFFERS(nothing, seed, &known);
        by_catalogue += DIFFERS(b, seed, &unknown);
#undef DIFFERS
    }
    assert_true(by_seed > 450);
    assert_in_range(by_mate, 10, 250);
    assert_true(by_catalogue > 350);
}

static void mutation_keeps_within_any_capacity(void **state)
{
    struct ft_catalogue catalogue;

    (void)state;
    fill(&catalogue);
    for (size_t capacity = 0; capacity < 64; capacity++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            uint8_t bytes[CAPACITY], other[CAPACITY];
            struct ft_prng prng = ft_prng_init(seed, capacity);
            size_t length = ft_prng_below(&prng, (uint32_t)capacity + 1);

            for (size_t i = 0; i < sizeof other; i++) {
                bytes[i] = (uint8_t)(ft_prng_odds(&prng, 1, 5) ? 0xFF : ft_prng_next(&prng));
                other[i] = (uint8_t)(ft_prng_odds(&prng, 1, 5) ? 0xFF : ft_prng_next(&prng));
            }
            mutate(bytes, length, (struct ft_bytes){other, sizeof other}, capacity, seed,
                   &catalogue);
        }
    }
}

static void every_kind_comes_out_of_nothing(void **state)
{
    struct ft_catalogue catalogue;
    bool seen[256] = {false};
    unsigned with_ops = 0;

    (void)state;
    ft_catalogue_init(&catalogue, NULL);
    catalogue.has_model = 0; /* so that a device without a model gets its own requests */
    catalogue.request_bytes_max = 1 << 20;
    for (uint64_t seed = 0; seed < 4000; seed++) {
        uint8_t bytes[CAPACITY];
        struct ft_scenario scenario;
        size_t length = mutate(bytes, 0, nothing, sizeof bytes, seed, &catalogue);

        ft_scenario_decode(bytes, length, &scenario);
        with_ops += scenario.op_count > 0;
        for (unsigned i = 0; i < scenario.op_count; i++)
            seen[scenario.op[i].kind] = true;
    }
    assert_true(with_ops > 3800);
    for (unsigned kind = 0; kind < 256; kind++) {
        const struct ft_op_row *row = ft_op_row(kind);
        /* What a strategy of explore has chosen, no engine draws. */
        bool of_strategy = kind >= FT_OP_ORDER && kind <= FT_OP_PICK;

        if (row && row->built && seen[kind] == of_strategy)
            fail_msg("%s is %s drawn", row->name, of_strategy ? "" : "never");
    }
}

/* Where no request is so long, none is asked for. */
static void pages_are_for_drivers_that_take_them(void **state)
{
    static const uint32_t longest[] = {0, 65024, 65025, 1 << 20};

    (void)state;
    for (unsigned i = 0; i < sizeof longest / sizeof *longest; i++) {
        struct ft_catalogue catalogue;
        unsigned pages = 0;

        fill(&catalogue);
        catalogue.request_bytes_max = longest[i];
        for (uint64_t seed = 0; seed < 300; seed++) {
            uint8_t bytes[CAPACITY];
            struct ft_scenario scenario;
            size_t length = mutate(bytes, 0, nothing, sizeof bytes, seed, &catalogue);

            ft_scenario_decode(bytes, length, &scenario);
            for (unsigned k = 0; k < scenario.op_count; k++)
                pages += scenario.op[k].kind == FT_OP_READ_PAGES ||
                         scenario.op[k].kind == FT_OP_WRITE_PAGES;
        }
        assert_int_equal(pages > 0, longest[i] > 65024);
    }
}

/* Before anything was met, requests that the driver takes come first. */
static void an_empty_corpus_begins_calmly(void **state)
{
    struct ft_catalogue catalogue;

    (void)state;
    ft_catalogue_init(&catalogue, NULL);
    catalogue.requests = FT_TAKES_WRITE;
    catalogue.request_bytes_max = 10000;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 1), .catalogue = &catalogue};

        ft_swarm_draw(&m);
        ft_walk(&m, CAPACITY);
        for (unsigned i = 0; i < 4 && i < m.scenario.op_count; i++) {
            assert_int_equal(ft_op_row(m.scenario.op[i].kind)->class_, FT_OP_CLASS_REQUEST);
            assert_int_not_equal(m.scenario.op[i].kind, FT_OP_READ);
            assert_int_equal(m.scenario.op[i].moment.count, 0);
            assert_true(m.scenario.op[i].arg[0] <= 10000);
        }
    }
}

/* Both devices of a driver that has two, and one that goes while the other has more to do; a driver
 * that has one never hears of a second. */
static void two_devices_are_used_where_there_are_two(void **state)
{
    unsigned second = 0, first = 0, moments = 0, outlived = 0, noise = 0;
    struct ft_catalogue catalogue;
    struct ft_scenario scenario;
    uint8_t bytes[CAPACITY];

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        bool two = seed % 2 != 0, gone[2] = {false};
        size_t length;

        catalogue.requests = FT_TAKES_READ | FT_TAKES_WRITE | (two ? FT_TAKES_FOR_TWO : 0);
        length = mutate(bytes, 0, nothing, CAPACITY, seed, &catalogue);
        length = mutate(bytes, length, nothing, CAPACITY, seed + 1, &catalogue);
        ft_scenario_decode(bytes, length, &scenario);
        for (unsigned i = 0; i < scenario.op_count; i++) {
            const struct ft_op *op = &scenario.op[i];

            noise += !two && ft_op_devices(op) != 0;
            second += two && op->device != 0;
            first += two && ft_op_is_of_device(op->kind) && op->device == 0;
            moments += two && op->moment.device != 0;
            gone[op->device] |= op->kind == FT_OP_REMOVE;
            outlived += two && ft_op_row(op->kind)->class_ == FT_OP_CLASS_REQUEST &&
                        gone[!op->device] && !gone[op->device];
        }
    }
    assert_true(first > 4000 && second > 4000 && moments > 100 && outlived > 500);
    assert_true(noise < 20); /* of bytes that were changed without looking */
}

/* ---- changes ---- */

static struct ft_mutation parent_of(uint64_t seed, const struct ft_catalogue *catalogue)
{
    struct ft_mutation m = {.prng = ft_prng_init(seed, 2), .catalogue = catalogue};

    ft_swarm_draw(&m);
    ft_scenario_random(seed, -1, &m.scenario);
    ft_mend_labels(&m);
    return m;
}

/* How many ops of `a` stand in `b` as they are. */
static unsigned common(const struct ft_scenario *a, const struct ft_scenario *b)
{
    unsigned count = 0;

    for (unsigned i = 0; i < a->op_count; i++) {
        unsigned j = 0;

        while (j < b->op_count && !ft_op_equal(&a->op[i], &b->op[j]))
            j++;
        count += j < b->op_count;
    }
    return count;
}

/* What tells that a change of that sort has happened: the ops in number, or a field of one. */
static bool shows(enum ft_change change, const struct ft_scenario *a, const struct ft_scenario *b)
{
    bool moment = false, kind = false, argument = false, target = false;

    switch (change) {
    case FT_CHANGE_INSERT:
    case FT_CHANGE_DUPLICATE:
        return b->op_count == a->op_count + 1;
    case FT_CHANGE_DELETE:
        return b->op_count + 1 == a->op_count;
    case FT_CHANGE_MOVE:
        return b->op_count == a->op_count && !ft_scenario_equal(a, b);
    case FT_CHANGE_PLATFORM:
        return memcmp(&a->platform, &b->platform, sizeof a->platform) != 0;
    default:
        break;
    }
    if (a->op_count != b->op_count)
        return false;
    for (unsigned i = 0; i < a->op_count; i++) {
        const struct ft_op *x = &a->op[i], *y = &b->op[i];

        kind = kind || x->kind != y->kind;
        argument = argument || memcmp(x->arg, y->arg, sizeof x->arg) != 0;
        target = target || x->moment.target != y->moment.target;
        moment = moment || x->moment.point != y->moment.point ||
                 x->moment.count != y->moment.count || x->moment.accesses != y->moment.accesses;
    }
    if (change == FT_CHANGE_KIND)
        return kind;
    if (change == FT_CHANGE_ARGUMENT)
        return argument && !kind;
    return !kind && (change == FT_CHANGE_RETARGET ? target : moment);
}

static void each_change_does_what_it_says_and_leaves_the_rest(void **state)
{
    struct ft_catalogue catalogue;

    (void)state;
    fill(&catalogue);
    for (unsigned change = 0; change < FT_CHANGE_COUNT; change++) {
        unsigned shown = 0, kept = 0, ops = 0;

        for (uint64_t seed = 0; seed < 2000; seed++) {
            struct ft_mutation m = parent_of(seed, &catalogue);
            struct ft_scenario parent = m.scenario;

            ft_change_apply(&m, (enum ft_change)change);
            assert_true(is_valid(&m.scenario));
            shown += shows((enum ft_change)change, &parent, &m.scenario);
            kept += common(&parent, &m.scenario);
            ops += parent.op_count;
        }
        if (shown < 500)
            fail_msg("change %u shows in %u of 2000 scenarios", change, shown);
        if (kept * 10 < ops * 7)
            fail_msg("change %u leaves %u of %u ops", change, kept, ops);
    }
}

/* A moment goes to points that were met there, and not past the most occurrences of a run. */
static void moments_are_drawn_from_what_was_met(void **state)
{
    struct ft_catalogue catalogue;
    const struct ft_scope_facts *facts = &catalogue.scope[FT_SCOPE_READ];
    unsigned usual = 0, drawn = 0;

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 3), .catalogue = &catalogue};
        unsigned position = 0;
        struct ft_moment moment;

        m.scenario.op_count = 1;
        m.scenario.op[0] = (struct ft_op){.kind = FT_OP_READ, .label = 1};
        moment = ft_pick_moment(&m, 1, 1, &position);
        assert_int_equal(moment.target, 1);
        assert_in_range(moment.count, 1, facts->highest[moment.point]);
        assert_true(position > 0);
        usual += moment.count <= facts->usual[moment.point];
        drawn++;
        for (unsigned i = 0; i < 10; i++)
            ft_move_moment(&m, 1, &moment);
        assert_true(moment.point == FT_PT_ANY || facts->highest[moment.point] != 0);
        assert_true(moment.count >= 1);
    }
    assert_true(usual * 10 > drawn * 9);
}

/* Lengths meet the borders of pages and of map registers, and stay within what the driver takes. */
static void buffers_lie_at_borders(void **state)
{
    struct ft_catalogue catalogue;
    unsigned at_page = 0, at_registers = 0, ends_at_page = 0;

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 5000; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 4), .catalogue = &catalogue};
        struct ft_op op = {.kind = FT_OP_WRITE};
        unsigned spans;

        ft_platform_preset(FT_PLATFORM_BOUNCE, &m.scenario.platform);
        ft_pick_buffer(&m, &op);
        assert_true(op.arg[0] <= 40000 && op.arg[1] < PAGE_BYTES);
        spans = (op.arg[0] + op.arg[1] + PAGE_BYTES - 1u) / PAGE_BYTES;
        at_page += op.arg[0] % PAGE_BYTES == 0;
        ends_at_page += (op.arg[0] + op.arg[1]) % PAGE_BYTES == 0;
        at_registers +=
            spans == m.scenario.platform.registers || spans == m.scenario.platform.registers + 1u;
    }
    assert_true(at_page > 500 && ends_at_page > 500 && at_registers > 500);
}

/* ---- splices ---- */

/* Which op of `scenario` the label names, as the op's length, which is unique in this test. */
static unsigned named(const struct ft_scenario *scenario, unsigned label)
{
    const struct ft_op *op = ft_op_of_label(scenario, (uint8_t)label);

    return op ? op->arg[0] : 0;
}

/* a: request, cancel of it, request, cancel, ...; lengths from `base` on. */
static struct ft_scenario ladder(unsigned base)
{
    struct ft_scenario scenario = {.op_count = 12};

    for (unsigned i = 0; i < 12; i += 2) {
        uint8_t label = (uint8_t)(1 + i / 2);

        scenario.op[i] =
            (struct ft_op){.kind = FT_OP_READ, .label = label, .arg = {(uint16_t)(base + i)}};
        scenario.op[i + 1] = (struct ft_op){
            .kind = FT_OP_CANCEL,
            .moment = {.target = label, .point = FT_PT_DMA_MAP, .count = (uint8_t)(i + 1)},
            .arg = {label}};
    }
    return scenario;
}

/* Wherever request and cancel both came over, the cancel still names its own request. */
static void a_splice_keeps_labels_with_what_they_name(void **state)
{
    struct ft_catalogue catalogue;
    unsigned pairs = 0, renamed = 0;

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 5), .catalogue = &catalogue};
        struct ft_scenario other = ladder(2000);

        m.scenario = ladder(1000);
        ft_splice(&m, &other);
        assert_true(is_valid(&m.scenario));
        for (unsigned i = 1; i < m.scenario.op_count; i++) {
            const struct ft_op *op = &m.scenario.op[i], *before = op - 1;

            if (op->kind != FT_OP_CANCEL || before->arg[0] < 1000)
                continue;
            if (op->moment.count != (before->arg[0] - 1000) % 1000 + 1)
                continue; /* the border lies between the two */
            pairs++;
            assert_int_equal(named(&m.scenario, op->arg[0]), before->arg[0]);
            assert_int_equal(op->moment.target, op->arg[0]);
            renamed += before->arg[0] >= 2000 && before->label != 1 + (before->arg[0] - 2000) / 2;
        }
    }
    assert_true(pairs > 5000 && renamed > 500);
}

static void a_full_scenario_can_be_spliced(void **state)
{
    struct ft_catalogue catalogue;

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 6), .catalogue = &catalogue};
        struct ft_scenario other = {.op_count = FT_OPS_MAX};

        for (unsigned i = 0; i < FT_OPS_MAX; i++)
            other.op[i] = (struct ft_op){.kind = FT_OP_READ, .label = (uint8_t)(1 + i)};
        m.scenario = other;
        ft_splice(&m, &other);
        assert_true(m.scenario.op_count <= FT_OPS_MAX);
        assert_true(is_valid(&m.scenario));
    }
}

/* ---- the swarm ---- */

static void the_swarm_restricts_kinds_and_reaches_all(void **state)
{
    struct ft_catalogue catalogue;
    bool ever[256] = {false};
    unsigned small = 0;

    (void)state;
    fill(&catalogue);
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct ft_mutation m = {.prng = ft_prng_init(seed, 7), .catalogue = &catalogue};
        unsigned disturbances = 0;

        ft_swarm_draw(&m);
        for (unsigned kind = 1; kind < 255; kind++)
            disturbances +=
                ft_swarm_has(&m, kind) && ft_op_row(kind)->class_ == FT_OP_CLASS_DISTURB;
        small += disturbances < 6;
        for (unsigned i = 0; i < 8; i++) {
            uint8_t kind = ft_pick_kind(&m, FT_OP_CLASS_DISTURB, 0, false);

            assert_int_not_equal(kind, 0);
            ever[kind] = true;
            assert_true(ft_swarm_has(&m, kind) || !ft_swarm_has(&m, FT_OP_CANCEL));
        }
    }
    assert_true(small > 300);
    assert_true(ever[FT_OP_CANCEL] && ever[FT_OP_STOP] && ever[FT_OP_SLEEP] && ever[FT_OP_USAGE]);
    assert_false(ever[FT_OP_YANK] || ever[FT_OP_REMOVE] || ever[FT_OP_WAKE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_pure_differ_and_are_valid),
        cmocka_unit_test(children_depend_on_all_that_goes_in),
        cmocka_unit_test(mutation_keeps_within_any_capacity),
        cmocka_unit_test(every_kind_comes_out_of_nothing),
        cmocka_unit_test(pages_are_for_drivers_that_take_them),
        cmocka_unit_test(an_empty_corpus_begins_calmly),
        cmocka_unit_test(each_change_does_what_it_says_and_leaves_the_rest),
        cmocka_unit_test(moments_are_drawn_from_what_was_met),
        cmocka_unit_test(buffers_lie_at_borders),
        cmocka_unit_test(two_devices_are_used_where_there_are_two),
        cmocka_unit_test(a_splice_keeps_labels_with_what_they_name),
        cmocka_unit_test(a_full_scenario_can_be_spliced),
        cmocka_unit_test(the_swarm_restricts_kinds_and_reaches_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
