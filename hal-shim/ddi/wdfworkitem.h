#ifndef _WDFWORKITEM_H_
#define _WDFWORKITEM_H_

#include "wdfobject.h"

#endif
