/* Numbers and strings inside a frame of a trace, as docs/TRACE_FORMAT.md names them: number
 * (LEB128), u32, u64, string.
 *
 * Both directions remember the first failure and do nothing after it, so callers check once at the
 * end of a section.
 */
#ifndef FT_BYTE_STREAM_H
#define FT_BYTE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing output; zero-initialised. `bytes` is malloc'd and belongs to whoever holds the structure.
 */
struct ft_bytes_out {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    bool failed; /* out of memory */
};

/* Makes room for `more` bytes behind `length`; false when there is no memory. */
bool ft_out_reserve(struct ft_bytes_out *out, size_t more);

void ft_out_byte(struct ft_bytes_out *out, unsigned byte);
void ft_out_bytes(struct ft_bytes_out *out, const void *bytes, size_t length);
void ft_out_number(struct ft_bytes_out *out, uint64_t number);
void ft_out_u32(struct ft_bytes_out *out, uint32_t number);
void ft_out_u64(struct ft_bytes_out *out, uint64_t number);
void ft_out_string(struct ft_bytes_out *out, const char *text);

/* Bounded input. `reason` is NULL while all is well, and names the field of the first failure; `at`
 * then stays on it. */
struct ft_bytes_in {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
    const char *reason;
};

/* Each returns 0 (or "") after a failure. `what` is a static string: the field and what is wrong
 * when it is out of range. */
void ft_in_fail(struct ft_bytes_in *in, const char *what);
unsigned ft_in_byte(struct ft_bytes_in *in, const char *what);
uint64_t ft_in_long_number(struct ft_bytes_in *in, uint64_t minimum, uint64_t maximum,
                           const char *what);

/* Most numbers of a trace are one byte. */
static inline uint64_t ft_in_number(struct ft_bytes_in *in, uint64_t minimum, uint64_t maximum,
                                    const char *what)
{
    if (in->reason == NULL && in->at < in->end && *in->at < 0x80 && *in->at >= minimum &&
        *in->at <= maximum) {
        return *in->at++;
    }
    return ft_in_long_number(in, minimum, maximum, what);
}

uint32_t ft_in_u32(struct ft_bytes_in *in, const char *what);
uint64_t ft_in_u64(struct ft_bytes_in *in, const char *what);
void ft_in_string(struct ft_bytes_in *in, char *text, size_t capacity, const char *what);

/* Signed differences as small unsigned numbers: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4. */
static inline uint64_t ft_zigzag(uint64_t difference)
{
    return (difference << 1) ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t ft_unzigzag(uint64_t number)
{
    return (number >> 1) ^ (0 - (number & 1));
}

#endif
