/* PnP requests and the states they lead to (wdm-io sheet, section 6.1).
 *
 *   NotStarted --START--> Started --QUERY_STOP--> StopPending --STOP--> Stopped --START--> Started
 *   Started, NotStarted --QUERY_REMOVE--> RemovePending --REMOVE--> Removed; CANCEL_* leads back
 *   any --SURPRISE_REMOVAL--> SurpriseRemoved --REMOVE--> Removed
 *
 * Around a START come the queries that the manager makes then: FILTER_RESOURCE_REQUIREMENTS before
 * it, after it capabilities, device state and bus relations. A driver that answers the device state
 * with FAILED, REMOVED or DISABLED has its device removed.
 *
 * Children that the driver reports have stacks of their own (children.c). They are asked, stopped
 * and removed before the device, and started and told that a question is taken back after it.
 *
 * Not modelled: the manager's own veto because of open handles (the
 * requester's handle may be open at an orderly REMOVE, and is then never cleaned up or closed).
 */
#include "io/io_private.h"
#include "kernel/handles.h"

/* Where a request leads, by minor code. */
static void change_state(uint8_t *state, uint8_t *before, UCHAR minor, NTSTATUS status)
{
    switch (minor) {
    case IRP_MN_START_DEVICE:
        if (NT_SUCCESS(status))
            *state = FT_PNP_STARTED;
        break;
    case IRP_MN_QUERY_STOP_DEVICE:
        if (NT_SUCCESS(status))
            *state = FT_PNP_STOP_PENDING;
        break;
    case IRP_MN_STOP_DEVICE:
        *state = FT_PNP_STOPPED;
        break;
    case IRP_MN_CANCEL_STOP_DEVICE:
        if (*state == FT_PNP_STOP_PENDING)
            *state = FT_PNP_STARTED;
        break;
    case IRP_MN_QUERY_REMOVE_DEVICE:
        if (NT_SUCCESS(status)) {
            *before = *state;
            *state = FT_PNP_REMOVE_PENDING;
        }
        break;
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        if (*state == FT_PNP_REMOVE_PENDING)
            *state = *before;
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        *state = FT_PNP_SURPRISE_REMOVED;
        break;
    case IRP_MN_REMOVE_DEVICE:
        *state = FT_PNP_REMOVED;
        break;
    default:
        break; /* a query or a notification */
    }
}

PIRP ft_pnp_prepare(UCHAR minor)
{
    return ft_send_prepare(FT_SEND_MANAGER, IRP_MJ_PNP, minor);
}

NTSTATUS ft_pnp_send_irp(PIRP irp, UCHAR minor, unsigned detail)
{
    struct ft_child *child = FT_DEV->child;
    uint8_t *state = child ? &child->pnp : &FT_DEV->pnp;
    uint64_t device = ft_block_handle(ft_manager_pdo()), handle = ft_block_handle(irp);
    NTSTATUS status;

    ft_emit(FT_EV_PNP_SEND, device, handle, minor, detail);
    status = ft_send_wait(FT_SEND_MANAGER, irp);
    change_state(state, child ? &child->pnp_before : &FT_DEV->pnp_before, minor, status);
    ft_emit(FT_EV_PNP_DONE, device, minor, (uint32_t)status, *state, handle);
    return status;
}

NTSTATUS ft_pnp_send(UCHAR minor)
{
    PIRP irp = ft_pnp_prepare(minor);

    return irp ? ft_pnp_send_irp(irp, minor, 0) : STATUS_INSUFFICIENT_RESOURCES;
}

/* ---- queries ---- */

/* What the driver answers instead is pool that the manager frees. */
static void filter_requirements(void)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_FILTER_RESOURCE_REQUIREMENTS);
    PIO_RESOURCE_REQUIREMENTS_LIST list = ft_bus_requirements();
    ULONG_PTR answer;

    if (!irp || !list) {
        ft_io_cut();
        return;
    }
    IoGetNextIrpStackLocation(irp)
        ->Parameters.FilterResourceRequirements.IoResourceRequirementList = list;
    if (NT_SUCCESS(ft_pnp_send_irp(irp, IRP_MN_FILTER_RESOURCE_REQUIREMENTS, 0))) {
        answer = FT_DEV->send[FT_SEND_MANAGER].information;
        if (answer && answer != (ULONG_PTR)list)
            ExFreePool((PVOID)answer);
    }
    ft_block_free(list);
}

void ft_pnp_capabilities(PDEVICE_CAPABILITIES capabilities)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_QUERY_CAPABILITIES);

    *capabilities = (DEVICE_CAPABILITIES){.Size = sizeof *capabilities, .Version = 1};
    if (!irp)
        return;
    capabilities->Address = capabilities->UINumber = (ULONG)-1;
    IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = capabilities;
    ft_pnp_send_irp(irp, IRP_MN_QUERY_CAPABILITIES, 0);
}

PDEVICE_RELATIONS ft_pnp_ask_relations(unsigned type)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_QUERY_DEVICE_RELATIONS);

    if (!irp)
        return NULL;
    IoGetNextIrpStackLocation(irp)->Parameters.QueryDeviceRelations.Type =
        (DEVICE_RELATION_TYPE)type;
    ft_pnp_send_irp(irp, IRP_MN_QUERY_DEVICE_RELATIONS, type);
    if (!NT_SUCCESS(FT_DEV->send[FT_SEND_MANAGER].status))
        return NULL;
    return (PDEVICE_RELATIONS)FT_DEV->send[FT_SEND_MANAGER].information;
}

/* The objects in an answer were referenced for the manager. Children are kept (children.c); others
 * are given back. */
void ft_pnp_relations(unsigned type)
{
    PDEVICE_RELATIONS answer = ft_pnp_ask_relations(type);

    if (!answer)
        return;
    if (type == BusRelations)
        ft_children_take(answer);
    else
        for (ULONG i = 0; i < answer->Count; i++)
            ft_object_put(answer->Objects[i]);
    ExFreePool(answer);
}

bool ft_pnp_has_failed(void)
{
    enum { GONE = PNP_DEVICE_DISABLED | PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED };
    NTSTATUS status = ft_pnp_send(IRP_MN_QUERY_PNP_DEVICE_STATE);

    return NT_SUCCESS(status) && (FT_DEV->send[FT_SEND_MANAGER].information & GONE);
}

void ft_pnp_device_state(void)
{
    if (ft_pnp_has_failed())
        ft_pnp_gone();
}

/* ---- START and STOP ---- */

/* The lists live as long as the request; a driver that wants more copies them. */
static NTSTATUS send_start(void)
{
    PIRP irp = ft_pnp_prepare(IRP_MN_START_DEVICE);
    PCM_RESOURCE_LIST raw = ft_bus_resources(false), translated = ft_bus_resources(true);
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    if (!irp || !raw || !translated) {
        ft_io_cut();
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.StartDevice.AllocatedResources = raw;
    next->Parameters.StartDevice.AllocatedResourcesTranslated = translated;
    status = ft_pnp_send_irp(irp, IRP_MN_START_DEVICE, FT_DEV->assigned);
    ft_block_free(raw);
    ft_block_free(translated);
    return status;
}

/* A restart that fails leads to SURPRISE_REMOVAL, and to REMOVE when the handle is closed; a first
 * start that fails only to REMOVE. */
NTSTATUS ft_pnp_start(void)
{
    bool first = FT_DEV->pnp == FT_PNP_NOT_STARTED;
    DEVICE_CAPABILITIES capabilities;
    NTSTATUS status;

    FT_DEV->starting = 1;
    ft_power_wait_ops();
    if (first)
        filter_requirements();
    status = send_start();
    if (!NT_SUCCESS(status) && !first)
        ft_pnp_gone();
    FT_DEV->starting = 0;
    if (NT_SUCCESS(status)) {
        ft_pnp_capabilities(&capabilities);
        ft_pnp_device_state();
    }
    if (FT_DEV->pnp == FT_PNP_STARTED) {
        ft_children_restart();
        ft_pnp_relations(BusRelations);
    }
    ft_power_go_on();
    return status;
}

/* Moved: to the other place. A device that is started then changes over without a STOP; the
 * framework's starts again where it is, because the framework takes a device out of D0 when the bus
 * driver has answered, and needs the old place for that. */
void ft_pnp_restart(bool moved)
{
    bool stays =
        FT_DEV->pnp == FT_PNP_STARTED && ft_world_module()->description->model == FT_MODEL_KMDF;

    if (moved && !stays) {
        FT_DEV->assigned = !FT_DEV->elsewhere;
        filter_requirements();
    }
    ft_pnp_start();
}

/* The children are asked before the device. *reached: so was the device. */
static NTSTATUS ask(UCHAR minor, bool *reached)
{
    NTSTATUS status = ft_children_ask(minor);

    *reached = NT_SUCCESS(status);
    return *reached ? ft_pnp_send(minor) : status;
}

static void take_back(UCHAR minor, bool reached)
{
    if (reached)
        ft_pnp_send(minor);
    ft_children_take_back(minor);
}

/* STATUS_RESOURCE_REQUIREMENTS_CHANGED is a success too; the manager then asks for the new
 * requirements. */
static bool query_stop(bool *reached)
{
    NTSTATUS status = ask(IRP_MN_QUERY_STOP_DEVICE, reached);

    if (status == STATUS_RESOURCE_REQUIREMENTS_CHANGED)
        filter_requirements();
    return NT_SUCCESS(status);
}

void ft_pnp_stop(void)
{
    bool reached;

    if (!query_stop(&reached)) {
        take_back(IRP_MN_CANCEL_STOP_DEVICE, reached);
        return;
    }
    ft_children_stop();
    ft_pnp_send(IRP_MN_STOP_DEVICE);
}

void ft_pnp_query_stop(void)
{
    bool reached;

    query_stop(&reached);
    take_back(IRP_MN_CANCEL_STOP_DEVICE, reached);
}

/* ---- paths of files ---- */

static DEVICE_USAGE_NOTIFICATION_TYPE usage_type(unsigned kind)
{
    return kind ? (DEVICE_USAGE_NOTIFICATION_TYPE)kind : DeviceUsageTypePaging;
}

/* A file that is not in the path cannot leave it. */
bool ft_pnp_usage_legal(unsigned kind, bool in_path)
{
    return in_path || FT_DEV->files[usage_type(kind)] != 0;
}

void ft_pnp_usage(unsigned kind, bool in_path)
{
    DEVICE_USAGE_NOTIFICATION_TYPE type = usage_type(kind);
    PIRP irp = ft_pnp_prepare(IRP_MN_DEVICE_USAGE_NOTIFICATION);
    PIO_STACK_LOCATION next;
    NTSTATUS status;

    if (!irp)
        return;
    next = IoGetNextIrpStackLocation(irp);
    next->Parameters.UsageNotification.InPath = in_path;
    next->Parameters.UsageNotification.Type = type;
    status = ft_pnp_send_irp(irp, IRP_MN_DEVICE_USAGE_NOTIFICATION, type);
    if (NT_SUCCESS(status))
        FT_DEV->files[type] += in_path ? 1 : -1;
    ft_emit(FT_EV_USAGE, ft_block_handle(FT_DEV->pdo), type, in_path, (uint32_t)status);
}

/* ---- removal ---- */

void ft_pnp_query_remove(void)
{
    bool reached;

    ask(IRP_MN_QUERY_REMOVE_DEVICE, &reached);
    take_back(IRP_MN_CANCEL_REMOVE_DEVICE, reached);
}

/* An IRP on its way into the driver keeps its device in Windows, by the reference to its file or,
 * for a power IRP, to the device. */
static void send_remove(void)
{
    ft_requester_keep_out();
    ft_children_remove();
    ft_power_wait_idle();
    ft_notify_target(FT_TARGET_REMOVE_COMPLETE);
    ft_pnp_send(IRP_MN_REMOVE_DEVICE);
}

/* Those who hold the device open are asked first, and let go. */
void ft_pnp_remove(void)
{
    bool agreed = ft_notify_target(FT_TARGET_QUERY_REMOVE), reached;

    if (agreed) {
        ft_handle_let_go();
        agreed = NT_SUCCESS(ask(IRP_MN_QUERY_REMOVE_DEVICE, &reached));
        if (!agreed)
            take_back(IRP_MN_CANCEL_REMOVE_DEVICE, reached);
    }
    if (agreed) {
        send_remove();
    } else {
        ft_notify_target(FT_TARGET_REMOVE_CANCELLED);
        ft_handle_take_again();
    }
}

/* The hardware went when the op struck, or goes now. */
void ft_pnp_surprise(void)
{
    if (!FT_DEV->yanked)
        ft_hardware_yank();
    ft_pnp_gone();
}

/* The device is no more. The handle's user closes it when it is told. */
void ft_pnp_gone(void)
{
    ft_children_surprise();
    ft_pnp_send(IRP_MN_SURPRISE_REMOVAL);
}

/* The user presses the button: an orderly removal together with whatever goes with the device. */
void ft_pnp_eject(void)
{
    ft_pnp_relations(EjectionRelations);
    ft_pnp_remove();
}

/* The removal of the orderly end: a veto is answered by pulling the device; a device that is
 * stopped still is pulled at once. */
void ft_pnp_tail_remove(void)
{
    bool pull = FT_DEV->pnp == FT_PNP_STOPPED, reached;

    if (FT_DEV->pnp == FT_PNP_STARTED && !NT_SUCCESS(ask(IRP_MN_QUERY_REMOVE_DEVICE, &reached))) {
        take_back(IRP_MN_CANCEL_REMOVE_DEVICE, reached);
        pull = true;
    }
    if (pull)
        ft_pnp_surprise();
    send_remove();
}
