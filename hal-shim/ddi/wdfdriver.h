#ifndef _WDFDRIVER_H_
#define _WDFDRIVER_H_

#include "wdfobject.h"

#endif
