/* What a requester finds in its buffer: comparison with the truth, see frames.h. */
#include "dma/frames.h"
#include "world/machine.h"

#include <string.h>

enum { CHUNK = 512, WORD = 8 };

/* A part of a buffer, CHUNK bytes at most, beginning at a multiple of WORD. */
struct part {
    const struct ft_dma_buffer *buffer;
    const uint8_t *seen, *truth;
    uint32_t from, bytes;
    uint8_t pattern[CHUNK];
};

static const uint8_t *truth_of(const void *va)
{
    return (const uint8_t *)va + (FT_TRUTH_BASE - FT_CPU_VIEW_BASE);
}

static void take_part(struct part *part, const void *va, uint32_t from, uint32_t bytes)
{
    part->buffer = ft_buffer_at(va);
    part->from = from;
    part->bytes = bytes - from < CHUNK ? bytes - from : CHUNK;
    part->seen = (const uint8_t *)va + from;
    part->truth = truth_of(va) + from;
    ft_buffer_pattern(part->buffer, from, part->pattern, part->bytes);
}

static bool was_mapped(const struct part *part, uint32_t i)
{
    uint32_t at = part->from + i;

    return at >= part->buffer->mapped_from && at < part->buffer->mapped_to;
}

/* The processor left something else there than the requester's pattern. Words, because a byte may
 * be what it was by chance. (No memcmp: a fuzzing engine learns from each, and this is no choice of
 * the driver's.) */
static bool was_changed(const struct part *part, uint32_t i)
{
    uint32_t at = i / WORD * WORD, end = part->bytes - at < WORD ? part->bytes : at + WORD;

    while (at < end && part->seen[at] == part->pattern[at])
        at++;
    return at < end;
}

enum verdict { RIGHT, WRONG, BY_HAND };

static enum verdict look(const struct part *part, uint32_t i, bool write)
{
    bool equal = part->truth[i] == (write ? part->pattern[i] : part->seen[i]);

    if (equal)
        return RIGHT;
    if (was_mapped(part, i))
        return WRONG;
    return write || was_changed(part, i) ? BY_HAND : WRONG;
}

/* Nothing but right bytes: the fast way for the usual case. */
static bool all_right(const struct part *part, bool write)
{
    return memcmp(part->truth, write ? part->pattern : part->seen, part->bytes) == 0;
}

void ft_buffer_compare(void *va, uint32_t bytes, bool write, uint32_t by_hand, uint32_t *equal,
                       uint32_t *first)
{
    struct part part;

    FT_ASSERT(ft_buffer_at(va) && bytes <= ft_buffer_at(va)->bytes);
    *equal = bytes;
    *first = bytes;
    for (uint32_t from = 0; from < bytes; from += part.bytes) {
        take_part(&part, va, from, bytes);
        for (uint32_t i = all_right(&part, write) ? part.bytes : 0; i < part.bytes; i++) {
            enum verdict verdict = look(&part, i, write);

            if (verdict == RIGHT || (verdict == BY_HAND && (!write || by_hand > 0))) {
                by_hand -= verdict == BY_HAND && write;
                continue;
            }
            if (*first == bytes)
                *first = from + i;
            --*equal;
        }
    }
}

uint32_t ft_buffer_by_hand(const void *va, uint32_t bytes, bool write, uint32_t by_hand)
{
    uint32_t count = 0;
    struct part part;

    for (uint32_t from = 0; from < bytes; from += part.bytes) {
        take_part(&part, va, from, bytes);
        for (uint32_t i = all_right(&part, write) ? part.bytes : 0; i < part.bytes; i++)
            count += look(&part, i, write) == BY_HAND;
    }
    return write && count > by_hand ? by_hand : count;
}

void ft_buffer_mapped(const void *va, uint32_t bytes)
{
    struct ft_dma_buffer *buffer = ft_buffer_at(va);
    uint32_t from;

    if (!buffer)
        return;
    from = (uint32_t)((uintptr_t)va - (uintptr_t)ft_frame_address(buffer->frame)) -
           buffer->page_offset;
    if (buffer->mapped_from == buffer->mapped_to) {
        buffer->mapped_from = from;
        buffer->mapped_to = from + bytes;
    }
    if (from < buffer->mapped_from)
        buffer->mapped_from = from;
    if (from + bytes > buffer->mapped_to)
        buffer->mapped_to = from + bytes;
}

void ft_buffer_copy(void *to, const void *from, uint32_t bytes)
{
    struct ft_dma_buffer *target = ft_buffer_at(to);
    const struct ft_dma_buffer *source = ft_buffer_at(from);

    FT_ASSERT(target && source && bytes <= target->bytes && bytes <= source->bytes);
    ft_raw_copy(to, from, bytes);
    ft_raw_copy((uint8_t *)to + (FT_TRUTH_BASE - FT_CPU_VIEW_BASE), truth_of(from), bytes);
    ft_buffer_touched(to, bytes);
    target->mapped_from = source->mapped_from;
    target->mapped_to = source->mapped_to;
}
