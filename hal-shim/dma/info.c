/* What version 3 can be asked: GetDmaAdapterInfo and GetDmaTransferInfo (wdm-dma
 * sheet, 1.16, 1.17, 2.3, 2.4). */
#include "dma/sg_lists.h"
#include "dma/transfer_ex.h"

NTSTATUS ft_dma_adapter_info(PDMA_ADAPTER adapter, PDMA_ADAPTER_INFO info)
{
    NTSTATUS status = STATUS_NOT_SUPPORTED;
    const struct ft_dma_adapter *slot;
    DMA_ADAPTER_INFO_V1 v1 = {0};

    FT_DMA_BEGIN(DMA_QUERY, 0);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot && info->Version == DMA_ADAPTER_INFO_VERSION1) {
        v1.ReadDmaCounterAvailable = slot->slave;
        v1.ScatterGatherLimit = slot->slave ? FT_SYSTEM_ELEMENTS_MAX : slot->registers;
        v1.DmaAddressWidth = slot->reach;
        v1.Flags = ADAPTER_INFO_SYNCHRONOUS_CALLBACK;
        v1.MinimumTransferUnit = slot->slave ? ft_world_module()->description->dma_bits / 8U : 1;
        info->V1 = v1;
        status = STATUS_SUCCESS;
    }
    if (slot)
        ft_emit(FT_EV_ADAPTER_INFO, ft_dma_adapter_handle(slot), info->Version, (uint32_t)status,
                v1.ScatterGatherLimit, v1.DmaAddressWidth, v1.MinimumTransferUnit);
    FT_DDI_END(DMA_QUERY, 0);
    return status;
}

/* Registers for [offset, offset + length) of the chain. */
static NTSTATUS registers_for(const MDL *mdl, uint64_t offset, ULONG length, ULONG *ret)
{
    if (length == 0 || !ft_chain_seek(&mdl, &offset))
        return STATUS_INVALID_PARAMETER;
    return NT_SUCCESS(ft_dma_list_registers(
               mdl, ft_va_further(MmGetMdlVirtualAddress((PMDL)mdl), offset), length, ret))
               ? STATUS_SUCCESS
               : STATUS_INVALID_PARAMETER;
}

/* WriteOnly makes no difference: buffers of requests share no cache line with anything. */
NTSTATUS ft_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl, ULONGLONG offset, ULONG length,
                              BOOLEAN write_only, PDMA_TRANSFER_INFO info)
{
    unsigned label = ft_label_of(mdl);
    NTSTATUS status = STATUS_NOT_SUPPORTED;
    const struct ft_dma_adapter *slot;
    ULONG registers = 0;

    FT_DMA_BEGIN(DMA_QUERY, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_QUERY);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_QUERY, 5, write_only);
        if (info->Version == DMA_TRANSFER_INFO_VERSION1 ||
            info->Version == DMA_TRANSFER_INFO_VERSION2)
            status = registers_for(mdl, offset, length, &registers);
        if (NT_SUCCESS(status)) {
            info->V1.MapRegisterCount = registers;
            info->V1.ScatterGatherElementCount = registers;
            info->V1.ScatterGatherListSize = ft_dma_list_bytes(registers);
        }
        if (NT_SUCCESS(status) && info->Version == DMA_TRANSFER_INFO_VERSION2)
            info->V2.LogicalPageCount = registers;
        ft_emit(FT_EV_TRANSFER_INFO, ft_dma_adapter_handle(slot), ft_handle_of(mdl), offset, length,
                write_only != FALSE, (uint32_t)status, registers,
                NT_SUCCESS(status) ? ft_dma_list_bytes(registers) : 0);
    }
    FT_DDI_END(DMA_QUERY, label);
    return status;
}
