/* The library that answers SRB_FUNCTION_WMI from a miniport's table of data blocks
 * (nf-scsiwmi-scsiportwmidispatchfunction, -scsiportwmipostprocess and the others; scsiwmi.h).
 *
 * A request goes from ScsiPortWmiDispatchFunction to a routine of the miniport, at the level of
 * HwScsiStartIo, and ends with ScsiPortWmiPostProcess, now or later. A block's instances are those
 * of the table; where it says DYNAMIC the miniport counts, names and places them itself.
 */
#include "scsiport/scsiport_private.h"

#include <scsiwmi.h>
#include <string.h>
#include <wmilib.h>

enum { ALIGN = 8, DYNAMIC = -1 };

/* Which of the miniport's routines, as events name it. */
enum call_kind { CALL_REGINFO = 1, CALL_QUERY, CALL_SET, CALL_SET_ITEM, CALL_CONTROL, CALL_METHOD };

static ULONG rounded(ULONG bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- one request ---- */

struct dispatch {
    PSCSI_WMILIB_CONTEXT lib;
    PVOID device;
    PSCSIWMI_REQUEST_CONTEXT request;
    ULONG guid, instance, count, number; /* number: of an item or a method */
    ULONG bytes, available;
    PULONG lengths;
    PUCHAR data;
    PWCHAR mof;
    SCSIWMI_ENABLE_DISABLE_CONTROL control;
    BOOLEAN enable;
};

static uint64_t call_routine(void *argument, void *kind, void *unused, void *unused2)
{
    const struct dispatch *d = argument;
    const SCSI_WMILIB_CONTEXT *lib = d->lib;

    (void)unused, (void)unused2;
    switch ((enum call_kind)(uintptr_t)kind) {
    case CALL_REGINFO:
        return lib->QueryWmiRegInfo(d->device, d->request, &((struct dispatch *)argument)->mof);
    case CALL_QUERY:
        return lib->QueryWmiDataBlock(d->device, d->request, d->guid, d->instance, d->count,
                                      d->lengths, d->available, d->data);
    case CALL_SET:
        return lib->SetWmiDataBlock(d->device, d->request, d->guid, d->instance, d->bytes, d->data);
    case CALL_SET_ITEM:
        return lib->SetWmiDataItem(d->device, d->request, d->guid, d->instance, d->number, d->bytes,
                                   d->data);
    case CALL_CONTROL:
        return lib->WmiFunctionControl(d->device, d->request, d->guid, d->control, d->enable);
    default:
        return lib->ExecuteWmiMethod(d->device, d->request, d->guid, d->instance, d->number,
                                     d->bytes, d->available, d->data);
    }
}

/* In the miniport's layer: what it does is its own. */
static uint64_t call(struct dispatch *d, enum call_kind kind)
{
    return ft_call_driver_routine(FT_ROUTINE_WMI, 0, kind, 0, call_routine, d,
                                  (void *)(uintptr_t)kind, NULL, NULL);
}

/* ---- the end of a request ---- */

static void finish(PSCSIWMI_REQUEST_CONTEXT request, UCHAR srb_status, ULONG bytes)
{
    request->ReturnStatus = srb_status;
    request->ReturnSize = srb_status == SRB_STATUS_SUCCESS ? bytes : 0;
}

/* The node says how much is needed; that is a success. */
static void finish_too_small(PSCSIWMI_REQUEST_CONTEXT request, ULONG needed)
{
    PWNODE_TOO_SMALL node = (PWNODE_TOO_SMALL)request->Buffer;

    node->WnodeHeader.BufferSize = sizeof *node;
    node->WnodeHeader.Flags |= WNODE_FLAG_TOO_SMALL;
    node->SizeNeeded = needed;
    finish(request, SRB_STATUS_SUCCESS, sizeof *node);
}

/* From lengths to places, the last first because a place takes more room than a length. A miniport
 * that placed its instances itself has filled the offsets of their names. */
static void place_instances(PWNODE_ALL_DATA node)
{
    POFFSETINSTANCEDATAANDLENGTH place = node->OffsetInstanceDataAndLength;
    PULONG lengths = (PULONG)place;
    ULONG at = node->DataBlockOffset;

    for (ULONG i = node->InstanceCount; i-- > 0;)
        place[i].LengthInstanceData = lengths[i];
    for (ULONG i = 0; i < node->InstanceCount; i++) {
        place[i].OffsetInstanceData = at;
        at += rounded(place[i].LengthInstanceData);
    }
}

static ULONG end_of_data(PSCSIWMI_REQUEST_CONTEXT request, ULONG used)
{
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)request->Buffer;

    switch (request->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA:
        return all->OffsetInstanceNameOffsets ? used : all->DataBlockOffset + used;
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return ((PWNODE_SINGLE_INSTANCE)all)->DataBlockOffset + used;
    default:
        return ((PWNODE_METHOD_ITEM)all)->DataBlockOffset + used;
    }
}

static void finish_data(PSCSIWMI_REQUEST_CONTEXT request, UCHAR srb_status, ULONG used)
{
    PWNODE_ALL_DATA all = (PWNODE_ALL_DATA)request->Buffer;
    ULONG end = end_of_data(request, used);

    if (srb_status == SRB_STATUS_DATA_OVERRUN) {
        finish_too_small(request, end);
        return;
    }
    if (srb_status == SRB_STATUS_SUCCESS) {
        all->WnodeHeader.BufferSize = end;
        if (request->MinorFunction == IRP_MN_QUERY_SINGLE_INSTANCE)
            ((PWNODE_SINGLE_INSTANCE)all)->SizeDataBlock = used;
        else if (request->MinorFunction == IRP_MN_EXECUTE_METHOD)
            ((PWNODE_METHOD_ITEM)all)->SizeDataBlock = used;
        else if (!all->OffsetInstanceNameOffsets)
            place_instances(all);
    }
    finish(request, srb_status, end);
}

static bool carries_data(UCHAR minor)
{
    return minor == IRP_MN_QUERY_ALL_DATA || minor == IRP_MN_QUERY_SINGLE_INSTANCE ||
           minor == IRP_MN_EXECUTE_METHOD;
}

VOID NTAPI ScsiPortWmiPostProcess(PSCSIWMI_REQUEST_CONTEXT RequestContext, UCHAR SrbStatus,
                                  ULONG BufferUsed)
{
    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    if (carries_data(RequestContext->MinorFunction))
        finish_data(RequestContext, SrbStatus, BufferUsed);
    else
        finish(RequestContext, SrbStatus, BufferUsed);
    ft_scsi_emit(FT_EV_SCSI_WMI, FT_SCSI_WMI_POST, RequestContext->MinorFunction,
                 RequestContext->ReturnStatus, RequestContext->ReturnSize, ft_scsi_routine());
    FT_SCSI_END(SCSI_SERVICE, 0);
}

/* ---- registration ---- */

static void put_text(PUCHAR at, const WCHAR *text, ULONG bytes)
{
    *(PUSHORT)at = (USHORT)bytes;
    memcpy(at + sizeof(USHORT), text, bytes);
}

static void fill_guids(const SCSI_WMILIB_CONTEXT *lib, WMIREGINFOW *info)
{
    for (ULONG i = 0; i < lib->GuidCount; i++) {
        const SCSIWMIGUIDREGINFO *block = &lib->GuidList[i];

        info->WmiRegGuid[i].Guid = *block->Guid;
        info->WmiRegGuid[i].Flags = block->Flags;
        info->WmiRegGuid[i].InstanceCount = block->InstanceCount;
    }
}

static void answer_reginfo(struct dispatch *d)
{
    PSCSIWMI_REQUEST_CONTEXT request = d->request;
    WMIREGINFOW *info = (WMIREGINFOW *)request->Buffer;
    UCHAR status = (UCHAR)call(d, CALL_REGINFO);
    ULONG mof = (ULONG)(sizeof *info + d->lib->GuidCount * sizeof(WMIREGGUIDW)), text = 0, needed;

    while (d->mof && d->mof[text])
        text++;
    text *= (ULONG)sizeof(WCHAR);
    needed = mof + (d->mof ? (ULONG)sizeof(USHORT) + text : 0);
    if (status != SRB_STATUS_SUCCESS || request->BufferSize < needed) {
        if (status == SRB_STATUS_SUCCESS && request->BufferSize >= sizeof(ULONG))
            *(PULONG)info = needed;
        finish(request, status, sizeof(ULONG));
        return;
    }
    memset(info, 0, needed);
    info->BufferSize = needed;
    info->GuidCount = d->lib->GuidCount;
    fill_guids(d->lib, info);
    if (d->mof) {
        info->MofResourceName = mof;
        put_text(request->Buffer + mof, d->mof, text);
    }
    finish(request, SRB_STATUS_SUCCESS, needed);
}

/* ---- what a block is asked ---- */

static bool query_all(struct dispatch *d)
{
    PWNODE_ALL_DATA node = (PWNODE_ALL_DATA)d->request->Buffer;
    ULONG count = d->lib->GuidList[d->guid].InstanceCount, size = d->request->BufferSize, offset;

    node->OffsetInstanceNameOffsets = 0;
    node->InstanceCount = 0;
    d->count = count;
    if (count == (ULONG)DYNAMIC)
        return call(d, CALL_QUERY) != 0;
    offset = rounded((ULONG)offsetof(WNODE_ALL_DATA, OffsetInstanceDataAndLength) +
                     count * (ULONG)sizeof(OFFSETINSTANCEDATAANDLENGTH));
    node->InstanceCount = count;
    node->DataBlockOffset = offset;
    if (offset < size) {
        d->lengths = (PULONG)node->OffsetInstanceDataAndLength;
        d->data = d->request->Buffer + offset;
        d->available = size - offset;
    }
    return call(d, CALL_QUERY) != 0;
}

/* Data at that offset of the buffer, as much as there is room for. */
static bool find_data(struct dispatch *d, ULONG offset)
{
    if (offset > d->request->BufferSize)
        return false;
    d->data = d->request->Buffer + offset;
    d->available = d->request->BufferSize - offset;
    return true;
}

static bool query_one(struct dispatch *d)
{
    PWNODE_SINGLE_INSTANCE node = (PWNODE_SINGLE_INSTANCE)d->request->Buffer;

    if (!find_data(d, node->DataBlockOffset)) {
        finish(d->request, SRB_STATUS_ERROR, 0);
        return false;
    }
    d->lengths = &node->SizeDataBlock;
    d->count = 1;
    return call(d, CALL_QUERY) != 0;
}

/* A routine that the miniport does not have, or data beyond the buffer: the request fails. */
static bool change(struct dispatch *d, enum call_kind kind, bool there, ULONG offset, ULONG bytes)
{
    d->bytes = bytes;
    if (there && find_data(d, offset) && bytes <= d->available)
        return call(d, kind) != 0;
    finish(d->request, SRB_STATUS_ERROR, 0);
    return false;
}

static bool change_item(struct dispatch *d)
{
    PWNODE_SINGLE_ITEM node = (PWNODE_SINGLE_ITEM)d->request->Buffer;

    d->number = node->ItemId;
    return change(d, CALL_SET_ITEM, d->lib->SetWmiDataItem != NULL, node->DataBlockOffset,
                  node->SizeDataItem);
}

static bool execute(struct dispatch *d)
{
    PWNODE_METHOD_ITEM node = (PWNODE_METHOD_ITEM)d->request->Buffer;

    d->number = node->MethodId;
    return change(d, CALL_METHOD, d->lib->ExecuteWmiMethod != NULL, node->DataBlockOffset,
                  node->SizeDataBlock);
}

/* A miniport without the routine has nothing to switch on or off. */
static bool control(struct dispatch *d, UCHAR minor)
{
    if (!d->lib->WmiFunctionControl) {
        finish(d->request, SRB_STATUS_SUCCESS, 0);
        return false;
    }
    d->control = minor <= IRP_MN_DISABLE_EVENTS ? ScsiWmiEventControl : ScsiWmiDataBlockControl;
    d->enable = minor == IRP_MN_ENABLE_EVENTS || minor == IRP_MN_ENABLE_COLLECTION;
    return call(d, CALL_CONTROL) != 0;
}

static bool find_guid(struct dispatch *d, const GUID *guid)
{
    while (d->guid < d->lib->GuidCount &&
           memcmp(d->lib->GuidList[d->guid].Guid, guid, sizeof *guid) != 0)
        d->guid++;
    return d->guid < d->lib->GuidCount;
}

/* Of requests about one instance: index and data have the same place in all their nodes. */
static bool find_instance(struct dispatch *d, UCHAR minor)
{
    const WNODE_SINGLE_INSTANCE *node = (const WNODE_SINGLE_INSTANCE *)d->request->Buffer;

    if (minor == IRP_MN_QUERY_ALL_DATA || (minor >= IRP_MN_ENABLE_EVENTS && minor < IRP_MN_REGINFO))
        return true;
    d->instance = node->InstanceIndex;
    return d->instance < d->lib->GuidList[d->guid].InstanceCount;
}

static bool serve_block(struct dispatch *d, UCHAR minor)
{
    PWNODE_SINGLE_INSTANCE node = (PWNODE_SINGLE_INSTANCE)d->request->Buffer;

    switch (minor) {
    case IRP_MN_QUERY_ALL_DATA:
        return query_all(d);
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return query_one(d);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return change(d, CALL_SET, d->lib->SetWmiDataBlock != NULL, node->DataBlockOffset,
                      node->SizeDataBlock);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return change_item(d);
    case IRP_MN_EXECUTE_METHOD:
        return execute(d);
    default:
        return control(d, minor);
    }
}

static bool serve(struct dispatch *d, UCHAR minor, const void *path)
{
    finish(d->request, SRB_STATUS_PENDING, 0);
    if (minor == IRP_MN_REGINFO) {
        answer_reginfo(d);
        return false;
    }
    if (minor <= IRP_MN_EXECUTE_METHOD && find_guid(d, path) && find_instance(d, minor))
        return serve_block(d, minor);
    finish(d->request,
           minor <= IRP_MN_EXECUTE_METHOD ? SRB_STATUS_ERROR : SRB_STATUS_INVALID_REQUEST, 0);
    return false;
}

BOOLEAN NTAPI ScsiPortWmiDispatchFunction(PSCSI_WMILIB_CONTEXT WmiLibInfo, UCHAR MinorFunction,
                                          PVOID DeviceContext,
                                          PSCSIWMI_REQUEST_CONTEXT RequestContext, PVOID DataPath,
                                          ULONG BufferSize, PVOID Buffer)
{
    struct dispatch d = {.lib = WmiLibInfo, .device = DeviceContext, .request = RequestContext};
    bool pends;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    RequestContext->MinorFunction = MinorFunction;
    RequestContext->BufferSize = BufferSize;
    RequestContext->Buffer = Buffer;
    pends = serve(&d, MinorFunction, DataPath);
    ft_scsi_emit(FT_EV_SCSI_WMI, FT_SCSI_WMI_DISPATCH, MinorFunction,
                 pends ? SRB_STATUS_PENDING : RequestContext->ReturnStatus,
                 pends ? 0 : RequestContext->ReturnSize, ft_scsi_routine());
    FT_SCSI_END(SCSI_SERVICE, 0);
    return pends;
}
