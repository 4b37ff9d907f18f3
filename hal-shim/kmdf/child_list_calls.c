/* WdfChildList…: what a bus driver says of its children, and what it asks about them. */
#include "kmdf/children.h"

#define KNOWN(link)  CONTAINING_RECORD(link, struct ft_wdf_description, known)
#define CHANGE(link) CONTAINING_RECORD(link, struct ft_wdf_description, change)

/* `effect` works on `list`. */
#define CALL(effect)                                                                               \
    struct ft_wdf_child_list *list;                                                                \
    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(ChildList));                                             \
    list = ft_wdf_check(ChildList, FT_HC_WDF_CHILD_LIST);                                          \
    ft_wdf_irql_ok(DISPATCH_LEVEL);                                                                \
    effect;                                                                                        \
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(ChildList))

/* The same under the list's lock. */
#define CALL_LOCKED(effect) CALL(ft_wdf_children_enter(list); effect; ft_wdf_children_leave(list))

static bool is_id(const struct ft_wdf_child_list *list,
                  const WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER *id)
{
    return id->IdentificationDescriptionSize == list->config.IdentificationDescriptionSize;
}

static bool is_address(const struct ft_wdf_child_list *list,
                       const WDF_CHILD_ADDRESS_DESCRIPTION_HEADER *address)
{
    return list->config.AddressDescriptionSize > 0 &&
           address->AddressDescriptionSize == list->config.AddressDescriptionSize;
}

/* ---- lists ---- */

static NTSTATUS create(struct ft_wdf_device *device, const WDF_CHILD_LIST_CONFIG *config,
                       const WDF_OBJECT_ATTRIBUTES *attributes, struct ft_wdf_child_list **ret)
{
    NTSTATUS status = ft_wdf_child_config_check(config);

    if (NT_SUCCESS(status))
        status = ft_wdf_attributes_check(attributes, false);
    return NT_SUCCESS(status) ? ft_wdf_child_list_new(device, config, attributes, ret) : status;
}

NTSTATUS WdfChildListCreate(WDFDEVICE Device, PWDF_CHILD_LIST_CONFIG Config,
                            PWDF_OBJECT_ATTRIBUTES ChildListAttributes, WDFCHILDLIST *ChildList)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_child_list *list = NULL;
    struct ft_wdf_device *device;

    FT_WDF_BEGIN(WDF_DEVICE, ft_wdf_label(Device));
    device = ft_wdf_check(Device, FT_HC_WDF_DEVICE);
    ft_wdf_require(Config);
    ft_wdf_require(ChildList);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = create(device, Config, ChildListAttributes, &list);
    *ChildList = (WDFCHILDLIST)list;
    FT_WDF_END(WDF_DEVICE, ft_wdf_label(Device));
    return status;
}

WDFDEVICE WdfChildListGetDevice(WDFCHILDLIST ChildList)
{
    WDFDEVICE device;

    CALL(device = (WDFDEVICE)list->object.device);
    return device;
}

/* ---- what is there ---- */

static NTSTATUS add(struct ft_wdf_child_list *list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
    NTSTATUS status;

    if (!is_id(list, id) ||
        (address ? !is_address(list, address) : list->config.AddressDescriptionSize > 0))
        return STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_children_enter(list);
    status = ft_wdf_children_add(list, id, address);
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
    return status;
}

NTSTATUS WdfChildListAddOrUpdateChildDescriptionAsPresent(
    WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription,
    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    NTSTATUS status;

    CALL(ft_wdf_require(IdentificationDescription);
         status = add(list, IdentificationDescription, AddressDescription));
    return status;
}

static NTSTATUS miss(struct ft_wdf_child_list *list,
                     PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    struct ft_wdf_description *at;

    if (!is_id(list, id))
        return STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_children_enter(list);
    at = ft_wdf_children_find(list, id, true);
    if (!at)
        at = ft_wdf_children_find(list, id, false);
    if (at)
        ft_wdf_children_miss(list, at);
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
    return at ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS WdfChildListUpdateChildDescriptionAsMissing(
    WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    NTSTATUS status;

    CALL(ft_wdf_require(IdentificationDescription); status = miss(list, IdentificationDescription));
    return status;
}

/* A child that is on its way out stays so. */
static void find_all(struct ft_wdf_child_list *list)
{
    for (struct ft_wdf_link *link = list->changes.next; link != &list->changes; link = link->next)
        if (CHANGE(link)->what == FT_WDF_CHANGE_INSERT)
            CHANGE(link)->found = 1;
    for (struct ft_wdf_link *link = list->known.next; link != &list->known; link = link->next)
        if (ft_wdf_children_present(KNOWN(link)) && KNOWN(link)->what == FT_WDF_CHANGE_NONE)
            KNOWN(link)->found = 1;
}

VOID WdfChildListUpdateAllChildDescriptionsAsPresent(WDFCHILDLIST ChildList)
{
    CALL_LOCKED(find_all(list));
}

VOID WdfChildListBeginScan(WDFCHILDLIST ChildList)
{
    CALL_LOCKED(ft_wdf_children_scan(list, true));
}

VOID WdfChildListEndScan(WDFCHILDLIST ChildList)
{
    CALL_LOCKED(ft_wdf_children_scanned(list));
}

/* ---- one child ---- */

/* Changes before what is known, as a driver sees its own words. */
static struct ft_wdf_description *find(struct ft_wdf_child_list *list,
                                       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    struct ft_wdf_description *at = ft_wdf_children_find(list, id, true);

    return at ? at : ft_wdf_children_find(list, id, false);
}

static WDFDEVICE retrieve(struct ft_wdf_child_list *list, PWDF_CHILD_RETRIEVE_INFO info)
{
    struct ft_wdf_description *at;
    WDFDEVICE device = NULL;

    info->Status = WdfChildListRetrieveDeviceNoSuchDevice;
    ft_wdf_children_enter(list);
    at = find(list, info->IdentificationDescription);
    if (at) {
        bool made = at->state != FT_WDF_CHILD_NEW && at->state != FT_WDF_CHILD_WANTED;

        info->Status =
            made ? WdfChildListRetrieveDeviceSuccess : WdfChildListRetrieveDeviceNotYetCreated;
        device = made ? (WDFDEVICE)at->pdo : NULL;
        if (info->AddressDescription)
            ft_wdf_children_copy_address(list, info->AddressDescription, at->address);
    }
    ft_wdf_children_leave(list);
    return device;
}

static bool is_info(const struct ft_wdf_child_list *list, const WDF_CHILD_RETRIEVE_INFO *info)
{
    return info->Size == sizeof *info && info->IdentificationDescription &&
           is_id(list, info->IdentificationDescription) &&
           (!info->AddressDescription || is_address(list, info->AddressDescription));
}

WDFDEVICE WdfChildListRetrievePdo(WDFCHILDLIST ChildList, PWDF_CHILD_RETRIEVE_INFO RetrieveInfo)
{
    WDFDEVICE device = NULL;

    CALL(ft_wdf_require(RetrieveInfo);
         if (is_info(list, RetrieveInfo)) device = retrieve(list, RetrieveInfo));
    return device;
}

static bool request_eject(struct ft_wdf_child_list *list,
                          PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id)
{
    PWDF_CHILD_RETRIEVE_INFO info = &(WDF_CHILD_RETRIEVE_INFO){.IdentificationDescription = id};
    WDFDEVICE device = is_id(list, id) ? retrieve(list, info) : NULL;

    return device && ft_wdf_child_request_eject(ft_wdf_pnp_of((struct ft_wdf_device *)device));
}

BOOLEAN WdfChildListRequestChildEject(
    WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription)
{
    bool asked;

    CALL(ft_wdf_require(IdentificationDescription);
         asked = request_eject(list, IdentificationDescription));
    return asked;
}

static NTSTATUS retrieve_address(struct ft_wdf_child_list *list,
                                 PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                                 PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
    struct ft_wdf_description *at;

    if (!is_id(list, id) || !is_address(list, address))
        return STATUS_INVALID_DEVICE_REQUEST;
    ft_wdf_children_enter(list);
    at = find(list, id);
    if (at)
        ft_wdf_children_copy_address(list, address, at->address);
    ft_wdf_children_leave(list);
    return at ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

NTSTATUS WdfChildListRetrieveAddressDescription(
    WDFCHILDLIST ChildList, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER IdentificationDescription,
    PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER AddressDescription)
{
    NTSTATUS status;

    CALL(ft_wdf_require(IdentificationDescription); ft_wdf_require(AddressDescription);
         status = retrieve_address(list, IdentificationDescription, AddressDescription));
    return status;
}

/* ---- iteration ---- */

/* In the iterator's reserved words: where the walk through the known is (NULL: over), and how many
 * of the changes it has shown, plus one (0: over, or not wanted). */
enum { AT_KNOWN, AT_CHANGE };

static bool is_iterator(const WDF_CHILD_LIST_ITERATOR *iterator)
{
    return iterator->Size == sizeof *iterator &&
           !(iterator->Flags & ~(ULONG)WdfRetrieveAllChildren);
}

static void begin_iteration(struct ft_wdf_child_list *list, PWDF_CHILD_LIST_ITERATOR iterator)
{
    RtlZeroMemory(iterator->Reserved, sizeof iterator->Reserved);
    iterator->Reserved[AT_KNOWN] = &list->known;
    if (iterator->Flags & WdfRetrievePendingChildren)
        iterator->Reserved[AT_CHANGE] = (PVOID)(uintptr_t)1;
    ft_wdf_children_scan(list, false);
}

VOID WdfChildListBeginIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    CALL_LOCKED(ft_wdf_require(Iterator);
                if (is_iterator(Iterator)) begin_iteration(list, Iterator));
}

/* The end of an iteration counts as that of a scan, in which nothing was forgotten. */
static void end_iteration(struct ft_wdf_child_list *list, PWDF_CHILD_LIST_ITERATOR iterator)
{
    ft_wdf_children_scanned(list);
    RtlZeroMemory(iterator->Reserved, sizeof iterator->Reserved);
}

VOID WdfChildListEndIteration(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator)
{
    CALL_LOCKED(ft_wdf_require(Iterator); if (is_iterator(Iterator)) end_iteration(list, Iterator));
}

static uint64_t call_compare(void *callback, void *list, void *first, void *second)
{
    return ((PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE)callback)(list, first, second);
}

static bool is_wanted(struct ft_wdf_child_list *list, const WDF_CHILD_RETRIEVE_INFO *info,
                      const struct ft_wdf_description *at)
{
    void *callback = info ? (void *)info->EvtChildListIdentificationDescriptionCompare : NULL;

    return !callback ||
           (BOOLEAN)ft_wdf_call(FT_ROUTINE_CALLBACK, list, call_compare, callback, list,
                                info->IdentificationDescription, at->id) != FALSE;
}

static bool matches(const struct ft_wdf_description *at, ULONG flags)
{
    switch (at->state) {
    case FT_WDF_CHILD_WANTED:
        return (flags & WdfRetrievePendingChildren) != 0;
    case FT_WDF_CHILD_MADE:
        return (flags & WdfRetrievePresentChildren) != 0;
    default:
        return (flags & WdfRetrieveMissingChildren) != 0;
    }
}

static struct ft_wdf_description *next_known(struct ft_wdf_child_list *list,
                                             PWDF_CHILD_LIST_ITERATOR iterator,
                                             const WDF_CHILD_RETRIEVE_INFO *info)
{
    struct ft_wdf_link *link = iterator->Reserved[AT_KNOWN];

    for (link = link->next; link != &list->known; link = link->next)
        if (!KNOWN(link)->ended && matches(KNOWN(link), iterator->Flags) &&
            is_wanted(list, info, KNOWN(link)))
            break;
    iterator->Reserved[AT_KNOWN] = link == &list->known ? NULL : link;
    return link == &list->known ? NULL : KNOWN(link);
}

static struct ft_wdf_description *next_change(struct ft_wdf_child_list *list,
                                              PWDF_CHILD_LIST_ITERATOR iterator,
                                              const WDF_CHILD_RETRIEVE_INFO *info)
{
    uintptr_t shown = (uintptr_t)iterator->Reserved[AT_CHANGE], i = 1;

    for (struct ft_wdf_link *link = list->changes.next; link != &list->changes; link = link->next) {
        if (CHANGE(link)->what != FT_WDF_CHANGE_INSERT || ++i <= shown ||
            !is_wanted(list, info, CHANGE(link)))
            continue;
        iterator->Reserved[AT_CHANGE] = (PVOID)i;
        return CHANGE(link);
    }
    iterator->Reserved[AT_CHANGE] = NULL;
    return NULL;
}

static void tell(struct ft_wdf_child_list *list, struct ft_wdf_description *at,
                 PWDF_CHILD_RETRIEVE_INFO info)
{
    if (info->IdentificationDescription)
        ft_wdf_children_copy_id(list, info->IdentificationDescription, at->id);
    if (info->AddressDescription)
        ft_wdf_children_copy_address(list, info->AddressDescription, at->address);
    info->Status =
        at->pdo ? WdfChildListRetrieveDeviceSuccess : WdfChildListRetrieveDeviceNotYetCreated;
}

/* Those that are known come before those that wait; one of either in each call. */
static NTSTATUS next_device(struct ft_wdf_child_list *list, PWDF_CHILD_LIST_ITERATOR iterator,
                            WDFDEVICE *device, PWDF_CHILD_RETRIEVE_INFO info)
{
    struct ft_wdf_description *at = NULL;

    if (list->scans == 0)
        return STATUS_INVALID_DEVICE_STATE;
    if (iterator->Reserved[AT_KNOWN])
        at = next_known(list, iterator, info);
    if (!at && iterator->Reserved[AT_CHANGE])
        at = next_change(list, iterator, info);
    if (!at)
        return STATUS_NO_MORE_ENTRIES;
    *device = (WDFDEVICE)at->pdo;
    if (info)
        tell(list, at, info);
    return STATUS_SUCCESS;
}

static NTSTATUS check_next(const struct ft_wdf_child_list *list,
                           const WDF_CHILD_LIST_ITERATOR *iterator,
                           const WDF_CHILD_RETRIEVE_INFO *info)
{
    if (iterator->Size != sizeof *iterator || (info && info->Size != sizeof *info))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (!is_iterator(iterator))
        return STATUS_INVALID_PARAMETER;
    if (!info)
        return STATUS_SUCCESS;
    if (info->IdentificationDescription && !is_id(list, info->IdentificationDescription))
        return STATUS_INVALID_PARAMETER;
    if (!info->AddressDescription)
        return STATUS_SUCCESS;
    if (list->config.AddressDescriptionSize == 0)
        return STATUS_INVALID_DEVICE_REQUEST;
    return is_address(list, info->AddressDescription) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS WdfChildListRetrieveNextDevice(WDFCHILDLIST ChildList, PWDF_CHILD_LIST_ITERATOR Iterator,
                                        WDFDEVICE *Device, PWDF_CHILD_RETRIEVE_INFO Info)
{
    NTSTATUS status;

    CALL_LOCKED(ft_wdf_require(Iterator); ft_wdf_require(Device); *Device = NULL;
                status = check_next(list, Iterator, Info);
                if (NT_SUCCESS(status)) status = next_device(list, Iterator, Device, Info));
    return status;
}
