/* KeFlushIoBuffers and FlushDmaBuffer (wdm-dma sheet, 1.0, 1.30, 3.11, 6.8): the processors' caches
 * and memory agree on the range of one MDL, never of its chain. Lines that the processor wrote go
 * to memory first, so data that came by programmed I/O (DmaOperation FALSE) is not lost where the
 * range is then read anew. A recorded no-op where processor and device share one view. It ends no
 * mapping. */
#include "dma/frames.h"
#include "dma/transfer_ex.h"
#include "world/races.h"

VOID KeFlushIoBuffers(PMDL Mdl, BOOLEAN ReadOperation, BOOLEAN DmaOperation)
{
    unsigned label = ft_label_of(Mdl), lines = 0;
    void *memory = NULL;

    FT_DDI_BEGIN(DMA_KFI, label);
    ft_dma_odd_boolean(FT_PT_DMA_KFI, 2, ReadOperation);
    ft_dma_odd_boolean(FT_PT_DMA_KFI, 3, DmaOperation);
    if (ft_mdl_readable(Mdl))
        memory = ft_mdl_memory(Mdl, MmGetMdlVirtualAddress(Mdl), Mdl->ByteCount);
    if (memory) {
        lines = ft_cache_write_back(memory, Mdl->ByteCount);
        if (ReadOperation)
            ft_cache_invalidate(memory, Mdl->ByteCount);
        ft_view_flushed(memory);
    }
    ft_emit(FT_EV_DMA_KFI, ft_handle_of(Mdl), ReadOperation != FALSE, DmaOperation != FALSE, lines);
    FT_DDI_END(DMA_KFI, label);
}

/* What is left of the MDL in caches goes where the data shall be: to memory for a transfer to the
 * device, out of the processors' caches for one from it, whose own lines are written first. It ends
 * no mapping, and moves no bounced data (question 21; the page says no more than "flushes": a
 * modelled choice). */
NTSTATUS ft_dma_flush_buffer(PDMA_ADAPTER adapter, PMDL mdl, BOOLEAN read)
{
    unsigned label = ft_label_of(mdl), lines = 0;
    NTSTATUS status = STATUS_INVALID_PARAMETER;
    const struct ft_dma_adapter *slot;
    void *memory = NULL;

    FT_DMA_BEGIN(DMA_FLUSH_BUFFER, label);
    slot = ft_dma_adapter_check(adapter, FT_PT_DMA_FLUSH_BUFFER);
    if (slot) {
        ft_dma_odd_boolean(FT_PT_DMA_FLUSH_BUFFER, 3, read);
        if (ft_mdl_readable(mdl))
            memory = ft_mdl_memory(mdl, MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
        if (memory) {
            lines = ft_cache_write_back(memory, mdl->ByteCount);
            if (read)
                ft_cache_invalidate(memory, mdl->ByteCount);
            status = STATUS_SUCCESS;
        }
        ft_emit(FT_EV_FLUSH_BUFFER, ft_dma_adapter_handle(slot), ft_handle_of(mdl), read != FALSE,
                (uint32_t)status, lines);
    }
    FT_DDI_END(DMA_FLUSH_BUFFER, label);
    return status;
}
