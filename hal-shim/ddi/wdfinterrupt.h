#ifndef _WDFINTERRUPT_H_
#define _WDFINTERRUPT_H_

#include "wdfobject.h"

#endif
