#ifndef _WDFREGISTRY_H_
#define _WDFREGISTRY_H_

#include "wdfobject.h"

#endif
