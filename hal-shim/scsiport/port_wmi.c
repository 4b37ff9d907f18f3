/* WMI through the port (scsiport.md, sections 2.3 and 6.3): an adapter whose configuration says
 * WmiDataProvider is registered with its units, what WMI asks reaches the miniport as
 * SRB_FUNCTION_WMI, and what it reports goes the other way: events wait in a few places until the
 * DPC delivers them, a registration is renewed by a thread.
 *
 * Instances get their names from the device: the port says so in the answer to a registration.
 *
 * Not modelled: the registry path in that answer, and adapters without Plug and Play.
 */
#include "scsiport/engine.h"
#include "scsiport/adapter.h"

#include <scsiwmi.h>
#include <wmilib.h>

enum { WMI_SECONDS = 10, EVENTS_MAX = 4 };

/* An event that the DPC has not delivered yet. */
struct event {
    uint16_t bytes; /* 0: the place is free */
    _Alignas(WNODE_HEADER) UCHAR node[FT_SCSI_WMI_EVENT_BYTES];
};

/* A block, as long as the adapter is registered. */
struct ft_scsi_wmi {
    uint8_t again; /* the adapter's own registration is to be renewed */
    uint8_t lost;  /* an event found no place */
    struct event event[EVENTS_MAX];
};

/* ---- registration; PASSIVE_LEVEL ---- */

void ft_scsi_wmi_unit(struct ft_scsi_unit *unit)
{
    if (!unit->adapter->wmi || unit->wmi)
        return;
    unit->wmi = NT_SUCCESS(IoWMIRegistrationControl(unit->pdo, WMIREG_ACTION_REGISTER));
}

void ft_scsi_wmi_unit_gone(struct ft_scsi_unit *unit)
{
    if (unit->wmi)
        IoWMIRegistrationControl(unit->pdo, WMIREG_ACTION_DEREGISTER);
    unit->wmi = 0;
}

void ft_scsi_wmi_start(struct ft_scsi_adapter *adapter)
{
    if (adapter->wmi || !adapter->config->WmiDataProvider)
        return;
    adapter->wmi = ft_block_for_driver(sizeof(struct ft_scsi_wmi), FT_HC_OTHER, 0);
    if (!adapter->wmi)
        return;
    IoWMIRegistrationControl(adapter->fdo, WMIREG_ACTION_REGISTER);
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next)
        ft_scsi_wmi_unit(unit);
}

/* Nothing more is asked after this, so its requests have ended before. */
void ft_scsi_wmi_stop(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_wmi *wmi = adapter->wmi;

    if (!wmi)
        return;
    IoWMIRegistrationControl(adapter->fdo, WMIREG_ACTION_DEREGISTER);
    adapter->wmi = NULL;
    ft_block_free(wmi);
}

/* ---- what WMI asks ---- */

/* Whoever asks knows the instances by the device's name. */
static void name_instances(WMIREGINFOW *info, ULONG bytes, PDEVICE_OBJECT pdo)
{
    enum { NAMED = WMIREG_FLAG_INSTANCE_LIST | WMIREG_FLAG_INSTANCE_BASENAME };
    ULONG room = bytes < sizeof *info ? 0 : (ULONG)((bytes - sizeof *info) / sizeof(WMIREGGUIDW));

    for (ULONG i = 0; i < room && i < info->GuidCount; i++) {
        WMIREGGUIDW *guid = &info->WmiRegGuid[i];

        if (guid->Flags & NAMED)
            continue;
        guid->Flags |= WMIREG_FLAG_INSTANCE_PDO;
        guid->Pdo = (ULONG_PTR)pdo;
    }
}

static bool is_registration(UCHAR minor)
{
    return minor == IRP_MN_REGINFO || minor == IRP_MN_REGINFO_EX;
}

static void fill(PSCSI_WMI_REQUEST_BLOCK srb, const struct ft_scsi_unit *unit,
                 const IO_STACK_LOCATION *location)
{
    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_WMI;
    srb->WMISubFunction =
        is_registration(location->MinorFunction) ? IRP_MN_REGINFO : location->MinorFunction;
    srb->WMIFlags = unit ? 0 : SRB_WMI_FLAGS_ADAPTER_REQUEST;
    if (unit) {
        srb->PathId = unit->path;
        srb->TargetId = unit->target;
        srb->Lun = unit->lun;
    }
    srb->SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE;
    srb->TimeOutValue = WMI_SECONDS;
    srb->DataBuffer = location->Parameters.WMI.Buffer;
    srb->DataTransferLength = location->Parameters.WMI.BufferSize;
    srb->DataPath = location->Parameters.WMI.DataPath;
}

/* In the thread that asks; the adapter's state holds it back as any request. */
static NTSTATUS ask_miniport(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    PSCSI_WMI_REQUEST_BLOCK srb;
    NTSTATUS status;

    if (adapter->state != FT_SCSI_RUNNING || adapter->surprise)
        return STATUS_DEVICE_NOT_READY;
    srb = ft_block_for_driver(sizeof *srb, FT_HC_SRB, ft_label_of(irp));
    if (!srb)
        return STATUS_INSUFFICIENT_RESOURCES;
    fill(srb, unit, location);
    ft_scsi_send_for(adapter, unit, (PSCSI_REQUEST_BLOCK)srb, NULL);
    status = ft_scsi_status(srb->SrbStatus);
    irp->IoStatus.Information = NT_SUCCESS(status) ? srb->DataTransferLength : 0;
    if (NT_SUCCESS(status) && is_registration(location->MinorFunction))
        name_instances(location->Parameters.WMI.Buffer, srb->DataTransferLength,
                       unit ? unit->pdo : adapter->pdo);
    ft_block_free(srb);
    return status;
}

/* Is it for this device, and one that the miniport answers? */
static bool is_ours(const struct ft_scsi_adapter *adapter, const struct ft_scsi_unit *unit,
                    const IO_STACK_LOCATION *location)
{
    PDEVICE_OBJECT device = unit ? unit->pdo : adapter->fdo;

    return adapter->wmi && location->Parameters.WMI.ProviderId == (ULONG_PTR)device &&
           (location->MinorFunction <= IRP_MN_EXECUTE_METHOD ||
            location->MinorFunction == IRP_MN_REGINFO_EX);
}

NTSTATUS ft_scsi_system_control(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit,
                                PIRP irp)
{
    if (is_ours(adapter, unit, IoGetCurrentIrpStackLocation(irp)))
        return ft_scsi_complete_irp(irp, ask_miniport(adapter, unit, irp));
    if (!unit && adapter->below)
        return ft_scsi_pass_down(adapter, irp);
    return ft_scsi_complete_irp(irp, irp->IoStatus.Status);
}

/* ---- what the miniport reports, at DIRQL ---- */

/* Who sends it is in the node, as IoWMIWriteEvent wants it. */
bool ft_scsi_wmi_event(struct ft_scsi_adapter *adapter, PDEVICE_OBJECT device,
                       const WNODE_HEADER *node)
{
    struct ft_scsi_wmi *wmi = adapter->wmi;
    ULONG bytes = node->BufferSize;
    unsigned i = 0;

    if (!wmi || !device || bytes < sizeof *node || bytes > FT_SCSI_WMI_EVENT_BYTES)
        return false;
    while (i < EVENTS_MAX && wmi->event[i].bytes)
        i++;
    ft_scsi_intend(adapter, FT_SCSI_WMI);
    wmi->lost |= i == EVENTS_MAX;
    if (i == EVENTS_MAX)
        return false;
    wmi->event[i].bytes = (uint16_t)bytes;
    RtlCopyMemory(wmi->event[i].node, node, bytes);
    ((PWNODE_HEADER)wmi->event[i].node)->ProviderId = (ULONG)(ULONG_PTR)device;
    return true;
}

void ft_scsi_wmi_again(struct ft_scsi_adapter *adapter, struct ft_scsi_unit *unit)
{
    if (!adapter->wmi)
        return;
    if (unit)
        unit->wmi_again = unit->wmi;
    else
        ((struct ft_scsi_wmi *)adapter->wmi)->again = 1;
    ft_scsi_intend(adapter, FT_SCSI_WMI_AGAIN);
}

/* ---- what becomes of that: in the DPC ---- */

/* WMI frees what it gets. */
static void deliver(struct event *event)
{
    enum { TAG = 'WscS' };
    void *node = ExAllocatePoolWithTag(NonPagedPoolNx, event->bytes, TAG);

    if (node) {
        RtlCopyMemory(node, event->node, event->bytes);
        if (!NT_SUCCESS(IoWMIWriteEvent(node)))
            ExFreePoolWithTag(node, TAG);
    }
    event->bytes = 0;
}

/* What found no place is in the error log. */
void ft_scsi_wmi_deliver(struct ft_scsi_adapter *adapter)
{
    struct ft_scsi_wmi *wmi = adapter->wmi;

    for (unsigned i = 0; wmi && i < EVENTS_MAX; i++)
        if (wmi->event[i].bytes)
            deliver(&wmi->event[i]);
    if (!wmi || !wmi->lost)
        return;
    wmi->lost = 0;
    ft_emit(FT_EV_SCSI_LOG_ERROR, ft_scsi_hba(adapter), 0, 0, 0xFFFFFF,
            SP_LOST_WMI_MINIPORT_REQUEST, 0, 0);
}

FT_PORT_ROUTINE
static VOID NTAPI renew(PDEVICE_OBJECT device, PVOID context)
{
    struct ft_scsi_adapter *adapter = context;
    struct ft_scsi_wmi *wmi = adapter->wmi;

    (void)device;
    IoFreeWorkItem(adapter->wmi_item);
    adapter->wmi_item = NULL;
    if (!wmi)
        return;
    if (wmi->again)
        IoWMIRegistrationControl(adapter->fdo, WMIREG_ACTION_REREGISTER);
    wmi->again = 0;
    for (struct ft_scsi_unit *unit = adapter->units; unit; unit = unit->next) {
        if (unit->wmi_again)
            IoWMIRegistrationControl(unit->pdo, WMIREG_ACTION_REREGISTER);
        unit->wmi_again = 0;
    }
}

void ft_scsi_wmi_renew(struct ft_scsi_adapter *adapter)
{
    if (!adapter->wmi || adapter->wmi_item)
        return;
    adapter->wmi_item = IoAllocateWorkItem(adapter->fdo);
    if (adapter->wmi_item)
        IoQueueWorkItem(adapter->wmi_item, renew, DelayedWorkQueue, adapter);
}
