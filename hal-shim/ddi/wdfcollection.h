#ifndef _WDFCOLLECTION_H_
#define _WDFCOLLECTION_H_

#include "wdfobject.h"

#endif
