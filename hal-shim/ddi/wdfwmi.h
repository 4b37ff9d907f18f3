#ifndef _WDFWMI_H_
#define _WDFWMI_H_

#include "wdfobject.h"

#endif
