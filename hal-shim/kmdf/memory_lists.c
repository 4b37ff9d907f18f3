/* Lookaside lists of memory objects. The list's object stays until its last memory object is gone.
 */
#include "kmdf/kmdf_private.h"

struct lookaside {
    struct ft_wdf_object object;
    LOOKASIDE_LIST_EX list;
    WDF_OBJECT_ATTRIBUTES attributes; /* of the memory objects; Size 0: none */
    size_t bytes;
    POOL_TYPE type;
};

static void destroy(struct ft_wdf_object *object)
{
    ExDeleteLookasideListEx(&((struct lookaside *)object)->list);
}

static const struct ft_wdf_class lookaside_class = {.handle_class = FT_HC_WDF_LOOKASIDE,
                                                    .destroy = destroy};

static struct lookaside *create(const WDF_OBJECT_ATTRIBUTES *attributes,
                                const WDF_OBJECT_ATTRIBUTES *memory_attributes, POOL_TYPE type,
                                NTSTATUS *status)
{
    *status = ft_wdf_attributes_check(memory_attributes, true);
    if (!NT_SUCCESS(*status) || !ft_wdf_pool_irql_ok(type))
        return NULL;
    return ft_wdf_object_new(&lookaside_class, sizeof(struct lookaside), FT_WDF->driver, attributes,
                             status);
}

/* A pool type that ExInitializeLookasideListEx refuses is refused here. */
static NTSTATUS prepare(struct lookaside *lookaside, ULONG tag,
                        const WDF_OBJECT_ATTRIBUTES *memory_attributes)
{
    if (memory_attributes)
        lookaside->attributes = *memory_attributes;
    return ExInitializeLookasideListEx(&lookaside->list, NULL, NULL, lookaside->type, 0,
                                       lookaside->bytes, tag ? tag : ft_wdf_pool_tag(), 0);
}

NTSTATUS WdfLookasideListCreate(PWDF_OBJECT_ATTRIBUTES LookasideAttributes, size_t BufferSize,
                                POOL_TYPE PoolType, PWDF_OBJECT_ATTRIBUTES MemoryAttributes,
                                ULONG PoolTag, WDFLOOKASIDE *Lookaside)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    struct lookaside *lookaside = NULL;

    FT_WDF_BEGIN(WDF_MEMORY, 0);
    ft_wdf_require(Lookaside);
    if (BufferSize != 0)
        lookaside = create(LookasideAttributes, MemoryAttributes, PoolType, &status);
    if (!lookaside && NT_SUCCESS(status))
        status = STATUS_INVALID_DEVICE_REQUEST; /* at a wrong level */
    if (lookaside) {
        lookaside->bytes = BufferSize;
        lookaside->type = PoolType;
        status = prepare(lookaside, PoolTag, MemoryAttributes);
        if (!NT_SUCCESS(status)) {
            ft_wdf_object_abandon(&lookaside->object);
            lookaside = NULL;
        }
    }
    *Lookaside = (WDFLOOKASIDE)lookaside;
    FT_WDF_END(WDF_MEMORY, 0);
    return status;
}

void ft_wdf_lookaside_give(struct ft_wdf_memory *memory)
{
    struct lookaside *lookaside = memory->lookaside;

    ExFreeToLookasideListEx(&lookaside->list, memory->buffer);
    ft_wdf_object_release(&lookaside->object);
}

static struct ft_wdf_memory *take(struct lookaside *lookaside, NTSTATUS *status)
{
    const WDF_OBJECT_ATTRIBUTES *attributes =
        lookaside->attributes.Size ? &lookaside->attributes : NULL;
    PVOID buffer = ExAllocateFromLookasideListEx(&lookaside->list);
    struct ft_wdf_memory *memory;

    *status = STATUS_INSUFFICIENT_RESOURCES;
    if (!buffer)
        return NULL;
    memory = ft_wdf_memory_new(FT_WDF_MEMORY_LOOKASIDE, FT_WDF->driver, attributes, buffer,
                               lookaside->bytes, status);
    if (!memory) {
        ExFreeToLookasideListEx(&lookaside->list, buffer);
        return NULL;
    }
    memory->lookaside = lookaside;
    ft_wdf_object_refer(&lookaside->object);
    return memory;
}

NTSTATUS WdfMemoryCreateFromLookaside(WDFLOOKASIDE Lookaside, WDFMEMORY *Memory)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct lookaside *lookaside;

    FT_WDF_BEGIN(WDF_MEMORY, ft_wdf_label(Lookaside));
    lookaside = ft_wdf_check(Lookaside, FT_HC_WDF_LOOKASIDE);
    ft_wdf_require(Memory);
    *Memory = NULL;
    if (ft_wdf_pool_irql_ok(lookaside->type))
        *Memory = (WDFMEMORY)take(lookaside, &status);
    FT_WDF_END(WDF_MEMORY, ft_wdf_label(Lookaside));
    return status;
}
