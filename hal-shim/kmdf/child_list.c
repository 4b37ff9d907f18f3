/* Lists of child descriptions (children.h): what the bus driver says of its children becomes what
 * the PnP manager is told. */
#include "kmdf/children.h"

#define KNOWN(link)  CONTAINING_RECORD(link, struct ft_wdf_description, known)
#define CHANGE(link) CONTAINING_RECORD(link, struct ft_wdf_description, change)

/* ---- the driver's description callbacks; each has a default that looks at bytes ---- */

static uint64_t call_copy(void *callback, void *list, void *from, void *to)
{
    ((PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COPY)callback)(list, from, to);
    return 0;
}

static uint64_t call_duplicate(void *callback, void *list, void *from, void *to)
{
    return (uint32_t)((PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_DUPLICATE)callback)(list, from,
                                                                                         to);
}

static uint64_t call_compare(void *callback, void *list, void *first, void *second)
{
    return ((PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_COMPARE)callback)(list, first, second);
}

static uint64_t call_cleanup(void *callback, void *list, void *description, void *unused)
{
    (void)unused;
    ((PFN_WDF_CHILD_LIST_IDENTIFICATION_DESCRIPTION_CLEANUP)callback)(list, description);
    return 0;
}

static uint64_t describe(struct ft_wdf_child_list *list, void *callback, ft_thunk *thunk, void *a,
                         void *b)
{
    return ft_wdf_call(FT_ROUTINE_CALLBACK, list, thunk, callback, list, a, b);
}

static void copy(struct ft_wdf_child_list *list, void *callback, void *to, void *from, ULONG bytes)
{
    if (callback)
        describe(list, callback, call_copy, from, to);
    else
        RtlCopyMemory(to, from, bytes);
}

void ft_wdf_children_copy_id(struct ft_wdf_child_list *list,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER to,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER from)
{
    copy(list, (void *)list->config.EvtChildListIdentificationDescriptionCopy, to, from,
         list->config.IdentificationDescriptionSize);
}

void ft_wdf_children_copy_address(struct ft_wdf_child_list *list,
                                  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER to,
                                  PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER from)
{
    copy(list, (void *)list->config.EvtChildListAddressDescriptionCopy, to, from,
         list->config.AddressDescriptionSize);
}

static NTSTATUS duplicate(struct ft_wdf_child_list *list, void *callback, void *to, void *from,
                          ULONG bytes)
{
    if (callback)
        return (NTSTATUS)describe(list, callback, call_duplicate, from, to);
    RtlCopyMemory(to, from, bytes);
    return STATUS_SUCCESS;
}

static bool is_same(struct ft_wdf_child_list *list,
                    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER first,
                    PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER second)
{
    void *callback = (void *)list->config.EvtChildListIdentificationDescriptionCompare;

    if (callback)
        return (BOOLEAN)describe(list, callback, call_compare, first, second) != FALSE;
    return memcmp(first, second, list->config.IdentificationDescriptionSize) == 0;
}

static void clean_up(struct ft_wdf_child_list *list, void *callback, void *description)
{
    if (callback)
        describe(list, callback, call_cleanup, description, NULL);
}

/* ---- one description ---- */

static ULONG aligned(ULONG bytes)
{
    return (bytes + 15) & ~15u;
}

static struct ft_wdf_description *new_description(struct ft_wdf_child_list *list)
{
    const WDF_CHILD_LIST_CONFIG *config = &list->config;
    ULONG head = aligned(sizeof(struct ft_wdf_description));
    ULONG id = aligned(config->IdentificationDescriptionSize);
    struct ft_wdf_description *made =
        ft_block_for_driver(head + id + config->AddressDescriptionSize, FT_HC_OTHER, 0);

    if (!made)
        return NULL;
    made->list = list;
    made->state = FT_WDF_CHILD_NEW;
    ft_wdf_list_init(&made->known);
    ft_wdf_list_init(&made->change);
    made->id = (void *)((char *)made + head);
    made->id->IdentificationDescriptionSize = config->IdentificationDescriptionSize;
    if (config->AddressDescriptionSize) {
        made->address = (void *)((char *)made + head + id);
        made->address->AddressDescriptionSize = config->AddressDescriptionSize;
    }
    return made;
}

static void free_description(struct ft_wdf_description *at)
{
    struct ft_wdf_child_list *list = at->list;

    clean_up(list, (void *)list->config.EvtChildListIdentificationDescriptionCleanup, at->id);
    if (at->address)
        clean_up(list, (void *)list->config.EvtChildListAddressDescriptionCleanup, at->address);
    ft_block_free(at);
}

bool ft_wdf_children_present(const struct ft_wdf_description *at)
{
    return at->state == FT_WDF_CHILD_WANTED || at->state == FT_WDF_CHILD_MADE;
}

/* The last one that matches. */
struct ft_wdf_description *ft_wdf_children_find(struct ft_wdf_child_list *list,
                                                PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                                                bool changes)
{
    struct ft_wdf_link *all = changes ? &list->changes : &list->known;

    for (struct ft_wdf_link *link = all->previous; link != all; link = link->previous) {
        struct ft_wdf_description *at = changes ? CHANGE(link) : KNOWN(link);

        if (is_same(list, at->id, id))
            return at;
    }
    return NULL;
}

/* ---- under the lock ---- */

void ft_wdf_children_enter(struct ft_wdf_child_list *list)
{
    KIRQL irql;

    KeAcquireSpinLock(&list->lock, &irql);
    list->irql = irql;
}

static void discard(struct ft_wdf_description *at)
{
    struct ft_wdf_pnp *parent = ft_wdf_pnp_of(at->list->object.device);
    struct ft_wdf_device *pdo = at->pdo;

    at->state = FT_WDF_CHILD_REPORTED;
    ft_wdf_pnp_of(pdo)->next_discard = parent->discards;
    parent->discards = pdo;
}

/* A static child that nobody has heard of ends together with its description, at PASSIVE_LEVEL. */
void ft_wdf_children_leave(struct ft_wdf_child_list *list)
{
    struct ft_wdf_pnp *parent = ft_wdf_pnp_of(list->object.device);
    struct ft_wdf_link dead;

    ft_wdf_list_init(&dead);
    ft_wdf_list_move(&dead, &list->dead);
    KeReleaseSpinLock(&list->lock, list->irql);
    while (!ft_wdf_list_empty(&dead)) {
        struct ft_wdf_description *at = KNOWN(dead.next);

        ft_wdf_unlink(&at->known);
        if (list->static_ && at->pdo)
            discard(at);
        else
            free_description(at);
    }
    if (!parent->discards)
        return;
    if (ft_irql() > PASSIVE_LEVEL)
        ft_wdf_worker_queue(parent);
    else
        ft_wdf_children_discard(parent);
}

static void bury(struct ft_wdf_description *at)
{
    ft_wdf_unlink(&at->known);
    ft_wdf_link_before(&at->list->dead, &at->known);
}

static NTSTATUS copy_description(struct ft_wdf_description *to,
                                 PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                                 PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
    const WDF_CHILD_LIST_CONFIG *config = &to->list->config;
    NTSTATUS status =
        duplicate(to->list, (void *)config->EvtChildListIdentificationDescriptionDuplicate, to->id,
                  id, config->IdentificationDescriptionSize);

    if (NT_SUCCESS(status) && to->address)
        status = duplicate(to->list, (void *)config->EvtChildListAddressDescriptionDuplicate,
                           to->address, address, config->AddressDescriptionSize);
    return status;
}

static uint64_t call_reenumerated(void *callback, void *list, void *at_, void *clone_)
{
    struct ft_wdf_description *at = at_, *clone = clone_;

    return ((PFN_WDF_CHILD_LIST_DEVICE_REENUMERATED)callback)(list, (WDFDEVICE)at->pdo, at->address,
                                                              clone->address);
}

/* The driver may change the new address, and may refuse. */
static bool driver_agrees(struct ft_wdf_child_list *list, struct ft_wdf_description *at,
                          struct ft_wdf_description *clone)
{
    void *callback = (void *)list->config.EvtChildListDeviceReenumerated;

    return !callback || (BOOLEAN)describe(list, callback, call_reenumerated, at, clone) != FALSE;
}

/* True: the PnP manager must ask again. Without memory everything stays as it is. */
static bool clone(struct ft_wdf_child_list *list, struct ft_wdf_description *at)
{
    struct ft_wdf_description *made = new_description(list);

    if (!made)
        return false;
    if (!NT_SUCCESS(copy_description(made, at->id, at->address)) ||
        !driver_agrees(list, at, made)) {
        bury(made);
        return false;
    }
    made->state = FT_WDF_CHILD_WANTED;
    made->found = 1;
    made->restarts = at->restarts;
    ft_wdf_link_before(&list->known, &made->known);
    at->state = FT_WDF_CHILD_ABSENT;
    return true;
}

/* True: the PnP manager must ask again. */
static bool bring_in(struct ft_wdf_child_list *list, struct ft_wdf_description *at)
{
    unsigned what = at->what;

    ft_wdf_unlink(&at->change);
    at->what = FT_WDF_CHANGE_NONE;
    if (what == FT_WDF_CHANGE_CLONE)
        return clone(list, at);
    if (what == FT_WDF_CHANGE_INSERT) {
        at->state = FT_WDF_CHILD_WANTED;
        ft_wdf_link_before(&list->known, &at->known);
        return true;
    }
    if (at->state == FT_WDF_CHILD_MADE) {
        at->state = FT_WDF_CHILD_ABSENT;
        return true;
    }
    bury(at);
    return false;
}

void ft_wdf_children_settle(struct ft_wdf_child_list *list)
{
    bool ask = false;

    if (list->locked || list->scans > 0)
        return;
    while (!ft_wdf_list_empty(&list->changes))
        ask |= bring_in(list, CHANGE(list->changes.next));
    if (ask)
        IoInvalidateDeviceRelations(list->object.device->pdo, BusRelations);
}

void ft_wdf_children_miss(struct ft_wdf_child_list *list, struct ft_wdf_description *at)
{
    if (at->what == FT_WDF_CHANGE_INSERT) {
        ft_wdf_unlink(&at->change);
        at->what = FT_WDF_CHANGE_NONE;
        bury(at);
    } else if (at->what == FT_WDF_CHANGE_CLONE) {
        at->what = FT_WDF_CHANGE_REMOVE;
        at->found = 0;
    } else if (at->what == FT_WDF_CHANGE_NONE && ft_wdf_children_present(at)) {
        at->what = FT_WDF_CHANGE_REMOVE;
        at->found = 0;
        ft_wdf_link_before(&list->changes, &at->change);
    }
}

void ft_wdf_children_clone(struct ft_wdf_child_list *list, struct ft_wdf_description *at)
{
    if (at->what != FT_WDF_CHANGE_NONE || at->state != FT_WDF_CHILD_MADE)
        return;
    at->what = FT_WDF_CHANGE_CLONE;
    ft_wdf_link_before(&list->changes, &at->change);
}

static NTSTATUS insert(struct ft_wdf_child_list *list,
                       PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                       PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
    struct ft_wdf_description *made = new_description(list);
    NTSTATUS status;

    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = copy_description(made, id, address);
    if (!NT_SUCCESS(status)) {
        bury(made);
        return status;
    }
    made->found = 1;
    made->what = FT_WDF_CHANGE_INSERT;
    ft_wdf_link_before(&list->changes, &made->change);
    if (list->static_) {
        made->pdo = ((struct ft_wdf_static_child *)(void *)made->id)->pdo;
        ft_wdf_pnp_of(made->pdo)->child->entry = made;
        ft_wdf_pnp_of(made->pdo)->child->added = 1;
    }
    return STATUS_SUCCESS;
}

/* One that is known gets the new address. */
NTSTATUS ft_wdf_children_add(struct ft_wdf_child_list *list,
                             PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                             PWDF_CHILD_ADDRESS_DESCRIPTION_HEADER address)
{
    struct ft_wdf_description *at = ft_wdf_children_find(list, id, true);

    if (!at) {
        at = ft_wdf_children_find(list, id, false);
        if (at && !ft_wdf_children_present(at))
            at = NULL;
    } else if (at->what == FT_WDF_CHANGE_REMOVE) {
        at = NULL;
    }
    if (!at)
        return insert(list, id, address);
    if (address)
        ft_wdf_children_copy_address(list, at->address, address);
    at->found = 1;
    return STATUS_OBJECT_NAME_EXISTS;
}

/* ---- scans: what is not found until the last of them ends is missing ---- */

void ft_wdf_children_scan(struct ft_wdf_child_list *list, bool forget)
{
    list->scans++;
    if (!forget)
        return;
    for (struct ft_wdf_link *link = list->known.next; link != &list->known; link = link->next)
        KNOWN(link)->found = 0;
    for (struct ft_wdf_link *link = list->changes.next; link != &list->changes; link = link->next)
        CHANGE(link)->found = 0;
}

static void miss_unfound(struct ft_wdf_child_list *list)
{
    struct ft_wdf_link *link, *next;

    for (link = list->changes.next; link != &list->changes; link = next) {
        struct ft_wdf_description *at = CHANGE(link);

        next = link->next;
        if (!at->found && at->what == FT_WDF_CHANGE_INSERT)
            ft_wdf_children_miss(list, at);
    }
    for (link = list->known.next; link != &list->known; link = next) {
        struct ft_wdf_description *at = KNOWN(link);

        next = link->next;
        if (at->ended)
            bury(at);
        else if (!at->found && ft_wdf_children_present(at))
            ft_wdf_children_miss(list, at);
    }
}

/* An end without a beginning is dropped. */
void ft_wdf_children_scanned(struct ft_wdf_child_list *list)
{
    if (list->scans == 0 || --list->scans > 0)
        return;
    miss_unfound(list);
    ft_wdf_children_settle(list);
    ft_wake_waiters(&list->scans, STATUS_SUCCESS, true);
}

/* ---- the end of a child ---- */

void ft_wdf_description_end(struct ft_wdf_description *at)
{
    struct ft_wdf_child_list *list = at->list;

    at->pdo = NULL;
    ft_wdf_children_enter(list);
    if (list->scans > 0)
        at->ended = 1;
    else
        bury(at);
    ft_wdf_children_leave(list);
}

/* ---- lists ---- */

/* What was never settled, or is of children that somebody keeps. */
static void destroy(struct ft_wdf_object *object)
{
    struct ft_wdf_child_list *list = (struct ft_wdf_child_list *)object;

    while (!ft_wdf_list_empty(&list->changes)) {
        struct ft_wdf_description *at = CHANGE(list->changes.next);

        ft_wdf_unlink(&at->change);
        if (at->what == FT_WDF_CHANGE_INSERT)
            ft_block_free(at);
    }
    while (!ft_wdf_list_empty(&list->known)) {
        struct ft_wdf_description *at = KNOWN(list->known.next);

        ft_wdf_unlink(&at->known);
        if (at->pdo)
            ft_wdf_pnp_of(at->pdo)->child->entry = NULL;
        ft_block_free(at);
    }
}

static const struct ft_wdf_class list_class = {
    .handle_class = FT_HC_WDF_CHILD_LIST, .undeletable = 1, .destroy = destroy};

NTSTATUS ft_wdf_child_config_check(const WDF_CHILD_LIST_CONFIG *config)
{
    if (config->Size != sizeof *config)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (config->IdentificationDescriptionSize < sizeof(WDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER))
        return STATUS_INVALID_PARAMETER;
    return config->EvtChildListCreateDevice ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS ft_wdf_child_list_new(struct ft_wdf_device *device, const WDF_CHILD_LIST_CONFIG *config,
                               const WDF_OBJECT_ATTRIBUTES *attributes,
                               struct ft_wdf_child_list **ret)
{
    struct ft_wdf_child_list **last = &ft_wdf_pnp_of(device)->child_lists;
    NTSTATUS status;
    struct ft_wdf_child_list *list =
        ft_wdf_object_new(&list_class, sizeof *list, &device->object, attributes, &status);

    if (!list)
        return status;
    list->object.device = device;
    list->config = *config;
    KeInitializeSpinLock(&list->lock);
    ft_wdf_list_init(&list->known);
    ft_wdf_list_init(&list->changes);
    ft_wdf_list_init(&list->dead);
    while (*last)
        last = &(*last)->next;
    *last = list;
    *ret = list;
    return status;
}

static NTSTATUS never(WDFCHILDLIST list, PWDF_CHILD_IDENTIFICATION_DESCRIPTION_HEADER id,
                      PWDFDEVICE_INIT init)
{
    (void)list, (void)id, (void)init;
    return STATUS_NOT_SUPPORTED; /* static children exist already */
}

/* Each function device that may have static children has a list for them, made with the first. */
NTSTATUS ft_wdf_children_begin(struct ft_wdf_device *device, const ft_wdf_init *init)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);
    const WDF_OBJECT_ATTRIBUTES *attributes =
        init->list_attributes.Size ? &init->list_attributes : NULL;

    if (!init->list.Size)
        return STATUS_SUCCESS;
    return ft_wdf_child_list_new(device, &init->list, attributes, &pnp->default_list);
}

NTSTATUS ft_wdf_static_list(struct ft_wdf_device *device, struct ft_wdf_child_list **ret)
{
    struct ft_wdf_pnp *pnp = ft_wdf_pnp_of(device);
    WDF_CHILD_LIST_CONFIG config;
    NTSTATUS status = STATUS_SUCCESS;

    if (!pnp->static_list) {
        WDF_CHILD_LIST_CONFIG_INIT(&config, sizeof(struct ft_wdf_static_child), never);
        status = ft_wdf_child_list_new(device, &config, NULL, &pnp->static_list);
        if (NT_SUCCESS(status))
            pnp->static_list->static_ = 1;
    }
    *ret = pnp->static_list;
    return status;
}
