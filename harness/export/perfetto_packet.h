/* Packets of Perfetto's trace format, written one by one.
 *
 * Annotations and flows are gathered first and go with the packet that is put next.
 */
#ifndef FT_PERFETTO_PACKET_H
#define FT_PERFETTO_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ft_packet_type {
    FT_PACKET_BEGIN = 1, /* as TrackEvent.Type has them */
    FT_PACKET_END,
    FT_PACKET_INSTANT,
    FT_PACKET_COUNTER
};

enum { FT_ANNOTATIONS_MAX = 16, FT_ANNOTATION_BYTES = 256 };

/* Begin with {.out = stream}; the rest is private. */
struct ft_packets {
    FILE *out;
    bool failed; /* out of memory */
    bool begun;
    uint8_t *bytes; /* of one packet; owned */
    size_t room;
    unsigned annotations;
    const char *annotation_name[FT_ANNOTATIONS_MAX]; /* borrowed until the packet is put */
    char annotation_text[FT_ANNOTATIONS_MAX][FT_ANNOTATION_BYTES];
    uint64_t annotation_number[FT_ANNOTATIONS_MAX];
    bool annotation_is_number[FT_ANNOTATIONS_MAX];
    uint64_t *flow, *ending_flow; /* owned */
    size_t flows, ending_flows, flow_room, ending_flow_room;
};

/* Describes a track: a process, a counter in some unit ("ns": nanoseconds), or one of slices.
 * `rank` orders the children of a track. */
void ft_packets_process(struct ft_packets *packets, uint64_t track, const char *name);
void ft_packets_track(struct ft_packets *packets, uint64_t track, uint64_t parent, const char *name,
                      int rank);
void ft_packets_counter(struct ft_packets *packets, uint64_t track, uint64_t parent,
                        const char *name, const char *unit, int rank);

/* Gathers; those beyond FT_ANNOTATIONS_MAX are left out. `name` is a static string. */
void ft_packets_text(struct ft_packets *packets, const char *name, const char *text);
void ft_packets_number(struct ft_packets *packets, const char *name, uint64_t number);
void ft_packets_flow(struct ft_packets *packets, uint64_t flow, bool ends);

/* An event on a track; an end has no name. */
void ft_packets_put(struct ft_packets *packets, enum ft_packet_type type, uint64_t time,
                    uint64_t track, const char *name);
void ft_packets_value(struct ft_packets *packets, uint64_t time, uint64_t track, int64_t value);

void ft_packets_free(struct ft_packets *packets);

#endif
