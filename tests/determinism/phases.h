/* In which phase of a DMA request did a disturbance strike? The phases are those of the wdm-dma
 * sheet, section 6.11. */
#ifndef FT_PHASES_H
#define FT_PHASES_H

#include "sim/event.h"

#include <stdbool.h>
#include <stdint.h>

enum ft_phase_name {
    PHASE_IDLE,    /* no request on the DMA path */
    PHASE_QUEUED,  /* AllocateAdapterChannel called, no grant yet */
    PHASE_GRANTED, /* granted, nothing mapped */
    PHASE_MAPPED,  /* mapped, the device not started */
    PHASE_RUNNING,
    PHASE_DONE,    /* the device has stopped, not flushed */
    PHASE_FLUSHED, /* flushed, registers not freed */
    PHASE_COUNT
};

enum ft_phase_op { PHASE_CANCEL, PHASE_YANK, PHASE_POWER_DOWN, PHASE_OPS };

struct ft_phases {
    enum ft_phase_name now;
    uint64_t struck[PHASE_OPS][PHASE_COUNT];
};

extern const char *const ft_phase_names[PHASE_COUNT];
extern const char *const ft_phase_op_names[PHASE_OPS];

/* An ft_observer; state is a struct ft_phases. Set `now` to PHASE_IDLE before each run. */
bool ft_phases_event(void *state, const struct ft_event *event);

#endif
