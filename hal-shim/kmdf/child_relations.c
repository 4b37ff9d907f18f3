/* What the PnP manager is told of a device's children, and what becomes of them: PDOs are made when
 * it asks for bus relations, and end when it has removed those that it was told are missing.
 *
 * Differs from Windows where memory fails for the answer: the request fails, and the manager keeps
 * the children that it knows; the framework reports them missing when another driver has answered
 * before it. */
#include "kmdf/children.h"

enum { RETRIES_MOST = 3 };

#define KNOWN(link) CONTAINING_RECORD(link, struct ft_wdf_description, known)

/* ---- making a PDO ---- */

static uint64_t call_create(void *callback, void *list, void *id, void *init)
{
    return (uint32_t)((PFN_WDF_CHILD_LIST_CREATE_DEVICE)callback)(list, id, init);
}

static void drop_made(struct ft_wdf_description *at)
{
    struct ft_wdf_device *made = at->pdo;

    at->pdo = NULL;
    if (!made)
        return;
    ft_wdf_pnp_of(made)->child->entry = NULL;
    ft_wdf_device_drop(made);
}

/* A callback that failed has lost the child until it is added anew; STATUS_RETRY has the manager
 * ask again. */
static bool unmake(struct ft_wdf_description *at, NTSTATUS status, bool *again)
{
    struct ft_wdf_child_list *list = at->list;

    drop_made(at);
    if (status == STATUS_RETRY) {
        *again = true;
        return false;
    }
    ft_wdf_children_enter(list);
    ft_wdf_children_miss(list, at);
    ft_wdf_children_leave(list);
    return false;
}

static bool make(struct ft_wdf_description *at, bool *again)
{
    struct ft_wdf_child_list *list = at->list;
    NTSTATUS status = STATUS_SUCCESS;
    ft_wdf_init *init;

    if (!list->static_) {
        init = ft_wdf_child_init(list->object.device, at);
        status = init ? (NTSTATUS)ft_wdf_call(FT_ROUTINE_CALLBACK, list, call_create,
                                              (void *)list->config.EvtChildListCreateDevice, list,
                                              at->id, init)
                      : STATUS_RETRY;
        if (init && !at->pdo && ft_block_is_live(init, FT_HC_WDF_INIT))
            ft_wdf_init_free(init);
        if (NT_SUCCESS(status) && !at->pdo)
            status = STATUS_INVALID_DEVICE_OBJECT_PARAMETER;
        if (status == STATUS_RETRY || !NT_SUCCESS(status))
            return unmake(at, status, again);
    }
    at->state = FT_WDF_CHILD_MADE;
    return true;
}

/* ---- the answer ---- */

struct answer {
    PDEVICE_RELATIONS relations;
    bool again;
};

static void count(struct ft_wdf_child_list *list, ULONG *present, ULONG *absent)
{
    *present = *absent = 0;
    ft_wdf_children_enter(list);
    list->locked = 1;
    for (struct ft_wdf_link *link = list->known.next; link != &list->known; link = link->next) {
        *present += ft_wdf_children_present(KNOWN(link));
        *absent += KNOWN(link)->state == FT_WDF_CHILD_ABSENT;
    }
    ft_wdf_children_leave(list);
}

static void unlock(struct ft_wdf_child_list *list)
{
    ft_wdf_children_enter(list);
    list->locked = 0;
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
}

static PDEVICE_RELATIONS make_room(PDEVICE_RELATIONS prior, ULONG more)
{
    ULONG before = prior ? prior->Count : 0, all = before + more;
    PDEVICE_RELATIONS made = ExAllocatePoolWithTag(
        PagedPool,
        FIELD_OFFSET(DEVICE_RELATIONS, Objects) + (all ? all : 1) * sizeof(PDEVICE_OBJECT), 'LdfW');

    if (!made)
        return NULL;
    made->Count = before;
    for (ULONG i = 0; i < before; i++)
        made->Objects[i] = prior->Objects[i];
    if (prior)
        ExFreePool(prior);
    return made;
}

static void tell_of(struct ft_wdf_description *at, struct answer *answer)
{
    if (at->state == FT_WDF_CHILD_ABSENT) {
        at->state = FT_WDF_CHILD_REPORTED;
        at->tell = 1;
    }
    if (at->state == FT_WDF_CHILD_MADE ||
        (at->state == FT_WDF_CHILD_WANTED && make(at, &answer->again))) {
        ObReferenceObject(at->pdo->fdo);
        answer->relations->Objects[answer->relations->Count++] = at->pdo->fdo;
    }
}

static NTSTATUS answer_for(struct ft_wdf_child_list *list, struct answer *answer)
{
    PDEVICE_RELATIONS made = NULL;
    ULONG present, absent;
    bool change;

    count(list, &present, &absent);
    change = present > 0 || (absent > 0 && !answer->relations);
    if (change) {
        made = make_room(answer->relations, present);
        if (!made) {
            answer->again = ++list->retries <= RETRIES_MOST;
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        answer->relations = made;
    }
    for (struct ft_wdf_link *link = list->known.next, *next; link != &list->known; link = next) {
        next = link->next;
        tell_of(KNOWN(link), answer);
    }
    list->retries = 0;
    return change ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED;
}

static uint64_t call_missing(void *callback, void *device, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_DEVICE_REPORTED_MISSING)callback)(device);
    return 0;
}

static void tell_missing(struct ft_wdf_child_list *list)
{
    for (struct ft_wdf_link *link = list->known.next, *next; link != &list->known; link = next) {
        struct ft_wdf_description *at = KNOWN(link);
        void *callback;

        next = link->next;
        if (!at->tell)
            continue;
        at->tell = 0;
        callback = (void *)ft_wdf_pnp_of(at->pdo)->child->callbacks.EvtDeviceReportedMissing;
        if (callback)
            ft_wdf_call(FT_ROUTINE_CALLBACK, at->pdo, call_missing, callback, at->pdo, NULL, NULL);
    }
}

NTSTATUS ft_wdf_children_answer(struct ft_wdf_pnp *pnp, PIRP irp)
{
    struct answer answer = {.relations = (PDEVICE_RELATIONS)irp->IoStatus.Information};
    NTSTATUS status = STATUS_NOT_SUPPORTED, one = STATUS_SUCCESS;
    struct ft_wdf_child_list *list;

    for (list = pnp->child_lists; list; list = list->next) {
        one = answer_for(list, &answer);
        if (NT_SUCCESS(one))
            status = one;
        else if (one != STATUS_NOT_SUPPORTED)
            break;
    }
    for (struct ft_wdf_child_list *at = pnp->child_lists; at && !list; at = at->next)
        tell_missing(at);
    for (struct ft_wdf_child_list *at = pnp->child_lists; at; at = at->next)
        unlock(at);
    if (answer.again)
        IoInvalidateDeviceRelations(pnp->device->pdo, BusRelations);
    irp->IoStatus.Information = (ULONG_PTR)answer.relations;
    if (list)
        status = one;
    if (NT_SUCCESS(status))
        irp->IoStatus.Status = status;
    return status;
}

/* ---- the parent ---- */

static uint64_t call_scan(void *callback, void *list, void *unused, void *unused2)
{
    (void)unused, (void)unused2;
    ((PFN_WDF_CHILD_LIST_SCAN_FOR_CHILDREN)callback)(list);
    return 0;
}

void ft_wdf_children_look(struct ft_wdf_pnp *pnp)
{
    for (struct ft_wdf_child_list *list = pnp->child_lists; list; list = list->next)
        if (list->config.EvtChildListScanForChildren)
            ft_wdf_call(FT_ROUTINE_CALLBACK, list, call_scan,
                        (void *)list->config.EvtChildListScanForChildren, list, NULL, NULL);
}

static void miss_all(struct ft_wdf_child_list *list)
{
    struct ft_wdf_link *link, *next;

    for (link = list->changes.next; link != &list->changes; link = next) {
        struct ft_wdf_description *at = CONTAINING_RECORD(link, struct ft_wdf_description, change);

        next = link->next;
        if (at->what == FT_WDF_CHANGE_INSERT)
            ft_wdf_children_miss(list, at);
    }
    for (link = list->known.next; link != &list->known; link = link->next)
        ft_wdf_children_miss(list, KNOWN(link));
}

/* The children have gone with it, and the manager knows that without being told. */
void ft_wdf_children_surprise(struct ft_wdf_pnp *pnp)
{
    for (struct ft_wdf_child_list *list = pnp->child_lists; list; list = list->next) {
        ft_wdf_children_enter(list);
        miss_all(list);
        ft_wdf_children_settle(list);
        for (struct ft_wdf_link *link = list->known.next; link != &list->known; link = link->next)
            if (KNOWN(link)->state == FT_WDF_CHILD_ABSENT)
                KNOWN(link)->state = FT_WDF_CHILD_REPORTED;
        ft_wdf_children_leave(list);
    }
}

/* Those that the manager has not removed itself, because it never knew them. */
void ft_wdf_children_remove(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_device **last = &pnp->discards;

    ft_wdf_children_surprise(pnp);
    while (*last)
        last = &ft_wdf_pnp_of(*last)->next_discard;
    for (struct ft_wdf_child_list *list = pnp->child_lists; list; list = list->next)
        for (struct ft_wdf_link *link = list->known.next; link != &list->known; link = link->next) {
            struct ft_wdf_device *child = KNOWN(link)->pdo;

            if (!child)
                continue;
            *last = child;
            last = &ft_wdf_pnp_of(child)->next_discard;
        }
    ft_wdf_children_discard(pnp);
}

/* One after the other, though the end of one leads here again. */
void ft_wdf_children_discard(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_device *child;

    if (pnp->discarding)
        return;
    pnp->discarding = 1;
    while ((child = pnp->discards) != NULL) {
        struct ft_wdf_pnp *own = ft_wdf_pnp_of(child);

        pnp->discards = own->next_discard;
        own->next_discard = NULL;
        ft_wdf_machine_post(own, &own->pnp, FT_WDF_PNP_PARENT_REMOVED);
        ft_wdf_machine_settle(&own->pnp);
        if (own->pnp.state == WdfDevStatePnpFinal)
            ft_wdf_device_drop(child);
    }
    pnp->discarding = 0;
}

/* ---- the child ---- */

bool ft_wdf_child_gone(struct ft_wdf_pnp *pnp)
{
    const struct ft_wdf_description *entry = pnp->child->entry;

    return !entry || entry->state == FT_WDF_CHILD_REPORTED;
}

void ft_wdf_child_ended(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_description *entry = pnp->child->entry;

    pnp->child->entry = NULL;
    if (entry)
        ft_wdf_description_end(entry);
}

NTSTATUS ft_wdf_child_miss(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_description *entry = pnp->child->entry;
    struct ft_wdf_child_list *list;

    if (!entry)
        return STATUS_NO_SUCH_DEVICE;
    list = entry->list;
    ft_wdf_children_enter(list);
    ft_wdf_children_miss(list, entry);
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
    return STATUS_SUCCESS;
}

NTSTATUS ft_wdf_child_reenumerate(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_description *entry = pnp->child->entry;
    struct ft_wdf_child_list *list;

    if (!entry || pnp->child->static_)
        return STATUS_NOT_FOUND;
    list = entry->list;
    ft_wdf_children_enter(list);
    ft_wdf_children_clone(list, entry);
    ft_wdf_children_settle(list);
    ft_wdf_children_leave(list);
    return STATUS_SUCCESS;
}

void ft_wdf_child_ejected(struct ft_wdf_pnp *pnp)
{
    struct ft_wdf_child_list *list = pnp->child->entry ? pnp->child->entry->list : NULL;

    ft_wdf_child_miss(pnp);
    while (list && list->scans > 0)
        ft_task_wait(&list->scans, 0);
}
