/* What the files of hal-shim/dma share and no other folder needs. Pointers to slots are valid until
 * the next point. */
#ifndef FT_DMA_PRIVATE_H
#define FT_DMA_PRIVATE_H

#include "world/machine.h"

#include <wdm.h>

_Static_assert((int)FT_DMA_TASKS_MAX == (int)FT_TASKS_MAX, "a word for each task");

/* What a device is told where nothing was mapped: no memory on any platform. The page offset is
 * kept. */
#define FT_POISON_LOGICAL 0xBAD0DEAD0000ULL

/* ---- adapter.c ---- */

/* The adapter behind a DMA_ADAPTER. NULL, with the event dma:dead-adapter, when it was put or never
 * got. */
struct ft_dma_adapter *ft_dma_adapter_check(const void *adapter, enum ft_point point);
struct ft_dma_adapter *ft_dma_adapter_by_id(uint32_t id);
/* The adapter with that id was got for the device in focus; true, too, when it is gone. */
bool ft_dma_is_of_device(uint32_t adapter);
uint64_t ft_dma_adapter_handle(const struct ft_dma_adapter *adapter);

/* Notes through which table a member is called, and by whom: in the table's entry, before anything
 * else. */
void ft_dma_enter(unsigned table, unsigned member, void *site);
/* FT_DDI_BEGIN of a member. */
#define FT_DMA_BEGIN(POINT, label)                                                                 \
    ft_ddi_begin(FT_PT_##POINT, label, (void *)(uintptr_t)FT_M->dma.site)
/* A member of version 3 in a table that does not have it. */
_Noreturn void ft_dma_later_member(const void *adapter, unsigned member, const char *name,
                                   void *site);

VOID ft_dma_put_adapter(PDMA_ADAPTER adapter);
ULONG ft_dma_get_alignment(PDMA_ADAPTER adapter);
ULONG ft_dma_read_counter(PDMA_ADAPTER adapter);

/* ---- table.c ---- */

/* The table of that slot of FT_M->dma.adapter: version 1 or 2. */
const DMA_OPERATIONS *ft_dma_table(unsigned slot, unsigned version);

/* Logical pages where logical addresses are not physical ones: never given twice in a run, with an
 * unmapped page behind. Returns the address of the first page. */
uint64_t ft_dma_logical_take(const struct ft_dma_adapter *adapter, unsigned pages);

/* ---- channel.c: members of the table ---- */

NTSTATUS ft_dma_allocate_channel(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, ULONG registers,
                                 PDRIVER_CONTROL routine, PVOID context);
VOID ft_dma_free_channel(PDMA_ADAPTER adapter);
VOID ft_dma_free_registers(PDMA_ADAPTER adapter, PVOID base, ULONG registers);

/* The grant of that base if it holds its register file now, else NULL. Lists have no base. */
struct ft_dma_grant *ft_dma_grant_of_base(const void *base);
struct ft_dma_grant *ft_dma_grant_by_id(uint32_t id);

/* Queues a request: `request` with the fields that its caller knows, and its block (class
 * FT_HC_GRANT), or NULL to have one made. NULL when the machine has no room for one more. */
struct ft_dma_grant *ft_dma_enqueue(const struct ft_dma_grant *request, void *block);

/* The routine does not run inside the call: the platform never does, or the world choice says so
 * once. */
bool ft_dma_deferred(void);

/* Lets every request run that may run now. */
void ft_dma_drain(void);

/* Grants that waiting request if nothing stands in its way now; ft_dma_grant_run then runs its
 * routine, on the calling task. */
bool ft_dma_grant_now(struct ft_dma_grant *grant);
void ft_dma_grant_run(struct ft_dma_grant *grant);

/* What a grant gives back; it retires once it holds nothing and its routine is not under way. */
void ft_dma_channel_back(struct ft_dma_grant *grant);
void ft_dma_registers_back(struct ft_dma_grant *grant);
void ft_dma_grant_retire(struct ft_dma_grant *grant);

/* Takes everything back that an adapter still has when it is put. */
void ft_dma_release_all(const struct ft_dma_adapter *adapter);

/* ---- map_registers.c ---- */

/* Map registers of the machine. */
unsigned ft_dma_register_count(void);
void ft_dma_registers_set(uint64_t *bits, unsigned first, unsigned count, bool value);

/* The first run of `count` clear bits in [first, first + total); returns false when there is none,
 * and the longest run found first in *start and *longest in either case. */
bool ft_dma_registers_find(const uint64_t *bits, unsigned first, unsigned total, unsigned count,
                           unsigned *start, unsigned *longest);

/* The processor's address of a map register's bounce page. */
void *ft_dma_bounce_page(unsigned index);

/* Bounce pages below `end` that no file had before in this run get a known content. */
void ft_dma_bounce_pages_exist(unsigned end);

/* A page that no live mapping uses holds a known content: gives it that, and looks whether it still
 * has it (event mem:damage). */
void ft_dma_bounce_pages_fill(unsigned first, unsigned count);
void ft_dma_bounce_pages_check(unsigned first, unsigned count);

/* ---- mapping.c ---- */

/* What one mapping is asked to be and what was found out about it. The caller fills the first
 * part. */
struct ft_dma_run {
    struct ft_dma_adapter *adapter;
    struct ft_dma_grant *grant;
    const MDL *mdl;
    uint8_t *va;
    uint32_t asked;
    bool write;
    bool of_list;
    bool of_transfer; /* of MapTransferEx */

    uint8_t *memory;
    uint32_t length; /* of the run that is mapped */
    unsigned first;  /* register */
    unsigned count;  /* registers it uses */
    bool bounced;
};

/* Maps the run's beginning: all of it for a device without scatter/gather, what the device can
 * reach in one piece for one with. NULL: the contract is broken, nothing is mapped. */
struct ft_dma_mapping *ft_dma_map_run(struct ft_dma_run *r);

/* Flushes what [va, va + length) and the mapping have in common, which ends the mapping. False:
 * they have nothing in common. */
bool ft_dma_flush_mapping(struct ft_dma_mapping *mapping, const MDL *mdl, uint8_t *va,
                          uint32_t length, bool write);

/* A subordinate device's operation ends: its channel is masked, in mid-transfer too, and the last
 * mapping of the grant learns what the device did not move. */
void ft_dma_stop_system(const struct ft_dma_adapter *adapter, uint32_t grant);

/* The live mapping of that grant with the lowest CurrentVa at or after `from`; among equals the
 * older one. */
struct ft_dma_mapping *ft_dma_next_mapping(uint32_t grant, uintptr_t from, uint32_t after_id);

/* Forgets the live mappings of a grant without moving data. */
void ft_dma_drop_mappings(uint32_t grant);

/* Registers of the grant that no live mapping uses. */
unsigned ft_dma_registers_left(const struct ft_dma_grant *grant);

/* Ends a mapping without data: event dma:flushed with no bytes. */
void ft_dma_end_mapping(struct ft_dma_mapping *mapping);

/* Mappings that may still be made. */
unsigned ft_dma_mappings_free(void);

/* NULL gives 0. */
uint64_t ft_dma_mapping_handle(const struct ft_dma_mapping *mapping);

/* ---- transfer.c: members of the table ---- */

PHYSICAL_ADDRESS ft_dma_map(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, PULONG length,
                            BOOLEAN write);
BOOLEAN ft_dma_flush(PDMA_ADAPTER adapter, PMDL mdl, PVOID base, PVOID va, ULONG length,
                     BOOLEAN write);

/* The world choice flush-fails: this flush does, when there is anything to lose. */
bool ft_dma_flush_is_to_fail(const struct ft_dma_grant *grant);

/* ---- sg_lists.c: members of the table ---- */

NTSTATUS ft_dma_get_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                         ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write);
VOID ft_dma_put_list(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, BOOLEAN write);
NTSTATUS ft_dma_calculate_list(PDMA_ADAPTER adapter, PMDL mdl, PVOID va, ULONG length, PULONG size,
                               PULONG registers);
NTSTATUS ft_dma_build_list(PDMA_ADAPTER adapter, PDEVICE_OBJECT device, PMDL mdl, PVOID va,
                           ULONG length, PDRIVER_LIST_CONTROL routine, PVOID context, BOOLEAN write,
                           PVOID buffer, ULONG buffer_length);
NTSTATUS ft_dma_build_list_mdl(PDMA_ADAPTER adapter, PSCATTER_GATHER_LIST list, PMDL original,
                               PMDL *target);

/* Makes the list of a request that was granted and calls its routine. */
void ft_dma_list_run(const struct ft_dma_grant *call);

/* The memory of a list whose adapter is put: nothing is flushed. */
void ft_dma_list_forget(struct ft_dma_grant *grant);

/* ---- odd.c ---- */

/* A BOOLEAN that is neither 0 nor 1; arguments count from 1. */
void ft_dma_odd_boolean(enum ft_point point, unsigned argument, BOOLEAN value);
/* MapTransfer's MDL and length. */
void ft_dma_odd_map(const MDL *mdl, const void *va, const ULONG *length);

/* ---- verifier.c: nothing happens without the knob ---- */

/* Registers whose mappings always go through pages of the verifier's. */
enum { FT_VERIFIER_REGISTERS = 64 };

/* Driver Verifier would stop here with bug check 0xE6. */
void ft_dma_verify(unsigned code, uint64_t p2, uint64_t p3, uint64_t p4);
void ft_dma_verify_irql(unsigned member);
void ft_dma_verify_put(const struct ft_dma_adapter *adapter);
/* Bytes were mapped; a flush sets the count back. */
void ft_dma_verify_mapped(struct ft_dma_adapter *adapter, uint32_t bytes);

/* ---- system_dma.c ---- */

/* Mode register of a channel. */
enum {
    FT_SYSTEM_DEMAND = 0x00,
    FT_SYSTEM_SINGLE = 0x40,
    FT_SYSTEM_BLOCK = 0x80,
    FT_SYSTEM_AUTO = 0x10,
    FT_SYSTEM_FROM_DEVICE = 0x04, /* the controller writes memory */
    FT_SYSTEM_TO_DEVICE = 0x08
};

/* A device can be there: not channel 4, which cascades the other controller. */
bool ft_system_channel_exists(unsigned channel);
/* Bytes that one operation cannot cross: 64 KiB, or 128 KiB on the channels of words. */
uint64_t ft_system_boundary(unsigned channel);
/* Programs the channel for `length` bytes at that physical address and unmasks it. */
void ft_system_program(unsigned channel, uint64_t physical, uint32_t length, unsigned mode);
void ft_system_mask(unsigned channel, bool masked);
/* Bytes that one register file of the adapter may not cross, 0: none. */
uint64_t ft_dma_boundary(const struct ft_dma_adapter *adapter);
/* Bytes that the channel has still to move. polled: a driver asks, so time goes by. */
uint32_t ft_system_counter(unsigned channel, bool polled);

/* ---- completion.c ---- */

/* Begins the task that calls a completion routine which is due. */
bool ft_completion_start_next(void);
bool ft_completion_pending(void); /* it would begin one */

/* sim_slave_transfer for a device on a request line of version 3. */
struct sim_device;
uint32_t ft_line_transfer(struct sim_device *device, unsigned line, bool to_device, void *bytes,
                          uint32_t length, bool *terminal);
/* The controller waits for requests on that line, in that direction. */
bool ft_line_runs(unsigned line, bool *to_device);

/* ---- common.c: members of the table ---- */

PVOID ft_dma_allocate_common(PDMA_ADAPTER adapter, ULONG length, PPHYSICAL_ADDRESS logical,
                             BOOLEAN cached);
VOID ft_dma_free_common(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical, PVOID va,
                        BOOLEAN cached);

/* ---- mdl.c ---- */

/* The header of this MDL may be read: it is live, or the driver's own memory. */
bool ft_mdl_readable(const MDL *mdl);

/* Stops the machine when it may not, as a page fault would. */
void ft_mdl_check(const MDL *mdl);

/* The processor's address of the byte that `va` indexes when [va, va + bytes) lies in the MDL, its
 * pages are known and locked, and they lie in one piece as the processor sees them; else NULL. */
void *ft_mdl_memory(const MDL *mdl, const void *va, uint64_t bytes);

/* The physical address of the byte that `va` indexes, by the MDL's page array. Only where
 * ft_mdl_memory is not NULL. */
uint64_t ft_mdl_physical(const MDL *mdl, const void *va);

/* Offset of va in the MDL's buffer, as events show it: 64-bit two's complement. */
uint64_t ft_mdl_offset(const MDL *mdl, const void *va);

/* ---- mdl_map.c ---- */

/* System and user address of the MDL are gone. */
void ft_mdl_forget_mappings(PMDL mdl);

/* An address some bytes further on. Not an offset to a pointer: pages that an MDL has nowhere in
 * virtual memory begin at 0. */
static inline uint8_t *ft_va_further(const void *va, uint64_t bytes)
{
    return (uint8_t *)((uintptr_t)va + bytes);
}

#endif
