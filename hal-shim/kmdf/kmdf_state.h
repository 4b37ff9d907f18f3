/* What the framework keeps: part of struct ft_machine, so that one copy of the state arena saves
 * it. Types only, and no Windows types. Everything else is in the blocks of its objects. */
#ifndef FT_KMDF_KMDF_STATE_H
#define FT_KMDF_KMDF_STATE_H

#include <stdint.h>

struct ft_kmdf_state {
    void *driver;            /* struct ft_wdf_object of the WDFDRIVER, NULL: no framework driver */
    void *devices;           /* the first struct ft_wdf_device */
    void *adding;            /* the WDFDEVICE_INIT of the AddDevice that runs, not used up yet */
    void *added;             /* the device that it made */
    void *dispose;           /* objects whose disposal waits for PASSIVE_LEVEL */
    uint64_t disposer[4];    /* the WORK_QUEUE_ITEM that disposes them */
    uint8_t disposer_queued; /* it is */
    uint8_t disposers;       /* that run */
    uint32_t pool_tag;       /* the driver's; 0: the framework's */
};

#endif
