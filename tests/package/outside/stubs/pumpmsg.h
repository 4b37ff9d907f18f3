// In place of what the message compiler makes of pumpmsg.mc.
#pragma once

#define PUMP_MSG_DONE 0x60010001L
