/* KeFlushIoBuffers (wdm-dma sheet, 1.0, 3.11, 6.8): the processors' caches and memory agree on the
 * range of one MDL, never of its chain. Lines that the processor wrote go to memory first, so data
 * that came by programmed I/O (DmaOperation FALSE) is not lost where the range is then read anew. A
 * recorded no-op where processor and device share one view. It ends no mapping. */
#include "dma/dma_private.h"
#include "dma/frames.h"

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
    }
    ft_emit(FT_EV_DMA_KFI, ft_handle_of(Mdl), ReadOperation != FALSE, DmaOperation != FALSE, lines);
    FT_DDI_END(DMA_KFI, label);
}
