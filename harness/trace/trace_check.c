/* What a trace may hold. */
#include "trace/trace_check.h"

enum { DIGIT_MAX = 254, ACCESSES_MAX = 65024 };

const char *ft_check_event_shape(unsigned kind, unsigned words, unsigned unknown, unsigned layer)
{
    const struct ft_event_row *row = ft_event_row(kind);
    unsigned arguments;

    if (row == NULL) {
        return "no event has this number";
    }
    /* Fewer words than the row: written before the row got its last arguments. A text is last and
     * whole. */
    if (words != row->words && words >= row->argc) {
        return "the event has another number of argument words";
    }
    arguments = words == row->words ? row->argc : words;
    if (unknown >> arguments != 0) {
        return "an argument is unknown that the event does not have";
    }
    return layer < FT_LAYER_COUNT ? NULL : "no such layer";
}

const char *ft_check_event(const struct ft_event *event)
{
    const char *reason =
        ft_check_event_shape(event->kind, event->argc, event->unknown, event->layer);
    const struct ft_event_row *row = ft_event_row(event->kind);

    if (reason != NULL) {
        return reason;
    }
    if (event->reserved != 0) {
        return "reserved is not zero";
    }
    for (unsigned word = 0; word < FT_EVENT_ARGS_MAX; word++) {
        if (word >= event->argc && event->arg[word] != 0) {
            return "a word beyond the arguments is not zero";
        }
        if ((event->unknown >> ft_word_argument(row, word) & 1) != 0 && event->arg[word] != 0) {
            return "an unknown argument is not zero";
        }
    }
    return NULL;
}

const char *ft_check_op(const struct ft_op *op)
{
    const struct ft_op_row *row = ft_op_row(op->kind);

    if (row == NULL) {
        return "no op has this number";
    }
    if (op->label > FT_LABEL_MAX || op->moment.target > FT_LABEL_MAX) {
        return "a label is out of range";
    }
    if (op->moment.count > DIGIT_MAX || op->moment.accesses > ACCESSES_MAX) {
        return "a moment is out of range";
    }
    if (op->moment.point != 0 && ft_point_name(op->moment.point) == NULL) {
        return "no point has this number";
    }
    if ((op->device != 0 && !ft_op_is_of_device(op->kind)) ||
        (op->moment.device != 0 && (op->moment.target != 0 || op->moment.count == 0))) {
        return "a device is named where none can be meant";
    }
    for (unsigned i = 0; i < FT_OP_ARGS_MAX; i++) {
        if (op->arg[i] > (i < row->argc ? row->arg_max[i] : 0)) {
            return "an argument of an op is out of range";
        }
    }
    return NULL;
}

const char *ft_check_platform(const struct ft_platform *platform)
{
#define KNOB(field, name, maximum, sentence)                                                       \
    if (platform->field > (maximum)) {                                                             \
        return "platform knob " name " is out of range";                                           \
    }
    FT_PLATFORM_KNOBS(KNOB)
#undef KNOB
    return NULL;
}

static const char *check_findings(const struct ft_finding *finding, uint32_t count,
                                  uint64_t event_count)
{
    if (count > FT_FINDINGS_MAX) {
        return "too many findings";
    }
    for (uint32_t i = 0; i < count; i++) {
        if (finding[i].event > event_count) {
            return "a finding names an event that is not there";
        }
    }
    return NULL;
}

const char *ft_check_verdict(const struct ft_verdict *verdict, uint64_t event_count)
{
    const char *reason;

    switch (verdict->kind) {
#define VD(number, symbol, name) case FT_VERDICT_##symbol:
        FT_VERDICTS(VD)
#undef VD
        break;
    default:
        return "no verdict has this number";
    }
    reason = check_findings(verdict->finding, verdict->finding_count, event_count);
    if (reason == NULL) {
        reason = check_findings(verdict->warning, verdict->warning_count, event_count);
    }
    return reason;
}
