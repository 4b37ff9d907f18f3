/* Device queues (wdm-io sheet, section 3). An entry given to an idle queue is not queued: the queue
 * becomes busy and the caller goes on with the entry at once.
 *
 * Not modelled: the queue's own spin lock. No point lies inside these routines, so they are atomic
 * without it. They make no event either, so no rule sees at which IRQL they are called.
 */
#include "world/machine.h"

#include <wdm.h>

VOID KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    enum { DEVICE_QUEUE_OBJECT = 20 };

    DeviceQueue->Type = DEVICE_QUEUE_OBJECT;
    DeviceQueue->Size = sizeof *DeviceQueue;
    InitializeListHead(&DeviceQueue->DeviceListHead);
    DeviceQueue->Lock = 0;
    DeviceQueue->Busy = FALSE;
}

static PKDEVICE_QUEUE_ENTRY entry_of(PLIST_ENTRY link)
{
    return CONTAINING_RECORD(link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
}

static BOOLEAN insert_before(PKDEVICE_QUEUE queue, PKDEVICE_QUEUE_ENTRY entry, PLIST_ENTRY before)
{
    if (!queue->Busy) {
        queue->Busy = TRUE;
        entry->Inserted = FALSE;
        return FALSE;
    }
    InsertTailList(before, &entry->DeviceListEntry);
    entry->Inserted = TRUE;
    return TRUE;
}

BOOLEAN KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    return insert_before(DeviceQueue, DeviceQueueEntry, &DeviceQueue->DeviceListHead);
}

/* Sorted by key, first in, first out among equals. */
BOOLEAN KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry,
                                 ULONG SortKey)
{
    PLIST_ENTRY at = DeviceQueue->DeviceListHead.Flink;

    while (at != &DeviceQueue->DeviceListHead && entry_of(at)->SortKey <= SortKey)
        at = at->Flink;
    DeviceQueueEntry->SortKey = SortKey;
    return insert_before(DeviceQueue, DeviceQueueEntry, at);
}

static PKDEVICE_QUEUE_ENTRY take(PKDEVICE_QUEUE_ENTRY entry)
{
    RemoveEntryList(&entry->DeviceListEntry);
    entry->Inserted = FALSE;
    return entry;
}

PKDEVICE_QUEUE_ENTRY KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue)
{
    if (IsListEmpty(&DeviceQueue->DeviceListHead)) {
        DeviceQueue->Busy = FALSE;
        return NULL;
    }
    return take(entry_of(DeviceQueue->DeviceListHead.Flink));
}

/* The first entry whose key is not below SortKey, else the first of all. */
PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    PLIST_ENTRY head = &DeviceQueue->DeviceListHead;
    PLIST_ENTRY at = head->Flink;

    while (at != head && entry_of(at)->SortKey < SortKey)
        at = at->Flink;
    return at == head ? KeRemoveDeviceQueue(DeviceQueue) : take(entry_of(at));
}

PKDEVICE_QUEUE_ENTRY KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey)
{
    return DeviceQueue->Busy ? KeRemoveByKeyDeviceQueue(DeviceQueue, SortKey) : NULL;
}

BOOLEAN KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry)
{
    (void)DeviceQueue;
    if (!DeviceQueueEntry->Inserted)
        return FALSE;
    take(DeviceQueueEntry);
    return TRUE;
}
