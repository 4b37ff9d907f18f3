/* Schedules from save points: what a strategy does to a run under an `order` without an op in its
 * scenario. The same run is the one whose scenario has the picks as ops behind its others. */
#ifndef FT_SIM_TURNS_H
#define FT_SIM_TURNS_H

#include "world.h"

/* Turns so far. Between steps. */
uint32_t ft_world_turns(const struct ft_world *world);

/* At that turn, which is still to come, that chain goes on. False: there is no room. */
bool ft_world_pick(struct ft_world *world, uint32_t turn, unsigned which);

/* Every pick is behind, and every op has struck: the state alone says what follows. */
bool ft_world_turned(const struct ft_world *world);

#endif
