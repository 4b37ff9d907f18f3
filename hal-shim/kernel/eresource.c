/* Executive resources (nf-wdm-exinitializeresourcelite and peers).
 *
 * OwnerEntry is the exclusive owner; shared owners are in a table that OwnerTable points to, a
 * block of the shim's. ActiveCount is the number of owners, Flag says that the owner is exclusive.
 * Those that wait come in as they came: a release lets in the first of them, and behind a shared
 * one every other shared one up to the first exclusive one. A shared request waits behind exclusive
 * ones that wait, unless its thread has the resource or the request is
 * ExAcquireSharedStarveExclusive.
 *
 * Releasing what one does not have is bug check 0xE3.
 */
#include "kernel/dispatcher.h"

enum { BUGCHECK_NOT_OWNED = 0xE3, OWNERS = FT_TASKS_MAX, EXCLUSIVE = 1 };

enum mode { SHARED, STARVE_EXCLUSIVE, EXCLUSIVELY };

static uint64_t handle_of(const ERESOURCE *resource)
{
    return ft_object_handle(resource, FT_HC_RESOURCE);
}

static bool is_exclusive(const ERESOURCE *resource)
{
    return resource->Flag & EXCLUSIVE;
}

/* The thread's entry, or (thread 0) a free one. */
static OWNER_ENTRY *shared_entry(const ERESOURCE *resource, ERESOURCE_THREAD thread)
{
    for (unsigned i = 0; i < OWNERS; i++)
        if (resource->OwnerTable[i].OwnerThread == thread)
            return &resource->OwnerTable[i];
    return NULL;
}

/* ---- making and deleting ---- */

static void init(PERESOURCE resource, POWNER_ENTRY table)
{
    RtlZeroMemory(table, OWNERS * sizeof *table);
    RtlZeroMemory(resource, sizeof *resource);
    resource->OwnerTable = table;
    ft_emit(FT_EV_RESOURCE_INIT, ft_object_register(resource, FT_HC_RESOURCE));
}

NTSTATUS ExInitializeResourceLite(PERESOURCE Resource)
{
    POWNER_ENTRY table;

    FT_DDI_BEGIN(RESOURCE, 0);
    table = ft_block_alloc(OWNERS * sizeof *table, FT_HC_OTHER, 0);
    if (table)
        init(Resource, table);
    FT_DDI_END(RESOURCE, 0);
    return table ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS ExReinitializeResourceLite(PERESOURCE Resource)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    init(Resource, Resource->OwnerTable);
    FT_DDI_END(RESOURCE, 0);
    return STATUS_SUCCESS;
}

NTSTATUS ExDeleteResourceLite(PERESOURCE Resource)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    ft_emit(FT_EV_RESOURCE_DELETE, handle_of(Resource), Resource->ActiveCount != 0);
    ft_block_free(Resource->OwnerTable);
    Resource->OwnerTable = NULL;
    FT_DDI_END(RESOURCE, 0);
    return STATUS_SUCCESS;
}

/* ---- acquiring ---- */

static bool own_already(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    OWNER_ENTRY *entry;

    if (is_exclusive(resource))
        entry = resource->OwnerEntry.OwnerThread == thread ? &resource->OwnerEntry : NULL;
    else
        entry = shared_entry(resource, thread);
    if (entry)
        entry->OwnerCount++;
    return entry != NULL;
}

static void make_owner(PERESOURCE resource, ERESOURCE_THREAD thread, bool exclusive)
{
    OWNER_ENTRY *entry = exclusive ? &resource->OwnerEntry : shared_entry(resource, 0);

    FT_ASSERT(entry);
    entry->OwnerThread = thread;
    entry->OwnerCount = 1;
    resource->ActiveCount++;
    if (exclusive)
        resource->Flag |= EXCLUSIVE;
}

/* Waiting requests are known by how the task waits: shared ones for the resource itself, exclusive
 * ones for the address of its OwnerEntry. */
static void *queue_of(PERESOURCE resource, bool exclusive)
{
    return exclusive ? (void *)&resource->OwnerEntry : (void *)resource;
}

static bool comes_in(const ERESOURCE *resource, enum mode mode)
{
    if (mode == EXCLUSIVELY)
        return resource->ActiveCount == 0;
    if (is_exclusive(resource))
        return false;
    return mode == STARVE_EXCLUSIVE || resource->NumberOfExclusiveWaiters == 0;
}

static void wait_for(PERESOURCE resource, bool exclusive)
{
    ULONG *waiters =
        exclusive ? &resource->NumberOfExclusiveWaiters : &resource->NumberOfSharedWaiters;

    ++*waiters;
    resource->ContentionCount++;
    ft_block_on(queue_of(resource, exclusive), 0);
}

/* A request that waited is an owner when it goes on: whoever let it in made it one. */
static bool acquire_as(PERESOURCE resource, enum mode mode, bool wait)
{
    ERESOURCE_THREAD thread = (ERESOURCE_THREAD)ft_thread_of(NULL);

    if ((mode != EXCLUSIVELY || is_exclusive(resource)) && own_already(resource, thread))
        return true;
    if (comes_in(resource, mode)) {
        make_owner(resource, thread, mode == EXCLUSIVELY);
        return true;
    }
    if (wait)
        wait_for(resource, mode == EXCLUSIVELY);
    return wait;
}

static BOOLEAN acquire(PERESOURCE resource, enum mode mode, bool wait)
{
    bool acquired = acquire_as(resource, mode, wait);

    ft_emit(FT_EV_RESOURCE_ACQUIRE, handle_of(resource), mode == EXCLUSIVELY, acquired,
            ft_apcs_off(ft_current()));
    return acquired;
}

BOOLEAN ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    BOOLEAN acquired;

    FT_DDI_BEGIN(RESOURCE, 0);
    acquired = acquire(Resource, SHARED, Wait);
    FT_DDI_END(RESOURCE, 0);
    return acquired;
}

BOOLEAN ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    BOOLEAN acquired;

    FT_DDI_BEGIN(RESOURCE, 0);
    acquired = acquire(Resource, STARVE_EXCLUSIVE, Wait);
    FT_DDI_END(RESOURCE, 0);
    return acquired;
}

BOOLEAN ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    BOOLEAN acquired;

    FT_DDI_BEGIN(RESOURCE, 0);
    acquired = acquire(Resource, EXCLUSIVELY, Wait);
    FT_DDI_END(RESOURCE, 0);
    return acquired;
}

/* ---- releasing ---- */

static void let_in(PERESOURCE resource, struct ft_task *task, bool exclusive)
{
    make_owner(resource, (ERESOURCE_THREAD)ft_thread_of(task), exclusive);
    if (exclusive)
        resource->NumberOfExclusiveWaiters--;
    else
        resource->NumberOfSharedWaiters--;
    ft_task_wake(task, STATUS_SUCCESS);
}

/* Lets in those that may come now, the first ones first. */
static void let_next_in(PERESOURCE resource)
{
    for (;;) {
        struct ft_task *reader = ft_first_waiter(queue_of(resource, false));
        struct ft_task *writer = ft_first_waiter(queue_of(resource, true));
        bool exclusive = writer && (!reader || writer->waited < reader->waited);

        if ((!reader && !writer) || is_exclusive(resource) ||
            (exclusive && resource->ActiveCount != 0))
            return;
        let_in(resource, exclusive ? writer : reader, exclusive);
    }
}

static OWNER_ENTRY *entry_of(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    if (is_exclusive(resource))
        return resource->OwnerEntry.OwnerThread == thread ? &resource->OwnerEntry : NULL;
    return thread ? shared_entry(resource, thread) : NULL;
}

static void release(PERESOURCE resource, ERESOURCE_THREAD thread)
{
    OWNER_ENTRY *entry = entry_of(resource, thread);

    ft_emit(FT_EV_RESOURCE_RELEASE, handle_of(resource), entry != NULL);
    if (!entry)
        ft_bugcheck(BUGCHECK_NOT_OWNED, handle_of(resource), ft_handle_of((void *)thread), 0, 0);
    entry->OwnerCount--;
    if (entry->OwnerCount > 0)
        return;
    entry->OwnerThread = 0;
    resource->ActiveCount--;
    resource->Flag &= (USHORT)~EXCLUSIVE;
    let_next_in(resource);
}

VOID ExReleaseResourceLite(PERESOURCE Resource)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    release(Resource, (ERESOURCE_THREAD)ft_thread_of(NULL));
    FT_DDI_END(RESOURCE, 0);
}

VOID ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    FT_DDI_BEGIN(RESOURCE, 0);
    release(Resource, ResourceThreadId);
    FT_DDI_END(RESOURCE, 0);
}

/* Shared requests that wait come in with it. */
VOID ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    struct ft_task *reader;

    FT_DDI_BEGIN(RESOURCE, 0);
    if (is_exclusive(Resource)) {
        OWNER_ENTRY *entry = shared_entry(Resource, 0);

        *entry = Resource->OwnerEntry;
        Resource->OwnerEntry.OwnerThread = 0;
        Resource->Flag &= (USHORT)~EXCLUSIVE;
        while ((reader = ft_first_waiter(queue_of(Resource, false))) != NULL)
            let_in(Resource, reader, false);
    }
    FT_DDI_END(RESOURCE, 0);
}

/* ---- with a critical region around ---- */

PVOID ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return KeGetCurrentThread();
}

PVOID ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return KeGetCurrentThread();
}

VOID ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

/* ---- asking ---- */

BOOLEAN ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    return is_exclusive(Resource) &&
           Resource->OwnerEntry.OwnerThread == (ERESOURCE_THREAD)ft_thread_of(NULL);
}

/* How often the thread has it, in either way. */
ULONG ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    const OWNER_ENTRY *entry = entry_of(Resource, (ERESOURCE_THREAD)ft_thread_of(NULL));

    return entry ? (ULONG)entry->OwnerCount : 0;
}

ULONG ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfExclusiveWaiters;
}

ULONG ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return Resource->NumberOfSharedWaiters;
}
