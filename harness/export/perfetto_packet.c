/* Packets of Perfetto's trace format, through protobuf-c. */
#include "export/perfetto_packet.h"

#include <perfetto.pb-c.h>
#include <stdlib.h>
#include <string.h>

enum { SEQUENCE = 1, STATE_CLEARED = 1, ORDER_EXPLICIT = 3, UNIT_NANOSECONDS = 1, PID = 1 };

/* A trace of one packet; traces one behind another are one trace. */
static void put_packet(struct ft_packets *packets, FtPerfetto__TracePacket *packet)
{
    FtPerfetto__Trace trace = FT_PERFETTO__TRACE__INIT;
    size_t length;

    packet->has_trusted_packet_sequence_id = 1;
    packet->trusted_packet_sequence_id = SEQUENCE;
    if (!packets->begun) {
        packets->begun = true;
        packet->has_sequence_flags = 1;
        packet->sequence_flags = STATE_CLEARED;
    }
    trace.n_packet = 1;
    trace.packet = &packet;
    length = ft_perfetto__trace__get_packed_size(&trace);
    if (length > packets->room) {
        uint8_t *bytes = realloc(packets->bytes, 2 * length);

        if (bytes == NULL) {
            packets->failed = true;
            return;
        }
        packets->bytes = bytes;
        packets->room = 2 * length;
    }
    ft_perfetto__trace__pack(&trace, packets->bytes);
    fwrite(packets->bytes, 1, length, packets->out);
}

/* ---- tracks ---- */

static void put_descriptor(struct ft_packets *packets, FtPerfetto__TrackDescriptor *track,
                           uint64_t number, uint64_t parent, int rank)
{
    FtPerfetto__TracePacket packet = FT_PERFETTO__TRACE_PACKET__INIT;

    track->has_uuid = 1;
    track->uuid = number;
    track->has_parent_uuid = parent != 0;
    track->parent_uuid = parent;
    track->has_child_ordering = 1;
    track->child_ordering = ORDER_EXPLICIT;
    track->has_sibling_order_rank = 1;
    track->sibling_order_rank = rank;
    packet.track_descriptor = track;
    put_packet(packets, &packet);
}

void ft_packets_process(struct ft_packets *packets, uint64_t track, const char *name)
{
    FtPerfetto__TrackDescriptor descriptor = FT_PERFETTO__TRACK_DESCRIPTOR__INIT;
    FtPerfetto__ProcessDescriptor process = FT_PERFETTO__PROCESS_DESCRIPTOR__INIT;

    process.has_pid = 1;
    process.pid = PID;
    process.process_name = (char *)name;
    descriptor.process = &process;
    put_descriptor(packets, &descriptor, track, 0, 0);
}

void ft_packets_track(struct ft_packets *packets, uint64_t track, uint64_t parent, const char *name,
                      int rank)
{
    FtPerfetto__TrackDescriptor descriptor = FT_PERFETTO__TRACK_DESCRIPTOR__INIT;

    descriptor.name = (char *)name;
    put_descriptor(packets, &descriptor, track, parent, rank);
}

void ft_packets_counter(struct ft_packets *packets, uint64_t track, uint64_t parent,
                        const char *name, const char *unit, int rank)
{
    FtPerfetto__TrackDescriptor descriptor = FT_PERFETTO__TRACK_DESCRIPTOR__INIT;
    FtPerfetto__CounterDescriptor counter = FT_PERFETTO__COUNTER_DESCRIPTOR__INIT;

    if (strcmp(unit, "ns") == 0) {
        counter.has_unit = 1;
        counter.unit = UNIT_NANOSECONDS;
    } else {
        counter.unit_name = (char *)unit;
    }
    descriptor.name = (char *)name;
    descriptor.counter = &counter;
    put_descriptor(packets, &descriptor, track, parent, rank);
}

/* ---- what goes with the next packet ---- */

void ft_packets_text(struct ft_packets *packets, const char *name, const char *text)
{
    unsigned i = packets->annotations;

    if (i == FT_ANNOTATIONS_MAX) {
        return;
    }
    packets->annotation_name[i] = name;
    packets->annotation_is_number[i] = false;
    snprintf(packets->annotation_text[i], FT_ANNOTATION_BYTES, "%s", text);
    packets->annotations++;
}

void ft_packets_number(struct ft_packets *packets, const char *name, uint64_t number)
{
    unsigned i = packets->annotations;

    if (i == FT_ANNOTATIONS_MAX) {
        return;
    }
    packets->annotation_name[i] = name;
    packets->annotation_is_number[i] = true;
    packets->annotation_number[i] = number;
    packets->annotations++;
}

static bool append(uint64_t **list, size_t *count, size_t *room, uint64_t value)
{
    if (*count == *room) {
        size_t wider = *room != 0 ? 2 * *room : 16;
        uint64_t *more = realloc(*list, wider * sizeof(*more));

        if (more == NULL) {
            return false;
        }
        *list = more;
        *room = wider;
    }
    (*list)[(*count)++] = value;
    return true;
}

void ft_packets_flow(struct ft_packets *packets, uint64_t flow, bool ends)
{
    bool ok = ends ? append(&packets->ending_flow, &packets->ending_flows,
                            &packets->ending_flow_room, flow)
                   : append(&packets->flow, &packets->flows, &packets->flow_room, flow);

    packets->failed = packets->failed || !ok;
}

/* ---- events ---- */

void ft_packets_put(struct ft_packets *packets, enum ft_packet_type type, uint64_t time,
                    uint64_t track, const char *name)
{
    FtPerfetto__TracePacket packet = FT_PERFETTO__TRACE_PACKET__INIT;
    FtPerfetto__TrackEvent event = FT_PERFETTO__TRACK_EVENT__INIT;
    FtPerfetto__DebugAnnotation annotation[FT_ANNOTATIONS_MAX];
    FtPerfetto__DebugAnnotation *annotations[FT_ANNOTATIONS_MAX];

    for (unsigned i = 0; i < packets->annotations; i++) {
        ft_perfetto__debug_annotation__init(&annotation[i]);
        annotation[i].name = (char *)packets->annotation_name[i];
        annotation[i].has_uint_value = packets->annotation_is_number[i];
        annotation[i].uint_value = packets->annotation_number[i];
        annotation[i].string_value =
            packets->annotation_is_number[i] ? NULL : packets->annotation_text[i];
        annotations[i] = &annotation[i];
    }
    event.n_debug_annotations = packets->annotations;
    event.debug_annotations = annotations;
    event.n_flow_ids = packets->flows;
    event.flow_ids = packets->flow;
    event.n_terminating_flow_ids = packets->ending_flows;
    event.terminating_flow_ids = packets->ending_flow;
    event.has_type = 1;
    event.type = (FtPerfetto__TrackEvent__Type)type;
    event.has_track_uuid = 1;
    event.track_uuid = track;
    event.name = (char *)name;
    packet.has_timestamp = 1;
    packet.timestamp = time;
    packet.track_event = &event;
    put_packet(packets, &packet);
    packets->annotations = 0;
    packets->flows = 0;
    packets->ending_flows = 0;
}

void ft_packets_value(struct ft_packets *packets, uint64_t time, uint64_t track, int64_t value)
{
    FtPerfetto__TracePacket packet = FT_PERFETTO__TRACE_PACKET__INIT;
    FtPerfetto__TrackEvent event = FT_PERFETTO__TRACK_EVENT__INIT;

    event.has_type = 1;
    event.type = FT_PERFETTO__TRACK_EVENT__TYPE__COUNTER;
    event.has_track_uuid = 1;
    event.track_uuid = track;
    event.has_counter_value = 1;
    event.counter_value = value;
    packet.has_timestamp = 1;
    packet.timestamp = time;
    packet.track_event = &event;
    put_packet(packets, &packet);
}

void ft_packets_free(struct ft_packets *packets)
{
    free(packets->bytes);
    free(packets->flow);
    free(packets->ending_flow);
    *packets = (struct ft_packets){0};
}
