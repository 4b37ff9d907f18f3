#ifndef _WDFSTATUS_H_
#define _WDFSTATUS_H_

#include "wdfobject.h"

#endif
