/* Buffers of a requester's own process: addresses that only EvtIoInCallerContext may use, and the
 * locking of what is there (kmdf.md, section 5.8). The pages stay locked until the request is
 * completed. */
#include "kmdf/requests.h"

/* ---- a user's own addresses, in EvtIoInCallerContext ---- */

static NTSTATUS unsafe_side(const struct ft_wdf_request *request, bool output,
                            struct ft_wdf_side *ret)
{
    const IO_STACK_LOCATION *at;

    *ret = (struct ft_wdf_side){0};
    if (request->place != FT_WDF_CALLER)
        return STATUS_INVALID_DEVICE_REQUEST;
    at = IoGetCurrentIrpStackLocation(request->irp);
    ret->address = request->irp->UserBuffer;
    if (at->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        if (METHOD_FROM_CTL_CODE(at->Parameters.DeviceIoControl.IoControlCode) != METHOD_NEITHER)
            return STATUS_INVALID_DEVICE_REQUEST;
        ret->length = output ? at->Parameters.DeviceIoControl.OutputBufferLength
                             : at->Parameters.DeviceIoControl.InputBufferLength;
        if (!output)
            ret->address = at->Parameters.DeviceIoControl.Type3InputBuffer;
        return STATUS_SUCCESS;
    }
    if (at->MajorFunction != (output ? IRP_MJ_READ : IRP_MJ_WRITE) ||
        request->object.device->io_type != WdfDeviceIoNeither)
        return STATUS_INVALID_DEVICE_REQUEST;
    ret->length = output ? at->Parameters.Read.Length : at->Parameters.Write.Length;
    return STATUS_SUCCESS;
}

static NTSTATUS get_unsafe(WDFREQUEST handle, bool output, const struct ft_wdf_wanted *wanted,
                           uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_BUFFER, layer);
    struct ft_wdf_side side = {0};
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    ft_wdf_require(wanted->buffer);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = unsafe_side(request, output, &side);
    return ft_wdf_buffer_give(request, FT_WDF_WHAT_SIDE(output) | FT_WDF_WHAT_UNSAFE, &side, status,
                              wanted, layer);
}

NTSTATUS WdfRequestRetrieveUnsafeUserInputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength,
                                                 PVOID *InputBuffer, size_t *Length)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_unsafe(Request, false,
                             &(struct ft_wdf_wanted){MinimumRequiredLength, InputBuffer, Length},
                             ft_wdf_layer));
}

NTSTATUS WdfRequestRetrieveUnsafeUserOutputBuffer(WDFREQUEST Request, size_t MinimumRequiredLength,
                                                  PVOID *OutputBuffer, size_t *Length)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  get_unsafe(Request, true,
                             &(struct ft_wdf_wanted){MinimumRequiredLength, OutputBuffer, Length},
                             ft_wdf_layer));
}

/* ---- locking them ---- */

/* The pages of one buffer, locked until the request is completed: an object below the request. */
struct locked {
    struct ft_wdf_object object;
    PMDL mdl;
};

static void unlock(struct ft_wdf_object *object)
{
    struct locked *locked = (struct locked *)object;

    if (!locked->mdl)
        return;
    if (locked->mdl->MdlFlags & MDL_PAGES_LOCKED)
        MmUnlockPages(locked->mdl);
    IoFreeMdl(locked->mdl);
    locked->mdl = NULL;
}

static const struct ft_wdf_class locked_class = {
    .handle_class = FT_HC_WDF_OBJECT,
    .dispose = unlock,
};

static NTSTATUS lock_pages(PMDL mdl, LOCK_OPERATION operation)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        MmProbeAndLockPages(mdl, UserMode, operation);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static NTSTATUS lock_buffer(struct ft_wdf_request *request, void *buffer, size_t length,
                            LOCK_OPERATION operation, WDFMEMORY *memory)
{
    struct ft_wdf_memory *made = NULL;
    NTSTATUS status;
    struct locked *locked =
        ft_wdf_object_new(&locked_class, sizeof *locked, &request->object, NULL, &status);
    void *address;

    if (!locked)
        return status;
    locked->mdl = IoAllocateMdl(buffer, (ULONG)length, FALSE, FALSE, NULL);
    status = locked->mdl ? lock_pages(locked->mdl, operation) : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status)) {
        address = MmGetSystemAddressForMdlSafe(locked->mdl, NormalPagePriority);
        status = STATUS_INSUFFICIENT_RESOURCES;
        if (address)
            made = ft_wdf_memory_new(FT_WDF_MEMORY_REQUEST, &request->object, NULL, address, length,
                                     &status);
    }
    if (!made) {
        unlock(&locked->object);
        ft_wdf_object_abandon(&locked->object);
        return status;
    }
    made->read_only = operation == IoReadAccess;
    *memory = (WDFMEMORY)made;
    return STATUS_SUCCESS;
}

static NTSTATUS probe(WDFREQUEST handle, void *buffer, size_t length, LOCK_OPERATION operation,
                      WDFMEMORY *memory, uint8_t layer)
{
    struct ft_wdf_request *request = ft_wdf_request_check(handle, FT_WDF_USE_BUFFER, layer);
    NTSTATUS status;

    ft_wdf_require(buffer);
    ft_wdf_require(memory);
    *memory = NULL;
    if (!ft_wdf_irql_ok(PASSIVE_LEVEL) || !ft_wdf_request_owned(request))
        status = STATUS_INVALID_DEVICE_REQUEST;
    else if (length == 0)
        status = STATUS_INVALID_USER_BUFFER;
    else
        status = lock_buffer(request, buffer, length, operation, memory);
    ft_wdf_buffer_asked(request,
                        (operation == IoReadAccess ? FT_WDF_WHAT_INPUT : FT_WDF_WHAT_OUTPUT) |
                            FT_WDF_WHAT_PROBE,
                        0, length, status, layer);
    return status;
}

NTSTATUS WdfRequestProbeAndLockUserBufferForRead(WDFREQUEST Request, PVOID Buffer, size_t Length,
                                                 WDFMEMORY *MemoryObject)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  probe(Request, Buffer, Length, IoReadAccess, MemoryObject, ft_wdf_layer));
}

NTSTATUS WdfRequestProbeAndLockUserBufferForWrite(WDFREQUEST Request, PVOID Buffer, size_t Length,
                                                  WDFMEMORY *MemoryObject)
{
    FT_WDF_RETURN(NTSTATUS, WDF_REQUEST, ft_wdf_label(Request),
                  probe(Request, Buffer, Length, IoWriteAccess, MemoryObject, ft_wdf_layer));
}
