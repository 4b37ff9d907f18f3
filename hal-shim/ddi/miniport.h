/*
 * miniport.h: what a miniport driver includes first: the basic types, the enumerations of buses and
 * DMA channels, PCI configuration space and the register routines.
 *
 * A miniport is written to run under any operating system and so names no kernel routine. Its types
 * are the kernel's all the same, so wdm.h declares them, whichever of the two a driver includes.
 */
#ifndef _MINIPORT_
#define _MINIPORT_

#include "wdm.h"

#endif
