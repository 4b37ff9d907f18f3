#ifndef _WDFSTRING_H_
#define _WDFSTRING_H_

#include "wdfobject.h"

#endif
