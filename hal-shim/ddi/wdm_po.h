/*
 * wdm_po.h: power management routines.
 *
 * Power-down is done on the way down, power-up on the way up. Before Windows Vista a driver called
 * PoStartNextPowerIrp once for every query or set request and forwarded with PoCallDriver; since
 * then IoCallDriver does and PoStartNextPowerIrp has no effect. The driver description says which.
 */
#ifndef WDM_PO_H
#define WDM_PO_H

#include "wdm_io_types.h"

typedef VOID NTAPI REQUEST_POWER_COMPLETE(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction,
                                          POWER_STATE PowerState, PVOID Context,
                                          PIO_STATUS_BLOCK IoStatus);
typedef REQUEST_POWER_COMPLETE *PREQUEST_POWER_COMPLETE;
typedef NTSTATUS NTAPI POWER_SETTING_CALLBACK(LPCGUID SettingGuid, PVOID Value, ULONG ValueLength,
                                              PVOID Context);
typedef POWER_SETTING_CALLBACK *PPOWER_SETTING_CALLBACK;
typedef ULONG EXECUTION_STATE, *PEXECUTION_STATE;
#define ES_SYSTEM_REQUIRED  ((ULONG)0x00000001)
#define ES_DISPLAY_REQUIRED ((ULONG)0x00000002)
#define ES_USER_PRESENT     ((ULONG)0x00000004)
#define ES_CONTINUOUS       ((ULONG)0x80000000)

EXTERN_C_START

NTSTATUS PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
VOID PoStartNextPowerIrp(PIRP Irp);
POWER_STATE PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State);
NTSTATUS PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                           PREQUEST_POWER_COMPLETE CompletionFunction, PVOID Context, PIRP *Irp);
PULONG PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject, ULONG ConservationIdleTime,
                                        ULONG PerformanceIdleTime, DEVICE_POWER_STATE State);
#define PoSetDeviceBusy(IdlePointer) ((void)(*(PULONG)(IdlePointer) = 0))
VOID PoSetDeviceBusyEx(PULONG IdlePointer);
VOID PoStartDeviceBusy(PULONG IdlePointer);
VOID PoEndDeviceBusy(PULONG IdlePointer);
PVOID PoRegisterSystemState(PVOID StateHandle, EXECUTION_STATE Flags);
VOID PoUnregisterSystemState(PVOID StateHandle);
VOID PoSetSystemState(EXECUTION_STATE Flags);
VOID PoSetSystemWake(PIRP Irp);
BOOLEAN PoGetSystemWake(PIRP Irp);
BOOLEAN PoQueryWatchdogTime(PDEVICE_OBJECT Pdo, PULONG SecondsRemaining);
NTSTATUS PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                        PPOWER_SETTING_CALLBACK Callback, PVOID Context,
                                        PVOID *Handle);
NTSTATUS PoUnregisterPowerSettingCallback(PVOID Handle);

EXTERN_C_END

#endif
