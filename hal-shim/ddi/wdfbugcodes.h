#ifndef _WDFBUGCODES_H_
#define _WDFBUGCODES_H_

#include "wdfobject.h"

#endif
