/* Addresses and what is behind them: translation, validity, and probes of a requester's buffer
 * (wdm-io sheet, section 11).
 *
 * A requester's buffers are the only user memory that exists; other addresses below the machine's
 * region are user addresses with nothing behind them, and everything else is the kernel's.
 */
#include "dma/frames.h"
#include "world/machine.h"

#include <wdm.h>

/* ---- translation ---- */

/* 0 for an address that has no memory behind it, as in Windows. */
PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
    uint64_t physical = ft_physical_of(BaseAddress);
    PHYSICAL_ADDRESS address = {.QuadPart = 0};

    if (physical != FT_NO_PHYSICAL || ft_window_physical(BaseAddress, &physical))
        address.QuadPart = (LONGLONG)physical;
    return address;
}

/* The kernel's address of the memory or mapped device there, NULL when there is none. */
PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
    uint64_t physical = (uint64_t)PhysicalAddress.QuadPart;
    uint32_t left;
    void *memory = ft_physical_memory(physical, &left);

    return memory ? memory : ft_window_of(physical);
}

static bool in_driver_code(const void *address)
{
    const struct ft_module *module = ft_world_module();
    const unsigned char *at = address;

    return at >= module->code_begin && at < module->code_end;
}

/* A freed block is still a valid address: its page is. */
BOOLEAN MmIsAddressValid(PVOID VirtualAddress)
{
    uintptr_t in_pool = (uintptr_t)VirtualAddress - FT_POOL_BASE;
    uint64_t physical = ft_physical_of(VirtualAddress);

    if (in_pool < FT_POOL_BYTES)
        return in_pool < FT_M->pool_used;
    return physical != FT_NO_PHYSICAL || ft_window_physical(VirtualAddress, &physical) ||
           in_driver_code(VirtualAddress);
}

/* ---- probes ---- */

static bool is_user_range(uintptr_t at, uint64_t bytes)
{
    return (at < FT_REGION_BASE && bytes <= FT_REGION_BASE - at) ||
           (at >= FT_CPU_VIEW_BASE && at < FT_BUS_VIEW_BASE && bytes <= FT_BUS_VIEW_BASE - at);
}

/* A range that a probe for reading takes need not exist; one for writing is written to. */
static NTSTATUS probe(const volatile void *address, SIZE_T bytes, ULONG alignment, bool write)
{
    uintptr_t at = (uintptr_t)address;

    if (bytes == 0)
        return STATUS_SUCCESS;
    if (alignment > 1 && (at & (alignment - 1)))
        return STATUS_DATATYPE_MISALIGNMENT;
    if (!is_user_range(at, bytes) || (write && !ft_is_user_memory((const void *)at, bytes)))
        return STATUS_ACCESS_VIOLATION;
    return STATUS_SUCCESS;
}

static void probe_or_raise(const volatile void *address, SIZE_T bytes, ULONG alignment, bool write,
                           void *caller)
{
    NTSTATUS status;

    ft_ddi_begin(FT_PT_PROBE, 0, caller);
    status = probe(address, bytes, alignment, write);
    ft_emit(FT_EV_PROBE, write, (uint32_t)status);
    FT_DDI_END(PROBE, 0);
    if (status)
        ExRaiseStatus(status);
}

VOID ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    probe_or_raise(Address, Length, Alignment, false, __builtin_return_address(0));
}

VOID ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
    probe_or_raise(Address, Length, Alignment, true, __builtin_return_address(0));
}

/* ---- securing ---- */

/* The requester never changes its memory's protection, so nothing has to be kept from happening;
 * the handle is what there is. NULL when the range is not a requester's. */
HANDLE MmSecureVirtualMemory(PVOID Address, SIZE_T Size, ULONG ProbeMode)
{
    bool write = ProbeMode == PAGE_READWRITE;
    NTSTATUS status = STATUS_ACCESS_VIOLATION;
    HANDLE handle = NULL;

    FT_DDI_BEGIN(PROBE, 0);
    if (Size && (write || ProbeMode == PAGE_READONLY) && ft_is_user_memory(Address, Size))
        status = STATUS_SUCCESS;
    if (!status)
        handle = ft_block_for_driver(sizeof(uint64_t), FT_HC_PAGES, 0);
    ft_emit(FT_EV_PROBE, write, (uint32_t)status);
    FT_DDI_END(PROBE, 0);
    return handle;
}

VOID MmUnsecureVirtualMemory(HANDLE SecureHandle)
{
    FT_DDI_BEGIN(PROBE, 0);
    if (!ft_block_is_live(SecureHandle, FT_HC_PAGES))
        ft_bugcheck(BAD_POOL_CALLER, 0, ft_handle_of(SecureHandle), 0, 0);
    ft_block_free(SecureHandle);
    FT_DDI_END(PROBE, 0);
}
