/*
 * scsiwmi.h: the library with which a SCSI miniport answers SRB_FUNCTION_WMI requests from a table
 * of data blocks, and reports events.
 */
#ifndef _SCSIWMI_H_
#define _SCSIWMI_H_

#include "srb.h"
#include "wdm_types.h"

typedef enum { ScsiWmiEventControl, ScsiWmiDataBlockControl } SCSIWMI_ENABLE_DISABLE_CONTROL;

/* Lives as long as its request, so in the SRB extension of one that pends. */
typedef struct {
    PVOID UserContext;
    ULONG BufferSize;
    PUCHAR Buffer;
    UCHAR MinorFunction;
    UCHAR ReturnStatus;
    ULONG ReturnSize;
} SCSIWMI_REQUEST_CONTEXT, *PSCSIWMI_REQUEST_CONTEXT;

typedef struct {
    LPCGUID Guid;
    ULONG InstanceCount;
    ULONG Flags;
} SCSIWMIGUIDREGINFO, *PSCSIWMIGUIDREGINFO;

/* The miniport's routines. One that has finished its request has called ScsiPortWmiPostProcess; one
 * that returns SRB_STATUS_PENDING does so later. */
typedef UCHAR(NTAPI *PSCSIWMI_QUERY_REGINFO)(PVOID DeviceContext,
                                             PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                             PWCHAR *MofResourceName);
typedef BOOLEAN(NTAPI *PSCSIWMI_QUERY_DATABLOCK)(PVOID Context,
                                                 PSCSIWMI_REQUEST_CONTEXT DispatchContext,
                                                 ULONG GuidIndex, ULONG InstanceIndex,
                                                 ULONG InstanceCount, PULONG InstanceLengthArray,
                                                 ULONG BufferAvail, PUCHAR Buffer);
typedef BOOLEAN(NTAPI *PSCSIWMI_SET_DATABLOCK)(PVOID DeviceContext,
                                               PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                               ULONG GuidIndex, ULONG InstanceIndex,
                                               ULONG BufferSize, PUCHAR Buffer);
typedef BOOLEAN(NTAPI *PSCSIWMI_SET_DATAITEM)(PVOID DeviceContext,
                                              PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                              ULONG GuidIndex, ULONG InstanceIndex,
                                              ULONG DataItemId, ULONG BufferSize, PUCHAR Buffer);
typedef BOOLEAN(NTAPI *PSCSIWMI_EXECUTE_METHOD)(PVOID DeviceContext,
                                                PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                                ULONG GuidIndex, ULONG InstanceIndex,
                                                ULONG MethodId, ULONG InBufferSize,
                                                ULONG OutBufferSize, PUCHAR Buffer);
typedef BOOLEAN(NTAPI *PSCSIWMI_FUNCTION_CONTROL)(PVOID DeviceContext,
                                                  PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                                  ULONG GuidIndex,
                                                  SCSIWMI_ENABLE_DISABLE_CONTROL Function,
                                                  BOOLEAN Enable);

typedef struct _SCSIWMILIB_CONTEXT {
    ULONG GuidCount;
    PSCSIWMIGUIDREGINFO GuidList;
    PSCSIWMI_QUERY_REGINFO QueryWmiRegInfo;
    PSCSIWMI_QUERY_DATABLOCK QueryWmiDataBlock;
    PSCSIWMI_SET_DATABLOCK SetWmiDataBlock;
    PSCSIWMI_SET_DATAITEM SetWmiDataItem;
    PSCSIWMI_EXECUTE_METHOD ExecuteWmiMethod;
    PSCSIWMI_FUNCTION_CONTROL WmiFunctionControl;
} SCSI_WMILIB_CONTEXT, *PSCSI_WMILIB_CONTEXT;

/* TRUE: the request pends. */
BOOLEAN NTAPI ScsiPortWmiDispatchFunction(PSCSI_WMILIB_CONTEXT WmiLibInfo, UCHAR MinorFunction,
                                          PVOID DeviceContext,
                                          PSCSIWMI_REQUEST_CONTEXT RequestContext, PVOID DataPath,
                                          ULONG BufferSize, PVOID Buffer);
VOID NTAPI ScsiPortWmiPostProcess(PSCSIWMI_REQUEST_CONTEXT RequestContext, UCHAR SrbStatus,
                                  ULONG BufferUsed);
#define ScsiPortWmiGetReturnStatus(RequestContext) ((RequestContext)->ReturnStatus)
#define ScsiPortWmiGetReturnSize(RequestContext)   ((RequestContext)->ReturnSize)

VOID NTAPI ScsiPortWmiFireAdapterEvent(PVOID HwDeviceExtension, LPGUID Guid, ULONG InstanceIndex,
                                       ULONG EventDataSize, PVOID EventData);
VOID NTAPI ScsiPortWmiFireLogicalUnitEvent(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId,
                                           UCHAR Lun, LPGUID Guid, ULONG InstanceIndex,
                                           ULONG EventDataSize, PVOID EventData);

/* In a request for all instances: the count first, then names and data in any order. */
PWCHAR NTAPI ScsiPortWmiGetInstanceName(PSCSIWMI_REQUEST_CONTEXT RequestContext);
BOOLEAN NTAPI ScsiPortWmiSetInstanceCount(PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                          ULONG InstanceCount, PULONG BufferAvail,
                                          PULONG SizeNeeded);
PWCHAR NTAPI ScsiPortWmiSetInstanceName(PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                        ULONG InstanceIndex, ULONG InstanceNameLength,
                                        PULONG BufferAvail, PULONG SizeNeeded);
PVOID NTAPI ScsiPortWmiSetData(PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG InstanceIndex,
                               ULONG DataLength, PULONG BufferAvail, PULONG SizeNeeded);

#endif
