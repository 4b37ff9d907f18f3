/* The seek table at the end of a trace. */
#include "trace/seek_table.h"

#include <stdlib.h>
#include <string.h>

enum { FOOTER_BYTES = 9, DESCRIPTOR_NO_CHECKSUMS = 0 };

void ft_seek_table_add(struct ft_seek_table *table, uint32_t compressed, uint32_t content)
{
    ft_out_u32(&table->entry, compressed);
    ft_out_u32(&table->entry, content);
    table->count++;
}

void ft_seek_table_write(const struct ft_seek_table *table, struct ft_bytes_out *out)
{
    ft_out_u32(out, FT_SEEK_FRAME_MAGIC);
    ft_out_u32(out, (uint32_t)table->entry.length + FOOTER_BYTES);
    ft_out_bytes(out, table->entry.bytes, table->entry.length);
    ft_out_u32(out, table->count);
    ft_out_byte(out, DESCRIPTOR_NO_CHECKSUMS);
    ft_out_u32(out, FT_SEEK_FOOTER_MAGIC);
    out->failed |= table->entry.failed;
}

bool ft_seek_table_ends(const uint8_t *bytes, size_t length)
{
    static const uint8_t magic[] = {0xB1, 0xEA, 0x92, 0x8F};

    return length >= sizeof(magic) &&
           memcmp(bytes + length - sizeof(magic), magic, sizeof(magic)) == 0;
}

void ft_seek_table_deinit(struct ft_seek_table *table)
{
    free(table->entry.bytes);
    *table = (struct ft_seek_table){0};
}
