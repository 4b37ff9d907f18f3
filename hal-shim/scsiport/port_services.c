/* Services that a miniport may use at any time (scsiport.md, section 6.2). They take no device
 * extension, but for ScsiPortLogError. */
#include "scsiport/adapter.h"

enum { UNITS_PER_US = 10 };

/* What event scsi:service names. */
enum { SERVICE_TIME = 1, SERVICE_ADDRESS, SERVICE_PRINT };

/* ---- ScsiPortLogError ---- */

enum { SRB_NONE, SRB_OWNED, SRB_NOT_OWNED };

static unsigned owned(const struct ft_scsi_adapter *adapter, const SCSI_REQUEST_BLOCK *srb)
{
    if (!srb)
        return SRB_NONE;
    for (const struct ft_scsi_request *r = adapter->active; r; r = r->active_next)
        if (r->srb == srb && r->state == FT_SCSI_REQUEST_ACTIVE)
            return SRB_OWNED;
    return SRB_NOT_OWNED;
}

VOID ScsiPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId,
                      UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId)
{
    struct ft_scsi_adapter *adapter;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    adapter = ft_scsi_adapter_of(HwDeviceExtension);
    ft_scsi_emit(FT_EV_SCSI_LOG_ERROR, ft_scsi_hba(adapter), ft_scsi_srb_handle(Srb),
                 owned(adapter, Srb), (uint64_t)PathId << 16 | (uint64_t)TargetId << 8 | Lun,
                 ErrorCode, UniqueId, ft_scsi_routine());
    FT_SCSI_END(SCSI_SERVICE, 0);
}

/* ---- memory ---- */

/* Bytes of the block there from that address on; all ones when it is in none. */
static uint64_t room(const void *address)
{
    struct ft_block_place place;

    if (!ft_block_find(address, &place))
        return UINT64_MAX;
    return ft_block_bytes((const char *)address - place.offset) - place.offset;
}

VOID ScsiPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length)
{
    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    ft_scsi_emit(FT_EV_SCSI_MOVE, Length, room(WriteBuffer), room(ReadBuffer), ft_scsi_routine());
    RtlMoveMemory(WriteBuffer, ReadBuffer, Length);
    FT_SCSI_END(SCSI_SERVICE, 0);
}

/* ---- time ---- */

VOID ScsiPortStallExecution(ULONG Delay)
{
    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    ft_scsi_emit(FT_EV_SCSI_STALL, Delay, ft_scsi_routine());
    ft_time_pass((uint64_t)Delay * UNITS_PER_US);
    ft_hardware_pass();
    FT_SCSI_END(SCSI_SERVICE, 0);
}

VOID ScsiPortQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    ft_scsi_emit(FT_EV_SCSI_SERVICE, SERVICE_TIME, ft_scsi_routine());
    KeQuerySystemTime(CurrentTime);
    FT_SCSI_END(SCSI_SERVICE, 0);
}

/* ---- the rest ---- */

/* The low 32 bits are all that there is of such an address. */
SCSI_PHYSICAL_ADDRESS ScsiPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress)
{
    SCSI_PHYSICAL_ADDRESS address;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    ft_scsi_emit(FT_EV_SCSI_SERVICE, SERVICE_ADDRESS, ft_scsi_routine());
    address.QuadPart = (LONGLONG)(UlongAddress & MAXULONG);
    FT_SCSI_END(SCSI_SERVICE, 0);
    return address;
}

VOID ScsiDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...)
{
    va_list arguments;

    FT_SCSI_BEGIN(SCSI_SERVICE, 0);
    ft_scsi_emit(FT_EV_SCSI_SERVICE, SERVICE_PRINT, ft_scsi_routine());
    va_start(arguments, DebugMessage);
    vDbgPrintEx(DPFLTR_SCSIMINIPORT_ID, DebugPrintLevel, DebugMessage, arguments);
    va_end(arguments);
    FT_SCSI_END(SCSI_SERVICE, 0);
}
