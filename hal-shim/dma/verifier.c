/* Driver Verifier's DMA checks, as far as they are its own (wdm-dma sheet, 4.1, 4.2, 6.12).
 *
 * On a platform with the knob `verifier` the HAL routes data through its own pages, puts padding
 * round common buffers, and counts; where Driver Verifier would stop the machine with bug check
 * 0xE6 the event dma:verifier has the code and what it would show. The run goes on: the exact rules
 * have the verdict, and beside them one sees what the verifier would have found. Addresses that it
 * would show are offsets, lengths or zero here.
 */
#include "dma/dma_private.h"

enum { WRONG_IRQL = 0x13, MUST_BE = 1, MUST_NOT_EXCEED = 2 };

void ft_dma_verify(unsigned code, uint64_t p2, uint64_t p3, uint64_t p4)
{
    if (FT_M->platform.verifier)
        ft_emit(FT_EV_DMA_VERIFIER, code, p2, p3, p4);
}

void ft_dma_verify_irql(unsigned member)
{
    enum { ANY = HIGH_LEVEL, AT_MOST = 0, EXACTLY = 0x80 };
    /* By member of the table, which count from 1. */
    static const uint8_t level[] = {
        ANY,
        DISPATCH_LEVEL,           /* PutDmaAdapter */
        PASSIVE_LEVEL,            /* AllocateCommonBuffer */
        PASSIVE_LEVEL,            /* FreeCommonBuffer */
        EXACTLY | DISPATCH_LEVEL, /* AllocateAdapterChannel */
        DISPATCH_LEVEL,           /* FlushAdapterBuffers */
        EXACTLY | DISPATCH_LEVEL, /* FreeAdapterChannel */
        EXACTLY | DISPATCH_LEVEL, /* FreeMapRegisters */
        DISPATCH_LEVEL,           /* MapTransfer */
        PASSIVE_LEVEL,            /* GetDmaAlignment */
        DISPATCH_LEVEL,           /* ReadDmaCounter */
        EXACTLY | DISPATCH_LEVEL, /* GetScatterGatherList */
        EXACTLY | DISPATCH_LEVEL, /* PutScatterGatherList */
        ANY,                      /* CalculateScatterGatherList */
        EXACTLY | DISPATCH_LEVEL, /* BuildScatterGatherList */
        DISPATCH_LEVEL,           /* BuildMdlFromScatterGatherList */
        DISPATCH_LEVEL,           /* GetDmaAdapterInfo */
        DISPATCH_LEVEL,           /* GetDmaTransferInfo */
        DISPATCH_LEVEL,           /* InitializeDmaTransferContext */
        PASSIVE_LEVEL,            /* AllocateCommonBufferEx */
        EXACTLY | DISPATCH_LEVEL, /* AllocateAdapterChannelEx */
        DISPATCH_LEVEL,           /* ConfigureAdapterChannel */
        DISPATCH_LEVEL,           /* CancelAdapterChannel */
        DISPATCH_LEVEL,           /* MapTransferEx */
        DISPATCH_LEVEL,           /* GetScatterGatherListEx */
        EXACTLY | DISPATCH_LEVEL, /* BuildScatterGatherListEx */
        DISPATCH_LEVEL,           /* FlushAdapterBuffersEx */
        DISPATCH_LEVEL,           /* FreeAdapterObject */
        DISPATCH_LEVEL,           /* CancelMappedTransfer */
        PASSIVE_LEVEL,            /* AllocateDomainCommonBuffer */
        ANY,                      /* FlushDmaBuffer: no page gives its level */
        PASSIVE_LEVEL,            /* JoinDmaDomain */
        PASSIVE_LEVEL,            /* LeaveDmaDomain */
        PASSIVE_LEVEL,            /* GetDmaDomain */
        PASSIVE_LEVEL,            /* AllocateCommonBufferWithBounds */
        ANY,                      /* AllocateCommonBufferVector: bug check 0x1DC is its own */
        ANY,                      /* GetCommonBufferFromVectorByIndex */
        ANY,                      /* FreeCommonBufferFromVector */
        ANY,                      /* FreeCommonBufferVector */
        PASSIVE_LEVEL,            /* CreateCommonBufferFromMdl */
    };
    unsigned wanted, irql = ft_irql();
    bool exact;

    if (member >= sizeof level)
        return;
    wanted = level[member] & ~EXACTLY;
    exact = level[member] & EXACTLY;
    if (exact ? irql != wanted : irql > wanted)
        ft_dma_verify(WRONG_IRQL, exact ? MUST_BE : MUST_NOT_EXCEED, wanted, irql);
}

/* What the adapter's driver has not given back. */
void ft_dma_verify_put(const struct ft_dma_adapter *adapter)
{
    enum { COMMONS = 0x07, CHANNELS = 0x08, REGISTERS = 0x09, LISTS = 0x0A };
    unsigned commons = 0, channels = 0, registers = 0, lists = 0;

    for (unsigned i = 0; i < FT_DMA_COMMONS_MAX; i++)
        commons += FT_M->dma.common[i].live && FT_M->dma.common[i].adapter == adapter->id;
    for (unsigned i = 0; i < FT_DMA_GRANTS_MAX; i++) {
        const struct ft_dma_grant *grant = &FT_M->dma.grant[i];

        if (grant->state == FT_GRANT_FREE || grant->adapter != adapter->id)
            continue;
        lists += grant->list != NULL;
        channels += !grant->list && (grant->channel || grant->state == FT_GRANT_WAITING);
        registers += !grant->list && grant->registers ? grant->count : 0;
    }
    if (commons)
        ft_dma_verify(COMMONS, adapter->id, commons, 0);
    if (channels)
        ft_dma_verify(CHANNELS, adapter->id, channels, 0);
    if (registers)
        ft_dma_verify(REGISTERS, adapter->id, registers, 0);
    if (lists)
        ft_dma_verify(LISTS, adapter->id, lists, 0);
}

void ft_dma_verify_mapped(struct ft_dma_adapter *adapter, uint32_t bytes)
{
    enum { NOT_FLUSHED = 0x0D };
    uint64_t most = adapter->registers * (uint64_t)FT_PAGE_BYTES;

    adapter->mapped_bytes += bytes;
    if (adapter->mapped_bytes > most)
        ft_dma_verify(NOT_FLUSHED, adapter->mapped_bytes, most, 0);
}
