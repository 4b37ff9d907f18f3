/* State feedback to libFuzzer (extra counters) and to AFL++ (__afl_coverage_interesting).
 *
 * This file is compiled without coverage instrumentation: AFL++'s compiler pass would overwrite the
 * ids. The same object serves both engines; what an engine brings is a weak symbol here.
 */
#include "feedback/feedback.h"
#include "feedback/state_cells.h"

#include <stdlib.h>
#include <string.h>

/* libFuzzer reads this section after each run and clears it before the next one. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counter[FT_CELLS_MAX];

/* AFL++: each cell has an id in its map, reserved once like a compiled-in edge. */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern uint32_t __afl_map_size __attribute__((weak));
void __afl_coverage_interesting(uint8_t value, uint32_t id) __attribute__((weak));
void __sanitizer_cov_trace_pc_guard_init(uint32_t *first, uint32_t *end) __attribute__((weak));
static uint32_t guard[FT_CELLS_MAX];

/* The counters of the driver's edges under libFuzzer. */
extern uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak));

static struct {
    struct ft_cell_state *cells; /* in the machine's region; NULL: no state feedback */
    bool paused;
    uint8_t *edges; /* while it is paused */
} feedback;

/* Only AFL++: with libFuzzer the function of that name is a complaint. */
__attribute__((constructor)) static void reserve_ids(void)
{
    if (__afl_coverage_interesting && __sanitizer_cov_trace_pc_guard_init)
        __sanitizer_cov_trace_pc_guard_init(guard, guard + ft_cell_count());
}

/* Once per input and cell: how often a cell was reached says little about the moment. */
#define FT_CELL_REACHED(cell)                                                                      \
    do {                                                                                           \
        if (!counter[cell]) {                                                                      \
            counter[cell] = 1;                                                                     \
            if (__afl_coverage_interesting)                                                        \
                __afl_coverage_interesting(1, guard[cell]);                                        \
        }                                                                                          \
    } while (0)

static bool follow(void *state, const struct ft_event *event)
{
    unsigned cell = ft_cell_of_event(state, event);

    if (cell != FT_NO_CELL && !feedback.paused)
        FT_CELL_REACHED(cell);
    return false;
}

void ft_feedback_open(struct ft_session *session)
{
    feedback.cells = ft_world_reserve(session->world, sizeof *feedback.cells);
    session->tap = follow;
    session->tap_state = feedback.cells;
}

void ft_feedback_begin(void)
{
    /* libFuzzer has done it; in AFL++'s loop nobody has. */
    if (feedback.cells && __afl_coverage_interesting)
        memset(counter, 0, ft_cell_count());
}

static uint8_t *edges(size_t *ret_bytes)
{
    if (&__afl_area_ptr) {
        *ret_bytes = __afl_map_size;
        return __afl_area_ptr;
    }
    *ret_bytes = (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
    return __start___sancov_cntrs;
}

void ft_feedback_pause(void)
{
    size_t bytes;
    uint8_t *from = edges(&bytes);

    feedback.paused = true;
    if (!feedback.edges && bytes)
        feedback.edges = malloc(bytes); /* the map has its size by now */
    if (feedback.edges)
        memcpy(feedback.edges, from, bytes);
}

void ft_feedback_resume(void)
{
    size_t bytes;
    uint8_t *to = edges(&bytes);

    feedback.paused = false;
    if (feedback.edges)
        memcpy(to, feedback.edges, bytes);
}
