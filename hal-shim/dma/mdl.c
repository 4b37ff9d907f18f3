/* Memory descriptor lists (wdm-io sheet, section 11; wdm-dma sheet, section 2.10): made, filled in,
 * locked, cut, freed. Their mappings: mdl_map.c.
 *
 * All memory that an MDL may describe is resident: locking fills in page frame numbers and changes
 * flags, no more. Not modelled: quota, MDLs of I/O space.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"
#include "kernel/memory_kind.h"
#include "world/races.h"

#include <string.h>

enum { FREED_BEFORE = 7 }; /* first parameter of BAD_POOL_CALLER */

/* Why a lock cannot be right: the event mdl:bad-lock. */
enum { BAD_ADDRESS = 1, BAD_INJECTED, BAD_LOCKED_ALREADY, BAD_NONPAGED_POOL, BAD_PARTIAL };

#define NO_PFN ((PFN_NUMBER)(FT_NO_PHYSICAL >> PAGE_SHIFT))

static unsigned pages_of(const MDL *mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES((ULONG_PTR)mdl->ByteOffset, (ULONG_PTR)mdl->ByteCount);
}

static void fill_pfns(PMDL mdl)
{
    PPFN_NUMBER pfn = MmGetMdlPfnArray(mdl);
    unsigned pages = pages_of(mdl);

    for (unsigned i = 0; i < pages; i++)
        pfn[i] = (PFN_NUMBER)(ft_physical_of((PVOID)((ULONG_PTR)mdl->StartVa + i * PAGE_SIZE)) >>
                              PAGE_SHIFT);
}

static bool pages_known(const MDL *mdl)
{
    const PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
    unsigned pages = pages_of(mdl);

    for (unsigned i = 0; i < pages; i++)
        if (pfn[i] == NO_PFN)
            return false;
    return true;
}

bool ft_mdl_readable(const MDL *mdl)
{
    if (!mdl)
        return false;
    /* A driver may build an MDL in memory of its own; a freed block is told by its handle. */
    return ft_block_is_live(mdl, FT_HC_MDL) || ft_handle_class(ft_block_handle(mdl)) != FT_HC_MDL;
}

/* The page array of such an MDL would be anything. */
void ft_mdl_check(const MDL *mdl)
{
    if (!ft_mdl_readable(mdl))
        ft_bugcheck(PAGE_FAULT_IN_NONPAGED_AREA, ft_handle_of(mdl), 0, 0, 0);
}

uint64_t ft_mdl_offset(const MDL *mdl, const void *va)
{
    uintptr_t begin = ft_mdl_readable(mdl) ? (uintptr_t)MmGetMdlVirtualAddress(mdl) : 0;

    return (uint64_t)(uintptr_t)va - begin;
}

void *ft_mdl_memory(const MDL *mdl, const void *va, uint64_t bytes)
{
    enum { READY = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL };
    uint64_t offset, in_pages;
    unsigned first, last;
    uint8_t *memory;
    uint32_t left;

    if (!ft_mdl_readable(mdl) || !(mdl->MdlFlags & READY))
        return NULL;
    offset = ft_mdl_offset(mdl, va);
    if (offset >= mdl->ByteCount || bytes > mdl->ByteCount - offset)
        return NULL;
    in_pages = mdl->ByteOffset + offset;
    first = (unsigned)(in_pages >> PAGE_SHIFT);
    last = bytes ? (unsigned)((in_pages + bytes - 1) >> PAGE_SHIFT) : first;
    memory = ft_physical_memory(MmGetMdlPfnArray(mdl)[first] << PAGE_SHIFT, &left);
    if (!memory)
        return NULL;
    for (unsigned i = first + 1; i <= last; i++)
        if (ft_physical_memory(MmGetMdlPfnArray(mdl)[i] << PAGE_SHIFT, &left) !=
            memory + (i - first) * PAGE_SIZE)
            return NULL;
    return memory + in_pages % PAGE_SIZE;
}

uint64_t ft_mdl_physical(const MDL *mdl, const void *va)
{
    uint64_t in_pages = mdl->ByteOffset + ft_mdl_offset(mdl, va);

    return (MmGetMdlPfnArray(mdl)[in_pages >> PAGE_SHIFT] << PAGE_SHIFT) + in_pages % PAGE_SIZE;
}

SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

static void attach(PIRP irp, PMDL mdl, bool secondary)
{
    PMDL last = irp->MdlAddress;

    if (!secondary || !last) {
        irp->MdlAddress = mdl;
        return;
    }
    while (last->Next)
        last = last->Next;
    last->Next = mdl;
}

/* Only the header is filled in; page frame numbers are not known. Not modelled: ChargeQuota. */
PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                   PIRP Irp)
{
    unsigned label = Irp ? ft_label_of(Irp) : ft_current()->label;
    PMDL mdl = NULL;

    (void)ChargeQuota;
    FT_DDI_BEGIN(MDL, label);
    if (!ft_alloc_fails(FT_FAIL_MDL))
        mdl = ft_block_alloc(MmSizeOfMdl(VirtualAddress, Length), FT_HC_MDL, label);
    if (mdl) {
        MmInitializeMdl(mdl, VirtualAddress, Length);
        mdl->MdlFlags = MDL_ALLOCATED_FIXED_SIZE;
        for (unsigned i = 0; i < pages_of(mdl); i++)
            MmGetMdlPfnArray(mdl)[i] = NO_PFN;
        if (Irp)
            attach(Irp, mdl, SecondaryBuffer);
    }
    ft_emit(FT_EV_MDL_ALLOC, ft_block_handle(mdl), Length, ft_handle_of(Irp));
    FT_DDI_END(MDL, label);
    return mdl;
}

/* This MDL only, never the chain. */
VOID IoFreeMdl(PMDL Mdl)
{
    unsigned label = ft_label_of(Mdl);

    FT_DDI_BEGIN(MDL, label);
    ft_emit(FT_EV_MDL_FREE, ft_handle_of(Mdl));
    if (!ft_block_is_live(Mdl, FT_HC_MDL))
        ft_bugcheck(BAD_POOL_CALLER, FREED_BEFORE, 0, 0, 0);
    ft_block_free(Mdl);
    FT_DDI_END(MDL, label);
}

VOID MmBuildMdlForNonPagedPool(PMDLX MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl);

    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(mdl);
    fill_pfns(mdl);
    mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    ft_emit(FT_EV_MDL_BUILD, ft_handle_of(mdl), ft_memory_kind(mdl->MappedSystemVa));
    FT_DDI_END(MDL, label);
}

/* ---- locking ---- */

/* The state in which no lock can be right; 0: it may be locked. */
static unsigned state_against_lock(const MDL *mdl)
{
    if (mdl->MdlFlags & MDL_PAGES_LOCKED)
        return BAD_LOCKED_ALREADY;
    if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL)
        return BAD_NONPAGED_POOL;
    return mdl->MdlFlags & MDL_PARTIAL ? BAD_PARTIAL : 0;
}

/* fail-probe strikes the driver's own locks only. */
static bool lock_is_to_fail(void)
{
    if (!FT_M->dma.fail_probe || ft_current()->layer != FT_LAYER_DRIVER)
        return false;
    FT_M->dma.fail_probe = 0;
    ft_emit(FT_EV_CHOICE_FAIL, FT_FAIL_PROBE);
    return true;
}

static bool range_is_memory(const MDL *mdl, bool user)
{
    return pages_known(mdl) &&
           (!user || ft_is_user_memory(MmGetMdlVirtualAddress(mdl), mdl->ByteCount));
}

/* Returns why it fails, 0: locked. */
static unsigned lock(PMDL mdl, bool user, bool write)
{
    enum { OF_THE_LOCK = MDL_PAGES_LOCKED | MDL_WRITE_OPERATION };

    if (lock_is_to_fail())
        return BAD_INJECTED;
    fill_pfns(mdl);
    if (!range_is_memory(mdl, user))
        return BAD_ADDRESS;
    mdl->MdlFlags = (CSHORT)((mdl->MdlFlags & ~OF_THE_LOCK) | MDL_PAGES_LOCKED |
                             (write ? MDL_WRITE_OPERATION : 0));
    ft_view_lock(mdl, true);
    return 0;
}

/* Raises STATUS_ACCESS_VIOLATION when the range is no memory, or, for UserMode, not all of it the
 * user's. What has no place in a lock (an MDL that is locked, of nonpaged pool, partial) goes on as
 * in Windows, which does not look; the event tells. */
VOID MmProbeAndLockPages(PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                         LOCK_OPERATION Operation)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl), odd, why;
    bool write = Operation != IoReadAccess, user = AccessMode != KernelMode;
    NTSTATUS status = STATUS_SUCCESS;

    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(mdl);
    odd = state_against_lock(mdl);
    if (odd)
        ft_emit(FT_EV_MDL_BAD_LOCK, ft_handle_of(mdl), odd);
    why = lock(mdl, user, write);
    if (why)
        status = why == BAD_INJECTED ? STATUS_WORKING_SET_QUOTA : STATUS_ACCESS_VIOLATION;
    ft_emit(FT_EV_MDL_LOCK, ft_handle_of(mdl), write, (uint32_t)status, (unsigned)Operation, user);
    if (why)
        ft_emit(FT_EV_MDL_BAD_LOCK, ft_handle_of(mdl), why);
    FT_DDI_END(MDL, label);
    if (why)
        ExRaiseStatus(status);
}

/* Also gives the system address back. */
VOID MmUnlockPages(PMDLX MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl);
    bool readable, locked;

    FT_DDI_BEGIN(MDL, label);
    readable = ft_mdl_readable(mdl);
    locked = readable && (mdl->MdlFlags & MDL_PAGES_LOCKED);
    ft_emit(FT_EV_MDL_UNLOCK, ft_handle_of(mdl), locked);
    if (readable) {
        if (locked)
            ft_view_lock(mdl, false);
        mdl->MdlFlags &= (CSHORT) ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
        ft_mdl_forget_mappings(mdl);
    }
    FT_DDI_END(MDL, label);
}

/* ---- parts of an MDL ---- */

/* The pages that the start passes leave the MDL. */
static void advance(PMDL mdl, ULONG bytes)
{
    unsigned before = pages_of(mdl), passed = (mdl->ByteOffset + bytes) >> PAGE_SHIFT;
    PPFN_NUMBER pfn = MmGetMdlPfnArray(mdl);

    mdl->StartVa = (PVOID)((ULONG_PTR)mdl->StartVa + passed * (ULONG_PTR)PAGE_SIZE);
    mdl->ByteOffset = (mdl->ByteOffset + bytes) % PAGE_SIZE;
    mdl->ByteCount -= bytes;
    memmove(pfn, pfn + passed, (before - passed) * sizeof *pfn);
    for (unsigned i = before - passed; i < before; i++)
        pfn[i] = NO_PFN;
    if (mdl->MappedSystemVa)
        mdl->MappedSystemVa = (PUCHAR)mdl->MappedSystemVa + bytes;
}

/* STATUS_INVALID_PARAMETER_2 when nothing of the MDL would be left. Conflict of the sources: what
 * an MDL whose pages are not known gets is not said; here STATUS_INVALID_PARAMETER_1. */
NTSTATUS MmAdvanceMdl(PMDLX Mdl, ULONG NumberOfBytes)
{
    enum { KNOWN = MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL };
    unsigned label = ft_label_of(Mdl);
    NTSTATUS status = STATUS_SUCCESS;

    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(Mdl);
    if (!(Mdl->MdlFlags & KNOWN))
        status = STATUS_INVALID_PARAMETER_1;
    else if (NumberOfBytes >= Mdl->ByteCount)
        status = STATUS_INVALID_PARAMETER_2;
    else
        advance(Mdl, NumberOfBytes);
    ft_emit(FT_EV_MDL_ADVANCE, ft_handle_of(Mdl), NumberOfBytes, (uint32_t)status);
    FT_DDI_END(MDL, label);
    return status;
}

static void copy_pfns(const MDL *source, uint64_t offset, PMDL target)
{
    uint64_t first = (source->ByteOffset + offset) >> PAGE_SHIFT, pages = pages_of(source);

    for (unsigned i = 0; i < pages_of(target); i++)
        MmGetMdlPfnArray(target)[i] =
            first + i < pages ? MmGetMdlPfnArray(source)[first + i] : NO_PFN;
}

/* Length 0: to the end of the source. The target keeps its size and allocation. */
VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    enum {
        KEPT = MDL_ALLOCATED_FIXED_SIZE,
        HAS_ADDRESS =
            MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARENT_MAPPED_SYSTEM_VA
    };
    unsigned label = ft_label_of(SourceMdl);
    uint64_t offset;
    ULONG capacity;

    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(SourceMdl);
    ft_mdl_check(TargetMdl);
    offset = ft_mdl_offset(SourceMdl, VirtualAddress);
    if (Length == 0 && offset < SourceMdl->ByteCount)
        Length = SourceMdl->ByteCount - (ULONG)offset;
    ft_emit(FT_EV_MDL_PARTIAL, ft_handle_of(SourceMdl), ft_handle_of(TargetMdl), offset, Length);
    capacity = (ULONG)(TargetMdl->Size - (CSHORT)sizeof(MDL)) / (ULONG)sizeof(PFN_NUMBER);
    if (ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length) > capacity)
        ft_bugcheck(TARGET_MDL_TOO_SMALL, 0, 0, 0, 0);
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->MdlFlags = (CSHORT)((TargetMdl->MdlFlags & KEPT) | MDL_PARTIAL);
    TargetMdl->MappedSystemVa = NULL;
    if (SourceMdl->MdlFlags & HAS_ADDRESS) {
        TargetMdl->MappedSystemVa = (PUCHAR)SourceMdl->MappedSystemVa + offset;
        TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
    }
    copy_pfns(SourceMdl, offset, TargetMdl);
    FT_DDI_END(MDL, label);
}
