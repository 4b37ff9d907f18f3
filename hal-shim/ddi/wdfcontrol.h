#ifndef _WDFCONTROL_H_
#define _WDFCONTROL_H_

#include "wdfobject.h"

#endif
