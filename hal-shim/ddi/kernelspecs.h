/*
 * kernelspecs.h: the name newer WDKs give to driverspecs.h.
 */
#ifndef KERNELSPECS_H
#define KERNELSPECS_H

#include "driverspecs.h"

#endif
