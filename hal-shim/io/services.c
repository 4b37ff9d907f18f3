/* Small services of the I/O manager: error log, share access, the count of what is configured.
 */
#include "io/io_private.h"

/* ---- error log (nf-wdm-ioallocateerrorlogentry) ---- */

enum { LOG_ALLOCATED = 1, LOG_WRITTEN, LOG_FREED };

/* Not modelled: the log itself. NULL for sizes that no entry has. */
PVOID IoAllocateErrorLogEntry(PVOID IoObject, UCHAR EntrySize)
{
    void *entry = NULL;

    (void)IoObject;
    FT_DDI_BEGIN(ERROR_LOG, 0);
    if (EntrySize >= sizeof(IO_ERROR_LOG_PACKET) && EntrySize <= ERROR_LOG_MAXIMUM_SIZE)
        entry = ft_block_for_driver(EntrySize, FT_HC_OTHER, 0);
    ft_emit(FT_EV_ERROR_LOG, LOG_ALLOCATED, entry ? EntrySize : 0);
    FT_DDI_END(ERROR_LOG, 0);
    return entry;
}

static void end_entry(void *entry, unsigned operation)
{
    ft_emit(FT_EV_ERROR_LOG, operation, ft_block_bytes(entry));
    ft_block_free(entry);
}

VOID IoWriteErrorLogEntry(PVOID ElEntry)
{
    FT_DDI_BEGIN(ERROR_LOG, 0);
    end_entry(ElEntry, LOG_WRITTEN);
    FT_DDI_END(ERROR_LOG, 0);
}

VOID IoFreeErrorLogEntry(PVOID ElEntry)
{
    FT_DDI_BEGIN(ERROR_LOG, 0);
    end_entry(ElEntry, LOG_FREED);
    FT_DDI_END(ERROR_LOG, 0);
}

/* ---- share access (nf-wdm-iocheckshareaccess) ---- */

static void wish(PFILE_OBJECT file, ACCESS_MASK access, ULONG share)
{
    file->ReadAccess = (access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
    file->WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    file->DeleteAccess = (access & DELETE) != 0;
    file->SharedRead = (share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

/* A file that asks for nothing does not count. */
static bool counts(const FILE_OBJECT *file)
{
    return file->ReadAccess || file->WriteAccess || file->DeleteAccess;
}

static void add(PSHARE_ACCESS share, const FILE_OBJECT *file, int by)
{
    if (!counts(file))
        return;
    share->OpenCount += (ULONG)by;
    share->Readers += (ULONG)(by * file->ReadAccess);
    share->Writers += (ULONG)(by * file->WriteAccess);
    share->Deleters += (ULONG)(by * file->DeleteAccess);
    share->SharedRead += (ULONG)(by * file->SharedRead);
    share->SharedWrite += (ULONG)(by * file->SharedWrite);
    share->SharedDelete += (ULONG)(by * file->SharedDelete);
}

static bool conflicts(const SHARE_ACCESS *share, const FILE_OBJECT *file)
{
    return (file->ReadAccess && share->SharedRead < share->OpenCount) ||
           (file->WriteAccess && share->SharedWrite < share->OpenCount) ||
           (file->DeleteAccess && share->SharedDelete < share->OpenCount) ||
           (share->Readers && !file->SharedRead) || (share->Writers && !file->SharedWrite) ||
           (share->Deleters && !file->SharedDelete);
}

NTSTATUS IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess, BOOLEAN Update)
{
    wish(FileObject, DesiredAccess, DesiredShareAccess);
    if (counts(FileObject) && conflicts(ShareAccess, FileObject))
        return STATUS_SHARING_VIOLATION;
    if (Update)
        add(ShareAccess, FileObject, 1);
    return STATUS_SUCCESS;
}

VOID IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                      PSHARE_ACCESS ShareAccess)
{
    *ShareAccess = (SHARE_ACCESS){0};
    wish(FileObject, DesiredAccess, DesiredShareAccess);
    add(ShareAccess, FileObject, 1);
}

VOID IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess)
{
    add(ShareAccess, FileObject, -1);
}

/* The access bits of a control code, against what the handle was opened with. */
NTSTATUS IoValidateDeviceIoControlAccess(PIRP Irp, ULONG RequiredAccess)
{
    const FILE_OBJECT *file = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    if (RequiredAccess & ~(ULONG)(FILE_READ_ACCESS | FILE_WRITE_ACCESS))
        return STATUS_INVALID_PARAMETER;
    if (!file || Irp->RequestorMode == KernelMode)
        return STATUS_SUCCESS;
    if (((RequiredAccess & FILE_READ_ACCESS) && !file->ReadAccess) ||
        ((RequiredAccess & FILE_WRITE_ACCESS) && !file->WriteAccess))
        return STATUS_ACCESS_DENIED;
    return STATUS_SUCCESS;
}

/* ---- counts ---- */

/* The drivers of the machine keep them; there is one driver. */
PCONFIGURATION_INFORMATION IoGetConfigurationInformation(VOID)
{
    PCONFIGURATION_INFORMATION configuration = FT_IO->configuration;

    if (!configuration) {
        configuration = ft_block_alloc(sizeof *configuration, FT_HC_OTHER, 0);
        if (!configuration)
            ft_stop_now(FT_STOP_CUT);
        configuration->Version = sizeof *configuration;
        FT_IO->configuration = configuration;
    }
    return configuration;
}

/* Requestors are 64-bit processes. */
BOOLEAN IoIs32bitProcess(PIRP Irp)
{
    (void)Irp;
    return FALSE;
}
