/* The tables of members that adapters have (wdm-dma sheet, section 1).
 *
 * Every adapter has a table of its own, in its own block: a driver that changes a slot is found out
 * (adapter.c). Every slot of the machine for an adapter has entries of its own, which note through
 * which table a member was called. So a member that belongs to another adapter's table or to a
 * later version is seen (event dma:old-member): one of version 2 does its work all the same, as
 * where the HAL has one full table; one of version 3 is not there and stops the run by name.
 */
#include "dma/transfer_ex.h"

enum { TABLE_BYTES_V1 = 0x68, TABLE_BYTES_V2 = 0x80, TABLE_BYTES_V3 = 0x140 };

_Static_assert(offsetof(DMA_OPERATIONS, CalculateScatterGatherList) == TABLE_BYTES_V1,
               "x64 layout");
_Static_assert(offsetof(DMA_OPERATIONS, GetDmaAdapterInfo) == TABLE_BYTES_V2, "x64 layout");
_Static_assert(sizeof(DMA_OPERATIONS) == TABLE_BYTES_V3, "x64 layout");

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

/* The same of version 3. */
#define MEMBERS_3(n)                                                                               \
    static NTSTATUS adapter_info_##n(PDMA_ADAPTER a, PDMA_ADAPTER_INFO info)                       \
    {                                                                                              \
        ENTER(n, 16);                                                                              \
        return ft_dma_adapter_info(a, info);                                                       \
    }                                                                                              \
    static NTSTATUS transfer_info_##n(PDMA_ADAPTER a, PMDL mdl, ULONGLONG offset, ULONG length,    \
                                      BOOLEAN write_only, PDMA_TRANSFER_INFO info)                 \
    {                                                                                              \
        ENTER(n, 17);                                                                              \
        return ft_dma_transfer_info(a, mdl, offset, length, write_only, info);                     \
    }                                                                                              \
    static NTSTATUS init_context_##n(PDMA_ADAPTER a, PVOID context)                                \
    {                                                                                              \
        ENTER(n, 18);                                                                              \
        return ft_dma_init_context(a, context);                                                    \
    }                                                                                              \
    static PVOID common_ex_##n(PDMA_ADAPTER a, PPHYSICAL_ADDRESS most, ULONG length,               \
                               PPHYSICAL_ADDRESS logical, BOOLEAN cached, NODE_REQUIREMENT node)   \
    {                                                                                              \
        ENTER(n, 19);                                                                              \
        return ft_dma_common_ex(a, most, length, logical, cached, node);                           \
    }                                                                                              \
    static NTSTATUS channel_ex_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, PVOID context,           \
                                   ULONG registers, ULONG flags, PDRIVER_CONTROL routine,          \
                                   PVOID routine_context, PVOID *base)                             \
    {                                                                                              \
        ENTER(n, 20);                                                                              \
        return ft_dma_allocate_channel_ex(a, device, context, registers, flags, routine,           \
                                          routine_context, base);                                  \
    }                                                                                              \
    static NTSTATUS configure_##n(PDMA_ADAPTER a, ULONG function, PVOID context)                   \
    {                                                                                              \
        ENTER(n, 21);                                                                              \
        return ft_dma_configure(a, function, context);                                             \
    }                                                                                              \
    static BOOLEAN cancel_channel_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, PVOID context)        \
    {                                                                                              \
        ENTER(n, 22);                                                                              \
        return ft_dma_cancel_channel(a, device, context);                                          \
    }                                                                                              \
    static NTSTATUS map_ex_##n(PDMA_ADAPTER a, PMDL mdl, PVOID base, ULONGLONG offset,             \
                               ULONG device_offset, PULONG length, BOOLEAN write,                  \
                               PSCATTER_GATHER_LIST list, ULONG list_bytes,                        \
                               PDMA_COMPLETION_ROUTINE routine, PVOID context)                     \
    {                                                                                              \
        ENTER(n, 23);                                                                              \
        return ft_dma_map_ex(a, mdl, base, offset, device_offset, length, write, list, list_bytes, \
                             routine, context);                                                    \
    }                                                                                              \
    static NTSTATUS get_list_ex_##n(PDMA_ADAPTER a, PDEVICE_OBJECT device, PVOID context,          \
                                    PMDL mdl, ULONGLONG offset, ULONG length, ULONG flags,         \
                                    PDRIVER_LIST_CONTROL routine, PVOID routine_context,           \
                                    BOOLEAN write, PDMA_COMPLETION_ROUTINE completion,             \
                                    PVOID completion_context, PSCATTER_GATHER_LIST *list)          \
    {                                                                                              \
        ENTER(n, 24);                                                                              \
        return ft_dma_get_list_ex(a, device, context, mdl, offset, length, flags, routine,         \
                                  routine_context, write, completion, completion_context, list);   \
    }                                                                                              \
    static NTSTATUS build_list_ex_##n(                                                             \
        PDMA_ADAPTER a, PDEVICE_OBJECT device, PVOID context, PMDL mdl, ULONGLONG offset,          \
        ULONG length, ULONG flags, PDRIVER_LIST_CONTROL routine, PVOID routine_context,            \
        BOOLEAN write, PVOID buffer, ULONG bytes, PDMA_COMPLETION_ROUTINE completion,              \
        PVOID completion_context, PVOID list)                                                      \
    {                                                                                              \
        ENTER(n, 25);                                                                              \
        return ft_dma_build_list_ex(a, device, context, mdl, offset, length, flags, routine,       \
                                    routine_context, write, buffer, bytes, completion,             \
                                    completion_context, list);                                     \
    }                                                                                              \
    static NTSTATUS flush_ex_##n(PDMA_ADAPTER a, PMDL mdl, PVOID base, ULONGLONG offset,           \
                                 ULONG length, BOOLEAN write)                                      \
    {                                                                                              \
        ENTER(n, 26);                                                                              \
        return ft_dma_flush_ex(a, mdl, base, offset, length, write);                               \
    }                                                                                              \
    static VOID free_object_##n(PDMA_ADAPTER a, IO_ALLOCATION_ACTION action)                       \
    {                                                                                              \
        ENTER(n, 27);                                                                              \
        ft_dma_free_object(a, action);                                                             \
    }                                                                                              \
    static NTSTATUS cancel_mapped_##n(PDMA_ADAPTER a, PVOID context)                               \
    {                                                                                              \
        ENTER(n, 28);                                                                              \
        return ft_dma_cancel_mapped(a, context);                                                   \
    }                                                                                              \
    static NTSTATUS common_domain_##n(PDMA_ADAPTER a, HANDLE domain, PPHYSICAL_ADDRESS most,       \
                                      ULONG length, ULONG flags, MEMORY_CACHING_TYPE *cache,       \
                                      NODE_REQUIREMENT node, PPHYSICAL_ADDRESS logical, PVOID *va) \
    {                                                                                              \
        ENTER(n, 29);                                                                              \
        return ft_dma_common_domain(a, domain, most, length, flags, cache, node, logical, va);     \
    }                                                                                              \
    static NTSTATUS flush_buffer_##n(PDMA_ADAPTER a, PMDL mdl, BOOLEAN read)                       \
    {                                                                                              \
        ENTER(n, 30);                                                                              \
        return ft_dma_flush_buffer(a, mdl, read);                                                  \
    }                                                                                              \
    static NTSTATUS join_domain_##n(PDMA_ADAPTER a, HANDLE domain)                                 \
    {                                                                                              \
        ENTER(n, 31);                                                                              \
        return ft_dma_join_domain(a, domain);                                                      \
    }                                                                                              \
    static NTSTATUS leave_domain_##n(PDMA_ADAPTER a)                                               \
    {                                                                                              \
        ENTER(n, 32);                                                                              \
        return ft_dma_leave_domain(a);                                                             \
    }                                                                                              \
    static HANDLE get_domain_##n(PDMA_ADAPTER a)                                                   \
    {                                                                                              \
        ENTER(n, 33);                                                                              \
        return ft_dma_get_domain(a);                                                               \
    }                                                                                              \
    static PVOID common_bounds_##n(                                                                \
        PDMA_ADAPTER a, PPHYSICAL_ADDRESS least, PPHYSICAL_ADDRESS most, ULONG length,             \
        ULONG flags, MEMORY_CACHING_TYPE *cache, NODE_REQUIREMENT node, PPHYSICAL_ADDRESS logical) \
    {                                                                                              \
        ENTER(n, 34);                                                                              \
        return ft_dma_common_bounds(a, least, most, length, flags, cache, node, logical);          \
    }                                                                                              \
    static NTSTATUS vector_allocate_##n(PDMA_ADAPTER a, PHYSICAL_ADDRESS low,                      \
                                        PHYSICAL_ADDRESS high, MEMORY_CACHING_TYPE cache,          \
                                        NODE_REQUIREMENT node, ULONG flags, ULONG elements,        \
                                        ULONGLONG bytes, PDMA_COMMON_BUFFER_VECTOR *ret)           \
    {                                                                                              \
        ENTER(n, 35);                                                                              \
        return ft_dma_vector_allocate(a, low, high, cache, node, flags, elements, bytes, ret);     \
    }                                                                                              \
    static VOID vector_get_##n(PDMA_ADAPTER a, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index,      \
                               PVOID *va, PPHYSICAL_ADDRESS logical)                               \
    {                                                                                              \
        ENTER(n, 36);                                                                              \
        ft_dma_vector_get(a, vector, index, va, logical);                                          \
    }                                                                                              \
    static VOID vector_free_one_##n(PDMA_ADAPTER a, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index) \
    {                                                                                              \
        ENTER(n, 37);                                                                              \
        ft_dma_vector_free_one(a, vector, index);                                                  \
    }                                                                                              \
    static VOID vector_free_##n(PDMA_ADAPTER a, PDMA_COMMON_BUFFER_VECTOR vector)                  \
    {                                                                                              \
        ENTER(n, 38);                                                                              \
        ft_dma_vector_free(a, vector);                                                             \
    }                                                                                              \
    static NTSTATUS common_from_mdl_##n(PDMA_ADAPTER a, PMDL mdl,                                  \
                                        PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION configs,         \
                                        ULONG count, PPHYSICAL_ADDRESS logical)                    \
    {                                                                                              \
        ENTER(n, 39);                                                                              \
        return ft_dma_common_from_mdl(a, mdl, configs, count, logical);                            \
    }

#define ALL_MEMBERS(n) MEMBERS(n) MEMBERS_3(n)
ALL_MEMBERS(0)
ALL_MEMBERS(1)
ALL_MEMBERS(2)
ALL_MEMBERS(3)
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
#define COMMON_TO_ALL(n, bytes)                                                                    \
    .Size = (bytes), .PutDmaAdapter = put_adapter_##n,                                             \
    .AllocateCommonBuffer = allocate_common_##n, .FreeCommonBuffer = free_common_##n,              \
    .AllocateAdapterChannel = allocate_channel_##n, .FlushAdapterBuffers = flush_##n,              \
    .FreeAdapterChannel = free_channel_##n, .FreeMapRegisters = free_registers_##n,                \
    .MapTransfer = map_##n, .GetDmaAlignment = alignment_##n, .ReadDmaCounter = read_counter_##n,  \
    .GetScatterGatherList = get_list_##n, .PutScatterGatherList = put_list_##n,                    \
    .CalculateScatterGatherList = calculate_list_##n, .BuildScatterGatherList = build_list_##n,    \
    .BuildMdlFromScatterGatherList = build_list_mdl_##n
#define TABLE(n, bytes)                                                                            \
    {                                                                                              \
        COMMON_TO_ALL(n, bytes), LATER_MEMBERS(LATER)                                              \
    }
#define TABLE_3(n)                                                                                 \
    {                                                                                              \
        COMMON_TO_ALL(n, TABLE_BYTES_V3),                                                          \
            .GetDmaAdapterInfo = adapter_info_##n, .GetDmaTransferInfo = transfer_info_##n,        \
            .InitializeDmaTransferContext = init_context_##n,                                      \
            .AllocateCommonBufferEx = common_ex_##n, .AllocateAdapterChannelEx = channel_ex_##n,   \
            .ConfigureAdapterChannel = configure_##n, .CancelAdapterChannel = cancel_channel_##n,  \
            .MapTransferEx = map_ex_##n, .GetScatterGatherListEx = get_list_ex_##n,                \
            .BuildScatterGatherListEx = build_list_ex_##n, .FlushAdapterBuffersEx = flush_ex_##n,  \
            .FreeAdapterObject = free_object_##n, .CancelMappedTransfer = cancel_mapped_##n,       \
            .AllocateDomainCommonBuffer = common_domain_##n, .FlushDmaBuffer = flush_buffer_##n,   \
            .JoinDmaDomain = join_domain_##n, .LeaveDmaDomain = leave_domain_##n,                  \
            .GetDmaDomain = get_domain_##n, .AllocateCommonBufferWithBounds = common_bounds_##n,   \
            .AllocateCommonBufferVector = vector_allocate_##n,                                     \
            .GetCommonBufferFromVectorByIndex = vector_get_##n,                                    \
            .FreeCommonBufferFromVector = vector_free_one_##n,                                     \
            .FreeCommonBufferVector = vector_free_##n,                                             \
            .CreateCommonBufferFromMdl = common_from_mdl_##n                                       \
    }
#define EACH(n)                                                                                    \
    {                                                                                              \
        TABLE(n, TABLE_BYTES_V1), TABLE(n, TABLE_BYTES_V2), TABLE_3(n)                             \
    }

static const DMA_OPERATIONS tables[FT_DMA_ADAPTERS_MAX][DEVICE_DESCRIPTION_VERSION3] = {
    EACH(0), EACH(1), EACH(2), EACH(3)};

const DMA_OPERATIONS *ft_dma_table(unsigned slot, unsigned version)
{
    return &tables[slot][version - 1];
}
