#ifndef _WDFFDO_H_
#define _WDFFDO_H_

#include "wdfobject.h"

#endif
