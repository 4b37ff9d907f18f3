/* WDFDMAENABLER: creation and what can be asked (kmdf sheet, 1.1 to 1.3).
 *
 * DMA version 2 is the default of a bus master; the platform without coherence has version 3, as
 * ARM64 has, where the machine offers it. Not modelled: configuration structures of drivers built
 * for an older KMDF, which are shorter. An adapter of one map register can move no page that does
 * not begin on a boundary, and its fragments would be empty: creation fails with
 * STATUS_INSUFFICIENT_RESOURCES.
 */
#include "kmdf/dma_objects.h"

enum { VERSION_2 = 2, VERSION_3 = 3, WIDTH_32 = 32, WIDTH_64 = 64 };

bool ft_wdf_enabler_is_system(const struct ft_wdf_enabler *enabler)
{
    return enabler->config.Profile >= WdfDmaProfileSystem;
}

bool ft_wdf_enabler_is_packet(const struct ft_wdf_enabler *enabler)
{
    return enabler->config.Profile == WdfDmaProfilePacket ||
           enabler->config.Profile == WdfDmaProfilePacket64;
}

bool ft_wdf_enabler_is_duplex(const struct ft_wdf_enabler *enabler)
{
    return enabler->config.Profile == WdfDmaProfileScatterGatherDuplex ||
           enabler->config.Profile == WdfDmaProfileScatterGather64Duplex ||
           enabler->config.Profile == WdfDmaProfileSystemDuplex;
}

static bool is_64(WDF_DMA_PROFILE profile)
{
    return profile == WdfDmaProfilePacket64 || profile == WdfDmaProfileScatterGather64 ||
           profile == WdfDmaProfileScatterGather64Duplex;
}

static bool is_list_profile(const struct ft_wdf_enabler *enabler)
{
    return !ft_wdf_enabler_is_system(enabler) && !ft_wdf_enabler_is_packet(enabler);
}

struct ft_wdf_adapter *ft_wdf_enabler_direction(struct ft_wdf_enabler *enabler,
                                                WDF_DMA_DIRECTION direction)
{
    struct ft_wdf_adapter *found =
        &enabler->direction[ft_wdf_enabler_is_duplex(enabler) && direction ? 1 : 0];

    return found->adapter ? found : NULL;
}

/* ---- the HAL's side ---- */

NTSTATUS ft_wdf_enabler_get_adapter(struct ft_wdf_enabler *enabler, unsigned direction,
                                    DEVICE_DESCRIPTION *description)
{
    struct ft_wdf_adapter *adapter = &enabler->direction[direction];
    NTSTATUS status = STATUS_SUCCESS;

    adapter->adapter =
        IoGetDmaAdapter(enabler->object.device->pdo, description, &adapter->registers);
    if (!adapter->adapter)
        status = STATUS_UNSUCCESSFUL;
    else if (adapter->registers < 2)
        status = STATUS_INSUFFICIENT_RESOURCES;
    ft_emit(FT_EV_WDF_ENABLER_HAL, ft_wdf_handle(enabler), ft_handle_of(adapter->adapter),
            direction, adapter->registers, (uint32_t)status);
    if (!NT_SUCCESS(status))
        return status;
    adapter->fragment_most = ((size_t)adapter->registers - 1) * PAGE_SIZE;
    if (adapter->fragment_most > enabler->config.MaximumLength)
        adapter->fragment_most = enabler->config.MaximumLength;
    return STATUS_SUCCESS;
}

static ULONG address_bits(const WDF_DMA_ENABLER_CONFIG *config)
{
    if (config->AddressWidthOverride)
        return config->AddressWidthOverride;
    return is_64(config->Profile) ? WIDTH_64 : WIDTH_32;
}

static NTSTATUS get_master(struct ft_wdf_enabler *enabler, unsigned direction)
{
    const WDF_DMA_ENABLER_CONFIG *config = &enabler->config;
    DEVICE_DESCRIPTION description = {
        .Version = enabler->version,
        .Master = TRUE,
        .ScatterGather = is_list_profile(enabler),
        .Dma32BitAddresses = TRUE,
        .Dma64BitAddresses = is_64(config->Profile),
        .InterfaceType = PCIBus,
        .MaximumLength = (ULONG)config->MaximumLength,
        .DmaAddressWidth = enabler->version == VERSION_3 ? address_bits(config) : 0,
    };

    return ft_wdf_enabler_get_adapter(enabler, direction, &description);
}

/* What a list for as many pages as the adapter has registers needs, in either direction. */
static NTSTATUS measure_lists(struct ft_wdf_enabler *enabler)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct ft_wdf_adapter *at = &enabler->direction[i];
        ULONG bytes = 0;
        NTSTATUS status;

        if (!at->adapter)
            continue;
        status = at->adapter->DmaOperations->CalculateScatterGatherList(
            at->adapter, NULL, NULL, at->registers * PAGE_SIZE, &bytes, NULL);
        if (!NT_SUCCESS(status))
            return status;
        if (bytes > enabler->list_bytes)
            enabler->list_bytes = bytes;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS get_masters(struct ft_wdf_enabler *enabler)
{
    const struct ft_wdf_adapter *read = &enabler->direction[0];
    NTSTATUS status = get_master(enabler, 0);
    ULONG unit;

    if (NT_SUCCESS(status) && ft_wdf_enabler_is_duplex(enabler))
        status = get_master(enabler, 1);
    if (!NT_SUCCESS(status))
        return status;
    unit = read->adapter->DmaOperations->GetDmaAlignment(read->adapter);
    enabler->alignment = enabler->object.device->alignment;
    if (unit - 1 > enabler->alignment)
        enabler->alignment = unit - 1;
    if (is_list_profile(enabler) &&
        !(enabler->config.Flags & WDF_DMA_ENABLER_CONFIG_NO_SGLIST_PREALLOCATION))
        status = measure_lists(enabler);
    return status;
}

static void put_adapter(struct ft_wdf_adapter *direction)
{
    PDMA_ADAPTER adapter = direction->adapter;

    if (adapter)
        adapter->DmaOperations->PutDmaAdapter(adapter);
    direction->adapter = NULL;
}

static void put_adapters(struct ft_wdf_enabler *enabler)
{
    for (unsigned i = 0; i < 2; i++)
        put_adapter(&enabler->direction[i]);
    if (enabler->system_list)
        ft_block_free(enabler->system_list);
    enabler->system_list = NULL;
}

/* ---- WdfDmaEnablerCreate ---- */

/* The version that profile and overrides ask for. */
static NTSTATUS choose_version(const WDF_DMA_ENABLER_CONFIG *config, uint8_t *ret)
{
    bool system = config->Profile >= WdfDmaProfileSystem;
    bool arm = !FT_M->platform.coherent &&
               ft_world_module()->description->dma_version >= DEVICE_DESCRIPTION_VERSION3;
    ULONG version = system || arm || config->AddressWidthOverride ? VERSION_3 : VERSION_2;

    if (config->AddressWidthOverride &&
        (system || (config->AddressWidthOverride > WIDTH_32 && !is_64(config->Profile))))
        return STATUS_INVALID_PARAMETER;
    if (config->WdmDmaVersionOverride) {
        if (config->WdmDmaVersionOverride < version)
            return STATUS_INVALID_PARAMETER;
        version = config->WdmDmaVersionOverride;
    }
    if ((config->Flags & WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER) && version < VERSION_3)
        return STATUS_INVALID_PARAMETER;
    *ret = version > UINT8_MAX ? UINT8_MAX : (uint8_t)version;
    return STATUS_SUCCESS;
}

static NTSTATUS check_config(const WDF_DMA_ENABLER_CONFIG *config)
{
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (config->Profile <= WdfDmaProfileInvalid || config->Profile > WdfDmaProfileSystemDuplex ||
        config->MaximumLength == 0)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static NTSTATUS check_attributes(const struct ft_wdf_device *device,
                                 const WDF_OBJECT_ATTRIBUTES *attributes)
{
    NTSTATUS status = ft_wdf_attributes_check(attributes, true);
    const struct ft_wdf_object *parent;

    if (!NT_SUCCESS(status) || !attributes || !attributes->ParentObject)
        return status;
    parent = ft_wdf_check(attributes->ParentObject, 0);
    while (parent && parent != &device->object)
        parent = parent->parent;
    return parent ? STATUS_SUCCESS : STATUS_WDF_OBJECT_ATTRIBUTES_INVALID;
}

static void dispose(struct ft_wdf_object *object)
{
    struct ft_wdf_enabler *enabler = (struct ft_wdf_enabler *)object;

    ft_emit(FT_EV_WDF_ENABLER_END, ft_wdf_handle(enabler));
    put_adapters(enabler);
    ft_wdf_enabler_leave(enabler);
}

static const struct ft_wdf_class enabler_class = {
    .handle_class = FT_HC_WDF_ENABLER,
    .dispose = dispose,
};

static NTSTATUS create(struct ft_wdf_device *device, const WDF_DMA_ENABLER_CONFIG *config,
                       const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_enabler **ret)
{
    struct ft_wdf_enabler *enabler;
    NTSTATUS status = check_config(config);
    uint8_t version;

    if (NT_SUCCESS(status))
        status = choose_version(config, &version);
    if (!NT_SUCCESS(status))
        return status;
    enabler =
        ft_wdf_object_new(&enabler_class, sizeof *enabler, &device->object, attributes, &status);
    if (!enabler)
        return status;
    enabler->config = *config;
    enabler->version = version;
    enabler->elements_most = WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS;
    enabler->alignment = device->alignment;
    if (!ft_wdf_enabler_is_system(enabler))
        status = get_masters(enabler);
    if (!NT_SUCCESS(status)) {
        put_adapters(enabler);
        ft_wdf_object_abandon(&enabler->object);
        return status;
    }
    ft_wdf_enabler_join(enabler);
    *ret = enabler;
    return STATUS_SUCCESS;
}

/* The word `how` of wdf:enabler. */
static uint64_t how_word(const struct ft_wdf_device *device, const WDF_DMA_ENABLER_CONFIG *config)
{
    return (config->EvtDmaEnablerFill ? FT_ENABLER_FILL : 0) |
           (config->EvtDmaEnablerFlush ? FT_ENABLER_FLUSH : 0) |
           (config->EvtDmaEnablerDisable ? FT_ENABLER_DISABLE : 0) |
           (config->EvtDmaEnablerEnable ? FT_ENABLER_ENABLE : 0) |
           (config->EvtDmaEnablerSelfManagedIoStart ? FT_ENABLER_START : 0) |
           (config->EvtDmaEnablerSelfManagedIoStop ? FT_ENABLER_STOP : 0) |
           (config->Flags & WDF_DMA_ENABLER_CONFIG_NO_SGLIST_PREALLOCATION ? FT_ENABLER_NO_LISTS
                                                                           : 0) |
           (config->Flags & WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER ? FT_ENABLER_SINGLE
                                                                           : 0) |
           (device->dma_up ? FT_ENABLER_LATE : 0) | (device->dma_walks ? FT_ENABLER_IN_WALK : 0) |
           (uint64_t)(address_bits(config) & 0xFF) << FT_ENABLER_WIDTH_SHIFT;
}

NTSTATUS WdfDmaEnablerCreate(WDFDEVICE Device, PWDF_DMA_ENABLER_CONFIG Config,
                             PWDF_OBJECT_ATTRIBUTES Attributes, WDFDMAENABLER *DmaEnablerHandle)
{
    struct ft_wdf_enabler *enabler = NULL;
    unsigned label = ft_wdf_label(Device);
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL)) {
        ft_wdf_require(Config);
        ft_wdf_require(DmaEnablerHandle);
        status = check_attributes(device, Attributes);
        if (NT_SUCCESS(status))
            status = create(device, Config, Attributes, &enabler);
    }
    ft_wdf_emit(FT_EV_WDF_ENABLER, ft_wdf_handle(enabler), ft_wdf_handle(device),
                Config ? (uint32_t)Config->Profile : 0, enabler ? enabler->version : 0,
                Config ? how_word(device, Config) : 0, (uint32_t)status,
                Config ? Config->MaximumLength : 0);
    if (NT_SUCCESS(status))
        *DmaEnablerHandle = (WDFDMAENABLER)enabler;
    FT_WDF_END(WDF_ENABLER, label);
    return status;
}

/* ---- system profiles ---- */

/* One list for all: the system DMA controller works on one transfer at a time. Of two directions
 * the one with more registers says how long it is. */
static NTSTATUS make_system_list(struct ft_wdf_enabler *enabler, ULONG registers)
{
    ULONG bytes =
        (ULONG)sizeof(SCATTER_GATHER_LIST) + registers * (ULONG)sizeof(SCATTER_GATHER_ELEMENT);
    PSCATTER_GATHER_LIST list;

    if (enabler->system_list && bytes <= enabler->list_bytes)
        return STATUS_SUCCESS;
    list = ft_block_for_driver(bytes, FT_HC_OTHER, 0);
    if (!list)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (enabler->system_list)
        ft_block_free(enabler->system_list);
    enabler->system_list = list;
    enabler->list_bytes = bytes;
    return STATUS_SUCCESS;
}

static NTSTATUS configure(struct ft_wdf_enabler *enabler,
                          const WDF_DMA_SYSTEM_PROFILE_CONFIG *config, WDF_DMA_DIRECTION direction)
{
    const CM_PARTIAL_RESOURCE_DESCRIPTOR *part = config ? config->DmaDescriptor : NULL;
    unsigned index = ft_wdf_enabler_is_duplex(enabler) && direction ? 1 : 0;
    DEVICE_DESCRIPTION description = {.Version = VERSION_3};
    NTSTATUS status;

    if (!config || !part || (unsigned)direction > WdfDmaDirectionWriteToDevice)
        return STATUS_INVALID_PARAMETER;
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!ft_wdf_enabler_is_system(enabler) || enabler->direction[index].adapter ||
        part->Type != CmResourceTypeDma)
        return STATUS_INVALID_PARAMETER;
    description.DemandMode = config->DemandMode;
    description.AutoInitialize = config->LoopedTransfer;
    description.DmaChannel = part->u.DmaV3.Channel;
    description.DmaRequestLine = part->u.DmaV3.RequestLine;
    description.DmaWidth = config->DmaWidth;
    description.DeviceAddress = config->DeviceAddress;
    description.InterfaceType = Internal;
    description.MaximumLength = (ULONG)enabler->config.MaximumLength;
    status = ft_wdf_enabler_get_adapter(enabler, index, &description);
    if (NT_SUCCESS(status))
        status = make_system_list(enabler, enabler->direction[index].registers);
    if (!NT_SUCCESS(status))
        put_adapter(&enabler->direction[index]); /* the driver may try again */
    return status;
}

NTSTATUS WdfDmaEnablerConfigureSystemProfile(WDFDMAENABLER DmaEnabler,
                                             PWDF_DMA_SYSTEM_PROFILE_CONFIG ProfileConfig,
                                             WDF_DMA_DIRECTION ConfigDirection)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    unsigned label = ft_wdf_label(DmaEnabler);
    struct ft_wdf_enabler *enabler;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = configure(enabler, ProfileConfig, ConfigDirection);
    FT_WDF_END(WDF_ENABLER, label);
    return status;
}

/* ---- what can be asked ---- */

size_t WdfDmaEnablerGetMaximumLength(WDFDMAENABLER DmaEnabler)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    const struct ft_wdf_enabler *enabler;
    size_t bytes;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    bytes = enabler->config.MaximumLength;
    ft_wdf_emit(FT_EV_WDF_ENABLER_CALL, ft_wdf_handle(enabler), FT_ENABLER_GET_MAXIMUM, bytes);
    FT_WDF_END(WDF_ENABLER, label);
    return bytes;
}

size_t WdfDmaEnablerGetMaximumScatterGatherElements(WDFDMAENABLER DmaEnabler)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    const struct ft_wdf_enabler *enabler;
    size_t elements;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    elements = enabler->elements_most;
    ft_wdf_emit(FT_EV_WDF_ENABLER_CALL, ft_wdf_handle(enabler), FT_ENABLER_GET_ELEMENTS, elements);
    FT_WDF_END(WDF_ENABLER, label);
    return elements;
}

/* 0 is ignored. */
VOID WdfDmaEnablerSetMaximumScatterGatherElements(WDFDMAENABLER DmaEnabler, size_t MaximumFragments)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    struct ft_wdf_enabler *enabler;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL) && MaximumFragments)
        enabler->elements_most = MaximumFragments;
    ft_wdf_emit(FT_EV_WDF_ENABLER_CALL, ft_wdf_handle(enabler), FT_ENABLER_SET_ELEMENTS,
                MaximumFragments);
    FT_WDF_END(WDF_ENABLER, label);
}

size_t WdfDmaEnablerGetFragmentLength(WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    const struct ft_wdf_adapter *adapter = NULL;
    struct ft_wdf_enabler *enabler;
    size_t bytes;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if ((unsigned)DmaDirection <= WdfDmaDirectionWriteToDevice)
        adapter = ft_wdf_enabler_direction(enabler, DmaDirection);
    bytes = adapter ? adapter->fragment_most : 0;
    ft_wdf_emit(FT_EV_WDF_ENABLER_CALL, ft_wdf_handle(enabler), FT_ENABLER_GET_FRAGMENT, bytes);
    FT_WDF_END(WDF_ENABLER, label);
    return bytes;
}

PDMA_ADAPTER WdfDmaEnablerWdmGetDmaAdapter(WDFDMAENABLER DmaEnabler, WDF_DMA_DIRECTION DmaDirection)
{
    unsigned label = ft_wdf_label(DmaEnabler);
    const struct ft_wdf_adapter *adapter = NULL;
    struct ft_wdf_enabler *enabler;

    FT_WDF_BEGIN(WDF_ENABLER, label);
    enabler = ft_wdf_check(DmaEnabler, FT_HC_WDF_ENABLER);
    ft_wdf_irql_ok(DISPATCH_LEVEL);
    if ((unsigned)DmaDirection <= WdfDmaDirectionWriteToDevice)
        adapter = ft_wdf_enabler_direction(enabler, DmaDirection);
    ft_wdf_emit(FT_EV_WDF_ENABLER_CALL, ft_wdf_handle(enabler), FT_ENABLER_GET_ADAPTER,
                adapter ? ft_handle_of(adapter->adapter) : 0);
    FT_WDF_END(WDF_ENABLER, label);
    return adapter ? adapter->adapter : NULL;
}
