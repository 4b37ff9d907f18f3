/* Text as events: the inverse of event_print.c.
 *
 * Every value has one spelling. A value is read leniently, printed again, and refused when that
 * differs from what was read; so the two files cannot drift apart unseen.
 */
#include "trace/event_text.h"
#include "trace/trace.h"
#include "trace/trace_names.h"

#include "sim/handle.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { NO_CPU = 0xFF };

/* A token `key=value` of the line, and where it stands. */
struct token {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

struct parser {
    const char *line;
    const char *at;
    struct ft_event event;
    const struct ft_event_row *row;
    uint8_t seen_arguments;
    uint8_t seen_attributes;
    struct token major; /* the argument of type major, value NULL when none was given */
    struct ft_error *error;
};

static enum ft_status fail_at(const struct parser *parser, const char *where, const char *reason,
                              size_t length)
{
    return ft_fail(parser->error, FT_SYNTAX, (uint64_t)(where - parser->line) + 1, "%s: `%.*s`",
                   reason, (int)(length < 80 ? length : 80), where);
}

/* Value of a hexadecimal digit, or more than any base. */
static int digit_of(char character)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = character != '\0' ? strchr(digits, character) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : INT_MAX;
}

/* Digits in one base, the whole span. */
static bool read_digits(const char *text, size_t length, int base, uint64_t *ret)
{
    uint64_t value = 0;

    if (length == 0) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        int digit = digit_of(text[i]);

        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

/* 12, -12 or 0x1f. */
static bool read_number(const char *text, size_t length, uint64_t *ret)
{
    if (length > 2 && text[0] == '0' && text[1] == 'x') {
        return read_digits(text + 2, length - 2, 16, ret);
    }
    if (length > 1 && text[0] == '-') {
        if (!read_digits(text + 1, length - 1, 10, ret)) {
            return false;
        }
        *ret = 0 - *ret;
        return true;
    }
    return read_digits(text, length, 10, ret);
}

static bool read_handle(const char *text, size_t length, uint64_t *ret)
{
    const char *hash = memchr(text, '#', length);
    const char *plus = memchr(text, '+', length);
    const char *end = text + length;
    uint64_t id;
    uint64_t offset = 0;
    unsigned handle_class;

    if (length == 1 && *text == '-') {
        *ret = 0;
        return true;
    }
    if (hash == NULL) {
        return read_number(text, length, ret);
    }
    handle_class = ft_handle_class_named(text, (size_t)(hash - text));
    if (plus != NULL &&
        (plus < hash || !read_number(plus + 1, (size_t)(end - plus - 1), &offset))) {
        return false;
    }
    if (handle_class == 0 || offset > UINT32_MAX ||
        !read_number(hash + 1, (size_t)((plus != NULL ? plus : end) - hash - 1), &id) ||
        id > 0xFFFFFF) {
        return false;
    }
    *ret = ft_handle((enum ft_handle_class)handle_class, (uint32_t)id, (uint32_t)offset);
    return true;
}

static bool read_label(const char *text, size_t length, uint64_t *ret)
{
    if (length == 1 && *text == '-') {
        *ret = 0;
        return true;
    }
    if (length == 1 && *text >= 'a' && *text <= 'z') {
        *ret = (uint64_t)(*text - 'a') + 1;
        return true;
    }
    return length > 1 && *text == 'l' && read_digits(text + 1, length - 1, 10, ret);
}

/* One value that is not a text; false unless printing gives the same characters back. */
static bool read_value(enum ft_arg_type type, const char *text, size_t length, uint64_t *ret)
{
    char again[FT_VALUE_NAME_MAX];
    uint64_t value = 0;
    bool ok;

    if (type == FT_ARG_HANDLE) {
        ok = read_handle(text, length, &value);
    } else if (type == FT_ARG_LABEL) {
        ok = read_label(text, length, &value);
    } else {
        ok = ft_value_named(type, text, length, &value) || read_number(text, length, &value);
    }
    if (!ok || ft_value_print(type, value, again, sizeof(again)) != length ||
        memcmp(again, text, length) != 0) {
        return false;
    }
    *ret = value;
    return true;
}

/* Bytes that print writes as \x: not printable, and without a short escape. */
static bool is_hex_escaped(uint64_t byte)
{
    return (byte < 0x20 || byte > 0x7E) && byte != '\n' && byte != '\r' && byte != '\t';
}

/* One character of a quoted text; *text moves behind it. -1: not what print writes. */
static int read_character(const char **text, const char *end)
{
    static const char plain[] = "\"\\nrt";
    static const char meaning[] = "\"\\\n\r\t";
    const char *at = *text;
    const char *escape;
    uint64_t value;

    if (*at != '\\') {
        *text = at + 1;
        return *at >= 0x20 && *at <= 0x7E ? *at : -1;
    }
    if (end - at < 2 || at[1] == '\0') {
        return -1;
    }
    escape = strchr(plain, at[1]);
    if (escape != NULL) {
        *text = at + 2;
        return meaning[escape - plain];
    }
    if (at[1] != 'x' || end - at < 4 || !read_digits(at + 2, 2, 16, &value) ||
        isupper((unsigned char)at[2]) || isupper((unsigned char)at[3]) || !is_hex_escaped(value)) {
        return -1;
    }
    *text = at + 4;
    return (int)value;
}

/* The inside of a quoted text into its words. */
static bool read_text(const char *text, size_t length, uint64_t *words)
{
    unsigned char bytes[FT_TEXT_BYTES] = {0};
    const char *end = text + length - 1;
    size_t count = 0;

    if (length < 2 || text[0] != '"' || *end != '"') {
        return false;
    }
    for (text++; text < end;) {
        int character = *text == '"' ? -1 : read_character(&text, end);

        if (character < 0 || count == FT_TEXT_BYTES) {
            return false;
        }
        bytes[count++] = (unsigned char)character;
    }
    if (count > 0 && bytes[count - 1] == 0) {
        return false; /* trailing zeros are padding, print never writes them */
    }
    memcpy(words, bytes, sizeof(bytes));
    return true;
}

/* Length of the value at `at`: up to a space, or to the closing quote. */
static size_t value_length(const char *at)
{
    size_t length = 0;

    if (*at != '"') {
        return strcspn(at, " ");
    }
    for (length = 1; at[length] != '\0' && at[length] != '"'; length++) {
        if (at[length] == '\\' && at[length + 1] != '\0') {
            length++;
        }
    }
    return at[length] == '"' ? length + 1 : length;
}

/* Takes ` key=value` from the line. */
static enum ft_status next_token(struct parser *parser, struct token *ret)
{
    const char *at = parser->at + 1;
    size_t key_length = strcspn(at, " =");

    if (key_length == 0 || at[key_length] != '=') {
        return fail_at(parser, at, "not of the form name=value", strcspn(at, " "));
    }
    ret->key = at;
    ret->key_length = key_length;
    ret->value = at + key_length + 1;
    ret->value_length = value_length(ret->value);
    parser->at = ret->value + ret->value_length;
    if (*parser->at != ' ' && *parser->at != '\0') {
        return fail_at(parser, parser->at, "a space is missing", 1);
    }
    return FT_OK;
}

static bool key_is(const struct token *token, const char *key)
{
    return strlen(key) == token->key_length && memcmp(key, token->key, token->key_length) == 0;
}

static enum ft_status parse_argument(struct parser *parser)
{
    const struct ft_event_row *row = parser->row;
    struct token token = {.key = "", .value = ""};
    unsigned index = 0;
    enum ft_status status = next_token(parser, &token);
    uint64_t *word;
    bool ok;

    if (status != FT_OK) {
        return status;
    }
    while (index < row->argc && !key_is(&token, row->arg_name[index])) {
        index++;
    }
    if (index == row->argc) {
        return fail_at(parser, token.key, "the event has no such argument", token.key_length);
    }
    if ((parser->seen_arguments >> index & 1) != 0) {
        return fail_at(parser, token.key, "given twice", token.key_length);
    }
    parser->seen_arguments |= (uint8_t)(1U << index);
    word = &parser->event.arg[index];
    if (token.value_length == 1 && *token.value == '?') {
        parser->event.unknown |= (uint8_t)(1U << index);
        return FT_OK;
    }
    if (row->arg_type[index] == FT_ARG_MAJOR) {
        parser->major = token;
    }
    if (row->arg_type[index] == FT_ARG_TEXT) {
        ok = read_text(token.value, token.value_length, word);
    } else if (row->arg_type[index] == FT_ARG_MAJOR && token.value_length == 1 &&
               *token.value == '-') {
        ok = true; /* no code; check_major looks at the routine when it is known */
    } else {
        ok = read_value(row->arg_type[index], token.value, token.value_length, word);
    }
    return ok ? FT_OK : fail_at(parser, token.value, "not a value of its type", token.value_length);
}

/* Where an attribute is kept, and how it is written. */
struct attribute {
    const char *name;
    enum ft_arg_type type;
    size_t offset;
    size_t size;
};

#define ATTRIBUTE(name, type, field)                                                               \
    {                                                                                              \
        name, type, offsetof(struct ft_event, field), sizeof(((struct ft_event *)NULL)->field)     \
    }
/* The position is the bit in seen_attributes. */
static const struct attribute attributes[] = {
    ATTRIBUTE("irql", FT_ARG_IRQL, irql),      ATTRIBUTE("layer", FT_ARG_NUM, layer),
    ATTRIBUTE("task", FT_ARG_NUM, task),       ATTRIBUTE("device", FT_ARG_NUM, device),
    ATTRIBUTE("request", FT_ARG_NUM, request), ATTRIBUTE("label", FT_ARG_LABEL, label),
    ATTRIBUTE("cpu", FT_ARG_NUM, cpu),         ATTRIBUTE("nest", FT_ARG_NUM, nesting),
};
#undef ATTRIBUTE

/* A layer has a name unless it is none of ours; no processor is written `-`. */
static bool read_attribute(const struct attribute *attribute, const struct token *token,
                           uint64_t *ret)
{
    bool is_layer = attribute->offset == offsetof(struct ft_event, layer);
    bool is_cpu = attribute->offset == offsetof(struct ft_event, cpu);
    int layer = is_layer ? ft_layer_named(token->value, token->value_length) : -1;

    if (layer >= 0) {
        *ret = (uint64_t)layer;
        return true;
    }
    if (is_cpu && token->value_length == 1 && *token->value == '-') {
        *ret = NO_CPU;
        return true;
    }
    return read_value(attribute->type, token->value, token->value_length, ret) &&
           *ret <= (attribute->size == 1 ? UINT8_MAX : UINT16_MAX) &&
           !(is_layer && ft_layer_name((unsigned)*ret) != NULL) && !(is_cpu && *ret == NO_CPU);
}

static enum ft_status parse_attribute(struct parser *parser)
{
    enum { COUNT = sizeof(attributes) / sizeof(attributes[0]) };
    struct token token = {.key = "", .value = ""};
    uint64_t value;
    unsigned index = 0;
    enum ft_status status = next_token(parser, &token);

    if (status != FT_OK) {
        return status;
    }
    while (index < COUNT && !key_is(&token, attributes[index].name)) {
        index++;
    }
    if (index == COUNT) {
        return fail_at(parser, token.key, "no such attribute", token.key_length);
    }
    if ((parser->seen_attributes >> index & 1) != 0) {
        return fail_at(parser, token.key, "given twice", token.key_length);
    }
    parser->seen_attributes |= (uint8_t)(1U << index);
    if (!read_attribute(&attributes[index], &token, &value)) {
        return fail_at(parser, token.value, "not a value of this attribute", token.value_length);
    }
    /* Little-endian (event_hash.c asserts it): the low bytes come first. */
    memcpy((char *)&parser->event + attributes[index].offset, &value, attributes[index].size);
    return FT_OK;
}

/* `-` stands for code zero where, and only where, the routine has no code. */
static enum ft_status check_major(const struct parser *parser)
{
    const struct token *token = &parser->major;
    bool dash = token->value != NULL && token->value_length == 1 && *token->value == '-';
    unsigned index = 0;

    if (token->value == NULL) {
        return FT_OK;
    }
    while (parser->row->arg_type[index] != FT_ARG_MAJOR) {
        index++;
    }
    if (dash != ft_has_no_major(&parser->event, parser->row, index)) {
        return fail_at(parser, token->value, "not the code of this routine", token->value_length);
    }
    return FT_OK;
}

static const struct ft_event_row *row_named(const char *name, size_t length)
{
    for (size_t i = 0; i < ft_event_row_count(); i++) {
        const struct ft_event_row *row = ft_event_row_at(i);

        if (strlen(row->name) == length && memcmp(row->name, name, length) == 0) {
            return row;
        }
    }
    return NULL;
}

enum ft_status ft_event_parse(const char *line, struct ft_event *ret, struct ft_error *error)
{
    struct parser parser = {.line = line, .at = line, .error = error};
    size_t name_length = strcspn(line, " ");
    enum ft_status status = FT_OK;
    bool attributes = false;

    parser.row = row_named(line, name_length);
    if (parser.row == NULL) {
        return fail_at(&parser, line, "no event has this name", name_length);
    }
    parser.event.kind = parser.row->number;
    parser.event.argc = parser.row->words;
    parser.at += name_length;
    while (status == FT_OK && *parser.at != '\0') {
        if (!attributes && strncmp(parser.at, " ;", 2) == 0) {
            attributes = true;
            parser.at += 2;
            if (*parser.at != ' ' && *parser.at != '\0') {
                return fail_at(&parser, parser.at, "a space is missing", 1);
            }
        } else {
            status = attributes ? parse_attribute(&parser) : parse_argument(&parser);
        }
    }
    if (status == FT_OK) {
        status = check_major(&parser);
    }
    if (status == FT_OK) {
        *ret = parser.event;
    }
    return status;
}
