/*
 * wdm.h: the WDM driver interface. What a driver includes; it brings in one file per facility:
 *
 *     wdm_types.h   kernel objects, enumerations      wdm_io.h    IRPs, devices, interrupts, PnP
 *     wdm_rtl.h     memory, lists, strings, debug     wdm_dma.h   adapters and DMA_OPERATIONS
 *     wdm_ke.h      IRQL, locks, waits, DPCs, time    wdm_po.h    power
 *     wdm_ex.h      pool, work items, lookaside       wdm_hal.h   registers, ports, bus data
 *     wdm_mm.h      MDLs, mappings                    wdm_pci.h   configuration space
 *     wdm_ps.h      threads, handles, registry        ft_seh.h    __try, __except, __finally
 *
 * Names, constants and layouts are those of x64 Windows; wdm_compiler.h says how to build. Every
 * routine that is declared can be called: those the machine lacks stop the run by their name.
 */
#ifndef _WDMDDK_
#define _WDMDDK_

#ifndef _NTDDK_
#define _WDM_INCLUDED_
#endif

#include "ntdef.h"

#include "bugcodes.h"
#include "dpfilter.h"
#include "excpt.h"
#include "ntstatus.h"
#include "wdm_dma.h"
#include "wdm_ex.h"
#include "wdm_hal.h"
#include "wdm_interlocked.h"
#include "wdm_io.h"
#include "wdm_ke.h"
#include "wdm_mm.h"
#include "wdm_pci.h"
#include "wdm_po.h"
#include "wdm_ps.h"
#include "wdm_rtl.h"
#include "wdm_types.h"

/* `#pragma alloc_text` is understood to the extent that it is ignored. */
#ifndef ALLOC_PRAGMA
#define ALLOC_PRAGMA 1
#endif
#ifndef ALLOC_DATA_PRAGMA
#define ALLOC_DATA_PRAGMA 1
#endif

#endif
