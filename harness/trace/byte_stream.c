/* Numbers and strings inside a frame of a trace. */
#include "trace/byte_stream.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES_MAX = 10, PAYLOAD = 0x7F, MORE = 0x80 };

bool ft_out_reserve(struct ft_bytes_out *out, size_t more)
{
    size_t capacity = out->capacity != 0 ? out->capacity : 4096;
    uint8_t *bytes;

    if (out->failed) {
        return false;
    }
    if (more <= out->capacity - out->length) {
        return true;
    }
    while (capacity - out->length < more) {
        capacity *= 2;
    }
    bytes = realloc(out->bytes, capacity);
    if (bytes == NULL) {
        out->failed = true;
        return false;
    }
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

void ft_out_byte(struct ft_bytes_out *out, unsigned byte)
{
    if (ft_out_reserve(out, 1)) {
        out->bytes[out->length++] = (uint8_t)byte;
    }
}

void ft_out_bytes(struct ft_bytes_out *out, const void *bytes, size_t length)
{
    if (length != 0 && ft_out_reserve(out, length)) {
        memcpy(out->bytes + out->length, bytes, length);
        out->length += length;
    }
}

void ft_out_number(struct ft_bytes_out *out, uint64_t number)
{
    uint8_t *at;

    if (!ft_out_reserve(out, NUMBER_BYTES_MAX)) {
        return;
    }
    at = out->bytes + out->length;
    while (number > PAYLOAD) {
        *at++ = (uint8_t)(number | MORE);
        number >>= 7;
    }
    *at++ = (uint8_t)number;
    out->length = (size_t)(at - out->bytes);
}

/* Little-endian, `count` bytes. */
static void out_fixed(struct ft_bytes_out *out, uint64_t number, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ft_out_byte(out, (unsigned)(number >> (8 * i)) & 0xFF);
    }
}

void ft_out_u32(struct ft_bytes_out *out, uint32_t number)
{
    out_fixed(out, number, 4);
}

void ft_out_u64(struct ft_bytes_out *out, uint64_t number)
{
    out_fixed(out, number, 8);
}

void ft_out_string(struct ft_bytes_out *out, const char *text)
{
    size_t length = strlen(text);

    ft_out_number(out, length);
    ft_out_bytes(out, text, length);
}

void ft_in_fail(struct ft_bytes_in *in, const char *what)
{
    if (in->reason == NULL) {
        in->reason = what;
    }
}

unsigned ft_in_byte(struct ft_bytes_in *in, const char *what)
{
    if (in->reason != NULL) {
        return 0;
    }
    if (in->at == in->end) {
        ft_in_fail(in, what);
        return 0;
    }
    return *in->at++;
}

uint64_t ft_in_long_number(struct ft_bytes_in *in, uint64_t minimum, uint64_t maximum,
                           const char *what)
{
    const uint8_t *at = in->at;
    uint64_t number = 0;

    if (in->reason != NULL) {
        return 0;
    }
    for (unsigned shift = 0; at < in->end && shift < 64; shift += 7) {
        uint8_t byte = *at++;

        /* The tenth byte has room for one bit. */
        if (shift == 63 && byte > 1) {
            break;
        }
        number |= (uint64_t)(byte & PAYLOAD) << shift;
        if ((byte & MORE) != 0) {
            continue;
        }
        /* A number has one spelling: the shortest. */
        if ((byte == 0 && shift != 0) || number < minimum || number > maximum) {
            break;
        }
        in->at = at;
        return number;
    }
    ft_in_fail(in, what);
    return 0;
}

static uint64_t in_fixed(struct ft_bytes_in *in, unsigned count, const char *what)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < count; i++) {
        number |= (uint64_t)ft_in_byte(in, what) << (8 * i);
    }
    return in->reason == NULL ? number : 0;
}

uint32_t ft_in_u32(struct ft_bytes_in *in, const char *what)
{
    return (uint32_t)in_fixed(in, 4, what);
}

uint64_t ft_in_u64(struct ft_bytes_in *in, const char *what)
{
    return in_fixed(in, 8, what);
}

void ft_in_string(struct ft_bytes_in *in, char *text, size_t capacity, const char *what)
{
    size_t length = (size_t)ft_in_number(in, 0, capacity - 1, what);

    text[0] = '\0';
    if (in->reason != NULL) {
        return;
    }
    if (length > (size_t)(in->end - in->at) || memchr(in->at, 0, length) != NULL) {
        ft_in_fail(in, what);
        return;
    }
    memcpy(text, in->at, length);
    text[length] = '\0';
    in->at += length;
}
