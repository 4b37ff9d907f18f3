/* DMA by bus masters: map registers and a list of addresses for each SRB, mapped before
 * HwScsiStartIo and flushed after its completion (scsiport.md, sections 7 and 9). The miniport asks
 * for the addresses piece by piece.
 */
#include "scsiport/port_dma.h"

#include <string.h>

uint16_t ft_scsi_serve(const struct ft_scsi_request *request)
{
    uint16_t before = ft_current()->request;

    ft_current()->request = (uint16_t)ft_handle_id(ft_handle_of(request->irp));
    return before;
}

static BOOLEAN to_device(const struct ft_scsi_request *request)
{
    return (request->flags & SRB_FLAGS_DATA_OUT) != 0;
}

static PUCHAR data_of(const struct ft_scsi_request *request)
{
    return request->data_saved;
}

/* ---- map ---- */

static bool map_all(struct ft_scsi_request *request)
{
    PDMA_ADAPTER dma = request->adapter->dma;
    ULONG left = request->srb->DataTransferLength;
    PUCHAR va = data_of(request);
    uint16_t before = ft_scsi_serve(request);

    for (request->list_count = 0; left > 0 && request->list_count < request->map_register_count;) {
        ULONG length = left;
        PHYSICAL_ADDRESS address = dma->DmaOperations->MapTransfer(
            dma, request->mdl, request->map_registers, va, &length, to_device(request));

        if (length == 0)
            break;
        request->list[request->list_count].address = (uint64_t)address.QuadPart;
        request->list[request->list_count++].length = length;
        left -= length;
        va += length;
    }
    ft_current()->request = before;
    return left == 0;
}

FT_PORT_ROUTINE
static IO_ALLOCATION_ACTION NTAPI registers_granted(PDEVICE_OBJECT device, PIRP irp, PVOID base,
                                                    PVOID context)
{
    struct ft_scsi_request *request = context;

    (void)device;
    (void)irp;
    request->map_registers = base;
    map_all(request);
    ft_emit(FT_EV_SCSI_LIST, ft_block_handle(request->adapter->fdo),
            ft_scsi_srb_handle(request->srb), request->list_count,
            request->srb->DataTransferLength);
    ft_scsi_start_granted(request);
    return DeallocateObjectKeepRegisters;
}

static bool master_prepare(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    ULONG length = request->srb->DataTransferLength;
    uint16_t before;
    NTSTATUS status;

    if (!request->mdl || length == 0 || !(request->flags & SRB_FLAGS_UNSPECIFIED_DIRECTION))
        return true;
    request->map_register_count =
        (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(data_of(request), (ULONG_PTR)length);
    request->list =
        ft_block_alloc(request->map_register_count * sizeof *request->list, FT_HC_OTHER, 0);
    if (!request->list) {
        ft_scsi_start_refused(request);
        return false;
    }
    before = ft_scsi_serve(request);
    status = adapter->dma->DmaOperations->AllocateAdapterChannel(
        adapter->dma, adapter->fdo, request->map_register_count, registers_granted, request);
    ft_current()->request = before;
    if (NT_SUCCESS(status))
        return false;
    ft_block_free(request->list);
    request->list = NULL;
    ft_scsi_start_refused(request);
    return false;
}

static void master_finish(struct ft_scsi_request *request)
{
    PDMA_ADAPTER dma = request->adapter->dma;
    uint16_t before;

    if (!request->list)
        return;
    before = ft_scsi_serve(request);
    dma->DmaOperations->FlushAdapterBuffers(dma, request->mdl, request->map_registers,
                                            data_of(request), request->given.DataTransferLength,
                                            to_device(request));
    dma->DmaOperations->FreeMapRegisters(dma, request->map_registers, request->map_register_count);
    ft_current()->request = before;
    ft_block_free(request->list);
    request->list = NULL;
    request->map_registers = NULL;
}

/* ---- what the engine calls ---- */

struct ft_scsi_request *ft_scsi_owned(const struct ft_scsi_adapter *adapter, const void *srb)
{
    for (struct ft_scsi_request *r = adapter->active; r && srb; r = r->active_next)
        if (r->srb == srb && r->state == FT_SCSI_REQUEST_ACTIVE)
            return r;
    return NULL;
}

bool ft_scsi_dma_prepare(struct ft_scsi_request *request)
{
    const struct ft_scsi_adapter *adapter = request->adapter;

    if (!adapter->dma)
        return true;
    return adapter->slave ? ft_scsi_slave_prepare(request)
                          : !adapter->master || master_prepare(request);
}

void ft_scsi_dma_finish(struct ft_scsi_request *request, bool last)
{
    const struct ft_scsi_adapter *adapter = request->adapter;

    if (!adapter->dma)
        return;
    if (adapter->slave)
        ft_scsi_slave_finish(request, last);
    else
        master_finish(request);
}

/* ---- the miniport's questions ---- */

/* What an address is, as scsi:physical names it. */
enum area { NOWHERE, IN_DATA, IN_SENSE, IN_EXTENSION, IN_UNCACHED };

/* What was found for an address. */
struct place {
    enum area area;
    uint64_t address;
    ULONG length; /* from there on, in one piece */
};

static struct place in_data(const struct ft_scsi_request *request, uintptr_t va)
{
    uintptr_t offset = va - (uintptr_t)request->srb->DataBuffer;
    struct place place = {NOWHERE, 0, 0};

    if (offset >= request->given.DataTransferLength)
        return place;
    place.area = IN_DATA;
    for (ULONG i = 0; i < request->list_count; i++) {
        if (offset < request->list[i].length) {
            place.address = request->list[i].address + offset;
            place.length = (ULONG)(request->list[i].length - offset);
            break;
        }
        offset -= request->list[i].length;
    }
    return place;
}

static struct place in_common(const struct ft_scsi_adapter *adapter, uintptr_t va)
{
    uintptr_t offset = va - (uintptr_t)adapter->common;
    struct place place = {NOWHERE, 0, 0};

    if (!adapter->common || offset >= adapter->common_bytes)
        return place;
    place.address = adapter->common_logical + offset;
    place.length = (ULONG)(adapter->common_bytes - offset);
    if (offset >= adapter->uncached_offset)
        place.area = IN_UNCACHED;
    else
        place.area = offset % adapter->srb_extension_stride < adapter->config->SrbExtensionSize
                         ? IN_EXTENSION
                         : IN_SENSE;
    return place;
}

/* Data is the SRB's: without it nothing is known about it. */
SCSI_PHYSICAL_ADDRESS ScsiPortGetPhysicalAddress(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
                                                 PVOID VirtualAddress, ULONG *Length)
{
    const struct ft_scsi_request *request;
    struct ft_scsi_adapter *adapter;
    SCSI_PHYSICAL_ADDRESS address;
    struct place place;

    FT_SCSI_BEGIN(SCSI_ADDRESS, ft_label_of(Srb));
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    request = ft_scsi_owned(adapter, Srb);
    place = in_common(adapter, (uintptr_t)VirtualAddress);
    if (place.area == NOWHERE && request)
        place = in_data(request, (uintptr_t)VirtualAddress);
    ft_scsi_emit(FT_EV_SCSI_PHYSICAL, ft_block_handle(adapter->fdo), ft_scsi_srb_handle(Srb),
                 place.area, request != NULL, adapter->config->NeedPhysicalAddresses, place.address,
                 place.length, ft_scsi_routine());
    *Length = place.length;
    address.QuadPart = (LONGLONG)place.address;
    FT_SCSI_END(SCSI_ADDRESS, ft_label_of(Srb));
    return address;
}

PVOID ScsiPortGetVirtualAddress(PVOID HwDeviceExtension, SCSI_PHYSICAL_ADDRESS PhysicalAddress)
{
    struct ft_scsi_adapter *adapter;
    PUCHAR va = NULL;
    uint64_t offset;

    FT_SCSI_BEGIN(SCSI_ADDRESS, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    offset = (uint64_t)PhysicalAddress.QuadPart - adapter->common_logical;
    if (adapter->common && offset < adapter->common_bytes)
        va = (PUCHAR)adapter->common + offset;
    ft_scsi_emit(FT_EV_SCSI_VIRTUAL, ft_block_handle(adapter->fdo),
                 (uint64_t)PhysicalAddress.QuadPart, va != NULL, ft_scsi_routine());
    FT_SCSI_END(SCSI_ADDRESS, 0);
    return va;
}
