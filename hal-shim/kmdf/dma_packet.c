/* Transactions of packet and system profiles (kmdf sheet, 2.6): one allocation of map registers for
 * the whole transaction, one MapTransfer and one flush for each fragment.
 *
 * Fragments are staged by a loop, and by nobody else meanwhile: a DmaCompleted routine that is
 * called inside EvtProgramDma leaves the next fragment to the loop. The list that EvtProgramDma
 * gets on a packet profile is the transaction's own; its element leads nowhere afterwards.
 */
#include "kmdf/dma_objects.h"
#include "kmdf/wdf_touches.h"

#include <string.h>

#define STATE(name)  (1u << FT_TX_##name)
#define DEAD_ADDRESS 0xBAD0DEAD0000LL /* of a list that is gone */

static bool is_version_3(const struct ft_wdf_tx *tx)
{
    return tx->enabler->version >= DEVICE_DESCRIPTION_VERSION3;
}

static bool is_system(const struct ft_wdf_tx *tx)
{
    return ft_wdf_enabler_is_system(tx->enabler);
}

/* ---- allocation ---- */

/* Version 2: the device has one packet transaction at a time. */
static bool device_taken(struct ft_wdf_tx *tx)
{
    struct ft_wdf_device *device = tx->enabler->object.device;

    if (is_version_3(tx))
        return false;
    if (device->dma_packet)
        return true;
    device->dma_packet = 1;
    return false;
}

static void device_back(const struct ft_wdf_tx *tx)
{
    if (!is_version_3(tx))
        tx->enabler->object.device->dma_packet = 0;
}

static ULONG registers_needed(const struct ft_wdf_tx *tx)
{
    uintptr_t start = MmGetMdlByteOffset(tx->fragment_mdl) + tx->fragment_offset;

    if (is_system(tx))
        return tx->adapter->registers;
    if (tx->fragment != tx->left)
        start = PAGE_SIZE - 1; /* fragments begin anywhere in a page */
    return (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(start, tx->fragment);
}

static uint64_t reserve_thunk(void *a, void *b, void *c, void *d)
{
    (void)d;
    ((PFN_WDF_RESERVE_DMA)b)((WDFDMATRANSACTION)a, c);
    return 0;
}

static void granted(struct ft_wdf_tx *tx)
{
    PFN_WDF_RESERVE_DMA reserve = tx->reserve;
    NTSTATUS status;

    ft_wdf_point(FT_PT_WDF_TX_GRANTED, ft_wdf_label(tx));
    if (tx->state == FT_TX_RESERVED) {
        tx->reserve = NULL;
        ft_emit(FT_EV_WDF_TX_RESERVED, ft_wdf_handle(tx), tx->reserved);
        ft_wdf_call(FT_ROUTINE_WDF_RESERVE_DMA, tx, reserve_thunk, tx, (void *)reserve,
                    tx->reserve_context, NULL);
        return;
    }
    ft_wdf_object_refer(&tx->object);
    status = tx->kind->stage(tx);
    if (!NT_SUCCESS(status) && is_system(tx))
        ft_wdf_tx_complete(tx, status == STATUS_CANCELLED ? DmaCancelled : DmaError);
    ft_wdf_object_release(&tx->object);
}

FT_FRAMEWORK_ROUTINE
static IO_ALLOCATION_ACTION NTAPI control_routine(PDEVICE_OBJECT device, PIRP irp, PVOID base,
                                                  PVOID context)
{
    struct ft_wdf_tx *tx = context;
    IO_ALLOCATION_ACTION action = is_system(tx) ? KeepObject : DeallocateObjectKeepRegisters;

    (void)device;
    (void)irp;
    tx->base = base;
    tx->base_set = 1;
    granted(tx);
    return action;
}

static NTSTATUS allocate(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    PDEVICE_OBJECT fdo = tx->enabler->object.device->fdo;

    if (!is_version_3(tx))
        return adapter->DmaOperations->AllocateAdapterChannel(adapter, fdo, tx->needed,
                                                              control_routine, tx);
    return adapter->DmaOperations->AllocateAdapterChannelEx(
        adapter, fdo, tx->context, tx->needed, tx->at_once ? DMA_SYNCHRONOUS_CALLBACK : 0,
        control_routine, tx, NULL);
}

static NTSTATUS packets_start(struct ft_wdf_tx *tx)
{
    NTSTATUS status = STATUS_SUCCESS;

    if (device_taken(tx))
        return STATUS_WDF_BUSY;
    tx->fragment = tx->left < tx->fragment_most ? tx->left : tx->fragment_most;
    if (tx->state == FT_TX_RESERVED)
        tx->needed = tx->reserved;
    else
        tx->needed = registers_needed(tx);
    if (tx->base_set)
        FT_WDF_TX_HAL(tx, granted(tx));
    else
        FT_WDF_TX_HAL(tx, status = allocate(tx));
    if (!NT_SUCCESS(status))
        device_back(tx);
    return status;
}

/* ---- fragments ---- */

/* Where the fragment lies: the HAL of version 3 goes along the chain by itself. */
static void place(struct ft_wdf_tx *tx)
{
    uint64_t offset = tx->offset + tx->moved;
    const MDL *mdl = tx->mdl;
    size_t most;

    tx->fragment = tx->left < tx->fragment_most ? tx->left : tx->fragment_most;
    tx->fragment_offset = offset;
    if (!tx->single && tx->reserved > 0 && tx->needed > tx->reserved) {
        for (; mdl->Next && offset >= MmGetMdlByteCount(mdl); mdl = mdl->Next)
            offset -= MmGetMdlByteCount(mdl);
        most = tx->reserved * (size_t)PAGE_SIZE -
               (size_t)BYTE_OFFSET(MmGetMdlByteOffset(mdl) + offset);
        if (tx->fragment > most)
            tx->fragment = most;
    }
    tx->left -= tx->fragment;
}

static NTSTATUS map(struct ft_wdf_tx *tx, PSCATTER_GATHER_LIST list, ULONG list_bytes,
                    ULONG *length)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    uint8_t *va = (uint8_t *)MmGetMdlVirtualAddress(tx->mdl) + tx->fragment_offset;

    *length = (ULONG)tx->fragment;
    memset(list, 0, list_bytes);
    if (is_version_3(tx))
        return adapter->DmaOperations->MapTransferEx(
            adapter, tx->mdl, tx->base, tx->fragment_offset, tx->device_offset, length, tx->write,
            list, list_bytes, ft_wdf_tx_routine(tx), is_system(tx) ? tx : NULL);
    list->Elements[0].Address =
        adapter->DmaOperations->MapTransfer(adapter, tx->mdl, tx->base, va, length, tx->write);
    list->Elements[0].Length = *length;
    list->NumberOfElements = 1;
    return STATUS_SUCCESS;
}

static NTSTATUS map_and_program(struct ft_wdf_tx *tx)
{
    bool shared = is_system(tx);
    PSCATTER_GATHER_LIST list = shared ? tx->enabler->system_list : (void *)tx->own_list;
    ULONG length;
    NTSTATUS status;

    FT_WDF_TX_HAL(tx, status = map(tx, list, shared ? tx->enabler->list_bytes : sizeof tx->own_list,
                                   &length));
    if (!NT_SUCCESS(status))
        return status;
    tx->left += tx->fragment - length;
    tx->fragment = length;
    if (!shared)
        ft_wdf_touch_list(list, false, ft_wdf_handle(tx));
    if (tx->program)
        FT_WDF_TX_HAL(tx, ft_wdf_tx_program(tx, list, !shared));
    if (!shared) {
        ft_wdf_touch_list(list, true, ft_wdf_handle(tx));
        list->NumberOfElements = 0;
        list->Elements[0].Address.QuadPart = DEAD_ADDRESS;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS packets_stage(struct ft_wdf_tx *tx)
{
    NTSTATUS status = STATUS_SUCCESS;
    bool again;

    if (tx->staging) {
        tx->stage_again = 1;
        return STATUS_SUCCESS;
    }
    tx->staging = 1;
    ft_wdf_object_refer(&tx->object);
    do {
        place(tx);
        if (tx->cancelled)
            status = STATUS_CANCELLED;
        else if (!is_system(tx) || ft_wdf_tx_configure(tx))
            status = map_and_program(tx);
        if (tx->complete_due) {
            tx->complete_due = 0;
            ft_wdf_tx_complete(tx, (DMA_COMPLETION_STATUS)tx->completion);
        }
        again = tx->stage_again;
        tx->stage_again = 0;
        tx->staging = again;
    } while (again);
    ft_wdf_object_release(&tx->object);
    return status;
}

static NTSTATUS flush(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    uint8_t *va = (uint8_t *)MmGetMdlVirtualAddress(tx->mdl) + tx->fragment_offset;

    if (is_version_3(tx))
        return adapter->DmaOperations->FlushAdapterBuffersEx(
            adapter, tx->mdl, tx->base, tx->fragment_offset, (ULONG)tx->fragment, tx->write);
    return adapter->DmaOperations->FlushAdapterBuffers(adapter, tx->mdl, tx->base, va,
                                                       (ULONG)tx->fragment, tx->write)
               ? STATUS_SUCCESS
               : STATUS_UNSUCCESSFUL;
}

static NTSTATUS packets_finish(struct ft_wdf_tx *tx)
{
    uint16_t served = ft_wdf_tx_serve(tx);
    NTSTATUS status = tx->adapter ? flush(tx) : STATUS_UNSUCCESSFUL;

    ft_current()->request = served;
    return status;
}

/* ---- the end ---- */

static void free_all(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;

    if (is_system(tx))
        adapter->DmaOperations->FreeAdapterChannel(adapter);
    else if (tx->base)
        adapter->DmaOperations->FreeMapRegisters(adapter, tx->base,
                                                 tx->reserved ? tx->reserved : tx->needed);
}

static void packets_release(struct ft_wdf_tx *tx, bool forced)
{
    if (!tx->base_set || (tx->reserved && !forced))
        return;
    FT_WDF_TX_HAL(tx, free_all(tx));
    tx->base = NULL;
    tx->base_set = 0;
    device_back(tx);
    tx->adapter = NULL;
    tx->reserved = 0;
}

static NTSTATUS packets_prepare(struct ft_wdf_tx *tx)
{
    (void)tx;
    return STATUS_SUCCESS;
}

const struct ft_wdf_tx_kind ft_wdf_tx_packets = {
    .prepare = packets_prepare,
    .start = packets_start,
    .stage = packets_stage,
    .finish = packets_finish,
    .release = packets_release,
};

/* ---- WdfDmaTransactionAllocateResources ---- */

static NTSTATUS count_registers(const struct ft_wdf_tx *tx, ULONG *registers)
{
    if (*registers)
        return STATUS_SUCCESS;
    *registers = tx->adapter->registers;
    if (is_system(tx))
        return STATUS_SUCCESS;
    return ft_wdf_tx_registers(tx->mdl, tx->offset, tx->total, tx->adapter->registers, NULL,
                               registers);
}

NTSTATUS ft_wdf_tx_reserve(struct ft_wdf_tx *tx, WDF_DMA_DIRECTION direction, ULONG registers,
                           PFN_WDF_RESERVE_DMA reserve, void *context)
{
    NTSTATUS status;
    PDMA_ADAPTER hal;

    ft_wdf_tx_must(tx, FT_TX_CALL_RESERVE,
                   registers ? STATE(CREATED) | STATE(INITIALIZED) | STATE(RELEASED)
                             : STATE(INITIALIZED));
    ft_wdf_tx_must(tx, FT_TX_CALL_RESERVE, tx->reserved ? 0 : ~0u);
    tx->adapter = ft_wdf_enabler_direction(tx->enabler, direction);
    if (!tx->adapter)
        return STATUS_INVALID_DEVICE_STATE;
    hal = tx->adapter->adapter;
    status = count_registers(tx, &registers);
    if (NT_SUCCESS(status)) {
        tx->reserved = registers;
        tx->write = (uint8_t)direction;
        tx->mdl = tx->fragment_mdl = NULL;
        tx->offset = tx->fragment_offset = 0;
        tx->left = tx->total = 0;
        tx->reserve = reserve;
        tx->reserve_context = context;
        status = hal->DmaOperations->InitializeDmaTransferContext(hal, tx->context);
    }
    if (NT_SUCCESS(status)) {
        tx->state = FT_TX_RESERVED;
        status = packets_start(tx);
    } else {
        ft_wdf_tx_reuse(tx, true);
    }
    /* Where it succeeded EvtReserveDma may have ended everything. */
    if (!NT_SUCCESS(status)) {
        tx->state = FT_TX_FAILED;
        tx->reserve = NULL;
        tx->reserved = 0;
        ft_wdf_tx_let_go(tx);
    }
    return status;
}
