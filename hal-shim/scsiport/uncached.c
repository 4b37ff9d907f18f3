/* The memory that miniport and HBA share (scsiport.md, section 9): SRB extensions, each with a
 * sense area behind it, and the uncached extension, in one common buffer. Of an HBA that is no bus
 * master it is nonpaged pool.
 *
 * Not modelled: a number of requests from the registry.
 */
#include "scsiport/port_dma.h"
#include "world/races.h"

#include <string.h>

enum {
    REQUESTS = 16,
    ROUND = 8,
    BITS = 32,
    UNTOUCHED = 0xA7 /* what an SRB extension holds: it is never initialised */
};

static ULONG rounded(ULONG bytes, ULONG unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static bool is_shared(const struct ft_scsi_adapter *adapter)
{
    return adapter->dma && !adapter->slave;
}

static void *get_memory(struct ft_scsi_adapter *adapter)
{
    PHYSICAL_ADDRESS logical = {.QuadPart = 0};
    void *memory;

    if (!is_shared(adapter))
        return ft_block_alloc(adapter->common_bytes, FT_HC_OTHER, 0);
    memory = adapter->dma->DmaOperations->AllocateCommonBuffer(adapter->dma, adapter->common_bytes,
                                                               &logical, FALSE);
    adapter->common_logical = (uint64_t)logical.QuadPart;
    return memory;
}

NTSTATUS ft_scsi_common_allocate(struct ft_scsi_adapter *adapter, ULONG uncached_bytes)
{
    const PORT_CONFIGURATION_INFORMATION *config = adapter->config;
    ULONG sense = config->AutoRequestSense ? SENSE_BUFFER_SIZE : 0;

    adapter->srb_extension_stride = rounded(config->SrbExtensionSize + sense, ROUND);
    adapter->uncached_offset = adapter->srb_extension_stride * REQUESTS;
    adapter->uncached_bytes = uncached_bytes;
    adapter->common_bytes = rounded(adapter->uncached_offset + uncached_bytes, PAGE_SIZE);
    memset(adapter->srb_extensions_used, 0, sizeof adapter->srb_extensions_used);
    if (adapter->common_bytes == 0)
        return STATUS_SUCCESS;
    /* The uncached extension is what is left of the last page, too. */
    adapter->common = get_memory(adapter);
    return adapter->common ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

void ft_scsi_common_free(struct ft_scsi_adapter *adapter)
{
    PHYSICAL_ADDRESS logical = {.QuadPart = (LONGLONG)adapter->common_logical};

    if (adapter->common && is_shared(adapter))
        adapter->dma->DmaOperations->FreeCommonBuffer(adapter->dma, adapter->common_bytes, logical,
                                                      adapter->common, FALSE);
    else if (adapter->common)
        ft_block_free(adapter->common);
    adapter->common = NULL;
    adapter->common_logical = 0;
    adapter->common_bytes = 0;
    adapter->uncached_bytes = 0;
}

/* ---- SRB extensions ---- */

static PUCHAR extension_of(const struct ft_scsi_request *request)
{
    const struct ft_scsi_adapter *adapter = request->adapter;

    return (PUCHAR)adapter->common + (request->extension_index - 1) * adapter->srb_extension_stride;
}

bool ft_scsi_extension_take(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    unsigned i = 0;

    if (adapter->config->SrbExtensionSize == 0)
        ft_watch(FT_TOUCH_NO_EXTENSION, &request->srb->SrbExtension, sizeof(PVOID));
    if (adapter->srb_extension_stride == 0 || !adapter->common)
        return true;
    while (i < REQUESTS && (adapter->srb_extensions_used[i / BITS] & 1u << i % BITS))
        i++;
    if (i == REQUESTS)
        return false;
    adapter->srb_extensions_used[i / BITS] |= 1u << i % BITS;
    request->extension_index = i + 1;
    memset(extension_of(request), UNTOUCHED, adapter->srb_extension_stride);
    if (adapter->config->SrbExtensionSize)
        request->srb->SrbExtension = extension_of(request);
    return true;
}

void ft_scsi_extension_give(struct ft_scsi_request *request)
{
    unsigned i = request->extension_index - 1;

    ft_unwatch(FT_TOUCH_NO_EXTENSION, &request->srb->SrbExtension);
    if (request->extension_index == 0)
        return;
    request->adapter->srb_extensions_used[i / BITS] &= ~(1u << i % BITS);
    request->extension_index = 0;
    request->srb->SrbExtension = NULL;
}

UCHAR *ft_scsi_sense_area(const struct ft_scsi_request *request, ULONG *bytes)
{
    const PORT_CONFIGURATION_INFORMATION *config = request->adapter->config;

    if (request->extension_index == 0 || !config->AutoRequestSense)
        return NULL;
    *bytes = SENSE_BUFFER_SIZE;
    return extension_of(request) + config->SrbExtensionSize;
}

/* ---- the uncached extension ---- */

enum { MOST_BYTES = 100 * 1024 };

/* What is wrong with the call, as bits of scsi:uncached: 1 not in HwScsiFindAdapter, 2 no bus
 * master, 4 there is one, 8 too long, 16 AutoRequestSense is not set. */
static uint64_t faults(const struct ft_scsi_adapter *adapter,
                       const PORT_CONFIGURATION_INFORMATION *config, ULONG bytes)
{
    return (ft_scsi_routine() != FT_ROUTINE_SCSI_FIND_ADAPTER ? 1u : 0) |
           (!config->Master ? 2u : 0) | (adapter->common ? 4u : 0) | (bytes > MOST_BYTES ? 8u : 0) |
           (!config->AutoRequestSense ? 16u : 0);
}

static PVOID make_uncached(struct ft_scsi_adapter *adapter, ULONG bytes)
{
    if (!NT_SUCCESS(ft_scsi_dma_adapter(adapter)) || !adapter->dma ||
        !NT_SUCCESS(ft_scsi_common_allocate(adapter, bytes)))
        return NULL;
    return (PUCHAR)adapter->common + adapter->uncached_offset;
}

PVOID ScsiPortGetUncachedExtension(PVOID HwDeviceExtension,
                                   PPORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes)
{
    enum { REFUSED = 1 | 2 | 4 };
    struct ft_scsi_adapter *adapter;
    PVOID extension = NULL;
    uint64_t wrong;

    FT_SCSI_BEGIN(SCSI_SETUP, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    wrong = faults(adapter, ConfigInfo, NumberOfBytes);
    if (!(wrong & REFUSED))
        extension = make_uncached(adapter, NumberOfBytes);
    ft_scsi_emit(FT_EV_SCSI_UNCACHED, ft_block_handle(adapter->fdo), NumberOfBytes,
                 ConfigInfo->SrbExtensionSize, wrong, extension != NULL);
    FT_SCSI_END(SCSI_SETUP, 0);
    return extension;
}
