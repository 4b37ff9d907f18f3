/* IRPs: how they come into being and go (wdm-io sheet, sections 1.1 and 2.5). Stack locations are
 * in irp_stack.c, calling and completing in irp_flow.c, IRPs that the I/O manager builds for a
 * driver in irp_build.c.
 *
 * An IRP of the shim's is a block of the pool arena with the shim's private part at its end. One
 * that a driver makes in memory of its own (IoInitializeIrp) is known by its address, and has no
 * private part: it is the driver's.
 *
 * Not modelled: quota, IRP extensions.
 */
#include "io/io_private.h"

#include <string.h>

enum { BUGCHECK_IO_MANAGER = 0xC9, NOT_AN_IRP_FREED = 1, THREAD_IRP_FREED = 2 };

static size_t locations_end(CCHAR stack_size)
{
    return sizeof(IRP) + (size_t)stack_size * sizeof(IO_STACK_LOCATION);
}

/* The block's size says where it is, so a driver that changes StackCount does not move it. */
struct ft_irp_private *ft_irp_private(PIRP irp)
{
    if (!ft_block_is_live(irp, FT_HC_IRP))
        return NULL;
    return (struct ft_irp_private *)((char *)irp + ft_block_bytes(irp)) - 1;
}

enum ft_irp_owner ft_irp_owner(PIRP irp)
{
    const struct ft_irp_private *private = ft_irp_private(irp);

    return private ? (enum ft_irp_owner) private->owner : FT_IRP_OF_DRIVER;
}

uint64_t ft_irp_handle(const void *irp)
{
    uint64_t block = ft_block_handle(irp);

    if (ft_handle_class(block) == FT_HC_IRP)
        return block;
    block = ft_object_find(irp, FT_HC_IRP);
    return block ? block : ft_handle_of(irp);
}

unsigned ft_irp_id(PIRP irp)
{
    return ft_handle_id(ft_irp_handle(irp));
}

bool ft_irp_is_live(const IRP *irp)
{
    if (ft_block_is_live(irp, FT_HC_IRP))
        return true;
    return ft_object_find(irp, FT_HC_IRP) && irp->Type == IO_TYPE_IRP;
}

static void initialize(PIRP irp, CCHAR stack_size)
{
    irp->Type = IO_TYPE_IRP;
    irp->Size = (USHORT)locations_end(stack_size);
    irp->StackCount = stack_size;
    irp->CurrentLocation = (CHAR)(stack_size + 1);
    irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + stack_size;
    InitializeListHead(&irp->ThreadListEntry);
}

PIRP ft_irp_create(CCHAR stack_size, enum ft_irp_owner owner, unsigned index, unsigned label)
{
    size_t bytes = (locations_end(stack_size) + 7) / 8 * 8 + sizeof(struct ft_irp_private);
    PIRP irp = ft_block_alloc(bytes, FT_HC_IRP, label);

    if (!irp)
        return NULL;
    initialize(irp, stack_size);
    ft_irp_private(irp)->owner = (uint8_t)owner;
    ft_irp_private(irp)->index = (uint8_t)index;
    ft_irp_private(irp)->device = FT_DEV->number;
    return irp;
}

void ft_io_cut(void)
{
    ft_emit(FT_EV_RUN_CUT, FT_M->steps);
    ft_stop(FT_STOP_CUT);
}

PIRP ft_irp_create_or_cut(CCHAR stack_size, enum ft_irp_owner owner, unsigned index, unsigned label)
{
    PIRP irp = ft_irp_create(stack_size, owner, index, label);

    if (!irp)
        ft_io_cut();
    return irp;
}

void ft_irp_announce(PIRP irp, uint32_t length, bool write, PIRP master)
{
    const IO_STACK_LOCATION *next = IoGetNextIrpStackLocation(irp);
    unsigned code = (unsigned)next->MajorFunction << 8 | next->MinorFunction;

    ft_emit(FT_EV_IRP_NEW, ft_irp_handle(irp), code, length, write, ft_handle_of(irp->MdlAddress),
            ft_block_handle(next->FileObject), (uint32_t)irp->IoStatus.Status,
            master ? ft_irp_handle(master) : 0);
}

void ft_irp_announce_system(PIRP irp, uint32_t length, bool write)
{
    uint16_t request = ft_current()->request;
    uint8_t layer = ft_layer_set(FT_LAYER_HARNESS);

    ft_current()->request = (uint16_t)ft_irp_id(irp);
    ft_irp_announce(irp, length, write, NULL);
    ft_current()->request = request;
    ft_layer_set(layer);
}

static void free_irp(PIRP irp)
{
    uint64_t handle = ft_block_handle(irp);

    ft_emit_as(FT_LAYER_HARNESS, ft_handle_id(handle), FT_EV_IRP_FREE, 1, &handle);
    ft_block_free(irp);
}

void ft_irp_retire(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);

    private->ended = 1;
    if (private->pins == 0)
        free_irp(irp);
}

void ft_irp_pin(PIRP irp)
{
    ft_irp_private(irp)->pins++;
}

void ft_irp_unpin(PIRP irp)
{
    struct ft_irp_private *private = ft_irp_private(irp);

    FT_ASSERT(private->pins > 0);
    if (--private->pins == 0 && private->ended)
        free_irp(irp);
}

void ft_irp_check(PIRP irp, unsigned code)
{
    if (!ft_irp_is_live(irp))
        ft_bugcheck(BUGCHECK_IO_MANAGER, code, ft_handle_of(irp), 0, 0);
}

/* ---- the routines ---- */

static PIRP allocate(CCHAR stack_size)
{
    PIRP irp =
        ft_alloc_fails(FT_FAIL_IRP) ? NULL : ft_irp_create(stack_size, FT_IRP_OF_DRIVER, 0, 0);

    ft_emit(FT_EV_IRP_NEW, ft_handle_of(irp), 0, 0, false, 0, 0, 0, 0);
    return irp;
}

/* IoAllocateIrp: the caller frees it with IoFreeIrp, from a completion routine that keeps it. */
PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP irp;

    (void)ChargeQuota;
    FT_DDI_BEGIN(IRP_ALLOC, 0);
    irp = allocate(StackSize);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

/* The device object only serves tracing in Windows. */
PIRP IoAllocateIrpEx(PDEVICE_OBJECT DeviceObject, CCHAR StackSize, BOOLEAN ChargeQuota)
{
    PIRP irp;

    (void)DeviceObject;
    (void)ChargeQuota;
    FT_DDI_BEGIN(IRP_ALLOC, 0);
    irp = allocate(StackSize);
    FT_DDI_END(IRP_ALLOC, 0);
    return irp;
}

/* An associated IRP goes with its master, or is freed by a completion routine that kept it. */
PIRP IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize)
{
    unsigned label = ft_label_of(Irp);
    PIRP irp = NULL;

    FT_DDI_BEGIN(IRP_ALLOC, label);
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    if (!ft_alloc_fails(FT_FAIL_IRP))
        irp = ft_irp_create(StackSize, FT_IRP_ASSOCIATED, 0, label);
    if (irp) {
        irp->Flags |= IRP_ASSOCIATED_IRP;
        irp->AssociatedIrp.MasterIrp = Irp;
        irp->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
    }
    ft_emit(FT_EV_IRP_NEW, ft_handle_of(irp), 0, 0, false, 0, 0, 0, ft_irp_handle(Irp));
    FT_DDI_END(IRP_ALLOC, label);
    return irp;
}

/* Memory of IoInitializeIrp is not freed here. */
VOID IoFreeIrp(PIRP Irp)
{
    uint64_t handle = ft_irp_handle(Irp);

    FT_DDI_BEGIN(IRP_ALLOC, ft_label_of(Irp));
    ft_emit(FT_EV_IRP_FREE, handle);
    if (!ft_block_is_live(Irp, FT_HC_IRP))
        ft_bugcheck(BUGCHECK_IO_MANAGER, NOT_AN_IRP_FREED, handle, 0, 0);
    if (ft_irp_owner(Irp) != FT_IRP_OF_DRIVER && ft_irp_owner(Irp) != FT_IRP_ASSOCIATED)
        ft_bugcheck(BUGCHECK_IO_MANAGER, THREAD_IRP_FREED, handle, 0, 0);
    ft_block_free(Irp);
    FT_DDI_END(IRP_ALLOC, 0);
}

/* IoInitializeIrp: for memory of the driver's own. On an IRP of IoAllocateIrp it is an error that
 * Windows does not see; the event says so. */
VOID IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    bool allocated = ft_block_is_live(Irp, FT_HC_IRP);

    FT_DDI_BEGIN(IRP_ALLOC, 0);
    memset(Irp, 0, PacketSize);
    initialize(Irp, StackSize);
    Irp->Size = PacketSize;
    ft_emit(FT_EV_IRP_INIT, allocated ? ft_block_handle(Irp) : ft_object_register(Irp, FT_HC_IRP),
            allocated);
    FT_DDI_END(IRP_ALLOC, 0);
}

/* IoReuseIrp: for IRPs of IoAllocateIrp that are not in use. */
VOID IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
    struct ft_irp_private *private;
    CCHAR stack_size;

    FT_DDI_BEGIN(IRP_ALLOC, ft_label_of(Irp));
    ft_irp_check(Irp, FT_NOT_AN_IRP);
    private = ft_irp_private(Irp);
    stack_size = Irp->StackCount;
    memset(Irp, 0, locations_end(stack_size));
    initialize(Irp, stack_size);
    Irp->IoStatus.Status = Iostatus;
    ft_emit(FT_EV_IRP_REUSE, ft_irp_handle(Irp), (uint32_t)Iostatus,
            private && private->sent_at != 0);
    FT_DDI_END(IRP_ALLOC, 0);
}
