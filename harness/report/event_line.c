/* Events as lines for people. */
#include "report/event_line.h"
#include "report/colour.h"
#include "report/event_words.h"

#include "sim/handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NO_CPU = 0xFF,
    INDENT_MAX = 24,
    EVENT_COLUMN = 60, /* where the place in the sources begins, in a line that is not cut */
    EDGE_MAX = 160,    /* where it ends at most, in a line as wide as a terminal */
    EVENT_ENOUGH = 72, /* columns of an event that tell enough */
    ROOM_MIN = 20,
    TIME_WIDTH_MAX = 12
};

static const char *const layer_marks[FT_LAYER_COUNT] = {
    [FT_LAYER_DRIVER] = "drv", [FT_LAYER_FRAMEWORK] = "fwk", [FT_LAYER_PORT] = "prt",
    [FT_LAYER_SYSTEM] = "sys", [FT_LAYER_DEVICE] = "dev",    [FT_LAYER_HARNESS] = "ops",
};

/* ---- what the lines of a trace share ---- */

static int digits(uint64_t number)
{
    int count = 1;

    for (; number >= 10; number /= 10) {
        count++;
    }
    return count;
}

static void print_task(const struct ft_lines *lines, const struct ft_event *event, char *text,
                       size_t capacity)
{
    if (event->task != 0) {
        snprintf(text, capacity, "%s-%u", ft_task_kind_text(lines->task_kind[event->task]),
                 event->task);
    } else {
        snprintf(text, capacity, "%s",
                 event->layer == FT_LAYER_DEVICE ? ft_task_kind_text(FT_TASK_ENGINE) : "-");
    }
}

static void widen(int *width, const char *text)
{
    int length = (int)strlen(text);

    *width = length > *width ? length : *width;
}

bool ft_lines_begin(struct ft_lines *lines, const struct ft_trace *trace, bool colour, int width)
{
    uint64_t last = UINT64_MAX;
    bool first_added = false;
    char text[48];

    *lines = (struct ft_lines){.trace = trace,
                               .colour = colour,
                               .width = width,
                               .number_width = digits(trace->event_count),
                               .clock = {.trace = trace},
                               .time_width = 4,
                               .task_width = 6};
    lines->task_kind = calloc(FT_LINE_TASKS_MAX, 1);
    if (lines->task_kind == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < trace->event_count; i++) {
        const struct ft_event *event = &trace->event[i];

        if (event->kind == FT_EV_TASK_NEW && event->arg[1] < FT_TASK_KIND_COUNT) {
            lines->task_kind[ft_handle_id(event->arg[0]) % FT_LINE_TASKS_MAX] =
                (uint8_t)event->arg[1];
        }
        if (event->kind == FT_EV_CALL_ENTER && event->arg[0] == FT_ROUTINE_ADD_DEVICE) {
            lines->second = first_added ? (uint16_t)ft_handle_id(event->arg[1]) : 0;
            first_added = true;
        }
        if (ft_clock_at(&lines->clock, i) != last) {
            last = ft_clock_at(&lines->clock, i);
            ft_time_print_column(last, text, sizeof(text));
            widen(&lines->time_width, text);
        }
        if (event->task != 0) {
            print_task(lines, event, text, sizeof(text));
            widen(&lines->task_width, text);
        }
    }
    lines->time_width = lines->time_width < TIME_WIDTH_MAX ? lines->time_width : TIME_WIDTH_MAX;
    return true;
}

void ft_lines_end(struct ft_lines *lines)
{
    free(lines->task_kind);
    lines->task_kind = NULL;
}

/* ---- columns ---- */

/* The machine stopped here, and that is wrong by itself. */
static bool is_stop(const struct ft_event *event)
{
    return event->kind == FT_EV_RUN_CRASH || event->kind == FT_EV_RUN_HANG ||
           event->kind == FT_EV_RUN_BUGCHECK || event->kind == FT_EV_RUN_UNIMPLEMENTED;
}

static bool is_marked(const struct ft_lines *lines, uint64_t index)
{
    const struct ft_verdict *verdict = &lines->trace->verdict;
    bool marked = is_stop(&lines->trace->event[index]);

    for (uint32_t i = 0; i < verdict->finding_count; i++) {
        marked = marked || verdict->finding[i].event == index + 1;
    }
    return marked && !lines->unmarked;
}

static void print_irql(unsigned irql, char *text, size_t capacity)
{
    static const char letters[] = "PAD";

    if (irql < 3) {
        snprintf(text, capacity, "%c", letters[irql]);
    } else {
        snprintf(text, capacity, "%u", irql);
    }
}

/* Everything up to the layer. Returns the columns it takes. */
static int print_columns(struct ft_lines *lines, uint64_t index, FILE *out)
{
    const struct ft_event *event = &lines->trace->event[index];
    bool marked = is_marked(lines, index), op = ft_event_is_op(event);
    bool lost = lines->no_return == index + 1;
    bool switched = event->task != 0 && event->task != lines->previous_task;
    const char *dim = ft_colour(lines->colour, FT_COLOUR_DIM);
    const char *none = ft_colour(lines->colour, FT_COLOUR_NONE);
    char time[48], task[48], irql[8] = "", cpu[8] = "-";

    ft_time_print_column(ft_clock_at(&lines->clock, index), time, sizeof(time));
    print_task(lines, event, task, sizeof(task));
    if (event->cpu != NO_CPU) {
        print_irql(event->irql, irql, sizeof(irql));
        snprintf(cpu, sizeof(cpu), "%u", event->cpu);
    }
    fprintf(out, "%s%c %*" PRIu64 "%s",
            marked || lost ? ft_colour(lines->colour, FT_COLOUR_BAD)
            : op           ? ft_colour(lines->colour, FT_COLOUR_OP)
                           : dim,
            marked ? '>'
            : lost ? 'x'
            : op   ? '!'
                   : ' ',
            lines->number_width, index + 1, none);
    fprintf(out, "%s %*s %s %s%-2s%s", dim, lines->time_width, time, cpu,
            event->irql != 0 ? none : "", irql, none);
    fprintf(out, " %s%c%-*s%s", switched ? ft_colour(lines->colour, FT_COLOUR_BOLD) : dim,
            switched && lines->previous_task != 0 ? '*' : ' ', lines->task_width, task, none);
    fprintf(out, " %s%s%s%s  ", dim,
            event->layer < FT_LAYER_COUNT ? layer_marks[event->layer] : "???",
            lines->second == 0               ? ""
            : event->device == lines->second ? "2"
                                             : " ",
            none);
    lines->previous_task = event->task != 0 ? event->task : lines->previous_task;
    return 2 + lines->number_width + 1 + lines->time_width + 1 + (int)strlen(cpu) + 3 + 2 +
           lines->task_width + 6 + (lines->second != 0);
}

static enum ft_colour colour_of(const struct ft_event *event)
{
    if (is_stop(event)) {
        return FT_COLOUR_BAD;
    }
    if (event->kind == FT_EV_CALL_ENTER || event->kind == FT_EV_CALL_LEAVE) {
        return FT_COLOUR_BOLD;
    }
    if (ft_event_is_op(event)) {
        return FT_COLOUR_OP;
    }
    switch (event->layer) {
    case FT_LAYER_DEVICE:
        return FT_COLOUR_DEVICE;
    case FT_LAYER_SYSTEM:
    case FT_LAYER_HARNESS:
        return FT_COLOUR_DIM;
    default:
        return FT_COLOUR_NONE;
    }
}

/* ---- the event and its place ---- */

/* "PacketDpc:212" of "packet.c:PacketDpc:212". */
static const char *without_file(const char *place)
{
    const char *colon = strchr(place, ':');

    return colon != NULL && strchr(colon + 1, ':') != NULL ? colon + 1 : place;
}

/* Cuts the words to so many columns. */
static void cut(struct ft_words_of_event *words, int columns)
{
    int kept = columns - ft_ellipsis_columns();

    if ((int)words->length > columns) {
        words->length = (size_t)(kept > 0 ? kept : 0);
        words->length += (size_t)snprintf(words->text + words->length,
                                          sizeof(words->text) - words->length, "%s", ft_ellipsis());
        words->name_length =
            words->name_length < words->length ? words->name_length : words->length;
    }
}

/* Shortens the place to what fits behind the words, to "" in the end. */
static const char *fit_place(const char *place, int length, int room)
{
    if (length + 2 + (int)strlen(place) > room) {
        place = without_file(place);
    }
    return length + 2 + (int)strlen(place) > room ? "" : place;
}

/* Sees that words and place fit into the room (0: there is enough), the words first: they are cut
 * for the place only when enough of them is left. Returns the blanks between them. */
static int fit(struct ft_words_of_event *words, int indent, int room, const char **place)
{
    int length = indent + (int)words->length;
    int shortest = (int)strlen(without_file(*place));

    if (*place[0] == '\0') {
        cut(words, room != 0 ? room - indent : (int)words->length);
        return 0;
    }
    if (room == 0) {
        return length < EVENT_COLUMN - 2 ? EVENT_COLUMN - length : 2;
    }
    if (length + 2 + shortest > room && room - 2 - shortest >= EVENT_ENOUGH) {
        cut(words, room - 2 - shortest - indent);
        *place = without_file(*place);
        return 2;
    }
    *place = fit_place(*place, length, room);
    cut(words, room - indent);
    room = room < EDGE_MAX ? room : EDGE_MAX;
    length += (int)strlen(*place);
    return room - length < 2 ? 2 : room - length;
}

/* What the verdict is about is told whole, on further lines if need be. The first one is behind
 * `first` blanks, the others under it, at `columns`. */
static void print_whole(const struct ft_lines *lines, const struct ft_words_of_event *words,
                        const char *place, int columns, int first, int room, FILE *out)
{
    char text[sizeof(words->text) + FT_FUNCTION_MAX + 1];
    const char *at = text;
    int indent = first;

    snprintf(text, sizeof(text), "%s%s%s", words->text, place[0] != '\0' ? " " : "", place);
    while (*at != '\0') {
        size_t end = ft_wrap_length(at, (size_t)room);

        fprintf(out, "%*s%s%.*s%s\n", indent, "", ft_colour(lines->colour, FT_COLOUR_BAD), (int)end,
                at, ft_colour(lines->colour, FT_COLOUR_NONE));
        at += end;
        at += strspn(at, " ");
        indent = columns;
    }
}

static void print_rest(const struct ft_lines *lines, const struct ft_event *event, bool marked,
                       int columns, struct ft_words_of_event *words, FILE *out)
{
    const char *none = ft_colour(lines->colour, FT_COLOUR_NONE);
    enum ft_colour colour = marked ? FT_COLOUR_BAD : colour_of(event);
    bool whole = colour == FT_COLOUR_DIM || colour == FT_COLOUR_OP || colour == FT_COLOUR_BAD;
    bool routine = event->kind == FT_EV_CALL_ENTER || event->kind == FT_EV_CALL_LEAVE;
    /* Where the driver called, and no call of the driver begins or ends a routine. */
    const char *place = routine ? "" : ft_trace_function(lines->trace, event->site);
    int indent = event->nesting < INDENT_MAX ? event->nesting : INDENT_MAX;
    int room = lines->width - columns;
    int blanks;

    if (lines->width != 0) {
        room = room > ROOM_MIN ? room : ROOM_MIN;
        indent = indent < room / 2 ? indent : room / 2;
        if (marked && indent + (int)words->length + 2 + (int)strlen(place) > room) {
            print_whole(lines, words, place, columns + indent, indent, room - indent, out);
            return;
        }
    } else {
        room = 0;
    }
    blanks = fit(words, indent, room, &place);
    fprintf(out, "%*s%s%.*s%s", indent, "", ft_colour(lines->colour, colour),
            (int)words->name_length, words->text, whole ? "" : none);
    fprintf(out, "%s%s", words->text + words->name_length, whole ? none : "");
    if (place[0] != '\0') {
        fprintf(out, "%*s%s%s%s", blanks, "", ft_colour(lines->colour, FT_COLOUR_CODE), place,
                none);
    }
    fputc('\n', out);
}

void ft_lines_print(struct ft_lines *lines, uint64_t index, FILE *out)
{
    const struct ft_event *event = &lines->trace->event[index];
    struct ft_words_of_event words;
    int columns = print_columns(lines, index, out);

    ft_event_words(lines->trace, event, &words);
    print_rest(lines, event, is_marked(lines, index), columns, &words, out);
}

/* ---- ranges ---- */

/* A routine that ends with the next event, as part of the range. */
static bool is_empty_routine(const struct ft_lines *lines, uint64_t index, uint64_t end)
{
    const struct ft_event *enter = &lines->trace->event[index];
    const struct ft_event *leave = enter + 1;

    return index + 1 < end && enter->kind == FT_EV_CALL_ENTER && leave->kind == FT_EV_CALL_LEAVE &&
           enter->task == leave->task && enter->cpu == leave->cpu &&
           enter->nesting == leave->nesting && enter->unknown == 0 && (leave->unknown & 7) == 0 &&
           enter->arg[0] == leave->arg[0] && enter->arg[1] == leave->arg[1] &&
           !is_marked(lines, index + 1) && lines->no_return != index + 2;
}

static void print_folded(struct ft_lines *lines, uint64_t index, FILE *out)
{
    const struct ft_event *enter = &lines->trace->event[index];
    struct ft_words_of_event words;
    int columns = print_columns(lines, index, out);

    ft_event_words_folded(lines->trace, enter, enter + 1, &words);
    print_rest(lines, enter, is_marked(lines, index), columns, &words, out);
}

static void print_suspended(const struct ft_lines *lines, const struct ft_watch *watch, FILE *out)
{
    for (unsigned i = 0; i < watch->count; i++) {
        const struct ft_suspended *one = &watch->list[i];
        bool mended = one->until == watch->events;
        struct ft_words_of_event words = {0};
        char text[256];

        if (one->since == watch->events || mended) {
            ft_suspended_print(one, text, sizeof(text));
            words.length = (size_t)snprintf(words.text, sizeof(words.text), "~ %*s %s for %s",
                                            lines->number_width, "",
                                            mended ? "judged again" : "suspended", text);
            cut(&words, lines->width != 0 ? lines->width : (int)words.length);
            fprintf(out, "%s%s%s\n", ft_colour(lines->colour, FT_COLOUR_OP), words.text,
                    ft_colour(lines->colour, FT_COLOUR_NONE));
        }
    }
}

/* Lets the watch see the events before `end`; says what changed, if it is to be said. */
static void watch_up_to(const struct ft_lines *lines, struct ft_watch *watch, uint64_t end,
                        bool say, FILE *out)
{
    while (watch != NULL && watch->events < end) {
        if (ft_watch_event(watch, &lines->trace->event[watch->events]) && say) {
            print_suspended(lines, watch, out);
        }
    }
}

uint64_t ft_lines_print_filtered(struct ft_lines *lines, const struct ft_filter *filter,
                                 struct ft_watch *watch, FILE *out)
{
    uint64_t shown = 0;

    watch_up_to(lines, watch, filter->first, false, out);
    for (uint64_t i = filter->first; i < filter->end && ferror(out) == 0; i++) {
        const struct ft_event *event = &lines->trace->event[i];

        if (!ft_filter_passes(filter, event)) {
            watch_up_to(lines, watch, i + 1, true, out);
            continue;
        }
        shown++;
        if (is_empty_routine(lines, i, filter->end) && ft_filter_passes(filter, event + 1)) {
            print_folded(lines, i, out);
            i++;
            shown++;
        } else {
            ft_lines_print(lines, i, out);
        }
        watch_up_to(lines, watch, i + 1, true, out);
    }
    return shown;
}

void ft_lines_print_range(struct ft_lines *lines, uint64_t first, uint64_t end, FILE *out)
{
    struct ft_filter filter;

    ft_filter_init(&filter, lines->trace);
    ft_filter_range(&filter, first + 1, end);
    ft_lines_print_filtered(lines, &filter, NULL, out);
}

void ft_lines_print_legend(const struct ft_lines *lines, FILE *out)
{
    fprintf(out, "%s  %*s %*s c il  %-*s who  event%s\n", ft_colour(lines->colour, FT_COLOUR_DIM),
            lines->number_width, "#", lines->time_width, "time", lines->task_width, "task",
            ft_colour(lines->colour, FT_COLOUR_NONE));
}
