/* Writes one byte behind its pool block. */
#include "faulty.h"

static volatile ULONG Length = 24;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PUCHAR block = ExAllocatePoolWithTag(NonPagedPoolNx, Length, 'tluF');

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    if (block == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    block[Length] = 1;
    ExFreePoolWithTag(block, 'tluF');
    return STATUS_UNSUCCESSFUL;
}
