/* wdf.h: the Kernel-Mode Driver Framework, 1.33. A driver includes ntddk.h (or wdm.h) first.
 *
 * One header per facility, with the WDK's names. Routines are plain functions here: a driver that
 * is compiled against these headers needs no function table and no version binding.
 */
#ifndef _WDF_H_
#define _WDF_H_

#include <ntddk.h>

EXTERN_C_START

#include "wdftypes.h"
#include "wdfglobals.h"
#include "wdfstatus.h"
#include "wdfassert.h"
#include "wdfverifier.h"
#include "wdfobject.h"
#include "wdfcore.h"
#include "wdfbugcodes.h"
#include "wdfsync.h"
#include "wdfmemory.h"
#include "wdfcollection.h"
#include "wdfstring.h"
#include "wdfregistry.h"
#include "wdfdpc.h"
#include "wdftimer.h"
#include "wdfworkitem.h"
#include "wdfdriver.h"
#include "wdffileobject.h"
#include "wdfresource.h"
#include "wdfdevice.h"
#include "wdffdo.h"
#include "wdfpdo.h"
#include "wdfchildlist.h"
#include "wdfcontrol.h"
#include "wdfqueryinterface.h"
#include "wdfwmi.h"
#include "wdfinterrupt.h"
#include "wdfrequest.h"
#include "wdfiotarget.h"
#include "wdfio.h"
#include "wdfdmaenabler.h"
#include "wdfdmatransaction.h"
#include "wdfcommonbuffer.h"
#include "wdfroletypes.h"

EXTERN_C_END

#endif
