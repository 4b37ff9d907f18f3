#ifndef _WDFDPC_H_
#define _WDFDPC_H_

#include "wdfobject.h"

#endif
