#ifndef _WDFQUERYINTERFACE_H_
#define _WDFQUERYINTERFACE_H_

#include "wdfobject.h"

#endif
