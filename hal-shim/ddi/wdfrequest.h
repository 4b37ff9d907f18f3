#ifndef _WDFREQUEST_H_
#define _WDFREQUEST_H_

#include "wdfobject.h"

#endif
