#ifndef _WDFTIMER_H_
#define _WDFTIMER_H_

#include "wdfobject.h"

#endif
