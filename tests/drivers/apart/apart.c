/* Says what its source in another folder says, and does not load. */
#include "../apart_name.h"

DRIVER_INITIALIZE DriverEntry;

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    DbgPrint("apart: %s\n", ApartName());
    return STATUS_UNSUCCESSFUL;
}
