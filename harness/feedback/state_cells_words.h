/* What the files of state cells share: codes of the events that they read, and the class of an
 * event. */
#ifndef FT_STATE_CELLS_WORDS_H
#define FT_STATE_CELLS_WORDS_H

#include "feedback/state_cells.h"

enum {
    MINOR_START = 0x00,
    MINOR_QUERY_REMOVE = 0x01,
    MINOR_REMOVE = 0x02,
    MINOR_CANCEL_REMOVE = 0x03,
    MINOR_STOP = 0x04,
    MINOR_QUERY_STOP = 0x05,
    MINOR_CANCEL_STOP = 0x06,
    MINOR_SURPRISE = 0x17,
    MINOR_SET_POWER = 0x02,
    DEVICE_D0 = 1,
    SYSTEM_WORKING = 1,
    ENGINE_ALL_MOVED = 1,
    ACTION_DEALLOCATE = 2,
    FT_NO_CLASS = FT_CLASS_COUNT
};

/* enum ft_cell_class, FT_NO_CLASS: the event is of none. */
unsigned ft_cell_class_of(const struct ft_event *event);

/* irp:new of a request for data; power:send, power:done of a device's SET_POWER. */
bool ft_cell_is_data_request(const struct ft_event *event);
bool ft_cell_is_device_power(const struct ft_event *event);

#endif
