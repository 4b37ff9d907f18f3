#ifndef _WDFPDO_H_
#define _WDFPDO_H_

#include "wdfobject.h"

#endif
