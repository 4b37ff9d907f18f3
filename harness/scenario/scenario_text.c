/* The text form; docs/SCENARIOS.md has the grammar. */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEVICE "device" /* an argument that all ops of a device have */

enum { LETTERS = 26, LINE_MAX_BYTES = 1000, SHOWN_MAX = 40 };

/* A part of the text; never NUL-terminated. */
struct word {
    const char *text;
    size_t length;
};

static bool word_is(struct word word, const char *string)
{
    return strlen(string) == word.length && memcmp(word.text, string, word.length) == 0;
}

/* The name of argument i of a row, from "name:max name:max". */
static struct word arg_name(const struct ft_op_row *row, unsigned i)
{
    const char *at = row->args;

    for (; i > 0; i--)
        at += strcspn(at, " ") + 1;
    return (struct word){at, strcspn(at, ":")};
}

/* An argument named `of` is a label, written as labels are. */
static bool arg_is_label(const struct ft_op_row *row, unsigned i)
{
    return word_is(arg_name(row, i), "of");
}

/* ---- Printing ---- */

struct printer {
    char *text;
    size_t capacity;
    size_t length;
};

static void print(struct printer *printer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(struct printer *printer, const char *format, ...)
{
    bool full = printer->length >= printer->capacity;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(full ? NULL : printer->text + printer->length,
                       full ? 0 : printer->capacity - printer->length, format, args);
    va_end(args);
    if (length > 0)
        printer->length += (size_t)length;
}

static void print_label(struct printer *printer, unsigned label)
{
    if (label >= 1 && label <= LETTERS)
        print(printer, "%c", (char)('a' + (int)label - 1));
    else
        print(printer, "l%u", label);
}

static void print_moment(struct printer *printer, const struct ft_moment *moment)
{
    const char *point = ft_point_name(moment->point);

    if (moment->count == 0)
        return;
    print(printer, " @ ");
    if (moment->target == 0)
        print(printer, moment->device ? "device%u" : "device", moment->device);
    else
        print_label(printer, moment->target);
    print(printer, "/%s/%u", point != NULL ? point : "any", moment->count);
    if (moment->accesses != 0)
        print(printer, " +m%u", moment->accesses);
}

/* Arguments that are zero are left out, as they may be in the text. */
static void print_op(struct printer *printer, const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    if (op->label != 0) {
        print_label(printer, op->label);
        print(printer, ": ");
    }
    if (row == NULL) {
        print(printer, "op%u", op->kind);
        return;
    }
    print(printer, "%s", row->name);
    for (unsigned i = 0; i < row->argc; i++) {
        struct word name = arg_name(row, i);

        if (op->arg[i] == 0)
            continue;
        print(printer, " %.*s=", (int)name.length, name.text);
        if (arg_is_label(row, i))
            print_label(printer, op->arg[i]);
        else
            print(printer, "%u", op->arg[i]);
    }
    if (op->device != 0)
        print(printer, " %s=%u", DEVICE, op->device + 1u);
    print_moment(printer, &op->moment);
}

static void print_platform(struct printer *printer, const struct ft_platform *platform)
{
    struct ft_platform preset;

    ft_platform_preset(platform->preset, &preset);
    print(printer, "platform %s", ft_platform_preset_name(preset.preset));
    for (unsigned knob = 1; knob < FT_KNOB_COUNT; knob++) {
        if (ft_knob_get(platform, knob) != ft_knob_get(&preset, knob))
            print(printer, " %s=%u", ft_knobs[knob].name, ft_knob_get(platform, knob));
    }
}

size_t ft_op_print(const struct ft_op *op, char *text, size_t capacity)
{
    struct printer printer = {text, capacity, 0};

    print_op(&printer, op);
    return printer.length;
}

size_t ft_scenario_print(const struct ft_scenario *scenario, char *text, size_t capacity)
{
    struct printer printer = {text, capacity, 0};

    print_platform(&printer, &scenario->platform);
    print(&printer, "\n");
    for (unsigned i = 0; i < scenario->op_count && i < FT_OPS_MAX; i++) {
        print_op(&printer, &scenario->op[i]);
        print(&printer, "\n");
    }
    return printer.length;
}

/* ---- Parsing ---- */

/* One line while it is read. */
struct line {
    const char *at;
    const char *end;
    uint64_t number; /* from 1 */
    struct ft_error *error;
};

/* A word made fit for an error text: clipped, one line, ASCII. */
struct shown {
    char text[SHOWN_MAX + 4];
};

static struct shown show(struct word word)
{
    struct shown shown;
    size_t length = word.length < SHOWN_MAX ? word.length : SHOWN_MAX;

    for (size_t i = 0; i < length; i++) {
        char c = word.text[i];

        shown.text[i] = (char)(c > ' ' && c < 0x7F ? c : '?');
    }
    memcpy(shown.text + length, length < word.length ? "..." : "", length < word.length ? 4 : 1);
    return shown;
}

/* Names the status itself, so that a compiler sees that the caller stops here. */
#define FAIL(line, ...) (ft_fail((line)->error, FT_SYNTAX, (line)->number, __VA_ARGS__), FT_SYNTAX)

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; length 0 at its end. */
static struct word next_word(struct line *line)
{
    struct word word;

    while (line->at < line->end && is_blank(*line->at))
        line->at++;
    word.text = line->at;
    while (line->at < line->end && !is_blank(*line->at))
        line->at++;
    word.length = (size_t)(line->at - word.text);
    return word;
}

/* Cuts *rest at the first `separator` and returns what stands before it; without one, returns all,
 * and *rest->text is NULL. */
static struct word cut(struct word *rest, char separator)
{
    const char *at = rest->length > 0 ? memchr(rest->text, separator, rest->length) : NULL;
    struct word before = *rest;

    if (at == NULL) {
        *rest = (struct word){NULL, 0};
        return before;
    }
    before.length = (size_t)(at - before.text);
    *rest = (struct word){at + 1, rest->length - before.length - 1};
    return before;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

/* Decimal, or hexadecimal after 0x. Values too large for any range stop growing. */
static bool read_number(struct word word, unsigned *ret)
{
    unsigned base = 10, value = 0;

    if (word.length > 2 && word.text[0] == '0' && (word.text[1] == 'x' || word.text[1] == 'X')) {
        base = 16;
        word.text += 2;
        word.length -= 2;
    }
    for (size_t i = 0; i < word.length; i++) {
        unsigned digit = (unsigned)digit_value(word.text[i]);

        if (digit >= base)
            return false;
        if (value < 1000000)
            value = value * base + digit;
    }
    *ret = value;
    return word.length > 0;
}

static enum ft_status parse_ranged(struct line *line, struct word name, struct word value,
                                   unsigned minimum, unsigned maximum, unsigned *ret)
{
    unsigned number;

    if (!read_number(value, &number))
        return FAIL(line, "%s: not a number: %s", show(name).text, show(value).text);
    if (number < minimum || number > maximum)
        return FAIL(line, "%s: %s is out of range %u to %u", show(name).text, show(value).text,
                    minimum, maximum);
    *ret = number;
    return FT_OK;
}

/* a to z, or l27 to l254: each label has one name. */
static enum ft_status parse_label(struct line *line, struct word word, unsigned *ret)
{
    unsigned number;

    if (word.length == 1 && word.text[0] >= 'a' && word.text[0] <= 'z') {
        *ret = (unsigned)(word.text[0] - 'a') + 1;
        return FT_OK;
    }
    if (word.length > 2 && word.length <= 4 && word.text[0] == 'l' && word.text[1] != '0') {
        struct word digits = {word.text + 1, word.length - 1};

        if (read_number(digits, &number) && number > LETTERS && number <= FT_LABEL_MAX) {
            *ret = number;
            return FT_OK;
        }
    }
    return FAIL(line, "not a label: %s (a to z, or l%d to l%d)", show(word).text, LETTERS + 1,
                FT_LABEL_MAX);
}

static enum ft_status parse_point(struct line *line, struct word word, uint8_t *ret)
{
    for (unsigned number = 1; number <= FT_LABEL_MAX; number++) {
        const char *name = ft_point_name(number);

        if (name != NULL && word_is(word, name)) {
            *ret = (uint8_t)number;
            return FT_OK;
        }
    }
    return FAIL(line, "unknown point: %s (see flushtrace points)", show(word).text);
}

/* TARGET/POINT/COUNT */
static enum ft_status parse_place(struct line *line, struct word word, struct ft_moment *ret)
{
    struct word rest = word;
    struct word target = cut(&rest, '/');
    struct word point = cut(&rest, '/');
    unsigned number = 0;
    enum ft_status status = FT_OK;

    if (rest.text == NULL || memchr(rest.text, '/', rest.length) != NULL)
        return FAIL(line, "not a moment: %s (write TARGET/POINT/COUNT)", show(word).text);
    if (word_is(target, "device1") || word_is(target, "device2"))
        ret->device = (uint8_t)(target.text[target.length - 1] - '0');
    else if (!word_is(target, DEVICE))
        status = parse_label(line, target, &number);
    ret->target = (uint8_t)number;
    if (status == FT_OK)
        status = parse_point(line, point, &ret->point);
    if (status == FT_OK)
        status = parse_ranged(line, (struct word){"count", 5}, rest, 1, 254, &number);
    ret->count = (uint8_t)number;
    return status;
}

/* What stands after '@', up to the end of the line. */
static enum ft_status parse_moment(struct line *line, struct word first, struct ft_moment *ret)
{
    struct word word = first.length > 0 ? first : next_word(line);
    enum ft_status status = parse_place(line, word, ret);
    unsigned number = 0;

    if (status != FT_OK)
        return status;
    word = next_word(line);
    if (word.length >= 2 && word.text[0] == '+' && word.text[1] == 'm') {
        struct word accesses = {word.text + 2, word.length - 2};

        status = parse_ranged(line, (struct word){"+m", 2}, accesses, 0, FT_ACCESSES_MAX, &number);
        ret->accesses = (uint16_t)number;
        if (status != FT_OK)
            return status;
        word = next_word(line);
    }
    if (word.length > 0)
        return FAIL(line, "nothing may follow a moment but +m: %s", show(word).text);
    return FT_OK;
}

/* device=1 or device=2; its bit in *seen is behind the arguments' own. */
static enum ft_status parse_device(struct line *line, const struct ft_op_row *row,
                                   struct word value, struct ft_op *op, unsigned *seen)
{
    unsigned bit = 1u << FT_OP_ARGS_MAX, number = 1;
    enum ft_status status;

    if (!ft_op_is_of_device(row->number))
        return FAIL(line, "%s is not about one device", row->name);
    if (*seen & bit)
        return FAIL(line, "argument given twice: %s", DEVICE);
    *seen |= bit;
    status = parse_ranged(line, (struct word){DEVICE, sizeof DEVICE - 1}, value, 1, 2, &number);
    op->device = (uint8_t)(number - 1);
    return status;
}

/* NAME=VALUE; bit i of *seen says that argument i was given. */
static enum ft_status parse_arg(struct line *line, const struct ft_op_row *row, struct word word,
                                struct ft_op *op, unsigned *seen)
{
    struct word value = word;
    struct word name = cut(&value, '=');
    enum ft_status status;
    unsigned i = 0, number = 0;

    if (value.text == NULL)
        return FAIL(line, "expected NAME=VALUE or @: %s", show(word).text);
    if (word_is(name, DEVICE))
        return parse_device(line, row, value, op, seen);
    while (i < row->argc && (arg_name(row, i).length != name.length ||
                             memcmp(arg_name(row, i).text, name.text, name.length) != 0))
        i++;
    if (i == row->argc)
        return FAIL(line, "%s has no argument %s (it takes: %s)", row->name, show(name).text,
                    row->argc > 0 ? row->args : "none");
    if (*seen & (1u << i))
        return FAIL(line, "argument given twice: %s", show(name).text);
    *seen |= 1u << i;
    if (arg_is_label(row, i))
        status = parse_label(line, value, &number);
    else
        status = parse_ranged(line, name, value, 0, row->arg_max[i], &number);
    op->arg[i] = (uint16_t)number;
    return status;
}

static enum ft_status find_op(struct line *line, struct word name, const struct ft_op_row **ret)
{
    for (unsigned number = 0; number <= FT_LABEL_MAX; number++) {
        const struct ft_op_row *row = ft_op_row(number);

        if (row == NULL || !word_is(name, row->name))
            continue;
        if (!row->built)
            return FAIL(line, "not built yet: %s", row->name);
        *ret = row;
        return FT_OK;
    }
    return FAIL(line, "unknown op: %s (see flushtrace ops)", show(name).text);
}

/* [LABEL:] OP [NAME=VALUE]... [@ MOMENT] */
static enum ft_status parse_op(struct line *line, struct word first, struct ft_op *op)
{
    const struct ft_op_row *row = NULL;
    struct word name = first, label = cut(&name, ':');
    enum ft_status status = FT_OK;
    unsigned number = 0, seen = 0;

    *op = (struct ft_op){0};
    if (name.text == NULL) {
        name = first;
    } else {
        status = parse_label(line, label, &number);
        if (name.length == 0)
            name = next_word(line);
    }
    if (status == FT_OK && name.length == 0)
        status = FAIL(line, "a label without an op: %s", show(label).text);
    if (status == FT_OK)
        status = find_op(line, name, &row);
    if (status != FT_OK)
        return status;
    op->kind = row->number;
    op->label = (uint8_t)number;
    for (;;) {
        struct word word = next_word(line);

        if (word.length == 0)
            return FT_OK;
        if (word.text[0] == '@')
            return parse_moment(line, (struct word){word.text + 1, word.length - 1}, &op->moment);
        status = parse_arg(line, row, word, op, &seen);
        if (status != FT_OK)
            return status;
    }
}

static enum ft_status parse_knob(struct line *line, struct word word, unsigned *seen,
                                 struct ft_platform *platform)
{
    struct word value = word;
    struct word name = cut(&value, '=');
    unsigned number;

    if (value.text == NULL)
        return FAIL(line, "expected KNOB=VALUE: %s", show(word).text);
    for (unsigned knob = 1; knob < FT_KNOB_COUNT; knob++) {
        enum ft_status status;

        if (!word_is(name, ft_knobs[knob].name))
            continue;
        if (*seen & (1u << knob))
            return FAIL(line, "knob given twice: %s", show(name).text);
        *seen |= 1u << knob;
        status = parse_ranged(line, name, value, 0, ft_knobs[knob].maximum, &number);
        if (status == FT_OK)
            ft_knob_set(platform, knob, number);
        return status;
    }
    return FAIL(line, "unknown knob: %s (docs/SCENARIOS.md lists them)", show(name).text);
}

/* platform PRESET [KNOB=VALUE]... */
static enum ft_status parse_platform(struct line *line, struct ft_platform *platform)
{
    struct word word = next_word(line);
    unsigned preset = 0, seen = 0;

    while (preset < FT_PLATFORM_COUNT && !word_is(word, ft_platform_preset_name(preset)))
        preset++;
    if (preset == FT_PLATFORM_COUNT)
        return FAIL(line, "unknown platform: %s (coherent, bounce, noncoherent or iommu)",
                    show(word).text);
    ft_platform_preset((enum ft_platform_name)preset, platform);
    for (word = next_word(line); word.length > 0; word = next_word(line)) {
        enum ft_status status = parse_knob(line, word, &seen, platform);

        if (status != FT_OK)
            return status;
    }
    return FT_OK;
}

static enum ft_status parse_line(struct line *line, bool *begun, struct ft_scenario *scenario)
{
    const char *comment;
    struct word first;

    if (line->end - line->at > LINE_MAX_BYTES)
        return FAIL(line, "a line of more than %d bytes", LINE_MAX_BYTES);
    if (line->at < line->end && memchr(line->at, '\0', (size_t)(line->end - line->at)) != NULL)
        return FAIL(line, "a NUL byte: this is not text");
    comment = line->at < line->end ? memchr(line->at, '#', (size_t)(line->end - line->at)) : NULL;
    if (comment != NULL)
        line->end = comment;
    first = next_word(line);
    if (first.length == 0)
        return FT_OK;
    if (word_is(first, "platform")) {
        if (*begun)
            return FAIL(line, "platform may stand on the first line only");
        *begun = true;
        return parse_platform(line, &scenario->platform);
    }
    *begun = true;
    if (scenario->op_count == FT_OPS_MAX)
        return FAIL(line, "more than %d ops", FT_OPS_MAX);
    return parse_op(line, first, &scenario->op[scenario->op_count++]);
}

enum ft_status ft_scenario_parse(const char *text, size_t length, struct ft_scenario *ret,
                                 struct ft_error *error)
{
    struct ft_scenario scenario = {0};
    struct line line = {.number = 0, .error = error};
    bool begun = false;
    size_t at = 0;

    ft_platform_preset(FT_PLATFORM_COHERENT, &scenario.platform);
    while (at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        enum ft_status status;

        line.number++;
        line.at = text + at;
        line.end = end != NULL ? end : text + length;
        at = (size_t)(line.end - text) + 1;
        status = parse_line(&line, &begun, &scenario);
        if (status != FT_OK)
            return status;
    }
    *ret = scenario;
    return FT_OK;
}
