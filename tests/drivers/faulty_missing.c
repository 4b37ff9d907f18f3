/* Calls a DDI that the shim does not implement: the run stops by its name. */
#include "faulty.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    KeQueryTimeIncrement();
    return STATUS_SUCCESS;
}
