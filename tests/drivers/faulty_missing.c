/* Calls a DDI that the shim does not implement: the run stops by its name. */
#include "faulty.h"

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    IO_STATUS_BLOCK status = {0};

    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    ZwReadFile(NULL, NULL, NULL, NULL, &status, NULL, 0, NULL, NULL);
    return STATUS_SUCCESS;
}
