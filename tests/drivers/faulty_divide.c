/* Divides by zero. */
#include "faulty.h"

static volatile LONG Zero;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return 100 / Zero ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
