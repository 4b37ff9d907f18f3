#ifndef _WDFASSERT_H_
#define _WDFASSERT_H_

#include "wdfobject.h"

#endif
