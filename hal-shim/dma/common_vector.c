/* Vectors of common buffers (wdm-dma sheet, 1.35 to 1.38).
 *
 * The pages name the members and no more; what they owe is read from bug check 0x1DC, with which
 * the machine stops: wrong IRQL (1), a vector freed while it has buffers (2), an index out of range
 * (3), an element freed before (4). A buffer left behind (5) is a leak like any other. Which level
 * is wrong stands nowhere: the machine stops above DISPATCH_LEVEL, where no allocation can be made,
 * and rules speak of what is above PASSIVE_LEVEL (question 24).
 */
#include "dma/common.h"

enum { ALLOCATE, GET, FREE_ONE, FREE };
enum { BUGCHECK_VECTOR = 0x1DC };
enum { BAD_IRQL = 1, NOT_EMPTY, OUT_OF_RANGE, FREED_BEFORE };

struct _DMA_COMMON_BUFFER_VECTOR {
    uint32_t adapter; /* id */
    uint32_t elements;
    uint32_t id;    /* of the vector's handle */
    uint32_t first; /* id of the first element's buffer; they follow each other */
};

static struct ft_dma_common *element(const DMA_COMMON_BUFFER_VECTOR *vector, ULONG index)
{
    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++) {
        struct ft_dma_common *common = &FT_M->dma.common[i];

        if (common->live && common->vector == vector->id && common->id == vector->first + index)
            return common;
    }
    return NULL;
}

static void announce(const struct ft_dma_adapter *slot, const DMA_COMMON_BUFFER_VECTOR *vector,
                     unsigned what, uint64_t index, unsigned why)
{
    ft_emit(FT_EV_CB_VECTOR, ft_dma_adapter_handle(slot),
            vector ? ft_handle(FT_HC_VECTOR, vector->id, 0) : 0, what, index, why);
}

/* Frees what an unfinished allocation has made. */
static void undo(const DMA_COMMON_BUFFER_VECTOR *vector, ULONG made)
{
    for (ULONG i = 0; i < made; i++)
        ft_common_destroy(element(vector, i));
}

static bool fill(const struct ft_dma_adapter *slot, DMA_COMMON_BUFFER_VECTOR *vector,
                 const struct ft_common_want *want)
{
    for (ULONG i = 0; i < vector->elements; i++) {
        const struct ft_dma_common *common =
            ft_alloc_fails(FT_FAIL_COMMON) ? NULL : ft_common_create(slot, want);

        if (!common) {
            undo(vector, i);
            return false;
        }
        if (i == 0)
            vector->first = common->id;
    }
    return true;
}

/* An element is made or freed by the HAL: rules about the driver's calls look at the vector. */
static void announce_element(const struct ft_dma_adapter *slot, const struct ft_dma_common *common,
                             enum ft_event_kind kind)
{
    const uint64_t arg[] = {ft_dma_adapter_handle(slot), ft_handle(FT_HC_COMMON, common->id, 0),
                            common->length, common->logical,
                            kind == FT_EV_DMA_CB_ALLOC && common->cached != FT_CACHED_NO};

    ft_emit_as(FT_LAYER_SYSTEM, ft_current()->request, kind, 5, arg);
}

static void announce_elements(const struct ft_dma_adapter *slot,
                              const DMA_COMMON_BUFFER_VECTOR *vector)
{
    for (ULONG i = 0; i < vector->elements; i++)
        announce_element(slot, element(vector, i), FT_EV_DMA_CB_ALLOC);
}

NTSTATUS ft_dma_vector_allocate(PDMA_ADAPTER adapter, PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high,
                                MEMORY_CACHING_TYPE cache, NODE_REQUIREMENT node, ULONG flags,
                                ULONG elements, ULONGLONG bytes, PDMA_COMMON_BUFFER_VECTOR *ret)
{
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    DMA_COMMON_BUFFER_VECTOR *vector = NULL;
    const struct ft_dma_adapter *slot;

    (void)node;
    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);
    *ret = NULL;
    if (slot && ft_irql() > DISPATCH_LEVEL) {
        announce(slot, NULL, ALLOCATE, elements, FT_WHY_IRQL);
        ft_bugcheck(BUGCHECK_VECTOR, BAD_IRQL, ft_irql(), 0, 0);
    }
    if (slot && elements > 0 && bytes > 0 && bytes <= UINT32_MAX && flags == 0) {
        vector = ft_block_alloc(sizeof *vector, FT_HC_VECTOR, 0);
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (vector) {
        struct ft_common_want want = {.length = (uint32_t)bytes,
                                      .cached = cache == MmCached,
                                      .low = (uint64_t)low.QuadPart,
                                      .high = (uint64_t)high.QuadPart};

        want.vector = ft_handle_id(ft_block_handle(vector));
        *vector = (DMA_COMMON_BUFFER_VECTOR){
            .adapter = slot->id, .elements = elements, .id = want.vector};
        if (fill(slot, vector, &want))
            status = STATUS_SUCCESS;
        else
            ft_block_free(vector);
    }
    if (slot)
        announce(slot, NT_SUCCESS(status) ? vector : NULL, ALLOCATE, elements,
                 NT_SUCCESS(status) ? FT_WHY_NOTHING : FT_WHY_RESOURCES);
    if (NT_SUCCESS(status)) {
        announce_elements(slot, vector);
        *ret = vector;
    }
    FT_DDI_END(DMA_COMMON, 0);
    return status;
}

/* One that was freed, or never was one. */
static void announce_dead(const struct ft_dma_adapter *slot, const void *vector, unsigned what)
{
    ft_emit(FT_EV_CB_VECTOR, ft_dma_adapter_handle(slot), ft_handle_of(vector), what, 0,
            FT_WHY_TWICE);
}

/* Checks what the three others have in common. NULL adapter or vector: nothing is done. */
static const struct ft_dma_adapter *enter(PDMA_ADAPTER adapter,
                                          const DMA_COMMON_BUFFER_VECTOR *vector, unsigned what)
{
    const struct ft_dma_adapter *slot = ft_dma_adapter_check(adapter, FT_PT_DMA_COMMON);

    if (!slot || ft_block_is_live(vector, FT_HC_VECTOR))
        return slot;
    announce_dead(slot, vector, what);
    return NULL;
}

static _Noreturn void stop(const struct ft_dma_adapter *slot,
                           const DMA_COMMON_BUFFER_VECTOR *vector, unsigned what, ULONG index,
                           unsigned why, unsigned code)
{
    announce(slot, vector, what, index, why);
    ft_bugcheck(BUGCHECK_VECTOR, code, index, vector->elements, 0);
}

VOID ft_dma_vector_get(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index,
                       PVOID *va, PPHYSICAL_ADDRESS logical)
{
    const struct ft_dma_common *common;
    const struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = enter(adapter, vector, GET);
    if (slot) {
        if (index >= vector->elements)
            stop(slot, vector, GET, index, FT_WHY_RANGE, OUT_OF_RANGE);
        common = element(vector, index);
        if (!common)
            stop(slot, vector, GET, index, FT_WHY_TWICE, FREED_BEFORE);
        announce(slot, vector, GET, index, FT_WHY_NOTHING);
        *va = ft_common_address(common);
        logical->QuadPart = (LONGLONG)common->logical;
    }
    FT_DDI_END(DMA_COMMON, 0);
}

VOID ft_dma_vector_free_one(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index)
{
    const struct ft_dma_adapter *slot;
    struct ft_dma_common *common;

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = enter(adapter, vector, FREE_ONE);
    if (slot) {
        if (ft_irql() > DISPATCH_LEVEL)
            stop(slot, vector, FREE_ONE, index, FT_WHY_IRQL, BAD_IRQL);
        if (index >= vector->elements)
            stop(slot, vector, FREE_ONE, index, FT_WHY_RANGE, OUT_OF_RANGE);
        common = element(vector, index);
        if (!common)
            stop(slot, vector, FREE_ONE, index, FT_WHY_TWICE, FREED_BEFORE);
        announce(slot, vector, FREE_ONE, index, FT_WHY_NOTHING);
        announce_element(slot, common, FT_EV_DMA_CB_FREE);
        ft_common_destroy(common);
    }
    FT_DDI_END(DMA_COMMON, 0);
}

VOID ft_dma_vector_free(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector)
{
    const struct ft_dma_adapter *slot;

    FT_DMA_BEGIN(DMA_COMMON, 0);
    slot = enter(adapter, vector, FREE);
    if (slot) {
        if (ft_irql() > DISPATCH_LEVEL)
            stop(slot, vector, FREE, 0, FT_WHY_IRQL, BAD_IRQL);
        for (ULONG i = 0; i < vector->elements; i++)
            if (element(vector, i))
                stop(slot, vector, FREE, i, FT_WHY_BUSY, NOT_EMPTY);
        announce(slot, vector, FREE, 0, FT_WHY_NOTHING);
        ft_block_free(vector);
    }
    FT_DDI_END(DMA_COMMON, 0);
}
