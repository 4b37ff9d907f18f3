/*
 * ntifs.h: the file system interface, as far as drivers of devices use it: ntddk.h.
 */
#ifndef _NTIFS_
#define _NTIFS_

#include "ntddk.h"

#endif
