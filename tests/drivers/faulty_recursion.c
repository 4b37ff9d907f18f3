/* Recurses until its stack is gone. */
#include "faulty.h"

static volatile LONG Sink;

static LONG Deeper(LONG Depth)
{
    volatile LONG frame[64];

    frame[0] = Depth;
    Sink = frame[0];
    if (Sink < 0)
        return 0;
    return Deeper(Depth + 1) + frame[0];
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(DriverObject);
    UNREFERENCED_PARAMETER(RegistryPath);
    return Deeper(1) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}
