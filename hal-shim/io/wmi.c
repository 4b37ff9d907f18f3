/* WMI: who registered, and what the WMI service asks then (nf-wdm-iowmiregistrationcontrol,
 * -iowmiwriteevent; irp-mn-reginfo-ex.md, irp-mn-query-all-data.md).
 *
 * A registration makes a thread of the system ask the device for its blocks (IRP_MN_REGINFO_EX),
 * and for the data of each (IRP_MN_QUERY_ALL_DATA), once. The device object is referenced as long
 * as such a request is on its way, and taking back the registration waits for it.
 *
 * Not modelled: consumers of events, collection, security, instance names.
 */
#include "io/io_private.h"
#include "kernel/handles.h"

#include <string.h>
#include <wmilib.h>

enum { BUFFER_BYTES = 4096 };

/* One registration. */
struct ft_wmi {
    struct ft_wmi *next;
    PDEVICE_OBJECT device;
    bool busy; /* its thread is asking */
    bool gone; /* taken back: the thread stops */
};

static struct ft_wmi **find(const DEVICE_OBJECT *device)
{
    struct ft_wmi **at = (struct ft_wmi **)&FT_IO->wmi;

    while (*at && (*at)->device != device)
        at = &(*at)->next;
    return at;
}

/* ---- what the service asks ---- */

static NTSTATUS ask(struct ft_wmi *wmi, UCHAR minor, const void *path, void *buffer,
                    ULONG_PTR *information)
{
    PDEVICE_OBJECT top = ft_device_top(wmi->device);
    PIRP irp = ft_irp_create_or_cut(top->StackSize, FT_IRP_OF_DRIVER, 0, 0);
    PIO_STACK_LOCATION next;

    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    next = IoGetNextIrpStackLocation(irp);
    next->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
    next->MinorFunction = minor;
    next->Parameters.WMI.ProviderId = (ULONG_PTR)wmi->device;
    next->Parameters.WMI.DataPath = (PVOID)path;
    next->Parameters.WMI.BufferSize = BUFFER_BYTES;
    next->Parameters.WMI.Buffer = buffer;
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    ft_irp_announce_system(irp, BUFFER_BYTES, false);
    return ft_irp_send(top, irp, information);
}

static void ask_data(struct ft_wmi *wmi, const WMIREGINFOW *info, void *buffer)
{
    for (ULONG i = 0; i < info->GuidCount && !wmi->gone; i++) {
        const WMIREGGUIDW *block = &info->WmiRegGuid[i];
        WNODE_HEADER header = {
            .BufferSize = BUFFER_BYTES, .Guid = block->Guid, .Flags = WNODE_FLAG_ALL_DATA};
        ULONG_PTR unused;

        if ((const UCHAR *)(block + 1) > (const UCHAR *)info + BUFFER_BYTES)
            return;
        if (block->Flags & WMIREG_FLAG_EVENT_ONLY_GUID)
            continue;
        memcpy(buffer, &header, sizeof header);
        ask(wmi, IRP_MN_QUERY_ALL_DATA, &block->Guid, buffer, &unused);
    }
}

static void ask_all(struct ft_wmi *wmi)
{
    WMIREGINFOW *info = ft_block_alloc(BUFFER_BYTES, FT_HC_OTHER, 0);
    void *buffer = ft_block_alloc(BUFFER_BYTES, FT_HC_OTHER, 0);
    ULONG_PTR bytes = 0;

    if (!info || !buffer) {
        ft_io_cut();
        return;
    }
    if (NT_SUCCESS(ask(wmi, IRP_MN_REGINFO_EX, NULL, info, &bytes)) && bytes >= sizeof *info)
        ask_data(wmi, info, buffer);
    ft_block_free(info);
    ft_block_free(buffer);
}

static void service(void *argument)
{
    struct ft_wmi *wmi = argument;
    PDEVICE_OBJECT device = wmi->device;

    if (!wmi->gone)
        ask_all(wmi);
    wmi->busy = false;
    ft_wake_waiters(wmi, STATUS_SUCCESS, true);
    ft_object_put(device);
    if (wmi->gone)
        ft_block_free(wmi);
}

/* ---- registration ---- */

static void begin_service(struct ft_wmi *wmi)
{
    struct ft_task *task;

    if (wmi->busy)
        return;
    ft_object_get(wmi->device);
    wmi->busy = true;
    task = ft_task_spawn(FT_TASK_THREAD, service, wmi, 0);
    ft_task_for_device(task);
}

static NTSTATUS add(PDEVICE_OBJECT device)
{
    struct ft_wmi **at = find(device);

    if (!*at)
        *at = ft_block_for_driver(sizeof **at, FT_HC_OTHER, 0);
    if (!*at)
        return STATUS_INSUFFICIENT_RESOURCES;
    (*at)->device = device;
    begin_service(*at);
    return STATUS_SUCCESS;
}

/* The service's thread frees what it still works with. */
static NTSTATUS take_back(PDEVICE_OBJECT device)
{
    struct ft_wmi **at = find(device), *wmi = *at;

    if (!wmi)
        return STATUS_INVALID_PARAMETER;
    *at = wmi->next;
    wmi->gone = true;
    if (!wmi->busy)
        ft_block_free(wmi);
    else
        while (ft_block_is_live(wmi, FT_HC_OTHER) && wmi->busy)
            ft_task_wait(wmi, 0);
    return STATUS_SUCCESS;
}

static NTSTATUS control(PDEVICE_OBJECT device, ULONG action)
{
    switch (action) {
    case WMIREG_ACTION_REGISTER:
        return add(device);
    case WMIREG_ACTION_DEREGISTER:
        return take_back(device);
    case WMIREG_ACTION_REREGISTER:
    case WMIREG_ACTION_UPDATE_GUIDS:
        return *find(device) ? add(device) : STATUS_INVALID_PARAMETER;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

NTSTATUS IoWMIRegistrationControl(PDEVICE_OBJECT DeviceObject, ULONG Action)
{
    struct ft_focus was;
    NTSTATUS status;

    FT_DDI_BEGIN(WMI, 0);
    was = ft_focus_on_owner(DeviceObject);
    status = control(DeviceObject, Action);
    ft_emit(FT_EV_WMI_REGISTER, ft_handle_of(DeviceObject), Action, (uint32_t)status);
    ft_focus_back(was);
    FT_DDI_END(WMI, 0);
    return status;
}

/* Nobody listens; the event, which is the driver's pool, is freed as after delivery. */
NTSTATUS IoWMIWriteEvent(PVOID WnodeEventItem)
{
    uint8_t layer;

    FT_DDI_BEGIN(WMI, 0);
    layer = ft_layer_set(FT_LAYER_SYSTEM);
    ExFreePoolWithTag(WnodeEventItem, 0);
    ft_layer_set(layer);
    FT_DDI_END(WMI, 0);
    return STATUS_SUCCESS;
}
