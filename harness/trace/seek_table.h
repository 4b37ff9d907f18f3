/* The seek table at the end of a trace: zstd's seekable format, version 0.1.0, without checksums of
 * its own (every frame has one). It is a skippable frame, so `zstd -dc` passes over it.
 */
#ifndef FT_SEEK_TABLE_H
#define FT_SEEK_TABLE_H

#include "trace/byte_stream.h"

#define FT_SEEK_FRAME_MAGIC  0x184D2A5EU
#define FT_SEEK_FOOTER_MAGIC 0x8F92EAB1U

/* Sizes of the frames of a file, in order; zero-initialised. */
struct ft_seek_table {
    struct ft_bytes_out entry; /* two u32 per frame: bytes compressed, bytes of content */
    uint32_t count;
};

void ft_seek_table_add(struct ft_seek_table *table, uint32_t compressed, uint32_t content);

/* Appends the skippable frame. */
void ft_seek_table_write(const struct ft_seek_table *table, struct ft_bytes_out *out);

/* True when the bytes end with the footer's magic, so that they are no cut-off file. */
bool ft_seek_table_ends(const uint8_t *bytes, size_t length);

void ft_seek_table_deinit(struct ft_seek_table *table);

#endif
