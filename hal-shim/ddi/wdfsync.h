#ifndef _WDFSYNC_H_
#define _WDFSYNC_H_

#include "wdfobject.h"

#endif
