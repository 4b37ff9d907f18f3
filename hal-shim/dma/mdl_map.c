/* Mappings of MDLs: system addresses, user addresses, reserved addresses (wdm-io sheet, section
 * 11).
 *
 * All memory is mapped once, so every mapping of an MDL has the same address: the memory's own. Not
 * modelled: a page protection, a chosen user address, the caching type. A reserved address is a
 * name only, never to be dereferenced; what its mapping returns is the memory.
 */
#include "dma/dma_private.h"
#include "world/races.h"

/* The MDL has a user mapping: a bit that Windows keeps for itself. */
#define MAPPED_TO_USER MDL_INTERNAL

enum {
    PAGES_RESERVED = 4, /* last argument of pages:alloc and pages:free */
    NO_MORE_SYSTEM_PTES = 0x3F,
    SYSTEM_PTE_MISUSE = 0xDA
};

/* ---- locked pages ---- */

static void set_flags(PMDL mdl, unsigned set, unsigned clear)
{
    mdl->MdlFlags = (CSHORT)(((unsigned)(USHORT)mdl->MdlFlags & ~clear) | set);
}

/* NULL when its pages are not locked, or the choice fail-alloc says so. */
static PVOID new_address(const MDL *mdl)
{
    if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) || ft_alloc_fails(FT_FAIL_MAPPING))
        return NULL;
    if (mdl->ByteCount == 0)
        return MmGetMdlVirtualAddress(mdl);
    return ft_mdl_memory(mdl, MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
}

/* The system address, made at the first call. */
static PVOID system_address(PMDL mdl)
{
    enum { HAS_ADDRESS = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL };
    PVOID address;

    if (!ft_mdl_readable(mdl))
        return NULL;
    if (mdl->MdlFlags & HAS_ADDRESS)
        return mdl->MappedSystemVa;
    address = new_address(mdl);
    if (!address)
        return NULL;
    mdl->MappedSystemVa = address;
    set_flags(mdl,
              MDL_MAPPED_TO_SYSTEM_VA |
                  (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0),
              0);
    ft_view_map(mdl, true);
    return address;
}

static PVOID user_address(PMDL mdl)
{
    PVOID address = ft_mdl_readable(mdl) ? new_address(mdl) : NULL;

    if (address) {
        set_flags(mdl, MAPPED_TO_USER, 0);
        ft_view_map(mdl, true);
    }
    return address;
}

static PVOID map(PMDL mdl, bool user, void *caller)
{
    unsigned label = ft_label_of(mdl);
    PVOID address;

    ft_ddi_begin(FT_PT_MDL, label, caller);
    address = user ? user_address(mdl) : system_address(mdl);
    ft_emit(FT_EV_MDL_SYSVA, ft_handle_of(mdl), address != NULL);
    FT_DDI_END(MDL, label);
    return address;
}

/* The routines that do not return NULL: a user mapping raises, a system mapping stops the machine.
 */
static PVOID must_have(PVOID address, bool user, bool may_fail)
{
    if (!address && user)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    if (!address && !may_fail)
        ft_bugcheck(NO_MORE_SYSTEM_PTES, 0, 0, 0, 0);
    return address;
}

PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
    (void)Priority;
    return map(Mdl, false, __builtin_return_address(0));
}

PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    bool user = AccessMode != KernelMode;
    PVOID address = map(MemoryDescriptorList, user, __builtin_return_address(0));

    return must_have(address, user,
                     ft_mdl_readable(MemoryDescriptorList) &&
                         (MemoryDescriptorList->MdlFlags & MDL_MAPPING_CAN_FAIL));
}

PVOID MmMapLockedPagesSpecifyCache(PMDLX MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                   MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                   ULONG BugCheckOnFailure, ULONG Priority)
{
    bool user = AccessMode != KernelMode;

    (void)CacheType;
    (void)RequestedAddress;
    (void)Priority;
    return must_have(map(MemoryDescriptorList, user, __builtin_return_address(0)), user,
                     !BugCheckOnFailure);
}

/* A part whose address is its parent's keeps that. */
static void forget_system_address(PMDL mdl)
{
    if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
        ft_view_map(mdl, false);
    set_flags(mdl, 0, MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    mdl->MappedSystemVa = NULL;
}

void ft_mdl_forget_mappings(PMDL mdl)
{
    forget_system_address(mdl);
    set_flags(mdl, 0, MAPPED_TO_USER);
}

/* With both kinds of mapping the user's goes first: the system's usually lives until the unlock. */
VOID MmUnmapLockedPages(PVOID BaseAddress, PMDLX MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl), mapped = 0;

    (void)BaseAddress;
    FT_DDI_BEGIN(MDL, label);
    if (ft_mdl_readable(mdl))
        mapped = (unsigned)mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MAPPED_TO_USER);
    ft_emit(FT_EV_MDL_UNMAP, ft_handle_of(mdl), mapped != 0);
    if (mapped & MAPPED_TO_USER)
        set_flags(mdl, 0, MAPPED_TO_USER);
    else if (mapped)
        forget_system_address(mdl);
    FT_DDI_END(MDL, label);
}

/* Takes the address back that a part was given; anything else stays as it is. */
VOID MmPrepareMdlForReuse(PMDL Mdl)
{
    unsigned label = ft_label_of(Mdl);

    FT_DDI_BEGIN(MDL, label);
    ft_emit(FT_EV_MDL_REUSE, ft_handle_of(Mdl));
    if (ft_mdl_readable(Mdl) && (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED))
        forget_system_address(Mdl);
    FT_DDI_END(MDL, label);
}

/* Judges its arguments; the protection has no effect. */
NTSTATUS MmProtectMdlSystemAddress(PMDLX MemoryDescriptorList, ULONG NewProtect)
{
    enum {
        CACHING = PAGE_NOCACHE | PAGE_WRITECOMBINE,
        KNOWN = PAGE_NOACCESS | PAGE_READONLY | PAGE_READWRITE | PAGE_EXECUTE | PAGE_EXECUTE_READ |
                PAGE_EXECUTE_READWRITE
    };
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl);
    ULONG access = NewProtect & ~(ULONG)CACHING;
    NTSTATUS status = STATUS_SUCCESS;

    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(mdl);
    if (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA))
        status = STATUS_NOT_MAPPED_VIEW;
    else if (access == 0 || (access & ~(ULONG)KNOWN) || (access & (access - 1)))
        status = STATUS_INVALID_PAGE_PROTECTION;
    FT_DDI_END(MDL, label);
    return status;
}

/* ---- reserved addresses ---- */

struct reservation {
    uint64_t bytes;
    PMDL mdl; /* mapped there, NULL: none */
    ULONG tag;
};

/* Which of its own parameters Windows would give is not modelled. */
static struct reservation *reservation_of(PVOID address, ULONG tag)
{
    struct reservation *reservation = (struct reservation *)address;

    if (!ft_block_is_live(address, FT_HC_PAGES) || reservation->tag != tag)
        ft_bugcheck(SYSTEM_PTE_MISUSE, ft_handle_of(address), 0, 0, 0);
    return reservation;
}

PVOID MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    struct reservation *reservation = NULL;

    FT_DDI_BEGIN(PAGES, 0);
    if (!ft_alloc_fails(FT_FAIL_MAPPING) && NumberOfBytes)
        reservation = ft_block_alloc(sizeof *reservation, FT_HC_PAGES, 0);
    if (reservation) {
        reservation->bytes = ROUND_TO_PAGES(NumberOfBytes);
        reservation->tag = PoolTag;
    }
    ft_emit(FT_EV_PAGES_ALLOC, ft_block_handle(reservation), NumberOfBytes, PAGES_RESERVED);
    FT_DDI_END(PAGES, 0);
    return reservation;
}

VOID MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    const struct reservation *reservation;

    FT_DDI_BEGIN(PAGES, 0);
    reservation = reservation_of(BaseAddress, PoolTag);
    ft_emit(FT_EV_PAGES_FREE, ft_block_handle(BaseAddress), reservation->bytes, PAGES_RESERVED);
    if (reservation->mdl)
        ft_bugcheck(SYSTEM_PTE_MISUSE, ft_handle_of(BaseAddress), 0, 0, 0);
    ft_block_free(BaseAddress);
    FT_DDI_END(PAGES, 0);
}

/* NULL when the MDL needs more pages than are reserved. */
PVOID MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
                                          PMDLX MemoryDescriptorList, MEMORY_CACHING_TYPE CacheType)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl);
    struct reservation *reservation;
    PVOID address = NULL;

    (void)CacheType;
    FT_DDI_BEGIN(MDL, label);
    ft_mdl_check(mdl);
    reservation = reservation_of(MappingAddress, PoolTag);
    if (reservation->mdl)
        ft_bugcheck(SYSTEM_PTE_MISUSE, ft_handle_of(MappingAddress), 0, 0, 0);
    if ((uint64_t)mdl->ByteOffset + mdl->ByteCount <= reservation->bytes)
        address = system_address(mdl);
    if (address)
        reservation->mdl = mdl;
    ft_emit(FT_EV_MDL_SYSVA, ft_handle_of(mdl), address != NULL);
    FT_DDI_END(MDL, label);
    return address;
}

VOID MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDLX MemoryDescriptorList)
{
    PMDL mdl = MemoryDescriptorList;
    unsigned label = ft_label_of(mdl);
    struct reservation *reservation;
    bool mapped;

    FT_DDI_BEGIN(MDL, label);
    reservation = reservation_of(BaseAddress, PoolTag);
    mapped = reservation->mdl && reservation->mdl == mdl;
    ft_emit(FT_EV_MDL_UNMAP, ft_handle_of(mdl), mapped);
    if (!mapped)
        ft_bugcheck(SYSTEM_PTE_MISUSE, ft_handle_of(BaseAddress), 0, 0, 0);
    reservation->mdl = NULL;
    if (ft_mdl_readable(mdl))
        forget_system_address(mdl);
    FT_DDI_END(MDL, label);
}
