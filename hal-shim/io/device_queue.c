/* Device queues (wdm-io sheet, section 3). An entry given to an idle queue is not queued: the queue
 * becomes busy and the caller goes on with the entry at once.
 *
 * IoStartPacket and its relatives use the functions without points; their own events tell enough.
 * Not modelled: the queue's own spin lock. No point lies inside, so each routine is atomic without
 * it.
 */
#include "io/io_private.h"

void ft_queue_reset(PKDEVICE_QUEUE queue)
{
    enum { DEVICE_QUEUE_OBJECT = 20 };

    queue->Type = DEVICE_QUEUE_OBJECT;
    queue->Size = sizeof *queue;
    InitializeListHead(&queue->DeviceListHead);
    queue->Lock = 0;
    queue->Busy = FALSE;
}

static PKDEVICE_QUEUE_ENTRY entry_of(PLIST_ENTRY link)
{
    return CONTAINING_RECORD(link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

/* Sorted by key, first in, first out among equals. */
static PLIST_ENTRY place_of(PKDEVICE_QUEUE queue, ULONG key)
{
    PLIST_ENTRY at = queue->DeviceListHead.Flink;

    while (at != &queue->DeviceListHead && entry_of(at)->SortKey <= key)
        at = at->Flink;
    return at;
}

bool ft_queue_insert(PKDEVICE_QUEUE queue, PKDEVICE_QUEUE_ENTRY entry, const ULONG *key)
{
    PLIST_ENTRY before = key ? place_of(queue, *key) : &queue->DeviceListHead;

    if (key)
        entry->SortKey = *key;
    entry->Inserted = queue->Busy;
    if (queue->Busy)
        InsertTailList(before, &entry->DeviceListEntry);
    queue->Busy = TRUE;
    return entry->Inserted;
}

static PKDEVICE_QUEUE_ENTRY take(PKDEVICE_QUEUE_ENTRY entry)
{
    RemoveEntryList(&entry->DeviceListEntry);
    entry->Inserted = FALSE;
    return entry;
}

PKDEVICE_QUEUE_ENTRY ft_queue_remove(PKDEVICE_QUEUE queue, const ULONG *key)
{
    PLIST_ENTRY head = &queue->DeviceListHead, at = head->Flink;

    if (at == head) {
        queue->Busy = FALSE;
        return NULL;
    }
    while (key && at != head && entry_of(at)->SortKey < *key)
        at = at->Flink;
    return take(entry_of(at == head ? head->Flink : at));
}

/* ---- the routines ---- */

static uint64_t queue_handle(PKDEVICE_QUEUE queue)
{
    return ft_object_handle(queue, FT_HC_QUEUE);
}

/* An entry in an IRP is the IRP, with its offset; another one is an object of its own. */
static uint64_t entry_handle(PKDEVICE_QUEUE_ENTRY entry)
{
    PIRP irp;

    if (!entry)
        return 0;
    irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.DeviceQueueEntry);
    if (ft_block_is_live(irp, FT_HC_IRP))
        return ft_block_handle(irp) + offsetof(IRP, Tail.Overlay.DeviceQueueEntry);
    return ft_object_handle(entry, FT_HC_OTHER);
}

void ft_queue_announce(PKDEVICE_QUEUE queue, PDEVICE_OBJECT device)
{
    ft_emit(FT_EV_QUEUE_INIT, ft_object_register(queue, FT_HC_QUEUE), ft_handle_of(device));
}

VOID KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    FT_DDI_BEGIN(QUEUE, 0);
    ft_queue_reset(DeviceQueue);
    ft_queue_announce(DeviceQueue, NULL);
    FT_DDI_END(QUEUE, 0);
}

static BOOLEAN insert(PKDEVICE_QUEUE queue, PKDEVICE_QUEUE_ENTRY entry, const ULONG *key)
{
    bool inserted = ft_queue_insert(queue, entry, key);

    ft_emit(FT_EV_QUEUE_INSERT, queue_handle(queue), entry_handle(entry), inserted, key ? *key : 0);
    return inserted;
}

BOOLEAN KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    BOOLEAN inserted;

    FT_DDI_BEGIN(QUEUE, 0);
    inserted = insert(DeviceQueue, DeviceQueueEntry, NULL);
    FT_DDI_END(QUEUE, 0);
    return inserted;
}

BOOLEAN KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry,
                                 ULONG SortKey)
{
    BOOLEAN inserted;

    FT_DDI_BEGIN(QUEUE, 0);
    inserted = insert(DeviceQueue, DeviceQueueEntry, &SortKey);
    FT_DDI_END(QUEUE, 0);
    return inserted;
}

static PKDEVICE_QUEUE_ENTRY remove_one(PKDEVICE_QUEUE queue, const ULONG *key)
{
    bool busy = queue->Busy;
    PKDEVICE_QUEUE_ENTRY entry = ft_queue_remove(queue, key);

    ft_emit(FT_EV_QUEUE_REMOVE, queue_handle(queue), entry_handle(entry), false, busy);
    return entry;
}

PKDEVICE_QUEUE_ENTRY KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    PKDEVICE_QUEUE_ENTRY entry;

    FT_DDI_BEGIN(QUEUE, 0);
    entry = remove_one(DeviceQueue, NULL);
    FT_DDI_END(QUEUE, 0);
    return entry;
}

/* The first entry whose key is not below SortKey, else the first of all. */
PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY entry;

    FT_DDI_BEGIN(QUEUE, 0);
    entry = remove_one(DeviceQueue, &SortKey);
    FT_DDI_END(QUEUE, 0);
    return entry;
}

PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PKDEVICE_QUEUE_ENTRY entry = NULL;

    FT_DDI_BEGIN(QUEUE, 0);
    if (DeviceQueue->Busy)
        entry = remove_one(DeviceQueue, &SortKey);
    else
        ft_emit(FT_EV_QUEUE_REMOVE, queue_handle(DeviceQueue), 0, false, false);
    FT_DDI_END(QUEUE, 0);
    return entry;
}

BOOLEAN KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    BOOLEAN removed;

    FT_DDI_BEGIN(QUEUE, 0);
    removed = DeviceQueueEntry->Inserted;
    ft_emit(FT_EV_QUEUE_REMOVE, queue_handle(DeviceQueue),
            removed ? entry_handle(DeviceQueueEntry) : 0, true, DeviceQueue->Busy != 0);
    if (removed)
        take(DeviceQueueEntry);
    FT_DDI_END(QUEUE, 0);
    return removed;
}
