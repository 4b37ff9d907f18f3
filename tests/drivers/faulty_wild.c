/* Writes through a pointer to nowhere. */
#include "faulty.h"

static PULONG volatile Nowhere = (PULONG)(ULONG_PTR)0x123456789000;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    *Nowhere = 1;
    return STATUS_SUCCESS;
}
