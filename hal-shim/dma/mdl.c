/* Memory descriptor lists (wdm-io sheet, section 11; wdm-dma sheet, section 2.10).
 *
 * All memory that an MDL may describe is in the pool arena or in frames, resident and mapped once:
 * locking fills in page frame numbers and changes flags, no more. Not modelled: a separate system
 * mapping (the system address is the address itself), quota, paged pool, MDLs of I/O space.
 */
#include "dma/dma_private.h"
#include "dma/frames.h"

enum { FREED_BEFORE = 7 }; /* first parameter of BAD_POOL_CALLER */

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
        pfn[i] = (PFN_NUMBER)(ft_physical_of((PUCHAR)mdl->StartVa + i * PAGE_SIZE) >> PAGE_SHIFT);
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
    unsigned label = ft_label_of(MemoryDescriptorList);

    FT_DDI_BEGIN(MDL, label);
    fill_pfns(MemoryDescriptorList);
    MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    MemoryDescriptorList->MappedSystemVa = MmGetMdlVirtualAddress(MemoryDescriptorList);
    ft_emit(FT_EV_MDL_BUILD, ft_handle_of(MemoryDescriptorList));
    FT_DDI_END(MDL, label);
}

/* Raises STATUS_ACCESS_VIOLATION when the range is no memory. */
VOID MmProbeAndLockPages(PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                         LOCK_OPERATION Operation)
{
    unsigned label = ft_label_of(MemoryDescriptorList);
    bool write = Operation != IoReadAccess;
    NTSTATUS status = STATUS_SUCCESS;

    (void)AccessMode;
    FT_DDI_BEGIN(MDL, label);
    fill_pfns(MemoryDescriptorList);
    if (!pages_known(MemoryDescriptorList))
        status = STATUS_ACCESS_VIOLATION;
    else
        MemoryDescriptorList->MdlFlags =
            (CSHORT)(MemoryDescriptorList->MdlFlags | MDL_PAGES_LOCKED |
                     (write ? MDL_WRITE_OPERATION : 0));
    ft_emit(FT_EV_MDL_LOCK, ft_handle_of(MemoryDescriptorList), write, (uint32_t)status);
    FT_DDI_END(MDL, label);
    if (status)
        ExRaiseStatus(status);
}

/* Also gives the system address back. */
VOID MmUnlockPages(PMDLX MemoryDescriptorList)
{
    unsigned label = ft_label_of(MemoryDescriptorList);
    bool readable, locked;

    FT_DDI_BEGIN(MDL, label);
    readable = ft_mdl_readable(MemoryDescriptorList);
    locked = readable && (MemoryDescriptorList->MdlFlags & MDL_PAGES_LOCKED);
    ft_emit(FT_EV_MDL_UNLOCK, ft_handle_of(MemoryDescriptorList), locked);
    if (readable) {
        MemoryDescriptorList->MdlFlags &=
            (CSHORT) ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION);
        MemoryDescriptorList->MappedSystemVa = NULL;
    }
    FT_DDI_END(MDL, label);
}

/* The system address, made at the first call; NULL when the MDL is not locked or the choice
 * fail-alloc says so. */
static PVOID system_address(PMDL mdl)
{
    enum { HAS_ADDRESS = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL };

    if (!ft_mdl_readable(mdl))
        return NULL;
    if (mdl->MdlFlags & HAS_ADDRESS)
        return mdl->MappedSystemVa;
    if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) || ft_alloc_fails(FT_FAIL_MAPPING))
        return NULL;
    mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (mdl->MdlFlags & MDL_PARTIAL)
        mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    return mdl->MappedSystemVa;
}

PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
    unsigned label = ft_label_of(Mdl);
    PVOID address;

    (void)Priority;
    FT_DDI_BEGIN(MDL, label);
    address = system_address(Mdl);
    ft_emit(FT_EV_MDL_SYSVA, ft_handle_of(Mdl), address != NULL);
    FT_DDI_END(MDL, label);
    return address;
}

PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    unsigned label = ft_label_of(MemoryDescriptorList);
    PVOID address;

    (void)AccessMode;
    FT_DDI_BEGIN(MDL, label);
    address = system_address(MemoryDescriptorList);
    ft_emit(FT_EV_MDL_SYSVA, ft_handle_of(MemoryDescriptorList), address != NULL);
    FT_DDI_END(MDL, label);
    return address;
}

PVOID MmMapLockedPagesSpecifyCache(PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                   MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                   ULONG BugCheckOnFailure, ULONG Priority)
{
    unsigned label = ft_label_of(MemoryDescriptorList);
    PVOID address;

    (void)AccessMode;
    (void)CacheType;
    (void)RequestedAddress;
    (void)BugCheckOnFailure;
    (void)Priority;
    FT_DDI_BEGIN(MDL, label);
    address = system_address(MemoryDescriptorList);
    ft_emit(FT_EV_MDL_SYSVA, ft_handle_of(MemoryDescriptorList), address != NULL);
    FT_DDI_END(MDL, label);
    return address;
}

VOID MmUnmapLockedPages(PVOID BaseAddress, PMDLX MemoryDescriptorList)
{
    unsigned label = ft_label_of(MemoryDescriptorList);

    (void)BaseAddress;
    FT_DDI_BEGIN(MDL, label);
    if (ft_mdl_readable(MemoryDescriptorList)) {
        MemoryDescriptorList->MdlFlags &=
            (CSHORT) ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
        MemoryDescriptorList->MappedSystemVa = NULL;
    }
    FT_DDI_END(MDL, label);
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

/* Globals and stacks of the driver have no place in the simulated physical memory. */
PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
    uint64_t physical = ft_physical_of(BaseAddress);
    PHYSICAL_ADDRESS address;

    if (physical == FT_NO_PHYSICAL)
        ft_unimplemented("MmGetPhysicalAddress of what is neither pool nor a buffer");
    address.QuadPart = (LONGLONG)physical;
    return address;
}
