/* Memory objects. The buffer of one that was made with its buffer goes when the object goes; a
 * preallocated buffer stays its owner's. */
#include "kmdf/kmdf_private.h"

static void destroy(struct ft_wdf_object *object)
{
    struct ft_wdf_memory *memory = (struct ft_wdf_memory *)object;

    if (memory->kind == FT_WDF_MEMORY_POOL)
        ExFreePoolWithTag(memory->buffer, memory->tag);
    if (memory->kind == FT_WDF_MEMORY_LOOKASIDE)
        ft_wdf_lookaside_give(memory);
}

static const struct ft_wdf_class memory_class = {.handle_class = FT_HC_WDF_MEMORY,
                                                 .destroy = destroy};
/* What a request hands out lives and goes with it. */
static const struct ft_wdf_class request_class = {.handle_class = FT_HC_WDF_MEMORY,
                                                  .undeletable = 1};

ULONG ft_wdf_pool_tag(void)
{
    return FT_WDF->pool_tag ? FT_WDF->pool_tag : 'rDxF';
}

static void tell(const struct ft_wdf_memory *memory)
{
    if (memory)
        ft_emit(FT_EV_WDF_MEMORY, ft_wdf_handle(memory), memory->bytes, memory->kind,
                ft_wdf_handle(memory->buffer));
}

struct ft_wdf_memory *ft_wdf_memory_new(enum ft_wdf_memory_kind kind, struct ft_wdf_object *parent,
                                        const WDF_OBJECT_ATTRIBUTES *attributes, PVOID buffer,
                                        size_t bytes, NTSTATUS *status)
{
    struct ft_wdf_memory *memory =
        ft_wdf_object_new(kind == FT_WDF_MEMORY_REQUEST ? &request_class : &memory_class,
                          sizeof *memory, parent, attributes, status);

    if (!memory)
        return NULL;
    memory->kind = (uint8_t)kind;
    memory->buffer = buffer;
    memory->bytes = bytes;
    if (buffer)
        tell(memory);
    return memory;
}

/* ---- with a buffer of its own ---- */

struct ft_wdf_memory *ft_wdf_memory_from_pool(const WDF_OBJECT_ATTRIBUTES *attributes,
                                              POOL_TYPE type, ULONG tag, size_t bytes,
                                              NTSTATUS *status)
{
    struct ft_wdf_memory *memory =
        ft_wdf_memory_new(FT_WDF_MEMORY_POOL, FT_WDF->driver, attributes, NULL, bytes, status);

    if (!memory)
        return NULL;
    memory->tag = tag ? tag : ft_wdf_pool_tag();
    memory->buffer = ExAllocatePoolWithTag(type, bytes, memory->tag);
    if (!memory->buffer) {
        *status = STATUS_INSUFFICIENT_RESOURCES;
        ft_wdf_object_abandon(&memory->object);
        return NULL;
    }
    tell(memory);
    return memory;
}

bool ft_wdf_pool_irql_ok(POOL_TYPE type)
{
    return ft_wdf_irql_ok((unsigned)type & PagedPool ? APC_LEVEL : DISPATCH_LEVEL);
}

NTSTATUS WdfMemoryCreate(PWDF_OBJECT_ATTRIBUTES Attributes, POOL_TYPE PoolType, ULONG PoolTag,
                         size_t BufferSize, WDFMEMORY *Memory, PVOID *Buffer)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_memory *memory = NULL;

    FT_WDF_BEGIN(WDF_MEMORY, 0);
    ft_wdf_require(Memory);
    if (BufferSize == 0)
        status = STATUS_INVALID_PARAMETER;
    else if (ft_wdf_pool_irql_ok(PoolType))
        memory = ft_wdf_memory_from_pool(Attributes, PoolType, PoolTag, BufferSize, &status);
    *Memory = (WDFMEMORY)memory;
    if (Buffer)
        *Buffer = memory ? memory->buffer : NULL;
    FT_WDF_END(WDF_MEMORY, 0);
    return status;
}

/* ---- with the driver's buffer ---- */

NTSTATUS WdfMemoryCreatePreallocated(PWDF_OBJECT_ATTRIBUTES Attributes, PVOID Buffer,
                                     size_t BufferSize, WDFMEMORY *Memory)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_memory *memory = NULL;

    FT_WDF_BEGIN(WDF_MEMORY, 0);
    ft_wdf_require(Buffer);
    ft_wdf_require(Memory);
    if (BufferSize == 0)
        status = STATUS_INVALID_PARAMETER;
    else if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        memory = ft_wdf_memory_new(FT_WDF_MEMORY_PREALLOCATED, FT_WDF->driver, Attributes, Buffer,
                                   BufferSize, &status);
    *Memory = (WDFMEMORY)memory;
    FT_WDF_END(WDF_MEMORY, 0);
    return status;
}

/* A memory object with a buffer of its own is an object of another type: bug check 0x10D/5. */
NTSTATUS WdfMemoryAssignBuffer(WDFMEMORY Memory, PVOID Buffer, size_t BufferSize)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_memory *memory;

    FT_WDF_BEGIN(WDF_MEMORY, ft_wdf_label(Memory));
    memory = ft_wdf_check(Memory, FT_HC_WDF_MEMORY);
    ft_wdf_require(Buffer);
    if (memory->kind != FT_WDF_MEMORY_PREALLOCATED)
        ft_wdf_bad_handle(Memory, FT_HC_WDF_MEMORY);
    if (BufferSize == 0) {
        status = STATUS_INVALID_PARAMETER;
    } else if (ft_wdf_irql_ok(DISPATCH_LEVEL)) {
        memory->buffer = Buffer;
        memory->bytes = BufferSize;
        tell(memory);
        status = STATUS_SUCCESS;
    }
    FT_WDF_END(WDF_MEMORY, ft_wdf_label(Memory));
    return status;
}

/* ---- access ---- */

PVOID WdfMemoryGetBuffer(WDFMEMORY Memory, size_t *BufferSize)
{
    const struct ft_wdf_memory *memory;

    FT_WDF_BEGIN(WDF_MEMORY, ft_wdf_label(Memory));
    memory = ft_wdf_check(Memory, FT_HC_WDF_MEMORY);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if (BufferSize)
        *BufferSize = memory->bytes;
    FT_WDF_END(WDF_MEMORY, ft_wdf_label(Memory));
    return memory->buffer;
}

static NTSTATUS check_range(const struct ft_wdf_memory *memory, size_t offset, size_t bytes)
{
    if (bytes == 0)
        return STATUS_INVALID_PARAMETER;
    if (offset > memory->bytes || bytes > memory->bytes - offset)
        return STATUS_BUFFER_TOO_SMALL;
    return STATUS_SUCCESS;
}

NTSTATUS WdfMemoryCopyToBuffer(WDFMEMORY SourceMemory, size_t SourceOffset, PVOID Buffer,
                               size_t NumBytesToCopyTo)
{
    const struct ft_wdf_memory *memory;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_MEMORY, ft_wdf_label(SourceMemory));
    memory = ft_wdf_check(SourceMemory, FT_HC_WDF_MEMORY);
    ft_wdf_require(Buffer);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    status = check_range(memory, SourceOffset, NumBytesToCopyTo);
    if (NT_SUCCESS(status))
        RtlCopyMemory(Buffer, (PUCHAR)memory->buffer + SourceOffset, NumBytesToCopyTo);
    ft_wdf_emit(FT_EV_WDF_MEMORY_COPY, ft_wdf_handle(memory), SourceOffset, NumBytesToCopyTo, false,
                (uint32_t)status);
    FT_WDF_END(WDF_MEMORY, ft_wdf_label(SourceMemory));
    return status;
}

/* The buffer of a write request is read-only: STATUS_ACCESS_VIOLATION. */
NTSTATUS WdfMemoryCopyFromBuffer(WDFMEMORY DestinationMemory, size_t DestinationOffset,
                                 PVOID Buffer, size_t NumBytesToCopyFrom)
{
    struct ft_wdf_memory *memory;
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_MEMORY, ft_wdf_label(DestinationMemory));
    memory = ft_wdf_check(DestinationMemory, FT_HC_WDF_MEMORY);
    ft_wdf_require(Buffer);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    status = memory->read_only ? STATUS_ACCESS_VIOLATION
                               : check_range(memory, DestinationOffset, NumBytesToCopyFrom);
    if (NT_SUCCESS(status))
        RtlCopyMemory((PUCHAR)memory->buffer + DestinationOffset, Buffer, NumBytesToCopyFrom);
    ft_wdf_emit(FT_EV_WDF_MEMORY_COPY, ft_wdf_handle(memory), DestinationOffset, NumBytesToCopyFrom,
                true, (uint32_t)status);
    FT_WDF_END(WDF_MEMORY, ft_wdf_label(DestinationMemory));
    return status;
}
