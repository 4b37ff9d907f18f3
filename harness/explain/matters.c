#include "explain/matters.h"

#include "explain/continuation.h"

#include "sim/handle.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3 };

/* Objects that one request has to itself; others (adapters, devices, locks) are of many. */
static bool is_of_a_request(uint64_t object)
{
    switch (ft_handle_class(object)) {
    case FT_HC_IRP:
    case FT_HC_MDL:
    case FT_HC_GRANT:
    case FT_HC_MAPPING:
    case FT_HC_SGLIST:
    case FT_HC_CONTEXT:
    case FT_HC_WDF_REQUEST:
    case FT_HC_WDF_TRANSACTION:
    case FT_HC_SRB:
        return true;
    default:
        return false;
    }
}

static bool is_dma(const struct ft_event *event)
{
    return strncmp(ft_event_row(event->kind)->name, "dma:", 4) == 0;
}

/* Events that tie objects together. */
static bool ties(const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_IRP_NEW:
    case FT_EV_WDF_REQUEST_NEW:
    case FT_EV_WDF_TX_INIT:
    case FT_EV_WDF_TX_EXECUTE:
    case FT_EV_WDF_TX_PROGRAM:
    case FT_EV_SCSI_SRB:
    case FT_EV_DISK_SRB:
        return true;
    default:
        return is_dma(event);
    }
}

/* Events that move a request or its transfer on. */
static bool moves_on(const struct ft_event *event)
{
    static const char *const names[] = {
        "dma:",         "irp:new",       "irp:pending",   "irp:cancel",   "irp:set-cancel",
        "irp:complete", "irp:done",      "csq:",          "io:start-",    "mdl:",
        "data:",        "wdf:request",   "wdf:tx",        "wdf:complete", "wdf:mark",
        "wdf:unmark",   "wdf:canceled",  "wdf:forward",   "wdf:io-stop",  "wdf:stop-ack",
        "scsi:srb",     "scsi:start-io", "scsi:complete", "scsi:map",     "scsi:flush",
        "scsi:dma-",    "scsi:ended",    "disk:",         "run:",
    };
    const char *name = ft_event_row(event->kind)->name;

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static bool has(const struct ft_matters *matters, uint64_t object)
{
    for (unsigned i = 0; i < matters->object_count; i++)
        if (matters->object[i] == object)
            return true;
    return false;
}

static bool add(struct ft_matters *matters, uint64_t object)
{
    object = ft_handle_object(object);
    if (object == 0 || has(matters, object) || matters->object_count == FT_MATTERS_OBJECTS)
        return false;
    matters->object[matters->object_count++] = object;
    return true;
}

/* Calls for each object that the event's arguments name. */
static uint64_t argument(const struct ft_event *event, unsigned index)
{
    const struct ft_event_row *row = ft_event_row(event->kind);

    return row && index < row->argc && row->arg_type[index] == FT_ARG_HANDLE
               ? ft_handle_object(event->arg[index])
               : 0;
}

static bool names_one(const struct ft_matters *matters, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_EVENT_ARGS_MAX; i++)
        if (argument(event, i) && has(matters, argument(event, i)))
            return true;
    return false;
}

static bool serves_one(const struct ft_matters *matters, const struct ft_event *event)
{
    return event->request && has(matters, ft_handle(FT_HC_IRP, event->request, 0));
}

static bool add_arguments(struct ft_matters *matters, const struct ft_event *event)
{
    bool any = false;

    for (unsigned i = 0; i < FT_EVENT_ARGS_MAX; i++)
        any |= is_of_a_request(argument(event, i)) && add(matters, argument(event, i));
    return any;
}

static void gather(const struct ft_trace *trace, uint64_t rule_event, struct ft_matters *ret)
{
    const struct ft_event *at = rule_event ? &trace->event[rule_event - 1] : NULL;
    bool more = true;

    if (trace->verdict.finding_count)
        add(ret, trace->verdict.finding[0].object);
    if (at && at->request)
        add(ret, ft_handle(FT_HC_IRP, at->request, 0));
    if (at)
        add_arguments(ret, at);
    for (unsigned round = 0; round < ROUNDS && more; round++) {
        more = false;
        for (uint64_t i = 0; i < rule_event; i++) {
            const struct ft_event *event = &trace->event[i];

            if (ties(event) && (names_one(ret, event) || (is_dma(event) && serves_one(ret, event))))
                more |= add_arguments(ret, event);
        }
    }
}

static bool matters(const struct ft_matters *known, const struct ft_trace *trace,
                    const struct ft_event *event)
{
    uint64_t object = trace->verdict.finding_count ? trace->verdict.finding[0].object : 0;

    if (ft_is_op_strike(event))
        return true;
    if (moves_on(event) && (names_one(known, event) || (is_dma(event) && serves_one(known, event))))
        return true;
    /* Of what many share only what happens to that one itself. */
    if (object == 0 || is_of_a_request(object) || ft_handle_class(object) == FT_HC_DEVICE)
        return false;
    for (unsigned i = 0; i < FT_EVENT_ARGS_MAX; i++)
        if (argument(event, i) == ft_handle_object(object))
            return true;
    return false;
}

/* The first few and the last ones. */
static void note(struct ft_matters *ret, uint64_t number)
{
    if (ret->event_count == FT_MATTERS_EVENTS) {
        memmove(&ret->event[FT_MATTERS_FIRST], &ret->event[FT_MATTERS_FIRST + 1],
                (FT_MATTERS_EVENTS - FT_MATTERS_FIRST - 1) * sizeof ret->event[0]);
        ret->event_count--;
        ret->left_out++;
    }
    ret->event[ret->event_count++] = number;
}

/* In its place, if it was left out. */
static void keep(struct ft_matters *ret, uint64_t number)
{
    unsigned at = 0;

    while (at < ret->event_count && ret->event[at] < number)
        at++;
    if (number == 0 || (at < ret->event_count && ret->event[at] == number))
        return;
    if (ret->event_count == FT_MATTERS_EVENTS) {
        at = at < ret->event_count ? at : ret->event_count - 1;
        ret->event[at] = number;
        return;
    }
    memmove(&ret->event[at + 1], &ret->event[at], (ret->event_count - at) * sizeof ret->event[0]);
    ret->event[at] = number;
    ret->event_count++;
    ret->left_out -= ret->left_out > 0;
}

void ft_matters_read(const struct ft_trace *trace, uint64_t rule_event, uint64_t point,
                     struct ft_matters *ret)
{
    memset(ret, 0, sizeof *ret);
    gather(trace, rule_event, ret);
    for (uint64_t i = 0; i < rule_event; i++)
        if (i + 1 == rule_event || i + 1 == point || matters(ret, trace, &trace->event[i]))
            note(ret, i + 1);
    keep(ret, point);
}
