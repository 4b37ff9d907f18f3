#ifndef _WDFRESOURCE_H_
#define _WDFRESOURCE_H_

#include "wdfobject.h"

#endif
