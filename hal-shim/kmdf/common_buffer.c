/* WDFCOMMONBUFFER (kmdf sheet, 3). The memory comes from the read adapter and is cached; it goes
 * when the object is disposed, before EvtCleanupCallback.
 *
 * Not modelled: alignments beyond a page are met by the logical address alone, as in Windows; the
 * virtual address moves by as much.
 */
#include "dma/common.h"
#include "kmdf/dma_objects.h"
#include "kmdf/wdf_touches.h"

struct ft_wdf_common {
    struct ft_wdf_object object;
    struct ft_wdf_enabler *enabler;
    size_t length;     /* as asked for */
    ULONG raw_length;  /* as allocated */
    void *raw_va, *va; /* the latter aligned */
    uint8_t of_walk;   /* made while callbacks of enablers are called */
    PHYSICAL_ADDRESS raw_address, address;
};

enum { ASK_VIRTUAL, ASK_LOGICAL, ASK_LENGTH };

static void dispose(struct ft_wdf_object *object)
{
    struct ft_wdf_common *common = (struct ft_wdf_common *)object;
    PDMA_ADAPTER adapter = common->enabler->direction[0].adapter;

    ft_emit(FT_EV_WDF_COMMON_END, ft_wdf_handle(common), ft_common_handle(common->raw_va));
    if (common->of_walk)
        ft_wdf_touch_common_end(common->va, ft_wdf_handle(common->enabler));
    if (common->raw_va && adapter)
        adapter->DmaOperations->FreeCommonBuffer(adapter, common->raw_length, common->raw_address,
                                                 common->raw_va, TRUE);
    common->raw_va = NULL;
}

static const struct ft_wdf_class common_class = {
    .handle_class = FT_HC_WDF_COMMON,
    .dispose = dispose,
};

static NTSTATUS allocate(struct ft_wdf_common *common, ULONG mask)
{
    PDMA_ADAPTER adapter = common->enabler->direction[0].adapter;
    uint64_t raw = common->length, aligned;

    if (mask > PAGE_SIZE - 1)
        raw += mask;
    if (raw > UINT32_MAX)
        return STATUS_INTEGER_OVERFLOW;
    if (!adapter)
        return STATUS_INVALID_DEVICE_STATE;
    common->raw_length = (ULONG)raw;
    common->raw_va = adapter->DmaOperations->AllocateCommonBuffer(adapter, (ULONG)raw,
                                                                  &common->raw_address, TRUE);
    if (!common->raw_va)
        return STATUS_INSUFFICIENT_RESOURCES;
    aligned = (uint64_t)common->raw_address.QuadPart;
    if (mask > PAGE_SIZE - 1)
        aligned = (aligned + mask) & ~(uint64_t)mask;
    common->address.QuadPart = (LONGLONG)aligned;
    common->va = (uint8_t *)common->raw_va + (aligned - (uint64_t)common->raw_address.QuadPart);
    return STATUS_SUCCESS;
}

static NTSTATUS create(struct ft_wdf_enabler *enabler, size_t length, ULONG mask,
                       const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_common **ret)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, false);
    struct ft_wdf_common *common;

    if (!NT_SUCCESS(status))
        return status;
    if (length == 0)
        return STATUS_INVALID_PARAMETER;
    common =
        ft_wdf_object_new(&common_class, sizeof *common, &enabler->object, attributes, &status);
    if (!common)
        return status;
    common->enabler = enabler;
    common->length = length;
    status = allocate(common, mask);
    if (!NT_SUCCESS(status)) {
        ft_wdf_object_abandon(&common->object);
        return status;
    }
    common->of_walk = common->object.device->dma_walks > 0;
    if (common->of_walk)
        ft_wdf_touch_common(common->va, length, ft_wdf_handle(enabler));
    *ret = common;
    return STATUS_SUCCESS;
}

/* Inside the points. config: NULL for the enabler's alignment. */
static NTSTATUS make(WDFDMAENABLER handle, size_t length, const WDF_COMMON_BUFFER_CONFIG *config,
                     const WDF_OBJECT_ATTRIBUTES *attributes, WDFCOMMONBUFFER *ret)
{
    struct ft_wdf_enabler *enabler = ft_wdf_check(handle, FT_HC_WDF_ENABLER);
    ULONG mask = config ? config->AlignmentRequirement : enabler->alignment;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_common *common = NULL;

    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        ft_wdf_require(ret);
        status = config && config->Size != sizeof *config
                     ? STATUS_INFO_LENGTH_MISMATCH
                     : create(enabler, length, mask, attributes, &common);
    }
    ft_wdf_driver_event(FT_EV_WDF_COMMON, ft_wdf_handle(common), ft_wdf_handle(enabler),
                        common ? ft_common_handle(common->raw_va) : 0, length, mask,
                        (uint32_t)status);
    if (NT_SUCCESS(status))
        *ret = (WDFCOMMONBUFFER)common;
    return status;
}

NTSTATUS WdfCommonBufferCreate(WDFDMAENABLER DmaEnabler, size_t Length,
                               PWDF_OBJECT_ATTRIBUTES Attributes, WDFCOMMONBUFFER *CommonBuffer)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    status = make(DmaEnabler, Length, NULL, Attributes, CommonBuffer);
    FT_WDF_END(WDF_ENABLER, label);
    return status;
}

NTSTATUS WdfCommonBufferCreateWithConfig(WDFDMAENABLER DmaEnabler, size_t Length,
                                         PWDF_COMMON_BUFFER_CONFIG Config,
                                         PWDF_OBJECT_ATTRIBUTES Attributes,
                                         WDFCOMMONBUFFER *CommonBuffer)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    ft_wdf_require(Config);
    status = make(DmaEnabler, Length, Config, Attributes, CommonBuffer);
    FT_WDF_END(WDF_ENABLER, label);
    return status;
}

/* ---- what can be asked ---- */

static const struct ft_wdf_common *asked(WDFCOMMONBUFFER handle, unsigned what)
{
    const struct ft_wdf_common *common = ft_wdf_check(handle, FT_HC_WDF_COMMON);

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    ft_wdf_driver_event(FT_EV_WDF_COMMON_ASK, ft_wdf_handle(common), what);
    return common;
}

PVOID WdfCommonBufferGetAlignedVirtualAddress(WDFCOMMONBUFFER CommonBuffer)
{
    unsigned label = ft_wdf_label(CommonBuffer);
    void *va;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    va = asked(CommonBuffer, ASK_VIRTUAL)->va;
    FT_WDF_END(WDF_ENABLER, label);
    return va;
}

PHYSICAL_ADDRESS WdfCommonBufferGetAlignedLogicalAddress(WDFCOMMONBUFFER CommonBuffer)
{
    unsigned label = ft_wdf_label(CommonBuffer);
    PHYSICAL_ADDRESS address;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    address = asked(CommonBuffer, ASK_LOGICAL)->address;
    FT_WDF_END(WDF_ENABLER, label);
    return address;
}

size_t WdfCommonBufferGetLength(WDFCOMMONBUFFER CommonBuffer)
{
    unsigned label = ft_wdf_label(CommonBuffer);
    size_t length;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    length = asked(CommonBuffer, ASK_LENGTH)->length;
    FT_WDF_END(WDF_ENABLER, label);
    return length;
}
