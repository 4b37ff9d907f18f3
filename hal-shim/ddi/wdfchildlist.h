#ifndef _WDFCHILDLIST_H_
#define _WDFCHILDLIST_H_

#include "wdfobject.h"

#endif
