/* Suspended rules, event by event. */
#include "report/suspension.h"
#include "trace/event_text.h"

#include <stdlib.h>
#include <string.h>

bool ft_watch_begin(struct ft_watch *watch, bool keep_going)
{
    memset(watch, 0, sizeof(*watch));
    watch->rules = calloc(1, ft_rules_state_bytes());
    if (watch->rules == NULL) {
        return false;
    }
    ft_rules_init(watch->rules, keep_going, 0);
    return true;
}

void ft_watch_end(struct ft_watch *watch)
{
    free(watch->rules);
    watch->rules = NULL;
}

static const struct ft_suspended *find(const struct ft_watch *watch, uint64_t object, unsigned need)
{
    for (unsigned i = 0; i < watch->count; i++) {
        const struct ft_suspended *one = &watch->list[i];

        if (one->object == object && one->need == need && one->until == 0) {
            return one;
        }
    }
    return NULL;
}

/* Makes room by forgetting the oldest that is over. */
static bool make_room(struct ft_watch *watch)
{
    for (unsigned i = 0; watch->count == FT_SUSPENDED_MAX && i < watch->count; i++) {
        if (watch->list[i].until != 0) {
            memmove(&watch->list[i], &watch->list[i + 1],
                    (watch->count - i - 1) * sizeof(watch->list[0]));
            watch->count--;
        }
    }
    return watch->count < FT_SUSPENDED_MAX;
}

static bool add(struct ft_watch *watch, uint64_t object, unsigned need)
{
    if (find(watch, object, need) != NULL || !make_room(watch)) {
        return false;
    }
    watch->list[watch->count++] = (struct ft_suspended){
        .object = object, .need = need, .since = watch->events, .framework = watch->framework};
    return true;
}

static bool still_broken(const struct ft_suspended *one, const struct ft_suspension *now,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (now[i].object == one->object && (now[i].needs & one->need) != 0) {
            return true;
        }
    }
    return false;
}

bool ft_watch_event(struct ft_watch *watch, const struct ft_event *event)
{
    struct ft_suspension now[FT_SUSPENDED_MAX];
    bool changed = false;
    size_t count;

    ft_rules_event(watch->rules, event);
    watch->events++;
    watch->framework = watch->framework || event->layer == FT_LAYER_FRAMEWORK;
    count = ft_rules_suspensions(watch->rules, now, FT_SUSPENDED_MAX);
    for (unsigned i = 0; i < watch->count; i++) {
        struct ft_suspended *one = &watch->list[i];

        if (one->until == 0 && !still_broken(one, now, count)) {
            one->until = watch->events;
            changed = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (unsigned bit = 1; bit <= now[i].needs; bit <<= 1) {
            if ((now[i].needs & bit) != 0) {
                changed |= add(watch, now[i].object, bit);
            }
        }
    }
    return changed;
}

bool ft_suspends(const struct ft_suspended *one, const struct ft_rule_row *row)
{
    return row->judged && (row->needs & one->need) != 0 &&
           (one->framework || row->cut != FT_CUT_KMDF);
}

static unsigned count_rules(const struct ft_suspended *one)
{
    unsigned count = 0;

    for (size_t i = 0; i < ft_rule_count(); i++) {
        count += ft_suspends(one, ft_rule_at(i));
    }
    return count;
}

void ft_suspended_print_rules(const struct ft_suspended *one, char *text, size_t capacity)
{
    size_t length = 0;

    text[0] = '\0';
    for (size_t i = 0; i < ft_rule_count() && length < capacity; i++) {
        const struct ft_rule_row *row = ft_rule_at(i);

        if (ft_suspends(one, row)) {
            length += (size_t)snprintf(text + length, capacity - length, "%s%s",
                                       length != 0 ? ", " : "", row->id);
        }
    }
}

size_t ft_suspended_print(const struct ft_suspended *one, char *text, size_t capacity)
{
    const char *need = ft_need_name(one->need);
    unsigned count = count_rules(one);
    char object[FT_VALUE_NAME_MAX] = "everything";

    if (one->object != 0) {
        ft_value_print(FT_ARG_HANDLE, one->object, object, sizeof(object));
    }
    return (size_t)snprintf(text, capacity, "%s: %u rule%s that need%s %s", object, count,
                            count == 1 ? "" : "s", count == 1 ? "s" : "",
                            need != NULL ? need : "?");
}
