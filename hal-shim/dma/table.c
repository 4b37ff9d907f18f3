/* The tables of members that adapters have (wdm-dma sheet, section 1).
 *
 * Every adapter has a table of its own, in its own block: a driver that changes a slot is found out
 * (adapter.c). Every slot of the machine for an adapter has entries of its own, which note through
 * which table a member was called. So a member that belongs to another adapter's table or to a
 * later version is seen (event dma:old-member): one of version 2 does its work all the same, as
 * where the HAL has one full table; one of version 3 stops the run by name.
 */
#include "dma/dma_private.h"

enum { TABLE_BYTES_V1 = 0x68, TABLE_BYTES_V2 = 0x80 };

_Static_assert(offsetof(DMA_OPERATIONS, CalculateScatterGatherList) == TABLE_BYTES_V1,
               "x64 layout");
_Static_assert(offsetof(DMA_OPERATIONS, GetDmaAdapterInfo) == TABLE_BYTES_V2, "x64 layout");

/* Must be expanded in the entry itself: its caller is the driver. */
#define ENTER(table, member) ft_dma_enter(table, member, __builtin_return_address(0))

#define MEMBERS(n)                                                                                 \
    static VOID put_adapter_##n(PDMA_ADAPTER a)                                                    \
    {                                                                                              \
        ENTER(n, 1);                                                                               \
        ft_dma_put_adapter(a);                                                                     \
    }                                                                                              \
    static PVOID allocate_common_##n(PDMA_ADAPTER a, ULONG length, PPHYSICAL_ADDRESS logical,      \
                                     BOOLEAN cached)                                               \
    {                                                                                              \
        ENTER(n, 2);                                                                               \
        return ft_dma_allocate_common(a, length, logical, cached);                                 \
    }                                                                                              \
    static VOID free_common_##n(PDMA_ADAPTER a, ULONG length, PHYSICAL_ADDRESS logical, PVOID va,  \
                                BOOLEAN cached)                                                    \
    {                                                                                              \
        ENTER(n, 3);                                                                               \
        ft_dma_free_common(a, length, logical, va, cached);                                        \
    }                                                                                              \
    static NTSTATUS allocate_channel_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, ULONG registers,   \
                                         PDRIVER_CONTROL routine, PVOID context)                   \
    {                                                                                              \
        ENTER(n, 4);                                                                               \
        return ft_dma_allocate_channel(a, device, registers, routine, context);                    \
    }                                                                                              \
    static BOOLEAN flush_##n(PDMA_ADAPTER a, PMDL mdl, PVOID base, PVOID va, ULONG length,         \
                             BOOLEAN write)                                                        \
    {                                                                                              \
        ENTER(n, 5);                                                                               \
        return ft_dma_flush(a, mdl, base, va, length, write);                                      \
    }                                                                                              \
    static VOID free_channel_##n(PDMA_ADAPTER a)                                                   \
    {                                                                                              \
        ENTER(n, 6);                                                                               \
        ft_dma_free_channel(a);                                                                    \
    }                                                                                              \
    static VOID free_registers_##n(PDMA_ADAPTER a, PVOID base, ULONG registers)                    \
    {                                                                                              \
        ENTER(n, 7);                                                                               \
        ft_dma_free_registers(a, base, registers);                                                 \
    }                                                                                              \
    static PHYSICAL_ADDRESS map_##n(PDMA_ADAPTER a, PMDL mdl, PVOID base, PVOID va, PULONG length, \
                                    BOOLEAN write)                                                 \
    {                                                                                              \
        ENTER(n, 8);                                                                               \
        return ft_dma_map(a, mdl, base, va, length, write);                                        \
    }                                                                                              \
    static ULONG alignment_##n(PDMA_ADAPTER a)                                                     \
    {                                                                                              \
        ENTER(n, 9);                                                                               \
        return ft_dma_get_alignment(a);                                                            \
    }                                                                                              \
    static ULONG read_counter_##n(PDMA_ADAPTER a)                                                  \
    {                                                                                              \
        ENTER(n, 10);                                                                              \
        return ft_dma_read_counter(a);                                                             \
    }                                                                                              \
    static NTSTATUS get_list_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, PMDL mdl, PVOID va,        \
                                 ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,        \
                                 BOOLEAN write)                                                    \
    {                                                                                              \
        ENTER(n, 11);                                                                              \
        return ft_dma_get_list(a, device, mdl, va, length, routine, context, write);               \
    }                                                                                              \
    static VOID put_list_##n(PDMA_ADAPTER a, PSCATTER_GATHER_LIST list, BOOLEAN write)             \
    {                                                                                              \
        ENTER(n, 12);                                                                              \
        ft_dma_put_list(a, list, write);                                                           \
    }                                                                                              \
    static NTSTATUS calculate_list_##n(PDMA_ADAPTER a, PMDL mdl, PVOID va, ULONG length,           \
                                       PULONG size, PULONG registers)                              \
    {                                                                                              \
        ENTER(n, 13);                                                                              \
        return ft_dma_calculate_list(a, mdl, va, length, size, registers);                         \
    }                                                                                              \
    static NTSTATUS build_list_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, PMDL mdl, PVOID va,      \
                                   ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context,      \
                                   BOOLEAN write, PVOID buffer, ULONG bytes)                       \
    {                                                                                              \
        ENTER(n, 14);                                                                              \
        return ft_dma_build_list(a, device, mdl, va, length, routine, context, write, buffer,      \
                                 bytes);                                                           \
    }                                                                                              \
    static NTSTATUS build_list_mdl_##n(PDMA_ADAPTER a, PSCATTER_GATHER_LIST list, PMDL original,   \
                                       PMDL *target)                                               \
    {                                                                                              \
        ENTER(n, 15);                                                                              \
        return ft_dma_build_list_mdl(a, list, original, target);                                   \
    }

MEMBERS(0)
MEMBERS(1)
MEMBERS(2)
MEMBERS(3)
_Static_assert(FT_DMA_ADAPTERS_MAX == 4, "one set of entries for each adapter");

/* Members of version 3, with their place in the table. */
#define LATER_MEMBERS(LATER)                                                                       \
    LATER(16, GetDmaAdapterInfo)                                                                   \
    LATER(17, GetDmaTransferInfo)                                                                  \
    LATER(18, InitializeDmaTransferContext)                                                        \
    LATER(19, AllocateCommonBufferEx)                                                              \
    LATER(20, AllocateAdapterChannelEx)                                                            \
    LATER(21, ConfigureAdapterChannel)                                                             \
    LATER(22, CancelAdapterChannel)                                                                \
    LATER(23, MapTransferEx)                                                                       \
    LATER(24, GetScatterGatherListEx)                                                              \
    LATER(25, BuildScatterGatherListEx)                                                            \
    LATER(26, FlushAdapterBuffersEx)                                                               \
    LATER(27, FreeAdapterObject)                                                                   \
    LATER(28, CancelMappedTransfer)                                                                \
    LATER(29, AllocateDomainCommonBuffer)                                                          \
    LATER(30, FlushDmaBuffer)                                                                      \
    LATER(31, JoinDmaDomain)                                                                       \
    LATER(32, LeaveDmaDomain)                                                                      \
    LATER(33, GetDmaDomain)                                                                        \
    LATER(34, AllocateCommonBufferWithBounds)                                                      \
    LATER(35, AllocateCommonBufferVector)                                                          \
    LATER(36, GetCommonBufferFromVectorByIndex)                                                    \
    LATER(37, FreeCommonBufferFromVector)                                                          \
    LATER(38, FreeCommonBufferVector)                                                              \
    LATER(39, CreateCommonBufferFromMdl)

/* Every member's first argument is the adapter; an entry that never returns needs no other. */
#define LATER(number, name)                                                                        \
    _Static_assert(offsetof(DMA_OPERATIONS, name) == (number) * sizeof(void *), "x64 layout");     \
    static void later_##name(PDMA_ADAPTER a)                                                       \
    {                                                                                              \
        ft_dma_later_member(a, number, #name, __builtin_return_address(0));                        \
    }
LATER_MEMBERS(LATER)
#undef LATER

#define LATER(number, name) .name = (void *)later_##name,
#define TABLE(n, bytes)                                                                            \
    {                                                                                              \
        .Size = (bytes), .PutDmaAdapter = put_adapter_##n,                                         \
        .AllocateCommonBuffer = allocate_common_##n, .FreeCommonBuffer = free_common_##n,          \
        .AllocateAdapterChannel = allocate_channel_##n, .FlushAdapterBuffers = flush_##n,          \
        .FreeAdapterChannel = free_channel_##n, .FreeMapRegisters = free_registers_##n,            \
        .MapTransfer = map_##n, .GetDmaAlignment = alignment_##n,                                  \
        .ReadDmaCounter = read_counter_##n, .GetScatterGatherList = get_list_##n,                  \
        .PutScatterGatherList = put_list_##n, .CalculateScatterGatherList = calculate_list_##n,    \
        .BuildScatterGatherList = build_list_##n,                                                  \
        .BuildMdlFromScatterGatherList = build_list_mdl_##n, LATER_MEMBERS(LATER)                  \
    }
#define BOTH(n)                                                                                    \
    {                                                                                              \
        TABLE(n, TABLE_BYTES_V1), TABLE(n, TABLE_BYTES_V2)                                         \
    }

static const DMA_OPERATIONS tables[FT_DMA_ADAPTERS_MAX][2] = {BOTH(0), BOTH(1), BOTH(2), BOTH(3)};

const DMA_OPERATIONS *ft_dma_table(unsigned slot, unsigned version)
{
    return &tables[slot][version - 1];
}
