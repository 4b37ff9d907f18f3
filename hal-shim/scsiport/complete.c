/* How the miniport gives requests back and asks for those that it has: ScsiPortCompleteRequest,
 * ScsiPortGetSrb, ScsiPortGetLogicalUnit, and what RequestComplete does (scsiport.md, section 6).
 *
 * Everything here may run at DIRQL: a request that comes back leaves the miniport at once, the DPC
 * completes it.
 */
#include "scsiport/engine.h"

#include <stddef.h>

enum { ANY = 0xFF }; /* wildcard */

struct ft_scsi_request *ft_scsi_active_of(struct ft_scsi_adapter *adapter,
                                          const SCSI_REQUEST_BLOCK *srb)
{
    for (struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        if (r->srb == srb && r->state == FT_SCSI_REQUEST_ACTIVE)
            return r;
    return NULL;
}

void ft_scsi_take_back(struct ft_scsi_request *request)
{
    struct ft_scsi_adapter *adapter = request->adapter;
    bool is_abort = request->srb->Function == SRB_FUNCTION_ABORT_COMMAND;
    struct ft_scsi_request **at = is_abort ? &adapter->intent.aborts : &adapter->intent.completed;

    while (*at)
        at = &(*at)->next;
    request->state = FT_SCSI_REQUEST_NOTIFIED;
    request->next = NULL;
    *at = request;
    ft_scsi_intend(adapter, 0);
}

/* ---- what the miniport did to the SRB ---- */

/* Bits of the changed fields, as scsi:complete has them. The order is that of the structure. */
static const struct {
    uint8_t offset, bytes;
} read_only[] = {
#define FIELD(field)                                                                               \
    {                                                                                              \
        offsetof(SCSI_REQUEST_BLOCK, field), sizeof(((PSCSI_REQUEST_BLOCK)0)->field)               \
    }
    FIELD(Length),
    FIELD(Function),
    FIELD(PathId),
    FIELD(TargetId),
    FIELD(Lun),
    FIELD(QueueTag),
    FIELD(QueueAction),
    FIELD(CdbLength),
    FIELD(TimeOutValue),
    FIELD(DataBuffer),
    FIELD(SenseInfoBuffer),
    FIELD(NextSrb),
    FIELD(OriginalRequest),
    FIELD(SrbExtension),
    FIELD(QueueSortKey),
    FIELD(Reserved),
    FIELD(Cdb),
#undef FIELD
};
enum { CHANGED_FLAGS = 17, CHANGED_SENSE_LENGTH = 18 };

/* Both direction bits may become one. */
static bool flags_changed(ULONG given, ULONG now)
{
    ULONG direction = SRB_FLAGS_UNSPECIFIED_DIRECTION;

    if ((given & direction) == direction && (now & direction) != 0)
        given = (given & ~direction) | (now & direction);
    return given != now;
}

static uint64_t changed_fields(const SCSI_REQUEST_BLOCK *given, const SCSI_REQUEST_BLOCK *now)
{
    uint64_t changed = 0;

    for (unsigned i = 0; i < sizeof read_only / sizeof *read_only; i++)
        if (memcmp((const char *)given + read_only[i].offset,
                   (const char *)now + read_only[i].offset, read_only[i].bytes) != 0)
            changed |= 1ull << i;
    if (flags_changed(given->SrbFlags, now->SrbFlags))
        changed |= 1ull << CHANGED_FLAGS;
    if (now->SenseInfoBufferLength > given->SenseInfoBufferLength)
        changed |= 1ull << CHANGED_SENSE_LENGTH;
    return changed;
}

/* Bits: 1 automatic sense is allowed, 2 the port can see what was written, 4 sense was written,
 * 8 beyond the length that was given. */
static uint64_t sense_facts(const struct ft_scsi_request *request)
{
    const SCSI_REQUEST_BLOCK *given = &request->given;
    const UCHAR *area = request->sense_area;
    uint64_t facts = request->adapter->config->AutoRequestSense &&
                     !(given->SrbFlags & SRB_FLAGS_DISABLE_AUTOSENSE) &&
                     given->SenseInfoBufferLength > 0;

    if (!area)
        return facts;
    facts |= 2;
    for (ULONG i = 0; i < request->sense_area_bytes; i++)
        if (area[i] != FT_SCSI_SENSE_FILL)
            facts |= i < given->SenseInfoBufferLength ? 4 : 8;
    return facts;
}

void ft_scsi_tell_completion(const struct ft_scsi_request *request, PSCSI_REQUEST_BLOCK srb,
                             enum ft_scsi_how how)
{
    enum { SECOND = 10000000 /* in 100 ns */ };
    uint64_t handle = ft_scsi_srb_handle(srb);
    const SCSI_REQUEST_BLOCK none = {0}, *given = request ? &request->given : &none;

    if (!handle) {
        srb = NULL;
        request = NULL;
    }
    ft_emit(FT_EV_SCSI_COMPLETE, handle, how, request != NULL,
            srb ? (uint64_t)srb->SrbStatus | (uint64_t)ft_scsi_scsi_status(srb) << 8 |
                      (uint64_t)srb->Function << 16 |
                      (request ? (FT_M->now - request->started) / SECOND << 24 : 0)
                : 0,
            request ? changed_fields(given, srb) : 0, srb ? srb->DataTransferLength : 0,
            given->DataTransferLength, request ? sense_facts(request) : 0);
}

/* ---- ScsiPortCompleteRequest ---- */

static bool matches(const struct ft_scsi_request *request, UCHAR path, UCHAR target, UCHAR lun)
{
    const SCSI_REQUEST_BLOCK *given = &request->given;

    return request->state == FT_SCSI_REQUEST_ACTIVE && (path == ANY || given->PathId == path) &&
           (target == ANY || given->TargetId == target) && (lun == ANY || given->Lun == lun);
}

/* Events of the miniport, so in its layer; then they are the port's. */
static unsigned complete_all(struct ft_scsi_adapter *adapter, UCHAR path, UCHAR target, UCHAR lun,
                             UCHAR status)
{
    unsigned count = 0;

    for (struct ft_scsi_request *r = adapter->active; r; r = r->active_next) {
        if (!matches(r, path, target, lun))
            continue;
        r->srb->SrbStatus = status;
        r->srb->DataTransferLength = 0;
        ft_scsi_tell_completion(r, r->srb, FT_SCSI_BY_WILDCARD);
        ft_scsi_take_back(r);
        count++;
    }
    return count;
}

VOID ScsiPortCompleteRequest(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                             UCHAR SrbStatus)
{
    struct ft_scsi_adapter *adapter;
    unsigned count;

    FT_SCSI_BEGIN(SCSI_COMPLETE, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    ft_layer_set(ft_scsi_layer);
    count = complete_all(adapter, PathId, TargetId, Lun, SrbStatus);
    ft_emit(FT_EV_SCSI_COMPLETE_ALL, ft_block_handle(adapter->fdo),
            ft_scsi_where(PathId, TargetId, Lun), SrbStatus, count, ft_scsi_routine());
    ft_layer_set(FT_LAYER_PORT);
    FT_SCSI_END(SCSI_COMPLETE, 0);
}

/* ---- what the miniport asks for ---- */

static bool is_about_another(const SCSI_REQUEST_BLOCK *srb)
{
    return srb->Function == SRB_FUNCTION_ABORT_COMMAND ||
           srb->Function == SRB_FUNCTION_TERMINATE_IO;
}

/* An abort has its victim's tag and is never what is meant. */
static struct ft_scsi_request *find(struct ft_scsi_adapter *adapter, UCHAR path, UCHAR target,
                                    UCHAR lun, UCHAR tag)
{
    for (struct ft_scsi_request *r = adapter->active; r; r = r->active_next) {
        const SCSI_REQUEST_BLOCK *given = &r->given;

        if (r->state == FT_SCSI_REQUEST_ACTIVE && given->PathId == path &&
            given->TargetId == target && given->Lun == lun && given->QueueTag == tag &&
            !is_about_another(given))
            return r;
    }
    return NULL;
}

PSCSI_REQUEST_BLOCK ScsiPortGetSrb(PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun,
                                   LONG QueueTag)
{
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_request *found;

    FT_SCSI_BEGIN(SCSI_QUERY, 0);
    adapter = ft_scsi_adapter_of(DeviceExtension);
    found = find(adapter, PathId, TargetId, Lun, (UCHAR)QueueTag);
    ft_scsi_emit(FT_EV_SCSI_GET_SRB, ft_block_handle(adapter->fdo),
                 ft_scsi_where(PathId, TargetId, Lun), (UCHAR)QueueTag,
                 found ? ft_scsi_srb_handle(found->srb) : 0);
    FT_SCSI_END(SCSI_QUERY, 0);
    return found ? found->srb : NULL;
}

PVOID ScsiPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
    struct ft_scsi_adapter *adapter;
    struct ft_scsi_unit *unit;

    FT_SCSI_BEGIN(SCSI_QUERY, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    unit = ft_scsi_unit_at(adapter, PathId, TargetId, Lun);
    ft_scsi_emit(FT_EV_SCSI_GET_UNIT, ft_block_handle(adapter->fdo),
                 ft_scsi_where(PathId, TargetId, Lun), unit != NULL,
                 unit && unit->extension != NULL);
    FT_SCSI_END(SCSI_QUERY, 0);
    return unit ? unit->extension : NULL;
}
