/* Traces and fails. */
#include <NtDDK.h>
#include "Traced.H"
#include "traced.tmh"

DRIVER_INITIALIZE DriverEntry;

static const GUID guid = {
    0x01234567, 0x89AB, 0xCDEF, {1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};

static NTSTATUS Work(int *calls)
{
    TracedEnter();
    ++*calls;
    return STATUS_DEVICE_BUSY;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    int calls = 0;

    WPP_INIT_TRACING(DriverObject, RegistryPath);
    TraceEvents(TRACE_LEVEL_INFORMATION, TRACED_INIT, "init %d %!bool! %!FLAGS! %!LEVEL!", 7, TRUE);
    if (WPP_LEVEL_FLAGS_ENABLED(TRACE_LEVEL_VERBOSE, TRACED_IO))
        TracedError(TRACED_IO, "%!FUNC!: %!STATUS! of %s", STATUS_UNSUCCESSFUL, "it");
    TracedExit(Work(&calls));
    KdPrint(("calls %d\n", calls));
    TracedLog(NULL, TRACE_LEVEL_WARNING, ("%!GUID!", &guid));
    TracedProject("%!Colour! %!FILE!", 3);
    WPP_CLEANUP(DriverObject);
    return WPP_BIT_TRACED_IO == 2 ? STATUS_UNSUCCESSFUL : STATUS_SUCCESS;
}
