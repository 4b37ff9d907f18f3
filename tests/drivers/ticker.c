/* A framework driver that uses what has no hardware: while its device is in D0, a periodic timer
 * queues a DPC, which queues a work item, which works with memory and a collection under two locks
 * and completes a request that waits. Self-managed I/O starts it and stops it; it is sound. */
#include <ntddk.h>
#include <wdf.h>

enum { TAG = 'kciT', PERIOD_MS = 2, BYTES = 64 };

typedef struct _TICKER {
    WDFTIMER Timer, Passive;
    WDFDPC Dpc;
    WDFWORKITEM Work;
    WDFSPINLOCK Lock;
    WDFWAITLOCK Mutex;
    WDFMEMORY Memory;
    WDFLOOKASIDE List;
    WDFCOLLECTION Collection;
    WDFQUEUE Waiting;
    ULONG Ticks, Work_;
} TICKER;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(TICKER, GetTicker)

typedef struct _MARK {
    ULONG Number;
} MARK;
WDF_DECLARE_CONTEXT_TYPE(MARK)

DRIVER_INITIALIZE DriverEntry;
static EVT_WDF_DRIVER_DEVICE_ADD TickerAdd;
static EVT_WDF_DEVICE_SELF_MANAGED_IO_INIT TickerStart;
static EVT_WDF_DEVICE_SELF_MANAGED_IO_SUSPEND TickerStop;
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL TickerControl;
static EVT_WDF_TIMER TickerTimer, TickerPassive;
static EVT_WDF_DPC TickerDpc;
static EVT_WDF_WORKITEM TickerWork;
static EVT_WDF_OBJECT_CONTEXT_CLEANUP TickerCleanup;

static VOID TickerTimer(WDFTIMER Timer)
{
    TICKER *ticker = GetTicker(WdfTimerGetParentObject(Timer));

    WdfSpinLockAcquire(ticker->Lock);
    ticker->Ticks++;
    WdfSpinLockRelease(ticker->Lock);
    WdfDpcEnqueue(ticker->Dpc);
}

/* Starts itself again until a stop wins. */
static VOID TickerPassive(WDFTIMER Timer)
{
    TICKER *ticker = GetTicker(WdfTimerGetParentObject(Timer));

    WdfWaitLockAcquire(ticker->Mutex, NULL);
    ticker->Work_++;
    WdfWaitLockRelease(ticker->Mutex);
    WdfTimerStart(Timer, WDF_REL_TIMEOUT_IN_MS(3));
}

static VOID TickerDpc(WDFDPC Dpc)
{
    WdfWorkItemEnqueue(GetTicker(WdfDpcGetParentObject(Dpc))->Work);
}

/* An object of the collection, with a buffer and a mark below it. */
static NTSTATUS AddOne(TICKER *ticker)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;
    WDFOBJECT object;
    NTSTATUS status;

    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, MARK);
    attributes.ParentObject = ticker->Collection;
    attributes.EvtCleanupCallback = TickerCleanup;
    status = WdfObjectCreate(&attributes, &object);
    if (!NT_SUCCESS(status))
        return status;
    WdfObjectGet_MARK(object)->Number = ticker->Work_;
    status = WdfMemoryCreateFromLookaside(ticker->List, &memory);
    if (NT_SUCCESS(status)) {
        status = WdfMemoryCopyFromBuffer(memory, 0, &ticker->Work_, sizeof ticker->Work_);
        WdfObjectDelete(memory);
    }
    if (NT_SUCCESS(status))
        status = WdfCollectionAdd(ticker->Collection, object);
    if (!NT_SUCCESS(status))
        WdfObjectDelete(object);
    return status;
}

static VOID TickerCleanup(WDFOBJECT Object)
{
    WdfObjectGet_MARK(Object)->Number = 0;
}

/* Answers the oldest request with the number of ticks. */
static VOID CompleteOne(TICKER *ticker)
{
    WDFREQUEST request;
    NTSTATUS status;
    ULONG *answer;

    if (!NT_SUCCESS(WdfIoQueueRetrieveNextRequest(ticker->Waiting, &request)))
        return;
    status = WdfRequestRetrieveOutputBuffer(request, sizeof *answer, (PVOID *)&answer, NULL);
    if (NT_SUCCESS(status)) {
        WdfSpinLockAcquire(ticker->Lock);
        *answer = ticker->Ticks;
        WdfSpinLockRelease(ticker->Lock);
    }
    WdfRequestCompleteWithInformation(request, status, NT_SUCCESS(status) ? sizeof *answer : 0);
}

static VOID TickerWork(WDFWORKITEM WorkItem)
{
    TICKER *ticker = GetTicker(WdfWorkItemGetParentObject(WorkItem));
    LONGLONG soon = WDF_REL_TIMEOUT_IN_MS(1);
    WDFOBJECT first;

    if (WdfWaitLockAcquire(ticker->Mutex, &soon) != STATUS_SUCCESS)
        return;
    ticker->Work_++;
    if (WdfCollectionGetCount(ticker->Collection) >= 2) {
        first = WdfCollectionGetFirstItem(ticker->Collection);
        WdfCollectionRemove(ticker->Collection, first);
        WdfObjectDelete(first);
    }
    AddOne(ticker);
    WdfMemoryCopyFromBuffer(ticker->Memory, 0, &ticker->Work_, sizeof ticker->Work_);
    WdfWaitLockRelease(ticker->Mutex);
    CompleteOne(ticker);
}

static NTSTATUS TickerStart(WDFDEVICE Device)
{
    WdfTimerStart(GetTicker(Device)->Timer, WDF_REL_TIMEOUT_IN_MS(PERIOD_MS));
    WdfTimerStart(GetTicker(Device)->Passive, WDF_REL_TIMEOUT_IN_MS(1));
    return STATUS_SUCCESS;
}

static NTSTATUS TickerStop(WDFDEVICE Device)
{
    TICKER *ticker = GetTicker(Device);

    WdfTimerStop(ticker->Timer, TRUE);
    WdfTimerStop(ticker->Passive, TRUE);
    WdfDpcCancel(ticker->Dpc, TRUE);
    WdfWorkItemFlush(ticker->Work);
    return STATUS_SUCCESS;
}

static VOID TickerControl(WDFQUEUE Queue, WDFREQUEST Request, size_t OutputBufferLength,
                          size_t InputBufferLength, ULONG IoControlCode)
{
    TICKER *ticker = GetTicker(WdfIoQueueGetDevice(Queue));
    NTSTATUS status = WdfRequestForwardToIoQueue(Request, ticker->Waiting);

    UNREFERENCED_PARAMETER(OutputBufferLength);
    UNREFERENCED_PARAMETER(InputBufferLength);
    UNREFERENCED_PARAMETER(IoControlCode);
    if (!NT_SUCCESS(status))
        WdfRequestComplete(Request, status);
}

static NTSTATUS MakeDeferred(WDFDEVICE Device, TICKER *ticker, WDF_OBJECT_ATTRIBUTES *below)
{
    WDF_WORKITEM_CONFIG work;
    WDF_TIMER_CONFIG timer;
    WDF_DPC_CONFIG dpc;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Device);
    WDF_TIMER_CONFIG_INIT_PERIODIC(&timer, TickerTimer, PERIOD_MS);
    status = WdfTimerCreate(&timer, below, &ticker->Timer);
    if (!NT_SUCCESS(status))
        return status;
    WDF_TIMER_CONFIG_INIT(&timer, TickerPassive);
    timer.AutomaticSerialization = FALSE;
    below->ExecutionLevel = WdfExecutionLevelPassive;
    status = WdfTimerCreate(&timer, below, &ticker->Passive);
    below->ExecutionLevel = WdfExecutionLevelInheritFromParent;
    if (!NT_SUCCESS(status))
        return status;
    WDF_DPC_CONFIG_INIT(&dpc, TickerDpc);
    status = WdfDpcCreate(&dpc, below, &ticker->Dpc);
    if (!NT_SUCCESS(status))
        return status;
    WDF_WORKITEM_CONFIG_INIT(&work, TickerWork);
    work.AutomaticSerialization = FALSE;
    return WdfWorkItemCreate(&work, below, &ticker->Work);
}

static NTSTATUS MakeRest(TICKER *ticker, WDF_OBJECT_ATTRIBUTES *below)
{
    NTSTATUS status = WdfSpinLockCreate(below, &ticker->Lock);

    if (NT_SUCCESS(status))
        status = WdfWaitLockCreate(below, &ticker->Mutex);
    if (NT_SUCCESS(status))
        status = WdfMemoryCreate(below, NonPagedPoolNx, TAG, BYTES, &ticker->Memory, NULL);
    if (NT_SUCCESS(status))
        status = WdfLookasideListCreate(below, BYTES, NonPagedPoolNx, below, TAG, &ticker->List);
    if (NT_SUCCESS(status))
        status = WdfCollectionCreate(below, &ticker->Collection);
    return status;
}

static NTSTATUS MakeQueues(WDFDEVICE Device, TICKER *ticker)
{
    WDF_IO_QUEUE_CONFIG config;
    NTSTATUS status;

    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    status = WdfIoQueueCreate(Device, &config, WDF_NO_OBJECT_ATTRIBUTES, &ticker->Waiting);
    if (!NT_SUCCESS(status))
        return status;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchParallel);
    config.EvtIoDeviceControl = TickerControl;
    return WdfIoQueueCreate(Device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
}

static NTSTATUS TickerAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
    WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDEVICE device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Driver);
    WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
    callbacks.EvtDeviceSelfManagedIoInit = TickerStart;
    callbacks.EvtDeviceSelfManagedIoRestart = TickerStart;
    callbacks.EvtDeviceSelfManagedIoSuspend = TickerStop;
    WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &callbacks);
    WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, TICKER);
    status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
    if (!NT_SUCCESS(status))
        return status;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    status = MakeRest(GetTicker(device), &attributes);
    if (NT_SUCCESS(status))
        status = MakeDeferred(device, GetTicker(device), &attributes);
    return NT_SUCCESS(status) ? MakeQueues(device, GetTicker(device)) : status;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WDF_DRIVER_CONFIG config;

    WDF_DRIVER_CONFIG_INIT(&config, TickerAdd);
    config.DriverPoolTag = TAG;
    return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &config,
                           WDF_NO_HANDLE);
}
