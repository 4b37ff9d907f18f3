#ifndef _WDFIOTARGET_H_
#define _WDFIOTARGET_H_

#include "wdfobject.h"

#endif
