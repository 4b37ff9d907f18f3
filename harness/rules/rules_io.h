/* Families of rules about requests, PnP, power, locks and objects.
 *
 * Each family is a pair of functions that see the events of the kinds they name: ft_<family>_judge
 * reads the state as it was before the event and fires, ft_<family>_note changes what the family
 * remembers. ft_io_judge and ft_io_note (rules_families.c) call those that look at the kind; the
 * monitors of rules.c run in between.
 *
 * A frame is a driver routine that was entered and not left. While call:enter and call:leave are
 * judged, the innermost frame is the caller's and that of the leaving routine.
 */
#ifndef FT_RULES_IO_H
#define FT_RULES_IO_H

#include "rules/rules_private.h"

/* `wrong_level`: the driver calls at an IRQL that the routine does not allow. */
void ft_io_judge(struct ft_rules *rules, const struct ft_event *event, bool wrong_level);
void ft_io_note(struct ft_rules *rules, const struct ft_event *event);

#define FT_IO_FAMILIES(F)                                                                          \
    F(requests)                                                                                    \
    F(completion)                                                                                  \
    F(startio)                                                                                     \
    F(queue)                                                                                       \
    F(cancel)                                                                                      \
    F(csq)                                                                                         \
    F(remove_lock)                                                                                 \
    F(start)                                                                                       \
    F(pause)                                                                                       \
    F(removal)                                                                                     \
    F(power)                                                                                       \
    F(locks)                                                                                       \
    F(isr)                                                                                         \
    F(work)                                                                                        \
    F(io_mdl)                                                                                      \
    F(kmdf_enabler)                                                                                \
    F(kmdf_dma)

/* The order in which they judge and note: what a family notes of the end of a routine belongs to
 * that routine, so frames come last. */
#define FT_JUDGES(F)                                                                               \
    FT_IO_FAMILIES(F)                                                                              \
    F(wdm_dma)                                                                                     \
    F(kmdf_objects)                                                                                \
    F(kmdf_power)                                                                                  \
    F(kmdf_requests)                                                                               \
    F(kmdf_left)                                                                                   \
    F(kmdf_order)                                                                                  \
    F(kmdf_moved)                                                                                  \
    F(kmdf_phases)                                                                                 \
    F(scsi_completion)                                                                             \
    F(scsi_requests)                                                                               \
    F(scsi_interrupts)                                                                             \
    F(scsi_resets) F(scsi_adapter) F(scsi_dma) F(scsi_bus) F(scsi_port) F(accesses)
#define FT_NOTES(F)                                                                                \
    F(wdm_dma)                                                                                     \
    FT_IO_FAMILIES(F)                                                                              \
    F(kmdf_order)                                                                                  \
    F(kmdf_objects)                                                                                \
    F(kmdf_power)                                                                                  \
    F(kmdf_requests)                                                                               \
    F(kmdf_phases)                                                                                 \
    F(scsi_requests)                                                                               \
    F(scsi_interrupts)                                                                             \
    F(scsi_resets)                                                                                 \
    F(scsi_adapter) F(scsi_dma) F(scsi_bus) F(scsi_port) F(accesses) F(touches) F(frames)

#define F(family) void ft_##family##_judge(struct ft_rules *rules, const struct ft_event *event);
FT_JUDGES(F)
#undef F
#define F(family) void ft_##family##_note(struct ft_rules *rules, const struct ft_event *event);
FT_NOTES(F)
#undef F

/* ---- codes ---- */

enum {
    FT_MAJOR_IOCTL = 0x0E,
    FT_MAJOR_INTERNAL = 0x0F,
    FT_MAJOR_FLUSH = 0x09,
    FT_MAJOR_CLEANUP = 0x12,
    FT_MAJOR_SYSTEM_CONTROL = 0x17
};

enum {
    FT_PNP_MINOR_CANCEL_REMOVE = 0x03,
    FT_PNP_MINOR_QUERY_STOP = 0x05,
    FT_PNP_MINOR_CANCEL_STOP = 0x06,
    FT_PNP_MINOR_USAGE = 0x16,
    FT_POWER_MINOR_WAIT_WAKE = 0x00,
    FT_POWER_MINOR_QUERY = 0x03
};

#define FT_NT_NOT_SUPPORTED   0xC00000BBu
#define FT_NT_MORE_PROCESSING 0xC0000016u

/* ---- frames ---- */

/* The innermost frame of the event's task; the innermost of one kind of routine. NULL: none. */
struct ft_rs_frame *ft_frame_top(struct ft_rules *rules, const struct ft_event *event);
struct ft_rs_frame *ft_frame_in(struct ft_rules *rules, const struct ft_event *event,
                                enum ft_routine routine);

/* The innermost frame when it is of that kind, else NULL. */
struct ft_rs_frame *ft_frame_just_in(struct ft_rules *rules, const struct ft_event *event,
                                     enum ft_routine routine);

/* The innermost dispatch routine of the task, when it serves this major function and, unless minor
 * is negative, this minor one. */
struct ft_rs_frame *ft_frame_dispatch(struct ft_rules *rules, const struct ft_event *event,
                                      unsigned major, int minor);

/* Frames of the event's task. */
unsigned ft_frame_depth(const struct ft_rules *rules, const struct ft_event *event);

/* ---- objects ---- */

/* `make`: there is always one, except after ft_rules_overflow. */
struct ft_rs_object *ft_rs_object_find(struct ft_rules *rules, enum ft_handle_class class_,
                                       uint32_t id);
struct ft_rs_object *ft_rs_object_get(struct ft_rules *rules, enum ft_handle_class class_,
                                      uint32_t id);

/* ---- KMDF: DMA ---- */

/* NULL: there is none. */
struct ft_rs_enabler *ft_enabler_find(struct ft_rules *rules, uint32_t id);
struct ft_rs_enabler *ft_enabler_of_adapter(struct ft_rules *rules, uint32_t adapter);
/* Whose memory the device reaches at that logical address. */
struct ft_rs_enabler *ft_enabler_at(struct ft_rules *rules, uint64_t address);
/* The device moves data in memory of the enabler. */
bool ft_enabler_is_busy(struct ft_rules *rules, const struct ft_rs_enabler *enabler);
struct ft_rs_wdf_device *ft_wdf_device_find(struct ft_rules *rules, uint32_t id);
/* Some enabler's EvtDmaEnablerEnable runs. */
bool ft_enabler_is_enabling(const struct ft_rules *rules);
/* An engine of the device moves data. */
bool ft_engine_runs(struct ft_rules *rules, uint32_t device);
/* The IRP that the memory at a device address serves, 0: none. */
uint32_t ft_irp_at(const struct ft_rules *rules, uint64_t address);
/* A transaction of the framework request runs. */
bool ft_request_is_moved(const struct ft_rules *rules, uint32_t request);
/* The driver has no request of a power-managed queue. */
bool ft_wdf_queues_are_idle(const struct ft_rules *rules);
bool ft_is_live_common(const struct ft_rules *rules, uint64_t address);

/* ---- what several families ask ---- */

static inline uint64_t ft_irp_handle_of(const struct ft_rs_irp *irp)
{
    return ft_handle(FT_HC_IRP, irp->id, 0);
}

static inline bool ft_irp_is_over(const struct ft_rs_irp *irp)
{
    return (irp->flags & (FT_IRP_COMPLETED | FT_IRP_DONE | FT_RS_OVER)) != 0;
}

/* The IRP is in a queue of the driver now. */
void ft_irp_note_queued(const struct ft_rules *rules, struct ft_rs_irp *irp);

static inline bool ft_major_is_io(unsigned major)
{
    return major == FT_MAJOR_READ || major == FT_MAJOR_WRITE || major == FT_MAJOR_IOCTL ||
           major == FT_MAJOR_INTERNAL;
}

static inline bool ft_irp_is(const struct ft_rs_irp *irp, unsigned major, unsigned minor)
{
    return irp->major == major && irp->minor == minor;
}

/* The IRP in an argument, NULL when there is none. */
static inline struct ft_rs_irp *ft_arg_irp(struct ft_rules *rules, const struct ft_event *event,
                                           unsigned index)
{
    return ft_handle_class(event->arg[index]) == FT_HC_IRP
               ? ft_rs_irp_find(rules, ft_arg_id(event, index))
               : NULL;
}

/* The IRP that a DMA channel or a list is asked for, NULL when it is not known: one of
 * AllocateAdapterChannel, GetScatterGatherList and their kin of version 3. */
static inline struct ft_rs_irp *ft_asked_for(struct ft_rules *rules, const struct ft_event *event)
{
    switch (event->kind) {
    case FT_EV_DMA_CHANNEL:
        return ft_arg_irp(rules, event, 3);
    case FT_EV_CHANNEL_EX:
        return ft_arg_irp(rules, event, 6);
    case FT_EV_SG_GET:
        return ft_arg_irp(rules, event, 7);
    case FT_EV_SG_GET_EX: /* has no argument for it */
        return ft_rs_irp_find(rules, ft_rs_mdl_owner(rules, ft_rs_mdl_id(event, 2)));
    default:
        return NULL;
    }
}

static inline uint16_t ft_task_of(const struct ft_event *event)
{
    return event->task != 0 ? event->task : UINT16_MAX;
}

/* The task holds a spin lock that is not the cancel lock. */
bool ft_holds_lock(const struct ft_rules *rules, uint16_t task);

/* Some IRP with these codes is in the driver: a dispatch routine got it, and it is not done or the
 * routine has not returned. 0: there is none. */
struct ft_rs_irp *ft_irp_in_driver(struct ft_rules *rules, unsigned major, unsigned minor);

/* The tail has drained: the device of the IRP is started, in D0 and there, and no PnP or power
 * request is under way. What still waits now waits for ever. */
bool ft_is_drained(struct ft_rules *rules, const struct ft_rs_irp *irp);

#endif
