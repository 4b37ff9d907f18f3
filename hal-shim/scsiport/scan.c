/* The scan of an adapter's buses: INQUIRY to each path, target and logical unit but the adapter's
 * own id (scsiport.md, section 4.7).
 *
 * One unit stands for whatever is being asked; when something answers it is kept, and the next one
 * is made. A target ends with its first logical unit that is not there. */
#include "scsiport/adapter.h"

enum {
    INQUIRY_SECONDS = 4,
    INQUIRY_TRIES = 3, /* the first, and up to two more */
    CDB_BYTES = 6
};

struct inquiry {
    PSCSI_REQUEST_BLOCK srb; /* block */
    PINQUIRYDATA data;       /* pool */
    PSENSE_DATA sense;       /* pool */
    PMDL mdl;
};

static void end(struct inquiry *inquiry)
{
    if (inquiry->mdl)
        IoFreeMdl(inquiry->mdl);
    if (inquiry->sense)
        ExFreePool(inquiry->sense);
    if (inquiry->data)
        ExFreePool(inquiry->data);
    if (inquiry->srb)
        ft_block_free(inquiry->srb);
}

static bool begin(struct inquiry *inquiry)
{
    enum { TAG = 'SscS' };

    *inquiry = (struct inquiry){0};
    inquiry->srb = ft_block_alloc(sizeof *inquiry->srb, FT_HC_SRB, 0);
    inquiry->data = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *inquiry->data, TAG);
    inquiry->sense = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *inquiry->sense, TAG);
    if (inquiry->data)
        inquiry->mdl = IoAllocateMdl(inquiry->data, INQUIRYDATABUFFERSIZE, FALSE, FALSE, NULL);
    if (!inquiry->srb || !inquiry->sense || !inquiry->mdl) {
        end(inquiry);
        return false;
    }
    MmBuildMdlForNonPagedPool(inquiry->mdl);
    return true;
}

static void fill(const struct inquiry *inquiry, const struct ft_scsi_unit *unit)
{
    PSCSI_REQUEST_BLOCK srb = inquiry->srb;
    PCDB cdb = (PCDB)srb->Cdb;

    RtlZeroMemory(srb, sizeof *srb);
    RtlZeroMemory(inquiry->data, sizeof *inquiry->data);
    RtlZeroMemory(inquiry->sense, sizeof *inquiry->sense);
    srb->Length = sizeof *srb;
    srb->Function = SRB_FUNCTION_EXECUTE_SCSI;
    srb->PathId = unit->path;
    srb->TargetId = unit->target;
    srb->Lun = unit->lun;
    srb->QueueTag = SP_UNTAGGED;
    srb->CdbLength = CDB_BYTES;
    srb->SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_SYNCH_TRANSFER |
                    SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_BYPASS_FROZEN_QUEUE |
                    SRB_FLAGS_BYPASS_LOCKED_QUEUE;
    srb->DataTransferLength = INQUIRYDATABUFFERSIZE;
    srb->TimeOutValue = INQUIRY_SECONDS;
    srb->DataBuffer = MmGetMdlVirtualAddress(inquiry->mdl);
    srb->SenseInfoBuffer = inquiry->sense;
    srb->SenseInfoBufferLength = sizeof *inquiry->sense;
    cdb->CDB6INQUIRY.OperationCode = SCSIOP_INQUIRY;
    cdb->CDB6INQUIRY.LogicalUnitNumber = unit->lun & 7;
    cdb->CDB6INQUIRY.AllocationLength = INQUIRYDATABUFFERSIZE;
}

/* A short answer is an answer. */
static bool answered(UCHAR srb_status)
{
    srb_status = SRB_STATUS(srb_status);
    return srb_status == SRB_STATUS_SUCCESS || srb_status == SRB_STATUS_DATA_OVERRUN;
}

/* Another try helps against what passes, not against an empty place. */
static bool worth_another(UCHAR srb_status)
{
    switch (SRB_STATUS(srb_status)) {
    case SRB_STATUS_SELECTION_TIMEOUT:
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_INVALID_PATH_ID:
    case SRB_STATUS_INVALID_REQUEST:
    case SRB_STATUS_NO_HBA:
        return false;
    default:
        return true;
    }
}

static bool is_over(const struct ft_scsi_adapter *adapter)
{
    return adapter->surprise || adapter->scan_stop;
}

static bool ask(struct ft_scsi_unit *unit, const struct inquiry *inquiry)
{
    for (unsigned i = 0; i < INQUIRY_TRIES; i++) {
        fill(inquiry, unit);
        ft_scsi_send_own(unit->adapter, unit, inquiry->srb, inquiry->mdl);
        if (answered(inquiry->srb->SrbStatus))
            return inquiry->data->DeviceTypeQualifier != DEVICE_QUALIFIER_NOT_SUPPORTED;
        if (is_over(unit->adapter) || !worth_another(inquiry->srb->SrbStatus))
            return false;
    }
    return false;
}

/* ---- what was found ---- */

static bool is_used(const struct ft_scsi_unit *unit, unsigned index)
{
    for (const struct ft_scsi_unit *u = unit->adapter->units; u; u = u->next)
        if (u != unit && u->index == index && u->pdo)
            return true;
    return false;
}

/* The number that ops and media know it by. The first unit of a target has the target's, whatever
 * other targets answer in this scan: it names the same medium in each. */
static unsigned index_of(const struct ft_scsi_unit *unit)
{
    unsigned index = 0;

    if (unit->path == 0 && unit->lun == 0 && unit->target < FT_DISKS_MAX &&
        !is_used(unit, unit->target))
        return unit->target;
    while (is_used(unit, index))
        index++;
    return index;
}

static void keep(struct ft_scsi_unit *unit, const INQUIRYDATA *data)
{
    struct ft_scsi_adapter *adapter = unit->adapter;

    unit->inquiry = *data;
    unit->index = (uint8_t)index_of(unit);
    unit->tagged = adapter->config->TaggedQueuing && data->CommandQueue;
    ft_emit(FT_EV_SCSI_UNIT, ft_scsi_hba(adapter), ft_block_handle(unit->pdo),
            (uint64_t)(unit->path << 16 | unit->target << 8 | unit->lun), data->DeviceType,
            unit->tagged != 0);
    ft_disk_arrived(unit);
    ft_scsi_wmi_unit(unit);
}

/* ---- the walk ---- */

struct scan {
    struct ft_scsi_adapter *adapter;
    struct inquiry inquiry;
    struct ft_scsi_unit *probe; /* stands for what is being asked, NULL: not made */
};

static void place(struct ft_scsi_unit *unit, unsigned path, unsigned target, unsigned lun)
{
    unit->path = (uint8_t)path;
    unit->target = (uint8_t)target;
    unit->lun = (uint8_t)lun;
    ft_scsi_unit_fresh(unit);
}

/* A unit that is known is asked too, when the bus has changed. */
static bool check_known(struct scan *scan, struct ft_scsi_unit *unit)
{
    if (ask(unit, &scan->inquiry) || is_over(scan->adapter))
        return true;
    ft_scsi_wmi_unit_gone(unit);
    ft_disk_departed(unit);
    ft_emit(FT_EV_SCSI_UNIT_GONE, ft_scsi_hba(scan->adapter), ft_block_handle(unit->pdo));
    ft_scsi_unit_free(unit);
    return false;
}

static bool check(struct scan *scan, unsigned path, unsigned target, unsigned lun)
{
    struct ft_scsi_unit *known = ft_scsi_unit_at(scan->adapter, path, target, lun);

    if (known && known != scan->probe)
        return check_known(scan, known);
    if (!scan->probe)
        scan->probe = ft_scsi_unit_new(scan->adapter);
    if (!scan->probe)
        return false;
    place(scan->probe, path, target, lun);
    if (!ask(scan->probe, &scan->inquiry))
        return false;
    keep(scan->probe, scan->inquiry.data);
    scan->probe = NULL;
    return true;
}

static void scan_bus(struct scan *scan, unsigned path)
{
    const PORT_CONFIGURATION_INFORMATION *info = scan->adapter->config;
    unsigned targets = info->MaximumNumberOfTargets;

    for (unsigned i = 0; i < targets && !is_over(scan->adapter); i++) {
        unsigned target = info->AdapterScansDown ? targets - 1 - i : i, lun = 0;

        if (target == info->InitiatorBusId[path])
            continue;
        while (lun < info->MaximumNumberOfLogicalUnits && !is_over(scan->adapter) &&
               check(scan, path, target, lun))
            lun++;
    }
}

static void scan_buses(struct ft_scsi_adapter *adapter)
{
    struct scan scan = {.adapter = adapter};

    if (!begin(&scan.inquiry))
        return;
    for (unsigned path = 0; path < adapter->config->NumberOfBuses && path < SCSI_MAXIMUM_BUSES;
         path++)
        scan_bus(&scan, path);
    if (scan.probe)
        ft_scsi_unit_free(scan.probe);
    end(&scan.inquiry);
}

void ft_scsi_scan(struct ft_scsi_adapter *adapter)
{
    if (adapter->scanning)
        return;
    adapter->scanning = 1;
    KeClearEvent(&adapter->scan_over);
    scan_buses(adapter);
    adapter->scanning = 0;
    KeSetEvent(&adapter->scan_over, IO_NO_INCREMENT, FALSE);
    FT_SCSI->disks_arrived = 1;
}

bool ft_scsi_scan_settle(struct ft_scsi_adapter *adapter)
{
    if (!adapter->scanning)
        return false;
    adapter->scan_stop = 1;
    KeWaitForSingleObject(&adapter->scan_over, Executive, KernelMode, FALSE, NULL);
    adapter->scan_stop = 0;
    return true;
}

/* ---- the bus has changed ---- */

FT_PORT_ROUTINE
static VOID NTAPI scan_again(PDEVICE_OBJECT device, PVOID context)
{
    struct ft_scsi_adapter *adapter = context;
    PIO_WORKITEM item = adapter->scan_item;

    (void)device;
    adapter->scan_item = NULL;
    IoFreeWorkItem(item);
    if (adapter->state == FT_SCSI_RUNNING && !adapter->held)
        ft_scsi_scan(adapter);
}

/* One that is due will see this change too. */
void ft_scsi_rescan(struct ft_scsi_adapter *adapter)
{
    if (adapter->scan_item)
        return;
    adapter->scan_item = IoAllocateWorkItem(adapter->fdo);
    if (adapter->scan_item)
        IoQueueWorkItem(adapter->scan_item, scan_again, DelayedWorkQueue, adapter);
}
