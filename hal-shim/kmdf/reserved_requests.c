/* Guaranteed forward progress: requests that a queue keeps for IRPs for which there is no memory.
 *
 * A reserved request is made when the policy is assigned and lives as long as its queue, and so do
 * the driver's children of it. When it is used up the IRP waits, cancelable, until one is back:
 * that is when its IRP is complete and nobody else refers to it.
 */
#include "kmdf/requests.h"

enum { SLOT = 3 }; /* of DriverContext: leads from a waiting IRP to its queue */

/* What FT_EV_WDF_RESERVED tells. */
enum what { MADE = 1, USED, IRP_WAITS, BACK, IRP_CANCELED };

struct ft_wdf_reserve {
    WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY policy;
    struct ft_wdf_link free; /* requests that nobody uses */
    LIST_ENTRY irps;         /* that wait for one */
    uint32_t requests;
};

static void tell(const struct ft_wdf_queue *queue, const struct ft_wdf_request *request,
                 const IRP *irp, enum what what)
{
    ft_emit(FT_EV_WDF_RESERVED, ft_wdf_handle(queue), ft_wdf_handle(request),
            irp ? ft_handle_of(irp) : 0, what);
}

/* ---- the requests ---- */

static uint64_t call_allocate(void *queue, void *request, void *routine, void *unused)
{
    (void)unused;
    return (uint32_t)((PFN_WDF_IO_ALLOCATE_REQUEST_RESOURCES)routine)(queue, request);
}

/* STATUS_SUCCESS without such a callback. */
static NTSTATUS allocate(struct ft_wdf_queue *queue, struct ft_wdf_request *request, void *routine)
{
    if (!routine)
        return STATUS_SUCCESS;
    request->presented = true;
    return (NTSTATUS)ft_wdf_queue_call(queue, FT_ROUTINE_CALLBACK, request, false, call_allocate,
                                       request, routine, NULL);
}

static NTSTATUS make_one(struct ft_wdf_queue *queue)
{
    struct ft_wdf_reserve *reserve = queue->reserve;
    struct ft_wdf_device *device = queue->object.device;
    struct ft_wdf_request *request;
    NTSTATUS status;

    request = ft_wdf_request_make(device, &device->object, &device->request_attributes, NULL,
                                  FT_WDF_FROM_IO, &status);
    if (!request)
        return status;
    request->reserver = queue;
    request->queue = queue;
    status =
        allocate(queue, request, (void *)reserve->policy.EvtIoAllocateResourcesForReservedRequest);
    if (!NT_SUCCESS(status)) {
        ft_wdf_object_delete(&request->object);
        return status;
    }
    request->place = FT_WDF_ENDED;
    ft_wdf_link_before(&reserve->free, &request->queued);
    reserve->requests++;
    tell(queue, request, NULL, MADE);
    return STATUS_SUCCESS;
}

static void free_reserve(struct ft_wdf_queue *queue)
{
    struct ft_wdf_reserve *reserve = queue->reserve;

    while (!ft_wdf_list_empty(&reserve->free)) {
        struct ft_wdf_request *request =
            CONTAINING_RECORD(reserve->free.next, struct ft_wdf_request, queued);

        ft_wdf_unlink(&request->queued);
        request->reserver = NULL;
        ft_wdf_object_delete(&request->object);
    }
    queue->reserve = NULL;
    ft_block_free(reserve);
}

void ft_wdf_reserve_end(struct ft_wdf_queue *queue)
{
    if (queue->reserve)
        free_reserve(queue);
}

static void use(struct ft_wdf_queue *queue, struct ft_wdf_request *request, PIRP irp)
{
    request->irp = irp;
    request->queue = queue;
    request->place = FT_WDF_NOWHERE;
    request->cancelable = FT_WDF_UNMARKED;
    request->status = STATUS_SUCCESS;
    request->canceled = request->in_stop = request->acknowledged = 0;
    ft_block_set_label(request, ft_label_of(irp));
    tell(queue, request, irp, USED);
    ft_emit(FT_EV_WDF_REQUEST_NEW, ft_wdf_handle(request), ft_handle_of(irp),
            ft_wdf_handle(queue->object.device), FT_WDF_FROM_IO);
}

/* ---- IRPs that wait ---- */

static PIRP next_irp(struct ft_wdf_reserve *reserve, const FILE_OBJECT *file)
{
    PLIST_ENTRY next;

    for (PLIST_ENTRY at = reserve->irps.Flink; at != &reserve->irps; at = next) {
        PIRP irp = CONTAINING_RECORD(at, IRP, Tail.Overlay.ListEntry);

        next = at->Flink;
        if (file && IoGetCurrentIrpStackLocation(irp)->FileObject != file)
            continue;
        if (!IoSetCancelRoutine(irp, NULL))
            continue; /* its cancel routine is about to run */
        RemoveEntryList(at);
        InitializeListHead(at);
        return irp;
    }
    return NULL;
}

FT_FRAMEWORK_ROUTINE
static VOID NTAPI cancel_irp(PDEVICE_OBJECT device, PIRP irp)
{
    struct ft_wdf_queue *queue = irp->Tail.Overlay.DriverContext[SLOT];

    (void)device;
    IoReleaseCancelSpinLock(irp->CancelIrql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    InitializeListHead(&irp->Tail.Overlay.ListEntry);
    tell(queue, NULL, irp, IRP_CANCELED);
    ft_wdf_irp_end(irp, STATUS_CANCELLED);
}

static NTSTATUS let_wait(struct ft_wdf_queue *queue, PIRP irp)
{
    irp->Tail.Overlay.DriverContext[SLOT] = queue;
    InsertTailList(&queue->reserve->irps, &irp->Tail.Overlay.ListEntry);
    IoMarkIrpPending(irp);
    tell(queue, NULL, irp, IRP_WAITS);
    IoSetCancelRoutine(irp, cancel_irp);
    if (irp->Cancel && IoSetCancelRoutine(irp, NULL)) {
        RemoveEntryList(&irp->Tail.Overlay.ListEntry);
        InitializeListHead(&irp->Tail.Overlay.ListEntry);
        tell(queue, NULL, irp, IRP_CANCELED);
        ft_wdf_irp_end(irp, STATUS_CANCELLED);
    }
    return STATUS_PENDING;
}

void ft_wdf_reserve_cancel(struct ft_wdf_queue *queue, const FILE_OBJECT *file)
{
    PIRP irp;

    while (queue->reserve && (irp = next_irp(queue->reserve, file)) != NULL) {
        tell(queue, NULL, irp, IRP_CANCELED);
        ft_wdf_irp_end(irp, STATUS_CANCELLED);
    }
}

/* ---- what comes in ---- */

static uint64_t call_examine(void *queue, void *irp, void *routine, void *unused)
{
    (void)unused;
    return (uint64_t)((PFN_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS)routine)(queue, irp);
}

/* True: the policy wants the IRP to have a reserved request. */
static bool deserves(struct ft_wdf_queue *queue, PIRP irp)
{
    const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *policy = &queue->reserve->policy;
    PFN_WDF_IO_WDM_IRP_FOR_FORWARD_PROGRESS examine =
        policy->ForwardProgressReservePolicySettings.Policy.ExaminePolicy
            .EvtIoWdmIrpForForwardProgress;

    if (policy->ForwardProgressReservedPolicy == WdfIoForwardProgressReservedPolicyPagingIO)
        return (irp->Flags & IRP_PAGING_IO) != 0;
    if (policy->ForwardProgressReservedPolicy != WdfIoForwardProgressReservedPolicyUseExamine)
        return true;
    return ft_wdf_queue_call(queue, FT_ROUTINE_CALLBACK, NULL, false, call_examine, irp,
                             (void *)examine, NULL) == WdfIoForwardProgressActionUseReservedRequest;
}

NTSTATUS ft_wdf_reserve_serve(struct ft_wdf_queue *queue, PIRP irp, struct ft_wdf_request **ret)
{
    struct ft_wdf_reserve *reserve = queue->reserve;

    if (!deserves(queue, irp))
        return ft_wdf_irp_end(irp, STATUS_UNSUCCESSFUL);
    if (ft_wdf_list_empty(&reserve->free))
        return let_wait(queue, irp);
    *ret = CONTAINING_RECORD(reserve->free.next, struct ft_wdf_request, queued);
    ft_wdf_unlink(&(*ret)->queued);
    use(queue, *ret, irp);
    return STATUS_SUCCESS;
}

NTSTATUS ft_wdf_reserve_allocate(struct ft_wdf_queue *queue, struct ft_wdf_request *request)
{
    return allocate(queue, request, (void *)queue->reserve->policy.EvtIoAllocateRequestResources);
}

/* ---- and comes back ---- */

void ft_wdf_reserve_back(struct ft_wdf_request *request)
{
    struct ft_wdf_queue *queue = request->reserver;
    PIRP irp;

    if (request->place != FT_WDF_ENDED || request->object.references > 1 ||
        !ft_wdf_list_empty(&request->queued))
        return;
    irp = next_irp(queue->reserve, NULL);
    if (irp) {
        use(queue, request, irp);
        ft_wdf_arrive_pended(queue, request);
    } else {
        tell(queue, request, NULL, BACK);
        ft_wdf_link_before(&queue->reserve->free, &request->queued);
        ft_wdf_queue_run_more(queue); /* one that is disposed may wait for it */
    }
}

bool ft_wdf_reserve_busy(const struct ft_wdf_queue *queue)
{
    const struct ft_wdf_reserve *reserve = queue->reserve;
    uint32_t free = 0;

    if (!reserve)
        return false;
    for (struct ft_wdf_link *at = reserve->free.next; at != &reserve->free; at = at->next)
        free++;
    return free < reserve->requests;
}

/* ---- the policy ---- */

static NTSTATUS check(const struct ft_wdf_queue *queue,
                      const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *policy)
{
    if (queue->reserve)
        return STATUS_INVALID_PARAMETER;
    if (policy->Size != sizeof *policy)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (policy->ForwardProgressReservedPolicy == WdfIoForwardProgressReservedPolicyUseExamine &&
        !policy->ForwardProgressReservePolicySettings.Policy.ExaminePolicy
             .EvtIoWdmIrpForForwardProgress)
        return STATUS_INVALID_PARAMETER;
    return policy->TotalForwardProgressRequests == 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static NTSTATUS assign(struct ft_wdf_queue *queue,
                       const WDF_IO_QUEUE_FORWARD_PROGRESS_POLICY *policy)
{
    NTSTATUS status = check(queue, policy);

    if (!NT_SUCCESS(status))
        return status;
    queue->reserve = ft_block_for_driver(sizeof *queue->reserve, FT_HC_OTHER, 0);
    if (!queue->reserve)
        return STATUS_INSUFFICIENT_RESOURCES;
    queue->reserve->policy = *policy;
    ft_wdf_list_init(&queue->reserve->free);
    InitializeListHead(&queue->reserve->irps);
    for (ULONG i = 0; i < policy->TotalForwardProgressRequests && NT_SUCCESS(status); i++)
        status = make_one(queue);
    if (!NT_SUCCESS(status))
        free_reserve(queue);
    return status;
}

NTSTATUS
WdfIoQueueAssignForwardProgressPolicy(WDFQUEUE Queue,
                                      PWDF_IO_QUEUE_FORWARD_PROGRESS_POLICY ForwardProgressPolicy)
{
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    struct ft_wdf_queue *queue;

    FT_WDF_BEGIN(WDF_QUEUE, ft_wdf_label(Queue));
    queue = ft_wdf_check(Queue, FT_HC_WDF_QUEUE);
    ft_wdf_require(ForwardProgressPolicy);
    if (ft_wdf_irql_ok(PASSIVE_LEVEL))
        status = assign(queue, ForwardProgressPolicy);
    FT_WDF_END(WDF_QUEUE, ft_wdf_label(Queue));
    return status;
}
