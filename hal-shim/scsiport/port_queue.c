/* The queues of units and adapter, and which request may go next (scsiport.md, section 10).
 *
 * A unit's queue is sorted by QueueSortKey and swept upwards: next is the first key that is not
 * below the last one's, or the lowest. The adapter's queue is first in, first out; it holds what no
 * unit's state holds back: aborts, resets and what the port sends to the adapter as a whole.
 *
 * One request a time goes to the HBA until it says NextRequest. A unit gets another one beside the
 * one it has only after NextLuRequest, and only if both are tagged.
 */
#include "scsiport/engine.h"

/* ---- queues ---- */

static struct ft_scsi_request **queue_of(const struct ft_scsi_request *request)
{
    if (request->own_completion == FT_SCSI_OWN_SENSE)
        return &request->unit->sense;
    return request->whole || !request->unit ? &request->adapter->queue : &request->unit->queue;
}

static ULONG key_of(const struct ft_scsi_request *request)
{
    return request->whole || !request->unit ? 0 : request->key;
}

void ft_scsi_enqueue(struct ft_scsi_request *request)
{
    struct ft_scsi_request **at = queue_of(request);

    while (*at && key_of(*at) <= key_of(request))
        at = &(*at)->next;
    request->state = FT_SCSI_REQUEST_QUEUED;
    request->next = *at;
    *at = request;
}

void ft_scsi_put_back(struct ft_scsi_request *request)
{
    struct ft_scsi_request **at = queue_of(request);

    while (*at && key_of(*at) < key_of(request))
        at = &(*at)->next;
    request->state = FT_SCSI_REQUEST_QUEUED;
    request->next = *at;
    *at = request;
}

void ft_scsi_take_out(struct ft_scsi_request *request)
{
    struct ft_scsi_request **at = queue_of(request);

    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    request->next = NULL;
}

bool ft_scsi_unqueue(struct ft_scsi_request *request)
{
    if (!ft_scsi_claim(request))
        return false;
    ft_scsi_take_out(request);
    return true;
}

struct ft_scsi_request *ft_scsi_take_queue(struct ft_scsi_adapter *adapter,
                                           struct ft_scsi_unit *unit)
{
    struct ft_scsi_request **at = unit ? &unit->queue : &adapter->queue;
    struct ft_scsi_request *first = NULL, **last = &first;

    while (*at) {
        struct ft_scsi_request *request = *at;

        if (!ft_scsi_unqueue(request)) {
            at = &request->next;
            continue;
        }
        *last = request;
        last = &request->next;
    }
    return first;
}

static struct ft_scsi_request *find_in(struct ft_scsi_request *list, const SCSI_REQUEST_BLOCK *srb)
{
    while (list && list->srb != srb)
        list = list->next;
    return list;
}

struct ft_scsi_request *ft_scsi_request_of(struct ft_scsi_adapter *adapter,
                                           const SCSI_REQUEST_BLOCK *srb)
{
    struct ft_scsi_request *found = find_in(adapter->queue, srb);

    for (struct ft_scsi_unit *unit = adapter->units; unit && !found; unit = unit->next) {
        found = find_in(unit->queue, srb);
        if (!found)
            found = find_in(unit->sense, srb);
    }
    for (struct ft_scsi_request *r = adapter->active; r && !found; r = r->active_next)
        if (r->srb == srb)
            found = r;
    return found;
}

/* ---- tags and counters ---- */

/* The HBA and the unit can have it beside others. */
static bool wants_tag(const struct ft_scsi_request *request)
{
    const SCSI_REQUEST_BLOCK *srb = request->srb;
    PPORT_CONFIGURATION_INFORMATION config = request->adapter->config;

    if (!request->unit || request->whole || request->own_completion == FT_SCSI_OWN_SENSE)
        return false;
    if (!(request->flags & (SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_NO_QUEUE_FREEZE)) ||
        ((request->flags | request->adapter->srb_flags) & SRB_FLAGS_DISABLE_DISCONNECT))
        return false;
    return srb->Function == SRB_FUNCTION_EXECUTE_SCSI &&
           (config->MultipleRequestPerLu || (config->TaggedQueuing && request->unit->tagged));
}

static bool tag_is_free(const struct ft_scsi_adapter *adapter, unsigned tag)
{
    for (const struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        if (r->tag == tag)
            return false;
    return true;
}

/* The next tag of the adapter that nobody has; 0: all are in use. */
static unsigned take_tag(struct ft_scsi_adapter *adapter)
{
    for (unsigned i = 0; i < FT_SCSI_TAG_MAX; i++) {
        adapter->tag_last = (uint8_t)(adapter->tag_last % FT_SCSI_TAG_MAX + 1);
        if (tag_is_free(adapter, adapter->tag_last))
            return adapter->tag_last;
    }
    return 0;
}

void ft_scsi_count(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    struct ft_scsi_unit *unit = request->unit;
    struct ft_scsi_request **last = &adapter->active;

    while (*last)
        last = &(*last)->active_next;
    *last = request;
    request->active_next = NULL;
    request->state = FT_SCSI_REQUEST_WAITS;
    adapter->active_count++;
    if (!unit || request->whole)
        return;
    unit->active_count++;
    unit->untagged_active += request->tag == 0;
    unit->lu_ready = 0;
}

void ft_scsi_uncount(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    struct ft_scsi_unit *unit = request->unit;
    struct ft_scsi_request **at = &adapter->active;

    while (*at && *at != request)
        at = &(*at)->active_next;
    FT_ASSERT(*at);
    *at = request->active_next;
    request->active_next = NULL;
    adapter->active_count--;
    if (unit && !request->whole) {
        unit->active_count--;
        unit->untagged_active -= request->tag == 0;
    }
    request->tag = 0;
    if (adapter->active_count < 0)
        ft_wake_waiters(&adapter->active_count, STATUS_SUCCESS, true);
}

/* ---- what may go next ---- */

/* Beside what the unit has. */
static bool fits(const struct ft_scsi_request *request)
{
    const struct ft_scsi_unit *unit = request->unit;

    if (unit->active_count == 0)
        return true;
    if (!unit->lu_ready)
        return false;
    if (request->own_completion == FT_SCSI_OWN_SENSE)
        return true;
    return wants_tag(request) && unit->untagged_active == 0;
}

/* Of the class driver, or sent by the port for somebody else. */
static bool is_of_others(const struct ft_scsi_request *request)
{
    return request->own_completion == FT_SCSI_OF_CLASS || request->waits;
}

/* Its cancel routine is about to take it. */
static bool is_cancelled(const struct ft_scsi_request *request)
{
    return request->irp && !request->irp->CancelRoutine;
}

static bool passes(const struct ft_scsi_request *request)
{
    const struct ft_scsi_unit *unit = request->unit;

    if (is_cancelled(request))
        return false;
    if (unit->adapter->held && is_of_others(request))
        return false;
    if (unit->locked && !(request->flags & SRB_FLAGS_BYPASS_LOCKED_QUEUE))
        return false;
    return !unit->frozen || (request->flags & SRB_FLAGS_BYPASS_FROZEN_QUEUE) != 0;
}

/* The first that nothing holds back, from the place where the sweep stands. */
static struct ft_scsi_request *next_of(const struct ft_scsi_unit *unit)
{
    struct ft_scsi_request *lowest = NULL;

    for (struct ft_scsi_request *r = unit->queue; r; r = r->next) {
        if (!passes(r))
            continue;
        if (r->key >= unit->sort_key)
            return r;
        if (!lowest)
            lowest = r;
    }
    return lowest;
}

static struct ft_scsi_request *candidate(const struct ft_scsi_unit *unit)
{
    struct ft_scsi_request *request = unit->sense;

    if (!request && unit->need_sense)
        return NULL;
    if (!request && unit->retry_wait)
        return NULL;
    if (!request)
        request = next_of(unit);
    return request && fits(request) ? request : NULL;
}

/* The units take turns: the next one is that with the next higher number, or the lowest. */
static bool comes_before(const struct ft_scsi_unit *a, const struct ft_scsi_unit *b, unsigned turn)
{
    bool a_wraps = a->index <= turn, b_wraps = b->index <= turn;

    return a_wraps != b_wraps ? b_wraps : a->index < b->index;
}

static struct ft_scsi_request *next_of_units(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_request *next = NULL;

    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        struct ft_scsi_request *request = candidate(unit);

        if (request && (!next || comes_before(unit, next->unit, adapter->turn)))
            next = request;
    }
    if (next)
        adapter->turn = next->unit->index;
    return next;
}

/* What is about another request or the bus ends what the adapter waits for until it is drained;
 * what comes later waits itself. */
static bool is_held(const struct ft_scsi_request *request)
{
    uint8_t held = request->adapter->held;

    return request->waits ? held != FT_SCSI_FREE : held == FT_SCSI_DRAINED && is_of_others(request);
}

/* The port's own abort, whose victim came back meanwhile. */
static bool is_late(const struct ft_scsi_request *request)
{
    return request->own_completion == FT_SCSI_OWN_ABORT &&
           request->victim->state != FT_SCSI_REQUEST_ACTIVE;
}

static struct ft_scsi_request *next_of_adapter(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_request *request = adapter->queue;

    while (request && (is_cancelled(request) || is_held(request) || is_late(request)))
        request = request->next;
    return request;
}

/* Tag and SRB extension. False: there is none now; a completion will try again. */
static bool equip(struct ft_scsi_request *request)
{
    unsigned tag = 0;

    if (wants_tag(request)) {
        tag = take_tag(request->adapter);
        if (tag == 0)
            return false;
    }
    if (!ft_scsi_extension_take(request))
        return false;
    request->tag = (uint8_t)tag;
    return true;
}

struct ft_scsi_request *ft_scsi_pick(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_request *request;

    if (adapter->busy || adapter->hold_ticks > 0 || adapter->state != FT_SCSI_RUNNING)
        return NULL;
    request = next_of_adapter(adapter);
    if (!request)
        request = next_of_units(adapter);
    if (!request || !equip(request))
        return NULL;
    ft_scsi_unqueue(request);
    if (request->unit && !request->whole && request->own_completion == FT_SCSI_OF_CLASS)
        request->unit->sort_key = request->key;
    adapter->busy = 1;
    return request;
}
