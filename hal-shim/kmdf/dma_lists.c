/* Transactions of scatter/gather profiles (kmdf sheet, 2.5): each fragment is a list of the HAL's,
 * built in a buffer of the transaction's or got. PutScatterGatherList flushes.
 *
 * The HAL calls the list routine inside the call that asks, or later; EvtProgramDma runs there, and
 * what it returns is ignored.
 */
#include "kmdf/dma_objects.h"
#include "kmdf/wdf_touches.h"

static bool is_version_3(const struct ft_wdf_tx *tx)
{
    return tx->enabler->version >= DEVICE_DESCRIPTION_VERSION3;
}

static void seek(const MDL **mdl, uint64_t *offset)
{
    while (*mdl && *offset >= MmGetMdlByteCount(*mdl)) {
        *offset -= MmGetMdlByteCount(*mdl);
        *mdl = (*mdl)->Next;
    }
}

/* The length of the fragment from there on, at most `left`. */
static NTSTATUS measure(const struct ft_wdf_tx *tx, const MDL *mdl, uint64_t offset, size_t left,
                        size_t *ret)
{
    size_t length = left < tx->fragment_most ? left : tx->fragment_most;
    ULONG registers;
    NTSTATUS status;

    *ret = length;
    if (tx->single)
        return STATUS_SUCCESS;
    status = ft_wdf_tx_registers(mdl, offset, length, tx->adapter->registers, ret, &registers);
    if (NT_SUCCESS(status) && registers > tx->enabler->elements_most)
        status = STATUS_WDF_TOO_FRAGMENTED;
    if (NT_SUCCESS(status) && *ret == 0)
        status = STATUS_INSUFFICIENT_RESOURCES;
    return status;
}

/* Walks all fragments: none may have more pages than the limit of elements. */
static NTSTATUS lists_prepare(struct ft_wdf_tx *tx)
{
    const MDL *mdl = tx->mdl;
    uint64_t offset = tx->offset;
    NTSTATUS status = STATUS_SUCCESS;
    size_t length;

    if (tx->single)
        return STATUS_SUCCESS;
    for (size_t left = tx->total; left > 0 && NT_SUCCESS(status); left -= length) {
        status = measure(tx, mdl, offset, left, &length);
        offset += length;
        seek(&mdl, &offset);
    }
    return status;
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI list_routine(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
                               PVOID context)
{
    struct ft_wdf_tx *tx = context;

    (void)device;
    (void)irp;
    tx->list = list;
    ft_wdf_touch_list(list, false, ft_wdf_handle(tx));
    ft_wdf_point(FT_PT_WDF_TX_GRANTED, ft_wdf_label(tx));
    ft_wdf_tx_program(tx, list, false);
}

/* Asks the HAL for the fragment's list. */
static NTSTATUS ask(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter->adapter;
    PDEVICE_OBJECT fdo = tx->enabler->object.device->fdo;
    uint8_t *va = (uint8_t *)MmGetMdlVirtualAddress(tx->fragment_mdl) + tx->fragment_offset;
    ULONG flags = tx->at_once ? DMA_SYNCHRONOUS_CALLBACK : 0;
    const DMA_OPERATIONS *hal = adapter->DmaOperations;

    if (is_version_3(tx) && tx->buffer)
        return hal->BuildScatterGatherListEx(
            adapter, fdo, tx->context, tx->fragment_mdl, tx->fragment_offset, (ULONG)tx->fragment,
            flags, list_routine, tx, tx->write, tx->buffer, tx->buffer_bytes, NULL, NULL, NULL);
    if (is_version_3(tx))
        return hal->GetScatterGatherListEx(adapter, fdo, tx->context, tx->fragment_mdl,
                                           tx->fragment_offset, (ULONG)tx->fragment, flags,
                                           list_routine, tx, tx->write, NULL, NULL, NULL);
    if (tx->buffer)
        return hal->BuildScatterGatherList(adapter, fdo, tx->fragment_mdl, va, (ULONG)tx->fragment,
                                           list_routine, tx, tx->write, tx->buffer,
                                           tx->buffer_bytes);
    return hal->GetScatterGatherList(adapter, fdo, tx->fragment_mdl, va, (ULONG)tx->fragment,
                                     list_routine, tx, tx->write);
}

static NTSTATUS lists_stage(struct ft_wdf_tx *tx)
{
    const MDL *mdl = tx->fragment_mdl;
    uint64_t offset = tx->fragment_offset + tx->fragment;
    NTSTATUS status;
    size_t length;

    seek(&mdl, &offset);
    status = measure(tx, mdl, offset, tx->left, &length);
    if (!NT_SUCCESS(status))
        return status;
    tx->fragment_mdl = (PMDL)mdl;
    tx->fragment_offset = offset;
    tx->fragment = length;
    tx->left -= length;
    FT_WDF_TX_HAL(tx, status = ask(tx));
    if (!NT_SUCCESS(status))
        tx->left += length; /* nobody was called */
    return status;
}

static void put(struct ft_wdf_tx *tx)
{
    PDMA_ADAPTER adapter = tx->adapter ? tx->adapter->adapter : NULL;
    PSCATTER_GATHER_LIST list = tx->list;

    tx->list = NULL;
    if (list)
        ft_wdf_touch_list(list, true, ft_wdf_handle(tx));
    if (list && adapter)
        FT_WDF_TX_HAL(tx, adapter->DmaOperations->PutScatterGatherList(adapter, list, tx->write));
}

static NTSTATUS lists_finish(struct ft_wdf_tx *tx)
{
    put(tx);
    return STATUS_SUCCESS;
}

static void lists_release(struct ft_wdf_tx *tx, bool forced)
{
    (void)forced;
    put(tx);
    tx->adapter = NULL;
}

const struct ft_wdf_tx_kind ft_wdf_tx_lists = {
    .prepare = lists_prepare,
    .start = lists_stage,
    .stage = lists_stage,
    .finish = lists_finish,
    .release = lists_release,
};
