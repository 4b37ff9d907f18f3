/* A WDFINTERRUPT, for interrupt_power.c (composite steps) and interrupt_calls.c (what drivers
 * call). */
#ifndef FT_KMDF_INTERRUPTS_H
#define FT_KMDF_INTERRUPTS_H

#include "kmdf/pnp_private.h"

struct ft_wdf_interrupt {
    struct ft_wdf_object object;
    struct ft_wdf_device *device;
    struct ft_wdf_interrupt *next, *previous; /* of the device, in creation order */
    WDF_INTERRUPT_CONFIG config;
    PKINTERRUPT connected; /* NULL: not */
    KDPC dpc, work_dpc, passive_dpc;
    PIO_WORKITEM work, passive_work;
    WDFWAITLOCK wait_lock; /* of a passive interrupt */
    ULONG vector;          /* 0: no resources */
    ULONG message;         /* its number among the device's messages */
    ULONG affinity;
    KIRQL irql, old_irql;
    uint8_t latched, shared, message_signaled;
    uint8_t enabled;    /* EvtInterruptEnable was called, EvtInterruptDisable not */
    uint8_t inactive;   /* reported so: soft disconnect */
    uint8_t forced_off; /* WdfInterruptDisable: not connected by itself any more */
    uint8_t of_prepare; /* made in EvtDevicePrepareHardware */
    uint8_t work_queued, work_running, passive_queued;
};

static inline struct ft_wdf_interrupt *ft_wdf_first_interrupt(const struct ft_wdf_device *device)
{
    return device->ints;
}
NTSTATUS ft_wdf_interrupt_up(struct ft_wdf_interrupt *interrupt, bool explicit_);
NTSTATUS ft_wdf_interrupt_down(struct ft_wdf_interrupt *interrupt, enum ft_wdf_down how);
void ft_wdf_interrupt_resources(struct ft_wdf_interrupt *interrupt,
                                const CM_PARTIAL_RESOURCE_DESCRIPTOR *raw,
                                const CM_PARTIAL_RESOURCE_DESCRIPTOR *translated, ULONG message);
bool ft_wdf_is_passive(const struct ft_wdf_interrupt *interrupt);
/* The routines that the interrupt gives to the layers below. */
KDEFERRED_ROUTINE ft_wdf_interrupt_dpc, ft_wdf_interrupt_work_dpc, ft_wdf_interrupt_passive_dpc;

/* Runs a routine with the interrupt's lock: at its level, or with its wait lock. */
struct ft_wdf_locked_call {
    struct ft_wdf_interrupt *interrupt;
    enum ft_routine routine;
    ft_thunk *thunk;
    void *callback, *argument;
    uint64_t value;
};
uint64_t ft_wdf_interrupt_locked(struct ft_wdf_locked_call *call);

#endif
