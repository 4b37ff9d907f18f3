/* Framework file objects: one for each handle that is open on the device, while the driver asked
 * for them (WdfDeviceInitSetFileObjectConfig). The framework makes it at IRP_MJ_CREATE and deletes
 * it after IRP_MJ_CLOSE; the driver never does. */
#ifndef _WDFFILEOBJECT_H_
#define _WDFFILEOBJECT_H_

#include "wdfobject.h"

/* PASSIVE_LEVEL. The request is the driver's to complete. */
typedef VOID EVT_WDF_DEVICE_FILE_CREATE(WDFDEVICE Device, WDFREQUEST Request,
                                        WDFFILEOBJECT FileObject);
typedef EVT_WDF_DEVICE_FILE_CREATE *PFN_WDF_DEVICE_FILE_CREATE;
typedef VOID EVT_WDF_FILE_CLOSE(WDFFILEOBJECT FileObject);
typedef EVT_WDF_FILE_CLOSE *PFN_WDF_FILE_CLOSE;
typedef VOID EVT_WDF_FILE_CLEANUP(WDFFILEOBJECT FileObject);
typedef EVT_WDF_FILE_CLEANUP *PFN_WDF_FILE_CLEANUP;

/* The name that was opened below the device; PASSIVE_LEVEL, while the handle is being opened. */
PUNICODE_STRING WdfFileObjectGetFileName(WDFFILEOBJECT FileObject);

/* <= DISPATCH_LEVEL. */
ULONG WdfFileObjectGetFlags(WDFFILEOBJECT FileObject);
WDFDEVICE WdfFileObjectGetDevice(WDFFILEOBJECT FileObject);
ULONG WdfFileObjectGetInitiatorProcessId(WDFFILEOBJECT FileObject);
PFILE_OBJECT WdfFileObjectWdmGetFileObject(WDFFILEOBJECT FileObject);

#endif
