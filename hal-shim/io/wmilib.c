/* The library that answers WMI requests from a table of data blocks (nf-wmilib-wmisystemcontrol,
 * -wmicompleterequest, -wmifireevent). It answers what the WMI service here asks: registration and
 * all data of a block; other requests stop the run by name.
 */
#include "io/io_private.h"

#include <string.h>
#include <wmilib.h>

enum { CALL_REGINFO = 1, CALL_QUERY, ALIGN = 8 };

/* ---- registration ---- */

struct reginfo {
    PWMILIB_CONTEXT lib;
    PDEVICE_OBJECT device;
    ULONG flags;
    UNICODE_STRING instance, mof;
    PUNICODE_STRING registry_path;
    PDEVICE_OBJECT pdo;
};

static uint64_t call_reginfo(void *argument, void *unused, void *unused2, void *unused3)
{
    struct reginfo *info = argument;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)info->lib->QueryWmiRegInfo(info->device, &info->flags, &info->instance,
                                                &info->registry_path, &info->mof, &info->pdo);
}

static void fill_guids(const struct reginfo *info, WMIREGINFOW *ret)
{
    for (ULONG i = 0; i < info->lib->GuidCount; i++) {
        const WMIGUIDREGINFO *block = &info->lib->GuidList[i];
        WMIREGGUIDW *to = &ret->WmiRegGuid[i];

        to->Guid = *block->Guid;
        to->Flags = block->Flags | info->flags;
        to->InstanceCount = block->InstanceCount;
        to->InstanceInfo = info->flags & WMIREG_FLAG_INSTANCE_PDO ? (ULONG_PTR)info->pdo : 0;
    }
}

/* A buffer that is too small gets the size that is needed. */
static NTSTATUS answer_reginfo(PWMILIB_CONTEXT library, PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    struct reginfo info = {.device = device, .lib = library};
    ULONG needed = (ULONG)(sizeof(WMIREGINFOW) + library->GuidCount * sizeof(WMIREGGUIDW));
    WMIREGINFOW *ret = location->Parameters.WMI.Buffer;
    NTSTATUS status =
        (NTSTATUS)ft_call_driver_routine(FT_ROUTINE_WMI, ft_irp_handle(irp), CALL_REGINFO,
                                         ft_irp_id(irp), call_reginfo, &info, NULL, NULL, NULL);

    if (!NT_SUCCESS(status))
        return status;
    if (location->Parameters.WMI.BufferSize < needed) {
        *(PULONG)location->Parameters.WMI.Buffer = needed;
        irp->IoStatus.Information = sizeof(ULONG);
        return STATUS_SUCCESS;
    }
    memset(ret, 0, needed);
    ret->BufferSize = needed;
    ret->GuidCount = library->GuidCount;
    fill_guids(&info, ret);
    irp->IoStatus.Information = needed;
    return STATUS_SUCCESS;
}

/* ---- data ---- */

struct query {
    PWMILIB_CONTEXT lib;
    PDEVICE_OBJECT device;
    PIRP irp;
    ULONG guid, count, available;
    PULONG lengths;
    PUCHAR buffer;
};

static uint64_t call_query(void *argument, void *unused, void *unused2, void *unused3)
{
    struct query *query = argument;

    (void)unused, (void)unused2, (void)unused3;
    return (uint32_t)query->lib->QueryWmiDataBlock(query->device, query->irp, query->guid, 0,
                                                   query->count, query->lengths, query->available,
                                                   query->buffer);
}

static ULONG data_offset(ULONG count)
{
    ULONG bytes = (ULONG)offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                  count * (ULONG)sizeof(OFFSETINSTANCEDATAANDLENGTH);

    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* The lengths of the instances stand where their places will stand (WmiCompleteRequest). */
static NTSTATUS query_all(PWMILIB_CONTEXT library, PDEVICE_OBJECT device, PIRP irp, ULONG guid)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG size = location->Parameters.WMI.BufferSize;
    WNODE_ALL_DATA *node = location->Parameters.WMI.Buffer;
    struct query query = {.lib = library,
                          .device = device,
                          .irp = irp,
                          .guid = guid,
                          .count = library->GuidList[guid].InstanceCount};
    ULONG offset = data_offset(query.count);

    node->InstanceCount = query.count;
    node->DataBlockOffset = offset;
    if (offset < size) {
        query.lengths = (PULONG)node->OffsetInstanceDataAndLength;
        query.buffer = (PUCHAR)node + offset;
        query.available = size - offset;
    }
    return (NTSTATUS)ft_call_driver_routine(FT_ROUTINE_WMI, ft_irp_handle(irp), CALL_QUERY,
                                            ft_irp_id(irp), call_query, &query, NULL, NULL, NULL);
}

static ULONG find_guid(const WMILIB_CONTEXT *library, const GUID *guid)
{
    ULONG i = 0;

    while (i < library->GuidCount && memcmp(library->GuidList[i].Guid, guid, sizeof *guid) != 0)
        i++;
    return i;
}

/* Not completed here: registrations and errors. The driver does it. */
static NTSTATUS system_control(PWMILIB_CONTEXT library, PDEVICE_OBJECT device, PIRP irp,
                               PSYSCTL_IRP_DISPOSITION ret)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status;
    ULONG guid;

    *ret = IrpForward;
    if (location->Parameters.WMI.ProviderId != (ULONG_PTR)device)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (location->MinorFunction > IRP_MN_REGINFO_EX) {
        *ret = IrpNotWmi;
        return irp->IoStatus.Status;
    }
    *ret = IrpNotCompleted;
    if (location->MinorFunction == IRP_MN_REGINFO || location->MinorFunction == IRP_MN_REGINFO_EX) {
        status = answer_reginfo(library, device, irp);
    } else {
        guid = find_guid(library, location->Parameters.WMI.DataPath);
        if (guid < library->GuidCount) {
            *ret = IrpProcessed;
            if (location->MinorFunction != IRP_MN_QUERY_ALL_DATA)
                ft_unimplemented("WmiSystemControl other than REGINFO and QUERY_ALL_DATA");
            return query_all(library, device, irp, guid);
        }
        status = STATUS_WMI_GUID_NOT_FOUND;
    }
    irp->IoStatus.Status = status;
    if (!NT_SUCCESS(status))
        irp->IoStatus.Information = 0;
    return status;
}

NTSTATUS WmiSystemControl(PWMILIB_CONTEXT WmiLibInfo, PDEVICE_OBJECT DeviceObject, PIRP Irp,
                          PSYSCTL_IRP_DISPOSITION IrpDisposition)
{
    unsigned label = ft_label_of(Irp);
    uint64_t handle = ft_irp_handle(Irp);
    NTSTATUS status;

    FT_DDI_BEGIN(WMI, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    status = system_control(WmiLibInfo, DeviceObject, Irp, IrpDisposition);
    ft_emit(FT_EV_WMI_CONTROL, handle, *IrpDisposition, (uint32_t)status);
    FT_DDI_END(WMI, label);
    return status;
}

/* ---- completion ---- */

/* From lengths to places, the last first because a place takes more room than a length. */
static void place_instances(WNODE_ALL_DATA *node)
{
    POFFSETINSTANCEDATAANDLENGTH place = node->OffsetInstanceDataAndLength;
    PULONG lengths = (PULONG)place;
    ULONG at = node->DataBlockOffset;

    for (ULONG i = node->InstanceCount; i-- > 0;)
        place[i].LengthInstanceData = lengths[i];
    for (ULONG i = 0; i < node->InstanceCount; i++) {
        place[i].OffsetInstanceData = at;
        at += (place[i].LengthInstanceData + ALIGN - 1) / ALIGN * ALIGN;
    }
}

static NTSTATUS finish_query(PIRP irp, NTSTATUS status, ULONG used)
{
    WNODE_ALL_DATA *node = IoGetCurrentIrpStackLocation(irp)->Parameters.WMI.Buffer;
    PWNODE_HEADER header = &node->WnodeHeader;

    if (status == STATUS_BUFFER_TOO_SMALL) {
        ULONG needed = node->DataBlockOffset + used;

        header->Flags |= WNODE_FLAG_TOO_SMALL;
        header->BufferSize = sizeof *header + sizeof(ULONG);
        memcpy(header + 1, &needed, sizeof needed);
        irp->IoStatus.Information = header->BufferSize;
        return STATUS_SUCCESS;
    }
    irp->IoStatus.Information = 0;
    if (NT_SUCCESS(status)) {
        place_instances(node);
        header->BufferSize = node->DataBlockOffset + used;
        irp->IoStatus.Information = header->BufferSize;
    }
    return status;
}

NTSTATUS WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status,
                            ULONG BufferUsed, CCHAR PriorityBoost)
{
    unsigned label = ft_label_of(Irp);

    (void)DeviceObject;
    FT_DDI_BEGIN(WMI, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_QUERY_ALL_DATA)
        Status = finish_query(Irp, Status, BufferUsed);
    else
        Irp->IoStatus.Information = BufferUsed;
    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, PriorityBoost);
    FT_DDI_END(WMI, label);
    return Status;
}

/* The data is the driver's pool, which WMI frees. Nobody listens. */
NTSTATUS WmiFireEvent(PDEVICE_OBJECT DeviceObject, LPCGUID Guid, ULONG InstanceIndex,
                      ULONG EventDataSize, PVOID EventData)
{
    uint8_t layer;

    (void)DeviceObject, (void)Guid, (void)InstanceIndex, (void)EventDataSize;
    FT_DDI_BEGIN(WMI, 0);
    layer = ft_layer_set(FT_LAYER_SYSTEM);
    if (EventData)
        ExFreePoolWithTag(EventData, 0);
    ft_layer_set(layer);
    FT_DDI_END(WMI, 0);
    return STATUS_SUCCESS;
}
