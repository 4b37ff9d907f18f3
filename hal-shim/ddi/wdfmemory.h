#ifndef _WDFMEMORY_H_
#define _WDFMEMORY_H_

#include "wdfobject.h"

#endif
