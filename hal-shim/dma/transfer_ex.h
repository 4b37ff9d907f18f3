/* Transfers of DMA_OPERATIONS version 3, between the files that make them (wdm-dma
 * sheet, 3.7, 6.9).
 *
 * A request of version 3 is a grant (channel.c) with a struct ft_dma_transfer beside it: in the
 * block of the grant for a channel request, in a block of its own for a list. It exists from the
 * allocation until everything it held is back. The driver's transfer context is only its name: the
 * shim writes who it is into the driver's memory and looks at it again at every use.
 */
#ifndef FT_DMA_TRANSFER_EX_H
#define FT_DMA_TRANSFER_EX_H

#include "dma/dma_private.h"
#include "sim/dma_words.h"

enum ft_transfer_phase {
    FT_TRANSFER_IDLE,    /* nothing is mapped */
    FT_TRANSFER_MAPPED,  /* MapTransferEx succeeded and was not flushed */
    FT_TRANSFER_RUNNING, /* … and the system DMA controller works on it */
    FT_TRANSFER_OVER     /* … and the controller is done */
};

struct ft_dma_transfer {
    void *context; /* in the driver's memory */
    PDEVICE_OBJECT device;
    PDMA_COMPLETION_ROUTINE routine;
    void *routine_context;
    PDMA_COMPLETION_ROUTINE due_routine; /* the first that is due, with its arguments */
    void *due_context;
    uint64_t offset; /* of the present MapTransferEx in the chain */
    uint32_t length; /* … as returned */
    uint32_t context_id;
    uint32_t at;        /* bytes that the system DMA controller has moved */
    uint8_t phase;      /* enum ft_transfer_phase */
    uint8_t completion; /* DMA_COMPLETION_STATUS, once FT_TRANSFER_OVER */
    uint8_t due_completion;
    uint8_t routine_due;   /* routines that have to run: of this transfer, or of those before */
    uint8_t routine_begun; /* the task of the first of them is there */
    uint8_t cancelled;     /* CancelMappedTransfer, until the next flush */
    uint8_t said;          /* that the context was spoiled */
    uint8_t write;
};

/* ---- context.c ---- */

/* What the context is now; *grant is that of its request, or NULL. */
enum ft_context_state ft_context_state(const void *context, struct ft_dma_grant **grant);
/* Its handle; 0 when it is none. */
uint64_t ft_context_handle(const void *context);
/* The context serves that transfer from now on; or no more: its grant is over, its list is put. */
void ft_context_bind(struct ft_dma_transfer *transfer, void *context);
void ft_context_release(struct ft_dma_transfer *transfer);
/* Event dma:context-lost, once, when the driver spoiled the context of a grant that it still has.
 */
void ft_context_check(const struct ft_dma_grant *grant);
/* A request with a context that CancelAdapterChannel poisoned takes the poison away. */
void ft_context_heal(void *context);

NTSTATUS ft_dma_init_context(PDMA_ADAPTER adapter, PVOID context);
BOOLEAN ft_dma_cancel_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context);

/* ---- channel_ex.c ---- */

NTSTATUS ft_dma_allocate_channel_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context,
                                    ULONG registers, ULONG flags, PDRIVER_CONTROL routine,
                                    PVOID routine_context, PVOID *base);
VOID ft_dma_free_object(PDMA_ADAPTER adapter, IO_ALLOCATION_ACTION action);
NTSTATUS ft_dma_configure(PDMA_ADAPTER adapter, ULONG function, PVOID context);

/* The bits of `how` for the arguments that the allocators share. */
unsigned ft_dma_how(ULONG flags, bool routine, bool out);

/* ---- map_ex.c ---- */

NTSTATUS ft_dma_map_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset,
                       ULONG device_offset, PULONG length, BOOLEAN write, PSCATTER_GATHER_LIST list,
                       ULONG list_bytes, PDMA_COMPLETION_ROUTINE routine, PVOID context);
NTSTATUS ft_dma_flush_ex(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, ULONGLONG offset, ULONG length,
                         BOOLEAN write);

/* A place in an MDL chain: moves *mdl and *offset on to the MDL that holds the byte. False: the
 * chain ends before it. */
bool ft_chain_seek(const MDL **mdl, uint64_t *offset);
/* Bytes of the whole chain. */
uint64_t ft_chain_bytes(const MDL *mdl);

/* ---- completion.c ---- */

NTSTATUS ft_dma_cancel_mapped(PDMA_ADAPTER adapter, PVOID context);

/* The controller begins to work on the transfer; and it has ended it, or was made to. */
void ft_transfer_run(struct ft_dma_grant *grant);
void ft_transfer_over(struct ft_dma_grant *grant, DMA_COMPLETION_STATUS completion);
/* A completion routine that is due does not run any more. */
void ft_completion_forget(struct ft_dma_grant *grant);
/* Bytes that are still to move. */
uint32_t ft_transfer_left(const struct ft_dma_transfer *transfer);

/* ---- lists_ex.c ---- */

NTSTATUS ft_dma_get_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context, PMDL mdl,
                            ULONGLONG offset, ULONG length, ULONG flags,
                            PDRIVER_LIST_CONTROL routine, PVOID routine_context, BOOLEAN write,
                            PDMA_COMPLETION_ROUTINE completion, PVOID completion_context,
                            PSCATTER_GATHER_LIST *list);
NTSTATUS ft_dma_build_list_ex(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PVOID context, PMDL mdl,
                              ULONGLONG offset, ULONG length, ULONG flags,
                              PDRIVER_LIST_CONTROL routine, PVOID routine_context, BOOLEAN write,
                              PVOID buffer, ULONG buffer_bytes, PDMA_COMPLETION_ROUTINE completion,
                              PVOID completion_context, PVOID list);

/* ---- info.c ---- */

/* Elements of one transfer of the system DMA controller. */
enum { FT_SYSTEM_ELEMENTS_MAX = 16 };

NTSTATUS ft_dma_adapter_info(PDMA_ADAPTER adapter, PDMA_ADAPTER_INFO info);
NTSTATUS ft_dma_transfer_info(PDMA_ADAPTER adapter, PMDL mdl, ULONGLONG offset, ULONG length,
                              BOOLEAN write_only, PDMA_TRANSFER_INFO info);

/* ---- cache.c ---- */

NTSTATUS ft_dma_flush_buffer(PDMA_ADAPTER adapter, PMDL mdl, BOOLEAN read);

/* ---- common_ex.c, common_vector.c ---- */

PVOID ft_dma_common_ex(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS maximum, ULONG length,
                       PPHYSICAL_ADDRESS logical, BOOLEAN cached, NODE_REQUIREMENT node);
PVOID ft_dma_common_bounds(PDMA_ADAPTER adapter, PPHYSICAL_ADDRESS minimum,
                           PPHYSICAL_ADDRESS maximum, ULONG length, ULONG flags,
                           MEMORY_CACHING_TYPE *cache, NODE_REQUIREMENT node,
                           PPHYSICAL_ADDRESS logical);
NTSTATUS ft_dma_common_domain(PDMA_ADAPTER adapter, HANDLE domain, PPHYSICAL_ADDRESS maximum,
                              ULONG length, ULONG flags, MEMORY_CACHING_TYPE *cache,
                              NODE_REQUIREMENT node, PPHYSICAL_ADDRESS logical, PVOID *va);
NTSTATUS ft_dma_common_from_mdl(PDMA_ADAPTER adapter, PMDL mdl,
                                PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION configs, ULONG count,
                                PPHYSICAL_ADDRESS logical);
NTSTATUS ft_dma_vector_allocate(PDMA_ADAPTER adapter, PHYSICAL_ADDRESS low, PHYSICAL_ADDRESS high,
                                MEMORY_CACHING_TYPE cache, NODE_REQUIREMENT node, ULONG flags,
                                ULONG elements, ULONGLONG bytes, PDMA_COMMON_BUFFER_VECTOR *ret);
VOID ft_dma_vector_get(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index,
                       PVOID *va, PPHYSICAL_ADDRESS logical);
VOID ft_dma_vector_free_one(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector, ULONG index);
VOID ft_dma_vector_free(PDMA_ADAPTER adapter, PDMA_COMMON_BUFFER_VECTOR vector);

/* ---- domain.c ---- */

NTSTATUS ft_dma_join_domain(PDMA_ADAPTER adapter, HANDLE domain);
NTSTATUS ft_dma_leave_domain(PDMA_ADAPTER adapter);
HANDLE ft_dma_get_domain(PDMA_ADAPTER adapter);
/* The id of the domain behind a handle, 0: it is none. */
unsigned ft_domain_id(HANDLE domain);
/* Some adapter is in that domain (id 0: every adapter is). */
bool ft_domain_is_reached(unsigned domain);

#endif
