/* The byte form. Stands in the hot path of every fuzz target: one pass, no allocation, no failure.
 */
#include "scenario/scenario_codec.h"
#include "scenario/scenario_parts.h"

#include <string.h>

enum { DELIMITER = 0xFF, BASE = 255 };

_Static_assert((int)FT_LABEL_MAX < (int)BASE, "a label is one digit");
_Static_assert((int)FT_ACCESSES_MAX == BASE * BASE - 1, "accesses are two digits");
_Static_assert(sizeof(struct ft_platform) == FT_KNOB_COUNT, "a platform is its knobs, a byte each");

const struct ft_knob ft_knobs[FT_KNOB_COUNT] = {
#define KNOB(field, name, maximum, sentence) {name, maximum, offsetof(struct ft_platform, field)},
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
};

bool ft_op_fit(struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);
    struct ft_moment *moment = &op->moment;

    if (row == NULL || !row->built)
        return false;
    op->label %= FT_LABEL_MAX + 1;
    moment->target %= FT_LABEL_MAX + 1;
    moment->count %= BASE;
    if (moment->count == 0) {
        moment->target = 0;
        moment->point = 0;
        moment->accesses = 0;
        moment->device = 0;
    } else if (ft_point_name(moment->point) == NULL) {
        moment->point = FT_PT_ANY;
    }
    moment->accesses = (uint16_t)(moment->accesses % (FT_ACCESSES_MAX + 1));
    moment->device = moment->target == 0 ? moment->device % 3 : 0;
    op->device = ft_op_is_of_device(op->kind) ? op->device % 2 : 0;
    for (unsigned i = 0; i < FT_OP_ARGS_MAX; i++)
        op->arg[i] = i < row->argc ? (uint16_t)(op->arg[i] % (row->arg_max[i] + 1u)) : 0;
    return true;
}

bool ft_op_equal(const struct ft_op *a, const struct ft_op *b)
{
    const struct ft_moment *m = &a->moment, *n = &b->moment;

    for (unsigned i = 0; i < FT_OP_ARGS_MAX; i++) {
        if (a->arg[i] != b->arg[i])
            return false;
    }
    return a->kind == b->kind && a->label == b->label && ft_op_devices(a) == ft_op_devices(b) &&
           m->target == n->target && m->point == n->point && m->count == n->count &&
           m->accesses == n->accesses;
}

bool ft_scenario_equal(const struct ft_scenario *a, const struct ft_scenario *b)
{
    if (a->op_count != b->op_count || memcmp(&a->platform, &b->platform, sizeof(a->platform)) != 0)
        return false;
    for (unsigned i = 0; i < a->op_count; i++) {
        if (!ft_op_equal(&a->op[i], &b->op[i]))
            return false;
    }
    return true;
}

struct reader {
    const uint8_t *bytes;
    size_t at;
    size_t length;
};

static inline bool chunk_has_more(const struct reader *reader)
{
    return reader->at < reader->length && reader->bytes[reader->at] != DELIMITER;
}

/* The next digit of the chunk; zero behind its end. */
static inline unsigned read_digit(struct reader *reader)
{
    return chunk_has_more(reader) ? reader->bytes[reader->at++] : 0;
}

static inline unsigned read_two_digits(struct reader *reader)
{
    unsigned low = read_digit(reader);

    return low + read_digit(reader) * BASE;
}

static inline void skip_chunk(struct reader *reader)
{
    while (chunk_has_more(reader))
        reader->at++;
}

/* Knobs without a digit keep the preset's value, so that a knob appended later leaves old bytes
 * what they were. */
static void decode_platform(struct reader *reader, struct ft_platform *ret)
{
    ft_platform_preset(read_digit(reader) % FT_PLATFORM_COUNT, ret);
    for (unsigned knob = 1; knob < FT_KNOB_COUNT && chunk_has_more(reader); knob++)
        ft_knob_set(ret, knob, read_digit(reader));
}

/* Returns false for a chunk that does nothing. */
static bool decode_op(struct reader *reader, struct ft_op *ret)
{
    const struct ft_op_row *row;

    ret->kind = (uint8_t)read_digit(reader);
    if (ret->kind >= FT_OP_OF_DEVICES) {
        ret->kind = (uint8_t)(ret->kind - FT_OP_OF_DEVICES);
        ft_op_devices_set(ret, read_digit(reader));
    }
    row = ft_op_row(ret->kind);
    if (row == NULL)
        return false;
    ret->label = (uint8_t)read_digit(reader);
    ret->moment.target = (uint8_t)read_digit(reader);
    ret->moment.point = (uint8_t)read_digit(reader);
    ret->moment.count = (uint8_t)read_digit(reader);
    ret->moment.accesses = (uint16_t)read_two_digits(reader);
    for (unsigned i = 0; i < FT_OP_ARGS_MAX; i++) {
        bool wide = i < row->argc && row->arg_max[i] >= BASE;

        ret->arg[i] = 0;
        if (i < row->argc)
            ret->arg[i] = (uint16_t)(wide ? read_two_digits(reader) : read_digit(reader));
    }
    return ft_op_fit(ret);
}

void ft_scenario_decode(const uint8_t *bytes, size_t length, struct ft_scenario *ret)
{
    struct reader reader = {bytes, 0, length};

    *ret = (struct ft_scenario){0};
    decode_platform(&reader, &ret->platform);
    skip_chunk(&reader);
    while (reader.at < length && ret->op_count < FT_OPS_MAX) {
        struct ft_op *op = &ret->op[ret->op_count];

        reader.at++;
        if (decode_op(&reader, op))
            ret->op_count++;
        else
            *op = (struct ft_op){0};
        skip_chunk(&reader);
    }
}

struct writer {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t zeros; /* zero digits held back: they are written only when another digit follows */
};

static void write_byte(struct writer *writer, uint8_t byte)
{
    if (writer->length < writer->capacity)
        writer->bytes[writer->length] = byte;
    writer->length++;
}

static void write_digit(struct writer *writer, unsigned digit)
{
    if (digit == 0) {
        writer->zeros++;
        return;
    }
    for (; writer->zeros > 0; writer->zeros--)
        write_byte(writer, 0);
    write_byte(writer, (uint8_t)digit);
}

static void write_two_digits(struct writer *writer, unsigned value)
{
    write_digit(writer, value % BASE);
    write_digit(writer, value / BASE);
}

/* The preset, and as many knobs as it takes to say what differs from it. */
static void encode_platform(struct writer *writer, const struct ft_platform *platform)
{
    struct ft_platform preset;
    unsigned used = 1;

    ft_platform_preset(platform->preset, &preset);
    for (unsigned knob = 1; knob < FT_KNOB_COUNT; knob++) {
        if (ft_knob_get(platform, knob) != ft_knob_get(&preset, knob))
            used = knob + 1;
    }
    /* These zeros count: a knob without a digit is the preset's, not zero. */
    for (unsigned knob = 0; knob < used; knob++)
        write_byte(writer, (uint8_t)(ft_knob_get(platform, knob) % (ft_knobs[knob].maximum + 1u)));
}

static void encode_op(struct writer *writer, const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    write_byte(writer, DELIMITER);
    if (ft_op_devices(op) == 0) {
        write_digit(writer, op->kind);
    } else {
        write_digit(writer, op->kind + (unsigned)FT_OP_OF_DEVICES);
        write_digit(writer, ft_op_devices(op));
    }
    write_digit(writer, op->label);
    write_digit(writer, op->moment.target);
    write_digit(writer, op->moment.point);
    write_digit(writer, op->moment.count);
    write_two_digits(writer, op->moment.accesses);
    for (unsigned i = 0; i < row->argc; i++) {
        if (row->arg_max[i] >= BASE)
            write_two_digits(writer, op->arg[i]);
        else
            write_digit(writer, op->arg[i]);
    }
    writer->zeros = 0;
}

size_t ft_scenario_encode(const struct ft_scenario *scenario, uint8_t *bytes, size_t capacity)
{
    struct writer writer = {bytes, 0, capacity, 0};

    encode_platform(&writer, &scenario->platform);
    for (unsigned i = 0; i < scenario->op_count && i < FT_OPS_MAX; i++) {
        struct ft_op op = scenario->op[i];

        /* Out of range here would be a delimiter in the middle of an op, or an op that decoding
         * drops. */
        if (ft_op_fit(&op))
            encode_op(&writer, &op);
    }
    return writer.length;
}
