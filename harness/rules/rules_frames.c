/* Frames and objects, and what several families ask of them. */
#include "rules/rules_io.h"

#include <string.h>

/* ---- frames ---- */

struct ft_rs_frame *ft_frame_in(struct ft_rules *rules, const struct ft_event *event,
                                enum ft_routine routine)
{
    for (unsigned i = rules->frames; i-- > 0;) {
        struct ft_rs_frame *frame = &rules->frame[i];

        if (frame->task == ft_task_of(event) && frame->routine == routine) {
            return frame;
        }
    }
    return NULL;
}

struct ft_rs_frame *ft_frame_top(struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = rules->frames; i-- > 0;) {
        if (rules->frame[i].task == ft_task_of(event)) {
            return &rules->frame[i];
        }
    }
    return NULL;
}

struct ft_rs_frame *ft_frame_just_in(struct ft_rules *rules, const struct ft_event *event,
                                     enum ft_routine routine)
{
    struct ft_rs_frame *frame = ft_frame_top(rules, event);

    return frame != NULL && frame->routine == routine ? frame : NULL;
}

struct ft_rs_frame *ft_frame_dispatch(struct ft_rules *rules, const struct ft_event *event,
                                      unsigned major, int minor)
{
    struct ft_rs_frame *frame = ft_frame_in(rules, event, FT_ROUTINE_DISPATCH);

    return frame != NULL && frame->major == major && (minor < 0 || frame->minor == minor) ? frame
                                                                                          : NULL;
}

unsigned ft_frame_depth(const struct ft_rules *rules, const struct ft_event *event)
{
    unsigned depth = 0;

    for (unsigned i = 0; i < rules->frames; i++) {
        depth += rules->frame[i].task == ft_task_of(event);
    }
    return depth;
}

/* Frames stand in the order of their entries, so the last one of a task is its innermost. */
static void drop_frame(struct ft_rules *rules, unsigned index)
{
    if ((rules->frame[index].flags & FT_FRAME_IDLE) != 0 && rules->idle_inserts > 0) {
        rules->idle_inserts--;
    }
    rules->frames--;
    memmove(&rules->frame[index], &rules->frame[index + 1],
            (rules->frames - index) * sizeof(rules->frame[0]));
    memset(&rules->frame[rules->frames], 0, sizeof(rules->frame[0]));
}

/* What a frame is about: the object of the event, or the request of the task. */
static uint32_t object_of(const struct ft_event *event)
{
    return ft_handle_class(event->arg[1]) != 0 ? ft_arg_id(event, 1) : event->request;
}

/* The IRP with which the DPC was queued that this task runs. */
static uint16_t irp_of_dpc(const struct ft_rules *rules, const struct ft_event *event)
{
    for (unsigned i = 0; i < FT_RS_DPCS; i++) {
        const struct ft_rs_dpc *dpc = &rules->dpc[i];

        if (dpc->id != 0 && (dpc->flags & FT_DPC_RUNNING) != 0 && dpc->task == event->task) {
            return (uint16_t)dpc->irp;
        }
    }
    return 0;
}

static void push_frame(struct ft_rules *rules, const struct ft_event *event)
{
    struct ft_rs_frame *frame = &rules->frame[rules->frames];

    if (rules->frames == FT_RS_FRAMES) {
        ft_rules_overflow(rules, FT_RS_TABLE_FRAME);
        return;
    }
    rules->frames++;
    *frame = (struct ft_rs_frame){.task = ft_task_of(event),
                                  .flags = event->irql >= FT_IRQL_DISPATCH ? FT_FRAME_RAISED : 0,
                                  .object = object_of(event),
                                  .level = rules->cancel_known ? rules->cancel_old : UINT8_MAX,
                                  .routine = (uint8_t)event->arg[0],
                                  .major = (uint8_t)(event->arg[2] >> 8),
                                  .minor = (uint8_t)event->arg[2]};
    if (event->arg[0] == FT_ROUTINE_DPC || event->arg[0] == FT_ROUTINE_TIMER_DPC) {
        frame->irp = irp_of_dpc(rules, event);
    }
    if (event->arg[0] == FT_ROUTINE_ISR) {
        struct ft_rs_device *root = ft_rs_root(rules, event->device);

        if ((root->more & (FT_HW_LINE_UP | FT_HW_INTERRUPTED)) != 0) {
            frame->flags |= FT_FRAME_INTERRUPT;
        }
        root->more = (uint16_t)(root->more & ~FT_HW_INTERRUPTED);
    }
    if (event->arg[0] == FT_ROUTINE_DRIVER_ENTRY || event->arg[0] == FT_ROUTINE_ADD_DEVICE) {
        rules->whole = 1;
    }
}

void ft_frames_note(struct ft_rules *rules, const struct ft_event *event)
{
    if (event->kind == FT_EV_CALL_ENTER) {
        push_frame(rules, event);
    } else if (event->kind == FT_EV_CALL_LEAVE) {
        const struct ft_rs_frame *frame = ft_frame_in(rules, event, event->arg[0]);

        if (frame != NULL) {
            drop_frame(rules, (unsigned)(frame - rules->frame));
        }
    } else if (event->kind == FT_EV_TASK_END) {
        for (unsigned i = rules->frames; i-- > 0;) {
            if (rules->frame[i].task == ft_arg_id(event, 0)) {
                drop_frame(rules, i);
            }
        }
    } else if (event->kind == FT_EV_RUN_TAIL) {
        rules->tail = 1;
    }
}

/* ---- objects ---- */

struct ft_rs_object *ft_rs_object_find(struct ft_rules *rules, enum ft_handle_class class_,
                                       uint32_t id)
{
    for (unsigned i = 0; i < FT_RS_OBJECTS && rules->object[i].id != 0; i++) {
        struct ft_rs_object *object = &rules->object[i];

        if (object->id == id && object->class_ == class_ && (object->flags & FT_RS_OVER) == 0) {
            return object;
        }
    }
    return NULL;
}

/* An event whose routine has returned gives its slot away only when there is no other one. */
static struct ft_rs_object *free_object(struct ft_rules *rules)
{
    struct ft_rs_object *dead = NULL;

    for (unsigned i = 0; i < FT_RS_OBJECTS; i++) {
        struct ft_rs_object *object = &rules->object[i];

        if (object->id == 0 || (object->flags & FT_RS_OVER) != 0) {
            return object;
        }
        if (dead == NULL && (object->flags & FT_OBJECT_DEAD) != 0) {
            dead = object;
        }
    }
    return dead;
}

struct ft_rs_object *ft_rs_object_get(struct ft_rules *rules, enum ft_handle_class class_,
                                      uint32_t id)
{
    struct ft_rs_object *object = ft_rs_object_find(rules, class_, id);

    if (object != NULL || id == 0) {
        return object;
    }
    object = free_object(rules);
    if (object == NULL) {
        ft_rules_overflow(rules, FT_RS_TABLE_OBJECT);
        return NULL;
    }
    *object = (struct ft_rs_object){.id = id, .class_ = (uint8_t)class_};
    return object;
}

/* ---- what several families ask ---- */

bool ft_holds_lock(const struct ft_rules *rules, uint16_t task)
{
    for (unsigned i = 0; i < FT_RS_LOCKS; i++) {
        if (rules->lock[i].id != 0 && rules->lock[i].task == task) {
            return true;
        }
    }
    return false;
}

struct ft_rs_irp *ft_irp_in_driver(struct ft_rules *rules, unsigned major, unsigned minor)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && ft_irp_is(irp, major, minor) && (irp->flags & FT_IRP_DISPATCHED) != 0 &&
            ((irp->flags & FT_IRP_DONE) == 0 || (irp->flags & FT_IRP_IN_DISPATCH) != 0)) {
            return irp;
        }
    }
    return NULL;
}

static bool is_manager_busy(const struct ft_rules *rules)
{
    for (unsigned i = 0; i < rules->irp_end; i++) {
        const struct ft_rs_irp *irp = &rules->irp[i];

        if (irp->id != 0 && (irp->flags & (FT_IRP_DONE | FT_RS_OVER)) == 0 &&
            (irp->major == FT_MAJOR_PNP ||
             (irp->major == FT_MAJOR_POWER && irp->minor != FT_POWER_MINOR_WAIT_WAKE))) {
            return true;
        }
    }
    return false;
}

bool ft_is_drained(struct ft_rules *rules, const struct ft_rs_irp *irp)
{
    const struct ft_rs_device *root = ft_rs_root(rules, irp->device);

    return rules->tail && (root->pnp == 0 || root->pnp == FT_PNP_STARTED) &&
           root->power <= FT_POWER_D0 &&
           (root->flags & (FT_DEVICE_GONE | FT_DEVICE_YANKED | FT_DEVICE_REMOVAL_SENT)) == 0 &&
           !is_manager_busy(rules);
}
