/* Collections: a list of referenced objects. */
#include "kmdf/kmdf_private.h"

struct entry {
    struct entry *next;
    struct ft_wdf_object *object;
};

struct collection {
    struct ft_wdf_object object;
    struct entry *first;
    ULONG count;
};

/* Of the event. */
enum { ADDED = 1, REMOVED };

static void tell(const struct collection *collection, const void *item, unsigned what,
                 NTSTATUS status)
{
    ft_emit(FT_EV_WDF_COLLECTION, ft_wdf_handle(collection), ft_wdf_handle(item), what,
            collection->count, (uint32_t)status);
}

/* Takes an entry out and gives its reference back. */
static void take_out(struct collection *collection, struct entry **at)
{
    struct entry *entry = *at;

    *at = entry->next;
    collection->count--;
    tell(collection, entry->object, REMOVED, STATUS_SUCCESS);
    ft_wdf_object_release(entry->object);
    ft_block_free(entry);
}

static void dispose(struct ft_wdf_object *object)
{
    struct collection *collection = (struct collection *)object;

    while (collection->first)
        take_out(collection, &collection->first);
}

static const struct ft_wdf_class collection_class = {.handle_class = FT_HC_WDF_COLLECTION,
                                                     .dispose = dispose};

NTSTATUS WdfCollectionCreate(PWDF_OBJECT_ATTRIBUTES CollectionAttributes, WDFCOLLECTION *Collection)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    ft_wdf_require(Collection);
    *Collection = NULL;
    if (ft_wdf_irql_ok(DISPATCH_LEVEL))
        *Collection = ft_wdf_object_new(&collection_class, sizeof(struct collection),
                                        FT_WDF->driver, CollectionAttributes, &status);
    FT_WDF_END(WDF_OBJECT, 0);
    return status;
}

static struct collection *check(WDFCOLLECTION handle)
{
    struct collection *collection = ft_wdf_check(handle, FT_HC_WDF_COLLECTION);

    ft_wdf_irql_ok(DISPATCH_LEVEL);
    return collection;
}

/* The entry at that place, or the place behind the last. */
static struct entry **find(struct collection *collection, ULONG index)
{
    struct entry **at = &collection->first;

    while (*at && index-- > 0)
        at = &(*at)->next;
    return at;
}

ULONG WdfCollectionGetCount(WDFCOLLECTION Collection)
{
    FT_WDF_RETURN(ULONG, WDF_OBJECT, 0, check(Collection)->count);
}

NTSTATUS ft_wdf_collection_add(WDFCOLLECTION handle, struct ft_wdf_object *object)
{
    struct collection *collection = (struct collection *)handle;
    struct entry *entry = ft_block_for_driver(sizeof *entry, FT_HC_OTHER, 0);
    NTSTATUS status = entry ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    if (entry) {
        entry->object = object;
        ft_wdf_object_refer(object);
        *find(collection, collection->count) = entry;
        collection->count++;
    }
    tell(collection, object, ADDED, status);
    return status;
}

NTSTATUS WdfCollectionAdd(WDFCOLLECTION Collection, WDFOBJECT Object)
{
    NTSTATUS status;

    FT_WDF_BEGIN(WDF_OBJECT, ft_wdf_label(Object));
    check(Collection);
    status = ft_wdf_collection_add(Collection, ft_wdf_check(Object, 0));
    FT_WDF_END(WDF_OBJECT, ft_wdf_label(Object));
    return status;
}

/* What is not in the collection is not removed. */
VOID WdfCollectionRemove(WDFCOLLECTION Collection, WDFOBJECT Item)
{
    unsigned label = ft_wdf_label(Item);
    struct collection *collection;
    struct entry **at;

    FT_WDF_BEGIN(WDF_OBJECT, label);
    collection = check(Collection);
    ft_wdf_check(Item, 0);
    for (at = &collection->first; *at && (*at)->object != Item;)
        at = &(*at)->next;
    if (*at)
        take_out(collection, at);
    else
        tell(collection, Item, REMOVED, STATUS_NOT_FOUND);
    FT_WDF_END(WDF_OBJECT, label);
}

VOID WdfCollectionRemoveItem(WDFCOLLECTION Collection, ULONG Index)
{
    struct collection *collection;
    struct entry **at;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    collection = check(Collection);
    at = find(collection, Index);
    if (*at)
        take_out(collection, at);
    else
        tell(collection, NULL, REMOVED, STATUS_NOT_FOUND);
    FT_WDF_END(WDF_OBJECT, 0);
}

static struct ft_wdf_object *item_at(struct collection *collection, ULONG index)
{
    struct entry *entry = *find(collection, index);

    return entry ? entry->object : NULL;
}

struct ft_wdf_object *ft_wdf_collection_item(WDFCOLLECTION handle, ULONG index)
{
    return item_at((struct collection *)handle, index);
}

ULONG ft_wdf_collection_count(WDFCOLLECTION handle)
{
    return ((struct collection *)handle)->count;
}

void ft_wdf_collection_cut(WDFCOLLECTION handle, ULONG count)
{
    struct collection *collection = (struct collection *)handle;

    while (collection->count > count)
        take_out(collection, find(collection, count));
}

WDFOBJECT WdfCollectionGetItem(WDFCOLLECTION Collection, ULONG Index)
{
    FT_WDF_RETURN(WDFOBJECT, WDF_OBJECT, 0, item_at(check(Collection), Index));
}

WDFOBJECT WdfCollectionGetFirstItem(WDFCOLLECTION Collection)
{
    FT_WDF_RETURN(WDFOBJECT, WDF_OBJECT, 0, item_at(check(Collection), 0));
}

WDFOBJECT WdfCollectionGetLastItem(WDFCOLLECTION Collection)
{
    struct collection *collection;
    WDFOBJECT item = NULL;

    FT_WDF_BEGIN(WDF_OBJECT, 0);
    collection = check(Collection);
    if (collection->count > 0)
        item = item_at(collection, collection->count - 1);
    FT_WDF_END(WDF_OBJECT, 0);
    return item;
}
