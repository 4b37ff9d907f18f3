/* ops.def, points.def and the presets, as the table functions give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sim/scenario.h"

#include <stdio.h>
#include <string.h>

struct def_row {
    unsigned number;
    const char *name;
    const char *args;
    unsigned class_;
};

static const struct def_row ops[] = {
#define OP(number, symbol, name, class_, built, args, sentence)                                    \
    {number, name, args, FT_OP_CLASS_##class_},
#include "sim/ops.def"
#undef OP
};

static const struct def_row points[] = {
#define PT(number, symbol, name, sentence) {number, name, "", 0},
#include "sim/points.def"
#undef PT
};

enum { OP_COUNT = sizeof(ops) / sizeof(ops[0]), POINT_COUNT = sizeof(points) / sizeof(points[0]) };

static void check_unique(const struct def_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_in_range(rows[i].number, 1, 254);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(rows[i].number, rows[j].number);
            assert_string_not_equal(rows[i].name, rows[j].name);
        }
    }
}

static void numbers_and_names_are_unique_and_below_255(void **state)
{
    (void)state;
    check_unique(ops, OP_COUNT);
    check_unique(points, POINT_COUNT);
}

static void names_can_stand_in_the_text_form(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OP_COUNT; i++) {
        assert_null(strpbrk(ops[i].name, " \t:=@/#+"));
        assert_string_not_equal(ops[i].name, "platform");
    }
    for (unsigned i = 0; i < POINT_COUNT; i++)
        assert_null(strpbrk(points[i].name, " \t=@/#+"));
}

static void every_op_number_gives_its_row_and_free_slots_give_none(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned number = 0; number < 1000; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (row == NULL)
            continue;
        found++;
        assert_int_equal(row->number, number);
        assert_non_null(row->sentence);
    }
    assert_int_equal(found, OP_COUNT);
    for (unsigned i = 0; i < OP_COUNT; i++) {
        const struct ft_op_row *row = ft_op_row(ops[i].number);

        assert_non_null(row);
        assert_string_equal(row->name, ops[i].name);
        assert_int_equal(row->class_, ops[i].class_);
    }
    assert_null(ft_op_row(0));
    assert_null(ft_op_row(255));
    assert_null(ft_op_row(256 + FT_OP_READ));
}

/* Prints argc and arg_max back into the string of ops.def, but for the names. */
static void every_argument_maximum_is_the_one_of_its_row(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OP_COUNT; i++) {
        const struct ft_op_row *row = ft_op_row(ops[i].number);
        const char *at = ops[i].args;

        for (unsigned a = 0; a < row->argc; a++) {
            char maximum[16];
            int length = snprintf(maximum, sizeof(maximum), ":%u", row->arg_max[a]);

            at += strcspn(at, ":");
            assert_memory_equal(at, maximum, (size_t)length);
            at += length;
            assert_true(*at == ' ' || *at == '\0');
            at += *at == ' ';
        }
        assert_int_equal(*at, '\0'); /* none left over */
    }
    assert_int_equal(ft_op_row(FT_OP_READ)->argc, 2);
    assert_int_equal(ft_op_row(FT_OP_READ)->arg_max[0], 65024);
    assert_int_equal(ft_op_row(FT_OP_READ)->arg_max[1], 4095);
    assert_int_equal(ft_op_row(FT_OP_REMOVE)->argc, 0);
}

static void every_point_number_gives_its_name(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned number = 0; number < 1000; number++)
        found += ft_point_name(number) != NULL;
    assert_int_equal(found, POINT_COUNT);
    for (unsigned i = 0; i < POINT_COUNT; i++)
        assert_string_equal(ft_point_name(points[i].number), points[i].name);
    assert_null(ft_point_name(0));
    assert_null(ft_point_name(255));
}

static void presets_have_the_knobs_of_the_design(void **state)
{
    static const struct {
        const char *name;
        struct ft_platform knobs;
    } want[] = {
        {"coherent", {0, 1, 1, 0, FT_BOUNCE_NEVER, FT_FRAMES_CONTIGUOUS, 0, 0, 0, 0, 0, 0}},
        {"bounce", {1, 1, 1, 0, FT_BOUNCE_ALWAYS, FT_FRAMES_REVERSED, 5, 8, 0, 0, 0, 0}},
        {"noncoherent", {2, 1, 0, 0, FT_BOUNCE_NEVER, FT_FRAMES_CONTIGUOUS, 16, 0, 0, 0, 0, 0}},
        {"iommu", {3, 1, 1, 1, FT_BOUNCE_NEVER, FT_FRAMES_PAIRWISE, 16, 0, 0, 0, 0, 0}},
    };

    (void)state;
    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++) {
        struct ft_platform platform;

        ft_platform_preset((enum ft_platform_name)i, &platform);
        assert_memory_equal(&platform, &want[i].knobs, sizeof(platform));
        assert_string_equal(ft_platform_preset_name(i), want[i].name);
    }
    assert_null(ft_platform_preset_name(FT_PLATFORM_COUNT));
}

static void presets_are_within_their_knobs_maxima(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FT_PLATFORM_COUNT; i++) {
        struct ft_platform platform;

        ft_platform_preset((enum ft_platform_name)i, &platform);
#define KNOB(field, name, maximum, sentence) assert_in_range(platform.field, 0, maximum);
        FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    }
}

static void another_machine_runs_as_long(void **state)
{
    struct ft_platform platform, want;

    (void)state;
    ft_platform_preset(FT_PLATFORM_COHERENT, &platform);
    platform.longer = 4;
    platform.registers = 3;
    ft_platform_change(FT_PLATFORM_BOUNCE, &platform);
    ft_platform_preset(FT_PLATFORM_BOUNCE, &want);
    want.longer = 4;
    assert_memory_equal(&platform, &want, sizeof(platform));
}

static void calm_means_requests_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OP_COUNT; i++) {
        struct ft_scenario scenario = {.op_count = 2};

        scenario.op[0].kind = FT_OP_READ;
        scenario.op[0].moment =
            (struct ft_moment){.target = 1, .point = FT_PT_ANY, .count = 3, .accesses = 0};
        scenario.op[1].kind = (uint8_t)ops[i].number;
        assert_int_equal(ft_scenario_is_calm(&scenario), ops[i].class_ == FT_OP_CLASS_REQUEST);
    }
    assert_true(ft_scenario_is_calm(&(struct ft_scenario){.op_count = 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_are_unique_and_below_255),
        cmocka_unit_test(names_can_stand_in_the_text_form),
        cmocka_unit_test(every_op_number_gives_its_row_and_free_slots_give_none),
        cmocka_unit_test(every_argument_maximum_is_the_one_of_its_row),
        cmocka_unit_test(every_point_number_gives_its_name),
        cmocka_unit_test(presets_have_the_knobs_of_the_design),
        cmocka_unit_test(presets_are_within_their_knobs_maxima),
        cmocka_unit_test(another_machine_runs_as_long),
        cmocka_unit_test(calm_means_requests_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
