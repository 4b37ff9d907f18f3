/* What a miniport that counts and names its instances itself writes into a node, and the events
 * that it fires (nf-scsiwmi-scsiportwmisetinstancecount and its neighbours).
 *
 * Names and data follow one another behind the two arrays, in the order of the calls; the size so
 * far and the room that is left go from one call to the next.
 */
#include "scsiport/scsiport_private.h"

#include <scsiwmi.h>
#include <string.h>
#include <wmilib.h>

enum { ALIGN = 8 };

static ULONG rounded(ULONG bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static void tell(unsigned what, const SCSIWMI_REQUEST_CONTEXT *request, bool ok, ULONG bytes,
                 uint8_t layer)
{
    ft_layer_set(layer);
    ft_emit(FT_EV_SCSI_WMI, what, request->MinorFunction,
            ok ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR, bytes, ft_scsi_routine());
    ft_layer_set(FT_LAYER_PORT);
}

/* ---- names ---- */

/* NULL: a request without an instance. */
static PWCHAR name_of(const SCSIWMI_REQUEST_CONTEXT *request)
{
    const WNODE_SINGLE_INSTANCE *node = (const WNODE_SINGLE_INSTANCE *)request->Buffer;

    switch (request->MinorFunction) {
    case IRP_MN_QUERY_SINGLE_INSTANCE:
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
    case IRP_MN_CHANGE_SINGLE_ITEM:
    case IRP_MN_EXECUTE_METHOD:
        return (PWCHAR)(request->Buffer + node->OffsetInstanceName);
    default:
        return NULL;
    }
}

PWCHAR NTAPI ScsiPortWmiGetInstanceName(PSCSIWMI_REQUEST_CONTEXT RequestContext)
{
    PWCHAR name;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    name = name_of(RequestContext);
    tell(FT_SCSI_WMI_GET_NAME, RequestContext, name != NULL, 0, ft_scsi_layer);
    FT_SCSI_END(SCSI_SERVICE, 0);
    return name;
}

/* ---- all data of a block ---- */

static void set_count(PWNODE_ALL_DATA node, ULONG count, ULONG names)
{
    memset((PUCHAR)node->OffsetInstanceDataAndLength, 0,
           count * (sizeof(OFFSETINSTANCEDATAANDLENGTH) + sizeof(ULONG)));
    node->InstanceCount = count;
    node->OffsetInstanceNameOffsets = names;
    node->DataBlockOffset = 0;
}

BOOLEAN NTAPI ScsiPortWmiSetInstanceCount(PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                          ULONG InstanceCount, PULONG BufferAvail,
                                          PULONG SizeNeeded)
{
    ULONG names = (ULONG)(offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                          InstanceCount * sizeof(OFFSETINSTANCEDATAANDLENGTH));
    ULONG bytes = rounded(names + InstanceCount * (ULONG)sizeof(ULONG));
    BOOLEAN ok = RequestContext->MinorFunction == IRP_MN_QUERY_ALL_DATA;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    if (ok) {
        bool fits = bytes <= RequestContext->BufferSize;

        *SizeNeeded = bytes;
        *BufferAvail = fits ? RequestContext->BufferSize - bytes : 0;
        if (fits)
            set_count((PWNODE_ALL_DATA)RequestContext->Buffer, InstanceCount, names);
        else /* what comes later is counted only */
            ((PWNODE_ALL_DATA)RequestContext->Buffer)->OffsetInstanceNameOffsets = names;
    }
    tell(FT_SCSI_WMI_SET_COUNT, RequestContext, ok, bytes, ft_scsi_layer);
    FT_SCSI_END(SCSI_SERVICE, 0);
    return ok;
}

/* So many bytes behind what is there; 0: there is no room for them. */
static ULONG place(const SCSIWMI_REQUEST_CONTEXT *request, ULONG index, ULONG bytes,
                   PULONG available, PULONG needed)
{
    const WNODE_ALL_DATA *node = (const WNODE_ALL_DATA *)request->Buffer;
    ULONG at = *needed;
    bool fits = request->MinorFunction == IRP_MN_QUERY_ALL_DATA && index < node->InstanceCount &&
                node->OffsetInstanceNameOffsets && bytes <= *available;

    *needed += bytes;
    *available = fits ? *available - bytes : 0;
    return fits ? at : 0;
}

PWCHAR NTAPI ScsiPortWmiSetInstanceName(PSCSIWMI_REQUEST_CONTEXT RequestContext,
                                        ULONG InstanceIndex, ULONG InstanceNameLength,
                                        PULONG BufferAvail, PULONG SizeNeeded)
{
    const WNODE_ALL_DATA *node = (const WNODE_ALL_DATA *)RequestContext->Buffer;
    PUCHAR buffer = RequestContext->Buffer;
    ULONG at;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    at = place(RequestContext, InstanceIndex, rounded(sizeof(USHORT) + InstanceNameLength),
               BufferAvail, SizeNeeded);
    if (at) {
        ((PULONG)(buffer + node->OffsetInstanceNameOffsets))[InstanceIndex] = at;
        *(PUSHORT)(buffer + at) = (USHORT)InstanceNameLength;
    }
    tell(FT_SCSI_WMI_SET_NAME, RequestContext, at != 0, InstanceNameLength, ft_scsi_layer);
    FT_SCSI_END(SCSI_SERVICE, 0);
    return at ? (PWCHAR)(buffer + at + sizeof(USHORT)) : NULL;
}

PVOID NTAPI ScsiPortWmiSetData(PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG InstanceIndex,
                               ULONG DataLength, PULONG BufferAvail, PULONG SizeNeeded)
{
    PWNODE_ALL_DATA node = (PWNODE_ALL_DATA)RequestContext->Buffer;
    ULONG at;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    at = place(RequestContext, InstanceIndex, rounded(DataLength), BufferAvail, SizeNeeded);
    if (at) {
        (&node->OffsetInstanceDataAndLength[0])[InstanceIndex] = (OFFSETINSTANCEDATAANDLENGTH){
            .OffsetInstanceData = at, .LengthInstanceData = DataLength};
        if (!node->DataBlockOffset)
            node->DataBlockOffset = at;
    }
    tell(FT_SCSI_WMI_SET_DATA, RequestContext, at != 0, DataLength, ft_scsi_layer);
    FT_SCSI_END(SCSI_SERVICE, 0);
    return at ? RequestContext->Buffer + at : NULL;
}

/* ---- events ---- */

/* An event of one instance; what is longer than the port takes is lost. */
static bool fire(struct ft_scsi_adapter *adapter, PDEVICE_OBJECT device, const GUID *guid,
                 ULONG instance, ULONG bytes, const void *data)
{
    enum { FLAGS = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM };
    enum { NAMES = WNODE_FLAG_STATIC_INSTANCE_NAMES | WNODE_FLAG_PDO_INSTANCE_NAMES };
    union {
        WNODE_SINGLE_INSTANCE node;
        UCHAR bytes[FT_SCSI_WMI_EVENT_BYTES];
    } event;
    ULONG head = rounded((ULONG)offsetof(WNODE_SINGLE_INSTANCE, VariableData));

    if (!guid || bytes > sizeof event - head)
        return false;
    memset(&event, 0, sizeof event);
    event.node.WnodeHeader.BufferSize = head + bytes;
    event.node.WnodeHeader.Guid = *guid;
    event.node.WnodeHeader.Flags = FLAGS | NAMES;
    event.node.InstanceIndex = instance;
    event.node.DataBlockOffset = head;
    event.node.SizeDataBlock = bytes;
    if (bytes)
        memcpy(event.bytes + head, data, bytes);
    return ft_scsi_wmi_event(adapter, device, &event.node.WnodeHeader);
}

VOID NTAPI ScsiPortWmiFireAdapterEvent(PVOID HwDeviceExtension, LPGUID Guid, ULONG InstanceIndex,
                                       ULONG EventDataSize, PVOID EventData)
{
    struct ft_scsi_adapter *adapter;
    bool kept;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    kept = fire(adapter, adapter->fdo, Guid, InstanceIndex, EventDataSize, EventData);
    ft_scsi_emit(FT_EV_SCSI_WMI, FT_SCSI_WMI_FIRE, 0, kept ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR,
                 EventDataSize, ft_scsi_routine());
    FT_SCSI_END(SCSI_SERVICE, 0);
}

VOID NTAPI ScsiPortWmiFireLogicalUnitEvent(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId,
                                           UCHAR Lun, LPGUID Guid, ULONG InstanceIndex,
                                           ULONG EventDataSize, PVOID EventData)
{
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_unit *unit;
    bool kept;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    unit = ft_scsi_unit_at(adapter, PathId, TargetId, Lun);
    kept = fire(adapter, unit && unit->wmi ? unit->pdo : NULL, Guid, InstanceIndex, EventDataSize,
                EventData);
    ft_scsi_emit(FT_EV_SCSI_WMI, FT_SCSI_WMI_FIRE_UNIT, 0,
                 kept ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR, EventDataSize, ft_scsi_routine());
    FT_SCSI_END(SCSI_SERVICE, 0);
}
