/* The rows of events.def as a table. Argument strings are parsed once, on first use, so that no
 * constructor runs in a fuzz target. */
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
#define EV(number, symbol, name, args, sentence) ROW_##symbol,
#include "sim/events.def"
#undef EV
    ROW_COUNT
};

/* Numbers are 0xGGNN, group and number within it; room for 16 groups. */
enum { EVENT_NUMBER_COUNT = 0x1000, TEXT_WORDS = 6 };

/* Room for every argument string, each with its NUL; names are cut out of the copies in place. */
struct argument_texts {
#define EV(number, symbol, name, args, sentence) char symbol[sizeof(args)];
#include "sim/events.def"
#undef EV
};

struct source_row {
    uint16_t number;
    const char *name;
    const char *args;
    const char *sentence;
};

static const struct source_row source_rows[ROW_COUNT] = {
#define EV(number, symbol, name, args, sentence) {number, name, args, sentence},
#include "sim/events.def"
#undef EV
};

#define EV(number, symbol, name, args, sentence)                                                   \
    _Static_assert((number) < EVENT_NUMBER_COUNT, "event number " #number " is out of range");
#include "sim/events.def"
#undef EV

/* Two rows with one number do not compile here. */
static inline int unique_numbers(unsigned number)
{
    switch (number) {
#define EV(number, symbol, name, args, sentence) case number:
#include "sim/events.def"
#undef EV
        return 1;
    default:
        return 0;
    }
}

static const char *const type_words[FT_ARG_TYPE_COUNT] = {
    [FT_ARG_HANDLE] = "h",    [FT_ARG_NUM] = "num",         [FT_ARG_HEX] = "hex",
    [FT_ARG_BOOL] = "bool",   [FT_ARG_STATUS] = "status",   [FT_ARG_IRQL] = "irql",
    [FT_ARG_LA] = "la",       [FT_ARG_TIME] = "time",       [FT_ARG_OP] = "op",
    [FT_ARG_LABEL] = "label", [FT_ARG_ROUTINE] = "routine", [FT_ARG_TASK_KIND] = "taskk",
    [FT_ARG_PNP] = "pnp",     [FT_ARG_POWER] = "power",     [FT_ARG_ACTION] = "action",
    [FT_ARG_MAJOR] = "major", [FT_ARG_TEXT] = "text",
};

static char pool[sizeof(struct argument_texts)];
static struct ft_event_row rows[ROW_COUNT];
static uint16_t row_of_number[EVENT_NUMBER_COUNT]; /* row index + 1, 0: none */
static bool ready;

/* A row that cannot be parsed is a mistake in events.def; nothing can be decoded then. */
static void row_must(bool holds)
{
    if (!holds) {
        fputs("flushtrace: a row of events.def cannot be parsed\n", stderr);
        abort();
    }
}

static uint8_t type_of(const char *word)
{
    for (unsigned type = 0; type < FT_ARG_TYPE_COUNT; type++) {
        if (strcmp(type_words[type], word) == 0) {
            return (uint8_t)type;
        }
    }
    row_must(false);
    return 0;
}

/* Cuts "mdl:h offset:num" into names and types; `text` is writable and stays. */
static void parse_arguments(struct ft_event_row *row, char *text)
{
    char *next = text;

    while (*next != '\0') {
        char *name = next;
        size_t length = strcspn(name, " ");
        char *colon = memchr(name, ':', length);

        row_must(colon != NULL && row->argc < FT_EVENT_ARGS_MAX);
        next = name + length;
        if (*next == ' ') {
            *next++ = '\0';
        }
        *colon = '\0';
        row->arg_name[row->argc] = name;
        row->arg_type[row->argc] = type_of(colon + 1);
        row->words += row->arg_type[row->argc] == FT_ARG_TEXT ? TEXT_WORDS : 1;
        row->argc++;
        row_must(row->words <= FT_EVENT_ARGS_MAX);
        /* Argument index and word index are the same because a text is last. */
        row_must(row->arg_type[row->argc - 1] != FT_ARG_TEXT || *next == '\0');
    }
}

static void build(void)
{
    char *free_text = pool;

    for (unsigned i = 0; i < ROW_COUNT; i++) {
        const struct source_row *source = &source_rows[i];
        size_t length = strlen(source->args) + 1;

        rows[i] = (struct ft_event_row){
            .number = source->number, .name = source->name, .sentence = source->sentence};
        memcpy(free_text, source->args, length);
        parse_arguments(&rows[i], free_text);
        free_text += length;
        row_must(unique_numbers(source->number));
        row_of_number[source->number] = (uint16_t)(i + 1);
    }
    ready = true;
}

const struct ft_event_row *ft_event_row(unsigned number)
{
    if (!ready) {
        build();
    }
    if (number >= EVENT_NUMBER_COUNT || row_of_number[number] == 0) {
        return NULL;
    }
    return &rows[row_of_number[number] - 1];
}

size_t ft_event_row_count(void)
{
    return ROW_COUNT;
}

const struct ft_event_row *ft_event_row_at(size_t index)
{
    if (!ready) {
        build();
    }
    return index < ROW_COUNT ? &rows[index] : NULL;
}
