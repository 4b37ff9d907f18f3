/* Frames: what stands between the bytes of a file and the sections of a trace.
 *
 * The content of every frame is a section: four letters, the length of the rest (u32), the rest. So
 * the output of `zstd -dc` can be taken apart without knowing where frames began.
 */
#ifndef FT_TRACE_FRAME_H
#define FT_TRACE_FRAME_H

#include "trace/byte_stream.h"

#define FT_SECTION_HEADER  "FTR1"
#define FT_SECTION_EVENTS  "FTEV"
#define FT_SECTION_VERDICT "FTVD"
#define FT_SECTION_CORPUS  "FTC1" /* the head of a corpus */

enum {
    FT_SECTION_HEAD_BYTES = 8,
    FT_HEADER_BYTES_MAX =
        8 << 20, /* content of the header frame, whose size is that of the site table */
    FT_BLOCK_BYTES_MAX = 1 << 20, /* content of any other frame */
    FT_ZSTD_LEVEL = 3
};

#endif
