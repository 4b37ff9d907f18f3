#ifndef _WDFIO_H_
#define _WDFIO_H_

#include "wdfobject.h"

#endif
