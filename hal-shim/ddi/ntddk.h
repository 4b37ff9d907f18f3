/*
 * ntddk.h: the legacy driver interface: wdm.h and the few names that only older drivers use.
 */
#ifndef _NTDDK_
#define _NTDDK_

#include "wdm.h"

EXTERN_C_START

NTSTATUS IoAttachDeviceByPointer(PDEVICE_OBJECT SourceDevice, PDEVICE_OBJECT TargetDevice);
NTSTATUS IoQueryDeviceDescription(PINTERFACE_TYPE BusType, PULONG BusNumber, PULONG ControllerType,
                                  PULONG ControllerNumber, PULONG PeripheralType,
                                  PULONG PeripheralNumber, PVOID CalloutRoutine, PVOID Context);
PVOID MmMapVideoDisplay(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                        MEMORY_CACHING_TYPE CacheType);
VOID MmUnmapVideoDisplay(PVOID BaseAddress, SIZE_T NumberOfBytes);
NTSTATUS ZwSetInformationThread(HANDLE ThreadHandle, ULONG ThreadInformationClass,
                                PVOID ThreadInformation, ULONG ThreadInformationLength);

EXTERN_C_END

#endif
