/* Rows of proofs, each a call of one routine of the framework in a run of its own. A file
 * proofs_<area>.c brings what its rows need, defines PROOFS as the name of its rows' file and
 * includes this one, which is the test's program besides. docs/KMDF.md lists the rows, and
 * documented.def says which rows there must be.
 *
 *   WORKS(routine, place, "what it shows", expression)
 *       the expression is true
 *   FAILS(routine, place, answer, "when", expression)
 *       the expression is that answer: a status, FALSE, NULL
 *   STOPS(routine, place, number, "when", expression)
 *       the machine stops: WDF_VIOLATION with that number
 *   ENDS(routine, place, code, "what", expression)
 *       the machine stops with that bug check, which is what the routine is for
 *   NOTES(routine, place, event, "when", expression)
 *       the expression is true, and the call makes that event (FT_EV_...): what KMDF Verifier, or
 *       a debug break of the framework, would say
 *   SCARCE(routine, place, answer, expression)
 *       the expression is that answer when an allocation fails, whichever it is; else success
 *   CREATE(routine, place, parent, expression)
 *       five rows for what makes an object with the attributes A (of that parent) and gives its
 *       handle to H, a PVOID *: it makes one; STATUS_INFO_LENGTH_MISMATCH when the attributes' Size
 *       is wrong; STATUS_WDF_OBJECT_ATTRIBUTES_INVALID when they give a context's size and no type;
 *       STATUS_INSUFFICIENT_RESOURCES when any allocation fails; WDF_VIOLATION 4 without an H
 *
 * place: enum proof_place. The expression names the routine, usually it is the call; its text is
 * looked at. An expression that ends the request says so: OVER. Nobody else does in a row of STOPS.
 */
#ifndef FT_PROOF_ROWS_H
#define FT_PROOF_ROWS_H

#include "proof_bench.h"

#include "kmdf/kmdf_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* The request is over with this call. */
#define OVER(call) (ready[A_REQUEST] = 0, (call))
/* The routine has no answer; what follows looks at what it did. */
#define AFTER(call, shown) (((void)(call)), (shown))
/* A call at that level: one that is too high must say so (wdf:irql), and not only then. */
#define AT_LEVEL(level, call)                                                                      \
    ({                                                                                             \
        KIRQL before_ = ft_irql();                                                                 \
        proof_high = true;                                                                         \
        ft_irql_set(level);                                                                        \
        __auto_type answer_ = (call);                                                              \
        ft_irql_set(before_);                                                                      \
        answer_;                                                                                   \
    })

enum proof_kind { PROOF_WORKS, PROOF_FAILS, PROOF_STOPS, PROOF_ENDS, PROOF_NOTES, PROOF_SCARCE };
enum proof_attributes {
    ATTRIBUTES_GOOD,
    ATTRIBUTES_SIZE,
    ATTRIBUTES_CONTEXT,
    ATTRIBUTES_NO_HANDLE
};

struct proof {
    const char *routine, *answer, *when, *text;
    uint64_t (*call)(void);
    uint64_t expected;
    uint8_t kind, place, attributes;
    NTSTATUS (*create)(PWDF_OBJECT_ATTRIBUTES A, PVOID *H); /* of CREATE */
};
static bool proof_high;
static WDF_OBJECT_ATTRIBUTES proof_attributes;

/* Attributes with that parent, NULL: none; and some of a wrong size. */
static inline PWDF_OBJECT_ATTRIBUTES below(PVOID parent)
{
    WDF_OBJECT_ATTRIBUTES_INIT(&proof_attributes);
    proof_attributes.ParentObject = parent;
    return &proof_attributes;
}

static inline PWDF_OBJECT_ATTRIBUTES attributes_cut(void)
{
    below(NULL)->Size--;
    return &proof_attributes;
}

#define PROOF_NAME_2(line) proof_##line
#define PROOF_NAME(line)   PROOF_NAME_2(line)
#define PROOF_VALUE(value) ((uint64_t)(intptr_t)(value))
#define PROOF_ROUTINE(value)                                                                       \
    static uint64_t PROOF_NAME(__LINE__)(void)                                                     \
    {                                                                                              \
        return (value);                                                                            \
    }
#define WORKS(routine, place, when, ...)         PROOF_ROUTINE((__VA_ARGS__) ? 1 : 0)
#define NOTES(routine, place, event, when, ...)  PROOF_ROUTINE((__VA_ARGS__) ? 1 : 0)
#define FAILS(routine, place, answer, when, ...) PROOF_ROUTINE(PROOF_VALUE(__VA_ARGS__))
#define STOPS(routine, place, number, when, ...) PROOF_ROUTINE(((void)(__VA_ARGS__), 0))
#define ENDS(routine, place, code, when, ...)    PROOF_ROUTINE(((void)(__VA_ARGS__), 0))
#define SCARCE(routine, place, answer, ...)      PROOF_ROUTINE(PROOF_VALUE(__VA_ARGS__))
#define CREATE(routine, place, parent, ...)                                                        \
    static NTSTATUS PROOF_NAME(__LINE__)(PWDF_OBJECT_ATTRIBUTES A, PVOID * H)                      \
    {                                                                                              \
        A->ParentObject = (parent);                                                                \
        return (__VA_ARGS__);                                                                      \
    }
#include PROOFS
#undef WORKS
#undef NOTES
#undef FAILS
#undef STOPS
#undef ENDS
#undef SCARCE
#undef CREATE

#define PROOF_ROW(routine_, what_, when_, place_, kind_, wanted_, ...)                             \
    {.routine = #routine_,                                                                         \
     .answer = what_,                                                                              \
     .when = when_,                                                                                \
     .text = #__VA_ARGS__,                                                                         \
     .call = PROOF_NAME(__LINE__),                                                                 \
     .expected = wanted_,                                                                          \
     .kind = kind_,                                                                                \
     .place = place_},
#define WORKS(routine, place, when, ...)                                                           \
    PROOF_ROW(routine, "success", when, place, PROOF_WORKS, 1, __VA_ARGS__)
#define NOTES(routine, place, event, when, ...)                                                    \
    PROOF_ROW(routine, #event, when, place, PROOF_NOTES, event, __VA_ARGS__)
#define FAILS(routine, place, answer, when, ...)                                                   \
    PROOF_ROW(routine, #answer, when, place, PROOF_FAILS, PROOF_VALUE(answer), __VA_ARGS__)
#define STOPS(routine, place, number, when, ...)                                                   \
    PROOF_ROW(routine, "WDF_VIOLATION", when, place, PROOF_STOPS, number, __VA_ARGS__)
#define ENDS(routine, place, code, when, ...)                                                      \
    PROOF_ROW(routine, "success", when, place, PROOF_ENDS, code, __VA_ARGS__)
#define SCARCE(routine, place, answer, ...)                                                        \
    PROOF_ROW(routine, #answer, "an allocation fails", place, PROOF_SCARCE, PROOF_VALUE(answer),   \
              __VA_ARGS__)
#define CREATE_ROW(routine_, what_, when_, place_, kind_, wanted_, how_, ...)                      \
    {.routine = #routine_,                                                                         \
     .answer = what_,                                                                              \
     .when = when_,                                                                                \
     .text = #__VA_ARGS__,                                                                         \
     .create = PROOF_NAME(__LINE__),                                                               \
     .expected = PROOF_VALUE(wanted_),                                                             \
     .kind = kind_,                                                                                \
     .place = place_,                                                                              \
     .attributes = how_},
#define CREATE(routine, place, parent, ...)                                                        \
    CREATE_ROW(routine, "success", "makes one", place, PROOF_WORKS, 1, ATTRIBUTES_GOOD,            \
               __VA_ARGS__)                                                                        \
    CREATE_ROW(routine, "STATUS_INFO_LENGTH_MISMATCH", "Size of the attributes", place,            \
               PROOF_FAILS, STATUS_INFO_LENGTH_MISMATCH, ATTRIBUTES_SIZE, __VA_ARGS__)             \
    CREATE_ROW(routine, "STATUS_WDF_OBJECT_ATTRIBUTES_INVALID", "a context's size, no type",       \
               place, PROOF_FAILS, STATUS_WDF_OBJECT_ATTRIBUTES_INVALID, ATTRIBUTES_CONTEXT,       \
               __VA_ARGS__)                                                                        \
    CREATE_ROW(routine, "STATUS_INSUFFICIENT_RESOURCES", "an allocation fails", place,             \
               PROOF_SCARCE, STATUS_INSUFFICIENT_RESOURCES, ATTRIBUTES_GOOD, __VA_ARGS__)          \
    CREATE_ROW(routine, "WDF_VIOLATION", "no place for the handle", place, PROOF_STOPS, 4,         \
               ATTRIBUTES_NO_HANDLE, __VA_ARGS__)
static const struct proof proofs[] = {
#include PROOFS
};
enum { PROOF_COUNT = sizeof proofs / sizeof *proofs };

/* ---- one row ---- */

static const struct proof *proof;
static bool proof_back; /* the call came back */
static uint64_t proof_value;
static unsigned proof_failures; /* allocations that a row of SCARCE made fail */

static uint64_t made(void)
{
    PWDF_OBJECT_ATTRIBUTES attributes = below(NULL);
    PVOID handle = NULL;
    NTSTATUS status;

    if (proof->attributes == ATTRIBUTES_SIZE)
        attributes->Size--;
    if (proof->attributes == ATTRIBUTES_CONTEXT)
        attributes->ContextSizeOverride = 1;
    status = proof->create(attributes, proof->attributes == ATTRIBUTES_NO_HANDLE ? NULL : &handle);
    CHECK(NT_SUCCESS(status) == (handle != NULL));
    return proof->kind == PROOF_WORKS ? status == STATUS_SUCCESS : PROOF_VALUE(status);
}

static uint64_t once(void)
{
    return proof->create ? made() : proof->call();
}

static void scarce_call(void)
{
    enum { ANY = 0xFF, MOST = 64 };

    for (unsigned n = 0; n < MOST; n++) {
        FT_M->alloc_fail_what = ANY;
        FT_M->alloc_fail_after = n;
        proof_value = once();
        if (FT_M->alloc_fail_what != 0)
            break; /* there is no such allocation */
        if (proof_value != proof->expected)
            return;
        proof_failures++;
    }
    FT_M->alloc_fail_what = 0;
    if (proof_failures && NT_SUCCESS((NTSTATUS)proof_value))
        proof_value = proof->expected;
}

static void proof_call(void)
{
    if (proof->kind == PROOF_SCARCE)
        scarce_call();
    else
        proof_value = once();
    proof_back = true;
}

static bool proof_holds(void)
{
    const struct ft_event *stop = wb_last(FT_EV_RUN_BUGCHECK);

    if (!strstr(proof->text, proof->routine))
        return false;
    if (proof->kind == PROOF_STOPS)
        return !proof_back && wb_result()->stop == FT_STOP_BUGCHECK && stop->arg[0] == 0x10D &&
               stop->arg[1] == proof->expected;
    if (proof->kind == PROOF_ENDS)
        return !proof_back && wb_result()->stop == FT_STOP_BUGCHECK &&
               stop->arg[0] == proof->expected;
    if (!proof_back || wb_result()->stop != FT_STOP_NONE ||
        (wb_count(FT_EV_WDF_IRQL) != 0) != proof_high)
        return false;
    if (proof->kind == PROOF_NOTES)
        return proof_value && wb_count((enum ft_event_kind)proof->expected) != 0;
    return proof_value == proof->expected && (proof->kind != PROOF_SCARCE || proof_failures);
}

static void say_wrong(void)
{
    const struct ft_event *stop = wb_last(FT_EV_RUN_BUGCHECK);

    print_error("%s, %s, %s: %s 0x%llX, %u allocations, stop %u (0x%llX, 0x%llX)\n", proof->routine,
                proof->answer, proof->when, proof_back ? "answered" : "did not come back from",
                (unsigned long long)proof_value, proof_failures, wb_result()->stop,
                (unsigned long long)stop->arg[0], (unsigned long long)stop->arg[1]);
}

#ifndef PROOF_BENCH
#define PROOF_BENCH                                                                                \
    {                                                                                              \
        .init = NULL                                                                               \
    } /* the bench of wdf_bench.h as it is */
#endif

static void every_row_holds(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (unsigned i = 0; i < PROOF_COUNT; i++) {
        proof = &proofs[i];
        proof_back = proof_high = false;
        proof_value = 0;
        proof_failures = 0;
        proof_run(&(struct proof_run){
            .place = (enum proof_place)proof->place, .call = proof_call, .bench = PROOF_BENCH});
        if (proof_holds())
            continue;
        wrong++;
        say_wrong();
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_holds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
